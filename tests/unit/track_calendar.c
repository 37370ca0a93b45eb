// stage: weft_track weft_base
/* Who is due when (engine/track/calendar.h), against a list that is searched anew each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/track/calendar.h"

enum { SLOTS = 200, TURNS = 20000, SEEDS = 20 };

/* The same by searching: when each slot is due, and when it was put in. */
struct model {
  int64_t today, time_ns[SLOTS];
  uint64_t entered[SLOTS], turn; /* 0: it is not in */
  uint32_t count;
};

static int64_t day_of(int64_t time_ns) {
  int64_t day = time_ns / CALENDAR_DAY_NS;
  return day * CALENDAR_DAY_NS > time_ns ? day - 1 : day;
}

static void model_remove(struct model *model, uint32_t slot) {
  model->count -= model->entered[slot] != 0;
  model->entered[slot] = 0;
}

static void model_set(struct model *model, uint32_t slot, int64_t time_ns) {
  model_remove(model, slot);
  int64_t earliest_ns = model->today * CALENDAR_DAY_NS, latest_ns = earliest_ns + (CALENDAR_DAYS - 1) * CALENDAR_DAY_NS;
  if (day_of(time_ns) < model->today) time_ns = earliest_ns;
  model->time_ns[slot] = day_of(time_ns) * CALENDAR_DAY_NS > latest_ns ? latest_ns : time_ns;
  model->entered[slot] = ++model->turn;
  model->count++;
}

static uint32_t model_first(const struct model *model, int64_t time_ns) {
  uint32_t next = CALENDAR_NONE;
  for (uint32_t i = 0; i < SLOTS; i++) {
    if (!model->entered[i] || model->time_ns[i] > time_ns) continue;
    int64_t day = day_of(model->time_ns[i]), first = next == CALENDAR_NONE ? INT64_MAX : day_of(model->time_ns[next]);
    if (day < first || (day == first && model->entered[i] < model->entered[next])) next = i;
  }
  return next;
}

static uint32_t model_take(struct model *model, int64_t time_ns) {
  uint32_t next = model_first(model, time_ns);
  if (next != CALENDAR_NONE) model_remove(model, next);
  return next;
}

static void due_check(struct calendar *calendar, struct model *model, int64_t time_ns, uint64_t seed) {
  uint32_t slots[SLOTS], count = calendar_take(calendar, time_ns, slots);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t expected = model_take(model, time_ns);
    if (slots[i] != expected) fail_msg("seed %llu: number %u due is %u, not %u", (unsigned long long)seed, i, slots[i], expected);
  }
  assert_int_equal(model_take(model, time_ns), CALENDAR_NONE);
  if (day_of(time_ns) > model->today) model->today = day_of(time_ns);
  assert_int_equal(calendar->today, model->today);
  assert_int_equal(calendar->count, model->count);
}

/* Time goes on by parts of a day, now and then back by some days, and seldom ahead by more than the ring holds. */
static int64_t time_pass(struct prng *prng, int64_t now_ns) {
  uint64_t kind = prng_below(prng, 200);
  if (kind == 0) return now_ns + (int64_t)prng_below(prng, 3 * CALENDAR_DAYS) * CALENDAR_DAY_NS;
  if (kind < 10) return now_ns - (int64_t)prng_below(prng, 5) * CALENDAR_DAY_NS;
  return now_ns + (int64_t)prng_below(prng, 3 * CALENDAR_DAY_NS);
}

/* Saved, and loaded into a new one, which goes on in its place. */
static void image_pass(struct calendar *calendar, struct arena *arena, struct calendar *spare) {
  static unsigned char bytes[1 << 16];
  struct image out = image_save(bytes, sizeof bytes), hash = image_hash();
  calendar_image(calendar, SLOTS, &out);
  calendar_image(calendar, SLOTS, &hash);
  assert_int_equal(calendar_open(spare, arena, SLOTS, CALENDAR_DAYS), 0);
  struct image in = image_load(bytes, out.at), again = image_hash();
  calendar_image(spare, SLOTS, &in);
  assert_true(image_complete(&in));
  calendar_image(spare, SLOTS, &again);
  assert_int_equal(hash.hash, again.hash);
}

