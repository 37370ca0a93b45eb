/* What the parts of the tracker share. Internal to engine/track. */
#ifndef WEFT_TRACK_STATE_H
#define WEFT_TRACK_STATE_H

#include "engine/base/sort.h"
#include "engine/track/assign.h"
#include "engine/track/calendar.h"
#include "engine/track/clutter.h"
#include "engine/track/coverage.h"
#include "engine/track/filter.h"
#include "engine/track/foreign.h"
#include "engine/track/hearing.h"
#include "engine/track/index.h"
#include "engine/track/plot.h"
#include "engine/track/rays.h"
#include "engine/track/seed.h"
#include "engine/track/shed.h"
#include "engine/track/stitch.h"
#include "engine/track/store.h"
#include "engine/track/strand.h"
#include "engine/track/tracker.h"

enum { PAIRS_MAX = 1 << 16, FOLLOWINGS_MAX = 1 << 16 };
enum { PARTS_MAX = 1024 }; /* of shared plots, worked in at a time */

/* What becomes of a pair: nothing; the track's own plot; a plot that it shares with others. */
enum choice { CHOICE_NONE, CHOICE_OWN, CHOICE_SHARED };

/* What a review finds, in bits. */
enum finding { FINDING_OVER = 1, FINDING_OLDER_NEAR = 2 };


/* A sensor as the reviews of one slice see it. */
struct watch {
  struct coverage coverage;
  int64_t revisit_ns, expected_ns; /* between looks; from now to when a first plot of it should have come */
  int64_t due_ns;                  /* looks that were expected before this are due */
  bool heard, away;                /* at all; it is down or out, and misses nothing */
};

/* What a booked plot leaves to the tracker's lists besides that its track has moved, bit by bit: it has become a confirmed one; it was
 * among those that have long been silent. */
enum booking { BOOKING_CONFIRMED = 1, BOOKING_SEEN = 2 };

/* A seed that might go on a strand. */
struct following {
  double value; /* ln odds of the strand with the seed against both alone, above the least that is worth it */
  uint32_t seed, strand;
  uint32_t root; /* smallest seed of its cluster */
};

enum { FOLLOWINGS_PER_SEED = 16, SEEKERS_MAX = 256 };

/* A seed that looks for strands that it might go on, and what it finds: best first. */
struct seeker {
  struct following best[FOLLOWINGS_PER_SEED];
  uint32_t count, reached; /* reached: strands looked at closely */
};

/* A plot of the frame with at least one candidate, for sorting into groups. */
struct member {
  uint32_t root; /* smallest plot index of its connected component */
  uint32_t sensor;
  uint32_t plot;
};

/* What one thread lists of a track, so that it meets no record for that. */
struct listing {
  int64_t refresh_ns;     /* its place in the index is good until this measurement time, with INDEX_UNTIL_MARK while it is among `moved` */
  uint32_t touched_place; /* where it stands in `touched`, if that says so; else anything */
  uint32_t claimed_by;    /* plot of the slice that first claimed it, else anything; then scratch of the group that it is in */
};

_Static_assert(offsetof(struct listing, refresh_ns) == 0 && sizeof(struct listing) % sizeof(int64_t) == 0, "the index reads these times one listing apart");

/* Above WGS-84. */
struct geodetic {
  double lat_rad, lon_rad, height_m;
};

/* The plots of one component that one sensor saw in one scan: a joint assignment problem. */
struct group {
  uint32_t first, count; /* members[first .. first + count); the plot itself where that is lone */
  uint32_t sensor;
  int64_t time_ns; /* of its first plot */
  uint32_t round;  /* its turn within the component */
  uint32_t pair_first, pair_count;
  bool solved;
  bool lone; /* one plot with one candidate: whether that may have it is asked when it is weighed */
  uint32_t belief_count; /* soft association: tracker->soft's beliefs [pair_first .. + belief_count) */
};

