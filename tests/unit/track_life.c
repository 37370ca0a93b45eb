// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* A track's life: started, confirmed, missed, merged, lost; what the books and the lines say of it. Every step of every
 * test goes through rig_step, which checks books, order and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

/* One radar in Barcelona's latitude, an aircraft 100 km away; `seconds` scans of it. */
static struct rig *rig_with_aircraft(int seconds, struct body *body, struct prng *prng) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 256, 1024, NULL);
  *body = body_at(41.7, 2.5, 9000, 200, 80, 0);
  for (int s = 0; s < seconds; s++) {
    rig_see(rig, 0, at(s), body->p, prng);
    rig_step(rig, at(s));
    body_cruise(body, 1);
  }
  return rig;
}

static void track_is_confirmed_with_four_detections_and_follows_an_aircraft(void **state) {
  (void)state;
  struct prng prng = prng_seed(1, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(60, &body, &prng);
  const struct track *track = rig_only(rig);
  assert_non_null(track);
  assert_int_equal(track->status, STATUS_CONFIRMED);
  assert_int_equal(track->detections, 60);
  assert_int_equal(track->class_, CLASS_AIRCRAFT);
  const struct track_report *r = rig_report(rig, track->number);
  assert_non_null(r);
  assert_int_equal(r->phase, PHASE_CRUISE);
  assert_int_equal(r->time_ns, at(59));
  assert_int_equal(r->first_time_ns, at(0));
  body_cruise(&body, -1);
  rig_expect(rig_distance(r->position_m, body.p) < 200, "%g m off", rig_distance(r->position_m, body.p));
  rig_expect(rig_distance(r->velocity_mps, body.v) < 30, "%g m/s off", rig_distance(r->velocity_mps, body.v));
  rig_drain(rig);
  assert_int_equal(rig_fates(rig, FATE_ASSOCIATED) + rig_fates(rig, FATE_STARTED), 60);
  rig_close(rig);
}

static void late_detection_is_counted_and_changes_nothing(void **state) {
  (void)state;
  struct prng prng = prng_seed(2, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(20, &body, &prng);
  struct track before = *rig_only(rig);
  body_cruise(&body, -4.5);
  rig_see(rig, 0, at(15.9), body.p, &prng); /* the front is at 19 s, the lag 3 s */
  rig_step(rig, at(19));
  assert_int_equal(rig_fates(rig, FATE_LATE), 1);
  assert_int_equal(rig->output.count, 0);
  assert_memory_equal(&before, rig_only(rig), sizeof before);
  rig_see(rig, 0, at(16.5), body.p, NULL); /* within the lag and between two scans: used or a seed, but not late */
  rig_step(rig, at(19));
  assert_int_equal(rig_fates(rig, FATE_LATE), 1);
  rig_drain(rig);
  rig_close(rig);
}

/* Two radars; the second one's reports come `delay_s` later. */
static void fly_with_delay(double delay_s, struct track_report *last) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR, 42.5, 3, 100);
  rig_open(rig, 256, 1024, NULL);
  struct body start = body_at(42, 1, 150000, 2500, 1500, 1000);
  struct prng a = prng_seed(3, 0), b = prng_seed(3, 1);
  for (int k = 0; k < 400; k++) { /* steps of a tenth of a second */
    double now = 0.1 * k, then = now - delay_s;
    struct body body = start;
    if (k % 10 == 0) {
      body_fly(&body, now, 0);
      rig_see(rig, 0, at(now), body.p, &a);
      rig_step(rig, at(now));
    }
    if (then >= 0.5 && llround(10 * then) % 10 == 5) {
      body = start;
      body_fly(&body, then, 0);
      rig_see(rig, 1, at(then), body.p, &b);
      rig_step(rig, at(now));
    }
  }
  const struct track *track = rig_only(rig);
  assert_non_null(track);
  double moments[1][27];
  uint32_t slot = (uint32_t)(track - rig->tracker->store.tracks);
  int64_t same_ns = at(40);
  filter_advance(&rig->tracker->filter, &slot, 1, same_ns, false);
  filter_moments(&rig->tracker->filter, &slot, 1, moments);
  report_fill(rig->tracker, track, moments[0], &(struct geodetic){0}, same_ns, last);
  rig_close(rig);
}

