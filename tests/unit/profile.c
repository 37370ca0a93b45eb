/* Hardware profiles: what is written reads back, another machine's is refused, and every refusal names its line. */
// stage: weft_platform weft_base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/platform/profile.h"

/* Line numbers in the tables below refer to this text. */
static const char good[] =
    "profile: 1\n"                                   /* 1 */
    "machine:\n"                                     /* 2 */
    "  cpu: \"Some CPU\"\n"                          /* 3 */
    "  features: \"avx2 fma bmi bmi2\"\n"            /* 4 */
    "  kernel: \"6.1\"\n"                            /* 5 */
    "  packages: 2\n"                                /* 6 */
    "  numa_nodes: 3\n"                              /* 7 */
    "  memory_nodes: 2\n"                            /* 8 */
    "  caches: 8\n"                                  /* 9 */
    "  cores: 64\n"                                  /* 10 */
    "  threads: 128\n"                               /* 11 */
    "engine:\n"                                      /* 12 */
    "  kernels: v3\n"                                /* 13 */
    "  workers: 63\n"                                /* 14 */
    "  workers_per_cache: 8\n"                       /* 15 */
    "  frame_limit_ms: 2.5\n"                        /* 16 */
    "pool:\n"                                        /* 17 */
    "  inline_items: 32\n"                           /* 18 */
    "  spin_rounds: 500\n"                           /* 19 */
    "receive:\n"                                     /* 20 */
    "  buffers: 64\n"                                /* 21 */
    "  buffer_bytes: 65536\n"                        /* 22 */
    "  socket_buffer_mib: 4\n";                      /* 23 */
static struct weft_error err;
static struct profile profile;

static int parse(const char *text, const struct machine *here) { return profile_parse(text, strlen(text), "p.yaml", here, &profile, &err); }

/* The good text with one piece of it put otherwise. */
static const char *changed(const char *from, const char *to) {
  static char text[2 * sizeof good];
  const char *at = strstr(good, from);
  assert_non_null(at);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
  return text;
}

static void a_profile_sets_every_knob(void **state) {
  (void)state;
  if (parse(good, NULL) != 0) fail_msg("%s", err.text);
  assert_string_equal(profile.kernels, "v3");
  assert_int_equal(profile.workers, 63);
  assert_int_equal(profile.workers_per_cache, 8);
  assert_true(profile.frame_limit_ms == 2.5);
  assert_int_equal(profile.inline_items, 32);
  assert_int_equal(profile.spin_rounds, 500);
  assert_int_equal(profile.buffers, 64);
  assert_int_equal(profile.buffer_bytes, 65536);
  assert_int_equal(profile.socket_buffer_mib, 4);
  assert_int_equal(profile.spin_us, 0); /* may be absent */
  assert_int_equal(parse(changed("  socket_buffer_mib: 4\n", "  socket_buffer_mib: 4\n  spin_us: 75\n"), NULL), 0);
  assert_int_equal(profile.spin_us, 75);
}

static void what_is_written_reads_back(void **state) {
  (void)state;
  static char bytes[PROFILE_TEXT_MAX], notes[PROFILE_KNOBS][PROFILE_NOTE_MAX] = {[PROFILE_WORKERS] = "Measured: so.\nAgain: so."};
  struct profile before;
  assert_int_equal(parse(good, NULL), 0);
  before = profile;
  before.spin_us = 75;
  snprintf(before.machine.cpu, sizeof before.machine.cpu, "A \"quoted\": name # of it");
  struct text text = text_open(bytes, sizeof bytes);
  profile_write(&text, &before, "a test", "package:2", notes);
  assert_false(text.cut);
  if (profile_parse(text.data, text.used, "written", &before.machine, &profile, &err) != 0) fail_msg("%s", err.text);
  assert_memory_equal(&profile, &before, sizeof before);
  assert_non_null(strstr(bytes, "# UNTESTED on real hardware"));
  assert_non_null(strstr(bytes, "  # Measured: so.\n  # Again: so.\n  workers: 63\n"));
  text = text_open(bytes, sizeof bytes);
  profile_write(&text, &before, "a test", NULL, notes);
  bytes[text.used] = 0;
  assert_null(strstr(bytes, "UNTESTED"));
}

