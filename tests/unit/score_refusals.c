// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

enum { ROW_TRUTH, ROW_TRACKS, ROW_DETECTIONS };

/* Each bad text must end in exit status 1 and one line on stderr that names file and line. */
static const struct refusal {
  const char *what;
  int file;
  const char *text, *place, *says;
} refusals[] = {
    {"word for a number", ROW_TRUTH, "1,one,ballistic,coast,abc,0,0,0,0,0,,,\n", "truth.csv:2:", "x_m"},
    {"not finite", ROW_TRUTH, "1,one,ballistic,coast,1,nan,0,0,0,0,,,\n", "truth.csv:2:", "y_m"},
    {"time with a fraction", ROW_TRUTH, "1.5,one,ballistic,coast,1,0,0,0,0,0,,,\n",
     "truth.csv:2:", "time_ns"},
    {"time beyond 64 bits", ROW_TRUTH, "99999999999999999999,one,ballistic,coast,1,0,0,0,0,0,,,\n",
     "truth.csv:2:", "time_ns"},
    {"time whose differences overflow", ROW_TRUTH, "-9223372036854775808,one,ballistic,coast,1,0,0,0,0,0,,,\n",
     "truth.csv:2:", "time_ns"},
    {"impact time after 2255", ROW_TRUTH, "1,one,ballistic,coast,1,0,0,0,0,0,1,2,9223372036854775807\n",
     "truth.csv:2:", "impact_time_ns"},
    {"too few fields", ROW_TRUTH, "1,one,ballistic,coast\n", "truth.csv:2:", "4 fields"},
    {"unknown class", ROW_TRUTH, "1,one,balloon,coast,1,0,0,0,0,0,,,\n", "truth.csv:2:", "balloon"},
    {"unknown phase", ROW_TRUTH, "1,one,ballistic,glide,1,0,0,0,0,0,,,\n", "truth.csv:2:", "glide"},
    {"no target", ROW_TRUTH, "1,,ballistic,coast,1,0,0,0,0,0,,,\n", "truth.csv:2:", "target"},
    {"one time twice", ROW_TRUTH, "1,a,ballistic,coast,1,0,0,0,0,0,,,\n1,a,ballistic,coast,2,0,0,0,0,0,,,\n",
     "truth.csv:3:", "line 2"},
    {"only a header", ROW_TRUTH, "", "truth.csv:1:", "nothing to score"},
    {"no JSON", ROW_TRACKS, "{\"time_ns\":1,\"track\":\n", "tracks.jsonl:1:", "no JSON"},
    {"not an object", ROW_TRACKS, "\n[1,2]\n", "tracks.jsonl:2:", "not a JSON object"},
    {"no time", ROW_TRACKS, "{\"track\":1,\"position_ecef_m\":[1,2,3]}\n", "tracks.jsonl:1:", "time_ns"},
    {"time after 2255", ROW_TRACKS, "{\"time_ns\":9223372036854775807,\"track\":1,\"position_ecef_m\":[1,2,3]}\n",
     "tracks.jsonl:1:", "time_ns"},
    {"no number", ROW_TRACKS, "{\"time_ns\":1,\"position_ecef_m\":[1,2,3]}\n",
     "tracks.jsonl:1:", "track must"},
    {"short position", ROW_TRACKS, "{\"time_ns\":1,\"track\":1,\"position_ecef_m\":[1,2]}\n",
     "tracks.jsonl:1:", "position_ecef_m"},
    {"unknown status", ROW_TRACKS,
     "{\"time_ns\":1,\"track\":1,\"position_ecef_m\":[1,2,3],\"status\":\"new\"}\n",
     "tracks.jsonl:1:", "status"},
    {"detection time before 1969", ROW_DETECTIONS, "-1000000000000001,1,radar,one\n", "detections.csv:2:", "time_ns"},
    {"detection time", ROW_DETECTIONS, "soon,1,radar,one\n", "detections.csv:2:", "time_ns"},
};

