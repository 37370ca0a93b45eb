// stage: weft_ingest weft_domain weft_base weft_kernels
// wraps: read
/* Recordings as inputs: every kind by its content, entry by entry into the books; what can't be read says where and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/ingest/config.h"
#include "engine/ingest/recording.h"

enum { BYTES_MAX = 1 << 20, CAPACITY = 2048 };
static const char site_text[] =
    "centre: A1\ntime: recorded\nsensors:\n"
    "  - {id: 10, kind: radar2d, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, asterix: {sac: 20, sic: 4}, revisit_s: 5,\n"
    "     sigma: {range_m: 100, azimuth_rad: 0.002}}\n"
    "  - {id: 11, kind: position, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, sigma: {x_m: 40}}\n";
static struct site site;
static char path[64];
static uint8_t bytes[BYTES_MAX];
static size_t size;
static struct foreign_names names;
static struct weft_error err;

/* The read that goes wrong, counted from the opening on; 0: none. */
static int read_turn, read_error;
ssize_t __real_read(int fd, void *data, size_t count);
ssize_t __wrap_read(int fd, void *data, size_t count);
ssize_t __wrap_read(int fd, void *data, size_t count) {
  if (read_turn == 0 || --read_turn != 0) return __real_read(fd, data, count);
  errno = read_error;
  return -1;
}

static int setup(void **state) {
  (void)state;
  log_level_set(0);
  strcpy(path, "/tmp/weft-recording-XXXXXX");
  int fd = mkstemp(path);
  if (fd < 0 || close(fd) < 0 || site_parse(site_text, strlen(site_text), "site.yaml", &site, &err) < 0) return -1;
  size = 0;
  read_turn = 0;
  memset(&names, 0, sizeof names);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  site_free(&site);
  return unlink(path);
}

static void put(const void *data, size_t count) {
  assert_true(size + count <= BYTES_MAX);
  memcpy(bytes + size, data, count);
  size += count;
}

static void put_text(const char *text) { put(text, strlen(text)); }

static void file_save(void) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static struct recording *begin(const char *date) {
  struct recording *recording;
  enum sniff_kind kind;
  file_save();
  if (recording_open(&recording, path, &site, date, &names, &kind, &err) < 0) fail_msg("%s", err.text);
  return recording;
}

static int open_error(void) {
  struct recording *recording;
  enum sniff_kind kind;
  file_save();
  return recording_open(&recording, path, &site, NULL, &names, &kind, &err);
}

/* What became of a recording, and how it ended. */
struct outcome {
  int detections, refused, skipped, services, foreign, foreign_refused, rc;
  enum ledger_skip skip; /* the last one's */
  enum refusal refusal;
  enum intake_mode mode;
};

static struct outcome read_all(const char *date) {
  struct recording *recording = begin(date);
  struct outcome out = {0};
  struct entry entry;
  int64_t key_ns = INT64_MIN;
  while ((out.rc = recording_next(recording, &entry, &err)) == 1) {
    out.detections += entry.kind == ENTRY_DETECTION;
    out.services += entry.kind == ENTRY_SERVICE;
    out.foreign += entry.kind == ENTRY_FOREIGN;
    out.refused += entry.kind == ENTRY_REFUSED;
    out.skipped += entry.kind == ENTRY_SKIPPED;
    out.foreign_refused += entry.kind == ENTRY_FOREIGN_REFUSED;
    if (entry.kind == ENTRY_SKIPPED) out.skip = entry.skip;
    if (entry.kind == ENTRY_REFUSED || entry.kind == ENTRY_FOREIGN_REFUSED) out.refusal = entry.refusal;
    if (entry.kind == ENTRY_DETECTION) out.mode = entry.mode;
    assert_true(recording_merge_key(recording) >= key_ns);
    key_ns = recording_merge_key(recording);
  }
  if (out.rc == 0) { /* the end stays the end */
    uint64_t done, all;
    assert_int_equal(recording_next(recording, &entry, &err), 0);
    recording_progress(recording, &done, &all);
    assert_int_equal(all, size);
  }
  recording_close(recording);
  return out;
}

