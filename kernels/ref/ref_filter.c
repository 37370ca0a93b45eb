#include "kernels/ref/ref_filter.h"

#include <math.h>
#include <string.h>

typedef double matrix[REF_N_MAX][REF_N_MAX];

static const double pi = 3.14159265358979323846;

static void gauss_load(struct ref_gauss *s, int n, const double *from) {
  memset(s, 0, sizeof *s);
  s->n = n;
  memcpy(s->x, from, (size_t)n * sizeof(double));
  from += n;
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) s->p[i][j] = s->p[j][i] = *from++;
  }
}

static void bank_load(struct ref_bank *bank, const double *record) {
  for (int m = 0; m < bank->modes; m++) {
    const int n = ref_mode_n(bank->mode[m]);
    gauss_load(&bank->gauss[m], n, record);
    record += n + WK_PACKED(n);
  }
  memcpy(bank->weight, record, (size_t)bank->modes * sizeof(double));
}

void ref_ballistic_load(struct ref_bank *bank, const double *record) {
  *bank = (struct ref_bank){.modes = 3, .mode = {WK_BOOST, WK_COAST, WK_REENTRY}};
  bank_load(bank, record);
}

void ref_aircraft_load(struct ref_bank *bank, const double *record) {
  *bank = (struct ref_bank){.modes = 2, .mode = {WK_CV, WK_CT}};
  bank_load(bank, record);
}

void ref_bank_store(const struct ref_bank *bank, double *record) {
  for (int m = 0; m < bank->modes; m++) {
    const struct ref_gauss *s = &bank->gauss[m];
    for (int i = 0; i < s->n; i++) *record++ = s->x[i];
    for (int i = 0; i < s->n; i++) {
      for (int j = i; j < s->n; j++) *record++ = s->p[i][j];
    }
  }
  for (int m = 0; m < bank->modes; m++) *record++ = bank->weight[m];
}

/* Central differences of the rate. */
static void rate_jacobian(enum wk_mode mode, const double *x, const struct wk_tuning *tuning, ref_density density,
                          matrix a) {
  static const double delta[REF_N_MAX] = {10.0, 10.0, 10.0, 0.1, 0.1, 0.1, 1e-3, 1e-3, 1e-3};
  const int n = ref_mode_n(mode);
  for (int j = 0; j < n; j++) {
    const double step = mode == WK_CT && j == 6 ? 1e-5 : delta[j];
    double high[REF_N_MAX], low[REF_N_MAX], high_rate[REF_N_MAX], low_rate[REF_N_MAX];
    memcpy(high, x, sizeof high);
    memcpy(low, x, sizeof low);
    high[j] += step;
    low[j] -= step;
    ref_rate(mode, high, tuning, density, high_rate);
    ref_rate(mode, low, tuning, density, low_rate);
    for (int i = 0; i < n; i++) a[i][j] = (high_rate[i] - low_rate[i]) / (high[j] - low[j]);
  }
}

/* Rates of mean and covariance: x' = f(x), P' = A P + P A' + Q. */
static void moments_rate(enum wk_mode mode, const struct ref_gauss *s, int noisy, const struct wk_tuning *tuning,
                         ref_density density, struct ref_gauss *rate) {
  matrix a = {{0}}, q;
  rate->n = s->n;
  ref_rate(mode, s->x, tuning, density, rate->x);
  rate_jacobian(mode, s->x, tuning, density, a);
  ref_noise(mode, s, tuning, density, q);
  for (int i = 0; i < s->n; i++) {
    for (int j = 0; j < s->n; j++) {
      rate->p[i][j] = noisy ? q[i][j] : 0.0;
      for (int k = 0; k < s->n; k++) rate->p[i][j] += a[i][k] * s->p[k][j] + s->p[i][k] * a[j][k];
    }
  }
}

static void moments_along(const struct ref_gauss *from, const struct ref_gauss *rate, double dt, struct ref_gauss *to) {
  to->n = from->n;
  for (int i = 0; i < from->n; i++) {
    to->x[i] = from->x[i] + dt * rate->x[i];
    for (int j = 0; j < from->n; j++) to->p[i][j] = from->p[i][j] + dt * rate->p[i][j];
  }
}

