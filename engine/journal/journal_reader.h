/* Reads a journal back, frame by frame, from a segment file or from a directory. It stops at the first damage and says
 * where; nothing behind damage is believed unless the caller asks for the next segment. */
#ifndef WEFT_JOURNAL_READER_H
#define WEFT_JOURNAL_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/journal/journal_format.h"

#define JOURNAL_RUN_NEWEST UINT64_MAX

struct journal_reader;

/* A segment file, or a directory of which one run is read: `run` is its index from 0 in order of creation, or
 * JOURNAL_RUN_NEWEST. Checks every segment header. 0 with *reader set, or a negative errno with `err` filled. */
int journal_open(struct journal_reader **reader, const char *path, uint64_t run, struct weft_error *err);
void journal_close(struct journal_reader *reader); /* NULL is fine */

/* True if the file or directory looks like a journal (by content, not by name). */
bool journal_recognised(const char *path);

/* Header of the first segment that is read: centre, track_base, site text, parameters. Lives as long as the reader. */
const struct journal_head *journal_head_of(const struct journal_reader *reader);
uint64_t journal_run_count(const struct journal_reader *reader);     /* in the directory; 1 for a file */
uint64_t journal_segment_count(const struct journal_reader *reader); /* that will be read */
uint64_t journal_first_segment(const struct journal_reader *reader); /* its number; 0 for a file */

/* From now on a frame that names a sensor index of `count` or above is damage. Default: SITE_SENSORS_MAX. To be called
 * with the sensor_count of the site that the header's text describes. */
void journal_expect_sensors(struct journal_reader *reader, uint32_t count);

/* Frames up to this number, whose last one had this time, are known already: reading begins behind them, and they do not
 * count as missing. Before the first journal_next. */
void journal_pass(struct journal_reader *reader, uint64_t frame, int64_t time_ns);

/* The next frame into `frame`, opened with FRAME_DETECTIONS_MAX. 1: there is one; 0: the end; -EILSEQ: damage, see
 * journal_damage_of; another negative errno: reading failed. */
int journal_next(struct journal_reader *reader, struct frame *frame);

/* Where the current record is, for inspect: valid after journal_next returned 1. */
struct journal_place {
  const char *path;
  uint64_t offset; /* of the record, bytes */
  uint64_t length;
};
struct journal_place journal_place_of(const struct journal_reader *reader);

struct journal_damage {
  bool any;
  enum journal_verdict verdict;
  const char *path;
  uint64_t offset; /* of the record that could not be read, bytes */
  bool last;       /* in the last segment: what an interrupted run leaves behind */
};
struct journal_damage journal_damage_of(const struct journal_reader *reader);
/* Goes on with the next segment of the run. False if there is none. */
bool journal_skip_segment(struct journal_reader *reader);

/* Frame numbers that were never read, by the gaps between those that were (unjournaled frames, skipped damage, lost
 * segments). A run begins with frame 1, so in a directory what is missing before the first counts as well. */
uint64_t journal_missing_frames(const struct journal_reader *reader);

#endif
