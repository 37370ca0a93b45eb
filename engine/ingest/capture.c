#include "engine/ingest/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "engine/ingest/asterix_item.h"
#include "engine/ingest/capture_packet.h"

/* The unit being gathered. */
enum stage { STAGE_PCAP_HEAD, STAGE_PCAP_RECORD, STAGE_PCAP_PACKET, STAGE_GPS_HEAD, STAGE_BLOCK_HEAD, STAGE_BLOCK, STAGE_TRAILER };
enum { PCAP_HEAD = 24, PCAP_RECORD = 16 };
#define PCAP_MICROSECONDS 0xa1b2c3d4u
#define PCAP_NANOSECONDS 0xa1b23c4du
#define PCAPNG 0x0a0d0d0au

/* Begins a unit of `need` bytes. */
static void stage_begin(struct capture *c, enum stage stage, uint32_t need) {
  c->stage = (uint8_t)stage;
  c->used = 0;
  c->need = need;
}

void capture_open(struct capture *capture, enum capture_kind kind, const char *name) {
  memset(capture, 0, offsetof(struct capture, held));
  capture->kind = kind;
  capture->name = name;
  if (kind == CAPTURE_PCAP) stage_begin(capture, STAGE_PCAP_HEAD, PCAP_HEAD);
  if (kind == CAPTURE_GPS) stage_begin(capture, STAGE_GPS_HEAD, CAPTURE_GPS_HEAD);
  if (kind == CAPTURE_RAW) stage_begin(capture, STAGE_BLOCK_HEAD, ASTERIX_HEAD_SIZE);
}

static uint32_t pcap_u32(const struct capture *c, uint32_t at) {
  uint32_t value;
  memcpy(&value, c->held + at, 4);
  return c->swapped ? __builtin_bswap32(value) : value;
}

static enum capture_status pcap_head(struct capture *c, struct weft_error *err) {
  uint32_t magic = pcap_u32(c, 0);
  if (magic == PCAPNG) {
    weft_fail(err, -EINVAL, "%s: pcapng is not read: convert it with `editcap -F pcap IN OUT`", c->name);
    return CAPTURE_BROKEN;
  }
  if (magic != PCAP_MICROSECONDS && magic != PCAP_NANOSECONDS) {
    magic = __builtin_bswap32(magic);
    c->swapped = true;
  }
  if (magic != PCAP_MICROSECONDS && magic != PCAP_NANOSECONDS) {
    weft_fail(err, -EINVAL, "%s: not a pcap file: it begins with %08" PRIx32, c->name, magic);
    return CAPTURE_BROKEN;
  }
  c->nanoseconds = magic == PCAP_NANOSECONDS;
  c->link = pcap_u32(c, 20) & 0xffff; /* above: length of the frame check sequence */
  if (!packet_link_known(c->link)) {
    weft_fail(err, -EINVAL, "%s: pcap link type %" PRIu32 " is not read: Ethernet, Linux cooked and raw IP are", c->name,
              c->link);
    return CAPTURE_BROKEN;
  }
  stage_begin(c, STAGE_PCAP_RECORD, PCAP_RECORD);
  return CAPTURE_MORE;
}

static enum capture_status pcap_record(struct capture *c, struct weft_error *err) {
  uint32_t length = pcap_u32(c, 8);
  if (length > CAPTURE_PACKET_MAX) {
    weft_fail(err, -EINVAL, "%s: byte %" PRIu64 ": a packet of %" PRIu32 " bytes (at most %d): the recording is damaged here",
              c->name, c->offset - PCAP_RECORD, length, CAPTURE_PACKET_MAX);
    return CAPTURE_BROKEN;
  }
  c->has_time = true;
  c->time_ns = (int64_t)pcap_u32(c, 0) * 1000000000 + (int64_t)pcap_u32(c, 4) * (c->nanoseconds ? 1 : 1000);
  stage_begin(c, STAGE_PCAP_PACKET, length);
  return CAPTURE_MORE;
}

static void pcap_packet(struct capture *c) {
  c->counts.packets++;
  enum packet_kind kind = packet_payload(c->link, c->held, c->used, &c->payload, &c->payload_end);
  if (kind == PACKET_UDP) c->counts.payloads++;
  else c->payload = c->payload_end = 0;
  if (kind == PACKET_FRAGMENT) c->counts.fragments++;
  if (kind == PACKET_OTHER) c->counts.other++;
  stage_begin(c, STAGE_PCAP_RECORD, PCAP_RECORD);
}

