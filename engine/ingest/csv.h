/* Detections as CSV (interfaces.md section 3), read in chunks of any size so that files of gigabytes and stdin work.
 *
 * The first line that is not blank is the header: columns in any order; time_ns, sensor and kind are required; a name the
 * contract does not list, or one twice, breaks the file (a misspelt optional column would otherwise silently mean "not
 * measured"). Lines end in LF or CRLF, blank lines are passed over, spaces and tabs around a field are ignored, there
 * are no quotes, a UTF-8 byte order mark is tolerated. A line must have as many fields as the header.
 * A column that the line's kind does not have is not looked at, except sensor_x_m..sensor_z_m, which are refused for any
 * kind but los: ignoring them would put a moving sensor in a wrong place. */
#ifndef WEFT_INGEST_CSV_H
#define WEFT_INGEST_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/detection.h"
#include "engine/domain/ledger.h"
#include "engine/domain/site.h"

enum { CSV_LINE_MAX = 4096, CSV_COLUMNS_MAX = 32 };
#define CSV_SENSOR_UNKNOWN UINT32_MAX

enum csv_status {
  CSV_MORE,      /* everything given was taken in; no line is ready */
  CSV_DETECTION, /* line->detection */
  CSV_REFUSED,   /* this line is refused: line->refusal and line->error; reading goes on */
  CSV_BROKEN     /* the header is unusable: line->error. Stays so. */
};

/* What came of one line. */
struct csv_line {
  uint64_t number;           /* from 1, as an editor counts */
  uint64_t offset;           /* byte offset in the file just behind the line */
  struct detection detection; /* sequence = ordinal of the data line from 1; on refusal only `sensor` (an index, or
                                CSV_SENSOR_UNKNOWN), `sequence` and what was read before the fault */
  enum refusal refusal;      /* MALFORMED, UNKNOWN_SENSOR, NOT_FINITE or OUT_OF_RANGE */
  struct weft_error error;   /* "FILE:LINE: column azimuth_rad: "abc" is not a number" */
};

/* One file being read. Owned by the caller; `site` and `name` must outlive it. */
struct csv_reader {
  const char *name;
  const struct site *site;
  uint64_t line;       /* lines begun */
  uint64_t sequence;   /* data lines so far */
  uint64_t offset;     /* bytes taken */
  uint32_t columns;    /* 0 until the header was read */
  uint8_t column[CSV_COLUMNS_MAX]; /* which known column stands there */
  bool broken, too_long;
  uint32_t used;
  char text[CSV_LINE_MAX + 1];
  uint32_t sorted_count; /* sensor ids in order, for the lookup */
  uint32_t sorted[SITE_SENSORS_MAX];
};

/* `site` NULL: any sensor id is taken (CSV_SENSOR_UNKNOWN itself apart) and stands in detection.sensor as it is. */
void csv_open(struct csv_reader *reader, const char *name, const struct site *site);

/* Takes bytes from *data (advancing it and *size) up to the end of the next line that says something. */
enum csv_status csv_take(struct csv_reader *reader, const uint8_t **data, size_t *size, struct csv_line *line);

/* After the last byte: delivers a last line that has no end of line. CSV_MORE: nothing left. An empty file and one with
 * only a header are valid and have no detections. */
enum csv_status csv_end(struct csv_reader *reader, struct csv_line *line);

#endif
