/* An arena whose content goes back to what it was after opening: a private mapping of a file in memory.
 * Putting it back costs as much as there are pages that were written to, however large it is. */
#ifndef WEFT_FUZZ_IMAGE_H
#define WEFT_FUZZ_IMAGE_H

#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/check.h"

struct fuzz_image {
  struct arena arena;
  int fd;
};

static inline void fuzz_image_open(struct fuzz_image *image, size_t size) {
  image->fd = memfd_create("image", MFD_CLOEXEC);
  weft_assert(image->fd >= 0 && ftruncate(image->fd, (off_t)size) == 0);
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, image->fd, 0);
  weft_assert(base != MAP_FAILED);
  image->arena = (struct arena){.base = base, .size = size};
}

static inline void fuzz_image_restore(struct fuzz_image *image) {
  weft_assert(madvise(image->arena.base, image->arena.size, MADV_DONTNEED) == 0);
}

/* From now on restoring leads back to here. */
static inline void fuzz_image_keep(struct fuzz_image *image) {
  size_t done = 0;
  while (done < image->arena.used) {
    ssize_t wrote = pwrite(image->fd, image->arena.base + done, image->arena.used - done, (off_t)done);
    weft_assert(wrote > 0);
    done += (size_t)wrote;
  }
  fuzz_image_restore(image);
}

#endif
