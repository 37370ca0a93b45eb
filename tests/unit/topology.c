/* Placement plans on described machines: plans are plain data, so a small machine can test large ones. */
// stage: weft_platform weft_base
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/platform/topology.h"

/* 2 sockets with 4 L3 caches each, 8 cores per cache, 2 threads per core; sibling threads are numbered side by side. */
static const char *big = "package:2 l3:4 core:8 pu:2";
static struct topology_plan plan;

static void plan_make(const struct topology_source *source, uint32_t workers) {
  struct weft_error err = {0};
  if (topology_plan_open(source, workers, &plan, &err) != 0) fail_msg("%s", err.text);
}

/* What holds for every plan: teams and nodes partition the workers in order, and no cpu has two where none need share. */
static void plan_check(void) {
  uint32_t next = 0, in_nodes = 0;
  bool used[4096] = {false};
  for (uint32_t t = 0; t < plan.team_count; t++) {
    assert_int_equal(plan.teams[t].worker_first, next);
    assert_true(plan.teams[t].worker_count > 0);
    assert_true(plan.teams[t].node < plan.node_count);
    for (uint32_t w = 0; w < plan.teams[t].worker_count; w++) assert_int_equal(plan.worker_team[next + w], t);
    next += plan.teams[t].worker_count;
  }
  assert_int_equal(next, plan.worker_count);
  for (uint32_t n = 0; n < plan.node_count; n++) {
    assert_int_equal(plan.nodes[n].worker_first, in_nodes);
    in_nodes += plan.nodes[n].worker_count;
  }
  assert_int_equal(in_nodes, plan.worker_count);
  if (plan.worker_count > plan.cpu_count) return;
  if (plan.io_cpu >= 0) used[plan.io_cpu] = true;
  for (uint32_t w = 0; w < plan.worker_count; w++) {
    if (used[plan.worker_cpu[w]]) fail_msg("cpu %u is used twice", plan.worker_cpu[w]);
    used[plan.worker_cpu[w]] = true;
  }
}

static void two_sockets_give_one_team_per_cache(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = big}, 64);
  plan_check();
  assert_int_equal(plan.cpu_count, 128);
  assert_int_equal(plan.core_count, 64);
  assert_int_equal(plan.worker_count, 64);
  assert_int_equal(plan.team_count, 8);
  assert_int_equal(plan.io_cpu, -1);
  assert_true(plan.pinned);
  for (uint32_t t = 0; t < 8; t++) {
    assert_int_equal(plan.teams[t].l3, t);
    assert_int_equal(plan.teams[t].worker_count, 8);
  }
  /* One worker per core: the first thread of each. */
  for (uint32_t w = 0; w < 64; w++) assert_int_equal(plan.worker_cpu[w], 2 * w);
  topology_plan_close(&plan);
}

static void default_leaves_one_core_to_the_io_thread(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = big}, 0);
  plan_check();
  assert_int_equal(plan.worker_count, 63);
  assert_int_equal(plan.io_cpu, 0);
  assert_int_equal(plan.worker_cpu[0], 2);
  assert_int_equal(plan.teams[0].worker_count, 7);
  for (uint32_t w = 0; w < 63; w++) assert_true(plan.worker_cpu[w] != 1); /* nor its second thread */
  topology_plan_close(&plan);
}

static void few_workers_stay_within_one_cache(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = big}, 7);
  plan_check();
  assert_int_equal(plan.team_count, 1);
  assert_int_equal(plan.teams[0].l3, 0);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big}, 8);
  plan_check();
  assert_int_equal(plan.team_count, 2);
  topology_plan_close(&plan);
}

static void second_threads_come_after_all_cores(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = big}, 128);
  plan_check();
  assert_int_equal(plan.team_count, 8);
  for (uint32_t t = 0; t < 8; t++) assert_int_equal(plan.teams[t].worker_count, 16);
  for (uint32_t w = 0; w < 8; w++) {
    assert_int_equal(plan.worker_cpu[w], 2 * w);
    assert_int_equal(plan.worker_cpu[8 + w], 2 * w + 1);
  }
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big}, 70);
  plan_check();
  uint32_t second = 0;
  for (uint32_t w = 0; w < 70; w++) second += plan.worker_cpu[w] % 2;
  assert_int_equal(second, 6);
  topology_plan_close(&plan);
}

static void nodes_follow_the_memory(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = "package:2 [numa] l3:4 core:8 pu:2"}, 64);
  plan_check();
  assert_int_equal(plan.node_count, 2);
  assert_int_equal(plan.nodes[0].os_node, 0);
  assert_int_equal(plan.nodes[1].os_node, 1);
  assert_int_equal(plan.nodes[0].worker_count, 32);
  for (uint32_t t = 0; t < 8; t++) assert_int_equal(plan.teams[t].node, t / 4);
  topology_plan_close(&plan);
}

