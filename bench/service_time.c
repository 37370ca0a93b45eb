/* Latency by the service-time method: bodies on ballistic arcs (coast.h) at their own pace, as many as make the load, as datagrams through
 * admission, step and the writing of lines, on one thread. The datagrams arrive by chance (exponential gaps), whatever becomes of those
 * before them; a frame is what has arrived when the one before it is done, as in the server. These frames are done PASSES times, each
 * time from the beginning; the least CPU time of each is what it takes without the neighbours of this machine. When one is done is not
 * known before it is timed: ROUNDS times, from what the detections took in the frames of the round before. With the last times the queue
 * is gone through: arrival to the last line of the frame, for each detection. The kernel's part, waking up and sending are not in it.
 * Usage: bench_service_time OBJECTS: for the capacity. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/coast.h"
#include "bench/stream.h"
#include "engine/base/histogram.h"
#include "engine/emit/track_line.h"
#include "engine/engine.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/wire.h"

enum { PASSES = 9, PASSES_FIRST = 3, ROUNDS = 3, CAPACITY_FRAME = 1000, BYTES_PER_DETECTION = 72 };
/* All tracks begin; false lines of sight collect for the 7.3 s that they wait; then it is measured. */
enum { BEGIN_S = 1, SETTLE_S = 7, MEASURED_S = 1, LENGTH_S = BEGIN_S + SETTLE_S + MEASURED_S };
static const double false_share = 0.05, radar_revisit_s = 0.7, cap_rad = 0.235, warm_part = (double)(BEGIN_S + SETTLE_S) / LENGTH_S;

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
  struct stream stream;
  char *site; /* YAML */
  size_t site_size;
  double *arrival_ns;   /* per datagram */
  uint32_t *detections; /* per datagram */
  double *cost_ns;      /* per datagram: of its detections, in the frame that it was in last */
  struct piece *pieces;
  uint32_t piece_count;
};

/* Of this thread: what others run on the machine is no service of ours. */
static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "service_time: %s\n", what);
  exit(1);
}

static void pipeline_open(struct pipeline *p, const struct trace *trace) {
  struct weft_error err = {""};
  struct site *site;
  struct engine_options options = {.workers = 1};
  memset(p, 0, sizeof *p);
  if (engine_site_parse(trace->site, trace->site_size, "site", &site, &err) < 0 || engine_open(&p->engine, site, &options, &err) < 0 ||
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
  for (uint32_t d = first; d < end; d++) {
    uint32_t size = stream_datagram_bytes(&trace->stream, *at);
    while (intake_datagram(&p->intake, trace->stream.bytes + *at, size, 1) == INTAKE_CLOSE) frame_step(p);
    *at += size;
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
    double ns = cost->frame_ns;
    if (trace->arrival_ns[end] > now_ns) now_ns = trace->arrival_ns[end];
    while (end < datagrams && trace->arrival_ns[end] <= now_ns) ns += trace->cost_ns[end++];
    trace->pieces[trace->piece_count++].end = end;
    now_ns += ns;
  }
}

static void pieces_time(struct trace *trace, int passes) {
  struct pipeline *p = malloc(sizeof *p);
  if (!p) fail("no memory");
  for (int pass = 0; pass < passes; pass++) {
    size_t at = 0;
    pipeline_open(p, trace);
    for (uint32_t i = 0; i < trace->piece_count; i++) {
      double ns = piece_do(p, trace, &at, i ? trace->pieces[i - 1].end : 0, trace->pieces[i].end);
      if (pass == 0 || ns < trace->pieces[i].ns) trace->pieces[i].ns = ns;
    }
    pipeline_close(p);
  }
  free(p);
}

/* What is not the frame's own time is its detections'. */
static void costs_learn(struct trace *trace, const struct cost *cost) {
  for (uint32_t i = 0, d = 0; i < trace->piece_count; i++) {
    const struct piece *piece = &trace->pieces[i];
    double count = 0, ns = fmax(piece->ns - cost->frame_ns, 0);
    for (uint32_t k = d; k < piece->end; k++) count += trace->detections[k];
    for (; d < piece->end; d++) trace->cost_ns[d] = ns * trace->detections[d] / count;
  }
}

/* Mean time of a frame and its detections, after the beginning. */
static void pieces_mean(const struct trace *trace, double *ns, double *detections) {
  uint32_t first = (uint32_t)(warm_part * trace->piece_count);
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
  pieces_time(trace, PASSES_FIRST);
  pieces_mean(trace, &large_ns, &large);
  pieces_even(trace, 1);
  pieces_time(trace, PASSES_FIRST);
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
    trace->cost_ns[d] = cost->detection_ns * trace->detections[d];
  }
  for (int round = 1; round <= ROUNDS; round++) {
    pieces_arrived(trace, cost);
    pieces_time(trace, round < ROUNDS ? PASSES_FIRST : PASSES);
    costs_learn(trace, cost);
  }
  now_ns = 0;
  for (uint32_t i = 0, d = 0; i < trace->piece_count; i++) {
    const struct piece *piece = &trace->pieces[i];
    if (trace->arrival_ns[piece->end - 1] > now_ns) now_ns = trace->arrival_ns[piece->end - 1];
    now_ns += piece->ns;
    for (; d < piece->end; d++) {
      for (uint32_t n = 0; n < trace->detections[d] && d >= warm_part * (double)trace->stream.datagrams; n++)
        histogram_record(latency_ns, (int64_t)(now_ns - trace->arrival_ns[d]));
    }
  }
}

