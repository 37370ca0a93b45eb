#include "engine/warn/regions.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* Where in the file the reader is, for messages. */
struct reader {
  struct regions *regions;
  const char *file;
  size_t feature, polygon, ring;
  struct weft_error *err;
};

static int refuse(const struct reader *r, const char *what) {
  return weft_fail(r->err, -EINVAL, "%s: feature %zu, polygon %zu, ring %zu: %s", r->file, r->feature + 1,
                   r->polygon + 1, r->ring + 1, what);
}

/* Room for one more item; capacities are powers of two from 16 on. */
static void *grown(void *items, uint32_t count, size_t size) {
  if (count & (count - 1)) return items;
  if (count && count < 16) return items;
  return realloc(items, (count ? 2 * (size_t)count : 16) * size);
}

static int point_add(struct reader *r, double lon, double lat) {
  struct regions *regions = r->regions;
  if (regions->point_count == REGION_POINTS_MAX)
    return refuse(r, "more points than the 1048576 that weft holds; simplify the areas");
  void *points = grown(regions->point, regions->point_count, sizeof *regions->point);
  if (!points) return refuse(r, "out of memory");
  regions->point = points;
  regions->point[regions->point_count][0] = lon;
  regions->point[regions->point_count][1] = lat;
  regions->point_count++;
  return 0;
}

static int position_read(const struct reader *r, const json_t *position, double *lon, double *lat) {
  const json_t *x = json_array_get(position, 0), *y = json_array_get(position, 1);
  if (!json_is_number(x) || !json_is_number(y)) return refuse(r, "a position must be [longitude, latitude]");
  *lon = json_number_value(x);
  *lat = json_number_value(y);
  if (!(fabs(*lon) <= 540)) return refuse(r, "a longitude lies outside -540 to 540 degrees");
  if (!(fabs(*lat) <= 90)) return refuse(r, "a latitude lies outside -90 to 90 degrees");
  return 0;
}

/* Longitudes that jump by more than half a turn cross the antimeridian: the ring is written on beyond it. A
 * ring that then does not close goes round a pole; it is taken as drawn where it runs along that pole, else
 * refused. */
static int ring_unwrap(const struct reader *r, const struct ring *ring) {
  double(*p)[2] = r->regions->point + ring->point_first, turns = 0;
  bool polar = false;
  for (uint32_t i = 0; i < ring->point_count; i++) {
    double step = p[(i + 1) % ring->point_count][0] - p[i][0];
    if (step > 180) turns -= 1;
    if (step < -180) turns += 1;
    polar |= fabs(p[i][1]) == 90;
  }
  if (turns != 0 && polar) return 0;
  if (turns != 0)
    return refuse(r, "goes round a pole; lead it along latitude 90 or -90 from longitude 180 to -180");
  double shift = 0, before = p[0][0];
  for (uint32_t i = 1; i < ring->point_count; i++) {
    double here = p[i][0];
    if (here - before > 180) shift -= 360;
    if (here - before < -180) shift += 360;
    before = here;
    p[i][0] = here + shift;
  }
  return 0;
}

static int ring_read(struct reader *r, const json_t *positions) {
  struct regions *regions = r->regions;
  size_t count = json_array_size(positions);
  if (count < 4) return refuse(r, "must have at least four positions");
  void *rings = grown(regions->ring, regions->ring_count, sizeof *regions->ring);
  if (!rings) return refuse(r, "out of memory");
  regions->ring = rings;
  struct ring *ring = &regions->ring[regions->ring_count++];
  *ring = (struct ring){.point_first = regions->point_count};
  double first[2] = {0}, lon = 0, lat = 0;
  for (size_t i = 0; i < count; i++) {
    int rc = position_read(r, json_array_get(positions, i), &lon, &lat);
    if (rc < 0) return rc;
    if (i == 0) first[0] = lon, first[1] = lat;
    if (i + 1 < count && (rc = point_add(r, lon, lat)) < 0) return rc;
  }
  if (lon != first[0] || lat != first[1])
    return refuse(r, "is not closed: the last position must repeat the first");
  ring->point_count = (uint32_t)count - 1;
  return ring_unwrap(r, ring);
}

