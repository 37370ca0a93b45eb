/* The generator of `tools/bench capacity` and `latency`: makes the datagrams of a world of coasting bodies (coast.h), then does what its
 * input says, line by line, each answered by a line of JSON: `play PORT PART [RATE]` sends a part (0: until all objects have begun,
 * and a second more; then equal parts of what follows) as fast as it is taken, or so many detections per second; `score FILE` holds
 * the last line of each track in a file of track lines against the truth. Usage: bench_coast_sender OBJECTS BEGIN_S PARTS PART_S SITE_FILE:
 * so many parts besides the first, so long each; the site is written there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/coast.h"
#include "bench/stream.h"

enum { PARTS_MAX = 16, BYTES_PER_DETECTION = 72, LINE_TRACKS_MAX = 1 << 16, LINE_MAX_BYTES = 1 << 14 };
static const double false_share = 0.05, radar_revisit_s = 0.7, cap_rad = 0.235, settle_s = 1.2;
static const double found_m = 2000; /* a track farther from every object is of none */

static struct coast *coast;
static struct stream parts[PARTS_MAX];
static unsigned part_count;

static int parts_make(const struct coast_options *options, double part_s) {
  double until_s = options->begin_s + settle_s, length_s = until_s;
  double per_s = 1.2 * options->objects * (COAST_RADARS / radar_revisit_s + COAST_EYES / (4 * radar_revisit_s));
  for (unsigned p = 0; p < part_count; p++, length_s = part_s, until_s += part_s) {
    struct coast_slot slot = {0};
    if (stream_reserve(&parts[p], (size_t)(per_s * length_s * BYTES_PER_DETECTION) + (1u << 20)) < 0) return -1;
    if (p) { /* sequence numbers go on */
      memcpy(parts[p].collecting, parts[p - 1].collecting, sizeof parts[p].collecting);
      parts[p].collecting_count = parts[p - 1].collecting_count;
    }
    while (slot.end_s < until_s) {
      coast_next(coast, &slot);
      for (uint32_t i = 0; i < slot.count; i++)
        if (!stream_put(&parts[p], coast_sensor_id(slot.sensor), &slot.plots[i])) return -1;
    }
    if (!stream_close(&parts[p])) return -1;
  }
  return 0;
}

/* The last line of a track: state, covariance, whether it is a confirmed ballistic one. */
struct last_line {
  uint64_t track;
  int64_t time_ns;
  double state[6], covariance[21];
  bool ballistic;
};

static struct last_line lines[LINE_TRACKS_MAX];
static uint32_t line_count;

static int numbers_read(const char *line, const char *key, double *out, int count) {
  const char *at = strstr(line, key);
  if (!at) return -1;
  at += strlen(key);
  for (int i = 0; i < count; i++) {
    char *end;
    out[i] = strtod(at, &end);
    if (end == at) return -1;
    at = end + 1;
  }
  return 0;
}

static int line_take(const char *text) {
  struct last_line line = {0};
  const char *track = strstr(text, "\"track\":"), *time = strstr(text, "\"time_ns\":");
  if (!track || !time || strstr(text, "\"status\":\"lost\"")) return 0;
  line.track = strtoull(track + 8, NULL, 10);
  line.time_ns = strtoll(time + 10, NULL, 10);
  line.ballistic = strstr(text, "\"status\":\"confirmed\",\"class\":\"ballistic\"") != NULL;
  if (numbers_read(text, "\"position_ecef_m\":[", line.state, 3) < 0 || numbers_read(text, "\"velocity_ecef_mps\":[", line.state + 3, 3) < 0 ||
      numbers_read(text, "\"covariance\":[", line.covariance, 21) < 0)
    return -1;
  for (uint32_t i = line_count; i-- > 0;) { /* the newest are near the end */
    if (lines[i].track != line.track) continue;
    lines[i] = line;
    return 0;
  }
  if (line_count == LINE_TRACKS_MAX) return -1;
  lines[line_count++] = line;
  return 0;
}

/* d' C^-1 d by Cholesky; negative where C is not positive definite. */
static double distance2(const double packed[21], const double d[6]) {
  double l[6][6] = {{0}}, y[6], sum = 0;
  int at = 0;
  for (int i = 0; i < 6; i++)
    for (int j = i; j < 6; j++) l[j][i] = packed[at++];
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j <= i; j++) {
      double s = l[i][j];
      for (int k = 0; k < j; k++) s -= l[i][k] * l[j][k];
      if (i == j && !(s > 0)) return -1;
      l[i][j] = i == j ? sqrt(s) : s / l[j][j];
    }
    y[i] = d[i];
    for (int k = 0; k < i; k++) y[i] -= l[i][k] * y[k];
    y[i] /= l[i][i];
    sum += y[i] * y[i];
  }
  return sum;
}

