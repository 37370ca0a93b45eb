/* weft inspect over files with something wrong in them, or unusual: each line, row and record is told or refused with what
 * is wrong, and the sums at the end agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/weft.h"

enum { TEXT_MAX = 4 << 20, LINE_FIELDS = 13 };

static char path[] = "/tmp/weft-inspect-XXXXXX", site_path[] = "/tmp/weft-inspect-site-XXXXXX";
static char *text; /* of the last inspection */
static struct weft_error err;

static void file_write(const char *to, const void *data, size_t size) {
  FILE *file = fopen(to, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* The result of an inspection of these bytes; its output is in `text`. */
static int inspect_with(const void *data, size_t size, const char *config, const char *date) {
  size_t length;
  file_write(path, data, size);
  free(text);
  FILE *out = open_memstream(&text, &length);
  int rc = weft_inspect(path, config, date, out, &err);
  fclose(out);
  return rc;
}

static int inspect(const char *data) { return inspect_with(data, strlen(data), NULL, NULL); }

static void told(const char *piece) {
  if (!strstr(text, piece)) fail_msg("'%s' is not in:\n%.2000s", piece, text);
}

static void refused(int rc, int code, const char *says) {
  if (rc != code || !strstr(err.text, says)) fail_msg("%d '%s' instead of %d '%s'", rc, err.text, code, says);
}

/* A good track line, field by field. */
static const char *const line_fields[LINE_FIELDS] = {
    "\"time_ns\":1700000000000000000", "\"centre\":\"A1\"", "\"track\":17", "\"status\":\"confirmed\"", "\"class\":\"ballistic\"",
    "\"phase\":\"boost\"", "\"exercise\":false", "\"position_ecef_m\":[1,2,3]", "\"velocity_ecef_mps\":[4,5.5,6]",
    "\"covariance\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]", "\"existence\":0.99", "\"detections\":42",
    "\"first_time_ns\":1700000000000000000"};

/* The line with one field exchanged; "" leaves it out. */
static char *line_with(char *out, int at, const char *field) {
  char *end = out;
  *end++ = '{';
  for (int i = 0; i < LINE_FIELDS; i++) {
    const char *own = i == at ? field : line_fields[i];
    if (*own) end += sprintf(end, "%s%s", end[-1] == '{' ? "" : ",", own);
  }
  strcpy(end, "}\n");
  return out;
}

static void every_field_of_a_track_line_is_judged(void **state) {
  (void)state;
  static const struct {
    int at;
    const char *field, *says; /* NULL: good */
  } cases[] = {
      {0, "\"time_ns\":1.5", "time_ns is not a whole number"},
      {2, "", "track is not a whole number"},
      {11, "\"detections\":\"42\"", "detections is not a whole number"},
      {12, "\"first_time_ns\":null", "first_time_ns is not a whole number"},
      {1, "\"centre\":1", "centre is not a string"},
      {6, "\"exercise\":0", "exercise is neither true nor false"},
      {6, "\"exercise\":true", NULL},
      {3, "\"status\":\"sure\"", "status is not tentative, confirmed or lost"},
      {3, "\"status\":7", "status is not tentative, confirmed or lost"},
      {4, "\"class\":\"rocket\"", "class is not unknown, ballistic, aircraft or orbital"},
      {5, "\"phase\":\"up\"", "phase is not boost, coast, reentry or cruise"},
      {5, "", NULL},
      {7, "\"position_ecef_m\":[1,2]", "position_ecef_m is not 3 numbers"},
      {7, "\"position_ecef_m\":{\"x\":1}", "position_ecef_m is not 3 numbers"},
      {8, "\"velocity_ecef_mps\":[1,2,\"3\"]", "velocity_ecef_mps is not 3 numbers"},
      {9, "\"covariance\":[1]", "covariance is not 21 numbers"},
      {10, "\"existence\":1.01", "existence is not a probability"},
      {10, "\"existence\":-0.5", "existence is not a probability"},
      {10, "\"existence\":\"1\"", "existence is not a probability"},
  };
  char line[1024];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(inspect(line_with(line, cases[i].at, cases[i].field)), 0);
    told(cases[i].says ? cases[i].says : line);
    told(cases[i].says ? "\"tracks\":0,\"missed\":0,\"ledgers\":0,\"refused\":1}" : "\"tracks\":1,\"missed\":0,\"ledgers\":0,\"refused\":0}");
  }
}

static void other_lines_among_tracks_are_passed_or_refused(void **state) {
  (void)state;
  char line[1024], all[4096];
  line_with(line, -1, NULL);
  line[strlen(line) - 1] = 0;
  sprintf(all, "%s  \r\n\r\n{\"missed\":3}\n{\"missed\":\"x\"}\n{\"ledger\":{}}\n{\"ledger\":5}\n[1]\n{\"a\":1,\"a\":2}\n%s", line, line);
  assert_int_equal(inspect(all), 0);
  told("\"tracks\":2,\"missed\":1,\"ledgers\":1,\"refused\":4}"); /* the last line has no end, the second nothing in it */
  told("{\"record\":\"refused\",\"line\":8,\"reason\":\"malformed\"");
  char *longest = malloc(2 << 20);
  memset(longest, ' ', 2 << 20);
  memcpy(longest, "{\"time_ns\":1,\n{", 15);
  refused(inspect_with(longest, 2 << 20, NULL, NULL), -EINVAL, ":2: longer than 1048576 bytes; these are no track lines");
  free(longest);
}

static const char truth_head[] =
    "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,impact_lat_deg,impact_lon_deg,impact_time_ns,colour";

static void the_state_of_a_run_is_told_as_the_server_writes_it(void **state) {
  (void)state;
  if (inspect("started 100 0\nstarted 200 100\ncrashed 200 17\nended 200\n") != 0) fail_msg("%s", err.text);
  told("{\"record\":\"started\",\"run\":100,\"from\":0}");
  told("{\"record\":\"started\",\"run\":200,\"from\":100}");
  told("{\"record\":\"crashed\",\"run\":200,\"frame\":17}");
  told("{\"record\":\"ended\",\"run\":200}");
  assert_null(strstr(text, "refused"));
  static const char *const wrong[] = {"started 200", "crashed 200", "ended 200 17", "paused 200", "ended x", "started 1 2 3"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char lines[128];
    snprintf(lines, sizeof lines, "started 100 0\n%s\n", wrong[i]);
    assert_int_equal(inspect(lines), 0);
    told("\"refused\",\"line\":2");
  }
}

static void truth_rows_are_told_or_refused(void **state) {
  (void)state;
  char long_row[5000], all[16384];
  memset(long_row, 'x', sizeof long_row);
  long_row[sizeof long_row - 1] = 0;
  sprintf(all, "\xef\xbb\xbf%s\r\n%s\n\n%s\n%s\n%s\n%s\n%s\n%s\n%s", truth_head, "1,M1,ballistic,boost,1,2,3,4,5,6,41.5,2,99,red",
          "1.5,M1,ballistic,boost,1,2,3,4,5,6,,,,", "1,M1,ballistic,boost,one,2,3,4,5,6,,,,", "1,M1,ballistic,boost,inf,2,3,4,5,6,,,,",
          "1,M1,ballistic,boost,1 ,2,3,4,5,6,,,,", "1,M1,ballistic", long_row, "99999999999999999999,M1,ballistic,boost,1,2,3,4,5,6,,,,");
  assert_int_equal(inspect(all), 0);
  told("{\"record\":\"truth\",\"line\":2,\"time_ns\":1,\"target\":\"M1\"");
  told("\"line\":4,\"reason\":\"malformed\",\"error\":\"column time_ns: \\\"1.5\\\" is not a whole number of nanoseconds\"}");
  told("column x_m: \\\"one\\\" is not a finite number");
  told("column x_m: \\\"inf\\\" is not a finite number");
  told("column x_m: \\\"1 \\\" is not a finite number");
  told("\"line\":8,\"reason\":\"malformed\",\"error\":\"3 fields where the header has 14\"}");
  told("\"line\":9,\"reason\":\"malformed\",\"error\":\"line longer than 4096 bytes\"}");
  told("column time_ns: \\\"99999999999999999999\\\"");
  told("\"rows\":1,\"refused\":7}");
  /* A zero byte is a byte like any other, a last line needs no end, however long it is. */
  sprintf(all, "%s\n1,M1,a,b,1,2,3,4,5,6,,,,%s", truth_head, long_row);
  assert_int_equal(inspect_with(all, strlen(all) + 1, NULL, NULL), 0);
  told("\"rows\":0,\"refused\":1}");
}

static void truth_headers_that_lack_a_column_are_refused(void **state) {
  (void)state;
  char head[512] = "time_ns,target";
  refused(inspect("time_ns,target,class,x_m\n"), -EINVAL, ":1: the header lacks column phase");
  for (int i = 0; i < 63; i++) strcat(head, ",c");
  strcat(head, "\n1\n");
  refused(inspect(head), -EINVAL, ":1: more than 64 columns");
}

static void text_is_told_by_its_first_line_that_says_something(void **state) {
  (void)state;
  static const char site[] = "sensors: [{id: 1, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {x_m: 1}}]\n";
  static const char *const before[] = {"", "\xef\xbb\xbf", "# a comment\n", "\n  \r\n", "%YAML 1.1\n---\n", "---\n# one\n\n"};
  char all[1024];
  for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
    sprintf(all, "%s%s", before[i], site);
    if (inspect(all) != 0) fail_msg("%s: %s", before[i], err.text);
    told("{\"record\":\"site\"");
  }
  refused(inspect("salvos: []\n"), -EINVAL, "seems to be a scenario; `weft salvo ");
  refused(inspect("# one\n\nfleets: []\n"), -EINVAL, "seems to be a scenario");
  refused(inspect("time: live\nsensors: []\n"), -EINVAL, ":2: sensors");
  refused(inspect("id,kind\n1,radar\n"), -EINVAL, "unknown column"); /* detections, by the comma; the reader of headers explains */
  refused(inspect("no colon here\n"), -EINVAL, "neither detections or truth as CSV");
  refused(inspect("# nothing\n#else"), -EINVAL, "neither detections or truth as CSV");
  memset(all, 'a', 900);
  all[900] = 0;
  refused(inspect(all), -EINVAL, "neither detections");
}

