// stage: weft_ingest weft_domain weft_base
/* Detections as CSV: any chunking, any order of columns, a clear message for every line that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/ingest/csv.h"

#define HEADER "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,range_rate_mps,height_m,x_m,y_m,z_m,snr_db,"           \
               "sigma_range_m,sigma_azimuth_rad,sigma_elevation_rad,sigma_range_rate_mps,sigma_height_m,sigma_x_m,"         \
               "sensor_x_m,sensor_y_m,sensor_z_m,truth\n"

static struct site site;

static int site_setup(void **state) {
  (void)state;
  const uint32_t ids[] = {900, 101, 4294967295u, 205}; /* not in order */
  site.sensor_count = 4;
  for (uint32_t i = 0; i < 4; i++) site.sensors[i].id = ids[i];
  return 0;
}

enum { LINES_MAX = 16 };
struct result {
  uint32_t count;
  enum csv_status status[LINES_MAX];
  struct csv_line line[LINES_MAX];
};

static struct csv_reader reader;

/* Reads `size` bytes in chunks, each from memory of its own. */
static void read_bytes(const char *text, size_t size, size_t chunk, struct result *result) {
  memset(result, 0, sizeof *result);
  csv_open(&reader, "f.csv", &site);
  for (size_t at = 0; at < size; at += chunk) {
    size_t left = size - at < chunk ? size - at : chunk;
    uint8_t *copy = malloc(left);
    memcpy(copy, text + at, left);
    const uint8_t *data = copy;
    while (result->count < LINES_MAX) {
      struct csv_line *line = &result->line[result->count];
      enum csv_status status = csv_take(&reader, &data, &left, line);
      if (status == CSV_MORE) break;
      if (status == CSV_BROKEN && result->count > 0 && result->status[result->count - 1] == CSV_BROKEN) break;
      result->status[result->count++] = status;
    }
    free(copy);
  }
  struct csv_line *line = &result->line[result->count];
  enum csv_status status = csv_end(&reader, line);
  if (status == CSV_DETECTION || status == CSV_REFUSED) result->status[result->count++] = status;
}

static struct result read_text(const char *text) {
  static struct result result;
  read_bytes(text, strlen(text), strlen(text) ? strlen(text) : 1, &result);
  return result;
}

static void columns_come_in_any_order_and_fill_what_they_name(void **state) {
  (void)state;
  struct result r = read_text("kind,truth,azimuth_rad,sensor,elevation_rad,range_m,sigma_azimuth_rad,time_ns,snr_db,range_rate_mps\n"
                              "radar,7,-1.5,101,0.25,1e5,0.002,-12,3.5,-200\n");
  assert_int_equal(r.count, 1);
  assert_int_equal(r.status[0], CSV_DETECTION);
  const struct detection *d = &r.line[0].detection;
  assert_int_equal(d->sensor, 1);
  assert_int_equal(d->time_ns, -12);
  assert_int_equal(d->sequence, 1);
  assert_int_equal(d->valid, VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_RANGE_RATE | VALID_SNR | VALID_SIGMAS);
  assert_true(d->measure[0] == 1e5 && d->measure[1] == -1.5 && d->measure[2] == 0.25 && d->measure[3] == -200);
  assert_true(d->sigma[0] == 0 && d->sigma[1] == 0.002f && d->sigma[2] == 0 && d->snr_db == 3.5f);
}

static void every_kind_reads_its_own_columns_and_no_others(void **state) {
  (void)state;
  struct result r = read_text(HEADER "1,101,radar,1,0.1,0.2,,junk,junk,,,,,,,,,,,,,\n"
                                     "2,205,radar2d,1,0.1,junk,3,900,,,,,30,0.001,,5,40,,,,,x\n"
                                     "3,900,los,junk,0.1,0.2,,,,,,,,1e-4,1e-4,,,,,,,\n"
                                     "4,4294967295,position,junk,,,,,1,2,3,,,,,,,9,,,,\n"
                                     "5,900,los,,0.1,0.2,,,,,,,,,,,,,7e6,1,2,\n"
                                     "6,205,radar2d,1,0.1,,,,,,,,,,,,,,,,,\n");
  assert_int_equal(r.count, 6);
  static const uint16_t valid[] = {VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION,
                                   VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT | VALID_RANGE_RATE | VALID_SIGMAS,
                                   VALID_AZIMUTH | VALID_ELEVATION | VALID_SIGMAS,
                                   VALID_XYZ | VALID_SIGMAS,
                                   VALID_AZIMUTH | VALID_ELEVATION | VALID_PLATFORM,
                                   VALID_RANGE | VALID_AZIMUTH};
  for (int i = 0; i < 6; i++) {
    if (r.status[i] != CSV_DETECTION) fail_msg("line %d: %s", i, r.line[i].error.text);
    assert_int_equal(r.line[i].detection.valid, valid[i]);
    assert_int_equal(r.line[i].detection.sequence, i + 1);
    assert_int_equal(r.line[i].number, i + 2);
  }
  assert_true(r.line[1].detection.measure[MEASURE_HEIGHT] == 900 && r.line[1].detection.sigma[MEASURE_HEIGHT] == 40);
  assert_true(r.line[2].detection.measure[0] == 0);
  assert_true(r.line[3].detection.measure[2] == 3 && r.line[3].detection.sigma[2] == 9);
  assert_int_equal(r.line[3].detection.sensor, 2);
  assert_true(r.line[4].detection.platform_m[0] == 7e6);
}

