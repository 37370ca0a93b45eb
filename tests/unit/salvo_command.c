// The subcommand `weft salvo`: exit statuses, and what it sends.
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c tools/salvo/target.c tools/salvo/aircraft.c tools/salvo/scenario.c tools/salvo/scenario_gauge.c tools/salvo/scenario_site.c tools/salvo/salvo_report.c tools/salvo/scanner.c tools/salvo/csv_write.c tools/salvo/truth_write.c tools/salvo/output.c tools/salvo/salvo_main.c
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/ingest/wire.h"
#include "tools/salvo/salvo.h"

enum { ARGUMENTS_MAX = 12, SENSORS_SEEN_MAX = 1000 };

/* Runs the subcommand on a command line of words, stderr into `said`. */
static int command(const char *line, char *said, size_t size) {
  char words[512], *argv[ARGUMENTS_MAX + 1] = {NULL};
  int argc = 0, pipe_fd[2], kept = dup(STDERR_FILENO);
  snprintf(words, sizeof words, "salvo %s", line);
  for (char *word = strtok(words, " "); word && argc < ARGUMENTS_MAX; word = strtok(NULL, " ")) argv[argc++] = word;
  assert_int_equal(pipe(pipe_fd), 0);
  dup2(pipe_fd[1], STDERR_FILENO);
  close(pipe_fd[1]);
  int status = salvo_main(argc, argv);
  dup2(kept, STDERR_FILENO);
  close(kept);
  ssize_t got = read(pipe_fd[0], said, size - 1);
  said[got > 0 ? got : 0] = 0;
  close(pipe_fd[0]);
  return status;
}

static void wrong_use_is_2_and_failure_is_1_with_one_line(void **unused) {
  (void)unused;
  static const struct {
    const char *line;
    int status;
    const char *says;
  } cases[] = {
      {"", 2, "--help"},
      {"tools/scenarios/one.yaml", 2, "nothing to write"},
      {"tools/scenarios/one.yaml --frob", 2, "--frob"},
      {"tools/scenarios/one.yaml --csv", 2, "--csv"},
      {"tools/scenarios/one.yaml --csv /dev/null --speed fast", 2, "no speed"},
      {"tools/scenarios/one.yaml --csv /dev/null --seed -1", 2, "no seed"},
      {"tools/scenarios/one.yaml --csv /dev/null --start soon", 2, "no time"},
      {"tools/scenarios/none.yaml --csv /dev/null", 1, "tools/scenarios/none.yaml"},
      {"tools/scenarios/one.yaml --csv /nowhere/x.csv", 1, "/nowhere/x.csv"},
      {"tools/scenarios/one.yaml --csv /dev/full", 1, "is the disk full?"},
      {"tools/scenarios/one.yaml --truth /dev/full", 1, "is the disk full?"},
      {"tools/scenarios/one.yaml --to nowhere", 1, "HOST:PORT"},
      {"tools/scenarios/one.yaml --to tcp:127.0.0.1:1", 1, "listening"},
      {"tools/scenarios/one.yaml --csv /dev/null", 0, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char said[2048];
    int status = command(cases[i].line, said, sizeof said);
    const char *end = strchr(said, '\n');
    bool one_line = cases[i].status == 0 || (end && end[1] == 0);
    if (status != cases[i].status || !strstr(said, cases[i].says) || !one_line)
      fail_msg("`%s`: status %d, said '%s'", cases[i].line, status, said);
  }
}

static int listener_open(uint16_t *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
  *port = ntohs(at.sin_port);
  return fd;
}

/* What came: per sensor id the next sequence number, and totals. */
struct received {
  uint64_t next[SENSORS_SEEN_MAX];
  uint64_t datagrams, detections, states;
};

static void datagram_take(struct received *received, const uint8_t *data, size_t size) {
  struct wire_header header;
  assert_int_equal(wire_header_decode(data, size, &header), WIRE_OK);
  assert_true(wire_crc_ok(data, size));
  assert_true(size <= 1400 && header.sensor < SENSORS_SEEN_MAX && header.count >= 1);
  assert_int_equal(header.sequence, received->next[header.sensor]++);
  for (uint32_t i = 0; i < header.count; i++) {
    const uint8_t *entry = data + WIRE_HEADER_SIZE + i * WIRE_ENTRY_SIZE;
    struct detection detection;
    struct sensor_state state;
    if (header.type == WIRE_STATES) {
      assert_int_equal(wire_state_decode(entry, &state), WIRE_OK);
      received->states++;
    } else {
      assert_int_equal(wire_detection_decode(entry, &detection), WIRE_OK);
      assert_true(detection.time_ns <= header.sent_ns);
      received->detections++;
    }
  }
  received->datagrams++;
}

static void what_is_sent_decodes_with_unbroken_sequences(void **unused) {
  (void)unused;
  static struct received received;
  static struct wire_stream stream;
  static uint8_t buffer[1 << 16];
  uint16_t port;
  int listener = listener_open(&port);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char line[128], said[2048];
    close(listener);
    snprintf(line, sizeof line, "tools/scenarios/one.yaml --to tcp:127.0.0.1:%u --speed max --duration 120", port);
    _exit(command(line, said, sizeof said));
  }
  int fd = accept(listener, NULL, NULL);
  assert_true(fd >= 0);
  for (ssize_t got; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
    const uint8_t *data = buffer, *datagram;
    size_t size = (size_t)got;
    uint32_t datagram_size;
    while (wire_stream_take(&stream, &data, &size, &datagram, &datagram_size) == WIRE_STREAM_DATAGRAM)
      datagram_take(&received, datagram, datagram_size);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  close(fd);
  close(listener);
  assert_int_equal(received.states, 3 * 120);
  assert_true(received.detections > 5000 && received.datagrams > 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_use_is_2_and_failure_is_1_with_one_line),
      cmocka_unit_test(what_is_sent_decodes_with_unbroken_sequences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
