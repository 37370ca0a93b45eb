/* The commands of weft.h with small inputs, for tests in which the machine refuses something: each can be run again and
 * again, and its output compared with that of an undisturbed run. */
#ifndef WEFT_TESTS_REFUSAL_SUPPORT_H
#define WEFT_TESTS_REFUSAL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/weft.h"

enum { SCENE_PATH_SIZE = 256, SCENE_PLOTS = 40, SCENE_TRACKS_MAX = 64 };
#define SCENE_NS INT64_C(1700000000000000000)

static char scene_folder[64];
static uint16_t scene_port; /* somebody listens there */

/* Only what the command itself does is refused, not what the test does around it, and only in its thread. */
static _Thread_local bool refusal_on;
#define REFUSING(rc, call) \
  do {                     \
    refusal_on = true;     \
    rc = (call);           \
    refusal_on = false;    \
  } while (0)

static const char scene_site[] =
    "centre: A1\ntime: recorded\n"
    "listen: {detections: \"127.0.0.1:0\", asterix: \"127.0.0.1:0\", tracks: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\", standby: \"127.0.0.1:0\"}\n"
    "regions: areas.geojson\n"
    "journal: {directory: site.journal, segment_mib: 1, snapshot_s: 0.05, resume_s: 86400}\n"
    "sensors:\n"
    "  - {id: 7, kind: position, nation: B, revisit_s: 1, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, sigma: {x_m: 40}}\n"
    "  - {id: 8, kind: radar, revisit_s: 1, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, key: 8.key,\n"
    "     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}}\n"
    "  - {id: 9, kind: los, frame: ecef, revisit_s: 1, position: {lat_deg: 0, lon_deg: 3, height_m: 35786000},\n"
    "     sigma: {azimuth_rad: 2e-05, elevation_rad: 2e-05}}\n"
    "  - {id: 10, kind: radar2d, revisit_s: 5, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, asterix: {sac: 20, sic: 4},\n"
    "     sigma: {range_m: 100, azimuth_rad: 0.002}, coverage: {range_m: [0, 400000]}}\n";
static const char scene_areas[] =
    "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"name\":\"north\"},"
    "\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[2,42],[4,42],[4,44],[2,44],[2,42]]]}}]}\n";
static const char scene_truth[] =
    "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,impact_lat_deg,impact_lon_deg,impact_time_ns\n"
    "1700000000000000000,M1,ballistic,boost,1,2,3,4,5,6,41.5,2.25,1700000600000000000\n"
    "1700000000000000000,A1,aircraft,cruise,1,2,3,4,5,6,,,\n";
/* One record of category 048: source 20/4, 1700000000 s is 80000 s of its day, a plot at 80.5625 NM due east. */
static const uint8_t scene_asterix[] = {48, 0, 13, 0xf0, 20, 4, 0x9c, 0x40, 0x00, 0x20, 0x50, 0x90, 0x40};

static inline const char *scene_path(const char *name) {
  static char paths[32][SCENE_PATH_SIZE];
  static int at;
  char *path = paths[at++ % 32];
  snprintf(path, SCENE_PATH_SIZE, "%s/%s", scene_folder, name);
  return path;
}

static inline const char *scene_write(const char *name, const void *data, size_t size) {
  const char *path = scene_path(name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0600), 0);
  return path;
}

static inline int scene_entry_remove(const char *path, const struct stat *status, int type, struct FTW *at) {
  (void)status, (void)type, (void)at;
  return remove(path);
}

