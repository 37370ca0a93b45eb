/* weft inspect: one JSON object a line, by the kind of file. Internal to engine/inspect. */
#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/domain/detection.h"
#include "engine/domain/frame.h"
#include "engine/domain/site.h"

enum { INSPECT_CHUNK = 1 << 18, INSPECT_LINE_MAX = 1 << 18 };

/* One file being inspected. */
struct inspect {
  const char *name;
  const char *date;        /* as given, or NULL */
  const struct site *site; /* NULL without --config */
  int fd;
  const uint8_t *data; /* bytes read and not yet taken: at first the head that told the kind */
  size_t left;
  FILE *out;
  int failed;       /* first failure of writing, negative errno; then nothing more is written */
  struct text text; /* the object being written, in `line` */
  bool first;       /* it has no key yet */
  uint8_t chunk[INSPECT_CHUNK];
  char line[INSPECT_LINE_MAX];
};

/* More bytes in data and left: 1, 0 at the end, or a negative errno with `err`. The old ones are gone. */
int inspect_read(struct inspect *inspect, struct weft_error *err);
/* The whole text (what is left and what comes), zero-terminated, on the heap, at most `size_max` bytes: else
 * -EFBIG. */
int inspect_text_read(struct inspect *inspect, size_t size_max, char **text, size_t *size,
                      struct weft_error *err);

/* An object: begin, values by key, end. Numbers in the shortest form that reads back as the same double. */
void inspect_begin(struct inspect *inspect);
void inspect_key(struct inspect *inspect, const char *key);
void inspect_i64(struct inspect *inspect, const char *key, int64_t value);
void inspect_u64(struct inspect *inspect, const char *key, uint64_t value);
void inspect_number(struct inspect *inspect, const char *key, double value);
void inspect_bool(struct inspect *inspect, const char *key, bool value);
void inspect_string(struct inspect *inspect, const char *key, const char *value);
void inspect_numbers(struct inspect *inspect, const char *key, const double *values, int count);
void inspect_open(struct inspect *inspect, const char *key); /* an object within; ends with inspect_close */
void inspect_close(struct inspect *inspect);
void inspect_end(struct inspect *inspect);
/* A line that is JSON already, without its newline. */
void inspect_pass(struct inspect *inspect, const char *line, size_t size);
void inspect_refused(struct inspect *inspect, uint64_t line, const char *reason,
                     const char *error); /* reason may be NULL */

/* time_ns, sensor (its id), kind and what it measured, by the names of the CSV columns. */
void inspect_detection(struct inspect *inspect, const struct detection *detection, uint32_t sensor_id);
extern const char *const inspect_kind_names[KIND_END];

/* The kinds of files. 0 or a negative errno with `err`. */
int inspect_csv(struct inspect *inspect, struct weft_error *err);
int inspect_truth(struct inspect *inspect, struct weft_error *err);
int inspect_asterix(struct inspect *inspect, int capture_kind, struct weft_error *err);
/* A datagram of weft's own wire format in a capture: an object for it, and where it is not sealed one for each detection. */
struct capture_block;
void inspect_datagram(struct inspect *inspect, const struct capture_block *block);
int inspect_tracks(struct inspect *inspect, struct weft_error *err);
int inspect_profile(struct inspect *inspect, struct weft_error *err);
int inspect_site(struct inspect *inspect, struct weft_error *err);
int inspect_journal(struct inspect *inspect, const char *path, bool folder, struct weft_error *err);
/* What stands beside a journal. False where the file is no parity file. */
bool inspect_parity(struct inspect *inspect, const char *path);
/* 1: told; 0: the file is no snapshot; a negative errno with `err`. */
int inspect_snapshot(struct inspect *inspect, const char *path, struct weft_error *err);
int inspect_run_state(struct inspect *inspect, struct weft_error *err);

#endif
