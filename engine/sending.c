/* weft.h: datagrams for generators and sensor adapters, and the socket that sends them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/wire.h"
#include "engine/platform/io_send.h"
#include "engine/weft.h"

_Static_assert((int)WEFT_RADAR == (int)KIND_RADAR && (int)WEFT_POSITION == (int)KIND_POSITION,
               "public kinds are the wire's");
_Static_assert((int)WEFT_HAS_SIGMAS == (int)VALID_SIGMAS && (int)WEFT_HAS_XYZ == (int)VALID_XYZ,
               "public bits are the wire's");

static struct wire_header header_of(uint32_t sensor_id, uint16_t flags, uint64_t sequence, int64_t sent_ns) {
  return (struct wire_header){
      .sensor = sensor_id, .flags = flags & WIRE_EXERCISE, .sequence = sequence, .sent_ns = sent_ns};
}

size_t weft_datagram_detections(uint8_t *out, size_t capacity, uint32_t sensor_id, uint16_t flags,
                                uint64_t sequence, int64_t sent_ns, const struct weft_detection *detections,
                                uint32_t count) {
  struct wire_header header = header_of(sensor_id, flags, sequence, sent_ns);
  if (count > WIRE_ENTRIES_MAX) return 0;
  for (uint32_t i = 0; i < count; i++) {
    if (detections[i].kind == 0 || detections[i].kind >= KIND_END) return 0;
  }
  struct detection *copies = calloc(count ? count : 1, sizeof *copies);
  if (!copies) return 0;
  for (uint32_t i = 0; i < count; i++) {
    const struct weft_detection *from = &detections[i];
    copies[i] = (struct detection){
        .time_ns = from->time_ns, .kind = (uint8_t)from->kind, .valid = from->valid, .snr_db = from->snr_db};
    memcpy(copies[i].measure, from->measure, sizeof from->measure);
    memcpy(copies[i].sigma, from->sigma, sizeof from->sigma);
  }
  size_t size = wire_detections_encode(out, capacity, &header, copies, count);
  free(copies);
  return size;
}

size_t weft_datagram_states(uint8_t *out, size_t capacity, uint32_t sensor_id, uint16_t flags,
                            uint64_t sequence, int64_t sent_ns, const struct weft_sensor_state *states,
                            uint32_t count) {
  enum { STATES_MAX = 64 };
  struct sensor_state copies[STATES_MAX] = {0};
  if (count > STATES_MAX) return 0;
  struct wire_header header = header_of(sensor_id, flags, sequence, sent_ns);
  for (uint32_t i = 0; i < count; i++) {
    copies[i].time_ns = states[i].time_ns;
    copies[i].status = states[i].status;
    memcpy(copies[i].position_m, states[i].position_m, sizeof states[i].position_m);
    memcpy(copies[i].velocity_mps, states[i].velocity_mps, sizeof states[i].velocity_mps);
  }
  return wire_states_encode(out, capacity, &header, copies, count);
}

int weft_sender_open(const char *host, uint16_t port, struct weft_sender **sender, struct weft_error *err) {
  struct io_sender *io = NULL;
  int rc = io_sender_open(host, port, true, &io, err);
  *sender = (struct weft_sender *)io;
  return rc;
}

int weft_sender_put(struct weft_sender *sender, const void *datagram, size_t size) {
  return io_sender_put((struct io_sender *)sender, datagram, size);
}

int weft_sender_flush(struct weft_sender *sender) {
  return io_sender_flush((struct io_sender *)sender);
}

void weft_sender_close(struct weft_sender *sender) {
  io_sender_close((struct io_sender *)sender);
}
