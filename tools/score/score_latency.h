/* Latency figures: from the lines of a live capture, or from a /metrics page. */
#ifndef WEFT_SCORE_LATENCY_H
#define WEFT_SCORE_LATENCY_H

#include <stddef.h>

#include "engine/base/error.h"

/* Values with weights, by value once sorted. From a histogram a value is the upper edge of its bucket. */
struct latency {
  struct latency_value {
    double us, weight;
  } * value;
  size_t count, capacity;
  double total;  /* sum of the weights */
  int histogram; /* from buckets: quantiles are upper bounds */
};

void latency_add(struct latency *latency, double us, double weight);
/* Reads JSON lines with `latency_us`, or a Prometheus text page with a latency histogram: the first metric
 * whose name has "latency" in it and ends in _bucket; seconds unless its name has _us. 0 or a negative errno.
 */
int latency_read(struct latency *latency, const char *path, struct weft_error *err);
void latency_sort(struct latency *latency);
/* The smallest value that holds the fraction `p` of the weight; NAN when empty. */
double latency_quantile(const struct latency *latency, double p);
void latency_free(struct latency *latency);

#endif
