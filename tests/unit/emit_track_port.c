// stage: weft_emit weft_platform
/* The live track port over real sockets: nothing torn, nothing grown, everything counted, whatever the reader does. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/base/log.h"
#include "engine/base/prng.h"
#include "engine/emit/track_line.h"
#include "engine/emit/track_port.h"
#include "tests/unit/emit_net.h"
#include "tests/unit/emit_support.h"

enum { TRACKS_MAX = 1000, TAG_FIRST = 1000, SEED = 5, TURNS_MAX = 100000 };
#define NOW_NS 1700000100000000000

static struct site site;
static struct listen_address address = {.enabled = true, .host = "127.0.0.1"};
static enum io_choice io_choice;
static struct io *io;
static struct io_batch *batch;
static struct arena arena;
static struct track_port *port;
static int tcp_port;
static struct track_report reports[TRACKS_MAX * 8];

static void port_make(uint32_t tracks_max) {
  struct weft_error err = {""};
  struct track_port_config config = {.address = &address,
                                     .site = &site,
                                     .tag_first = TAG_FIRST,
                                     .tracks_max = tracks_max,
                                     .buffer_bytes = TRACK_PORT_BUFFER_MIN};
  assert_int_equal(io_open(io_choice, NULL, &io, &err), 0);
  assert_int_equal(arena_open(&arena, track_port_arena_bytes(&config)), 0);
  tcp_port = track_port_open(&port, &config, io, &arena, &err);
  if (tcp_port <= 0) fail_msg("%s", err.text);
  arena_seal(&arena);
}

static void port_end(void) {
  track_port_close(port);
  io_close(io);
  arena_close(&arena);
}

/* Turns of the I/O thread until nothing happens any more. A writable socket of a subscriber with room is something. */
static void turns_run(void) {
  for (int turn = 0; turn < TURNS_MAX; turn++) {
    int got = io_receive(io, batch, 2000000);
    assert_true(got >= 0);
    for (uint32_t i = 0; i < batch->event_count; i++) {
      const struct io_event *event = &batch->events[i];
      assert_int_equal(event->kind, IO_EVENT_READY);
      assert_true(track_port_owns(port, event->token));
      track_port_ready(port, event->token, event->result, NOW_NS);
    }
    io_release(io, batch);
    if (got == 0) return;
  }
  fail_msg("the port never came to rest");
}

static void publish(uint32_t count) {
  struct step_output output = {.count = count, .capacity = count, .reports = reports};
  track_port_publish(port, &output, NOW_NS);
}

static void step_publish(uint64_t first, uint32_t count, uint64_t step) {
  for (uint32_t i = 0; i < count; i++) reports[i] = support_report(first + i, step);
  publish(count);
}

static void books_check(void) {
  struct track_port_counts counts = track_port_counts(port);
  if (counts.published != counts.delivered + counts.missed + counts.pending + counts.abandoned) {
    fail_msg("published %lu, delivered %lu + missed %lu + pending %lu + abandoned %lu", counts.published,
             counts.delivered, counts.missed, counts.pending, counts.abandoned);
  }
}

/* What a client got, line by line. */
struct harvest {
  uint64_t lines, missed, errors;
  uint64_t newest[TRACKS_MAX]; /* step of the newest line, by track */
  uint32_t lost[TRACKS_MAX];   /* lost lines, by track */
};

static void harvest_line(struct harvest *harvest, const char *line, size_t size) {
  json_error_t error;
  json_t *parsed = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
  if (!parsed) fail_msg("torn line (%s): %.*s", error.text, (int)size, line);
  json_t *missed = json_object_get(parsed, "missed"), *track = json_object_get(parsed, "track");
  if (missed) {
    assert_true(json_integer_value(missed) > 0);
    harvest->missed += (uint64_t)json_integer_value(missed);
  } else if (json_object_get(parsed, "error")) {
    harvest->errors++;
  } else {
    uint64_t number = (uint64_t)json_integer_value(track);
    uint64_t step = (uint64_t)json_integer_value(json_object_get(parsed, "detections"));
    assert_non_null(track);
    assert_true(number < TRACKS_MAX);
    if (step <= harvest->newest[number]) fail_msg("track %lu: step %lu after %lu", number, step, harvest->newest[number]);
    assert_int_equal(harvest->lost[number], 0); /* nothing comes after lost */
    harvest->newest[number] = step;
    harvest->lines++;
    harvest->lost[number] += strcmp(json_string_value(json_object_get(parsed, "status")), "lost") == 0;
  }
  json_decref(parsed);
}

