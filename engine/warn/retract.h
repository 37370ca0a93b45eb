/* Changes of mind: what was said of an impact and is taken back (docs/maths.md W12). Internal to engine/warn.
 */
#ifndef WEFT_WARN_RETRACT_H
#define WEFT_WARN_RETRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/report.h"

/* Named areas remembered of one track as stated likely; further ones are not followed. */
enum { AREAS_STATED_MAX = 4 };

struct areas_stated {
  uint16_t region[AREAS_STATED_MAX]; /* numbers */
  uint32_t count;
};

/* Areas that were stated likelier than not and now are all but out; then notes those that are likely now. */
uint32_t areas_lost(struct areas_stated *stated, const struct impact_estimate *now);
/* The new place lies outside the 99 % region of the last one. */
bool impact_moved(const struct ground_estimate *last, const struct ground_estimate *now);

#endif
