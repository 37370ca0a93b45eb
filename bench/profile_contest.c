/* A hardware profile against the engine's defaults, through the contests that weft tune itself holds, but anew: what it chose by must
 * not be what it is judged by. Prints JSON as the other benches do. Usage: bench_profile_contest P.yaml */
#include <math.h>
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

static void contest_make(const struct profile *tuned, int forms, const char *const *form_names) {
  struct profile untuned = profile_default();
  snprintf(untuned.kernels, sizeof untuned.kernels, "%s", wk_table()->name);
  tune_contest_begin(&contest, forms, form_names, TURNS);
  (void)tune_candidate_add(&contest, &untuned, "default");
  (void)tune_candidate_add(&contest, tuned, "tuned");
}

/* Time of the default over that of the tuned one: above 1 the tuned one is faster. */
static void forms_tell(const char *what, double *worst, double *best) {
  for (int form = 0; form < contest.forms; form++) {
    struct tune_ratio ratio = tune_ratio_of(&contest, 1, form);
    char text[100];
    snprintf(text, sizeof text, "%s%s: default over tuned", what, contest.form_names[form]);
    bench_figure(text, 1 / ratio.least, "x", 0, 1);
    snprintf(text, sizeof text, "%s%s: default over tuned, by medians", what, contest.form_names[form]);
    bench_figure(text, 1 / ratio.median, "x of medians", 0, 1);
    *worst = fmin(*worst, fmin(1 / ratio.least, 1 / ratio.median));
    *best = fmax(*best, fmin(1 / ratio.least, 1 / ratio.median));
  }
}

int main(int argc, char **argv) {
  static struct tune_progress progress = {.stages = 1};
  struct profile tuned;
  struct weft_error err;
  struct machine here;
  double worst = 1e9, best = 0;
  if (argc != 2) fail("give the profile");
  if (machine_look(NULL, &here, &err) < 0 || profile_load(argv[1], &here, &tuned, &err) < 0) fail(err.text);
  contest_make(&tuned, TUNE_FRAME_FORMS, tune_frame_names);
  if (tune_engine_run(&contest, true, &progress, &err) < 0) fail(err.text);
  bench_begin("profile");
  forms_tell("step, ", &worst, &best);
  contest_make(&tuned, TUNE_RECEIVE_FORMS, tune_receive_names);
  if (tune_receive_run(&contest, &progress, &err) < 0) fail(err.text);
  forms_tell("receive, ", &worst, &best);
  bench_figure("where it does worst: default over tuned", worst, "x", 0.97, 1);
  bench_figure("where it does best: default over tuned", best, "x", 1.05, 1);
  bench_end();
  return 0;
}
