/* Datagrams of one unsealed sensor that sends parity. Either the input is a list of datagrams whose headers
 * are made right, so that they get through to recovery; or it says how a group is coded and what of it is
 * lost, and then what is lost and can be computed must come. The books balance after each. */
// length: 256
#include <stdlib.h>

#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/parity_code.h"
#include "engine/ingest/recovery.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"

enum { CAPACITY = WIRE_ENTRIES_MAX, DATAGRAM = 1024, DATA_MAX = 8, PARITY_MAX = 4, ENTRIES_MAX = 3 };
enum { ROW_MAX = 2 + WIRE_HEADER_SIZE + ENTRIES_MAX * WIRE_ENTRY_SIZE };
static const char text[] = "time: recorded\nsensors:\n  - {id: 7, kind: position, position: {lat_deg: 1, "
                           "lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n";
static struct site site;
static struct ledger ledger;
static struct arena arena;
static struct frame_builder builder;
static struct frame out;
static struct intake intake;
static struct recovery recovery;

static void world_open(void) {
  weft_assert(site_parse(text, sizeof text - 1, "f", &site, NULL) == 0);
  weft_assert(arena_open(&arena, frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site) +
                                     recovery_bytes(&site)) == 0);
  weft_assert(frame_builder_open(&builder, &arena, CAPACITY) == 0 && frame_open(&out, &arena, CAPACITY) == 0);
  weft_assert(intake_open(&intake, &arena, &site, &ledger, &builder, SITE_TIME_RECORDED, NULL) == 0);
  weft_assert(recovery_open(&recovery, &arena, &site, &ledger) == 0);
  intake_recover(&intake, &recovery);
}

/* As after opening. The bytes that recovery keeps, its largest part and last in its sensor's memory, stay: an
 * entry says which of them mean anything. */
static void world_begin(void) {
  memset(intake.sensors, 0, (size_t)((uint8_t *)intake.ids - (uint8_t *)intake.sensors));
  memset(recovery.sensors, 0,
         (size_t)((uint8_t *)recovery.work - (uint8_t *)recovery.sensors) - RECOVERY_BYTES);
  memset(ledger.sensors, 0, (site.sensor_count + 1) * sizeof *ledger.sensors);
  recovery.queued = recovery.taken = 0;
  frame_builder_empty(&builder);
  builder.number = 0;
}

static void give(const uint8_t *datagram, uint32_t size) {
  while (intake_datagram(&intake, datagram, size, 0) == INTAKE_CLOSE) intake_close_frame(&intake, 0, 0, &out);
  while (intake_recovered(&intake, 0) == INTAKE_CLOSE) intake_close_frame(&intake, 0, 0, &out);
  const uint64_t *parity = ledger.sensors[0].parity;
  weft_assert(parity[PARITY_USED] + parity[PARITY_UNUSED] <= parity[PARITY_RECEIVED]);
  weft_assert(parity[PARITY_RECOVERED] <= parity[PARITY_USED]);
}

static void header_write(uint8_t *datagram, uint32_t size, uint8_t type, uint64_t sequence) {
  uint32_t id = 7, body = size - WIRE_HEADER_SIZE;
  uint16_t count = (uint16_t)(type == WIRE_PARITY ? 0 : body / WIRE_ENTRY_SIZE);
  memset(datagram, 0, 12);
  memcpy(datagram, "WEFT\1", 5);
  datagram[5] = type;
  memcpy(datagram + 8, &id, 4);
  memcpy(datagram + 12, &count, 2);
  memset(datagram + WIRE_OFFSET_EPOCH, 0, 2);
  memcpy(datagram + WIRE_OFFSET_SEQUENCE, &sequence, 8);
  memcpy(datagram + WIRE_OFFSET_BODY_SIZE, &body, 4);
}

