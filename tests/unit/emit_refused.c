// stage: weft_emit weft_platform
/* The ports over sockets whose calls are interrupted, have no room, do a part or fail: nobody loses a byte who stays, and
 * who fails gives his place back. Which call does what is scripted: the calls are taken over when the test is linked. */
// wraps: send recv accept4
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/log.h"
#include "engine/emit/http_port.h"
#include "engine/emit/listener.h"
#include "engine/emit/track_line.h"
#include "engine/emit/track_port.h"
#include "tests/unit/emit_net.h"
#include "tests/unit/emit_support.h"

enum { TAG_HTTP = 1, TAG_TRACKS = 1000, BODY_BYTES = 200000, TURNS_MAX = 100000, ACTIONS_MAX = 16, TRACKS = 20 };
#define NOW_NS 1700000100000000000

/* What the next calls of the port do: fail with an errno, do at most so many bytes (below 0), or what they always do (0). */
struct script {
  int actions[ACTIONS_MAX];
  int count, at;
};
static struct script sends, recvs, accepts;
static bool scripted; /* the port's calls, not the client's */

static void script_set(struct script *script, const int *actions, int count) {
  assert_true(count <= ACTIONS_MAX);
  *script = (struct script){.count = count};
  memcpy(script->actions, actions, (size_t)count * sizeof *actions);
}
#define SCRIPT(script, ...) script_set(&(script), (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* 0 or less: go on, with at most -result bytes where it is below 0. 1: fail, errno is set. */
static int script_next(struct script *script) {
  if (!scripted || script->at == script->count) return 0;
  int action = script->actions[script->at++];
  if (action <= 0) return action;
  errno = action;
  return 1;
}

static size_t part(int action, size_t size) { return action < 0 && (size_t)-action < size ? (size_t)-action : size; }

ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
int __real_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) {
  int action = script_next(&sends);
  return action > 0 ? -1 : __real_send(fd, data, part(action, size), flags);
}
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) {
  int action = script_next(&recvs);
  return action > 0 ? -1 : __real_recv(fd, data, part(action, size), flags);
}
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  return script_next(&accepts) > 0 ? -1 : __real_accept4(fd, address, size, flags);
}

static struct listen_address address = {.enabled = true, .host = "127.0.0.1"};
static struct site site;
static struct io *io;
static struct io_batch *batch;
static struct arena arena;
static struct http_port *http;
static struct track_port *tracks;
static int http_at, tracks_at;
static struct track_report reports[TRACKS];

static size_t body_write(void *context, enum http_page page, char *body, size_t size, bool *healthy) {
  (void)context, (void)page, (void)healthy;
  assert_true(size >= BODY_BYTES);
  for (size_t i = 0; i < BODY_BYTES; i++) body[i] = (char)('a' + i % 26);
  return BODY_BYTES;
}

static void turns_run(void) {
  for (int turn = 0; turn < TURNS_MAX; turn++) {
    int got = io_receive(io, batch, 2000000);
    assert_true(got >= 0);
    scripted = true;
    for (uint32_t i = 0; i < batch->event_count; i++) {
      const struct io_event *event = &batch->events[i];
      if (track_port_owns(tracks, event->token)) track_port_ready(tracks, event->token, event->result, NOW_NS);
      else http_port_ready(http, event->token, event->result, NOW_NS);
    }
    scripted = false;
    io_release(io, batch);
    if (got == 0) return;
  }
  fail_msg("the ports never came to rest");
}

static int ports_make(void **state) {
  (void)state;
  struct weft_error err = {""};
  struct http_port_config pages = {.address = &address, .tag_first = TAG_HTTP, .body_bytes = BODY_BYTES, .body = body_write};
  struct track_port_config lines = {
      .address = &address, .site = &site, .tag_first = TAG_TRACKS, .tracks_max = TRACKS, .buffer_bytes = TRACK_PORT_BUFFER_MIN};
  log_level_set(0);
  support_site(&site);
  sends = recvs = accepts = (struct script){0};
  batch = calloc(1, sizeof *batch);
  assert_non_null(batch);
  assert_int_equal(io_open(IO_PLAIN, NULL, &io, &err), 0); /* its events come again as long as there is a reason */
  assert_int_equal(arena_open(&arena, http_port_arena_bytes(&pages) + track_port_arena_bytes(&lines) + 4096), 0);
  http_at = http_port_open(&http, &pages, io, &arena, &err);
  tracks_at = track_port_open(&tracks, &lines, io, &arena, &err);
  if (http_at <= 0 || tracks_at <= 0) fail_msg("%s", err.text);
  return 0;
}

