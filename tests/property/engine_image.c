/* The engine's state as bytes: loaded into a fresh engine it goes on to the same lines and the same state to the
 * bit, from any frame, with another number of workers; the hash tells states apart; bytes that are cut or say what
 * can't be are refused. Frames are those of generated scenarios, with false plots and late ones. */
// links: tools/salvo/*.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/log.h"
#include "engine/base/prng.h"
#include "engine/engine.h"
#include "engine/journal_input.h"
#include "tools/salvo/salvo.h"

enum { FRAMES_MAX = 40000, CUTS = 12 };

/* An engine and the journal that it steps through. */
struct course {
  struct engine engine;
  struct step_output output;
  struct journal_input input;
  struct ledger ledger;
  uint64_t frames;
};

static char folder[64];

static void journal_make(const char *scenario) {
  char path[160], journal[96];
  snprintf(folder, sizeof folder, "/tmp/weft-image-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "tools/scenarios/%s.yaml", scenario);
  snprintf(journal, sizeof journal, "%s/journal", folder);
  char *argv[] = {"salvo", path, "--journal", journal, NULL};
  int kept = dup(STDERR_FILENO);
  assert_non_null(freopen("/dev/null", "w", stderr));
  int status = salvo_main(4, argv);
  dup2(kept, STDERR_FILENO);
  close(kept);
  assert_int_equal(status, 0);
}

static void folder_remove(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  assert_int_equal(system(command), 0);
}

static void course_open(struct course *course, uint32_t workers) {
  char journal[96];
  struct weft_error err = {{0}};
  struct site *site = NULL;
  memset(course, 0, sizeof *course);
  snprintf(journal, sizeof journal, "%s/journal", folder);
  if (journal_input_open(&course->input, journal, &err) < 0 ||
      journal_site_parse(course->input.reader, journal, &site, &err) < 0)
    fail_msg("%s", err.text);
  struct engine_options options = {.workers = workers, .tracks_max = 4096, .track_base = 1000};
  if (engine_open(&course->engine, site, &options, &err) < 0 ||
      engine_output_open(&course->engine, &course->output, &err) < 0)
    fail_msg("%s", err.text);
  engine_seal(&course->engine);
  course->ledger.sensor_count = site->sensor_count;
  journal_input_map(&course->input, site);
}

static void course_close(struct course *course) {
  journal_input_close(&course->input);
  engine_close(&course->engine);
}

/* Field by field: padding is nobody's business. */
static uint64_t lines_hash(const struct step_output *output) {
  struct image image = image_hash();
  for (uint32_t i = 0; i < output->count; i++) {
    struct track_report r = output->reports[i];
    image_value(&image, r.time_ns);
    image_value(&image, r.track);
    image_value(&image, r.continues);
    image_value(&image, r.status);
    image_value(&image, r.class_);
    image_value(&image, r.position_m);
    image_value(&image, r.velocity_mps);
    image_value(&image, r.covariance);
    image_value(&image, r.existence);
    image_value(&image, r.phase_probability);
    image_value(&image, r.sensors);
    image_value(&image, r.detections);
    image_value(&image, r.event);
    if (r.has_launch) image_value(&image, r.launch);
    if (r.has_impact) image_value(&image, r.impact.ground);
    if (r.has_impact) image_value(&image, r.impact.probability);
  }
  return image.hash;
}

/* The next frame: false at the end. `step`: it is stepped, not only passed over. */
static bool course_next(struct course *course, bool step, uint64_t *lines) {
  struct weft_error err;
  int rc = journal_input_next(&course->input, &course->ledger, course->engine.site, &err);
  if (rc < 0) fail_msg("%s", err.text);
  if (rc == 0) return false;
  course->frames++;
  if (!step) return true;
  engine_step(&course->engine, course->input.frame, &course->output);
  *lines = lines_hash(&course->output);
  return true;
}

static unsigned char *course_save(struct course *course, size_t *size) {
  size_t most = engine_image_most(&course->engine);
  unsigned char *bytes = malloc(most);
  assert_non_null(bytes);
  struct image image = image_save(bytes, most);
  engine_image(&course->engine, &image);
  *size = image.at;
  return bytes;
}

/* Every line from frame `from` on, and the state at the end, against those of the whole course. */
static void course_compare(const unsigned char *bytes, size_t size, uint64_t from, uint64_t hash_then,
                           const uint64_t *expected, uint64_t hash_end, uint32_t workers) {
  struct course course;
  uint64_t lines = 0;
  course_open(&course, workers);
  while (course.frames < from) assert_true(course_next(&course, false, NULL));
  struct image image = image_load(bytes, size);
  engine_image(&course.engine, &image);
  assert_true(image_complete(&image));
  assert_int_equal(engine_hash(&course.engine), hash_then);
  while (course_next(&course, true, &lines)) {
    if (lines != expected[course.frames - 1])
      fail_msg("loaded after frame %llu: other lines in frame %llu", (unsigned long long)from,
               (unsigned long long)course.frames);
  }
  assert_int_equal(engine_hash(&course.engine), hash_end);
  course_close(&course);
}

static void scenario_goes_on(const char *scenario, uint64_t checkpoints) {
  static uint64_t expected[FRAMES_MAX];
  struct course whole;
  uint64_t count = 0, hash = 0;
  journal_make(scenario);
  course_open(&whole, 1);
  for (; course_next(&whole, true, &expected[count]); count++) assert_true(count < FRAMES_MAX - 1);
  uint64_t hash_end = engine_hash(&whole.engine);
  course_close(&whole);
  assert_true(count > 100);
  course_open(&whole, 1);
  for (uint64_t c = 1; c <= checkpoints; c++) {
    uint64_t from = count * c / (checkpoints + 1), lines, before = hash;
    while (whole.frames < from) assert_true(course_next(&whole, true, &lines));
    hash = engine_hash(&whole.engine);
    assert_int_not_equal(hash, before);
    size_t size;
    unsigned char *bytes = course_save(&whole, &size);
    assert_int_equal(engine_hash(&whole.engine), hash); /* saving changes nothing */
    course_compare(bytes, size, from, hash, expected, hash_end, c % 2 ? 2 : 1);
    free(bytes);
  }
  course_close(&whole);
  folder_remove();
}

static void an_image_goes_on_to_the_same_lines_to_the_bit(void **state) {
  (void)state;
  scenario_goes_on("infrared", 5);
  scenario_goes_on("crossing", 3);
  scenario_goes_on("salvo60", 2);
}

static void damaged_bytes_are_refused(void **state) {
  (void)state;
  struct course course;
  uint64_t lines;
  journal_make("crossing");
  course_open(&course, 1);
  while (course.frames < 300) assert_true(course_next(&course, true, &lines));
  size_t size;
  unsigned char *bytes = course_save(&course, &size);
  struct prng prng = prng_seed(7, 1);
  for (int i = 0; i < CUTS; i++) {
    struct course other;
    course_open(&other, 1);
    size_t cut = (size_t)prng_below(&prng, size);
    struct image image = image_load(bytes, cut);
    engine_image(&other.engine, &image);
    assert_false(image_complete(&image));
    course_close(&other);
    if (i % 4) continue;
    unsigned char *noise = malloc(size); /* random bytes: a count too large or a rest that is left */
    assert_non_null(noise);
    for (size_t k = 0; k < size; k++) noise[k] = (unsigned char)prng_u64(&prng);
    course_open(&other, 1);
    image = image_load(noise, size);
    engine_image(&other.engine, &image);
    assert_false(image_complete(&image));
    course_close(&other);
    free(noise);
  }
  free(bytes);
  course_close(&course);
  folder_remove();
}

int main(void) {
  log_level_set(LOG_LEVEL_ERROR);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_image_goes_on_to_the_same_lines_to_the_bit),
      cmocka_unit_test(damaged_bytes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
