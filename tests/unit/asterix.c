// stage: weft_ingest weft_domain weft_base
/* ASTERIX 048 and 034: every item with its length, so that what follows is found; what a plot is good for; repeats. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/ingest/asterix.h"
#include "engine/ingest/asterix_item.h"

#define NM_M 1852.0
#define PI 3.14159265358979323846

/* One item of a profile as bytes on the line. */
struct item {
  uint8_t size;
  uint8_t bytes[48];
};

/* Category 048 in profile order, each in a long form where there is one. */
static const struct item plot_items[28] = {
    {2, {25, 201}},                               /* 010 */
    {3, {0x3a, 0x9f, 0xce}},                      /* 140: 30015.609375 s */
    {6, {0xa1, 0x01, 0x01, 0x01, 0x01, 0x00}},    /* 020 with all its extensions: roll-call */
    {4, {0x50, 0x90, 0x40, 0x00}},                /* 040: 80.5625 NM, 90 deg */
    {2, {0x0a, 0x28}},                            /* 070: 5050 octal */
    {2, {0x01, 0x1c}},                            /* 090: FL 71 */
    {8, {0xfe, 1, 2, 3, 4, 5, 6, 7}},             /* 130 with all its parts */
    {3, {0x34, 0x30, 0x85}},                      /* 220 */
    {6, {0x10, 0x20, 0x30, 0x40, 0x50, 0x60}},    /* 240 */
    {17, {2, 1, 2, 3, 4, 5, 6, 7, 0x40, 1, 2, 3, 4, 5, 6, 7, 0x50}}, /* 250 twice */
    {2, {0x00, 0x79}},                            /* 161: 121 */
    {4, {1, 2, 3, 4}},                            /* 042 */
    {4, {1, 2, 3, 4}},                            /* 200 */
    {2, {0x41, 0x00}},                            /* 170 with its extension */
    {4, {1, 2, 3, 4}},                            /* 210 */
    {3, {0x03, 0x05, 0x06}},                      /* 030 three times */
    {2, {1, 2}},                                  /* 080 */
    {4, {1, 2, 3, 4}},                            /* 100 */
    {2, {0x3f, 0xfc}},                            /* 110: -100 ft */
    {16, {0xc0, 0x03, 0x9c, 2, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}}, /* 120: -100 m/s, and two raw speeds */
    {2, {1, 2}},                                  /* 230 */
    {7, {1, 2, 3, 4, 5, 6, 7}},                   /* 260 */
    {1, {1}},                                     /* 055 */
    {2, {1, 2}},                                  /* 050 */
    {1, {1}},                                     /* 065 */
    {2, {1, 2}},                                  /* 060 */
    {4, {4, 9, 9, 9}},                            /* SP */
    {6, {6, 0x0a, 0x01, 0x2c, 0x00, 0x80}},       /* RE: ERR 300 NM, then the first octet of CPC */
};

static const struct item service_items[14] = {
    {2, {20, 129}},                               /* 010 */
    {1, {1}},                                     /* 000: north */
    {3, {0x35, 0x6d, 0x4d}},                      /* 030 */
    {1, {0x60}},                                  /* 020: 135 deg */
    {2, {0x02, 0x7e}},                            /* 041: 4.984375 s */
    {6, {0x9c, 1, 2, 3, 4, 5}},                   /* 050 with all its parts */
    {5, {0x9c, 1, 2, 3, 4}},                      /* 060 with all its parts */
    {7, {3, 1, 2, 3, 4, 5, 6}},                   /* 070 three times */
    {8, {1, 2, 3, 4, 5, 6, 7, 8}},                /* 100 */
    {1, {1}},                                     /* 110 */
    {8, {0xff, 0x9c, 0x1e, 0xfb, 0xf8, 0xf4, 0x55, 0x60}}, /* 120: -100 m, 43.57 N, 16.4 W */
    {2, {1, 2}},                                  /* 090 */
    {1, {1}},                                     /* RE of nothing but its length */
    {2, {2, 7}},                                  /* SP */
};