static void harvest_all(struct harvest *harvest, const struct net_inbox *inbox) {
  size_t at = 0;
  while (at < inbox->size) {
    const char *end = memchr(inbox->data + at, '\n', inbox->size - at);
    if (!end) fail_msg("the last line is torn");
    size_t size = (size_t)(end - (inbox->data + at));
    harvest_line(harvest, inbox->data + at, size);
    at += size + 1;
  }
}

/* Lets the client read all there is, the port running. */
static void read_all(int fd, struct net_inbox *inbox) {
  do turns_run();
  while (net_read(fd, inbox, SIZE_MAX) > 0 || (!track_port_drained(port) && !inbox->closed));
}

static void reader_that_keeps_up_gets_every_line(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 0);
  turns_run();
  struct net_inbox inbox = {0};
  char *want = malloc(8 << 20);
  assert_non_null(want);
  size_t want_size = 0;
  for (uint64_t step = 1; step <= 200; step++) {
    for (uint32_t i = 0; i < 20; i++) {
      reports[i] = support_report(i + 1, step);
      reports[i].arrival_ns = i % 2 ? NOW_NS - 812999 : 0;
      want_size += track_line_write(want + want_size, TRACK_LINE_MAX, &reports[i], &site,
                                    i % 2 ? 812 : TRACK_LINE_LATENCY_NONE);
    }
    publish(20);
    net_read(fd, &inbox, SIZE_MAX);
  }
  read_all(fd, &inbox);
  assert_int_equal(inbox.size, want_size);
  assert_memory_equal(inbox.data, want, want_size);
  struct track_port_counts counts = track_port_counts(port);
  assert_int_equal(counts.published, 4000);
  assert_int_equal(counts.delivered, 4000);
  assert_int_equal(counts.missed, 0);
  assert_int_equal(counts.bytes, want_size);
  free(want);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void reader_that_never_reads_costs_no_memory_and_then_gets_the_newest(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 4096);
  turns_run();
  step_publish(1, 500, 1);
  turns_run();
  size_t heap_before = mallinfo2().uordblks;
  for (uint64_t step = 2; step <= 200; step++) {
    step_publish(1, 500, step); /* 100,000 lines in all */
    turns_run();
    assert_in_range(track_port_counts(port).pending, 0, 500);
    books_check();
  }
  assert_int_equal(mallinfo2().uordblks, heap_before);
  struct track_port_counts stalled = track_port_counts(port);
  assert_int_equal(stalled.published, 100000);
  assert_int_equal(stalled.behind, 1);
  assert_int_equal(stalled.pending, 500);
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  for (uint64_t track = 1; track <= 500; track++) assert_int_equal(harvest.newest[track], 200);
  assert_int_equal(harvest.lines + harvest.missed, 100000);
  assert_true(harvest.missed > 90000);
  struct track_port_counts counts = track_port_counts(port);
  assert_int_equal(counts.delivered, harvest.lines);
  assert_int_equal(counts.missed, harvest.missed);
  assert_int_equal(counts.behind, 0);
  assert_int_equal(counts.pending, 0);
  /* Having caught up, it gets every line again. */
  for (uint64_t step = 201; step <= 300; step++) {
    step_publish(1, 10, step);
    net_read(fd, &inbox, SIZE_MAX);
  }
  read_all(fd, &inbox);
  struct harvest after = {0};
  harvest_all(&after, &inbox);
  assert_int_equal(after.lines, harvest.lines + 1000);
  assert_int_equal(after.missed, harvest.missed);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void readers_of_any_pace_get_whole_lines_and_true_counts(void **state) {
  (void)state;
  enum { READERS = 6, STEPS = 400 };
  struct prng prng = prng_seed(SEED, 1);
  port_make(TRACKS_MAX);
  int fds[READERS];
  struct net_inbox inboxes[READERS] = {{0}};
  uint64_t steps_of[TRACKS_MAX] = {0}, published = 0;
  for (int i = 0; i < READERS; i++) fds[i] = net_connect(tcp_port, 4096);
  turns_run();
  for (uint64_t step = 1; step <= STEPS; step++) {
    uint32_t count = 0;
    for (uint32_t track = 1; track < 300; track++) {
      if (prng_below(&prng, 3)) continue;
      reports[count++] = support_report(track, step);
      steps_of[track] = step;
    }
    publish(count);
    published += count;
    if (prng_below(&prng, 4) == 0) turns_run();
    /* The first reads all, the last nothing, the others a little now and then. */
    for (int i = 0; i < READERS - 1; i++) {
      size_t limit = i == 0 ? SIZE_MAX : (size_t)prng_below(&prng, (uint64_t)1 << (8 + 2 * i));
      net_read(fds[i], &inboxes[i], limit);
    }
    books_check();
  }
  for (int round = 0; round < 3 || !track_port_drained(port); round++) {
    turns_run();
    for (int i = 0; i < READERS; i++) net_read(fds[i], &inboxes[i], SIZE_MAX);
  }
  for (int i = 0; i < READERS; i++) {
    struct harvest harvest = {0};
    read_all(fds[i], &inboxes[i]);
    harvest_all(&harvest, &inboxes[i]);
    if (harvest.lines + harvest.missed != published) {
      fail_msg("seed %d reader %d: %lu + %lu of %lu", SEED, i, harvest.lines, harvest.missed, published);
    }
    for (uint64_t track = 1; track < 300; track++) assert_int_equal(harvest.newest[track], steps_of[track]);
    net_inbox_free(&inboxes[i]);
    close(fds[i]);
  }
  port_end();
}

