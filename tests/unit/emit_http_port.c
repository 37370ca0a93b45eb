// stage: weft_emit weft_platform
/* The HTTP port over real sockets: what it answers, what it refuses, and that no client can tie it up. */
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
#include "tests/unit/emit_net.h"

enum { TAG_FIRST = 7, BODY_BYTES = 4 << 20, TURNS_MAX = 100000 };

static struct listen_address address = {.enabled = true, .host = "127.0.0.1"};
static enum io_choice io_choice;
static struct io *io;
static struct io_batch *batch;
static struct arena arena;
static struct http_port *port;
static int tcp_port;
static int64_t now_ns;
static size_t body_size;
static bool body_healthy;

static size_t body_write(void *context, enum http_page page, char *body, size_t size, bool *healthy) {
  assert_ptr_equal(context, &body_size);
  assert_true(*healthy && body_size <= size);
  memset(body, page == HTTP_METRICS ? 'm' : 'h', body_size);
  *healthy = body_healthy;
  return body_size;
}

static void turns_run(void) {
  for (int turn = 0; turn < TURNS_MAX; turn++) {
    int got = io_receive(io, batch, 2000000);
    assert_true(got >= 0);
    for (uint32_t i = 0; i < batch->event_count; i++) {
      assert_true(http_port_owns(port, batch->events[i].token));
      http_port_ready(port, batch->events[i].token, batch->events[i].result, now_ns);
    }
    io_release(io, batch);
    if (got == 0) return;
  }
  fail_msg("the port never came to rest");
}

static int port_make(void **state) {
  (void)state;
  struct weft_error err = {""};
  struct http_port_config config = {
      .address = &address, .tag_first = TAG_FIRST, .body_bytes = BODY_BYTES, .body = body_write, .context = &body_size};
  log_level_set(LOG_LEVEL_ERROR);
  now_ns = 0;
  body_size = 10;
  body_healthy = true;
  batch = calloc(1, sizeof *batch);
  assert_non_null(batch);
  assert_int_equal(io_open(io_choice, NULL, &io, &err), 0);
  assert_int_equal(arena_open(&arena, http_port_arena_bytes(&config)), 0);
  tcp_port = http_port_open(&port, &config, io, &arena, &err);
  if (tcp_port <= 0) fail_msg("%s", err.text);
  arena_seal(&arena);
  return 0;
}

static int port_end(void **state) {
  (void)state;
  http_port_close(port);
  io_close(io);
  arena_close(&arena);
  free(batch);
  return 0;
}