/* What one worker's gates have cost in a slice. */
struct gate_tally {
  _Alignas(64) uint64_t evaluated;
  uint64_t cut;
};

#define LONE_NONE UINT32_MAX       /* no candidate */
#define LONE_MANY (UINT32_MAX - 1) /* several */

struct soft;

struct tracker {
  const struct site *site;
  struct parallel parallel;
  struct store store;
  struct track_index index;
  struct calendar refresh, review; /* when index entries run out; when tracks are reviewed */
  struct filter filter;
  struct strands strands;
  struct stitch stitch;
  struct foreign_table foreign;
  struct rays rays;
  struct sensor_motion *motion; /* per sensor */
  int64_t *sensor_front_ns;     /* newest measurement per sensor, INT64_MIN before any */
  struct hearing *hearing;      /* per sensor */
  struct watch *watches;        /* per sensor */
  double *log_detection;        /* per sensor: ln of its detection probability */
  struct clutter *clutter;      /* per sensor */
  double existence_most;        /* of the log-odds that no track exceeds */
  int64_t *scan_ns;             /* per sensor: nearer in time, two plots are of one scan: by less than half of what lies between its scans */
  int64_t front_ns;             /* newest measurement of all, INT64_MIN before any */
  uint64_t frame;               /* number of the one being stepped */
  int64_t frame_time_ns;
  uint32_t overload_step; /* of that frame */
  uint64_t slice; /* slices stepped so far: stamps claims */
  int64_t now_ns; /* up to when looks are judged: the slice's end, at last the frame's time */

  /* per plot of the frame, in order of time */
  uint32_t *row;      /* its row in the frame */
  int64_t *time_ns;   /* and what is asked of all plots in turn, apart from their records */
  uint32_t *sensor;
  struct plot *plots; /* then PARTS_MAX parts of shared plots */
  struct candidates *candidates;
  uint32_t *lone;   /* its only candidate, or LONE_NONE, LONE_MANY */
  uint8_t *crowded; /* it has several, or its only one is another plot's too */
  uint32_t *open;   /* of those that are crowded: which of them the plot may go to, a bit each */
  uint8_t *fates;   /* enum fate */
  uint32_t *parent; /* union-find */
  uint32_t detections_max;
  struct sort_key *keys, *dealt; /* scratch: the frame's rows by time, then its lines by number */

  struct listing *listings; /* per slot */

  /* association */
  struct gate_tally *gate_tallies; /* per worker */
  struct member *members;
  struct group *groups; /* component by component */
  uint32_t *turns;      /* groups round by round */
  uint32_t *round_ends; /* their ends */
  uint32_t group_count;
  struct pair *pairs; /* PAIRS_MAX */
  struct pair_evidence *evidence;
  uint32_t *choice;    /* per pair: enum choice */
  uint32_t *asked;     /* per pair: its group, where it is the only one of it; else FILTER_WAITS */
  uint8_t *taken;      /* per pair: its track has taken its plot already, and booked it; 0: it has not */
  uint8_t *left;       /* per pair that has: what that leaves to the lists (enum booking) */
  struct pair *chosen; /* per plot of a batch */
  struct pair_evidence *chosen_evidence;
  uint8_t *chosen_left; /* as `left` */
  struct assign_work *work; /* per worker; nearest neighbours */
  bool cells;               /* some sensor has a resolution cell */
  struct soft *soft;        /* NULL: nearest neighbours */

  /* initiation */
  struct seed *seeds;           /* leftover plots of one moment */
  uint8_t *seed_taken;          /* per seed: it went on a strand */
  struct following *followings; /* FOLLOWINGS_MAX */
  struct seeker *seekers;       /* SEEKERS_MAX: scratch */