static void out_of_sequence_detections_are_used_and_lead_to_nearly_the_same_state(void **state) {
  (void)state;
  struct track_report in_order, delayed;
  fly_with_delay(0, &in_order);
  fly_with_delay(2, &delayed);
  rig_expect(delayed.detections >= in_order.detections - 3, "%llu used, %llu in order",
             (unsigned long long)delayed.detections, (unsigned long long)in_order.detections);
  double sigma_p = 0, sigma_v = 0;
  for (int i = 0; i < 3; i++) {
    sigma_p += in_order.covariance[WK_AT(6, i, i)];
    sigma_v += in_order.covariance[WK_AT(6, i + 3, i + 3)];
  }
  double off_p = rig_distance(in_order.position_m, delayed.position_m);
  double off_v = rig_distance(in_order.velocity_mps, delayed.velocity_mps);
  rig_expect(off_p < sqrt(sigma_p), "position %g m off, sigma %g m", off_p, sqrt(sigma_p));
  rig_expect(off_v < sqrt(sigma_v), "velocity %g m/s off, sigma %g m/s", off_v, sqrt(sigma_v));
}

/* What a radar sees at the track's place a tenth of a second after it has seen the track is another object, or nothing. */
static void a_scan_gives_a_track_one_plot(void **state) {
  (void)state;
  struct prng prng = prng_seed(3, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(20, &body, &prng);
  const struct track *track = rig_only(rig);
  body_cruise(&body, -0.9);
  struct track before = *track;
  rig_see(rig, 0, at(19.1), body.p, &prng);
  rig_step(rig, at(19.1));
  assert_int_equal(track->detections, 20);
  assert_memory_equal(track->bank, before.bank, sizeof before.bank);
  assert_true(track->log_odds == before.log_odds);
  assert_int_equal(rig_waiting(rig->tracker), 1);
  body_cruise(&body, 0.9);
  rig_see(rig, 0, at(20), body.p, &prng);
  rig_step(rig, at(20));
  assert_int_equal(track->detections, 21);
  rig_close(rig);
}

/* How many misses of Pd 0.9 were charged between two log odds. */
static int misses(double before, double after) { return (int)lround((before - after) / -log(0.1)); }

/* An aircraft seen for 20 s, then only another one by the same radar, in frames of a tenth of a second. */
static void miss_is_charged_once_per_revisit(void **state) {
  (void)state;
  struct prng prng = prng_seed(4, 0);
  struct body body, other = body_at(40.2, 1.0, 9000, -200, 0, 0);
  struct rig *rig = rig_with_aircraft(20, &body, &prng);
  const struct track *track = rig_only(rig);
  double before = track->log_odds;
  int charged[5] = {0};
  for (int k = 1; k <= 49; k++) {
    double s = 19 + 0.1 * k;
    if (k % 10 == 0) rig_see(rig, 0, at(s), other.p, &prng);
    rig_step(rig, at(s));
    if (k % 10 == 9 && k / 10 > 0) charged[k / 10] = misses(before, track->log_odds);
  }
  /* The look of second 20 counts from when the sensor has reported later than 20.5 s: in second 21. */
  assert_int_equal(charged[1], 0);
  assert_int_equal(charged[2], 1);
  assert_int_equal(charged[3], 2);
  assert_int_equal(charged[4], 3);
  rig_close(rig);
}

static void no_miss_while_the_sensor_has_not_reported(void **state) {
  (void)state;
  struct prng prng = prng_seed(5, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(20, &body, &prng);
  const struct track *track = rig_only(rig);
  double before = track->log_odds;
  for (int k = 1; k <= 44; k++) rig_step(rig, at(19 + 0.1 * k)); /* look due 20.5, and 3 s of lag */
  assert_int_equal(misses(before, track->log_odds), 0);
  for (int k = 45; k <= 60; k++) rig_step(rig, at(19 + 0.1 * k));
  assert_true(misses(before, track->log_odds) >= 1);
  rig_close(rig);
}

static void no_miss_while_the_sensor_is_down(void **state) {
  (void)state;
  struct prng prng = prng_seed(6, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(20, &body, &prng);
  const struct track *track = rig_only(rig);
  double before = track->log_odds;
  struct sensor_state down = {.time_ns = at(19.5), .sensor = 0, .status = SENSOR_DOWN, .sequence = 1};
  memcpy(down.position_m, rig->site.sensors[0].position_m, sizeof down.position_m);
  frame_builder_add_state(&rig->builder, &down, 0, 0);
  for (int k = 1; k <= 160; k++) rig_step(rig, at(19 + 0.25 * k));
  assert_non_null(rig_only(rig));
  assert_int_equal(misses(before, track->log_odds), 0);
  rig_close(rig);
}

static void no_miss_out_of_coverage(void **state) {
  (void)state;
  struct prng prng = prng_seed(7, 0);
  struct rig *rig = rig_new();
  struct body body = body_at(41.7, 2.5, 9000, 200, 80, 0);
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100)->coverage_range_m[1] = 50000;
  rig_open(rig, 256, 1024, NULL);
  for (int s = 0; s < 20; s++) {
    rig_see(rig, 0, at(s), body.p, &prng);
    rig_step(rig, at(s));
    body_cruise(&body, 1);
  }
  const struct track *track = rig_only(rig);
  double before = track->log_odds;
  for (int k = 1; k <= 160; k++) rig_step(rig, at(19 + 0.25 * k));
  assert_int_equal(misses(before, track->log_odds), 0);
  for (int k = 1; k <= 400; k++) rig_step(rig, at(59 + 0.25 * k)); /* but not for ever */
  assert_int_equal(rig_live(rig, 0), 0);
  rig_close(rig);
}

/* With a look missed every second: log odds of at most 14, ln 0.1 each, ended below -3. */
static void track_ends_after_eight_misses_and_its_last_line_repeats_the_state(void **state) {
  (void)state;
  struct prng prng = prng_seed(8, 0);
  struct body body, other = body_at(40.2, 1.0, 9000, -200, 0, 0);
  struct rig *rig = rig_with_aircraft(40, &body, &prng);
  struct track_report last = *rig_report(rig, rig_only(rig)->number);
  int lost_after = 0;
  for (int s = 1; s <= 20 && !lost_after; s++) {
    rig_see(rig, 0, at(39 + s), other.p, &prng);
    rig_step(rig, at(39 + s));
    body_cruise(&other, 1);
    const struct track_report *r = rig_report(rig, last.track);
    if (!r) continue;
    assert_int_equal(r->status, STATUS_LOST);
    assert_memory_equal(r->position_m, last.position_m, sizeof last.position_m);
    assert_memory_equal(r->velocity_mps, last.velocity_mps, sizeof last.velocity_mps);
    assert_memory_equal(r->covariance, last.covariance, sizeof last.covariance);
    assert_int_equal(r->detections, last.detections);
    assert_int_equal(r->class_, last.class_);
    assert_int_equal(r->time_ns, at(39 + s));
    lost_after = s;
  }
  rig_expect(lost_after >= 8 && lost_after <= 11, "lost after %d s", lost_after);
  rig_close(rig);
}

static void silence_ages_tracks_by_empty_frames(void **state) {
  (void)state;
  struct prng prng = prng_seed(9, 0);
  struct body body;
  struct rig *rig = rig_with_aircraft(40, &body, &prng);
  uint64_t number = rig_only(rig)->number;
  int lost_after = 0;
  for (int k = 1; k <= 200 && !lost_after; k++) {
    rig_step(rig, at(39) + (int64_t)k * FRAME_SILENCE_NS);
    if (rig_report(rig, number)) lost_after = k;
  }
  rig_expect(lost_after > 40 && lost_after < 64, "lost after %d frames of silence", lost_after);
  assert_int_equal(rig_live(rig, 0), 0);
  rig_close(rig);
}

static void numbers_are_never_used_again(void **state) {
  (void)state;
  struct prng prng = prng_seed(10, 0);
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 64, 1024, NULL);
  static uint8_t ended[4096];
  double s = 0;
  for (int life = 0; life < 30; life++, s += 30) {
    struct body body = body_at(41.7, 2.5, 9000, 200, 80, 0);
    for (int k = 0; k < 120; k++) {
      double now = s + 0.25 * k;
      if (k < 24 && k % 4 == 0) {
        rig_see(rig, 0, at(now), body.p, &prng);
        body_cruise(&body, 1);
      }
      rig_step(rig, at(now));
      for (uint32_t i = 0; i < rig->output.count; i++) {
        const struct track_report *r = &rig->output.reports[i];
        assert_true(r->track < sizeof ended);
        rig_expect(!ended[r->track], "track %llu lives again", (unsigned long long)r->track);
        ended[r->track] = r->status == STATUS_LOST;
      }
    }
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  assert_true(statistics.tracks_started >= 30);
  assert_int_equal(statistics.tracks_started, rig->number_seen);
  assert_int_equal(statistics.tracks_started - statistics.tracks_lost, rig->tracker->store.live);
  rig_drain(rig);
  rig_close(rig);
}

/* More objects than track records: the second plot of the surplus is shed, the first is too, nothing breaks. */
static void full_table_sheds_and_keeps_the_books(void **state) {
  (void)state;
  enum { OBJECTS = 100 };
  static struct body bodies[OBJECTS];
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 1, 1024, NULL); /* raised to the smallest allowed, 64 */
  for (int i = 0; i < OBJECTS; i++) bodies[i] = body_at(41.2 + 0.1 * (i / 10), 2.2 + 0.1 * (i % 10), 9000, 150, 150, 0);
  for (int s = 0; s < 30; s++) {
    for (int i = 0; i < OBJECTS; i++) {
      rig_see(rig, 0, at(s), bodies[i].p, NULL);
      body_cruise(&bodies[i], 1);
    }
    rig_step(rig, at(s));
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  assert_int_equal(rig_live(rig, STATUS_CONFIRMED), 64);
  assert_int_equal(statistics.tracks_started, 64);
  assert_true(statistics.tracks_refused > 0);
  assert_true(rig_fates(rig, FATE_SHED) >= 2 * statistics.tracks_refused); /* two plots a start, more among rivals */
  assert_true(rig_fates(rig, FATE_STARTED) >= 2 * 64);
  rig_drain(rig);
  rig_close(rig);
}

/* A radar whose reports are 3.5 km too far for its first seconds makes a second track of the same object. */
static void duplicates(uint64_t seed, double revisit_s, struct body start, bool cruise) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100)->revisit_s = revisit_s;
  rig_sensor(&rig->site, KIND_RADAR, 42.5, 3, 100)->revisit_s = revisit_s;
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(seed, 0);
  bool doubled = false;
  for (int k = 0; k < 40; k++) {
    double now = k * revisit_s;
    for (uint32_t sensor = 0; sensor < 2; sensor++) {
      struct body body = start;
      double t = now + 0.45 * revisit_s * sensor;
      if (cruise) body_cruise(&body, t);
      if (!cruise) body_fly(&body, t, 0);
      struct detection *d = rig_see(rig, sensor, at(t), body.p, &prng);
      if (sensor == 1 && k < 6) d->measure[0] += 3500;
      rig_step(rig, at(t));
      doubled |= rig_live(rig, 0) >= 2;
    }
  }
  assert_true(doubled);
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  rig_expect(rig_live(rig, 0) == 1, "seed %llu revisit %g s: %u live tracks, %llu merged", (unsigned long long)seed,
             revisit_s, rig_live(rig, 0), (unsigned long long)statistics.merged);
  rig_close(rig);
}

