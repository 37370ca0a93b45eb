#include "engine/platform/io.h"

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
