/* A sensor that floods: datagrams of false plots, each with its own number and CRC, at a rate that is kept whatever
 * becomes of them. Usage: bench_flood_sender PORT SENSOR RATE ENTRIES SECONDS COALESCE [radar]; RATE in detections per
 * second, 0: as fast as it goes; radar: it is one, else a position sensor. Prints what it sent as JSON. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/prng.h"
#include "engine/ingest/wire.h"
#include "engine/platform/io_send.h"

enum { BURST = 64 };

static uint8_t datagram[WIRE_DATAGRAM_MAX];

static int64_t now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Far from everything that a scenario has (position), or anywhere that a radar looks. */
static void plot_make(struct prng *prng, bool radar, double measure[3]) {
  if (radar) {
    measure[0] = 1e4 + 1e6 * prng_uniform(prng);
    measure[1] = 2 * M_PI * prng_uniform(prng);
    measure[2] = 0.01 + prng_uniform(prng);
    return;
  }
  measure[0] = -7e6 - 1e6 * prng_uniform(prng);
  measure[1] = 4e6 * (prng_uniform(prng) - 0.5);
  measure[2] = 4e6 * (prng_uniform(prng) - 0.5);
}

static uint32_t datagram_make(struct prng *prng, uint32_t sensor, bool radar, uint32_t entries) {
  static struct detection plots[WIRE_ENTRIES_MAX];
  for (uint32_t i = 0; i < entries; i++) {
    plots[i] = (struct detection){.kind = radar ? KIND_RADAR : KIND_POSITION,
                                  .valid = radar ? VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION : VALID_XYZ};
    plot_make(prng, radar, plots[i].measure);
  }
  struct wire_header header = {.sensor = sensor};
  return (uint32_t)wire_detections_encode(datagram, sizeof datagram, &header, plots, entries);
}

/* Another number and time; a radar's false plots are at other places each time, so that they make no tracks. */
static void stamp(struct prng *prng, bool radar, uint32_t entries, uint32_t size, uint64_t sequence, int64_t at_ns) {
  double measure[3];
  memcpy(datagram + 16, &sequence, 8);
  memcpy(datagram + 24, &at_ns, 8);
  for (uint32_t i = 0; i < entries; i++) {
    uint8_t *entry = datagram + WIRE_HEADER_SIZE + (size_t)i * WIRE_ENTRY_SIZE;
    memcpy(entry, &at_ns, 8);
    if (!radar) continue;
    plot_make(prng, radar, measure);
    memcpy(entry + 16, measure, sizeof measure);
  }
  wire_crc_write(datagram, size);
}

int main(int argc, char **argv) {
  if (argc < 7 || argc > 8) return fprintf(stderr, "usage: bench_flood_sender PORT SENSOR RATE ENTRIES SECONDS COALESCE [radar]\n"), 2;
  bool radar = argc == 8;
  struct prng prng = prng_seed((uint64_t)atoi(argv[2]), 1);
  double rate_per_s = atof(argv[3]), seconds = atof(argv[5]);
  uint32_t entries = (uint32_t)atoi(argv[4]), size;
  struct io_sender *sender;
  struct weft_error err = {""};
  if (entries < 1 || entries > WIRE_ENTRIES_MAX || !(size = datagram_make(&prng, (uint32_t)atoi(argv[2]), radar, entries))) return 2;
  if (io_sender_open("127.0.0.1", (uint16_t)atoi(argv[1]), atoi(argv[6]) != 0, &sender, &err) < 0)
    return fprintf(stderr, "bench_flood_sender: %s\n", err.text), 1;
  static const struct timespec pause = {.tv_nsec = 100000};
  int64_t began_ns = now_ns(CLOCK_MONOTONIC), end_ns = began_ns + (int64_t)(seconds * 1e9), clock_ns;
  uint64_t sequence = 0;
  while ((clock_ns = now_ns(CLOCK_MONOTONIC)) < end_ns) {
    uint64_t due = (uint64_t)((double)(clock_ns - began_ns) * 1e-9 * rate_per_s / entries);
    int64_t at_ns = now_ns(CLOCK_REALTIME);
    if (rate_per_s == 0) due = sequence + BURST;
    for (int i = 0; i < BURST && sequence < due; i++) {
      stamp(&prng, radar, entries, size, ++sequence, at_ns);
      (void)io_sender_put(sender, datagram, size);
    }
    (void)io_sender_flush(sender);
    if (sequence >= due && rate_per_s > 0) nanosleep(&pause, NULL);
  }
  printf("{\"datagrams\":%llu,\"failed\":%llu,\"seconds\":%.6f,\"coalesced\":%d}\n",
         (unsigned long long)io_sender_sent(sender), (unsigned long long)io_sender_failed(sender),
         (double)(clock_ns - began_ns) * 1e-9, io_sender_coalesces(sender));
  io_sender_close(sender);
  return 0;
}
