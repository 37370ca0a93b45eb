#include "tests/sim/world/world.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/log.h"

static const int64_t first_ns = INT64_C(1800000000000000000);
/* Clang's thread sanitizer and the OpenMP that goes with it keep threads of their own. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define THREADS_OF_OTHERS 1
#endif
#endif
#ifndef THREADS_OF_OTHERS
#define THREADS_OF_OTHERS 0
#endif
enum { TURN_NS = 20000, EMISSION_WAIT_NS_MAX = 700000000 };

struct world world;

const char *const mark_names[MARKS] = {
    [MARK_DATAGRAM_LOST] = "datagram lost",
    [MARK_DATAGRAM_DUPLICATED] = "datagram duplicated",
    [MARK_DATAGRAM_REORDERED] = "datagram reordered",
    [MARK_DATAGRAM_DELAYED] = "datagram delayed",
    [MARK_DATAGRAM_CORRUPTED] = "datagram corrupted",
    [MARK_QUEUE_OVERFLOWED] = "kernel queue overflowed",
    [MARK_CLOCK_FORWARD] = "clock stepped forward",
    [MARK_CLOCK_BACK] = "clock stepped back",
    [MARK_CLOCK_DRIFT] = "clock drifts",
    [MARK_READER_SLOW] = "slow reader",
    [MARK_READER_STUCK] = "stuck reader",
    [MARK_READER_GONE] = "reader gone",
    [MARK_DISK_FULL] = "disk full",
    [MARK_DISK_ERROR] = "append failed",
    [MARK_DISK_SLOW] = "slow disk",
    [MARK_APPEND_SHORT] = "append short, then failed",
    [MARK_SYNC_FAILED] = "sync failed",
    [MARK_WRITE_TORN] = "torn write",
    [MARK_WRITE_MISDIRECTED] = "misdirected write",
    [MARK_WRITE_LOST] = "lost write",
    [MARK_POWER_FAILED] = "power failure of the disk",
    [MARK_SEGMENT_REFUSED] = "segment file refused",
    [MARK_ALLOCATION_FAILED] = "allocation failed at start",
    [MARK_DESCRIPTOR_REFUSED] = "descriptor or thread refused at start",
    [MARK_WORKER_STALLED] = "worker stalled",
    [MARK_COMPLETION_OVERFLOW] = "completions held back (CQ overflow)",
    [MARK_RECEIVE_ENOBUFS] = "receive ENOBUFS",
    [MARK_APPEND_EBUSY] = "append EBUSY",
    [MARK_VALUE_NAN] = "value not a number",
    [MARK_VALUE_INFINITE] = "value infinite",
    [MARK_VALUE_DENORMAL] = "value denormal",
    [MARK_VALUE_EXTREME] = "value extreme",
    [MARK_STATE_GARBAGE] = "sensor state garbage",
    [MARK_SEALED_GARBAGE] = "sealed garbage",
    [MARK_SEALED_REPLAYED] = "sealed datagram replayed",
    [MARK_BYTES_GARBAGE] = "garbage with a good CRC",
    [MARK_STREAM_CUT] = "TCP stream cut within a datagram",
    [MARK_STREAM_BROKEN] = "TCP stream with broken framing",
    [MARK_SENSOR_FLOODS] = "sensor floods (refused over its budget)",
    [MARK_OVERLOADED] = "more comes than can be done (frames shed of)",
    [MARK_OVERLOAD_FALLS] = "step of the ladder falls",
};

void world_fail(const char *format, ...) {
  if (world.failure[0]) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(world.failure, sizeof world.failure, format, arguments);
  va_end(arguments);
}

void world_mark(enum mark mark) {
  world.times[mark]++;
}
bool chance(double probability) {
  return prng_uniform(&world.prng) < probability;
}
double uniform(double low, double high) {
  return low + (high - low) * prng_uniform(&world.prng);
}
int64_t world_now_ns(void) {
  return world.sim ? io_now(world.sim) : world.start_ns;
}

int64_t world_clock_ns(void) {
  int64_t now_ns = world_now_ns();
  return now_ns + world.offset_ns + (int64_t)(world.drift * (double)(now_ns - world.start_ns));
}

/* Each family of faults is there in some seeds and absent in others, so that they meet in all combinations.
 */
static double family(double probability, double most) {
  bool there = chance(probability);
  double rate = uniform(0, most);
  return there ? rate : 0;
}

