/* The pictures, and what they share. Each picture makes NAME.dat, NAME.gp and NAME.png in the folder; 0, or a
 * negative errno with a text. */
#ifndef WEFT_SCORE_PLOTS_PARTS_H
#define WEFT_SCORE_PLOTS_PARTS_H

#include "tools/score/score_figure.h"
#include "tools/score/score_report.h"

enum { PLOT_POINTS_MAX = 20000 }; /* dots of one colour */

extern const char *const phase_colour[PHASE_COUNT], *const phase_title[PHASE_COUNT];

/* Seconds since the start of the truth. */
double plot_time_s(const struct score *score, int64_t time_ns);

/* score_plots_time.c */
int gospa_plot(const struct score *score, const char *directory, struct weft_error *err);
int ospa2_plot(const struct score *score, const char *directory, struct weft_error *err);
int siap_plot(const struct score *score, const char *directory, struct weft_error *err);
int siap_accuracy_plot(const struct score *score, const char *directory, struct weft_error *err);
int counts_plot(const struct score *score, const char *directory, struct weft_error *err);
int latency_plot(const struct score *score, const char *directory, struct weft_error *err);

/* score_plots_errors.c */
int error_plot(const struct score *score, const char *directory, struct weft_error *err);
int nees_plot(const struct score *score, const char *directory, struct weft_error *err);
int nis_plot(const struct score *score, const char *directory, struct weft_error *err);
int impact_plot(const struct score *score, const char *directory, struct weft_error *err);

#endif
