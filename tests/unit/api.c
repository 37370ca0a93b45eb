/* weft.h as another program uses it: the engine inside, the recorder, inspect and check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/prng.h"
#include "engine/engine.h"
#include "engine/ingest/config.h"
#include "engine/weft.h"

static const char config[] =
    "centre: A1\n"
    "time: recorded\n"
    "sensors:\n"
    "  - id: 101\n"
    "    nation: A\n"
    "    kind: radar\n"
    "    position: {lat_deg: 41.30, lon_deg: 2.10, height_m: 120}\n"
    "    revisit_s: 1\n"
    "    sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}\n"
    "  - id: 7\n"
    "    nation: B\n"
    "    kind: position\n"
    "    position: {lat_deg: 42, lon_deg: 3, height_m: 0}\n"
    "    revisit_s: 1\n"
    "    sigma: {x_m: 40}\n";

enum { COUNT = 400, TRACKS_KEPT = 8192, PATH_SIZE = 256, PATHS_MAX = 2048 };
static const int64_t start_ns = 1700000000000000000;
static char folder[PATH_SIZE];

struct given {
  uint32_t sensor;
  struct weft_detection detection;
};
static struct given givens[COUNT];

/* One object in free fall, seen by both sensors in turn every half second, in order of arrival. */
static void givens_make(void) {
  struct site *site;
  struct weft_error err;
  assert_int_equal(engine_site_parse(config, strlen(config), "test", &site, &err), 0);
  const struct sensor *radar = &site->sensors[0];
  struct prng prng = prng_seed(7, 1);
  for (int i = 0; i < COUNT; i++) {
    double t = 0.5 * i, p[3], u[3] = {0};
    for (int a = 0; a < 3; a++) {
      double up = radar->position_m[a] / 6.37e6, east = radar->enu[a];
      p[a] = radar->position_m[a] + up * (60e3 + 1800 * t - 0.5 * 9.0 * t * t) + east * (150e3 + 1500 * t);
    }
    struct given *given = &givens[i];
    given->detection = (struct weft_detection){.time_ns = start_ns + (int64_t)(t * 1e9) + (int64_t)prng_below(&prng, 1000)};
    if (i % 2) {
      given->sensor = 7;
      given->detection.kind = WEFT_POSITION;
      given->detection.valid = WEFT_HAS_XYZ;
      for (int a = 0; a < 3; a++) given->detection.measure[a] = p[a] + 40 * prng_normal(&prng);
      continue;
    }
    double range = 0;
    for (int row = 0; row < 3; row++)
      for (int a = 0; a < 3; a++) u[row] += radar->enu[3 * row + a] * (p[a] - radar->position_m[a]);
    range = sqrt(u[0] * u[0] + u[1] * u[1] + u[2] * u[2]);
    given->sensor = 101;
    given->detection.kind = WEFT_RADAR;
    given->detection.valid = WEFT_HAS_RANGE | WEFT_HAS_AZIMUTH | WEFT_HAS_ELEVATION;
    given->detection.measure[0] = range + 30 * prng_normal(&prng);
    given->detection.measure[1] = atan2(u[0], u[1]) + 0.001 * prng_normal(&prng);
    given->detection.measure[2] = asin(u[2] / range) + 0.001 * prng_normal(&prng);
  }
  site_free(site);
  free(site);
}

