/* weft tune --host over trees of files that stand for /proc and /sys: what is well is called good, what isn't has its remedy, and nothing
 * is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/weft.h"

enum { TOLD_MAX = 16384 };
static char root[] = "/tmp/weft-host-XXXXXX", told[TOLD_MAX];
static struct weft_error err;

static void tree_write(const char *path, const char *text) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s%s", root, path);
  for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = 0;
    if (mkdir(whole, 0755) != 0) assert_int_equal(errno, EEXIST);
    *slash = '/';
  }
  FILE *file = fopen(whole, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void tree_remove(const char *path) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s%s", root, path);
  assert_int_equal(unlink(whole), 0);
}

#define GOVERNOR0 "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
#define GOVERNOR1 "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor"
#define HUGE "/sys/kernel/mm/transparent_hugepage/enabled"
#define RESERVED "/proc/sys/vm/nr_hugepages"
#define RMEM "/proc/sys/net/core/rmem_max"
#define CLOCK "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define CLOCKS "/sys/devices/system/clocksource/clocksource0/available_clocksource"
#define BALANCING "/proc/sys/kernel/numa_balancing"
#define NODES "/sys/devices/system/node/online"
#define SWAPS "/proc/swaps"
#define URING "/proc/sys/kernel/io_uring_disabled"
#define LIMITS "/proc/self/limits"
#define COMM "/proc/77/comm"
#define SWAPS_NONE "Filename\t\tType\t\tSize\n"
#define LIMITS_OF(bytes) "Limit                     Soft Limit           Hard Limit           Units\n" \
                         "Max locked memory         " bytes "             unlimited            bytes\n"

/* A host on which everything is as it should be. */
static int well(void **state) {
  (void)state;
  static const char *const files[][2] = {
      {GOVERNOR0, "performance\n"}, {GOVERNOR1, "performance\n"}, {HUGE, "always [madvise] never\n"}, {RESERVED, "0\n"}, {RMEM, "33554432\n"},
      {CLOCK, "tsc\n"}, {CLOCKS, "tsc hpet acpi_pm\n"}, {BALANCING, "0\n"}, {NODES, "0-1\n"}, {SWAPS, SWAPS_NONE}, {URING, "0\n"},
      {LIMITS, LIMITS_OF("unlimited")}, {COMM, "somebody\n"}, {"/proc/irq/5/smp_affinity_list", "0\n"},
      {"/proc/irq/6/smp_affinity_list", "0-1\n"}, {"/proc/irq/default_smp_affinity", "3\n"},
      {"/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n"},
      {"/sys/devices/system/cpu/vulnerabilities/retbleed", "Vulnerable\n"}, {"/sys/devices/system/cpu/vulnerabilities/srbds", "Not affected\n"}};
  for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) tree_write(files[f][0], files[f][1]);
  return 0;
}

static void host_tell(const char *where) {
  FILE *out = fmemopen(told, sizeof told, "w");
  assert_non_null(out);
  if (weft_host_check(where, out, &err) != 0) fail_msg("%s", err.text);
  fclose(out);
}

static void line_is(const char *line) {
  if (!strstr(told, line)) fail_msg("no '%s' in\n%s", line, told);
}

static void a_host_that_is_well_has_nothing_to_better(void **state) {
  (void)state;
  host_tell(root);
  static const char *const lines[] = {"good    governor: performance on 2 cpus\n",
                                      "good    irq_affinity: irqbalance does not run; 1 of 2 interrupts may come on several cpus\n",
                                      "good    transparent_huge_pages: madvise\n",
                                      "good    explicit_huge_pages: none reserved",
                                      "good    rmem_max: 33554432 bytes\n",
                                      "told    mitigations: 1 of 3 flaws of the CPU are mitigated, 1 are open",
                                      "good    clock_source: tsc\n",
                                      "good    numa_balancing: off\n",
                                      "good    swap: none\n",
                                      "good    io_uring: allowed\n",
                                      "good    memlock: unlimited\n"};
  for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) line_is(lines[l]);
  assert_null(strstr(told, "better "));
  assert_null(strstr(told, "unknown"));
}

