#include "engine/platform/io.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"

int io_open(enum io_choice choice, const struct io_config *config, struct io **io, struct weft_error *err) {
  if (choice == IO_PLAIN) return io_plain_open(config, io, err);
  struct weft_error refusal = {0};
  int rc = io_uring_open(config, io, choice == IO_URING ? err : &refusal);
  if (rc == 0 || choice == IO_URING) return rc;
  rc = io_plain_open(config, io, err);
  if (rc == 0) log_line(LOG_LEVEL_WARNING, "%s; using recvmmsg and pwrite instead", refusal.text);
  return rc;
}

static int take(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams) {
  if (io->spin.budget_ns == 0 || timeout_ns <= 0) return io->ops->receive(io, batch, timeout_ns, datagrams);
  int64_t now_ns = clock_monotonic_ns(), until_ns = now_ns + timeout_ns;
  struct spin_wait wait = spin_begin(now_ns);
  do {
    int rc = io->ops->receive(io, batch, 0, datagrams);
    now_ns = clock_monotonic_ns();
    if (rc != 0 || now_ns >= until_ns) return rc;
  } while (spin_again(&io->spin, &wait, now_ns));
  return io->ops->receive(io, batch, until_ns - now_ns, datagrams);
}

int io_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns) { return take(io, batch, timeout_ns, true); }

int io_events(struct io *io, struct io_batch *batch, int64_t timeout_ns) { return take(io, batch, timeout_ns, false); }
