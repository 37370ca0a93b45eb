/* Commands of weft.h used wrongly, or where files, folders and ports are not what they should be: each is refused with what
 * is wrong and where. */
#include "tests/unit/refusal_support.h"

#include <fcntl.h>
#include <limits.h>

static struct weft_error err;

static void refused(const char *what, int rc, int code, const char *says) {
  if (rc != code || !strstr(err.text, says)) fail_msg("%s: %d '%s' instead of %d '%s'", what, rc, err.text, code, says);
  err.text[0] = 0;
}

static int fuse(const char *config, const char *tracks, uint32_t count, const char *first, const char *second) {
  const char *inputs[65] = {first, second};
  for (uint32_t i = 2; i < count && i < 65; i++) inputs[i] = first;
  struct weft_fuse_options options = {.config_path = config, .tracks_path = tracks, .inputs = inputs, .input_count = count, .workers = 1,
                                      .tracks_max = SCENE_TRACKS_MAX};
  return weft_fuse(&options, &err);
}

static void fuse_names_what_it_cannot_use(void **state) {
  (void)state;
  const char *site = scene_path("site.yaml"), *out = scene_path("out.tracks"), *in = scene_path("in.csv");
  refused("no input", fuse(site, out, 0, NULL, NULL), -EINVAL, "give 1 to 64 inputs");
  refused("65 inputs", fuse(site, out, 65, in, in), -EINVAL, "give 1 to 64 inputs");
  refused("no configuration", fuse(scene_path("absent.yaml"), out, 1, in, NULL), -ENOENT, "absent.yaml");
  refused("no such input", fuse(site, out, 1, scene_path("absent.csv"), NULL), -ENOENT, "absent.csv");
  refused("a journal among others", fuse(site, out, 2, in, scene_path("journal")), -EINVAL, "so it can't be merged with other inputs");
  refused("others beside a journal", fuse(site, out, 2, scene_path("journal"), in), -EINVAL, "give it alone");
  refused("a folder", fuse(site, out, 1, scene_folder, NULL), -EISDIR, "is a folder");
  refused("tracks in no folder", fuse(site, scene_path("no/where"), 1, in, NULL), -ENOENT, "no/where: can't write tracks there");
  refused("a full disk", fuse(site, "/dev/full", 1, in, NULL), -ENOSPC, "/dev/full: writing tracks failed: No space left on device");
  refused("a truth file", fuse(site, out, 1, scene_path("truth.csv"), NULL), -EINVAL, "truth.csv");
  assert_int_equal(fuse(site, out, 64, in, in), 0); /* the same detections again are duplicates or late, never an error */
}

static void fuse_says_why_the_ledger_is_not_written(void **state) {
  (void)state;
  const char *inputs[] = {scene_path("in.csv")};
  FILE *full = fopen("/dev/full", "w");
  struct weft_fuse_options options = {.config_path = scene_path("site.yaml"), .tracks_path = scene_path("out.tracks"), .inputs = inputs,
                                      .input_count = 1, .workers = 1, .tracks_max = SCENE_TRACKS_MAX, .ledger = full};
  refused("fuse", weft_fuse(&options, &err), -ENOSPC, "writing the ledger failed: No space left on device");
  struct weft_replay_options again = {.journal_path = scene_path("journal"), .workers = 1, .tracks_max = SCENE_TRACKS_MAX, .ledger = full};
  refused("replay", weft_replay(&again, &err), -ENOSPC, "writing the ledger failed: No space left on device");
  refused("check", weft_check(scene_path("site.yaml"), full, &err), -EIO, "writing failed: No space left on device");
  struct weft_repair_options repair = {.journal_path = scene_path("journal"), .out = full};
  refused("repair", weft_repair(&repair, &err), -ENOSPC, "printing failed: No space left on device");
  fclose(full);
}

struct progress {
  int calls, unknown;
  double last;
};

static void progress_note(void *context, double fraction) {
  struct progress *progress = context;
  progress->calls++;
  progress->unknown += fraction < 0;
  assert_true(fraction <= 1);
  progress->last = fraction;
}

