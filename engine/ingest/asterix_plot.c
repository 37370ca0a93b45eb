/* Category 048, edition 1.32: its profile, and the fields of a plot. */
#include <string.h>

#include "engine/ingest/asterix.h"
#include "engine/ingest/asterix_item.h"
#include "engine/ingest/wire.h"

#define NM_M 1852.0
#define FOOT_M 0.3048
#define PI 3.14159265358979323846

#define FIXED(n) {SHAPE_FIXED, n, NULL}
#define EXTENDED {SHAPE_EXTENDED, 0, NULL}
#define REPEAT(n) {SHAPE_REPEAT, n, NULL}
#define EXPLICIT {SHAPE_EXPLICIT, 0, NULL}
#define COMPOUND(parts) {SHAPE_COMPOUND, sizeof(parts) / sizeof(parts)[0], parts}

static const struct asterix_form doppler_parts[] = {FIXED(2), REPEAT(6)};
static const struct asterix_form characteristic_parts[] = {FIXED(1), FIXED(1), FIXED(1), FIXED(1),
                                                           FIXED(1), FIXED(1), FIXED(1)};

/* Places in the profile of the items that are read. */
enum {
  ITEM_SOURCE = 0,
  ITEM_TIME = 1,
  ITEM_DESCRIPTOR = 2,
  ITEM_POSITION = 3,
  ITEM_MODE3A = 4,
  ITEM_LEVEL = 5,
  ITEM_ADDRESS = 7,
  ITEM_TRACK = 10,
  ITEM_HEIGHT_3D = 18,
  ITEM_DOPPLER = 19,
  ITEM_EXPANSION = 27
};

static const struct asterix_form profile[] = {
    FIXED(2),                       /* 010 data source */
    FIXED(3),                       /* 140 time of day */
    EXTENDED,                       /* 020 target report descriptor */
    FIXED(4),                       /* 040 measured position, polar */
    FIXED(2),                       /* 070 Mode 3/A */
    FIXED(2),                       /* 090 flight level */
    COMPOUND(characteristic_parts), /* 130 radar plot characteristics */
    FIXED(3),                       /* 220 aircraft address */
    FIXED(6),                       /* 240 aircraft identification */
    REPEAT(8),                      /* 250 BDS register data */
    FIXED(2),                       /* 161 track number */
    FIXED(4),                       /* 042 calculated position */
    FIXED(4),                       /* 200 calculated velocity */
    EXTENDED,                       /* 170 track status */
    FIXED(4),                       /* 210 track quality */
    EXTENDED,                       /* 030 warning and error conditions */
    FIXED(2),                       /* 080 Mode 3/A confidence */
    FIXED(4),                       /* 100 Mode C and confidence */
    FIXED(2),                       /* 110 height measured by a 3-D radar */
    COMPOUND(doppler_parts),        /* 120 radial Doppler speed */
    FIXED(2),                       /* 230 communications capability and flight status */
    FIXED(7),                       /* 260 ACAS resolution advisory */
    FIXED(1),                       /* 055 Mode 1 */
    FIXED(2),                       /* 050 Mode 2 */
    FIXED(1),                       /* 065 Mode 1 confidence */
    FIXED(2),                       /* 060 Mode 2 confidence */
    EXPLICIT,                       /* SP */
    EXPLICIT,                       /* RE */
};

/* Reserved expansion field 1.13 up to the extended range: what stands before it has to be measured. */
static const struct asterix_form mode5_parts[] = {FIXED(1), FIXED(4), FIXED(6), FIXED(2), FIXED(2), FIXED(1), FIXED(1)};
static const struct asterix_form mode5_new_parts[] = {FIXED(1), FIXED(4), FIXED(6), FIXED(2),
                                                      FIXED(2), FIXED(1), FIXED(1), FIXED(1)};
static const struct asterix_form primary_parts[] = {FIXED(1), FIXED(2), FIXED(2), FIXED(2)};
static const struct asterix_form expansion[] = {COMPOUND(mode5_parts), COMPOUND(mode5_new_parts), EXTENDED,
                                                COMPOUND(primary_parts), FIXED(3)};
enum { EXPANSION_RANGE = 4, EXPANSION_PARTS = 5 };

/* Finds the extended range in the expansion field: a length, one octet of presence bits without FX, then the parts. A
 * field that does not add up has no range, and harms nothing else because its length is explicit. */
static bool expansion_range(const uint8_t *data, uint32_t size, double *range_m) {
  if (size < 2) return false;
  uint32_t at = 2;
  for (uint32_t i = 0; i < EXPANSION_PARTS; i++) {
    if (!(data[1] & (0x80u >> i))) continue;
    uint32_t part;
    if (!asterix_item_measure(&expansion[i], data + at, size - at, &part)) return false;
    if (i == EXPANSION_RANGE) {
      *range_m = asterix_u24(data + at) * (NM_M / 256);
      return true;
    }
    at += part;
  }
  return false;
}

struct plot_reading {
  struct asterix_plot *plot;
  bool has_expansion_range;
  double expansion_range_m;
};