static void lost_lines_are_never_passed_over(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 4096);
  turns_run();
  /* Tracks come, live three steps and are lost, while the reader sleeps. */
  uint64_t published = 0;
  for (uint64_t step = 1; step < 900; step++) {
    uint32_t count = 0;
    for (uint64_t track = step > 3 ? step - 3 : 1; track <= step; track++) {
      reports[count] = support_report(track, step);
      if (track + 3 == step) reports[count].status = STATUS_LOST;
      count++;
    }
    publish(count);
    published += count;
  }
  assert_int_equal(track_port_counts(port).behind, 1);
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  for (uint64_t track = 1; track + 3 < 900; track++) {
    if (harvest.lost[track] != 1) fail_msg("track %lu: %u lost lines", track, harvest.lost[track]);
  }
  assert_true(harvest.missed > 0);
  assert_int_equal(harvest.lines + harvest.missed, published);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void sweep_goes_in_track_order_behind_its_missed_line(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 4096);
  turns_run();
  struct net_inbox inbox = {0};
  while (!track_port_counts(port).behind) step_publish(900, 50, 1);
  /* Now out of order over the steps: each is ordered, the next begins lower. */
  step_publish(600, 50, 7);
  step_publish(100, 50, 8);
  step_publish(620, 10, 9);
  net_read(fd, &inbox, SIZE_MAX);
  while (!track_port_drained(port)) {
    turns_run();
    net_read(fd, &inbox, SIZE_MAX);
  }
  read_all(fd, &inbox);
  const char *at = NULL;
  inbox.data[inbox.size - 1] = 0; /* the last newline */
  for (const char *next = strstr(inbox.data, "{\"missed\":"); next; next = strstr(next + 1, "{\"missed\":")) {
    at = at ? at : next;
  }
  assert_non_null(at);
  uint64_t before = 0, lines = 0;
  for (at = strstr(at, "\"track\":"); at; at = strstr(at + 1, "\"track\":")) {
    uint64_t track = strtoull(at + 8, NULL, 10);
    if (lines && track <= before) fail_msg("track %lu after %lu", track, before);
    before = track;
    lines++;
  }
  assert_in_range(lines, 100, 150);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void order_within_a_step_does_not_matter(void **state) {
  (void)state;
  static const uint64_t order[] = {500, 400, 400, 600, 300, 300, 550, 1, 500, 999, 2};
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 4096);
  turns_run();
  uint64_t published = 0, step = 1;
  for (; !track_port_counts(port).behind; step++) {
    step_publish(400, 20, step);
    published += 20;
  }
  for (uint32_t round = 0; round < 3; round++) {
    for (uint32_t i = 0; i < 11; i++) reports[i] = support_report(order[i], step++);
    publish(11);
    published += 11;
  }
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  for (uint32_t i = 0; i < 11; i++) {
    bool later = (order[i] == 500 && i == 0) || (i < 10 && order[i] == order[i + 1]);
    if (!later) assert_int_equal(harvest.newest[order[i]], step - 11 + i);
  }
  assert_int_equal(harvest.lines + harvest.missed, published);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void full_table_ends_the_subscriber_that_is_furthest_behind(void **state) {
  (void)state;
  port_make(200);
  int slow = net_connect(tcp_port, 4096), fast = net_connect(tcp_port, 0);
  turns_run();
  struct net_inbox inbox = {0}, slow_inbox = {0};
  uint64_t track = 0;
  for (int step = 1; step <= 900 && !track_port_counts(port).overflowed; step++) {
    reports[0] = support_report(track = (uint64_t)step, 1);
    reports[0].status = STATUS_LOST;
    publish(1);
    net_read(fast, &inbox, SIZE_MAX);
    books_check();
  }
  if (!track_port_counts(port).overflowed) { /* the kernel took much: go on with numbers that are not harvested */
    for (uint64_t step = 0; step < 20000 && !track_port_counts(port).overflowed; step++) {
      reports[0] = support_report(10000 + step, 1);
      publish(1);
      net_read(fast, &inbox, SIZE_MAX);
      books_check();
    }
  }
  struct track_port_counts counts = track_port_counts(port);
  assert_int_equal(counts.overflowed, 1);
  assert_int_equal(counts.subscribers, 1);
  assert_in_range(counts.abandoned, 201, 401); /* what lives has room, and at most so many lost ones; and the one that found none */
  assert_true(track > 200);
  step_publish(1, 5, 2);
  read_all(fast, &inbox);
  assert_false(inbox.closed);
  assert_int_equal(track_port_counts(port).behind, 0);
  while (!slow_inbox.closed) net_read(slow, &slow_inbox, SIZE_MAX);
  net_inbox_free(&inbox);
  net_inbox_free(&slow_inbox);
  close(slow);
  close(fast);
  port_end();
}

