#include "engine/ingest/capture_packet.h"

/* Link types as registered at tcpdump.org. RAW has other numbers on some systems. */
enum {
  LINK_NULL = 0,
  LINK_ETHERNET = 1,
  LINK_RAW_BSD = 12,
  LINK_RAW_OPENBSD = 14,
  LINK_RAW = 101,
  LINK_LOOP = 108,
  LINK_SLL = 113,
  LINK_IPV4 = 228,
  LINK_IPV6 = 229,
  LINK_SLL2 = 276
};
enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8, ETHER_QINQ_OLD = 0x9100 };
enum { TAGS_MAX = 3, EXTENSIONS_MAX = 8 };
enum { NEXT_HOP = 0, NEXT_UDP = 17, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_DESTINATION = 60 };

static uint32_t u16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

bool packet_link_known(uint32_t link) {
  static const uint16_t known[] = {LINK_NULL, LINK_ETHERNET, LINK_RAW_BSD, LINK_RAW_OPENBSD, LINK_RAW, LINK_LOOP,
                                   LINK_SLL,  LINK_IPV4,     LINK_IPV6,    LINK_SLL2};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (link == known[i]) return true;
  return false;
}

/* Where the network header begins and what it is (an EtherType, or 0: told by its version). False: no such header. */
static bool link_skip(uint32_t link, const uint8_t *data, size_t size, size_t *at, uint32_t *type) {
  *at = 0;
  *type = 0;
  switch (link) {
  case LINK_ETHERNET:
    if (size < 14) return false;
    *type = u16(data + 12);
    *at = 14;
    break;
  case LINK_SLL:
    if (size < 16) return false;
    *type = u16(data + 14);
    *at = 16;
    break;
  case LINK_SLL2:
    if (size < 20) return false;
    *type = u16(data);
    *at = 20;
    break;
  case LINK_NULL:
  case LINK_LOOP: *at = 4; return size > 4;
  default: return size > 0;
  }
  for (int i = 0; i < TAGS_MAX && (*type == ETHER_VLAN || *type == ETHER_QINQ || *type == ETHER_QINQ_OLD); i++) {
    if (size - *at < 4) return false;
    *type = u16(data + *at + 2);
    *at += 4;
  }
  return (*type == ETHER_IPV4 || *type == ETHER_IPV6) && *at < size;
}

/* The UDP header at `at` of an IP packet that ends at `end`. */
static enum packet_kind udp_payload(const uint8_t *data, size_t at, size_t packet_end, size_t *start, size_t *end) {
  if (packet_end < at || packet_end - at < 8) return PACKET_OTHER;
  uint32_t length = u16(data + at + 4);
  if (length < 8) return PACKET_OTHER;
  *start = at + 8;
  *end = at + length < packet_end ? at + length : packet_end;
  return PACKET_UDP;
}

static enum packet_kind ipv4_payload(const uint8_t *data, size_t size, size_t at, size_t *start, size_t *end) {
  if (size - at < 20) return PACKET_OTHER;
  const uint8_t *ip = data + at;
  size_t header = (size_t)(ip[0] & 15) * 4, total = u16(ip + 2);
  if (total == 0) total = size - at; /* segmentation offload leaves it to the card */
  if (header < 20 || total < header || ip[9] != NEXT_UDP) return PACKET_OTHER;
  if (u16(ip + 6) & 0x3fff) return PACKET_FRAGMENT; /* more to come, or not the first */
  return udp_payload(data, at + header, total < size - at ? at + total : size, start, end);
}

static enum packet_kind ipv6_payload(const uint8_t *data, size_t size, size_t at, size_t *start, size_t *end) {
  if (size - at < 40) return PACKET_OTHER;
  uint8_t next = data[at + 6];
  size_t total = 40 + (size_t)u16(data + at + 4);
  size_t packet_end = total < size - at ? at + total : size;
  at += 40;
  for (int i = 0; i < EXTENSIONS_MAX; i++) {
    if (next == NEXT_UDP) return udp_payload(data, at, packet_end, start, end);
    if (next == NEXT_FRAGMENT) return PACKET_FRAGMENT;
    if (next != NEXT_HOP && next != NEXT_ROUTING && next != NEXT_DESTINATION) return PACKET_OTHER;
    if (packet_end - at < 8) return PACKET_OTHER;
    size_t length = 8 + (size_t)data[at + 1] * 8;
    if (length > packet_end - at) return PACKET_OTHER;
    next = data[at];
    at += length;
  }
  return PACKET_OTHER;
}

enum packet_kind packet_payload(uint32_t link, const uint8_t *data, size_t size, size_t *start, size_t *end) {
  size_t at;
  uint32_t type;
  if (!link_skip(link, data, size, &at, &type)) return PACKET_OTHER;
  uint8_t version = data[at] >> 4;
  if (version == 4 && (type == 0 || type == ETHER_IPV4)) return ipv4_payload(data, size, at, start, end);
  if (version == 6 && (type == 0 || type == ETHER_IPV6)) return ipv6_payload(data, size, at, start, end);
  return PACKET_OTHER;
}