static void a_site_is_told_with_all_that_it_says(void **state) {
  (void)state;
  static const char site[] =
      "centre: A1\nexercise: true\ntime: recorded\nassociation: nearest\n"
      "listen: {detections: \"[::1]:5000\", tracks: \"127.0.0.1:6000\"}\n"
      "journal: {directory: j}\nregions: r.geojson\nreplay_marks: m\n"
      "sensors:\n"
      "  - {id: 1, kind: radar, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {range_m: 1, azimuth_rad: 0.001,\n"
      "     elevation_rad: 0.001, range_rate_mps: 2}, resolution: {range_m: 100, azimuth_rad: 0.01, elevation_rad: 0.02},\n"
      "     asterix: {sac: 1, sic: 2}, key: k.key}\n"
      "  - {id: 2, kind: radar2d, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {range_m: 1, azimuth_rad: 0.001},\n"
      "     resolution: {range_m: 100, azimuth_rad: 0.01}}\n"
      "  - {id: 3, kind: los, frame: ecef, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {azimuth_rad: 0.001, elevation_rad: 0.001},\n"
      "     resolution: {azimuth_rad: 0.01, elevation_rad: 0.02}}\n";
  static const char *const says[] = {
      "\"exercise\":true,\"time\":\"recorded\",\"association\":\"nearest\"", "\"detections\":\"[::1]:5000\",\"tracks\":\"127.0.0.1:6000\"}",
      "\"journal\":{\"directory\":\"", "\"regions\":\"", "\"replay_marks\":\"", "\"range_rate_mps\":2}",
      "\"resolution\":{\"range_m\":100,\"azimuth_rad\":0.01,\"elevation_rad\":0.02}", "\"resolution\":{\"range_m\":100,\"azimuth_rad\":0.01}",
      "\"resolution\":{\"azimuth_rad\":0.01,\"elevation_rad\":0.02}", "\"asterix\":{\"sac\":1,\"sic\":2},\"key\":\"", "\"frame\":\"ecef\""};
  if (inspect(site) != 0) fail_msg("%s", err.text);
  for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) told(says[i]);
}