  /* lines of this frame */
  uint32_t *touched; /* slots; between two steps those that wait for their lines */
  uint32_t touched_count, lines_max;
  uint32_t *due;             /* scratch: slots */
  uint8_t *findings;         /* per slot that is due: enum finding */
  uint32_t *moved;           /* slots that plots have moved within a slice: whether they keep their places in the index is to be seen */
  uint32_t moved_count;
  double (*moments)[27];     /* per slot: state and covariance of its last line */
  struct track_report *lost; /* tracks that ended in this frame */
  uint32_t lost_count;
  uint32_t *fresh; /* slots started in this slice */
  uint32_t fresh_count;

  uint64_t (*fate_counts)[FATES]; /* per sensor, of this step */
  struct shed_share *shares;      /* per sensor: scratch of shed_slice */
  struct tracker_statistics statistics;
};

/* associate.c: coarse gates, clusters, rounds, assignment, updates. */
void associate_slice(struct tracker *tracker, uint32_t begin, uint32_t end);
/* The fine gate (T4): squared Mahalanobis distance against tail probabilities of 1e-5 or less, since a lost
 * plot costs more than a pair that is turned down later. */
bool pair_gated(const struct pair_evidence *evidence);
/* Of a plot that is alone with one track: the track rather exists than not, and its plot is e^7 times likelier than a false one,
 * so that either solver would give it the plot and leave no doubt. */
bool pair_certain(const struct tracker *tracker, uint32_t pair);
/* Root of i in a union-find forest; shortens the way. */
uint32_t clusters_root(uint32_t *parent, uint32_t i);
/* Makes one cluster of those of i and j; its root is the smaller of theirs. */
void clusters_join(uint32_t *parent, uint32_t i, uint32_t j);
/* Updates the tracks of the first `count` chosen pairs, each with its plot, and books them. */
void chosen_update(struct tracker *tracker, uint32_t count);
/* nearest.c: marks the winners among the group's pairs. Groups of one round may be solved at the same time.
 */
void nearest_solve(struct tracker *tracker, struct assign_work *work, const struct group *group);
/* shared.c: after nearest_solve, the pairs of unresolved plots in a group: chosen as shared, out of the gate
 * for what follows. */
void shared_find(struct tracker *tracker, const struct group *group);
/* Updates and books the tracks that share plots, of the first pair_count pairs. */
void shared_update(struct tracker *tracker, uint32_t pair_count);
/* soft_solve.c: marginals of a group; pairs that are certain become winners, the rest beliefs. In parallel
 * too. */
void soft_solve(struct tracker *tracker, unsigned worker, struct group *group);
/* soft_update.c: updates and books the tracks that the groups with turns [begin, end) left uncertain. */
void soft_update(struct tracker *tracker, uint32_t begin, uint32_t end);
/* initiate.c: seeds and new tracks from what stayed alone. */
void initiate_slice(struct tracker *tracker, uint32_t begin, uint32_t end);
/* lifecycle.c */
/* The track has taken the plot: existence, looks, class. Of several tracks at the same time; returns what that leaves for
 * lifecycle_list to do (enum booking). */
unsigned lifecycle_hit(const struct tracker *tracker, uint32_t slot, const struct plot *plot, const struct pair_evidence *evidence);
/* What a booking has left: lists and counts, one track after another. Looks at no record. */
void lifecycle_list(struct tracker *tracker, uint32_t slot, unsigned left);
/* The same for a track whose plot is one of several: `log_odds` is its existence after the scan, miss
 * included; `plot` the likeliest, `seen` whether the track was more likely seen than not. */
void lifecycle_soft(struct tracker *tracker, uint32_t slot, const struct plot *plot, double log_odds,
                    bool seen);
