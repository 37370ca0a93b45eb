#include "tools/score/score_ospa2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ospa2_open(struct ospa2_window *window, const struct truth *truth, const struct tracks *tracks,
                int instants) {
  memset(window, 0, sizeof *window);
  window->targets = truth->names.count;
  window->tracks = tracks->names.count;
  window->instants = instants;
  window->target_seen = score_take(window->targets, sizeof *window->target_seen);
  window->track_seen = score_take(window->tracks, sizeof *window->track_seen);
  window->column_of = score_take(window->targets, sizeof *window->column_of);
}

void ospa2_close(struct ospa2_window *window) {
  free(window->target_seen);
  free(window->track_seen);
  free(window->pair);
  free(window->column_of);
  for (int i = 0; i < OSPA2_WINDOW_MAX; i++) free(window->near[i]);
  memset(window, 0, sizeof *window);
}

static int pair_order(const void *left, const void *right) {
  const struct ospa2_pair *a = left, *b = right;
  return (a->key > b->key) - (a->key < b->key);
}

static bool target_counts(const struct picture *picture, const struct truth *truth, size_t slot) {
  return truth->target[picture->target[slot]].detected_ns <= picture->time_ns;
}

/* The pairs that are near at this instant, by key. */
static struct ospa2_pair *pairs_near(const struct picture *picture, const struct truth *truth,
                                     double cutoff_m, size_t *count) {
  size_t links = 0;
  struct link *link = picture_links(picture, cutoff_m, 0, NULL, &links);
  struct ospa2_pair *pair = score_take(links, sizeof *pair);
  *count = 0;
  for (size_t i = 0; i < links; i++) {
    if (!target_counts(picture, truth, link[i].row)) continue;
    uint64_t target = picture->target[link[i].row], track = picture->track[link[i].column];
    pair[(*count)++] = (struct ospa2_pair){target << 32 | track, llround(sqrt(link[i].cost) * 1e6), 1};
  }
  qsort(pair, *count, sizeof *pair, pair_order);
  free(link);
  return pair;
}

/* Merges what enters the window and what leaves it into the window's pairs; all three are by key. */
static void pairs_slide(struct ospa2_window *w, const struct ospa2_pair *in, size_t in_count,
                        const struct ospa2_pair *out, size_t out_count) {
  struct ospa2_pair *merged = score_take(w->pairs + in_count, sizeof *merged);
  size_t count = 0, a = 0, b = 0, c = 0;
  while (a < w->pairs || b < in_count) {
    uint64_t key = a < w->pairs ? w->pair[a].key : UINT64_MAX;
    if (b < in_count && in[b].key < key) key = in[b].key;
    struct ospa2_pair sum = {.key = key};
    if (a < w->pairs && w->pair[a].key == key) sum = w->pair[a++];
    if (b < in_count && in[b].key == key) {
      sum.distance_um += in[b].distance_um;
      sum.near += in[b++].near;
    }
    if (c < out_count && out[c].key == key) { /* it was in the window, so that its key comes up */
      sum.distance_um -= out[c].distance_um;
      sum.near -= out[c++].near;
    }
    if (sum.near) merged[count++] = sum;
  }
  free(w->pair);
  w->pair = merged;
  w->pairs = count;
}

static uint32_t seen_shift(uint64_t *seen, size_t count, uint64_t mask) {
  uint32_t any = 0;
  for (size_t i = 0; i < count; i++) {
    seen[i] &= mask;
    any += seen[i] != 0;
  }
  return any;
}

static void presence_take(struct ospa2_window *w, const struct picture *picture, const struct truth *truth,
                          struct ospa2 *out) {
  uint64_t mask = w->instants == OSPA2_WINDOW_MAX ? UINT64_MAX : ((uint64_t)1 << w->instants) - 1;
  for (size_t i = 0; i < w->targets; i++) w->target_seen[i] <<= 1;
  for (size_t j = 0; j < w->tracks; j++) w->track_seen[j] <<= 1;
  for (size_t i = 0; i < picture->targets; i++)
    if (target_counts(picture, truth, i)) w->target_seen[picture->target[i]] |= 1;
  for (size_t j = 0; j < picture->tracks; j++) w->track_seen[picture->track[j]] |= 1;
  out->targets = seen_shift(w->target_seen, w->targets, mask);
  out->tracks = seen_shift(w->track_seen, w->tracks, mask);
}

/* The distance of two trajectories, docs/scoring.md equation 2: the cutoff wherever one of them is alone or
 * they are far apart. */
static double base_distance_m(const struct ospa2_window *w, const struct ospa2_pair *pair, double cutoff_m) {
  uint64_t target = w->target_seen[pair->key >> 32], track = w->track_seen[pair->key & UINT32_MAX];
  double either = __builtin_popcountll(target | track);
  return (cutoff_m * (either - pair->near) + (double)pair->distance_um * 1e-6) / either;
}

int ospa2_step(struct ospa2_window *w, const struct picture *picture, const struct truth *truth,
               double cutoff_m, struct ospa2 *out, struct weft_error *err) {
  memset(out, 0, sizeof *out);
  size_t slot = w->steps++ % (size_t)w->instants, in_count = 0;
  struct ospa2_pair *in = pairs_near(picture, truth, cutoff_m, &in_count);
  presence_take(w, picture, truth, out);
  pairs_slide(w, in, in_count, w->near[slot], w->near_count[slot]);
  free(w->near[slot]);
  w->near[slot] = in;
  w->near_count[slot] = in_count;
  struct link *link = score_take(w->pairs, sizeof *link);
  for (size_t i = 0; i < w->pairs; i++)
    link[i] = (struct link){(uint32_t)(w->pair[i].key >> 32), (uint32_t)(w->pair[i].key & UINT32_MAX),
                            base_distance_m(w, &w->pair[i], cutoff_m)};
  int code = links_solve(link, w->pairs, w->targets, w->tracks, cutoff_m, w->column_of,
                         "give a smaller --cutoff-m or --window", err);
  double made = 0, near = 0;
  for (size_t i = 0; i < w->pairs && !code; i++) {
    if (w->column_of[link[i].row] != (int32_t)link[i].column) continue;
    made++;
    near += link[i].cost;
  }
  free(link);
  double most = out->targets > out->tracks ? out->targets : out->tracks;
  double least = out->targets < out->tracks ? out->targets : out->tracks;
  if (code || most <= 0) return code;
  out->localisation_m = (near + cutoff_m * (least - made)) / most;
  out->cardinality_m = cutoff_m * (most - least) / most;
  out->total_m = out->localisation_m + out->cardinality_m;
  return 0;
}
