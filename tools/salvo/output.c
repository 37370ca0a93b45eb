#include "tools/salvo/output.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/address.h"
#include "engine/weft.h"

/* 48 + 20 * 64 = 1328 bytes, sealed 16 more, in a parity datagram 18 and its own 64: all fit an Ethernet frame. */
enum { PACK_ENTRIES = 20, DATAGRAM_BYTES = 1472 };

/* A sensor's datagram being filled. */
struct pack {
  uint64_t sequence; /* next */
  uint32_t count;
  int64_t first_ns, last_ns; /* arrival of its first and last detection */
  struct weft_detection entries[PACK_ENTRIES];
  struct weft_seal *seal;     /* NULL: unsealed */
  struct weft_parity *parity; /* NULL: none */
  int64_t group_ns;           /* arrival of the first datagram of its group */
};

struct output {
  const struct scenario *scenario;
  const struct fleet_of_targets *targets;
  int64_t pack_ns, parity_ns;
  FILE *csv;
  const char *csv_name, *to;
  struct weft_sender *udp;
  struct weft_recorder *recorder;
  int tcp;            /* socket or -1 */
  struct pack *packs; /* per sensor; NULL without wire */
  struct output_counts counts;
  int failure;           /* first negative errno */
  struct weft_error why; /* its text, where it came with one */
};

static int tcp_open(const char *host, uint16_t port, struct weft_error *err) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int rc = getaddrinfo(host, service, &hints, &list), fd = -1;
  if (rc) return weft_fail(err, -EHOSTUNREACH, "tcp:%s:%u: %s; check host and port", host, port, gai_strerror(rc));
  for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
    fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen)) {
      rc = -errno;
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(list);
  if (fd < 0)
    return weft_fail(err, rc ? rc : -EIO, "tcp:%s:%u: %s; is the server listening there?", host, port, strerror(-rc));
  return fd;
}

/* A key must never meet a number twice, in no later run either: what is sealed is numbered from the clock on. */
static uint64_t sealed_begin(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Key and parity of each sensor. */
static int packs_open(struct output *output, const struct output_options *options, struct weft_error *err) {
  int rc = 0;
  for (int i = 0; i < output->scenario->gauge_count && rc == 0; i++) {
    struct pack *pack = &output->packs[i];
    char path[SCENARIO_PATH_MAX];
    if (scenario_key_path(output->scenario, output->scenario->gauges[i].id, path)) {
      rc = weft_seal_open(path, &pack->seal, err);
      pack->sequence = sealed_begin();
    }
    if (rc == 0 && options->parity_k > 0) rc = weft_parity_open(options->parity_k, options->parity_m, &pack->parity, err);
  }
  return rc;
}

static int wire_open(struct output *output, const struct output_options *options, struct weft_error *err) {
  const char *to = options->to;
  char host[256];
  uint16_t port = 0;
  bool tcp = strncmp(to, "tcp:", 4) == 0;
  if (tcp || strncmp(to, "udp:", 4) == 0) to += 4;
  if (!address_split(to, host, sizeof host, &port) || port == 0)
    return weft_fail(err, -EINVAL, "%s: no address; write HOST:PORT, with PORT from 1 to 65535", to);
  output->packs = calloc((size_t)output->scenario->gauge_count + 1, sizeof *output->packs);
  if (!output->packs) return weft_fail(err, -ENOMEM, "out of memory");
  int rc = packs_open(output, options, err);
  if (rc) return rc;
  if (!tcp) return weft_sender_open(host, port, &output->udp, err);
  output->tcp = tcp_open(host, port, err);
  return output->tcp < 0 ? output->tcp : 0;
}

/* The journal carries the site configuration that belongs to the scenario. */
static int journal_open(struct output *output, const char *directory, struct weft_error *err) {
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  if (!memory) return weft_fail(err, -ENOMEM, "%s: out of memory", directory);
  scenario_site_print(output->scenario, memory);
  int rc = fclose(memory) ? weft_fail(err, -ENOMEM, "%s: out of memory", directory) : 0;
  if (rc == 0) rc = weft_recorder_open(directory, text, size, &output->recorder, err);
  free(text);
  return rc;
}

int output_open(struct output **output, const struct scenario *scenario, const struct fleet_of_targets *targets,
                const struct output_options *options, struct weft_error *err) {
  struct output *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "out of memory");
  *made = (struct output){.scenario = scenario,
                          .targets = targets,
                          .pack_ns = options->pack_ns,
                          .parity_ns = options->parity_ns,
                          .tcp = -1,
                          .csv_name = options->csv,
                          .to = options->to};
  int rc = 0;
  if (options->journal) rc = journal_open(made, options->journal, err);
  if (rc == 0 && options->csv) {
    made->csv = strcmp(options->csv, "-") == 0 ? stdout : fopen(options->csv, "w");
    if (!made->csv)
      rc = weft_fail(err, -errno, "%s: %s; choose a file that can be written", options->csv, strerror(errno));
    else
      csv_head_write(made->csv);
  }
  if (rc == 0 && options->to) rc = wire_open(made, options, err);
  if (rc) {
    output_close(made, NULL);
    return rc;
  }
  *output = made;
  return 0;
}

