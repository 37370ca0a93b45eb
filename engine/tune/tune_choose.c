/* Which candidate wins, and how that is told. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/tune/tune.h"

/* A machine has other work, so that small differences mean nothing. Slower in a form is 3 %, where the least times or the medians say so;
 * faster is 10 % in one form, or 5 % in the mean of all, where both say so, and so do three turns in four. The least times are the mean of
 * the quickest quarter: the quickest alone is one turn by chance, 1.23 of another's where two candidates were the same. */
static const double FORM_SLOWER = 1.03, FORM_FASTER = 0.90, MEAN_FASTER = 0.95;

void tune_contest_begin(struct tune_contest *contest, int forms, const char *const *form_names, int turns) {
  memset(contest, 0, sizeof *contest);
  contest->forms = forms;
  contest->form_names = form_names;
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

static double least_ns(const struct tune_candidate *candidate, int form, int turns) {
  double sorted[TUNE_TURNS_MAX], sum = 0;
  int quickest = turns < 4 ? 1 : turns / 4;
  memcpy(sorted, candidate->ns[form], (size_t)turns * sizeof *sorted);
  (void)tune_median(sorted, turns);
  for (int t = 0; t < quickest; t++) sum += sorted[t];
  return sum / quickest;
}

struct tune_ratio tune_ratio_of(const struct tune_contest *contest, int c, int form) {
  const struct tune_candidate *own = &contest->candidates[c], *first = &contest->candidates[0];
  int from = form == TUNE_MEAN ? 0 : form, to = form == TUNE_MEAN ? contest->forms : form + 1;
  double ratios[TUNE_TURNS_MAX] = {0};
  struct tune_ratio ratio = {0};
  for (int f = from; f < to; f++) {
    for (int t = 0; t < contest->turns; t++) ratios[t] += own->ns[f][t] / first->ns[f][t] / (to - from);
    ratio.least += least_ns(own, f, contest->turns) / least_ns(first, f, contest->turns) / (to - from);
  }
  for (int t = 0; t < contest->turns; t++) ratio.turns_faster += ratios[t] < 1;
  ratio.median = tune_median(ratios, contest->turns);
  return ratio;
}

static bool is_faster(const struct tune_contest *contest, struct tune_ratio ratio, double clear) {
  return ratio.least <= clear && ratio.median <= clear && 4 * ratio.turns_faster >= 3 * contest->turns;
}

uint32_t tune_claims(const struct tune_contest *contest, int c) {
  uint32_t claims = is_faster(contest, tune_ratio_of(contest, c, TUNE_MEAN), MEAN_FASTER) ? 1u << contest->forms : 0;
  for (int f = 0; f < contest->forms; f++) {
    struct tune_ratio ratio = tune_ratio_of(contest, c, f);
    if (ratio.least > FORM_SLOWER || ratio.median > FORM_SLOWER) return 0;
    if (is_faster(contest, ratio, FORM_FASTER)) claims |= 1u << f;
  }
  return claims;
}

int tune_choose(const struct tune_contest *contest, uint32_t without) {
  int best = 0;
  double best_median = INFINITY;
  for (int c = 1; c < contest->count; c++) {
    double median = tune_ratio_of(contest, c, TUNE_MEAN).median;
    if (without >> c & 1 || median >= best_median || tune_claims(contest, c) == 0) continue;
    best = c;
    best_median = median;
  }
  return best;
}

void tune_note_add(char note[PROFILE_NOTE_MAX], const char *format, ...) {
  size_t used = strlen(note);
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(note + used, PROFILE_NOTE_MAX - used, format, arguments);
  va_end(arguments);
}

void tune_note(const struct tune_contest *contest, char note[PROFILE_NOTE_MAX]) {
  tune_note_add(note, "Measured, time over the default's (first), medians of %d turns:", contest->turns);
  for (int c = 0; c < contest->count; c++)
    tune_note_add(note, "%s %s %.2f", c ? "," : "", contest->candidates[c].name, tune_ratio_of(contest, c, TUNE_MEAN).median);
}

void tune_forms_note(const struct tune_contest *contest, int c, char note[PROFILE_NOTE_MAX]) {
  tune_note_add(note, "%s alone, by least and median of %d turns:", contest->candidates[c].name, contest->turns);
  for (int form = 0; form < contest->forms; form++) {
    struct tune_ratio ratio = tune_ratio_of(contest, c, form);
    tune_note_add(note, "%s %s %.2f %.2f", form ? "," : "", contest->form_names[form], ratio.least, ratio.median);
  }
}

void tune_progress_show(const struct tune_progress *progress, int turn, int turns) {
  if (progress->show) progress->show(progress->context, (progress->stage + (double)turn / turns) / progress->stages);
}