/* The nearest object's state minus the line's; returns its distance. */
static double error_of(const struct last_line *line, uint32_t objects, double error[6]) {
  double nearest = INFINITY;
  for (uint32_t o = 0; o < objects; o++) {
    double state[6], d2 = 0;
    if (!coast_state(coast, o, line->time_ns, state)) continue;
    for (int i = 0; i < 3; i++) d2 += (state[i] - line->state[i]) * (state[i] - line->state[i]);
    if (!(d2 < nearest)) continue;
    nearest = d2;
    for (int i = 0; i < 6; i++) error[i] = line->state[i] - state[i];
  }
  return sqrt(nearest);
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static int score(const char *path, uint32_t objects) {
  static char text[LINE_MAX_BYTES];
  FILE *file = fopen(path, "r");
  if (!file) return fprintf(stderr, "bench_coast_sender: %s can't be read\n", path), -1;
  line_count = 0;
  int rc = 0;
  while (rc == 0 && fgets(text, sizeof text, file)) rc = line_take(text);
  fclose(file);
  if (rc < 0) return fprintf(stderr, "bench_coast_sender: a line of %s can't be read\n", path), -1;
  static double position_m[LINE_TRACKS_MAX], velocity_mps[LINE_TRACKS_MAX];
  uint32_t found = 0, ballistic = 0;
  double position2 = 0, velocity2 = 0, nees = 0;
  for (uint32_t i = 0; i < line_count; i++) {
    double error[6] = {0};
    if (!lines[i].ballistic) continue; /* not sure of itself yet: two plots, one of which may be false */
    ballistic++;
    if (!(error_of(&lines[i], objects, error) < found_m)) continue;
    position_m[found] = sqrt(error[0] * error[0] + error[1] * error[1] + error[2] * error[2]);
    velocity_mps[found] = sqrt(error[3] * error[3] + error[4] * error[4] + error[5] * error[5]);
    position2 += position_m[found] * position_m[found];
    velocity2 += velocity_mps[found] * velocity_mps[found];
    found++;
    nees += distance2(lines[i].covariance, error) / 6;
  }
  qsort(position_m, found, sizeof *position_m, ascending);
  qsort(velocity_mps, found, sizeof *velocity_mps, ascending);
  double n = found > 0 ? found : 1;
  printf("{\"tracks\":%u,\"ballistic\":%u,\"of_objects\":%u,\"rmse_position_m\":%.3f,\"rmse_velocity_mps\":%.4f,\"median_position_m\":%.3f,\"median_velocity_mps\":%.4f,"
         "\"nees_per_degree\":%.4f}\n",
         line_count, ballistic, found, sqrt(position2 / n), sqrt(velocity2 / n), position_m[found / 2], velocity_mps[found / 2], nees / n);
  return 0;
}

static int play(unsigned port, unsigned part, double rate_per_s) {
  struct stream_sent sent;
  if (part >= part_count || stream_play(&parts[part], (uint16_t)port, rate_per_s, &sent) < 0) return -1;
  printf("{\"datagrams\":%llu,\"detections\":%llu,\"failed\":%llu,\"seconds\":%.6f}\n", (unsigned long long)parts[part].datagrams,
         (unsigned long long)parts[part].detections, (unsigned long long)sent.failed, sent.seconds);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: bench_coast_sender OBJECTS BEGIN_S PARTS PART_S SITE_FILE\n"), 2;
  part_count = 1 + (unsigned)atoi(argv[3]);
  if (part_count > PARTS_MAX) return fprintf(stderr, "bench_coast_sender: at most %d parts besides the first\n", PARTS_MAX - 1), 2;
  struct coast_options options = {.objects = (uint32_t)atoi(argv[1]), .cap_rad = cap_rad, .radar_revisit_s = radar_revisit_s, .false_share = false_share,
                                  .begin_s = atof(argv[2]), .seed = 1};
  char command[512], path[400];
  unsigned port, part;
  FILE *site = fopen(argv[5], "w");
  coast = coast_open(&options);
  if (!coast || !site) return fprintf(stderr, "bench_coast_sender: no memory, or %s can't be written\n", argv[5]), 1;
  coast_site_write(coast, site);
  fclose(site);
  if (parts_make(&options, atof(argv[4])) < 0) return fprintf(stderr, "bench_coast_sender: no memory for the datagrams\n"), 1;
  uint64_t made = 0;
  for (unsigned p = 0; p < part_count; p++) made += parts[p].detections;
  printf("{\"detections\":%llu}\n", (unsigned long long)made);
  fflush(stdout);
  while (fgets(command, sizeof command, stdin)) {
    int rc = -1;
    double rate_per_s = 0;
    if (sscanf(command, "play %u %u %lf", &port, &part, &rate_per_s) >= 2) rc = play(port, part, rate_per_s);
    if (sscanf(command, "score %399s", path) == 1) rc = score(path, options.objects);
    if (rc < 0) return fprintf(stderr, "bench_coast_sender: could not do: %s", command), 1;
    fflush(stdout);
  }
  coast_close(coast);
  return 0;
}