static int ports_end(void **state) {
  (void)state;
  http_port_close(http);
  track_port_close(tracks);
  io_close(io);
  arena_close(&arena);
  free(batch);
  return 0;
}

/* A page, asked for in whole, read to its end. */
static struct net_inbox page_get(void) {
  int fd = net_connect(http_at, 0);
  struct net_inbox inbox = {0};
  assert_int_equal(send(fd, "GET /metrics HTTP/1.1\r\n\r\n", 25, MSG_NOSIGNAL), 25);
  do turns_run();
  while (net_read(fd, &inbox, SIZE_MAX) > 0);
  close(fd);
  turns_run();
  return inbox;
}

static void page_check(const char *when) {
  struct net_inbox inbox = page_get();
  if (inbox.size < BODY_BYTES || !inbox.closed) fail_msg("%s: %zu bytes", when, inbox.size);
  for (size_t i = 0; i < BODY_BYTES; i++) {
    if (inbox.data[inbox.size - BODY_BYTES + i] != (char)('a' + i % 26)) fail_msg("%s: byte %zu of the body is wrong", when, i);
  }
  net_inbox_free(&inbox);
  assert_int_equal(http_port_counts(http).connections, 0);
}

static void a_page_arrives_whole_however_its_calls_go(void **state) {
  (void)state;
  SCRIPT(recvs, EINTR, EAGAIN, -10, EAGAIN, -4, EINTR, 0, EAGAIN, EINTR);
  SCRIPT(sends, EAGAIN, -1, EINTR, -5000, EAGAIN, -1, -70000);
  SCRIPT(accepts, EINTR, ECONNABORTED);
  page_check("interrupted");
  assert_int_equal(recvs.at + sends.at + accepts.at, recvs.count + sends.count + accepts.count);
}

static void a_connection_that_fails_gives_its_place_back(void **state) {
  (void)state;
  static const struct {
    int recv[2], send[1];
  } ways[] = {{{ECONNRESET, 0}, {0}}, {{0, 0}, {EPIPE}}, {{0, ECONNRESET}, {0}}};
  for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
    script_set(&recvs, ways[w].recv, 2);
    script_set(&sends, ways[w].send, 1);
    struct net_inbox inbox = page_get();
    assert_true(inbox.size == 0 || w == 2); /* in the third the page is out already */
    net_inbox_free(&inbox);
    assert_int_equal(http_port_counts(http).connections, 0);
    recvs = sends = (struct script){0};
    page_check("afterwards");
  }
}

static void lines_publish(uint64_t step) {
  for (uint32_t i = 0; i < TRACKS; i++) reports[i] = support_report(i + 1, step);
  struct step_output output = {.count = TRACKS, .capacity = TRACKS, .reports = reports};
  scripted = true;
  track_port_publish(tracks, &output, NOW_NS);
  scripted = false;
}

/* The lines of a step as they should arrive. */
static size_t lines_expect(char *want, uint64_t step) {
  size_t size = 0;
  for (uint32_t i = 0; i < TRACKS; i++) {
    struct track_report report = support_report(i + 1, step);
    size += track_line_write(want + size, TRACK_LINE_MAX, &report, &site, TRACK_LINE_LATENCY_NONE);
  }
  return size;
}

