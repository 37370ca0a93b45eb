/* A hardware profile against the engine's defaults, through the contests that weft tune itself holds, but anew: what it chose by must
 * not be what it is judged by. Prints JSON as the other benches do. Usage: bench_profile_contest P.yaml */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "engine/engine.h"
#include "engine/tune/tune.h"
#include "kernels/wk.h"

enum { TURNS = 45 };
static struct tune_contest contest;

static void fail(const char *text) {
  fprintf(stderr, "profile: %s\n", text);
  exit(1);
}

static void contest_make(const struct profile *tuned, int forms) {
  struct profile untuned = profile_default();
  snprintf(untuned.kernels, sizeof untuned.kernels, "%s", wk_table()->name);
  tune_contest_begin(&contest, forms, TURNS);
  (void)tune_candidate_add(&contest, &untuned, "default");
  (void)tune_candidate_add(&contest, tuned, "tuned");
}

static double minimum_of(const double *values) {
  double minimum = values[0];
  for (int t = 1; t < TURNS; t++)
    if (values[t] < minimum) minimum = values[t];
  return minimum;
}

/* Time of the default over that of the tuned one: above 1 the tuned one is faster. */
static void form_tell(int form, const char *name, double *worst, double *best) {
  const double *untuned = contest.candidates[0].ns[form], *tuned = contest.candidates[1].ns[form];
  double ratios[TURNS], minima = minimum_of(untuned) / minimum_of(tuned);
  char text[100];
  for (int t = 0; t < TURNS; t++) ratios[t] = untuned[t] / tuned[t];
  double median = tune_median(ratios, TURNS);
  snprintf(text, sizeof text, "%s: default over tuned", name);
  bench_figure(text, minima, "x", 0, 1);
  snprintf(text, sizeof text, "%s: default over tuned, by medians", name);
  bench_figure(text, median, "x of medians", 0, 1);
  double better = minima > median ? minima : median;
  if (better < *worst) *worst = better; /* slower only where both say so */
  double lesser = minima < median ? minima : median;
  if (lesser > *best) *best = lesser;
}

int main(int argc, char **argv) {
  static const char *const receive_names[TUNE_RECEIVE_FORMS] = {"receive, coalesced, 1,072 bytes", "receive, one by one, 112 bytes",
                                                                   "receive, both by turns"};
  static struct tune_progress progress = {.stages = 1};
  struct profile tuned;
  struct weft_error err;
  struct machine here;
  double worst = 1e9, best = 0;
  if (argc != 2) fail("give the profile");
  if (machine_look(NULL, &here, &err) < 0 || profile_load(argv[1], &here, &tuned, &err) < 0) fail(err.text);
  contest_make(&tuned, TUNE_FRAME_FORMS);
  if (tune_engine_run(&contest, false, &progress, &err) < 0) fail(err.text);
  bench_begin("profile");
  for (int form = 0; form < TUNE_FRAME_FORMS; form++) {
    char name[64];
    snprintf(name, sizeof name, "step, frames of %u", tune_frame_detections[form]);
    form_tell(form, name, &worst, &best);
  }
  contest_make(&tuned, TUNE_RECEIVE_FORMS);
  if (tune_receive_run(&contest, &progress, &err) < 0) fail(err.text);
  for (int form = 0; form < TUNE_RECEIVE_FORMS; form++) form_tell(form, receive_names[form], &worst, &best);
  bench_figure("where it does worst: default over tuned", worst, "x", 0.97, 1);
  bench_figure("where it does best: default over tuned", best, "x", 1.05, 1);
  bench_end();
  return 0;
}
