#include "engine/platform/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <hwloc/distances.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

struct topology {
  hwloc_topology_t hwloc;
  atomic_bool complained; /* about a refused binding, of a thread or of memory */
};

/* One allowed logical processor. */
struct cpu {
  uint32_t order; /* position in hwloc's order, in which neighbours share caches */
  uint32_t rank;  /* 0: first hardware thread of its core, 1: second ... */
  uint32_t l3;
  uint32_t os_node;
  uint16_t os_cpu;
};

static int machine_load(const struct topology_source *source, hwloc_topology_t hwloc, struct weft_error *err) {
  if (source && source->synthetic && hwloc_topology_set_synthetic(hwloc, source->synthetic) != 0)
    return weft_fail(err, -EINVAL, "topology: hwloc does not understand the description '%s'", source->synthetic);
  if (source && source->xml && hwloc_topology_set_xmlbuffer(hwloc, source->xml, (int)strlen(source->xml) + 1) != 0)
    return weft_fail(err, -EINVAL, "topology: hwloc does not understand the XML description");
  if (hwloc_topology_load(hwloc) != 0)
    return weft_fail(err, -EINVAL, "topology: hwloc cannot read the topology of %s: %s",
                     source && (source->synthetic || source->xml) ? "the description" : "this machine", strerror(errno));
  return 0;
}

int topology_load(const struct topology_source *source, struct hwloc_topology **hwloc, struct weft_error *err) {
  if (hwloc_topology_init(hwloc) != 0) return weft_fail(err, -ENOMEM, "topology: out of memory for hwloc's description of the machine");
  int rc = machine_load(source, *hwloc, err);
  if (rc < 0) hwloc_topology_destroy(*hwloc);
  return rc;
}

/* The cpus that may be used: what the operating system allows, what this thread is bound to, and the given list. */
static int allowed_find(const struct topology_source *source, hwloc_topology_t hwloc, hwloc_bitmap_t allowed,
                        struct weft_error *err) {
  hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(hwloc));
  hwloc_bitmap_t other = hwloc_bitmap_alloc();
  if (!other) return weft_fail(err, -ENOMEM, "topology: out of memory for hwloc's description of the machine");
  int rc = 0;
  if (hwloc_topology_is_thissystem(hwloc) && hwloc_get_cpubind(hwloc, other, HWLOC_CPUBIND_THREAD) == 0)
    hwloc_bitmap_and(allowed, allowed, other);
  if (source && source->allowed) {
    if (hwloc_bitmap_list_sscanf(other, source->allowed) != 0)
      rc = weft_fail(err, -EINVAL, "topology: '%s' is no cpu list; write it like 0-3,8", source->allowed);
    else
      hwloc_bitmap_and(allowed, allowed, other);
  }
  hwloc_bitmap_free(other);
  if (rc == 0 && hwloc_bitmap_iszero(allowed))
    rc = weft_fail(err, -EINVAL, "topology: no cpu is left to run on; widen the allowed cpus");
  return rc;
}

static uint64_t node_bytes(hwloc_obj_t node) { return node->attr->numanode.local_memory; }

static hwloc_obj_t node_larger(hwloc_obj_t best, hwloc_obj_t node) {
  return node_bytes(node) > (best ? node_bytes(best) : 0) ? node : best;
}

/* By the firmware's distance table, the node with memory that is nearest to a memory-less one. NULL without a table. */
static hwloc_obj_t node_by_distance(hwloc_topology_t hwloc, hwloc_obj_t from) {
  unsigned count = 1;
  struct hwloc_distances_s *table = NULL;
  hwloc_obj_t best = NULL;
  if (!from || hwloc_distances_get_by_type(hwloc, HWLOC_OBJ_NUMANODE, &count, &table, HWLOC_DISTANCES_KIND_MEANS_LATENCY,
                                           0) != 0 || count == 0)
    return NULL;
  int row = hwloc_distances_obj_index(table, from);
  uint64_t best_latency = UINT64_MAX;
  for (unsigned n = 0; row >= 0 && n < table->nbobjs; n++) {
    uint64_t latency = table->values[(unsigned)row * table->nbobjs + n];
    if (!table->objs[n] || node_bytes(table->objs[n]) == 0 || latency >= best_latency) continue;
    best = table->objs[n];
    best_latency = latency;
  }
  hwloc_distances_release(hwloc, table);
  return best;
}

/* The node whose memory a cpu should use: its own, else by distance, else the nearest one up the tree. A description
 * that states no memory at all gets the cpu's own node, or 0. */
