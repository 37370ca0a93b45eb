/* Category 034, edition 1.29: its profile, and what a radar says of itself. */
#include <string.h>

#include "engine/ingest/asterix.h"
#include "engine/ingest/asterix_item.h"

#define FIXED(n) {SHAPE_FIXED, n, NULL}
#define NONE {SHAPE_NONE, 0, NULL}

static const struct asterix_form status_parts[] = {FIXED(1), NONE, NONE, FIXED(1), FIXED(1), FIXED(2)};
static const struct asterix_form mode_parts[] = {FIXED(1), NONE, NONE, FIXED(1), FIXED(1), FIXED(1)};

enum {
  ITEM_SOURCE = 0,
  ITEM_MESSAGE = 1,
  ITEM_TIME = 2,
  ITEM_SECTOR = 3,
  ITEM_ROTATION = 4,
  ITEM_POSITION = 10
};

static const struct asterix_form profile[] = {
    FIXED(2),                              /* 010 data source */
    FIXED(1),                              /* 000 message type */
    FIXED(3),                              /* 030 time of day */
    FIXED(1),                              /* 020 sector number */
    FIXED(2),                              /* 041 antenna rotation */
    {SHAPE_COMPOUND, 6, status_parts},     /* 050 system configuration and status */
    {SHAPE_COMPOUND, 6, mode_parts},       /* 060 system processing mode */
    {SHAPE_REPEAT, 2, NULL},               /* 070 message count values */
    FIXED(8),                              /* 100 generic polar window */
    FIXED(1),                              /* 110 data filter */
    FIXED(8),                              /* 120 3-D position of the data source */
    FIXED(2),                              /* 090 collimation error */
    {SHAPE_EXPLICIT, 0, NULL},             /* RE */
    {SHAPE_EXPLICIT, 0, NULL},             /* SP */
};

static void service_item(void *context, uint32_t number, const uint8_t *data, uint32_t size) {
  struct asterix_service *service = context;
  (void)size;
  switch (number) {
  case ITEM_SOURCE:
    service->has_source = true;
    service->sac = data[0];
    service->sic = data[1];
    break;
  case ITEM_MESSAGE: service->message = data[0]; break;
  case ITEM_TIME: service->time_of_day = asterix_u24(data); break;
  case ITEM_SECTOR:
    service->has_sector = true;
    service->sector_deg = data[0] * (360.0 / 256);
    break;
  case ITEM_ROTATION:
    service->has_rotation = true;
    service->rotation_s = asterix_u16(data) / 128.0;
    break;
  case ITEM_POSITION:
    service->has_position = true;
    service->height_m = asterix_signed(asterix_u16(data), 16);
    service->lat_deg = asterix_signed(asterix_u24(data + 2), 24) * (180.0 / 8388608);
    service->lon_deg = asterix_signed(asterix_u24(data + 5), 24) * (180.0 / 8388608);
    break;
  default: break;
  }
}

enum asterix_status asterix_service_decode(const uint8_t *data, size_t size, struct asterix_service *out, uint32_t *used) {
  memset(out, 0, sizeof *out);
  out->time_of_day = ASTERIX_TIME_NONE;
  uint32_t count = sizeof profile / sizeof profile[0];
  return asterix_items_walk(profile, count, data, size, service_item, out, used) ? ASTERIX_OK : ASTERIX_MALFORMED;
}
