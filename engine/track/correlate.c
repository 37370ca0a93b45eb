/* One test of all tracks of other centres against ours: who is near whom at a common time, and who is whose
 * (docs/maths.md C12, C13). */
#include <math.h>
#include <string.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

enum { FIND_PIECE = 8, DISTANCE_PIECE = 8 };
static const int64_t fresh_ns = 15000000000; /* an older line says too little of now */
static const double gate_chi2 = 30; /* 6 degrees of freedom, 4e-5: sensors are never quite registered */
static const double log_density_new = -64; /* as for the stitching (C8) */
static const double coarse_sigmas = 6;

/* The tracks that take part, their states at the common time. */
static uint32_t tests_begin(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t count = 0;
  for (uint32_t at = 0; at < t->high; at++) {
    const struct foreign_track *line = &t->entries[at].line;
    if (!t->entries[at].used || line->status != STATUS_CONFIRMED) continue;
    if (tracker->frame_time_ns - line->time_ns > fresh_ns) continue;
    struct foreign_test *test = &t->tests[count];
    test->foreign = at;
    test->count = 0;
    test->found = TRACK_NONE;
    test->news = line->time_ns > t->entries[at].tested_ns;
    t->entries[at].tested_ns = line->time_ns;
    memcpy(test->state, line->position_m, sizeof line->position_m);
    memcpy(test->state + 3, line->velocity_mps, sizeof line->velocity_mps);
    memcpy(test->state + 6, line->covariance, sizeof line->covariance);
    t->items[count++] = (struct gauss_item){.state = test->state,
                                            .dt_s = (double)(tracker->frame_time_ns - line->time_ns) * 1e-9,
                                            .accel_mps2 = phase_accel_mps2(line->has_phase, line->phase),
                                            .level = line->class_ == CLASS_AIRCRAFT};
  }
  gauss_items_move(&tracker->filter, t->items, count);
  return count;
}

struct find {
  const struct tracker *tracker;
  struct foreign_test *test;
  double place_m[3]; /* where the foreign track was when ours were put into the index */
  double sigma_m, slack_m;
  uint8_t class_;
  double score[FOREIGN_CANDIDATES_MAX];
};

static bool classes_differ(uint8_t a, uint8_t b) {
  if (a == CLASS_UNKNOWN || b == CLASS_UNKNOWN) return false;
  return (a == CLASS_AIRCRAFT) != (b == CLASS_AIRCRAFT);
}

static bool farther(const struct find *find, uint32_t k, double score, uint32_t slot) {
  if (find->score[k] != score) return find->score[k] > score;
  return find->test->slots[k] > slot;
}

static void candidate_consider(void *context, uint32_t slot) {
  struct find *find = context;
  struct foreign_test *test = find->test;
  const struct track *track = &find->tracker->store.tracks[slot];
  double p[3], d[3];
  if (!track->alive || track->status != STATUS_CONFIRMED || classes_differ(track->class_, find->class_))
    return;
  track_extrapolate(track, find->tracker->front_ns, p);
  vector_subtract(d, p, find->place_m);
  double sigma_m = find->sigma_m + track_sigma_at(track, find->tracker->front_ns);
  double score = fmax(vector_norm(d) - find->slack_m, 0) / sigma_m;
  if (!(score <= coarse_sigmas)) return;
  uint32_t at = test->count;
  if (at ==
      FOREIGN_CANDIDATES_MAX) { /* the farthest gives way; of equals the higher slot, whatever the order */
    at = 0;
    for (uint32_t k = 1; k < FOREIGN_CANDIDATES_MAX; k++) {
      if (farther(find, k, find->score[at], test->slots[at])) at = k;
    }
    if (!farther(find, at, score, slot)) return;
  } else {
    test->count++;
  }
  test->slots[at] = slot;
  find->score[at] = score;
}

