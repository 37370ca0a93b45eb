// stage: weft_warn weft_domain weft_base weft_kernels
/* Launches near each other in place and time are one event, in whatever order they come; the table is
 * bounded. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/warn/events.h"

enum { AREAS = 3, EACH = 20, LAUNCHES = AREAS * EACH, ROUNDS = 50 };
static const int64_t second_ns = 1000000000;

static struct events *table_new(void) {
  struct events *events = calloc(1, sizeof *events);
  assert_non_null(events);
  return events;
}

static struct ground_estimate launch_at(double lat_deg, double lon_deg, double time_s) {
  return (struct ground_estimate){.lat_deg = lat_deg,
                                  .lon_deg = lon_deg,
                                  .time_ns = (int64_t)(time_s * 1e9),
                                  .time_sigma_s = 3,
                                  .semi_major_m = 2000,
                                  .semi_minor_m = 1000};
}

static uint64_t number_of(struct events *events, uint64_t serial) {
  const struct launch_event *event = events_find(events, serial);
  assert_non_null(event);
  return event->number;
}

static void launches_300_km_apart_are_two_events(void **state) {
  (void)state;
  struct events *events = table_new();
  struct ground_estimate a = launch_at(-43.6, -125.8, 0), b = launch_at(-43.6 + 300 / 111.2, -125.8, 0),
                         near = launch_at(-43.9, -125.6, 40);
  uint64_t first = events_join(events, 17, &a), second = events_join(events, 18, &b),
           third = events_join(events, 19, &near);
  assert_int_equal(number_of(events, first), 17);
  assert_int_equal(number_of(events, second), 18);
  assert_int_equal(number_of(events, third), 17);
  assert_int_equal(events_find(events, first)->launches, 2);
  free(events);
}

static void launches_ten_minutes_apart_are_two_events(void **state) {
  (void)state;
  struct events *events = table_new();
  struct ground_estimate a = launch_at(10, 179.99, 0), b = launch_at(10, -179.99, 600),
                         c = launch_at(10, -179.99, 30);
  assert_int_not_equal(events_join(events, 1, &a), events_join(events, 2, &b));
  assert_int_equal(number_of(events, events_join(events, 3, &c)), 1); /* across the antimeridian */
  free(events);
}

static void launch_between_two_events_makes_them_one_and_the_older_number_stays(void **state) {
  (void)state;
  struct events *events = table_new();
  struct ground_estimate west = launch_at(0, 0, 0), east = launch_at(0, 1.6, 0),
                         middle = launch_at(0, 0.8, 0);
  uint64_t a = events_join(events, 5, &west), b = events_join(events, 6, &east);
  assert_int_equal(number_of(events, b), 6);
  uint64_t c = events_join(events, 7, &middle);
  assert_int_equal(number_of(events, a), 5);
  assert_int_equal(number_of(events, b), 5);
  assert_int_equal(number_of(events, c), 5);
  assert_int_equal(events_find(events, b)->launches, 3);
  assert_int_equal(events->founded, 2);
  assert_int_equal(events->merged, 1);
  free(events);
}

static void uncertain_launches_are_not_grouped(void **state) {
  (void)state;
  struct ground_estimate wide = launch_at(0, 0, 0), late = wide, fair = wide;
  wide.semi_major_m = 150e3;
  late.time_sigma_s = 90;
  assert_false(launch_groups(&wide));
  assert_false(launch_groups(&late));
  assert_true(launch_groups(&fair));
}

/* The same launches in any order fall into the same groups. */
static void order_of_launches_does_not_matter(void **state) {
  (void)state;
  static const double area[AREAS][2] = {{-43.6, -125.8}, {-48.4, -120.4}, {-42.0, -119.6}};
  for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
    struct prng prng = prng_seed(seed, 0);
    struct ground_estimate launch[LAUNCHES];
    int order[LAUNCHES];
    for (int i = 0; i < LAUNCHES; i++) {
      double angle = 6.2832 * prng_uniform(&prng), out = 0.45 * sqrt(prng_uniform(&prng));
      launch[i] = launch_at(area[i % AREAS][0] + out * cos(angle),
                            area[i % AREAS][1] + out * sin(angle) * 1.4, 2.0 * i);
      order[i] = i;
    }
    for (int round = 0; round < 3; round++) {
      struct events *events = table_new();
      uint64_t serial[LAUNCHES];
      for (int i = LAUNCHES - 1; i > 0 && round > 0; i--) {
        int j = (int)prng_below(&prng, (uint64_t)i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
      for (int i = 0; i < LAUNCHES; i++)
        serial[order[i]] = events_join(events, 100 + (uint64_t)order[i], &launch[order[i]]);
      for (int i = 0; i < LAUNCHES; i++) {
        const struct launch_event *event = events_find(events, serial[i]);
        if (!event || event->launches != EACH || event->number % AREAS != (100 + (uint64_t)i) % AREAS) {
          fail_msg("seed %d round %d: launch %d is in an event of %d launches, number %d", (int)seed, round,
                   i, event ? (int)event->launches : 0, event ? (int)event->number : 0);
        }
      }
      assert_int_equal(events->founded - events->merged, AREAS);
      free(events);
    }
  }
}

static void old_events_are_forgotten_and_nothing_grows(void **state) {
  (void)state;
  struct events *events = table_new();
  struct ground_estimate launch = launch_at(0, 0, 0);
  uint64_t first = events_join(events, 1, &launch);
  for (uint64_t i = 1; i <= EVENTS_MAX; i++) {
    launch.time_ns = (int64_t)i * 1000 * second_ns;
    uint64_t serial = events_join(events, 1 + i, &launch);
    assert_int_equal(number_of(events, serial), 1 + i);
    assert_int_equal(events_find(events, first) != NULL, i < EVENTS_MAX);
  }
  launch.time_ns = 0; /* the first one's time again: it is no longer known */
  assert_int_equal(number_of(events, events_join(events, 9999, &launch)), 9999);
  assert_null(events_find(events, EVENT_NONE));
  free(events);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(launches_300_km_apart_are_two_events),
      cmocka_unit_test(launches_ten_minutes_apart_are_two_events),
      cmocka_unit_test(launch_between_two_events_makes_them_one_and_the_older_number_stays),
      cmocka_unit_test(uncertain_launches_are_not_grouped),
      cmocka_unit_test(order_of_launches_does_not_matter),
      cmocka_unit_test(old_events_are_forgotten_and_nothing_grows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