void ref_gauss_predict(enum wk_mode mode, struct ref_gauss *s, double dt_s, int noisy, const struct wk_tuning *tuning,
                       ref_density density) {
  const int steps = 1 + (int)(fabs(dt_s) / 0.1);
  const double h = dt_s / steps;
  struct ref_gauss k[4], at;
  memset(&at, 0, sizeof at);
  for (int step = 0; step < steps; step++) {
    moments_rate(mode, s, noisy, tuning, density, &k[0]);
    moments_along(s, &k[0], h / 2, &at);
    moments_rate(mode, &at, noisy, tuning, density, &k[1]);
    moments_along(s, &k[1], h / 2, &at);
    moments_rate(mode, &at, noisy, tuning, density, &k[2]);
    moments_along(s, &k[2], h, &at);
    moments_rate(mode, &at, noisy, tuning, density, &k[3]);
    for (int i = 0; i < 4; i++) moments_along(s, &k[i], h * (i == 1 || i == 2 ? 1.0 / 3.0 : 1.0 / 6.0), s);
  }
}

/* Transition probabilities between modes over dt: from exit rates, shared out in their proportion. */
static void switching(const struct ref_bank *bank, double dt, const struct wk_tuning *t,
                      double p[REF_MODES_MAX][REF_MODES_MAX]) {
  double rate[REF_MODES_MAX][REF_MODES_MAX] = {{0}};
  if (bank->modes == 2) {
    const double both = t->turn_begin_rate + t->turn_end_rate, moved = (1.0 - exp(-both * dt)) / both;
    p[0][1] = t->turn_begin_rate * moved;
    p[1][0] = t->turn_end_rate * moved;
    p[0][0] = 1.0 - p[0][1];
    p[1][1] = 1.0 - p[1][0];
    return;
  }
  double up[3];
  const double *coast = bank->gauss[1].x, height = ref_height(coast, up);
  const double climb = up[0] * coast[3] + up[1] * coast[4] + up[2] * coast[5];
  const int falls = climb < 0.0 && height < t->reentry_altitude_m;
  const double stray = t->stray_rate / (t->stray_rate + t->settle_rate), down = falls ? 1.0 - stray : stray;
  rate[0][1] = t->boost_end_rate * (1.0 - down);
  rate[0][2] = t->boost_end_rate * down;
  const double climbing = fmax(t->boost_begin_rate * ref_low(height, t), t->boost_begin_space_rate);
  const double descending = falls ? t->boost_begin_fall_rate : t->boost_begin_space_rate;
  rate[1][0] = rate[2][0] = climb < 0.0 ? descending : climbing;
  rate[1][2] = falls ? t->settle_rate : t->stray_rate;
  rate[2][1] = falls ? t->stray_rate : t->settle_rate;
  for (int i = 0; i < 3; i++) {
    const double total = rate[i][0] + rate[i][1] + rate[i][2];
    for (int j = 0; j < 3; j++) p[i][j] = rate[i][j] / total * (1.0 - exp(-total * dt));
    p[i][i] = exp(-total * dt);
  }
}

/* A source as the destination sees it: states that it lacks are independent with the entry distribution. */
static void augment(const struct ref_bank *bank, int from, int to, struct ref_gauss *out) {
  const struct ref_gauss *destination = &bank->gauss[to];
  *out = bank->gauss[from];
  out->n = destination->n;
  if (from == to) return;
  for (int i = 6; i < REF_N_MAX; i++) {
    out->x[i] = 0.0;
    for (int j = 0; j < REF_N_MAX; j++) out->p[i][j] = out->p[j][i] = 0.0;
  }
  if (bank->mode[to] == WK_BOOST) {
    for (int i = 6; i < 9; i++) out->p[i][i] = 25.0 * 25.0;
  } else if (bank->mode[to] == WK_REENTRY) {
    out->x[6] = -8.0;
    out->p[6][6] = 1.0;
  } else if (out->n == 7) {
    out->x[6] = destination->x[6];
    out->p[6][6] = destination->p[6][6];
  }
}

static void weights_floor(int modes, double *weight) {
  double sum = 0.0, floored = 0.0;
  for (int m = 0; m < modes; m++) sum += weight[m];
  for (int m = 0; m < modes; m++) floored += weight[m] = fmax(weight[m] / sum, 1.00000001e-9);
  for (int m = 0; m < modes; m++) weight[m] /= floored;
}

