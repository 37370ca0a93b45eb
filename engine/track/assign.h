/* Exact assignment of one scan's plots to tracks within a cluster: maximises the sum of gains, each plot and
 * each track used at most once, leaving either alone costs nothing. Shortest augmenting paths (Jonker,
 * Volgenant 1987; rectangular form of Crouse 2016). */
#ifndef WEFT_TRACK_ASSIGN_H
#define WEFT_TRACK_ASSIGN_H

#include <stdint.h>

enum { ASSIGN_MAX = 256, ASSIGN_NONE = UINT32_MAX };

/* Scratch of one worker. */
struct assign_work {
  double cost[ASSIGN_MAX][ASSIGN_MAX]; /* filled by the caller: row = plot, column = track; the loss (-gain)
                                          of a pair, or any value >= 0 where it is not to be used */
  double u[ASSIGN_MAX], v[2 * ASSIGN_MAX], shortest[2 * ASSIGN_MAX];
  uint32_t row_of[2 * ASSIGN_MAX], path[2 * ASSIGN_MAX];
  uint32_t column_of[ASSIGN_MAX]; /* result: column per row, ASSIGN_NONE if left alone */
  unsigned char seen_row[ASSIGN_MAX], seen_column[2 * ASSIGN_MAX];
};

/* rows, columns <= ASSIGN_MAX. Returns the total loss (<= 0). Ties go to the lower index. */
double assign_solve(struct assign_work *work, uint32_t rows, uint32_t columns);

#endif
