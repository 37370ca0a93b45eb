/* weft tune: the contests, one after the other, each with what the ones before have found. */
#include "engine/tune/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/safe_file.h"
#include "engine/platform/pool.h"
#include "kernels/wk.h"

enum { STAGES = 5, TURNS_MEASURE = 15, TURNS_CONFIRM = 45, TURNS_PATIENT = 60, CONFIRMED_MAX = 3 };

/* One tuning: what has been found so far. */
struct tuning {
  struct profile estimate; /* as by --level estimate */
  struct profile profile;
  char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX];
  struct tune_contest contest; /* the one under way */
  struct tune_contest again;   /* one of its candidates against the default alone */
  struct tune_progress progress;
  bool patient;
};

/* What the candidates of a knob are tried in. */
enum contest_kind { CONTEST_ENGINE, CONTEST_ENGINE_RECEIVING, CONTEST_RECEIVE };

static void contest_begin(struct tuning *tuning, enum contest_kind kind, struct tune_contest *contest, int turns) {
  bool receive = kind == CONTEST_RECEIVE;
  tune_contest_begin(contest, receive ? TUNE_RECEIVE_FORMS : TUNE_FRAME_FORMS, receive ? tune_receive_names : tune_frame_names,
                     tuning->patient ? TURNS_PATIENT : turns);
}

/* Adds the profile so far with one count in place of another; names are the counts. */
static void count_add(struct tuning *tuning, size_t offset, uint32_t value) {
  char name[TUNE_NAME_MAX];
  snprintf(name, sizeof name, "%u", value);
  struct profile *profile = tune_candidate_add(&tuning->contest, &tuning->profile, name);
  if (profile) memcpy((char *)profile + offset, &value, sizeof value);
}

static int contest_run(struct tuning *tuning, enum contest_kind kind, struct tune_contest *contest, struct weft_error *err) {
  if (kind == CONTEST_RECEIVE) return tune_receive_run(contest, &tuning->progress, err);
  return tune_engine_run(contest, kind == CONTEST_ENGINE_RECEIVING, &tuning->progress, err);
}

/* One of several is flattered by having been chosen: what it won by must show again, against the default alone. 1: it does, and is the
 * profile from here on; 0: it doesn't; or a negative errno. */
static int winner_confirm(struct tuning *tuning, enum contest_kind kind, int winner, char note[PROFILE_NOTE_MAX], struct weft_error *err) {
  const struct tune_candidate *first = &tuning->contest.candidates[0], *best = &tuning->contest.candidates[winner];
  contest_begin(tuning, kind, &tuning->again, TURNS_CONFIRM);
  (void)tune_candidate_add(&tuning->again, &first->profile, first->name);
  (void)tune_candidate_add(&tuning->again, &best->profile, best->name);
  int rc = contest_run(tuning, kind, &tuning->again, err);
  if (rc < 0) return rc;
  bool confirmed = (tune_claims(&tuning->again, 1) & tune_claims(&tuning->contest, winner)) != 0;
  if (confirmed) tuning->profile = best->profile;
  tune_note_add(note, "\n");
  tune_forms_note(&tuning->again, 1, note);
  tune_note_add(note, "; it %s", confirmed ? "won again" : "did not win again");
  return confirmed;
}

/* Holds a contest, unless there is nobody to win against. The winner is the profile from here on; where it doesn't win again the next
 * best has its turn. */
static int contest_hold(struct tuning *tuning, enum contest_kind kind, enum profile_knob knob, struct weft_error *err) {
  char *note = tuning->notes[knob];
  int rc = 0;
  note[0] = 0; /* the estimate's */
  if (tuning->contest.count < 2) {
    tune_note_add(note, "Not measured: there is no other choice here.");
  } else {
    uint32_t tried = 0;
    tuning->profile = tuning->contest.candidates[0].profile;
    rc = contest_run(tuning, kind, &tuning->contest, err);
    tune_note(&tuning->contest, note);
    for (int turn = 0; rc == 0 && turn < CONFIRMED_MAX; turn++) {
      int winner = tune_choose(&tuning->contest, tried);
      if (winner == 0) break;
      tried |= 1u << winner;
      rc = winner_confirm(tuning, kind, winner, note, err);
    }
  }
  tuning->progress.stage++;
  return rc < 0 ? rc : 0;
}