static void duplicates_of_one_object_from_two_radars_become_one(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    duplicates(seed, 1, body_at(41.7, 2.5, 9000, 200, 80, 0), true);
    duplicates(seed, 1, body_at(42, 1, 150000, 2500, 1500, 1000), false);
    duplicates(seed, 4, body_at(42, 1, 150000, 2500, 1500, 1000), false);
    duplicates(seed, 8, body_at(41.7, 2.5, 9000, 200, 80, 0), true);
  }
}

/* Several sensors that look at the very same moments: two points of one moment say nothing of the speed, and must not be taken to
 * say that it is that of something just launched. */
static void looks_at_one_moment(uint64_t seed, uint8_t kind, uint32_t sensors, double apart_s, struct body start, bool cruise) {
  struct rig *rig = rig_new();
  for (uint32_t s = 0; s < sensors; s++) rig_sensor(&rig->site, kind, 41 + 0.3 * s, 2, 100);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(seed, 0);
  int confirmed_at = -1;
  for (int k = 0; k < 10; k++) {
    for (uint32_t sensor = 0; sensor < sensors; sensor++) {
      struct body body = start;
      double t = k + apart_s * sensor;
      if (cruise) body_cruise(&body, t);
      else body_fly(&body, t, 0);
      rig_see(rig, sensor, at(t), body.p, &prng);
    }
    rig_step(rig, at(k + apart_s * sensors));
    if (confirmed_at < 0 && rig_live(rig, STATUS_CONFIRMED) > 0) confirmed_at = k;
  }
  rig_expect(confirmed_at >= 0 && confirmed_at <= 3 && rig_live(rig, 0) == 1,
             "seed %llu, %u sensors of kind %d, %g s apart: %u live tracks, confirmed at look %d", (unsigned long long)seed,
             sensors, kind, apart_s, rig_live(rig, 0), confirmed_at);
  rig_close(rig);
}

