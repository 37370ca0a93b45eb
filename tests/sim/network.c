/* The simulated network, clock and disk: a seed fixes everything, every fault happens, and the books balance. */
// stage: weft_platform weft_base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/platform/io.h"

enum { SEED_COUNT = 100, SENT_COUNT = 2000, DATAGRAM_BYTES = 64, TURN_MAX = 100000 };
static const int64_t start_ns = INT64_C(1800000000000000000);
static struct io_batch batch;

static struct io *io_make(uint64_t seed, const struct io_config *config) {
  struct weft_error err = {0};
  struct io *io = NULL;
  if (io_sim_open(seed, start_ns, config, &io, &err) != 0) fail_msg("seed %llu: %s", (unsigned long long)seed, err.text);
  assert_string_equal(io_name(io), "sim");
  return io;
}

static uint16_t port_make(struct io *io, uint32_t tag) {
  struct weft_error err = {0};
  int port = io_udp_open(io, "127.0.0.1", 0, tag, &err);
  assert_true(port > 0);
  return (uint16_t)port;
}

/* What came of a stream of numbered datagrams. */
struct outcome {
  uint64_t digest; /* over every delivery: order, time, bytes */
  uint32_t delivered;
  uint32_t copies;    /* deliveries of a number that had come before */
  uint32_t distinct;
  uint32_t overtaken; /* a smaller number after a larger one */
  uint32_t corrupted;
  uint32_t bits; /* flipped in all */
  int64_t delay_min_ns;
  int64_t delay_max_ns;
};

/* Payload: the number, the time of sending, then bytes that follow from the number, enough of them to tell which
 * datagram a corrupted one was. */
static void payload_make(uint8_t *data, uint32_t number, int64_t sent_ns) {
  struct prng prng = prng_seed(99, number);
  for (uint32_t i = 0; i < DATAGRAM_BYTES; i++) data[i] = (uint8_t)prng_u64(&prng);
  memcpy(data, &number, 4);
  memcpy(data + 4, &sent_ns, 8);
}

static uint64_t digest_add(uint64_t digest, const void *data, size_t size) {
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i++) digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
  return digest;
}

static uint32_t bits_differing(const uint8_t *a, const uint8_t *b, uint32_t size) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < size; i++) bits += (uint32_t)__builtin_popcount((unsigned)(a[i] ^ b[i]));
  return bits;
}

/* The number of a datagram that differs least from what was sent; corruption flips at most eight of 512 bits. */
static uint32_t number_find(const uint8_t *data, uint8_t (*sent)[DATAGRAM_BYTES], uint32_t count, uint32_t *bits) {
  uint32_t number;
  memcpy(&number, data, 4);
  if (number < count && (*bits = bits_differing(data, sent[number], DATAGRAM_BYTES)) <= 8) return number;
  for (number = 0; number < count; number++)
    if ((*bits = bits_differing(data, sent[number], DATAGRAM_BYTES)) <= 8) return number;
  fail_msg("a datagram arrived that nobody sent");
  return 0;
}

static void outcome_take(struct io *io, struct outcome *out, uint8_t (*sent)[DATAGRAM_BYTES], uint32_t count, bool *seen,
                         uint32_t *highest) {
  for (uint32_t d = 0; d < batch.datagram_count; d++) {
    const struct io_datagram *at = &batch.datagrams[d];
    uint32_t bits = 0;
    int64_t sent_ns;
    assert_int_equal(at->size, DATAGRAM_BYTES);
    uint32_t number = number_find(at->data, sent, count, &bits);
    memcpy(&sent_ns, sent[number] + 4, 8);
    int64_t delay_ns = at->arrival_ns - sent_ns;
    if (out->delivered++ == 0) out->delay_min_ns = out->delay_max_ns = delay_ns;
    if (delay_ns < out->delay_min_ns) out->delay_min_ns = delay_ns;
    if (delay_ns > out->delay_max_ns) out->delay_max_ns = delay_ns;
    out->copies += seen[number];
    out->distinct += !seen[number];
    seen[number] = true;
    out->overtaken += number < *highest;
    if (number > *highest) *highest = number;
    out->corrupted += bits > 0;
    out->bits += bits;
    out->digest = digest_add(out->digest, &at->arrival_ns, sizeof at->arrival_ns);
    out->digest = digest_add(out->digest, at->data, at->size);
    assert_true(at->arrival_ns <= io_now(io));
  }
}

