/* The measures of the Single Integrated Air Picture (Votruba and others 2001), as docs/scoring.md equations 4
 * to 10 state them. */
#ifndef WEFT_SCORE_SIAP_H
#define WEFT_SCORE_SIAP_H

#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_match.h"

/* The sums of one instant, or of many. */
struct siap {
  double targets;                  /* J: owed a track */
  double tracked;                  /* JT: of these with at least one track assigned */
  double assigned;                 /* NA: tracks assigned to these */
  double tracks;                   /* N: confirmed tracks in the picture */
  double spurious;                 /* tracks assigned to no target at all */
  double duplicate;                /* tracks assigned to a target beyond its first, owed or not */
  double position_m;               /* sum of the distances of the assigned tracks */
  double velocity_mps, velocities; /* the same of those that state a velocity, and how many do */
  double identified, identified_right, identified_mixed; /* targets, see siap_take */
};

/* Room for assigning the tracks of one picture. */
struct siap_work {
  int32_t *slot_of;   /* per track of the file: its slot, -1 elsewhere */
  int32_t *target_of; /* per track slot: its target slot or -1 */
  uint32_t *held;     /* per target slot: tracks assigned */
  uint8_t *said;      /* per target slot: bit per class that its tracks state */
};
void siap_open(struct siap_work *work, const struct truth *truth, const struct tracks *tracks);
void siap_close(struct siap_work *work);
/* `follows` holds for each target of the truth the track that follows it at this instant, or -1. Every other
 * track is assigned to its nearest target within the cutoff, if any; `within` gets true for each track of the
 * file that was. Identified: a class other than unknown is stated by a track of the target; right: the true
 * class and no other; mixed: two different ones. */
void siap_take(struct siap_work *work, const struct picture *picture, const struct truth *truth,
               const int32_t *follows, double cutoff_m, bool *within, struct siap *out);
void siap_add(struct siap *sum, const struct siap *one);

/* NAN where the denominator is 0. */
double siap_completeness(const struct siap *siap);
double siap_ambiguity(const struct siap *siap);
double siap_spuriousness(const struct siap *siap);
double siap_position_m(const struct siap *siap);
double siap_velocity_mps(const struct siap *siap);

#endif