static void plan_draw(void) {
  world.network = (struct io_sim_faults){.loss = family(0.4, 0.3),
                                         .duplicate = family(0.4, 0.3),
                                         .reorder = family(0.4, 0.3),
                                         .corrupt = family(0.4, 0.2),
                                         .delay_max_ns = (int64_t)family(0.5, 200e6),
                                         .reorder_ns = 200000000};
  world.disk = (struct io_sim_disk_faults){.append_error = family(0.25, 0.15),
                                           .append_torn = family(0.15, 0.03),
                                           .append_misdirected = family(0.15, 0.03),
                                           .append_lost = family(0.15, 0.03),
                                           .sync_error = family(0.2, 0.2)};
  world.clock_steps = chance(0.3) ? 1 + (int)prng_below(&world.prng, 4) : 0;
  world.clock_due_ns = world.start_ns + (int64_t)uniform(0, 2e9);
  world.drift = chance(0.3) ? uniform(-0.01, 0.01) : 0;
  world.p_stall = family(0.3, 0.05);
  world.p_overflow = family(0.3, 0.002);
  world.p_enobufs = family(0.3, 0.005);
  world.p_busy = family(0.2, 0.3);
  world.p_value = family(0.6, 0.6);
  world.p_state = family(0.5, 0.6);
  world.p_garbage = family(0.4, 0.4);
  world.p_seal = family(0.5, 0.5);
  world.p_open = family(0.3, 0.5);
  world.readers = chance(0.8);
  world.duration_ns = (int64_t)uniform(2.5e9, 6e9);
  world.flood_from_ns = chance(0.15) ? world.start_ns + (int64_t)uniform(0, 3e9) : INT64_MAX;
  world.flood_until_ns = world.start_ns + (int64_t)uniform(3e9, 6e9);
  world.overload_from_ns = chance(0.15) ? world.start_ns + (int64_t)uniform(0, 2e9) : INT64_MAX;
  world.overload_until_ns = world.overload_from_ns == INT64_MAX ? 0 : world.overload_from_ns + (int64_t)uniform(2e8, 1.5e9);
  world.overload_cost_ns = (int64_t)uniform(3e5, 3e6);
  world.power_fails_ns = chance(0.25) ? world.start_ns + (int64_t)uniform(0, 6e9) : INT64_MAX;
  world.disk_slow_ns = chance(0.25) ? 900000000 : (int64_t)uniform(0, 3e6);
  world.fail_in = chance(0.12) ? 1 + (int)prng_below(&world.prng, 40) : 0;
  world.fail_descriptors = chance(0.4);
  if (world.fail_descriptors && world.fail_in) world.fail_in = 1 + world.fail_in % 8;
}

/* What the disk held at this moment is what a restart would find; the device says no more to this server. */
static void power_fail(void) {
  world.power_failed = true;
  world_mark(MARK_POWER_FAILED);
  io_sim_crash(world.sim);
  if (world.server && world.server->journal) world.durable = journal_marks_of(world.server->journal);
  for (uint32_t f = 0; f < world.file_count; f++) {
    uint64_t size;
    const uint8_t *data = io_sim_file(world.sim, world.files[f], &size);
    world.survivors[f].size = size;
    world.survivors[f].data = size ? malloc(size) : NULL;
    if (size) memcpy(world.survivors[f].data, data, size);
  }
}

/* The last second: nothing new comes. */
static bool in_drain(void) {
  return world_clock_ns() >= world.start_ns + world.duration_ns - 1000000000;
}

static void clock_turn(int64_t now_ns) {
  if (world.clock_steps == 0 || now_ns < world.clock_due_ns || in_drain()) return;
  world.clock_steps--;
  world.clock_due_ns = now_ns + (int64_t)uniform(1e8, 2e9);
  double step_s = chance(0.2) ? uniform(-12, 3) : uniform(-0.6, 0.3);
  /* It ends in the second before the books close, so that nothing is on its way then. */
  int64_t left_ns = world.start_ns + world.duration_ns - world_clock_ns();
  if (step_s * 1e9 > (double)left_ns - 2e9) return;
  world_mark(step_s > 0 ? MARK_CLOCK_FORWARD : MARK_CLOCK_BACK);
  world.offset_ns += (int64_t)(step_s * 1e9);
}

bool overloaded(int64_t now_ns) {
  return now_ns >= world.overload_from_ns && now_ns < world.overload_until_ns;
}

static int64_t step_cost_ns(const struct frame *frame) {
  return (int64_t)(ladder_work(frame->count, frame->overload_step) * (double)world.overload_cost_ns);
}

