/* Run as the first process of an emulated machine with several NUMA nodes (tools/numa): opens the engine, steps frames, and reads back on which
 * cpus its workers ran and on which nodes the pages of its state lie. Says whether that is as the plan says, and switches the machine off. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/feeder.h"
#include "engine/tune/tune_world.h"

enum { PAGE = 4096, NODES_MAX = 64, SCANS = 3, ITEMS = 4096, ROUNDS = 200 };
static int wrong;
static struct world world;
static int ran_on[TOPOLOGY_WORKER_MAX]; /* cpu of each worker, -1: never seen, -2: on several */

static void check(bool good, const char *claim) {
  printf("numa: %s %s\n", good ? "ok  " : "FAIL", claim);
  wrong += !good;
}

static int node_of_cpu(unsigned cpu) {
  char path[96];
  for (int node = 0; node < NODES_MAX; node++) {
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/node%d", cpu, node);
    if (access(path, F_OK) == 0) return node;
  }
  return -1;
}

static bool node_has_memory(int node) {
  char path[96], line[256];
  unsigned long long total_kib = 0;
  snprintf(path, sizeof path, "/sys/devices/system/node/node%d/meminfo", node);
  FILE *file = fopen(path, "r");
  // NOLINTNEXTLINE(cert-err34-c) the kernel's own figure
  while (file && fgets(line, sizeof line, file) && sscanf(line, "Node %*d MemTotal: %llu kB", &total_kib) != 1) continue;
  if (file) fclose(file);
  return total_kib > 0;
}

static void cpu_note(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  volatile uint64_t value = 1;
  (void)argument;
  for (uint32_t i = 0; i < 2000 * (end - begin); i++) value = value * 3 + 1; /* long enough for the others to come */
  int cpu = sched_getcpu();
  if (ran_on[worker] == -1) ran_on[worker] = cpu;
  else if (ran_on[worker] != cpu) ran_on[worker] = -2;
}

static void workers_check(const struct engine *engine) {
  const struct topology_plan *plan = engine->plan;
  bool placed = true, beside = true;
  int seen = 0;
  for (uint32_t w = 0; w < TOPOLOGY_WORKER_MAX; w++) ran_on[w] = -1;
  for (int round = 0; round < ROUNDS; round++) pool_run(engine->pool, cpu_note, NULL, ITEMS, 16);
  for (uint32_t w = 0; w < plan->worker_count; w++) {
    int own = node_of_cpu(plan->worker_cpu[w]), planned = (int)plan->nodes[plan->teams[plan->worker_team[w]].node].os_node;
    printf("numa: worker %u: cpu %u of node %d, ran on %d, memory of node %d\n", w, plan->worker_cpu[w], own, ran_on[w], planned);
    placed = placed && (ran_on[w] == -1 || ran_on[w] == (int)plan->worker_cpu[w]);
    seen += ran_on[w] != -1;
    beside = beside && (planned == own || !node_has_memory(own)) && node_has_memory(planned);
  }
  check(plan->pinned && placed && seen > 1, "every worker ran on the cpu that the plan says, and no other");
  check(beside, "the plan's node is the worker's own, or has memory where that has none");
}

/* On which node each page of the engine's state lies. */
static void pages_check(const struct engine *engine) {
  const struct topology_plan *plan = engine->plan;
  size_t count = engine->arena.used / PAGE, on[NODES_MAX] = {0}, elsewhere = 0, lying = 0;
  void **pages = calloc(count, sizeof *pages);
  int *nodes = calloc(count, sizeof *nodes);
  if (!pages || !nodes) {
    check(false, "memory for the list of pages");
    return;
  }
  for (size_t p = 0; p < count; p++) pages[p] = engine->arena.base + p * PAGE;
  check(syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) == 0, "the kernel tells where pages are");
  for (size_t p = 0; p < count; p++) {
    bool told = nodes[p] >= 0 && nodes[p] < NODES_MAX;
    if (told) on[nodes[p]]++;
    if (!told && lying == p) printf("numa: the first page without a node is %zu: %s\n", p, strerror(-nodes[p]));
    lying += told;
  }
  bool even = plan->node_count > 1;
  for (int node = 0; node < NODES_MAX; node++) {
    bool planned = false;
    for (uint32_t n = 0; n < plan->node_count; n++) planned = planned || (int)plan->nodes[n].os_node == node;
    if (on[node] > 0 || planned) printf("numa: node %d: %zu of %zu pages%s\n", node, on[node], count, planned ? "" : ", not planned");
    if (!planned) elsewhere += on[node];
    else even = even && 10 * on[node] * plan->node_count > 9 * lying && 10 * on[node] * plan->node_count < 11 * lying;
  }
  check(lying == count, "all of the state was there before the first frame");
  check(elsewhere == 0, "none of it lies on a node that the plan does not name");
  check(even, "each node of the plan has its share, to a tenth");
  free(pages);
  free(nodes);
}

static int run(void) {
  static struct feeder feeder;
  struct weft_error err;
  struct site *site;
  int rc = engine_site_parse(world_site, strlen(world_site), "numa", &site, &err);
  if (rc == 0) rc = feeder_open(&feeder, site, &(struct engine_options){0}, NULL, NULL, &err);
  if (rc < 0) {
    printf("numa: FAIL %s\n", err.text);
    return 1;
  }
  printf("numa: %u cpus, %u cores, %u workers in %u teams on %u nodes, I/O on cpu %d\n", feeder.engine.plan->cpu_count,
         feeder.engine.plan->core_count, feeder.engine.plan->worker_count, feeder.engine.plan->team_count, feeder.engine.plan->node_count,
         feeder.engine.plan->io_cpu);
  pages_check(&feeder.engine);
  workers_check(&feeder.engine);
  world_begin(&world);
  uint32_t accepted = 0;
  for (int scan = 0; scan < SCANS; scan++) {
    world_scan(&world);
    for (uint32_t d = 0; d < WORLD_OBJECTS; d++) accepted += feeder_put(&feeder, &world.scan[d]);
    feeder_flush(&feeder);
  }
  check(accepted == SCANS * WORLD_OBJECTS, "frames are stepped there");
  feeder_end(&feeder);
  feeder_close(&feeder);
  return wrong > 0;
}

int main(void) {
  bool first = getpid() == 1;
  if (first) {
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    if (mount("proc", "/proc", "proc", 0, NULL) != 0 || mount("sysfs", "/sys", "sysfs", 0, NULL) != 0)
      printf("numa: FAIL mounting: %s\n", strerror(errno));
  }
  int rc = run();
  printf("numa: %s\n", rc == 0 ? "passed" : "failed");
  (void)fflush(stdout);
  if (first) reboot(RB_POWER_OFF);
  return rc;
}
