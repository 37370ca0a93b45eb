#include "engine/server/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/log.h"
#include "engine/journal/journal_segment.h"
#include "engine/journal/snapshot.h"

/* Of an engine just opened. False where the image is not what its CRC promised; the engine is then of no use. */
static bool image_take(struct engine *engine, const uint8_t *data, const struct snapshot_head *head) {
  struct image image = image_load(data + SNAPSHOT_HEADER_BYTES, head->size);
  engine_image(engine, &image);
  return image_complete(&image);
}

/* The newer of the two that take turns, or what the run began with. Its data (malloc'd) or NULL. */
static uint8_t *snapshot_choose(const struct engine *engine, const char *directory, const struct journal_reader *reader,
                                struct snapshot_head *head) {
  uint64_t layout = engine_layout(engine), run = journal_head_of(reader)->run;
  uint8_t *best = NULL;
  for (uint32_t turn = 0; turn <= SNAPSHOT_TURNS; turn++) {
    char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
    struct snapshot_head found;
    struct weft_error err;
    uint8_t *data;
    if (turn < SNAPSHOT_TURNS) snapshot_turn_path(path, sizeof path, directory, turn);
    else snapshot_begin_path(path, sizeof path, directory, journal_first_segment(reader));
    int rc = snapshot_read(path, &found, &data, &err);
    if (rc == -ENOENT) continue;
    if (rc < 0) {
      log_line(LOG_LEVEL_WARNING, "recovery: %s", err.text);
      continue;
    }
    if (found.run != run || found.layout != layout || (best && found.frame <= head->frame)) {
      free(data);
      continue;
    }
    free(best);
    best = data;
    *head = found;
  }
  return best;
}

/* When anything was last written to a segment, by its time of change. Starts that died before their first frame leave empty
 * ones, which say nothing. */
static int64_t written_ns(const char *directory) {
  char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  uint64_t *numbers, count;
  struct stat status;
  if (journal_segment_list(directory, &numbers, &count) < 0) return 0;
  int64_t last_ns = 0;
  for (uint64_t i = count; i > 0 && last_ns == 0; i--) {
    journal_segment_path(path, sizeof path, directory, numbers[i - 1]);
    if (stat(path, &status) < 0 || status.st_size == 0) continue;
    last_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
  }
  free(numbers);
  return last_ns;
}

/* Is there a run to go on with? Says why not where somebody might expect it. */
static bool run_usable(const struct engine *engine, const struct resume_options *options, const struct run_state *state,
                       const struct journal_head *head) {
  double age_s = (double)(options->now_ns - written_ns(options->directory)) * 1e-9;
  const char *why = NULL;
  if (strcmp(head->centre, engine->site->centre) != 0) why = "it is of another centre";
  else if (head->site_size != engine->site->text_size || memcmp(head->site_text, engine->site->text, head->site_size) != 0)
    why = "the configuration has changed since";
  else if (age_s > (double)options->age_max_ns * 1e-9 || age_s < -(double)options->age_max_ns * 1e-9)
    why = "it stopped too long ago (journal.resume_s)";
  else if (state->run != head->run && state->from != head->run) why = "run.state does not speak of it";
  if (!why) return true;
  log_line(LOG_LEVEL_NOTICE, "the last run did not end in an orderly way; it is not gone on with: %s", why);
  return false;
}

static void frame_skip(const struct frame *frame, struct resumed *out) {
  out->skipped++;
  out->skipped_detections += frame->count;
  log_line(LOG_LEVEL_ERROR, "recovery: frame %llu (%u detection(s)) has crashed the engine %d times and is passed over",
           (unsigned long long)frame->number, frame->count, RESUME_CRASHES);
}

