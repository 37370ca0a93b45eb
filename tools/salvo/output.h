/* Where reports go: datagrams over UDP or TCP, a CSV file, a journal. Only output.c uses the
 * library for that. */
#ifndef WEFT_SALVO_OUTPUT_H
#define WEFT_SALVO_OUTPUT_H

#include <stdio.h>

#include "tools/salvo/salvo_report.h"
#include "tools/salvo/target.h"

struct output;

struct output_options {
  const char *csv;     /* file, `-` for stdout, or NULL */
  const char *to;      /* HOST:PORT, udp:HOST:PORT, tcp:HOST:PORT, or NULL */
  const char *journal; /* directory, or NULL */
  int64_t pack_ns;     /* a datagram waits this long for more detections of its sensor (scenario time) */
  uint32_t parity_k, parity_m; /* parity over groups of k datagrams; 0: none */
  int64_t parity_ns;   /* a group waits this long to be full (scenario time) */
};

struct output_counts {
  uint64_t detections, clutter, states, datagrams, parity; /* parity datagrams are among the datagrams */
};

int output_open(struct output **output, const struct scenario *scenario, const struct fleet_of_targets *targets,
                const struct output_options *options, struct weft_error *err);
/* Takes reports in order of arrival. 0 or a negative errno. */
int output_report(struct output *output, const struct report *report);
/* Sends what has waited longer than pack_ns at the given scenario time of arrival; all of it for INT64_MAX. */
int output_flush(struct output *output, int64_t arrival_ns);
struct output_counts output_counts(const struct output *output);
/* Flushes and closes; the error of any write that failed. */
int output_close(struct output *output, struct weft_error *err);

/* Detections as CSV (interfaces.md section 3), in csv_write.c. */
void csv_head_write(FILE *out);
void csv_report_write(FILE *out, const struct scenario *scenario, const struct fleet_of_targets *targets,
                      const struct report *report);
/* Truth (interfaces.md section 7), in truth_write.c: lines in order of time, then of target. */
int truth_write(const char *path, const struct scenario *scenario, const struct fleet_of_targets *targets,
                struct weft_error *err);

#endif