/* Blocks under construction. */
static uint8_t bytes[16384];
static size_t used;

static void block_put(uint8_t category, const char *hex) {
  size_t size = strlen(hex) / 2;
  bytes[used++] = category;
  bytes[used++] = (uint8_t)((size + 3) >> 8);
  bytes[used++] = (uint8_t)(size + 3);
  for (size_t i = 0; i < size; i++) {
    unsigned value;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
    bytes[used++] = (uint8_t)value;
  }
}

/* Source 20/4, 80,000 s of the day, 80.5625 NM due east, where a record has them. */
#define SOURCE "1404"
#define TIME "9c4000"
#define PLACE "50904000"

static void every_use_of_a_plot_is_told(void **state) {
  (void)state;
  static const struct {
    const char *record, *says;
  } plots[] = {
      {"40" TIME, "{\"category\":48,\"time_ns\":80000000000000,\"time_of_day_s\":80000,\"duplicate\":false,\"use\":\"no_detection\"}"},
      {"f0" SOURCE "ffffff20" PLACE, "\"time_of_day_s\":131071.9921875,\"sac\":20,\"sic\":4,\"duplicate\":false,\"use\":\"no_time\""},
      {"f0" SOURCE TIME "30" PLACE, "\"use\":\"simulated\",\"range_m\":149201.75"},
      {"f0" SOURCE TIME "00" PLACE, "\"use\":\"no_detection\",\"range_m\":149201.75,\"azimuth_rad\":1.5707963267948966,\"type\":0"},
      {"f0" SOURCE TIME "22" PLACE, "\"use\":\"field_monitor\""},
      {"f0" SOURCE TIME "2180" PLACE, "\"use\":\"test\""},
      {"f0" SOURCE TIME "2140" PLACE, "\"use\":\"no_position\",\"range_m\":149201.75,\"azimuth_rad\":1.5707963267948966,\"range_saturated\":true"},
      {"e0" SOURCE TIME "20", "\"use\":\"no_position\",\"type\":1"},
      {"f4" SOURCE TIME "20" PLACE "8000", "\"use\":\"plot\",\"range_m\":149201.75,\"azimuth_rad\":1.5707963267948966,\"level_valid\":false"},
      {"f4" SOURCE TIME "20" PLACE "011c", "\"height_m\":2164.08"},
      {"f10108" SOURCE TIME "20" PLACE "0064", "\"height_m\":762,\"height_3d_m\":762"},
      {"30" "20" PLACE, "{\"category\":48,\"duplicate\":false,\"use\":\"no_time\""},
  };
  used = 0;
  for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) block_put(48, plots[i].record);
  block_put(48, plots[2].record);
  block_put(62, "0102");
  block_put(34, "c0" SOURCE "01");
  block_put(34, "60" "01" TIME);
  block_put(34, "4002");
  block_put(48, "010101010101010101");
  bytes[used++] = 48;
  bytes[used++] = 0;
  bytes[used++] = 50; /* and nothing of it */
  assert_int_equal(inspect_with(bytes, used, NULL, NULL), 0);
  for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) told(plots[i].says);
  told("{\"category\":62,\"skipped\":true,\"size\":5}");
  told("{\"category\":34,\"message\":1,\"sac\":20,\"sic\":4,\"duplicate\":false}");
  told("{\"category\":34,\"message\":1,\"time_ns\":80000000000000,\"time_of_day_s\":80000,\"duplicate\":false}");
  told("\"error\":\"a record that can't be decoded; the rest of its block is lost\"}");
  told("\"error\":\"a block that does not end within its payload or file\"}");
  told("\"uses\":{\"plot\":3,\"simulated\":2,\"test\":1,\"field_monitor\":1,\"no_detection\":2,\"no_position\":2,\"no_time\":2},\"duplicates\":1,"
       "\"with_height\":2,\"with_height_3d\":1,");
  told("\"radars\":1,\"malformed\":2,\"blocks\":18,\"cut\":1}");
  refused(inspect_with(bytes, used, NULL, "2001-02-30"), -EINVAL, "\"2001-02-30\" is not a date");
  assert_int_equal(inspect_with(bytes, used, NULL, "2001-03-04"), 0);
  told("\"time_ns\":983744000000000000,");
}