static void refused_lines_say_where_and_why_and_disturb_no_other(void **state) {
  (void)state;
  static const struct { const char *line; enum refusal refusal; const char *text; } cases[] = {
      {"1,101,radar,1,abc,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "f.csv:3: column azimuth_rad: \"abc\" is not a number"},
      {"1,101,radar,1,0.1 0.2,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "is not a number"},
      {"1,101,radar,,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "kind radar needs range_m, azimuth_rad and elevation_rad"},
      {"1,101,radar2d,1,,,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "kind radar2d needs range_m and azimuth_rad"},
      {"1,101,los,1,1,,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "kind los needs azimuth_rad and elevation_rad"},
      {"1,101,position,,,,,,1,,3,,,,,,,,,,,", REFUSAL_MALFORMED, "column y_m: kind position needs it"},
      {"1,101,sonar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column kind: \"sonar\""},
      {"1,101,,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column kind"},
      {"1.5,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column time_ns: \"1.5\""},
      {",101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column time_ns: \"\""},
      {"9223372036854775808,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column time_ns"},
      {"9223372036854775807,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_OUT_OF_RANGE, "column time_ns"},
      {"1,-101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column sensor: \"-101\" is not a sensor id"},
      {"1,4294967296,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column sensor"},
      {"1,102,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_UNKNOWN_SENSOR, "no sensor 102 in the configuration"},
      {"1,4294967294,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_UNKNOWN_SENSOR, "no sensor 4294967294 in the configuration"},
      {"1,101,radar,nan,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_NOT_FINITE, "column range_m: \"nan\" is not a finite number"},
      {"1,101,radar,1,-inf,0.2,,,,,,,,,,,,,,,,", REFUSAL_NOT_FINITE, "column azimuth_rad"},
      {"1,101,radar,1e999,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_NOT_FINITE, "column range_m"},
      {"1,101,radar,1,0.1,0.2,,,,,,,1e39,,,,,,,,,", REFUSAL_NOT_FINITE, "column sigma_range_m: \"1e39\" is too large"},
      {"1,101,radar,1,0.1,0.2,,,,,,nan,,,,,,,,,,", REFUSAL_NOT_FINITE, "column snr_db"},
      {"1,101,radar,-1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_OUT_OF_RANGE, "column range_m: \"-1\" is outside 0 to 100000000"},
      {"1,101,radar,1,6.3,0.2,,,,,,,,,,,,,,,,", REFUSAL_OUT_OF_RANGE, "column azimuth_rad"},
      {"1,101,radar,1,0.1,1.6,,,,,,,,,,,,,,,,", REFUSAL_OUT_OF_RANGE, "column elevation_rad"},
      {"1,101,radar,1,0.1,0.2,,,,,,,,-0.1,,,,,,,,", REFUSAL_OUT_OF_RANGE, "column sigma_azimuth_rad"},
      {"1,101,los,,0.1,0.2,,,,,,,,,,,,,7e6,1,,", REFUSAL_MALFORMED, "sensor_x_m, sensor_y_m and sensor_z_m go together"},
      {"1,101,los,,0.1,0.2,,,,,,,,,,,,,7e9,1,1,", REFUSAL_OUT_OF_RANGE, "column sensor_x_m"},
      {"1,101,radar,1,0.1,0.2,,,,,,,,,,,,,7e6,1,1,", REFUSAL_MALFORMED, "are for kind los only"},
      {"1,101,radar,1,0.1,0.2", REFUSAL_MALFORMED, "6 fields where the header has 22"},
      {"1,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "23 fields where the header has 22"},
      {",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "32 fields and more where the header has 22"},
      {"1,102,radar", REFUSAL_UNKNOWN_SENSOR, "no sensor 102"},
      {"1,99999999999999999999,radar,1,0.1,0.2,,,,,,,,,,,,,,,,", REFUSAL_MALFORMED, "column sensor"},
      {"1,101,radar,1,0.1,0.2,,,,,,,wide,,,,,,,,,", REFUSAL_MALFORMED, "column sigma_range_m: \"wide\" is not a number"},
      {"1,101,radar,1,0.1,0.2,,,,,,1e300,,,,,,,,,,", REFUSAL_NOT_FINITE, "a value is too large"},
      {"1,101,los,,0.1,0.2,,,,,,,,,,,,,7e6,here,1,", REFUSAL_MALFORMED, "column sensor_y_m: \"here\" is not a number"},
      {"1,101,los,,0.1,0.2,,,,,,,,,,,,,7e6,1,-7e9,", REFUSAL_OUT_OF_RANGE, "column sensor_z_m"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[2048];
    snprintf(text, sizeof text, HEADER "1,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,\n%s\n1,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,\n",
             cases[i].line);
    struct result r = read_text(text);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.status[0], CSV_DETECTION);
    assert_int_equal(r.status[1], CSV_REFUSED);
    assert_int_equal(r.status[2], CSV_DETECTION);
    assert_int_equal(r.line[2].detection.sequence, 3);
    if (r.line[1].refusal != cases[i].refusal || !strstr(r.line[1].error.text, cases[i].text) ||
        strncmp(r.line[1].error.text, "f.csv:3: ", 9) != 0)
      fail_msg("%s\n  gave %d \"%s\"\n  not %d \"%s\"", cases[i].line, r.line[1].refusal, r.line[1].error.text,
               cases[i].refusal, cases[i].text);
  }
}

/* `weft inspect` without a site: sensors keep the ids they have in the file. */
static void without_a_site_every_sensor_is_taken(void **state) {
  (void)state;
  csv_open(&reader, "f.csv", NULL);
  static const char text[] = "time_ns,sensor,kind,range_m,azimuth_rad\n1,77,radar2d,5,0.1\n";
  const uint8_t *data = (const uint8_t *)text;
  size_t size = sizeof text - 1;
  struct csv_line line;
  assert_int_equal(csv_take(&reader, &data, &size, &line), CSV_DETECTION);
  assert_int_equal(line.detection.sensor, 77);
}

static void an_id_above_all_of_the_site_is_unknown(void **state) {
  (void)state;
  static struct site small;
  small.sensor_count = 1;
  small.sensors[0].id = 5;
  csv_open(&reader, "f.csv", &small);
  static const char text[] = "time_ns,sensor,kind,range_m,azimuth_rad\n1,6,radar2d,5,0.1\n";
  const uint8_t *data = (const uint8_t *)text;
  size_t size = sizeof text - 1;
  struct csv_line line;
  assert_int_equal(csv_take(&reader, &data, &size, &line), CSV_REFUSED);
  assert_int_equal(line.refusal, REFUSAL_UNKNOWN_SENSOR);
}

static void a_sigma_of_zero_says_nothing(void **state) {
  (void)state;
  struct result r = read_text("time_ns,sensor,kind,range_m,azimuth_rad,sigma_range_m\n1,101,radar2d,5,0.1,0\n");
  assert_int_equal(r.status[0], CSV_DETECTION);
  assert_int_equal(r.line[0].detection.valid, VALID_RANGE | VALID_AZIMUTH);
}

static void headers_that_cannot_be_used_break_the_file(void **state) {
  (void)state;
  static const struct { const char *header, *text; } cases[] = {
      {"time_ns,sensor,kind,azimuth_deg\n", "f.csv:1: unknown column \"azimuth_deg\""},
      {"time_ns,sensor,kind,\n", "unknown column \"\""},
      {"time_ns,sensor\n", "the header lacks column kind"},
      {"time_ns,sensor,kind,kind\n", "column kind is there twice"},
      {"1,101,radar\n", "unknown column \"1\": the first line must name the columns"},
      {"\n\n\"time_ns\",sensor,kind\n", "f.csv:3: unknown column"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[256];
    snprintf(text, sizeof text, "%s1,101,radar\n", cases[i].header);
    struct result r = read_text(text);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.status[0], CSV_BROKEN);
    if (!strstr(r.line[0].error.text, cases[i].text)) fail_msg("%s: %s", cases[i].header, r.line[0].error.text);
  }
}

static void line_ends_blanks_and_marks_do_not_matter(void **state) {
  (void)state;
  struct result r = read_text("\xef\xbb\xbftime_ns, sensor ,kind,x_m,y_m,z_m\r\n\r\n1,\t101,position,1,2,3\r\n  \n2,101,position,1,2,+3e0");
  assert_int_equal(r.count, 2);
  assert_int_equal(r.status[0], CSV_DETECTION);
  assert_int_equal(r.status[1], CSV_DETECTION);
  assert_int_equal(r.line[1].detection.sequence, 2);
  assert_int_equal(r.line[1].number, 5);
}

static void empty_files_and_lone_headers_are_valid(void **state) {
  (void)state;
  assert_int_equal(read_text("").count, 0);
  assert_int_equal(read_text("\n\n").count, 0);
  assert_int_equal(read_text(HEADER).count, 0);
  struct result r = read_text("time_ns,sensor,kind"); /* no end of line */
  assert_int_equal(r.count, 0);
  assert_false(reader.broken);
}

static void long_and_binary_lines_are_refused_and_reading_goes_on(void **state) {
  (void)state;
  static char text[20000];
  strcpy(text, "time_ns,sensor,kind,x_m,y_m,z_m\n");
  size_t at = strlen(text);
  memset(text + at, '1', 3 * CSV_LINE_MAX);
  at += 3 * CSV_LINE_MAX;
  const char rest[] = "\n1,101,posi\0tion,1,2,3\n1,101,position,1,2,3\n";
  memcpy(text + at, rest, sizeof rest - 1);
  static struct result r;
  for (size_t chunk = 1; chunk < 5000; chunk = chunk * 2 + 1) {
    read_bytes(text, at + sizeof rest - 1, chunk, &r);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.status[0], CSV_REFUSED);
    assert_non_null(strstr(r.line[0].error.text, "line longer than 4096 bytes"));
    assert_int_equal(r.status[1], CSV_REFUSED);
    assert_non_null(strstr(r.line[1].error.text, "this is not text"));
    assert_int_equal(r.status[2], CSV_DETECTION);
    assert_int_equal(r.line[2].offset, at + sizeof rest - 1);
  }
}

static void chunking_changes_nothing(void **state) {
  (void)state;
  const char text[] = HEADER "1,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,\r\n\nbad\n3,900,los,,0.1,0.2,,,,,,,,,,,,,7e6,1,2,";
  static struct result whole, parts;
  read_bytes(text, sizeof text - 1, sizeof text, &whole);
  assert_int_equal(whole.count, 3);
  for (size_t chunk = 1; chunk < sizeof text; chunk++) {
    read_bytes(text, sizeof text - 1, chunk, &parts);
    assert_memory_equal(&whole, &parts, sizeof whole);
  }
}

static void truncated_files_read_up_to_the_cut(void **state) {
  (void)state;
  const char text[] = HEADER "1,101,radar,1,0.1,0.2,,,,,,,,,,,,,,,,\n2,900,los,,0.1,0.2,,,,,,,,,,,,,7e6,1,2,\n";
  static struct result r;
  for (size_t cut = 0; cut < sizeof text; cut++) {
    read_bytes(text, cut, 64, &r);
    assert_true(r.count <= 2);
    if (cut >= sizeof HEADER - 1 + 38) assert_int_equal(r.status[0], CSV_DETECTION);
  }
}

static void random_bytes_are_survived(void **state) {
  (void)state;
  struct prng prng = prng_seed(2, 0);
  static const char alphabet[] = "0123456789.,-e\n\r \t\0naifxradlospt\xef\xbb\xbf";
  static struct result r;
  char text[512];
  for (int i = 0; i < 3000; i++) {
    size_t at = 0;
    if (prng_below(&prng, 2)) at = (size_t)snprintf(text, sizeof text, "time_ns,sensor,kind,range_m,azimuth_rad\n");
    while (at < sizeof text) text[at++] = alphabet[prng_below(&prng, sizeof alphabet - 1)];
    read_bytes(text, 300, 1 + prng_below(&prng, 300), &r);
    for (uint32_t k = 0; k < r.count; k++)
      if (r.status[k] != CSV_DETECTION && strlen(r.line[k].error.text) < 9) fail_msg("seed 2, case %d: no message", i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_come_in_any_order_and_fill_what_they_name),
      cmocka_unit_test(every_kind_reads_its_own_columns_and_no_others),
      cmocka_unit_test(refused_lines_say_where_and_why_and_disturb_no_other),
      cmocka_unit_test(without_a_site_every_sensor_is_taken),
      cmocka_unit_test(an_id_above_all_of_the_site_is_unknown),
      cmocka_unit_test(a_sigma_of_zero_says_nothing),
      cmocka_unit_test(headers_that_cannot_be_used_break_the_file),
      cmocka_unit_test(line_ends_blanks_and_marks_do_not_matter),
      cmocka_unit_test(empty_files_and_lone_headers_are_valid),
      cmocka_unit_test(long_and_binary_lines_are_refused_and_reading_goes_on),
      cmocka_unit_test(chunking_changes_nothing),
      cmocka_unit_test(truncated_files_read_up_to_the_cut),
      cmocka_unit_test(random_bytes_are_survived),
  };
  return cmocka_run_group_tests(tests, site_setup, NULL);
}