static void sensors_that_look_at_the_same_moment_start_a_track(void **state) {
  (void)state;
  static const uint8_t kinds[] = {KIND_RADAR, KIND_POSITION};
  static const double apart_s[] = {0, 0.001, 0.02};
  for (uint64_t seed = 1; seed <= 5; seed++) {
    for (int kind = 0; kind < 2; kind++) {
      for (uint32_t sensors = 1; sensors <= 3; sensors++) {
        for (int a = 0; a < 3; a++) {
          looks_at_one_moment(seed, kinds[kind], sensors, apart_s[a], body_at(42, 2.5, 9000, 1800, 1300, 0), true);
          looks_at_one_moment(seed, kinds[kind], sensors, apart_s[a], body_at(42, 2.5, 60000, 2500, 1500, -2500), false);
          looks_at_one_moment(seed, kinds[kind], sensors, apart_s[a], body_at(42, 2.5, 150000, 2500, 1500, 1000), false);
          looks_at_one_moment(seed, kinds[kind], sensors, apart_s[a], body_at(42, 2.5, 9000, 200, 80, 0), true);
        }
      }
    }
  }
}

/* Two objects side by side, one radar that misses a tenth of its looks. */
static void pair_of_objects(uint64_t seed, double away_deg, double apart_m, double seen) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(seed, 0);
  struct body a = body_at(41 + away_deg, 2, 10000 + 20000 * away_deg, 230, 0, 0), b = a;
  double enu[9];
  wk_enu_rows((41 + away_deg) * RIG_DEGREE, 2 * RIG_DEGREE, enu);
  for (int i = 0; i < 3; i++) b.p[i] += apart_m * enu[i];
  for (int s = 0; s < 120; s++) {
    if (prng_uniform(&prng) < seen) rig_see(rig, 0, at(s), a.p, &prng);
    if (prng_uniform(&prng) < seen) rig_see(rig, 0, at(s), b.p, &prng);
    rig_step(rig, at(s));
    body_cruise(&a, 1);
    body_cruise(&b, 1);
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  rig_expect(rig_live(rig, STATUS_CONFIRMED) == 2, "seed %llu, %g degrees away, %g m apart: %u confirmed, %llu merged",
             (unsigned long long)seed, away_deg, apart_m, rig_live(rig, STATUS_CONFIRMED),
             (unsigned long long)statistics.merged);
  rig_close(rig);
}

