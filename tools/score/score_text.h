/* Text in and out for `weft score`: CSV rows with their line numbers, tables of names, the contract's words.
 */
#ifndef WEFT_SCORE_TEXT_H
#define WEFT_SCORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/error.h"

enum { CSV_COLUMNS_MAX = 64, NAME_BYTES_MAX = 96 };

/* Times that the scorer takes, the same as the server: 1969-12-20 to 2255-03-14. Differences of two never overflow. */
#define SCORE_TIME_MIN_NS INT64_C(-1000000000000000)
#define SCORE_TIME_MAX_NS INT64_C(9000000000000000000)

enum score_class { CLASS_UNKNOWN, CLASS_BALLISTIC, CLASS_AIRCRAFT, CLASS_ORBITAL, CLASS_COUNT };
enum score_phase { PHASE_BOOST, PHASE_COAST, PHASE_REENTRY, PHASE_CRUISE, PHASE_ABSENT, PHASE_COUNT };

extern const char *const class_words[CLASS_COUNT]; /* "unknown", "ballistic", ... */
extern const char *const phase_words[PHASE_COUNT]; /* "boost", ..., "absent" */

/* The index of the word, or -1 for one that the contract doesn't know. */
int class_parse(const char *word);
int phase_parse(const char *word);

/* Zeroed memory, or a message on stderr and exit status 1: a command-line tool has nothing else to do then.
 */
void *score_take(size_t count, size_t size);
/* Makes room for one more item in a growing array of `count` items. `*capacity` is kept by the caller, from
 * 0. */
void *score_grow(void *items, size_t count, size_t *capacity, size_t size);

/* Distinct names in the order of their first appearance. */
struct names {
  char **text; /* owned */
  size_t count;
  size_t capacity;
  uint32_t *slot; /* open addressing: index + 1, 0 is empty */
  size_t slots;   /* power of two */
};

/* The name's index, or -1. */
int64_t names_find(const struct names *names, const char *text);
/* The name's index, added where new. */
uint32_t names_add(struct names *names, const char *text);
void names_free(struct names *names);

/* A CSV file whose first line is the header. No quoting: the contract has none. */
struct csv {
  FILE *file;
  const char *path;
  long line;    /* of the current row; the header is line 1 */
  char *header; /* owned, split in place */
  char *text;   /* owned by getline, split in place */
  size_t text_size;
  char *column[CSV_COLUMNS_MAX];
  char *field[CSV_COLUMNS_MAX];
  size_t columns;
  int64_t bytes_read;
  int64_t bytes_total; /* 0 where the size is unknown */
};

/* 0, or a negative errno with a text that names the file. */
int score_csv_open(struct csv *csv, const char *path, struct weft_error *err);
/* 1 a row, 0 the end, negative errno for a row that can't be split as the header says. Empty lines are
 * skipped. */
int csv_next(struct csv *csv, struct weft_error *err);
void score_csv_close(struct csv *csv);
/* The column's index, or -1. */
int csv_column(const struct csv *csv, const char *name);
/* A finite number; -EINVAL with file, line and column otherwise. */
int csv_real(const struct csv *csv, int column, double *value, struct weft_error *err);
/* A time in whole nanoseconds within SCORE_TIME_MIN_NS to SCORE_TIME_MAX_NS; -EINVAL likewise. */
int csv_time(const struct csv *csv, int column, int64_t *time_ns, struct weft_error *err);

#endif