/* A record of the items whose bit is set in `mask`, in profile order. Returns its size. */
static uint32_t record_build(const struct item *items, uint32_t count, uint32_t mask, uint8_t *out) {
  uint32_t octets = 1;
  for (uint32_t i = 0; i < count; i++)
    if (mask >> i & 1) octets = i / 7 + 1;
  memset(out, 0, octets);
  uint32_t at = octets;
  for (uint32_t i = 0; i < count; i++) {
    if (!(mask >> i & 1)) continue;
    out[i / 7] |= (uint8_t)(0x80 >> i % 7);
    memcpy(out + at, items[i].bytes, items[i].size);
    at += items[i].size;
  }
  for (uint32_t i = 0; i + 1 < octets; i++) out[i] |= 1;
  return at;
}

static enum asterix_status decode(const uint8_t *data, size_t size, uint8_t category, struct asterix_record *out) {
  uint8_t *copy = malloc(size ? size : 1); /* its own piece, so that the sanitizer sees a byte too many */
  memcpy(copy, data, size);
  enum asterix_status status = category == ASTERIX_PLOTS ? asterix_plot_decode(copy, size, &out->plot, &out->size)
                                                         : asterix_service_decode(copy, size, &out->service, &out->size);
  free(copy);
  return status;
}

static void plot_with_every_item_gives_every_field(void **state) {
  (void)state;
  uint8_t bytes[256];
  uint32_t size = record_build(plot_items, 28, 0xfffffff, bytes);
  struct asterix_record r;
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  assert_int_equal(r.size, size);
  const struct asterix_plot *p = &r.plot;
  assert_true(p->has_source && p->sac == 25 && p->sic == 201);
  assert_int_equal(p->time_of_day, 0x3a9fce);
  assert_true(p->has_descriptor && p->type == 5 && !p->simulated && !p->test && !p->field_monitor && !p->extended_range);
  assert_true(p->has_position && p->range_m == 300 * NM_M); /* the expansion field's, not I048/040's */
  assert_true(fabs(p->azimuth_rad - PI / 2) < 1e-12);
  assert_true(p->has_mode3a && p->mode3a == 05050);
  assert_true(p->has_level && p->level_valid && fabs(p->level_m - 7100 * 0.3048) < 1e-9);
  assert_true(p->has_address && p->address == 0x343085);
  assert_true(p->has_track && p->track == 121);
  assert_true(p->has_height_3d && fabs(p->height_3d_m + 30.48) < 1e-9);
  assert_true(p->has_doppler && p->doppler_mps == -100);
}

static void service_with_every_item_gives_every_field(void **state) {
  (void)state;
  uint8_t bytes[256];
  uint32_t size = record_build(service_items, 14, 0x3fff, bytes);
  struct asterix_record r;
  assert_int_equal(decode(bytes, size, ASTERIX_SERVICE, &r), ASTERIX_OK);
  assert_int_equal(r.size, size);
  const struct asterix_service *s = &r.service;
  assert_true(s->has_source && s->sac == 20 && s->sic == 129 && s->message == 1 && s->time_of_day == 0x356d4d);
  assert_true(s->has_sector && s->sector_deg == 135 && s->has_rotation && s->rotation_s == 4.984375);
  assert_true(s->has_position && s->height_m == -100);
  assert_true(fabs(s->lat_deg - 0x1efbf8 * 180.0 / (1 << 23)) < 1e-12);
  assert_true(fabs(s->lon_deg - (0xf45560 - 0x1000000) * 180.0 / (1 << 23)) < 1e-12 && s->lon_deg < 0);
}

/* Alone and in every pair: whatever is present, the record ends where its items end. */
static void record_ends_where_its_items_end(void **state) {
  (void)state;
  const struct { const struct item *items; uint32_t count; uint8_t category; } categories[] = {
      {plot_items, 28, ASTERIX_PLOTS}, {service_items, 14, ASTERIX_SERVICE}};
  for (int c = 0; c < 2; c++)
    for (uint32_t i = 0; i < categories[c].count; i++)
      for (uint32_t k = i; k < categories[c].count; k++) {
        uint8_t bytes[256] = {0};
        struct asterix_record r;
        uint32_t size = record_build(categories[c].items, categories[c].count, 1u << i | 1u << k, bytes);
        assert_int_equal(decode(bytes, size + 20, categories[c].category, &r), ASTERIX_OK);
        if (r.size != size) fail_msg("category %d, items %u and %u: %u bytes, not %u", categories[c].category, i, k, r.size, size);
      }
}

