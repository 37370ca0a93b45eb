/* The sender over a kernel that refuses, takes a part, or does not coalesce: what it says it has sent has arrived, in
 * order; what it gives up is counted. */
// stage: weft_platform weft_base
// wraps: sendmmsg socket connect
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/platform/io_send.h"

enum { ACTIONS_MAX = 1100, SIZE_MAX_BYTES = 65507 };

/* The next calls of sendmmsg: an errno, at most so many messages (below 0), or all of them (0). */
static int actions[ACTIONS_MAX], action_count, action_at;
static int socket_refused, connect_refused;

int __real_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __real_socket(int family, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags);
int __wrap_socket(int family, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags) {
  int action = action_at < action_count ? actions[action_at++] : 0;
  if (action > 0) {
    errno = action;
    return -1;
  }
  return __real_sendmmsg(fd, headers, action < 0 && (unsigned)-action < count ? (unsigned)-action : count, flags);
}
int __wrap_socket(int family, int type, int protocol) {
  errno = socket_refused;
  return socket_refused ? -1 : __real_socket(family, type, protocol);
}
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size) {
  errno = connect_refused;
  return connect_refused ? -1 : __real_connect(fd, address, size);
}

static void script(const int *list, int count) {
  memcpy(actions, list, (size_t)count * sizeof *list);
  action_count = count;
  action_at = 0;
}
#define SCRIPT(...) script((const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

static int receiver = -1;
static uint8_t bytes[SIZE_MAX_BYTES + 1];

static struct io_sender *sender_make(bool coalesce) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct weft_error err = {0};
  struct io_sender *sender = NULL;
  int room = 8 << 20;
  action_count = 0;
  receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  assert_int_equal(bind(receiver, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(receiver, (struct sockaddr *)&address, &size), 0);
  if (io_sender_open("127.0.0.1", ntohs(address.sin_port), coalesce, &sender, &err) != 0) fail_msg("%s", err.text);
  return sender;
}

static void sender_end(struct io_sender *sender) {
  io_sender_close(sender);
  close(receiver);
}

/* Datagrams of the given sizes; the first byte of each is its number. */
static void put_all(struct io_sender *sender, const uint32_t *sizes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    memset(bytes, (int)i, sizes[i] ? sizes[i] : 1);
    assert_int_equal(io_sender_put(sender, bytes, sizes[i]), 0);
  }
}

/* That those from `first` on, and no others, have arrived. */
static void arrived_check(const uint32_t *sizes, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < count; i++) {
    ssize_t size = recv(receiver, bytes, sizeof bytes, 0);
    if (size != (ssize_t)sizes[i] || (size > 0 && bytes[0] != (uint8_t)i)) fail_msg("datagram %u of %u bytes: %zd, %u", i, sizes[i], size, bytes[0]);
  }
  assert_true(recv(receiver, bytes, sizeof bytes, 0) < 0);
}

/* Runs of every shape: equal ones with a shorter end, longer behind shorter, empty ones, more than one send takes. */
static uint32_t shapes(uint32_t sizes[200]) {
  static const uint32_t heads[] = {100, 100, 100, 40, 100, 200, 0, 0, 50, 50, 0, 50};
  uint32_t count = sizeof heads / sizeof heads[0];
  memcpy(sizes, heads, sizeof heads);
  for (int i = 0; i < 70; i++) sizes[count++] = 30;
  for (int i = 0; i < 10; i++) sizes[count++] = 8000;
  return count;
}

static void every_shape_of_queue_arrives_in_order(void **state) {
  (void)state;
  uint32_t sizes[200], count = shapes(sizes);
  for (int coalesce = 0; coalesce < 2; coalesce++) {
    struct io_sender *sender = sender_make(coalesce);
    put_all(sender, sizes, count);
    assert_int_equal(io_sender_flush(sender), 0);
    arrived_check(sizes, 0, count);
    assert_int_equal(io_sender_sent(sender), count);
    assert_int_equal(io_sender_put(sender, bytes, SIZE_MAX_BYTES + 1), -EMSGSIZE);
    assert_int_equal(io_sender_flush(sender), 0);
    sender_end(sender);
  }
}

/* Copied and lent ones by turns, the lent ones now behind each other and now not. */
static void lent_datagrams_are_not_copied_and_keep_their_order(void **state) {
  (void)state;
  enum { COUNT = 40, SIZE = 100 };
  static uint8_t lent[COUNT][SIZE];
  uint32_t sizes[COUNT];
  for (int coalesce = 0; coalesce < 2; coalesce++) {
    struct io_sender *sender = sender_make(coalesce);
    memset(lent, 0xff, sizeof lent);
    for (uint32_t i = 0; i < COUNT; i++) {
      sizes[i] = SIZE;
      memset(bytes, (int)i, SIZE);
      bool copied = i % 5 == 4 || i == 11;
      assert_int_equal(copied ? io_sender_put(sender, bytes, SIZE) : io_sender_lend(sender, lent[i], SIZE), 0);
    }
    for (uint32_t i = 0; i < COUNT; i++) memset(lent[i], (int)i, SIZE); /* what counts is what is there when they are sent */
    assert_int_equal(io_sender_lend(sender, bytes, SIZE_MAX_BYTES + 1), -EMSGSIZE);
    assert_int_equal(io_sender_flush(sender), 0);
    arrived_check(sizes, 0, COUNT);
    assert_int_equal(io_sender_sent(sender), COUNT);
    sender_end(sender);
  }
}

