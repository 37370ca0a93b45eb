/* Does this host let weft be fast? Looks and tells, changes nothing: the remedies are for a person. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/weft.h"

enum { TEXT_MAX = 4096, ENTRIES_MAX = 1 << 20, CPUS_MAX = 4096, RMEM_BETTER = 16 << 20, MEMLOCK_BETTER = 64 << 20 };

struct host {
  const char *root; /* the folder that /proc and /sys are in */
  FILE *out;
};

/* The beginning of a small file without its last newline; false where it can't be read. */
static bool file_read(const struct host *host, const char *path, char text[TEXT_MAX]) {
  char whole[TEXT_MAX];
  text[0] = 0;
  if ((size_t)snprintf(whole, sizeof whole, "%s%s", host->root, path) >= sizeof whole) return false;
  int fd = open(whole, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t size = read(fd, text, TEXT_MAX - 1);
  close(fd);
  if (size < 0) return false;
  while (size > 0 && isspace((unsigned char)text[size - 1])) size--;
  text[size] = 0;
  return true;
}

/* Calls see() for every entry of a folder; how many there were, 0 where there is no such folder. */
static int folder_walk(const struct host *host, const char *path, void (*see)(const struct host *host, const char *name, void *context),
                       void *context) {
  char whole[TEXT_MAX];
  if ((size_t)snprintf(whole, sizeof whole, "%s%s", host->root, path) >= sizeof whole) return 0;
  DIR *folder = opendir(whole);
  int count = 0;
  for (struct dirent *entry; folder && count < ENTRIES_MAX && (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    see(host, entry->d_name, context);
    count++;
  }
  if (folder) closedir(folder);
  return count;
}

static void good(const struct host *host, const char *item, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void good(const struct host *host, const char *item, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(host->out, "good    %s: ", item);
  vfprintf(host->out, format, arguments);
  fputc('\n', host->out);
  va_end(arguments);
}

static void worse(const struct host *host, const char *item, const char *is, const char *better, const char *why, const char *command) {
  fprintf(host->out, "better  %s: is %s; better %s: %s; %s\n", item, is, better, why, command);
}

static void unknown(const struct host *host, const char *item, const char *path) {
  fprintf(host->out, "unknown %s: %s is not there\n", item, path);
}

static void governor_look(const struct host *host) {
  char text[TEXT_MAX], path[128], other[64] = "";
  int cpus = 0, others = 0;
  for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
    if (!file_read(host, path, text)) continue;
    cpus++;
    if (strcmp(text, "performance") == 0) continue;
    others++;
    snprintf(other, sizeof other, "%.40s", text);
  }
  if (cpus == 0) {
    unknown(host, "governor", "/sys/devices/system/cpu/cpu*/cpufreq (a virtual machine's host decides)");
  } else if (others == 0) {
    good(host, "governor", "performance on %d cpus", cpus);
  } else {
    snprintf(text, sizeof text, "%s on %d of %d cpus", other, others, cpus);
    worse(host, "governor", text, "performance", "a core that slowed down while idle is slow for the next datagram",
          "cpupower frequency-set -g performance");
  }
}

static void process_see(const struct host *host, const char *name, void *found) {
  char path[TEXT_MAX], text[TEXT_MAX];
  if (!isdigit((unsigned char)name[0])) return;
  snprintf(path, sizeof path, "/proc/%.32s/comm", name);
  if (file_read(host, path, text) && strcmp(text, "irqbalance") == 0) *(bool *)found = true;
}

struct interrupts {
  int all, roaming; /* those that may come on more than one cpu */
};

static void interrupt_see(const struct host *host, const char *name, void *context) {
  struct interrupts *interrupts = context;
  char path[TEXT_MAX], text[TEXT_MAX];
  if (!isdigit((unsigned char)name[0])) return;
  snprintf(path, sizeof path, "/proc/irq/%.32s/smp_affinity_list", name);
  if (!file_read(host, path, text)) return;
  interrupts->all++;
  interrupts->roaming += strpbrk(text, ",-") != NULL;
}

static void interrupts_look(const struct host *host) {
  struct interrupts interrupts = {0};
  bool balanced = false;
  folder_walk(host, "/proc", process_see, &balanced);
  if (folder_walk(host, "/proc/irq", interrupt_see, &interrupts) == 0) {
    unknown(host, "irq_affinity", "/proc/irq");
  } else if (!balanced) {
    good(host, "irq_affinity", "irqbalance does not run; %d of %d interrupts may come on several cpus", interrupts.roaming, interrupts.all);
  } else {
    worse(host, "irq_affinity", "moved about by irqbalance", "the network card's on the I/O thread's core and nowhere else",
          "an interrupt on a worker's core holds up the frame of all workers",
          "systemctl stop irqbalance; echo CPU > /proc/irq/N/smp_affinity_list");
  }
}

static void huge_pages_look(const struct host *host) {
  static const char thp[] = "/sys/kernel/mm/transparent_hugepage/enabled", reserved[] = "/proc/sys/vm/nr_hugepages";
  char text[TEXT_MAX], is[64];
  if (!file_read(host, thp, text)) unknown(host, "transparent_huge_pages", thp);
  else if (strstr(text, "[never]"))
    worse(host, "transparent_huge_pages", "never", "madvise", "weft asks for them: fewer look-ups of pages in the tables of tracks",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
  else good(host, "transparent_huge_pages", "%s", strstr(text, "[always]") ? "always" : "madvise");
  if (!file_read(host, reserved, text)) unknown(host, "explicit_huge_pages", reserved);
  else if (strtoll(text, NULL, 10) == 0) good(host, "explicit_huge_pages", "none reserved; weft uses none");
  else {
    snprintf(is, sizeof is, "%.20s reserved", text);
    worse(host, "explicit_huge_pages", is, "none, unless another program needs them", "weft can't use that memory",
          "sysctl -w vm.nr_hugepages=0");
  }
}

static void rmem_look(const struct host *host) {
  static const char path[] = "/proc/sys/net/core/rmem_max";
  char text[TEXT_MAX], is[64];
  if (!file_read(host, path, text)) {
    unknown(host, "rmem_max", path);
  } else if (strtoll(text, NULL, 10) >= RMEM_BETTER) {
    good(host, "rmem_max", "%.20s bytes", text);
  } else {
    snprintf(is, sizeof is, "%.20s bytes", text);
    worse(host, "rmem_max", is, "16777216 or more", "the kernel's queue of a socket bridges the time in which the I/O thread is held up",
          "sysctl -w net.core.rmem_max=16777216");
  }
}

struct mitigations {
  int all, mitigated, vulnerable;
};

static void mitigation_see(const struct host *host, const char *name, void *context) {
  struct mitigations *mitigations = context;
  char path[TEXT_MAX], text[TEXT_MAX];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/vulnerabilities/%.64s", name);
  if (!file_read(host, path, text)) return;
  mitigations->all++;
  mitigations->mitigated += strncmp(text, "Mitigation", 10) == 0;
  mitigations->vulnerable += strncmp(text, "Vulnerable", 10) == 0;
}

/* No advice: what they protect is worth more than what they cost, unless somebody knows better. */
static void mitigations_look(const struct host *host) {
  struct mitigations mitigations = {0};
  if (folder_walk(host, "/sys/devices/system/cpu/vulnerabilities", mitigation_see, &mitigations) == 0)
    unknown(host, "mitigations", "/sys/devices/system/cpu/vulnerabilities");
  else
    fprintf(host->out, "told    mitigations: %d of %d flaws of the CPU are mitigated, %d are open; each mitigation makes system calls dearer, "
            "which counts where datagrams come one by one; leave them on where anything else runs; mitigations=off on the kernel's command line\n",
            mitigations.mitigated, mitigations.all, mitigations.vulnerable);
}

static void clock_look(const struct host *host) {
  static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  char text[TEXT_MAX], available[TEXT_MAX];
  if (!file_read(host, path, text)) {
    unknown(host, "clock_source", path);
    return;
  }
  file_read(host, "/sys/devices/system/clocksource/clocksource0/available_clocksource", available);
  if (strcmp(text, "tsc") == 0) {
    good(host, "clock_source", "tsc");
  } else {
    bool has = strstr(available, "tsc") != NULL;
    worse(host, "clock_source", text, "tsc", "others take a system call or a slow device for each look at the clock",
          has ? "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource" : "look in dmesg why the kernel does not trust tsc");
  }
}

static void balancing_look(const struct host *host) {
  static const char path[] = "/proc/sys/kernel/numa_balancing";
  char text[TEXT_MAX], nodes[TEXT_MAX];
  bool several = file_read(host, "/sys/devices/system/node/online", nodes) && strpbrk(nodes, ",-");
  if (!file_read(host, path, text)) unknown(host, "numa_balancing", path);
  else if (strtoll(text, NULL, 10) == 0) good(host, "numa_balancing", "off");
  else if (!several) good(host, "numa_balancing", "on, with one node and so without effect");
  else
    worse(host, "numa_balancing", "on", "off", "the kernel takes pages away for a moment to see who uses them, and weft has placed its own",
          "sysctl -w kernel.numa_balancing=0");
}

static void swap_look(const struct host *host) {
  char text[TEXT_MAX];
  if (!file_read(host, "/proc/swaps", text)) unknown(host, "swap", "/proc/swaps");
  else if (!strchr(text, '\n')) good(host, "swap", "none");
  else
    worse(host, "swap", "on", "off", "a page of the engine's state that was swapped out holds up a frame by a disk's time", "swapoff -a");
}

static void uring_look(const struct host *host) {
  char text[TEXT_MAX];
  if (!file_read(host, "/proc/sys/kernel/io_uring_disabled", text) || strcmp(text, "0") == 0)
    good(host, "io_uring", "allowed");
  else
    worse(host, "io_uring", strcmp(text, "1") == 0 ? "for kernel.io_uring_group alone" : "forbidden", "allowed",
          "without it a sync of the journal holds up the I/O thread, and appends do", "sysctl -w kernel.io_uring_disabled=0");
}

static void memlock_look(const struct host *host) {
  static const char path[] = "/proc/self/limits", name[] = "Max locked memory";
  char text[TEXT_MAX], is[64];
  const char *line = file_read(host, path, text) ? strstr(text, name) : NULL;
  if (!line) {
    unknown(host, "memlock", path);
    return;
  }
  line += strlen(name);
  line += strspn(line, " ");
  if (strncmp(line, "unlimited", 9) == 0) {
    good(host, "memlock", "unlimited");
  } else if (strtoll(line, NULL, 10) >= MEMLOCK_BETTER) {
    good(host, "memlock", "%lld bytes", strtoll(line, NULL, 10));
  } else {
    snprintf(is, sizeof is, "%lld bytes", strtoll(line, NULL, 10));
    worse(host, "memlock", is, "67108864 or more", "keys, and with some kernels the rings of io_uring, are locked memory",
          "ulimit -l 65536, or LimitMEMLOCK=64M in the service");
  }
}

int weft_host_check(const char *root, FILE *out, struct weft_error *err) {
  const struct host host = {.root = root && strcmp(root, "/") != 0 ? root : "", .out = out};
  governor_look(&host);
  interrupts_look(&host);
  huge_pages_look(&host);
  rmem_look(&host);
  mitigations_look(&host);
  clock_look(&host);
  balancing_look(&host);
  swap_look(&host);
  uring_look(&host);
  memlock_look(&host);
  if (fflush(out) != 0 || ferror(out)) return weft_fail(err, -EIO, "writing what the host is like failed: %s", strerror(errno));
  return 0;
}
