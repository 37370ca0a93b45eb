/* Memory asked for before it is needed, so that whoever reads it does not wait. gcc 12 takes a function that does nothing else for one
 * without effect and leaves its calls out; one that asks by these it keeps. */
#ifndef WEFT_BASE_AHEAD_H
#define WEFT_BASE_AHEAD_H

#include <stddef.h>

enum { AHEAD_LINE = 64 }; /* bytes that memory brings at a time */

/* The lines that hold `bytes` from `from` on, into the first cache. */
static inline void ahead_ask(const void *from, size_t bytes) {
  const char *first = from, *last = first + bytes - 1;
  for (const char *at = first; at < last; at += AHEAD_LINE) __builtin_prefetch(at);
  __builtin_prefetch(last);
  __asm__ volatile("");
}

/* Into the second one: for more of them than the first can wait for at a time. */
static inline void ahead_ask_far(const void *from, size_t bytes) {
  const char *first = from, *last = first + bytes - 1;
  for (const char *at = first; at < last; at += AHEAD_LINE) __builtin_prefetch(at, 0, 2);
  __builtin_prefetch(last, 0, 2);
  __asm__ volatile("");
}

#endif
