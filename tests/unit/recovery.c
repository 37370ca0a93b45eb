// stage: weft_ingest weft_domain weft_base weft_kernels
/* Recovery of lost datagrams, given parity that its sender got wrong, sent twice, changed or made for too large groups:
 * nothing is computed from it that is no datagram of that sensor, epoch and number, and every row of it is accounted for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "engine/ingest/parity_code.h"
#include "engine/ingest/recovery.h"

enum { SENSOR = 0, SENSOR_ID = 7, LENGTH = 128, EPOCH = 3 };
static struct site site = {.sensor_count = 1};
static struct ledger ledger;
static struct arena arena;
static struct recovery recovery;
static uint64_t seen_below; /* numbers that were accepted, whether they are kept or not */

static bool seen(const void *context, uint32_t sensor, uint16_t epoch, uint64_t sequence) {
  (void)context, (void)sensor, (void)epoch;
  return sequence < seen_below;
}

static int setup(void **state) {
  (void)state;
  site.sensors[0].id = SENSOR_ID;
  memset(&ledger, 0, sizeof ledger);
  seen_below = 0;
  if (arena_open(&arena, recovery_bytes(&site)) < 0 || recovery_open(&recovery, &arena, &site, &ledger) < 0) return -1;
  recovery.seen = seen;
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_close(&arena);
  return 0;
}

static const uint64_t *figures(void) { return ledger.sensors[0].parity; }

/* A datagram of one detection; its size. */
static uint32_t datagram_make(uint8_t *out, uint32_t id, uint16_t epoch, uint64_t sequence) {
  struct detection plot = {.time_ns = 1, .kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {7e6, 1, 2}};
  struct wire_header header = {.sensor = id, .sequence = sequence};
  size_t size = wire_detections_encode(out, WIRE_DATAGRAM_MAX, &header, &plot, 1);
  memcpy(out + WIRE_OFFSET_EPOCH, &epoch, 2);
  wire_crc_write(out, size);
  return (uint32_t)size;
}

static void datagram_give(uint16_t epoch, uint64_t sequence) {
  static uint8_t data[WIRE_DATAGRAM_MAX];
  uint32_t size = datagram_make(data, SENSOR_ID, epoch, sequence);
  struct wire_header header;
  assert_int_equal(wire_header_decode(data, size, &header), WIRE_OK);
  recovery_datagram(&recovery, SENSOR, &header, data, size);
}

static void parity_give(const struct wire_parity *parity, uint16_t epoch, const uint8_t *row) {
  static uint8_t body[WIRE_DATAGRAM_MAX];
  memset(body, 0, WIRE_PARITY_HEAD_SIZE);
  memcpy(body, &parity->first, 8);
  body[8] = parity->k, body[9] = parity->m, body[10] = parity->index;
  memcpy(body + 12, &parity->length, 4);
  if (row) memcpy(body + WIRE_PARITY_HEAD_SIZE, row, parity->length);
  else memset(body + WIRE_PARITY_HEAD_SIZE, 0, parity->length);
  struct wire_header header = {.type = WIRE_PARITY, .sensor = SENSOR_ID, .key_epoch = epoch};
  recovery_parity(&recovery, SENSOR, &header, body, WIRE_PARITY_HEAD_SIZE + parity->length);
}

/* How many datagrams it gives, all of which are taken. */
static uint32_t recovered_count(void) {
  struct recovered next;
  uint32_t count = 0;
  while (recovery_next(&recovery, &next)) {
    struct wire_header header;
    assert_int_equal(wire_header_decode(next.data, next.size, &header), WIRE_OK);
    assert_int_equal(header.sensor, SENSOR_ID);
    recovery_done(&recovery);
    count++;
  }
  return count;
}

static void books_check(void) {
  recovery_end(&recovery);
  assert_int_equal(figures()[PARITY_RECEIVED], figures()[PARITY_USED] + figures()[PARITY_UNUSED]);
}

/* The one row of parity of a group of one is that datagram's row: whatever stands in it would be recovered. */
static void row_make(uint8_t row[LENGTH], uint32_t told, const uint8_t *data, uint32_t size) {
  uint16_t prefix = (uint16_t)told;
  memset(row, 0, LENGTH);
  memcpy(row, &prefix, 2);
  memcpy(row + 2, data, size);
}

