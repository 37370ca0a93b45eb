/* One instant of a run: where the targets are, where the confirmed tracks say they are, and who belongs to
 * whom. */
#ifndef WEFT_SCORE_MATCH_H
#define WEFT_SCORE_MATCH_H

#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_sparse.h"
#include "tools/score/score_tracks.h"
#include "tools/score/score_truth.h"

struct picture {
  int64_t time_ns;
  size_t targets, tracks;                  /* alive at this instant; confirmed and fresh at it */
  uint32_t *target, *track;                /* their indices in the truth and in the tracks */
  double (*target_m)[3], (*target_mps)[3]; /* ECEF */
  double (*track_m)[3], (*track_mps)[3];   /* the velocity is 0 where the line has none */
  const struct track_line **line;          /* per track slot: its newest line */
  int32_t *track_of;                       /* per target slot: a track slot, or -1 */
};

/* GOSPA with p = 2 and alpha = 2 (Rahmathullah, Garcia-Fernandez, Svensson 2017), and what its square is the
 * sum of. */
struct gospa {
  double total_m, localisation_m, missed_m, false_m;
  size_t assigned, missed, extra;
};

/* Room for all targets and tracks. */
void picture_open(struct picture *picture, const struct truth *truth, const struct tracks *tracks);
void picture_close(struct picture *picture);
/* Fills the picture: truth interpolated, tracks carried from their newest line, which must be at most
 * `stale_s` old. */
void picture_take(struct picture *picture, const struct truth *truth, const struct tracks *tracks,
                  int64_t time_ns, double stale_s);

/* All pairs of target slot (row) and track slot (column) nearer than the cutoff, found in a window along the
 * x axis; the cost is the squared distance. The caller frees them. `hysteresis_m` and `last` as below. */
struct link *picture_links(const struct picture *picture, double cutoff_m, double hysteresis_m,
                           const int32_t *last, size_t *count);
/* Sets track_of to the exact assignment that makes the sum of the squared distances, with `cutoff_m`^2 for
 * each pair not made, least; no pair is as far as the cutoff. `last`, where not NULL, holds for each target
 * of the truth the track it had at the instant before or -1: for this pair `hysteresis_m` is taken off the
 * distance. 0, or -E2BIG with a text when more than ASSIGN_SIDE_MAX things are linked by distances below the
 * cutoff. */
int picture_match(struct picture *picture, double cutoff_m, double hysteresis_m, const int32_t *last,
                  struct weft_error *err);
/* The metric of a matched picture. A target that no sensor has seen yet, and that has no track, isn't
 * counted. */
struct gospa picture_gospa(const struct picture *picture, const struct truth *truth, double cutoff_m);

#endif
