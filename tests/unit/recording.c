// stage: weft_ingest weft_domain weft_base weft_kernels
// wraps: read
/* A recorded input whose file stops being readable: what came before is taken, then it says so. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/ingest/recording.h"

#define CSV_HEADER "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad\n"
#define CSV_LINE "1700000000000000000,101,radar,250000,1.0,0.5\n"
#define TRACK_LINE                                                                                               \
  "{\"time_ns\":1700000001000000000,\"centre\":\"B1\",\"track\":17,\"status\":\"confirmed\",\"class\":"          \
  "\"ballistic\",\"phase\":\"boost\",\"exercise\":false,\"position_ecef_m\":[4600000.5,300000,4400000],"         \
  "\"velocity_ecef_mps\":[100,-200,300.25],\"covariance\":[100,0,0,0,0,0,100,0,0,0,0,100,0,0,0,4,0,0,4,0,4],"    \
  "\"existence\":0.99,\"phase_probability\":{\"boost\":0.9,\"coast\":0.1,\"reentry\":0},\"sensors\":[205],"      \
  "\"nations\":[\"B\"],\"detections\":42,\"first_time_ns\":1700000000000000000}\n"
static const char asterix_block[] = "\x01\0\x08-----"; /* of a category that is skipped */

struct content {
  const char *head, *piece;
  size_t piece_size;
};

enum { FILE_BYTES = 1 << 20, READABLE_BYTES = 700000 };
static size_t readable_bytes; /* from then on the file can't be read */

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size) {
  if (readable_bytes == 0) {
    errno = EIO;
    return -1;
  }
  ssize_t n = __real_read(fd, buffer, size < readable_bytes ? size : readable_bytes);
  if (n > 0) readable_bytes -= (size_t)n;
  return n;
}

/* Reads a file of the head and then the piece again and again; how many entries came, and what came after them. */
static int entries_count(const struct content *content, size_t readable, uint32_t *count, struct weft_error *err) {
  static struct site site;
  static struct foreign_names names;
  char path[] = "/tmp/weft_recording_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  FILE *file = fdopen(fd, "w");
  fputs(content->head, file);
  for (size_t size = 0; size < FILE_BYTES; size += content->piece_size)
    assert_int_equal(fwrite(content->piece, 1, content->piece_size, file), content->piece_size);
  fclose(file);
  site.sensor_count = 1;
  site.sensors[0].id = 101;
  readable_bytes = readable;
  struct recording *recording;
  enum sniff_kind kind;
  int rc = recording_open(&recording, path, &site, NULL, &names, &kind, err);
  unlink(path);
  if (rc < 0) return rc;
  struct entry entry;
  for (*count = 0; (rc = recording_next(recording, &entry, err)) > 0; ++*count) continue;
  recording_close(recording);
  return rc;
}

static void a_file_that_cannot_be_read_on_is_no_end(void **state) {
  (void)state;
  const struct content files[] = {{CSV_HEADER, CSV_LINE, strlen(CSV_LINE)},
                                  {"", TRACK_LINE, strlen(TRACK_LINE)},
                                  {"", asterix_block, sizeof asterix_block - 1}};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    struct weft_error err = {""};
    uint32_t whole, some, none = 0;
    if (entries_count(&files[i], SIZE_MAX, &whole, &err) != 0) fail_msg("file %zu: %s", i, err.text);
    assert_true(whole > 1000);
    assert_int_equal(entries_count(&files[i], READABLE_BYTES, &some, &err), -EIO);
    assert_non_null(strstr(err.text, "reading failed"));
    assert_true(some > whole / 2 && some < whole);
    assert_int_equal(entries_count(&files[i], 0, &none, &err), -EIO);
    assert_int_equal(none, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_that_cannot_be_read_on_is_no_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
