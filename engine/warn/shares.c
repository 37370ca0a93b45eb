#include "engine/warn/shares.h"

#include <math.h>

static const double share_least = 0.001;

/* Fibonacci's spiral in the unit disc (equal areas), stretched radially to the normal distribution. */
void share_points_make(struct share_points *points) {
  const double golden = 2.399963229728653;
  for (int i = 0; i < SHARE_POINTS; i++) {
    double radius = sqrt(-2 * wk_log(1 - ((double)i + 0.5) / SHARE_POINTS)), angle = golden * i;
    points->x[i] = radius * wk_cos(angle);
    points->y[i] = radius * wk_sin(angle);
  }
}

/* Longitude and latitude of every point of one Gaussian, and the box about them. */
struct scatter {
  double lon[SHARE_POINTS], lat[SHARE_POINTS], lat_min, lat_max;
};

static void scatter_make(const struct share_points *points, const struct ground_plane *plane,
                         const struct ground_gauss *g, struct scatter *out) {
  const double *c = g->covariance;
  double l00 = sqrt(c[0]), l10 = c[1] / l00, l11 = sqrt(fmax(c[3] - l10 * l10, 0));
  out->lat_min = 90;
  out->lat_max = -90;
  for (int i = 0; i < SHARE_POINTS; i++) {
    double east = g->mean[0] + l00 * points->x[i],
           north = g->mean[1] + l10 * points->x[i] + l11 * points->y[i];
    plane_to(plane, east, north, &out->lat[i], &out->lon[i]);
    out->lat_min = fmin(out->lat_min, out->lat[i]);
    out->lat_max = fmax(out->lat_max, out->lat[i]);
  }
}

static void share_put(struct impact_estimate *out, uint32_t region, double probability) {
  uint32_t at = out->region_count;
  while (at > 0 && out->shares[at - 1] < probability) at--;
  if (at == REPORT_REGIONS_MAX) return;
  uint32_t last = out->region_count < REPORT_REGIONS_MAX ? out->region_count++ : REPORT_REGIONS_MAX - 1;
  for (uint32_t i = last; i > at; i--) {
    out->shares[i] = out->shares[i - 1];
    out->regions[i] = out->regions[i - 1];
  }
  out->shares[at] = probability;
  out->regions[at] = (uint16_t)region;
}

void shares_find(const struct share_points *points, const struct regions *regions,
                 const struct flight_impact *impact, struct impact_estimate *out) {
  struct scatter scatter[FLIGHT_PARTS];
  out->region_count = 0;
  if (regions->count == 0) return;
  for (uint32_t k = 0; k < impact->count; k++)
    scatter_make(points, &impact->plane, &impact->parts[k], &scatter[k]);
  for (uint32_t r = 0; r < regions->count; r++) {
    double probability = 0;
    for (uint32_t k = 0; k < impact->count; k++) {
      const struct scatter *s = &scatter[k];
      if (s->lat_max < regions->region[r].lat_min || s->lat_min > regions->region[r].lat_max) continue;
      int inside = 0;
      for (int i = 0; i < SHARE_POINTS; i++) inside += region_holds(regions, r, s->lon[i], s->lat[i]);
      probability += impact->parts[k].weight * inside / SHARE_POINTS;
    }
    if (probability >= share_least) share_put(out, r, probability);
  }
}
