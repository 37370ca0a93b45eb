// stage: weft_ingest weft_domain weft_base
/* Captured packets whose headers are longer, shorter or others than usual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ingest/capture_packet.h"

enum { LINK_ETHERNET = 1, LINK_RAW = 101, UDP = 17, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60, TCP = 6 };
static const uint8_t payload[] = "twelve bytes";

/* A packet under construction, and what becomes of it. */
struct packet {
  size_t size;
  uint8_t data[512];
};

static void add(struct packet *p, const void *data, size_t size) {
  assert_true(p->size + size <= sizeof p->data);
  memcpy(p->data + p->size, data, size);
  p->size += size;
}

static void add_u16(struct packet *p, uint32_t value) { add(p, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2); }

static void add_udp(struct packet *p) {
  add(p, (uint8_t[4]){0}, 4);
  add_u16(p, 8 + sizeof payload);
  add(p, (uint8_t[2]){0}, 2);
  add(p, payload, sizeof payload);
}

/* An IPv6 header whose packet has `rest` bytes behind it. */
static void add_ipv6(struct packet *p, uint8_t next, uint32_t rest) {
  add(p, (uint8_t[4]){0x60}, 4);
  add_u16(p, rest);
  add(p, (uint8_t[34]){next}, 34);
}

static void add_ipv4(struct packet *p, uint32_t header_words, uint32_t total) {
  add(p, (uint8_t[2]){(uint8_t)(0x40 | header_words)}, 2);
  add_u16(p, total);
  add(p, (uint8_t[16]){[5] = UDP}, 16);
  for (uint32_t w = 5; w < header_words; w++) add(p, (uint8_t[4]){1, 1, 1, 1}, 4);
}

/* Reads `size` bytes of it, in memory of just that size. */
static enum packet_kind kind_of_cut(uint32_t link, const struct packet *p, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  assert_non_null(copy);
  memcpy(copy, p->data, size);
  size_t start = 0, end = 0;
  enum packet_kind kind = packet_payload(link, copy, size, &start, &end);
  if (kind == PACKET_UDP && size == p->size) {
    assert_int_equal(end - start, sizeof payload);
    assert_memory_equal(copy + start, payload, sizeof payload);
  }
  free(copy);
  return kind;
}

static enum packet_kind kind_of(uint32_t link, const struct packet *p) { return kind_of_cut(link, p, p->size); }

static void ethernet_tags_are_passed_up_to_three(void **state) {
  (void)state;
  static const uint32_t tags[] = {0x88a8, 0x9100, 0x8100, 0x8100};
  for (int count = 0; count <= 4; count++) {
    struct packet p = {0};
    add(&p, (uint8_t[12]){0}, 12);
    for (int i = 0; i < count; i++) add_u16(&p, tags[i]), add_u16(&p, 7);
    add_u16(&p, 0x0800);
    size_t link_size = p.size;
    add_ipv4(&p, 5, 20 + 8 + sizeof payload);
    add_udp(&p);
    assert_int_equal(kind_of(LINK_ETHERNET, &p), count <= 3 ? PACKET_UDP : PACKET_OTHER);
    for (size_t cut = 0; cut <= link_size; cut++) assert_int_equal(kind_of_cut(LINK_ETHERNET, &p, cut), PACKET_OTHER);
  }
}

static void a_version_that_is_not_the_ethertypes_is_no_packet(void **state) {
  (void)state;
  static const uint32_t types[] = {0x0800, 0x86dd, 0x0806};
  for (int t = 0; t < 3; t++) {
    for (int version = 4; version <= 6; version += 2) {
      struct packet p = {0};
      add(&p, (uint8_t[12]){0}, 12);
      add_u16(&p, types[t]);
      if (version == 4) add_ipv4(&p, 5, 20 + 8 + sizeof payload);
      else add_ipv6(&p, UDP, 8 + sizeof payload);
      add_udp(&p);
      bool meant = (version == 4 && t == 0) || (version == 6 && t == 1);
      assert_int_equal(kind_of(LINK_ETHERNET, &p), meant ? PACKET_UDP : PACKET_OTHER);
    }
  }
}

static void an_ipv4_header_longer_than_what_was_captured_is_passed_over(void **state) {
  (void)state;
  struct packet p = {0};
  add_ipv4(&p, 15, 60 + 8 + sizeof payload);
  add_udp(&p);
  assert_int_equal(kind_of(LINK_RAW, &p), PACKET_UDP);
  for (size_t cut = 20; cut < 68; cut++) assert_int_equal(kind_of_cut(LINK_RAW, &p, cut), PACKET_OTHER);
}

/* Of 8 bytes and 16. */
static void ipv6_extension_headers_are_passed_up_to_their_bound(void **state) {
  (void)state;
  for (uint32_t count = 0; count <= 8; count++) {
    struct packet p = {0};
    static const uint8_t kinds[] = {0, ROUTING, DESTINATION, 0, DESTINATION, ROUTING, 0, 0};
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) bytes += 8 + 8 * (i % 2);
    add_ipv6(&p, count ? kinds[0] : UDP, bytes + 8 + sizeof payload);
    for (uint32_t i = 0; i < count; i++) {
      add(&p, (uint8_t[16]){i + 1 < count ? kinds[i + 1] : UDP, (uint8_t)(i % 2)}, 8 + 8 * (i % 2));
    }
    size_t headers = p.size;
    add_udp(&p);
    assert_int_equal(kind_of(LINK_RAW, &p), count < 8 ? PACKET_UDP : PACKET_OTHER);
    for (size_t cut = 0; cut < headers; cut++) assert_int_equal(kind_of_cut(LINK_RAW, &p, cut), PACKET_OTHER);
  }
}

static void ipv6_fragments_and_other_protocols_are_told_apart(void **state) {
  (void)state;
  static const struct { uint8_t next; enum packet_kind kind; } cases[] = {
      {UDP, PACKET_UDP}, {FRAGMENT, PACKET_FRAGMENT}, {TCP, PACKET_OTHER}, {59, PACKET_OTHER}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct packet p = {0};
    add_ipv6(&p, DESTINATION, 8 + 8 + sizeof payload);
    add(&p, (uint8_t[8]){cases[i].next, 0}, 8);
    add_udp(&p);
    assert_int_equal(kind_of(LINK_RAW, &p), cases[i].kind);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ethernet_tags_are_passed_up_to_three),
      cmocka_unit_test(a_version_that_is_not_the_ethertypes_is_no_packet),
      cmocka_unit_test(an_ipv4_header_longer_than_what_was_captured_is_passed_over),
      cmocka_unit_test(ipv6_extension_headers_are_passed_up_to_their_bound),
      cmocka_unit_test(ipv6_fragments_and_other_protocols_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
