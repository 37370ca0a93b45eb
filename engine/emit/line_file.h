/* A track file being written: every line, without conflation and without latency. */
#ifndef WEFT_EMIT_LINE_FILE_H
#define WEFT_EMIT_LINE_FILE_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/report.h"
#include "engine/domain/site.h"

struct line_file;

/* Creates or truncates `path`; `-` is stdout. 0 or a negative errno with `err` filled. Allocates its buffer
 * here. */
int line_file_open(struct line_file **file, const char *path, struct weft_error *err);
/* Adds the lines of one step. A failed write is remembered, and later lines are dropped and counted: the
 * picture goes on. */
void line_file_put(struct line_file *file, const struct step_output *output, const struct site *site);
/* Hands what is buffered to the kernel; returns 0 or the first error of any write so far as a negative errno.
 */
int line_file_flush(struct line_file *file);
uint64_t line_file_dropped(const struct line_file *file);    /* after a failed write */
uint64_t line_file_not_finite(const struct line_file *file); /* reports that gave no line */
/* Flushes and closes. Same result as flush. NULL is fine. */
int line_file_close(struct line_file *file);

#endif