/* Holes and further polygons are brought to the turn of longitude in which the region began, so that one box
 * holds them all. */
static void ring_align(struct regions *regions, const struct region *region, const struct ring *ring) {
  double(*p)[2] = regions->point + ring->point_first;
  double middle = regions->point[regions->ring[region->ring_first].point_first][0];
  double shift = 360 * floor((middle - p[0][0]) / 360 + 0.5);
  for (uint32_t i = 0; i < ring->point_count; i++) p[i][0] += shift;
}

static int polygon_read(struct reader *r, struct region *region, const json_t *rings) {
  if (!json_is_array(rings) || json_array_size(rings) == 0)
    return refuse(r, "a polygon must be a list of rings");
  for (r->ring = 0; r->ring < json_array_size(rings); r->ring++) {
    int rc = ring_read(r, json_array_get(rings, r->ring));
    if (rc < 0) return rc;
    region->ring_count++;
    ring_align(r->regions, region, &r->regions->ring[r->regions->ring_count - 1]);
  }
  r->ring = 0;
  return 0;
}

static void region_box(const struct regions *regions, struct region *region) {
  region->lon_min = region->lat_min = 1e9;
  region->lon_max = region->lat_max = -1e9;
  for (uint32_t k = 0; k < region->ring_count; k++) {
    const struct ring *ring = &regions->ring[region->ring_first + k];
    for (uint32_t i = 0; i < ring->point_count; i++) {
      const double *p = regions->point[ring->point_first + i];
      region->lon_min = fmin(region->lon_min, p[0]), region->lon_max = fmax(region->lon_max, p[0]);
      region->lat_min = fmin(region->lat_min, p[1]), region->lat_max = fmax(region->lat_max, p[1]);
    }
  }
}

static int feature_read(struct reader *r, const json_t *feature) {
  struct regions *regions = r->regions;
  const char *type = json_string_value(json_object_get(feature, "type"));
  const char *name = json_string_value(json_object_get(json_object_get(feature, "properties"), "name"));
  const json_t *geometry = json_object_get(feature, "geometry"),
               *coordinates = json_object_get(geometry, "coordinates");
  const char *shape = json_string_value(json_object_get(geometry, "type"));
  r->polygon = r->ring = 0;
  if (!type || strcmp(type, "Feature") != 0) return refuse(r, "must be a Feature");
  if (!name || !*name || strlen(name) >= SITE_NAME_MAX)
    return refuse(r, "needs a property \"name\" of 1 to 63 bytes");
  if (!shape || (strcmp(shape, "Polygon") != 0 && strcmp(shape, "MultiPolygon") != 0)) {
    return refuse(r, "its geometry must be a Polygon or a MultiPolygon");
  }
  if (regions->count == REGIONS_MAX)
    return refuse(r, "more areas than the 4096 that weft holds; leave some out");
  void *all = grown(regions->region, regions->count, sizeof *regions->region);
  if (all) regions->region = all;
  void *names = all ? grown(regions->name, regions->count, sizeof *regions->name) : NULL;
  if (!names) return refuse(r, "out of memory");
  regions->name = names;
  snprintf(regions->name[regions->count], sizeof *regions->name, "%s", name);
  struct region *region = &regions->region[regions->count++];
  *region = (struct region){.ring_first = regions->ring_count};
  int rc = 0;
  if (strcmp(shape, "Polygon") == 0) {
    rc = polygon_read(r, region, coordinates);
  } else {
    if (json_array_size(coordinates) == 0) return refuse(r, "a MultiPolygon must be a list of polygons");
    for (; r->polygon < json_array_size(coordinates) && rc == 0; r->polygon++) {
      rc = polygon_read(r, region, json_array_get(coordinates, r->polygon));
    }
  }
  if (rc == 0) region_box(regions, region);
  return rc;
}

