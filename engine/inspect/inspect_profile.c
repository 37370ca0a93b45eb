/* weft inspect on a hardware profile: one object. */
#include <stdlib.h>

#include "engine/base/yaml_doc.h"
#include "engine/inspect/inspect.h"
#include "engine/platform/profile.h"

static void machine_put(struct inspect *inspect, const struct machine *machine) {
  inspect_open(inspect, "machine");
  inspect_string(inspect, "cpu", machine->cpu);
  inspect_string(inspect, "features", machine->features);
  inspect_string(inspect, "kernel", machine->kernel);
  inspect_u64(inspect, "packages", machine->packages);
  inspect_u64(inspect, "numa_nodes", machine->numa_nodes);
  inspect_u64(inspect, "memory_nodes", machine->memory_nodes);
  inspect_u64(inspect, "caches", machine->caches);
  inspect_u64(inspect, "cores", machine->cores);
  inspect_u64(inspect, "threads", machine->threads);
  inspect_close(inspect);
}

int inspect_profile(struct inspect *inspect, struct weft_error *err) {
  char *text;
  size_t size;
  struct profile profile;
  int rc = inspect_text_read(inspect, YAML_DOC_BYTES_MAX, &text, &size, err);
  if (rc < 0) return rc;
  rc = profile_parse(text, size, inspect->name, NULL, &profile, err);
  free(text);
  if (rc < 0) return rc;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "profile");
  machine_put(inspect, &profile.machine);
  inspect_open(inspect, "engine");
  inspect_string(inspect, "kernels", profile.kernels);
  inspect_u64(inspect, "workers", profile.workers);
  inspect_u64(inspect, "workers_per_cache", profile.workers_per_cache);
  inspect_number(inspect, "frame_limit_ms", profile.frame_limit_ms);
  inspect_close(inspect);
  inspect_open(inspect, "pool");
  inspect_u64(inspect, "inline_items", profile.inline_items);
  inspect_u64(inspect, "spin_rounds", profile.spin_rounds);
  inspect_close(inspect);
  inspect_open(inspect, "receive");
  inspect_u64(inspect, "buffers", profile.buffers);
  inspect_u64(inspect, "buffer_bytes", profile.buffer_bytes);
  inspect_u64(inspect, "socket_buffer_mib", profile.socket_buffer_mib);
  inspect_u64(inspect, "spin_us", profile.spin_us);
  inspect_close(inspect);
  inspect_end(inspect);
  return 0;
}
