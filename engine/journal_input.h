/* A journal as input of the engine: its frames with the sensors renumbered for another configuration, and the
 * books that go with frames that were admitted long ago. */
#ifndef WEFT_JOURNAL_INPUT_H
#define WEFT_JOURNAL_INPUT_H

#include "engine/domain/ledger.h"
#include "engine/domain/site.h"
#include "engine/journal/journal_reader.h"

struct journal_input {
  struct journal_reader *reader;
  struct site *own; /* the journal's configuration; owned */
  uint32_t
      sensor_of[SITE_SENSORS_MAX + 1]; /* journal's sensor index to the site's, sensor_count where unknown */
  struct frame *frame;                 /* owned; FRAME_DETECTIONS_MAX */
  struct arena arena;
};

/* The journal's own configuration, as for engine_site_parse: relative paths in it start where its file was.
 */
int journal_site_parse(const struct journal_reader *reader, const char *path, struct site **site,
                       struct weft_error *err);

/* The room for tracks that the journal's engine had, 0 where it does not say. */
uint32_t journal_tracks_max(const struct journal_reader *reader);

/* Opens and reads the journal's configuration. */
int journal_input_open(struct journal_input *input, const char *path, struct weft_error *err);
/* Maps the journal's sensors to those of `site` by their ids. */
void journal_input_map(struct journal_input *input, const struct site *site);
/* The next frame in input->frame, its entries accepted in `ledger` (those of sensors that the site lacks
 * refused as unknown and taken out). 1, 0 at the end (damage is logged; what comes after it in the same
 * segment is lost and said so), or a negative errno with `err`. */
int journal_input_next(struct journal_input *input, struct ledger *ledger, const struct site *site,
                       struct weft_error *err);
void journal_input_close(struct journal_input *input);

#endif
