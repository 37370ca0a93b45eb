/* What a recording's last frame has no room to say is said all the same: the engine's feeder at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/feeder.h"
#include "engine/public_entry.h"
#include "kernels/wk.h"

enum { BODIES = 40, SCANS = 8, LINES = 8, TRACKS = 256 };
static const int64_t start_ns = 1700000000000000000, scan_ns = 2000000000;
static const char config[] =
    "centre: A1\n"
    "time: recorded\n"
    "sensors:\n"
    "  - id: 7\n"
    "    nation: A\n"
    "    kind: position\n"
    "    position: {lat_deg: 42, lon_deg: 3, height_m: 0}\n"
    "    revisit_s: 2\n"
    "    sigma: {x_m: 40}\n";

/* What the lines said last of each track. */
struct said {
  uint64_t detections[TRACKS]; /* by number */
  uint32_t most, waiting;      /* lines in one frame; tracks without theirs after the last */
};

static void lines_note(void *context, const struct step_output *output) {
  struct said *said = context;
  for (uint32_t i = 0; i < output->count; i++) {
    assert_true(output->reports[i].track < TRACKS);
    said->detections[output->reports[i].track] = output->reports[i].detections;
  }
  if (output->count > said->most) said->most = output->count;
  said->waiting = output->waiting;
}

/* Aircraft half a degree from each other, flying east at 200 m/s. */
static void scan_put(struct feeder *feeder, int scan) {
  const double degree = 0.017453292519943295;
  for (int n = 0; n < BODIES; n++) {
    double lat_deg = 40 + 0.5 * (n / 8), east_m = 400.0 * scan;
    double lon_deg = 5 + 0.5 * (n % 8) + east_m / (111320 * cos(lat_deg * degree));
    struct weft_detection seen = {.time_ns = start_ns + scan * scan_ns, .kind = WEFT_POSITION, .valid = WEFT_HAS_XYZ};
    wk_ecef_from_geodetic(lat_deg * degree, lon_deg * degree, 9000, seen.measure);
    struct entry entry = public_entry(0, &seen, (uint64_t)(scan * BODIES + n + 1));
    assert_true(feeder_put(feeder, &entry));
  }
}

static struct said said_with(uint32_t lines_max) {
  struct said said = {0};
  struct feeder feeder;
  struct site *site;
  struct weft_error err = {""};
  struct engine_options options = {.workers = 1, .tracks_max = TRACKS, .lines_max = lines_max};
  if (engine_site_parse(config, strlen(config), "test", &site, &err) < 0 ||
      feeder_open(&feeder, site, &options, lines_note, &said, &err) < 0)
    fail_msg("%s", err.text);
  for (int scan = 0; scan < SCANS; scan++) scan_put(&feeder, scan);
  feeder_end(&feeder);
  feeder_close(&feeder);
  return said;
}

static void lines_that_wait_at_the_end_are_said(void **state) {
  (void)state;
  struct said all = said_with(0), few = said_with(LINES);
  uint32_t told = 0;
  for (int n = 0; n < TRACKS; n++) told += all.detections[n] == SCANS;
  assert_int_equal(told, BODIES);
  assert_int_equal(all.most, BODIES);
  assert_int_equal(few.most, LINES);
  assert_int_equal(few.waiting, 0);
  assert_memory_equal(few.detections, all.detections, sizeof all.detections);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lines_that_wait_at_the_end_are_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
