// stage: weft_ingest weft_domain weft_base
/* Recordings: pcap in all its byte orders and link types, .gps, raw blocks; what a file is by its content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/ingest/capture.h"
#include "engine/ingest/sniff.h"

static struct capture capture;

/* Bytes of a recording under construction. */
struct bytes {
  size_t size;
  uint8_t data[32768];
};

static void put(struct bytes *b, const void *data, size_t size) {
  assert_true(b->size + size <= sizeof b->data);
  if (size > 0) memcpy(b->data + b->size, data, size);
  b->size += size;
}

static void put_u32(struct bytes *b, uint32_t value, bool swapped) {
  if (swapped) value = __builtin_bswap32(value);
  put(b, &value, 4);
}

static void pcap_begin(struct bytes *b, uint32_t magic, uint32_t link, bool swapped) {
  b->size = 0;
  put_u32(b, magic, swapped);
  put_u32(b, swapped ? 0x00020004 : 0x00040002, swapped);
  for (int i = 0; i < 2; i++) put_u32(b, 0, false);
  put_u32(b, 65535, swapped);
  put_u32(b, link, swapped);
}

static void pcap_packet(struct bytes *b, bool swapped, const void *head, size_t head_size, const void *rest, size_t rest_size) {
  put_u32(b, 1000, swapped);
  put_u32(b, 500, swapped);
  for (int i = 0; i < 2; i++) put_u32(b, (uint32_t)(head_size + rest_size), swapped);
  put(b, head, head_size);
  put(b, rest, rest_size);
}

/* Two blocks of 5 and 4 bytes. */
static const uint8_t blocks[] = {48, 0, 5, 1, 2, 34, 0, 4, 9};

/* An IPv4 or IPv6 packet with a UDP payload. */
static size_t ip_packet(uint8_t *out, int version, const uint8_t *payload, size_t size) {
  size_t header = version == 4 ? 20 : 40, udp = size + 8;
  memset(out, 0, header + 8);
  if (version == 4) {
    out[0] = 0x45;
    out[2] = (uint8_t)((header + udp) >> 8);
    out[3] = (uint8_t)(header + udp);
    out[9] = 17;
  } else {
    out[0] = 0x60;
    out[4] = (uint8_t)(udp >> 8);
    out[5] = (uint8_t)udp;
    out[6] = 17;
  }
  out[header + 4] = (uint8_t)(udp >> 8);
  out[header + 5] = (uint8_t)udp;
  memcpy(out + header + 8, payload, size);
  return header + udp;
}

struct totals {
  uint32_t blocks;
  uint64_t hash; /* of the blocks and their times */
  enum capture_status last;
  bool whole;
  struct weft_error err;
  int64_t time_ns;
  bool has_time;
};

/* Reads all in chunks, each from memory of its own. */
static struct totals read_all(enum capture_kind kind, const uint8_t *data, size_t size, size_t chunk) {
  struct totals t = {.hash = 1};
  capture_open(&capture, kind, "f");
  for (size_t at = 0; at < size && t.last != CAPTURE_BROKEN; at += chunk) {
    size_t left = size - at < chunk ? size - at : chunk;
    uint8_t *copy = malloc(left);
    memcpy(copy, data + at, left);
    const uint8_t *from = copy;
    struct capture_block block;
    while ((t.last = capture_take(&capture, &from, &left, &block, &t.err)) == CAPTURE_BLOCK) {
      t.blocks++;
      for (uint32_t i = 0; i < block.block.size; i++) t.hash = t.hash * 31 + block.block.data[i];
      t.hash = t.hash * 31 + (uint64_t)block.time_ns;
      t.time_ns = block.time_ns;
      t.has_time = block.has_time;
    }
    free(copy);
  }
  t.whole = capture_end(&capture);
  return t;
}

static void pcap_is_read_in_both_byte_orders_and_resolutions(void **state) {
  (void)state;
  static struct bytes b;
  uint8_t packet[128];
  size_t size = ip_packet(packet, 4, blocks, sizeof blocks);
  for (int variant = 0; variant < 4; variant++) {
    bool swapped = variant & 1, nanoseconds = variant & 2;
    pcap_begin(&b, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 101, swapped);
    pcap_packet(&b, swapped, packet, size, NULL, 0);
    assert_int_equal(sniff_file(b.data, b.size), SNIFF_PCAP);
    struct totals t = read_all(CAPTURE_PCAP, b.data, b.size, 7);
    assert_int_equal(t.blocks, 2);
    assert_true(t.whole && t.has_time);
    assert_true(t.time_ns == 1000000000000 + (nanoseconds ? 500 : 500000));
  }
}

