/* What a correlation changes in a line of ours (docs/maths.md C14, C15). */
#include <string.h>

#include "engine/track/state.h"

enum { FUSE_PIECE = 4 };
static const int64_t same_age_ns = 3000000000;
static const int64_t fresh_ns = 15000000000; /* what drag has done since, an older line can't know */

/* Does everything that the other centre knows come from sensors that this track of ours has used itself, and
 * of late? */
static bool known_already(const struct tracker *tracker, const struct track *track,
                          const struct foreign_track *line) {
  const struct site *site = tracker->site;
  if (line->sensors_more || line->nations_more || line->sensor_count == 0) return false;
  if (line->time_ns - track->newest_ns > same_age_ns) return false;
  uint32_t nations = 0;
  for (uint32_t s = 0; s < line->sensor_count; s++) {
    bool used = false;
    for (uint32_t i = 0; i < site->sensor_count && !used; i++) {
      used = site->sensors[i].id == line->sensors[s] && (track->sensors[i / 64] >> (i % 64) & 1);
      for (uint32_t n = 0; used && n < tracker->foreign.names->nation_count; n++) {
        if (strcmp(tracker->foreign.names->nations[n], site->sensors[i].nation) == 0)
          nations |= (uint32_t)1 << n;
      }
    }
    if (!used) return false;
  }
  return (line->nations & ~nations) == 0;
}

/* The time that the line of this track is for. */
static int64_t line_time_ns(const struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  int64_t foreign_ns = tracker->foreign.line_ns[slot];
  return foreign_ns - track->newest_ns >= same_age_ns ? foreign_ns : track->time_ns;
}

struct fuse_job {
  struct tracker *tracker;
  uint32_t count;
};

static void intersect_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct fuse_job *job = argument;
  const struct foreign_table *t = &job->tracker->foreign;
  for (uint32_t b = begin; b < end; b++) {
    struct wk_gauss_block ours, theirs;
    wk_lane weight;
    for (uint32_t l = 0; l < WK_LANES; l++) {
      uint32_t at = b * WK_LANES + l < job->count ? b * WK_LANES + l : b * WK_LANES;
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) {
        ours.e[k][l] = job->tracker->moments[t->slots[at]][k];
        theirs.e[k][l] = t->own[at][k];
      }
    }
    job->tracker->filter.kernels->gauss_intersect(&ours, &theirs, &ours, weight);
    for (uint32_t l = 0; l < WK_LANES && b * WK_LANES + l < job->count; l++) {
      double *moments = job->tracker->moments[t->slots[b * WK_LANES + l]];
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) moments[k] = ours.e[k][l];
    }
  }
}

/* Ours whose line is for a later time than their own. */
static void own_advance(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t count = 0;
  for (uint32_t i = 0; i < tracker->touched_count && count < CORRELATE_OWN_MAX; i++) {
    uint32_t slot = tracker->touched[i];
    const struct track *track = &tracker->store.tracks[slot];
    double dt_s = (double)(line_time_ns(tracker, slot) - track->time_ns) * 1e-9;
    if (dt_s == 0) continue;
    t->items[count++] = (struct gauss_item){.state = tracker->moments[slot],
                                            .dt_s = dt_s,
                                            .accel_mps2 = phase_accel_mps2(track->class_ != CLASS_UNKNOWN, track->phase),
                                            .level = track_ballistic_probability(track) < 0.5};
  }
  gauss_items_move(&tracker->filter, t->items, count);
}

/* The `turn`-th correlation of each touched track that has so many. */
static uint32_t turn_collect(struct tracker *tracker, int turn) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t count = 0;
  for (uint32_t i = 0; i < tracker->touched_count && count < CORRELATE_OWN_MAX; i++) {
    uint32_t slot = tracker->touched[i], at = t->of_slot[slot];
    for (int k = 0; k < turn && at != FOREIGN_NONE; k++) at = t->entries[at].next_same;
    if (at == FOREIGN_NONE) continue;
    const struct foreign_track *line = &t->entries[at].line;
    if (line_time_ns(tracker, slot) - line->time_ns > fresh_ns) continue;
    if (known_already(tracker, &tracker->store.tracks[slot], line)) {
      tracker->statistics.lines_known++;
      continue;
    }
    memcpy(t->own[count], line->position_m, sizeof line->position_m);
    memcpy(t->own[count] + 3, line->velocity_mps, sizeof line->velocity_mps);
    memcpy(t->own[count] + 6, line->covariance, sizeof line->covariance);
    t->items[count] =
        (struct gauss_item){.state = t->own[count],
                            .dt_s = (double)(line_time_ns(tracker, slot) - line->time_ns) * 1e-9,
                            .accel_mps2 = phase_accel_mps2(line->has_phase, line->phase),
                            .level = line->class_ == CLASS_AIRCRAFT};
    t->slots[count++] = slot;
  }
  tracker->statistics.lines_fused += count;
  return count;
}

void correlate_fuse(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  if (t->high == 0) return;
  own_advance(tracker);
  for (int turn = 0; turn < REPORT_CORRELATED_MAX; turn++) {
    struct fuse_job job = {.tracker = tracker, .count = turn_collect(tracker, turn)};
    if (job.count == 0) continue;
    gauss_items_move(&tracker->filter, t->items, job.count);
    uint32_t blocks = (job.count + WK_LANES - 1) / WK_LANES;
    tracker->parallel.run(tracker->parallel.context, intersect_piece, &job, blocks, FUSE_PIECE);
  }
}

void correlate_state(const struct tracker *tracker, uint32_t slot, struct track_report *report) {
  const struct foreign_table *t = &tracker->foreign;
  if (t->high == 0) return;
  report->time_ns = line_time_ns(tracker, slot);
  uint32_t at = t->of_slot[slot];
  if (at == FOREIGN_NONE) return;
  struct foreign_ties *ties = &t->entries[at].ties;
  *ties = (struct foreign_ties){.names = t->names};
  for (; at != FOREIGN_NONE && ties->correlated_count < REPORT_CORRELATED_MAX; at = t->entries[at].next_same) {
    ties->correlated[ties->correlated_count++] =
        (struct correlated_track){.centre = t->entries[at].line.centre, .track = t->entries[at].line.track};
  }
  report->ties = ties;
}
