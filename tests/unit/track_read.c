// stage: weft_ingest weft_domain weft_base weft_kernels
/* Another centre's track lines: what is taken, what is refused and says where, what breaks the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/domain/report.h"
#include "engine/ingest/track_read.h"
#include "kernels/wk.h"

#define HEAD                                                                                                 \
  "{\"time_ns\":1700000001000000000,\"centre\":\"B1\",\"track\":17,\"status\":\"confirmed\",\"class\":"      \
  "\"ballistic\",\"phase\":\"boost\","
#define PLACE "\"position_ecef_m\":[4600000.5,300000,4400000],\"velocity_ecef_mps\":[100,-200,300.25],"
#define COVARIANCE "\"covariance\":[100,0,0,0,0,0,100,0,0,0,0,100,0,0,0,4,0,0,4,0,4],"
#define TAIL                                                                                                 \
  "\"existence\":0.99,\"phase_probability\":{\"boost\":0.9,\"coast\":0.1,\"reentry\":0},\"sensors\":[205,"   \
  "101],\"nations\":[\"B\",\"A\"],"
#define END "\"detections\":42,\"first_time_ns\":1700000000000000000}\n"
static const char good[] = HEAD "\"exercise\":false," PLACE COVARIANCE TAIL END;

struct reading {
  struct site site;
  struct foreign_names names;
  struct track_reader reader;
  struct track_read_line line;
};

static struct reading *reading_new(void) {
  struct reading *r = calloc(1, sizeof *r);
  assert_non_null(r);
  snprintf(r->site.centre, sizeof r->site.centre, "A1");
  track_read_open(&r->reader, "b.jsonl", &r->site, &r->names);
  return r;
}

static enum track_read_status text_take(struct reading *r, const char *text) {
  const uint8_t *data = (const uint8_t *)text;
  size_t size = strlen(text);
  enum track_read_status status = track_read_take(&r->reader, &data, &size, &r->line);
  return status == TRACK_READ_MORE ? track_read_end(&r->reader, &r->line) : status;
}

static void a_good_line_is_taken_whole(void **state) {
  (void)state;
  struct reading *r = reading_new();
  assert_int_equal(text_take(r, good), TRACK_READ_TRACK);
  const struct foreign_track *t = &r->line.track;
  assert_int_equal(t->time_ns, 1700000001000000000);
  assert_int_equal(t->first_time_ns, 1700000000000000000);
  assert_int_equal(t->track, 17);
  assert_int_equal(t->detections, 42);
  assert_int_equal(t->status, STATUS_CONFIRMED);
  assert_int_equal(t->class_, CLASS_BALLISTIC);
  assert_true(t->has_phase && t->phase == PHASE_BOOST);
  assert_true(t->position_m[0] == 4600000.5 && t->velocity_mps[2] == 300.25 && t->covariance[15] == 4);
  assert_true(t->existence == 0.99 && t->phase_probability[1] == 0.1);
  assert_int_equal(t->sensor_count, 2);
  assert_true(t->sensors[0] == 101 && t->sensors[1] == 205); /* ascending */
  assert_int_equal(t->nations, 3);
  assert_string_equal(r->names.centres[t->centre], "B1");
  assert_string_equal(r->names.nations[1], "A");
  assert_false(r->line.exercise);
  free(r);
}

/* `from` of the good line becomes `to`. */
static char *spoil(const char *from, const char *to) {
  const char *at = strstr(good, from);
  assert_non_null(at);
  size_t size = sizeof good + strlen(to);
  char *text = malloc(size);
  assert_non_null(text);
  snprintf(text, size, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
  return text;
}

static void what_is_wrong_is_refused_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
    enum refusal refusal;
    const char *says;
  } cases[] = {
      {"{\"time_ns\":1700000001000000000", "{\"time_ns\":1.5", REFUSAL_MALFORMED,
       "time_ns is not a whole number"},
      {"\"track\":17", "\"track\":-1", REFUSAL_MALFORMED, "track is not"},
      {"\"confirmed\"", "\"dreaming\"", REFUSAL_MALFORMED, "status is not"},
      {"\"ballistic\"", "\"kite\"", REFUSAL_MALFORMED, "class is not"},
      {"\"boost\",", "\"sleep\",", REFUSAL_MALFORMED, "phase is not"},
      {"false", "0", REFUSAL_MALFORMED, "exercise is neither"},
      {"4600000.5,", "", REFUSAL_MALFORMED, "position_ecef_m is not 3 numbers"},
      {"[100,-200", "[\"fast\",-200", REFUSAL_MALFORMED, "velocity_ecef_mps is not 3 numbers"},
      {"4,0,4]", "4,0]", REFUSAL_MALFORMED, "covariance is not 21 numbers"},
      {"0.99", "1.5", REFUSAL_MALFORMED, "existence is not a probability"},
      {"[205,101]", "[\"x\"]", REFUSAL_MALFORMED, "sensors is not a list of ids"},
      {"[\"B\",\"A\"]", "\"B\"", REFUSAL_MALFORMED, "nations is not a list"},
      {"\"B1\"", "\"\"", REFUSAL_MALFORMED, "centre is not a name"},
      {"\"boost\":0.9", "\"boost\":9", REFUSAL_MALFORMED, "phase_probability"},
      {"4600000.5", "46.5", REFUSAL_OUT_OF_RANGE, "position_ecef_m is not between"},
      {"[100,-200", "[100000,-200", REFUSAL_OUT_OF_RANGE, "above 20 km/s"},
      {"[100,0,0,0,0,0,100", "[-100,0,0,0,0,0,100", REFUSAL_OUT_OF_RANGE, "not positive definite"},
      {"[100,0,0,0,0,0,100", "[100,101,0,0,0,0,100", REFUSAL_OUT_OF_RANGE, "not positive definite"},
      {"\"first_time_ns\":1700000000", "\"first_time_ns\":1800000000", REFUSAL_OUT_OF_RANGE,
       "time_ns is before"},
      {"\"first_time_ns\":1700000000", "\"first_time_ns\":-1700000000", REFUSAL_OUT_OF_RANGE, "or one of them before 1970"},
      {"\"time_ns\":1700000", "\"time_ns\":9100000", REFUSAL_OUT_OF_RANGE, "or after 2255"},
      {"\"detections\"", "\"track\"", REFUSAL_MALFORMED, "not a JSON object"}, /* one key twice */
      {"{", "", REFUSAL_MALFORMED, "not a JSON object"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct reading *r = reading_new();
    char *text = spoil(cases[i].from, cases[i].to);
    assert_int_equal(text_take(r, "\n"), TRACK_READ_MORE);
    enum track_read_status status = text_take(r, text);
    if (status != TRACK_READ_REFUSED || r->line.refusal != cases[i].refusal ||
        !strstr(r->line.error.text, cases[i].says) || strncmp(r->line.error.text, "b.jsonl:2: ", 11) != 0) {
      fail_msg("%s: status %d, refusal %d, \"%s\"", cases[i].to, (int)status, (int)r->line.refusal,
               r->line.error.text);
    }
    assert_int_equal(r->names.centre_count, 0);             /* a refused line leaves no name behind */
    assert_int_equal(text_take(r, good), TRACK_READ_TRACK); /* reading goes on */
    free(text);
    free(r);
  }
}

