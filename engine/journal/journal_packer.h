/* Packs closed segments in place (journal_pack.h) and gives them parity files, beside the running journal: a thread of the lowest priority. The packed
 * file is written under another name, synced and renamed over the old one, so that at any moment, and after any crash, the
 * segment is there whole in one of the two forms. */
#ifndef WEFT_JOURNAL_PACKER_H
#define WEFT_JOURNAL_PACKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct journal_packer_figures {
  uint64_t segments;   /* packed so far */
  uint64_t raw_bytes;  /* of them before */
  uint64_t file_bytes; /* after */
};

/* Packs one segment file. 1: done; 0: left as it is, because it is packed already, holds damage or a record cut short (a
 * repair may still want it as it is), or would not get smaller; -ECANCELED: `stop` became true; another negative errno with
 * `err` filled: the disk. `stop` may be NULL. */
int journal_segment_pack(const char *path, const _Atomic bool *stop, struct journal_packer_figures *figures,
                         struct weft_error *err);

struct journal_packer;

/* Starts the thread. `pack`: it packs; `parity_segments` and `parity_files`: it writes so many parity files over every so many
 * segments (journal_parity.h), 0: none. 0 or a negative errno. */
int journal_packer_open(struct journal_packer **packer, const char *directory, bool pack, uint32_t parity_segments,
                        uint32_t parity_files);
/* All segments up to this number are closed: those not packed yet will be, in order. Never waits. */
void journal_packer_through(struct journal_packer *packer, uint64_t segment);
/* Ends the thread, leaving the segment that it is at as it was. NULL is fine. */
void journal_packer_close(struct journal_packer *packer);

#endif
