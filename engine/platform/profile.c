#include "engine/platform/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/yaml_doc.h"
#include "engine/platform/io.h"
#include "engine/platform/pool.h"

enum { INLINE_MAX = 1 << 20, SPIN_MAX = 10000000, BUFFERS_MIN = 8, BUFFER_BYTES_MIN = 64, BUFFER_BYTES_MAX = 65536, SOCKET_MIB_MAX = 1024 };
static const double FRAME_LIMIT_MIN_MS = 0.1, FRAME_LIMIT_MAX_MS = 1000;

static const char *const kernel_names[] = {"scalar", "v3", "v4"};

struct profile profile_default(void) {
  return (struct profile){.inline_items = POOL_INLINE_ITEMS, .spin_rounds = POOL_SPIN_ROUNDS};
}

static void count_read(struct yaml_doc *doc, int mapping, const char *key, int64_t min, int64_t max, uint32_t *value) {
  int64_t read;
  if (yaml_doc_int(doc, mapping, key, YAML_REQUIRED, min, max, &read) == YAML_FOUND) *value = (uint32_t)read;
}

static void machine_read(struct yaml_doc *doc, int node, struct machine *machine) {
  yaml_doc_string(doc, node, "cpu", YAML_REQUIRED, machine->cpu, sizeof machine->cpu);
  yaml_doc_string(doc, node, "features", YAML_REQUIRED, machine->features, sizeof machine->features);
  yaml_doc_string(doc, node, "kernel", YAML_REQUIRED, machine->kernel, sizeof machine->kernel);
  count_read(doc, node, "packages", 0, UINT16_MAX, &machine->packages);
  count_read(doc, node, "numa_nodes", 0, UINT16_MAX, &machine->numa_nodes);
  count_read(doc, node, "memory_nodes", 0, UINT16_MAX, &machine->memory_nodes);
  count_read(doc, node, "caches", 0, UINT16_MAX, &machine->caches);
  count_read(doc, node, "cores", 1, UINT16_MAX, &machine->cores);
  count_read(doc, node, "threads", 1, UINT16_MAX, &machine->threads);
  yaml_doc_finish_mapping(doc, node);
}

static void knobs_read(struct yaml_doc *doc, int root, struct profile *profile) {
  int engine = yaml_doc_mapping(doc, root, "engine", YAML_REQUIRED), kernels = -1;
  yaml_doc_enum(doc, engine, "kernels", YAML_REQUIRED, kernel_names, 3, &kernels);
  if (kernels >= 0) snprintf(profile->kernels, sizeof profile->kernels, "%s", kernel_names[kernels]);
  count_read(doc, engine, "workers", 1, TOPOLOGY_WORKER_MAX, &profile->workers);
  count_read(doc, engine, "workers_per_cache", 1, TOPOLOGY_WORKER_MAX, &profile->workers_per_cache);
  yaml_doc_double(doc, engine, "frame_limit_ms", YAML_REQUIRED, FRAME_LIMIT_MIN_MS, FRAME_LIMIT_MAX_MS, &profile->frame_limit_ms);
  yaml_doc_finish_mapping(doc, engine);
  int pool = yaml_doc_mapping(doc, root, "pool", YAML_REQUIRED);
  count_read(doc, pool, "inline_items", 0, INLINE_MAX, &profile->inline_items);
  count_read(doc, pool, "spin_rounds", 0, SPIN_MAX, &profile->spin_rounds);
  yaml_doc_finish_mapping(doc, pool);
  int receive = yaml_doc_mapping(doc, root, "receive", YAML_REQUIRED);
  count_read(doc, receive, "buffers", BUFFERS_MIN, IO_BUFFER_MAX, &profile->buffers);
  count_read(doc, receive, "buffer_bytes", BUFFER_BYTES_MIN, BUFFER_BYTES_MAX, &profile->buffer_bytes);
  count_read(doc, receive, "socket_buffer_mib", 1, SOCKET_MIB_MAX, &profile->socket_buffer_mib);
  int64_t spin_us = 0; /* profiles of before there was such a thing are good */
  if (yaml_doc_int(doc, receive, "spin_us", YAML_OPTIONAL, 0, IO_SPIN_US_MAX, &spin_us) == YAML_FOUND) profile->spin_us = (uint32_t)spin_us;
  if ((profile->buffers & (profile->buffers - 1)) != 0)
    yaml_doc_fail(doc, receive, "buffers", "%u is no power of two (allowed: %d to %d); write for example 128", profile->buffers,
                  BUFFERS_MIN, IO_BUFFER_MAX);
  yaml_doc_finish_mapping(doc, receive);
}