static void find_candidates(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct tracker *tracker = argument;
  const struct foreign_table *t = &tracker->foreign;
  for (uint32_t i = begin; i < end; i++) {
    struct foreign_test *test = &t->tests[i];
    struct find find = {.tracker = tracker, .test = test, .class_ = t->entries[test->foreign].line.class_};
    double back_s = fmin((double)(tracker->frame_time_ns - tracker->front_ns) * 1e-9, 60), half[3], trace = 0;
    for (int k = 0; k < 3; k++) {
      find.place_m[k] = test->state[k] - back_s * test->state[3 + k];
      trace += test->state[6 + WK_AT(6, k, k)];
    }
    find.sigma_m = sqrt(trace);
    find.slack_m = 500 + 5 * back_s * back_s; /* the way back is straight, the fall is not */
    for (int k = 0; k < 3; k++) half[k] = coarse_sigmas * find.sigma_m + find.slack_m;
    grid_query(&tracker->index.space, find.place_m, half, candidate_consider, &find);
    for (uint32_t a = 1; a < test->count; a++) { /* the grid's order is history's, the slots' is not */
      uint32_t slot = test->slots[a], at = a;
      for (; at > 0 && test->slots[at - 1] > slot; at--) test->slots[at] = test->slots[at - 1];
      test->slots[at] = slot;
    }
  }
}

/* Ours that are near anybody, moved to the common time. */
static uint32_t own_begin(struct tracker *tracker, uint32_t tests) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t count = 0;
  for (uint32_t i = 0; i < tests; i++) {
    struct foreign_test *test = &t->tests[i];
    uint32_t kept = 0;
    for (uint32_t k = 0; k < test->count; k++) {
      uint32_t slot = test->slots[k];
      if (t->place_of_slot[slot] == FOREIGN_NONE) {
        if (count == CORRELATE_OWN_MAX) continue;
        t->place_of_slot[slot] = count;
        t->slots[count++] = slot;
      }
      test->slots[kept++] = slot;
    }
    tracker->statistics.correlate_crowded += kept < test->count;
    test->count = kept;
  }
  filter_moments(&tracker->filter, t->slots, count, t->own);
  for (uint32_t i = 0; i < count; i++) {
    const struct track *track = &tracker->store.tracks[t->slots[i]];
    t->items[i] = (struct gauss_item){.state = t->own[i],
                                      .dt_s = (double)(tracker->frame_time_ns - track->time_ns) * 1e-9,
                                      .accel_mps2 = phase_accel_mps2(track->class_ != CLASS_UNKNOWN, track->phase),
                                      .level = track_ballistic_probability(track) < 0.5};
  }
  gauss_items_move(&tracker->filter, t->items, count);
  return count;
}

static void measure_distances(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct tracker *tracker = argument;
  const struct foreign_table *t = &tracker->foreign;
  for (uint32_t i = begin; i < end; i++) {
    struct foreign_test *test = &t->tests[i];
    uint32_t kept = 0, count = test->count;
    for (uint32_t first = 0; first < count; first += WK_LANES) {
      struct wk_gauss_block block;
      wk_lane distance2, log_likelihood;
      for (uint32_t l = 0; l < WK_LANES; l++) {
        const double *own = t->own[t->place_of_slot[test->slots[first + l < count ? first + l : first]]];
        for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) block.e[k][l] = own[k];
      }
      tracker->filter.kernels->gauss_distance(test->state, &block, distance2, log_likelihood);
      for (uint32_t l = 0; l < WK_LANES && first + l < count; l++) {
        if (!(distance2[l] < gate_chi2)) continue;
        test->slots[kept] = test->slots[first + l];
        test->distance2[kept] = distance2[l];
        test->log_likelihood[kept++] = log_likelihood[l];
      }
    }
    test->count = kept;
  }
}

