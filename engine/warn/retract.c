#include "engine/warn/retract.h"

#include <math.h>

#include "engine/warn/cloud.h"

static const double stated_min = 0.5, lost_max = 0.05;
/* Chi-square, 2 degrees of freedom, 99 %. */
static const double region_99 = 9.2103;
static const double radians = 0.017453292519943295;

static double share_of(const struct impact_estimate *impact, uint16_t region) {
  for (uint32_t i = 0; i < impact->region_count; i++) {
    if (impact->regions[i] == region) return impact->shares[i];
  }
  return 0;
}

uint32_t areas_lost(struct areas_stated *stated, const struct impact_estimate *now) {
  uint32_t kept = 0, lost = 0;
  for (uint32_t i = 0; i < stated->count; i++) {
    if (share_of(now, stated->region[i]) >= lost_max) {
      stated->region[kept++] = stated->region[i];
    } else {
      lost++;
    }
  }
  stated->count = kept;
  for (uint32_t i = 0; i < now->region_count && now->shares[i] >= stated_min; i++) {
    bool known = false;
    for (uint32_t k = 0; k < stated->count; k++) known |= stated->region[k] == now->regions[i];
    if (!known && stated->count < AREAS_STATED_MAX) stated->region[stated->count++] = now->regions[i];
  }
  return lost;
}

bool impact_moved(const struct ground_estimate *last, const struct ground_estimate *now) {
  struct ground_plane plane;
  double from[3], to[3], east, north;
  wk_ecef_from_geodetic(last->lat_deg * radians, last->lon_deg * radians, 0, from);
  wk_ecef_from_geodetic(now->lat_deg * radians, now->lon_deg * radians, 0, to);
  plane_at(from, &plane);
  plane_from(&plane, to, &east, &north);
  double sine = wk_sin(last->orientation_deg * radians), cosine = wk_cos(last->orientation_deg * radians);
  double along = (east * sine + north * cosine) / fmax(last->semi_major_m, 1);
  double across = (east * cosine - north * sine) / fmax(last->semi_minor_m, 1);
  return along * along + across * across > region_99;
}
