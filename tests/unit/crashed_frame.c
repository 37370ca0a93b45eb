/* A frame that crashes the engine: noted when the server dies of it, tried once more on recovery, passed over after the second
 * time, said and counted, and everything else goes on. The server is the real one; the step is made to fail on one detection. */
// wraps: tracker_step
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/journal/run_state.h"
#include "engine/track/tracker.h"
#include "engine/weft.h"

enum { TARGETS = 5, SCANS = 12, LINE = 65536 };
#define BEGIN_NS 1700000000000000000
#define POISON_SNR 666.0f

void __real_tracker_step(struct tracker *tracker, const struct frame *frame, struct step_output *output, struct ledger *ledger);
void __wrap_tracker_step(struct tracker *tracker, const struct frame *frame, struct step_output *output, struct ledger *ledger);
void __wrap_tracker_step(struct tracker *tracker, const struct frame *frame, struct step_output *output, struct ledger *ledger) {
  for (uint32_t i = 0; i < frame->count; i++) {
    if (frame->snr_db[i] != POISON_SNR) continue;
    usleep(200000); /* a frame whose append is cut off by the crash never was accepted, and is gone */
    raise(SIGSEGV);
  }
  __real_tracker_step(tracker, frame, output, ledger);
}

static char folder[64];

static int folder_make(void **state) {
  (void)state;
  char path[96];
  snprintf(folder, sizeof folder, "/tmp/weft-crashed-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/site.yaml", folder);
  FILE *file = fopen(path, "w");
  if (!file) return -1;
  fprintf(file,
          "centre: C\ntime: recorded\nlisten: {detections: \"127.0.0.1:0\"}\njournal: {directory: %s/journal, snapshot_s: 0, "
          "resume_s: 600}\nsensors:\n  - {id: 1, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, revisit_s: 0.5, "
          "sigma: {x_m: 20}}\n",
          folder);
  return fclose(file);
}

static int folder_remove(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/* A server in a process of its own; what it prints and logs comes through pipes. */
struct life {
  pid_t child;
  FILE *out, *log;
  int port; /* 0: it died before it was ready */
};

static struct life life_begin(void) {
  struct life life = {0};
  int out[2], log[2];
  char line[256];
  assert_int_equal(pipe(out), 0);
  assert_int_equal(pipe(log), 0);
  fflush(NULL);
  life.child = fork();
  if (life.child == 0) {
    char config[96];
    const struct rlimit none = {0, 0};
    struct weft_error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no server behind */
    setrlimit(RLIMIT_CORE, &none);
    dup2(log[1], STDERR_FILENO);
    snprintf(config, sizeof config, "%s/site.yaml", folder);
    for (int s = 1; s < 32; s++) signal(s, SIG_DFL); /* cmocka's */
    struct weft_run_options options = {.config_path = config, .out = fdopen(out[1], "w"), .workers = 1, .tracks_max = 256};
    _exit(weft_run(&options, &err) < 0 ? 1 : 0);
  }
  close(out[1]);
  close(log[1]);
  life.out = fdopen(out[0], "r");
  life.log = fdopen(log[0], "r");
  assert_true(life.out && life.log);
  if (fgets(line, sizeof line, life.out)) assert_int_equal(sscanf(line, "ready detections=udp:127.0.0.1:%d", &life.port), 1);
  return life;
}

/* How it ended: the signal, or 0 for an exit of status 0. Its ledger and its log, as far as they go. */
static int life_end(struct life *life, int signal_sent, char *ledger, char *log) {
  int status;
  if (signal_sent) kill(life->child, signal_sent);
  ledger[fread(ledger, 1, LINE - 1, life->out)] = 0;
  log[fread(log, 1, LINE - 1, life->log)] = 0;
  assert_int_equal(waitpid(life->child, &status, 0), life->child);
  fclose(life->out);
  fclose(life->log);
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  assert_int_equal(WEXITSTATUS(status), 0);
  return 0;
}

static void scan_send(int port, uint64_t scan, bool poison) {
  static uint8_t datagram[4096];
  struct weft_detection detections[TARGETS];
  memset(detections, 0, sizeof detections);
  for (int t = 0; t < TARGETS; t++) {
    detections[t] = (struct weft_detection){.time_ns = BEGIN_NS + (int64_t)scan * 500000000,
                                            .kind = WEFT_POSITION,
                                            .valid = WEFT_HAS_XYZ | WEFT_HAS_SNR,
                                            .snr_db = poison && t == 2 ? POISON_SNR : 20,
                                            .measure = {6388137, 10000.0 * t + 100.0 * (double)scan, 0}};
  }
  size_t size = weft_datagram_detections(datagram, sizeof datagram, 1, 0, scan + 1, BEGIN_NS, detections, TARGETS);
  assert_true(size > 0);
  int link = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(sendto(link, datagram, size, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)size);
  close(link);
}

static void a_frame_that_crashes_the_engine_twice_is_passed_over(void **state) {
  (void)state;
  static char ledger[LINE], log[LINE];
  char journal[96];
  snprintf(journal, sizeof journal, "%s/journal", folder);
  struct life life = life_begin();
  assert_int_not_equal(life.port, 0);
  for (uint64_t scan = 0; scan < SCANS; scan++) scan_send(life.port, scan, false);
  usleep(300000); /* the poison is not to share a frame with all that; if it does, nothing below changes but a figure */
  scan_send(life.port, SCANS, true);
  assert_int_equal(life_end(&life, 0, ledger, log), SIGSEGV);
  struct run_state runs;
  run_state_read(journal, &runs);
  assert_true(runs.run != 0 && !runs.ended && runs.crash_count == 1);
  uint64_t frame = runs.crashed[0];

  life = life_begin(); /* tries the frame again, and dies of it again */
  assert_int_equal(life.port, 0);
  assert_int_equal(life_end(&life, 0, ledger, log), SIGSEGV);
  run_state_read(journal, &runs);
  assert_int_equal(run_state_crashes(&runs, frame), 2);

  life = life_begin();
  assert_int_not_equal(life.port, 0);
  for (uint64_t scan = SCANS + 1; scan < 2 * SCANS; scan++) scan_send(life.port, scan, false);
  usleep(300000);
  assert_int_equal(life_end(&life, SIGTERM, ledger, log), 0);
  assert_non_null(strstr(log, "has crashed the engine 2 times and is passed over"));
  assert_non_null(strstr(log, "1 passed over"));
  assert_non_null(strstr(ledger, "\"balanced\":true"));
  run_state_read(journal, &runs);
  assert_true(runs.ended && run_state_crashes(&runs, frame) == 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_frame_that_crashes_the_engine_twice_is_passed_over)};
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