static void what_passes_is_waited_for(void **state) {
  (void)state;
  uint32_t sizes[200], count = shapes(sizes);
  struct io_sender *sender = sender_make(true);
  put_all(sender, sizes, count);
  SCRIPT(EINTR, ENOBUFS, EAGAIN, -1, ECONNREFUSED, -2, EINTR, EINTR, ENOBUFS);
  assert_int_equal(io_sender_flush(sender), 0);
  assert_int_equal(action_at, action_count);
  arrived_check(sizes, 0, count);
  assert_int_equal(io_sender_sent(sender), count);
  assert_int_equal(io_sender_failed(sender), 0);
  assert_true(io_sender_coalesces(sender));
  sender_end(sender);
}

static void a_kernel_that_does_not_coalesce_gets_them_one_by_one(void **state) {
  (void)state;
  static const int refusals[] = {EINVAL, EIO, EOPNOTSUPP, ENOPROTOOPT, EMSGSIZE};
  uint32_t sizes[200], count = shapes(sizes);
  for (size_t r = 0; r < sizeof refusals / sizeof refusals[0]; r++) {
    struct io_sender *sender = sender_make(true);
    put_all(sender, sizes, count);
    script(&refusals[r], 1);
    assert_int_equal(io_sender_flush(sender), 0);
    arrived_check(sizes, 0, count);
    assert_false(io_sender_coalesces(sender));
    sender_end(sender);
  }
}

/* An error that stays costs the first message only; the others still go. */
static void what_stays_is_given_up_and_counted(void **state) {
  (void)state;
  static const struct {
    int error, times;
  } ways[] = {{EPERM, 1}, {EIO, 1}, {ENOBUFS, 1000}, {EAGAIN, 1000}, {ECONNREFUSED, 1000}};
  const uint32_t sizes[] = {10, 20, 30};
  for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
    struct io_sender *sender = sender_make(false);
    put_all(sender, sizes, 3);
    for (int i = 0; i < ways[w].times; i++) actions[i] = ways[w].error;
    action_count = ways[w].times;
    action_at = 0;
    assert_int_equal(io_sender_flush(sender), -ways[w].error);
    assert_int_equal(io_sender_failed(sender), 1);
    assert_int_equal(io_sender_sent(sender), 2);
    arrived_check(sizes, 1, 3);
    sender_end(sender);
  }
}

static void a_full_queue_is_sent_before_the_next_is_put(void **state) {
  (void)state;
  struct io_sender *sender = sender_make(true);
  memset(bytes, 7, 60000);
  uint32_t count = 0;
  for (; io_sender_sent(sender) == 0; count++) assert_int_equal(io_sender_put(sender, bytes, 60000), 0);
  assert_int_equal(count, IO_SEND_QUEUE_BYTES / 60000 + 1);
  assert_int_equal(io_sender_sent(sender), count - 1);
  for (uint32_t i = 0; i < 2 * IO_SEND_QUEUE_MAX; i++) assert_int_equal(io_sender_put(sender, bytes, 1), 0);
  assert_true(io_sender_sent(sender) > IO_SEND_QUEUE_MAX);
  sender_end(sender);
}

static void a_sender_that_cannot_be_opened_says_why(void **state) {
  (void)state;
  struct weft_error err = {0};
  struct io_sender *sender = NULL;
  assert_int_equal(io_sender_open("300.1.2.3.nowhere.invalid", 5, true, &sender, &err), -EADDRNOTAVAIL);
  assert_non_null(strstr(err.text, "cannot resolve the host '300.1.2.3.nowhere.invalid'"));
  socket_refused = EMFILE;
  assert_int_equal(io_sender_open("127.0.0.1", 5, true, &sender, &err), -EMFILE);
  assert_non_null(strstr(err.text, "no UDP socket to send to 127.0.0.1"));
  socket_refused = 0;
  connect_refused = ENETUNREACH;
  assert_int_equal(io_sender_open("127.0.0.1", 5, true, &sender, &err), -ENETUNREACH);
  assert_non_null(strstr(err.text, "cannot send to UDP 127.0.0.1:5"));
  connect_refused = 0;
  assert_null(sender);
  io_sender_close(sender);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_shape_of_queue_arrives_in_order),
      cmocka_unit_test(lent_datagrams_are_not_copied_and_keep_their_order),
      cmocka_unit_test(what_passes_is_waited_for),
      cmocka_unit_test(a_kernel_that_does_not_coalesce_gets_them_one_by_one),
      cmocka_unit_test(what_stays_is_given_up_and_counted),
      cmocka_unit_test(a_full_queue_is_sent_before_the_next_is_put),
      cmocka_unit_test(a_sender_that_cannot_be_opened_says_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
