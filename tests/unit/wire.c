// stage: weft_ingest weft_domain weft_base
/* Wire format, version 1: what is accepted, what is refused and as what. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/ingest/wire.h"

#define PI 3.14159265358979323846

static struct detection radar(void) {
  return (struct detection){.time_ns = 1700000000123456789,
                            .kind = KIND_RADAR,
                            .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_RANGE_RATE | VALID_SNR | VALID_SIGMAS,
                            .snr_db = 13.5f,
                            .measure = {123456.75, 1.25, 0.5, -2500},
                            .sigma = {30, 0.001f, 0.002f, 5}};
}

/* Encodes one detection and returns the verdict on its entry after `change` was applied to it. */
static enum wire_verdict entry_verdict(const struct detection *d, struct detection *out) {
  uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
  struct wire_header header = {.sensor = 1};
  assert_int_equal(wire_detections_encode(datagram, sizeof datagram, &header, d, 1), sizeof datagram);
  return wire_detection_decode(datagram + WIRE_HEADER_SIZE, out);
}

static enum wire_verdict verdict_of(struct detection d) {
  struct detection out;
  return entry_verdict(&d, &out);
}

static void crc_of_the_check_string_is_castagnolis(void **state) {
  (void)state;
  assert_int_equal(wire_crc32c(0, "123456789", 9), 0xE3069283u);
  assert_int_equal(wire_crc32c(wire_crc32c(0, "1234", 4), "56789", 5), 0xE3069283u);
  assert_int_equal(wire_crc32c(0, "", 0), 0);
}

/* Bytes laid down by hand from the table of the contract, not by the encoder. */
static void header_and_entry_lie_where_the_contract_says(void **state) {
  (void)state;
  uint8_t b[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE] = {'W', 'E', 'F', 'T', 1, 1, 1, 0, 0x65, 0x01, 0, 0, 1, 0, 0, 0};
  b[16] = 7;                                         /* sequence */
  b[24] = 9;                                         /* sent */
  b[32] = 64;                                        /* body length */
  b[40] = 0xff;                                      /* reserved: ignored */
  uint8_t *e = b + WIRE_HEADER_SIZE;
  e[1] = 1;                                          /* 256 ns */
  e[8] = KIND_RADAR2D;
  e[10] = 0x13;                                      /* range, azimuth, height */
  double range_m = 5000, azimuth_rad = 2, height_m = 900;
  memcpy(e + 16, &range_m, 8);
  memcpy(e + 24, &azimuth_rad, 8);
  memcpy(e + 32, &height_m, 8);
  uint32_t crc = wire_crc32c(0, b, sizeof b);
  memcpy(b + 36, &crc, 4);
  struct wire_header header;
  assert_int_equal(wire_header_decode(b, sizeof b, &header), WIRE_OK);
  assert_true(wire_crc_ok(b, sizeof b));
  assert_int_equal(header.type, WIRE_DETECTIONS);
  assert_int_equal(header.flags, WIRE_EXERCISE);
  assert_int_equal(header.sensor, 0x165);
  assert_int_equal(header.count, 1);
  assert_int_equal(header.sequence, 7);
  assert_int_equal(header.sent_ns, 9);
  struct detection d;
  assert_int_equal(wire_detection_decode(e, &d), WIRE_OK);
  assert_int_equal(d.time_ns, 256);
  assert_int_equal(d.kind, KIND_RADAR2D);
  assert_int_equal(d.valid, VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT);
  assert_true(d.measure[0] == 5000 && d.measure[1] == 2 && d.measure[2] == 900 && d.measure[3] == 0);
}

static void detections_come_back_as_they_were_encoded(void **state) {
  (void)state;
  struct detection in = radar(), out;
  assert_int_equal(entry_verdict(&in, &out), WIRE_OK);
  assert_true(in.time_ns == out.time_ns && in.sequence == out.sequence && in.sensor == out.sensor && in.index == out.index);
  assert_true(in.kind == out.kind && in.valid == out.valid && in.snr_db == out.snr_db && in.arrival_ns == out.arrival_ns);
  assert_memory_equal(in.measure, out.measure, sizeof in.measure);
  assert_memory_equal(in.sigma, out.sigma, sizeof in.sigma);
  assert_memory_equal(in.platform_m, out.platform_m, sizeof in.platform_m);
  uint8_t small[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE - 1];
  struct wire_header header = {.sensor = 1};
  assert_int_equal(wire_detections_encode(small, sizeof small, &header, &in, 1), 0);
}