/* From the standard input nobody knows how much there is. */
static void progress_is_told(void **state) {
  (void)state;
  struct progress file = {0}, stream = {0}, journal = {0};
  FILE *out = stream_open("long.csv");
  fputs("time_ns,sensor,kind,x_m,y_m,z_m\n", out);
  for (int i = 0; i < 10000; i++) fprintf(out, "%lld,7,position,4740000,250000,4250000\n", (long long)(SCENE_NS + i * INT64_C(100000)));
  fclose(out);
  const char *named[] = {scene_path("long.csv")}, *standard[] = {"-"};
  struct weft_fuse_options options = {.config_path = scene_path("site.yaml"), .tracks_path = scene_path("out.tracks"), .inputs = named,
                                      .input_count = 1, .workers = 1, .tracks_max = SCENE_TRACKS_MAX, .progress = progress_note, .context = &file};
  assert_int_equal(weft_fuse(&options, &err), 0);
  assert_true(file.calls == 3 && file.unknown == 0 && file.last == 1);
  int ends[2], kept = dup(STDIN_FILENO);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execlp("cat", "cat", scene_path("long.csv"), (char *)NULL);
    _exit(1);
  }
  close(ends[1]);
  dup2(ends[0], STDIN_FILENO);
  close(ends[0]);
  options.inputs = standard;
  options.context = &stream;
  int rc = weft_fuse(&options, &err);
  dup2(kept, STDIN_FILENO);
  close(kept);
  if (rc != 0) fail_msg("%s", err.text);
  assert_true(stream.calls == 3 && stream.unknown == 2 && stream.last == 1);
  struct weft_replay_options again = {.journal_path = scene_path("journal"), .speed = 1e6, .workers = 1, .tracks_max = SCENE_TRACKS_MAX,
                                      .progress = progress_note, .context = &journal};
  assert_int_equal(weft_replay(&again, &err), 0);
  assert_true(journal.calls > 1 && journal.unknown == journal.calls);
}

static void replay_names_what_it_cannot_use(void **state) {
  (void)state;
  static const char *const wrong[] = {"host", ":4000", "host:", "host:x", "host:4000x", "host:0", "host:70000"};
  char far[400];
  struct weft_replay_options options = {.journal_path = scene_path("journal"), .workers = 1, .tracks_max = SCENE_TRACKS_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    options.to = wrong[i];
    refused(wrong[i], weft_replay(&options, &err), -EINVAL, "give HOST:PORT, for example 127.0.0.1:4000");
  }
  memset(far, 'h', sizeof far);
  strcpy(far + 300, ":4000");
  options.to = far;
  refused("a long host", weft_replay(&options, &err), -EINVAL, "give HOST:PORT");
  options.to = "300.1.2.3.nowhere.invalid:4000";
  refused("no such host", weft_replay(&options, &err), -EADDRNOTAVAIL, "cannot resolve the host");
  options.to = NULL;
  options.tracks_path = "/dev/full";
  refused("a full disk", weft_replay(&options, &err), -ENOSPC, "/dev/full: writing tracks failed");
  options.tracks_path = scene_path("no/where");
  refused("no folder", weft_replay(&options, &err), -ENOENT, "can't write tracks there");
  options.tracks_path = NULL;
  options.journal_path = scene_path("in.csv");
  assert_true(weft_replay(&options, &err) < 0);
  assert_non_null(strstr(err.text, "in.csv"));
  options.journal_path = scene_path("absent");
  refused("no journal", weft_replay(&options, &err), -ENOENT, "absent");
}

static void repair_names_what_it_cannot_use(void **state) {
  (void)state;
  static const uint32_t wrong[][2] = {{8, 0}, {0, 2}, {8, 1000}, {1000, 2}};
  FILE *out = stream_open("out.lines");
  struct weft_repair_options options = {.journal_path = scene_path("journal"), .out = out};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    options.parity_segments = wrong[i][0];
    options.parity_files = wrong[i][1];
    refused("--protect", weft_repair(&options, &err), -EINVAL, "--protect: give SEGMENTS,FILES of 1 to");
  }
  options = (struct weft_repair_options){.journal_path = scene_path("absent"), .out = out};
  refused("no folder", weft_repair(&options, &err), -ENOENT, "absent");
  char far[PATH_MAX + 1];
  memset(far, 'x', PATH_MAX);
  far[PATH_MAX] = 0;
  options.journal_path = far;
  refused("a long path", weft_repair(&options, &err), -ENAMETOOLONG, "bytes; shorten it");
  fclose(out);
}

static int check_of(const char *before, const char *sensors) {
  static const char own[] =
      "sensors: [{id: 1, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {x_m: 1}}]\n";
  char *text = malloc(65536);
  FILE *out = stream_open("out.lines");
  int size = snprintf(text, 65536, "%s%s", before, sensors ? sensors : own);
  int rc = weft_check(scene_write("wrong.yaml", text, (size_t)size), out, &err);
  fclose(out);
  free(text);
  return rc;
}

