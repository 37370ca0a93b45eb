/* After a simulated server's life another one goes on from what its disk holds: journal and snapshots. */
#include <string.h>
#include <time.h>

#include "engine/server/resume.h"
#include "tests/sim/world/world.h"

static void resumed_compare(const struct resumed *resumed, struct engine *engine, bool lied) {
  unsigned long long at = resumed->frame, replayed = world.replayed_frame;
  world.resumed = true;
  world.from_snapshot = resumed->snapshot_frame > 0;
  if (resumed->skipped > 0) world_fail("resume: frames passed over that never crashed");
  if (at < replayed && !lied) world_fail("resume: frame %llu of %llu that can be replayed", at, replayed);
  /* A snapshot may hold what the journal has lost; then there is nothing to compare it with. */
  if (at == replayed && world.replayed_whole && engine_hash(engine) != world.replayed_hash)
    world_fail("resume: another state after frame %llu than a replay has (snapshot of frame %llu)", at,
               (unsigned long long)resumed->snapshot_frame);
}

void resume_check(const char *journal, uint64_t run, bool lied) {
  struct engine engine;
  struct arena arena;
  struct frame frame;
  struct step_output output;
  struct site *site;
  struct journal_reader *reader;
  struct resumed resumed;
  struct weft_error err = {""};
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (run_state_start(journal, run, 0, &err) < 0 || journal_open(&reader, journal, JOURNAL_RUN_NEWEST, &err) < 0) {
    world_fail("resume: %s", err.text);
    return;
  }
  const struct journal_head *head = journal_head_of(reader);
  int rc = engine_site_parse(head->site_text, head->site_size, journal, &site, &err);
  journal_close(reader);
  struct engine_options options = {.workers = 1, .tracks_max = WORLD_TRACKS_MAX, .track_base = 1};
  if (rc == 0) rc = engine_open(&engine, site, &options, &err);
  if (rc < 0) {
    world_fail("resume: %s", err.text);
    return;
  }
  weft_assert(arena_open(&arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096) == 0);
  weft_assert(frame_open(&frame, &arena, FRAME_DETECTIONS_MAX) == 0 && engine_output_open(&engine, &output, &err) == 0);
  run_resume(&engine, &(struct resume_options){.directory = journal, .age_max_ns = INT64_MAX, .frame = &frame, .output = &output,
                                               .now_ns = (int64_t)now.tv_sec * 1000000000}, &resumed);
  if (resumed.any) resumed_compare(&resumed, &engine, lied);
  else if (world.replayed_frame > 0) world_fail("resume: nothing is gone on with");
  engine_close(&engine);
  arena_close(&arena);
}
