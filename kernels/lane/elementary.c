/* The elementary functions over arrays. The tail goes through a padded copy, so that it meets the same
 * arithmetic as the rest and nothing is read or written past the end. */
#include "kernels/lane/lane_math.h"
#include "kernels/lane/variant.h"

#define ARRAY_FUNCTION(name, function)                                                                       \
  void WK_NAME(name)(double *out, const double *in, size_t n) {                                              \
    size_t i = 0;                                                                                            \
    for (; i + WK_WIDTH <= n; i += WK_WIDTH) lane_store(out + i, function(lane_load(in + i)));               \
    if (i == n) return;                                                                                      \
    double padded[WK_WIDTH];                                                                                 \
    for (size_t j = 0; j < WK_WIDTH; j++) padded[j] = i + j < n ? in[i + j] : 1.0;                           \
    lane_store(padded, function(lane_load(padded)));                                                         \
    memcpy(out + i, padded, (n - i) * sizeof *out);                                                          \
  }

ARRAY_FUNCTION(array_sin, lane_sin)
ARRAY_FUNCTION(array_cos, lane_cos)
ARRAY_FUNCTION(array_exp, lane_exp)
ARRAY_FUNCTION(array_log, lane_log)

void WK_NAME(array_atan2)(double *out, const double *y, const double *x, size_t n) {
  size_t i = 0;
  for (; i + WK_WIDTH <= n; i += WK_WIDTH)
    lane_store(out + i, lane_atan2(lane_load(y + i), lane_load(x + i)));
  if (i == n) return;
  double a[WK_WIDTH], b[WK_WIDTH];
  for (size_t j = 0; j < WK_WIDTH; j++) {
    a[j] = i + j < n ? y[i + j] : 1.0;
    b[j] = i + j < n ? x[i + j] : 1.0;
  }
  lane_store(a, lane_atan2(lane_load(a), lane_load(b)));
  memcpy(out + i, a, (n - i) * sizeof *out);
}