static void books_check(uint64_t seed, struct io_sim_books b) {
  if (b.sent + b.duplicated != b.lost + b.unrouted + b.overflowed + b.delivered + b.in_flight)
    fail_msg("seed %llu: the books do not balance: sent %llu lost %llu duplicated %llu delivered %llu in flight %llu",
             (unsigned long long)seed, (unsigned long long)b.sent, (unsigned long long)b.lost,
             (unsigned long long)b.duplicated, (unsigned long long)b.delivered, (unsigned long long)b.in_flight);
}

/* Sends SENT_COUNT datagrams 1 us apart and receives until nothing is left. */
static struct outcome stream_run(uint64_t seed, const struct io_sim_faults *faults, struct io_sim_books *books) {
  static uint8_t sent[SENT_COUNT][DATAGRAM_BYTES];
  bool seen[SENT_COUNT] = {false};
  uint32_t highest = 0;
  struct outcome out = {.digest = UINT64_C(14695981039346656037)};
  struct io *io = io_make(seed, NULL);
  uint16_t port = port_make(io, 3);
  io_sim_faults_set(io, faults);
  for (uint32_t n = 0; n < SENT_COUNT; n++) {
    payload_make(sent[n], n, io_now(io));
    assert_int_equal(io_sim_send(io, port, sent[n], DATAGRAM_BYTES), 0);
    io_sim_advance(io, 1000);
    if (n % 50 != 49) continue;
    assert_true(io_receive(io, &batch, 0) >= 0);
    outcome_take(io, &out, sent, n + 1, seen, &highest);
    io_release(io, &batch);
    books_check(seed, io_sim_books(io));
  }
  for (uint32_t turn = 0; io_receive(io, &batch, 1000000000) > 0; turn++) {
    outcome_take(io, &out, sent, SENT_COUNT, seen, &highest);
    io_release(io, &batch);
    assert_true(turn < TURN_MAX);
  }
  *books = io_sim_books(io);
  books_check(seed, *books);
  assert_int_equal(books->in_flight, 0);
  assert_int_equal(books->delivered, out.delivered);
  io_close(io);
  return out;
}

static const struct io_sim_faults harsh = {.loss = 0.1,           .duplicate = 0.08,     .reorder = 0.1,
                                           .corrupt = 0.05,       .delay_min_ns = 20000, .delay_max_ns = 300000,
                                           .reorder_ns = 5000000};

static void same_seed_gives_the_same_deliveries(void **state) {
  (void)state;
  uint64_t before = 0;
  for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
    struct io_sim_books books, again;
    struct outcome first = stream_run(seed, &harsh, &books), repeat = stream_run(seed, &harsh, &again);
    if (first.digest != repeat.digest) fail_msg("seed %llu delivers differently", (unsigned long long)seed);
    assert_memory_equal(&books, &again, sizeof books);
    if (first.digest == before) fail_msg("seeds %llu and the one before deliver the same", (unsigned long long)seed);
    before = first.digest;
  }
}

static void every_fault_happens_and_is_counted(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
    struct io_sim_books books;
    struct outcome out = stream_run(seed, &harsh, &books);
    assert_int_equal(books.sent, SENT_COUNT);
    assert_int_equal(out.copies, books.duplicated);
    assert_int_equal(out.distinct, SENT_COUNT - books.lost);
    assert_int_equal(out.corrupted, books.corrupted);
    assert_true(out.bits >= out.corrupted && out.bits <= 8 * out.corrupted);
    assert_true(out.overtaken > 0 && books.reordered > 0);
    assert_true(out.delay_min_ns >= 20000);
    /* Five standard deviations around the binomial means. */
    assert_in_range(books.lost, 200 - 67, 200 + 67);
    assert_in_range(books.duplicated, 144 - 58, 144 + 58);
    assert_in_range(books.corrupted, 97 - 49, 97 + 49);
    assert_in_range(books.reordered, 194 - 67, 194 + 67);
  }
}

