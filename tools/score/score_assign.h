/* The exact assignment of least total cost, by shortest augmenting paths with potentials (Jonker and
 * Volgenant 1987). */
#ifndef WEFT_SCORE_ASSIGN_H
#define WEFT_SCORE_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

enum { ASSIGN_SIDE_MAX = 4096 };

/* cost is rows x columns, row after row, finite. Every item of the smaller side gets a partner:
 * column_of_row[r] is its column, or -1 where rows > columns left it without. Both sides at most
 * ASSIGN_SIDE_MAX. */
void score_assign_solve(size_t rows, size_t columns, const double *cost, int32_t *column_of_row);

#endif
