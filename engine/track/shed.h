/* Who goes when not everything can be used: which detections of a slice are shed at a step of the ladder that sheds
 * (engine/domain/overload.h). Three kinds: near a confirmed ballistic track, near another track, near none. Each kind is sure of an
 * eighth of what is kept, so that nothing new goes unseen for ever; the rest goes to the first kind, then to the second, then to the
 * third. Within a kind all sensors have the same share, and what one leaves of it goes to the others: a flood sheds itself. Of one
 * sensor's, the shed lie evenly among the kept, at other places in each frame. */
#ifndef WEFT_TRACK_SHED_H
#define WEFT_TRACK_SHED_H

#include <stdint.h>

struct tracker;

enum { SHED_KINDS = 3, SHED_SURE = 8 }; /* one of SHED_SURE parts is sure */

/* One sensor's part of a slice. */
struct shed_share {
  uint32_t here[SHED_KINDS], kept[SHED_KINDS]; /* detections; of them, kept */
  uint32_t seen[SHED_KINDS];                   /* of them, decided so far */
};

/* Detections [begin, end), whose candidates are found: those that are shed have that fate and no candidates any more. A track near one
 * of them is not charged with having been missed. */
void shed_slice(struct tracker *tracker, uint32_t begin, uint32_t end);

#endif