/* Numbers are below 256, so that they meet. */
static void datagrams_take(struct input *in) {
  static uint8_t datagram[DATAGRAM];
  while (in->left > 0) {
    uint32_t length = WIRE_HEADER_SIZE + input_u16(in) % (DATAGRAM - WIRE_HEADER_SIZE);
    uint8_t how = input_u8(in), number = input_u8(in);
    if (how & 2) length = WIRE_HEADER_SIZE + (length - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE * WIRE_ENTRY_SIZE;
    uint8_t type = how & 1 ? WIRE_PARITY : how & 4 ? WIRE_STATES : WIRE_DETECTIONS;
    input_take(in, datagram, length);
    header_write(datagram, length, type, number);
    datagram[WIRE_OFFSET_EPOCH] = how >> 7; /* means nothing where nothing is sealed */
    if (type == WIRE_PARITY && length >= WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE) {
      uint32_t row = length - WIRE_HEADER_SIZE - WIRE_PARITY_HEAD_SIZE;
      memset(datagram + WIRE_HEADER_SIZE + 1, 0, 7);
      memcpy(datagram + WIRE_HEADER_SIZE + 12, &row, 4);
    }
    wire_crc_write(datagram, length);
    give(datagram, length);
  }
}

/* A group of k datagrams and m of parity, as a sender makes them. */
struct group {
  uint32_t k, m, length;
  uint64_t first;
  uint32_t size[DATA_MAX + PARITY_MAX];
  uint8_t datagram[DATA_MAX + PARITY_MAX][WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE + ROW_MAX];
};

static void group_make(struct input *in, struct group *g) {
  static uint8_t row[DATA_MAX][ROW_MAX];
  static struct parity_code_work work;
  const uint8_t *data[DATA_MAX];
  *g = (struct group){
      .k = 1 + input_u8(in) % DATA_MAX, .m = 1 + input_u8(in) % PARITY_MAX, .first = 100 + input_u8(in)};
  memset(row, 0, sizeof row);
  for (uint32_t i = 0; i < g->k; i++) {
    uint32_t size = WIRE_HEADER_SIZE + input_u8(in) % (ENTRIES_MAX + 1) * (uint32_t)WIRE_ENTRY_SIZE;
    input_take(in, g->datagram[i], size);
    header_write(g->datagram[i], size, WIRE_DETECTIONS, g->first + i);
    wire_crc_write(g->datagram[i], size);
    uint16_t told = (uint16_t)size;
    memcpy(row[i], &told, 2);
    memcpy(row[i] + 2, g->datagram[i], size);
    g->size[i] = size;
    if (size + 2 > g->length) g->length = size + 2;
    data[i] = row[i];
  }
  for (uint32_t j = 0; j < g->m; j++) {
    struct wire_header header = {.sensor = 7, .sequence = g->first + g->k + j};
    struct wire_parity head = {
        .first = g->first, .k = (uint8_t)g->k, .m = (uint8_t)g->m, .index = (uint8_t)j, .length = g->length};
    uint8_t *datagram = g->datagram[g->k + j];
    parity_code_encode(&work, g->k, j, g->length, data, datagram + WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE);
    g->size[g->k + j] = (uint32_t)wire_parity_encode(datagram, sizeof g->datagram[0], &header, &head);
    weft_assert(g->size[g->k + j] > 0);
  }
}

/* Whatever is lost, in whatever order the rest comes: with as many datagrams as the group has data, the
 * missing ones are there; what comes of them later is a repetition. */
static void group_take(struct input *in) {
  static struct group g;
  group_make(in, &g);
  uint32_t all = g.k + g.m, came = 0, data_came = 0, late = 0, recovered = 0, left[DATA_MAX + PARITY_MAX];
  uint16_t lost = input_u16(in);
  for (uint32_t i = 0; i < all; i++) left[i] = i;
  for (uint32_t n = all; n > 0; n--) {
    uint32_t at = input_u8(in) % n, which = left[at];
    left[at] = left[n - 1];
    if (lost >> which & 1) continue;
    late += came >= g.k && which < g.k;
    give(g.datagram[which], g.size[which]);
    data_came += which < g.k;
    if (++came == g.k) recovered = g.k - data_came;
    weft_assert(ledger.sensors[0].parity[PARITY_RECOVERED] == recovered);
    weft_assert(ledger.sensors[0].datagrams.accepted == came + recovered - late);
    weft_assert(ledger.sensors[0].datagrams.refused[REFUSAL_DUPLICATE] == late);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!site.sensor_count) world_open();
  if (size == 0) return 0;
  struct input in = {data, size};
  world_begin();
  if (input_u8(&in) & 1)
    group_take(&in);
  else
    datagrams_take(&in);
  recovery_end(&recovery);
  const uint64_t *parity = ledger.sensors[0].parity;
  weft_assert(parity[PARITY_USED] + parity[PARITY_UNUSED] == parity[PARITY_RECEIVED]);
  weft_assert(ledger_settle(&ledger) && ledger_balanced(&ledger));
  return 0;
}
