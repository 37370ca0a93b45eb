/* Sealed bytes: windows of numbers, seals, key files, files of marks, and datagrams at admission, sealed
 * right and altered. A shadow says which numbers were accepted: none is accepted twice, and what was not
 * sealed with the key changes a counter and nothing else. */
// length: 192
#include <stdio.h>
#include <stdlib.h>

#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/key_file.h"
#include "engine/ingest/replay_marks.h"
#include "engine/ingest/replay_window.h"
#include "engine/ingest/seal.h"
#include "engine/ingest/sealed_feeds.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_input.h"

enum { MODE_WINDOW, MODE_SEAL, MODE_KEYS, MODE_MARKS, MODE_INTAKE, MODES };
enum {
  NUMBERS = 1 << 16,
  MARKS = 64,
  TEXT_MAX = 4096,
  CAPACITY = WIRE_ENTRIES_MAX,
  DATAGRAM = 1024,
  STEPS_MAX = 64
};

/* A number and what to do, again and again. */
static void window_walk(struct input *in) {
  static uint8_t accepted[NUMBERS];
  static const uint64_t far[] = {0, UINT64_MAX - NUMBERS, UINT64_C(1) << 40};
  uint64_t base = far[input_u8(in) % 3];
  memset(accepted, 0, sizeof accepted);
  struct replay_window window = {0};
  while (in->left > 0) {
    uint16_t number = input_u16(in);
    uint8_t what = input_u8(in);
    if (!replay_window_seen(&window, base + number)) {
      weft_assert(!accepted[number]++);
      (void)replay_window_take(&window, base + number);
      weft_assert(replay_window_seen(&window, base + number) && window.highest >= base + number);
    }
    if (what == 0) { /* a restart: the mark is where the window ends */
      uint64_t highest = window.has_floor && window.floor > window.highest ? window.floor : window.highest;
      window = (struct replay_window){.has_floor = true, .floor = highest};
    }
  }
}

/* A sealed datagram opens to what was sealed; changed by the input it does not open. */
static void seal_change(struct input *in) {
  static uint8_t datagram[DATAGRAM + WIRE_TAG_SIZE], body[DATAGRAM];
  static const uint8_t key[SEAL_KEY_SIZE] = {1, 2, 3}, other[SEAL_KEY_SIZE] = {1, 2, 4};
  uint16_t place = input_u16(in);
  uint8_t flip = input_u8(in);
  size_t length = in->left < DATAGRAM - WIRE_HEADER_SIZE ? in->left : DATAGRAM - WIRE_HEADER_SIZE,
         plain = WIRE_HEADER_SIZE + length;
  memset(datagram, 0, WIRE_HEADER_SIZE);
  memcpy(datagram, "WEFT\1\1", 6);
  const uint8_t *from = in->at;
  input_take(in, datagram + WIRE_HEADER_SIZE, length);
  size_t sealed = seal_close(datagram, plain, sizeof datagram, 1, key);
  weft_assert(sealed == plain + WIRE_TAG_SIZE && wire_crc_ok(datagram, sealed));
  weft_assert(seal_open(datagram, sealed, key, body) && (length == 0 || memcmp(body, from, length) == 0));
  weft_assert(!seal_open(datagram, sealed, other, body));
  place = (uint16_t)(place % sealed);
  bool crc = place >= WIRE_OFFSET_CRC && place < WIRE_OFFSET_CRC + 4;
  datagram[place] ^= flip;
  weft_assert(seal_open(datagram, sealed, key, body) == (flip == 0 || crc));
}

/* As it comes, or as lines that are almost right. */
static void keys_read(struct input *in) {
  char text[TEXT_MAX];
  size_t used = 0;
  uint8_t how = input_u8(in);
  while (how & 1 && in->left > 0 && used < TEXT_MAX - 128) {
    uint8_t odd = input_u8(in), place = input_u8(in), with = input_u8(in);
    int length = snprintf(text + used, TEXT_MAX - used, "%u %064x\n", odd * 257u, place * 0x01010101u);
    if (odd & 3) with = 0;
    if (with) text[used + place % (size_t)length] = (char)with;
    used += (size_t)length;
  }
  if (!(how & 1)) used = in->left < TEXT_MAX ? in->left : TEXT_MAX;
  if (!(how & 1)) input_take(in, text, used);
  struct key_list list;
  struct weft_error err = {""};
  if (key_text_read(text, used, "f", &list, &err) < 0) {
    weft_assert(err.text[0] != 0 && list.count == 0);
    return;
  }
  weft_assert(list.count > 0 && list.count <= KEY_EPOCHS_MAX);
  for (uint32_t i = 0; i < list.count; i++) {
    weft_assert(key_list_newest(&list)->epoch >= list.keys[i].epoch);
    for (uint32_t k = 0; k < i; k++)
      weft_assert(list.keys[i].epoch != list.keys[k].epoch &&
                  memcmp(list.keys[i].bytes, list.keys[k].bytes, SEAL_KEY_SIZE) != 0);
  }
  key_list_wipe(&list);
}