static void record_cut_anywhere_is_malformed(void **state) {
  (void)state;
  uint8_t bytes[256];
  struct asterix_record r;
  uint32_t size = record_build(plot_items, 28, 0xfffffff, bytes);
  for (uint32_t cut = 0; cut < size; cut++) assert_int_equal(decode(bytes, cut, ASTERIX_PLOTS, &r), ASTERIX_MALFORMED);
  size = record_build(service_items, 14, 0x3fff, bytes);
  for (uint32_t cut = 0; cut < size; cut++) assert_int_equal(decode(bytes, cut, ASTERIX_SERVICE, &r), ASTERIX_MALFORMED);
}

static void items_that_the_category_does_not_have_are_malformed(void **state) {
  (void)state;
  struct asterix_record r;
  const uint8_t fifth_octet[] = {0x01, 0x01, 0x01, 0x01, 0x80, 0, 0, 0, 0};
  assert_int_equal(decode(fifth_octet, sizeof fifth_octet, ASTERIX_PLOTS, &r), ASTERIX_MALFORMED);
  const uint8_t third_octet[] = {0x01, 0x01, 0x80, 0, 0, 0, 0};
  assert_int_equal(decode(third_octet, sizeof third_octet, ASTERIX_SERVICE, &r), ASTERIX_MALFORMED);
  const uint8_t spare_part[] = {0x04, 0x40, 0, 0, 0}; /* I034/050 with its second, unassigned part */
  assert_int_equal(decode(spare_part, sizeof spare_part, ASTERIX_SERVICE, &r), ASTERIX_MALFORMED);
  const uint8_t doppler_part[] = {0x01, 0x01, 0x04, 0x20, 0, 0, 0}; /* I048/120 has two parts */
  assert_int_equal(decode(doppler_part, sizeof doppler_part, ASTERIX_PLOTS, &r), ASTERIX_MALFORMED);
  const uint8_t nothing[] = {0x00, 0x00, 0x00};
  assert_int_equal(decode(nothing, sizeof nothing, ASTERIX_PLOTS, &r), ASTERIX_MALFORMED);
  const uint8_t nothing_long[] = {0x01, 0x01, 0x01, 0x02, 0, 0, 0}; /* RE of length 0 */
  assert_int_equal(decode(nothing_long, sizeof nothing_long, ASTERIX_PLOTS, &r), ASTERIX_MALFORMED);
}

/* A radar2d plot record that `change` has not touched is good. */
static struct asterix_plot plot_of(const uint8_t *descriptor, uint8_t descriptor_size) {
  struct item items[28];
  memcpy(items, plot_items, sizeof items);
  items[2].size = descriptor_size;
  memcpy(items[2].bytes, descriptor, descriptor_size);
  uint8_t bytes[256];
  uint32_t size = record_build(items, 28, 0x3f, bytes);
  struct asterix_record r;
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  return r.plot;
}

static enum asterix_use use_of(struct asterix_plot plot) {
  struct detection d;
  return asterix_plot_detection(&plot, 3, 42, &d);
}

static void plot_becomes_a_radar2d_detection(void **state) {
  (void)state;
  struct asterix_plot plot = plot_of((const uint8_t[]){0xa0}, 1);
  struct detection d;
  assert_int_equal(asterix_plot_detection(&plot, 3, 42, &d), ASTERIX_USE_PLOT);
  assert_int_equal(d.kind, KIND_RADAR2D);
  assert_int_equal(d.valid, VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT);
  assert_true(d.sensor == 3 && d.time_ns == 42);
  assert_true(fabs(d.measure[MEASURE_RANGE] - 80.5625 * NM_M) < 1e-6 && fabs(d.measure[MEASURE_AZIMUTH] - PI / 2) < 1e-12);
  assert_true(fabs(d.measure[MEASURE_HEIGHT] - 7100 * 0.3048) < 1e-9);
  plot.azimuth_rad = 1.5 * PI; /* ASTERIX counts to 360 degrees */
  asterix_plot_detection(&plot, 3, 42, &d);
  assert_true(fabs(d.measure[MEASURE_AZIMUTH] + PI / 2) < 1e-12);
}

