/* How much one sensor may bring: a bucket of tokens, one a detection, that fills at the sensor's `budget_per_s` up to its
 * depth. The clock that it fills by is the caller's and is never set back; what a sensor says of time has no part in it. */
#ifndef WEFT_INGEST_SENSOR_BUDGET_H
#define WEFT_INGEST_SENSOR_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/site.h"

struct sensor_budget {
  double rate_per_s; /* 0: no budget */
  double depth;      /* tokens that a full bucket holds */
  double tokens;
  int64_t filled_ns; /* when `tokens` was reckoned last; the bucket is full before the first time */
  bool filled;
};

/* The bucket is as deep as what may come in BUDGET_DEPTH_S or in that many revisits, whichever is longer, so that whole
 * scans may come at once and a hiccup of the network costs nothing; and at least as deep as the largest datagram. */
#define BUDGET_DEPTH_S 2.0

struct sensor_budget sensor_budget_of(const struct sensor *sensor);
/* Are there `count` tokens at this time? Takes none. */
bool sensor_budget_covers(struct sensor_budget *budget, uint32_t count, int64_t clock_ns);
/* Takes tokens that are there. */
void sensor_budget_take(struct sensor_budget *budget, uint32_t count);

#endif
