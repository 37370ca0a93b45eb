/* The tracker: the pure, deterministic heart of weft. tracker_step takes the next frame and changes the
 * tracks; it reads no clock, opens nothing, draws no random number, allocates nothing. The same frames give
 * the same output to the bit, for any number of workers and any kernel variant. */
#ifndef WEFT_TRACK_TRACKER_H
#define WEFT_TRACK_TRACKER_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/base/parallel.h"
#include "engine/domain/frame.h"
#include "engine/domain/ledger.h"
#include "engine/domain/report.h"
#include "engine/domain/site.h"

struct tracker;

/* TRACKER_LOST_MAX: tracks that a step lets end; what would be more ends a review later. TRACKER_LINES_...: lines of living tracks
 * that a frame gives: at least so many, and so many more for each detection, while a detection hardly ever touches more than one track. */
enum { FOREIGN_TRACKS_MAX = 4096, TRACKER_LOST_MAX = 1 << 14, TRACKER_LINES_MIN = 1024, TRACKER_LINES_PER_DETECTION = 64 };

struct tracker_options {
  uint32_t tracks_max;      /* 64 to 4,194,304; 0 = 65,536 */
  uint32_t detections_max;  /* per frame; 0 = FRAME_DETECTIONS_MAX */
  uint32_t lines_max;       /* lines of living tracks per frame, at most; 0 = FRAME_DETECTIONS_MAX */
  uint32_t foreign_max;     /* tracks of other centres, at most FOREIGN_TRACKS_MAX; 0 = their lines are ignored */
  uint64_t number_base;     /* track numbers are number_base + 1, + 2, ... */
  struct parallel parallel; /* run = NULL: parallel_inline() */
  size_t history_bytes; /* states kept for plots that come late: 0 = 8 KiB a track, 1 to 64 MiB in all; below
                           64 KiB: none, such plots are worked in approximately */
};

struct tracker_statistics {
  uint64_t frames, detections;
  uint64_t gate_evaluations; /* tracks tested one by one against a plot */
  uint64_t pairs_scored;     /* (track, plot) pairs that reached the kernels */
  uint64_t
      candidates_cut; /* tracks inside a coarse gate that found no place among the CANDIDATES_MAX nearest */
  uint64_t groups_split;         /* scans of a cluster larger than the exact solver takes, solved in pieces */
  uint64_t tracks_softened;      /* updates by several hypotheses at once */
  uint64_t hypotheses;           /* in all of these */
  uint64_t shared;               /* updates by a plot that several tracks share */
  uint64_t tracks_refused;       /* starts refused because every track record is taken */
  uint64_t merged;               /* duplicate tracks ended in favour of an older one */
  uint64_t out_of_sequence[2];   /* plots older than their tracks, worked in exactly, approximately */
  uint64_t stitched;             /* tracks found to be the continuation of an older one */
  uint64_t stitch_crowded;       /* groups too large to be told apart */
  uint64_t stitch_young_refused; /* new tracks that found no place in the list of those to be compared */
  uint64_t updates_bent;        /* by sigma points, since the measurement bent over the extent of the state */
  uint64_t foreign_lines, foreign_late, foreign_refused; /* lines of other centres: taken, older than known, no place */
  uint64_t correlated, uncorrelated; /* correlations with other centres' tracks declared, withdrawn */
  uint64_t correlate_crowded;        /* groups too large for the exact assignment: their tests are left out */
  uint64_t lines_fused, lines_known; /* lines with a correlation: intersected with it, of known provenance */
  uint64_t tracks_by_status[2]; /* tentative, confirmed: now */
  uint64_t tracks_started, tracks_confirmed, tracks_lost;
};

/* Reports that a step of so many detections can give, lines of other centres aside. It depends on nothing else, so that the same
 * frames give the same lines wherever they are stepped. */
uint32_t tracker_reports_max(const struct tracker_options *options, uint32_t detections);
/* Bytes of arena that tracker_open takes at most for these options. */
size_t tracker_arena_size(const struct site *site, const struct tracker_options *options);
/* `site` must outlive the tracker. NULL when the arena is too small or the site has more line-of-sight
 * sensors than the index holds (32). */
struct tracker *tracker_open(struct arena *arena, const struct site *site,
                             const struct tracker_options *options);

/* The next frame: frame->time_ns never decreases. Fills `output` (reports in order of track number; capacity
 * tracker_reports_max, and FRAME_FOREIGN_MAX and foreign_max more where lines of other centres come, is always enough) and adds to the fates of the ledger's rows, one per sensor of
 * the site. Of more tracks that changed than a frame has lines for, those that changed last have theirs in the next frame
 * (output->waiting); a frame without detections does. */
void tracker_step(struct tracker *tracker, const struct frame *frame, struct step_output *output,
                  struct ledger *ledger);

/* After the last frame: what is still waiting for a second plot is counted as clutter, so that nothing is in
 * flight. */
void tracker_drain(struct tracker *tracker, struct ledger *ledger);

/* The state between two steps as bytes (engine/base/image.h): loaded into a tracker that was opened with the
 * same options for the same site and has not stepped yet, it goes on to the same output to the bit. Lines of
 * other centres have no place in it: not with foreign_max. */
void tracker_image(struct tracker *tracker, struct image *image);
/* Slots of the tracker that were ever used: whatever is kept by slot is kept below it. */
uint32_t tracker_slots(const struct tracker *tracker);
/* New tracks are numbered from base + 1 on; once any has begun, only if that is above their numbers. */
void tracker_renumber(struct tracker *tracker, uint64_t base);

void tracker_statistics_get(const struct tracker *tracker, struct tracker_statistics *out);

#endif