static void each_fault_comes_alone_when_asked_alone(void **state) {
  (void)state;
  struct io_sim_books books;
  struct outcome out = stream_run(5, &(struct io_sim_faults){0}, &books);
  assert_int_equal(out.delivered, SENT_COUNT);
  assert_int_equal(out.overtaken + out.corrupted + out.copies, 0);
  assert_true(out.delay_min_ns == 0 && out.delay_max_ns == 0);
  out = stream_run(5, &(struct io_sim_faults){.loss = 1}, &books);
  assert_int_equal(out.delivered, 0);
  assert_int_equal(books.lost, SENT_COUNT);
  out = stream_run(5, &(struct io_sim_faults){.duplicate = 1}, &books);
  assert_int_equal(out.delivered, 2 * SENT_COUNT);
  out = stream_run(5, &(struct io_sim_faults){.corrupt = 1}, &books);
  assert_int_equal(out.corrupted, SENT_COUNT);
  out = stream_run(5, &(struct io_sim_faults){.delay_min_ns = 1000, .delay_max_ns = 900000}, &books);
  assert_int_equal(out.overtaken, 0);
  assert_true(out.delay_min_ns >= 1000 && out.delay_max_ns > 500000);
  out = stream_run(5, &(struct io_sim_faults){.reorder = 0.5, .reorder_ns = 100000}, &books);
  assert_true(out.overtaken > 100);
  assert_int_equal(out.delivered, SENT_COUNT);
}

static void the_clock_moves_to_the_next_arrival_or_the_time_out(void **state) {
  (void)state;
  struct io *io = io_make(1, NULL);
  uint16_t port = port_make(io, 3);
  assert_int_equal(io_now(io), start_ns);
  assert_int_equal(io_receive(io, &batch, 5000), 0);
  assert_int_equal(io_now(io), start_ns + 5000);
  io_sim_faults_set(io, &(struct io_sim_faults){.delay_min_ns = 700, .delay_max_ns = 700});
  assert_int_equal(io_sim_send(io, port, "x", 1), 0);
  assert_int_equal(io_receive(io, &batch, 699), 0);
  assert_int_equal(io_receive(io, &batch, 1000000), 1);
  assert_int_equal(io_now(io), start_ns + 5700);
  assert_int_equal(batch.datagrams[0].arrival_ns, start_ns + 5700);
  assert_int_equal(batch.datagrams[0].tag, 3);
  io_release(io, &batch);
  io_close(io);
}

static void queue_and_buffers_are_finite(void **state) {
  (void)state;
  static uint8_t big[2000];
  struct io *io = io_make(1, &(struct io_config){.buffer_count = 8, .buffer_bytes = 1000, .rcvbuf_bytes = 50000});
  static struct io_batch other;
  uint16_t port = port_make(io, 3);
  for (int i = 0; i < 40; i++) assert_int_equal(io_sim_send(io, port, big, sizeof big), 0);
  assert_int_equal(io_sim_send(io, (uint16_t)(port + 1), big, 1), 0);
  assert_int_equal(io_sim_send(io, port, big, 65508), -EMSGSIZE);
  assert_int_equal(io_receive(io, &batch, 0), 8);
  assert_true(batch.datagrams[0].truncated && batch.datagrams[0].size == 1000);
  assert_int_equal(io_receive(io, &other, 1000), 0);
  io_release(io, &batch);
  assert_int_equal(io_receive(io, &other, 0), 8);
  io_release(io, &other);
  struct io_sim_books books = io_sim_books(io);
  assert_int_equal(books.unrouted, 1);
  assert_true(books.overflowed > 0);
  assert_int_equal(io_kernel_drops(io, 3), books.overflowed);
  books_check(1, books);
  io_close(io);
}

