/* A hardware profile: the knobs of the engine that a machine decides, with the machine they were found on. Results never
 * depend on one. Written by `weft tune`, read by run, fuse and replay; docs/formats.md has the file. */
#ifndef WEFT_PLATFORM_PROFILE_H
#define WEFT_PLATFORM_PROFILE_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/platform/machine.h"

/* The knobs, in the order of the file. */
enum profile_knob {
  PROFILE_KERNELS,
  PROFILE_WORKERS,
  PROFILE_WORKERS_PER_CACHE,
  PROFILE_FRAME_LIMIT,
  PROFILE_INLINE_ITEMS,
  PROFILE_SPIN_ROUNDS,
  PROFILE_BUFFERS,
  PROFILE_BUFFER_BYTES,
  PROFILE_SOCKET_BUFFER,
  PROFILE_SPIN_US,
  PROFILE_KNOBS
};
enum { PROFILE_NOTE_MAX = 1024, PROFILE_TEXT_MAX = 16384 };

/* Plain data. */
struct profile {
  struct machine machine;     /* where it belongs */
  char kernels[8];            /* "scalar", "v3", "v4"; empty: the best one that runs */
  uint32_t workers;           /* 0: what the topology says */
  uint32_t workers_per_cache; /* 0: no limit */
  double frame_limit_ms;      /* for live frames of a site that states none; 0: the site's default */
  uint32_t inline_items;      /* loops of at most so many items stay on their caller */
  uint32_t spin_rounds;       /* of an idle worker before it sleeps */
  uint32_t buffers;           /* receive buffers, a power of two; 0: the default */
  uint32_t buffer_bytes;      /* of each; 0: the default */
  uint32_t socket_buffer_mib; /* asked for per UDP socket; 0: the default */
  uint32_t spin_us;           /* of the I/O and the engine thread before they sleep; 0: at once */
};

/* What the engine does without one. */
struct profile profile_default(void);

/* Reads a file. `here`: the machine that it must belong to, NULL: any. An unknown or missing key, a value out of its range, another
 * machine: refused with file, line and remedy. 0, or a negative errno with `err` filled. */
int profile_load(const char *path, const struct machine *here, struct profile *profile, struct weft_error *err);
/* The same of text that errors call `name`. */
int profile_parse(const char *text, size_t size, const char *name, const struct machine *here, struct profile *profile,
                  struct weft_error *err);

/* Writes a profile whose knobs are all set as YAML: `made` says how it came about (one line), notes[k] how knob k was
 * found (empty: nothing; lines after the first behind a line feed). `description`: the topology it is for, NULL for a real machine's. */
void profile_write(struct text *text, const struct profile *profile, const char *made, const char *description,
                   char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX]);

#endif
