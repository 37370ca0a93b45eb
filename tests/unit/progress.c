// stage: weft_base
/* The progress bar: on a terminal it is drawn, at most ten times a second, and wiped at the end; elsewhere there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/progress.h"

static int terminal = -1, kept_stderr = -1;

/* Standard error becomes a terminal whose other end is ours. */
static void terminal_take(void) {
  terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (terminal < 0) skip(); /* a sandbox without /dev/ptmx */
  assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
  int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  assert_true(other >= 0);
  struct termios raw;
  tcgetattr(other, &raw);
  cfmakeraw(&raw);
  tcsetattr(other, TCSANOW, &raw);
  fflush(stderr);
  kept_stderr = dup(STDERR_FILENO);
  dup2(other, STDERR_FILENO);
  close(other);
}

static void terminal_give_back(void) {
  fflush(stderr);
  dup2(kept_stderr, STDERR_FILENO);
  close(kept_stderr);
  close(terminal);
}

static const char *drawn(void) {
  static char text[4096];
  fflush(stderr);
  ssize_t size = read(terminal, text, sizeof text - 1);
  text[size > 0 ? size : 0] = 0;
  return text;
}

/* Until the next one may be drawn. */
static void tenth_wait(void) {
  nanosleep(&(struct timespec){.tv_nsec = 110000000}, NULL);
}

static void a_bar_is_drawn_and_wiped(void **state) {
  (void)state;
  terminal_take();
  progress_show("reading", 25, 100);
  const char *text = drawn();
  assert_non_null(strstr(text, "\r[##########                              ]  25 %  reading"));
  progress_show("reading", 30, 100); /* at once: too soon */
  assert_string_equal(drawn(), "");
  tenth_wait();
  progress_show("reading", 5, 0); /* nobody knows how much there is */
  text = drawn();
  assert_int_equal(strncmp(text, "\rreading   ", 11), 0);
  assert_null(strchr(text, '['));
  progress_show("reading", 100, 100);
  text = drawn();
  assert_true(text[0] == '\r' && text[strlen(text) - 1] == '\r' && strspn(text, "\r ") == strlen(text));
  progress_clear(); /* nothing is there any more */
  assert_string_equal(drawn(), "");
  terminal_give_back();
}

static void no_terminal_no_bar(void **state) {
  (void)state;
  int ends[2];
  char text[16];
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  fflush(stderr);
  int kept = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  tenth_wait();
  progress_show("reading", 25, 100);
  progress_show("reading", 100, 100);
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  assert_true(read(ends[0], text, sizeof text) < 0);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_bar_is_drawn_and_wiped), cmocka_unit_test(no_terminal_no_bar)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
