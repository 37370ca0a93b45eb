/* The engine's state on disk, beside the journal: from it and the frames that follow it in the journal, a run can be gone
 * on with. Little-endian; written whole or not at all (PATH.new, sync, rename).
 *
 *     0  char[8]  "WEFTSNAP"
 *     8  u32      version = 1
 *    12  u32      CRC32C of bytes 0..71 with this field 0
 *    16  u64      layout: build, limits, site, names of areas; only an engine with the same number can load the image
 *    24  u64      run: of the journal whose frames made the state
 *    32  u64      frame: the newest that was stepped
 *    40  i64      its time, ns
 *    48  u64      size of the image, bytes
 *    56  u32      CRC32C of the image
 *    60  u32      0
 *    64  u64      0
 *    72  the image (engine/base/image.h)
 *
 * In a journal's folder stand two that take turns, snapshot-0.ws and snapshot-1.ws, and for each run that went on from
 * another one's state the one it began with, NNNNNNNN.ws, named as the run's first segment. */
#ifndef WEFT_JOURNAL_SNAPSHOT_H
#define WEFT_JOURNAL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define SNAPSHOT_MAGIC "WEFTSNAP"
enum { SNAPSHOT_VERSION = 1, SNAPSHOT_HEADER_BYTES = 72, SNAPSHOT_TURNS = 2 };

struct snapshot_head {
  uint64_t layout, run, frame;
  int64_t time_ns;
  uint64_t size; /* of the image, bytes */
};

enum snapshot_verdict { SNAPSHOT_GOOD, SNAPSHOT_CUT, SNAPSHOT_CORRUPT, SNAPSHOT_VERSION_UNKNOWN };

/* "DIRECTORY/snapshot-1.ws", "DIRECTORY/00000017.ws" */
void snapshot_turn_path(char *path, size_t size, const char *directory, uint32_t turn);
void snapshot_begin_path(char *path, size_t size, const char *directory, uint64_t segment);

/* The header for head->size bytes of image that lie behind it at out + SNAPSHOT_HEADER_BYTES. */
void snapshot_head_encode(const struct snapshot_head *head, uint8_t *out);
/* Checks header and image, both in memory. */
enum snapshot_verdict snapshot_decode(const uint8_t *data, size_t size, struct snapshot_head *head);
const char *snapshot_verdict_text(enum snapshot_verdict verdict);

/* Reads and checks a file. *data is malloc'd, the caller frees it; the image begins at SNAPSHOT_HEADER_BYTES. 0, or a
 * negative errno with `err`: -ENOENT, -EILSEQ for what is no snapshot or a damaged one. */
int snapshot_read(const char *path, struct snapshot_head *head, uint8_t **data, struct weft_error *err);
/* Is that what the file says it is? Its magic only. */
bool snapshot_recognised(const char *path);

#endif