static void one_core_has_one_worker_and_shares_it(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = "package:1 core:1 pu:1"}, 0);
  plan_check();
  assert_int_equal(plan.worker_count, 1);
  assert_int_equal(plan.team_count, 1);
  assert_int_equal(plan.io_cpu, -1);
  assert_false(plan.pinned);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = "package:1 core:2 pu:1"}, 0);
  plan_check();
  assert_int_equal(plan.worker_count, 1);
  assert_int_equal(plan.io_cpu, 0);
  assert_int_equal(plan.worker_cpu[0], 1);
  assert_false(plan.pinned);
  topology_plan_close(&plan);
}

static void more_workers_than_cpus_share_unpinned(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = "package:1 l3:1 core:4 pu:1"}, 10);
  plan_check();
  assert_int_equal(plan.worker_count, 10);
  assert_false(plan.pinned);
  uint32_t per_cpu[4] = {0};
  for (uint32_t w = 0; w < 10; w++) per_cpu[plan.worker_cpu[w]]++;
  for (uint32_t c = 0; c < 4; c++) assert_in_range(per_cpu[c], 2, 3);
  topology_plan_close(&plan);
}

static void restricted_cpus_are_honoured(void **state) {
  (void)state;
  /* Three threads of two cores of cache 0, one thread in cache 4. */
  plan_make(&(struct topology_source){.synthetic = big, .allowed = "2-4,65"}, 4);
  plan_check();
  assert_int_equal(plan.cpu_count, 4);
  assert_int_equal(plan.core_count, 3);
  assert_int_equal(plan.team_count, 2);
  static const uint16_t expected[] = {2, 4, 3, 65};
  for (uint32_t w = 0; w < 4; w++) assert_int_equal(plan.worker_cpu[w], expected[w]);
  assert_int_equal(plan.teams[1].l3, 4);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big, .allowed = "2-4,65"}, 0);
  plan_check();
  assert_int_equal(plan.worker_count, 2);
  assert_int_equal(plan.io_cpu, 2);
  topology_plan_close(&plan);
}

static void a_limit_per_cache_spreads_the_workers(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = big, .per_cache_max = 3}, 24);
  plan_check();
  assert_int_equal(plan.worker_count, 24);
  assert_int_equal(plan.team_count, 8);
  for (uint32_t t = 0; t < 8; t++) assert_int_equal(plan.teams[t].worker_count, 3);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big, .per_cache_max = 3}, 0); /* it lowers the default */
  plan_check();
  assert_int_equal(plan.worker_count, 24);
  assert_int_equal(plan.io_cpu, 0);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big, .per_cache_max = 3}, 10);
  plan_check();
  assert_int_equal(plan.team_count, 4);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big, .per_cache_max = 3}, 25); /* asked for, and doesn't fit: no limit */
  plan_check();
  assert_int_equal(plan.worker_count, 25);
  assert_int_equal(plan.team_count, 4);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = big, .per_cache_max = 200}, 0); /* more than there are */
  plan_check();
  assert_int_equal(plan.worker_count, 63);
  topology_plan_close(&plan);
}

/* Two sockets with memory each, and cpu sets such as containers get. */
static void a_restricted_set_uses_the_memory_of_its_cpus_alone(void **state) {
  (void)state;
  static const char *sockets = "package:2 [numa(memory=64GiB)] l3:4 core:8 pu:2";
  static const struct {
    const char *allowed;
    uint32_t cpus, cores, workers, nodes, node_first, teams;
    int32_t io_cpu;
  } sets[] = {
      {"64-127", 64, 32, 31, 1, 1, 4, 64},       /* the second socket */
      {"0-15", 16, 8, 7, 1, 0, 1, 0},            /* one cache */
      {"0,2,64,66", 4, 4, 3, 2, 0, 2, 0},        /* two cores of each */
      {"1,3,5", 3, 3, 2, 1, 0, 1, 1},            /* second threads whose first ones belong to others */
      {"126,127", 2, 1, 1, 1, 1, 1, -1},         /* one core */
      {"14-17,62-65", 8, 4, 3, 2, 0, 3, 14},     /* across caches and sockets */
  };
  for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
    plan_make(&(struct topology_source){.synthetic = sockets, .allowed = sets[s].allowed}, 0);
    plan_check();
    if (plan.cpu_count != sets[s].cpus || plan.core_count != sets[s].cores || plan.worker_count != sets[s].workers ||
        plan.node_count != sets[s].nodes || plan.nodes[0].os_node != sets[s].node_first || plan.team_count != sets[s].teams ||
        plan.io_cpu != sets[s].io_cpu)
      fail_msg("%s: %u cpus, %u cores, %u workers, %u nodes from %u, %u teams, I/O on %d", sets[s].allowed, plan.cpu_count,
               plan.core_count, plan.worker_count, plan.node_count, plan.nodes[0].os_node, plan.team_count, plan.io_cpu);
    for (uint32_t w = 0; w < plan.worker_count; w++) /* each beside the memory of its own socket */
      assert_int_equal(plan.nodes[plan.teams[plan.worker_team[w]].node].os_node, plan.worker_cpu[w] / 64);
    topology_plan_close(&plan);
  }
}