static void states_come_back_as_they_were_encoded(void **state) {
  (void)state;
  struct sensor_state in = {.time_ns = -5, .status = SENSOR_DEGRADED, .position_m = {7e6, -1, 2}, .velocity_mps = {1, 2, 3}}, out;
  uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
  struct wire_header header = {.sensor = 4, .sequence = UINT64_MAX, .flags = WIRE_EXERCISE}, decoded;
  assert_int_equal(wire_states_encode(datagram, sizeof datagram, &header, &in, 1), sizeof datagram);
  assert_int_equal(wire_header_decode(datagram, sizeof datagram, &decoded), WIRE_OK);
  assert_int_equal(decoded.type, WIRE_STATES);
  assert_true(decoded.sequence == UINT64_MAX);
  assert_true(wire_crc_ok(datagram, sizeof datagram));
  assert_int_equal(wire_state_decode(datagram + WIRE_HEADER_SIZE, &out), WIRE_OK);
  assert_memory_equal(&in, &out, sizeof in);
}

static void states_that_cannot_be_are_refused(void **state) {
  (void)state;
  struct wire_header header = {.sensor = 4};
  struct { struct sensor_state state; enum wire_verdict verdict; } cases[] = {
      {{.status = 3, .position_m = {7e6, 0, 0}}, WIRE_MALFORMED},
      {{.position_m = {NAN, 0, 0}}, WIRE_NOT_FINITE},
      {{.position_m = {7e6, 0, 0}, .velocity_mps = {0, 0, INFINITY}}, WIRE_NOT_FINITE},
      {{.position_m = {0, 0, 0}}, WIRE_OUT_OF_RANGE},
      {{.position_m = {1.1e8, 0, 0}}, WIRE_OUT_OF_RANGE},
      {{.position_m = {7e6, 0, 0}, .velocity_mps = {0, 2e6, 0}}, WIRE_OUT_OF_RANGE},
      {{.position_m = {7e6, -1.1e8, 0}}, WIRE_OUT_OF_RANGE},
      {{.position_m = {7e6, 0, 0}, .time_ns = INT64_MIN}, WIRE_OUT_OF_RANGE},
      {{.position_m = {7e6, 0, 0}, .time_ns = INT64_MAX}, WIRE_OUT_OF_RANGE},
      {{.position_m = {0, 6.36e6, 0}}, WIRE_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
    struct sensor_state out;
    wire_states_encode(datagram, sizeof datagram, &header, &cases[i].state, 1);
    assert_int_equal(wire_state_decode(datagram + WIRE_HEADER_SIZE, &out), cases[i].verdict);
  }
}

static void header_refuses_every_truncation_and_extension(void **state) {
  (void)state;
  struct detection d[2] = {radar(), radar()};
  uint8_t datagram[WIRE_HEADER_SIZE + 2 * WIRE_ENTRY_SIZE + 1] = {0};
  struct wire_header header = {.sensor = 1}, out;
  size_t size = wire_detections_encode(datagram, sizeof datagram, &header, d, 2);
  for (size_t cut = 0; cut <= size + 1; cut++) {
    uint8_t *copy = malloc(cut ? cut : 1); /* its own piece, so that the sanitizer sees a byte too many */
    memcpy(copy, datagram, cut);
    assert_int_equal(wire_header_decode(copy, cut, &out), cut == size ? WIRE_OK : WIRE_MALFORMED);
    free(copy);
  }
}

static void header_refuses_what_version_1_does_not_have(void **state) {
  (void)state;
  struct { size_t at; uint8_t value; enum wire_verdict verdict; } cases[] = {
      {0, 'w', WIRE_MALFORMED},  {4, 0, WIRE_VERSION},      {4, 2, WIRE_VERSION},   {5, 0, WIRE_MALFORMED},
      {5, 4, WIRE_MALFORMED},    {6, 4, WIRE_MALFORMED},    {7, 1, WIRE_MALFORMED}, {12, 0, WIRE_MALFORMED},
      {12, 2, WIRE_MALFORMED},   {32, 63, WIRE_MALFORMED},  {35, 1, WIRE_MALFORMED}, {6, 1, WIRE_OK},
      {6, 2, WIRE_MALFORMED},    {5, 3, WIRE_MALFORMED},    {47, 1, WIRE_OK},       {14, 1, WIRE_OK}};
  struct detection d = radar();
  struct wire_header header = {.sensor = 77}, out;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
    wire_detections_encode(datagram, sizeof datagram, &header, &d, 1);
    datagram[cases[i].at] = cases[i].value;
    assert_int_equal(wire_header_decode(datagram, sizeof datagram, &out), cases[i].verdict);
    if (cases[i].at >= 4) assert_int_equal(out.sensor, 77);
  }
  assert_int_equal(wire_refusal(WIRE_VERSION), REFUSAL_VERSION);
  assert_int_equal(wire_refusal(WIRE_MALFORMED), REFUSAL_MALFORMED);
  assert_int_equal(wire_refusal(WIRE_NOT_FINITE), REFUSAL_NOT_FINITE);
  assert_int_equal(wire_refusal(WIRE_OUT_OF_RANGE), REFUSAL_OUT_OF_RANGE);
}

