/* Both real back ends over loopback: every byte, in order, coalesced or not; time-stamps, truncation, kernel drops,
 * exhausted buffers, watches. */
// stage: weft_platform weft_base
#include <errno.h>
#include <stdbool.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"

enum { FLOOD_COUNT = 10000, TURN_MAX = 200000, DATAGRAM_BYTES_MAX = 65507 };

static const enum io_choice choices[] = {IO_URING, IO_PLAIN};
static size_t choice_first; /* 1 where this machine forbids io_uring */
static struct io_batch batch;

static struct io *io_make(enum io_choice choice, const struct io_config *config) {
  struct weft_error err = {0};
  struct io *io = NULL;
  if (io_open(choice, config, &io, &err) != 0) fail_msg("back end %d: %s", choice, err.text);
  return io;
}

static uint16_t port_make(struct io *io, uint32_t tag) {
  struct weft_error err = {0};
  int port = io_udp_open(io, "127.0.0.1", 0, tag, &err);
  if (port <= 0) fail_msg("%s", err.text);
  return (uint16_t)port;
}

static struct io_sender *sender_make(uint16_t port, bool coalesce) {
  struct weft_error err = {0};
  struct io_sender *sender = NULL;
  if (io_sender_open("127.0.0.1", port, coalesce, &sender, &err) != 0) fail_msg("%s", err.text);
  return sender;
}

/* Datagram `number` of a stream is a function of both, so that the receiver can tell what is missing or moved. */
static uint32_t datagram_size(uint32_t stream, uint32_t number) {
  struct prng prng = prng_seed(stream, number);
  if (number < 64) return number + 1;
  if (number % 1000 == 999) return DATAGRAM_BYTES_MAX - (uint32_t)prng_below(&prng, 100);
  if (number % 100 < 80) return 400 + stream; /* runs of equal sizes, which can be coalesced */
  return 1 + (uint32_t)prng_below(&prng, 2000);
}

static void datagram_fill(uint8_t *data, uint32_t size, uint32_t stream, uint32_t number) {
  struct prng prng = prng_seed(stream + 7, number);
  uint64_t word = 0;
  for (uint32_t i = 0; i < size; i++, word >>= 8) {
    if (i % 8 == 0) word = prng_u64(&prng);
    data[i] = (uint8_t)word;
  }
}

static void datagram_check(const struct io_datagram *got, uint32_t stream, uint32_t number) {
  static uint8_t expected[DATAGRAM_BYTES_MAX];
  uint32_t size = datagram_size(stream, number);
  if (got->size != size || got->truncated)
    fail_msg("stream %u datagram %u: %u bytes instead of %u, truncated %d", stream, number, got->size, size, got->truncated);
  datagram_fill(expected, size, stream, number);
  for (uint32_t i = 0; i < size; i++)
    if (got->data[i] != expected[i])
      fail_msg("stream %u datagram %u byte %u: %u instead of %u", stream, number, i, got->data[i], expected[i]);
}

struct flood {
  struct io_sender *senders[2];
  _Atomic uint32_t received; /* keeps the sender within what the kernel queues hold */
};

static void *flood_send(void *argument) {
  struct flood *flood = argument;
  static uint8_t data[DATAGRAM_BYTES_MAX];
  for (uint32_t n = 0; n < FLOOD_COUNT; n++) {
    for (uint32_t s = 0; s < 2; s++) {
      uint32_t size = datagram_size(s, n);
      datagram_fill(data, size, s, n);
      assert_int_equal(io_sender_put(flood->senders[s], data, size), 0);
    }
    if (n % 64 == 63 || n + 1 == FLOOD_COUNT)
      for (uint32_t s = 0; s < 2; s++) assert_int_equal(io_sender_flush(flood->senders[s]), 0);
    while (2 * n > flood->received + 512) usleep(50);
  }
  return NULL;
}

