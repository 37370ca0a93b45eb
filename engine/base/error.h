/* The text of one failure for a person: what was wrong, where, what to do. Filled by set-up and parsing code, which
 * also returns a negative errno; printed once, by whoever talks to the person. */
#ifndef WEFT_BASE_ERROR_H
#define WEFT_BASE_ERROR_H

struct weft_error {
  char text[512];
};

/* Writes the text (printf style, truncated to fit) and returns `code`, so that `return weft_fail(err, -EINVAL, ...)`
 * reads well. `err` may be NULL. */
int weft_fail(struct weft_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