static void places_are_bounded_and_free_again(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fds[TRACK_PORT_SUBSCRIBERS_MAX];
  for (int i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) fds[i] = net_connect(tcp_port, 0);
  turns_run();
  assert_int_equal(track_port_counts(port).subscribers, TRACK_PORT_SUBSCRIBERS_MAX);
  struct net_inbox inbox = {0};
  int refused = net_connect(tcp_port, 0);
  turns_run();
  while (!inbox.closed) net_read(refused, &inbox, SIZE_MAX);
  assert_true(inbox.size > 0);
  assert_memory_equal(inbox.data, "{\"error\":", 9);
  assert_int_equal(track_port_counts(port).refused, 1);
  net_inbox_free(&inbox);
  close(refused);
  step_publish(1, 3, 1);
  for (int i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
    struct harvest harvest = {0};
    read_all(fds[i], &inbox);
    harvest_all(&harvest, &inbox);
    assert_int_equal(harvest.lines, 3);
    net_inbox_free(&inbox);
  }
  /* One says that it sends no more: it is still served, and makes room only when somebody else needs its place. */
  shutdown(fds[7], SHUT_WR);
  turns_run();
  step_publish(1, 1, 2);
  read_all(fds[7], &inbox);
  assert_true(inbox.size > 0 && !inbox.closed);
  int last = net_connect(tcp_port, 0);
  turns_run();
  while (!inbox.closed) net_read(fds[7], &inbox, SIZE_MAX);
  assert_int_equal(track_port_counts(port).subscribers, TRACK_PORT_SUBSCRIBERS_MAX);
  assert_int_equal(track_port_counts(port).refused, 1);
  net_inbox_free(&inbox);
  /* The rest goes, half of it with a reset. */
  for (int i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
    struct linger hard = {.l_onoff = 1};
    if (i % 2) setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fds[i]);
  }
  turns_run();
  for (uint64_t step = 3; step < 6; step++) {
    step_publish(1, 1, step);
    turns_run();
  }
  assert_int_equal(track_port_counts(port).subscribers, 1);
  books_check();
  close(last);
  port_end();
}

