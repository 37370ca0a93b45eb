/* Parity files over groups of closed segments, so that lost or damaged ones can be rebuilt: Reed-Solomon over GF(2^8),
 * polynomial 0x11d, Cauchy matrix as ISA-L's gf_gen_cauchy1_matrix. A group is `segments` data files and `files` parity files;
 * whatever `files` of all of them are lost, the rest gives them back. Parity file i of the group that begins with segment N is
 * NNNNNNNN.I.wjp:
 *
 *     0  char[8]  "WEFTJPAR"
 *     8  u32      version = 1
 *    12  u32      CRC32C of the header (48 + 24 * segments bytes) with this field 0
 *    16  u32      segments in the group, 1 to 64
 *    20  u32      parity files of the group, 1 to 16
 *    24  u32      which of them this is, from 0
 *    28  u32      CRC32C of the parity bytes
 *    32  u64      parity bytes: the size of the longest segment
 *    40  u64      0
 *    48  for each segment: u64 number, u64 size of its file, u32 CRC32C of its file, u32 0
 *   ...  the parity bytes: byte j is the code's row over byte j of every segment, shorter ones ending in zeros */
#ifndef WEFT_JOURNAL_PARITY_H
#define WEFT_JOURNAL_PARITY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define JOURNAL_PARITY_MAGIC "WEFTJPAR"
enum {
  JOURNAL_PARITY_VERSION = 1,
  JOURNAL_PARITY_SEGMENTS_MAX = 64,
  JOURNAL_PARITY_FILES_MAX = 16,
  JOURNAL_PARITY_HEADER_BYTES = 48,
  JOURNAL_PARITY_ENTRY_BYTES = 24
};

struct journal_parity_head {
  uint32_t segments, files, index;
  uint32_t crc; /* of the parity bytes */
  uint64_t bytes;
  struct {
    uint64_t number, size;
    uint32_t crc;
  } of[JOURNAL_PARITY_SEGMENTS_MAX];
};

/* Header of one parity file. True where it is whole and good. */
bool journal_parity_head_read(const char *path, struct journal_parity_head *head);

void journal_parity_path(char *path, size_t size, const char *directory, uint64_t first, uint32_t index);

/* Is the segment in a group that has a parity file? */
bool journal_parity_covers(const char *directory, uint64_t segment);

/* Writes parity files for every full group of `segments` files numbered up to `through` that no group covers yet, in rising
 * order; what is left over waits for more. All of them must be closed and never change again. Groups so made, or a negative
 * errno with `err` filled; -ECANCELED: `stop` became true. `stop` may be NULL. */
int64_t journal_parity_write(const char *directory, uint64_t through, uint32_t segments, uint32_t files,
                             const _Atomic bool *stop, struct weft_error *err);

struct journal_repair {
  uint64_t groups, segments;    /* looked at */
  uint64_t segments_rebuilt;    /* were lost or damaged */
  uint64_t parity_rebuilt;      /* parity files that were */
  uint64_t segments_unrepaired; /* more is lost in their group than it can bear */
  /* Told of every file that is rebuilt or can't be; may be NULL. */
  void (*tell)(void *context, const char *path, bool rebuilt);
  void *context;
};

/* Looks at every group of the directory and rebuilds what is lost or damaged. Every rebuilt file is compared with the CRC of
 * the one that was protected, synced, and renamed to its place. 0, or a negative errno with `err` filled; what can't be
 * repaired is no error here, it is counted. */
int journal_repair_all(const char *directory, struct journal_repair *repair, struct weft_error *err);

#endif