static void lines_arrive_whole_however_their_calls_go(void **state) {
  (void)state;
  static char want[4 * TRACKS * TRACK_LINE_MAX];
  size_t size = 0;
  struct net_inbox inbox = {0};
  int fd = net_connect(tracks_at, 0);
  SCRIPT(accepts, ECONNABORTED, EINTR, 0);
  turns_run();
  SCRIPT(sends, EINTR, EINTR, -7, EAGAIN, -100, -1, EAGAIN, -2000);
  SCRIPT(recvs, EAGAIN, EINTR);
  for (uint64_t step = 1; step <= 4; step++) {
    lines_publish(step);
    size += lines_expect(want + size, step);
    assert_int_equal(send(fd, "\r\n", 2, MSG_NOSIGNAL), 2); /* an empty request is none */
    do turns_run();
    while (net_read(fd, &inbox, SIZE_MAX) > 0);
  }
  assert_int_equal(sends.at + recvs.at, sends.count + recvs.count);
  assert_int_equal(inbox.size, size);
  assert_memory_equal(inbox.data, want, size);
  net_inbox_free(&inbox);
  close(fd);
}

static void a_reader_that_fails_is_counted_and_gone(void **state) {
  (void)state;
  for (int way = 0; way < 2; way++) {
    int fd = net_connect(tracks_at, 0);
    turns_run();
    assert_int_equal(track_port_counts(tracks).subscribers, 1);
    if (way == 0) {
      SCRIPT(sends, EPIPE);
      lines_publish(1);
    } else {
      SCRIPT(recvs, ECONNRESET);
      assert_int_equal(send(fd, "x\n", 2, MSG_NOSIGNAL), 2);
      turns_run();
    }
    struct track_port_counts counts = track_port_counts(tracks);
    assert_int_equal(counts.subscribers, 0);
    assert_int_equal(counts.disconnected, way + 1);
    close(fd);
  }
  assert_true(track_port_drained(tracks));
}

/* Without a descriptor left the client is told by a close, and nobody else is harmed. */
static void who_finds_no_descriptor_is_turned_away(void **state) {
  (void)state;
  struct net_inbox inbox = {0};
  int fd = net_connect(tracks_at, 0);
  SCRIPT(accepts, EMFILE, 0);
  turns_run();
  assert_int_equal(track_port_counts(tracks).refused, 1);
  net_read(fd, &inbox, SIZE_MAX);
  assert_true(inbox.closed && inbox.size == 0);
  net_inbox_free(&inbox);
  close(fd);
  SCRIPT(accepts, EIO);
  fd = net_connect(http_at, 0);
  turns_run(); /* what no remedy is known for is tried again with the next event */
  assert_int_equal(http_port_counts(http).connections, 1);
  close(fd);
  turns_run();
  page_check("afterwards");
}

static void a_listener_says_what_became_of_the_next_connection(void **state) {
  (void)state;
  struct listener listener;
  struct weft_error err = {""};
  struct listen_address six = {.enabled = true, .host = "::1"};
  int at = listener_open(&listener, &address, "test", &err);
  assert_true(at > 0 && listener.spare >= 0);
  scripted = true;
  SCRIPT(accepts, ENFILE, EAGAIN); /* and the one that waited has gone meanwhile */
  assert_int_equal(listener_accept(&listener), -EAGAIN);
  assert_true(listener.spare >= 0);
  close(listener.spare);
  listener.spare = -1; /* none was to be had */
  SCRIPT(accepts, EMFILE);
  assert_int_equal(listener_accept(&listener), -EMFILE);
  scripted = false;
  struct listen_address same = address;
  same.port = (uint16_t)at;
  struct listener other;
  assert_int_equal(listener_open(&other, &same, "test", &err), -EADDRINUSE);
  assert_non_null(strstr(err.text, "choose a free port"));
  listener_close(&listener);
  listener_close(&listener); /* nothing is there any more */
  int rc = listener_open(&other, &six, "test", &err);
  assert_true(rc > 0 || rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT); /* some machines have no IPv6 */
  listener_close(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_page_arrives_whole_however_its_calls_go, ports_make, ports_end),
      cmocka_unit_test_setup_teardown(a_connection_that_fails_gives_its_place_back, ports_make, ports_end),
      cmocka_unit_test_setup_teardown(lines_arrive_whole_however_their_calls_go, ports_make, ports_end),
      cmocka_unit_test_setup_teardown(a_reader_that_fails_is_counted_and_gone, ports_make, ports_end),
      cmocka_unit_test_setup_teardown(who_finds_no_descriptor_is_turned_away, ports_make, ports_end),
      cmocka_unit_test(a_listener_says_what_became_of_the_next_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
