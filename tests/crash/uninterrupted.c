/* What an uninterrupted server would have said: the frames of all runs in some journals, in their order,
 * through one engine that is never loaded from a snapshot. New tracks are numbered from each run's own
 * beginning, as servers do. Frames of a run beyond the one that the next run goes on from were never taken
 * over and are left out.
 *
 *     crash_uninterrupted LINES JOURNAL...
 *
 * The lines of run k, from 0, go to LINES.k. The first run must begin from nothing and each other one go on
 * from the one before it. For each run a line on stdout: the newest frame and the hash of the state after it.
 * Status 1 and a line on stderr where a frame is missing or comes twice. Before a run that goes on from
 * frames that are in no journal, as a standby may (a frame that had arrived there, but not on the disk of the
 * server that died): a line `gap` and their number; then that run's own state is loaded after all. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emit/line_file.h"
#include "engine/feeder.h"
#include "engine/journal_input.h"
#include "engine/server/resume.h"

enum { RUNS_MAX = 64 };

struct uninterrupted {
  struct journal_reader *readers[RUNS_MAX];
  const char *paths[RUNS_MAX]; /* of the journals that they read */
  int runs;
  struct feeder feeder;
  struct frame frame;
  struct line_file *lines;
  uint64_t last; /* the newest frame that was stepped */
};

static void lines_put(void *context, const struct step_output *output) {
  struct uninterrupted *all = context;
  line_file_put(all->lines, output, all->feeder.engine.site);
}

static int engine_begin(struct uninterrupted *all, int run, struct weft_error *err) {
  struct site *site;
  const struct journal_reader *reader = all->readers[run];
  struct engine_options options = {.workers = 1,
                                   .tracks_max = journal_tracks_max(reader),
                                   .track_base = journal_head_of(reader)->track_base};
  int rc = journal_site_parse(reader, all->paths[run], &site, err);
  return rc < 0 ? rc : feeder_open(&all->feeder, site, &options, lines_put, all, err);
}

/* The frames of one run. What its kill cut short was never accepted. */
static int run_step(struct uninterrupted *all, struct journal_reader *reader, uint64_t through,
                    struct weft_error *err) {
  for (;;) {
    int rc = journal_next(reader, &all->frame);
    if (rc == 1 && all->frame.number > through) return 0;
    if (rc == -EILSEQ && journal_damage_of(reader).verdict == JOURNAL_CUT && !journal_skip_segment(reader))
      return 0;
    if (rc <= 0) return rc < 0 ? weft_fail(err, rc, "the journal can't be read: %s", strerror(-rc)) : 0;
    if (all->frame.number != all->last + 1)
      return weft_fail(err, -EINVAL, "frame %llu follows frame %llu", (unsigned long long)all->frame.number,
                       (unsigned long long)all->last);
    all->last = all->frame.number;
    feeder_frame(&all->feeder, &all->frame);
  }
}

/* The frame that the reader's run goes on from; 0: it begins from nothing. */
static uint64_t base_of(const struct journal_reader *reader) {
  char base[24];
  return journal_parameter(journal_head_of(reader), JOURNAL_BASE_KEY, base, sizeof base)
             ? strtoull(base, NULL, 10)
             : 0;
}

/* All runs of all journals, opened. */
static int runs_open(struct uninterrupted *all, char **paths, int count, struct weft_error *err) {
  for (int p = 0; p < count; p++) {
    uint64_t runs = 1;
    for (uint64_t run = 0; run < runs; run++) {
      if (all->runs == RUNS_MAX) return weft_fail(err, -E2BIG, "more than %d runs", RUNS_MAX);
      all->paths[all->runs] = paths[p];
      int rc = journal_open(&all->readers[all->runs], paths[p], run, err);
      if (rc < 0) return rc;
      runs = journal_run_count(all->readers[all->runs++]);
    }
  }
  return 0;
}

/* The run goes on from frames that are in no journal. */
static int gap_pass(struct uninterrupted *all, int run, struct weft_error *err) {
  struct journal_reader *reader = all->readers[run];
  printf("gap %llu\n", (unsigned long long)(base_of(reader) - all->last));
  all->last = base_of(reader);
  feeder_close(&all->feeder);
  int rc = engine_begin(all, run, err);
  if (rc == 0) rc = run_base_load(&all->feeder.engine, reader, all->paths[run], all->feeder.ledger, err);
  return rc < 0 ? rc : 0;
}

static int run_begin(struct uninterrupted *all, int run, struct weft_error *err) {
  struct journal_reader *reader = all->readers[run];
  uint64_t base = base_of(reader);
  if (run == 0 && base == 0) return engine_begin(all, run, err);
  if (run == 0 || base < all->last)
    return weft_fail(err, -EINVAL, "run %d goes on from frame %llu instead of %llu", run,
                     (unsigned long long)base, (unsigned long long)all->last);
  if (base > all->last) return gap_pass(all, run, err);
  engine_carry(&all->feeder.engine, journal_head_of(reader)->track_base, all->feeder.ledger);
  return 0;
}

static int runs_step(struct uninterrupted *all, const char *lines, struct weft_error *err) {
  int rc = 0;
  for (int run = 0; run < all->runs && rc == 0; run++) {
    char file[PATH_MAX];
    uint64_t through = run + 1 < all->runs ? base_of(all->readers[run + 1]) : UINT64_MAX;
    snprintf(file, sizeof file, "%s.%d", lines, run);
    rc = run_begin(all, run, err);
    if (rc == 0) rc = line_file_open(&all->lines, file, err);
    if (rc == 0) rc = run_step(all, all->readers[run], through, err);
    if (rc == 0) rc = line_file_close(all->lines);
    if (rc == 0)
      printf("%llu %016llx\n", (unsigned long long)all->last,
             (unsigned long long)engine_hash(&all->feeder.engine));
    journal_close(all->readers[run]);
  }
  return rc;
}

int main(int argc, char **argv) {
  static struct uninterrupted all;
  struct weft_error err = {""};
  struct arena arena;
  if (argc < 3) {
    fprintf(stderr, "usage: crash_uninterrupted LINES JOURNAL...\n");
    return 2;
  }
  int rc = arena_open(&arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096);
  if (rc == 0) rc = frame_open(&all.frame, &arena, FRAME_DETECTIONS_MAX);
  if (rc == 0) rc = runs_open(&all, argv + 2, argc - 2, &err);
  if (rc == 0) rc = runs_step(&all, argv[1], &err);
  if (rc < 0) fprintf(stderr, "%s\n", err.text[0] ? err.text : strerror(-rc));
  return rc < 0;
}