static void two_objects_a_kilometre_apart_stay_two(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    pair_of_objects(seed, 1, 1000, 0.9);
    pair_of_objects(seed, 2, 1000, 0.9);
    pair_of_objects(seed, 4, 1000, 0.9);
  }
}

/* A third of the looks show only one of them: what the looks before have shown still counts. */
static void objects_seen_apart_are_not_merged_by_a_missed_look(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) pair_of_objects(seed, 4, 600, 0.8);
}

static void missile_is_ballistic_in_boost_then_coast(void **state) {
  (void)state;
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(11, 0);
  struct body body = body_at(42, 3.5, 2000, 60, 60, 200);
  bool boost = false;
  for (int s = 0; s < 150; s++) {
    rig_see(rig, 0, at(s), body.p, &prng);
    rig_step(rig, at(s));
    const struct track *track = rig_only(rig);
    if (s > 30 && s < 80) boost = boost || (track && track->class_ == CLASS_BALLISTIC && track->phase == PHASE_BOOST);
    body_fly(&body, 1, s < 80 ? 35 : 0);
  }
  const struct track *track = rig_only(rig);
  assert_non_null(track);
  assert_true(boost);
  assert_int_equal(track->class_, CLASS_BALLISTIC);
  assert_int_equal(track->phase, PHASE_COAST);
  assert_int_equal(track->detections, 150);
  rig_close(rig);
}

