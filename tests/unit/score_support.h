/* Runs `weft score` on texts and hands back what it printed; for the tests of the score only. */
#ifndef WEFT_TESTS_SCORE_SUPPORT_H
#define WEFT_TESTS_SCORE_SUPPORT_H

#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/score/score.h"

enum { SCORE_TEXT_MAX = 1 << 21, SCORE_OUTPUT_MAX = 1 << 20 };

struct score_case {
  char *truth, *tracks, *detections; /* texts, grown by score_say; detections NULL is none */
  char folder[64];
  char out[SCORE_OUTPUT_MAX], err[SCORE_OUTPUT_MAX];
};

static const char score_truth_header[] = "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,"
                                         "impact_lat_deg,impact_lon_deg,impact_time_ns\n";

static inline struct score_case *score_case_open(void) {
  struct score_case *c = calloc(1, sizeof *c);
  c->truth = calloc(1, SCORE_TEXT_MAX);
  c->tracks = calloc(1, SCORE_TEXT_MAX);
  strcpy(c->truth, score_truth_header);
  strcpy(c->folder, "/tmp/score-test-XXXXXX");
  if (!mkdtemp(c->folder)) abort();
  return c;
}

static inline void score_detections_begin(struct score_case *c) {
  c->detections = calloc(1, SCORE_TEXT_MAX);
  strcpy(c->detections, "time_ns,sensor,kind,truth\n");
}

static inline void score_case_close(struct score_case *c) {
  static const char *const names[] = {"truth.csv", "tracks.jsonl", "detections.csv", "out", "err"};
  char path[128];
  for (int i = 0; i < 5; i++) {
    snprintf(path, sizeof path, "%s/%s", c->folder, names[i]);
    unlink(path);
  }
  rmdir(c->folder);
  free(c->truth);
  free(c->tracks);
  free(c->detections);
  free(c);
}

__attribute__((format(printf, 2, 3))) static inline void score_say(char *text, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + used, SCORE_TEXT_MAX - used, format, args);
  va_end(args);
}

/* A point of truth at second t, near the equator: x is up, y is east, z is north of (6,378,137 + 100 km, 0,
 * 0). */
static inline void score_truth_say(struct score_case *c, double t_s, const char *target, double x, double y,
                                   double z, double vy) {
  score_say(c->truth, "%.0f,%s,ballistic,coast,%.6f,%.6f,%.6f,0,%.6f,0,,,\n", 1e18 + t_s * 1e9, target,
            6478137 + x, y, z, vy);
}

static inline void score_track_say(struct score_case *c, double t_s, int track, const char *status, double x,
                                   double y, double z, double vy) {
  score_say(
      c->tracks,
      "{\"time_ns\":%.0f,\"centre\":\"T\",\"track\":%d,\"status\":\"%s\",\"class\":\"unknown\","
      "\"position_ecef_m\":[%.6f,%.6f,%.6f],\"velocity_ecef_mps\":[0,%.6f,0],\"more\":{\"unknown\":[1]}}\n",
      1e18 + t_s * 1e9, track, status, 6478137 + x, y, z, vy);
}

static inline void score_file_write(const struct score_case *c, const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", c->folder, name);
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file)) abort();
}

static inline void score_file_read(const struct score_case *c, const char *name, char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", c->folder, name);
  FILE *file = fopen(path, "r");
  if (!file) abort();
  text[fread(text, 1, SCORE_OUTPUT_MAX - 1, file)] = 0;
  fclose(file);
}

static inline int score_output_move(const struct score_case *c, const char *name, FILE *stream) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", c->folder, name);
  fflush(stream);
  int keep = dup(fileno(stream)), file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (keep < 0 || file < 0 || dup2(file, fileno(stream)) < 0) abort();
  close(file);
  return keep;
}

static inline void score_output_back(int keep, FILE *stream) {
  fflush(stream);
  dup2(keep, fileno(stream));
  close(keep);
}

/* Runs `score --truth .. --tracks .. OPTIONS...` (blank-separated). Returns the exit status; out and err hold
 * the text. */
static inline int score_run_text(struct score_case *c, const char *options) {
  enum { ARGUMENTS_MAX = 32 };
  char truth[128], tracks[128], detections[128], words[512], *argv[ARGUMENTS_MAX];
  snprintf(truth, sizeof truth, "%s/truth.csv", c->folder);
  snprintf(tracks, sizeof tracks, "%s/tracks.jsonl", c->folder);
  snprintf(detections, sizeof detections, "%s/detections.csv", c->folder);
  snprintf(words, sizeof words, "%s", options);
  score_file_write(c, "truth.csv", c->truth);
  score_file_write(c, "tracks.jsonl", c->tracks);
  char name[] = "score", truth_flag[] = "--truth", tracks_flag[] = "--tracks",
       detections_flag[] = "--detections";
  int argc = 0;
  argv[argc++] = name;
  argv[argc++] = truth_flag;
  argv[argc++] = truth;
  argv[argc++] = tracks_flag;
  argv[argc++] = tracks;
  if (c->detections) {
    score_file_write(c, "detections.csv", c->detections);
    argv[argc++] = detections_flag;
    argv[argc++] = detections;
  }
  char *rest = NULL;
  for (char *word = strtok_r(words, " ", &rest); word && argc < ARGUMENTS_MAX - 1;
       word = strtok_r(NULL, " ", &rest))
    argv[argc++] = word;
  argv[argc] = NULL;
  int keep_out = score_output_move(c, "out", stdout), keep_err = score_output_move(c, "err", stderr);
  int status = score_main(argc, argv);
  score_output_back(keep_out, stdout);
  score_output_back(keep_err, stderr);
  score_file_read(c, "out", c->out);
  score_file_read(c, "err", c->err);
  return status;
}

/* The same with --json; the object is the caller's. NULL where it failed. */
static inline json_t *score_run_json(struct score_case *c, const char *options) {
  char words[512];
  snprintf(words, sizeof words, "--json %s", options);
  if (score_run_text(c, words)) return NULL;
  json_error_t trouble;
  return json_loads(c->out, 0, &trouble);
}

/* A number by "group.key" or "group.sub.key"; -1e99 where it is absent. */
static inline double score_figure(const json_t *root, const char *path) {
  char words[128];
  snprintf(words, sizeof words, "%s", path);
  char *rest = NULL;
  for (char *word = strtok_r(words, ".", &rest); word && root; word = strtok_r(NULL, ".", &rest))
    root = json_object_get(root, word);
  return json_is_number(root) ? json_number_value(root) : -1e99;
}

/* Fails the test unless the number at the path is as expected. */
static inline void score_figure_is(const json_t *root, const char *path, double expected, double tolerance) {
  double found = score_figure(root, path);
  if (!(found >= expected - tolerance && found <= expected + tolerance))
    fail_msg("%s is %.9g instead of %.9g", path, found, expected);
}

/* A number of one instant of over_time; -1e99 where it is absent. */
static inline double score_series(const json_t *root, size_t instant, const char *key) {
  const json_t *value = json_object_get(json_array_get(json_object_get(root, "over_time"), instant), key);
  return json_is_number(value) ? json_number_value(value) : -1e99;
}

static inline void score_series_is(const json_t *root, size_t instant, const char *key, double expected,
                                   double tolerance) {
  double found = score_series(root, instant, key);
  if (!(found >= expected - tolerance && found <= expected + tolerance))
    fail_msg("%s at instant %zu is %.9g instead of %.9g", key, instant, found, expected);
}

#endif
