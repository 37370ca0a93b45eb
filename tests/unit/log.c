/* Log lines: with their level as a prefix where stderr is the systemd journal, readable by themselves elsewhere. */
// stage: weft_base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

enum { OUTPUT_BYTES = 1024 };

enum stream { STREAM_NONE, STREAM_STDERR, STREAM_OTHER, STREAM_ODD };

static void lines_write(void) {
  log_line(LOG_LEVEL_ERROR, "disk %d", 1);
  log_line(LOG_LEVEL_WARNING, "queue");
  log_line(LOG_LEVEL_NOTICE, "keys");
  log_line(LOG_LEVEL_INFO, "not by default");
  log_failure("%s: no such file", "site.yaml");
}

static void invariant_break(void) { weft_assert(OUTPUT_BYTES == 0); }

/* What a child writes to its stderr, a socket as the journal's is, while JOURNAL_STREAM names `stream`. */
static void child_output(enum stream stream, void (*writes)(void), char *output) {
  int link[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, link), 0);
  fflush(stdout);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char name[64] = "8:nine";
    struct stat here;
    dup2(link[1], STDERR_FILENO);
    if (fstat(stream == STREAM_OTHER ? link[0] : STDERR_FILENO, &here) != 0) _exit(9);
    if (stream != STREAM_ODD)
      snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)here.st_dev, (unsigned long long)here.st_ino);
    if (stream == STREAM_NONE) {
      unsetenv("JOURNAL_STREAM");
    } else {
      setenv("JOURNAL_STREAM", name, 1);
    }
    writes();
    exit(0); /* orderly, so that what it covered is counted */
  }
  close(link[1]);
  size_t used = 0;
  ssize_t size;
  while ((size = read(link[0], output + used, OUTPUT_BYTES - 1 - used)) > 0) used += (size_t)size;
  output[used] = 0;
  close(link[0]);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
}

static void lines_to_the_journal_carry_their_level(void **state) {
  (void)state;
  char output[OUTPUT_BYTES];
  child_output(STREAM_STDERR, lines_write, output);
  assert_string_equal(output, "<3>disk 1\n<4>queue\n<5>keys\n<3>site.yaml: no such file\n");
}

static void lines_elsewhere_name_their_level(void **state) {
  (void)state;
  char output[OUTPUT_BYTES];
  const enum stream elsewhere[] = {STREAM_NONE, STREAM_OTHER, STREAM_ODD};
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
    child_output(elsewhere[i], lines_write, output);
    assert_string_equal(output, "weft: error: disk 1\nweft: warning: queue\nweft: notice: keys\nweft: site.yaml: no such file\n");
  }
}

static void a_broken_invariant_is_an_error_in_the_journal(void **state) {
  (void)state;
  char output[OUTPUT_BYTES];
  child_output(STREAM_STDERR, invariant_break, output);
  assert_int_equal(strncmp(output, "<3>", 3), 0);
  assert_non_null(strstr(output, "broken invariant"));
  child_output(STREAM_NONE, invariant_break, output);
  assert_int_equal(strncmp(output, "weft: ", 6), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_to_the_journal_carry_their_level),
      cmocka_unit_test(lines_elsewhere_name_their_level),
      cmocka_unit_test(a_broken_invariant_is_an_error_in_the_journal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
