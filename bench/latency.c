/* Latency by the service-time method: a recording's datagrams through admission, step and the writing of lines, on one thread. At each
 * load the datagrams arrive by chance (exponential gaps), whatever becomes of those before them; a frame is what has arrived when the
 * one before it is done, as in the server, where that takes a fixed time and one for each detection (both measured before). These frames
 * are then done PASSES times, each time from the beginning; the least CPU time of each is what it takes without the neighbours of this
 * machine. With these times the queue is gone through: arrival to the last line of the frame, for each detection. The kernel's part,
 * waking up and sending are not in it. Usage: bench_latency SITE FILE DETECTIONS_MAX. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/recording_stream.h"
#include "engine/base/histogram.h"
#include "engine/emit/track_line.h"
#include "engine/engine.h"
#include "engine/ingest/intake.h"

enum { PASSES = 9, CAPACITY_FRAME = 1000, WARM_PART = 4 };

/* One engine, from the beginning of the recording. */
struct pipeline {
  struct engine engine;
  struct step_output output;
  struct arena arena;
  struct ledger *ledger;
  struct frame_builder builder;
  struct frame frame;
  struct intake intake;
  int64_t newest_ns;
};

/* Which datagrams a frame has, and the least time that it has taken. */
struct piece {
  uint32_t end; /* first datagram that is not in it */
  double ns;
};

/* What a frame takes: a fixed time, and one for each detection. */
struct cost {
  double frame_ns, detection_ns;
  double capacity_per_s; /* detections, in frames of CAPACITY_FRAME */
};

struct trace {
  struct recording_stream stream;
  double *arrival_ns;   /* per datagram */
  uint32_t *detections; /* per datagram */
  struct piece *pieces;
  uint32_t piece_count;
};

static const char *site_path;

/* Of this thread: what others run on the machine is no service of ours. */
static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "latency: %s\n", what);
  exit(1);
}

static void pipeline_open(struct pipeline *p) {
  struct weft_error err = {""};
  struct site *site;
  struct engine_options options = {.workers = 1};
  memset(p, 0, sizeof *p);
  if (engine_site_load(site_path, &site, &err) < 0 || engine_open(&p->engine, site, &options, &err) < 0 ||
      engine_output_open(&p->engine, &p->output, &err) < 0)
    fail(err.text);
  engine_seal(&p->engine);
  p->ledger = calloc(1, sizeof *p->ledger);
  p->newest_ns = INT64_MIN;
  size_t size = frame_bytes(FRAME_DETECTIONS_MAX) + frame_builder_bytes(FRAME_DETECTIONS_MAX) + intake_bytes(site) + (1u << 16);
  if (!p->ledger || arena_open(&p->arena, size) < 0 || frame_open(&p->frame, &p->arena, FRAME_DETECTIONS_MAX) < 0 ||
      frame_builder_open(&p->builder, &p->arena, FRAME_DETECTIONS_MAX) < 0 ||
      intake_open(&p->intake, &p->arena, site, p->ledger, &p->builder, SITE_TIME_RECORDED, NULL) < 0)
    fail("no memory");
}

static void pipeline_close(struct pipeline *p) {
  engine_close(&p->engine);
  arena_close(&p->arena);
  free(p->ledger);
}

static void frame_step(struct pipeline *p) {
  static char line[TRACK_LINE_MAX];
  for (uint32_t i = 0; i < p->builder.open.count; i++)
    if (p->builder.open.time_of_ns[i] > p->newest_ns) p->newest_ns = p->builder.open.time_of_ns[i];
  intake_close_frame(&p->intake, p->newest_ns, 0, &p->frame);
  engine_step(&p->engine, &p->frame, &p->output);
  for (uint32_t i = 0; i < p->output.count; i++) {
    track_line_write(line, sizeof line, &p->output.reports[i], p->engine.site, TRACK_LINE_LATENCY_NONE);
    bench_use(line);
  }
}

/* Admits the datagrams from *at on up to number `end`, which begin with `first`, and steps them; ns. */
static double piece_do(struct pipeline *p, const struct trace *trace, size_t *at, uint32_t first, uint32_t end) {
  double began_ns = cpu_ns();
  struct recording_datagram one;
  for (uint32_t d = first; d < end && recording_stream_next(&trace->stream, at, &one); d++) {
    while (intake_datagram(&p->intake, one.data, one.size, 1) == INTAKE_CLOSE) frame_step(p);
  }
  frame_step(p);
  return cpu_ns() - began_ns;
}

/* Frames of at least so many detections each. */
static void pieces_even(struct trace *trace, uint32_t least) {
  uint32_t datagrams = (uint32_t)trace->stream.datagrams, count = 0;
  trace->piece_count = 0;
  for (uint32_t d = 0; d < datagrams; d++) {
    count += trace->detections[d];
    if (count < least && d + 1 < datagrams) continue;
    trace->pieces[trace->piece_count++].end = d + 1;
    count = 0;
  }
}

/* Frames of what has arrived when the one before is done. */
static void pieces_arrived(struct trace *trace, const struct cost *cost) {
  uint32_t datagrams = (uint32_t)trace->stream.datagrams;
  double now_ns = 0;
  trace->piece_count = 0;
  for (uint32_t end = 0; end < datagrams;) {
    double count = 0;
    if (trace->arrival_ns[end] > now_ns) now_ns = trace->arrival_ns[end];
    while (end < datagrams && trace->arrival_ns[end] <= now_ns) count += trace->detections[end++];
    trace->pieces[trace->piece_count++].end = end;
    now_ns += cost->frame_ns + cost->detection_ns * count;
  }
}

