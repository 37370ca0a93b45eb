/* A whole run at its sampled instants: the metric over time, and which track followed which target. */
#ifndef WEFT_SCORE_RUN_H
#define WEFT_SCORE_RUN_H

#include "tools/score/score_changes.h"
#include "tools/score/score_ospa2.h"
#include "tools/score/score_siap.h"

struct run_options {
  double step_s;       /* between instants */
  double cutoff_m;     /* of GOSPA, and of any pair of track and target */
  double hysteresis_m; /* taken off the distance of the pair of the instant before */
  double stale_s;      /* a track whose newest line is older has left the picture */
  double gap_s;        /* a target may be without track for so long before it counts as a break */
  int window;          /* of OSPA(2), instants, 1 to OSPA2_WINDOW_MAX */
};

struct instant {
  int64_t time_ns;
  struct gospa gospa;
  struct ospa2 ospa2; /* of the window that ends here */
  struct siap siap;
  uint32_t alive, due, due_tracked, seen,
      seen_tracked; /* targets; `seen`: due and not past their last detection */
  uint32_t tracks;  /* confirmed */
};

/* A track followed a target at the instants first..last. */
struct span {
  uint32_t track, target, first, last;
};

struct target_story {
  uint32_t breaks;            /* changes of the track number, and gaps longer than gap_s */
  int64_t first_confirmed_ns; /* the first confirmed line of its first track; INT64_MAX never */
  double to_first_s;          /* to it from the first detection (or the truth's start); NAN never */
  uint32_t longest;           /* instants in a row with the same track */
  uint32_t renumbered;        /* changes of number; this and the two around it: while a track is owed */
  uint32_t tracked;           /* instants with a track */
  int32_t first_track;        /* -1 never */
  uint32_t due, due_tracked;  /* instants */
};

struct run {
  struct run_options options;
  size_t instants, targets;
  struct instant *instant;
  int32_t *track_of; /* [instant * targets + target]: a track index, or -1 */
  struct span *span; /* by track, then instant */
  size_t span_count, span_capacity;
  struct target_story *story; /* per target */
  struct changes changes;
  uint32_t continued,
      continued_wrongly; /* tracks that say they continue one; of these, one of another target */
  uint32_t confirmed_tracks, false_tracks, redundant_tracks;
  bool backward; /* the association was read backward in time, see docs/scoring.md */
};

/* Everything above from truth and tracks. 0, or a negative errno with a text. */
int run_build(struct run *run, const struct truth *truth, const struct tracks *tracks,
              const struct run_options *options, struct weft_error *err);
/* The target that the track followed at the time (the nearest instant at which it followed any, within one
 * step), or -1. */
int64_t run_target(const struct run *run, const struct truth *truth, uint32_t track, int64_t time_ns);
void run_free(struct run *run);

#endif
