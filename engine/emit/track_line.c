#include "engine/emit/track_line.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/text.h"

/* Digits of each quantity, as the header states them. */
enum { DIGITS_POSITION = 3, DIGITS_VELOCITY = 4, DIGITS_ANGLE = 9, DIGITS_COVARIANCE = 9, DIGITS_PROBABILITY = 6, DIGITS_GROUND = 7,
       DIGITS_ELLIPSE = 1, DIGITS_SECONDS = 3, DIGITS_BEARING = 3, DIGITS_INNOVATION = 6 };

/* Where the numbers of a line that have fixed digits stand among those that are made together. */
enum { AT_POSITION = 0, AT_VELOCITY = 3, AT_PLACE = 6, AT_EXISTENCE = 9, AT_PHASES = 10, AT_LAUNCH = 13, AT_IMPACT = 19, AT_PROBABILITY = 25,
       NUMBERS_FEW = 16, NUMBERS = 28 };
static const uint8_t number_digits[NUMBERS] = {
    DIGITS_POSITION, DIGITS_POSITION, DIGITS_POSITION, DIGITS_VELOCITY, DIGITS_VELOCITY, DIGITS_VELOCITY, DIGITS_ANGLE, DIGITS_ANGLE, DIGITS_POSITION,
    DIGITS_PROBABILITY, DIGITS_PROBABILITY, DIGITS_PROBABILITY, DIGITS_PROBABILITY,
    DIGITS_GROUND, DIGITS_GROUND, DIGITS_SECONDS, DIGITS_ELLIPSE, DIGITS_ELLIPSE, DIGITS_BEARING,
    DIGITS_GROUND, DIGITS_GROUND, DIGITS_SECONDS, DIGITS_ELLIPSE, DIGITS_ELLIPSE, DIGITS_BEARING, DIGITS_PROBABILITY};

/* And whole numbers, of times their amount. */
enum { AT_TIME = 0, AT_TRACK = 1, AT_FIRST = 2, AT_DETECTIONS = 3, AT_LAUNCH_TIME = 4, AT_IMPACT_TIME = 5, AT_EVENT = 6, WHOLES_FEW = 4, WHOLES = 8 };

/* What is made before a line is written. */
struct line_numbers {
  struct text_number fixed[NUMBERS], whole[WHOLES];
};

