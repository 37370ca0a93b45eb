/* The parts that report_build puts together; docs/scoring.md has the keys. Each adds its object to `root`. */
#ifndef WEFT_SCORE_REPORT_PARTS_H
#define WEFT_SCORE_REPORT_PARTS_H

#include "tools/score/score_report.h"
#include "tools/score/score_values.h"

/* score_report_picture.c */
void gospa_put(json_t *root, const struct run *run);
void ospa2_put(json_t *root, const struct run *run);
void siap_put(json_t *root, const struct run *run);
void continuity_put(json_t *root, const struct score *score);
void first_put(json_t *root, const struct score *score);
/* One object an instant. */
void series_put(json_t *root, const struct score *score);

/* score_report_warning.c */
void impact_put(json_t *root, const struct score *score);
void launch_put(json_t *root, const struct score *score);
void region_put(json_t *root, const struct score *score);
void retractions_put(json_t *root, const struct score *score);

#endif