/* One ASTERIX record of category 48 with what its presence bits announce: source, time of day, descriptor, position. */
static void put_plot_of(uint8_t presence, const uint8_t *descriptor, size_t descriptor_size, uint8_t sic) {
  uint8_t block[64] = {48, 0, 0, presence};
  size_t used = 4;
  if (presence & 0x80) block[used++] = 20, block[used++] = sic;
  if (presence & 0x40) memcpy(block + used, "\x9c\x40\x00", 3), used += 3;
  if (presence & 0x20) memcpy(block + used, descriptor, descriptor_size), used += descriptor_size;
  if (presence & 0x10) memcpy(block + used, "\x20\x50\x40\x00", 4), used += 4;
  block[2] = (uint8_t)used;
  put(block, used);
}

static void put_plot(uint8_t presence, uint8_t descriptor) { put_plot_of(presence, &descriptor, 1, 4); }

static void every_use_of_a_plot_has_its_entry(void **state) {
  (void)state;
  const struct {
    uint8_t presence, descriptor;
    const char *date;
    struct outcome want;
  } cases[] = {
      {0xf0, 0x20, NULL, {.detections = 1, .mode = INTAKE_MODE_LIVE}},
      {0xf0, 0x30, NULL, {.detections = 1, .mode = INTAKE_MODE_EXERCISE}},
      {0xf0, 0x22, NULL, {.skipped = 1, .skip = SKIP_FIELD_MONITOR}},
      {0xf0, 0x00, NULL, {.skipped = 1, .skip = SKIP_NO_PLOT}},
      {0xe0, 0x20, NULL, {.skipped = 1, .skip = SKIP_NO_POSITION}},
      {0xb0, 0x20, NULL, {.refused = 1, .refusal = REFUSAL_MALFORMED}}, /* no time */
      {0xf0, 0x20, "2260-01-01", {.refused = 1, .refusal = REFUSAL_OUT_OF_RANGE}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size = 0;
    put_plot(cases[i].presence, cases[i].descriptor);
    struct outcome got = read_all(cases[i].date), want = cases[i].want;
    if (memcmp(&got, &want, sizeof got) != 0) fail_msg("case %zu: %d detections, %d refused, %d skipped as %d", i, got.detections, got.refused, got.skipped, (int)got.skip);
  }
  size = 0;
  put_plot_of(0xf0, (const uint8_t *)"\x21\x80", 2, 4);
  struct outcome got = read_all(NULL);
  assert_true(got.skipped == 1 && got.skip == SKIP_TEST);
}

static void blocks_that_are_no_plots_have_entries_too(void **state) {
  (void)state;
  static const uint8_t service[] = {34, 0, 7, 0xc0, 20, 4, 1}, other[] = {62, 0, 5, 1, 2}, malformed[] = {48, 0, 5, 0xf0, 20};
  put(service, sizeof service);
  put(other, sizeof other);
  put(malformed, sizeof malformed);
  put_plot_of(0xf0, (const uint8_t *)"\x20", 1, 99); /* of a radar that nobody knows */
  struct outcome got = read_all(NULL);
  assert_true(got.services == 1 && got.skipped == 1 && got.skip == SKIP_CATEGORY && got.refused == 1 && got.detections == 1);
}

static void a_block_cut_short_is_told_at_the_end(void **state) {
  (void)state;
  put_plot(0xf0, 0x20);
  put_plot(0xf0, 0x20);
  size -= 3;
  struct outcome got = read_all(NULL);
  assert_true(got.detections == 1 && got.skipped == 1 && got.skip == SKIP_CUT && got.rc == 0);
}

static void damaged_blocks_end_the_recording(void **state) {
  (void)state;
  while (size < 2 * SNIFF_SIZE) put_plot(0xf0, 0x20); /* beyond what is looked at to tell what it is */
  put("\x30\x00\x02\x01", 4);
  struct recording *recording = begin(NULL);
  struct entry entry;
  int rc;
  while ((rc = recording_next(recording, &entry, &err)) == 1) {}
  assert_int_equal(rc, -EINVAL);
  assert_non_null(strstr(err.text, "the recording is damaged here"));
  recording_close(recording);
}

#define CSV_HEADER "time_ns,sensor,kind,x_m,y_m,z_m\n"

static void put_csv_line(int64_t time_ns, const char *x) {
  char line[128];
  snprintf(line, sizeof line, "%lld,11,position,%s,0,0\n", (long long)time_ns, x);
  put_text(line);
}

static void csv_lines_are_detections_or_refused_with_a_bound_on_what_is_said(void **state) {
  (void)state;
  put_text(CSV_HEADER);
  put_csv_line(2000, "7e6");
  put_csv_line(1000, "7e6"); /* older: the merge key stays */
  for (int i = 0; i < 30; i++) put_csv_line(3000, "far");
  struct outcome got = read_all(NULL);
  assert_true(got.detections == 2 && got.refused == 30 && got.refusal == REFUSAL_MALFORMED && got.rc == 0);
  assert_int_equal(got.mode, INTAKE_MODE_ANY);
}

static void a_csv_header_that_can_not_be_used_ends_it(void **state) {
  (void)state;
  put_text("time,sensor\n1,2\n");
  assert_int_equal(read_all(NULL).rc, -EINVAL);
  assert_non_null(strstr(err.text, "unknown column"));
  struct recording *recording = begin(NULL);
  struct entry entry;
  assert_int_equal(recording_next(recording, &entry, NULL), -EINVAL); /* to a caller that does not ask why */
  recording_close(recording);
}

static void put_track(const char *centre, const char *status) {
  char line[1024];
  snprintf(line, sizeof line,
           "{\"time_ns\":1700000001000000000,\"centre\":\"%s\",\"track\":17,\"status\":\"%s\",\"class\":\"ballistic\",\"exercise\":false,"
           "\"position_ecef_m\":[4600000.5,300000,4400000],\"velocity_ecef_mps\":[100,-200,300.25],"
           "\"covariance\":[100,0,0,0,0,0,100,0,0,0,0,100,0,0,0,4,0,0,4,0,4],\"existence\":0.99,\"sensors\":[5],\"nations\":[\"B\"],"
           "\"detections\":42,\"first_time_ns\":1700000000000000000}\n", centre, status);
  put_text(line);
}

static void track_lines_are_foreign_tracks_or_refused(void **state) {
  (void)state;
  put_track("B1", "confirmed");
  for (int i = 0; i < 30; i++) put_track("B1", "odd");
  put_text("{\"missed\":3}\n");
  struct outcome got = read_all(NULL);
  assert_true(got.foreign == 1 && got.foreign_refused == 30 && got.refusal == REFUSAL_MALFORMED && got.rc == 0);
}

static void ones_own_tracks_end_it(void **state) {
  (void)state;
  put_track("A1", "confirmed");
  assert_int_equal(read_all(NULL).rc, -EINVAL);
  assert_non_null(strstr(err.text, "these are tracks of centre A1"));
  struct recording *recording = begin(NULL);
  struct entry entry;
  assert_int_equal(recording_next(recording, &entry, NULL), -EINVAL);
  recording_close(recording);
}

/* A capture of one UDP packet of raw IPv4 with a plot in it. */
static void put_pcap(void) {
  static const uint8_t head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [16] = 0xff, 0xff, 0, 0, 101};
  uint8_t record[16] = {0}, ip[28] = {0x45, 0, 0, 28 + 14, [9] = 17, [25] = 8 + 14};
  uint32_t second = 1700000000;
  memcpy(record, &second, 4);
  record[8] = record[12] = 28 + 14;
  put(head, sizeof head);
  put(record, sizeof record);
  put(ip, sizeof ip);
  put_plot(0xf0, 0x20);
}