static void what_could_be_better_has_its_reason_and_its_command(void **state) {
  (void)state;
  static const struct {
    const char *path, *text, *begins, *command;
  } worse[] = {
      {GOVERNOR1, "powersave\n", "better  governor: is powersave on 1 of 2 cpus; better performance: ", "; cpupower frequency-set -g performance\n"},
      {COMM, "irqbalance\n", "better  irq_affinity: is moved about by irqbalance; ", "; systemctl stop irqbalance; "},
      {HUGE, "always madvise [never]\n", "better  transparent_huge_pages: is never; better madvise: ", "; echo madvise > "},
      {RESERVED, "512\n", "better  explicit_huge_pages: is 512 reserved; ", "; sysctl -w vm.nr_hugepages=0\n"},
      {RMEM, "212992\n", "better  rmem_max: is 212992 bytes; better 16777216 or more: ", "; sysctl -w net.core.rmem_max=16777216\n"},
      {CLOCK, "hpet\n", "better  clock_source: is hpet; better tsc: ", "; echo tsc > /sys/devices/"},
      {BALANCING, "1\n", "better  numa_balancing: is on; better off: ", "; sysctl -w kernel.numa_balancing=0\n"},
      {SWAPS, SWAPS_NONE "/dev/sda2 partition 1000\n", "better  swap: is on; better off: ", "; swapoff -a\n"},
      {URING, "1\n", "better  io_uring: is for kernel.io_uring_group alone; ", "; sysctl -w kernel.io_uring_disabled=0\n"},
      {URING, "2\n", "better  io_uring: is forbidden; better allowed: ", "; sysctl -w kernel.io_uring_disabled=0\n"},
      {LIMITS, LIMITS_OF("8388608"), "better  memlock: is 8388608 bytes; better 67108864 or more: ", "; ulimit -l 65536"},
  };
  for (size_t w = 0; w < sizeof worse / sizeof worse[0]; w++) {
    well(NULL);
    tree_write(worse[w].path, worse[w].text);
    host_tell(root);
    line_is(worse[w].begins);
    line_is(worse[w].command);
    char *first = strstr(told, "better  ");
    assert_null(strstr(first + 1, "better  ")); /* it alone */
  }
}

static void what_does_no_harm_is_good_too(void **state) {
  (void)state;
  static const char *const other[][3] = {{HUGE, "[always] madvise never\n", "good    transparent_huge_pages: always\n"},
                                         {LIMITS, LIMITS_OF("67108864"), "good    memlock: 67108864 bytes\n"},
                                         {RMEM, "16777216\n", "good    rmem_max: 16777216 bytes\n"}};
  for (size_t o = 0; o < sizeof other / sizeof other[0]; o++) {
    tree_write(other[o][0], other[o][1]);
    host_tell(root);
    line_is(other[o][2]);
  }
  tree_write(BALANCING, "1\n");
  tree_write(NODES, "0\n");
  tree_write(CLOCK, "kvm-clock\n");
  tree_write(CLOCKS, "kvm-clock\n");
  tree_remove(URING); /* older kernels have no such setting */
  host_tell(root);
  line_is("good    numa_balancing: on, with one node and so without effect\n");
  line_is("; look in dmesg why the kernel does not trust tsc\n");
  line_is("good    io_uring: allowed\n");
}

static void what_is_not_there_is_said_to_be_unknown(void **state) {
  (void)state;
  char empty[300];
  snprintf(empty, sizeof empty, "%s/empty", root);
  assert_int_equal(mkdir(empty, 0755), 0);
  host_tell(empty);
  static const char *const items[] = {"governor", "irq_affinity", "transparent_huge_pages", "explicit_huge_pages", "rmem_max", "mitigations",
                                      "clock_source", "numa_balancing", "swap", "memlock"};
  for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
    char line[64];
    snprintf(line, sizeof line, "unknown %s: /", items[i]);
    line_is(line);
  }
  assert_int_equal(rmdir(empty), 0); /* and nothing was made there */
}

static void this_host_is_told_and_a_full_disk_said(void **state) {
  (void)state;
  host_tell(NULL);
  int lines = 0;
  for (const char *c = told; *c; c++) lines += *c == '\n';
  assert_int_equal(lines, 11);
  FILE *full = fopen("/dev/full", "w");
  assert_non_null(full);
  assert_int_equal(weft_host_check(NULL, full, &err), -EIO);
  fclose(full);
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *at) {
  (void)status;
  (void)kind;
  (void)at;
  return remove(path);
}

static int root_make(void **state) {
  (void)state;
  return mkdtemp(root) ? 0 : -1;
}

static int root_remove(void **state) {
  (void)state;
  return nftw(root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_host_that_is_well_has_nothing_to_better, well),
      cmocka_unit_test_setup(what_could_be_better_has_its_reason_and_its_command, well),
      cmocka_unit_test_setup(what_does_no_harm_is_good_too, well),
      cmocka_unit_test(what_is_not_there_is_said_to_be_unknown),
      cmocka_unit_test(this_host_is_told_and_a_full_disk_said),
  };
  return cmocka_run_group_tests_name("host", tests, root_make, root_remove);
}
