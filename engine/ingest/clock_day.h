/* Time of day to date. ASTERIX times count from midnight UTC; which midnight is decided here, per radar, so that
 * records out of order around midnight keep their day and a recording may run over several days. */
#ifndef WEFT_INGEST_CLOCK_DAY_H
#define WEFT_INGEST_CLOCK_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/site.h"

#define CLOCK_DAY_NS INT64_C(86400000000000)

/* One per input. Zeroed = no --date. */
struct clock_day {
  bool has_date;
  int64_t date_ns;      /* midnight of --date, Unix UTC */
  bool has_shift;
  int64_t shift_ns;     /* with --date over a recording that has capture times: whole days from the capture to the date */
  bool has_newest;
  int64_t newest_ns;    /* newest time resolved for any radar: the first guess for a radar not heard before */
  bool known[SITE_SENSORS_MAX + 1];
  int64_t last_ns[SITE_SENSORS_MAX + 1]; /* last time resolved, per radar (the last row: unknown radars) */
};

/* Reads YYYY-MM-DD (1970-01-01 to 2261-12-31) into has_date and date_ns. 0 or -EINVAL. */
int clock_day_date(struct clock_day *clock, const char *text, struct weft_error *err);

/* Unix time in ns of `time_of_day` (1/128 s, below 24 h) of the radar `sensor` (index; anything else: unknown radar).
 * With capture_ns (has_capture): the day that puts it nearest to the capture, then moved by whole days so that the first
 * record falls on --date if there is one. Without: the day nearest to the last time of this radar, or of any radar;
 * at first --date, else 1970-01-01. Ties go to the later day. */
int64_t clock_day_resolve(struct clock_day *clock, uint32_t sensor, uint32_t time_of_day, bool has_capture,
                          int64_t capture_ns);

#endif