/* Fast memory beside large memory: two nodes with the same cpus. */
static void of_two_memories_on_a_socket_the_larger_is_used(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.synthetic = "package:2 [numa(memory=16GiB)] [numa(memory=256GiB)] l3:2 core:4 pu:1"}, 16);
  plan_check();
  assert_int_equal(plan.node_count, 2);
  assert_int_equal(plan.team_count, 4);
  assert_int_equal(plan.nodes[0].os_node, 1);
  assert_int_equal(plan.nodes[1].os_node, 3);
  topology_plan_close(&plan);
}

static void every_plan_partitions_its_workers(void **state) {
  (void)state;
  static const char *const machines[] = {"package:2 [numa] l3:4 core:8 pu:2", "package:4 [numa] l3:1 core:16 pu:1",
                                         "package:1 l3:12 core:8 pu:2", "package:2 core:4 pu:2", "core:3 pu:4", "package:8 l3:2 core:16 pu:2"};
  static const char *const sets[] = {NULL, "0-2", "0-6,9", "3,5,7-11"};
  static const uint32_t workers[] = {0, 1, 2, 3, 7, 8, 9, 31, 64, 100, 256}, limits[] = {0, 1, 2, 5, 300};
  for (size_t m = 0; m < sizeof machines / sizeof machines[0]; m++)
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++)
      for (size_t w = 0; w < sizeof workers / sizeof workers[0]; w++)
        for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
          plan_make(&(struct topology_source){.synthetic = machines[m], .allowed = sets[s], .per_cache_max = limits[l]}, workers[w]);
          plan_check();
          if (workers[w] > 0) assert_int_equal(plan.worker_count, workers[w]);
          assert_true(plan.worker_count >= 1 && (plan.pinned || plan.core_count < TOPOLOGY_PIN_CORE_COUNT || plan.worker_count > plan.cpu_count));
          topology_plan_close(&plan);
        }
}

/* Two packages; the second one's node has no memory, so its workers use the memory of the first. */
#define OBJECT(type, os, cpus, nodes, gp, rest) \
  "<object type=\"" type "\" os_index=\"" os "\" cpuset=\"" cpus "\" complete_cpuset=\"" cpus "\" nodeset=\"" nodes \
  "\" complete_nodeset=\"" nodes "\" gp_index=\"" gp "\"" rest ">\n"
static const char *memoryless =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n"
    OBJECT("Machine", "0", "0x0000000f", "0x00000003", "1",
           " allowed_cpuset=\"0x0000000f\" allowed_nodeset=\"0x00000003\"")
    OBJECT("Package", "0", "0x00000003", "0x00000001", "2", "")
    OBJECT("NUMANode", "0", "0x00000003", "0x00000001", "3", " local_memory=\"%s\"/")
    OBJECT("PU", "0", "0x00000001", "0x00000001", "4", "/")
    OBJECT("PU", "1", "0x00000002", "0x00000001", "5", "/")
    "</object>\n"
    OBJECT("Package", "1", "0x0000000c", "0x00000002", "6", "")
    OBJECT("NUMANode", "1", "0x0000000c", "0x00000002", "7", " local_memory=\"%s\"/")
    OBJECT("PU", "2", "0x00000004", "0x00000002", "8", "/")
    OBJECT("PU", "3", "0x00000008", "0x00000002", "9", "/")
    "</object>\n</object>\n</topology>\n";