static void satellite_is_orbital(void **state) {
  (void)state;
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(12, 0);
  struct body body = body_at(38, -6, 400000, 0, 0, 0);
  double r = sqrt(vector_dot(body.p, body.p)), speed = sqrt(3.986004418e14 / r), enu[9];
  wk_enu_rows(38 * RIG_DEGREE, -6 * RIG_DEGREE, enu);
  for (int i = 0; i < 3; i++) body.v[i] = speed * (0.8 * enu[i] + 0.6 * enu[3 + i]);
  body.v[0] += 7.292115e-5 * body.p[1];
  body.v[1] -= 7.292115e-5 * body.p[0];
  for (int s = 0; s < 150; s++) {
    rig_see(rig, 0, at(s), body.p, &prng);
    rig_step(rig, at(s));
    body_fly(&body, 1, 0);
  }
  const struct track *track = rig_only(rig);
  assert_non_null(track);
  rig_expect(track->class_ == CLASS_ORBITAL, "class %d, phase %d", track->class_, track->phase);
  rig_close(rig);
}

/* Two satellites that see nothing but directions; `low`: they fly at 1,000 km and say where they are with every plot. */
static void boost_from_space(uint64_t seed, bool low) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_LOS, 0, -20, 35786000)->nation_index = 0;
  rig_sensor(&rig->site, KIND_LOS, 0, 50, 35786000);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(seed, 0);
  struct body body = body_at(42, 15, 8000, 100, 60, 250), platform[2];
  for (int i = 0; i < 2; i++) {
    platform[i] = i ? body_at(50, 5, 1e6, 5000, -5000, 0) : body_at(35, 22, 1e6, -5000, 5000, 0);
    rig->site.sensors[i].sigma[1] = rig->site.sensors[i].sigma[2] = low ? 2e-4 : 2e-5;
  }
  for (int k = 0; k < 180; k++) {
    double t = 0.5 * k;
    uint32_t sensor = (uint32_t)k % 2;
    if (low) {
      struct body p = platform[sensor];
      body_fly(&p, t, 0);
      struct detection *d = rig_see_from(rig, sensor, at(t), body.p, p.p, &prng);
      d->valid |= VALID_PLATFORM;
      memcpy(d->platform_m, p.p, sizeof d->platform_m);
    } else {
      rig_see(rig, sensor, at(t), body.p, &prng);
    }
    rig_step(rig, at(t));
    body_fly(&body, 0.5, 30);
  }
  const struct track *track = rig_only(rig);
  rig_expect(track, "seed %llu: %u tracks", (unsigned long long)seed, rig_live(rig, 0));
  rig_expect(track->status == STATUS_CONFIRMED && track->class_ == CLASS_BALLISTIC && track->phase == PHASE_BOOST,
             "seed %llu: status %d class %d phase %d", (unsigned long long)seed, track->status, track->class_, track->phase);
  rig_expect(track->detections > 150, "seed %llu: %u of 180 detections used", (unsigned long long)seed, track->detections);
  body_fly(&body, -0.5, 30);
  double off = rig_distance(track->position_m, body.p);
  rig_expect(off < 5000, "seed %llu: %g m off", (unsigned long long)seed, off);
  rig_drain(rig);
  rig_close(rig);
}