/* The frames behind the snapshot, up to the end; damage is said and passed over segment by segment. */
static void tail_step(struct engine *engine, struct journal_reader *reader, const struct resume_options *options,
                      const struct run_state *state, struct resumed *out) {
  struct frame *frame = options->frame;
  journal_expect_sensors(reader, engine->site->sensor_count);
  for (;;) {
    int rc = journal_next(reader, frame);
    if (rc == 1 && run_state_crashes(state, frame->number) >= RESUME_CRASHES) {
      frame_skip(frame, out);
    } else if (rc == 1) {
      run_state_stepping(out->run, frame->number);
      engine_step(engine, frame, options->output);
      run_state_stepping(0, 0);
      out->stepped++;
    }
    if (rc == 1) {
      out->frame = frame->number;
      out->time_ns = frame->time_ns;
      continue;
    }
    struct journal_damage damage = journal_damage_of(reader);
    if (rc < 0 && !damage.last)
      log_line(LOG_LEVEL_WARNING, "recovery: %s: %s at byte %llu", damage.path ? damage.path : options->directory,
               rc == -EILSEQ ? "damage" : strerror(-rc), (unsigned long long)damage.offset);
    if (rc != -EILSEQ || !journal_skip_segment(reader)) break;
  }
  out->missing = journal_missing_frames(reader);
}

void run_resume(struct engine *engine, const struct resume_options *options, struct resumed *out) {
  struct run_state state;
  struct journal_reader *reader;
  struct weft_error err;
  *out = (struct resumed){0};
  run_state_read(options->directory, &state);
  if (state.run == 0 || state.ended) return;
  if (journal_open(&reader, options->directory, JOURNAL_RUN_NEWEST, &err) < 0) return; /* nothing was written yet */
  const struct journal_head *head = journal_head_of(reader);
  if (run_usable(engine, options, &state, head)) {
    struct snapshot_head snapshot = {0};
    uint8_t *data = snapshot_choose(engine, options->directory, reader, &snapshot);
    char base[2];
    bool from_nothing = !data && !journal_parameter(head, JOURNAL_BASE_KEY, base, sizeof base);
    if ((data && image_take(engine, data, &snapshot)) || from_nothing) {
      out->any = true;
      out->run = head->run;
      out->frame = out->snapshot_frame = snapshot.frame;
      out->time_ns = snapshot.time_ns;
      if (data) journal_pass(reader, snapshot.frame, snapshot.time_ns);
      else engine_renumber(engine, head->track_base);
      tail_step(engine, reader, options, &state, out);
    } else {
      log_line(LOG_LEVEL_ERROR, "recovery: no snapshot of the last run can be used; its tracks are not gone on with");
    }
    free(data);
  }
  journal_close(reader);
}

/* Where the state lies that a run, or the one segment that is read, begins with. False: it begins from nothing. */
static bool base_path(const struct journal_reader *reader, const char *path, char *out, size_t size) {
  const struct journal_head *head = journal_head_of(reader);
  char base[24], directory[JOURNAL_PATH_MAX];
  struct stat status;
  if (!journal_parameter(head, JOURNAL_BASE_KEY, base, sizeof base)) return false;
  snprintf(directory, sizeof directory, "%s", path);
  if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode)) {
    if (head->first_frame != strtoull(base, NULL, 10) + 1) return false; /* from the middle of its run */
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
  }
  snapshot_begin_path(out, size, directory, head->segment);
  return true;
}

int run_base_load(struct engine *engine, struct journal_reader *reader, const char *path, struct ledger *ledger,
                  struct weft_error *err) {
  char file[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  struct snapshot_head head;
  uint8_t *data;
  if (!base_path(reader, path, file, sizeof file)) return 0;
  int rc = snapshot_read(file, &head, &data, err);
  if (rc < 0) return rc;
  if (head.layout != engine_layout(engine)) {
    rc = weft_fail(err, -EINVAL,
                   "%s: the state that this run goes on from was made by another build of weft, for another configuration "
                   "or other areas; use those", file);
  } else if (!image_take(engine, data, &head)) {
    rc = weft_fail(err, -EILSEQ, "%s: the state in it can't be: it is damaged; take a copy", file);
  }
  free(data);
  if (rc < 0) return rc;
  engine_carry(engine, journal_head_of(reader)->track_base, ledger);
  journal_pass(reader, head.frame, head.time_ns);
  return 1;
}