static void calendar_gives_what_is_due_by_day_and_order_of_entry(void **state) {
  (void)state;
  static struct calendar calendars[2];
  static struct model model;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct arena arena;
    struct prng prng = prng_seed(seed, 9);
    int64_t now_ns = (int64_t)prng_below(&prng, 100 * CALENDAR_DAY_NS) - 50 * CALENDAR_DAY_NS;
    uint32_t used = 0;
    assert_int_equal(arena_open(&arena, 1 << 20), 0);
    assert_int_equal(calendar_open(&calendars[0], &arena, SLOTS, CALENDAR_DAYS), 0);
    memset(&model, 0, sizeof model);
    uint32_t none[SLOTS];
    assert_int_equal(calendar_take(&calendars[0], now_ns, none), 0);
    model.today = day_of(now_ns);
    for (int turn = 0; turn < TURNS; turn++) {
      uint32_t slot = (uint32_t)prng_below(&prng, SLOTS);
      uint64_t what = prng_below(&prng, 1000);
      now_ns = what < 100 ? time_pass(&prng, now_ns) : now_ns;
      uint64_t ahead_ns = (uint64_t)(CALENDAR_DAYS + 100) * CALENDAR_DAY_NS / (what % 2 ? 1 : 500);
      int64_t time_ns = now_ns + (int64_t)prng_below(&prng, ahead_ns) - 2 * CALENDAR_DAY_NS;
      if (model.count == 0 && what >= 300) now_ns = time_ns = (model.today + 1) * CALENDAR_DAY_NS; /* an empty one may begin anew */
      if (what < 200) due_check(&calendars[used], &model, now_ns, seed);
      else if (what < 300) calendar_remove(&calendars[used], slot), model_remove(&model, slot);
      else calendar_set(&calendars[used], slot, time_ns), model_set(&model, slot, time_ns);
      assert_int_equal(calendar_has(&calendars[used], slot), model.entered[slot] != 0);
      if (turn % 10 == 0) assert_int_equal(calendar_first(&calendars[used]), model_first(&model, INT64_MAX));
      if (turn % 5000 == 4999) image_pass(&calendars[used], &arena, &calendars[!used]), used = !used;
    }
    arena_close(&arena);
  }
}

static void empty_calendar_begins_anew_wherever_time_is(void **state) {
  (void)state;
  static struct calendar calendar;
  struct arena arena;
  uint32_t slots[SLOTS];
  const int64_t begin_ns = INT64_C(1700000000000000000), hour_ns = INT64_C(3600000000000);
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  assert_int_equal(calendar_open(&calendar, &arena, SLOTS, CALENDAR_DAYS), 0);
  for (int hour = 0; hour < 3; hour++) {
    int64_t due_ns = begin_ns + hour * hour_ns;
    calendar_set(&calendar, 7, due_ns);
    assert_int_equal(calendar_take(&calendar, due_ns - 1, slots), 0);
    assert_int_equal(calendar_take(&calendar, due_ns, slots), 1);
    assert_int_equal(slots[0], 7);
  }
  arena_close(&arena);
}

static void damaged_image_leaves_a_calendar_that_ends(void **state) {
  (void)state;
  static struct calendar calendar;
  struct arena arena;
  unsigned char bytes[256];
  uint32_t slots[SLOTS];
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  assert_int_equal(calendar_open(&calendar, &arena, SLOTS, CALENDAR_DAYS), 0);
  for (uint32_t slot = 0; slot < 5; slot++) calendar_set(&calendar, slot, (slot - INT64_C(3)) * CALENDAR_DAY_NS / 2);
  struct image out = image_save(bytes, sizeof bytes);
  calendar_image(&calendar, SLOTS, &out);
  arena_close(&arena);
  for (size_t bit = 0; bit < 8 * out.at; bit++) {
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    struct image in = image_load(bytes, out.at);
    assert_int_equal(arena_open(&arena, 1 << 20), 0);
    assert_int_equal(calendar_open(&calendar, &arena, SLOTS, CALENDAR_DAYS), 0);
    calendar_image(&calendar, SLOTS, &in);
    assert_true(calendar.count <= 5);
    uint32_t count = calendar.count;
    assert_int_equal(calendar_take(&calendar, INT64_MAX, slots), count);
    arena_close(&arena);
    bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calendar_gives_what_is_due_by_day_and_order_of_entry),
      cmocka_unit_test(empty_calendar_begins_anew_wherever_time_is),
      cmocka_unit_test(damaged_image_leaves_a_calendar_that_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