static void only_what_is_a_datagram_of_that_number_is_recovered(void **state) {
  (void)state;
  static uint8_t data[WIRE_DATAGRAM_MAX];
  uint8_t row[LENGTH];
  enum { RIGHT, SHORT, LONG, NO_MAGIC, OTHER_SENSOR, OTHER_EPOCH, OTHER_NUMBER, CRC, PARITY, CASES };
  for (uint64_t c = RIGHT; c < CASES; c++) {
    uint64_t first = 100 + 10 * c;
    uint32_t size = datagram_make(data, c == OTHER_SENSOR ? 8 : SENSOR_ID, c == OTHER_EPOCH ? 2 : EPOCH, first + (c == OTHER_NUMBER));
    if (c == NO_MAGIC) data[0] = 'w';
    if (c == CRC) data[size - 1] ^= 1;
    if (c == PARITY) { /* parity of parity is nothing */
      struct wire_header header = {.sensor = SENSOR_ID, .sequence = first};
      struct wire_parity inner = {.first = first, .k = 1, .m = 1, .length = 40};
      memset(data, 0, LENGTH);
      size = (uint32_t)wire_parity_encode(data, LENGTH, &header, &inner);
      memcpy(data + WIRE_OFFSET_EPOCH, (uint16_t[]){EPOCH}, 2);
      wire_crc_write(data, size);
    }
    row_make(row, c == SHORT ? WIRE_HEADER_SIZE - 1 : c == LONG ? LENGTH : size, data, size);
    uint64_t failed = figures()[PARITY_GROUPS_FAILED];
    parity_give(&(struct wire_parity){.first = first, .k = 1, .m = 1, .length = LENGTH}, EPOCH, row);
    uint32_t count = recovered_count();
    if (count != (c == RIGHT) || figures()[PARITY_GROUPS_FAILED] - failed != (c != RIGHT)) fail_msg("case %d: %u", (int)c, count);
  }
  books_check();
}

static void a_row_sent_twice_counts_once(void **state) {
  (void)state;
  static const uint8_t order[] = {1, 0, 1, 1};
  datagram_give(EPOCH, 52); /* the other three are lost, and two rows are there */
  for (int i = 0; i < 4; i++)
    parity_give(&(struct wire_parity){.first = 50, .k = 4, .m = 3, .index = order[i], .length = LENGTH}, EPOCH, NULL);
  assert_int_equal(recovered_count(), 0);
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 0); /* it still may come */
  books_check();
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 1);
}

static void parity_that_changed_its_mind_is_unused(void **state) {
  (void)state;
  struct wire_parity parity = {.first = 50, .k = 3, .m = 2, .length = LENGTH};
  parity_give(&parity, EPOCH, NULL);
  static const struct wire_parity others[] = {{.first = 50, .k = 4, .m = 2, .length = LENGTH},
                                              {.first = 50, .k = 3, .m = 3, .length = LENGTH},
                                              {.first = 50, .k = 3, .m = 2, .length = LENGTH + 1}};
  for (int i = 0; i < 3; i++) {
    parity_give(&others[i], EPOCH, NULL);
    assert_int_equal(figures()[PARITY_UNUSED], i + 1);
  }
  parity_give(&(struct wire_parity){.first = UINT64_MAX - 1, .k = 3, .m = 1, .length = LENGTH}, EPOCH, NULL);
  assert_int_equal(figures()[PARITY_UNUSED], 4); /* there are no such numbers */
  books_check();
}

/* A group forgotten, and its number used again for another: rows of the old one lie about, of another length. */
static void rows_of_a_forgotten_group_are_not_mixed_in(void **state) {
  (void)state;
  struct wire_parity parity = {.first = 50, .k = 2, .m = 2, .length = LENGTH};
  parity_give(&parity, EPOCH, NULL);
  for (uint64_t g = 1; g <= RECOVERY_GROUPS; g++)
    parity_give(&(struct wire_parity){.first = 1000 * g, .k = 2, .m = 2, .length = LENGTH}, (uint16_t)(EPOCH + g % 2), NULL);
  parity.length = LENGTH + 8;
  for (parity.index = 0; parity.index < 2; parity.index++) parity_give(&parity, EPOCH, NULL);
  assert_int_equal(recovered_count(), 0); /* zeros are no datagrams */
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 3); /* it, one that made room, and the new one with its own two rows */
  books_check();
}

