/* The names of a journal's segment files: NNNNNNNN.wj in one directory. */
#ifndef WEFT_JOURNAL_SEGMENT_H
#define WEFT_JOURNAL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_PATH_MAX = 1024, JOURNAL_SEGMENT_NAME_MAX = 32, JOURNAL_SEGMENTS_MAX = 100000 };

/* "DIRECTORY/00000017.wj" */
void journal_segment_path(char *path, size_t size, const char *directory, uint64_t number);

/* The number in a file name, or 0 where it is no segment's. */
uint64_t journal_segment_number(const char *name);

/* The highest segment number in the directory, 0 for none. 0 or a negative errno. */
int journal_segment_newest(const char *directory, uint64_t *newest);

/* All segment numbers in rising order (malloc'd, the caller frees). 0 or a negative errno; -E2BIG beyond
 * JOURNAL_SEGMENTS_MAX. */
int journal_segment_list(const char *directory, uint64_t **numbers, uint64_t *count);

#endif
