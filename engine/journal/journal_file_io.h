/* Reading and writing whole pieces of a journal's files, with open, pread and pwrite. */
#ifndef WEFT_JOURNAL_FILE_IO_H
#define WEFT_JOURNAL_FILE_IO_H

#include "engine/journal/journal_format.h"

/* Reads up to `size` bytes at `offset`; how many there were, or a negative errno. */
int64_t journal_bytes_read(int fd, uint8_t *out, size_t size, uint64_t offset);

/* Writes them all. 0 or a negative errno. */
int journal_bytes_write(int fd, const uint8_t *bytes, size_t size, uint64_t offset);

/* Reads a segment's header from its file. *bytes is malloc'd, the caller frees it; head's texts point into it. 0 with
 * *verdict set (JOURNAL_CUT for an empty file), or a negative errno. */
int journal_head_read(const char *path, struct journal_head *head, uint8_t **bytes, size_t *used,
                      enum journal_verdict *verdict);

#endif