static void sealed_and_parity_bodies_are_recognised_by_their_lengths(void **state) {
  (void)state;
  uint8_t b[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE + WIRE_TAG_SIZE] = {'W', 'E', 'F', 'T', 1, 1, 2, 0, 1, 0, 0, 0, 1, 0, 3, 0};
  b[32] = WIRE_ENTRY_SIZE + WIRE_TAG_SIZE;
  struct wire_header header;
  assert_int_equal(wire_header_decode(b, sizeof b, &header), WIRE_OK);
  assert_int_equal(header.flags, WIRE_SEALED);
  assert_int_equal(header.key_epoch, 3);
  b[5] = WIRE_PARITY;
  assert_int_equal(wire_header_decode(b, sizeof b, &header), WIRE_OK);
  b[6] = 0; /* unsealed: the parity body says how long it is */
  b[WIRE_HEADER_SIZE + 12] = WIRE_ENTRY_SIZE + WIRE_TAG_SIZE - WIRE_PARITY_HEAD_SIZE;
  assert_int_equal(wire_header_decode(b, sizeof b, &header), WIRE_OK);
  b[WIRE_HEADER_SIZE + 12]++;
  assert_int_equal(wire_header_decode(b, sizeof b, &header), WIRE_MALFORMED);
  b[32] = 15;
  assert_int_equal(wire_header_decode(b, WIRE_HEADER_SIZE + 15, &header), WIRE_MALFORMED);
}

