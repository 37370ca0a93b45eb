/* The engine alone: a world of coasting bodies (coast.h) stepped in frames of equal size as fast as it goes, without sockets. Its world
 * grows with the objects, so that their density stays; sensors stand so high that each sees all of it. Usage: bench_coast_steps OBJECTS
 * FRAME WORKERS FALSE_SHARE DETECTIONS: so many detections are measured after all objects have begun and settled. CPU time is the
 * process's around the steps alone, by tracker, warning and lines; making plots and frames is outside. Allocations are counted by counted.c. Prints JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/coast.h"
#include "bench/counted.h"
#include "engine/emit/track_line.h"
#include "engine/engine.h"
#include "engine/ingest/frame_builder.h"

enum { AHEAD = 16, FRAME_MOST = 1 << 14 };
static const double begun_per_s = 150000, settle_s = 4.5, radar_revisit_s = 2, radar_height_m = 8000000;
static const double cap_of_million = 0.658; /* 1 - cos of the cap that a million objects fly above */

struct spent {
  uint64_t detections, frames, lines, allocations, faults;
  double track_cpu_s, warn_cpu_s, line_cpu_s, wall_s; /* wall: of tracker and warning */
};

struct steps {
  struct coast *coast;
  struct engine engine;
  struct step_output output;
  struct arena arena;
  struct frame_builder builder;
  struct frame frames[AHEAD];
  uint32_t frame_size;
  uint64_t sequence;
  double until_s; /* after the epoch, of what was made */
  struct coast_slot slot;
  uint32_t slot_used;
};

