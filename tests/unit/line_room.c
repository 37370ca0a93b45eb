/* The room that frames take for their lines: nobody gets what another one has, and what is promised fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/server/line_room.h"

enum { PART = 10, TURNS = 100000 };

struct hall {
  struct arena arena;
  struct line_room room;
};

static void hall_open(struct hall *hall) {
  assert_int_equal(arena_open(&hall->arena, line_room_bytes(PART)), 0);
  assert_int_equal(line_room_open(&hall->room, PART, &hall->arena), 0);
}

static void a_frame_beside_one_other_always_has_room(void **state) {
  (void)state;
  struct hall hall;
  hall_open(&hall);
  for (uint32_t one = 1; one <= 2 * PART; one++) {
    struct step_output first;
    line_room_take(&hall.room, one, &first);
    for (uint32_t other = 1; other <= 2 * PART; other++) assert_true(line_room_fits(&hall.room, other));
    line_room_give(&hall.room, &first);
  }
  arena_close(&hall.arena);
}

static void four_small_frames_have_room_and_a_fifth_waits(void **state) {
  (void)state;
  struct hall hall;
  struct step_output small[LINE_ROOM_PARTS], again;
  hall_open(&hall);
  for (int i = 0; i < LINE_ROOM_PARTS; i++) {
    assert_true(line_room_fits(&hall.room, PART));
    line_room_take(&hall.room, PART, &small[i]);
  }
  assert_false(line_room_fits(&hall.room, 1));
  line_room_give(&hall.room, &small[0]);
  assert_true(line_room_fits(&hall.room, PART));
  assert_false(line_room_fits(&hall.room, PART + 1));
  line_room_take(&hall.room, PART, &again);
  assert_ptr_equal(again.reports, small[0].reports);
  arena_close(&hall.arena);
}

/* Frames come and leave in order, as in a server: each report belongs to one frame at a time. */
static void no_report_is_given_to_two_frames(void **state) {
  (void)state;
  struct hall hall;
  struct step_output waiting[LINE_ROOM_PARTS];
  uint64_t owner[LINE_ROOM_PARTS * PART] = {0}, taken = 0, given = 0;
  struct prng prng = prng_seed(7, 1);
  hall_open(&hall);
  for (int turn = 0; turn < TURNS; turn++) {
    uint32_t lines = 1 + (uint32_t)prng_below(&prng, 2 * PART);
    if (taken - given < LINE_ROOM_PARTS && line_room_fits(&hall.room, lines) && prng_below(&prng, 2)) {
      struct step_output *output = &waiting[taken++ % LINE_ROOM_PARTS];
      line_room_take(&hall.room, lines, output);
      assert_int_equal(output->capacity, lines);
      for (uint32_t i = 0; i < lines; i++) {
        size_t at = (size_t)(output->reports - hall.room.reports) + i;
        assert_true(at < LINE_ROOM_PARTS * PART);
        assert_int_equal(owner[at], 0);
        owner[at] = taken;
      }
    } else if (taken > given) {
      const struct step_output *output = &waiting[given++ % LINE_ROOM_PARTS];
      for (uint32_t i = 0; i < output->capacity; i++) {
        assert_int_equal(owner[output->reports - hall.room.reports + i], given);
        owner[output->reports - hall.room.reports + i] = 0;
      }
      line_room_give(&hall.room, output);
    }
  }
  assert_true(given > TURNS / 8);
  arena_close(&hall.arena);
}

static void too_small_an_arena_is_refused(void **state) {
  (void)state;
  struct arena arena;
  struct line_room room;
  assert_int_equal(arena_open(&arena, 4096), 0);
  assert_true(line_room_open(&room, PART, &arena) < 0);
  arena_close(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_frame_beside_one_other_always_has_room),
      cmocka_unit_test(four_small_frames_have_room_and_a_fifth_waits),
      cmocka_unit_test(no_report_is_given_to_two_frames),
      cmocka_unit_test(too_small_an_arena_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
