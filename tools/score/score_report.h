/* The figures as one JSON object, and as a table for people. */
#ifndef WEFT_SCORE_REPORT_H
#define WEFT_SCORE_REPORT_H

#include <jansson.h>

#include "tools/score/score_consistency.h"
#include "tools/score/score_latency.h"
#include "tools/score/score_warning.h"

struct score {
  struct truth truth;
  struct tracks tracks;
  struct run run;
  struct consistency consistency;
  struct warning warning;
  struct latency latency;
  int due_count;
};

/* The keys are in docs/scoring.md. A new reference. A figure that can't be had is absent. */
json_t *report_build(const struct score *score);
/* Writes the table from the object that report_build made. */
void report_print(FILE *out, const json_t *report);

#endif