static inline void scene_remove(const char *name) {
  nftw(scene_path(name), scene_entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Above the site, rising and falling, once a second. */
static inline struct weft_detection scene_plot(int i) {
  double t = i, out = 60e3 + 1800 * t - 0.5 * 9.0 * t * t;
  return (struct weft_detection){.time_ns = SCENE_NS + i * INT64_C(1000000000), .kind = WEFT_POSITION, .valid = WEFT_HAS_XYZ,
                                 .measure = {4.74e6 + 0.743 * out, 2.5e5 + 0.039 * out + 1000 * t, 4.25e6 + 0.669 * out}};
}

static inline int journal_record(const char *directory, struct weft_error *err) {
  struct weft_recorder *recorder;
  int rc = weft_recorder_open(directory, scene_site, sizeof scene_site - 1, &recorder, err);
  if (rc < 0) return rc;
  struct weft_sensor_state state = {.time_ns = SCENE_NS, .position_m = {4.2e7, 2e6, 1e5}};
  rc = weft_recorder_state(recorder, 9, &state, err);
  for (int i = 0; i < SCENE_PLOTS && rc >= 0; i++) {
    struct weft_detection plot = scene_plot(i);
    rc = weft_recorder_put(recorder, 7, &plot, err);
  }
  int closed = weft_recorder_close(recorder, rc < 0 ? NULL : err);
  return rc < 0 ? rc : closed;
}

/* The output of a command that writes to a stream. */
static inline FILE *stream_open(const char *name) {
  FILE *out = fopen(scene_path(name), "w");
  assert_non_null(out);
  return out;
}

static inline int fuse_run_inputs(const char *const *inputs, uint32_t count, struct weft_error *err) {
  FILE *books = stream_open("out.books");
  struct weft_fuse_options options = {.config_path = scene_path("site.yaml"), .tracks_path = scene_path("out.tracks"), .inputs = inputs,
                                      .input_count = count, .workers = 1, .tracks_max = SCENE_TRACKS_MAX, .ledger = books};
  int rc;
  REFUSING(rc, weft_fuse(&options, err));
  fclose(books);
  return rc;
}

static inline int fuse_run(struct weft_error *err) {
  const char *inputs[] = {scene_path("in.csv"), scene_path("other.jsonl"), scene_path("radar.pcap"), scene_path("radar.ast")};
  return fuse_run_inputs(inputs, 4, err);
}

static inline int fuse_journal_run(struct weft_error *err) {
  const char *inputs[] = {scene_path("journal")};
  return fuse_run_inputs(inputs, 1, err);
}

static inline int replay_with(const char *journal, const char *tracks, const char *to, struct weft_error *err) {
  FILE *books = stream_open("out.books");
  struct weft_replay_options options = {.journal_path = scene_path(journal), .tracks_path = tracks, .to = to, .workers = 1,
                                        .tracks_max = SCENE_TRACKS_MAX, .ledger = books};
  int rc;
  REFUSING(rc, weft_replay(&options, err));
  fclose(books);
  return rc;
}

static inline int replay_run(struct weft_error *err) {
  return replay_with("journal", scene_path("out.tracks"), NULL, err);
}

static inline int replay_resumed_run(struct weft_error *err) {
  return replay_with("resumed", scene_path("out.tracks"), NULL, err);
}

static inline int replay_to_run(struct weft_error *err) {
  char to[32];
  snprintf(to, sizeof to, "127.0.0.1:%u", scene_port);
  return replay_with("journal", NULL, to, err);
}

static inline int inspect_of(const char *name, struct weft_error *err) {
  FILE *out = stream_open("out.lines");
  int rc;
  REFUSING(rc, weft_inspect(scene_path(name), scene_path("site.yaml"), NULL, out, err));
  fclose(out);
  return rc;
}

static inline int inspect_csv_run(struct weft_error *err) { return inspect_of("in.csv", err); }
static inline int inspect_truth_run(struct weft_error *err) { return inspect_of("truth.csv", err); }
static inline int inspect_tracks_run(struct weft_error *err) { return inspect_of("other.jsonl", err); }
static inline int inspect_journal_run(struct weft_error *err) { return inspect_of("journal", err); }
static inline int inspect_pcap_run(struct weft_error *err) { return inspect_of("radar.pcap", err); }
static inline int inspect_snapshot_run(struct weft_error *err) { return inspect_of("resumed/snapshot-0.ws", err); }
static inline int inspect_site_run(struct weft_error *err) { return inspect_of("site.yaml", err); }

static inline int check_run(struct weft_error *err) {
  FILE *out = stream_open("out.lines");
  int rc;
  REFUSING(rc, weft_check(scene_path("site.yaml"), out, err));
  fclose(out);
  return rc;
}

static inline int repair_run(struct weft_error *err) {
  FILE *out = stream_open("out.lines");
  struct weft_repair_options options = {.journal_path = scene_path("journal"), .parity_segments = 2, .parity_files = 1, .out = out};
  int rc;
  REFUSING(rc, weft_repair(&options, err));
  fclose(out);
  return rc;
}

static inline bool server_said_all(void) {
  char text[32768] = {0};
  FILE *file = fopen(scene_path("out.books"), "r");
  if (!file) return false;
  size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return size > 0 && strncmp(text, "ready detections=", 17) == 0 && strstr(text, "\"balanced\":true");
}

static inline void scene_copy(const char *from, const char *to) {
  char command[2 * SCENE_PATH_SIZE + 16];
  scene_remove(to);
  snprintf(command, sizeof command, "cp -r '%s' '%s'", scene_path(from), scene_path(to));
  assert_int_equal(system(command), 0);
}

/* `journal`: one to go on with; NULL: a new one. */
static inline int server_with(enum weft_io io, const char *journal, struct weft_error *err) {
  scene_remove("out.journal");
  if (journal) scene_copy(journal, "out.journal");
  FILE *out = stream_open("out.books");
  struct weft_run_options options = {.config_path = scene_path("site.yaml"), .tracks_path = scene_path("out.tracks"),
                                     .journal_directory = scene_path("out.journal"), .duration_s = 0.02, .workers = 1,
                                     .tracks_max = SCENE_TRACKS_MAX, .io = io, .out = out};
  int rc;
  REFUSING(rc, weft_run(&options, err));
  fclose(out);
  return rc == 0 && !server_said_all() ? weft_fail(err, -EPROTO, "unsaid") : rc;
}

static inline int server_run(struct weft_error *err) { return server_with(WEFT_IO_AUTO, NULL, err); }
static inline int server_plain_run(struct weft_error *err) { return server_with(WEFT_IO_PLAIN, NULL, err); }
static inline int server_again_run(struct weft_error *err) { return server_with(WEFT_IO_AUTO, "killed", err); }

/* Without the files that it names: a configuration that is no file has no folder to find them in. */
static inline size_t site_alone(char *site) {
  memcpy(site, scene_site, sizeof scene_site);
  memset(strstr(site, "regions: areas.geojson"), ' ', strlen("regions: areas.geojson"));
  return sizeof scene_site - 1;
}

static inline void track_pass(void *context, const struct weft_track *track) {
  *(uint64_t *)context += track->detections;
}

static inline int embed_run(struct weft_error *err) {
  struct weft_engine *engine;
  char site[sizeof scene_site];
  uint64_t sum = 0;
  int rc;
  REFUSING(rc, weft_engine_open(site, site_alone(site), 1, track_pass, &sum, &engine, err));
  if (rc < 0) return rc;
  for (int i = 0; i < SCENE_PLOTS; i++) {
    struct weft_detection plot = scene_plot(i);
    assert_int_equal(weft_engine_put(engine, 7, &plot), 0);
  }
  weft_engine_close(engine);
  assert_true(sum > SCENE_PLOTS);
  return 0;
}

static inline int recorder_run(struct weft_error *err) {
  scene_remove("out.journal");
  int rc;
  REFUSING(rc, journal_record(scene_path("out.journal"), err));
  return rc;
}

static inline int key_run(struct weft_error *err) {
  unlink(scene_path("out.key"));
  uint16_t epoch;
  int rc;
  REFUSING(rc, weft_key_make(scene_path("out.key"), false, &epoch, err));
  if (rc == 0) REFUSING(rc, weft_key_make(scene_path("out.key"), true, &epoch, err));
  return rc;
}

static inline int sending_run(struct weft_error *err) {
  struct weft_seal *seal = NULL;
  struct weft_parity *parity = NULL;
  struct weft_sender *sender = NULL;
  int rc;
  REFUSING(rc, weft_seal_open(scene_path("8.key"), &seal, err));
  if (rc == 0) REFUSING(rc, weft_parity_open(4, 2, &parity, err));
  if (rc == 0) REFUSING(rc, weft_sender_open("127.0.0.1", scene_port, &sender, err));
  if (sender) weft_sender_close(sender);
  if (parity) weft_parity_close(parity);
  if (seal) weft_seal_close(seal);
  return rc;
}

struct command {
  const char *name;
  int (*run)(struct weft_error *err);
  const char *outputs[2]; /* the same in every undisturbed run */
};

static const struct command commands[] = {
    {"fuse", fuse_run, {"out.tracks", "out.books"}},
    {"fuse of a journal", fuse_journal_run, {"out.tracks", "out.books"}},
    {"replay", replay_run, {"out.tracks", "out.books"}},
    {"replay of a run that went on", replay_resumed_run, {"out.tracks", "out.books"}},
    {"replay onto the wire", replay_to_run, {"out.books", NULL}},
    {"inspect of detections", inspect_csv_run, {"out.lines", NULL}},
    {"inspect of truth", inspect_truth_run, {"out.lines", NULL}},
    {"inspect of tracks", inspect_tracks_run, {"out.lines", NULL}},
    {"inspect of a journal", inspect_journal_run, {"out.lines", NULL}},
    {"inspect of a capture", inspect_pcap_run, {"out.lines", NULL}},
    {"inspect of a snapshot", inspect_snapshot_run, {"out.lines", NULL}},
    {"inspect of a site", inspect_site_run, {"out.lines", NULL}},
    {"check", check_run, {"out.lines", NULL}},
    {"repair", repair_run, {"out.lines", NULL}},
    {"run", server_run, {NULL, NULL}},
    {"run without io_uring", server_plain_run, {NULL, NULL}},
    {"run that goes on", server_again_run, {NULL, NULL}},
    {"engine inside", embed_run, {NULL, NULL}},
    {"recorder", recorder_run, {NULL, NULL}},
    {"key", key_run, {NULL, NULL}},
    {"sending", sending_run, {NULL, NULL}},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static inline bool command_is_server(const struct command *command) {
  return command->run == server_run || command->run == server_plain_run || command->run == server_again_run;
}

static inline uint64_t file_hash(const char *name) {
  FILE *file = fopen(scene_path(name), "rb");
  uint64_t hash = 1469598103934665603u;
  for (int c; file && (c = getc(file)) != EOF;) hash = (hash ^ (uint64_t)c) * 1099511628211u;
  if (file) fclose(file);
  return hash;
}

/* Of what the last run of a command has put out. */
static inline uint64_t outputs_hash(const struct command *command) {
  uint64_t hash = 0;
  for (int i = 0; i < 2 && command->outputs[i]; i++) hash = hash * 31 + file_hash(command->outputs[i]);
  return hash;
}

static inline int descriptors_open(void) {
  DIR *folder = opendir("/proc/self/fd");
  assert_non_null(folder);
  int count = 0;
  while (readdir(folder)) count++;
  closedir(folder);
  return count;
}

static inline void pcap_write(void) {
  uint8_t bytes[256] = {0};
  const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101};
  const uint32_t size = 28 + sizeof scene_asterix, packet[4] = {1700000000, 0, size, size};
  memcpy(bytes, head, sizeof head);
  memcpy(bytes + 24, packet, sizeof packet);
  uint8_t *ip = bytes + 40;
  const uint8_t start[] = {0x45, 0, 0, (uint8_t)size, 0, 0, 0, 0, 64, 17};
  memcpy(ip, start, sizeof start);
  ip[25] = 8 + sizeof scene_asterix;
  memcpy(ip + 28, scene_asterix, sizeof scene_asterix);
  scene_write("radar.pcap", bytes, 40 + size);
  scene_write("radar.ast", scene_asterix, sizeof scene_asterix);
}

static inline void csv_write(void) {
  FILE *out = stream_open("in.csv");
  fputs("time_ns,sensor,kind,x_m,y_m,z_m\n", out);
  for (int i = 0; i < SCENE_PLOTS; i++) {
    struct weft_detection plot = scene_plot(i);
    fprintf(out, "%lld,7,position,%.17g,%.17g,%.17g\n", (long long)plot.time_ns, plot.measure[0], plot.measure[1], plot.measure[2]);
  }
  fclose(out);
}

/* The tracks of another centre: ours, under its name. */
static inline void other_write(void) {
  struct weft_error err = {{0}};
  const char *inputs[] = {scene_path("in.csv")};
  char site[sizeof scene_site];
  memcpy(site, scene_site, sizeof site);
  memcpy(strstr(site, "A1"), "B2", 2);
  const char *config = scene_write("other.yaml", site, sizeof site - 1);
  struct weft_fuse_options options = {.config_path = config, .tracks_path = scene_path("other.jsonl"), .inputs = inputs, .input_count = 1,
                                      .workers = 1, .tracks_max = SCENE_TRACKS_MAX};
  if (weft_fuse(&options, &err) < 0) fail_msg("%s", err.text);
}

/* A server that is killed when its second snapshot is there, and one that has gone on with its run. */
static inline void killed_make(void) {
  struct weft_error err = {{0}};
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct weft_run_options options = {.config_path = scene_path("site.yaml"), .journal_directory = scene_path("killed"), .duration_s = 60,
                                       .workers = 1, .tracks_max = SCENE_TRACKS_MAX, .out = stream_open("out.books")};
    _exit(weft_run(&options, &err) < 0);
  }
  for (int i = 0; i < 60000 && access(scene_path("killed/snapshot-1.ws"), F_OK) != 0; i++) usleep(1000);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_int_equal(access(scene_path("killed/snapshot-1.ws"), F_OK), 0);
  if (server_again_run(&err) < 0) fail_msg("%s", err.text);
  scene_copy("out.journal", "resumed");
  assert_int_equal(access(scene_path("resumed/00000002.ws"), F_OK), 0); /* what it goes on from */
}

static inline int scene_setup(void **state) {
  (void)state;
  snprintf(scene_folder, sizeof scene_folder, "%s/weft-refused-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (!mkdtemp(scene_folder)) return -1;
  log_level_set(0);
  setenv("HWLOC_SYNTHETIC", "core:2 pu:1", 1); /* reading the machine's would be most of what a start costs */
  scene_write("site.yaml", scene_site, sizeof scene_site - 1);
  scene_write("areas.geojson", scene_areas, sizeof scene_areas - 1);
  scene_write("truth.csv", scene_truth, sizeof scene_truth - 1);
  static const char key[] = "1 1111111111111111111111111111111111111111111111111111111111111111\n";
  scene_write("8.key", key, sizeof key - 1);
  csv_write();
  pcap_write();
  other_write();
  struct weft_error err = {{0}};
  for (int i = 0; i < 2; i++)
    if (journal_record(scene_path("journal"), &err) < 0) fail_msg("%s", err.text);
  killed_make();
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
  scene_port = ntohs(address.sin_port);
  return 0;
}

static inline int scene_teardown(void **state) {
  (void)state;
  scene_remove("");
  return 0;
}

#endif