/* Moment-matched mixture of `count` Gaussians of equal dimension. */
static void collapse(int count, const struct ref_gauss *part, const double *share, struct ref_gauss *out) {
  const int n = part[0].n;
  memset(out, 0, sizeof *out);
  out->n = n;
  for (int m = 0; m < count; m++) {
    for (int i = 0; i < n; i++) out->x[i] += share[m] * part[m].x[i];
  }
  for (int m = 0; m < count; m++) {
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        out->p[i][j] += share[m] * (part[m].p[i][j] + (part[m].x[i] - out->x[i]) * (part[m].x[j] - out->x[j]));
      }
    }
  }
}

void ref_mix(struct ref_bank *bank, double dt_s, const struct wk_tuning *tuning) {
  double p[REF_MODES_MAX][REF_MODES_MAX] = {{0}}, predicted[REF_MODES_MAX] = {0};
  struct ref_gauss mixed[REF_MODES_MAX];
  switching(bank, dt_s, tuning, p);
  for (int to = 0; to < bank->modes; to++) {
    struct ref_gauss part[REF_MODES_MAX];
    double share[REF_MODES_MAX];
    for (int from = 0; from < bank->modes; from++) predicted[to] += p[from][to] * bank->weight[from];
    for (int from = 0; from < bank->modes; from++) {
      share[from] = p[from][to] * bank->weight[from] / predicted[to];
      augment(bank, from, to, &part[from]);
    }
    collapse(bank->modes, part, share, &mixed[to]);
  }
  memcpy(bank->gauss, mixed, sizeof(struct ref_gauss) * (size_t)bank->modes);
  memcpy(bank->weight, predicted, sizeof(double) * (size_t)bank->modes);
  weights_floor(bank->modes, bank->weight);
}

void ref_predict(struct ref_bank *bank, double dt_s, int quiet, const struct wk_tuning *tuning, ref_density density) {
  const int noisy = dt_s > 0.0 && !quiet;
  if (noisy) ref_mix(bank, dt_s, tuning);
  for (int m = 0; m < bank->modes; m++) {
    ref_gauss_predict(bank->mode[m], &bank->gauss[m], dt_s, noisy, tuning, density);
  }
}

long double ref_invert_long(int n, const long double a[REF_N_MAX][REF_N_MAX], long double inverse[REF_N_MAX][REF_N_MAX]) {
  long double w[REF_N_MAX][2 * REF_N_MAX], determinant = 1.0L;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      w[i][j] = a[i][j];
      w[i][n + j] = i == j;
    }
  }
  for (int c = 0; c < n; c++) {
    int pivot = c;
    for (int i = c + 1; i < n; i++) {
      if (fabsl(w[i][c]) > fabsl(w[pivot][c])) pivot = i;
    }
    for (int j = 0; j < 2 * n; j++) {
      const long double swap = w[c][j];
      w[c][j] = w[pivot][j];
      w[pivot][j] = swap;
    }
    if (pivot != c) determinant = -determinant;
    const long double scale = w[c][c];
    determinant *= scale;
    for (int j = 0; j < 2 * n; j++) w[c][j] /= scale;
    for (int i = 0; i < n; i++) {
      const long double factor = w[i][c];
      for (int j = 0; i != c && j < 2 * n; j++) w[i][j] -= factor * w[c][j];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) inverse[i][j] = w[i][n + j];
  }
  return determinant;
}

double ref_invert(int n, const double a[REF_N_MAX][REF_N_MAX], double inverse[REF_N_MAX][REF_N_MAX]) {
  long double exact[REF_N_MAX][REF_N_MAX], out[REF_N_MAX][REF_N_MAX];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) exact[i][j] = a[i][j];
  }
  const long double determinant = ref_invert_long(n, (const long double(*)[REF_N_MAX])exact, out);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) inverse[i][j] = (double)out[i][j];
  }
  return (double)determinant;
}

/* Difference of two values of a component, angles of azimuth by the short way. */
double ref_component_minus(const struct ref_measure *m, int c, double a, double b) {
  const int azimuth = m->kind == WK_LOS ? 0 : m->kind == WK_POSITION ? -1 : 1;
  return c == azimuth ? remainder(a - b, 2.0 * pi) : a - b;
}

