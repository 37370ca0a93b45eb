/* weft inspect on captured datagrams of weft's own wire format. What is sealed is told to be sealed, not opened: inspecting
 * needs no keys. */
#include "engine/ingest/capture.h"
#include "engine/ingest/wire.h"
#include "engine/inspect/inspect.h"

static const char *const type_names[] = {[WIRE_DETECTIONS] = "detections", [WIRE_STATES] = "states", [WIRE_PARITY] = "parity"};

static void parity_put(struct inspect *inspect, const uint8_t *body, uint32_t size) {
  struct wire_parity parity;
  if (!wire_parity_decode(body, size, &parity)) return;
  inspect_u64(inspect, "first", parity.first);
  inspect_u64(inspect, "k", parity.k);
  inspect_u64(inspect, "m", parity.m);
  inspect_u64(inspect, "index", parity.index);
}

static void detections_put(struct inspect *inspect, const struct wire_header *header, const uint8_t *body) {
  for (uint32_t i = 0; i < header->count && !inspect->failed; i++) {
    struct detection detection;
    enum wire_verdict verdict = wire_detection_decode(body + (size_t)i * WIRE_ENTRY_SIZE, &detection);
    inspect_begin(inspect);
    inspect_string(inspect, "record", verdict == WIRE_OK ? "detection" : "refused");
    if (verdict == WIRE_OK) inspect_detection(inspect, &detection, header->sensor);
    else inspect_string(inspect, "reason", refusal_names[wire_refusal(verdict)]);
    inspect_end(inspect);
  }
}

void inspect_datagram(struct inspect *inspect, const struct capture_block *block) {
  const uint8_t *data = block->datagram;
  uint32_t size = block->datagram_size;
  struct wire_header header;
  enum wire_verdict form = wire_header_decode(data, size, &header);
  bool sealed = form == WIRE_OK && (header.flags & WIRE_SEALED) != 0;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "datagram");
  if (form != WIRE_OK) {
    inspect_string(inspect, "reason", refusal_names[wire_refusal(form)]);
  } else {
    inspect_u64(inspect, "sensor", header.sensor);
    inspect_string(inspect, "type", type_names[header.type]);
    inspect_u64(inspect, "sequence", header.sequence);
    inspect_u64(inspect, "count", header.count);
    inspect_i64(inspect, "sent_ns", header.sent_ns);
    inspect_bool(inspect, "exercise", (header.flags & WIRE_EXERCISE) != 0);
    inspect_bool(inspect, "sealed", sealed);
    if (sealed) inspect_u64(inspect, "epoch", header.key_epoch);
    inspect_bool(inspect, "crc_good", wire_crc_ok(data, size));
    if (header.type == WIRE_PARITY && !sealed) parity_put(inspect, data + WIRE_HEADER_SIZE, header.body_size);
  }
  inspect_u64(inspect, "size", size);
  if (block->has_time) inspect_i64(inspect, "capture_ns", block->time_ns);
  inspect_end(inspect);
  if (form == WIRE_OK && header.type == WIRE_DETECTIONS && !sealed)
    detections_put(inspect, &header, data + WIRE_HEADER_SIZE);
}
