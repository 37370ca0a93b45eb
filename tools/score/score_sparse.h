/* The assignment of least total cost where most pairs are out of the question: links between rows and columns
 * fall into connected components, and each is solved by itself. */
#ifndef WEFT_SCORE_SPARSE_H
#define WEFT_SCORE_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/* A pair that may be made, at a cost below that of leaving both alone. */
struct link {
  uint32_t row, column;
  double cost;
};

/* Sets column_of[row] to a column or -1 so that the sum of the costs of the pairs made, plus `alone` for each
 * row without a pair, is least. Links of a cost not below `alone` are never chosen; no pair has two links. 0,
 * or -E2BIG with a text when a component has more than ASSIGN_SIDE_MAX rows or columns: `remedy` says what to
 * do then. */
int links_solve(const struct link *link, size_t count, size_t rows, size_t columns, double alone,
                int32_t *column_of, const char *remedy, struct weft_error *err);

#endif
