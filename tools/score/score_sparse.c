#include "tools/score/score_sparse.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/score/score_assign.h"
#include "tools/score/score_text.h"

struct rooted_link {
  uint32_t root;
  struct link link;
};

static uint32_t root_find(uint32_t *parent, uint32_t at) {
  while (parent[at] != at) at = parent[at] = parent[parent[at]];
  return at;
}

static int root_order(const void *left, const void *right) {
  const struct rooted_link *a = left, *b = right;
  if (a->root != b->root) return a->root < b->root ? -1 : 1;
  if (a->link.row != b->link.row) return a->link.row < b->link.row ? -1 : 1;
  return (a->link.column > b->link.column) - (a->link.column < b->link.column);
}

/* Solves one connected component. `place` maps a column to its place here and is -1 everywhere between calls.
 */
static int component_solve(const struct rooted_link *link, size_t count, double alone, int32_t *place,
                           int32_t *column_of, const char *remedy, struct weft_error *err) {
  uint32_t *row = score_take(count, sizeof *row), *column = score_take(count, sizeof *column);
  size_t rows = 0, columns = 0;
  for (size_t e = 0; e < count; e++) {
    if (!rows || row[rows - 1] != link[e].link.row) row[rows++] = link[e].link.row;
    if (place[link[e].link.column] >= 0) continue;
    place[link[e].link.column] = (int32_t)columns;
    column[columns++] = link[e].link.column;
  }
  int code = 0;
  if (rows > ASSIGN_SIDE_MAX || columns > ASSIGN_SIDE_MAX) {
    code = weft_fail(err, -E2BIG,
                     "%zu targets and %zu tracks are linked by distances below the cutoff; at most %d: %s",
                     rows, columns, ASSIGN_SIDE_MAX, remedy);
  } else {
    double *cost = score_take(rows * columns, sizeof *cost);
    int32_t *chosen = score_take(rows, sizeof *chosen);
    for (size_t i = 0; i < rows * columns; i++) cost[i] = alone;
    for (size_t e = 0, r = 0; e < count; e++) {
      if (row[r] != link[e].link.row) r++;
      cost[r * columns + (size_t)place[link[e].link.column]] = link[e].link.cost;
    }
    score_assign_solve(rows, columns, cost, chosen);
    for (size_t r = 0; r < rows; r++)
      if (chosen[r] >= 0 && cost[r * columns + (size_t)chosen[r]] < alone)
        column_of[row[r]] = (int32_t)column[chosen[r]];
    free(cost);
    free(chosen);
  }
  for (size_t j = 0; j < columns; j++) place[column[j]] = -1;
  free(row);
  free(column);
  return code;
}

int links_solve(const struct link *link, size_t count, size_t rows, size_t columns, double alone,
                int32_t *column_of, const char *remedy, struct weft_error *err) {
  uint32_t *parent = score_take(rows + columns, sizeof *parent);
  int32_t *place = score_take(columns, sizeof *place);
  struct rooted_link *rooted = score_take(count, sizeof *rooted);
  for (size_t i = 0; i < rows + columns; i++) parent[i] = (uint32_t)i;
  for (size_t i = 0; i < rows; i++) column_of[i] = -1;
  for (size_t j = 0; j < columns; j++) place[j] = -1;
  for (size_t e = 0; e < count; e++) {
    uint32_t a = root_find(parent, link[e].row), b = root_find(parent, (uint32_t)rows + link[e].column);
    if (a != b) parent[a > b ? a : b] = a < b ? a : b;
  }
  for (size_t e = 0; e < count; e++)
    rooted[e] = (struct rooted_link){root_find(parent, link[e].row), link[e]};
  qsort(rooted, count, sizeof *rooted, root_order);
  int code = 0;
  for (size_t first = 0, next = 0; first < count && !code; first = next) {
    for (next = first; next < count && rooted[next].root == rooted[first].root;) next++;
    if (next - first > 1)
      code = component_solve(rooted + first, next - first, alone, place, column_of, remedy, err);
    else if (rooted[first].link.cost < alone)
      column_of[rooted[first].link.row] = (int32_t)rooted[first].link.column;
  }
  free(parent);
  free(place);
  free(rooted);
  return code;
}