static void check_finds_what_run_would_trip_over(void **state) {
  (void)state;
  char many[16384] = "sensors:\n";
  for (int i = 0; i < 33; i++)
    sprintf(many + strlen(many), "  - {id: %d, kind: los, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {azimuth_rad: 0.001, elevation_rad: 0.001}}\n", i);
  refused("lines of sight", check_of("", many), -E2BIG, "33 of kind los (allowed: 32); use fewer");
  refused("a journal in a file", check_of("journal: {directory: in.csv}\n", NULL), -ENOTDIR, "is not a folder; name another");
  assert_true(check_of("journal: {directory: in.csv/journal}\n", NULL) < 0); /* where it lies is a file */
  assert_non_null(strstr(err.text, "make its parent or name another"));
  refused("a journal in no folder", check_of("journal: {directory: /nonexistent/a//}\n", NULL), -ENOENT, "can't be made");
  refused("areas that are none", check_of("regions: in.csv\n", NULL), -EINVAL, "in.csv:1: not valid JSON");
  assert_int_equal(check_of("journal: {directory: journal}\n", NULL), 0);
  assert_int_equal(check_of("journal: {directory: fresh/}\n", NULL), 0);
  assert_int_equal(check_of("journal: {directory: /fresh}\n", NULL), access("/", W_OK) == 0 ? 0 : -EACCES);
  assert_int_equal(check_of("exercise: true\ntime: live\n", NULL), 0);
  char said[512] = {0};
  FILE *file = fopen(scene_path("out.lines"), "r");
  assert_true(fread(said, 1, sizeof said - 1, file) > 0);
  fclose(file);
  assert_non_null(strstr(said, ": ok: centre weft, exercise, live, 1 sensor of 1 nation (1 position), listening for nothing"));
}

static void datagrams_that_cannot_be_are_not_made(void **state) {
  (void)state;
  enum { ROOM = 66000, TOO_MANY = 1024 };
  uint8_t *out = malloc(ROOM);
  struct weft_detection *plots = calloc(TOO_MANY, sizeof *plots);
  struct weft_sensor_state *states = calloc(TOO_MANY, sizeof *states);
  for (int i = 0; i < TOO_MANY; i++) plots[i] = scene_plot(i);
  assert_int_equal(weft_datagram_detections(out, ROOM, 7, 0, 1, 0, plots, TOO_MANY), 0);
  assert_int_equal(weft_datagram_detections(out, ROOM, 7, 0, 1, 0, plots, 1022), 48 + 64 * 1022);
  assert_int_equal(weft_datagram_detections(out, 111, 7, 0, 1, 0, plots, 1), 0);
  assert_int_equal(weft_datagram_detections(out, ROOM, 7, 0, 1, 0, NULL, 0), 48);
  plots[0].kind = 0;
  assert_int_equal(weft_datagram_detections(out, ROOM, 7, 0, 1, 0, plots, 1), 0);
  plots[0].kind = 5;
  assert_int_equal(weft_datagram_detections(out, ROOM, 7, 0, 1, 0, plots, 1), 0);
  assert_int_equal(weft_datagram_states(out, ROOM, 7, 0, 1, 0, states, TOO_MANY), 0);
  assert_int_equal(weft_datagram_states(out, ROOM, 7, 0, 1, 0, states, 3), 48 + 64 * 3);
  assert_int_equal(weft_datagram_states(out, 100, 7, 0, 1, 0, states, 3), 0);
  free(plots);
  free(states);
  free(out);
}

static void parity_that_cannot_be_is_not_made(void **state) {
  (void)state;
  static const uint32_t wrong[][2] = {{0, 1}, {1, 0}, {256, 1}, {1, 256}, {255, 255}};
  struct weft_parity *parity = NULL;
  uint8_t *datagram = calloc(1, WEFT_PROTECTED_MAX + 1), out[200];
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    refused("parity", weft_parity_open(wrong[i][0], wrong[i][1], &parity, &err), -EINVAL, "k and m are 1 to 255");
  assert_int_equal(weft_parity_open(2, 1, &parity, &err), 0);
  assert_int_equal(weft_parity_datagram(parity, 0, out, sizeof out, 7, 0, 3, 0), 0); /* of an empty group */
  assert_int_equal(weft_parity_put(parity, datagram, WEFT_PROTECTED_MAX + 1), -EMSGSIZE);
  assert_int_equal(weft_parity_put(parity, datagram, 60), 0);
  assert_int_equal(weft_parity_datagram(parity, 1, out, sizeof out, 7, 0, 3, 0), 0); /* there is only number 0 */
  assert_int_equal(weft_parity_datagram(parity, 0, out, 100, 7, 0, 3, 0), 0);        /* no room */
  assert_int_equal(weft_parity_datagram(parity, 0, out, sizeof out, 7, 0, 3, 0), 48 + 16 + 62);
  assert_int_equal(weft_parity_put(parity, datagram, 60), 1);
  weft_parity_close(parity);
  struct weft_seal *seal = NULL;
  refused("a key", weft_seal_open(scene_path("in.csv"), &seal, &err), -EINVAL, "in.csv:1");
  refused("no key", weft_seal_open(scene_path("absent.key"), &seal, &err), -ENOENT, "absent.key");
  assert_null(seal);
  free(datagram);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fuse_names_what_it_cannot_use),         cmocka_unit_test(fuse_says_why_the_ledger_is_not_written),
      cmocka_unit_test(progress_is_told),                      cmocka_unit_test(replay_names_what_it_cannot_use),
      cmocka_unit_test(repair_names_what_it_cannot_use),       cmocka_unit_test(check_finds_what_run_would_trip_over),
      cmocka_unit_test(datagrams_that_cannot_be_are_not_made), cmocka_unit_test(parity_that_cannot_be_is_not_made),
  };
  return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
