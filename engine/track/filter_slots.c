#include <math.h>

#include "engine/track/lanes.h"

enum { BLOCKS_PER_PIECE = 4 };

/* Tracks alone, without plots: advance, summarise, moments. */
struct slots_job {
  struct filter *filter;
  const uint32_t *slots;
  uint32_t count;
  int64_t time_ns;         /* INT64_MIN: no advance */
  bool freely;             /* no burn begins meanwhile */
  const int64_t *times_ns; /* one per slot instead, or NULL */
  double (*moments)[27];   /* or NULL: summarise */
  bool by_slot;            /* moments[slot], else in the order of slots */
};

static void run_slots(const struct slots_job *job, uint32_t first) {
  struct track *tracks[WK_LANES] = {0};
  wk_lane dt_s = {0}, loud = {0};
  struct lanes lanes;
  uint32_t left = job->count - first;
  int count = left < WK_LANES ? (int)left : WK_LANES;
  for (int i = 0; i < count; i++) tracks[i] = &job->filter->store->tracks[job->slots[first + (uint32_t)i]];
  lanes_load(job->filter, &lanes, tracks);
  if (job->time_ns != INT64_MIN) {
    struct track *moved[WK_LANES] = {0};
    int64_t until_ns[WK_LANES];
    for (int i = 0; i < count; i++) {
      until_ns[i] = job->times_ns ? job->times_ns[first + (uint32_t)i] : job->time_ns;
      dt_s[i] = fmin(fmax((double)(until_ns[i] - tracks[i]->time_ns) * 1e-9, 0), 600);
      if (dt_s[i] > 0) moved[i] = tracks[i];
    }
    lanes_predict(job->filter, &lanes, dt_s, loud,
                  job->freely ? &job->filter->tuning_free : &job->filter->tuning);
    lanes_store(job->filter, &lanes, moved);
    for (int i = 0; i < count; i++) {
      if (moved[i]) moved[i]->time_ns = until_ns[i];
    }
  }
  struct wk_gauss_block moments;
  lanes_moments(job->filter, &lanes, tracks, &moments);
  if (!job->moments) tracks_summarise(job->filter, tracks, &moments);
  for (int i = 0; i < count && job->moments; i++) {
    uint32_t at = first + (uint32_t)i;
    moments_put(&moments, i, job->moments[job->by_slot ? job->slots[at] : at]);
  }
}

static void run_slot_pieces(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  for (uint32_t block = begin; block < end; block++) run_slots(argument, block * WK_LANES);
}

static void slots_run(struct slots_job job) {
  uint32_t blocks = (job.count + WK_LANES - 1) / WK_LANES;
  struct parallel *parallel = &job.filter->parallel;
  if (blocks) parallel->run(parallel->context, run_slot_pieces, &job, blocks, BLOCKS_PER_PIECE);
}

void filter_advance(struct filter *filter, const uint32_t *slots, uint32_t count, int64_t time_ns,
                    bool freely) {
  slots_run((struct slots_job){
      .filter = filter, .slots = slots, .count = count, .time_ns = time_ns, .freely = freely});
}

void filter_advance_each(struct filter *filter, const uint32_t *slots, uint32_t count,
                         const int64_t *times_ns) {
  slots_run((struct slots_job){.filter = filter, .slots = slots, .count = count, .times_ns = times_ns});
}

void filter_summarise(struct filter *filter, const uint32_t *slots, uint32_t count) {
  slots_run((struct slots_job){.filter = filter, .slots = slots, .count = count, .time_ns = INT64_MIN});
}

void filter_moments(struct filter *filter, const uint32_t *slots, uint32_t count, double (*moments)[27]) {
  slots_run((struct slots_job){
      .filter = filter, .slots = slots, .count = count, .time_ns = INT64_MIN, .moments = moments});
}

void filter_moments_by_slot(struct filter *filter, const uint32_t *slots, uint32_t count,
                            double (*moments)[27]) {
  slots_run((struct slots_job){.filter = filter,
                               .slots = slots,
                               .count = count,
                               .time_ns = INT64_MIN,
                               .moments = moments,
                               .by_slot = true});
}
