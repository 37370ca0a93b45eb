/* Snapshots of a running engine: when one is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/journal/snapshot.h"
#include "engine/server/snapshots.h"

enum { TURNS_MAX = 20000, TURN_US = 1000 };

static const char site_text[] =
    "sensors:\n"
    "  - {id: 1, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, sigma: {x_m: 20}}\n";

static char folder[64];
static struct engine engine;

static int engine_begin(void **state) {
  (void)state;
  struct weft_error err;
  struct site *site;
  struct engine_options options = {.workers = 1, .tracks_max = 64};
  snprintf(folder, sizeof folder, "/tmp/weft-snapshots-XXXXXX");
  if (!mkdtemp(folder) || engine_site_parse(site_text, strlen(site_text), "site", &site, &err) < 0 ||
      engine_open(&engine, site, &options, &err) < 0)
    return -1;
  engine_seal(&engine);
  return 0;
}

static int engine_end(void **state) {
  (void)state;
  char command[128];
  engine_close(&engine);
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static int64_t no_time(void) {
  return 0;
}

static void a_snapshot_waits_until_the_journal_keeps_its_frames(void **state) {
  (void)state;
  struct snapshots *snapshots;
  struct weft_error err;
  struct snapshots_options options = {.engine = &engine, .directory = folder, .every_ns = 10, .run = 7};
  char path[128];
  assert_int_equal(snapshots_open(&snapshots, &options, &err), 0);
  snapshot_turn_path(path, sizeof path, folder, 0);
  snapshots_turn(snapshots, 1, 41);
  snapshots_turn(snapshots, 11, 41); /* wanted */
  snapshots_frame(snapshots, 42, 1000, no_time);
  for (int i = 0; i < 100; i++) {
    snapshots_turn(snapshots, 12, 41);
    usleep(TURN_US);
  }
  assert_int_equal(snapshots_figures(snapshots).written, 0);
  assert_int_equal(access(path, F_OK), -1);
  for (int i = 0; i < TURNS_MAX && snapshots_figures(snapshots).written == 0; i++) {
    snapshots_turn(snapshots, 13, 42);
    usleep(TURN_US);
  }
  struct snapshot_head head;
  uint8_t *data;
  assert_int_equal(snapshot_read(path, &head, &data, &err), 0);
  assert_true(head.run == 7 && head.frame == 42 && head.time_ns == 1000);
  free(data);
  snapshots_close(snapshots);
}

static void a_state_for_a_standby_waits_for_no_journal(void **state) {
  (void)state;
  struct snapshots *snapshots;
  struct weft_error err;
  struct snapshots_options options = {.engine = &engine, .directory = folder, .every_ns = 10, .run = 8};
  struct snapshot_head head;
  uint64_t size;
  assert_int_equal(snapshots_open(&snapshots, &options, &err), 0);
  snapshots_turn(snapshots, 1, 0);
  snapshots_turn(snapshots, 11, 0); /* one for the disk, which never keeps a frame */
  assert_false(snapshots_want(snapshots));
  snapshots_frame(snapshots, 42, 1000, no_time);
  snapshots_turn(snapshots, 12, 0);
  assert_true(snapshots_want(snapshots));
  assert_null(snapshots_taken(snapshots, &size));
  snapshots_frame(snapshots, 43, 2000, no_time);
  const uint8_t *taken = snapshots_taken(snapshots, &size);
  assert_non_null(taken);
  assert_int_equal(snapshot_decode(taken, size, &head), SNAPSHOT_GOOD);
  assert_true(head.frame == 43 && head.run == 8);
  assert_false(snapshots_want(snapshots)); /* somebody has it */
  snapshots_return(snapshots);
  snapshots_close(snapshots);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_snapshot_waits_until_the_journal_keeps_its_frames),
                                     cmocka_unit_test(a_state_for_a_standby_waits_for_no_journal)};
  return cmocka_run_group_tests(tests, engine_begin, engine_end);
}
