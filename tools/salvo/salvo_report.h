/* What a simulated sensor says, and the queue that puts it into order of arrival. */
#ifndef WEFT_SALVO_REPORT_H
#define WEFT_SALVO_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPORT_STATE = 0 }; /* else enum gauge_kind */

struct report {
  int64_t time_ns;    /* as stamped by the sensor, Unix UTC */
  int64_t arrival_ns; /* at the fusion centre */
  uint64_t ordinal;   /* of generation; breaks ties */
  uint32_t gauge;     /* index into scenario.gauges */
  int32_t target;     /* index into targets; -1 clutter, or a state */
  uint8_t kind;       /* REPORT_STATE or enum gauge_kind */
  bool has_rate, has_height;
  double z[4]; /* radar: range m, azimuth rad, elevation rad, range rate m/s; radar2d: range, azimuth, height m; los:
                          -, azimuth, elevation; position: x, y, z m; state: position m (ECEF) */
  double velocity[3];   /* state only */
  double platform_m[3]; /* where the sensor was */
};

/* A heap by (arrival, ordinal). Zeroed is empty; owns its array. */
struct report_queue {
  struct report *heap;
  size_t count, capacity;
};

void report_push(struct report_queue *queue, const struct report *report);
/* The earliest arrival, or NULL when empty; valid until the next push or pop. */
const struct report *report_first(const struct report_queue *queue);
void report_pop(struct report_queue *queue);
void report_queue_free(struct report_queue *queue);

#endif