static const char *path_of(const char *name) {
  static char paths[PATHS_MAX][PATH_SIZE + 64];
  static int at;
  assert_true(at < PATHS_MAX);
  char *path = paths[at++];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static const char *file_write(const char *name, const void *data, size_t size) {
  const char *path = path_of(name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  return path;
}

static const char *text_write(const char *name, const char *text) { return file_write(name, text, strlen(text)); }

static char *file_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *data = malloc(*size + 1);
  assert_int_equal(fread(data, 1, *size, file), *size);
  data[*size] = 0;
  fclose(file);
  return data;
}

/* The same detections as CSV, every digit of them. */
static const char *csv_write(void) {
  const char *path = path_of("in.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs("time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,x_m,y_m,z_m\n", out);
  for (int i = 0; i < COUNT; i++) {
    const struct weft_detection *d = &givens[i].detection;
    fprintf(out, d->kind == WEFT_RADAR ? "%lld,%u,radar,%.17g,%.17g,%.17g,,,\n" : "%lld,%u,position,,,,%.17g,%.17g,%.17g\n",
            (long long)d->time_ns, givens[i].sensor, d->measure[0], d->measure[1], d->measure[2]);
  }
  assert_int_equal(fclose(out), 0);
  return path;
}

static void fuse(const char *input, const char *tracks) {
  struct weft_error err = {{0}};
  const char *inputs[] = {input};
  struct weft_fuse_options options = {.config_path = path_of("site.yaml"), .tracks_path = tracks, .inputs = inputs, .input_count = 1, .workers = 1};
  if (weft_fuse(&options, &err) < 0) fail_msg("%s: %s", input, err.text);
}

static const char *journal_record(const char *name) {
  struct weft_recorder *recorder;
  struct weft_error err = {{0}};
  const char *directory = path_of(name);
  if (weft_recorder_open(directory, config, strlen(config), &recorder, &err) < 0) fail_msg("%s", err.text);
  for (int i = 0; i < COUNT; i++) assert_int_equal(weft_recorder_put(recorder, givens[i].sensor, &givens[i].detection, &err), 0);
  if (weft_recorder_close(recorder, &err) < 0) fail_msg("%s", err.text);
  return directory;
}

/* Output of inspect, on the heap; *rc its result. */
static char *inspect(const char *path, const char *config_path, int *rc, struct weft_error *err) {
  static char *text;
  static size_t size;
  FILE *out = open_memstream(&text, &size);
  *rc = weft_inspect(path, config_path, NULL, out, err);
  fclose(out);
  return text;
}

static uint32_t count_of(const char *text, const char *piece) {
  uint32_t count = 0;
  for (const char *at = text; (at = strstr(at, piece)) != NULL; at += strlen(piece)) count++;
  return count;
}

struct kept {
  uint32_t count;
  struct weft_track tracks[TRACKS_KEPT];
};

static void track_keep(void *context, const struct weft_track *track) {
  struct kept *kept = context;
  assert_true(kept->count < TRACKS_KEPT);
  kept->tracks[kept->count++] = *track;
}

static struct weft_engine *engine_make(struct kept *kept) {
  struct weft_engine *engine;
  struct weft_error err = {{0}};
  if (weft_engine_open(config, strlen(config), 1, track_keep, kept, &engine, &err) < 0) fail_msg("%s", err.text);
  return engine;
}

static void engine_inside_gives_the_lines_of_fuse(void **state) {
  (void)state;
  struct kept *kept = calloc(1, sizeof *kept);
  struct weft_engine *engine = engine_make(kept);
  for (int i = 0; i < COUNT; i++) assert_int_equal(weft_engine_put(engine, givens[i].sensor, &givens[i].detection), 0);
  uint32_t before = kept->count;
  weft_engine_flush(engine);
  assert_true(kept->count > before); /* the last frame was still open */
  weft_engine_close(engine);
  fuse(csv_write(), path_of("csv.jsonl"));
  size_t size;
  char *text = file_read(path_of("csv.jsonl"), &size), *at = text;
  uint32_t line = 0;
  for (; *at; line++, at = strchr(at, '\n') + 1) {
    long long time_ns;
    unsigned long long number, detections;
    double position[3];
    assert_true(line < kept->count);
    const struct weft_track *track = &kept->tracks[line];
    assert_int_equal(sscanf(at, "{\"time_ns\":%lld,\"centre\":\"A1\",\"track\":%llu", &time_ns, &number), 2);
    assert_int_equal(sscanf(strstr(at, "position_ecef_m"), "position_ecef_m\":[%lf,%lf,%lf]", &position[0], &position[1], &position[2]), 3);
    assert_int_equal(sscanf(strstr(at, "\"detections\""), "\"detections\":%llu", &detections), 1);
    if (time_ns != track->time_ns || number != track->track || detections != track->detections)
      fail_msg("line %u: %.120s, the engine says track %llu at %lld", line + 1, at, (unsigned long long)track->track, (long long)track->time_ns);
    for (int a = 0; a < 3; a++) assert_true(fabs(position[a] - track->position_m[a]) < 0.00051);
  }
  assert_int_equal(line, kept->count);
  assert_true(line > COUNT / 2); /* it did follow something */
  free(text);
  free(kept);
}

static void engine_ledger_balances_with_refusals(void **state) {
  (void)state;
  struct kept *kept = calloc(1, sizeof *kept);
  struct weft_engine *engine = engine_make(kept);
  struct weft_detection good = givens[0].detection, bad = good;
  assert_int_equal(weft_engine_put(engine, 101, &good), 0);
  assert_int_equal(weft_engine_put(engine, 999, &good), 1); /* no such sensor */
  assert_int_equal(weft_engine_put(engine, 7, &good), 1);   /* not its kind */
  bad.kind = 256 + WEFT_RADAR;                              /* must not wrap around to a radar */
  assert_int_equal(weft_engine_put(engine, 101, &bad), 1);
  bad = good;
  bad.measure[1] = NAN;
  assert_int_equal(weft_engine_put(engine, 101, &bad), 1);
  bad = good;
  bad.measure[0] = -5;
  assert_int_equal(weft_engine_put(engine, 101, &bad), 1);
  char line[32768];
  size_t length = weft_engine_ledger(engine, line, sizeof line);
  assert_true(length > 0 && length < sizeof line);
  line[length] = 0;
  assert_non_null(strstr(line, "\"balanced\":true"));
  const char *total = strstr(line, "\"total\":");
  assert_non_null(total);
  const char *detections = strstr(total, "\"detections\":");
  assert_non_null(strstr(detections, "\"received\":6,\"accepted\":1,"));
  assert_non_null(strstr(detections, "\"malformed\":2,"));
  assert_non_null(strstr(detections, "\"unknown_sensor\":1,"));
  assert_non_null(strstr(detections, "\"not_finite\":1,"));
  assert_non_null(strstr(detections, "\"out_of_range\":1,"));
  assert_non_null(strstr(detections, "\"in_flight\":1"));
  assert_int_equal(weft_engine_ledger(engine, line, 10), 0);
  weft_engine_close(engine);
  free(kept);
}

/* Whatever bits a caller hands in, nothing breaks and every detection is booked. */
static void engine_and_recorder_take_any_bits(void **state) {
  (void)state;
  static const uint32_t ids[] = {101, 7, 0, UINT32_MAX};
  struct kept *kept = calloc(1, sizeof *kept);
  struct weft_engine *engine = engine_make(kept);
  struct weft_recorder *recorder;
  struct weft_error err = {{0}};
  assert_int_equal(weft_recorder_open(path_of("bits"), config, strlen(config), &recorder, &err), 0);
  struct prng prng = prng_seed(2024, 3);
  for (int i = 0; i < 600; i++) {
    struct weft_detection d = givens[i % COUNT].detection;
    uint64_t bits[sizeof d / 8];
    for (size_t w = 0; w < sizeof d / 8; w++) {
      memcpy(&bits[w], (const char *)&d + 8 * w, 8);
      if (prng_below(&prng, 12) == 0) bits[w] ^= prng_u64(&prng) & prng_u64(&prng) & prng_u64(&prng);
    }
    memcpy(&d, bits, sizeof bits);
    uint32_t id = i % 3 ? givens[i % COUNT].sensor : ids[prng_below(&prng, 4)];
    int put = weft_engine_put(engine, id, &d);
    assert_true(put == 0 || put == 1);
    if (weft_recorder_put(recorder, id, &d, &err) != 0) fail_msg("seed 2024, detection %d: %s", i, err.text);
    struct weft_sensor_state at;
    memcpy(&at, bits, sizeof at);
    if (weft_recorder_state(recorder, id, &at, &err) != 0) fail_msg("seed 2024, state %d: %s", i, err.text);
  }
  if (weft_recorder_close(recorder, &err) < 0) fail_msg("%s", err.text);
  char line[32768];
  size_t length = weft_engine_ledger(engine, line, sizeof line - 1);
  line[length] = 0;
  assert_non_null(strstr(line, "\"balanced\":true"));
  assert_non_null(strstr(strstr(line, "\"total\":"), "\"received\":600,"));
  weft_engine_close(engine);
  free(kept);
  int rc;
  char *text = inspect(path_of("bits"), NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "\"damaged\":0}")); /* what the recorder admits, the reader believes */
  free(text);
}

static void engine_refuses_a_wrong_configuration(void **state) {
  (void)state;
  struct weft_engine *engine = (struct weft_engine *)1;
  struct weft_error err = {{0}};
  static const char wrong[] = "sensors:\n  - id: 1\n    kind: sonar\n";
  assert_true(weft_engine_open(wrong, strlen(wrong), 1, NULL, NULL, &engine, &err) < 0);
  assert_null(engine);
  assert_non_null(strstr(err.text, "configuration:3:"));
  assert_true(weft_engine_open(wrong, strlen(wrong), 1, NULL, NULL, &engine, NULL) < 0);
  weft_engine_close(NULL);
}

/* Takes each line's track number, and that of its launch event, out and reports the smallest. */
static char *numbers_strip(const char *path, uint64_t *least) {
  size_t size, used = 0;
  char *text = file_read(path, &size), *out = malloc(size + 1);
  *least = UINT64_MAX;
  for (const char *at = text; *at;) {
    size_t key = strncmp(at, "\"track\":", 8) == 0 ? 8 : strncmp(at, "\"number\":", 9) == 0 ? 9 : 0;
    if (key) {
      char *end;
      uint64_t number = strtoull(at + key, &end, 10);
      if (number < *least) *least = number;
      at = end;
    } else {
      out[used++] = *at++;
    }
  }
  out[used] = 0;
  free(text);
  return out;
}

static void recorded_journal_fuses_like_the_csv(void **state) {
  (void)state;
  const char *journal = journal_record("journal");
  fuse(csv_write(), path_of("csv.jsonl"));
  fuse(journal, path_of("journal.jsonl"));
  uint64_t least_csv, least_journal;
  char *csv = numbers_strip(path_of("csv.jsonl"), &least_csv), *ours = numbers_strip(path_of("journal.jsonl"), &least_journal);
  assert_true(strlen(csv) > 10000);
  assert_string_equal(csv, ours);
  assert_int_equal(least_csv, 1);
  assert_true(least_journal > UINT64_C(1700000000000000) && least_journal < UINT64_C(1) << 53);
  struct weft_error err = {{0}};
  struct weft_replay_options replay = {.journal_path = journal, .tracks_path = path_of("replay.jsonl"), .workers = 2};
  if (weft_replay(&replay, &err) < 0) fail_msg("%s", err.text);
  size_t size_a, size_b;
  char *a = file_read(path_of("journal.jsonl"), &size_a), *b = file_read(path_of("replay.jsonl"), &size_b);
  assert_int_equal(size_a, size_b);
  assert_memory_equal(a, b, size_a);
  free(a);
  free(b);
  free(csv);
  free(ours);
}

static void recorder_keeps_states_and_leaves_refused_ones_out(void **state) {
  (void)state;
  struct weft_recorder *recorder;
  struct weft_error err = {{0}};
  const char *directory = path_of("states");
  assert_int_equal(weft_recorder_open(directory, config, strlen(config), &recorder, &err), 0);
  struct weft_sensor_state moving = {.time_ns = start_ns, .position_m = {4.8e6, 1.7e5, 4.2e6}, .velocity_mps = {1, 2, 3}};
  struct weft_sensor_state deep = {.time_ns = start_ns, .position_m = {1, 2, 3}}; /* at the Earth's centre */
  struct weft_detection bad = givens[0].detection;
  bad.measure[0] = NAN;
  assert_int_equal(weft_recorder_state(recorder, 101, &moving, &err), 0);
  assert_int_equal(weft_recorder_state(recorder, 101, &deep, &err), 0);
  assert_int_equal(weft_recorder_state(recorder, 555, &moving, &err), 0);
  assert_int_equal(weft_recorder_put(recorder, 101, &bad, &err), 0);
  assert_int_equal(weft_recorder_put(recorder, 101, &givens[0].detection, &err), 0);
  moving.time_ns += 1000000;
  for (int i = 0; i < 1500; i++) assert_int_equal(weft_recorder_state(recorder, 101, &moving, &err), 0); /* more than a frame takes */
  assert_int_equal(weft_recorder_close(recorder, &err), 0);
  int rc;
  char *text = inspect(directory, NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_int_equal(count_of(text, "\"record\":\"state\""), 1501);
  assert_int_equal(count_of(text, "\"record\":\"detection\""), 1);
  assert_non_null(strstr(text, "\"velocity_ecef_mps\":[1,2,3]"));
  assert_non_null(strstr(text, "\"frames\":2,\"detections\":1,\"states\":1501,\"damaged\":0"));
  free(text);
}

static void recorder_says_what_is_wrong(void **state) {
  (void)state;
  struct weft_recorder *recorder = (struct weft_recorder *)1;
  struct weft_error err = {{0}};
  assert_true(weft_recorder_open(path_of("no/such/parent"), config, strlen(config), &recorder, &err) < 0);
  assert_null(recorder);
  assert_non_null(strstr(err.text, "no/such/parent"));
  assert_true(weft_recorder_open(path_of("x"), "sensors: 3\n", 11, &recorder, &err) < 0);
  assert_non_null(strstr(err.text, "configuration:1"));
  assert_int_equal(weft_recorder_close(NULL, NULL), 0);
}

static void second_recording_numbers_its_tracks_above_the_first(void **state) {
  (void)state;
  const char *directory = journal_record("twice");
  usleep(2000);
  journal_record("twice");
  int rc;
  struct weft_error err;
  char *text = inspect(directory, NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_int_equal(count_of(text, "\"record\":\"segment\""), 2);
  unsigned long long first, second;
  const char *at = strstr(text, "\"track_base\":");
  assert_int_equal(sscanf(at, "\"track_base\":%llu", &first), 1);
  assert_int_equal(sscanf(strstr(at + 1, "\"track_base\":"), "\"track_base\":%llu", &second), 1);
  assert_true(second > first + 1000);
  free(text);
}

static void track_base_grows_and_stays_exact_in_doubles(void **state) {
  (void)state;
  assert_int_equal(engine_track_base(1700000000000001000), 1700000000000001);
  assert_int_equal(engine_track_base(-1), 0);
  assert_true(engine_track_base(8000000000000000000) < UINT64_C(1) << 53); /* the year 2223 */
}

static void inspect_reads_a_cut_or_damaged_journal_up_to_the_damage(void **state) {
  (void)state;
  char name[PATH_SIZE + 128];
  snprintf(name, sizeof name, "%s/00000001.wj", journal_record("cut"));
  size_t size;
  char *data = file_read(name, &size);
  int rc;
  struct weft_error err = {{0}};
  char *whole = inspect(name, NULL, &rc, &err);
  assert_int_equal(rc, 0);
  uint32_t frames = count_of(whole, "\"record\":\"frame\"");
  assert_true(frames >= COUNT / 2);
  free(whole);
  struct prng prng = prng_seed(11, 1);
  uint32_t least = frames;
  for (int i = 0; i < 60; i++) {
    size_t cut = (size_t)prng_below(&prng, size - 8) + 8;
    char *text = inspect(file_write("cut.wj", data, cut), NULL, &rc, &err);
    assert_int_equal(rc, 0);
    uint32_t read = count_of(text, "\"record\":\"frame\"");
    assert_true(read < frames);
    if (read < least) least = read;
    free(text);
    char *flipped = malloc(size);
    memcpy(flipped, data, size);
    flipped[cut] = (char)(flipped[cut] ^ (1 << prng_below(&prng, 8)));
    text = inspect(file_write("flipped.wj", flipped, size), NULL, &rc, &err);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(text, "\"record\":\"damage\""));
    assert_non_null(strstr(text, "\"damaged\":1}"));
    free(text);
    free(flipped);
  }
  free(data);
}

static void inspect_tells_csv_lines_and_refusals(void **state) {
  (void)state;
  const char *path = text_write("bad.csv",
                                "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,snr_db,sigma_range_m\n"
                                "1700000000000000000,101,radar,150000.25,0.1,0.2,13,25\n"
                                "1700000000000000000,4000000000,radar,150000,nan,0.2,,\n"
                                "1700000000000000000,5,radar,150000,0.1,abc,,\n"
                                "1700000000000000000,5,sonar,150000,0.1,0.2,,\n");
  int rc;
  struct weft_error err = {{0}};
  char *text = inspect(path, NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "{\"record\":\"detection\",\"line\":2,\"time_ns\":1700000000000000000,\"sensor\":101,\"kind\":\"radar\","
                               "\"range_m\":150000.25,\"azimuth_rad\":0.1,\"elevation_rad\":0.2,\"snr_db\":13,\"sigma_range_m\":25}\n"));
  assert_non_null(strstr(text, "{\"record\":\"refused\",\"line\":3,\"reason\":\"not_finite\",\"error\":"));
  assert_non_null(strstr(text, "{\"record\":\"refused\",\"line\":4,\"reason\":\"malformed\",\"error\":"));
  assert_non_null(strstr(text, "{\"record\":\"summary\",\"detections\":1,\"refused\":3}\n"));
  free(text);
  text = inspect(path, path_of("site.yaml"), &rc, &err); /* now only the configured sensors count */
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "\"line\":3,\"reason\":\"unknown_sensor\""));
  free(text);
  text = inspect(text_write("misspelt.csv", "time_ns,sensor,kind,rnage_m\n"), NULL, &rc, &err);
  assert_true(rc < 0);
  assert_non_null(strstr(err.text, "misspelt.csv:1: unknown column \"rnage_m\""));
  free(text);
}

