/* Named areas from a GeoJSON file (RFC 7946): which of them holds a place. Polygon and MultiPolygon features,
 * with holes; the name is the string property "name". Edges are straight in longitude and latitude. A ring
 * may cross the antimeridian, either with longitudes that run on past 180 or that jump there. Read-only after
 * loading. */
#ifndef WEFT_WARN_REGIONS_H
#define WEFT_WARN_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/site.h"

enum { REGIONS_MAX = 4096, REGION_POINTS_MAX = 1 << 20, REGION_FILE_MAX = 128 << 20 };

struct region {
  uint32_t ring_first, ring_count;           /* outer rings and holes alike */
  double lon_min, lon_max, lat_min, lat_max; /* degrees, longitudes unwrapped */
};

struct ring {
  uint32_t point_first, point_count; /* the first point is not repeated at the end */
};

struct regions {
  uint32_t count, ring_count, point_count;
  struct region *region;
  char (*name)[SITE_NAME_MAX]; /* of each */
  struct ring *ring;
  double (*point)[2]; /* longitude, latitude, degrees */
};

/* 0, or a negative errno with file and place in the error; `regions` is then empty. */
int regions_load(struct regions *regions, const char *path, struct weft_error *err);
/* The same from memory; `name` stands for the file in errors. */
int regions_parse(struct regions *regions, const char *text, size_t size, const char *name,
                  struct weft_error *err);
void regions_free(struct regions *regions);

/* Degrees; longitude -180 to 180. Even-odd over the rings, so that a hole is outside. */
bool region_holds(const struct regions *regions, uint32_t index, double lon_deg, double lat_deg);

#endif
