/* One recorded input (CSV, ASTERIX, another centre's track file) as a stream of entries for the intake, in order of arrival. The same
 * entries are made of ASTERIX blocks that come over the network, so that live and recorded data take one way.
 */
#ifndef WEFT_INGEST_RECORDING_H
#define WEFT_INGEST_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/ledger.h"
#include "engine/ingest/asterix.h"
#include "engine/ingest/clock_day.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/sniff.h"

enum entry_kind { ENTRY_DETECTION, ENTRY_REFUSED, ENTRY_SKIPPED, ENTRY_SERVICE, ENTRY_FOREIGN, ENTRY_FOREIGN_REFUSED };

/* What one line or record comes to. */
struct entry {
  enum entry_kind kind;
  uint32_t sensor;       /* index, or sensor_count and above: unknown */
  enum refusal refusal;  /* ENTRY_REFUSED, ENTRY_FOREIGN_REFUSED */
  enum ledger_skip skip; /* ENTRY_SKIPPED */
  enum intake_mode mode; /* ENTRY_DETECTION */
  struct detection detection;
  const uint8_t *record; /* raw ASTERIX record, valid until the next entry is asked for; NULL for CSV */
  uint32_t record_size;
  bool has_capture;
  int64_t capture_ns;
  const struct foreign_track *foreign; /* ENTRY_FOREIGN: valid until the next entry is asked for */
  const struct foreign_names *foreign_names;
  bool foreign_exercise;
};

/* Hands an entry to the intake. INTAKE_CLOSE means: nothing was consumed, close the frame and call again. */
enum intake_verdict entry_admit(struct intake *intake, const struct entry *entry);

/* Walks through the records of one ASTERIX block. */
struct block_walk {
  const struct site *site;
  struct clock_day *clock;
  struct asterix_block block;
  uint32_t offset;
  bool has_capture;
  int64_t capture_ns, arrival_ns;
  uint64_t *sequence; /* ordinal of plots, counted on */
};
void block_walk_begin(struct block_walk *walk, const struct site *site, struct clock_day *clock,
                      const struct asterix_block *block, uint64_t *sequence);
/* False at the end of the block. */
bool block_walk_next(struct block_walk *walk, struct entry *entry);

struct recording;

/* Opens `path` (`-`: stdin), told by content. `date` as in clock_day_date or NULL. Names of other centres and their nations
 * are kept in `names`, one table for all inputs. A journal is not read here: -EMEDIUMTYPE, with *kind saying what it is. 0, or a
 * negative errno with `err` filled. */
int recording_open(struct recording **recording, const char *path, const struct site *site, const char *date,
                   struct foreign_names *names, enum sniff_kind *kind, struct weft_error *err);
/* 1: *entry; 0: the end; negative errno: the recording can't be read further, `err` says why. */
int recording_next(struct recording *recording, struct entry *entry, struct weft_error *err);
/* The running maximum that inputs are merged by: capture time (pcap) or measurement time, up to the last
 * entry. */
int64_t recording_merge_key(const struct recording *recording);
/* Bytes read so far and in all (0: unknown). */
void recording_progress(const struct recording *recording, uint64_t *done, uint64_t *size);
void recording_close(struct recording *recording);

#endif
