#include "engine/track/assign.h"

#include <math.h>
#include <string.h>

#include "engine/base/check.h"

/* Columns beyond the tracks stand for "left alone": one per row, at no cost. */
static double cost_of(const struct assign_work *work, uint32_t row, uint32_t column, uint32_t columns) {
  if (column < columns) return work->cost[row][column];
  return column - columns == row ? 0 : INFINITY;
}

/* One shortest augmenting path from a free row; returns the column it ends in and leaves the way back in
 * work->path. */
static uint32_t augment(struct assign_work *work, uint32_t start, uint32_t rows, uint32_t columns,
                        double *reached) {
  uint32_t wide = columns + rows, sink = ASSIGN_NONE, row = start;
  double minimum = 0;
  memset(work->seen_row, 0, rows);
  memset(work->seen_column, 0, wide);
  for (uint32_t c = 0; c < wide; c++) work->shortest[c] = INFINITY;
  while (sink == ASSIGN_NONE) {
    uint32_t nearest = ASSIGN_NONE;
    double lowest = INFINITY;
    work->seen_row[row] = 1;
    for (uint32_t c = 0; c < wide; c++) {
      if (work->seen_column[c]) continue;
      double reduced = minimum + cost_of(work, row, c, columns) - work->u[row] - work->v[c];
      if (reduced < work->shortest[c]) {
        work->shortest[c] = reduced;
        work->path[c] = row;
      }
      if (work->shortest[c] < lowest) {
        lowest = work->shortest[c];
        nearest = c;
      }
    }
    weft_assert(nearest != ASSIGN_NONE); /* the row's own "left alone" column is always in reach */
    minimum = lowest;
    work->seen_column[nearest] = 1;
    if (work->row_of[nearest] == ASSIGN_NONE) {
      sink = nearest;
    } else {
      row = work->row_of[nearest];
    }
  }
  *reached = minimum;
  return sink;
}

static void prices_update(struct assign_work *work, uint32_t start, uint32_t rows, uint32_t wide,
                          double minimum) {
  work->u[start] += minimum;
  for (uint32_t r = 0; r < rows; r++) {
    if (work->seen_row[r] && r != start) work->u[r] += minimum - work->shortest[work->column_of[r]];
  }
  for (uint32_t c = 0; c < wide; c++) {
    if (work->seen_column[c]) work->v[c] -= minimum - work->shortest[c];
  }
}

double assign_solve(struct assign_work *work, uint32_t rows, uint32_t columns) {
  weft_assert(rows <= ASSIGN_MAX && columns <= ASSIGN_MAX);
  uint32_t wide = columns + rows;
  memset(work->u, 0, rows * sizeof *work->u);
  memset(work->v, 0, wide * sizeof *work->v);
  memset(work->row_of, 0xff, wide * sizeof *work->row_of);
  memset(work->column_of, 0xff, rows * sizeof *work->column_of);
  for (uint32_t start = 0; start < rows; start++) {
    double minimum;
    uint32_t column = augment(work, start, rows, columns, &minimum);
    prices_update(work, start, rows, wide, minimum);
    for (;;) { /* walk the path back, moving each row to its new column; at most `rows` steps */
      uint32_t row = work->path[column], left = work->column_of[row];
      work->row_of[column] = row;
      work->column_of[row] = column;
      if (row == start) break;
      column = left;
    }
  }
  double total = 0;
  for (uint32_t r = 0; r < rows; r++) {
    uint32_t column = work->column_of[r];
    if (column >= columns || work->cost[r][column] >= 0) {
      work->column_of[r] = ASSIGN_NONE;
    } else {
      total += work->cost[r][column];
    }
  }
  return total;
}