static int kernels_tune(struct tuning *tuning, struct weft_error *err) {
  static const char *const names[] = {"v4", "v3", "scalar"};
  char first[sizeof tuning->profile.kernels];
  snprintf(first, sizeof first, "%s", wk_table()->name);
  contest_begin(tuning, CONTEST_ENGINE, &tuning->contest, TURNS_MEASURE);
  snprintf(tuning->profile.kernels, sizeof tuning->profile.kernels, "%s", first);
  (void)tune_candidate_add(&tuning->contest, &tuning->profile, first);
  for (int n = 0; n < 3; n++) {
    if (!wk_choose(names[n]) || strcmp(wk_table()->name, names[n]) != 0) continue; /* not here, or WEFT_KERNELS says otherwise */
    struct profile *profile = tune_candidate_add(&tuning->contest, &tuning->profile, names[n]);
    if (profile) snprintf(profile->kernels, sizeof profile->kernels, "%s", names[n]);
  }
  int rc = contest_hold(tuning, CONTEST_ENGINE, PROFILE_KERNELS, err);
  (void)wk_choose(tuning->profile.kernels);
  return rc;
}

static void workers_add(struct tuning *tuning, uint32_t workers, uint32_t per_cache, uint32_t inline_items) {
  char name[TUNE_NAME_MAX];
  if (workers < 1 || workers > TOPOLOGY_WORKER_MAX || per_cache < 1) return;
  snprintf(name, sizeof name, "%u", workers);
  if (inline_items > POOL_INLINE_ITEMS) snprintf(name, sizeof name, "%u beyond %u items", workers, inline_items);
  if (per_cache < workers && per_cache < tuning->estimate.workers_per_cache) snprintf(name, sizeof name, "%u (%u per cache)", workers, per_cache);
  struct profile *profile = tune_candidate_add(&tuning->contest, &tuning->profile, name);
  if (!profile) return;
  profile->workers = workers;
  profile->workers_per_cache = per_cache;
  profile->inline_items = inline_items;
}

/* Half as many, a quarter, one cache alone, half of each cache; one on every core, also the I/O thread's, in all loops of some length or in
 * long ones alone, since in short ones that worker may have to wait for its core; two on each. */
static int workers_tune(struct tuning *tuning, struct weft_error *err) {
  static const uint32_t longer[] = {4, 8, 16};
  const struct machine *machine = &tuning->estimate.machine;
  uint32_t workers = tuning->estimate.workers, per_cache = tuning->estimate.workers_per_cache, half = per_cache / 2;
  contest_begin(tuning, CONTEST_ENGINE_RECEIVING, &tuning->contest, TURNS_MEASURE);
  workers_add(tuning, workers, per_cache, POOL_INLINE_ITEMS);
  workers_add(tuning, workers / 2, per_cache, POOL_INLINE_ITEMS);
  workers_add(tuning, per_cache, per_cache, POOL_INLINE_ITEMS);
  workers_add(tuning, machine->cores, per_cache, POOL_INLINE_ITEMS);
  for (uint32_t i = 0; i < 3; i++) workers_add(tuning, machine->cores, per_cache, longer[i] * POOL_INLINE_ITEMS);
  if (machine->caches > 1) workers_add(tuning, half * machine->caches < workers ? half * machine->caches : workers, half, POOL_INLINE_ITEMS);
  if (machine->threads > machine->cores) workers_add(tuning, 2 * workers, 2 * per_cache, POOL_INLINE_ITEMS);
  workers_add(tuning, workers / 4, per_cache, POOL_INLINE_ITEMS);
  int rc = contest_hold(tuning, CONTEST_ENGINE_RECEIVING, PROFILE_WORKERS, err);
  snprintf(tuning->notes[PROFILE_WORKERS_PER_CACHE], PROFILE_NOTE_MAX, "Found with the workers.");
  return rc;
}

static int pool_tune(struct tuning *tuning, size_t offset, const uint32_t *values, int count, enum profile_knob knob, struct weft_error *err) {
  uint32_t found; /* so far: with the workers */
  memcpy(&found, (const char *)&tuning->profile + offset, sizeof found);
  contest_begin(tuning, CONTEST_ENGINE_RECEIVING, &tuning->contest, TURNS_MEASURE);
  count_add(tuning, offset, found);
  for (int v = 0; v < count; v++) count_add(tuning, offset, values[v]);
  return contest_hold(tuning, CONTEST_ENGINE_RECEIVING, knob, err);
}