static uint64_t amount(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

static void wholes_make(struct text_number wholes[WHOLES], const struct track_report *report) {
  const uint64_t values[WHOLES] = {amount(report->time_ns), report->track, amount(report->first_time_ns), report->detections,
                                   report->has_launch ? amount(report->launch.time_ns) : 0, report->has_impact ? amount(report->impact.ground.time_ns) : 0,
                                   report->has_launch ? report->event : 0};
  text_numbers_u64(wholes, values, report->has_launch || report->has_impact ? WHOLES : WHOLES_FEW);
}

/* Below, some parts are put together in a copy of the text that nobody else can point to: that stays in registers. Of any other text a character
 * may be the length, for all the compiler knows: it is stored and loaded again around each piece, one behind the other. */

static inline void time_write(struct text *text, const char *key, int64_t time_ns, const struct text_number *number) {
  text_put(text, key);
  if (time_ns < 0) text_char(text, '-');
  text_number(text, number);
}

static void ground_values(double *values, const struct ground_estimate *ground) {
  const double of[] = {ground->lat_deg, ground->lon_deg, ground->time_sigma_s, ground->semi_major_m, ground->semi_minor_m, ground->orientation_deg};
  memcpy(values, of, sizeof of);
}

static void numbers_make(struct text_number numbers[NUMBERS], const struct track_report *report) {
  double values[NUMBERS] = {0};
  const double place[] = {report->lat_deg, report->lon_deg, report->height_m, report->existence};
  memcpy(values + AT_POSITION, report->position_m, sizeof report->position_m);
  memcpy(values + AT_VELOCITY, report->velocity_mps, sizeof report->velocity_mps);
  memcpy(values + AT_PLACE, place, sizeof place);
  memcpy(values + AT_PHASES, report->phase_probability, sizeof report->phase_probability);
  if (report->has_launch) ground_values(values + AT_LAUNCH, &report->launch);
  if (report->has_impact) ground_values(values + AT_IMPACT, &report->impact.ground);
  if (report->has_impact) values[AT_PROBABILITY] = report->impact.probability;
  text_numbers_fixed(numbers, values, number_digits, report->has_launch || report->has_impact ? NUMBERS : NUMBERS_FEW);
}

static bool enums_known(const struct track_report *report) {
  return report->status <= STATUS_LOST && report->class_ <= CLASS_ORBITAL && report->phase <= PHASE_CRUISE;
}

static void head_write(struct text *text, const struct track_report *report, const struct site *site, const struct text_number *wholes) {
  time_write(text, "{\"time_ns\":", report->time_ns, &wholes[AT_TIME]);
  text_put(text, ",\"centre\":");
  text_json(text, site->centre);
  text_put(text, ",\"track\":");
  text_number(text, &wholes[AT_TRACK]);
  text_put(text, ",\"status\":\"");
  text_put(text, track_status_names[report->status]);
  text_put(text, "\",\"class\":\"");
  text_put(text, track_class_names[report->class_]);
  text_char(text, '"');
  if (report->has_phase) {
    text_put(text, ",\"phase\":\"");
    text_put(text, track_phase_names[report->phase]);
    text_char(text, '"');
  }
  text_put(text, site->exercise ? ",\"exercise\":true" : ",\"exercise\":false");
}

static inline void three_write(struct text *text, const struct text_number *numbers) {
  for (int i = 0; i < 3; i++) {
    text_char(text, i ? ',' : '[');
    text_number(text, &numbers[i]);
  }
  text_char(text, ']');
}

static void state_write(struct text *text, const struct track_report *report, const struct text_number *numbers) {
  struct text own = *text;
  text_put(&own, ",\"position_ecef_m\":");
  three_write(&own, numbers + AT_POSITION);
  text_put(&own, ",\"velocity_ecef_mps\":");
  three_write(&own, numbers + AT_VELOCITY);
  text_put(&own, ",\"lat_deg\":");
  text_number(&own, &numbers[AT_PLACE]);
  text_put(&own, ",\"lon_deg\":");
  text_number(&own, &numbers[AT_PLACE + 1]);
  text_put(&own, ",\"height_m\":");
  text_number(&own, &numbers[AT_PLACE + 2]);
  text_put(&own, ",\"covariance\":");
  *text = own;
  text_general_list(text, report->covariance, 21, DIGITS_COVARIANCE);
}

static void probability_write(struct text *text, const struct track_report *report, const struct text_number *numbers) {
  struct text own = *text;
  text_put(&own, ",\"existence\":");
  text_number(&own, &numbers[AT_EXISTENCE]);
  bool phased = report->class_ == CLASS_BALLISTIC || report->class_ == CLASS_ORBITAL;
  for (int i = 0; i < 3 && report->has_phase && phased; i++) {
    text_put(&own, i ? ",\"" : ",\"phase_probability\":{\"");
    text_put(&own, track_phase_names[PHASE_BOOST + i]);
    text_put(&own, "\":");
    text_number(&own, &numbers[AT_PHASES + i]);
  }
  if (report->has_phase && phased) text_char(&own, '}');
  *text = own;
}

static void sources_write(struct text *text, const struct track_report *report, const struct site *site) {
  bool nations[SITE_NATIONS_MAX] = {false};
  text_put(text, ",\"sensors\":[");
  bool first = true;
  for (uint32_t word = 0; word < SENSOR_WORDS; word++) {
    for (uint64_t rest = report->sensors[word]; rest; rest &= rest - 1) {
      uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(rest);
      weft_assert(index < site->sensor_count);
      if (!first) text_char(text, ',');
      first = false;
      text_u64(text, site->sensors[index].id);
      weft_assert(site->sensors[index].nation_index < SITE_NATIONS_MAX);
      nations[site->sensors[index].nation_index] = true;
    }
  }
  text_put(text, "],\"nations\":[");
  first = true;
  for (uint32_t i = 0; i < site->nation_count; i++) {
    if (!nations[i]) continue;
    if (!first) text_char(text, ',');
    first = false;
    text_json(text, site->nations[i]);
  }
  text_char(text, ']');
}

static void foreign_sources_write(struct text *text, const struct track_report *report) {
  const struct foreign_names *names = report->ties->names;
  const struct foreign_track *source = report->ties->source;
  for (uint32_t i = 0; i < source->sensor_count; i++) {
    text_put(text, i ? "," : ",\"sensors\":[");
    text_u64(text, source->sensors[i]);
  }
  text_put(text, source->sensor_count ? "],\"nations\":[" : ",\"sensors\":[],\"nations\":[");
  bool first = true;
  for (uint32_t n = 0; n < names->nation_count; n++) {
    if (!(source->nations >> n & 1)) continue;
    if (!first) text_char(text, ',');
    first = false;
    text_json(text, names->nations[n]);
  }
  text_char(text, ']');
}

static void centre_track_write(struct text *text, const char *centre, uint64_t track) {
  text_put(text, "{\"centre\":");
  text_json(text, centre);
  text_put(text, ",\"track\":");
  text_u64(text, track);
  text_char(text, '}');
}

/* What ties the track to other tracks, of this centre and of others. */
static void ties_write(struct text *text, const struct track_report *report) {
  if (report->continues) {
    text_put(text, ",\"continues\":");
    text_u64(text, report->continues);
  }
  const struct foreign_ties *ties = report->ties;
  if (!ties) return;
  for (uint32_t i = 0; i < ties->correlated_count; i++) {
    text_put(text, i ? "," : ",\"correlated\":[");
    centre_track_write(text, ties->names->centres[ties->correlated[i].centre], ties->correlated[i].track);
  }
  if (ties->correlated_count) text_char(text, ']');
  if (!ties->source) return;
  text_put(text, ",\"source\":");
  centre_track_write(text, ties->names->centres[ties->source->centre], ties->source->track);
}

static void ground_write(struct text *text, const char *key, const struct ground_estimate *ground, const struct text_number *numbers,
                         const struct text_number *time) {
  struct text own = *text;
  text_put(&own, key);
  text_put(&own, "{\"lat_deg\":");
  text_number(&own, &numbers[0]);
  text_put(&own, ",\"lon_deg\":");
  text_number(&own, &numbers[1]);
  time_write(&own, ",\"time_ns\":", ground->time_ns, time);
  text_put(&own, ",\"time_sigma_s\":");
  text_number(&own, &numbers[2]);
  text_put(&own, ",\"semi_major_m\":");
  text_number(&own, &numbers[3]);
  text_put(&own, ",\"semi_minor_m\":");
  text_number(&own, &numbers[4]);
  text_put(&own, ",\"orientation_deg\":");
  text_number(&own, &numbers[5]);
  *text = own;
}

static void warning_write(struct text *text, const struct track_report *report, const struct site *site, const struct line_numbers *numbers) {
  if (report->class_ != CLASS_BALLISTIC) return;
  if (report->has_launch) {
    ground_write(text, ",\"launch\":", &report->launch, numbers->fixed + AT_LAUNCH, &numbers->whole[AT_LAUNCH_TIME]);
    if (report->event) {
      text_put(text, ",\"event\":{\"number\":");
      text_number(text, &numbers->whole[AT_EVENT]);
      text_put(text, ",\"launches\":");
      text_u64(text, report->event_launches);
      text_char(text, '}');
    }
    text_char(text, '}');
  }
  if (!report->has_impact) return;
  const struct impact_estimate *impact = &report->impact;
  weft_assert(impact->region_count <= REPORT_REGIONS_MAX);
  ground_write(text, ",\"impact\":", &impact->ground, numbers->fixed + AT_IMPACT, &numbers->whole[AT_IMPACT_TIME]);
  text_put(text, ",\"probability\":");
  text_number(text, &numbers->fixed[AT_PROBABILITY]);
  for (uint32_t i = 0; i < impact->region_count; i++) {
    text_put(text, i ? ",{\"name\":" : ",\"regions\":[{\"name\":");
    text_json(text, site->region_names[impact->regions[i]]);
    text_put(text, ",\"probability\":");
    text_fixed(text, impact->shares[i], DIGITS_PROBABILITY);
    text_char(text, '}');
  }
  text_put(text, impact->region_count ? "]}" : "}");
}

size_t track_line_write(char *line, size_t size, const struct track_report *report, const struct site *site,
                        int64_t latency_us) {
  weft_assert(size >= TRACK_LINE_MAX);
  if (!enums_known(report)) return 0;
  struct text text = text_open(line, size);
  struct line_numbers numbers;
  numbers_make(numbers.fixed, report);
  wholes_make(numbers.whole, report);
  head_write(&text, report, site, numbers.whole);
  state_write(&text, report, numbers.fixed);
  probability_write(&text, report, numbers.fixed);
  if (report->ties && report->ties->source) {
    foreign_sources_write(&text, report);
  } else {
    sources_write(&text, report, site);
  }
  text_put(&text, ",\"detections\":");
  text_number(&text, &numbers.whole[AT_DETECTIONS]);
  time_write(&text, ",\"first_time_ns\":", report->first_time_ns, &numbers.whole[AT_FIRST]);
  if (report->innovation_components) {
    text_put(&text, ",\"innovation\":{\"nis\":");
    text_general(&text, report->innovation2, DIGITS_INNOVATION);
    text_put(&text, ",\"dof\":");
    text_u64(&text, report->innovation_components);
    text_char(&text, '}');
  }
  ties_write(&text, report);
  warning_write(&text, report, site, &numbers);
  if (latency_us >= 0) {
    text_put(&text, ",\"latency_us\":");
    text_i64(&text, latency_us);
  }
  text_put(&text, "}\n");
  weft_assert(!text.cut);
  return text.not_finite ? 0 : text.used;
}

size_t track_line_mark_unjournaled(char *line, size_t length) {
  static const char mark[] = ",\"unjournaled\":true}\n";
  if (length == 0) return 0;
  weft_assert(line[length - 2] == '}' && length - 2 + sizeof mark <= TRACK_LINE_MAX);
  memcpy(line + length - 2, mark, sizeof mark - 1);
  return length - 2 + sizeof mark - 1;
}

size_t track_line_missed_write(char *line, size_t size, uint64_t missed) {
  struct text text = text_open(line, size);
  text_put(&text, "{\"missed\":");
  text_u64(&text, missed);
  text_put(&text, "}\n");
  weft_assert(!text.cut);
  return text.used;
}