static void pcap_finds_udp_behind_every_link_type(void **state) {
  (void)state;
  static const uint8_t ethernet[14] = {[12] = 0x08, [13] = 0x00}, ethernet6[14] = {[12] = 0x86, [13] = 0xdd};
  static const uint8_t vlan[22] = {[12] = 0x88, [13] = 0xa8, [16] = 0x81, [17] = 0x00, [20] = 0x08, [21] = 0x00};
  static const uint8_t sll[16] = {[14] = 0x08}, sll2[20] = {[0] = 0x86, [1] = 0xdd}, null[4] = {2};
  static const struct { uint32_t link; const uint8_t *head; size_t size; int version; } cases[] = {
      {1, ethernet, 14, 4}, {1, ethernet6, 14, 6}, {1, vlan, 22, 4}, {113, sll, 16, 4}, {276, sll2, 20, 6}, {0, null, 4, 4},
      {101, NULL, 0, 4},    {101, NULL, 0, 6},     {12, NULL, 0, 4}, {228, NULL, 0, 4}, {229, NULL, 0, 6}};
  static struct bytes b;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t packet[128] = {0};
    size_t size = ip_packet(packet, cases[i].version, blocks, sizeof blocks);
    pcap_begin(&b, 0xa1b2c3d4, cases[i].link, false);
    uint8_t none = 0;
    pcap_packet(&b, false, cases[i].size ? cases[i].head : &none, cases[i].size, packet, size + 6); /* padded */
    struct totals t = read_all(CAPTURE_PCAP, b.data, b.size, 1000);
    if (t.blocks != 2) fail_msg("link %u, IPv%d: %u blocks", cases[i].link, cases[i].version, t.blocks);
    assert_int_equal(capture.counts.payloads, 1);
    assert_int_equal(capture.counts.cut, 0);
  }
}

static void pcap_counts_what_it_skips(void **state) {
  (void)state;
  static struct bytes b;
  uint8_t packet[128], changed[128];
  size_t size = ip_packet(packet, 4, blocks, sizeof blocks);
  pcap_begin(&b, 0xa1b2c3d4, 101, false);
  const struct { size_t at; uint8_t value; } changes[] = {
      {6, 0x20}, {7, 0x01},               /* first and later fragments */
      {9, 6}, {0, 0x44}, {0, 0x65}, {25, 7}, {3, 19}}; /* TCP; header too short; version; UDP length; total length */
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    memcpy(changed, packet, size);
    changed[changes[i].at] = changes[i].value;
    pcap_packet(&b, false, changed, size, NULL, 0);
  }
  pcap_packet(&b, false, packet, 0, NULL, 0);          /* nothing captured of it */
  memcpy(changed, packet, size);
  changed[size - 2] = 5;                               /* the second block would be longer than the payload */
  pcap_packet(&b, false, changed, size, NULL, 0);
  pcap_packet(&b, false, packet, size - 2, NULL, 0);   /* cut by the capture's snap length */
  uint8_t fragment6[128];
  size_t size6 = ip_packet(fragment6, 6, blocks, sizeof blocks);
  fragment6[6] = 44;
  pcap_packet(&b, false, fragment6, size6, NULL, 0);
  pcap_packet(&b, false, packet, size, NULL, 0);
  struct totals t = read_all(CAPTURE_PCAP, b.data, b.size, 100);
  assert_true(t.whole);
  assert_int_equal(capture.counts.packets, 12);
  assert_int_equal(capture.counts.fragments, 3);
  assert_int_equal(capture.counts.other, 6);
  assert_int_equal(capture.counts.payloads, 3);
  assert_int_equal(capture.counts.cut, 2);
  assert_int_equal(t.blocks, 4);
}

static void pcap_that_cannot_be_read_says_why(void **state) {
  (void)state;
  static struct bytes b;
  pcap_begin(&b, 0x0a0d0d0a, 1, false);
  assert_int_equal(sniff_file(b.data, b.size), SNIFF_PCAPNG);
  struct totals t = read_all(CAPTURE_PCAP, b.data, b.size, 100);
  assert_int_equal(t.last, CAPTURE_BROKEN);
  assert_non_null(strstr(t.err.text, "editcap -F pcap IN OUT"));
  pcap_begin(&b, 0x12345678, 1, false);
  t = read_all(CAPTURE_PCAP, b.data, b.size, 100);
  assert_non_null(strstr(t.err.text, "not a pcap file"));
  pcap_begin(&b, 0xa1b2c3d4, 105, false);
  t = read_all(CAPTURE_PCAP, b.data, b.size, 100);
  assert_non_null(strstr(t.err.text, "link type 105"));
  pcap_begin(&b, 0xa1b2c3d4, 1, false);
  for (int i = 0; i < 4; i++) put_u32(&b, CAPTURE_PACKET_MAX + 1, false);
  t = read_all(CAPTURE_PCAP, b.data, b.size, 100);
  assert_non_null(strstr(t.err.text, "byte 24: a packet of 262145 bytes"));
}

