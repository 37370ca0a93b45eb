/* weft tune: finds the knobs of a hardware profile. Contests of candidates, each measured by turns through the engine's own
 * code; the default is always one of them and gives way only to what is clearly better. Internal to engine/tune. */
#ifndef WEFT_TUNE_H
#define WEFT_TUNE_H

#include "engine/platform/profile.h"
#include "engine/weft.h"

enum { TUNE_CANDIDATES_MAX = 10, TUNE_TURNS_MAX = 60, TUNE_FORMS_MAX = 5, TUNE_NAME_MAX = 32 };

/* One way to set a knob; the others are as found so far. */
struct tune_candidate {
  char name[TUNE_NAME_MAX];
  struct profile profile;
  double ns[TUNE_FORMS_MAX][TUNE_TURNS_MAX]; /* what a turn took, by form of the work */
};

/* The default is the first. */
struct tune_contest {
  int count;
  int forms;
  const char *const *form_names;
  int turns;
  struct tune_candidate candidates[TUNE_CANDIDATES_MAX];
};

/* What the measuring is told and tells. */
struct tune_progress {
  void (*show)(void *context, double fraction); /* NULL: nobody looks */
  void *context;
  int stage, stages;
};
void tune_progress_show(const struct tune_progress *progress, int turn, int turns);

/* tune_choose.c. Empties a contest; adds a candidate (the first of a name stays; what is beyond the room is left out), returns
 * its profile to be changed, NULL where none was added. */
void tune_contest_begin(struct tune_contest *contest, int forms, const char *const *form_names, int turns);
struct profile *tune_candidate_add(struct tune_contest *contest, const struct profile *from, const char *name);
/* A candidate's time over the default's in one form of the work; TUNE_MEAN: in the mean of all forms, each counting alike. */
enum { TUNE_MEAN = -1 };
struct tune_ratio {
  double least, median; /* of the mean of the quickest quarter of turns; of the ratios of each turn */
  int turns_faster;
};
struct tune_ratio tune_ratio_of(const struct tune_contest *contest, int c, int form);
/* Where a candidate is clearly faster than the default: bit f in form f, bit `forms` in the mean. 0 where it is slower in any form. */
uint32_t tune_claims(const struct tune_contest *contest, int c);
/* The one of the least mean among those that are clearly faster somewhere and slower nowhere, without those whose bit is set; 0, the
 * default, where there is none. */
int tune_choose(const struct tune_contest *contest, uint32_t without);
/* For the file, appended and cut at the note's end: "Measured, ...: 128 1.00, 32 0.91"; of one candidate the ratios in each form. */
void tune_note_add(char note[PROFILE_NOTE_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
void tune_note(const struct tune_contest *contest, char note[PROFILE_NOTE_MAX]);
void tune_forms_note(const struct tune_contest *contest, int c, char note[PROFILE_NOTE_MAX]);
/* Sorts the values. */
double tune_median(double *values, int count);

/* tune_estimate.c: every knob from what the machine is. 0, or a negative errno with `err` filled. */
int tune_estimate(const struct topology_source *source, struct profile *profile, char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX],
                  struct weft_error *err);

/* tune_engine.c: steps the same frames of five sizes through an engine per candidate, on a thread of its own each.
 * `receiving`: while another thread receives as the server does at full load. */
enum { TUNE_FRAME_FORMS = TUNE_FORMS_MAX };
extern const char *const tune_frame_names[TUNE_FRAME_FORMS];
int tune_engine_run(struct tune_contest *contest, bool receiving, const struct tune_progress *progress, struct weft_error *err);

/* tune_receive.c: receives datagrams over loopback as the server does, coalesced, one by one, and a burst of each by turns. */
enum { TUNE_RECEIVE_FORMS = 3 };
extern const char *const tune_receive_names[TUNE_RECEIVE_FORMS];
int tune_receive_run(struct tune_contest *contest, const struct tune_progress *progress, struct weft_error *err);
/* A thread that receives, a quarter of the time, until it is told to end. */
struct tune_receiver;
int tune_receiver_open(struct tune_receiver **receiver, struct weft_error *err);
void tune_receiver_close(struct tune_receiver *receiver);

#endif
