/* The books: what became of every datagram and detection, per sensor.
 *   received = accepted + sum of refusals;  accepted = associated + started + clutter + late + shed + in
 * flight. */
#ifndef WEFT_DOMAIN_LEDGER_H
#define WEFT_DOMAIN_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/site.h"

/* Order and names as interfaces.md section 4 lists them. */
enum refusal {
  REFUSAL_MALFORMED,
  REFUSAL_VERSION,
  REFUSAL_UNKNOWN_SENSOR,
  REFUSAL_CRC,
  REFUSAL_UNAUTHENTICATED,
  REFUSAL_REPLAYED,
  REFUSAL_STALE,
  REFUSAL_FUTURE,
  REFUSAL_DUPLICATE,
  REFUSAL_OVER_BUDGET,
  REFUSAL_NOT_FINITE,
  REFUSAL_OUT_OF_RANGE,
  REFUSAL_EXERCISE_MISMATCH,
  REFUSALS
};
extern const char *const refusal_names[REFUSALS];

/* What the engine step says of an accepted detection. */
enum fate { FATE_IN_FLIGHT, FATE_ASSOCIATED, FATE_STARTED, FATE_CLUTTER, FATE_LATE, FATE_SHED, FATES };
extern const char *const fate_names[FATES];

struct ledger_row {
  uint64_t received, accepted;
  uint64_t refused[REFUSALS];
};

/* Input that is counted but is no detection (ASTERIX and files). */
enum ledger_skip {
  SKIP_CATEGORY,  /* another ASTERIX category in a mixed stream */
  SKIP_SERVICE,   /* CAT034 service message */
  SKIP_SIMULATED, /* SIM report in live mode (also refused as exercise_mismatch where it carries a plot) */
  SKIP_TEST,      /* TST */
  SKIP_NO_PLOT,   /* TYP 0, no detection */
  SKIP_FIELD_MONITOR, /* RAB */
  SKIP_CUT,           /* last block of a file cut short */
  SKIP_NO_POSITION,   /* a record without measured position */
  SKIP_REPEATED,      /* exact repeat of a record that is no detection (repeated detections are refused as
                         duplicate) */
  SKIPS
};
extern const char *const skip_names[SKIPS];

/* What forward error correction did. Of parity datagrams: received = used + unused + those of groups still open. */
enum ledger_parity {
  PARITY_RECEIVED,             /* parity datagrams accepted */
  PARITY_USED,                 /* of these, used to compute something that was lost */
  PARITY_UNUSED,               /* of these, not needed: nothing was lost, or too much */
  PARITY_RECOVERED,            /* lost datagrams computed and accepted; they count in `datagrams` too */
  PARITY_DETECTIONS_RECOVERED, /* accepted detections in them; they count in `detections` too */
  PARITY_GROUPS_FAILED,        /* groups of which more was lost than the parity that came could replace */
  PARITY_FIGURES
};
extern const char *const parity_names[PARITY_FIGURES];

/* Per sensor, written by ingest except `fates`, which the engine writes at the end of a step. */
struct ledger_sensor {
  struct ledger_row datagrams;
  struct ledger_row detections;
  uint64_t fates[FATES];   /* of detections; [FATE_IN_FLIGHT] = accepted - sum of the others, kept by
                              ledger_settle */
  uint64_t states;         /* sensor states accepted */
  uint64_t states_refused; /* sensor states that were not finite or out of range, stale or future */
  uint64_t parity[PARITY_FIGURES];
  uint64_t sequence_gaps;  /* datagrams that the sequence numbers say we never saw, nor recovered */
  uint64_t restarts;       /* sequence older than the window: the sender began again */
  uint64_t skipped[SKIPS]; /* enum ledger_skip */
};

/* How far the journal is: every frame up to `accepted_frame` is appended, up to `durable_frame` on the disk, or counted as
 * unjournaled or unsynced. */
struct ledger_journal {
  bool on;
  uint64_t accepted_frame, durable_frame;
  uint64_t unsynced; /* frames appended whose sync failed */
};

/* The state of the engine after its newest frame, before what was in flight is settled: its hash is equal where the states are. */
struct ledger_engine {
  bool on;
  uint64_t frame, state;
};

struct ledger {
  uint32_t sensor_count;
  struct ledger_sensor sensors[SITE_SENSORS_MAX + 1]; /* the last row: sensor unknown */
  struct ledger_row foreign;                          /* other centres' track lines */
  uint64_t kernel_drops;                              /* datagrams that the kernel dropped before us */
  uint64_t unjournaled;                               /* frames emitted without a journal that works */
  struct ledger_journal journal;
  struct ledger_engine engine;
};

/* Row of a sensor index, or of the unknown sensor for an index of sensor_count or above. */
struct ledger_sensor *ledger_row_of(struct ledger *ledger, uint32_t sensor);
/* Computes every in-flight figure from the rest. Returns false if any would be negative (books broken). */
bool ledger_settle(struct ledger *ledger);
/* True when received = accepted + refusals for datagrams and detections of every sensor, and the fates add
 * up. */
bool ledger_balanced(const struct ledger *ledger);

#endif