static void only_plots_of_a_known_radar_have_a_place(void **state) {
  (void)state;
  static const char site[] =
      "sensors:\n"
      "  - {id: 4, kind: radar2d, position: {lat_deg: 41, lon_deg: 2, height_m: 100}, revisit_s: 5, sigma: {range_m: 100, azimuth_rad: 0.002},\n"
      "     asterix: {sac: 20, sic: 4}}\n"
      "  - {id: 5, kind: radar2d, position: {lat_deg: 41, lon_deg: 2, height_m: 100}, revisit_s: 5, sigma: {range_m: 100, azimuth_rad: 0.002},\n"
      "     registration: {range_m: 200000}, asterix: {sac: 20, sic: 5}}\n"
      "  - {id: 6, kind: radar, position: {lat_deg: 41, lon_deg: 2, height_m: 100}, revisit_s: 5,\n"
      "     sigma: {range_m: 100, azimuth_rad: 0.002, elevation_rad: 0.002}, asterix: {sac: 20, sic: 6}}\n";
  file_write(site_path, site, sizeof site - 1);
  used = 0;
  block_put(48, "f0" SOURCE TIME "20" PLACE);
  assert_int_equal(inspect_with(bytes, used, site_path, NULL), 0);
  told("\"sensor\":4,\"x_m\":");
  told("\"height_assumed\":true}");
  static const struct {
    const char *record, *ends;
  } others[] = {{"f0" "1405" TIME "20" PLACE, "\"type\":1,\"sensor\":5}"}, /* its registration leaves no range */
                {"f0" "1406" TIME "20" PLACE, "\"type\":1,\"sensor\":6}"}, /* no radar2d */
                {"f0" SOURCE TIME "22" PLACE, "\"type\":1,\"sensor\":4}"}, /* no plot */
                {"f0" "1407" TIME "20" PLACE, "\"type\":1}"}};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    used = 0;
    block_put(48, others[i].record);
    assert_int_equal(inspect_with(bytes, used, site_path, NULL), 0);
    told(others[i].ends);
    assert_null(strstr(text, "\"x_m\""));
  }
}