/* Returns the largest number of datagrams that came in one buffer, as far as their addresses tell. */
static uint32_t flood_run(enum io_choice choice, bool coalesce, bool gro_off) {
  struct io *io = io_make(choice, &(struct io_config){.gro_off = gro_off, .buffer_count = 64});
  struct flood flood = {0};
  int64_t start_ns = io_now(io);
  for (uint32_t s = 0; s < 2; s++) flood.senders[s] = sender_make(port_make(io, s), coalesce);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, flood_send, &flood), 0);
  uint32_t next[2] = {0, 0}, run = 1, run_max = 1;
  for (uint32_t turn = 0; next[0] + next[1] < 2 * FLOOD_COUNT && turn < TURN_MAX; turn++) {
    int got = io_receive(io, &batch, 100000000);
    assert_true(got >= 0);
    assert_int_equal(batch.event_count, 0);
    for (uint32_t d = 0; d < batch.datagram_count; d++) {
      const struct io_datagram *at = &batch.datagrams[d];
      assert_in_range(at->tag, 0, 1);
      datagram_check(at, at->tag, next[at->tag]++);
      assert_true(at->arrival_ns >= start_ns && at->arrival_ns <= io_now(io));
      run = d > 0 && at[-1].data + at[-1].size == at->data && at[-1].tag == at->tag ? run + 1 : 1;
      if (run > run_max) run_max = run;
    }
    flood.received = next[0] + next[1];
    io_release(io, &batch);
  }
  assert_int_equal(pthread_join(thread, NULL), 0);
  for (uint32_t s = 0; s < 2; s++) {
    assert_int_equal(next[s], FLOOD_COUNT);
    assert_int_equal(io_kernel_drops(io, s), 0);
    assert_int_equal(io_sender_sent(flood.senders[s]), FLOOD_COUNT);
    assert_int_equal(io_sender_failed(flood.senders[s]), 0);
    io_sender_close(flood.senders[s]);
  }
  io_close(io);
  return run_max;
}

static void datagrams_arrive_byte_exact_and_in_order(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    assert_int_equal(flood_run(choices[c], false, true), 1);
    assert_int_equal(flood_run(choices[c], true, true), 1);
    (void)flood_run(choices[c], false, false);
    uint32_t run = flood_run(choices[c], true, false);
    print_message("back end %d: up to %u datagrams in one buffer\n", choices[c], run);
    assert_true(run > 1);
  }
}

static void empty_datagram_is_delivered_and_receiving_goes_on(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    struct io_sender *sender = sender_make(port_make(io, 5), false);
    static const char *texts[] = {"a", "", "bc", "", "", "d"};
    for (size_t t = 0; t < 6; t++) assert_int_equal(io_sender_put(sender, texts[t], strlen(texts[t])), 0);
    assert_int_equal(io_sender_flush(sender), 0);
    uint32_t next = 0;
    for (uint32_t turn = 0; next < 6 && turn < 100; turn++) {
      assert_true(io_receive(io, &batch, 100000000) >= 0);
      for (uint32_t d = 0; d < batch.datagram_count; d++, next++) {
        assert_int_equal(batch.datagrams[d].size, strlen(texts[next]));
        assert_memory_equal(batch.datagrams[d].data, texts[next], strlen(texts[next]));
      }
      io_release(io, &batch);
    }
    assert_int_equal(next, 6);
    io_sender_close(sender);
    io_close(io);
  }
}

static void long_datagram_is_cut_and_says_so(void **state) {
  (void)state;
  static uint8_t data[3000];
  datagram_fill(data, sizeof data, 1, 1);
  static const uint32_t sizes[] = {999, 1000, 1001, 3000, 1};
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], &(struct io_config){.buffer_bytes = 1000, .buffer_count = 16});
    struct io_sender *sender = sender_make(port_make(io, 5), true);
    for (size_t s = 0; s < 5; s++) assert_int_equal(io_sender_put(sender, data, sizes[s]), 0);
    assert_int_equal(io_sender_flush(sender), 0);
    uint32_t next = 0;
    for (uint32_t turn = 0; next < 5 && turn < 100; turn++) {
      assert_true(io_receive(io, &batch, 100000000) >= 0);
      for (uint32_t d = 0; d < batch.datagram_count; d++, next++) {
        assert_int_equal(batch.datagrams[d].truncated, sizes[next] > 1000);
        assert_int_equal(batch.datagrams[d].size, sizes[next] > 1000 ? 1000 : sizes[next]);
        assert_memory_equal(batch.datagrams[d].data, data, batch.datagrams[d].size);
      }
      io_release(io, &batch);
    }
    assert_int_equal(next, 5);
    io_sender_close(sender);
    io_close(io);
  }
}