static void epochs_keep_groups_and_datagrams_apart(void **state) {
  (void)state;
  struct wire_parity parity = {.first = 50, .k = 2, .m = 1, .length = LENGTH};
  datagram_give(EPOCH, 50); /* of the other epoch both are missing */
  parity_give(&parity, EPOCH + 1, NULL);
  assert_int_equal(figures()[PARITY_UNUSED], 0);
  parity_give(&parity, EPOCH, NULL); /* a group of its own, which one row of its own is enough for, though it is wrong */
  assert_int_equal(figures()[PARITY_UNUSED], 1);
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 1);
  datagram_give(EPOCH, 51); /* no news for the group that is open */
  assert_int_equal(recovered_count(), 0);
  books_check();
}

static void rows_too_short_for_a_datagram_recover_nothing(void **state) {
  (void)state;
  static const uint32_t lengths[] = {1, 31, 60};
  for (uint32_t i = 0; i < 3; i++) {
    struct wire_parity parity = {.first = 100 * (i + 1), .k = 2, .m = 2, .length = lengths[i]};
    if (i == 2) datagram_give(EPOCH, parity.first); /* longer than its row */
    else seen_below = parity.first + 1;             /* seen, not kept any more: two rows are missing, one is wanted */
    parity_give(&parity, EPOCH, NULL);
    parity.index = 1;
    if (i < 2) parity_give(&parity, EPOCH, NULL);
    assert_int_equal(recovered_count(), 0);
  }
  books_check();
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 3);
}

static void what_was_accepted_and_is_not_kept_any_more_is_computed_but_not_given(void **state) {
  (void)state;
  static uint8_t data[2][WIRE_DATAGRAM_MAX], rows[2][LENGTH], parity_rows[2][LENGTH];
  static struct parity_code_work work;
  for (uint64_t i = 0; i < 2; i++) row_make(rows[i], datagram_make(data[i], SENSOR_ID, EPOCH, 50 + i), data[i], 104);
  const uint8_t *all[] = {rows[0], rows[1]};
  seen_below = 51;
  for (uint8_t index = 0; index < 2; index++) {
    parity_code_encode(&work, 2, index, LENGTH, all, parity_rows[index]);
    parity_give(&(struct wire_parity){.first = 50, .k = 2, .m = 2, .index = index, .length = LENGTH}, EPOCH, parity_rows[index]);
  }
  assert_int_equal(recovered_count(), 1); /* number 51 */
  assert_int_equal(figures()[PARITY_USED], 2);
  books_check();
}

static void groups_beyond_the_bounds_are_left_alone(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 140; n++) { /* more lost than are ever computed at once, and as many rows, some of them twice */
    parity_give(&(struct wire_parity){.first = 1000, .k = 130, .m = 120, .index = (uint8_t)(n % 120), .length = 64}, EPOCH, NULL);
  }
  struct wire_parity large = {.first = 5000, .k = 129, .m = 1, .length = 3000}; /* more bytes than there is room for */
  for (uint64_t i = 1; i < large.k; i++) datagram_give(EPOCH, large.first + i);
  parity_give(&large, EPOCH, NULL);
  assert_int_equal(recovered_count(), 0);
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 0);
  books_check();
  assert_int_equal(figures()[PARITY_GROUPS_FAILED], 2);
}

static void a_restart_forgets_open_groups_and_counts_their_parity(void **state) {
  (void)state;
  parity_give(&(struct wire_parity){.first = 50, .k = 2, .m = 1, .length = LENGTH}, EPOCH, NULL);
  parity_give(&(struct wire_parity){.first = 60, .k = 1, .m = 1, .length = LENGTH}, EPOCH, NULL); /* tried at once: done */
  recovery_restart(&recovery, SENSOR);
  assert_int_equal(figures()[PARITY_UNUSED], 2);
  datagram_give(EPOCH, 50);
  assert_int_equal(recovered_count(), 0);
  books_check();
}

int main(void) {
#define OPEN(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      OPEN(only_what_is_a_datagram_of_that_number_is_recovered),
      OPEN(a_row_sent_twice_counts_once),
      OPEN(parity_that_changed_its_mind_is_unused),
      OPEN(rows_of_a_forgotten_group_are_not_mixed_in),
      OPEN(epochs_keep_groups_and_datagrams_apart),
      OPEN(rows_too_short_for_a_datagram_recover_nothing),
      OPEN(what_was_accepted_and_is_not_kept_any_more_is_computed_but_not_given),
      OPEN(groups_beyond_the_bounds_are_left_alone),
      OPEN(a_restart_forgets_open_groups_and_counts_their_parity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