static void watched_descriptors_report_their_level(void **state) {
  (void)state;
  struct io *io = io_make(1, NULL);
  int fd = io_sim_fd_open(io);
  assert_true(fd >= 0);
  assert_int_equal(io_watch(io, fd + 1, 1, IO_READABLE), -EBADF);
  assert_int_equal(io_watch(io, fd, 42, IO_READABLE), 0);
  io_sim_fd_ready(io, fd, IO_WRITABLE);
  assert_int_equal(io_receive(io, &batch, 0), 0);
  io_sim_fd_ready(io, fd, IO_READABLE | IO_WRITABLE | IO_HANGUP);
  for (int turn = 0; turn < 3; turn++) {
    assert_int_equal(io_receive(io, &batch, 0), 1);
    assert_int_equal(batch.events[0].token, 42);
    assert_int_equal(batch.events[0].result, IO_READABLE | IO_HANGUP);
    io_release(io, &batch);
  }
  assert_int_equal(io_unwatch(io, fd), 0);
  assert_int_equal(io_unwatch(io, fd), -ENOENT);
  assert_int_equal(io_receive(io, &batch, 0), 0);
  io_close(io);
}

static int32_t result_wait(struct io *io, uint64_t token) {
  assert_int_equal(io_receive(io, &batch, 1000000000), 1);
  assert_int_equal(batch.events[0].token, token);
  int32_t result = batch.events[0].result;
  io_release(io, &batch);
  return result;
}

static void crash_keeps_what_was_synced_and_a_prefix_of_the_rest(void **state) {
  (void)state;
  uint8_t data[3000];
  uint32_t shortened = 0;
  for (uint32_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(1 + i % 251);
  for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
    struct io *io = io_make(seed, NULL);
    int fd = io_sim_file_open(io);
    uint64_t size = 0;
    io_sim_disk_set(io, 100000, UINT64_MAX);
    assert_int_equal(io_append(io, fd, data, 1000, 0, 1), 0);
    assert_int_equal(result_wait(io, 1), 0);
    assert_int_equal(io_sync(io, fd, 2), 0);
    assert_int_equal(result_wait(io, 2), 0);
    assert_int_equal(io_append(io, fd, data + 1000, 1000, 1000, 3), 0);
    assert_int_equal(result_wait(io, 3), 0);
    assert_int_equal(io_append(io, fd, data + 2000, 1000, 2000, 4), 0); /* under way when the power fails */
    io_sim_crash(io);
    const uint8_t *left = io_sim_file(io, fd, &size);
    assert_true(size >= 1000 && size <= 3000);
    assert_memory_equal(left, data, 1000);
    for (uint64_t i = 1000; i < size; i++)
      if (left[i] != data[i] && left[i] != 0) fail_msg("seed %llu: byte %llu", (unsigned long long)seed, (unsigned long long)i);
    shortened += size < 3000;
    assert_int_equal(io_receive(io, &batch, 1000000000), 0);
    io_close(io);
  }
  assert_true(shortened > SEED_COUNT / 2);
}

static void disk_reports_errors_and_completes_out_of_order(void **state) {
  (void)state;
  struct io *io = io_make(3, NULL);
  int fd = io_sim_file_open(io);
  uint8_t data[100];
  for (uint32_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)i;
  io_sim_disk_set(io, 1000000, 100);
  uint32_t done = 0, disorder = 0;
  uint64_t last = 0, size = 0;
  for (uint64_t i = 0; i < 100; i++) assert_int_equal(io_append(io, fd, data + i, 1, (int64_t)i, i), 0);
  while (done < 100) {
    assert_true(io_receive(io, &batch, 1000000) > 0);
    for (uint32_t e = 0; e < batch.event_count; e++, done++) {
      assert_int_equal(batch.events[e].result, 0);
      disorder += batch.events[e].token < last;
      last = batch.events[e].token;
    }
    io_release(io, &batch);
  }
  assert_true(disorder > 10);
  assert_memory_equal(io_sim_file(io, fd, &size), data, 100);
  assert_int_equal(size, 100);
  assert_int_equal(io_append(io, fd, data, 1, 100, 7), 0);
  assert_int_equal(result_wait(io, 7), -ENOSPC);
  assert_int_equal(io_append(io, fd + 1, data, 1, 0, 8), 0);
  assert_int_equal(result_wait(io, 8), -EBADF);
  assert_int_equal(io_sync(io, 0, 9), 0);
  assert_int_equal(result_wait(io, 9), -EBADF);
  io_close(io);
}