/* The engine thread: takes what is closed, after a time that is short, or long where it stalls. */
void worker_turn(int64_t now_ns) {
  struct server *server = world.server;
  if (!server || world.stepped >= server->closed) return;
  if (world.step_due_ns == 0) {
    bool stalls = chance(world.p_stall);
    if (stalls) world_mark(MARK_WORKER_STALLED);
    world.step_due_ns = now_ns + (int64_t)(stalls ? uniform(1e7, 2e9) : uniform(1e4, 1e6));
    if (overloaded(now_ns)) world.step_due_ns += step_cost_ns(&server->slots[world.stepped % SERVER_SLOTS].frame);
    world.step_began_ns = now_ns;
  }
  if (now_ns < world.step_due_ns) return;
  world.step_due_ns = 0;
  world.inside--;
  bool stepped = frames_step(server, world.stepped);
  world.inside++;
  if (!stepped)
    world_fail("frame %llu was closed and could not be stepped", (unsigned long long)world.stepped);
  step_check(&server->slots[world.stepped % SERVER_SLOTS]);
  world.stepped_ns[world.stepped % SERVER_SLOTS] = now_ns;
  world.stepped++;
}

/* What is stepped leaves, whatever the disk does and whatever the clock shows. */
static void emission_check(int64_t now_ns) {
  const struct server *server = world.server;
  if (!server || server->emitted >= world.stepped) return;
  int64_t waits_ns = now_ns - world.stepped_ns[server->emitted % SERVER_SLOTS];
  if (waits_ns > EMISSION_WAIT_NS_MAX)
    world_fail("frame %llu was stepped %.3f s ago and is not emitted",
               (unsigned long long)server->emitted + 1, (double)waits_ns * 1e-9);
}

/* How long the world leaves the server alone. */
static int64_t wait_ns(int64_t timeout_ns, int64_t now_ns) {
  int64_t due_ns = now_ns + 5000000;
  if (world.traffic_due_ns < due_ns && !in_drain()) due_ns = world.traffic_due_ns;
  if (world.step_due_ns > 0 && world.step_due_ns < due_ns) due_ns = world.step_due_ns;
  if (due_ns < now_ns + TURN_NS) due_ns = now_ns + TURN_NS;
  return timeout_ns < due_ns - now_ns ? timeout_ns : due_ns - now_ns;
}

/* While completions overflow, none comes; then all at once, as far as a batch holds. */
static void completions_hold(struct io_batch *batch, int64_t now_ns) {
  if (world.p_overflow > 0 && now_ns >= world.overflow_until_ns && chance(world.p_overflow))
    world.overflow_until_ns = now_ns + (int64_t)uniform(1e6, 8e8);
  bool over = now_ns < world.overflow_until_ns && !in_drain();
  uint32_t kept = 0;
  for (uint32_t e = 0; e < batch->event_count; e++) {
    struct io_event event = batch->events[e];
    if (over && event.kind != IO_EVENT_READY && world.held_count < IO_OPERATION_MAX) {
      world_mark(MARK_COMPLETION_OVERFLOW);
      world.held[world.held_count++] = event;
    } else {
      batch->events[kept++] = event;
    }
  }
  while (!over && world.held_count > 0 && kept < IO_EVENT_MAX)
    batch->events[kept++] = world.held[--world.held_count];
  if (chance(world.p_enobufs) && kept < IO_EVENT_MAX) {
    world_mark(MARK_RECEIVE_ENOBUFS);
    batch->events[kept++] =
        (struct io_event){.token = TAG_DETECTIONS, .kind = IO_EVENT_SOCKET, .result = -ENOBUFS};
  }
  batch->event_count = kept;
}

