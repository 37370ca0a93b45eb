/* The receive path, measured: io as the server opens it, over loopback. Only the receiving is timed: the datagrams lie in
 * the kernel's queue. Each is read once, by the CRC that the engine computes anyway. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/ingest/wire.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"
#include "engine/tune/tune.h"

enum {
  BURST = 64, /* fits the queue that an unprivileged process gets */
  ROUNDS = 60,
  WARM_ROUNDS = 100, /* io_uring.c offers the kernel as many buffers as the last 64 batches needed: those of this form, not of the one before */
  SENDERS = 2,       /* coalesced and one by one */
  WAIT_NS = 200000000,
  COALESCED_BYTES = 48 + 16 * 64,
  SINGLE_BYTES = 48 + 64
};

const char *const tune_receive_names[TUNE_RECEIVE_FORMS] = {"1,072 bytes, coalesced", "112 bytes, one by one", "both by turns"};

/* One open io and who sends to it, coalesced and not. */
struct way {
  struct io *io;
  struct io_sender *senders[SENDERS];
  struct io_batch batch;
  uint32_t sum; /* of CRCs, so that they are computed */
};

static void way_close(struct way *way) {
  if (!way) return;
  for (int s = 0; s < SENDERS; s++) io_sender_close(way->senders[s]);
  io_close(way->io);
  free(way);
}

static int way_open(const struct profile *profile, struct way **out, struct weft_error *err) {
  struct io_config config = {.buffer_count = profile->buffers, .buffer_bytes = profile->buffer_bytes,
                             .rcvbuf_bytes = 1 << 17}; /* enough for a burst, and granted to anybody */
  struct way *way = calloc(1, sizeof *way);
  *out = way;
  if (!way) return weft_fail(err, -ENOMEM, "out of memory for receiving");
  int rc = io_open(IO_AUTO, &config, &way->io, err);
  int port = rc == 0 ? io_udp_open(way->io, "127.0.0.1", 0, 1, err) : rc;
  for (int s = 0; s < SENDERS && port >= 0; s++) {
    rc = io_sender_open("127.0.0.1", (uint16_t)port, s == 0, &way->senders[s], err);
    if (rc < 0) port = rc;
  }
  return port < 0 ? port : 0;
}

static int burst_receive(struct way *way) {
  uint32_t got = 0;
  while (got < BURST) {
    int rc = io_receive(way->io, &way->batch, WAIT_NS);
    if (rc < 0) return rc;
    if (way->batch.datagram_count == 0) return -EIO; /* the loopback lost some */
    for (uint32_t d = 0; d < way->batch.datagram_count; d++)
      way->sum += wire_crc32c(0, way->batch.datagrams[d].data, way->batch.datagrams[d].size);
    got += way->batch.datagram_count;
    io_release(way->io, &way->batch);
  }
  return 0;
}

/* One burst sent, and received in *ns. */
static int burst_run(struct way *way, int sender, double *ns) {
  static const uint8_t payload[COALESCED_BYTES];
  int rc = 0;
  for (int i = 0; i < BURST && rc == 0; i++) rc = io_sender_put(way->senders[sender], payload, sender == 0 ? COALESCED_BYTES : SINGLE_BYTES);
  if (rc == 0) rc = io_sender_flush(way->senders[sender]);
  int64_t began_ns = clock_monotonic_ns();
  if (rc == 0) rc = burst_receive(way);
  *ns = (double)(clock_monotonic_ns() - began_ns);
  return rc;
}

/* What a round of a form takes: one burst, of the mixed form one of each. */
static int round_run(struct way *way, int form, double *ns) {
  double more = 0;
  if (form < SENDERS) return burst_run(way, form, ns);
  int rc = burst_run(way, 0, ns);
  if (rc == 0) rc = burst_run(way, 1, &more);
  *ns += more;
  return rc;
}

/* A turn is the median of its rounds: whatever else runs on the machine hits some of them. */
static int turn_run(struct way *way, struct tune_candidate *candidate, int turn) {
  int rc = 0;
  for (int form = 0; form < TUNE_RECEIVE_FORMS; form++) {
    double ns[ROUNDS] = {0};
    for (int round = 0; round < WARM_ROUNDS && rc == 0; round++) rc = round_run(way, form, &ns[0]);
    for (int round = 0; round < ROUNDS && rc == 0; round++) rc = round_run(way, form, &ns[round]);
    candidate->ns[form][turn] = tune_median(ns, ROUNDS);
  }
  return rc;
}

int tune_receive_run(struct tune_contest *contest, const struct tune_progress *progress, struct weft_error *err) {
  struct way *ways[TUNE_CANDIDATES_MAX] = {0};
  int rc = 0;
  for (int c = 0; c < contest->count && rc == 0; c++) rc = way_open(&contest->candidates[c].profile, &ways[c], err);
  bool opened = rc == 0;
  for (int turn = -1; turn < contest->turns && rc == 0; turn++) { /* the first is to warm up */
    for (int i = 0; i < contest->count && rc == 0; i++) {
      int c = (i + turn + 1) % contest->count;
      rc = turn_run(ways[c], &contest->candidates[c], turn < 0 ? 0 : turn);
    }
    tune_progress_show(progress, turn + 1, contest->turns);
  }
  if (opened && rc < 0) weft_fail(err, rc, "measuring the receive path over loopback failed: %s; try --level estimate", strerror(-rc));
  for (int c = 0; c < contest->count; c++) way_close(ways[c]);
  return rc;
}

struct tune_receiver {
  struct way *way;
  pthread_t thread;
  atomic_bool ending;
};

/* Busy for a quarter of the time, as the server's I/O thread is where the engine is the limit (docs/performance.md, Capacity). */
static void *receiver_main(void *argument) {
  const struct timespec rest = {.tv_nsec = 750000};
  const int64_t busy_ns = 250000;
  struct tune_receiver *receiver = argument;
  double ns = 0;
  int rc = 0; /* a failure is less load, not a wrong measurement */
  while (rc == 0 && !atomic_load(&receiver->ending)) {
    int64_t began_ns = clock_monotonic_ns();
    for (int form = 0; rc == 0 && clock_monotonic_ns() - began_ns < busy_ns; form = !form) rc = burst_run(receiver->way, form, &ns);
    nanosleep(&rest, NULL);
  }
  return NULL;
}

int tune_receiver_open(struct tune_receiver **out, struct weft_error *err) {
  const struct profile profile = profile_default();
  struct tune_receiver *receiver = calloc(1, sizeof *receiver);
  *out = NULL;
  if (!receiver) return weft_fail(err, -ENOMEM, "out of memory for receiving");
  int rc = way_open(&profile, &receiver->way, err);
  if (rc == 0) rc = -pthread_create(&receiver->thread, NULL, receiver_main, receiver);
  if (rc < 0) {
    way_close(receiver->way);
    free(receiver);
    return rc;
  }
  *out = receiver;
  return 0;
}

void tune_receiver_close(struct tune_receiver *receiver) {
  if (!receiver) return;
  atomic_store(&receiver->ending, true);
  pthread_join(receiver->thread, NULL);
  way_close(receiver->way);
  free(receiver);
}
