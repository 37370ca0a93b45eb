/* The input as a list of datagrams (length, bytes), unsealed, of one sensor that sends parity: headers are repaired so that they
 * get through to recovery. The books balance after each, and nothing is recovered that was not a datagram. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/recovery.h"
#include "engine/ingest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAPACITY = 2048, DATAGRAM = 2048 };
static const char text[] = "sensors:\n  - {id: 7, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n";
static struct site site;
static struct ledger ledger;
static struct arena arena;
static struct frame_builder builder;
static struct frame out;
static struct intake intake;
static struct recovery recovery;

static void once(void) {
  if (site.sensor_count) return;
  if (site_parse(text, sizeof text - 1, "f", &site, NULL) < 0) abort();
  if (arena_open(&arena, frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site) + recovery_bytes(&site)) < 0) abort();
}

static void begin(void) {
  memset(arena.base, 0, arena.used);
  arena.used = 0;
  memset(&ledger, 0, sizeof ledger);
  if (frame_builder_open(&builder, &arena, CAPACITY) < 0 || frame_open(&out, &arena, CAPACITY) < 0) abort();
  if (intake_open(&intake, &arena, &site, &ledger, &builder, SITE_TIME_RECORDED, NULL) < 0) abort();
  if (recovery_open(&recovery, &arena, &site, &ledger) < 0) abort();
  intake_recover(&intake, &recovery);
}

static void give(uint8_t *datagram, uint32_t size) {
  uint32_t id = 7, body = size - WIRE_HEADER_SIZE;
  memcpy(datagram, "WEFT\1", 5);
  datagram[5] = (uint8_t)(datagram[5] % 2 ? WIRE_PARITY : WIRE_DETECTIONS);
  memset(datagram + WIRE_OFFSET_FLAGS, 0, 2);
  memcpy(datagram + 8, &id, 4);
  uint16_t count = (uint16_t)(datagram[5] == WIRE_DETECTIONS ? body / WIRE_ENTRY_SIZE : 0);
  memcpy(datagram + 12, &count, 2);
  memset(datagram + 17, 0, 7); /* numbers below 256, so that they meet */
  memcpy(datagram + WIRE_OFFSET_BODY_SIZE, &body, 4);
  if (datagram[5] == WIRE_PARITY && body >= WIRE_PARITY_HEAD_SIZE) {
    uint32_t length = body - WIRE_PARITY_HEAD_SIZE;
    memset(datagram + WIRE_HEADER_SIZE + 1, 0, 7);
    memcpy(datagram + WIRE_HEADER_SIZE + 12, &length, 4);
  }
  wire_crc_write(datagram, size);
  while (intake_datagram(&intake, datagram, size, 0) == INTAKE_CLOSE) intake_close_frame(&intake, 0, 0, &out);
  while (intake_recovered(&intake, 0) == INTAKE_CLOSE) intake_close_frame(&intake, 0, 0, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t datagram[DATAGRAM];
  once();
  begin();
  size_t at = 0;
  while (at + 2 <= size) {
    uint32_t length = ((uint32_t)data[at] | (uint32_t)data[at + 1] << 8) % DATAGRAM;
    if (length < WIRE_HEADER_SIZE) length = WIRE_HEADER_SIZE;
    at += 2;
    memset(datagram, 0, sizeof datagram);
    memcpy(datagram, data + at, size - at < length ? size - at : length);
    at += length;
    give(datagram, length);
    const uint64_t *parity = ledger.sensors[0].parity;
    weft_assert(parity[PARITY_USED] + parity[PARITY_UNUSED] <= parity[PARITY_RECEIVED]);
    weft_assert(parity[PARITY_RECOVERED] <= parity[PARITY_USED]);
  }
  recovery_end(&recovery);
  const uint64_t *parity = ledger.sensors[0].parity;
  weft_assert(parity[PARITY_USED] + parity[PARITY_UNUSED] == parity[PARITY_RECEIVED]);
  weft_assert(ledger_settle(&ledger) && ledger_balanced(&ledger));
  return 0;
}
