/* Marginals of one group and what follows from them for each of its tracks (docs/maths.md P10, P11). */
#include <math.h>

#include "engine/track/soft.h"

static const double weight_min = 1e-3;  /* of a hypothesis: below it is left out */
static const double missed_min = 1e-30; /* keeps the odds of existence finite */
static const double taken_min = 0.5;    /* a plot more likely some track's than not is associated */

/* e^L Pd N / lambda, 0 outside the gate. */
static double pair_weight(const struct tracker *tracker, uint32_t p) {
  const struct pair *pair = &tracker->pairs[p];
  if (!pair_gated(&tracker->evidence[p])) return 0;
  double ratio = lifecycle_log_ratio(tracker, &tracker->plots[pair->plot], &tracker->evidence[p]);
  double exponent = tracker->store.tracks[pair->track].log_odds + ratio;
  return exponent > -600 ? wk_exp(fmin(exponent, 600)) : 0;
}

/* A new row: its miss weight 1 + e^L (1 - Pd), the factor only once per scan. */
static struct belief *row_begin(struct tracker *tracker, struct soft_work *work, const struct group *group,
                                uint32_t row, uint32_t p) {
  const struct pair *pair = &tracker->pairs[p];
  const struct track *track = &tracker->store.tracks[pair->track];
  const struct plot *plot = &tracker->plots[pair->plot];
  bool judged = lifecycle_scan_judged(tracker, track, plot);
  double pd = tracker->site->sensors[plot->sensor].detection_probability;
  work->existing[row] = wk_exp(track->log_odds) * (judged ? 1 : 1 - pd);
  work->miss[row] = 1 + work->existing[row];
  struct belief *belief = &tracker->soft->beliefs[group->pair_first + row];
  *belief = (struct belief){.track = pair->track, .first_pair = ASSIGN_NONE, .plot = pair->plot};
  return belief;
}

/* The problem of a group: rows are its tracks, columns its plots. Slots of different groups of a round never
 * meet (they are different components), so tracker->listings[slot].claimed_by is this group's own scratch. Returns the
 * number of pairs. */
static uint32_t problem_build(struct tracker *tracker, struct soft_work *work, struct group *group,
                              struct marginals_problem *problem) {
  struct soft *soft = tracker->soft;
  uint32_t end = group->pair_first + group->pair_count, used = 0, rows = 0, columns = 0;
  for (uint32_t p = group->pair_first; p < end; p++)
    tracker->listings[tracker->pairs[p].track].claimed_by = ASSIGN_NONE;
  for (uint32_t p = group->pair_first; p < end; p++) {
    const struct pair *pair = &tracker->pairs[p];
    soft->weight[p] = 0;
    columns += p == group->pair_first || tracker->pairs[p - 1].plot != pair->plot;
    double weight = pair_weight(tracker, p);
    if (!(weight > 0)) continue;
    uint32_t *row = &tracker->listings[pair->track].claimed_by;
    if (*row == ASSIGN_NONE) {
      row_begin(tracker, work, group, rows, p);
      *row = rows++;
    }
    struct belief *belief = &soft->beliefs[group->pair_first + *row];
    soft->next[p] = belief->first_pair;
    belief->first_pair = p;
    work->row[used] = *row;
    work->column[used] = columns - 1;
    work->pair[used] = p;
    work->weight[used++] = weight;
  }
  group->belief_count = rows;
  *problem = (struct marginals_problem){.rows = rows,
                                        .columns = columns,
                                        .pair_count = used,
                                        .row = work->row,
                                        .column = work->column,
                                        .weight = work->weight,
                                        .miss = work->miss};
  return used;
}

/* Weights of the hypotheses given existence; small ones left out; what remains to sum 1. */
static void hypotheses_weigh(struct soft *soft, struct belief *belief, double missed, double seen) {
  double total = missed + seen, kept;
  belief->missed = missed < weight_min * total ? 0 : missed;
  belief->hypotheses = belief->missed > 0;
  kept = belief->missed;
  for (uint32_t p = belief->first_pair; p != ASSIGN_NONE; p = soft->next[p]) {
    if (soft->weight[p] < weight_min * total) soft->weight[p] = 0;
    kept += soft->weight[p];
    belief->hypotheses += soft->weight[p] > 0;
  }
  belief->missed /= kept;
  for (uint32_t p = belief->first_pair; p != ASSIGN_NONE; p = soft->next[p]) soft->weight[p] /= kept;
}

