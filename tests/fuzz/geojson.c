/* Bytes as a file of named areas, and areas drawn with coordinates that the input chooses: what is taken is
 * bounded, its boxes hold its points, and every area can be asked about any place. */
// length: 96
#include <stdio.h>

#include "engine/warn/regions.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_json.h"

enum { TEXT_MAX = 16384, FEATURE_ROOM = 1024, RINGS_MAX = 3, POINTS_MAX = 8 };

/* Whole degrees, mostly; some places where longitudes and latitudes end, and beyond. */
static int coordinate_put(struct input *in, char *to, size_t room) {
  static const char *const ends[] = {"-540", "-360",  "-180",  "-90",  "90",           "180",    "360",
                                     "540",  "540.5", "1e300", "-0.0", "179.99999999", "1e-300", "-89.5"};
  uint8_t step = input_u8(in);
  if (step >= 256 - (int)(sizeof ends / sizeof ends[0])) return snprintf(to, room, "%s", ends[255 - step]);
  return snprintf(to, room, "%d", step - 120);
}

static int ring_draw(struct input *in, char *to, size_t room) {
  char first[64] = "", point[64];
  int used = snprintf(to, room, "[");
  uint32_t count = input_u8(in) % POINTS_MAX;
  for (uint32_t i = 0; i < count; i++) {
    int length = 0;
    point[length++] = '[';
    length += coordinate_put(in, point + length, sizeof point - (size_t)length);
    point[length++] = ',';
    length += coordinate_put(in, point + length, sizeof point - (size_t)length);
    memcpy(point + length, "],", 3);
    if (i == 0) memcpy(first, point, (size_t)length + 1);
    memcpy(to + used, point, (size_t)length + 2);
    used += length + 2;
  }
  return used + snprintf(to + used, room - (size_t)used, "%s]", count ? first : "[0,0]");
}

static int rings_draw(struct input *in, char *to, size_t room) {
  uint32_t count = 1 + input_u8(in) % RINGS_MAX;
  int used = snprintf(to, room, "[");
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) to[used++] = ',';
    used += ring_draw(in, to + used, room - (size_t)used);
  }
  return used + snprintf(to + used, room - (size_t)used, "]");
}

/* What may stand in a feature besides what belongs there; the first of each is right. */
static const char *const types[] = {"\"Feature\"", "\"Featur\"", "3"};
static const char *const properties[] = {
    "{\"name\":\"n\"}", "{\"name\":\"\"}", "{\"name\":7}", "null",
    "{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}"};
static const char *const shapes[] = {"\"Polygon\"", "\"MultiPolygon\"", "\"Point\"", "[]"};
static const char *const odd_rings[] = {"[]", "3", "[[[\"x\",0],[1,1],[2,2],[3,3]]]",
                                        "[[[0],[1,1],[2,2],[0]]]", "[7]"};
#define CHOOSE(list, how) list[(how) % (sizeof(list) / sizeof(list)[0])]

/* A collection of polygons whose text is always good JSON; whether it means anything is the input's. */
static size_t areas_draw(struct input *in, char *text) {
  uint8_t top = input_u8(in);
  size_t used = (size_t)snprintf(text, TEXT_MAX, "{\"type\":\"%s\",\"features\":%s",
                                 top == 255 ? "Collection" : "FeatureCollection", top == 254 ? "{}}" : "[");
  for (uint32_t n = 0; top != 254 && in->left > 0 && used < TEXT_MAX - 3 * FEATURE_ROOM; n++) {
    uint8_t how = input_u8(in), odd = how >= 0xe0 ? input_u8(in) : 0;
    const char *shape = odd & 16 ? CHOOSE(shapes, odd) : shapes[how & 1];
    bool several = shape == shapes[1];
    used += (size_t)snprintf(text + used, TEXT_MAX - used,
                             "%s{\"type\":%s,\"properties\":%s,\"geometry\":{\"type\":%s,\"coordinates\":%s",
                             n ? "," : "", odd & 32 ? CHOOSE(types, odd) : types[0],
                             odd & 64 ? CHOOSE(properties, odd) : properties[0], shape, several ? "[" : "");
    if (odd & 128)
      used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s", CHOOSE(odd_rings, odd));
    else
      used += (size_t)rings_draw(in, text + used, TEXT_MAX - used);
    if (several) {
      text[used++] = ',';
      used += (size_t)rings_draw(in, text + used, TEXT_MAX - used);
      text[used++] = ']';
    }
    used += (size_t)snprintf(text + used, TEXT_MAX - used, "}}");
  }
  return top == 254 ? used : used + (size_t)snprintf(text + used, TEXT_MAX - used, "]}");
}

static void region_check(const struct regions *regions, uint32_t index, double lon_deg, double lat_deg) {
  const struct region *region = &regions->region[index];
  weft_assert(regions->name[index][0] != 0 && memchr(regions->name[index], 0, sizeof *regions->name));
  weft_assert(isfinite(region->lon_min) && isfinite(region->lon_max) && region->lon_min <= region->lon_max);
  weft_assert(region->lat_min >= -90 && region->lat_max <= 90 && region->lat_min <= region->lat_max);
  weft_assert(region->ring_first + region->ring_count <= regions->ring_count && region->ring_count > 0);
  for (uint32_t k = region->ring_first; k < region->ring_first + region->ring_count; k++) {
    const struct ring *ring = &regions->ring[k];
    weft_assert(ring->point_first + ring->point_count <= regions->point_count && ring->point_count >= 3);
    for (uint32_t p = ring->point_first; p < ring->point_first + ring->point_count; p++) {
      const double *at = regions->point[p];
      weft_assert(at[0] >= region->lon_min && at[0] <= region->lon_max && at[1] >= region->lat_min &&
                  at[1] <= region->lat_max);
    }
  }
  bool held = region_holds(regions, index, lon_deg, lat_deg);
  weft_assert(!held || (lat_deg >= region->lat_min && lat_deg <= region->lat_max));
  weft_assert(!region_holds(regions, index, lon_deg, region->lat_max + 1));
  double turns = ceil((region->lon_min - lon_deg) / 360);
  weft_assert(!held || lon_deg + 360 * turns <= region->lon_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[TEXT_MAX];
  struct input in = {data, size};
  struct regions regions;
  struct weft_error err = {""};
  uint8_t choice = input_u8(&in);
  double lon_deg = choice * 1.40625 - 180, lat_deg = choice % 13 * 15 - 90;
  bool drawn = choice & 1;
  size_t length = drawn ? areas_draw(&in, text) : in.left;
  weft_assert(length < TEXT_MAX || !drawn);
  fuzz_json_begin();
  int rc = regions_parse(&regions, drawn ? text : (const char *)in.at, length, "fuzz", &err);
  fuzz_json_end();
  if (rc < 0) {
    weft_assert(err.text[0] != 0 && regions.count == 0 && !regions.point);
    return 0;
  }
  weft_assert(regions.count <= REGIONS_MAX && regions.point_count <= REGION_POINTS_MAX);
  for (uint32_t r = 0; r < regions.count; r++) region_check(&regions, r, lon_deg, lat_deg);
  regions_free(&regions);
  return 0;
}
