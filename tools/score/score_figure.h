/* One gnuplot picture: a data file of numbered series, a script, and the PNG that the script makes. */
#ifndef WEFT_SCORE_FIGURE_H
#define WEFT_SCORE_FIGURE_H

#include <stdio.h>

#include "engine/base/error.h"

enum { FIGURE_SCRIPT_MAX = 16384 };

struct figure {
  FILE *data;
  char directory[512], name[32];
  char settings[FIGURE_SCRIPT_MAX], clauses[FIGURE_SCRIPT_MAX];
  char clause[1024]; /* of the open series; added once it has a point */
  int series;        /* series with points so far */
  long points;       /* of the open series */
};

/* Opens DIRECTORY/NAME.dat. 0 or a negative errno with a text. */
int figure_open(struct figure *figure, const char *directory, const char *name, struct weft_error *err);
/* Adds lines to the script, before its plot command. */
void figure_set(struct figure *figure, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Begins a series: `style` is what follows `using` in the plot command, `title` its legend entry ("" for
 * none). */
void figure_series(struct figure *figure, const char *style, const char *title);
/* One row of the open series; `count` of 1 to 4 numbers. */
void figure_point(struct figure *figure, int count, double a, double b, double c, double d);
/* Ends a polyline within the series. */
void figure_lift(struct figure *figure);
/* Writes the script and runs gnuplot on it. A figure without a point makes no PNG. 0 or a negative errno with
 * a text. */
int figure_close(struct figure *figure, struct weft_error *err);

#endif