static void request_is_answered_and_changes_nothing(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 0);
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  static const char requests[] = "{\"format\":\"binary\"}\r\n\r\n\nGET / HTTP/1.1\r\nunfinished";
  assert_int_equal(send(fd, requests, sizeof requests - 1, 0), sizeof requests - 1);
  turns_run();
  step_publish(1, 10, 1);
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  assert_int_equal(harvest.errors, 2);
  assert_int_equal(harvest.lines, 10);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void flood_of_requests_displaces_no_line(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 0);
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  for (uint64_t step = 1; step <= 50; step++) {
    for (int i = 0; i < 200; i++) (void)!send(fd, "a\nb\nc\nd\n", 8, MSG_DONTWAIT);
    turns_run();
    step_publish(1, 20, step);
    if (step % 10 == 0) net_read(fd, &inbox, SIZE_MAX);
  }
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  assert_int_equal(harvest.lines + harvest.missed, 1000);
  assert_true(harvest.errors > 0);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void report_that_is_not_finite_is_counted_and_skipped(void **state) {
  (void)state;
  port_make(TRACKS_MAX);
  int fd = net_connect(tcp_port, 0);
  turns_run();
  for (uint32_t i = 0; i < 4; i++) reports[i] = support_report(i + 1, 1);
  reports[2].covariance[5] = 0.0 / (double)(reports[2].track - 3);
  publish(4);
  struct net_inbox inbox = {0};
  struct harvest harvest = {0};
  read_all(fd, &inbox);
  harvest_all(&harvest, &inbox);
  assert_int_equal(harvest.lines, 3);
  assert_int_equal(harvest.newest[3], 0);
  assert_int_equal(track_port_counts(port).not_finite, 1);
  books_check();
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void step_too_large_to_write_out_goes_newest_per_track(void **state) {
  (void)state;
  port_make(sizeof reports / sizeof *reports);
  int fd = net_connect(tcp_port, 0);
  turns_run();
  struct net_inbox inbox = {0};
  uint32_t count = sizeof reports / sizeof *reports;
  step_publish(1, count, 1);
  read_all(fd, &inbox);
  uint64_t lines = 0;
  for (size_t i = 0; i < inbox.size; i++) lines += inbox.data[i] == '\n';
  assert_int_equal(lines, count);
  assert_int_equal(track_port_counts(port).delivered, count);
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

/* Reads what comes, the port running, until it comes to rest or is done. */
static void read_until_rest(int fd, struct net_inbox *inbox) {
  do turns_run();
  while (net_read(fd, inbox, SIZE_MAX) > 0);
}

static void sweeps_that_rest_send_half_of_the_lines(void **state) {
  (void)state;
  const uint32_t count = sizeof reports / sizeof *reports;
  port_make(count);
  int fd = net_connect(tcp_port, 0);
  turns_run();
  track_port_rest(port, true);
  struct net_inbox inbox = {0};
  step_publish(1, count, 1);
  read_until_rest(fd, &inbox);
  assert_true(track_port_drained(port)); /* the first one has nothing to rest from */
  uint32_t steps = 1;
  for (; steps < 21; steps++) {
    step_publish(1, count, steps + 1);
    read_until_rest(fd, &inbox);
  }
  struct track_port_counts resting = track_port_counts(port);
  assert_int_equal(resting.published, steps * count);
  assert_in_range(resting.delivered, steps / 3 * count, (steps / 2 + 2) * count);
  assert_true(resting.missed > 0);
  while (track_port_drained(port)) {
    step_publish(1, count, ++steps);
    read_until_rest(fd, &inbox);
  }
  track_port_rest(port, false);
  track_port_send(port, NOW_NS);
  read_until_rest(fd, &inbox);
  assert_true(track_port_drained(port));
  books_check();
  net_inbox_free(&inbox);
  close(fd);
  port_end();
}

static void address_that_cannot_be_had_is_an_error(void **state) {
  (void)state;
  port_make(10);
  struct listen_address taken = {.enabled = true, .host = "127.0.0.1", .port = (uint16_t)tcp_port};
  struct listen_address nowhere = {.enabled = true, .host = "192.0.2.1"}; /* TEST-NET: no machine's own */
  struct listen_address *bad[] = {&taken, &nowhere};
  for (int i = 0; i < 2; i++) {
    struct track_port_config config = {.address = bad[i], .site = &site, .tag_first = 1, .tracks_max = 10};
    struct track_port *other = NULL;
    struct weft_error err = {""};
    struct arena room;
    assert_int_equal(arena_open(&room, track_port_arena_bytes(&config)), 0);
    assert_true(track_port_open(&other, &config, io, &room, &err) < 0);
    assert_non_null(strstr(err.text, "listen.tracks"));
    arena_close(&room);
    assert_int_equal(arena_open(&room, 4096), 0);
    assert_int_equal(track_port_open(&other, &config, io, &room, &err), -ENOMEM);
    arena_close(&room);
  }
  port_end();
}

static int set_up(void **state) {
  (void)state;
  log_level_set(LOG_LEVEL_ERROR);
  support_site(&site);
  batch = calloc(1, sizeof *batch);
  return batch ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  free(batch);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reader_that_keeps_up_gets_every_line),
      cmocka_unit_test(reader_that_never_reads_costs_no_memory_and_then_gets_the_newest),
      cmocka_unit_test(readers_of_any_pace_get_whole_lines_and_true_counts),
      cmocka_unit_test(lost_lines_are_never_passed_over),
      cmocka_unit_test(sweep_goes_in_track_order_behind_its_missed_line),
      cmocka_unit_test(order_within_a_step_does_not_matter),
      cmocka_unit_test(full_table_ends_the_subscriber_that_is_furthest_behind),
      cmocka_unit_test(places_are_bounded_and_free_again),
      cmocka_unit_test(request_is_answered_and_changes_nothing),
      cmocka_unit_test(flood_of_requests_displaces_no_line),
      cmocka_unit_test(report_that_is_not_finite_is_counted_and_skipped),
      cmocka_unit_test(step_too_large_to_write_out_goes_newest_per_track),
      cmocka_unit_test(sweeps_that_rest_send_half_of_the_lines),
      cmocka_unit_test(address_that_cannot_be_had_is_an_error),
  };
  io_choice = IO_PLAIN;
  int failed = cmocka_run_group_tests_name("plain", tests, set_up, tear_down);
  if (io_uring_open(NULL, &io, NULL) < 0) {
    print_message("no io_uring here: the plain back end only\n");
    return failed;
  }
  io_close(io);
  io_choice = IO_URING;
  return failed + cmocka_run_group_tests_name("io_uring", tests, set_up, tear_down);
}