static void memoryless_node_borrows_from_one_with_memory(void **state) {
  (void)state;
  static const char *memory[][2] = {{"1073741824", "1073741824"}, {"1073741824", "0"}, {"0", "1073741824"}};
  static const uint32_t node_count[] = {2, 1, 1}, first_node[] = {0, 0, 1};
  for (size_t m = 0; m < 3; m++) {
    char xml[8192];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int length = snprintf(xml, sizeof xml, memoryless, memory[m][0], memory[m][1]);
#pragma GCC diagnostic pop
    assert_true(length > 0 && length < (int)sizeof xml);
    plan_make(&(struct topology_source){.xml = xml}, 4);
    plan_check();
    assert_int_equal(plan.worker_count, 4);
    assert_int_equal(plan.team_count, 2);
    assert_int_equal(plan.node_count, node_count[m]);
    assert_int_equal(plan.nodes[0].os_node, first_node[m]);
    topology_plan_close(&plan);
  }
}

/* Three packages, the second one's node without memory: by the firmware's table the third is nearer to it than the first. */
static const char *by_table =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n"
    OBJECT("Machine", "0", "0x0000003f", "0x00000007", "1",
           " allowed_cpuset=\"0x0000003f\" allowed_nodeset=\"0x00000007\"")
    OBJECT("Package", "0", "0x00000003", "0x00000001", "2", "")
    OBJECT("NUMANode", "0", "0x00000003", "0x00000001", "3", " local_memory=\"1073741824\"/")
    OBJECT("PU", "0", "0x00000001", "0x00000001", "4", "/")
    OBJECT("PU", "1", "0x00000002", "0x00000001", "5", "/")
    "</object>\n"
    OBJECT("Package", "1", "0x0000000c", "0x00000002", "6", "")
    OBJECT("NUMANode", "1", "0x0000000c", "0x00000002", "7", " local_memory=\"0\"/")
    OBJECT("PU", "2", "0x00000004", "0x00000002", "8", "/")
    OBJECT("PU", "3", "0x00000008", "0x00000002", "9", "/")
    "</object>\n"
    OBJECT("Package", "2", "0x00000030", "0x00000004", "10", "")
    OBJECT("NUMANode", "2", "0x00000030", "0x00000004", "11", " local_memory=\"1073741824\"/")
    OBJECT("PU", "4", "0x00000010", "0x00000004", "12", "/")
    OBJECT("PU", "5", "0x00000020", "0x00000004", "13", "/")
    "</object>\n</object>\n"
    "<distances2 type=\"NUMANode\" nbobjs=\"3\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n"
    "<indexes length=\"6\">0 1 2 </indexes>\n<u64values length=\"27\">10 21 31 21 10 15 31 15 10 </u64values>\n"
    "</distances2>\n</topology>\n";

static void memoryless_node_borrows_from_the_nearest_by_table(void **state) {
  (void)state;
  plan_make(&(struct topology_source){.xml = by_table}, 6);
  plan_check();
  assert_int_equal(plan.team_count, 3);
  assert_int_equal(plan.node_count, 2);
  for (uint32_t w = 0; w < plan.worker_count; w++) {
    uint32_t node = plan.teams[plan.worker_team[w]].node;
    assert_int_equal(plan.nodes[node].os_node, plan.worker_cpu[w] < 2 ? 0 : 2);
  }
  topology_plan_close(&plan);
}

static void the_io_thread_is_bound_where_the_plan_says(void **state) {
  (void)state;
  cpu_set_t before, now;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  plan_make(NULL, 1);
  plan.io_cpu = plan.worker_cpu[0];
  plan.pinned = false;
  assert_int_equal(topology_bind_io_thread(&plan), 0);
  plan.pinned = true;
  plan.io_cpu = -1; /* none could be spared */
  assert_int_equal(topology_bind_io_thread(&plan), 0);
  assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
  assert_true(CPU_EQUAL(&now, &before));
  plan.io_cpu = plan.worker_cpu[0];
  if (topology_bind_io_thread(&plan) == 0) {
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_COUNT(&now) == 1 && CPU_ISSET((size_t)plan.io_cpu, &now));
  }
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
  topology_plan_close(&plan);
  plan.pinned = true; /* of a plan that is closed, or was never of this machine, nothing is bound */
  assert_int_equal(topology_bind_io_thread(&plan) + topology_bind_thread(&plan, 0), 0);
  assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
  assert_true(CPU_EQUAL(&now, &before));
}

