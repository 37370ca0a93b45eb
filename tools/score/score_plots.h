/* Pictures of a score: data files and gnuplot scripts are written into a folder and kept, then gnuplot is run
 * on each. */
#ifndef WEFT_SCORE_PLOTS_H
#define WEFT_SCORE_PLOTS_H

#include "tools/score/score_report.h"

/* Makes the folder where it is missing, writes NAME.dat, NAME.gp and NAME.png for each picture. 0, or a
 * negative errno with a text. */
int plots_write(const struct score *score, const char *directory, struct weft_error *err);

#endif