static int whole_send(int fd, const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return -errno;
    data += sent;
    size -= (size_t)sent;
  }
  return 0;
}

static void datagram_send(struct output *output, const uint8_t *data, size_t size) {
  int rc = 0;
  if (output->udp) rc = weft_sender_put(output->udp, data, size);
  if (output->tcp >= 0) {
    uint8_t length[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
    rc = whole_send(output->tcp, length, sizeof length);
    if (rc == 0) rc = whole_send(output->tcp, data, size);
  }
  output->counts.datagrams++;
  if (rc && output->failure == 0) output->failure = rc;
}

static uint16_t flags_of(const struct output *output) {
  return output->scenario->exercise ? WEFT_FLAG_EXERCISE : 0;
}

/* Seals where the sensor has a key, sends, and returns the size as sent. */
static size_t sealed_send(struct output *output, struct pack *pack, uint8_t data[DATAGRAM_BYTES], size_t size) {
  if (pack->seal) size = weft_seal_datagram(pack->seal, data, size, DATAGRAM_BYTES);
  if (size == 0 && output->failure == 0) output->failure = -EMSGSIZE;
  if (size > 0) datagram_send(output, data, size);
  return size;
}

/* Ends the sensor's group: its parity follows its datagrams. */
static void group_send(struct output *output, uint32_t gauge, int64_t sent_ns) {
  struct pack *pack = &output->packs[gauge];
  uint8_t data[DATAGRAM_BYTES];
  size_t size;
  for (uint32_t i = 0; (size = weft_parity_datagram(pack->parity, i, data, sizeof data, output->scenario->gauges[gauge].id,
                                                    flags_of(output), pack->sequence, sent_ns)) > 0;
       i++) {
    pack->sequence++;
    output->counts.parity++;
    sealed_send(output, pack, data, size);
  }
  weft_parity_next(pack->parity);
}

static void protected_send(struct output *output, uint32_t gauge, uint8_t data[DATAGRAM_BYTES], size_t size, int64_t sent_ns) {
  struct pack *pack = &output->packs[gauge];
  size = sealed_send(output, pack, data, size);
  if (!pack->parity || size == 0) return;
  if (weft_parity_count(pack->parity) == 0) pack->group_ns = sent_ns;
  if (weft_parity_put(pack->parity, data, size) == 1) group_send(output, gauge, sent_ns);
}

static void pack_send(struct output *output, uint32_t gauge) {
  struct pack *pack = &output->packs[gauge];
  if (pack->count == 0) return;
  uint8_t data[DATAGRAM_BYTES];
  size_t size = weft_datagram_detections(data, sizeof data, output->scenario->gauges[gauge].id, flags_of(output),
                                         pack->sequence++, pack->last_ns, pack->entries, pack->count);
  pack->count = 0;
  protected_send(output, gauge, data, size, pack->last_ns);
}

static struct weft_sensor_state state_make(const struct report *report) {
  struct weft_sensor_state state = {.time_ns = report->time_ns};
  memcpy(state.position_m, report->z, sizeof state.position_m);
  memcpy(state.velocity_mps, report->velocity, sizeof state.velocity_mps);
  return state;
}

static struct weft_detection detection_make(const struct report *report) {
  struct weft_detection detection = {.time_ns = report->time_ns, .kind = report->kind};
  unsigned valid = WEFT_HAS_XYZ;
  for (int i = 0; i < 4; i++) detection.measure[i] = report->z[i];
  if (report->kind == GAUGE_RADAR)
    valid = WEFT_HAS_RANGE | WEFT_HAS_AZIMUTH | WEFT_HAS_ELEVATION | (report->has_rate ? WEFT_HAS_RANGE_RATE : 0u);
  if (report->kind == GAUGE_RADAR2D)
    valid = WEFT_HAS_RANGE | WEFT_HAS_AZIMUTH | (report->has_height ? WEFT_HAS_HEIGHT : 0u);
  if (report->kind == GAUGE_LOS) valid = WEFT_HAS_AZIMUTH | WEFT_HAS_ELEVATION;
  detection.valid = (uint16_t)valid;
  return detection;
}

static void wire_report(struct output *output, const struct report *report) {
  struct pack *pack = &output->packs[report->gauge];
  if (report->kind == REPORT_STATE) {
    uint8_t data[DATAGRAM_BYTES];
    struct weft_sensor_state state = state_make(report);
    pack_send(output, report->gauge);
    pack->last_ns = report->arrival_ns;
    size_t size = weft_datagram_states(data, sizeof data, output->scenario->gauges[report->gauge].id,
                                       flags_of(output), pack->sequence++, report->arrival_ns, &state, 1);
    protected_send(output, report->gauge, data, size, report->arrival_ns);
    return;
  }
  if (pack->count > 0 && report->arrival_ns - pack->first_ns > output->pack_ns) pack_send(output, report->gauge);
  if (pack->count == 0) pack->first_ns = report->arrival_ns;
  pack->entries[pack->count++] = detection_make(report);
  pack->last_ns = report->arrival_ns;
  if (pack->count == PACK_ENTRIES) pack_send(output, report->gauge);
}

static int journal_report(struct output *output, const struct report *report) {
  uint32_t id = output->scenario->gauges[report->gauge].id;
  if (report->kind == REPORT_STATE) {
    struct weft_sensor_state state = state_make(report);
    return weft_recorder_state(output->recorder, id, &state, &output->why);
  }
  struct weft_detection detection = detection_make(report);
  return weft_recorder_put(output->recorder, id, &detection, &output->why);
}

int output_report(struct output *output, const struct report *report) {
  if (output->packs) wire_report(output, report);
  if (output->recorder && output->failure == 0) output->failure = journal_report(output, report);
  if (output->csv) csv_report_write(output->csv, output->scenario, output->targets, report);
  if (report->kind == REPORT_STATE)
    output->counts.states++;
  else if (report->target < 0)
    output->counts.clutter++;
  else
    output->counts.detections++;
  return output->failure;
}

int output_flush(struct output *output, int64_t arrival_ns) {
  if (output->packs) {
    for (uint32_t i = 0; i < (uint32_t)output->scenario->gauge_count; i++) {
      struct pack *pack = &output->packs[i];
      if (pack->count > 0 && arrival_ns - pack->first_ns > output->pack_ns) pack_send(output, i);
      bool open = pack->parity && weft_parity_count(pack->parity) > 0;
      if (open && arrival_ns - pack->group_ns > output->parity_ns) group_send(output, i, pack->last_ns);
    }
    int rc = output->udp ? weft_sender_flush(output->udp) : 0;
    if (rc && output->failure == 0) output->failure = rc;
  }
  return output->failure;
}

struct output_counts output_counts(const struct output *output) {
  return output->counts;
}

int output_close(struct output *output, struct weft_error *err) {
  if (!output) return 0;
  output_flush(output, INT64_MAX);
  int rc = 0;
  if (output->failure && output->why.text[0])
    rc = weft_fail(err, output->failure, "%s", output->why.text);
  else if (output->failure)
    rc = weft_fail(err, output->failure, "%s: %s; is the server listening there?", output->to,
                   strerror(-output->failure));
  weft_sender_close(output->udp);
  if (output->recorder) {
    int closed = weft_recorder_close(output->recorder, rc ? NULL : err);
    if (rc == 0) rc = closed;
  }
  if (output->tcp >= 0) close(output->tcp);
  if (output->csv) {
    int failed = ferror(output->csv) || fflush(output->csv);
    if (output->csv != stdout && fclose(output->csv)) failed = 1;
    if (failed) rc = weft_fail(err, -EIO, "%s: could not be written whole; is the disk full?", output->csv_name);
  }
  for (int i = 0; output->packs && i < output->scenario->gauge_count; i++) {
    weft_seal_close(output->packs[i].seal);
    weft_parity_close(output->packs[i].parity);
  }
  free(output->packs);
  free(output);
  return rc;
}
