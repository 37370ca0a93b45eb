/* What the tests of sealed feeds and parity share: an intake with a keyed sensor and one without, and senders for both. */
#ifndef WEFT_TESTS_SEALED_SUPPORT_H
#define WEFT_TESTS_SEALED_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/prng.h"
#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/key_file.h"
#include "engine/ingest/recovery.h"
#include "engine/ingest/seal.h"
#include "engine/ingest/sealed_feeds.h"
#include "engine/ingest/wire.h"

enum { BENCH_CAPACITY = 2048, BENCH_KEYED = 0, BENCH_PLAIN = 1, BENCH_OTHER = 2, BENCH_UNKNOWN = 3 };
#define BENCH_NOW (INT64_C(1700000000) * 1000000000)
static const uint32_t bench_ids[] = {7, 8, 9};

/* One server's receiving side. */
struct bench {
  char folder[64];
  struct site site;
  struct ledger ledger;
  struct arena arena;
  struct frame_builder builder;
  struct frame out;
  struct intake intake;
  struct sealed_feeds feeds;
  struct recovery recovery;
};

static inline void bench_key_write(const struct bench *bench, const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", bench->folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  assert_int_equal(chmod(path, 0600), 0);
}

/* Sixty-four hexadecimal digits made of two. */
static inline const char *bench_hex(const char *two) {
  static char hex[4][2 * SEAL_KEY_SIZE + 1];
  static int next;
  char *out = hex[next++ % 4];
  for (int i = 0; i < SEAL_KEY_SIZE; i++) memcpy(out + 2 * i, two, 3);
  return out;
}

static inline void bench_folder(struct bench *bench) {
  snprintf(bench->folder, sizeof bench->folder, "/tmp/weft-sealed-XXXXXX");
  assert_non_null(mkdtemp(bench->folder));
  char text[256];
  snprintf(text, sizeof text, "1 %s\n2 %s\n", bench_hex("11"), bench_hex("22"));
  bench_key_write(bench, "7.key", text);
  snprintf(text, sizeof text, "1 %s\n", bench_hex("99"));
  bench_key_write(bench, "9.key", text);
}

/* Opens everything as a server does; the folder and its key files must be there. */
static inline void bench_open(struct bench *bench) {
  static const char sensors[] =
      "sensors:\n"
      "  - {id: 7, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}, key: 7.key}\n"
      "  - {id: 8, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n"
      "  - {id: 9, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}, key: 9.key}\n";
  struct weft_error err = {""};
  char name[128];
  snprintf(name, sizeof name, "%s/site.yaml", bench->folder);
  if (site_parse(sensors, strlen(sensors), name, &bench->site, &err) < 0) fail_msg("%s", err.text);
  memset(&bench->ledger, 0, sizeof bench->ledger);
  assert_int_equal(arena_open(&bench->arena, frame_builder_bytes(BENCH_CAPACITY) + frame_bytes(BENCH_CAPACITY) +
                                                 intake_bytes(&bench->site) + sealed_feeds_bytes(&bench->site) +
                                                 recovery_bytes(&bench->site)), 0);
  assert_int_equal(frame_builder_open(&bench->builder, &bench->arena, BENCH_CAPACITY), 0);
  assert_int_equal(frame_open(&bench->out, &bench->arena, BENCH_CAPACITY), 0);
  assert_int_equal(intake_open(&bench->intake, &bench->arena, &bench->site, &bench->ledger, &bench->builder, SITE_TIME_LIVE, NULL), 0);
  assert_int_equal(recovery_open(&bench->recovery, &bench->arena, &bench->site, &bench->ledger), 0);
  intake_recover(&bench->intake, &bench->recovery);
  if (sealed_feeds_open(&bench->feeds, &bench->arena, &bench->site, &err) < 0) fail_msg("%s", err.text);
  bench->intake.feeds = &bench->feeds;
  arena_seal(&bench->arena);
}

static inline void bench_close(struct bench *bench) {
  sealed_feeds_close(&bench->feeds);
  arena_close(&bench->arena);
  site_free(&bench->site);
}