static int world_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams) {
  (void)io;
  world.inside++;
  if (world.allocations > 0 && !world.opening)
    world_fail("%llu allocations while running", (unsigned long long)world.allocations);
  world.opening = false;
  io_sim_advance(world.sim, TURN_NS);
  int64_t now_ns = world_now_ns();
  /* While it drains it leaves its sockets unread, and wakes for them. */
  if (++world.turns > (in_drain() ? WORLD_DRAIN_TURNS_MAX : WORLD_TURNS_MAX)) {
    fprintf(stderr,
            "seed %llu: the server makes no progress: clock at %.3f s of %.3f, %llu frames closed, %llu "
            "stepped\n",
            (unsigned long long)world.seed, (double)(world_clock_ns() - world.start_ns) * 1e-9,
            (double)world.duration_ns * 1e-9, (unsigned long long)(world.server ? world.server->closed : 0),
            (unsigned long long)world.stepped);
    abort();
  }
  if (!world.power_failed && now_ns >= world.power_fails_ns) power_fail();
  emission_check(now_ns);
  clock_turn(now_ns);
  worker_turn(now_ns);
  if (!in_drain()) traffic_turn(now_ns);
  clients_turn(now_ns);
  int rc = world.sim->ops->receive(world.sim, batch, wait_ns(timeout_ns, now_ns), datagrams);
  int64_t shift_ns = world_clock_ns() - world_now_ns();
  for (uint32_t d = 0; d < batch->datagram_count; d++) batch->datagrams[d].arrival_ns += shift_ns;
  world.udp_taken += batch->datagram_count;
  completions_hold(batch, now_ns);
  world.allocations = 0;
  world.inside--;
  return rc < 0 ? rc : (int)(batch->datagram_count + batch->event_count);
}

static int world_append(struct io *io, int fd, const void *data, size_t size, int64_t offset,
                        uint64_t token) {
  (void)io;
  if (chance(world.p_busy)) {
    world_mark(MARK_APPEND_EBUSY);
    return -EBUSY;
  }
  return io_append(world.sim, fd, data, size, offset, token);
}

static int world_udp_open(struct io *io, const char *host, uint16_t port, uint32_t tag,
                          struct weft_error *err) {
  (void)io;
  return io_udp_open(world.sim, host, port, tag, err);
}
static int world_watch(struct io *io, int fd, uint64_t tag, unsigned interest) {
  (void)io;
  return io_watch(world.sim, fd, tag, interest);
}
static int world_unwatch(struct io *io, int fd) {
  (void)io;
  return io_unwatch(world.sim, fd);
}
static void world_release(struct io *io, struct io_batch *batch) {
  (void)io;
  world.inside++;
  io_release(world.sim, batch);
  world.inside--;
}
static int world_sync(struct io *io, int fd, uint64_t token) {
  (void)io;
  if (fd >= 1 << 21) return io_sync(world.sim, fd, token);
  /* The journal's directory, which is a real one: synced by the next turn. */
  if (world.held_count == IO_OPERATION_MAX) return -EBUSY;
  world.held[world.held_count++] = (struct io_event){.token = token, .kind = IO_EVENT_SYNC};
  return 0;
}
static int64_t world_io_now(struct io *io) {
  (void)io;
  return world_clock_ns();
}
static uint64_t world_drops(struct io *io, uint32_t tag) {
  (void)io;
  return io_kernel_drops(world.sim, tag);
}
static void world_io_close(struct io *io) {
  (void)io;
}

static const struct io_ops world_ops = {.name = "world",
                                        .udp_open = world_udp_open,
                                        .watch = world_watch,
                                        .unwatch = world_unwatch,
                                        .receive = world_receive,
                                        .release = world_release,
                                        .append = world_append,
                                        .sync = world_sync,
                                        .now = world_io_now,
                                        .kernel_drops = world_drops,
                                        .close = world_io_close};

static void world_begin(uint64_t seed) {
  struct stream_pair *pairs = world.pairs;
  struct frame_note *notes = world.notes;
  memset(&world, 0, sizeof world);
  world.pairs = pairs ? pairs : calloc(WORLD_STREAMS_MAX, sizeof *pairs);
  world.notes = notes ? notes : calloc(WORLD_FRAMES_MAX, sizeof *notes);
  weft_assert(world.pairs && world.notes);
  for (int p = 0; p < WORLD_STREAMS_MAX; p++) world.pairs[p].used = false;
  for (int l = 0; l < 3; l++) world.listeners[l] = -1;
  world.seed = seed;
  world.digest = UINT64_C(14695981039346656037);
  world.prng = prng_seed(seed, 7);
  world.start_ns = first_ns;
  plan_draw();
  struct weft_error err;
  struct io_config config = {.rcvbuf_bytes = chance(0.2) ? 4096 : 0};
  weft_assert(io_sim_open(seed, world.start_ns, &config, &world.sim, &err) == 0);
  io_sim_faults_set(world.sim, &world.network);
  io_sim_disk_set(world.sim, world.disk_slow_ns, chance(0.15) ? prng_below(&world.prng, 100000) : UINT64_MAX);
  io_sim_disk_faults_set(world.sim, &world.disk);
  world.io.ops = &world_ops;
  world.inside = 1;
  traffic_begin();
}