static void crc_finds_every_flipped_bit(void **state) {
  (void)state;
  struct detection d = radar();
  uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
  struct wire_header header = {.sensor = 1, .sequence = 99};
  wire_detections_encode(datagram, sizeof datagram, &header, &d, 1);
  assert_true(wire_crc_ok(datagram, sizeof datagram));
  for (size_t bit = 0; bit < sizeof datagram * 8; bit++) {
    datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(wire_crc_ok(datagram, sizeof datagram));
    datagram[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static void detection_without_a_needed_bit_is_malformed(void **state) {
  (void)state;
  static const uint16_t needed[KIND_END] = {0, 0x07, 0x03, 0x06, 0x20};
  for (uint16_t kind = 0; kind < 7; kind++)
    for (uint16_t valid = 0; valid < 256; valid++) {
      struct detection d = radar();
      d.kind = (uint8_t)kind;
      d.valid = valid;
      bool good = kind >= KIND_RADAR && kind < KIND_END && (valid & needed[kind]) == needed[kind];
      assert_int_equal(verdict_of(d), good ? WIRE_OK : WIRE_MALFORMED);
    }
  struct detection d = radar(), out;
  uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
  struct wire_header header = {.sensor = 1};
  wire_detections_encode(datagram, sizeof datagram, &header, &d, 1);
  datagram[WIRE_HEADER_SIZE + 9] = 1; /* kind 257 is not kind 1 */
  assert_int_equal(wire_detection_decode(datagram + WIRE_HEADER_SIZE, &out), WIRE_MALFORMED);
}

static void detection_fields_whose_bit_is_0_are_not_looked_at(void **state) {
  (void)state;
  struct detection d = radar(), out;
  d.valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_HEIGHT | VALID_XYZ; /* the last two: not a radar's */
  d.measure[3] = NAN;
  d.snr_db = NAN;
  d.sigma[0] = NAN;
  d.sigma[1] = -1;
  assert_int_equal(entry_verdict(&d, &out), WIRE_OK);
  assert_int_equal(out.valid, VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION);
  assert_true(out.measure[3] == 0 && out.snr_db == 0 && out.sigma[0] == 0 && out.sigma[1] == 0);
  d.valid |= VALID_SIGMAS;
  d.sigma[0] = d.sigma[1] = 0;
  d.sigma[3] = NAN; /* of the range rate, which is not valid */
  assert_int_equal(verdict_of(d), WIRE_OK);
  d.kind = KIND_LOS;
  d.measure[0] = NAN;
  assert_int_equal(verdict_of(d), WIRE_OK);
}

static void detection_that_is_not_finite_is_refused(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int b = 0; b < 3; b++)
    for (int slot = 0; slot < 4; slot++) {
      struct detection d = radar();
      d.measure[slot] = bad[b];
      assert_int_equal(verdict_of(d), WIRE_NOT_FINITE);
      d = radar();
      d.sigma[slot] = (float)bad[b];
      assert_int_equal(verdict_of(d), WIRE_NOT_FINITE);
      d = radar();
      d.snr_db = (float)bad[b];
      assert_int_equal(verdict_of(d), WIRE_NOT_FINITE);
    }
}

static void detection_out_of_range_is_refused_and_the_bounds_are_inside(void **state) {
  (void)state;
  const struct { int slot; double inside, outside; } cases[] = {
      {0, 0, -1e-9},       {0, 1e8, 1e8 + 1},           {1, 2 * PI, 2 * PI + 1e-9}, {1, -2 * PI, -2 * PI - 1e-9},
      {2, PI / 2, 1.5708}, {2, -PI / 2, -1.5708},       {3, 299792458, 299792459},  {3, -299792458, -299792459}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct detection d = radar();
    d.measure[cases[i].slot] = cases[i].inside;
    assert_int_equal(verdict_of(d), WIRE_OK);
    d.measure[cases[i].slot] = cases[i].outside;
    assert_int_equal(verdict_of(d), WIRE_OUT_OF_RANGE);
  }
  struct detection d = radar();
  d.sigma[2] = -1e-6f;
  assert_int_equal(verdict_of(d), WIRE_OUT_OF_RANGE);
  d = radar();
  d.time_ns = INT64_MAX;
  assert_int_equal(verdict_of(d), WIRE_OUT_OF_RANGE);
  d = (struct detection){.kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {0, 0, -2e8}};
  assert_int_equal(verdict_of(d), WIRE_OUT_OF_RANGE);
  d = (struct detection){.kind = KIND_RADAR2D, .valid = 0x13, .measure = {1, 1, 2e8}};
  assert_int_equal(verdict_of(d), WIRE_OUT_OF_RANGE);
}

static void azimuth_is_wrapped_to_plus_minus_pi_and_else_untouched(void **state) {
  (void)state;
  const double cases[][2] = {{0, 0}, {3, 3}, {-3, -3}, {PI, PI}, {-PI, PI}, {4, 4 - 2 * PI}, {-4, 2 * PI - 4}, {2 * PI, 0}, {-2 * PI, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct detection d = radar(), out;
    d.measure[1] = cases[i][0];
    assert_int_equal(entry_verdict(&d, &out), WIRE_OK);
    assert_true(out.measure[1] == cases[i][1]);
  }
}

/* What a caller hands in that is no datagram of its own is checked as well. */
static void detection_of_no_kind_or_from_nowhere_is_refused(void **state) {
  (void)state;
  struct detection d = radar();
  for (int kind = 0; kind < 2; kind++) {
    d.kind = kind ? KIND_END : 0;
    assert_int_equal(detection_check(&d), WIRE_MALFORMED);
  }
  struct detection los = {.kind = KIND_LOS, .valid = VALID_AZIMUTH | VALID_ELEVATION | VALID_PLATFORM, .platform_m = {7e6, 1e8, -1e8}};
  assert_int_equal(detection_check(&los), WIRE_OK);
  static const struct { double value; enum wire_verdict verdict; } cases[] = {
      {NAN, WIRE_NOT_FINITE}, {INFINITY, WIRE_NOT_FINITE}, {1.1e8, WIRE_OUT_OF_RANGE}, {-1.1e8, WIRE_OUT_OF_RANGE}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (int k = 0; k < 3; k++) {
      struct detection other = los;
      other.platform_m[k] = cases[i].value;
      assert_int_equal(detection_check(&other), cases[i].verdict);
    }
  }
}

static void every_verdict_but_ok_is_a_refusal_of_its_name(void **state) {
  (void)state;
  assert_int_equal(wire_refusal(WIRE_MALFORMED), REFUSAL_MALFORMED);
  assert_int_equal(wire_refusal(WIRE_VERSION), REFUSAL_VERSION);
  assert_int_equal(wire_refusal(WIRE_NOT_FINITE), REFUSAL_NOT_FINITE);
  assert_int_equal(wire_refusal(WIRE_OUT_OF_RANGE), REFUSAL_OUT_OF_RANGE);
}

static void datagrams_that_do_not_fit_are_not_made(void **state) {
  (void)state;
  static uint8_t out[WIRE_DATAGRAM_MAX + 64];
  static struct detection plots[WIRE_ENTRIES_MAX + 1];
  static struct sensor_state states[2];
  struct wire_header header = {.sensor = 1};
  assert_int_equal(wire_detections_encode(out, sizeof out, &header, plots, WIRE_ENTRIES_MAX + 1), 0);
  assert_int_equal(wire_detections_encode(out, WIRE_HEADER_SIZE + 2 * WIRE_ENTRY_SIZE - 1, &header, plots, 2), 0);
  assert_int_equal(wire_states_encode(out, WIRE_HEADER_SIZE + 2 * WIRE_ENTRY_SIZE - 1, &header, states, 2), 0);
  struct wire_parity parity = {.k = 2, .m = 1, .length = 100};
  size_t size = WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE + 100;
  assert_int_equal(wire_parity_encode(out, size, &header, &parity), size);
  assert_int_equal(wire_parity_encode(out, size - 1, &header, &parity), 0);
  parity.length = WIRE_DATAGRAM_MAX;
  assert_int_equal(wire_parity_encode(out, sizeof out + WIRE_DATAGRAM_MAX, &header, &parity), 0);
  struct wire_header read;
  assert_int_equal(wire_header_decode(out, WIRE_DATAGRAM_MAX + 1, &read), WIRE_MALFORMED);
}

/* A sealed body is looked into only once it is open: its lengths are checked again then. */
static void parity_bodies_with_wrong_lengths_are_refused(void **state) {
  (void)state;
  uint8_t body[WIRE_PARITY_HEAD_SIZE + 8] = {[8] = 2, [9] = 1, [12] = 8};
  struct wire_parity parity;
  assert_true(wire_parity_decode(body, sizeof body, &parity));
  for (size_t size = 0; size < sizeof body; size++) assert_false(wire_parity_decode(body, size, &parity));
  static const struct { uint8_t k, m, index; } wrong[] = {{0, 1, 0}, {2, 0, 0}, {2, 1, 1}, {255, 2, 0}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    body[8] = wrong[i].k, body[9] = wrong[i].m, body[10] = wrong[i].index;
    assert_false(wire_parity_decode(body, sizeof body, &parity));
  }
}

static void any_bytes_decode_to_a_verdict_and_finite_numbers(void **state) {
  (void)state;
  struct prng prng = prng_seed(1, 0);
  for (int i = 0; i < 200000; i++) {
    uint64_t words[8];
    struct detection d;
    for (int w = 0; w < 8; w++) words[w] = prng_u64(&prng);
    uint8_t *entry = (uint8_t *)words;
    entry[8] = (uint8_t)prng_below(&prng, 6);
    entry[9] = 0;
    if (wire_detection_decode(entry, &d) != WIRE_OK) continue;
    for (int s = 0; s < 4; s++)
      if (!isfinite(d.measure[s]) || !isfinite(d.sigma[s]) || d.sigma[s] < 0 || fabs(d.measure[s]) > 3e8)
        fail_msg("seed 1, entry %d, slot %d: %g sigma %g", i, s, d.measure[s], (double)d.sigma[s]);
  }
}

/* Three datagrams of 0, 48 and 112 bytes behind their lengths. */
static size_t stream_bytes(uint8_t *out) {
  struct detection d = radar();
  struct wire_header header = {.sensor = 5};
  const uint32_t lengths[3] = {0, WIRE_HEADER_SIZE, WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE};
  size_t at = 0;
  for (uint32_t i = 0; i < 3; i++) {
    memcpy(out + at, &lengths[i], 4);
    if (i > 0) assert_int_equal(wire_detections_encode(out + at + 4, 112, &header, &d, i - 1), lengths[i]);
    at += 4 + lengths[i];
  }
  return at;
}

static void stream_gives_the_same_datagrams_for_every_chunk_size(void **state) {
  (void)state;
  uint8_t bytes[200];
  size_t total = stream_bytes(bytes);
  struct wire_stream *stream = malloc(sizeof *stream);
  for (size_t chunk = 1; chunk <= total; chunk++) {
    memset(stream, 0, sizeof *stream);
    uint32_t count = 0, sizes = 0;
    for (size_t at = 0; at < total; at += chunk) {
      const uint8_t *data = bytes + at, *datagram;
      size_t size = total - at < chunk ? total - at : chunk;
      uint32_t datagram_size;
      while (wire_stream_take(stream, &data, &size, &datagram, &datagram_size) == WIRE_STREAM_DATAGRAM) {
        struct wire_header header;
        sizes += datagram_size;
        assert_int_equal(wire_header_decode(datagram, datagram_size, &header), count++ == 0 ? WIRE_MALFORMED : WIRE_OK);
      }
      assert_int_equal(size, 0);
    }
    assert_int_equal(count, 3);
    assert_int_equal(sizes, 160);
  }
  free(stream);
}

static void stream_breaks_on_a_length_above_the_bound_and_stays_broken(void **state) {
  (void)state;
  struct wire_stream *stream = calloc(1, sizeof *stream);
  uint32_t length = WIRE_DATAGRAM_MAX;
  const uint8_t *data = (const uint8_t *)&length, *datagram;
  size_t size = 4;
  uint32_t datagram_size;
  assert_int_equal(wire_stream_take(stream, &data, &size, &datagram, &datagram_size), WIRE_STREAM_MORE);
  uint8_t *body = calloc(1, WIRE_DATAGRAM_MAX);
  data = body;
  size = WIRE_DATAGRAM_MAX;
  assert_int_equal(wire_stream_take(stream, &data, &size, &datagram, &datagram_size), WIRE_STREAM_DATAGRAM);
  assert_int_equal(datagram_size, WIRE_DATAGRAM_MAX);
  length = WIRE_DATAGRAM_MAX + 1;
  for (int i = 0; i < 2; i++) {
    data = (const uint8_t *)&length;
    size = 4;
    assert_int_equal(wire_stream_take(stream, &data, &size, &datagram, &datagram_size), WIRE_STREAM_BROKEN);
  }
  free(body);
  free(stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc_of_the_check_string_is_castagnolis),
      cmocka_unit_test(header_and_entry_lie_where_the_contract_says),
      cmocka_unit_test(detections_come_back_as_they_were_encoded),
      cmocka_unit_test(states_come_back_as_they_were_encoded),
      cmocka_unit_test(states_that_cannot_be_are_refused),
      cmocka_unit_test(header_refuses_every_truncation_and_extension),
      cmocka_unit_test(header_refuses_what_version_1_does_not_have),
      cmocka_unit_test(sealed_and_parity_bodies_are_recognised_by_their_lengths),
      cmocka_unit_test(crc_finds_every_flipped_bit),
      cmocka_unit_test(detection_without_a_needed_bit_is_malformed),
      cmocka_unit_test(detection_fields_whose_bit_is_0_are_not_looked_at),
      cmocka_unit_test(detection_that_is_not_finite_is_refused),
      cmocka_unit_test(detection_out_of_range_is_refused_and_the_bounds_are_inside),
      cmocka_unit_test(azimuth_is_wrapped_to_plus_minus_pi_and_else_untouched),
      cmocka_unit_test(detection_of_no_kind_or_from_nowhere_is_refused),
      cmocka_unit_test(every_verdict_but_ok_is_a_refusal_of_its_name),
      cmocka_unit_test(datagrams_that_do_not_fit_are_not_made),
      cmocka_unit_test(parity_bodies_with_wrong_lengths_are_refused),
      cmocka_unit_test(any_bytes_decode_to_a_verdict_and_finite_numbers),
      cmocka_unit_test(stream_gives_the_same_datagrams_for_every_chunk_size),
      cmocka_unit_test(stream_breaks_on_a_length_above_the_bound_and_stays_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