static void captures_merge_by_their_own_time(void **state) {
  (void)state;
  put_pcap();
  struct recording *recording = begin(NULL);
  struct entry entry;
  assert_int_equal(recording_next(recording, &entry, &err), 1);
  assert_int_equal(entry.kind, ENTRY_DETECTION);
  assert_true(entry.has_capture && entry.capture_ns == INT64_C(1700000000000000000));
  assert_true(recording_merge_key(recording) == entry.capture_ns);
  recording_close(recording);
}

static void gps_recordings_are_read_behind_their_header(void **state) {
  (void)state;
  memset(bytes, ' ', 2200);
  size = 2200;
  for (int i = 0; i < 3; i++) {
    put_plot(0xf0, 0x20);
    put("\0\0\0\0\0\0\0\0\0\0", 10);
  }
  assert_int_equal(read_all("2023-11-14").detections, 3);
}

static void what_is_no_recording_is_named(void **state) {
  (void)state;
  struct recording *recording;
  enum sniff_kind kind;
  assert_int_equal(read_all(NULL).rc, 0); /* nothing in it */
  put("WEFTJRNL\1\0\0\0", 12);
  assert_int_equal(open_error(), -EMEDIUMTYPE);
  size = 0;
  put("\x0a\x0d\x0d\x0a\x1c\0\0\0", 8);
  assert_int_equal(open_error(), -EINVAL);
  assert_non_null(strstr(err.text, "editcap"));
  size = 0;
  put("\x7f" "ELF\2\1\1\0", 8);
  assert_int_equal(open_error(), -EINVAL);
  assert_non_null(strstr(err.text, "see docs/formats.md"));
  assert_int_equal(recording_open(&recording, "/tmp", &site, NULL, &names, &kind, &err), -EISDIR);
  assert_non_null(strstr(err.text, "is a folder"));
  assert_int_equal(recording_open(&recording, "/nonexistent/x", &site, NULL, &names, &kind, &err), -ENOENT);
  assert_int_equal(recording_open(&recording, path, &site, "someday", &names, &kind, &err), -EINVAL);
  assert_non_null(strstr(err.text, "YYYY-MM-DD"));
  recording_close(NULL);
}

