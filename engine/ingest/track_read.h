/* Another centre's track file (JSON lines, interfaces section 6), read in chunks of any size.
 *
 * A line that is no track line of the format is refused with its line number; `{"missed":N}` and ledger lines
 * are passed over, blank ones too. Lines of this very centre break the file: fusing one's own output would
 * count everything twice. */
#ifndef WEFT_INGEST_TRACK_READ_H
#define WEFT_INGEST_TRACK_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/foreign_track.h"
#include "engine/domain/ledger.h"

enum { TRACK_READ_LINE_MAX = 64 * 1024 };

enum track_read_status {
  TRACK_READ_MORE,    /* everything given was taken in; no line is ready */
  TRACK_READ_TRACK,   /* line->track, line->exercise */
  TRACK_READ_REFUSED, /* line->refusal and line->error; reading goes on */
  TRACK_READ_BROKEN   /* line->error; stays so */
};

struct track_read_line {
  struct foreign_track track;
  bool exercise;
  enum refusal refusal; /* MALFORMED, NOT_FINITE, OUT_OF_RANGE or OVER_BUDGET (too many centres) */
  struct weft_error error;
};

/* One file being read; `site`, `names` and `name` must outlive it. */
struct track_reader {
  const struct site *site;
  struct foreign_names *names;
  const char *name;
  uint64_t line;
  uint32_t used;
  bool too_long, broken;
  char text[TRACK_READ_LINE_MAX];
};

void track_read_open(struct track_reader *reader, const char *name, const struct site *site,
                     struct foreign_names *names);
/* Takes bytes from *data (advancing it and *size) up to the end of the next line that says something. */
enum track_read_status track_read_take(struct track_reader *reader, const uint8_t **data, size_t *size,
                                       struct track_read_line *line);
/* After the last byte: a last line without its end. TRACK_READ_MORE: nothing left. */
enum track_read_status track_read_end(struct track_reader *reader, struct track_read_line *line);

#endif
