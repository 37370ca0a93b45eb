/* The bound of all kernels: multiply-adds of one core, per instruction set. */
#include "bench/bench.h"
#include "bench/fma.h"

int main(void) {
  struct bench_contestant c[] = {
      {"scalar", fma_work_scalar, 0, fma_work_instructions(), 0, 0},
      {"v3", fma_work_v3, 0, fma_work_instructions(), 0, 0},
      {"v4", fma_work_v4, 0, fma_work_instructions(), 0, 0},
  };
  const int count = fma_runs_v4() ? 3 : 2;
  static const double width[] = {1, 4, 8};
  static const char *const rate[] = {"scalar: multiply-adds of doubles", "v3: multiply-adds of doubles",
                                     "v4: multiply-adds of doubles"};
  bench_contest(c, count);
  bench_begin("fma_peak");
  for (int i = 0; i < count; i++) bench_figure(rate[i], width[i] / c[i].minimum_ns, "per ns", 0, 0);
  bench_figure("v3 over scalar", 4 * c[0].minimum_ns / c[1].minimum_ns, "x", 0, 1);
  if (count == 3) bench_figure("v4 over v3", 2 * c[1].minimum_ns / c[2].minimum_ns, "x", 0, 1);
  bench_end();
  return 0;
}
