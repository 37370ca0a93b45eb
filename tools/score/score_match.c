#include "tools/score/score_match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void picture_open(struct picture *picture, const struct truth *truth, const struct tracks *tracks) {
  size_t targets = truth->names.count, all = tracks->names.count;
  memset(picture, 0, sizeof *picture);
  picture->target = score_take(targets, sizeof *picture->target);
  picture->target_m = score_take(targets, sizeof *picture->target_m);
  picture->target_mps = score_take(targets, sizeof *picture->target_mps);
  picture->track_of = score_take(targets, sizeof *picture->track_of);
  picture->track = score_take(all, sizeof *picture->track);
  picture->track_m = score_take(all, sizeof *picture->track_m);
  picture->track_mps = score_take(all, sizeof *picture->track_mps);
  // NOLINTNEXTLINE(bugprone-sizeof-expression) an array of pointers
  picture->line = score_take(all, sizeof *picture->line);
}

void picture_close(struct picture *picture) {
  free(picture->target);
  free(picture->target_m);
  free(picture->target_mps);
  free(picture->track_of);
  free(picture->track);
  free(picture->track_m);
  free(picture->track_mps);
  free(picture->line);
  memset(picture, 0, sizeof *picture);
}

void picture_take(struct picture *picture, const struct truth *truth, const struct tracks *tracks,
                  int64_t time_ns, double stale_s) {
  picture->time_ns = time_ns;
  picture->targets = picture->tracks = 0;
  for (size_t i = 0; i < truth->names.count; i++) {
    struct truth_state state;
    if (!truth_at(truth, i, time_ns, &state) && !truth_hold(truth, i, time_ns, &state)) continue;
    memcpy(picture->target_m[picture->targets], state.position_m, sizeof state.position_m);
    memcpy(picture->target_mps[picture->targets], state.velocity_mps, sizeof state.velocity_mps);
    picture->target[picture->targets++] = (uint32_t)i;
  }
  for (size_t i = 0; i < tracks->names.count; i++) {
    if (tracks->track[i].confirmed_ns > time_ns) continue;
    const struct track_line *line = track_newest(tracks, i, time_ns);
    if (!line || line->status != STATUS_CONFIRMED) continue;
    if ((double)(time_ns - line->time_ns) * 1e-9 > stale_s) continue;
    track_carry(line, time_ns, picture->track_m[picture->tracks], picture->track_mps[picture->tracks]);
    picture->line[picture->tracks] = line;
    picture->track[picture->tracks++] = (uint32_t)i;
  }
}

struct by_x {
  double x;
  uint32_t slot;
};

static int x_order(const void *left, const void *right) {
  const struct by_x *a = left, *b = right;
  return (a->x > b->x) - (a->x < b->x);
}

struct link *picture_links(const struct picture *p, double cutoff_m, double hysteresis_m, const int32_t *last,
                           size_t *count) {
  struct by_x *sorted = score_take(p->tracks, sizeof *sorted);
  for (size_t j = 0; j < p->tracks; j++) sorted[j] = (struct by_x){p->track_m[j][0], (uint32_t)j};
  qsort(sorted, p->tracks, sizeof *sorted, x_order);
  struct link *link = NULL;
  size_t capacity = 0;
  *count = 0;
  for (size_t i = 0; i < p->targets; i++) {
    const double *t = p->target_m[i];
    size_t low = 0, high = p->tracks;
    while (low < high) {
      size_t middle = (low + high) / 2;
      if (sorted[middle].x < t[0] - cutoff_m)
        low = middle + 1;
      else
        high = middle;
    }
    for (size_t j = low; j < p->tracks && sorted[j].x < t[0] + cutoff_m; j++) {
      const double *k = p->track_m[sorted[j].slot];
      double x = k[0] - t[0], y = k[1] - t[1], z = k[2] - t[2], distance = sqrt(x * x + y * y + z * z);
      if (distance >= cutoff_m) continue;
      if (last && last[p->target[i]] == (int32_t)p->track[sorted[j].slot])
        distance = fmax(0, distance - hysteresis_m);
      link = score_grow(link, *count, &capacity, sizeof *link);
      link[(*count)++] = (struct link){(uint32_t)i, sorted[j].slot, distance * distance};
    }
  }
  free(sorted);
  return link;
}

int picture_match(struct picture *p, double cutoff_m, double hysteresis_m, const int32_t *last,
                  struct weft_error *err) {
  size_t count = 0;
  struct link *link = picture_links(p, cutoff_m, hysteresis_m, last, &count);
  int code = links_solve(link, count, p->targets, p->tracks, cutoff_m * cutoff_m, p->track_of,
                         "give a smaller --cutoff-m", err);
  free(link);
  return code;
}

struct gospa picture_gospa(const struct picture *p, const struct truth *truth, double cutoff_m) {
  struct gospa g = {0};
  double localisation_m2 = 0;
  for (size_t i = 0; i < p->targets; i++) {
    if (p->track_of[i] < 0) {
      g.missed += truth->target[p->target[i]].detected_ns <= p->time_ns;
      continue;
    }
    const double *t = p->target_m[i], *k = p->track_m[p->track_of[i]];
    double x = k[0] - t[0], y = k[1] - t[1], z = k[2] - t[2];
    localisation_m2 += x * x + y * y + z * z;
    g.assigned++;
  }
  g.extra = p->tracks - g.assigned;
  double missed_m2 = cutoff_m * cutoff_m / 2 * (double)g.missed,
         false_m2 = cutoff_m * cutoff_m / 2 * (double)g.extra;
  g.localisation_m = sqrt(localisation_m2);
  g.missed_m = sqrt(missed_m2);
  g.false_m = sqrt(false_m2);
  g.total_m = sqrt(localisation_m2 + missed_m2 + false_m2);
  return g;
}
