#include "kernels/ref/ref_gauss.h"

#include <math.h>

#include "kernels/ref/ref_filter.h"

void ref_gauss_move(enum wk_mode mode, struct ref_gauss *s, double dt_s, double accel_mps2,
                    const struct wk_tuning *tuning, ref_density density) {
  ref_gauss_predict(mode, s, dt_s, dt_s > 0, tuning, density);
  const double span = fabs(dt_s), psd = accel_mps2 * accel_mps2 * span;
  for (int c = 0; c < 3; c++) {
    s->p[c][c] += psd * span * span * span / 3;
    s->p[c][3 + c] += psd * span * dt_s / 2;
    s->p[3 + c][c] += psd * span * dt_s / 2;
    s->p[3 + c][3 + c] += psd * span;
  }
}

double ref_gauss_distance(const struct ref_gauss *a, const struct ref_gauss *b, double *log_likelihood) {
  double sum[REF_N_MAX][REF_N_MAX], inverse[REF_N_MAX][REF_N_MAX], distance2 = 0;
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) sum[i][j] = a->p[i][j] + b->p[i][j];
  }
  const double determinant = ref_invert(6, sum, inverse);
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) distance2 += (a->x[i] - b->x[i]) * inverse[i][j] * (a->x[j] - b->x[j]);
  }
  *log_likelihood = -0.5 * (6 * log(2 * 3.14159265358979323846) + log(determinant) + distance2);
  return distance2;
}

double ref_gauss_blend(const struct ref_gauss *a, const struct ref_gauss *b, double weight, struct ref_gauss *out) {
  const struct ref_gauss *of[2] = {a, b};
  long double p[REF_N_MAX][REF_N_MAX], inverse[2][REF_N_MAX][REF_N_MAX], c[REF_N_MAX][REF_N_MAX];
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 6; j++) p[i][j] = of[k]->p[i][j];
    }
    ref_invert_long(6, (const long double(*)[REF_N_MAX])p, inverse[k]);
  }
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) c[i][j] = weight * inverse[0][i][j] + (1 - weight) * inverse[1][i][j];
  }
  const long double determinant = ref_invert_long(6, (const long double(*)[REF_N_MAX])c, p);
  long double pull[6] = {0};
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) pull[i] += (1 - weight) * inverse[1][i][j] * ((long double)b->x[j] - a->x[j]);
  }
  for (int i = 0; i < 6; i++) {
    long double x = a->x[i];
    for (int j = 0; j < 6; j++) {
      x += p[i][j] * pull[j];
      out->p[i][j] = (double)p[i][j];
    }
    out->x[i] = (double)x;
  }
  out->n = 6;
  return (double)-logl(determinant);
}

double ref_gauss_weight(const struct ref_gauss *a, const struct ref_gauss *b) {
  enum { CELLS = 400, HALVINGS = 40 };
  struct ref_gauss out;
  int best = 0;
  double least = INFINITY;
  for (int i = 0; i <= CELLS; i++) {
    const double value = ref_gauss_blend(a, b, (double)i / CELLS, &out);
    if (value < least) {
      least = value;
      best = i;
    }
  }
  double low = fmax(0.0, (best - 1.0) / CELLS), high = fmin(1.0, (best + 1.0) / CELLS);
  for (int i = 0; i < HALVINGS; i++) {
    const double third = (high - low) / 3;
    if (ref_gauss_blend(a, b, low + third, &out) < ref_gauss_blend(a, b, high - third, &out)) {
      high -= third;
    } else {
      low += third;
    }
  }
  return 0.5 * (low + high);
}
