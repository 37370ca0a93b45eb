/* Which instruction set this CPU runs. Decided once; asking twice at the same time costs only the asking. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/wk.h"

extern const struct wk_table wk_table_scalar, wk_table_v3, wk_table_v4;

/* Best first. The scalar bodies are themselves built for the baseline of the whole program, x86-64-v3. */
static const struct wk_table *const variants[] = {&wk_table_v4, &wk_table_v3, &wk_table_scalar};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static int variant_runs(const struct wk_table *table) {
  if (table == &wk_table_scalar) return 1;
  __builtin_cpu_init();
  int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
  if (table == &wk_table_v3) return v3;
  return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

const struct wk_table *wk_variant(const char *name) {
  for (int i = 0; i < VARIANTS; i++) {
    if (strcmp(variants[i]->name, name) == 0) return variant_runs(variants[i]) ? variants[i] : NULL;
  }
  return NULL;
}

static _Atomic(const struct wk_table *) chosen;

int wk_choose(const char *name) {
  const struct wk_table *table = wk_variant(name);
  if (table && !getenv("WEFT_KERNELS")) atomic_store_explicit(&chosen, table, memory_order_release);
  return table != NULL;
}

const struct wk_table *wk_table(void) {
  const struct wk_table *table = atomic_load_explicit(&chosen, memory_order_acquire);
  if (table) return table;
  /* Every thread that comes here finds the same answer, so the last store does no harm. */
  const char *wish = getenv("WEFT_KERNELS");
  if (wish) table = wk_variant(wish);
  for (int i = 0; i < VARIANTS && !table; i++) {
    if (variant_runs(variants[i])) table = variants[i]; /* the last one always does */
  }
  atomic_store_explicit(&chosen, table, memory_order_release);
  return table;
}