/* Receives until the socket has been silent for a while; checks that numbers only grow. Returns datagrams. */
static uint32_t numbers_drain(struct io *io, struct io_batch *into, uint32_t *last, bool release) {
  uint32_t count = 0;
  for (uint32_t turn = 0; turn < TURN_MAX; turn++) {
    int got = io_receive(io, into, 50000000);
    assert_true(got >= 0);
    for (uint32_t d = 0; d < into->datagram_count; d++, count++) {
      uint32_t number;
      assert_int_equal(into->datagrams[d].size, 1000);
      memcpy(&number, into->datagrams[d].data, sizeof number);
      if (number <= *last) fail_msg("datagram %u after %u", number, *last);
      *last = number;
    }
    if (release) io_release(io, into);
    if (got == 0 || !release) break;
  }
  return count;
}

static void numbers_send(struct io_sender *sender, uint32_t from, uint32_t count) {
  uint8_t data[1000] = {0};
  for (uint32_t n = from; n < from + count; n++) {
    memcpy(data, &n, sizeof n);
    assert_int_equal(io_sender_put(sender, data, sizeof data), 0);
  }
  assert_int_equal(io_sender_flush(sender), 0);
}

static void overflow_of_the_kernel_queue_is_counted(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], &(struct io_config){.rcvbuf_bytes = 8192, .gro_off = true, .buffer_count = 16});
    struct io_sender *sender = sender_make(port_make(io, 9), false);
    numbers_send(sender, 1, 500);
    uint32_t last = 0, received = numbers_drain(io, &batch, &last, true);
    uint64_t drops = io_kernel_drops(io, 9);
    assert_true(drops > 0 && received > 0);
    assert_int_equal(received + drops, 500);
    /* What arrives after the overflow brings no more drops with it. */
    numbers_send(sender, 501, 3);
    assert_int_equal(numbers_drain(io, &batch, &last, true), 3);
    assert_int_equal(last, 503);
    assert_int_equal(io_kernel_drops(io, 9), drops);
    assert_int_equal(io_kernel_drops(io, 10), 0);
    io_sender_close(sender);
    io_close(io);
  }
}

/* Fills every buffer and holds them: the rest stays in the kernel's queue or is counted there, and receiving goes on. */
static void exhausted_buffers_lose_nothing_uncounted(void **state) {
  (void)state;
  enum { BUFFERS = 8 };
  static struct io_batch holding[BUFFERS];
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io =
        io_make(choices[c], &(struct io_config){.rcvbuf_bytes = 65536, .gro_off = true, .buffer_count = BUFFERS});
    struct io_sender *sender = sender_make(port_make(io, 9), false);
    uint32_t last = 0, sent = 0, received = 0;
    for (uint32_t round = 0; round < 20; round++, sent += 200) {
      numbers_send(sender, sent + 1, 200);
      uint32_t held = 0, batches = 0;
      for (; held < BUFFERS && batches < BUFFERS; batches++) held += numbers_drain(io, &holding[batches], &last, false);
      assert_int_equal(held, BUFFERS);
      /* With all of them held there is nothing to be had, and the wait neither fails nor ends with something. */
      assert_int_equal(io_receive(io, &batch, 1000000), 0);
      /* In any order; here the newest first. */
      while (batches > 0) io_release(io, &holding[--batches]);
      received += held + numbers_drain(io, &batch, &last, true);
    }
    assert_int_equal(received + io_kernel_drops(io, 9), sent);
    assert_true(io_kernel_drops(io, 9) > 0);
    numbers_send(sender, sent + 1, 1);
    assert_int_equal(numbers_drain(io, &batch, &last, true), 1);
    io_sender_close(sender);
    io_close(io);
  }
}