/* What so many objects give their sensors, from their beginning on. */
static void trace_open(struct trace *trace, uint32_t objects) {
  struct coast_options world = {.objects = objects, .cap_rad = cap_rad, .radar_revisit_s = radar_revisit_s, .false_share = false_share,
                                .begin_s = BEGIN_S, .seed = 1};
  struct coast *coast = coast_open(&world);
  struct coast_slot slot = {0};
  double most = 1.3 * LENGTH_S * (objects + 100) * (COAST_RADARS / radar_revisit_s + COAST_EYES / (4 * radar_revisit_s));
  *trace = (struct trace){0};
  FILE *site = open_memstream(&trace->site, &trace->site_size);
  if (!coast || !site || stream_reserve(&trace->stream, (size_t)(most * BYTES_PER_DETECTION)) < 0) fail("no memory");
  coast_site_write(coast, site);
  fclose(site);
  while (slot.end_s < LENGTH_S) {
    coast_next(coast, &slot);
    for (uint32_t i = 0; i < slot.count; i++)
      if (!stream_put(&trace->stream, coast_sensor_id(slot.sensor), &slot.plots[i])) fail("more detections than there is room for");
  }
  if (!stream_close(&trace->stream)) fail("more detections than there is room for");
  coast_close(coast);
  size_t count = trace->stream.datagrams, at = 0;
  trace->arrival_ns = calloc(count, sizeof *trace->arrival_ns);
  trace->detections = calloc(count, sizeof *trace->detections);
  trace->cost_ns = calloc(count, sizeof *trace->cost_ns);
  trace->pieces = calloc(count, sizeof *trace->pieces);
  if (!trace->arrival_ns || !trace->detections || !trace->cost_ns || !trace->pieces) fail("no memory");
  for (size_t d = 0; d < count; d++) {
    trace->detections[d] = (stream_datagram_bytes(&trace->stream, at) - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE;
    at += stream_datagram_bytes(&trace->stream, at);
  }
}

static void trace_close(struct trace *trace) {
  free(trace->stream.bytes);
  free(trace->site);
  free(trace->arrival_ns);
  free(trace->detections);
  free(trace->cost_ns);
  free(trace->pieces);
}

int main(int argc, char **argv) {
  static struct trace trace;
  static struct histogram latency_ns[2];
  static const double loads[2] = {0.1, 0.7}, percents[3] = {50, 99, 99.9};
  static const char *const names[3] = {"p50", "p99", "p99.9"};
  if (argc != 2) return fprintf(stderr, "usage: bench_service_time OBJECTS\n"), 2;
  uint32_t objects = (uint32_t)atoi(argv[1]);
  trace_open(&trace, objects);
  struct cost cost = cost_find(&trace);
  double per_object = (double)trace.stream.detections / (LENGTH_S - BEGIN_S / 2.0) / objects;
  trace_close(&trace);
  bench_begin("latency");
  bench_figure("service time: capacity of one thread, detections", cost.capacity_per_s, "1/s", 0, 1);
  bench_figure("service time: of a frame, besides its detections", cost.frame_ns, "ns", 0, -1);
  bench_figure("service time: of a detection", cost.detection_ns, "ns", 0, -1);
  for (int i = 0; i < 2; i++) {
    trace_open(&trace, (uint32_t)(loads[i] * cost.capacity_per_s / per_object));
    load_run(&trace, &cost, loads[i], &latency_ns[i]);
    trace_close(&trace);
    for (int k = 0; k < 3; k++) {
      char name[80];
      double goal = i == 0 && k == 0 ? 0.2 : i == 1 && k == 2 ? 10 : 0;
      snprintf(name, sizeof name, "service time: %s at %g %% of it", names[k], 100 * loads[i]);
      bench_figure(name, (double)histogram_percentile(&latency_ns[i], percents[k]) * 1e-6, "ms", goal, -1);
    }
  }
  bench_end();
  return 0;
}