/* Rows of the present components only: innovation, Jacobian by central differences, variance. */
static int innovation(const struct ref_measure *m, const struct ref_gauss *s, double *value, matrix h, double *variance) {
  static const double delta[6] = {5.0, 5.0, 5.0, 0.5, 0.5, 0.5};
  double at[REF_COMPONENTS_MAX], high[REF_COMPONENTS_MAX], low[REF_COMPONENTS_MAX], x[REF_N_MAX];
  const int components = ref_predicted(m, s->x, at);
  int rows = 0;
  memset(h, 0, sizeof(matrix));
  for (int c = 0; c < components; c++) {
    if (m->present[c] == 0.0) continue;
    value[rows] = ref_component_minus(m, c, m->z[c], at[c]);
    variance[rows] = m->variance[c];
    for (int j = 0; j < 6; j++) {
      memcpy(x, s->x, sizeof x);
      x[j] = s->x[j] + delta[j];
      ref_predicted(m, x, high);
      x[j] = s->x[j] - delta[j];
      ref_predicted(m, x, low);
      h[rows][j] = ref_component_minus(m, c, high[c], low[c]) / (2.0 * delta[j]);
    }
    rows++;
  }
  return rows;
}

/* Joseph form with the gain from the inverse of S; the mode's log-likelihood. */
static double gauss_update(const struct ref_measure *m, struct ref_gauss *s, double *distance2) {
  double value[REF_COMPONENTS_MAX], variance[REF_COMPONENTS_MAX];
  matrix h, spread = {{0}}, inverse = {{0}}, ph = {{0}}, gain = {{0}}, keep = {{0}}, half = {{0}}, p = {{0}};
  const int n = s->n, rows = innovation(m, s, value, h, variance);
  for (int i = 0; i < n; i++) {
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < 6; j++) ph[i][r] += s->p[i][j] * h[r][j];
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < rows; c++) {
      spread[r][c] = r == c ? variance[r] : 0.0;
      for (int j = 0; j < 6; j++) spread[r][c] += h[r][j] * ph[j][c];
    }
  }
  const double determinant = ref_invert(rows, (const double(*)[REF_N_MAX])spread, inverse);
  *distance2 = 0.0;
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < rows; c++) *distance2 += value[r] * inverse[r][c] * value[c];
  }
  for (int i = 0; i < n; i++) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < rows; c++) gain[i][r] += ph[i][c] * inverse[c][r];
      s->x[i] += gain[i][r] * value[r];
    }
    for (int j = 0; j < n; j++) {
      keep[i][j] = i == j;
      for (int r = 0; r < rows; r++) keep[i][j] -= gain[i][r] * h[r][j];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++) half[i][j] += keep[i][k] * s->p[k][j];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      for (int k = 0; k < n; k++) p[i][j] += half[i][k] * keep[j][k];
      for (int r = 0; r < rows; r++) p[i][j] += gain[i][r] * variance[r] * gain[j][r];
    }
  }
  memcpy(s->p, p, sizeof p);
  return -0.5 * (rows * log(2.0 * pi) + log(determinant) + *distance2);
}

void ref_update(struct ref_bank *bank, const struct ref_measure *m, int enable, struct ref_evidence *evidence) {
  ref_update_by(gauss_update, bank, m, enable, evidence);
}

void ref_update_by(ref_method method, struct ref_bank *bank, const struct ref_measure *m, int enable,
                   struct ref_evidence *evidence) {
  struct ref_bank next = *bank;
  long double sum = 0.0L, best = -INFINITY;
  double unused[REF_COMPONENTS_MAX];
  memset(evidence, 0, sizeof *evidence);
  evidence->distance2 = INFINITY;
  for (int i = 0; i < bank->modes; i++) {
    double distance2;
    evidence->mode_log_likelihood[i] = method(m, &next.gauss[i], &distance2);
    best = fmaxl(best, evidence->mode_log_likelihood[i]);
    if (bank->weight[i] > 1e-7) evidence->distance2 = fmin(evidence->distance2, distance2);
  }
  for (int i = 0; i < bank->modes; i++) {
    const long double joint = bank->weight[i] * expl(evidence->mode_log_likelihood[i] - best);
    next.weight[i] = (double)joint;
    sum += joint;
  }
  weights_floor(bank->modes, next.weight);
  evidence->log_likelihood = (double)(best + logl(sum));
  for (int c = 0; c < ref_predicted(m, bank->gauss[0].x, unused); c++) evidence->dimension += m->present[c] != 0.0;
  if (enable) *bank = next;
}

void ref_moments(const struct ref_bank *bank, struct ref_gauss *moments) {
  struct ref_gauss part[REF_MODES_MAX] = {{.n = 6}};
  for (int m = 0; m < bank->modes; m++) {
    part[m] = bank->gauss[m];
    part[m].n = 6;
  }
  collapse(bank->modes, part, bank->weight, moments);
}