static void reports_that_are_no_targets_say_what_they_are(void **state) {
  (void)state;
  assert_int_equal(use_of(plot_of((const uint8_t[]){0xb0}, 1)), ASTERIX_USE_SIMULATED);
  assert_int_equal(use_of(plot_of((const uint8_t[]){0xa1, 0x80}, 2)), ASTERIX_USE_TEST);
  assert_int_equal(use_of(plot_of((const uint8_t[]){0xb1, 0x80}, 2)), ASTERIX_USE_TEST); /* also simulated */
  assert_int_equal(use_of(plot_of((const uint8_t[]){0xa2}, 1)), ASTERIX_USE_FIELD_MONITOR);
  assert_int_equal(use_of(plot_of((const uint8_t[]){0x00}, 1)), ASTERIX_USE_NO_DETECTION);
  assert_int_equal(use_of(plot_of((const uint8_t[]){0x10}, 1)), ASTERIX_USE_NO_DETECTION); /* also simulated */
  assert_int_equal(use_of(plot_of((const uint8_t[]){0xac}, 1)), ASTERIX_USE_PLOT);         /* SPI, second chain */
  struct asterix_plot plot = plot_of((const uint8_t[]){0xa0}, 1);
  plot.has_position = false;
  assert_int_equal(use_of(plot), ASTERIX_USE_NO_POSITION);
  plot = plot_of((const uint8_t[]){0xa0}, 1);
  plot.time_of_day = ASTERIX_DAY - 1;
  assert_int_equal(use_of(plot), ASTERIX_USE_PLOT);
  plot.time_of_day = ASTERIX_DAY;
  assert_int_equal(use_of(plot), ASTERIX_USE_NO_TIME);
  plot.time_of_day = ASTERIX_TIME_NONE;
  assert_int_equal(use_of(plot), ASTERIX_USE_NO_TIME);
  plot = plot_of((const uint8_t[]){0xa0}, 1);
  plot.has_descriptor = false;
  assert_int_equal(use_of(plot), ASTERIX_USE_NO_DETECTION);
  plot = plot_of((const uint8_t[]){0xa0}, 1);
  plot.range_m = 65535 * NM_M;
  assert_int_equal(use_of(plot), ASTERIX_USE_OUT_OF_RANGE);
}

static void long_range_comes_from_the_expansion_field(void **state) {
  (void)state;
  struct item items[28];
  memcpy(items, plot_items, sizeof items);
  items[2] = (struct item){2, {0xa1, 0x40}};             /* ERR: extended range present */
  items[3] = (struct item){4, {0xff, 0xff, 0x40, 0x00}}; /* as the standard recommends */
  /* Everything that may stand before the range in the expansion field, each of its parts. */
  const struct item expansion = {48, {48, 0xf8, 0xfe, 1, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 1, 2, 1, 2, 1, 1,
                                      0xff, 0x80, 1, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 1, 2, 1, 2, 1, 1, 1,
                                      0x02, 0x80, 1, 0x02, 0x58, 0x80, 0, 0}};
  items[27] = expansion;
  uint8_t bytes[256];
  struct asterix_record r;
  uint32_t size = record_build(items, 28, 0x800003fu, bytes);
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  assert_true(r.plot.range_m == 600.5 * NM_M && !r.plot.range_saturated);
  assert_int_equal(use_of(r.plot), ASTERIX_USE_PLOT);
  items[27] = (struct item){5, {5, 0x08, 0x02, 0x58, 0x80}};
  size = record_build(items, 28, 0x800003fu, bytes);
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  assert_true(r.plot.range_m == 600.5 * NM_M);
  items[27] = (struct item){4, {4, 0x08, 0x02, 0x58}}; /* one byte short: the field's own length still stands */
  size = record_build(items, 28, 0x800003fu, bytes);
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  assert_int_equal(r.size, size);
  assert_int_equal(use_of(r.plot), ASTERIX_USE_NO_POSITION);
  size = record_build(items, 28, 0x3fu, bytes); /* flagged, but no expansion field */
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  assert_true(r.plot.range_saturated);
  assert_int_equal(use_of(r.plot), ASTERIX_USE_NO_POSITION);
}

/* Value of the height that a plot with this I048/090 and perhaps I048/110 yields; NaN: none. */
static double height_of_items(uint16_t level, uint32_t mask) {
  struct item items[28];
  memcpy(items, plot_items, sizeof items);
  items[5] = (struct item){2, {(uint8_t)(level >> 8), (uint8_t)level}};
  uint8_t bytes[256];
  struct asterix_record r;
  uint32_t size = record_build(items, 28, mask, bytes);
  assert_int_equal(decode(bytes, size, ASTERIX_PLOTS, &r), ASTERIX_OK);
  struct detection d;
  assert_int_equal(asterix_plot_detection(&r.plot, 0, 0, &d), ASTERIX_USE_PLOT);
  return d.valid & VALID_HEIGHT ? d.measure[MEASURE_HEIGHT] : (double)NAN;
}

