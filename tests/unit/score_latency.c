// stage: weft_base
// links: tools/score/score_latency.c tools/score/score_text.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/score/score_latency.h"

/* Reads the text as a file. */
static int text_read(struct latency *latency, const char *text, struct weft_error *err) {
  char path[] = "/tmp/score-latency-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
  close(file);
  memset(latency, 0, sizeof *latency);
  int code = latency_read(latency, path, err);
  latency_sort(latency);
  unlink(path);
  return code;
}

static void latency_of_a_capture_is_exact(void **state) {
  (void)state;
  struct latency latency;
  struct weft_error err;
  assert_int_equal(
      text_read(
          &latency,
          "{\"track\":1,\"latency_us\":300}\n{\"missed\":2}\n{\"latency_us\":100}\n{\"latency_us\":200.5}\n",
          &err),
      0);
  assert_true(latency.total == 3 && !latency.histogram);
  assert_true(latency_quantile(&latency, 0.5) == 200.5);
  assert_true(latency_quantile(&latency, 1) == 300);
  latency_free(&latency);
}

/* Cumulative buckets in seconds, of two label sets, amid other metrics. */
static void latency_of_a_histogram_is_its_bucket_edge(void **state) {
  (void)state;
  static const char page[] = "# HELP weft_latency_seconds arrival to emission\n"
                             "weft_frames_bucket{le=\"1\"} 7\n"
                             "weft_latency_seconds_bucket{kind=\"a\",le=\"0.0001\"} 50\n"
                             "weft_latency_seconds_bucket{kind=\"a\",le=\"0.001\"} 90\n"
                             "weft_latency_seconds_bucket{kind=\"a\",le=\"+Inf\"} 90\n"
                             "weft_latency_seconds_bucket{kind=\"b\",le=\"0.0001\"} 0\n"
                             "weft_latency_seconds_bucket{kind=\"b\",le=\"0.001\"} 10\n"
                             "weft_latency_seconds_bucket{kind=\"b\",le=\"+Inf\"} 10\n"
                             "weft_latency_seconds_sum 3\nweft_other_latency_seconds_bucket{le=\"9\"} 500\n";
  struct latency latency;
  struct weft_error err;
  assert_int_equal(text_read(&latency, page, &err), 0);
  assert_true(latency.total == 100 && latency.histogram);
  assert_true(fabs(latency_quantile(&latency, 0.5) - 100) < 1e-9);
  assert_true(fabs(latency_quantile(&latency, 0.51) - 1000) < 1e-9);
  latency_free(&latency);
}

static void text_without_latency_is_refused(void **state) {
  (void)state;
  struct latency latency;
  struct weft_error err;
  assert_int_equal(text_read(&latency, "weft_frames 3\n", &err), -EINVAL);
  assert_non_null(strstr(err.text, "no latency"));
  latency_free(&latency);
  assert_int_equal(text_read(&latency, "{\"latency_us\":1}\n{\"latency_us\n", &err), -EINVAL);
  assert_non_null(strstr(err.text, ":2: no JSON"));
  latency_free(&latency);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(latency_of_a_capture_is_exact),
                                     cmocka_unit_test(latency_of_a_histogram_is_its_bucket_edge),
                                     cmocka_unit_test(text_without_latency_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