/* One component of one centre: `rows` tests in t->row. */
static void component_assign(struct tracker *tracker, uint32_t rows) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t columns = 0, slots[ASSIGN_MAX];
  bool crowded = rows > ASSIGN_MAX;
  for (uint32_t r = 0; r < rows && !crowded; r++) {
    const struct foreign_test *test = &t->tests[t->row[r]];
    for (uint32_t k = 0; k < test->count && !crowded; k++) {
      uint32_t place = t->place_of_slot[test->slots[k]];
      if (t->column[place] != FOREIGN_NONE) continue;
      crowded = columns == ASSIGN_MAX;
      if (crowded) break;
      slots[columns] = test->slots[k];
      t->column[place] = columns++;
    }
  }
  for (uint32_t r = 0; r < rows && !crowded; r++) {
    const struct foreign_test *test = &t->tests[t->row[r]];
    for (uint32_t c = 0; c < columns; c++) t->work->cost[r][c] = 0;
    for (uint32_t k = 0; k < test->count; k++) {
      t->work->cost[r][t->column[t->place_of_slot[test->slots[k]]]] =
          log_density_new - test->log_likelihood[k];
    }
  }
  if (!crowded) assign_solve(t->work, rows, columns);
  for (uint32_t r = 0; r < rows && !crowded; r++) {
    uint32_t column = t->work->column_of[r];
    if (column != ASSIGN_NONE) t->tests[t->row[r]].found = slots[column];
  }
  tracker->statistics.correlate_crowded += crowded;
  for (uint32_t c = 0; c < columns; c++) t->column[t->place_of_slot[slots[c]]] = FOREIGN_NONE;
}

/* A track of ours may be one of each centre's, so that each centre is a problem of its own. */
static void centre_assign(struct tracker *tracker, uint32_t centre, uint32_t tests, uint32_t own) {
  struct foreign_table *t = &tracker->foreign;
  for (uint32_t i = 0; i < tests + own; i++) t->root[i] = i;
  for (uint32_t i = 0; i < tests; i++) {
    const struct foreign_test *test = &t->tests[i];
    if (t->entries[test->foreign].line.centre != centre) continue;
    for (uint32_t k = 0; k < test->count; k++) {
      clusters_join(t->root, i, tests + t->place_of_slot[test->slots[k]]);
    }
  }
  for (uint32_t i = 0; i < tests; i++) {
    const struct foreign_test *first = &t->tests[i];
    if (t->entries[first->foreign].line.centre != centre || first->count == 0 ||
        clusters_root(t->root, i) != i)
      continue;
    uint32_t rows = 0;
    for (uint32_t j = i; j < tests; j++) {
      const struct foreign_test *test = &t->tests[j];
      if (test->count && t->entries[test->foreign].line.centre == centre && clusters_root(t->root, j) == i)
        t->row[rows++] = j;
    }
    component_assign(tracker, rows);
  }
}

uint32_t correlate_test(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  const struct parallel *parallel = &tracker->parallel;
  uint32_t tests = tests_begin(tracker);
  if (tests == 0 || tracker->front_ns == INT64_MIN) return tests;
  parallel->run(parallel->context, find_candidates, tracker, tests, FIND_PIECE);
  uint32_t own = own_begin(tracker, tests);
  parallel->run(parallel->context, measure_distances, tracker, tests, DISTANCE_PIECE);
  for (uint32_t i = 0; i < own; i++) t->column[i] = FOREIGN_NONE;
  for (uint32_t c = 0; c < t->names->centre_count; c++) centre_assign(tracker, c, tests, own);
  for (uint32_t i = 0; i < own; i++) t->place_of_slot[t->slots[i]] = FOREIGN_NONE;
  return tests;
}

static double position_variance(const double state[WK_GAUSS_ELEMENTS]) {
  return state[6 + WK_AT(6, 0, 0)] + state[6 + WK_AT(6, 1, 1)] + state[6 + WK_AT(6, 2, 2)];
}

bool correlate_shown(const struct tracker *tracker, uint32_t at, uint32_t shown) {
  const struct foreign_table *t = &tracker->foreign;
  const struct foreign_test *test = &t->tests[at];
  uint32_t centre = t->entries[test->foreign].line.centre;
  double variance = position_variance(test->state);
  for (uint32_t i = 0; i < shown; i++) {
    const struct foreign_test *other = &t->tests[t->row[i]];
    struct wk_gauss_block block;
    wk_lane distance2, log_likelihood;
    double d[3];
    if (t->entries[other->foreign].line.centre == centre) continue;
    vector_subtract(d, test->state, other->state);
    if (vector_dot(d, d) > gate_chi2 * (variance + position_variance(other->state))) continue;
    for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) {
      for (int l = 0; l < WK_LANES; l++) block.e[k][l] = other->state[k];
    }
    tracker->filter.kernels->gauss_distance(test->state, &block, distance2, log_likelihood);
    if (distance2[0] < gate_chi2) return true;
  }
  return false;
}