static void more_radars_than_have_a_clock_are_still_told(void **state) {
  (void)state;
  used = 0;
  for (int i = 0; i < 300; i++) {
    char record[16];
    snprintf(record, sizeof record, "80%02x%02x", 1 + i / 256, i % 256);
    block_put(48, record);
  }
  assert_int_equal(inspect_with(bytes, used, NULL, NULL), 0);
  told("\"records\":{\"48\":300}");
  told("\"radars\":256,");
}

static void a_reader_that_leaves_is_no_failure_a_full_disk_is(void **state) {
  (void)state;
  char *rows = malloc(TEXT_MAX), line[1024];
  size_t size = 0;
  line_with(line, -1, NULL);
  while (size < 200000) size += (size_t)sprintf(rows + size, "%s", line);
  size_t tracks = size;
  file_write(path, rows, tracks);
  FILE *full = fopen("/dev/full", "w");
  assert_int_equal(weft_inspect(path, NULL, NULL, full, &err), -ENOSPC);
  assert_non_null(strstr(err.text, "writing failed: No space left on device"));
  fclose(full);
  used = 0;
  for (int i = 0; i < 1000; i++) block_put(48, "80140" "4");
  const struct {
    const void *data;
    size_t size;
  } files[] = {{rows, tracks}, {bytes, used}};
  signal(SIGPIPE, SIG_IGN);
  for (int f = 0; f < 2; f++) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    FILE *out = fdopen(ends[1], "w");
    close(ends[0]);
    file_write(path, files[f].data, files[f].size);
    assert_int_equal(weft_inspect(path, NULL, NULL, out, &err), 0);
    fclose(out);
  }
  signal(SIGPIPE, SIG_DFL);
  free(rows);
}

static int setup(void **state) {
  (void)state;
  int fd = mkstemp(path), other = mkstemp(site_path);
  if (fd < 0 || other < 0) return -1;
  return close(fd) + close(other);
}

static int teardown(void **state) {
  (void)state;
  free(text);
  return unlink(path) + unlink(site_path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_of_a_track_line_is_judged),
      cmocka_unit_test(other_lines_among_tracks_are_passed_or_refused),
      cmocka_unit_test(the_state_of_a_run_is_told_as_the_server_writes_it),
      cmocka_unit_test(truth_rows_are_told_or_refused),
      cmocka_unit_test(truth_headers_that_lack_a_column_are_refused),
      cmocka_unit_test(text_is_told_by_its_first_line_that_says_something),
      cmocka_unit_test(a_site_is_told_with_all_that_it_says),
      cmocka_unit_test(every_use_of_a_plot_is_told),
      cmocka_unit_test(only_plots_of_a_known_radar_have_a_place),
      cmocka_unit_test(more_radars_than_have_a_clock_are_still_told),
      cmocka_unit_test(a_reader_that_leaves_is_no_failure_a_full_disk_is),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
