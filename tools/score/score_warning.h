/* The warning product over a target's life: when its stated impact region got small and stayed so, what was
 * stated at agreed instants, and how often a statement was taken back. */
#ifndef WEFT_SCORE_WARNING_H
#define WEFT_SCORE_WARNING_H

#include "tools/score/score_consistency.h"

enum warning_instant { INSTANT_BURN_OUT_30, INSTANT_HALF_FLIGHT, INSTANTS_JUDGED };

/* What was stated of one target at one instant. */
struct warning_judged {
  int64_t time_ns; /* INT64_MAX: the instant can't be had for this target */
  int32_t impact;  /* index into the impacts of struct consistency, -1 nothing was stated */
};

struct warning_story {
  int64_t stated_ns;  /* first line with an impact; INT64_MAX never */
  int64_t small_ns;   /* from here to its last line its 90 % region was small; INT64_MAX never */
  uint32_t withdrawn; /* an impact was stated, and the next line states none */
  uint32_t moved;     /* an impact was stated outside the 99 % region of the one before */
  uint32_t reclassed; /* a class was stated, and later another */
  struct warning_judged judged[INSTANTS_JUDGED];
};

struct warning {
  double region_m; /* small: the semi-major axis of the 90 % ellipse is below this */
  size_t targets;
  struct warning_story *story; /* per target of the truth */
  size_t renounced;     /* confirmed track numbers that followed no target, or were given up too early */
  size_t alarm_targets; /* targets without an impact for which one was stated */
  size_t alarm_tracks;  /* tracks that followed no target and stated an impact */
};

void warning_build(struct warning *warning, const struct truth *truth, const struct tracks *tracks,
                   const struct run *run, const struct consistency *consistency, double region_m);
void warning_free(struct warning *warning);

#endif
