/* Telling a service manager: the datagrams as a manager's socket gets them. */
// stage: weft_platform weft_base
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/platform/notify.h"

enum { MESSAGE_BYTES = 512, QUEUE_MAX = 100000 };

/* A manager's end: bound to `name` (@ in front: abstract), which becomes NOTIFY_SOCKET. */
static int manager_open(const char *name) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  assert_true(length < sizeof at.sun_path);
  memcpy(at.sun_path, name, length);
  if (name[0] == '@') at.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), 0);
  assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
  return fd;
}

static void message_expect(int manager, const char *expected) {
  char got[MESSAGE_BYTES];
  ssize_t size = recv(manager, got, sizeof got - 1, 0);
  assert_true(size >= 0);
  got[size] = 0;
  assert_string_equal(got, expected);
}

static int environment_clear(void **state) {
  (void)state;
  unsetenv("NOTIFY_SOCKET");
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  return 0;
}

static void messages_reach(const char *name) {
  struct notify notify;
  struct weft_error err;
  int manager = manager_open(name);
  assert_int_equal(notify_open(&notify, &err), 0);
  assert_true(notify_wanted(&notify));
  assert_int_equal(notify_send(&notify, "READY=1\nSTATUS=ready"), 0);
  assert_int_equal(notify_send(&notify, "WATCHDOG=1"), 0);
  message_expect(manager, "READY=1\nSTATUS=ready");
  message_expect(manager, "WATCHDOG=1");
  notify_close(&notify);
  assert_false(notify_wanted(&notify));
  close(manager);
}

static void messages_reach_a_socket_in_a_folder(void **state) {
  (void)state;
  char folder[] = "/tmp/weft-notify-XXXXXX", name[64];
  assert_non_null(mkdtemp(folder));
  snprintf(name, sizeof name, "%s/notify", folder);
  messages_reach(name);
  unlink(name);
  rmdir(folder);
}

static void messages_reach_an_abstract_socket(void **state) {
  (void)state;
  char name[64];
  snprintf(name, sizeof name, "@weft-notify-%ld", (long)getpid());
  messages_reach(name);
}

static void nothing_is_opened_or_sent_where_nobody_asked(void **state) {
  (void)state;
  struct notify notify;
  struct weft_error err;
  assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
  int next = dup(0);
  close(next);
  assert_int_equal(notify_open(&notify, &err), 0);
  assert_false(notify_wanted(&notify));
  assert_int_equal(notify.watchdog_ns, 0);
  assert_int_equal(notify_send(&notify, "READY=1"), 0);
  int after = dup(0);
  assert_int_equal(after, next);
  close(after);
  notify_close(&notify);
}

static void a_full_queue_is_said_and_never_waited_for(void **state) {
  (void)state;
  char name[64];
  struct notify notify;
  struct weft_error err;
  snprintf(name, sizeof name, "@weft-notify-full-%ld", (long)getpid());
  int manager = manager_open(name), rc = 0, sent = 0;
  assert_int_equal(notify_open(&notify, &err), 0);
  while (rc == 0 && sent < QUEUE_MAX) rc = notify_send(&notify, sent++ == 0 ? "READY=1" : "WATCHDOG=1");
  assert_int_equal(rc, -EAGAIN);
  message_expect(manager, "READY=1");
  assert_int_equal(notify_send(&notify, "STOPPING=1"), 0);
  notify_close(&notify);
  close(manager);
}

static void a_manager_that_is_gone_is_an_error(void **state) {
  (void)state;
  char name[64];
  struct notify notify;
  struct weft_error err;
  snprintf(name, sizeof name, "@weft-notify-gone-%ld", (long)getpid());
  close(manager_open(name));
  assert_int_equal(notify_open(&notify, &err), 0);
  assert_int_equal(notify_send(&notify, "READY=1"), -ECONNREFUSED);
  notify_close(&notify);
}

static void names_that_are_no_socket_are_refused(void **state) {
  (void)state;
  char longest[sizeof((struct sockaddr_un){0}.sun_path) + 1];
  memset(longest, 'a', sizeof longest);
  longest[0] = '/';
  longest[sizeof longest - 1] = 0;
  const char *const wrong[] = {"", "/", "@", "relative", "vsock:2:1", longest};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct notify notify;
    struct weft_error err = {0};
    assert_int_equal(setenv("NOTIFY_SOCKET", wrong[i], 1), 0);
    assert_int_equal(notify_open(&notify, &err), -EINVAL);
    assert_false(notify_wanted(&notify));
    assert_non_null(strstr(err.text, "NOTIFY_SOCKET="));
    assert_int_equal(notify_send(&notify, "READY=1"), 0);
  }
}

/* The watchdog's time after opening with these variables; -1 where they are refused. */
static int64_t watchdog_of(const char *limit, const char *whom) {
  struct notify notify;
  struct weft_error err;
  setenv("NOTIFY_SOCKET", "@weft-notify-nobody", 1);
  if (limit) setenv("WATCHDOG_USEC", limit, 1);
  if (whom) setenv("WATCHDOG_PID", whom, 1);
  int64_t watchdog_ns = notify_open(&notify, &err) == 0 ? notify.watchdog_ns : -1;
  notify_close(&notify);
  environment_clear(NULL);
  return watchdog_ns;
}

static void the_watchdog_is_for_the_process_that_is_named(void **state) {
  (void)state;
  char self[32], other[32];
  snprintf(self, sizeof self, "%ld", (long)getpid());
  snprintf(other, sizeof other, "%ld", (long)getppid());
  assert_int_equal(watchdog_of(NULL, NULL), 0);
  assert_int_equal(watchdog_of("10000000", NULL), 10000000000);
  assert_int_equal(watchdog_of("10000000", self), 10000000000);
  assert_int_equal(watchdog_of("10000000", other), 0);
}

static void a_watchdog_time_that_is_no_time_is_refused(void **state) {
  (void)state;
  const char *const wrong[] = {"", "0", "-1", " 1", "1s", "99999999999999999999", "9223372036854775807"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_equal(watchdog_of(wrong[i], NULL), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(messages_reach_a_socket_in_a_folder, environment_clear),
      cmocka_unit_test_setup(messages_reach_an_abstract_socket, environment_clear),
      cmocka_unit_test_setup(nothing_is_opened_or_sent_where_nobody_asked, environment_clear),
      cmocka_unit_test_setup(a_full_queue_is_said_and_never_waited_for, environment_clear),
      cmocka_unit_test_setup(a_manager_that_is_gone_is_an_error, environment_clear),
      cmocka_unit_test_setup(names_that_are_no_socket_are_refused, environment_clear),
      cmocka_unit_test_setup(the_watchdog_is_for_the_process_that_is_named, environment_clear),
      cmocka_unit_test_setup(a_watchdog_time_that_is_no_time_is_refused, environment_clear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