static void request_send(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The whole reply to `request`, zero-terminated, the connection closed by the port. */
static struct net_inbox exchange(const char *request) {
  int fd = net_connect(tcp_port, 0);
  struct net_inbox inbox = {0};
  request_send(fd, request);
  do turns_run();
  while (net_read(fd, &inbox, SIZE_MAX) > 0);
  assert_true(inbox.closed);
  inbox.data[inbox.size] = 0;
  close(fd);
  turns_run();
  assert_int_equal(http_port_counts(port).connections, 0);
  return inbox;
}

static void reply_check(const char *request, const char *status, const char *holds, char body, size_t body_count) {
  struct net_inbox inbox = exchange(request);
  char want[64];
  snprintf(want, sizeof want, "HTTP/1.1 %s\r\n", status);
  if (strncmp(inbox.data, want, strlen(want)) != 0) fail_msg("%s: %.60s", request, inbox.data);
  if (holds && !strstr(inbox.data, holds)) fail_msg("%s: no '%s' in %s", request, holds, inbox.data);
  const char *end = strstr(inbox.data, "\r\n\r\n");
  assert_non_null(end);
  if (body) {
    snprintf(want, sizeof want, "\r\nContent-Length: %zu\r\n", body_size);
    assert_non_null(strstr(inbox.data, want));
    assert_int_equal(inbox.size - (size_t)(end + 4 - inbox.data), body_count);
    for (size_t i = 0; i < body_count; i++) assert_int_equal(end[4 + i], body);
  }
  net_inbox_free(&inbox);
}

static void pages_are_served(void **state) {
  (void)state;
  reply_check("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "text/plain; version=0.0.4", 'm', 10);
  reply_check("GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200 OK", "Connection: close", 'm', 10);
  reply_check("GET /health HTTP/1.1\r\n\r\n", "200 OK", "application/json", 'h', 10);
  reply_check("GET /health HTTP/1.1\n\n", "200 OK", NULL, 'h', 10);
  reply_check("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK", NULL, 'm', 0);
  body_healthy = false;
  reply_check("GET /health HTTP/1.1\r\n\r\n", "503 Service Unavailable", "application/json", 'h', 10);
  assert_int_equal(http_port_counts(port).answered, 6);
}

static void what_is_not_served_is_refused(void **state) {
  (void)state;
  reply_check("GET / HTTP/1.1\r\n\r\n", "404 Not Found", NULL, 0, 0);
  reply_check("GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found", NULL, 0, 0);
  reply_check("GET /metric HTTP/1.1\r\n\r\n", "404 Not Found", NULL, 0, 0);
  reply_check("GET /../etc/passwd HTTP/1.1\r\n\r\n", "404 Not Found", NULL, 0, 0);
  reply_check("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed", "Allow: GET, HEAD", 0, 0);
  reply_check("get /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed", NULL, 0, 0);
  reply_check("GET /metrics HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported", NULL, 0, 0);
  static const char *const malformed[] = {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                                          " /metrics HTTP/1.1\r\n\r\n", "GET /metrics HTTP/1.1x\r\n\r\n",
                                          "GET /metrics FTTP/1.1\r\n\r\n"};
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    reply_check(malformed[i], "400 Bad Request", NULL, 0, 0);
  }
}

static void header_beyond_its_bound_is_refused(void **state) {
  (void)state;
  static char request[HTTP_HEADER_MAX + 64];
  memset(request, 'a', HTTP_HEADER_MAX);
  memcpy(request, "GET /metrics HTTP/1.1\r\nX: ", 26);
  reply_check(request, "431 Request Header Fields Too Large", NULL, 0, 0);
  memcpy(request + HTTP_HEADER_MAX - 4, "\r\n\r\n", 5); /* as long as it may be */
  reply_check(request, "200 OK", NULL, 'm', 10);
}

static void request_may_come_in_single_bytes(void **state) {
  (void)state;
  static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  int fd = net_connect(tcp_port, 0);
  struct net_inbox inbox = {0};
  for (size_t i = 0; i + 1 < sizeof request; i++) {
    net_read(fd, &inbox, SIZE_MAX);
    assert_int_equal(inbox.size, 0); /* nothing before the last byte */
    assert_int_equal(send(fd, request + i, 1, MSG_NOSIGNAL), 1);
    turns_run();
  }
  net_read(fd, &inbox, SIZE_MAX);
  assert_memory_equal(inbox.data, "HTTP/1.1 200 OK\r\n", 17);
  net_inbox_free(&inbox);
  close(fd);
}

static void large_body_arrives_whole_at_a_slow_reader(void **state) {
  (void)state;
  body_size = BODY_BYTES;
  int fd = net_connect(tcp_port, 4096);
  struct net_inbox inbox = {0};
  request_send(fd, "GET /metrics HTTP/1.1\r\n\r\n");
  while (!inbox.closed) {
    turns_run();
    net_read(fd, &inbox, 300000);
  }
  const char *end = memmem(inbox.data, inbox.size, "\r\n\r\n", 4);
  assert_non_null(end);
  assert_int_equal(inbox.size - (size_t)(end + 4 - inbox.data), BODY_BYTES);
  for (const char *at = end + 4; at < inbox.data + inbox.size; at++) assert_int_equal(*at, 'm');
  net_inbox_free(&inbox);
  close(fd);
}

static void silent_connections_expire(void **state) {
  (void)state;
  int fds[4];
  for (int i = 0; i < 4; i++) fds[i] = net_connect(tcp_port, 0);
  request_send(fds[0], "GET /metr");
  turns_run();
  assert_int_equal(http_port_counts(port).connections, 4);
  now_ns += HTTP_IDLE_NS - 1;
  http_port_tick(port, now_ns);
  assert_int_equal(http_port_counts(port).connections, 4);
  request_send(fds[1], "G"); /* progress */
  turns_run();
  now_ns += 1;
  http_port_tick(port, now_ns);
  assert_int_equal(http_port_counts(port).connections, 1);
  assert_int_equal(http_port_counts(port).expired, 3);
  /* A byte now and then does not help for ever. */
  for (int i = 0; i < 20 && http_port_counts(port).connections; i++) {
    now_ns += HTTP_IDLE_NS / 2;
    (void)!send(fds[1], "x", 1, MSG_NOSIGNAL);
    turns_run();
    http_port_tick(port, now_ns);
  }
  assert_int_equal(http_port_counts(port).connections, 0);
  assert_true(now_ns <= HTTP_TOTAL_NS + HTTP_IDLE_NS);
  for (int i = 0; i < 4; i++) close(fds[i]);
}

static void slow_clients_in_any_number_do_not_lock_a_scraper_out(void **state) {
  (void)state;
  int fds[3 * HTTP_CONNECTIONS_MAX];
  for (int i = 0; i < 3 * HTTP_CONNECTIONS_MAX; i++) {
    fds[i] = net_connect(tcp_port, 0);
    request_send(fds[i], "GET /met");
    now_ns++;
    turns_run();
  }
  assert_int_equal(http_port_counts(port).connections, HTTP_CONNECTIONS_MAX);
  assert_int_equal(http_port_counts(port).displaced, 2 * HTTP_CONNECTIONS_MAX);
  int fd = net_connect(tcp_port, 0);
  struct net_inbox inbox = {0};
  request_send(fd, "GET /metrics HTTP/1.1\r\n\r\n");
  turns_run();
  net_read(fd, &inbox, SIZE_MAX);
  assert_memory_equal(inbox.data, "HTTP/1.1 200 OK\r\n", 17);
  net_inbox_free(&inbox);
  close(fd);
  /* Those silent longest had to go, and no others. */
  for (int i = 0; i < 3 * HTTP_CONNECTIONS_MAX; i++) {
    net_read(fds[i], &inbox, SIZE_MAX);
    assert_int_equal(inbox.closed, i <= 2 * HTTP_CONNECTIONS_MAX);
    net_inbox_free(&inbox);
    close(fds[i]);
  }
  turns_run();
  assert_int_equal(http_port_counts(port).connections, 0);
}

static void client_that_goes_at_any_point_leaves_nothing(void **state) {
  (void)state;
  body_size = BODY_BYTES;
  static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
  for (int i = 0; i < 60; i++) {
    int fd = net_connect(tcp_port, 4096);
    size_t size = (size_t)i % sizeof request;
    assert_int_equal(send(fd, request, size, MSG_NOSIGNAL), size);
    if (i % 3) turns_run();
    struct linger hard = {.l_onoff = 1};
    if (i % 2) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    turns_run();
  }
  now_ns += HTTP_TOTAL_NS;
  http_port_tick(port, now_ns);
  assert_int_equal(http_port_counts(port).connections, 0);
  assert_int_equal(http_port_counts(port).accepted, 60);
}

static void body_that_does_not_fit_is_an_error_to_the_client(void **state) {
  (void)state;
  body_size = 0;
  log_level_set((enum log_level)0); /* the error line is expected */
  reply_check("GET /metrics HTTP/1.1\r\n\r\n", "500 Internal Server Error", NULL, 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(pages_are_served, port_make, port_end),
      cmocka_unit_test_setup_teardown(what_is_not_served_is_refused, port_make, port_end),
      cmocka_unit_test_setup_teardown(header_beyond_its_bound_is_refused, port_make, port_end),
      cmocka_unit_test_setup_teardown(request_may_come_in_single_bytes, port_make, port_end),
      cmocka_unit_test_setup_teardown(large_body_arrives_whole_at_a_slow_reader, port_make, port_end),
      cmocka_unit_test_setup_teardown(silent_connections_expire, port_make, port_end),
      cmocka_unit_test_setup_teardown(slow_clients_in_any_number_do_not_lock_a_scraper_out, port_make, port_end),
      cmocka_unit_test_setup_teardown(client_that_goes_at_any_point_leaves_nothing, port_make, port_end),
      cmocka_unit_test_setup_teardown(body_that_does_not_fit_is_an_error_to_the_client, port_make, port_end),
  };
  io_choice = IO_PLAIN;
  int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
  if (io_uring_open(NULL, &io, NULL) < 0) {
    print_message("no io_uring here: the plain back end only\n");
    return failed;
  }
  io_close(io);
  io_choice = IO_URING;
  return failed + cmocka_run_group_tests_name("io_uring", tests, NULL, NULL);
}