static void ones_own_tracks_break_the_file(void **state) {
  (void)state;
  struct reading *r = reading_new();
  char *text = spoil("\"B1\"", "\"A1\"");
  assert_int_equal(text_take(r, good), TRACK_READ_TRACK);
  assert_int_equal(text_take(r, text), TRACK_READ_BROKEN);
  assert_non_null(strstr(r->line.error.text, "b.jsonl:2: these are tracks of centre A1"));
  assert_int_equal(text_take(r, good), TRACK_READ_BROKEN);
  free(text);
  free(r);
}

static void a_ninth_centre_is_over_the_budget(void **state) {
  (void)state;
  struct reading *r = reading_new();
  for (int c = 0; c < 9; c++) {
    char name[8];
    snprintf(name, sizeof name, "\"Z%d\"", c);
    char *text = spoil("\"B1\"", name);
    assert_int_equal(text_take(r, text), c < 8 ? TRACK_READ_TRACK : TRACK_READ_REFUSED);
    free(text);
  }
  assert_int_equal(r->line.refusal, REFUSAL_OVER_BUDGET);
  free(r);
}

static void other_lines_of_a_live_port_are_passed_over(void **state) {
  (void)state;
  struct reading *r = reading_new();
  assert_int_equal(text_take(r, "{\"missed\":12}\n"), TRACK_READ_MORE);
  assert_int_equal(text_take(r, " \r\n"), TRACK_READ_MORE);
  assert_int_equal(text_take(r, "{\"ledger\":{}}\n"), TRACK_READ_MORE);
  assert_int_equal(r->reader.line, 3);
  free(r);
}

static void a_covariance_that_printing_rounded_is_mended(void **state) {
  (void)state;
  struct reading *r = reading_new(); /* correlation 1 + 1e-9 between the first two */
  char *text = spoil("[100,0,0,0,0,0,100", "[100,100.0000001,0,0,0,0,100");
  assert_int_equal(text_take(r, text), TRACK_READ_TRACK);
  assert_true(r->line.track.covariance[0] > 100 && r->line.track.covariance[0] < 100.001);
  free(text);
  free(r);
}

/* The same lines in pieces of any size. */
static void pieces_do_not_matter(void **state) {
  (void)state;
  for (size_t piece = 1; piece < 40; piece += 3) {
    struct reading *r = reading_new();
    char text[4 * sizeof good];
    snprintf(text, sizeof text, "%s\n{bad\n%s", good, good);
    const uint8_t *data = (const uint8_t *)text;
    int tracks = 0, refused = 0;
    for (size_t left = strlen(text); left > 0;) {
      size_t now = left < piece ? left : piece;
      left -= now;
      while (now > 0) {
        enum track_read_status status = track_read_take(&r->reader, &data, &now, &r->line);
        tracks += status == TRACK_READ_TRACK;
        refused += status == TRACK_READ_REFUSED;
      }
    }
    assert_int_equal(tracks, 2);
    assert_int_equal(refused, 1);
    assert_int_equal(r->reader.line, 4);
    free(r);
  }
}

static void a_line_too_long_is_refused_and_the_next_one_read(void **state) {
  (void)state;
  struct reading *r = reading_new();
  char *text = malloc(TRACK_READ_LINE_MAX + 100);
  assert_non_null(text);
  memset(text, 'x', TRACK_READ_LINE_MAX + 50);
  strcpy(text + TRACK_READ_LINE_MAX + 50, "\n");
  assert_int_equal(text_take(r, text), TRACK_READ_REFUSED);
  assert_non_null(strstr(r->line.error.text, "longer than 65,536 bytes"));
  assert_int_equal(text_take(r, good), TRACK_READ_TRACK);
  free(text);
  free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_line_is_taken_whole),
      cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
      cmocka_unit_test(ones_own_tracks_break_the_file),
      cmocka_unit_test(a_ninth_centre_is_over_the_budget),
      cmocka_unit_test(other_lines_of_a_live_port_are_passed_over),
      cmocka_unit_test(a_covariance_that_printing_rounded_is_mended),
      cmocka_unit_test(pieces_do_not_matter),
      cmocka_unit_test(a_line_too_long_is_refused_and_the_next_one_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