/* More than is read at once, and the last line without its end. */
static void long_recordings_are_read_to_their_last_line(void **state) {
  (void)state;
  const size_t enough = 600000;
  put_text(CSV_HEADER);
  int lines = 0;
  for (; size < enough; lines++) put_csv_line(1000 + lines, "7e6");
  size--;
  assert_int_equal(read_all(NULL).detections, lines);
  for (size = 0, lines = 0; size < enough; lines++) put_track("B1", "confirmed");
  size--;
  assert_int_equal(read_all(NULL).foreign, lines);
  for (size = 0, lines = 0; size < enough; lines++) put_plot(0xf0, 0x20);
  assert_int_equal(read_all(NULL).detections, lines);
}

static void standard_input_is_a_recording_as_any(void **state) {
  (void)state;
  put_text(CSV_HEADER);
  put_csv_line(2000, "7e6");
  file_save();
  int kept = dup(STDIN_FILENO);
  struct recording *recording;
  enum sniff_kind kind;
  struct entry entry;
  assert_non_null(freopen(path, "r", stdin));
  assert_int_equal(recording_open(&recording, "-", &site, NULL, &names, &kind, &err), 0);
  assert_int_equal(recording_next(recording, &entry, &err), 1);
  assert_int_equal(recording_next(recording, &entry, &err), 0);
  recording_close(recording);
  assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_CUR), (off_t)size); /* left open: it is not the recording's to close */
  if (kept >= 0) assert_true(dup2(kept, STDIN_FILENO) >= 0 && close(kept) == 0);
}

