/* The file that keeps replay windows across restarts: one mark per key, "all sequence numbers up to this one
 * count as seen". Marks run ahead of what was accepted (sealed_feeds.h), so that a crash never lets anything
 * old in again.
 *
 * Text: `weft replay marks 1`, then per key `SENSOR EPOCH FINGERPRINT MARK` (fingerprint: 16 hexadecimal
 * digits, see seal_fingerprint), then `end COUNT CRC32C` over all before it. Replaced as a whole
 * (safe_file.h). */
#ifndef WEFT_INGEST_REPLAY_MARKS_H
#define WEFT_INGEST_REPLAY_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { REPLAY_MARK_LINE_MAX = 56, REPLAY_MARKS_MAX = 16384 };

struct replay_mark {
  uint32_t sensor_id;
  uint16_t epoch;
  uint64_t fingerprint;
  uint64_t mark;
};

/* Bytes that the text of so many marks takes at most. */
size_t replay_marks_text_max(uint32_t count);
/* Writes the text; `size` at least as above. Returns its length. */
size_t replay_marks_write(char *text, size_t size, const struct replay_mark *marks, uint32_t count);

/* Reads a text. 0, or -EINVAL with `err` naming file, line and remedy: cut, altered, or no such file. *count
 * <= capacity. */
int replay_marks_read(const char *text, size_t size, const char *name, struct replay_mark *marks,
                      uint32_t capacity, uint32_t *count, struct weft_error *err);
/* Reads the file; one that does not exist holds no marks. Allocates while it reads. */
int replay_marks_load(const char *path, struct replay_mark *marks, uint32_t capacity, uint32_t *count,
                      struct weft_error *err);

#endif