static uint32_t node_for(hwloc_topology_t hwloc, hwloc_obj_t pu) {
  hwloc_obj_t own = NULL, best = NULL, node = NULL;
  while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL) {
    if (!hwloc_bitmap_isset(pu->nodeset, node->os_index)) continue;
    if (!own) own = node;
    best = node_larger(best, node);
  }
  if (!best) best = node_by_distance(hwloc, own);
  for (hwloc_obj_t up = pu->parent; up && !best; up = up->parent) {
    node = NULL;
    while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL)
      if (!best && hwloc_bitmap_isset(up->nodeset, node->os_index) && node_bytes(node) > 0) best = node;
  }
  if (!best) best = own;
  return best ? best->os_index : 0;
}

static uint32_t cache_of(hwloc_topology_t hwloc, hwloc_obj_t pu) {
  hwloc_obj_t l3 = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_L3CACHE, pu);
  if (!l3) l3 = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, pu);
  return l3 ? l3->logical_index : 0;
}

/* Lists the allowed cpus in hwloc's order. Returns their number. */
static uint32_t cpus_list(hwloc_topology_t hwloc, hwloc_const_bitmap_t allowed, struct cpu *cpus, uint32_t *core_count) {
  uint32_t count = 0, rank = 0;
  hwloc_obj_t pu = NULL, core_before = NULL;
  *core_count = 0;
  while ((pu = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_PU, pu)) != NULL && count < TOPOLOGY_CPU_MAX) {
    if (!hwloc_bitmap_isset(allowed, pu->os_index) || pu->os_index > UINT16_MAX) continue;
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_CORE, pu);
    rank = core && core == core_before ? rank + 1 : 0;
    core_before = core;
    *core_count += rank == 0;
    cpus[count] = (struct cpu){.order = count, .rank = rank, .l3 = cache_of(hwloc, pu), .os_node = node_for(hwloc, pu),
                               .os_cpu = (uint16_t)pu->os_index};
    count++;
  }
  return count;
}

