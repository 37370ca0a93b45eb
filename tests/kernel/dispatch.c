// stage: weft_kernels
/* Claims about the choice of the instruction set. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernels/wk.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { NAMES = 3, THREADS = 8 };

static int name_index(const char *name) {
  for (int i = 0; i < NAMES; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  return -1;
}

/* The choice is made once a process: each wish gets its own. */
static int choice_under(const char *wish) {
  fflush(stdout);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (wish ? setenv("WEFT_KERNELS", wish, 1) : unsetenv("WEFT_KERNELS")) _exit(99);
    exit(name_index(wk_table()->name)); /* orderly, so that what it covered is counted */
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int best_index(void) {
  int best = 0;
  for (int i = 0; i < NAMES; i++) {
    if (wk_variant(names[i])) best = i;
  }
  return best;
}

/* In a process of its own: `name` chosen where the environment wishes for `wish` or for nothing. */
static int chosen_under(const char *wish, const char *name) {
  fflush(stdout);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (wish ? setenv("WEFT_KERNELS", wish, 1) : unsetenv("WEFT_KERNELS")) _exit(99);
    if (wk_choose(name) != (wk_variant(name) != NULL)) _exit(98);
    exit(name_index(wk_table()->name));
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void a_choice_counts_unless_the_environment_says_otherwise(void **state) {
  (void)state;
  for (int i = 0; i < NAMES; i++) {
    assert_int_equal(chosen_under(NULL, names[i]), wk_variant(names[i]) ? i : best_index());
    assert_int_equal(chosen_under("scalar", names[i]), name_index("scalar"));
  }
  assert_int_equal(chosen_under(NULL, "v5"), best_index());
}

static void scalar_always_runs(void **state) {
  (void)state;
  const struct wk_table *table = wk_variant("scalar");
  assert_non_null(table);
  assert_string_equal(table->name, "scalar");
}

static void variant_answers_to_its_own_name_only(void **state) {
  (void)state;
  assert_null(wk_variant("v5"));
  assert_null(wk_variant(""));
  assert_null(wk_variant("V3"));
  for (int i = 0; i < NAMES; i++) {
    const struct wk_table *table = wk_variant(names[i]);
    if (table) assert_string_equal(table->name, names[i]);
  }
}

static void variant_matches_the_cpu(void **state) {
  (void)state;
  assert_int_equal(wk_variant("v3") != NULL, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  if (!__builtin_cpu_supports("avx512f")) assert_null(wk_variant("v4"));
}

/* The table is a name and pointers; none may be missing, and no two variants share a body. */
static void variant_is_complete(void **state) {
  (void)state;
  enum { POINTERS = sizeof(struct wk_table) / sizeof(void *) };
  void *entry[NAMES][POINTERS];
  for (int i = 0; i < NAMES; i++) {
    const struct wk_table *table = wk_variant(names[i]);
    memset(entry[i], 0, sizeof entry[i]);
    if (!table) continue;
    memcpy(entry[i], table, sizeof entry[i]);
    for (int k = 0; k < POINTERS; k++) {
      assert_non_null(entry[i][k]);
      for (int j = 0; j < i; j++) assert_ptr_not_equal(entry[i][k], entry[j][k]);
    }
  }
}

static void best_variant_is_chosen_without_a_wish(void **state) {
  (void)state;
  assert_int_equal(choice_under(NULL), best_index());
}

static void wish_is_granted_where_the_cpu_allows(void **state) {
  (void)state;
  for (int i = 0; i < NAMES; i++) {
    assert_int_equal(choice_under(names[i]), wk_variant(names[i]) ? i : best_index());
  }
}

static void impossible_wish_falls_back_to_the_best(void **state) {
  (void)state;
  assert_int_equal(choice_under("neon"), best_index());
  assert_int_equal(choice_under(""), best_index());
}

static void *table_ask(void *out) {
  *(const struct wk_table **)out = wk_table();
  return NULL;
}

static void threads_see_one_table(void **state) {
  (void)state;
  pthread_t thread[THREADS];
  const struct wk_table *seen[THREADS] = {0};
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&thread[i], NULL, table_ask, &seen[i]), 0);
  for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
  for (int i = 0; i < THREADS; i++) assert_ptr_equal(seen[i], wk_table());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_choice_counts_unless_the_environment_says_otherwise),
      cmocka_unit_test(scalar_always_runs),
      cmocka_unit_test(variant_answers_to_its_own_name_only),
      cmocka_unit_test(variant_matches_the_cpu),
      cmocka_unit_test(variant_is_complete),
      cmocka_unit_test(best_variant_is_chosen_without_a_wish),
      cmocka_unit_test(wish_is_granted_where_the_cpu_allows),
      cmocka_unit_test(impossible_wish_falls_back_to_the_best),
      cmocka_unit_test(threads_see_one_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