/* Marks written and read are the same; a byte of the text altered is no file of marks. */
static void marks_again(struct input *in) {
  static struct replay_mark marks[MARKS], again[MARKS];
  char text[TEXT_MAX + 1];
  uint32_t count = 0, count_again;
  uint16_t place = input_u16(in);
  uint8_t flip = input_u8(in);
  while (in->left > 0 && count < MARKS) {
    struct replay_mark *m = &marks[count++];
    *m = (struct replay_mark){
        .sensor_id = (uint32_t)input_u64(in), .epoch = input_u16(in), .fingerprint = input_u64(in)};
    m->mark = input_u64(in);
  }
  weft_assert(replay_marks_text_max(MARKS) <= TEXT_MAX);
  size_t size = replay_marks_write(text, TEXT_MAX, marks, count);
  text[size] = 0;
  weft_assert(replay_marks_read(text, size, "f", again, MARKS, &count_again, NULL) == 0 &&
              count_again == count);
  for (uint32_t i = 0; i < count; i++)
    weft_assert(marks[i].mark == again[i].mark && marks[i].sensor_id == again[i].sensor_id);
  text[place % size] ^= (char)flip;
  weft_assert((replay_marks_read(text, size, "f", again, MARKS, &count_again, NULL) == 0) == (flip == 0));
}

/* Text as it comes, with or without a checksum that is right. */
static void marks_read(struct input *in) {
  static struct replay_mark marks[MARKS];
  char text[TEXT_MAX + 1];
  uint32_t count, lines = input_u8(in);
  size_t size = (size_t)snprintf(text, sizeof text, "%s", lines & 0x80 ? "weft replay marks 1\n" : "");
  size_t length = in->left < TEXT_MAX / 2 ? in->left : TEXT_MAX / 2;
  input_take(in, text + size, length);
  size += length;
  if (lines & 0x40)
    size += (size_t)snprintf(text + size, sizeof text - size, "end %u %08x\n", lines & 0x3f,
                             wire_crc32c(0, text, size));
  text[size] = 0;
  if (replay_marks_read(text, size, "f", marks, MARKS, &count, NULL) == 0) weft_assert(count <= MARKS);
}

/* Admission with one sensor that has keys of two epochs and one that has none. */
static const uint8_t keys[2][SEAL_KEY_SIZE] = {{1, 2, 3}, {4, 5, 6}};
static struct site site;
static struct ledger ledger;
static struct arena arena;
static struct frame_builder builder;
static struct frame out;
static struct intake intake;
static struct sealed_feeds feeds;
static uint8_t *windows_first;            /* all windows as they were at the start */
static size_t windows_size, windows_used; /* bytes; of the two that have keys, which come first */

static void world_open(void) {
  static struct fuzz_file file;
  char text[512];
  int used = 0;
  for (int k = 0; k < 2; k++) {
    used += snprintf(text + used, sizeof text - (size_t)used, "%d ", k + 1);
    for (int b = 0; b < SEAL_KEY_SIZE; b++)
      used += snprintf(text + used, sizeof text - (size_t)used, "%02x", keys[k][b]);
    text[used++] = '\n';
  }
  const char *path = fuzz_file_write(&file, text, (size_t)used);
  snprintf(text, sizeof text,
           "time: recorded\nsensors:\n"
           "  - {id: 7, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}, "
           "key: %s}\n"
           "  - {id: 9, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n",
           path);
  weft_assert(site_parse(text, strlen(text), "f", &site, NULL) == 0);
  weft_assert(arena_open(&arena, frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site) +
                                     sealed_feeds_bytes(&site)) == 0);
  weft_assert(frame_builder_open(&builder, &arena, CAPACITY) == 0 && frame_open(&out, &arena, CAPACITY) == 0);
  weft_assert(intake_open(&intake, &arena, &site, &ledger, &builder, SITE_TIME_RECORDED, NULL) == 0);
  weft_assert(sealed_feeds_open(&feeds, &arena, &site, NULL) == 0);
  intake.feeds = &feeds;
  windows_size = (size_t)((uint8_t *)feeds.body - (uint8_t *)feeds.sensors);
  windows_used = 2 * (windows_size / site.sensor_count / SEALED_WINDOWS);
  windows_first = malloc(windows_size);
  weft_assert(windows_first && (uint8_t *)feeds.body > (uint8_t *)feeds.sensors);
  memcpy(windows_first, feeds.sensors, windows_size);
}

static void world_begin(void) {
  memcpy(feeds.sensors, windows_first, windows_size);
  feeds.lease_due = false;
  memset(intake.sensors, 0, (size_t)((uint8_t *)intake.ids - (uint8_t *)intake.sensors));
  memset(ledger.sensors, 0, (site.sensor_count + 1) * sizeof *ledger.sensors);
  frame_builder_empty(&builder);
  builder.number = 0;
}

