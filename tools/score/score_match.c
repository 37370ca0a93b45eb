#include "tools/score/score_match.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/score/score_assign.h"

void picture_open(struct picture *picture, const struct truth *truth, const struct tracks *tracks) {
  size_t targets = truth->names.count, all = tracks->names.count;
  memset(picture, 0, sizeof *picture);
  picture->target = score_take(targets, sizeof *picture->target);
  picture->target_m = score_take(targets, sizeof *picture->target_m);
  picture->track_of = score_take(targets, sizeof *picture->track_of);
  picture->track = score_take(all, sizeof *picture->track);
  picture->track_m = score_take(all, sizeof *picture->track_m);
}

void picture_close(struct picture *picture) {
  free(picture->target);
  free(picture->target_m);
  free(picture->track_of);
  free(picture->track);
  free(picture->track_m);
  memset(picture, 0, sizeof *picture);
}

void picture_take(struct picture *picture, const struct truth *truth, const struct tracks *tracks,
                  int64_t time_ns, double stale_s) {
  picture->time_ns = time_ns;
  picture->targets = picture->tracks = 0;
  for (size_t i = 0; i < truth->names.count; i++) {
    struct truth_state state;
    if (!truth_at(truth, i, time_ns, &state)) continue;
    memcpy(picture->target_m[picture->targets], state.position_m, sizeof state.position_m);
    picture->target[picture->targets++] = (uint32_t)i;
  }
  for (size_t i = 0; i < tracks->names.count; i++) {
    if (tracks->track[i].confirmed_ns > time_ns) continue;
    const struct track_line *line = track_newest(tracks, i, time_ns);
    if (!line || line->status != STATUS_CONFIRMED) continue;
    if ((double)(time_ns - line->time_ns) * 1e-9 > stale_s) continue;
    track_carry(line, time_ns, picture->track_m[picture->tracks]);
    picture->track[picture->tracks++] = (uint32_t)i;
  }
}

struct edge {
  uint32_t target, track; /* slots */
  double cost;            /* m^2, below cutoff^2 */
};

struct by_x {
  double x;
  uint32_t slot;
};

static int x_order(const void *left, const void *right) {
  const struct by_x *a = left, *b = right;
  return (a->x > b->x) - (a->x < b->x);
}

/* All pairs nearer than the cutoff, found in a window along the x axis. */
static struct edge *edges_find(const struct picture *p, double cutoff_m, double hysteresis_m,
                               const int32_t *last, size_t *count) {
  struct by_x *sorted = score_take(p->tracks, sizeof *sorted);
  for (size_t j = 0; j < p->tracks; j++) sorted[j] = (struct by_x){p->track_m[j][0], (uint32_t)j};
  qsort(sorted, p->tracks, sizeof *sorted, x_order);
  struct edge *edge = NULL;
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
      edge = score_grow(edge, *count, &capacity, sizeof *edge);
      edge[(*count)++] = (struct edge){(uint32_t)i, sorted[j].slot, distance * distance};
    }
  }
  free(sorted);
  return edge;
}

static uint32_t root_find(uint32_t *parent, uint32_t at) {
  while (parent[at] != at) at = parent[at] = parent[parent[at]];
  return at;
}

struct rooted_edge {
  uint32_t root;
  struct edge edge;
};

static int root_order(const void *left, const void *right) {
  const struct rooted_edge *a = left, *b = right;
  if (a->root != b->root) return a->root < b->root ? -1 : 1;
  if (a->edge.target != b->edge.target) return a->edge.target < b->edge.target ? -1 : 1;
  return (a->edge.track > b->edge.track) - (a->edge.track < b->edge.track);
}

/* Solves one connected component. `place` maps a track slot to its column here and is -1 everywhere between
 * calls. */
static int component_solve(struct picture *p, const struct rooted_edge *edge, size_t count, double cutoff_m,
                           int32_t *place, struct weft_error *err) {
  uint32_t *row = score_take(count, sizeof *row), *column = score_take(count, sizeof *column);
  size_t rows = 0, columns = 0;
  for (size_t e = 0; e < count; e++) {
    if (!rows || row[rows - 1] != edge[e].edge.target) row[rows++] = edge[e].edge.target;
    if (place[edge[e].edge.track] >= 0) continue;
    place[edge[e].edge.track] = (int32_t)columns;
    column[columns++] = edge[e].edge.track;
  }
  int code = 0;
  if (rows > ASSIGN_SIDE_MAX || columns > ASSIGN_SIDE_MAX) {
    code = weft_fail(err, -E2BIG,
                     "%zu targets and %zu tracks are linked by distances below the cutoff; at most %d: give "
                     "a smaller --cutoff-m",
                     rows, columns, ASSIGN_SIDE_MAX);
  } else {
    double *cost = score_take(rows * columns, sizeof *cost);
    int32_t *chosen = score_take(rows, sizeof *chosen);
    for (size_t i = 0; i < rows * columns; i++) cost[i] = cutoff_m * cutoff_m;
    for (size_t e = 0, r = 0; e < count; e++) {
      if (row[r] != edge[e].edge.target) r++;
      cost[r * columns + (size_t)place[edge[e].edge.track]] = edge[e].edge.cost;
    }
    score_assign_solve(rows, columns, cost, chosen);
    for (size_t r = 0; r < rows; r++)
      if (chosen[r] >= 0 && cost[r * columns + (size_t)chosen[r]] < cutoff_m * cutoff_m)
        p->track_of[row[r]] = (int32_t)column[chosen[r]];
    free(cost);
    free(chosen);
  }
  for (size_t j = 0; j < columns; j++) place[column[j]] = -1;
  free(row);
  free(column);
  return code;
}

int picture_match(struct picture *p, double cutoff_m, double hysteresis_m, const int32_t *last,
                  struct weft_error *err) {
  size_t count = 0;
  struct edge *edge = edges_find(p, cutoff_m, hysteresis_m, last, &count);
  uint32_t *parent = score_take(p->targets + p->tracks, sizeof *parent);
  int32_t *place = score_take(p->tracks, sizeof *place);
  struct rooted_edge *rooted = score_take(count, sizeof *rooted);
  for (size_t i = 0; i < p->targets + p->tracks; i++) parent[i] = (uint32_t)i;
  for (size_t i = 0; i < p->targets; i++) p->track_of[i] = -1;
  for (size_t j = 0; j < p->tracks; j++) place[j] = -1;
  for (size_t e = 0; e < count; e++) {
    uint32_t a = root_find(parent, edge[e].target),
             b = root_find(parent, (uint32_t)p->targets + edge[e].track);
    if (a != b) parent[a > b ? a : b] = a < b ? a : b;
  }
  for (size_t e = 0; e < count; e++)
    rooted[e] = (struct rooted_edge){root_find(parent, edge[e].target), edge[e]};
  qsort(rooted, count, sizeof *rooted, root_order);
  int code = 0;
  for (size_t first = 0, next = 0; first < count && !code; first = next) {
    for (next = first; next < count && rooted[next].root == rooted[first].root;) next++;
    if (next - first == 1)
      p->track_of[rooted[first].edge.target] = (int32_t)rooted[first].edge.track;
    else
      code = component_solve(p, rooted + first, next - first, cutoff_m, place, err);
  }
  free(edge);
  free(parent);
  free(place);
  free(rooted);
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