static double height_of(uint16_t level, bool with_3d) { return height_of_items(level, with_3d ? 0x4003fu : 0x3fu); }

static void flight_levels_are_signed_and_used_only_if_valid(void **state) {
  (void)state;
  assert_true(fabs(height_of(0x011c, false) - 7100 * 0.3048) < 1e-9);
  assert_true(fabs(height_of(0x3ffc, false) + 100 * 0.3048) < 1e-9);    /* FL -1: all ones but the last two */
  assert_true(fabs(height_of(0x2000, false) + 2048 * 30.48) < 1e-9);    /* the least there is */
  assert_true(fabs(height_of(0x1fff, false) - 2047.75 * 30.48) < 1e-9); /* the most */
  assert_true(isnan(height_of(0x811c, false)));                         /* V: not validated */
  assert_true(isnan(height_of(0x411c, false)));                         /* G: garbled */
  assert_true(fabs(height_of(0x011c, true) - 7100 * 0.3048) < 1e-9);    /* the level goes before */
  assert_true(fabs(height_of(0x811c, true) + 30.48) < 1e-9);            /* else the radar's own height */
  assert_true(fabs(height_of_items(0, 0x4001fu) + 30.48) < 1e-9);       /* also where there is no level at all */
}

static void malformed_record_ends_its_block_and_no_other(void **state) {
  (void)state;
  uint8_t bytes[512];
  size_t total = 0;
  for (int b = 0; b < 3; b++) { /* three blocks of two plots; the second plot of the second block is damaged */
    uint32_t at = ASTERIX_HEAD_SIZE;
    uint8_t *block = bytes + total;
    at += record_build(plot_items, 28, 0x3f, block + at);
    uint32_t second = at;
    at += record_build(plot_items, 28, 0x3f, block + at);
    if (b == 1) block[second] |= 0x01, block[second + 1] |= 0xff; /* announces items that are not there */
    block[0] = ASTERIX_PLOTS;
    block[1] = 0;
    block[2] = (uint8_t)at;
    total += at;
  }
  static const uint8_t tail[] = {62, 0, 5, 1, 2, ASTERIX_SERVICE, 0, 9}; /* another category; a block cut short */
  memcpy(bytes + total, tail, sizeof tail);
  total += sizeof tail;
  size_t offset = 0;
  struct asterix_block block;
  uint32_t plots = 0, malformed = 0, other = 0;
  enum asterix_status status;
  while ((status = asterix_block_next(bytes, total, &offset, &block)) == ASTERIX_OK) {
    uint32_t at = ASTERIX_HEAD_SIZE;
    struct asterix_record record;
    enum asterix_status got;
    while ((got = asterix_record_next(&block, &at, &record)) != ASTERIX_END) {
      plots += got == ASTERIX_OK;
      malformed += got == ASTERIX_MALFORMED;
      other += got == ASTERIX_OTHER;
    }
  }
  assert_int_equal(status, ASTERIX_MALFORMED);
  assert_int_equal(asterix_block_next(bytes, total, &offset, &block), ASTERIX_END);
  assert_int_equal(plots, 5);
  assert_int_equal(malformed, 1);
  assert_int_equal(other, 1);
  static const uint8_t too_small[] = {48, 0, 2, 0};
  offset = 0;
  assert_int_equal(asterix_block_next(too_small, sizeof too_small, &offset, &block), ASTERIX_MALFORMED);
}

static void seen(void *context, uint32_t number, const uint8_t *data, uint32_t size) {
  (void)number, (void)data;
  *(uint32_t *)context += size;
}

/* A profile need not fill its octets of presence bits. */
static void an_item_beyond_a_short_profile_is_malformed(void **state) {
  (void)state;
  static const struct asterix_form profile[] = {{SHAPE_FIXED, 2, NULL}, {SHAPE_FIXED, 1, NULL}, {SHAPE_FIXED, 3, NULL}};
  static const uint8_t whole[] = {0xe0, 1, 2, 3, 4, 5, 6}, beyond[] = {0x90, 1, 2, 3, 4, 5, 6};
  uint32_t used = 0, bytes = 0;
  assert_true(asterix_items_walk(profile, 3, whole, sizeof whole, seen, &bytes, &used));
  assert_true(used == sizeof whole && bytes == 6);
  assert_false(asterix_items_walk(profile, 3, beyond, sizeof beyond, seen, &bytes, &used));
}