/* Revisit of the quickest sensor that has seen the track, s. */
double lifecycle_revisit_s(const struct tracker *tracker, const struct track *track);
/* For a track that shares a plot with others: seen, but neither more nor less likely to exist. */
void lifecycle_shared(struct tracker *tracker, uint32_t slot, const struct plot *plot);
/* Whether two times are of one scan of the sensor. */
static inline bool lifecycle_one_scan(const struct tracker *tracker, uint32_t sensor, int64_t a_ns, int64_t b_ns) {
  return (a_ns < b_ns ? b_ns - a_ns : a_ns - b_ns) < tracker->scan_ns[sensor];
}
/* Without a plot for some looks, and for LIFECYCLE_SILENT_MIN_S at least. */
#define LIFECYCLE_SILENT_MIN_S 3.0
bool lifecycle_silent(const struct tracker *tracker, const struct track *track);
/* A step of existence by one scan, held to what one scan may say. */
double lifecycle_log_odds_step(double before, double step);
/* Existence probability of a track: most have the most that there is, which lifecycle_open() has found once. */
double lifecycle_existence(const struct tracker *tracker, const struct track *track);
void lifecycle_open(struct tracker *tracker);
/* True when this sensor's present scan has already charged the track with the chance of a miss. */
bool lifecycle_scan_judged(const struct tracker *tracker, const struct track *track, const struct plot *plot);
/* A plot that may have been the track's was shed: this look says nothing against it. */
void lifecycle_excuse(struct tracker *tracker, uint32_t slot, const struct plot *plot);
/* Asks for the memory of a track whose looks will be read soon, and when it had its newest plot. */
void lifecycle_fetch(const struct tracker *tracker, uint32_t slot);
void lifecycle_started(struct tracker *tracker, uint32_t slot);
/* Renews the index entries that are about to run out. */
void lifecycle_refresh(struct tracker *tracker);
/* Renews those of tracks that plots have moved, where they must be. Until then their old ones are good. */
void lifecycle_index_moved(struct tracker *tracker);
void lifecycle_index(struct tracker *tracker, uint32_t slot);
/* Gives the track a line in this frame. */
void lifecycle_touch(struct tracker *tracker, uint32_t slot);
/* Ends it with its lost line, for which there must be room; `merged`: as a duplicate of another. */
void lifecycle_end(struct tracker *tracker, uint32_t slot, bool merged);
/* True when this sensor's present scan has already given the track a plot. */
bool lifecycle_scan_used(const struct tracker *tracker, const struct track *track, const struct plot *plot);
/* ln of the odds factor of a plot for a track: Pd N / clutter density. */
double lifecycle_log_ratio(const struct tracker *tracker, const struct plot *plot,
                           const struct pair_evidence *evidence);
/* review.c. Probability that this sensor sees the track in a look: an infrared line of sight sees a plume, others a body. */
double review_detection_probability(const struct tracker *tracker, const struct track *track, uint32_t sensor);
/* What never changes of a sensor. */
void review_watch_open(struct watch *watch, const struct sensor *sensor);
/* The track's next review: half a second after now. */
void review_plan(struct tracker *tracker, uint32_t slot);
/* Reviews the tracks that are due. */
void review_step(struct tracker *tracker);
/* duplicate.c. Whether one sensor saw both in one scan as two plots, lately; remembered with the first. */
bool duplicate_seen_apart(const struct tracker *tracker, struct track *track, const struct track *other);
/* Of up to DUPLICATE_TOGETHER tracks, which have an older one so near that duplicate_of_older must be asked. Of other tracks only what
 * no review changes is read, so that it may run beside reviews. */
enum { DUPLICATE_TOGETHER = 8 };
void duplicate_near(const struct tracker *tracker, const uint32_t *slots, uint32_t count, bool *near);
/* Whether an older track is the same object. */
bool duplicate_of_older(struct tracker *tracker, uint32_t slot);
/* Who was seen beside a new track in the scan that started it: at its first review that scan may be long past. */
void duplicate_neighbours_note(struct tracker *tracker, uint32_t slot);
/* track_report.c. `place`: of the moments' position. */
void report_fill(const struct tracker *tracker, const struct track *track, const double moments[27],
                 const struct geodetic *place, int64_t time_ns, struct track_report *out);
void classify(struct track *track);

#endif
