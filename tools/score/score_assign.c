#include "tools/score/score_assign.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "tools/score/score_text.h"

/* Works with the smaller side as "left"; both sides count from 1, 0 is the root of the search. */
struct search {
  size_t left, right;
  const double *cost;
  size_t left_stride, right_stride;
  double *left_price, *right_price;
  double *slack;   /* per right item: the least reduced cost seen from the tree */
  size_t *partner; /* per right item: its left item, 0 is free */
  size_t *before;  /* per right item: the right item before it on the path */
  bool *seen;
};

/* Grows the tree by the right item of least slack, moving the prices so that its edge gets tight. Returns
 * that item. */
static size_t tree_step(struct search *s, size_t at) {
  size_t i = s->partner[at], next = 0;
  double least = INFINITY;
  s->seen[at] = true;
  for (size_t j = 1; j <= s->right; j++) {
    if (s->seen[j]) continue;
    double reduced =
        s->cost[(i - 1) * s->left_stride + (j - 1) * s->right_stride] - s->left_price[i] - s->right_price[j];
    if (reduced < s->slack[j]) {
      s->slack[j] = reduced;
      s->before[j] = at;
    }
    if (s->slack[j] < least) {
      least = s->slack[j];
      next = j;
    }
  }
  for (size_t j = 0; j <= s->right; j++) {
    if (s->seen[j]) {
      s->left_price[s->partner[j]] += least;
      s->right_price[j] -= least;
    } else {
      s->slack[j] -= least;
    }
  }
  return next;
}

void score_assign_solve(size_t rows, size_t columns, const double *cost, int32_t *column_of_row) {
  weft_assert(rows <= ASSIGN_SIDE_MAX && columns <= ASSIGN_SIDE_MAX);
  bool turned = rows > columns;
  struct search s = {.left = turned ? columns : rows, .right = turned ? rows : columns, .cost = cost};
  s.left_stride = turned ? 1 : columns;
  s.right_stride = turned ? columns : 1;
  s.left_price = score_take(s.left + 1, sizeof(double));
  s.right_price = score_take(s.right + 1, sizeof(double));
  s.slack = score_take(s.right + 1, sizeof(double));
  s.partner = score_take(s.right + 1, sizeof(size_t));
  s.before = score_take(s.right + 1, sizeof(size_t));
  s.seen = score_take(s.right + 1, sizeof(bool));
  for (size_t i = 1; i <= s.left; i++) {
    for (size_t j = 0; j <= s.right; j++) s.slack[j] = INFINITY;
    memset(s.seen, 0, (s.right + 1) * sizeof(bool));
    s.partner[0] = i;
    size_t at = 0;
    do at = tree_step(&s, at);
    while (s.partner[at]);
    for (; at; at = s.before[at]) s.partner[at] = s.partner[s.before[at]];
  }
  for (size_t r = 0; r < rows; r++) column_of_row[r] = -1;
  for (size_t j = 1; j <= s.right; j++) {
    if (!s.partner[j]) continue;
    if (turned)
      column_of_row[j - 1] = (int32_t)(s.partner[j] - 1);
    else
      column_of_row[s.partner[j] - 1] = (int32_t)(j - 1);
  }
  free(s.left_price);
  free(s.right_price);
  free(s.slack);
  free(s.partner);
  free(s.before);
  free(s.seen);
}