static int pools_tune(struct tuning *tuning, struct weft_error *err) {
  static const uint32_t inline_items[] = {POOL_INLINE_ITEMS, 16, 256, 4, 32, 128, 1024}, spin_rounds[] = {POOL_SPIN_ROUNDS, 100, 10000, 0, 300, 3000, 50000};
  const int count = tuning->patient ? 7 : 3;
  if (tuning->profile.workers < 2) {
    snprintf(tuning->notes[PROFILE_INLINE_ITEMS], PROFILE_NOTE_MAX, "Not measured: one worker has nobody to wake.");
    snprintf(tuning->notes[PROFILE_SPIN_ROUNDS], PROFILE_NOTE_MAX, "Not measured: one worker waits for nobody.");
    tuning->progress.stage += 2;
    return 0;
  }
  int rc = pool_tune(tuning, offsetof(struct profile, inline_items), inline_items, count, PROFILE_INLINE_ITEMS, err);
  return rc < 0 ? rc : pool_tune(tuning, offsetof(struct profile, spin_rounds), spin_rounds, count, PROFILE_SPIN_ROUNDS, err);
}

static int receive_tune(struct tuning *tuning, struct weft_error *err) {
  static const uint32_t buffers[] = {128, 32, 64, 256, 16, 512, 8};
  const int count = tuning->patient ? 7 : 4;
  contest_begin(tuning, CONTEST_RECEIVE, &tuning->contest, TURNS_MEASURE);
  for (int b = 0; b < count; b++) count_add(tuning, offsetof(struct profile, buffers), buffers[b]);
  return contest_hold(tuning, CONTEST_RECEIVE, PROFILE_BUFFERS, err);
}

/* The first candidate is always the engine's default, or what was found before, whatever the estimate says. */
static int all_tune(struct tuning *tuning, struct weft_error *err) {
  int rc = kernels_tune(tuning, err);
  if (rc == 0) rc = workers_tune(tuning, err);
  if (rc == 0) rc = pools_tune(tuning, err);
  return rc == 0 ? receive_tune(tuning, err) : rc;
}

static int profile_put(const struct tuning *tuning, const struct weft_tune_options *options, struct weft_error *err) {
  static const char *const levels[] = {"estimate", "measure", "patient"};
  char made[400], *bytes = malloc(PROFILE_TEXT_MAX);
  if (!bytes) return weft_fail(err, -ENOMEM, "out of memory");
  snprintf(made, sizeof made, "weft tune --level %s", levels[options->level]);
  if (options->topology) snprintf(made, sizeof made, "weft tune --level estimate --topology \"%.300s\"", options->topology);
  struct text text = text_open(bytes, PROFILE_TEXT_MAX);
  char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX];
  memcpy(notes, tuning->notes, sizeof notes);
  profile_write(&text, &tuning->profile, made, options->topology, notes);
  int rc = 0;
  const struct stat like = {.st_mode = S_IFREG | 0644, .st_uid = geteuid(), .st_gid = getegid()};
  if (text.cut) rc = weft_fail(err, -E2BIG, "the description of the machine is too long; shorten it");
  else if (strcmp(options->out_path, "-") != 0) rc = safe_file_replace(options->out_path, text.data, text.used, &like, err);
  else if (fwrite(text.data, 1, text.used, stdout) != text.used || fflush(stdout) != 0)
    rc = weft_fail(err, -EIO, "writing the profile failed: %s", strerror(errno));
  free(bytes);
  return rc;
}

int weft_tune(const struct weft_tune_options *options, struct weft_error *err) {
  const struct topology_source source = {.synthetic = options->topology};
  if (options->topology && options->level != WEFT_TUNE_ESTIMATE)
    return weft_fail(err, -EINVAL, "a described machine can't be measured; give --level estimate with --topology");
  struct tuning *tuning = calloc(1, sizeof *tuning);
  if (!tuning) return weft_fail(err, -ENOMEM, "out of memory");
  tuning->patient = options->level == WEFT_TUNE_PATIENT;
  tuning->progress = (struct tune_progress){.show = options->progress, .context = options->context, .stages = STAGES};
  int rc = tune_estimate(&source, &tuning->estimate, tuning->notes, err);
  tuning->profile = tuning->estimate;
  if (rc == 0 && options->level != WEFT_TUNE_ESTIMATE) rc = all_tune(tuning, err);
  if (rc == 0) rc = profile_put(tuning, options, err);
  free(tuning);
  return rc;
}
