/* Which candidate wins, and how that is told. */
#include <stdio.h>
#include <string.h>

#include "engine/tune/tune.h"

/* A machine has other work, so that small differences mean nothing: better is a median of 5 %, minima that say so too, and
 * three turns in four; in no form of the work may the candidate be slower by more than 3 %. */
static const double MEDIAN_CLEAR = 0.95, MINIMUM_CLEAR = 0.97, FORM_WORSE = 1.03;

void tune_contest_begin(struct tune_contest *contest, int forms, int turns) {
  memset(contest, 0, sizeof *contest);
  contest->forms = forms;
  contest->turns = turns;
}

struct profile *tune_candidate_add(struct tune_contest *contest, const struct profile *from, const char *name) {
  for (int c = 0; c < contest->count; c++)
    if (strcmp(contest->candidates[c].name, name) == 0) return NULL;
  if (contest->count == TUNE_CANDIDATES_MAX) return NULL;
  struct tune_candidate *candidate = &contest->candidates[contest->count++];
  candidate->profile = *from;
  snprintf(candidate->name, sizeof candidate->name, "%s", name);
  return &candidate->profile;
}

double tune_median(double *values, int count) {
  for (int i = 1; i < count; i++) {
    double value = values[i];
    int at = i;
    for (; at > 0 && values[at - 1] > value; at--) values[at] = values[at - 1];
    values[at] = value;
  }
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double minimum_ns(const struct tune_candidate *candidate, int form, int turns) {
  double minimum = candidate->ns[form][0];
  for (int t = 1; t < turns; t++)
    if (candidate->ns[form][t] < minimum) minimum = candidate->ns[form][t];
  return minimum;
}

/* Time over the default's, each form counting alike: the medians over the turns, the minima, and by turns. */
struct standing {
  double median, minimum;
  double form_worst; /* median of the form in which it does worst */
  int turns_faster;
};

static struct standing standing_of(const struct tune_contest *contest, int c) {
  const struct tune_candidate *own = &contest->candidates[c], *first = &contest->candidates[0];
  struct standing standing = {0};
  double by_turn[TUNE_TURNS_MAX] = {0}, of_form[TUNE_TURNS_MAX];
  for (int f = 0; f < contest->forms; f++) {
    for (int t = 0; t < contest->turns; t++) {
      of_form[t] = own->ns[f][t] / first->ns[f][t];
      by_turn[t] += of_form[t] / contest->forms;
    }
    double median = tune_median(of_form, contest->turns);
    if (median > standing.form_worst) standing.form_worst = median;
    standing.minimum += minimum_ns(own, f, contest->turns) / minimum_ns(first, f, contest->turns) / contest->forms;
  }
  for (int t = 0; t < contest->turns; t++) standing.turns_faster += by_turn[t] < 1;
  standing.median = tune_median(by_turn, contest->turns);
  return standing;
}

int tune_choose(const struct tune_contest *contest) {
  int best = 0;
  double best_median = MEDIAN_CLEAR;
  for (int c = 1; c < contest->count; c++) {
    struct standing standing = standing_of(contest, c);
    if (standing.median > best_median || standing.minimum > MINIMUM_CLEAR || standing.form_worst > FORM_WORSE ||
        4 * standing.turns_faster < 3 * contest->turns)
      continue;
    best = c;
    best_median = standing.median;
  }
  return best;
}

void tune_note(const struct tune_contest *contest, char note[PROFILE_NOTE_MAX]) {
  int used = snprintf(note, PROFILE_NOTE_MAX, "Measured, time over the default's (first), medians of %d turns:", contest->turns);
  for (int c = 0; c < contest->count && used < PROFILE_NOTE_MAX; c++)
    used += snprintf(note + used, PROFILE_NOTE_MAX - (size_t)used, "%s %s %.2f", c ? "," : "", contest->candidates[c].name,
                     standing_of(contest, c).median);
}

void tune_progress_show(const struct tune_progress *progress, int turn, int turns) {
  if (progress->show) progress->show(progress->context, (progress->stage + (double)turn / turns) / progress->stages);
}