/* Events alone are had while more datagrams wait than there are buffers; then all come, in order, with a few events asked for in between. */
static void events_alone_leave_datagrams_where_they_are(void **state) {
  (void)state;
  enum { BUFFERS = 8, SENT = 300, ASKED = 20 };
  static struct io_batch aside;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], &(struct io_config){.gro_off = true, .buffer_count = BUFFERS});
    struct io_sender *sender = sender_make(port_make(io, 9), false);
    const uint64_t one = 1;
    int fd = eventfd(0, EFD_NONBLOCK);
    assert_int_equal(io_watch(io, fd, 7, IO_READABLE), 0);
    numbers_send(sender, 1, 1);
    uint32_t last = 0, received = numbers_drain(io, &batch, &last, true); /* receiving has begun */
    numbers_send(sender, 2, SENT - 1);
    assert_int_equal(io_events(io, &batch, 1000000), 0);
    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
    for (int i = 0; i < ASKED; i++) {
      assert_int_equal(io_events(io, &batch, 1000000000), 1);
      assert_int_equal(batch.datagram_count, 0);
      assert_int_equal(batch.events[0].token, 7);
      io_release(io, &batch);
    }
    assert_int_equal(io_unwatch(io, fd), 0);
    for (uint32_t turn = 0; turn < TURN_MAX && received < SENT; turn++) {
      received += numbers_drain(io, &batch, &last, false);
      assert_int_equal(io_events(io, &aside, 0), 0);
      io_release(io, &batch);
    }
    assert_int_equal(received, SENT);
    assert_int_equal(last, SENT);
    close(fd);
    io_sender_close(sender);
    io_close(io);
  }
}

static int listener_make(struct sockaddr_in *at) {
  socklen_t length = sizeof *at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
  assert_int_equal(listen(fd, 8), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)at, &length), 0);
  return fd;
}

/* The result of the only event with this token in the next batch, 0 if there is none. */
static int event_wait(struct io *io, uint64_t token, int64_t timeout_ns) {
  int result = 0;
  assert_true(io_receive(io, &batch, timeout_ns) >= 0);
  for (uint32_t e = 0; e < batch.event_count; e++) {
    if (batch.events[e].token != token) continue;
    assert_int_equal(batch.events[e].kind, IO_EVENT_READY);
    assert_int_equal(result, 0);
    result = batch.events[e].result;
  }
  io_release(io, &batch);
  return result;
}

static void watch_reports_a_tcp_listener_and_its_connection(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    struct sockaddr_in at;
    int listener = listener_make(&at), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(io_watch(io, listener, 77, IO_READABLE), 0);
    assert_int_equal(event_wait(io, 77, 0), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof at), 0);
    /* Level triggered: reported until the connection is accepted. */
    assert_int_equal(event_wait(io, 77, 1000000000), IO_READABLE);
    assert_int_equal(event_wait(io, 77, 1000000000), IO_READABLE);
    int server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(server >= 0);
    (void)event_wait(io, 77, 0); /* one that was under way is allowed */
    assert_int_equal(event_wait(io, 77, 0), 0);

    assert_int_equal(io_watch(io, server, 78, IO_READABLE | IO_WRITABLE), 0);
    assert_int_equal(event_wait(io, 78, 1000000000), IO_WRITABLE);
    assert_int_equal(io_watch(io, server, 79, IO_READABLE), 0);
    assert_int_equal(event_wait(io, 78, 0), 0);
    assert_int_equal(event_wait(io, 79, 0), 0);
    assert_int_equal(send(client, "x", 1, 0), 1);
    assert_int_equal(event_wait(io, 79, 1000000000), IO_READABLE);
    assert_int_equal(io_unwatch(io, server), 0);
    assert_int_equal(io_unwatch(io, server), -ENOENT);
    assert_int_equal(event_wait(io, 79, 0), 0);
    assert_int_equal(io_watch(io, server, 80, 0), 0);
    close(client);
    /* One byte is unread, so this is end of stream, not an error; without interest it is not reported. */
    assert_int_equal(event_wait(io, 80, 1000000) & (IO_READABLE | IO_WRITABLE), 0);
    assert_int_equal(io_unwatch(io, server), 0);
    assert_int_equal(io_unwatch(io, listener), 0);
    close(server);
    close(listener);
    io_close(io);
  }
}

static void watch_wakes_a_waiting_receive(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(io_watch(io, wake, 1, IO_READABLE), 0);
    for (uint64_t round = 0; round < 100; round++) {
      uint64_t one = 1;
      assert_int_equal(write(wake, &one, sizeof one), sizeof one);
      assert_int_equal(event_wait(io, 1, 1000000000), IO_READABLE);
      assert_int_equal(read(wake, &one, sizeof one), sizeof one);
      (void)event_wait(io, 1, 0);
      assert_int_equal(event_wait(io, 1, 0), 0);
    }
    assert_int_equal(io_watch(io, -1, 2, IO_READABLE), -EBADF);
    assert_int_equal(io_unwatch(io, 12345), -ENOENT);
    close(wake);
    io_close(io);
  }
}