static void gps_is_blocks_with_trailers_behind_a_header(void **state) {
  (void)state;
  static struct bytes b;
  static const uint8_t trailer[CAPTURE_GPS_TRAILER] = {0};
  uint8_t header[CAPTURE_GPS_HEAD];
  memset(header, ' ', sizeof header);
  b.size = 0;
  put(&b, header, sizeof header);
  for (int i = 0; i < 3; i++) {
    put(&b, blocks, 5);
    put(&b, trailer, sizeof trailer);
  }
  assert_int_equal(sniff_file(b.data, b.size), SNIFF_GPS);
  for (size_t cut = 0; cut <= b.size; cut++) {
    struct totals t = read_all(CAPTURE_GPS, b.data, cut, 1 + cut / 3);
    size_t body = cut < CAPTURE_GPS_HEAD ? 0 : cut - CAPTURE_GPS_HEAD;
    assert_int_equal(t.blocks, body / 15 + (body % 15 >= 5));
    bool whole = cut == 0 || (cut >= CAPTURE_GPS_HEAD && (body % 15 == 0 || body % 15 >= 5));
    assert_int_equal(t.whole, whole);
    assert_int_equal(capture.counts.cut, !whole);
  }
}

static void raw_blocks_follow_each_other(void **state) {
  (void)state;
  assert_int_equal(sniff_file(blocks, sizeof blocks), SNIFF_ASTERIX);
  for (size_t cut = 0; cut <= sizeof blocks; cut++) {
    struct totals t = read_all(CAPTURE_RAW, blocks, cut, 2);
    bool whole = cut == 0 || cut == 5 || cut == 9;
    assert_int_equal(t.blocks, (cut >= 5) + (cut >= 9));
    assert_int_equal(t.whole, whole);
    assert_int_equal(capture.counts.cut, !whole);
    assert_false(t.has_time);
  }
  const uint8_t damaged[] = {48, 0, 5, 1, 2, 48, 0, 2, 1};
  struct totals t = read_all(CAPTURE_RAW, damaged, sizeof damaged, 100);
  assert_int_equal(t.blocks, 1);
  assert_int_equal(t.last, CAPTURE_BROKEN);
  assert_non_null(strstr(t.err.text, "f: byte 5: an ASTERIX block of 2 bytes"));
}

static void files_are_told_by_their_content(void **state) {
  (void)state;
  static const struct { const char *bytes; size_t size; enum sniff_kind kind; } cases[] = {
      {"", 0, SNIFF_EMPTY},
      {"time_ns,sensor,kind\n1,2,radar\n", 30, SNIFF_CSV},
      {"\xef\xbb\xbftime_ns,sensor,kind\r\n", 24, SNIFF_CSV},
      {"time_ns,sensor,kind\n1,2,ra\0dar\n", 31, SNIFF_CSV},
      {"kind", 4, SNIFF_CSV},
      {"a,b", 3, SNIFF_CSV},
      {"{}", 2, SNIFF_TRACKS},
      {"\xef\xbb", 2, SNIFF_CSV},
      {"\r\n\t ", 4, SNIFF_CSV},
      {"\r\n {\"a\":1}", 10, SNIFF_TRACKS},
      {"\xef\xbb\xbf{\"a\":1}", 10, SNIFF_TRACKS},
      {"{\"a\":\"\1\"}", 9, SNIFF_TRACKS},
      {"\x30\0\5\1\2\x30", 6, SNIFF_ASTERIX},
      {"\x30\0\3\0", 4, SNIFF_UNKNOWN},
      {"\x50\0\5\1\2", 5, SNIFF_UNKNOWN},
      {"\x80\0\5\1\2", 5, SNIFF_ASTERIX},
      {"WEFTJRNL\0\0\1", 11, SNIFF_JOURNAL},
      {" \n\t{\"time_ns\":1}\n", 17, SNIFF_TRACKS},
      {"\x0a\x0d\x0d\x0a\x1c\0\0\0", 8, SNIFF_PCAPNG},
      {"\x30\0\5\1\2", 5, SNIFF_ASTERIX},
      {"\x30\0\5\1\2\x30\0\x40\1", 9, SNIFF_ASTERIX},
      {"\x7f" "ELF\2\1\1\0", 8, SNIFF_UNKNOWN},
      {"\0\0\0\0", 4, SNIFF_UNKNOWN}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t *copy = malloc(cases[i].size ? cases[i].size : 1);
    memcpy(copy, cases[i].bytes, cases[i].size);
    enum sniff_kind kind = sniff_file(copy, cases[i].size);
    free(copy);
    if (kind != cases[i].kind) fail_msg("case %zu: %s, not %s", i, sniff_names[kind], sniff_names[cases[i].kind]);
  }
}

