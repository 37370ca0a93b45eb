/* How each sensor is heard, so that one that is out, or whose plots are still under way, is told from one
 * that looks and sees nothing (docs/maths.md C10, T7). */
#ifndef WEFT_TRACK_HEARING_H
#define WEFT_TRACK_HEARING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/image.h"

/* One sensor. All zero: nothing heard yet. */
struct hearing {
  bool any;
  int64_t window_ns; /* begin of the revisit being counted */
  int64_t front_ns;  /* newest plot */
  int64_t back_ns;   /* first plot after the last outage, INT64_MIN before any */
  uint32_t in_window;
  int64_t behind_ns; /* how far its plots have come behind its newest one lately */
  double per_scan;   /* plots a revisit, averaged over the last ones that had any and those between */
};

/* A plot of the sensor, in order of time (older ones count all the same). */
void hearing_note(struct hearing *hearing, int64_t time_ns, double revisit_s);
/* Has it been silent for so long that its false plots and other tracks' plots would have been heard? One plot
 * a scan is taken off: the track in question may be all it ever saw. */
bool hearing_out(const struct hearing *hearing, int64_t now_ns, double revisit_s);
/* Did the scan that ends at `time_ns` fall into an outage that is over? */
bool hearing_was_out(const struct hearing *hearing, int64_t time_ns, double revisit_s);

void hearing_image(struct hearing *hearing, struct image *image);

#endif