static enum capture_status block_head(struct capture *c, struct weft_error *err) {
  uint32_t length = asterix_u16(c->held + 1);
  if (length < ASTERIX_HEAD_SIZE) {
    weft_fail(err, -EINVAL, "%s: byte %" PRIu64 ": an ASTERIX block of %" PRIu32 " bytes: the recording is damaged here",
              c->name, c->offset - ASTERIX_HEAD_SIZE, length);
    return CAPTURE_BROKEN;
  }
  c->stage = STAGE_BLOCK;
  c->need = length;
  return CAPTURE_MORE;
}

/* A whole unit is there: makes of it what it is. CAPTURE_MORE: go on with the next. */
static enum capture_status unit_finish(struct capture *c, struct weft_error *err) {
  switch ((enum stage)c->stage) {
  case STAGE_PCAP_HEAD: return pcap_head(c, err);
  case STAGE_PCAP_RECORD: return pcap_record(c, err);
  case STAGE_PCAP_PACKET: pcap_packet(c); return CAPTURE_MORE;
  case STAGE_BLOCK_HEAD: return block_head(c, err);
  case STAGE_BLOCK:
    c->payload = 0;
    c->payload_end = c->used;
    if (c->kind == CAPTURE_GPS) stage_begin(c, STAGE_TRAILER, CAPTURE_GPS_TRAILER);
    else stage_begin(c, STAGE_BLOCK_HEAD, ASTERIX_HEAD_SIZE);
    return CAPTURE_MORE;
  case STAGE_GPS_HEAD:
  case STAGE_TRAILER: stage_begin(c, STAGE_BLOCK_HEAD, ASTERIX_HEAD_SIZE); return CAPTURE_MORE;
  }
  return CAPTURE_BROKEN;
}

/* The next block of the payload that stands in `held`. */
static bool payload_block(struct capture *c, struct capture_block *out) {
  if (c->payload == c->payload_end) return false;
  if (asterix_block_next(c->held, c->payload_end, &c->payload, &out->block) != ASTERIX_OK) {
    c->counts.cut++;
    return false;
  }
  out->has_time = c->has_time;
  out->time_ns = c->time_ns;
  c->counts.blocks++;
  return true;
}

/* The payload in `held`, if it is a datagram of weft's own. */
static bool payload_datagram(struct capture *c, struct capture_block *out) {
  size_t size = c->payload_end - c->payload;
  if (!c->wants_datagrams || c->kind != CAPTURE_PCAP || size < 4) return false;
  if (memcmp(c->held + c->payload, "WEFT", 4) != 0) return false;
  *out = (struct capture_block){.has_time = c->has_time, .time_ns = c->time_ns, .datagram = c->held + c->payload,
                                .datagram_size = (uint32_t)size};
  c->payload = c->payload_end;
  return true;
}

enum capture_status capture_take(struct capture *capture, const uint8_t **data, size_t *size,
                                 struct capture_block *out, struct weft_error *err) {
  struct capture *c = capture;
  while (!c->broken) { /* every turn yields, takes bytes, or finishes a unit */
    if (payload_datagram(c, out)) return CAPTURE_DATAGRAM;
    if (payload_block(c, out)) return CAPTURE_BLOCK;
    size_t take = c->need - c->used;
    if (take > *size) take = *size;
    if (take > 0) memcpy(c->held + c->used, *data, take);
    c->used += (uint32_t)take;
    c->offset += take;
    *data += take;
    *size -= take;
    if (c->used < c->need) return CAPTURE_MORE;
    c->broken = unit_finish(c, err) == CAPTURE_BROKEN;
  }
  return CAPTURE_BROKEN;
}

bool capture_end(struct capture *capture) {
  bool whole = capture->used == 0 && (capture->stage == STAGE_PCAP_RECORD || capture->stage == STAGE_BLOCK_HEAD);
  if (whole || capture->stage == STAGE_TRAILER || capture->offset == 0 || capture->broken) return !capture->broken;
  capture->counts.cut++;
  return false;
}
