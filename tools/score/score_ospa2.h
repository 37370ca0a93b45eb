/* OSPA(2) over a window that slides along the run: the distance between the set of true trajectories and the
 * set of tracks, in which a track that changes hands or number costs more than its error at each instant
 * (Beard, Vo, Vo 2017 and 2020; docs/scoring.md equations 2 and 3). Order 1 throughout, as its authors use
 * it.
 */
#ifndef WEFT_SCORE_OSPA2_H
#define WEFT_SCORE_OSPA2_H

#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_match.h"

enum { OSPA2_WINDOW_MAX = 64 };

/* Of one window. total = localisation + cardinality, each at most the cutoff; 0 where the window is empty. */
struct ospa2 {
  double total_m, localisation_m, cardinality_m;
  uint32_t targets, tracks; /* that were in the picture at some instant of the window */
};

/* A target and a track that were nearer than the cutoff at some instant of the window. */
struct ospa2_pair {
  uint64_t key;        /* target in the upper half, track in the lower */
  int64_t distance_um; /* sum over the instants at which they were near; whole micrometres add up exactly */
  int32_t near;        /* number of these instants */
};

struct ospa2_window {
  size_t targets, tracks;
  int instants; /* 1 to OSPA2_WINDOW_MAX */
  size_t steps;
  uint64_t *target_seen, *track_seen; /* bit k: in the picture k instants ago */
  struct ospa2_pair *pair;            /* of the window, by key */
  size_t pairs;
  struct ospa2_pair *near[OSPA2_WINDOW_MAX]; /* of each instant of the window, by key */
  size_t near_count[OSPA2_WINDOW_MAX];
  int32_t *column_of;
};

void ospa2_open(struct ospa2_window *window, const struct truth *truth, const struct tracks *tracks,
                int instants);
void ospa2_close(struct ospa2_window *window);
/* Takes the next instant's picture and gives the metric of the window that ends with it. A target that no
 * sensor has seen yet isn't in the picture. 0, or -E2BIG as picture_match. */
int ospa2_step(struct ospa2_window *window, const struct picture *picture, const struct truth *truth,
               double cutoff_m, struct ospa2 *out, struct weft_error *err);

#endif
