/* Any bytes as a truth file of the scorer: refused with a word, or read to points in order. */
// links: tools/score/*.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "tools/score/score_truth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("truth", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  struct truth truth;
  struct weft_error err = {""};
  memset(&truth, 0, sizeof truth);
  if (truth_read(&truth, path, &err) < 0) {
    weft_assert(err.text[0] != 0);
  } else {
    for (size_t t = 0; t < (size_t)truth.names.count; t++) {
      const struct truth_target *target = &truth.target[t];
      weft_assert(target->first + target->count <= truth.point_count);
      for (size_t p = 1; p < target->count; p++)
        weft_assert(truth.point[target->first + p - 1].time_ns <= truth.point[target->first + p].time_ns);
      struct truth_state state;
      (void)truth_at(&truth, t, truth.first_ns / 2 + truth.last_ns / 2, &state);
    }
  }
  truth_free(&truth);
  return 0;
}
