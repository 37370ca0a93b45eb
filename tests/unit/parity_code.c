// stage: weft_ingest weft_domain weft_base
/* The code of parity datagrams: the rows the contract means, and any m of k + m lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <isa-l/erasure_code.h>

#include "engine/base/prng.h"
#include "engine/ingest/parity_code.h"

enum { LENGTH_MAX = 1500, ROWS = PARITY_CODE_ROWS };
static struct parity_code_work work;
static uint8_t data[ROWS][LENGTH_MAX], parity[ROWS][LENGTH_MAX], spent[ROWS][LENGTH_MAX], out[ROWS][LENGTH_MAX];

static void rows_fill(struct prng *prng, uint32_t k, uint32_t length) {
  for (uint32_t i = 0; i < k; i++) {
    for (uint32_t b = 0; b < LENGTH_MAX; b++) data[i][b] = b < length ? (uint8_t)prng_u64(prng) : 0xee;
  }
}

static void parity_make(uint32_t k, uint32_t m, uint32_t length) {
  const uint8_t *rows[ROWS];
  for (uint32_t i = 0; i < k; i++) rows[i] = data[i];
  for (uint32_t j = 0; j < m; j++) {
    memset(parity[j], 0xee, LENGTH_MAX);
    parity_code_encode(&work, k, j, length, rows, parity[j]);
    for (uint32_t b = length; b < LENGTH_MAX; b++) assert_int_equal(parity[j][b], 0xee);
  }
}

/* Recovers what `lost` (a bit per row, data rows first) marks; checks it. Number of lost data rows. */
static uint32_t recover(uint32_t k, uint32_t m, uint32_t length, const bool *lost) {
  const uint8_t *rows[ROWS];
  uint8_t index[ROWS], *parity_rows[ROWS], *out_rows[ROWS];
  uint32_t missing = 0, have = 0;
  for (uint32_t i = 0; i < k; i++) {
    rows[i] = lost[i] ? NULL : data[i];
    missing += lost[i];
  }
  for (uint32_t j = 0; j < m && have < missing; j++) {
    if (lost[k + j]) continue;
    index[have] = (uint8_t)j;
    memcpy(spent[have], parity[j], LENGTH_MAX);
    parity_rows[have] = spent[have];
    have++;
  }
  for (uint32_t j = 0; j < missing; j++) out_rows[j] = memset(out[j], 0xdd, LENGTH_MAX);
  if (missing == 0) return 0;
  assert_int_equal(have, missing);
  assert_true(parity_code_recover(&work, k, missing, length, rows, index, parity_rows, out_rows));
  for (uint32_t i = 0, j = 0; i < k; i++) {
    if (!lost[i]) continue;
    if (memcmp(out[j], data[i], length) != 0) fail_msg("k %u, m %u, length %u: row %u is wrong", k, m, length, i);
    for (uint32_t b = length; b < LENGTH_MAX; b++) assert_int_equal(out[j][b], 0xdd);
    j++;
  }
  return missing;
}

/* Against ISA-L's own matrix, multiplied byte by byte. */
static void rows_are_those_of_isa_ls_cauchy_matrix(void **state) {
  (void)state;
  static const uint32_t shapes[][2] = {{1, 1}, {8, 2}, {16, 8}, {3, 5}, {255, 1}, {1, 255}, {128, 128}, {200, 56}};
  static uint8_t matrix[ROWS * ROWS];
  struct prng prng = prng_seed(1, 0);
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    uint32_t k = shapes[s][0], m = shapes[s][1], length = 40;
    rows_fill(&prng, k, length);
    parity_make(k, m, length);
    gf_gen_cauchy1_matrix(matrix, (int)(k + m), (int)k);
    for (uint32_t j = 0; j < m; j++) {
      for (uint32_t b = 0; b < length; b++) {
        uint8_t sum = 0;
        for (uint32_t i = 0; i < k; i++) sum ^= gf_mul(matrix[(k + j) * k + i], data[i][b]);
        if (sum != parity[j][b]) fail_msg("k %u, m %u: byte %u of row %u is %u, not %u", k, m, b, j, parity[j][b], sum);
      }
    }
  }
}

static void any_2_of_10_may_be_lost(void **state) {
  (void)state;
  struct prng prng = prng_seed(2, 0);
  for (uint32_t length = 32; length < 200; length += 7) {
    rows_fill(&prng, 8, length);
    parity_make(8, 2, length);
    for (int a = 0; a < 10; a++) {
      for (int b = a; b < 10; b++) {
        bool lost[10] = {0};
        lost[a] = lost[b] = true;
        recover(8, 2, length, lost);
      }
    }
  }
}

static void any_m_of_any_group_may_be_lost(void **state) {
  (void)state;
  struct prng prng = prng_seed(3, 0);
  uint32_t recovered = 0;
  for (int turn = 0; turn < 150; turn++) {
    uint32_t k = 1 + (uint32_t)prng_below(&prng, turn % 10 == 0 ? 255 : 40);
    uint32_t m = 1 + (uint32_t)prng_below(&prng, k < 40 ? 20 : ROWS - k);
    if (k + m > ROWS) m = ROWS - k;
    uint32_t length = 32 + (uint32_t)prng_below(&prng, LENGTH_MAX - 32);
    bool lost[2 * ROWS] = {0};
    rows_fill(&prng, k, length);
    parity_make(k, m, length);
    for (uint32_t n = 0; n < m; n++) lost[prng_below(&prng, k + m)] = true;
    recovered += recover(k, m, length, lost);
  }
  assert_true(recovered > 500);
}

static void half_of_the_largest_group_may_be_lost(void **state) {
  (void)state;
  struct prng prng = prng_seed(4, 0);
  bool lost[ROWS] = {0};
  rows_fill(&prng, 128, 64);
  parity_make(128, 128, 64);
  for (int i = 0; i < 128; i++) lost[i] = true;
  assert_int_equal(recover(128, 128, 64, lost), 128);
}

static void what_does_not_determine_the_rows_is_refused(void **state) {
  (void)state;
  struct prng prng = prng_seed(5, 0);
  rows_fill(&prng, 4, 64);
  parity_make(4, 2, 64);
  const uint8_t *rows[4] = {NULL, data[1], NULL, data[3]};
  const uint8_t index[2] = {1, 1};
  uint8_t *parity_rows[2] = {parity[1], spent[0]}, *out_rows[2] = {out[0], out[1]};
  memcpy(spent[0], parity[1], LENGTH_MAX);
  assert_false(parity_code_recover(&work, 4, 2, 64, rows, index, parity_rows, out_rows));
  assert_false(parity_code_recover(&work, 4, 0, 64, rows, index, parity_rows, out_rows));
  assert_false(parity_code_recover(&work, 4, 2, 31, rows, index, parity_rows, out_rows));
  assert_false(parity_code_recover(&work, 4, 5, 64, rows, index, parity_rows, out_rows));
  assert_false(parity_code_recover(&work, 200, PARITY_CODE_LOST + 1, 64, rows, index, parity_rows, out_rows));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_those_of_isa_ls_cauchy_matrix), cmocka_unit_test(any_2_of_10_may_be_lost),
      cmocka_unit_test(any_m_of_any_group_may_be_lost),         cmocka_unit_test(half_of_the_largest_group_may_be_lost),
      cmocka_unit_test(what_does_not_determine_the_rows_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