/* One hypothesis left: a plot in the likeliest assignment stays a winner, an ordinary update; a miss is left
 * to the review of looks. `mine` is the winner's pair. */
static void certain_settle(struct tracker *tracker, struct belief *belief, uint32_t mine) {
  bool certain = belief->hypotheses == 1;
  bool plot = certain && mine != ASSIGN_NONE && tracker->soft->weight[mine] > 0;
  if (mine != ASSIGN_NONE) tracker->choice[mine] = plot;
  if (plot || (certain && belief->missed > 0)) belief->hypotheses = 0;
}

/* From the marginals of a row (soft->weight holds those of its pairs) to what is to be done with the track.
 */
static void belief_form(struct tracker *tracker, const struct soft_work *work, struct belief *belief,
                        uint32_t row) {
  struct soft *soft = tracker->soft;
  const struct track *track = &tracker->store.tracks[belief->track];
  uint32_t likeliest = belief->first_pair, mine = ASSIGN_NONE;
  double seen = 0;
  for (uint32_t p = belief->first_pair; p != ASSIGN_NONE; p = soft->next[p]) {
    seen += soft->weight[p];
    if (soft->weight[p] > soft->weight[likeliest]) likeliest = p;
    if (tracker->choice[p]) mine = p;
  }
  double q = work->miss[row], missed = fmax(work->missed[row], missed_min);
  double exists = missed * work->existing[row] / q; /* and was missed */
  const struct plot *plot = &tracker->plots[tracker->pairs[likeliest].plot];
  double pd = review_detection_probability(tracker, track, plot->sensor);
  double miss = lifecycle_scan_judged(tracker, track, plot) ? 1 : 1 - pd;
  double odds = seen * q / missed + wk_exp(track->log_odds) * miss;
  belief->plot = tracker->pairs[likeliest].plot;
  belief->own = mine == ASSIGN_NONE ? ASSIGN_NONE : tracker->pairs[mine].plot;
  belief->seen = seen >= exists;
  belief->log_odds = lifecycle_log_odds_step(track->log_odds, wk_log(odds) - track->log_odds);
  hypotheses_weigh(soft, belief, exists, seen);
  certain_settle(tracker, belief, mine);
}

void soft_solve(struct tracker *tracker, unsigned worker, struct group *group) {
  struct soft *soft = tracker->soft;
  struct soft_work *work = &soft->work[worker];
  struct marginals_problem problem;
  nearest_solve(tracker, &tracker->work[worker], group); /* each track's own plot */
  shared_find(tracker, group);
  uint32_t used = problem_build(tracker, work, group, &problem);
  if (used == 1) { /* the common case: one plot, one track */
    double total = work->miss[0] + work->weight[0];
    work->probability[0] = work->weight[0] / total;
    work->missed[0] = work->miss[0] / total;
    for (uint32_t c = 0; c < problem.columns; c++)
      work->alone[c] = c == work->column[0] ? work->missed[0] : 1;
  } else if (used > 1) {
    struct marginals_result result = {
        .probability = work->probability, .missed = work->missed, .alone = work->alone};
    marginals_solve(work->marginals, &problem, MARGINALS_AUTO, &result);
  }
  for (uint32_t u = 0; u < used; u++) soft->weight[work->pair[u]] = work->probability[u];
  for (uint32_t u = 0; u < used; u++) {
    uint32_t plot = tracker->pairs[work->pair[u]].plot;
    if (work->alone[work->column[u]] <= 1 - taken_min) tracker->fates[plot] = FATE_ASSOCIATED;
  }
  for (uint32_t row = 0; row < problem.rows; row++) {
    belief_form(tracker, work, &soft->beliefs[group->pair_first + row], row);
  }
}
