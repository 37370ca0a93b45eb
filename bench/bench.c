#include "bench/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int figures;
static double counted_ns = -1.0;

void bench_counts(double ns) {
  counted_ns = ns;
}

double bench_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t prng_next(struct bench_prng *r) { /* splitmix64 */
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double bench_uniform(struct bench_prng *r, double low, double high) {
  return low + (high - low) * ((double)(prng_next(r) >> 11) * 0x1p-53);
}

double bench_normal(struct bench_prng *r) {
  const double u = 1.0 - bench_uniform(r, 0.0, 1.0), v = bench_uniform(r, 0.0, 1.0);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

static int double_order(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* A CPU lowers its clock for wide multiply-adds and takes the better part of a millisecond to raise it again; caches hold what ran
 * last. A run so short that another contestant's clock and caches would make part of it is repeated before it is counted. */
#define SETTLE_NS 1e6

/* How long one run takes, ns, and in `counted_ns` what of it counts. */
static double contestant_run(const struct bench_contestant *c) {
  const double start = bench_now_ns();
  counted_ns = -1.0;
  c->run(c->argument);
  return bench_now_ns() - start;
}
static void contestant_settle(const struct bench_contestant *c, double last_ns) {
  for (double spent = 0.0; last_ns < SETTLE_NS && spent < SETTLE_NS;) spent += contestant_run(c);
}

void bench_contest(struct bench_contestant *contestants, int count) {
  static double ns[BENCH_CONTESTANTS_MAX][BENCH_REPEATS];
  double last_ns[BENCH_CONTESTANTS_MAX];
  for (int c = 0; c < count; c++) last_ns[c] = contestant_run(&contestants[c]);
  for (int repeat = 0; repeat < BENCH_REPEATS; repeat++) {
    for (int c = 0; c < count; c++) {
      contestant_settle(&contestants[c], last_ns[c]);
      last_ns[c] = contestant_run(&contestants[c]);
      ns[c][repeat] = (counted_ns < 0.0 ? last_ns[c] : counted_ns) / contestants[c].items;
    }
  }
  for (int c = 0; c < count; c++) {
    qsort(ns[c], BENCH_REPEATS, sizeof ns[c][0], double_order);
    contestants[c].minimum_ns = ns[c][0];
    contestants[c].median_ns = ns[c][BENCH_REPEATS / 2];
  }
}

void bench_begin(const char *bench) {
  figures = 0;
  printf("{\"bench\": \"%s\", \"figures\": [", bench);
}

void bench_figure(const char *name, double value, const char *unit, double goal, int better) {
  if (!isfinite(value)) value = -1.0;
  printf("%s\n  {\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"goal\": %.6g, \"better\": %d}",
         figures++ ? "," : "", name, value, unit, goal, better);
}

void bench_times(const struct bench_contestant *contestants, int count, const char *item) {
  char name[160];
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%s: time per %s", contestants[i].name, item);
    bench_figure(name, contestants[i].minimum_ns, "ns", 0, -1);
  }
}

void bench_ratio(const char *name, const struct bench_contestant *slow, const struct bench_contestant *fast,
                 double goal) {
  char by_median[160];
  bench_figure(name, slow->minimum_ns / fast->minimum_ns, "x", goal, 1);
  snprintf(by_median, sizeof by_median, "%s, by medians", name);
  bench_figure(by_median, slow->median_ns / fast->median_ns, "x of medians", goal, 1);
}

void bench_end(void) {
  printf("\n]}\n");
}