/* A budget that never ends: what comes while it waits is found by looking, and it never sleeps. */
static void a_spinning_wait_finds_datagrams_and_events_without_sleeping(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], &(struct io_config){.spin_us = IO_SPIN_US_MAX});
    assert_int_equal(io->spin.budget_ns, IO_SPIN_US_MAX * 1000);
    io->spin.budget_ns = INT64_MAX;
    struct io_sender *sender = sender_make(port_make(io, 1), false);
    int wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(io_watch(io, wake, 2, IO_READABLE), 0);
    for (uint64_t round = 0; round < 100; round++) {
      uint64_t one = 1;
      assert_int_equal(io_sender_put(sender, &one, sizeof one), 0);
      assert_int_equal(io_sender_flush(sender), 0);
      uint32_t datagrams = 0;
      while (datagrams == 0) {
        assert_true(io_receive(io, &batch, INT64_C(3600) * 1000000000) > 0);
        datagrams = batch.datagram_count;
        io_release(io, &batch);
      }
      assert_int_equal(write(wake, &one, sizeof one), sizeof one);
      assert_int_equal(event_wait(io, 2, INT64_C(3600) * 1000000000), IO_READABLE);
      assert_int_equal(read(wake, &one, sizeof one), sizeof one);
      (void)event_wait(io, 2, 0);
    }
    assert_int_equal(io->spin.blocked, 0);
    assert_int_equal(io_receive(io, &batch, 1000000), 0); /* nothing comes: it polls until the time is up */
    io_release(io, &batch);
    assert_int_equal(io->spin.blocked, 0);
    io_sender_close(sender);
    close(wake);
    io_close(io);
  }
}

/* Each of the three states is come to, however long a turn takes here. */
static void a_wait_that_finds_nothing_pauses_and_sleeps(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], &(struct io_config){.spin_us = 1000});
    (void)port_make(io, 1);
    while (io->spin.polled == 0 || io->spin.paused == 0 || io->spin.blocked == 0) {
      assert_int_equal(io_receive(io, &batch, 2000000), 0);
      io_release(io, &batch);
    }
    io_close(io);
    io = io_make(choices[c], NULL);
    (void)port_make(io, 1);
    assert_int_equal(io_receive(io, &batch, 2000000), 0);
    assert_int_equal(io->spin.polled + io->spin.paused, 0); /* no budget: not asked for */
    io_close(io);
  }
}

/* More ready descriptors than one batch has room for: each is reported within a few batches, none is starved. */
static void many_watches_all_get_their_turn(void **state) {
  (void)state;
  enum { MANY = 600 };
  static int fds[MANY];
  static bool seen[MANY];
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    for (int i = 0; i < MANY; i++) {
      fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
      if (fds[i] < 0) fail_msg("eventfd %d: %s (the limit of open files?)", i, strerror(errno));
      assert_int_equal(io_watch(io, fds[i], (uint64_t)i, IO_READABLE), 0);
      seen[i] = false;
    }
    uint32_t count = 0;
    for (uint32_t turn = 0; count < MANY && turn < 20; turn++) {
      assert_true(io_receive(io, &batch, 100000000) > 0);
      for (uint32_t e = 0; e < batch.event_count; e++) {
        count += !seen[batch.events[e].token];
        seen[batch.events[e].token] = true;
      }
      io_release(io, &batch);
    }
    assert_int_equal(count, MANY);
    for (int i = 0; i < MANY; i++) {
      assert_int_equal(io_unwatch(io, fds[i]), 0);
      close(fds[i]);
    }
    assert_int_equal(io_receive(io, &batch, 0), 0);
    io_close(io);
  }
}

static volatile sig_atomic_t signals_seen;

static void signal_note(int number) {
  (void)number;
  signals_seen++;
}

