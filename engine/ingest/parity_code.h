/* Reed-Solomon over GF(2^8), polynomial 0x11d, Cauchy matrix as ISA-L's gf_gen_cauchy1_matrix: row j of
 * parity is the sum over i of D_i / ((k + j) xor i). Any m of k + m rows may be lost. Rows are `length`
 * bytes. */
#ifndef WEFT_INGEST_PARITY_CODE_H
#define WEFT_INGEST_PARITY_CODE_H

#include <stdbool.h>
#include <stdint.h>

enum {
  PARITY_CODE_ROWS = 256, /* k + m at most */
  PARITY_CODE_LOST = 128  /* rows recovered at once at most */
};

/* Working memory of both functions, about 100 KiB; owned by the caller, needs no beginning. */
struct parity_code_work {
  uint8_t matrix[PARITY_CODE_LOST * PARITY_CODE_LOST], inverse[PARITY_CODE_LOST * PARITY_CODE_LOST];
  uint8_t coefficients[PARITY_CODE_ROWS];
  uint8_t tables[32 * 8 * PARITY_CODE_ROWS]; /* ISA-L's, for eight rows at a time */
  uint8_t *rows[PARITY_CODE_ROWS];
};

/* Writes parity row `index` (below m) of `k` data rows. k + m <= PARITY_CODE_ROWS; length >= 32. */
void parity_code_encode(struct parity_code_work *work, uint32_t k, uint32_t index, uint32_t length,
                        const uint8_t *const *data, uint8_t *row);

/* Recovers `lost` data rows from as many rows of parity. data: k rows, NULL where lost (lost of them);
 * parity_index and parity: the rows of parity there are, with different indexes; they are overwritten. out:
 * `lost` rows, which receive the lost ones in rising order. False where the rows do not determine them (an
 * index twice) or lost is above PARITY_CODE_LOST. */
bool parity_code_recover(struct parity_code_work *work, uint32_t k, uint32_t lost, uint32_t length,
                         const uint8_t *const *data, const uint8_t *parity_index, uint8_t *const *parity,
                         uint8_t *const *out);

#endif