static void two_lines_of_sight_alone_start_a_track_of_a_boosting_missile(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) boost_from_space(seed, false);
}

static void moving_platforms_that_say_where_they_are_follow_it_too(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) boost_from_space(seed, true);
}

/* A ship that sends its place every second sees an aircraft every second, for a minute. `each` != 0: a frame a second. */
static struct rig *rig_with_ship(bool each, uint64_t *number) {
  enum { SECONDS = 60 };
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 20);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(21, 0);
  struct body body = body_at(41.6, 2.3, 9000, 200, 50, 0), ship = body_at(41, 2, 20, 100, 0, 0);
  for (int s = 0; s < SECONDS; s++) {
    struct sensor_state moved = {.time_ns = at(s), .sensor = 0, .sequence = (uint64_t)s + 1};
    memcpy(moved.position_m, ship.p, sizeof moved.position_m);
    memcpy(moved.velocity_mps, ship.v, sizeof moved.velocity_mps);
    frame_builder_add_state(&rig->builder, &moved, 0, 0);
    rig_see_from(rig, 0, at(s), body.p, ship.p, &prng);
    if (each || s == SECONDS - 1) rig_step(rig, at(s));
    body_cruise(&body, 1);
    body_cruise(&ship, 1);
  }
  const struct track *track = rig_only(rig);
  assert_non_null(track);
  assert_int_equal(track->detections, SECONDS);
  *number = track->number;
  return rig;
}

static void one_long_frame_leads_where_short_ones_do(void **state) {
  (void)state;
  uint64_t number_short, number_long;
  struct rig *brief = rig_with_ship(true, &number_short), *extended = rig_with_ship(false, &number_long);
  assert_int_equal(number_short, number_long);
  const struct track *a = rig_only(brief), *b = rig_only(extended);
  assert_memory_equal(a->bank, b->bank, sizeof a->bank);
  assert_true(a->log_odds == b->log_odds);
  rig_close(brief);
  rig_close(extended);
}

/* Each of two missiles is seen by a radar of its own, so that their looks are in different order. */
static void a_track_that_takes_another_over_has_that_ones_looks(void **state) {
  (void)state;
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR, 42.5, 3, 100);
  rig_open(rig, 256, 1024, NULL);
  struct prng prng = prng_seed(5, 0);
  for (int s = 0; s < 12; s++) {
    struct body one = body_at(42, 1, 150000, 2500, 1500, 1000), other = body_at(43, 3, 150000, 2500, 1500, 1000);
    body_fly(&one, s, 0);
    body_fly(&other, s, 0);
    rig_see(rig, 0, at(s), one.p, &prng);
    rig_see(rig, 1, at(s), other.p, &prng);
    rig_step(rig, at(s));
  }
  struct track *tracks = rig->tracker->store.tracks;
  assert_int_equal(rig->tracker->store.live, 2);
  uint32_t old = tracks[0].sensors[0] == 1 ? 0 : 1, young = 1 - old;
  struct look looks[2];
  for (uint32_t s = 0; s < 2; s++) {
    const struct look *look = track_look_read(&tracks[young], s);
    assert_non_null(look);
    looks[s] = *look;
  }
  assert_true(looks[0].last_hit_ns != looks[1].last_hit_ns);
  track_take_over(rig->tracker, old, young);
  for (uint32_t s = 0; s < 2; s++) {
    const struct look *look = track_look_read(&tracks[old], s);
    assert_non_null(look);
    assert_memory_equal(look, &looks[s], sizeof *look);
  }
  rig_close(rig);
}