static void signal_ends_the_wait(void **state) {
  (void)state;
  struct sigaction note = {.sa_handler = signal_note}, before;
  assert_int_equal(sigaction(SIGALRM, &note, &before), 0);
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    struct itimerval soon = {.it_value.tv_usec = 20000};
    signals_seen = 0;
    (void)port_make(io, 1);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    int64_t start_ns = io_now(io);
    assert_int_equal(io_receive(io, &batch, INT64_C(20000000000)), 0);
    assert_int_equal(signals_seen, 1);
    assert_true(io_now(io) - start_ns < INT64_C(15000000000));
    io_close(io);
  }
  assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

/* In a thread of its own: receives one datagram and one event of what another thread has set up, and closes. */
static void *other_thread(void *argument) {
  struct io *io = argument;
  uintptr_t datagrams = 0, events = 0;
  for (int turn = 0; turn < 100 && (datagrams == 0 || events == 0); turn++) {
    if (io_receive(io, &batch, 100000000) < 0) return NULL;
    datagrams += batch.datagram_count;
    events += batch.event_count > 0;
    io_release(io, &batch);
  }
  io_close(io);
  return (void *)(datagrams * 10 + (events > 0));
}

static void first_receive_binds_the_io_to_its_thread(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c], NULL);
    struct io_sender *sender = sender_make(port_make(io, 1), false);
    int wake = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(io_watch(io, wake, 7, 0), 0);
    assert_int_equal(io_watch(io, wake, 7, IO_READABLE), 0);
    assert_int_equal(io_sender_put(sender, "x", 1), 0);
    io_sender_close(sender);
    pthread_t thread;
    void *got = NULL;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, io), 0);
    assert_int_equal(pthread_join(thread, &got), 0);
    assert_int_equal((uintptr_t)got, 11);
    close(wake);
  }
}

static void wrong_set_up_is_refused_with_a_reason(void **state) {
  (void)state;
  struct io *io = NULL;
  struct weft_error err = {0};
  static const struct io_config wrong[] = {{.buffer_count = 100}, {.buffer_count = 4}, {.buffer_count = 1 << 14},
                                           {.buffer_bytes = 63},  {.buffer_bytes = 65537}, {.rcvbuf_bytes = 1u << 31}};
  for (size_t c = choice_first; c < 2; c++) {
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
      err.text[0] = 0;
      assert_int_equal(io_open(choices[c], &wrong[w], &io, &err), -EINVAL);
      assert_true(strlen(err.text) > 10);
    }
    io = io_make(choices[c], NULL);
    int port = io_udp_open(io, "127.0.0.1", 0, 1, &err);
    assert_true(port > 0);
    assert_int_equal(io_udp_open(io, "127.0.0.1", (uint16_t)port, 2, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    assert_int_equal(io_udp_open(io, "127.0.0.1", 0, 1, &err), -EEXIST);
    assert_int_equal(io_udp_open(io, "300.1.2.3.nowhere.invalid", 0, 3, &err), -EADDRNOTAVAIL);
    io_close(io);
  }
}

int main(void) {
  struct io *io = NULL;
  struct weft_error err = {0};
  if (io_open(IO_URING, NULL, &io, &err) != 0) {
    print_message("only the plain back end is tested here: %s\n", err.text);
    choice_first = 1;
  }
  if (choice_first == 0) io_close(io);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(datagrams_arrive_byte_exact_and_in_order),
      cmocka_unit_test(empty_datagram_is_delivered_and_receiving_goes_on),
      cmocka_unit_test(long_datagram_is_cut_and_says_so),
      cmocka_unit_test(overflow_of_the_kernel_queue_is_counted),
      cmocka_unit_test(exhausted_buffers_lose_nothing_uncounted),
      cmocka_unit_test(events_alone_leave_datagrams_where_they_are),
      cmocka_unit_test(watch_reports_a_tcp_listener_and_its_connection),
      cmocka_unit_test(watch_wakes_a_waiting_receive),
      cmocka_unit_test(a_spinning_wait_finds_datagrams_and_events_without_sleeping),
      cmocka_unit_test(a_wait_that_finds_nothing_pauses_and_sleeps),
      cmocka_unit_test(many_watches_all_get_their_turn),
      cmocka_unit_test(signal_ends_the_wait),
      cmocka_unit_test(first_receive_binds_the_io_to_its_thread),
      cmocka_unit_test(wrong_set_up_is_refused_with_a_reason),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