static void what_is_wrong_is_refused_with_its_line(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } wrong[] = {
      {"profile: 1", "profile: 2", "p.yaml:1: profile: 2 is out of range (allowed: 1 to 1)"},
      {"profile: 1\n", "", "profile"},
      {"kernels: v3", "kernels: v5", "p.yaml:13: kernels"},
      {"workers: 63", "workers: 0", "p.yaml:14: workers: 0 is out of range (allowed: 1 to 256)"},
      {"workers: 63", "workers: 257", "p.yaml:14: workers"},
      {"workers: 63", "workers: many", "p.yaml:14: workers"},
      {"workers_per_cache: 8", "workers_per_cache: 0", "p.yaml:15: workers_per_cache"},
      {"frame_limit_ms: 2.5", "frame_limit_ms: 0.01", "p.yaml:16: frame_limit_ms"},
      {"inline_items: 32", "inline_items: -1", "p.yaml:18: inline_items: -1 is out of range (allowed: 0 to 1048576)"},
      {"spin_rounds: 500", "spin_rounds: 10000001", "p.yaml:19: spin_rounds"},
      {"spin_rounds: 500", "spin_round: 500", "spin_round"},
      {"buffers: 64", "buffers: 4", "p.yaml:21: buffers: 4 is out of range (allowed: 8 to 4096)"},
      {"buffers: 64", "buffers: 96", "p.yaml:21: buffers: 96 is no power of two"},
      {"buffer_bytes: 65536", "buffer_bytes: 65537", "p.yaml:22: buffer_bytes"},
      {"socket_buffer_mib: 4", "socket_buffer_mib: 0", "p.yaml:23: socket_buffer_mib"},
      {"socket_buffer_mib: 4\n", "", "socket_buffer_mib"},
      {"socket_buffer_mib: 4\n", "socket_buffer_mib: 4\n  spin_us: 10001\n", "p.yaml:24: spin_us: 10001 is out of range (allowed: 0 to 10000)"},
      {"socket_buffer_mib: 4\n", "socket_buffer_mib: 4\nthreads: 3\n", "p.yaml:24: threads: unknown key"},
      {"cores: 64", "cores: 0", "p.yaml:10: cores"},
      {"  cores: 64\n", "  cores: 64\n  sockets: 2\n", "p.yaml:11: sockets: unknown key"},
      {"  cpu: \"Some CPU\"\n", "", "cpu"},
  };
  for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
    err.text[0] = 0;
    int rc = parse(changed(wrong[w].from, wrong[w].to), NULL);
    if (rc >= 0 || !strstr(err.text, wrong[w].says)) fail_msg("%s: %d '%s' lacks '%s'", wrong[w].to, rc, err.text, wrong[w].says);
  }
  assert_int_equal(profile_load("/nowhere/p.yaml", NULL, &profile, &err), -ENOENT);
  assert_non_null(strstr(err.text, "/nowhere/p.yaml"));
}

static void another_machine_is_refused_with_what_differs_and_the_remedy(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *says;
  } other[] = {
      {"Some CPU", "Another CPU", "p.yaml:3: cpu: \"Another CPU\" in the profile, \"Some CPU\" here"},
      {"\"avx2 fma bmi bmi2\"", "\"avx2 fma bmi bmi2 avx512f\"", "p.yaml:4: features"},
      {"kernel: \"6.1\"", "kernel: \"6.12\"", "p.yaml:5: kernel: \"6.12\" in the profile, \"6.1\" here"},
      {"packages: 2", "packages: 1", "p.yaml:6: packages: 1 in the profile, 2 here"},
      {"numa_nodes: 3", "numa_nodes: 2", "p.yaml:7: numa_nodes"},
      {"memory_nodes: 2", "memory_nodes: 1", "p.yaml:8: memory_nodes"},
      {"caches: 8", "caches: 4", "p.yaml:9: caches"},
      {"cores: 64", "cores: 32", "p.yaml:10: cores"},
      {"threads: 128", "threads: 64", "p.yaml:11: threads"},
  };
  assert_int_equal(parse(good, NULL), 0);
  const struct machine here = profile.machine;
  assert_int_equal(parse(good, &here), 0);
  for (size_t o = 0; o < sizeof other / sizeof other[0]; o++) {
    const char *text = changed(other[o].from, other[o].to);
    assert_int_equal(parse(text, NULL), 0);
    assert_int_equal(parse(text, &here), -EINVAL);
    if (!strstr(err.text, other[o].says)) fail_msg("'%s' lacks '%s'", err.text, other[o].says);
    assert_non_null(strstr(err.text, "weft tune --out FILE"));
  }
  assert_int_equal(parse(changed("kernels: v3", "kernels: v4"), &here), -EINVAL);
  assert_non_null(strstr(err.text, "p.yaml:13: kernels: this CPU lacks what v4 needs"));
}

static void this_machine_is_itself(void **state) {
  (void)state;
  struct machine once, again;
  assert_int_equal(machine_look(NULL, &once, &err), 0);
  assert_int_equal(machine_look(NULL, &again, &err), 0);
  assert_memory_equal(&once, &again, sizeof once);
  assert_true(once.cores >= 1 && once.threads >= once.cores && once.packages >= 1 && once.numa_nodes >= once.memory_nodes);
  assert_true(once.cpu[0] && once.kernel[0] && machine_runs(&once, "scalar") && machine_runs(&once, "v3"));
  assert_int_equal(machine_runs(&once, "v4"), strstr(once.features, "avx512vl") && strstr(once.features, "avx512dq") &&
                                                  strstr(once.features, "avx512bw") && strstr(once.features, "avx512cd"));
}

static void a_described_machine_is_counted_by_hwloc(void **state) {
  (void)state;
  struct machine machine;
  assert_int_equal(machine_look(&(struct topology_source){.synthetic = "package:2 [numa(memory=64GiB)] l3:4(size=32MiB) l2:8(size=2MiB) core:1 pu:2"}, &machine, &err), 0);
  assert_int_equal(machine.packages, 2);
  assert_int_equal(machine.numa_nodes, 2);
  assert_int_equal(machine.memory_nodes, 2);
  assert_int_equal(machine.caches, 8);
  assert_int_equal(machine.cores, 64);
  assert_int_equal(machine.threads, 128);
  assert_string_equal(machine.cpu, "described");
  assert_true(machine_runs(&machine, "v3") && !machine_runs(&machine, "v4"));
  assert_int_equal(machine_look(&(struct topology_source){.synthetic = "package:two"}, &machine, &err), -EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_profile_sets_every_knob),
      cmocka_unit_test(what_is_written_reads_back),
      cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
      cmocka_unit_test(another_machine_is_refused_with_what_differs_and_the_remedy),
      cmocka_unit_test(this_machine_is_itself),
      cmocka_unit_test(a_described_machine_is_counted_by_hwloc),
  };
  return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
