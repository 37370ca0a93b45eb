#include "tools/score/score_consistency.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/score/score_chi2.h"

/* Place of (row, column), row <= column, in the packed upper triangle of a 6 x 6 matrix. */
static int packed(int row, int column) {
  return row * 6 - row * (row - 1) / 2 + column - row;
}

static double element(const double covariance[21], int a, int b) {
  return covariance[a <= b ? packed(a, b) : packed(b, a)];
}

double nees_compute(const double covariance[21], const double *error, int size) {
  double l[6][6] = {{0}}, y[6], sum = 0;
  for (int i = 0; i < size; i++) {
    for (int j = 0; j <= i; j++) {
      double rest = element(covariance, i, j);
      for (int k = 0; k < j; k++) rest -= l[i][k] * l[j][k];
      if (i != j)
        l[i][j] = rest / l[j][j];
      else if (rest > 0)
        l[i][i] = sqrt(rest);
      else
        return NAN;
    }
    y[i] = error[i];
    for (int k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
    y[i] /= l[i][i];
    sum += y[i] * y[i];
  }
  return sum;
}

double radius_compute(const double covariance[21]) {
  double trace = 0, square = 0;
  for (int i = 0; i < 3; i++) {
    trace += element(covariance, i, i);
    for (int j = 0; j < 3; j++) square += element(covariance, i, j) * element(covariance, i, j);
  }
  if (!(trace > 0) || !(square > 0)) return NAN;
  /* The number of degrees of freedom lies in 1..3, so the quantile is tabulated once. */
  enum { STEPS = 64 };
  static double table[STEPS + 1];
  if (table[0] == 0)
    for (int i = 0; i <= STEPS; i++) table[i] = chi2_quantile(0.95, 1 + 2.0 * i / STEPS);
  double at = fmin(STEPS, fmax(0, (trace * trace / square - 1) / 2 * STEPS));
  int low = (int)fmin(STEPS - 1, floor(at));
  double quantile = table[low] + (at - low) * (table[low + 1] - table[low]);
  return sqrt(square / trace * quantile);
}

double forecast_ellipse2(const struct forecast *f, struct place place) {
  if (!(f->semi_major_m > 0) || !(f->semi_minor_m > 0) || !isfinite(f->orientation_deg)) return NAN;
  double east = 0, north = 0, turn = f->orientation_deg * 3.14159265358979323846 / 180;
  earth_offset(place, f->place, &east, &north);
  double along = east * sin(turn) + north * cos(turn), across = east * cos(turn) - north * sin(turn);
  return along * along / (f->semi_major_m * f->semi_major_m) +
         across * across / (f->semi_minor_m * f->semi_minor_m);
}

static void forecast_take(struct forecast_sample **array, size_t *count, size_t *capacity,
                          const struct forecast *f, struct place truth, int64_t truth_ns,
                          struct forecast_sample s) {
  double east = 0, north = 0;
  earth_offset(truth, f->place, &east, &north);
  s.miss_m = hypot(east, north);
  s.major_m = f->semi_major_m > 0 ? f->semi_major_m : NAN;
  s.late_s = s.late_sigmas = NAN;
  if (f->time_ns) s.late_s = (double)(f->time_ns - truth_ns) * 1e-9;
  if (f->time_sigma_s > 0) s.late_sigmas = s.late_s / f->time_sigma_s;
  s.ellipse2 = forecast_ellipse2(f, truth);
  *array = score_grow(*array, *count, capacity, sizeof s);
  (*array)[(*count)++] = s;
}

static void forecasts_take(struct consistency *c, const struct truth *truth, const struct tracks *tracks,
                           const struct track_line *line, uint32_t index) {
  const struct truth_target *target = &truth->target[index];
  struct forecast_sample sample = {.time_ns = line->time_ns, .target = index};
  if (line->impact >= 0 && target->impact_known) {
    sample.lead_s = (double)(target->impact_ns - line->time_ns) * 1e-9;
    forecast_take(&c->impact, &c->impacts, &c->impact_capacity, &tracks->forecast[line->impact],
                  target->impact, target->impact_ns, sample);
  }
  if (line->launch >= 0 && target->launch_known) {
    int64_t start_ns = truth->point[target->first].time_ns;
    sample.lead_s = (double)(line->time_ns - start_ns) * 1e-9;
    forecast_take(&c->launch, &c->launches, &c->launch_capacity, &tracks->forecast[line->launch],
                  target->launch, start_ns, sample);
  }
}

static void line_take(struct consistency *c, const struct truth *truth, const struct track_line *line,
                      uint32_t at, uint32_t target, const struct truth_state *state) {
  struct sample s = {.time_ns = line->time_ns,
                     .error_mps = NAN,
                     .nees_position = NAN,
                     .nees_state = NAN,
                     .radius_m = NAN,
                     .line = at,
                     .target = target,
                     .class = truth->target[target].class,
                     .phase = state->phase};
  double error[6];
  for (int i = 0; i < 3; i++) {
    error[i] = line->position_m[i] - state->position_m[i];
    error[3 + i] = line->velocity_mps[i] - state->velocity_mps[i];
  }
  s.error_m = sqrt(error[0] * error[0] + error[1] * error[1] + error[2] * error[2]);
  if (line->velocity_known)
    s.error_mps = sqrt(error[3] * error[3] + error[4] * error[4] + error[5] * error[5]);
  if (line->covariance_known) {
    s.nees_position = nees_compute(line->covariance, error, 3);
    if (line->velocity_known) s.nees_state = nees_compute(line->covariance, error, 6);
    s.radius_m = radius_compute(line->covariance);
    c->covariance_bad += isnan(s.nees_position) || (line->velocity_known && isnan(s.nees_state));
  }
  c->sample = score_grow(c->sample, c->samples, &c->sample_capacity, sizeof s);
  c->sample[c->samples++] = s;
}

void consistency_build(struct consistency *c, const struct truth *truth, const struct tracks *tracks,
                       const struct run *run) {
  memset(c, 0, sizeof *c);
  for (size_t n = 0; n < tracks->line_count; n++) {
    const struct track_line *line = &tracks->line[n];
    if (line->status != STATUS_CONFIRMED) continue;
    int64_t target = run_target(run, truth, line->track, line->time_ns);
    struct truth_state state;
    if (target < 0 || !truth_at(truth, (size_t)target, line->time_ns, &state)) {
      c->unfollowed++;
      continue;
    }
    line_take(c, truth, line, (uint32_t)n, (uint32_t)target, &state);
    forecasts_take(c, truth, tracks, line, (uint32_t)target);
  }
}

void consistency_free(struct consistency *c) {
  free(c->sample);
  free(c->impact);
  free(c->launch);
  memset(c, 0, sizeof *c);
}