static int by_rank(const void *left, const void *right) {
  const struct cpu *a = left, *b = right;
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

static int by_place(const void *left, const void *right) {
  const struct cpu *a = left, *b = right;
  if (a->os_node != b->os_node) return a->os_node < b->os_node ? -1 : 1;
  if (a->l3 != b->l3) return a->l3 < b->l3 ? -1 : 1;
  return by_rank(a, b);
}

/* Numbers the chosen cpus as workers and cuts them into teams and nodes. */
static void plan_fill(struct topology_plan *plan, struct cpu *chosen) {
  qsort(chosen, plan->worker_count, sizeof *chosen, by_place);
  for (uint32_t w = 0; w < plan->worker_count; w++) {
    bool node_new = w == 0 || chosen[w].os_node != chosen[w - 1].os_node;
    bool team_new = node_new || chosen[w].l3 != chosen[w - 1].l3;
    if (node_new && plan->node_count < TOPOLOGY_NODE_MAX)
      plan->nodes[plan->node_count++] = (struct topology_node){.os_node = chosen[w].os_node, .worker_first = w};
    if (team_new)
      plan->teams[plan->team_count++] =
          (struct topology_team){.l3 = chosen[w].l3, .node = plan->node_count - 1, .worker_first = w};
    plan->nodes[plan->node_count - 1].worker_count++;
    plan->teams[plan->team_count - 1].worker_count++;
    plan->worker_cpu[w] = chosen[w].os_cpu;
    plan->worker_team[w] = (uint16_t)(plan->team_count - 1);
  }
}

/* The first `workers` of the cpus from `skip` on, at most so many of a cache. Returns how many there are. */
static uint32_t cpus_limited(const struct topology_plan *plan, const struct cpu *cpus, uint32_t skip, uint32_t workers,
                             uint32_t per_cache_max, struct cpu *chosen) {
  uint16_t used[TOPOLOGY_CPU_MAX] = {0}; /* workers by cache, whose index is below the number of cpus */
  uint32_t count = 0;
  for (uint32_t c = skip; c < plan->cpu_count && count < workers; c++) {
    weft_assert(cpus[c].l3 < TOPOLOGY_CPU_MAX);
    if (used[cpus[c].l3] >= per_cache_max) continue;
    used[cpus[c].l3]++;
    chosen[count++] = cpus[c];
  }
  return count;
}

/* Chooses the cpus: the first core for the I/O thread where one can be spared, the next ones for the workers. */
static void plan_choose(struct topology_plan *plan, uint32_t workers, uint32_t per_cache_max, struct cpu *cpus) {
  static const uint32_t io_first = 1;
  uint32_t skip = 0, fit = 0;
  bool asked = workers > 0;
  if (!asked) workers = plan->core_count > io_first ? plan->core_count - io_first : 1;
  if (workers > TOPOLOGY_WORKER_MAX) workers = TOPOLOGY_WORKER_MAX;
  qsort(cpus, plan->cpu_count, sizeof *cpus, by_rank);
  plan->io_cpu = -1;
  if (plan->core_count > 1 && workers < plan->core_count) {
    plan->io_cpu = cpus[0].os_cpu;
    skip = io_first;
  }
  struct cpu chosen[TOPOLOGY_WORKER_MAX];
  if (per_cache_max > 0) fit = cpus_limited(plan, cpus, skip, workers, per_cache_max, chosen);
  if (fit > 0 && !asked) workers = fit;
  for (uint32_t w = 0; fit < workers && w < workers; w++) chosen[w] = cpus[(skip + w) % plan->cpu_count];
  plan->worker_count = workers;
  plan->pinned = plan->core_count >= TOPOLOGY_PIN_CORE_COUNT && workers <= plan->cpu_count;
  plan_fill(plan, chosen);
}

int topology_plan_open(const struct topology_source *source, uint32_t workers, struct topology_plan *plan,
                       struct weft_error *err) {
  *plan = (struct topology_plan){0};
  if (workers > TOPOLOGY_WORKER_MAX)
    return weft_fail(err, -EINVAL, "topology: %u workers; at most %d", workers, TOPOLOGY_WORKER_MAX);
  struct topology *machine = calloc(1, sizeof *machine);
  struct cpu *cpus = calloc(TOPOLOGY_CPU_MAX, sizeof *cpus);
  hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
  int rc = weft_fail(err, -ENOMEM, "topology: out of memory for hwloc's description of the machine");
  if (!machine || !cpus || !allowed || hwloc_topology_init(&machine->hwloc) != 0) goto free_all;
  rc = machine_load(source, machine->hwloc, err);
  if (rc == 0) rc = allowed_find(source, machine->hwloc, allowed, err);
  if (rc < 0) goto destroy_hwloc;
  plan->cpu_count = cpus_list(machine->hwloc, allowed, cpus, &plan->core_count);
  if (plan->cpu_count == 0) {
    rc = weft_fail(err, -EINVAL, "topology: none of the allowed cpus exists");
    goto destroy_hwloc;
  }
  plan_choose(plan, workers, source ? source->per_cache_max : 0, cpus);
  plan->machine = machine;
  hwloc_bitmap_free(allowed);
  free(cpus);
  return 0;

destroy_hwloc:
  hwloc_topology_destroy(machine->hwloc);
free_all:
  hwloc_bitmap_free(allowed);
  free(cpus);
  free(machine);
  return rc;
}

void topology_plan_close(struct topology_plan *plan) {
  if (!plan->machine) return;
  hwloc_topology_destroy(plan->machine->hwloc);
  free(plan->machine);
  plan->machine = NULL;
}

static int thread_bind(const struct topology_plan *plan, unsigned os_cpu, const char *who) {
  hwloc_bitmap_t set = hwloc_bitmap_alloc();
  if (!set) return -ENOMEM;
  hwloc_bitmap_only(set, os_cpu);
  int rc = hwloc_set_cpubind(plan->machine->hwloc, set, HWLOC_CPUBIND_THREAD) == 0 ? 0 : -errno;
  hwloc_bitmap_free(set);
  if (rc < 0 && !atomic_exchange(&plan->machine->complained, true))
    log_line(LOG_LEVEL_NOTICE, "topology: cannot bind the %s thread to cpu %u: %s; the scheduler places it", who, os_cpu,
             strerror(-rc));
  return rc;
}

int topology_bind_thread(const struct topology_plan *plan, uint32_t worker) {
  weft_assert(worker < plan->worker_count);
  if (!plan->pinned || !plan->machine) return 0;
  return thread_bind(plan, plan->worker_cpu[worker], "worker");
}

int topology_bind_io_thread(const struct topology_plan *plan) {
  if (!plan->pinned || !plan->machine || plan->io_cpu < 0) return 0;
  return thread_bind(plan, (unsigned)plan->io_cpu, "I/O");
}

int topology_memory_spread(const struct topology_plan *plan, void *base, size_t size) {
  if (plan->node_count < 2 || !plan->machine) return 0;
  hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
  if (!nodes) return -ENOMEM;
  for (uint32_t n = 0; n < plan->node_count; n++) hwloc_bitmap_set(nodes, plan->nodes[n].os_node);
  int rc = hwloc_set_area_membind(plan->machine->hwloc, base, size, nodes, HWLOC_MEMBIND_INTERLEAVE, HWLOC_MEMBIND_BYNODESET) == 0 ? 0 : -errno;
  hwloc_bitmap_free(nodes);
  if (rc < 0 && !atomic_exchange(&plan->machine->complained, true))
    log_line(LOG_LEVEL_NOTICE, "topology: cannot spread the engine's memory over %u nodes: %s; it lies where it is first touched",
             plan->node_count, strerror(-rc));
  return rc;
}
