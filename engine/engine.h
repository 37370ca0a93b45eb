/* The engine as a whole: one site, one tracker, one pool of workers. Internal; the commands (fuse, replay,
 * server) drive it frame by frame. Nothing else wires stages together. */
#ifndef WEFT_ENGINE_H
#define WEFT_ENGINE_H

#include "engine/base/arena.h"
#include "engine/domain/ledger.h"
#include "engine/domain/report.h"
#include "engine/domain/site.h"
#include "engine/platform/pool.h"
#include "engine/platform/profile.h"
#include "engine/platform/topology.h"
#include "engine/track/tracker.h"
#include "engine/warn/regions.h"
#include "engine/warn/warn.h"
#include "engine/weft.h"

struct engine_options {
  uint32_t workers;    /* 0: what the profile says, else the plan */
  const struct profile *profile; /* read while opening; NULL: the defaults */
  uint32_t tracks_max; /* 0: default */
  uint32_t foreign_max; /* tracks of other centres; 0: their lines are ignored */
  uint64_t track_base; /* track numbers begin above it */
  uint32_t lines_max; /* of the tracker; 0: the default, which is what replays and images suppose */
  bool outputs_elsewhere; /* no output is opened: steps write their lines to memory of the caller's */
};

struct engine {
  struct site *site;  /* owned */
  struct arena arena; /* the tracker's and the output's; sealed after opening */
  struct topology_plan *plan;
  struct pool *pool;
  struct tracker *tracker;
  struct regions regions; /* named areas of the site, empty where it names no file */
  struct warn *warn;
  struct ledger *fates; /* the engine's part of the books: fates by sensor */
  uint32_t tracks_max, foreign_max;
};

/* Takes ownership of `site` (made by malloc, filled by site_load or site_parse), also on failure. */
int engine_open(struct engine *engine, struct site *site, const struct engine_options *options,
                struct weft_error *err);
/* A hardware profile, refused where it is another machine's; without a path the defaults. The kernels that it names are
 * those of the process from here on. */
int engine_profile_load(const char *path, struct profile *profile, struct weft_error *err);
/* Reports that a step of so many detections can give. */
uint32_t engine_reports_max(const struct engine *engine, uint32_t detections);
/* The output, with room for every line a step can give, from the engine's arena: once, before engine_seal. */
int engine_output_open(struct engine *engine, struct step_output *output, struct weft_error *err);
/* Nothing is allocated from here on. */
void engine_seal(struct engine *engine);
/* One frame through the tracker and the warning; `output` holds its lines. */
void engine_step(struct engine *engine, const struct frame *frame, struct step_output *output);
/* The state between two steps as bytes, for an engine that was opened with the same options for the same site
 * and regions, and steps no lines of other centres. engine_image_most: bytes that suffice for any state. */
void engine_image(struct engine *engine, struct image *image);
size_t engine_image_most(const struct engine *engine);
/* What an image depends on besides its bytes: build, limits, site, names of regions. Only an engine with the
 * same number loads it. */
uint64_t engine_layout(const struct engine *engine);
/* Hash of the state: equal where the states are. */
uint64_t engine_hash(struct engine *engine);
/* Begins new books on a state that another run has left: what was in flight there is carried over, as received
 * and accepted; and numbers new tracks from track_base + 1 on, where that is above those that there are. The carried ones
 * are added to `ledger`. Renumber: the numbers alone. */
void engine_carry(struct engine *engine, uint64_t track_base, struct ledger *ledger);
void engine_renumber(struct engine *engine, uint64_t track_base);
/* No more frames: nothing stays in flight. */
void engine_drain(struct engine *engine);
/* Copies the fates into a ledger that ingest wrote, and settles it. */
void engine_fates_copy(const struct engine *engine, struct ledger *ledger);
void engine_close(struct engine *engine);

/* A site from a file or from a journal's text, on the heap. */
int engine_site_load(const char *path, struct site **site, struct weft_error *err);
int engine_site_parse(const char *text, size_t size, const char *name, struct site **site,
                      struct weft_error *err);

/* Where the track numbers of a server or recorder that starts now begin: microseconds since 1970, so that no
 * number is given out twice, not after a restart either, as long as fewer than a million tracks begin per
 * second. Below 2^53, so that readers of JSON who count in doubles keep it exact. */
uint64_t engine_track_base(int64_t now_ns);

/* A ledger line of a settled ledger, to `out` with its newline. */
int engine_ledger_print(const struct ledger *ledger, const struct site *site, FILE *out);

#endif