/* More false plots than strands: those that wait longest are clutter at once, the others when their time is over. */
static void strands_due_first_give_way_where_all_places_are_taken(void **state) {
  (void)state;
  enum { FRAME = 4096, LATER = 500 };
  struct rig *rig = rig_new();
  struct prng prng = prng_seed(21, 0);
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_open(rig, 64, FRAME, NULL);
  const struct strands *strands = &rig->tracker->strands;
  for (uint32_t sent = 0; sent < strands->capacity + LATER;) {
    for (uint32_t i = 0; i < FRAME && sent < strands->capacity + LATER; i++, sent++) {
      double lat_deg = 41 + 8 * prng_uniform(&prng), lon_deg = 2 + 8 * prng_uniform(&prng), p[3];
      wk_ecef_from_geodetic(lat_deg * RIG_DEGREE, lon_deg * RIG_DEGREE, 100e3 + 300e3 * prng_uniform(&prng), p);
      rig_see(rig, 0, RIG_BEGIN_NS + sent * INT64_C(4000), p, &prng);
    }
    rig_step(rig, RIG_BEGIN_NS + sent * INT64_C(4000));
  }
  assert_int_equal(strands->expiry.count, strands->capacity);
  assert_int_equal(rig_fates(rig, FATE_CLUTTER), LATER);
  for (uint32_t slot = 0; slot < strands->capacity; slot++)
    assert_true(strands->strands[slot].time_ns >= RIG_BEGIN_NS + (LATER - CALENDAR_DAY_NS / 4000) * INT64_C(4000));
  rig_step(rig, at(8)); /* their time, and the lag, are over */
  assert_int_equal(strands->expiry.count, 0);
  assert_int_equal(rig_fates(rig, FATE_CLUTTER), strands->capacity + LATER);
  rig_drain(rig);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(track_is_confirmed_with_four_detections_and_follows_an_aircraft),
      cmocka_unit_test(late_detection_is_counted_and_changes_nothing),
      cmocka_unit_test(out_of_sequence_detections_are_used_and_lead_to_nearly_the_same_state),
      cmocka_unit_test(a_scan_gives_a_track_one_plot),
      cmocka_unit_test(miss_is_charged_once_per_revisit),
      cmocka_unit_test(no_miss_while_the_sensor_has_not_reported),
      cmocka_unit_test(no_miss_while_the_sensor_is_down),
      cmocka_unit_test(no_miss_out_of_coverage),
      cmocka_unit_test(track_ends_after_eight_misses_and_its_last_line_repeats_the_state),
      cmocka_unit_test(silence_ages_tracks_by_empty_frames),
      cmocka_unit_test(numbers_are_never_used_again),
      cmocka_unit_test(full_table_sheds_and_keeps_the_books),
      cmocka_unit_test(duplicates_of_one_object_from_two_radars_become_one),
      cmocka_unit_test(sensors_that_look_at_the_same_moment_start_a_track),
      cmocka_unit_test(two_objects_a_kilometre_apart_stay_two),
      cmocka_unit_test(objects_seen_apart_are_not_merged_by_a_missed_look),
      cmocka_unit_test(missile_is_ballistic_in_boost_then_coast),
      cmocka_unit_test(satellite_is_orbital),
      cmocka_unit_test(two_lines_of_sight_alone_start_a_track_of_a_boosting_missile),
      cmocka_unit_test(moving_platforms_that_say_where_they_are_follow_it_too),
      cmocka_unit_test(one_long_frame_leads_where_short_ones_do),
      cmocka_unit_test(a_track_that_takes_another_over_has_that_ones_looks),
      cmocka_unit_test(strands_due_first_give_way_where_all_places_are_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