static void pieces_time(struct trace *trace) {
  struct pipeline *p = malloc(sizeof *p);
  if (!p) fail("no memory");
  for (int pass = 0; pass < PASSES; pass++) {
    size_t at = 0;
    pipeline_open(p);
    for (uint32_t i = 0; i < trace->piece_count; i++) {
      double ns = piece_do(p, trace, &at, i ? trace->pieces[i - 1].end : 0, trace->pieces[i].end);
      if (pass == 0 || ns < trace->pieces[i].ns) trace->pieces[i].ns = ns;
    }
    pipeline_close(p);
  }
  free(p);
}

/* Mean time of a frame and its detections, after the beginning. */
static void pieces_mean(const struct trace *trace, double *ns, double *detections) {
  uint32_t first = trace->piece_count / WARM_PART;
  *ns = *detections = 0;
  for (uint32_t i = first; i < trace->piece_count; i++) {
    *ns += trace->pieces[i].ns / (trace->piece_count - first);
    for (uint32_t d = trace->pieces[i - 1].end; d < trace->pieces[i].end; d++)
      *detections += (double)trace->detections[d] / (trace->piece_count - first);
  }
}

/* From large frames and from those of one datagram. */
static struct cost cost_find(struct trace *trace) {
  double large_ns, large, small_ns, small;
  pieces_even(trace, CAPACITY_FRAME);
  pieces_time(trace);
  pieces_mean(trace, &large_ns, &large);
  pieces_even(trace, 1);
  pieces_time(trace);
  pieces_mean(trace, &small_ns, &small);
  double detection_ns = (large_ns - small_ns) / (large - small);
  return (struct cost){.frame_ns = small_ns - small * detection_ns, .detection_ns = detection_ns, .capacity_per_s = large / large_ns * 1e9};
}

static void load_run(struct trace *trace, const struct cost *cost, double load, struct histogram *latency_ns) {
  struct bench_prng prng = {1};
  double now_ns = 0, gap_ns = 1e9 / (load * cost->capacity_per_s) * (double)trace->stream.detections / (double)trace->stream.datagrams;
  for (uint32_t d = 0; d < trace->stream.datagrams; d++) {
    now_ns -= log(1 - bench_uniform(&prng, 0, 1)) * gap_ns;
    trace->arrival_ns[d] = now_ns;
  }
  pieces_arrived(trace, cost);
  pieces_time(trace);
  now_ns = 0;
  for (uint32_t i = 0, d = 0; i < trace->piece_count; i++) {
    const struct piece *piece = &trace->pieces[i];
    if (trace->arrival_ns[piece->end - 1] > now_ns) now_ns = trace->arrival_ns[piece->end - 1];
    now_ns += piece->ns;
    for (; d < piece->end; d++) {
      for (uint32_t n = 0; n < trace->detections[d] && d >= trace->stream.datagrams / WARM_PART; n++)
        histogram_record(latency_ns, (int64_t)(now_ns - trace->arrival_ns[d]));
    }
  }
}

static void trace_open(struct trace *trace, const char *path, uint64_t most) {
  struct recording_datagram one;
  if (recording_stream_open(&trace->stream, path, most) < 0) exit(1);
  size_t count = trace->stream.datagrams, at = 0;
  trace->arrival_ns = calloc(count, sizeof *trace->arrival_ns);
  trace->detections = calloc(count, sizeof *trace->detections);
  trace->pieces = calloc(count, sizeof *trace->pieces);
  if (!trace->arrival_ns || !trace->detections || !trace->pieces) fail("no memory");
  for (size_t d = 0; recording_stream_next(&trace->stream, &at, &one); d++) trace->detections[d] = one.detections;
}

int main(int argc, char **argv) {
  static struct trace trace;
  static struct histogram latency_ns[2];
  static const double loads[2] = {0.1, 0.7}, percents[3] = {50, 99, 99.9};
  static const char *const names[3] = {"p50", "p99", "p99.9"};
  if (argc != 4) return fprintf(stderr, "usage: bench_latency SITE FILE DETECTIONS_MAX\n"), 2;
  site_path = argv[1];
  trace_open(&trace, argv[2], strtoull(argv[3], NULL, 10));
  struct cost cost = cost_find(&trace);
  bench_begin("latency");
  bench_figure("service time: capacity of one thread, detections", cost.capacity_per_s, "1/s", 0, 1);
  bench_figure("service time: of a frame, besides its detections", cost.frame_ns, "ns", 0, -1);
  bench_figure("service time: of a detection", cost.detection_ns, "ns", 0, -1);
  for (int i = 0; i < 2; i++) {
    load_run(&trace, &cost, loads[i], &latency_ns[i]);
    for (int k = 0; k < 3; k++) {
      char name[80];
      double goal = i == 0 && k == 0 ? 0.2 : i == 1 && k == 2 ? 10 : 0;
      snprintf(name, sizeof name, "service time: %s at %g %% of it", names[k], 100 * loads[i]);
      bench_figure(name, (double)histogram_percentile(&latency_ns[i], percents[k]) * 1e-6, "ms", goal, -1);
    }
  }
  bench_end();
  recording_stream_close(&trace.stream);
  return 0;
}