/* Weft's own datagrams stand in recordings too; whoever wants them gets them, blocks beside them as ever. */
static void datagrams_are_yielded_where_they_are_wanted(void **state) {
  (void)state;
  static const uint8_t datagram[] = "WEFT and more", shorter[] = {48, 0, 3};
  static struct bytes b;
  uint8_t packet[128];
  pcap_begin(&b, 0xa1b2c3d4, 101, false);
  const struct { const uint8_t *data; size_t size; } payloads[] = {{datagram, sizeof datagram}, {blocks, sizeof blocks}, {shorter, 3}};
  for (int i = 0; i < 3; i++) pcap_packet(&b, false, packet, ip_packet(packet, 4, payloads[i].data, payloads[i].size), NULL, 0);
  for (int wanted = 0; wanted < 2; wanted++) {
    uint32_t datagrams = 0, yielded = 0;
    capture_open(&capture, CAPTURE_PCAP, "f");
    capture.wants_datagrams = wanted;
    const uint8_t *data = b.data;
    size_t size = b.size;
    struct capture_block block;
    enum capture_status status;
    while ((status = capture_take(&capture, &data, &size, &block, NULL)) != CAPTURE_MORE) {
      yielded += status == CAPTURE_BLOCK;
      datagrams += status == CAPTURE_DATAGRAM;
      if (status != CAPTURE_DATAGRAM) continue;
      assert_int_equal(block.datagram_size, sizeof datagram);
      assert_memory_equal(block.datagram, datagram, sizeof datagram);
      assert_int_equal(block.time_ns, 1000000500000);
    }
    assert_int_equal(datagrams, wanted);
    assert_int_equal(yielded, 3);
    assert_int_equal(capture.counts.cut, !wanted); /* to who doesn't want it a datagram is a block that does not end */
  }
}

static void recordings_without_packets_have_no_datagrams(void **state) {
  (void)state;
  capture_open(&capture, CAPTURE_RAW, "f");
  capture.wants_datagrams = true;
  const uint8_t *data = blocks;
  size_t size = sizeof blocks;
  struct capture_block block;
  for (int i = 0; i < 2; i++) assert_int_equal(capture_take(&capture, &data, &size, &block, NULL), CAPTURE_BLOCK);
  assert_int_equal(capture_take(&capture, &data, &size, &block, NULL), CAPTURE_MORE);
}

static void random_recordings_are_survived(void **state) {
  (void)state;
  struct prng prng = prng_seed(5, 0);
  static struct bytes b;
  for (int i = 0; i < 2000; i++) {
    static const uint32_t links[] = {0, 1, 101, 113, 276};
    pcap_begin(&b, 0xa1b2c3d4, links[prng_below(&prng, 5)], false);
    for (int k = 0; k < 5; k++) {
      uint8_t packet[256];
      memset(packet, 0, sizeof packet);
      size_t at = prng_below(&prng, 24);
      size_t size = at + ip_packet(packet + at, prng_below(&prng, 2) ? 4 : 6, blocks, sizeof blocks);
      for (int flips = 0; flips < 4; flips++) packet[prng_below(&prng, size)] = (uint8_t)prng_u64(&prng);
      pcap_packet(&b, false, packet, prng_below(&prng, size + 1), NULL, 0);
    }
    struct totals a = read_all(CAPTURE_PCAP, b.data, b.size, b.size), c = read_all(CAPTURE_PCAP, b.data, b.size, 13);
    if (a.hash != c.hash || a.blocks != c.blocks) fail_msg("seed 5, recording %d: chunks matter", i);
    assert_int_equal(capture.counts.packets, 5);
    assert_int_equal(capture.counts.packets, capture.counts.payloads + capture.counts.other + capture.counts.fragments);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pcap_is_read_in_both_byte_orders_and_resolutions),
      cmocka_unit_test(pcap_finds_udp_behind_every_link_type),
      cmocka_unit_test(pcap_counts_what_it_skips),
      cmocka_unit_test(pcap_that_cannot_be_read_says_why),
      cmocka_unit_test(gps_is_blocks_with_trailers_behind_a_header),
      cmocka_unit_test(raw_blocks_follow_each_other),
      cmocka_unit_test(files_are_told_by_their_content),
      cmocka_unit_test(datagrams_are_yielded_where_they_are_wanted),
      cmocka_unit_test(recordings_without_packets_have_no_datagrams),
      cmocka_unit_test(random_recordings_are_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
