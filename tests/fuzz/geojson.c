/* Any bytes as a file of named areas: what is taken is bounded and every area can be asked about any place.
 */
#include <math.h>

#include "engine/base/check.h"
#include "engine/warn/regions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct regions regions;
  struct weft_error err = {""};
  if (regions_parse(&regions, (const char *)data, size, "fuzz", &err) < 0) {
    weft_assert(err.text[0] != 0 && regions.count == 0);
    return 0;
  }
  weft_assert(regions.count <= REGIONS_MAX && regions.point_count <= REGION_POINTS_MAX);
  for (uint32_t r = 0; r < regions.count; r++) {
    const struct region *region = &regions.region[r];
    weft_assert(isfinite(region->lon_min) && isfinite(region->lon_max) && region->lat_min >= -90 &&
                region->lat_max <= 90);
    weft_assert(region->ring_first + region->ring_count <= regions.ring_count);
    for (double lon_deg = -180; lon_deg <= 180; lon_deg += 90) (void)region_holds(&regions, r, lon_deg, 45);
    weft_assert(!region_holds(&regions, r, region->lon_min, region->lat_max + 1));
  }
  regions_free(&regions);
  return 0;
}
