/* Where the kernel refuses io_uring, the plain back end steps in, and says why. The refusals are real ones: a seccomp
 * filter in a child process answers the system calls, as containers do. */
// stage: weft_platform weft_base
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/platform/io.h"
#include "engine/platform/io_send.h"

static struct io_batch batch;

/* From here on the system call `number` fails with `error` in this process. */
static int syscall_refuse(unsigned number, unsigned error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : -errno;
}

/* In the child. Its exit status is the step that went wrong; 0: none; 77: seccomp is not to be had. */
static int child_run(unsigned number, unsigned error) {
  struct io *io = NULL;
  struct weft_error err = {0};
  if (syscall_refuse(number, error) != 0) return 77;
  if (io_open(IO_URING, NULL, &io, &err) != -(int)error) return 1;
  if (!strstr(err.text, "io_uring")) return 2;
  if (io_open(IO_AUTO, NULL, &io, &err) != 0) return 3;
  if (strcmp(io_name(io), "plain") != 0) return 4;
  int port = io_udp_open(io, "127.0.0.1", 0, 1, &err);
  if (port <= 0) return 5;
  struct io_sender *sender = NULL;
  if (io_sender_open("127.0.0.1", (uint16_t)port, true, &sender, &err) != 0) return 6;
  if (io_sender_put(sender, "still here", 10) != 0 || io_sender_flush(sender) != 0) return 7;
  if (io_receive(io, &batch, 1000000000) != 1 || batch.datagrams[0].size != 10) return 8;
  if (memcmp(batch.datagrams[0].data, "still here", 10) != 0) return 9;
  io_release(io, &batch);
  io_sender_close(sender);
  io_close(io);
  return 0;
}

static void refusal_check(unsigned number, unsigned error) {
  int ends[2];
  char log[2048] = {0};
  size_t size = 0;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(child_run(number, error));
  }
  close(ends[1]);
  for (ssize_t got = 1; got > 0 && size < sizeof log - 1; size += got > 0 ? (size_t)got : 0)
    got = read(ends[0], log + size, sizeof log - 1 - size);
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    print_message("no seccomp filter can be set here\n");
    skip();
  }
  if (WEXITSTATUS(status) != 0) fail_msg("system call %u refused with %u: step %d; log: %s", number, error, WEXITSTATUS(status), log);
  if (!strstr(log, "io_uring") || !strstr(log, "recvmmsg")) fail_msg("the log does not say why: '%s'", log);
}

static void refused_io_uring_falls_back_with_a_reason(void **state) {
  (void)state;
  static const unsigned errors[] = {EPERM, ENOSYS, ENOMEM, EINVAL};
  for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) refusal_check(SYS_io_uring_setup, errors[e]);
}

/* An older kernel, or a filter, that lets a ring be made but not be set up: the probe for operations fails first. */
static void refused_registration_falls_back(void **state) {
  (void)state;
  refusal_check(SYS_io_uring_register, EOPNOTSUPP);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(refused_io_uring_falls_back_with_a_reason),
                                     cmocka_unit_test(refused_registration_falls_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