static void inspect_judges_track_lines(void **state) {
  (void)state;
  fuse(csv_write(), path_of("csv.jsonl"));
  size_t size;
  char *lines = file_read(path_of("csv.jsonl"), &size), *all = malloc(size + 200);
  int rc;
  struct weft_error err = {{0}};
  char *text = inspect(path_of("csv.jsonl"), NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_memory_equal(text, lines, size); /* good lines pass as they are */
  assert_non_null(strstr(text + size, "\"refused\":0}"));
  free(text);
  sprintf(all, "{\"missed\":3}\n{\"time_ns\":1,\"track\":2}\n{not json}\n%s", lines);
  text = inspect(text_write("bad.jsonl", all), NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "{\"record\":\"refused\",\"line\":2,\"reason\":\"malformed\",\"error\":\"detections is not a whole number\"}"));
  assert_non_null(strstr(text, "{\"record\":\"refused\",\"line\":3,"));
  assert_non_null(strstr(text, "\"missed\":1,\"ledgers\":0,\"refused\":2}"));
  free(text);
  free(all);
  free(lines);
}

static void inspect_fills_in_the_defaults_of_a_site(void **state) {
  (void)state;
  int rc;
  struct weft_error err = {{0}};
  char *text = inspect(path_of("site.yaml"), NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "{\"record\":\"site\",\"centre\":\"A1\",\"exercise\":false,\"time\":\"recorded\",\"association\":\"soft\",\"stale_s\":10,\"future_s\":1,"
                               "\"lag_s\":3,\"frame_limit_ms\":5,"));
  assert_non_null(strstr(text, "\"detection_probability\":0.9,"));
  assert_int_equal(count_of(text, "\n"), 1);
  free(text);
}

