/* Where the workers go: a placement plan made from the machine's topology (hwloc). The plan is plain data. */
#ifndef WEFT_PLATFORM_TOPOLOGY_H
#define WEFT_PLATFORM_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum {
  TOPOLOGY_WORKER_MAX = 256,
  TOPOLOGY_TEAM_MAX = 256,
  TOPOLOGY_NODE_MAX = 64,
  TOPOLOGY_CPU_MAX = 4096,      /* logical processors looked at */
  TOPOLOGY_PIN_CORE_COUNT = 4   /* with fewer cores nobody is pinned: the scheduler then does better */
};

struct hwloc_topology;

/* What to plan for. All NULL or a NULL pointer: this machine, with the cpus this thread may run on. */
struct topology_source {
  const char *synthetic; /* an hwloc synthetic description, e.g. "package:2 l3:4 core:8 pu:2" */
  const char *xml;       /* or an hwloc XML document */
  const char *allowed;   /* a cpu list such as "0-3,8": nothing outside it is used */
  uint32_t per_cache_max; /* at most so many workers on one last-level cache; 0: no limit */
};

/* Workers that share a last-level cache; they are worker_first ... worker_first + worker_count - 1. */
struct topology_team {
  uint32_t l3;   /* hwloc's logical index of the cache; where there is none, of the package */
  uint32_t node; /* index into nodes */
  uint32_t worker_first;
  uint32_t worker_count;
};

/* Workers whose memory lies on one NUMA node. */
struct topology_node {
  uint32_t os_node; /* the operating system's number; a node that has memory */
  uint32_t worker_first;
  uint32_t worker_count;
};

struct topology;

/* Written by topology_plan_open. Everything but `machine` is plain data. */
struct topology_plan {
  uint32_t cpu_count;  /* logical processors allowed */
  uint32_t core_count; /* cores with at least one of them */
  uint32_t worker_count;
  uint32_t team_count;
  uint32_t node_count;
  int32_t io_cpu; /* for the I/O thread: the operating system's cpu number, or -1 where no core could be left to it */
  bool pinned;    /* topology_bind_thread binds; else it leaves placement to the scheduler */
  uint16_t worker_cpu[TOPOLOGY_WORKER_MAX]; /* the operating system's cpu number */
  uint16_t worker_team[TOPOLOGY_WORKER_MAX];
  struct topology_team teams[TOPOLOGY_TEAM_MAX];
  struct topology_node nodes[TOPOLOGY_NODE_MAX];
  struct topology *machine; /* owned by the plan; for binding */
};

/* Plans for `workers` workers; 0: one per allowed core, less one core for the I/O thread, at least 1. Workers fill the
 * machine cache by cache, one per core first and second hardware threads only after that, and are numbered so that those
 * of a cache and of a node follow each other. More workers than cpus share them and are not pinned. per_cache_max lowers the
 * number that `workers` 0 gives; a number that was asked for and does not fit under it is placed as if there were no limit.
 * 0, or a negative errno with `err` filled. */
int topology_plan_open(const struct topology_source *source, uint32_t workers, struct topology_plan *plan,
                       struct weft_error *err);
void topology_plan_close(struct topology_plan *plan);

/* The source as hwloc sees it, loaded: hwloc_topology_destroy is the caller's. 0, or a negative errno with `err` filled. */
int topology_load(const struct topology_source *source, struct hwloc_topology **hwloc, struct weft_error *err);

/* Binds the calling thread to the cpu of `worker`, or of the I/O thread. 0 also where the plan does not pin; a refusal
 * is harmless, is logged the first time, and comes back as a negative errno. */
int topology_bind_thread(const struct topology_plan *plan, uint32_t worker);
int topology_bind_io_thread(const struct topology_plan *plan);

/* Spreads the pages of a range over the nodes of the plan's workers, by turns; to be called before they are touched. For state
 * that any worker may take at any time: no page of it has an owner. 0, also where there is one node alone; a refusal is
 * harmless, is logged the first time, and comes back as a negative errno. */
int topology_memory_spread(const struct topology_plan *plan, void *base, size_t size);

#endif
