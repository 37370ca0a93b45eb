/* Bytes as a pcap recording: as they come; as packets of any content in records of the right length; and as
 * UDP payloads in packets of every link type, of which none may be missed. */
// length: 256
#include "tests/fuzz/capture_chunks.h"

enum { RECORDING_MAX = 16384, PAYLOAD_MAX = 255, PACKET_ROOM = 512, FILE_HEAD = 24, RECORD_HEAD = 16 };
enum { ETHERNET = 1, RAW = 101, LOOP = 108, SLL = 113, IPV4 = 228, IPV6 = 229, SLL2 = 276 };
static const uint16_t links[] = {0, ETHERNET, 12, 14, RAW, LOOP, SLL, IPV4, IPV6, SLL2};

struct recording {
  uint8_t bytes[RECORDING_MAX];
  size_t used;
  bool swapped;
  uint16_t link;
};

static void put_host(struct recording *r, uint32_t value) {
  if (r->swapped) value = __builtin_bswap32(value);
  memcpy(r->bytes + r->used, &value, 4);
  r->used += 4;
}

static void put_bytes(struct recording *r, const void *bytes, size_t size) {
  if (size > 0) memcpy(r->bytes + r->used, bytes, size);
  r->used += size;
}

static void put_u16(struct recording *r, uint32_t value) {
  r->bytes[r->used++] = (uint8_t)(value >> 8);
  r->bytes[r->used++] = (uint8_t)value;
}

static void put_zeros(struct recording *r, size_t size) {
  memset(r->bytes + r->used, 0, size);
  r->used += size;
}

static void recording_begin(struct recording *r, struct input *in) {
  uint8_t how = input_u8(in);
  r->used = 0;
  r->swapped = how & 1;
  r->link = links[(how >> 2) % (sizeof links / sizeof links[0])];
  put_host(r, how & 2 ? 0xa1b23c4d : 0xa1b2c3d4);
  put_zeros(r, FILE_HEAD - 8);
  put_host(r, r->link);
}

static size_t record_begin(struct recording *r, struct input *in) {
  put_host(r, (uint32_t)input_u16(in) << 15);
  put_host(r, input_u16(in));
  size_t place = r->used;
  put_zeros(r, RECORD_HEAD - 8);
  return place;
}

static void record_end(struct recording *r, size_t place) {
  size_t end = r->used;
  r->used = place;
  put_host(r, (uint32_t)(end - place - 8));
  r->used = end;
}

/* What stands before the network header, with up to three tags where the link has them. */
static void link_put(struct recording *r, bool six, uint32_t tags) {
  uint32_t type = six ? 0x86dd : 0x0800;
  if (r->link == 0 || r->link == LOOP) put_zeros(r, 4);
  if (r->link == ETHERNET) put_zeros(r, 12);
  if (r->link == SLL) put_zeros(r, 14);
  if (r->link == SLL2) {
    put_u16(r, type);
    put_zeros(r, 18);
  }
  if (r->link != ETHERNET && r->link != SLL) return;
  for (uint32_t i = 0; i < tags; i++) {
    put_u16(r, i == 0 ? 0x88a8 : 0x8100);
    put_u16(r, 7);
  }
  put_u16(r, type);
}

static void ipv4_put(struct recording *r, uint32_t options, size_t payload) {
  size_t total = 20 + 4 * (size_t)options + 8 + payload;
  put_u16(r, (0x45 + options) << 8);
  put_u16(r, (uint32_t)total);
  put_zeros(r, 5);
  put_bytes(r, "\x11", 1);
  put_zeros(r, 10 + 4 * (size_t)options);
}

static void ipv6_put(struct recording *r, uint32_t extensions, size_t payload) {
  static const uint8_t next[] = {0, 43, 60};
  put_u16(r, 0x6000);
  put_u16(r, 0);
  put_u16(r, (uint32_t)(16 * extensions + 8 + payload));
  put_bytes(r, extensions ? &next[0] : (const uint8_t *)"\x11", 1);
  put_zeros(r, 33);
  for (uint32_t i = 0; i < extensions; i++) {
    put_bytes(r, i + 1 < extensions ? &next[(i + 1) % 3] : (const uint8_t *)"\x11", 1);
    put_bytes(r, "\1", 1);
    put_zeros(r, 14);
  }
}

static void payload_packet(struct recording *r, struct input *in) {
  size_t given, place = record_begin(r, in);
  uint8_t how = input_u8(in), length = input_u8(in);
  const uint8_t *payload = input_piece(in, length, &given);
  bool six = r->link == IPV6 || (r->link != IPV4 && how & 1);
  uint32_t tags = how >> 1 & 3, more = how >> 3 & 7;
  link_put(r, six, tags);
  if (six)
    ipv6_put(r, more, given);
  else
    ipv4_put(r, more, given);
  put_zeros(r, 4);
  put_u16(r, (uint32_t)(8 + given));
  put_u16(r, 0);
  put_bytes(r, payload, given);
  record_end(r, place);
}

static void packets_take(struct input *in, size_t chunk, bool payloads) {
  static struct recording r;
  uint64_t count = 0;
  recording_begin(&r, in);
  while (in->left > 0 && r.used < RECORDING_MAX - PACKET_ROOM) {
    count++;
    if (payloads) {
      payload_packet(&r, in);
      continue;
    }
    size_t given, place = record_begin(&r, in);
    const uint8_t *packet = input_piece(in, input_u8(in), &given);
    put_bytes(&r, packet, given);
    record_end(&r, place);
  }
  struct capture_reading reading = capture_check(CAPTURE_PCAP, payloads, r.bytes, r.used, chunk);
  weft_assert(!reading.broken && reading.whole && reading.counts.packets == count);
  if (payloads) weft_assert(reading.counts.payloads == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  size_t chunk = choice >> 2;
  if (choice & 1)
    packets_take(&in, chunk, choice & 2);
  else
    capture_check(choice & 2 ? CAPTURE_RAW : CAPTURE_PCAP, true, in.at, in.left, chunk);
  return 0;
}