static double clock_s(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint64_t faults_now(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

static void frame_make(struct steps *steps, struct frame *out) {
  int64_t newest_ns = INT64_MIN;
  for (uint32_t count = 0; count < steps->frame_size; count++) {
    while (steps->slot_used == steps->slot.count) {
      coast_next(steps->coast, &steps->slot);
      steps->slot_used = 0;
      steps->until_s = steps->slot.end_s;
    }
    struct detection plot = steps->slot.plots[steps->slot_used++];
    plot.sequence = ++steps->sequence;
    if (plot.time_ns > newest_ns) newest_ns = plot.time_ns;
    frame_builder_add(&steps->builder, &plot, 0);
  }
  frame_builder_close(&steps->builder, newest_ns, 0, out);
}

static void frame_step(struct steps *steps, const struct frame *frame, struct spent *spent) {
  static char line[TRACK_LINE_MAX];
  double wall = clock_s(CLOCK_MONOTONIC), began = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  tracker_step(steps->engine.tracker, frame, &steps->output, steps->engine.fates);
  double tracked = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  warn_step(steps->engine.warn, &steps->output);
  double warned = clock_s(CLOCK_PROCESS_CPUTIME_ID);
  spent->wall_s += clock_s(CLOCK_MONOTONIC) - wall;
  for (uint32_t i = 0; i < steps->output.count; i++)
    (void)track_line_write(line, sizeof line, &steps->output.reports[i], steps->engine.site, TRACK_LINE_LATENCY_NONE);
  spent->track_cpu_s += tracked - began;
  spent->warn_cpu_s += warned - tracked;
  spent->line_cpu_s += clock_s(CLOCK_PROCESS_CPUTIME_ID) - warned;
  spent->lines += steps->output.count;
}

/* Some frames made, then stepped. */
static void batch_step(struct steps *steps, struct spent *spent) {
  for (int f = 0; f < AHEAD; f++) frame_make(steps, &steps->frames[f]);
  uint64_t faults = faults_now(), allocations = counted_taken();
  for (int f = 0; f < AHEAD; f++) frame_step(steps, &steps->frames[f], spent);
  spent->frames += AHEAD;
  spent->detections += (uint64_t)AHEAD * steps->frame_size;
  spent->faults += faults_now() - faults;
  spent->allocations += counted_taken() - allocations;
}

static int steps_open(struct steps *steps, const struct coast_options *world, uint32_t workers, struct weft_error *err) {
  char *text = NULL;
  size_t size = 0;
  struct site *site;
  FILE *memory = open_memstream(&text, &size);
  steps->coast = memory ? coast_open(world) : NULL;
  if (!steps->coast) return weft_fail(err, -1, "no memory for the world");
  coast_site_write(steps->coast, memory);
  fclose(memory);
  int rc = engine_site_parse(text, size, "site", &site, err);
  free(text);
  if (rc < 0) return rc;
  uint32_t tracks_max = world->objects + world->objects / 4 + 4096;
  rc = engine_open(&steps->engine, site, &(struct engine_options){.workers = workers, .tracks_max = tracks_max}, err);
  if (rc == 0) rc = engine_output_open(&steps->engine, &steps->output, err);
  if (rc == 0) rc = arena_open(&steps->arena, frame_builder_bytes(FRAME_MOST) + AHEAD * frame_bytes(FRAME_MOST) + (1u << 20));
  if (rc == 0) rc = frame_builder_open(&steps->builder, &steps->arena, FRAME_MOST);
  for (int f = 0; f < AHEAD && rc == 0; f++) rc = frame_open(&steps->frames[f], &steps->arena, FRAME_MOST);
  if (rc == 0) engine_seal(&steps->engine);
  return rc;
}

static void told(struct steps *steps, const struct spent *spent, uint64_t warmed) {
  struct tracker_statistics now;
  struct rusage usage;
  double per = 1e9 / (double)spent->detections;
  tracker_statistics_get(steps->engine.tracker, &now);
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"detections\":%llu,\"warmed\":%llu,\"frames\":%llu,\"confirmed\":%llu,\"tentative\":%llu,\"lost\":%llu,\"lines\":%llu,", (unsigned long long)spent->detections,
         (unsigned long long)warmed, (unsigned long long)spent->frames, (unsigned long long)now.tracks_by_status[1], (unsigned long long)now.tracks_by_status[0],
         (unsigned long long)now.tracks_lost, (unsigned long long)spent->lines);
  printf("\"track_cpu_ns\":%.1f,\"warn_cpu_ns\":%.1f,\"line_cpu_ns\":%.1f,\"wall_ns\":%.1f,\"allocations\":%llu,\"faults\":%llu,\"arena_bytes\":%zu,\"slots\":%u,\"resident_bytes\":%llu,"
         "\"hash\":\"%016llx\"}\n",
         spent->track_cpu_s * per, spent->warn_cpu_s * per, spent->line_cpu_s * per, spent->wall_s * per, (unsigned long long)spent->allocations, (unsigned long long)spent->faults,
         steps->engine.arena.used, steps->engine.tracks_max, (unsigned long long)usage.ru_maxrss * 1024, (unsigned long long)engine_hash(&steps->engine));
}

int main(int argc, char **argv) {
  static struct steps steps;
  struct weft_error err = {""};
  struct spent warm = {0}, measured = {0};
  if (argc != 6) return fprintf(stderr, "usage: bench_coast_steps OBJECTS FRAME WORKERS FALSE_SHARE DETECTIONS\n"), 2;
  struct coast_options world = {.objects = (uint32_t)atoi(argv[1]), .radar_height_m = radar_height_m, .radar_revisit_s = radar_revisit_s, .false_share = atof(argv[4]), .seed = 1};
  steps.frame_size = (uint32_t)atoi(argv[2]);
  if (world.objects == 0 || steps.frame_size == 0 || steps.frame_size > FRAME_MOST) return fprintf(stderr, "bench_coast_steps: at least one object, 1 to %d in a frame\n", FRAME_MOST), 2;
  world.begin_s = fmax(2, world.objects / begun_per_s);
  world.cap_rad = acos(1 - cap_of_million * world.objects / 1e6);
  if (steps_open(&steps, &world, (uint32_t)atoi(argv[3]), &err) < 0) return fprintf(stderr, "bench_coast_steps: %s\n", err.text), 1;
  while (steps.until_s < world.begin_s + settle_s) batch_step(&steps, &warm);
  for (uint64_t most = strtoull(argv[5], NULL, 10); measured.detections < most;) batch_step(&steps, &measured);
  told(&steps, &measured, warm.detections);
  engine_close(&steps.engine);
  coast_close(steps.coast);
  return 0;
}