static void descriptor_read(struct asterix_plot *plot, const uint8_t *data, uint32_t size) {
  plot->has_descriptor = true;
  plot->type = data[0] >> 5;
  plot->simulated = data[0] & 0x10;
  plot->chain_2 = data[0] & 0x08;
  plot->special_position = data[0] & 0x04;
  plot->field_monitor = data[0] & 0x02;
  if (size < 2) return;
  plot->test = data[1] & 0x80;
  plot->extended_range = data[1] & 0x40;
}

static void doppler_read(struct asterix_plot *plot, const uint8_t *data) {
  if (!(data[0] & 0x80) || data[1] & 0x80) return; /* no calculated speed, or a doubtful one */
  plot->has_doppler = true;
  plot->doppler_mps = asterix_signed(asterix_u16(data + 1), 10);
}

static void plot_item(void *context, uint32_t number, const uint8_t *data, uint32_t size) {
  struct plot_reading *reading = context;
  struct asterix_plot *plot = reading->plot;
  switch (number) {
  case ITEM_SOURCE:
    plot->has_source = true;
    plot->sac = data[0];
    plot->sic = data[1];
    break;
  case ITEM_TIME: plot->time_of_day = asterix_u24(data); break;
  case ITEM_DESCRIPTOR: descriptor_read(plot, data, size); break;
  case ITEM_POSITION:
    plot->has_position = true;
    plot->range_m = asterix_u16(data) * (NM_M / 256);
    plot->azimuth_rad = asterix_u16(data + 2) * (2 * PI / 65536);
    break;
  case ITEM_MODE3A:
    plot->has_mode3a = true;
    plot->mode3a = asterix_u16(data) & 0xfff;
    break;
  case ITEM_LEVEL:
    plot->has_level = true;
    plot->level_valid = !(data[0] & 0xc0); /* V: not validated, G: garbled */
    plot->level_m = asterix_signed(asterix_u16(data), 14) * (25 * FOOT_M);
    break;
  case ITEM_ADDRESS:
    plot->has_address = true;
    plot->address = asterix_u24(data);
    break;
  case ITEM_TRACK:
    plot->has_track = true;
    plot->track = asterix_u16(data) & 0xfff;
    break;
  case ITEM_HEIGHT_3D:
    plot->has_height_3d = true;
    plot->height_3d_m = asterix_signed(asterix_u16(data), 14) * (25 * FOOT_M);
    break;
  case ITEM_DOPPLER: doppler_read(plot, data); break;
  case ITEM_EXPANSION:
    reading->has_expansion_range = expansion_range(data, size, &reading->expansion_range_m);
    break;
  default: break;
  }
}

enum asterix_status asterix_plot_decode(const uint8_t *data, size_t size, struct asterix_plot *out, uint32_t *used) {
  memset(out, 0, sizeof *out);
  out->time_of_day = ASTERIX_TIME_NONE;
  struct plot_reading reading = {.plot = out};
  if (!asterix_items_walk(profile, sizeof profile / sizeof profile[0], data, size, plot_item, &reading, used))
    return ASTERIX_MALFORMED;
  if (out->has_position && reading.has_expansion_range) out->range_m = reading.expansion_range_m;
  else out->range_saturated = out->has_position && out->extended_range;
  return ASTERIX_OK;
}

static enum asterix_use plot_use(const struct asterix_plot *plot) {
  if (plot->test) return ASTERIX_USE_TEST;
  if (plot->field_monitor) return ASTERIX_USE_FIELD_MONITOR;
  if (!plot->has_descriptor || plot->type == 0) return ASTERIX_USE_NO_DETECTION;
  if (!plot->has_position || plot->range_saturated) return ASTERIX_USE_NO_POSITION;
  if (plot->time_of_day >= ASTERIX_DAY) return ASTERIX_USE_NO_TIME;
  return plot->simulated ? ASTERIX_USE_SIMULATED : ASTERIX_USE_PLOT;
}

enum asterix_use asterix_plot_detection(const struct asterix_plot *plot, uint32_t sensor, int64_t time_ns,
                                        struct detection *out) {
  memset(out, 0, sizeof *out);
  out->time_ns = time_ns;
  out->sensor = sensor;
  enum asterix_use use = plot_use(plot);
  if (use != ASTERIX_USE_PLOT && use != ASTERIX_USE_SIMULATED) return use;
  out->kind = KIND_RADAR2D;
  out->valid = VALID_RANGE | VALID_AZIMUTH;
  out->measure[MEASURE_RANGE] = plot->range_m;
  out->measure[MEASURE_AZIMUTH] = plot->azimuth_rad;
  if ((plot->has_level && plot->level_valid) || plot->has_height_3d) {
    out->valid |= VALID_HEIGHT;
    out->measure[MEASURE_HEIGHT] = plot->has_level && plot->level_valid ? plot->level_m : plot->height_3d_m;
  }
  return detection_check(out) == WIRE_OK ? use : ASTERIX_USE_OUT_OF_RANGE;
}
