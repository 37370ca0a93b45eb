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

static const struct {
  const char *from, *to;
  enum refusal refusal;
  const char *says;
} wrong_lines[] = {
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
    {"0.99", "-0.5", REFUSAL_MALFORMED, "existence is not a probability"},
    {"\"existence\":0.99,", "", REFUSAL_MALFORMED, "existence is not a probability"},
    {"0.99", "\"likely\"", REFUSAL_MALFORMED, "existence is not a probability"},
    {"\"time_ns\":1700000001000000000,", "", REFUSAL_MALFORMED, "time_ns is not a whole number"},
    {"\"exercise\":false,", "", REFUSAL_MALFORMED, "exercise is neither"},
    {"\"status\":\"confirmed\",", "", REFUSAL_MALFORMED, "status is not"},
    {"\"velocity_ecef_mps\":[100,-200,300.25],", "", REFUSAL_MALFORMED, "velocity_ecef_mps is not 3 numbers"},
    {"[100,-200,300.25]", "\"fast\"", REFUSAL_MALFORMED, "velocity_ecef_mps is not 3 numbers"},
    {"\"sensors\":[205,101],", "", REFUSAL_MALFORMED, "sensors is not a list of ids"},
    {"[205,101]", "205", REFUSAL_MALFORMED, "sensors is not a list of ids"},
    {"[205,101]", "[205,-1]", REFUSAL_MALFORMED, "sensors is not a list of ids"},
    {"[205,101]", "[205,4294967296]", REFUSAL_MALFORMED, "sensors is not a list of ids"},
    {"\"nations\":[\"B\",\"A\"],", "", REFUSAL_MALFORMED, "nations is not a list"},
    {"[\"B\",\"A\"]", "[7]", REFUSAL_MALFORMED, "nations is not a list"},
    {"\"centre\":\"B1\",", "", REFUSAL_MALFORMED, "centre is not a name"},
    {"\"B1\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"", REFUSAL_MALFORMED, "centre is not a name"},
    {"\"boost\":0.9", "\"boost\":-0.1", REFUSAL_MALFORMED, "phase_probability"},
    {"\"boost\":0.9,", "", REFUSAL_MALFORMED, "phase_probability"},
    {"[100,0,0,0,0,0,100", "[1e308,0,0,0,0,0,1e308", REFUSAL_NOT_FINITE, "not finite"},
    {"[100,0,0,0,0,0,100", "[1e16,0,0,0,0,0,100", REFUSAL_OUT_OF_RANGE, "not positive definite"},
    {"4600000.5", "4600000000.5", REFUSAL_OUT_OF_RANGE, "position_ecef_m is not between"},
    {"{\"time_ns\":1700000001000000000", "{\"time_ns\":-1", REFUSAL_OUT_OF_RANGE, "or one of them before 1970"},
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

static void what_is_wrong_is_refused_with_its_line(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong_lines / sizeof wrong_lines[0]; i++) {
    struct reading *r = reading_new();
    char *text = spoil(wrong_lines[i].from, wrong_lines[i].to);
    assert_int_equal(text_take(r, "\n"), TRACK_READ_MORE);
    enum track_read_status status = text_take(r, text);
    if (status != TRACK_READ_REFUSED || r->line.refusal != wrong_lines[i].refusal ||
        !strstr(r->line.error.text, wrong_lines[i].says) || strncmp(r->line.error.text, "b.jsonl:2: ", 11) != 0) {
      fail_msg("%s: status %d, refusal %d, \"%s\"", wrong_lines[i].to, (int)status, (int)r->line.refusal,
               r->line.error.text);
    }
    assert_int_equal(r->names.centre_count, 0);             /* a refused line leaves no name behind */
    assert_int_equal(text_take(r, good), TRACK_READ_TRACK); /* reading goes on */
    free(text);
    free(r);
  }
}

/* What a line says of its phase is one of four things. */
static void phase_and_its_shares_may_be_left_out(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
    bool has_phase;
    double boost, coast;
  } cases[] = {
      {"\"phase\":\"boost\",", "", false, 0.9, 0.1},
      {"\"phase_probability\":{\"boost\":0.9,\"coast\":0.1,\"reentry\":0},", "", true, 1, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct reading *r = reading_new();
    char *text = spoil(cases[i].from, cases[i].to);
    assert_int_equal(text_take(r, text), TRACK_READ_TRACK);
    assert_int_equal(r->line.track.has_phase, cases[i].has_phase);
    assert_true(r->line.track.phase_probability[0] == cases[i].boost && r->line.track.phase_probability[1] == cases[i].coast);
    free(text);
    free(r);
  }
  struct reading *r = reading_new();
  static const char bare[] = "{\"time_ns\":1700000001000000000,\"centre\":\"B1\",\"track\":17,\"status\":\"confirmed\",\"class\":\"unknown\","
                             "\"exercise\":true," PLACE COVARIANCE "\"existence\":1,\"sensors\":[],\"nations\":[]," END;
  assert_int_equal(text_take(r, bare), TRACK_READ_TRACK);
  assert_false(r->line.track.has_phase);
  assert_true(r->line.track.phase_probability[0] == 0 && r->line.exercise);
  free(r);
}

static void sensors_and_nations_beyond_their_tables_are_said_to_be_more(void **state) {
  (void)state;
  struct reading *r = reading_new();
  char sensors[2048] = "[", nations[2048] = "[";
  for (int i = FOREIGN_SENSORS_MAX; i >= 0; i--) snprintf(sensors + strlen(sensors), 16, "%d%s", i, i ? "," : "]");
  for (int i = FOREIGN_NATIONS_MAX; i >= 0; i--) snprintf(nations + strlen(nations), 16, "\"n%d\"%s", i, i ? "," : "]");
  char *text = spoil("[205,101]", sensors);
  assert_int_equal(text_take(r, text), TRACK_READ_TRACK);
  assert_int_equal(r->line.track.sensor_count, FOREIGN_SENSORS_MAX);
  assert_true(r->line.track.sensors_more && !r->line.track.nations_more);
  assert_true(r->line.track.sensors[0] == 1 && r->line.track.sensors[FOREIGN_SENSORS_MAX - 1] == FOREIGN_SENSORS_MAX);
  free(text);
  text = spoil("[205,101]", "[1,2,3]"); /* in their order already */
  assert_int_equal(text_take(r, text), TRACK_READ_TRACK);
  assert_int_equal(r->line.track.sensors[2], 3);
  free(text);
  free(r);
  r = reading_new();
  text = spoil("[\"B\",\"A\"]", nations);
  assert_int_equal(text_take(r, text), TRACK_READ_TRACK);
  assert_true(r->line.track.nations_more && r->line.track.nations == UINT32_MAX);
  free(text);
  free(r);
}

static void a_value_that_is_no_object_is_refused(void **state) {
  (void)state;
  struct reading *r = reading_new();
  assert_int_equal(text_take(r, "[1,2]\n"), TRACK_READ_REFUSED);
  assert_non_null(strstr(r->line.error.text, "not a JSON object"));
  assert_int_equal(text_take(r, "{\"missed\":\"many\",\"ledger\":1}\n"), TRACK_READ_REFUSED); /* no line of a live port either */
  free(r);
}

static void a_last_line_without_its_end_is_read(void **state) {
  (void)state;
  struct reading *r = reading_new();
  char text[sizeof good];
  memcpy(text, good, sizeof good - 2);
  text[sizeof good - 2] = '\0';
  const uint8_t *data = (const uint8_t *)text;
  size_t size = strlen(text);
  assert_int_equal(track_read_take(&r->reader, &data, &size, &r->line), TRACK_READ_MORE);
  assert_int_equal(track_read_end(&r->reader, &r->line), TRACK_READ_TRACK);
  assert_int_equal(track_read_end(&r->reader, &r->line), TRACK_READ_MORE);
  free(r);
}

static void ones_own_tracks_break_the_file(void **state) {
  (void)state;
  struct reading *r = reading_new();
  char *text = spoil("\"B1\"", "\"A1\"");
  assert_int_equal(text_take(r, good), TRACK_READ_TRACK);
  assert_int_equal(text_take(r, text), TRACK_READ_BROKEN);
  assert_non_null(strstr(r->line.error.text, "b.jsonl:2: these are tracks of centre A1"));
  assert_int_equal(text_take(r, good), TRACK_READ_BROKEN);
  assert_int_equal(track_read_end(&r->reader, &r->line), TRACK_READ_BROKEN);
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
  assert_int_equal(text_take(r, " \t\r\n"), TRACK_READ_MORE);
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
      cmocka_unit_test(phase_and_its_shares_may_be_left_out),
      cmocka_unit_test(sensors_and_nations_beyond_their_tables_are_said_to_be_more),
      cmocka_unit_test(a_value_that_is_no_object_is_refused),
      cmocka_unit_test(a_last_line_without_its_end_is_read),
      cmocka_unit_test(ones_own_tracks_break_the_file),
      cmocka_unit_test(a_ninth_centre_is_over_the_budget),
      cmocka_unit_test(other_lines_of_a_live_port_are_passed_over),
      cmocka_unit_test(a_covariance_that_printing_rounded_is_mended),
      cmocka_unit_test(pieces_do_not_matter),
      cmocka_unit_test(a_line_too_long_is_refused_and_the_next_one_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