int regions_parse(struct regions *regions, const char *text, size_t size, const char *name,
                  struct weft_error *err) {
  memset(regions, 0, sizeof *regions);
  json_error_t at;
  json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
  if (!root) return weft_fail(err, -EINVAL, "%s:%d: not valid JSON: %s", name, at.line, at.text);
  struct reader reader = {.regions = regions, .file = name, .err = err};
  const char *type = json_string_value(json_object_get(root, "type"));
  const json_t *features = json_object_get(root, "features");
  int rc = 0;
  if (type && strcmp(type, "Feature") == 0) {
    rc = feature_read(&reader, root);
  } else if (type && strcmp(type, "FeatureCollection") == 0 && json_is_array(features)) {
    for (; reader.feature < json_array_size(features) && rc == 0; reader.feature++) {
      rc = feature_read(&reader, json_array_get(features, reader.feature));
    }
  } else {
    rc = weft_fail(err, -EINVAL, "%s: must be a GeoJSON FeatureCollection or Feature", name);
  }
  json_decref(root);
  if (rc < 0) regions_free(regions);
  return rc;
}

int regions_load(struct regions *regions, const char *path, struct weft_error *err) {
  memset(regions, 0, sizeof *regions);
  FILE *file = fopen(path, "rb");
  if (!file)
    return weft_fail(err, -errno, "regions %s: %s; give the path of a GeoJSON file or leave the key out",
                     path, strerror(errno));
  size_t size = 0, room = 1 << 16, got;
  char *text = malloc(room);
  int rc = text ? 0 : -ENOMEM;
  while (rc == 0 && (got = fread(text + size, 1, room - size, file)) > 0) {
    size += got;
    if (size < room) continue;
    char *more = room < REGION_FILE_MAX ? realloc(text, 2 * room) : NULL;
    if (more) {
      text = more;
      room *= 2;
    } else {
      rc = room < REGION_FILE_MAX ? -ENOMEM : -EFBIG;
    }
  }
  if (rc == 0 && ferror(file)) rc = -EIO;
  (void)fclose(file);
  if (rc < 0) {
    weft_fail(err, rc, "regions %s: cannot be read: %s", path, strerror(-rc));
  } else {
    rc = regions_parse(regions, text, size, path, err);
  }
  free(text);
  return rc;
}

void regions_free(struct regions *regions) {
  free(regions->region);
  free(regions->name);
  free(regions->ring);
  free(regions->point);
  memset(regions, 0, sizeof *regions);
}

static bool ring_crossed(const double (*p)[2], uint32_t count, double lon, double lat) {
  bool inside = false;
  for (uint32_t i = 0, j = count - 1; i < count; j = i++) {
    if ((p[i][1] > lat) == (p[j][1] > lat)) continue;
    double at = p[i][0] + (lat - p[i][1]) / (p[j][1] - p[i][1]) * (p[j][0] - p[i][0]);
    inside ^= lon < at;
  }
  return inside;
}

bool region_holds(const struct regions *regions, uint32_t index, double lon_deg, double lat_deg) {
  const struct region *region = &regions->region[index];
  if (lat_deg < region->lat_min || lat_deg > region->lat_max) return false;
  /* Every turn of longitude in which the box could hold the place. */
  double lon = lon_deg + 360 * ceil((region->lon_min - lon_deg) / 360);
  while (lon <= region->lon_max) {
    bool inside = false;
    for (uint32_t k = 0; k < region->ring_count; k++) {
      const struct ring *ring = &regions->ring[region->ring_first + k];
      inside ^= ring_crossed((const double(*)[2])(regions->point + ring->point_first), ring->point_count, lon,
                             lat_deg);
    }
    if (inside) return true;
    lon += 360;
  }
  return false;
}