/* Where pages really go only a machine with several nodes shows: tools/numa. */
static void memory_is_spread_where_there_are_several_nodes(void **state) {
  (void)state;
  static _Alignas(4096) unsigned char pages[8 * 4096];
  plan_make(NULL, 1);
  plan.node_count = 1;
  assert_int_equal(topology_memory_spread(&plan, pages, sizeof pages), 0);
  plan.node_count = 2; /* one of them does not exist: refused, said once, harmless */
  plan.nodes[1].os_node = TOPOLOGY_NODE_MAX - 1;
  plan.nodes[0].os_node = TOPOLOGY_NODE_MAX - 2;
  assert_true(topology_memory_spread(&plan, pages, sizeof pages) < 0);
  assert_true(topology_memory_spread(&plan, pages, sizeof pages) < 0);
  topology_plan_close(&plan);
  plan_make(&(struct topology_source){.synthetic = "package:2 [numa] core:4 pu:1"}, 0); /* described: nothing is bound */
  assert_int_equal(plan.node_count, 2);
  assert_int_equal(topology_memory_spread(&plan, pages, sizeof pages), 0);
  topology_plan_close(&plan);
  assert_int_equal(topology_memory_spread(&plan, pages, sizeof pages), 0); /* closed */
  memset(pages, 1, sizeof pages);
}

static void wrong_descriptions_are_refused_with_a_reason(void **state) {
  (void)state;
  static const struct topology_source wrong[] = {{.synthetic = "package:two of them"},
                                                 {.xml = "<nonsense>"},
                                                 {.synthetic = "core:4 pu:1", .allowed = "first four"},
                                                 {.synthetic = "core:4 pu:1", .allowed = "100-200"}};
  for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
    struct weft_error err = {0};
    assert_int_equal(topology_plan_open(&wrong[w], 0, &plan, &err), -EINVAL);
    assert_true(strlen(err.text) > 20);
    topology_plan_close(&plan);
  }
  assert_int_equal(topology_plan_open(NULL, 257, &plan, NULL), -EINVAL);
}

static void this_machine_can_be_planned_and_bound(void **state) {
  (void)state;
  cpu_set_t before, now;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  plan_make(NULL, 0);
  plan_check();
  assert_true(plan.worker_count >= 1 && plan.cpu_count <= (uint32_t)CPU_COUNT(&before));
  for (uint32_t w = 0; w < plan.worker_count; w++) assert_true(CPU_ISSET(plan.worker_cpu[w], &before));
  /* Where the plan does not pin, the affinity stays; where it does, it is one cpu. */
  bool pins = plan.pinned;
  assert_int_equal(topology_bind_thread(&plan, 0), 0);
  assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
  assert_int_equal(CPU_COUNT(&now), pins ? 1 : CPU_COUNT(&before));
  plan.pinned = true;
  if (topology_bind_thread(&plan, 0) == 0) {
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_true(CPU_COUNT(&now) == 1 && CPU_ISSET(plan.worker_cpu[0], &now));
  }
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
  /* A cpu that does not exist: refused, harmless, said. */
  plan.worker_cpu[0] = 4000;
  assert_true(topology_bind_thread(&plan, 0) < 0);
  assert_true(topology_bind_thread(&plan, 0) < 0);
  assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
  assert_true(CPU_EQUAL(&now, &before));
  topology_plan_close(&plan);
}

/* As under taskset: a plan made by a bound thread keeps to its cpus. */
static void binding_of_the_caller_is_honoured(void **state) {
  (void)state;
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  size_t cpu = 0;
  while (!CPU_ISSET(cpu, &before)) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  plan_make(NULL, 0);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
  assert_int_equal(plan.cpu_count, 1);
  assert_int_equal(plan.worker_count, 1);
  assert_int_equal(plan.worker_cpu[0], cpu);
  topology_plan_close(&plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_sockets_give_one_team_per_cache),
      cmocka_unit_test(default_leaves_one_core_to_the_io_thread),
      cmocka_unit_test(few_workers_stay_within_one_cache),
      cmocka_unit_test(second_threads_come_after_all_cores),
      cmocka_unit_test(nodes_follow_the_memory),
      cmocka_unit_test(one_core_has_one_worker_and_shares_it),
      cmocka_unit_test(more_workers_than_cpus_share_unpinned),
      cmocka_unit_test(restricted_cpus_are_honoured),
      cmocka_unit_test(a_limit_per_cache_spreads_the_workers),
      cmocka_unit_test(a_restricted_set_uses_the_memory_of_its_cpus_alone),
      cmocka_unit_test(of_two_memories_on_a_socket_the_larger_is_used),
      cmocka_unit_test(every_plan_partitions_its_workers),
      cmocka_unit_test(memoryless_node_borrows_from_one_with_memory),
      cmocka_unit_test(memoryless_node_borrows_from_the_nearest_by_table),
      cmocka_unit_test(the_io_thread_is_bound_where_the_plan_says),
      cmocka_unit_test(memory_is_spread_where_there_are_several_nodes),
      cmocka_unit_test(wrong_descriptions_are_refused_with_a_reason),
      cmocka_unit_test(this_machine_can_be_planned_and_bound),
      cmocka_unit_test(binding_of_the_caller_is_honoured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
