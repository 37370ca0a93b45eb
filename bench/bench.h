/* What every bench shares: a clock, a seeded generator, contests that run their contestants by turns, and the
 * report that tools/bench reads. A bench prints one JSON object on standard output. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time (ns). */
double bench_now_ns(void);

struct bench_prng {
  uint64_t state;
};
double bench_uniform(struct bench_prng *r, double low, double high);
double bench_normal(struct bench_prng *r);

enum { BENCH_CONTESTANTS_MAX = 12, BENCH_REPEATS = 15 };

/* One way to do the work. run() does it once; `items` is how many it does in one run. Where only a part of it
 * counts, run() says how long that took (ns) by bench_counts(). */
struct bench_contestant {
  const char *name;
  void (*run)(void *argument);
  void *argument;
  double items;
  double minimum_ns, median_ns; /* out: per item */
};
void bench_counts(double ns);
/* Runs each once to warm up, then all by turns BENCH_REPEATS times, so that a disturbance meets all alike; what takes less than a
 * millisecond runs for that long before it counts. */
void bench_contest(struct bench_contestant *contestants, int count);

/* The report. A figure with unit "x" or "share" is a ratio within this run and is compared with the baseline;
 * others tell. goal 0: none. better: 1 if higher is better, -1 if lower, 0 neither. */
void bench_begin(const char *bench);
void bench_figure(const char *name, double value, const char *unit, double goal, int better);
/* A figure for each contestant: "its name: time per item", by minima, ns. */
void bench_times(const struct bench_contestant *contestants, int count, const char *item);
/* Two figures: slow over fast by minima (compared, with the goal) and by medians (told). */
void bench_ratio(const char *name, const struct bench_contestant *slow, const struct bench_contestant *fast,
                 double goal);
void bench_end(void);

/* Keeps the compiler from leaving work out. */
static inline void bench_use(const void *p) {
  __asm__ volatile("" : : "r"(p) : "memory");
}

#endif
