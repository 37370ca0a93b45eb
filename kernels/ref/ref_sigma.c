#include "kernels/ref/ref_sigma.h"

#include <math.h>
#include <string.h>

typedef double matrix[REF_N_MAX][REF_N_MAX];
static const double turn = 6.283185307179586476925286766559;

/* Lower triangular root of the leading k x k. */
static void root_lower(int k, const matrix p, matrix l) {
  memset(l, 0, sizeof(matrix));
  for (int j = 0; j < k; j++) {
    for (int i = j; i < k; i++) {
      long double sum = p[i][j];
      for (int c = 0; c < j; c++) sum -= (long double)l[i][c] * l[j][c];
      l[i][j] = i == j ? (double)sqrtl(sum) : (double)(sum / l[j][j]);
    }
  }
}

/* Mean and covariance of the present components of `part` over k states, and their covariance with those. */
static int transform(const struct ref_measure *part, const struct ref_gauss *s, int k, double *innovation, matrix spread,
                     matrix cross) {
  double centre[REF_COMPONENTS_MAX], z[REF_COMPONENTS_MAX], x[REF_N_MAX], d[2 * REF_N_MAX][REF_COMPONENTS_MAX],
      mean[REF_COMPONENTS_MAX] = {0};
  int which[REF_COMPONENTS_MAX], rows = 0;
  matrix l;
  const int components = ref_predicted(part, s->x, centre);
  root_lower(k, s->p, l);
  for (int c = 0; c < components; c++) {
    if (part->present[c] != 0.0) which[rows++] = c;
  }
  for (int point = 0; point < 2 * k; point++) {
    const double side = point % 2 ? -sqrt(k) : sqrt(k);
    memcpy(x, s->x, sizeof x);
    for (int i = 0; i < k; i++) x[i] += side * l[i][point / 2];
    ref_predicted(part, x, z);
    for (int r = 0; r < rows; r++) {
      d[point][r] = ref_component_minus(part, which[r], z[which[r]], centre[which[r]]);
      mean[r] += d[point][r] / (2.0 * k);
    }
  }
  memset(spread, 0, sizeof(matrix));
  memset(cross, 0, sizeof(matrix));
  for (int r = 0; r < rows; r++) {
    innovation[r] = ref_component_minus(part, which[r], part->z[which[r]], centre[which[r]]) - mean[r];
    for (int c = 0; c < rows; c++) {
      for (int point = 0; point < 2 * k; point++) spread[r][c] += (d[point][r] - mean[r]) * (d[point][c] - mean[c]) / (2.0 * k);
      spread[r][c] += 2.0 * mean[r] * mean[c] + (r == c ? part->variance[which[r]] : 0.0);
    }
    for (int i = 0; i < k; i++) {
      for (int point = 0; point < 2 * k; point++) {
        cross[i][r] += (point % 2 ? -sqrt(k) : sqrt(k)) * l[i][point / 2] * d[point][r] / (2.0 * k);
      }
    }
  }
  return rows;
}

/* Covariance of the states beyond k with the measurement: by regression on the first k. */
static void regress(const struct ref_gauss *s, int k, int rows, matrix cross) {
  matrix seen = {{0}}, inverse = {{0}};
  for (int i = 0; i < k; i++) {
    for (int j = 0; j < k; j++) seen[i][j] = s->p[i][j];
  }
  ref_invert(k, (const double(*)[REF_N_MAX])seen, inverse);
  for (int i = k; i < s->n; i++) {
    for (int r = 0; r < rows; r++) {
      cross[i][r] = 0.0;
      for (int a = 0; a < k; a++) {
        for (int b = 0; b < k; b++) cross[i][r] += s->p[i][a] * inverse[a][b] * cross[b][r];
      }
    }
  }
}

static double part_update(const struct ref_measure *part, struct ref_gauss *s, int k, double *distance2) {
  double innovation[REF_COMPONENTS_MAX];
  matrix spread, cross, inverse = {{0}}, gain = {{0}};
  const int rows = transform(part, s, k, innovation, spread, cross);
  regress(s, k, rows, cross);
  const double determinant = rows ? ref_invert(rows, (const double(*)[REF_N_MAX])spread, inverse) : 1.0;
  double distance = 0.0;
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < rows; c++) distance += innovation[r] * inverse[r][c] * innovation[c];
  }
  for (int i = 0; i < s->n; i++) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < rows; c++) gain[i][r] += cross[i][c] * inverse[c][r];
      s->x[i] += gain[i][r] * innovation[r];
    }
  }
  for (int i = 0; i < s->n; i++) {
    for (int j = 0; j < s->n; j++) {
      for (int r = 0; r < rows; r++) s->p[i][j] -= gain[i][r] * cross[j][r];
    }
  }
  *distance2 += distance;
  return -0.5 * (rows * log(turn) + log(determinant) + distance);
}

double ref_gauss_update_sigma(const struct ref_measure *m, struct ref_gauss *s, double *distance2) {
  struct ref_measure place = *m, rate = *m;
  *distance2 = 0.0;
  if (m->kind != WK_RADAR) return part_update(m, s, 3, distance2);
  place.present[3] = 0.0;
  memset(rate.present, 0, sizeof rate.present);
  rate.present[3] = m->present[3];
  const double first = part_update(&place, s, 3, distance2);
  return first + part_update(&rate, s, 6, distance2);
}
