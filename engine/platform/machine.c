#include "engine/platform/machine.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* Once by name for the list of what a set of kernels needs, once as literals, which alone the compiler's question takes. */
#define V3_FEATURES(each) each("avx2") each("fma") each("bmi") each("bmi2")
#define V4_FEATURES(each) each("avx512f") each("avx512bw") each("avx512cd") each("avx512dq") each("avx512vl")
#define NAMED(name) name,
static const char *const v3_features[] = {V3_FEATURES(NAMED)};
static const char *const v4_features[] = {V4_FEATURES(NAMED)};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void feature_add(char *features, const char *name) {
  size_t used = strlen(features);
  snprintf(features + used, MACHINE_NAME_MAX - used, "%s%s", used ? " " : "", name);
}

static void features_look(char *features) {
#define ADD_IF_HERE(name) \
  if (__builtin_cpu_supports(name)) feature_add(features, name);
  __builtin_cpu_init();
  V3_FEATURES(ADD_IF_HERE)
  V4_FEATURES(ADD_IF_HERE)
#undef ADD_IF_HERE
}

static bool feature_has(const char *features, const char *name) {
  size_t length = strlen(name);
  for (const char *at = strstr(features, name); at; at = strstr(at + 1, name))
    if ((at == features || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) return true;
  return false;
}

bool machine_runs(const struct machine *machine, const char *kernels) {
  bool v4 = strcmp(kernels, "v4") == 0, all = true;
  if (strcmp(kernels, "scalar") == 0) return true;
  for (size_t f = 0; f < COUNT(v3_features); f++) all = all && feature_has(machine->features, v3_features[f]);
  for (size_t f = 0; v4 && f < COUNT(v4_features); f++) all = all && feature_has(machine->features, v4_features[f]);
  return all;
}

static void kernel_look(char *kernel) {
  struct utsname name;
  unsigned major = 0, minor = 0;
  // NOLINTNEXTLINE(cert-err34-c) a release that is no number leaves zeros
  if (uname(&name) == 0) (void)sscanf(name.release, "%5u.%5u", &major, &minor);
  snprintf(kernel, MACHINE_NAME_MAX, "%u.%u", major, minor);
}

static uint32_t objects_count(hwloc_topology_t hwloc, hwloc_obj_type_t type) {
  int count = hwloc_get_nbobjs_by_type(hwloc, type);
  return count > 0 ? (uint32_t)count : 0;
}

static void described_fill(struct machine *machine) {
  snprintf(machine->cpu, sizeof machine->cpu, "described");
  snprintf(machine->kernel, sizeof machine->kernel, "described");
  for (size_t f = 0; f < COUNT(v3_features); f++) feature_add(machine->features, v3_features[f]);
}

static void this_fill(struct machine *machine, hwloc_topology_t hwloc) {
  hwloc_obj_t package = hwloc_get_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, 0);
  const char *name = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
  snprintf(machine->cpu, sizeof machine->cpu, "%s", name && name[0] ? name : "unnamed");
  features_look(machine->features);
  kernel_look(machine->kernel);
}

int machine_look(const struct topology_source *source, struct machine *machine, struct weft_error *err) {
  hwloc_topology_t hwloc;
  int rc = topology_load(source, &hwloc, err);
  if (rc < 0) return rc;
  *machine = (struct machine){.packages = objects_count(hwloc, HWLOC_OBJ_PACKAGE),
                              .numa_nodes = objects_count(hwloc, HWLOC_OBJ_NUMANODE),
                              .caches = objects_count(hwloc, HWLOC_OBJ_L3CACHE),
                              .cores = objects_count(hwloc, HWLOC_OBJ_CORE),
                              .threads = objects_count(hwloc, HWLOC_OBJ_PU)};
  hwloc_obj_t node = NULL;
  while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL)
    machine->memory_nodes += node->attr->numanode.local_memory > 0;
  if (source && (source->synthetic || source->xml)) described_fill(machine);
  else this_fill(machine, hwloc);
  hwloc_topology_destroy(hwloc);
  return 0;
}