/* What a program meets at the bounds of the real back ends it meets here too. */
static void bounds_are_those_of_the_real_ones(void **state) {
  (void)state;
  struct weft_error err = {0};
  struct io *none = NULL, *io = io_make(1, &(struct io_config){.buffer_count = 8, .buffer_bytes = 64});
  static uint8_t data[65536];
  assert_int_equal(io_sim_open(1, 0, &(struct io_config){.buffer_count = 7}, &none, &err), -EINVAL);
  assert_null(none);
  uint16_t port = port_make(io, 0);
  assert_int_equal(io_udp_open(io, "127.0.0.1", 0, 0, &err), -EEXIST);
  assert_int_equal(io_udp_open(io, "127.0.0.1", port, 1, &err), -EADDRINUSE);
  for (uint32_t tag = 1; tag < IO_SOCKET_MAX; tag++) port_make(io, tag);
  assert_int_equal(io_udp_open(io, "127.0.0.1", 0, IO_SOCKET_MAX, &err), -ENOSPC);
  assert_non_null(strstr(err.text, "more than 64 UDP sockets"));
  assert_int_equal(io_sim_send(io, port, data, sizeof data), -EMSGSIZE);
  assert_int_equal(io_watch(io, 3, 1, IO_READABLE), -EBADF);
  int fd = io_sim_fd_open(io);
  assert_int_equal(io_unwatch(io, fd), -ENOENT);
  assert_int_equal(io_unwatch(io, fd + 1), -ENOENT);
  assert_int_equal(io_watch(io, fd + 1, 1, IO_READABLE), -EBADF);
  while (fd >= 0) fd = io_sim_fd_open(io);
  assert_int_equal(fd, -EMFILE);
  int file = 0, kept = io_sim_file_open(io);
  while (file >= 0) file = io_sim_file_open(io);
  assert_int_equal(file, -EMFILE);
  for (uint64_t i = 0; i < IO_OPERATION_MAX; i++) assert_int_equal(io_sync(io, kept, i), 0);
  assert_int_equal(io_sync(io, kept, 0), -EBUSY);
  assert_int_equal(io_append(io, kept, data, 1, 0, 0), -EBUSY);
  assert_int_equal(io_receive(io, &batch, 0), IO_EVENT_MAX); /* and no more than a batch holds */
  io_release(io, &batch);
  uint32_t sent = 0;
  while (io_sim_send(io, port, data, 10) == 0) sent++; /* until nothing more fits on the wire */
  assert_true(sent > 1000);
  assert_int_equal(io_sim_send(io, port, data, 10), -ENOBUFS);
  assert_int_equal(io_sim_books(io).sent, sent);
  io_close(io);
}

/* A datagram of nothing has no bit to flip; a time-out may be longer than there is time. */
static void nothing_is_corrupted_in_an_empty_datagram(void **state) {
  (void)state;
  struct io *io = io_make(3, NULL);
  uint16_t port = port_make(io, 4);
  io_sim_faults_set(io, &(struct io_sim_faults){.corrupt = 1, .duplicate = 1});
  for (int size = 0; size < 2; size++) {
    assert_int_equal(io_sim_send(io, port, "a", (size_t)size), 0);
    assert_int_equal(io_receive(io, &batch, INT64_MAX), 2);
    assert_int_equal(batch.datagrams[1].size, size);
    if (size) assert_int_not_equal(batch.datagrams[1].data[0], 'a');
    io_release(io, &batch);
  }
  assert_int_equal(io_sim_books(io).corrupted, 2);
  assert_int_equal(io_receive(io, &batch, INT64_MAX), 0);
  io_close(io);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bounds_are_those_of_the_real_ones),
      cmocka_unit_test(nothing_is_corrupted_in_an_empty_datagram),
      cmocka_unit_test(same_seed_gives_the_same_deliveries),
      cmocka_unit_test(every_fault_happens_and_is_counted),
      cmocka_unit_test(each_fault_comes_alone_when_asked_alone),
      cmocka_unit_test(the_clock_moves_to_the_next_arrival_or_the_time_out),
      cmocka_unit_test(queue_and_buffers_are_finite),
      cmocka_unit_test(watched_descriptors_report_their_level),
      cmocka_unit_test(crash_keeps_what_was_synced_and_a_prefix_of_the_rest),
      cmocka_unit_test(disk_reports_errors_and_completes_out_of_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
