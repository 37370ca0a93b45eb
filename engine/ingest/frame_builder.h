/* Collects accepted detections and states into the open frame and closes it in its total order.
 *
 * Order: (sensor index, restart count, sequence, index in the datagram), ties (which only recordings that number badly can
 * have) in order of arrival. The same entries give the same frame whatever order they came in, ties apart. */
#ifndef WEFT_INGEST_FRAME_BUILDER_H
#define WEFT_INGEST_FRAME_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/frame.h"

struct frame_key; /* where entries belong; private */

struct frame_builder {
  struct frame open;        /* entries so far, in order of arrival */
  uint64_t number;          /* of the last closed frame, 0 before the first */
  int64_t time_ns;          /* of the last closed frame */
  bool any_closed;
  uint32_t run_count;       /* entries that came in order one behind the other are a run */
  struct frame_key *runs, *state_keys, *scratch;
};

/* Room for `capacity` detections (up to FRAME_DETECTIONS_MAX) and FRAME_STATES_MAX states. 0 or -ENOMEM. */
int frame_builder_open(struct frame_builder *builder, struct arena *arena, uint32_t capacity);
/* Bytes that frame_builder_open takes from its arena at most. */
size_t frame_builder_bytes(uint32_t capacity);

/* Goes on after a frame that was closed elsewhere (a recovered journal). */
void frame_builder_resume(struct frame_builder *builder, uint64_t number, int64_t time_ns);

static inline bool frame_builder_has_room(const struct frame_builder *builder, uint32_t detections, uint32_t states) {
  return detections <= builder->open.capacity - builder->open.count && states <= FRAME_STATES_MAX - builder->open.state_count;
}
bool frame_builder_has_room_foreign(const struct frame_builder *builder);
bool frame_builder_is_empty(const struct frame_builder *builder);
/* Forgets what was added since the last frame. */
void frame_builder_empty(struct frame_builder *builder);
/* There must be room. */
void frame_builder_add(struct frame_builder *builder, const struct detection *detection, uint32_t restart);
/* Counts `count` entries (one at least) that stand in the columns behind the last already, consecutive ones of one datagram. */
void frame_builder_add_written(struct frame_builder *builder, uint32_t count, uint32_t restart);
void frame_builder_add_state(struct frame_builder *builder, const struct sensor_state *state, uint32_t restart,
                             uint16_t index);
/* A line of another centre; such lines keep their order of arrival. */
void frame_builder_add_foreign(struct frame_builder *builder, const struct foreign_track *foreign,
                               const struct foreign_names *names);

/* Sorts what was added into `out` (opened with the same capacity; its columns may be exchanged with the builder's own),
 * gives it the next number and the time, which never decreases from frame to frame: an earlier `time_ns` is
 * raised to the last frame's. Empties the builder. */
void frame_builder_close(struct frame_builder *builder, int64_t time_ns, uint32_t overload_step, struct frame *out);

/* When frames of a recording close: by measurement time alone.
 *
 * A frame closes, before an entry is added, when that entry moves the running maximum of measurement time to at least
 * `limit_ns` beyond what it was at the frame's first entry; its time is the running maximum of what is in it and before.
 * Whenever FRAME_SILENCE_NS pass in running maximum without a frame, an empty frame stands at last + FRAME_SILENCE_NS, at
 * most FRAME_EMPTY_MAX (20 minutes) per gap; the rest of the gap is jumped over. */
enum { FRAME_EMPTY_MAX = 4800 };

struct frame_rule {
  int64_t limit_ns;
  bool started;         /* an entry was admitted */
  bool frame_open;      /* the open frame has an entry */
  int64_t newest_ns;    /* running maximum of measurement time */
  int64_t opened_ns;    /* running maximum at the open frame's first entry */
  int64_t closed_ns;    /* time of the last closed frame, */
  bool any_closed;      /* if any */
  uint32_t empty_count; /* empty frames since the last frame with entries */
};

struct frame_rule frame_rule_begin(int64_t limit_ns);

/* Must a frame be closed before an entry measured at `time_ns` is added? true: close it (it may be empty) with
 * *close_ns, call frame_rule_closed and ask again. false: add it and call frame_rule_added. Ask changes nothing. */
bool frame_rule_ask(const struct frame_rule *rule, int64_t time_ns, int64_t *close_ns);
void frame_rule_closed(struct frame_rule *rule, int64_t close_ns);
void frame_rule_added(struct frame_rule *rule, int64_t time_ns);
/* At the end of the input: true if a frame is still open, to be closed with *close_ns. */
bool frame_rule_end(const struct frame_rule *rule, int64_t *close_ns);

#endif
