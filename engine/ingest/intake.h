/* Admission: every datagram and every detection is either accepted into the open frame or refused with its reason in the
 * ledger; nothing is lost without a count. One thread; allocates at open only.
 *
 * Which row of the ledger: the sensor's that the header names where it is configured (with an unknown version or a wrong
 * CRC too: that is where the operator looks for a bad link), else the last row, "unknown", where malformed datagrams
 * count as well.
 *
 * Order of the checks on a datagram: form and version and CRC (wire.h), sensor known, seal, exercise, form of a parity
 * body, repetition, budget, then its entries one by one. A datagram refused after its CRC and sensor were found good has its `count`
 * detections counted as received and refused for the same reason. A datagram whose entries are all refused is still an
 * accepted datagram.
 *
 * Seals: what a sensor without a key sends sealed, one with a key sends unsealed, or whose seal does not open with the key
 * of its epoch, is `unauthenticated` and changes that counter only. A sealed number seen before, or too old to tell, is
 * `replayed`; nothing sealed is ever a restart (sealed_feeds.h). Unsealed numbers: sequence_window.h.
 *
 * Budgets (sensor_budget.h) are judged where the caller tells a clock, which is in `run` alone: a recording can't flood
 * anyone, and what it gives must not depend on how fast it is read. A datagram is refused as a whole, before its entries
 * are looked at; its number counts as come. Whatever its entries are worth, they were brought, and cost. While frames
 * can't be closed, since the engine is behind by all there are, a sensor with a budget may hold no more of the open frame
 * than INTAKE_SHARE times what then stays free, so that neither one sensor nor all of them together fill it, and nobody
 * has to wait.
 *
 * Parity datagrams are accepted datagrams that carry no detections. What they recover (recovery.h) goes through the same
 * checks as if received late, and counts as received.
 *
 * Order of the checks on a detection: form, finite and the ranges of the contract (detection_check in wire.h); a kind
 * that is not the sensor's own (malformed: its sigmas would not apply); sigmas other than 0 outside the limits that
 * config.h has for the sensor's, and a position or platform less than 6,000 km from the Earth's centre (out_of_range).
 * Then the registration is subtracted from range, azimuth, elevation and time: frame and journal hold corrected values,
 * the azimuth wrapped to (-pi, pi]; what the correction takes out of range is out_of_range. Then stale and future, by the
 * corrected time, then budget and repetition (of what came without a datagram of ours). A range rate for which neither the detection nor the sensor
 * has a sigma is dropped. A sigma of 0 stays 0 in the frame: the sensor's own.
 *
 * Sensor states count in `states` or `states_refused`; their time is corrected by time_s too. */
#ifndef WEFT_INGEST_INTAKE_H
#define WEFT_INGEST_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/ledger.h"
#include "engine/domain/site.h"
#include "engine/ingest/frame_builder.h"

enum {
  INTAKE_SHARE = 7,     /* of eight parts of a crowded frame, the most that one sensor has */
  INTAKE_REPEATS = 1024 /* records of one sensor within which an exact repeat is recognised (ASTERIX_WINDOW) */
};

enum intake_verdict {
  INTAKE_ACCEPTED,
  INTAKE_REFUSED, /* and counted */
  INTAKE_CLOSE    /* nothing was consumed or counted: close the frame (intake.close_ns for a recording) and call again */
};

/* Which mode the input belongs to. */
enum intake_mode { INTAKE_MODE_ANY, INTAKE_MODE_LIVE, INTAKE_MODE_EXERCISE };

struct recovery;
struct sealed_feeds;
struct intake_sensor; /* private: window, newest time, repeats, budget */
struct intake_id;

struct intake {
  const struct site *site;         /* borrowed */
  struct ledger *ledger;           /* borrowed; intake_open sets its sensor_count */
  struct frame_builder *builder;   /* borrowed */
  struct frame_rule *rule;         /* borrowed; NULL: the caller alone decides when frames close (live) */
  enum site_time time;             /* how age is judged: site.time for `run`, SITE_TIME_RECORDED for recordings */
  int64_t clock_ns;                /* set by the caller, often: a clock that is never set back; 0: no budgets */
  bool crowded;                    /* set by the caller: the open frame can't be closed now without waiting */
  struct sealed_feeds *feeds;      /* borrowed; NULL: whatever is sealed is refused */
  struct recovery *recovery;       /* borrowed, see intake_recover; NULL: parity recovers nothing */
  int64_t close_ns;                /* with INTAKE_CLOSE and a rule: the time to close the frame with */
  struct intake_sensor *sensors;   /* sensor_count of them, by index */
  struct intake_id *ids;           /* as many, by rising id */
};

/* Everything is taken from `arena`; intake_bytes says how much at most. The builder's capacity must be at least
 * WIRE_ENTRIES_MAX, so that an empty frame takes any one datagram. 0 or -ENOMEM. */
int intake_open(struct intake *intake, struct arena *arena, const struct site *site, struct ledger *ledger,
                struct frame_builder *builder, enum site_time time, struct frame_rule *rule);
size_t intake_bytes(const struct site *site);

/* From now on lost datagrams are recovered where there is parity. `recovery` is open and outlives the intake. */
void intake_recover(struct intake *intake, struct recovery *recovery);

/* One datagram as received (over TCP: without its length prefix). `data` needs no alignment. Not with a rule: recordings
 * have no datagrams of ours. Call intake_recovered afterwards. */
enum intake_verdict intake_datagram(struct intake *intake, const uint8_t *data, uint32_t size, int64_t arrival_ns);

/* Admits what the last datagram made it possible to recover: INTAKE_ACCEPTED when all of it is admitted or refused,
 * INTAKE_CLOSE where the open frame has no room for the next: close it and call again. */
enum intake_verdict intake_recovered(struct intake *intake, int64_t arrival_ns);

/* One detection that came without a datagram of ours (CSV, ASTERIX). Its sensor index must be valid, or sensor_count for an
 * unknown sensor (refused as such). `record` is the raw record for the recognition of exact repeats, NULL for inputs without that
 * rule. Counts detections only. */
enum intake_verdict intake_detection(struct intake *intake, const struct detection *detection, enum intake_mode mode,
                                     const uint8_t *record, uint32_t record_size);

/* A line of another centre's track file; its exercise flag is given apart. Refused where it isn't ours. */
enum intake_verdict intake_foreign(struct intake *intake, const struct foreign_track *foreign,
                                   const struct foreign_names *names, bool exercise);
/* A line of a track file that could not be read. */
void intake_foreign_refuse(struct intake *intake, enum refusal refusal);

/* A record or line that could not be turned into a detection at all. */
void intake_refuse(struct intake *intake, uint32_t sensor, enum refusal refusal);
/* Input that is counted but is no detection. */
void intake_skip(struct intake *intake, uint32_t sensor, enum ledger_skip skip);
/* For records that are no detections (CAT034): was this very record among the sensor's last INTAKE_REPEATS? Remembers it.
 * Of a radar that is not configured nothing is remembered: false. */
bool intake_repeated(struct intake *intake, uint32_t sensor, const uint8_t *record, uint32_t record_size);

/* Closes the open frame: frame_builder_close, the rule is told. */
void intake_close_frame(struct intake *intake, int64_t time_ns, uint32_t overload_step, struct frame *out);

#endif