static void inspect_says_what_it_expected_instead_of_rubbish(void **state) {
  (void)state;
  struct weft_error err = {{0}};
  int rc;
  char noise[4096];
  struct prng prng = prng_seed(5, 2);
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)prng_u64(&prng);
  noise[0] = 0;
  mkdir(path_of("empty-folder"), 0755);
  const struct {
    const char *path, *says;
  } cases[] = {{file_write("noise", noise, sizeof noise), "neither detections"},
               {text_write("prose", "Once upon a time\nthere was no file format\n"), "neither detections"},
               {text_write("nothing", ""), "empty"},
               {path_of("empty-folder"), "without journal segments"},
               {path_of("absent"), "can't be opened"},
               {text_write("half.yaml", "centre: A1\n"), "sensors: missing"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *text = inspect(cases[i].path, NULL, &rc, &err);
    if (rc >= 0 || !strstr(err.text, cases[i].says)) fail_msg("%s: rc %d, %s", cases[i].path, rc, err.text);
    assert_non_null(strstr(err.text, cases[i].path));
    assert_int_equal(weft_inspect(cases[i].path, NULL, NULL, stdout, NULL), rc); /* without anyone to tell */
    free(text);
  }
}

/* Any prefix and any flipped bit of anything is told or refused; the sanitizers watch. */
static void inspect_survives_damage_of_every_kind(void **state) {
  (void)state;
  static const char truth[] = "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,impact_lat_deg,impact_lon_deg,impact_time_ns\n"
                              "1700000000000000000,M1,ballistic,boost,1,2,3,4,5,6,41.5,2.25,1700000600000000000\n"
                              "1700000000000000000,A1,aircraft,cruise,1,2,3,4,5,6,,,\n";
  const char *paths[] = {csv_write(), path_of("site.yaml"), text_write("truth.csv", truth)};
  struct weft_error err;
  int rc;
  char *text = inspect(paths[2], NULL, &rc, &err);
  assert_int_equal(rc, 0);
  assert_non_null(strstr(text, "{\"record\":\"truth\",\"line\":2,\"time_ns\":1700000000000000000,\"target\":\"M1\""));
  assert_non_null(strstr(text, "\"impact_lon_deg\":2.25,\"impact_time_ns\":1700000600000000000}"));
  assert_non_null(strstr(text, "\"rows\":2,\"refused\":0"));
  free(text);
  struct prng prng = prng_seed(3, 9);
  for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++) {
    size_t size;
    char *data = file_read(paths[p], &size);
    for (int i = 0; i < 40; i++) {
      free(inspect(file_write("piece", data, (size_t)prng_below(&prng, size)), NULL, &rc, &err));
      size_t at = (size_t)prng_below(&prng, size < 4000 ? size : 4000);
      data[at] = (char)(data[at] ^ (1 << prng_below(&prng, 8)));
      free(inspect(file_write("flip", data, size), NULL, &rc, &err));
    }
    free(data);
  }
}