static void name_compare(struct yaml_doc *doc, int node, const char *key, const char *profile, const char *here) {
  if (strcmp(profile, here) == 0) return;
  yaml_doc_fail(doc, node, key, "\"%s\" in the profile, \"%s\" here: it belongs to another machine; make one for this: weft tune --out FILE",
                profile, here);
}

static void count_compare(struct yaml_doc *doc, int node, const char *key, uint32_t profile, uint32_t here) {
  if (profile == here) return;
  yaml_doc_fail(doc, node, key, "%u in the profile, %u here: it belongs to another machine; make one for this: weft tune --out FILE",
                profile, here);
}

static void machine_compare(struct yaml_doc *doc, int root, int node, const struct profile *profile, const struct machine *here) {
  const struct machine *m = &profile->machine;
  name_compare(doc, node, "cpu", m->cpu, here->cpu);
  name_compare(doc, node, "features", m->features, here->features);
  name_compare(doc, node, "kernel", m->kernel, here->kernel);
  count_compare(doc, node, "packages", m->packages, here->packages);
  count_compare(doc, node, "numa_nodes", m->numa_nodes, here->numa_nodes);
  count_compare(doc, node, "memory_nodes", m->memory_nodes, here->memory_nodes);
  count_compare(doc, node, "caches", m->caches, here->caches);
  count_compare(doc, node, "cores", m->cores, here->cores);
  count_compare(doc, node, "threads", m->threads, here->threads);
  if (!machine_runs(here, profile->kernels))
    yaml_doc_fail(doc, yaml_doc_mapping(doc, root, "engine", YAML_REQUIRED), "kernels",
                  "this CPU lacks what %s needs; write v3 or scalar", profile->kernels);
}

/* Frees the document. */
static int document_read(struct yaml_doc *doc, const struct machine *here, struct profile *profile, struct weft_error *err) {
  int64_t version;
  int root = yaml_doc_root(doc);
  *profile = profile_default();
  yaml_doc_int(doc, root, "profile", YAML_REQUIRED, 1, 1, &version);
  int node = yaml_doc_mapping(doc, root, "machine", YAML_REQUIRED);
  machine_read(doc, node, &profile->machine);
  knobs_read(doc, root, profile);
  yaml_doc_finish_mapping(doc, root);
  int rc = yaml_doc_result(doc, err);
  if (rc == 0 && here) {
    machine_compare(doc, root, node, profile, here);
    rc = yaml_doc_result(doc, err);
  }
  yaml_doc_free(doc);
  return rc;
}

int profile_load(const char *path, const struct machine *here, struct profile *profile, struct weft_error *err) {
  struct yaml_doc *doc;
  int rc = yaml_doc_load_file(&doc, path, err);
  return rc < 0 ? rc : document_read(doc, here, profile, err);
}

int profile_parse(const char *text, size_t size, const char *name, const struct machine *here, struct profile *profile,
                  struct weft_error *err) {
  struct yaml_doc *doc;
  int rc = yaml_doc_load(&doc, text, size, name, err);
  return rc < 0 ? rc : document_read(doc, here, profile, err);
}

/* What stands above each knob in the file. */
static const char *const explained[PROFILE_KNOBS] = {
    [PROFILE_KERNELS] = "Instruction set of the kernels: scalar, v3 (AVX2) or v4 (AVX-512). The best is not always the widest.",
    [PROFILE_WORKERS] = "Threads that step frames, 1 to 256. One core is best left to the I/O thread. --workers overrides it.",
    [PROFILE_WORKERS_PER_CACHE] = "At most so many of them on one last-level cache, 1 to 256; matters where workers is less than fit.",
    [PROFILE_FRAME_LIMIT] = "A live frame waits at most so long for a busy engine, 0.1 to 1000, unless the site says frame_limit_ms.",
    [PROFILE_INLINE_ITEMS] = "Loops of at most so many items stay on one worker, 0 to 1048576: waking the others costs more.",
    [PROFILE_SPIN_ROUNDS] = "Pauses of an idle worker before it sleeps, 0 to 10000000; 1,000 are some 10 to 40 us.",
    [PROFILE_BUFFERS] = "Receive buffers, a power of two from 8 to 4096. More take more at a time; io_uring uses few of them while those do.",
    [PROFILE_BUFFER_BYTES] = "Longest datagram taken whole, 64 to 65536. Only 65536 lets the kernel hand over many at once.",
    [PROFILE_SOCKET_BUFFER] = "The kernel's queue of a UDP socket, 1 to 1024; it grants net.core.rmem_max at most: weft tune --host.",
    [PROFILE_SPIN_US] = "Time that the I/O and the engine thread keep their cores when they wait, before they sleep, 0 to 10000; takes a core each.",
};

