/* The engine, measured: each candidate has one of its own, on a thread of its own as in the server, and all step the same
 * frames by turns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/feeder.h"
#include "engine/platform/errand.h"
#include "engine/tune/tune.h"
#include "engine/tune/tune_world.h"
#include "kernels/wk.h"

enum { WARM_SCANS = 8, TRACKS_MAX = 4 * WORLD_OBJECTS, PAUSE_NS = 200000 };
const char *const tune_frame_names[TUNE_FRAME_FORMS] = {"frames of 16", "of 64", "of 256", "of 1,024", "of 4,096"};
static const uint32_t frame_detections[TUNE_FRAME_FORMS] = {16, 64, 256, 1024, 4096};
/* Of each in a scan: what else runs on the machine hits some of the short ones, and a turn is their median. */
static const int frames_of_form[TUNE_FRAME_FORMS] = {16, 8, 4, 2, 1};
enum { FRAMES_MAX = 16 };

/* One candidate's engine. */
struct runner {
  struct feeder feeder;
  const struct world *world;
  const char *kernels;
  struct errand stepping; /* what stands above is its thread's while it steps, and so are the times */
  bool opened;
  double ns[TUNE_FRAME_FORMS];
};

/* Frames come with a pause between them, in which workers may fall asleep; at full load there is none, but then frames are
 * large and their beginning counts little. */
static void scan_step(void *context) {
  struct runner *runner = context;
  const struct timespec pause = {.tv_nsec = PAUSE_NS};
  uint32_t next = 0;
  (void)wk_choose(runner->kernels); /* for what asks at every call */
  for (int form = 0; form < TUNE_FRAME_FORMS; form++) {
    double ns[FRAMES_MAX] = {0};
    for (int frame = 0; frame < frames_of_form[form]; frame++) {
      nanosleep(&pause, NULL);
      int64_t began_ns = clock_monotonic_ns();
      for (uint32_t d = 0; d < frame_detections[form]; d++) (void)feeder_put(&runner->feeder, &runner->world->scan[next++]);
      feeder_flush(&runner->feeder);
      ns[frame] = (double)(clock_monotonic_ns() - began_ns);
    }
    runner->ns[form] = tune_median(ns, frames_of_form[form]);
  }
}

static int runner_open(struct runner *runner, const struct tune_candidate *candidate, const struct world *world, struct weft_error *err) {
  struct site *site;
  runner->world = world;
  runner->kernels = candidate->profile.kernels;
  (void)wk_choose(runner->kernels);
  int rc = engine_site_parse(world_site, strlen(world_site), "weft tune", &site, err);
  struct engine_options options = {.profile = &candidate->profile, .tracks_max = TRACKS_MAX};
  if (rc == 0) rc = feeder_open(&runner->feeder, site, &options, NULL, NULL, err);
  runner->opened = rc == 0;
  if (rc < 0) return rc;
  rc = errand_open(&runner->stepping, scan_step, runner);
  return rc < 0 ? weft_fail(err, rc, "starting a thread to measure: %s", strerror(-rc)) : 0;
}

static void runner_close(struct runner *runner) {
  errand_close(&runner->stepping);
  if (runner->opened) feeder_close(&runner->feeder);
}

/* One turn of all, beginning with another one each time. Turns below 0 warm up. */
static void turn_run(struct tune_contest *contest, struct runner *runners, int turn) {
  for (int i = 0; i < contest->count; i++) {
    int c = (i + turn + WARM_SCANS) % contest->count;
    errand_begin(&runners[c].stepping);
    (void)errand_wait(&runners[c].stepping);
    for (int form = 0; form < TUNE_FRAME_FORMS && turn >= 0; form++) contest->candidates[c].ns[form][turn] = runners[c].ns[form];
  }
}

int tune_engine_run(struct tune_contest *contest, bool receiving, const struct tune_progress *progress, struct weft_error *err) {
  struct runner *runners = calloc((size_t)contest->count, sizeof *runners);
  struct world *world = calloc(1, sizeof *world);
  struct tune_receiver *receiver = NULL;
  int opened = 0;
  if (!runners || !world) {
    free(runners);
    free(world);
    return weft_fail(err, -ENOMEM, "out of memory to measure");
  }
  int rc = 0;
  world_begin(world);
  for (; rc == 0 && opened < contest->count; opened++) rc = runner_open(&runners[opened], &contest->candidates[opened], world, err);
  if (rc == 0 && receiving) rc = tune_receiver_open(&receiver, err);
  for (int turn = -WARM_SCANS; rc == 0 && turn < contest->turns; turn++) {
    world_scan(world);
    turn_run(contest, runners, turn);
    tune_progress_show(progress, turn + WARM_SCANS, contest->turns + WARM_SCANS);
  }
  tune_receiver_close(receiver);
  for (int c = 0; c < opened; c++) runner_close(&runners[c]);
  free(runners);
  free(world);
  return rc;
}