/* Each read in turn fails, or is interrupted. */
static void reads_that_fail_are_said_and_interrupted_ones_are_not(void **state) {
  (void)state;
  for (int what = 0; what < 3; what++) {
    size = 0;
    if (what == 0) put_text(CSV_HEADER);
    for (int i = 0; i < 200; i++) {
      if (what == 0) put_csv_line(1000 + i, "7e6");
      if (what == 1) put_track("B1", "confirmed");
      if (what == 2) put_plot(0xf0, 0x20);
    }
    file_save();
    for (int turn = 1; turn <= 3; turn++) {
      for (int interrupted = 0; interrupted < 2; interrupted++) {
        struct recording *recording;
        enum sniff_kind kind;
        struct entry entry;
        int count = 0, rc;
        read_turn = turn, read_error = interrupted ? EINTR : EIO;
        rc = recording_open(&recording, path, &site, NULL, &names, &kind, &err);
        if (rc == 0) {
          while ((rc = recording_next(recording, &entry, &err)) == 1) count++;
          recording_close(recording);
        }
        bool reached = read_turn == 0;
        read_turn = 0;
        if (interrupted || !reached) assert_true(rc == 0 && count == 200);
        else assert_true(rc == -EIO && strstr(err.text, "reading failed: Input/output error"));
      }
    }
  }
}

/* Entries of every kind through the intake, and the books afterwards. */
static void entries_are_admitted_to_the_books(void **state) {
  (void)state;
  static struct ledger ledger;
  static struct frame out;
  struct arena arena;
  struct frame_builder builder;
  struct intake intake;
  memset(&ledger, 0, sizeof ledger);
  assert_int_equal(arena_open(&arena, frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site)), 0);
  assert_int_equal(frame_builder_open(&builder, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&out, &arena, CAPACITY), 0);
  assert_int_equal(intake_open(&intake, &arena, &site, &ledger, &builder, SITE_TIME_RECORDED, NULL), 0);
  static const uint8_t service[] = {34, 0, 7, 0xc0, 20, 4, 1};
  for (int i = 0; i < 2; i++) { /* the second time each record is a repeat */
    put(service, sizeof service);
    put_plot(0xf0, 0x22);
    put_plot(0xf0, 0x20);
    put_plot(0xb0, 0x20);
  }
  put("\x30\x00\x40", 3); /* a block that never ends */
  struct recording *recording = begin(NULL);
  struct entry entry;
  while (recording_next(recording, &entry, &err) == 1) entry_admit(&intake, &entry);
  recording_close(recording);
  const struct ledger_sensor *row = &ledger.sensors[0];
  assert_int_equal(row->detections.accepted, 1);
  assert_int_equal(row->detections.refused[REFUSAL_DUPLICATE], 1);
  assert_int_equal(row->detections.refused[REFUSAL_MALFORMED], 2);
  assert_true(row->skipped[SKIP_SERVICE] == 1 && row->skipped[SKIP_FIELD_MONITOR] == 1 && row->skipped[SKIP_REPEATED] == 2);
  assert_int_equal(ledger.sensors[2].skipped[SKIP_CUT], 1);
  size = 0;
  put_track("B1", "confirmed");
  put_track("B1", "odd");
  recording = begin(NULL);
  while (recording_next(recording, &entry, &err) == 1) entry_admit(&intake, &entry);
  recording_close(recording);
  assert_true(ledger.foreign.accepted == 1 && ledger.foreign.refused[REFUSAL_MALFORMED] == 1);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
  arena_close(&arena);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(every_use_of_a_plot_has_its_entry),
      CASE(blocks_that_are_no_plots_have_entries_too),
      CASE(a_block_cut_short_is_told_at_the_end),
      CASE(damaged_blocks_end_the_recording),
      CASE(csv_lines_are_detections_or_refused_with_a_bound_on_what_is_said),
      CASE(a_csv_header_that_can_not_be_used_ends_it),
      CASE(track_lines_are_foreign_tracks_or_refused),
      CASE(ones_own_tracks_end_it),
      CASE(captures_merge_by_their_own_time),
      CASE(gps_recordings_are_read_behind_their_header),
      CASE(what_is_no_recording_is_named),
      CASE(long_recordings_are_read_to_their_last_line),
      CASE(standard_input_is_a_recording_as_any),
      CASE(reads_that_fail_are_said_and_interrupted_ones_are_not),
      CASE(entries_are_admitted_to_the_books),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