static void knob_begin(struct text *text, enum profile_knob knob, const char *key, const char *note) {
  text_put(text, "  # ");
  text_put(text, explained[knob]);
  for (const char *line = note; *line; line += *line == '\n') {
    size_t size = strcspn(line, "\n");
    text_put(text, "\n  # ");
    text_bytes(text, line, size);
    line += size;
  }
  text_put(text, "\n  ");
  text_put(text, key);
  text_put(text, ": ");
}

static void knob_count(struct text *text, enum profile_knob knob, const char *key, uint32_t value, const char *note) {
  knob_begin(text, knob, key, note);
  text_u64(text, value);
  text_char(text, '\n');
}

static void line_string(struct text *text, const char *key, const char *value) {
  text_put(text, key);
  text_json(text, value);
  text_char(text, '\n');
}

static void line_count(struct text *text, const char *key, uint32_t value, const char *says) {
  text_put(text, key);
  text_u64(text, value);
  text_put(text, says);
  text_char(text, '\n');
}

static void machine_write(struct text *text, const struct machine *machine) {
  text_put(text, "machine:\n");
  line_string(text, "  cpu: ", machine->cpu);
  line_string(text, "  features: ", machine->features);
  line_string(text, "  kernel: ", machine->kernel);
  line_count(text, "  packages: ", machine->packages, "");
  line_count(text, "  numa_nodes: ", machine->numa_nodes, "");
  line_count(text, "  memory_nodes: ", machine->memory_nodes, "   # NUMA nodes that have memory");
  line_count(text, "  caches: ", machine->caches, "         # of the third level; workers that share one are a team");
  line_count(text, "  cores: ", machine->cores, "");
  line_count(text, "  threads: ", machine->threads, "");
}

void profile_write(struct text *text, const struct profile *profile, const char *made, const char *description,
                   char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX]) {
  text_put(text, "# Hardware profile of weft: weft run, fuse, replay --profile FILE. Speed depends on it, results never do.\n# Made by: ");
  text_put(text, made);
  text_put(text, "\n");
  if (description) {
    text_put(text, "# UNTESTED on real hardware: estimated from a description of a machine, \"");
    text_put(text, description);
    text_put(text, "\".\n# No machine accepts it as it is. On one like it, run weft tune; or put that machine's own block `machine` here.\n");
  }
  text_put(text, "# Every figure may be edited; its range stands beside it.\nprofile: 1\n\n"
                 "# The machine it belongs to, as hwloc and the CPU tell it; on any other it is refused.\n");
  machine_write(text, &profile->machine);
  text_put(text, "\nengine:\n");
  knob_begin(text, PROFILE_KERNELS, "kernels", notes[PROFILE_KERNELS]);
  text_put(text, profile->kernels);
  text_char(text, '\n');
  knob_count(text, PROFILE_WORKERS, "workers", profile->workers, notes[PROFILE_WORKERS]);
  knob_count(text, PROFILE_WORKERS_PER_CACHE, "workers_per_cache", profile->workers_per_cache, notes[PROFILE_WORKERS_PER_CACHE]);
  knob_begin(text, PROFILE_FRAME_LIMIT, "frame_limit_ms", notes[PROFILE_FRAME_LIMIT]);
  text_general(text, profile->frame_limit_ms, 6);
  text_put(text, "\n\npool:\n");
  knob_count(text, PROFILE_INLINE_ITEMS, "inline_items", profile->inline_items, notes[PROFILE_INLINE_ITEMS]);
  knob_count(text, PROFILE_SPIN_ROUNDS, "spin_rounds", profile->spin_rounds, notes[PROFILE_SPIN_ROUNDS]);
  text_put(text, "\nreceive:\n");
  knob_count(text, PROFILE_BUFFERS, "buffers", profile->buffers, notes[PROFILE_BUFFERS]);
  knob_count(text, PROFILE_BUFFER_BYTES, "buffer_bytes", profile->buffer_bytes, notes[PROFILE_BUFFER_BYTES]);
  knob_count(text, PROFILE_SOCKET_BUFFER, "socket_buffer_mib", profile->socket_buffer_mib, notes[PROFILE_SOCKET_BUFFER]);
  knob_count(text, PROFILE_SPIN_US, "spin_us", profile->spin_us, notes[PROFILE_SPIN_US]);
}