static inline void bench_folder_remove(const struct bench *bench) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", bench->folder);
  assert_int_equal(system(command), 0);
}

/* A fixture: a folder with key files and everything opened in it. */
static inline int bench_setup(void **state, struct bench *bench) {
  (void)state;
  memset(bench, 0, sizeof *bench);
  bench_folder(bench);
  bench_open(bench);
  return 0;
}
static inline int bench_teardown(void **state, struct bench *bench) {
  (void)state;
  bench_close(bench);
  bench_folder_remove(bench);
  return 0;
}

/* A detection that says which datagram it is of. */
static inline struct detection bench_plot(uint64_t sequence, uint32_t at) {
  return (struct detection){.time_ns = BENCH_NOW, .kind = KIND_POSITION, .valid = VALID_XYZ,
                            .measure = {6.5e6 + (double)(sequence % 100000), (double)at, 2, 0}};
}

/* An unsealed datagram of `count` detections; its size. */
static inline uint32_t plain_make(uint8_t *out, uint32_t sensor, uint64_t sequence, uint32_t count) {
  struct detection plots[32];
  for (uint32_t i = 0; i < count; i++) plots[i] = bench_plot(sequence, i);
  struct wire_header header = {.sensor = bench_ids[sensor], .sequence = sequence, .sent_ns = BENCH_NOW};
  size_t size = wire_detections_encode(out, WIRE_DATAGRAM_MAX, &header, plots, count);
  assert_true(size > 0);
  return (uint32_t)size;
}

/* The same sealed with the key of `epoch` as bench_folder makes them: 0x11 repeated for 1, 0x22 for 2, and so on. */
static inline uint32_t seal_with(uint8_t *data, uint32_t size, uint16_t epoch, uint8_t byte) {
  uint8_t key[SEAL_KEY_SIZE];
  memset(key, byte, sizeof key);
  return (uint32_t)seal_close(data, size, WIRE_DATAGRAM_MAX, epoch, key);
}

static inline uint32_t sealed_make(uint8_t *out, uint64_t sequence, uint16_t epoch, uint32_t count) {
  return seal_with(out, plain_make(out, BENCH_KEYED, sequence, count), epoch, (uint8_t)(0x11 * epoch));
}

/* Gives a datagram to the intake as the server does; the open frame is emptied where it must be. */
static inline enum intake_verdict bench_give(struct bench *bench, const uint8_t *data, uint32_t size) {
  enum intake_verdict verdict;
  while ((verdict = intake_datagram(&bench->intake, data, size, BENCH_NOW)) == INTAKE_CLOSE)
    intake_close_frame(&bench->intake, BENCH_NOW, 0, &bench->out);
  while (intake_recovered(&bench->intake, BENCH_NOW) == INTAKE_CLOSE)
    intake_close_frame(&bench->intake, BENCH_NOW, 0, &bench->out);
  return verdict;
}

static inline bool bench_sealed(struct bench *bench, uint64_t sequence, uint16_t epoch) {
  static uint8_t data[WIRE_DATAGRAM_MAX];
  return bench_give(bench, data, sealed_make(data, sequence, epoch, 1)) == INTAKE_ACCEPTED;
}

/* The state of everything but the books and the scratch that a seal is opened into. */
static inline uint64_t bench_state(struct bench *bench) {
  memset(bench->feeds.body, 0, WIRE_DATAGRAM_MAX);
  uint64_t hash = 14695981039346656037u;
  for (size_t at = 0; at + 8 <= bench->arena.used; at += 8) {
    uint64_t word;
    memcpy(&word, bench->arena.base + at, 8);
    hash = (hash ^ word) * 1099511628211u;
    hash ^= hash >> 29;
  }
  const struct intake *intake = &bench->intake;
  hash = (hash ^ bench->builder.open.count) * 1099511628211u;
  return (hash ^ (uint64_t)(uintptr_t)intake->sensors) * 1099511628211u;
}

static inline uint64_t bench_refused(const struct bench *bench, uint32_t sensor, enum refusal refusal) {
  return bench->ledger.sensors[sensor].datagrams.refused[refusal];
}

#endif