static void bad_lines_are_refused_with_file_and_line(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal *bad = &refusals[i];
    struct score_case *c = score_case_open();
    if (bad->file == ROW_TRUTH)
      score_say(c->truth, "%s", bad->text);
    else
      score_truth_say(c, 0, "one", 0, 0, 0, 0);
    if (bad->file == ROW_TRACKS) score_say(c->tracks, "%s", bad->text);
    if (bad->file == ROW_DETECTIONS) {
      score_detections_begin(c);
      score_say(c->detections, "%s", bad->text);
    }
    int status = score_run_text(c, "");
    const char *end = strchr(c->err, '\n');
    if (status != 1 || *c->out) fail_msg("%s: exit status %d, stdout \"%s\"", bad->what, status, c->out);
    if (!strstr(c->err, bad->place) || !strstr(c->err, bad->says)) fail_msg("%s: \"%s\"", bad->what, c->err);
    if (!end || end[1]) fail_msg("%s: more or less than one line: \"%s\"", bad->what, c->err);
    score_case_close(c);
  }
}

static void missing_column_is_refused(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  strcpy(c->truth, "time_ns,target,class,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps\n");
  assert_int_equal(score_run_text(c, ""), 1);
  assert_non_null(strstr(c->err, "truth.csv:1: no column phase"));
  score_case_close(c);
}

static void missing_file_is_refused(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_truth_say(c, 0, "one", 0, 0, 0, 0);
  assert_int_equal(score_run_text(c, "--detections /nonexistent/d.csv"), 1);
  assert_non_null(strstr(c->err, "/nonexistent/d.csv"));
  score_case_close(c);
}

static void wrong_use_exits_2(void **state) {
  (void)state;
  static const char *const wrong[] = {"--nonsense", "surplus", "--step-s 0", "--cutoff-m many", "--gap-s"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct score_case *c = score_case_open();
    score_truth_say(c, 0, "one", 0, 0, 0, 0);
    int status = score_run_text(c, wrong[i]);
    if (status != 2 || !strstr(c->err, "--help"))
      fail_msg("%s: exit status %d, \"%s\"", wrong[i], status, c->err);
    score_case_close(c);
  }
}

static void help_exits_0_and_names_every_option(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  assert_int_equal(score_run_text(c, "--help"), 0);
  static const char *const options[] = {"--truth", "--tracks",     "--json",
                                        "--plots", "--detections", "--latency"};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) assert_non_null(strstr(c->out, options[i]));
  score_case_close(c);
}

/* No confirmed track at all is a bad score, not a failure. */
static void empty_track_file_is_scored(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_truth_say(c, 0, "one", 0, 0, 0, 0);
  score_truth_say(c, 1, "one", 0, 0, 0, 0);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  assert_true(score_figure(r, "completeness.fraction") == 0);
  assert_true(fabs(score_figure(r, "gospa.missed_rms_m") - sqrt(0.5) * 10000) < 1e-6);
  json_decref(r);
  score_case_close(c);
}

static void pictures_without_gnuplot_name_the_package(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_truth_say(c, 0, "one", 0, 0, 0, 0);
  score_truth_say(c, 1, "one", 0, 0, 0, 0);
  char *path = strdup(getenv("PATH")), options[128], command[128];
  snprintf(options, sizeof options, "--plots %s/plots", c->folder);
  setenv("PATH", "/nonexistent", 1);
  int status = score_run_text(c, options);
  setenv("PATH", path, 1);
  free(path);
  assert_int_equal(status, 1);
  assert_non_null(strstr(c->err, "gnuplot-nox"));
  snprintf(command, sizeof command, "rm -r %s/plots", c->folder);
  assert_int_equal(system(command), 0);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bad_lines_are_refused_with_file_and_line),
                                     cmocka_unit_test(missing_column_is_refused),
                                     cmocka_unit_test(missing_file_is_refused),
                                     cmocka_unit_test(wrong_use_exits_2),
                                     cmocka_unit_test(help_exits_0_and_names_every_option),
                                     cmocka_unit_test(empty_track_file_is_scored),
                                     cmocka_unit_test(pictures_without_gnuplot_name_the_package)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