static void radars_are_found_by_sac_and_sic(void **state) {
  (void)state;
  static struct site site;
  site.sensor_count = 3;
  site.sensors[0].sac = 25, site.sensors[0].sic = 201; /* no asterix entry: does not count */
  site.sensors[1].has_asterix = true, site.sensors[1].sac = 201, site.sensors[1].sic = 25;
  site.sensors[2].has_asterix = true, site.sensors[2].sac = 25, site.sensors[2].sic = 201;
  assert_int_equal(asterix_radar_find(&site, 25, 201), 2);
  assert_int_equal(asterix_radar_find(&site, 25, 202), ASTERIX_RADAR_UNKNOWN);
  struct asterix_record record = {.category = ASTERIX_SERVICE};
  assert_int_equal(asterix_record_radar(&site, &record), ASTERIX_RADAR_UNKNOWN);
  record.service = (struct asterix_service){.has_source = true, .sac = 201, .sic = 25};
  assert_int_equal(asterix_record_radar(&site, &record), 1);
  record = (struct asterix_record){.category = ASTERIX_PLOTS};
  assert_int_equal(asterix_record_radar(&site, &record), ASTERIX_RADAR_UNKNOWN);
  record.plot = (struct asterix_plot){.has_source = true, .sac = 25, .sic = 201};
  assert_int_equal(asterix_record_radar(&site, &record), 2);
}

/* Against a plain search of the last ASTERIX_WINDOW distinct records. */
static void window_knows_exactly_the_last_distinct_records(void **state) {
  (void)state;
  struct asterix_window *window = calloc(1, sizeof *window);
  static uint32_t ring[ASTERIX_WINDOW];
  uint32_t entered = 0;
  struct prng prng = prng_seed(3, 0);
  for (int i = 0; i < 60000; i++) {
    uint32_t value = (uint32_t)prng_below(&prng, 2500);
    bool expected = false;
    for (uint32_t k = 0; k < ASTERIX_WINDOW && k < entered; k++) expected = expected || ring[k] == value;
    if (!expected) ring[entered++ % ASTERIX_WINDOW] = value;
    uint8_t record[7] = {0xff, (uint8_t)value, (uint8_t)(value >> 8), 4, 5, 6, 7};
    if (asterix_window_repeat(window, record, sizeof record) != expected) fail_msg("seed 3, step %d", i);
  }
  assert_int_equal(window->count, entered);
  free(window);
}

static void random_records_end_within_their_bytes(void **state) {
  (void)state;
  struct prng prng = prng_seed(4, 0);
  for (int i = 0; i < 100000; i++) {
    uint8_t bytes[64];
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (uint8_t)(prng_u64(&prng) & prng_u64(&prng));
    size_t size = prng_below(&prng, sizeof bytes + 1);
    struct asterix_record r;
    for (uint8_t category = ASTERIX_SERVICE; category <= ASTERIX_PLOTS; category += ASTERIX_PLOTS - ASTERIX_SERVICE)
      if (decode(bytes, size, category, &r) == ASTERIX_OK && (r.size == 0 || r.size > size)) fail_msg("seed 4, record %d", i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plot_with_every_item_gives_every_field),
      cmocka_unit_test(service_with_every_item_gives_every_field),
      cmocka_unit_test(record_ends_where_its_items_end),
      cmocka_unit_test(record_cut_anywhere_is_malformed),
      cmocka_unit_test(items_that_the_category_does_not_have_are_malformed),
      cmocka_unit_test(plot_becomes_a_radar2d_detection),
      cmocka_unit_test(reports_that_are_no_targets_say_what_they_are),
      cmocka_unit_test(long_range_comes_from_the_expansion_field),
      cmocka_unit_test(flight_levels_are_signed_and_used_only_if_valid),
      cmocka_unit_test(malformed_record_ends_its_block_and_no_other),
      cmocka_unit_test(an_item_beyond_a_short_profile_is_malformed),
      cmocka_unit_test(radars_are_found_by_sac_and_sic),
      cmocka_unit_test(window_knows_exactly_the_last_distinct_records),
      cmocka_unit_test(random_records_end_within_their_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
