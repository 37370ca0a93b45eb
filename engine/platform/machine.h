/* What a machine is, as far as a hardware profile depends on it: counted by hwloc, named by CPU and kernel. */
#ifndef WEFT_PLATFORM_MACHINE_H
#define WEFT_PLATFORM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/platform/topology.h"

enum { MACHINE_NAME_MAX = 128 };

/* Plain data: the fingerprint. */
struct machine {
  char cpu[MACHINE_NAME_MAX];      /* the CPU's name for itself; "described" for a described topology */
  char features[MACHINE_NAME_MAX]; /* those of the CPU that kernels are built for, separated by spaces */
  char kernel[MACHINE_NAME_MAX];   /* release of the kernel, major and minor: "6.1" */
  uint32_t packages;
  uint32_t numa_nodes;
  uint32_t memory_nodes; /* NUMA nodes that have memory */
  uint32_t caches;       /* of the third level; 0 where hwloc sees none */
  uint32_t cores;
  uint32_t threads;      /* logical processors */
};

/* `source` as in topology_plan_open; a described one has the CPU features that every machine of weft has. 0, or a negative
 * errno with `err` filled. */
int machine_look(const struct topology_source *source, struct machine *machine, struct weft_error *err);
/* Has it the features that this variant of the kernels needs ("scalar", "v3", "v4")? */
bool machine_runs(const struct machine *machine, const char *kernels);

#endif
