#include "engine/ingest/parity_code.h"

#include <string.h>

#include <isa-l/erasure_code.h>

#include "engine/base/check.h"

enum { ROWS_AT_ONCE = 8 };

/* ISA-L takes what it only reads as plain pointers too. */
static unsigned char *readable(const uint8_t *row) {
  return (unsigned char *)(uintptr_t)row;
}

/* Element of the matrix's lower part: parity row `index`, data column `i`. */
static uint8_t cauchy(uint32_t k, uint32_t index, uint32_t i) {
  return gf_inv((unsigned char)((k + index) ^ i));
}

void parity_code_encode(struct parity_code_work *work, uint32_t k, uint32_t index, uint32_t length,
                        const uint8_t *const *data, uint8_t *row) {
  weft_assert(k + index < PARITY_CODE_ROWS && length >= 32);
  for (uint32_t i = 0; i < k; i++) {
    work->coefficients[i] = cauchy(k, index, i);
    work->rows[i] = readable(data[i]);
  }
  ec_init_tables((int)k, 1, work->coefficients, work->tables);
  ec_encode_data((int)length, (int)k, 1, work->tables, work->rows, &row);
}

/* Takes the rows that are there out of each row of parity: what stays is the sum over the lost ones alone. */
static void present_subtract(struct parity_code_work *work, uint32_t k, uint32_t lost, uint32_t length,
                             const uint8_t *const *data, const uint8_t *parity_index, uint8_t *const *parity) {
  for (uint32_t j = 0; j < lost; j++) work->rows[j] = parity[j];
  for (uint32_t i = 0; i < k; i++) {
    if (!data[i]) continue;
    for (uint32_t j = 0; j < lost; j++) work->coefficients[j] = cauchy(k, parity_index[j], i);
    ec_init_tables(1, (int)lost, work->coefficients, work->tables);
    ec_encode_data_update((int)length, 1, (int)lost, 0, work->tables, readable(data[i]), work->rows);
  }
}

bool parity_code_recover(struct parity_code_work *work, uint32_t k, uint32_t lost, uint32_t length,
                         const uint8_t *const *data, const uint8_t *parity_index, uint8_t *const *parity,
                         uint8_t *const *out) {
  if (lost == 0 || lost > PARITY_CODE_LOST || lost > k || length < 32) return false;
  present_subtract(work, k, lost, length, data, parity_index, parity);
  uint32_t column = 0;
  for (uint32_t i = 0; i < k; i++) {
    if (data[i]) continue;
    for (uint32_t j = 0; j < lost; j++) work->matrix[j * lost + column] = cauchy(k, parity_index[j], i);
    column++;
  }
  if (gf_invert_matrix(work->matrix, work->inverse, (int)lost) != 0) return false;
  for (uint32_t j = 0; j < lost; j++) work->rows[j] = parity[j];
  for (uint32_t first = 0; first < lost; first += ROWS_AT_ONCE) {
    uint32_t count = lost - first < ROWS_AT_ONCE ? lost - first : ROWS_AT_ONCE;
    unsigned char *to[ROWS_AT_ONCE];
    for (uint32_t r = 0; r < count; r++) to[r] = out[first + r];
    ec_init_tables((int)lost, (int)count, work->inverse + (size_t)first * lost, work->tables);
    ec_encode_data((int)length, (int)lost, (int)count, work->tables, work->rows, to);
  }
  return true;
}
