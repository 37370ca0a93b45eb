/* One track report as one JSON line (docs: the track line format). Equal reports give equal bytes. */
#ifndef WEFT_EMIT_TRACK_LINE_H
#define WEFT_EMIT_TRACK_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/domain/report.h"
#include "engine/domain/site.h"

/* Longest line with its newline: every sensor, every nation, names of 63 characters all escaped. A usual line
 * has 900 bytes. */
enum { TRACK_LINE_MAX = 20 * 1024 };
#define TRACK_LINE_LATENCY_NONE (-1)

/* Writes the line with its newline (no terminating zero) into `line` of `size` bytes, at least TRACK_LINE_MAX
 * (asserted), and returns its length. `latency_us` below 0: left out. Sensors come in the order of the site,
 * nations by name. Digits: position and height 1 mm, velocity 0.1 mm/s, latitude and longitude 1e-9 degree,
 * covariance 9 significant, innovation 6 significant, probabilities 1e-6; launch and impact: 1e-7 degree, 1 ms, ellipse 0.1 m and 1e-3
 * degree. Returns 0 and writes no line where a value of the report is not finite or a status, class or phase
 * is out of its enum: the caller counts it. */
size_t track_line_write(char *line, size_t size, const struct track_report *report, const struct site *site,
                        int64_t latency_us);

/* Makes a written line of `length` bytes, its newline included, say "unjournaled":true at its end; a length of 0 stays 0. The
 * buffer has TRACK_LINE_MAX bytes. Returns the new length. */
size_t track_line_mark_unjournaled(char *line, size_t length);

/* The line that tells a slow reader how many lines were passed over. `size` at least 64. */
size_t track_line_missed_write(char *line, size_t size, uint64_t missed);

#endif
