/* weft fuse: recordings through the engine, without a network. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/emit/line_file.h"
#include "engine/feeder.h"
#include "engine/journal_input.h"
#include "engine/server/resume.h"

enum { INPUTS_MAX = 64, PROGRESS_EVERY = 4096 };

struct fuse {
  const struct weft_fuse_options *options;
  struct feeder feeder;
  struct line_file *lines;
  struct foreign_names names; /* of all track files among the inputs */
  uint32_t count;
  struct recording *recordings[INPUTS_MAX];
  struct entry entries[INPUTS_MAX]; /* the next one of each */
  bool ready[INPUTS_MAX];
};

static void lines_put(void *context, const struct step_output *output) {
  struct fuse *fuse = context;
  line_file_put(fuse->lines, output, fuse->feeder.engine.site);
}

static void progress_tell(struct fuse *fuse) {
  if (!fuse->options->progress) return;
  uint64_t done = 0, size = 0;
  for (uint32_t i = 0; i < fuse->count; i++) {
    uint64_t one_done, one_size;
    recording_progress(fuse->recordings[i], &one_done, &one_size);
    done += one_done;
    size += one_size;
  }
  fuse->options->progress(fuse->options->context, size ? (double)done / (double)size : -1);
}

/* Of the inputs that have an entry, the one whose running maximum of time is smallest; ties to the first
 * named. */
static uint32_t input_next(const struct fuse *fuse) {
  uint32_t best = UINT32_MAX;
  for (uint32_t i = 0; i < fuse->count; i++) {
    if (!fuse->ready[i]) continue;
    if (best == UINT32_MAX ||
        recording_merge_key(fuse->recordings[i]) < recording_merge_key(fuse->recordings[best]))
      best = i;
  }
  return best;
}

static int recordings_run(struct fuse *fuse, struct weft_error *err) {
  for (uint32_t i = 0; i < fuse->count; i++) {
    int rc = recording_next(fuse->recordings[i], &fuse->entries[i], err);
    if (rc < 0) return rc;
    fuse->ready[i] = rc == 1;
  }
  uint64_t taken = 0;
  for (uint32_t i; (i = input_next(fuse)) != UINT32_MAX;) {
    feeder_put(&fuse->feeder, &fuse->entries[i]);
    int rc = recording_next(fuse->recordings[i], &fuse->entries[i], err);
    if (rc < 0) return rc;
    fuse->ready[i] = rc == 1;
    if (++taken % PROGRESS_EVERY == 0) progress_tell(fuse);
  }
  return 0;
}

static int journal_run(struct fuse *fuse, struct journal_input *input, struct weft_error *err) {
  const struct site *site = fuse->feeder.engine.site;
  journal_input_map(input, site);
  struct weft_error why = {{0}};
  int rc = run_base_load(&fuse->feeder.engine, input->reader, fuse->options->inputs[0], fuse->feeder.ledger, &why);
  if (rc == -EINVAL) log_line(LOG_LEVEL_WARNING, "%s; it begins from nothing here, which is another picture", why.text);
  else if (rc < 0) return weft_fail(err, rc, "%s", why.text);
  while ((rc = journal_input_next(input, fuse->feeder.ledger, site, err)) == 1)
    feeder_frame(&fuse->feeder, input->frame);
  return rc;
}

static int finish(struct fuse *fuse, int rc, struct weft_error *err) {
  feeder_end(&fuse->feeder);
  if (rc == 0 && fuse->options->progress) fuse->options->progress(fuse->options->context, 1);
  int written = line_file_close(fuse->lines);
  fuse->lines = NULL;
  if (written < 0 && rc == 0) {
    rc = weft_fail(err, written, "%s: writing tracks failed: %s", fuse->options->tracks_path,
                   strerror(-written));
  }
  if (fuse->options->ledger) {
    int printed = engine_ledger_print(fuse->feeder.ledger, fuse->feeder.engine.site, fuse->options->ledger);
    if (printed < 0 && rc == 0) rc = weft_fail(err, printed, "writing the ledger failed: %s", strerror(-printed));
  }
  return rc;
}

/* Opens all inputs, told by content. A journal (file or folder) must be alone: it keeps its recorded frames.
 */
static int inputs_open(struct fuse *fuse, const struct site *site, struct journal_input *journal,
                       bool *is_journal, struct weft_error *err) {
  const struct weft_fuse_options *o = fuse->options;
  for (uint32_t i = 0; i < o->input_count; i++) {
    if (strcmp(o->inputs[i], "-") != 0 && journal_recognised(o->inputs[i])) {
      if (o->input_count > 1) {
        return weft_fail(err, -EINVAL,
                         "%s: a journal keeps its recorded frames, so it can't be merged with other inputs; "
                         "give it alone",
                         o->inputs[i]);
      }
      *is_journal = true;
      return journal_input_open(journal, o->inputs[i], err);
    }
    enum sniff_kind kind;
    int rc = recording_open(&fuse->recordings[i], o->inputs[i], site, o->date, &fuse->names, &kind, err);
    if (rc < 0) return rc;
    fuse->count++;
  }
  return 0;
}

int weft_fuse(const struct weft_fuse_options *options, struct weft_error *err) {
  if (options->input_count == 0 || options->input_count > INPUTS_MAX) {
    return weft_fail(err, -EINVAL, "give 1 to %d inputs", INPUTS_MAX);
  }
  struct profile profile; /* first: what is refused leaves the track file alone */
  int rc = engine_profile_load(options->profile_path, &profile, err);
  if (rc < 0) return rc;
  struct fuse *fuse = calloc(1, sizeof *fuse);
  struct site *site;
  if (!fuse) return weft_fail(err, -ENOMEM, "out of memory");
  fuse->options = options;
  rc = engine_site_load(options->config_path, &site, err);
  if (rc < 0) {
    free(fuse);
    return rc;
  }
  struct journal_input journal = {0};
  bool is_journal = false, site_given = false;
  rc = inputs_open(fuse, site, &journal, &is_journal, err);
  if (rc == 0) rc = line_file_open(&fuse->lines, options->tracks_path, err);
  if (rc == 0) {
    struct engine_options engine = {.workers = options->workers,
                                    .profile = &profile,
                                    .tracks_max = options->tracks_max,
                                    .foreign_max = is_journal ? 0 : FOREIGN_TRACKS_MAX,
                                    .track_base =
                                        is_journal ? journal_head_of(journal.reader)->track_base : 0};
    if (is_journal && engine.tracks_max == 0) engine.tracks_max = journal_tracks_max(journal.reader);
    site_given = true;
    rc = feeder_open(&fuse->feeder, site, &engine, lines_put, fuse, err);
    if (rc == 0) {
      rc = is_journal ? journal_run(fuse, &journal, err) : recordings_run(fuse, err);
      rc = finish(fuse, rc, err);
      feeder_close(&fuse->feeder);
    }
  }
  line_file_close(fuse->lines);
  if (!site_given) {
    struct engine unused = {.site = site};
    engine_close(&unused);
  }
  if (is_journal) journal_input_close(&journal);
  for (uint32_t i = 0; i < fuse->count; i++) recording_close(fuse->recordings[i]);
  free(fuse);
  return rc;
}