/* What the simulated devices counted. */
static void devices_mark(void) {
  struct io_sim_books net = io_sim_books(world.sim);
  struct io_sim_disk_books disk = io_sim_disk_books(world.sim);
  world.times[MARK_DATAGRAM_LOST] = net.lost;
  world.times[MARK_DATAGRAM_DUPLICATED] = net.duplicated;
  world.times[MARK_DATAGRAM_REORDERED] = net.reordered;
  world.times[MARK_DATAGRAM_DELAYED] = world.network.delay_max_ns > 1000000 ? net.delivered : 0;
  world.times[MARK_DATAGRAM_CORRUPTED] = net.corrupted;
  world.times[MARK_QUEUE_OVERFLOWED] = net.overflowed;
  world.times[MARK_CLOCK_DRIFT] = world.drift != 0;
  world.times[MARK_DISK_FULL] = disk.full;
  world.times[MARK_DISK_ERROR] = disk.errors;
  world.times[MARK_DISK_SLOW] = world.disk_slow_ns > 500000000 ? disk.appends : 0;
  world.times[MARK_APPEND_SHORT] = disk.shortened;
  world.times[MARK_SYNC_FAILED] = disk.sync_errors;
  world.times[MARK_WRITE_TORN] = disk.torn;
  world.times[MARK_WRITE_MISDIRECTED] = disk.misdirected;
  world.times[MARK_WRITE_LOST] = disk.lost;
}

static void marks_sum(struct marks *marks, bool ran) {
  for (int m = 0; m < MARKS; m++) {
    marks->times[m] += world.times[m];
    marks->seeds[m] += world.times[m] > 0;
  }
  for (int f = 0; f < FIELDS; f++)
    for (int v = 0; v < VALUES; v++) marks->fields[f][v] += world.fields[f][v];
  marks->runs += ran;
  marks->refused += !ran;
  marks->resumed += world.resumed;
  marks->from_snapshot += world.from_snapshot;
  marks->frames += world.note_count;
  marks->detections += world.detections;
  marks->reports += world.reports;
}

static int threads_count(void) {
  DIR *tasks = opendir("/proc/self/task");
  int threads = 0;
  for (const struct dirent *task; tasks && (task = readdir(tasks));) threads += task->d_name[0] != '.';
  if (tasks) closedir(tasks);
  return threads;
}

/* A thread that outlives its server would work on what the next one writes. One that was joined may still be listed. */
static void threads_check(void) {
  if (THREADS_OF_OTHERS) return;
  int left = threads_count() - 1;
  for (int wait = 0; left > 0 && wait < 5000; wait++) {
    usleep(1000);
    left = threads_count() - 1;
  }
  if (left > 0) world_fail("%d threads are left behind", left);
}

bool world_run(uint64_t seed, const char *folder, struct marks *marks) {
  char config[256], journal[256];
  struct weft_error err = {""};
  snprintf(config, sizeof config, "%s/site.yaml", folder);
  snprintf(journal, sizeof journal, "%s/journal", folder);
  world_begin(seed);
  FILE *out = fopen("/dev/null", "w");
  weft_assert(out);
  struct weft_run_options options = {.config_path = config,
                                     .journal_directory = journal,
                                     .duration_s = (double)world.duration_ns * 1e-9,
                                     .workers = 1,
                                     .tracks_max = WORLD_TRACKS_MAX,
                                     .out = out};
  world.opening = true;
  world.inside = 0;
  int rc = weft_run(&options, &err);
  world.inside = 1;
  world.server = NULL;
  fclose(out);
  bool failed_start = world.times[MARK_ALLOCATION_FAILED] + world.times[MARK_DESCRIPTOR_REFUSED] > 0;
  if (rc < 0 && (!world.opening || !failed_start) &&
      !(world.opening && world.times[MARK_SEGMENT_REFUSED] > 0))
    world_fail("weft_run: %d, %s", rc, err.text);
  if (rc < 0 && err.text[0] == 0) world_fail("refused without a word: %d", rc);
  if (rc == 0 && !world.books_seen) world_fail("the server ended without its books");
  threads_check();
  devices_mark();
  if (rc == 0) journal_check(folder);
  marks_sum(marks, rc == 0);
  for (int f = 0; f < 64; f++) free(world.survivors[f].data);
  io_close(world.sim);
  world.sim = NULL;
  return world.failure[0] == 0;
}