static char *check(const char *path, int *rc, struct weft_error *err) {
  static char *text;
  static size_t size;
  FILE *out = open_memstream(&text, &size);
  *rc = weft_check(path, out, err);
  fclose(out);
  return text;
}

static void check_sums_up_or_names_what_would_stop_run(void **state) {
  (void)state;
  int rc;
  struct weft_error err = {{0}};
  char expected[PATH_SIZE + 200], text[sizeof config + 200];
  char *said = check(path_of("site.yaml"), &rc, &err);
  assert_int_equal(rc, 0);
  snprintf(expected, sizeof expected, "%s: ok: centre A1, recorded, 2 sensors of 2 nations (1 radar, 1 position), listening for nothing\n",
           path_of("site.yaml"));
  assert_string_equal(said, expected);
  free(said);
  const struct {
    const char *line, *says;
  } cases[] = {{"regions: nowhere.geojson\n", "regions: "},
               {"journal: {directory: no/parent/here}\n", "journal.directory: "},
               {"journal: {directory: site.yaml}\n", "is not a folder"},
               {"frame_limit_ms: 0\n", ":1: frame_limit_ms"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    snprintf(text, sizeof text, "%s%s", cases[i].line, config);
    said = check(text_write("wrong.yaml", text), &rc, &err);
    if (rc >= 0 || !strstr(err.text, cases[i].says)) fail_msg("%s: rc %d, %s", cases[i].line, rc, err.text);
    assert_string_equal(said, "");
    free(said);
  }
  snprintf(text, sizeof text, "journal: {directory: fresh}\n%s", config);
  said = check(text_write("fresh.yaml", text), &rc, &err);
  assert_int_equal(rc, 0); /* a folder that can be made is no mistake, and check does not make it */
  assert_int_equal(access(path_of("fresh"), F_OK), -1);
  free(said);
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/weft-api-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(folder)) return -1;
  text_write("site.yaml", config);
  givens_make();
  return 0;
}