/* One datagram, made as the input says. *good: sealed with the key of its epoch, or unsealed from who has
 * none, and right in form. */
static uint32_t datagram_make(struct input *in, uint8_t *datagram, bool *good) {
  uint8_t how = input_u8(in), entries = input_u8(in) % 4, flip = input_u8(in);
  uint16_t epoch = (uint16_t)(1 + (how >> 1 & 1)), number = input_u16(in), place = input_u16(in);
  uint32_t id = how & 4 ? 9 : 7, size = WIRE_HEADER_SIZE + entries * (uint32_t)WIRE_ENTRY_SIZE,
           body = size - WIRE_HEADER_SIZE;
  uint64_t sequence = number;
  memset(datagram, 0, size);
  memcpy(datagram, "WEFT\1", 5);
  datagram[5] = how & 8 ? WIRE_STATES : WIRE_DETECTIONS;
  memcpy(datagram + 8, &id, 4);
  datagram[12] = entries;
  memcpy(datagram + WIRE_OFFSET_SEQUENCE, &sequence, 8);
  memcpy(datagram + WIRE_OFFSET_BODY_SIZE, &body, 4);
  for (uint32_t e = 0; e < entries; e++) {
    uint8_t *entry = datagram + WIRE_HEADER_SIZE + e * WIRE_ENTRY_SIZE;
    double x = 7e6 + input_u8(in);
    uint16_t kind_valid[2] = {KIND_POSITION, VALID_XYZ};
    if (how & 8)
      memcpy(entry + 8, &x, 8);
    else
      memcpy(entry + 8, kind_valid, 4), memcpy(entry + 16, &x, 8);
  }
  bool sealed = !(how & 16) == (id == 7); /* as it should be, mostly */
  if (sealed)
    size = (uint32_t)seal_close(datagram, size, DATAGRAM, epoch, keys[how & 32 ? 2 - epoch : epoch - 1]);
  else
    wire_crc_write(datagram, size);
  *good = sealed == (id == 7) && (!sealed || !(how & 32));
  if (flip == 0) return size;
  datagram[place % size] ^= flip;
  bool crc = place % size >= WIRE_OFFSET_CRC && place % size < WIRE_OFFSET_CRC + 4;
  if (how & 64) wire_crc_write(datagram, size);
  *good = *good && sealed && (how & 64) && crc;
  return size;
}

static uint64_t counters_sum(void) {
  uint64_t sum = 0;
  for (uint32_t s = 0; s <= site.sensor_count; s++) {
    const struct ledger_row *row = &ledger.sensors[s].datagrams;
    for (int r = 0; r < REFUSALS; r++) sum += row->refused[r];
  }
  return sum;
}

static void intake_walk(struct input *in) {
  static uint8_t datagram[DATAGRAM], accepted[3][NUMBERS], windows[4096];
  weft_assert(windows_used <= sizeof windows);
  world_begin();
  uint16_t numbers[STEPS_MAX], epochs[STEPS_MAX];
  uint32_t count = 0;
  for (uint32_t step = 0; step < STEPS_MAX && in->left > 0; step++) {
    bool good;
    uint32_t size = datagram_make(in, datagram, &good);
    uint64_t refused = counters_sum(), taken = ledger.sensors[0].datagrams.accepted;
    memcpy(windows, feeds.sensors, windows_used);
    while (intake_datagram(&intake, datagram, size, 0) == INTAKE_CLOSE)
      intake_close_frame(&intake, 0, 0, &out);
    bool took = ledger.sensors[0].datagrams.accepted > taken;
    weft_assert(counters_sum() <= refused + 1 && (!took || counters_sum() == refused));
    if (!took) weft_assert(memcmp(windows, feeds.sensors, windows_used) == 0);
    if (!took) continue;
    weft_assert(good);
    uint16_t number, epoch;
    memcpy(&number, datagram + WIRE_OFFSET_SEQUENCE, 2);
    memcpy(&epoch, datagram + WIRE_OFFSET_EPOCH, 2);
    weft_assert(epoch < 3 && !accepted[epoch][number]++);
    numbers[count] = number;
    epochs[count++] = epoch;
  }
  weft_assert(memcmp((uint8_t *)feeds.sensors + windows_used, windows_first + windows_used,
                     windows_size - windows_used) == 0);
  for (uint32_t i = 0; i < count; i++) accepted[epochs[i]][numbers[i]] = 0;
  weft_assert(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!site.sensor_count) {
    weft_assert(seal_begin() == 0);
    world_open();
  }
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  switch (choice % MODES) {
  case MODE_WINDOW:
    window_walk(&in);
    break;
  case MODE_SEAL:
    seal_change(&in);
    break;
  case MODE_KEYS:
    keys_read(&in);
    break;
  case MODE_MARKS:
    if (choice & 0x80)
      marks_again(&in);
    else
      marks_read(&in);
    break;
  default:
    intake_walk(&in);
    break;
  }
  return 0;
}