static int path_remove(const char *path, const struct stat *status, int type, struct FTW *at) {
  (void)status, (void)type, (void)at;
  return remove(path);
}

static int teardown(void **state) {
  (void)state;
  return nftw(folder, path_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(engine_inside_gives_the_lines_of_fuse),
      cmocka_unit_test(engine_ledger_balances_with_refusals),
      cmocka_unit_test(engine_and_recorder_take_any_bits),
      cmocka_unit_test(engine_refuses_a_wrong_configuration),
      cmocka_unit_test(recorded_journal_fuses_like_the_csv),
      cmocka_unit_test(recorder_keeps_states_and_leaves_refused_ones_out),
      cmocka_unit_test(recorder_says_what_is_wrong),
      cmocka_unit_test(second_recording_numbers_its_tracks_above_the_first),
      cmocka_unit_test(track_base_grows_and_stays_exact_in_doubles),
      cmocka_unit_test(inspect_reads_a_cut_or_damaged_journal_up_to_the_damage),
      cmocka_unit_test(inspect_tells_csv_lines_and_refusals),
      cmocka_unit_test(inspect_judges_track_lines),
      cmocka_unit_test(inspect_fills_in_the_defaults_of_a_site),
      cmocka_unit_test(inspect_says_what_it_expected_instead_of_rubbish),
      cmocka_unit_test(inspect_survives_damage_of_every_kind),
      cmocka_unit_test(check_sums_up_or_names_what_would_stop_run),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
