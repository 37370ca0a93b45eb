#include "tools/score/score_siap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void siap_open(struct siap_work *work, const struct truth *truth, const struct tracks *tracks) {
  work->slot_of = score_take(tracks->names.count, sizeof *work->slot_of);
  work->target_of = score_take(tracks->names.count, sizeof *work->target_of);
  work->held = score_take(truth->names.count, sizeof *work->held);
  work->said = score_take(truth->names.count, sizeof *work->said);
  for (size_t j = 0; j < tracks->names.count; j++) work->slot_of[j] = -1;
}

void siap_close(struct siap_work *work) {
  free(work->slot_of);
  free(work->target_of);
  free(work->held);
  free(work->said);
  memset(work, 0, sizeof *work);
}

static double distance_between(const double a[3], const double b[3]) {
  double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return sqrt(x * x + y * y + z * z);
}

static int32_t target_nearest(const struct picture *p, size_t track, double cutoff_m) {
  int32_t nearest = -1;
  double least = cutoff_m;
  for (size_t i = 0; i < p->targets; i++) {
    double distance = distance_between(p->target_m[i], p->track_m[track]);
    if (distance >= least) continue;
    least = distance;
    nearest = (int32_t)i;
  }
  return nearest;
}

/* First the pairs of the reading over time, then every other track to its nearest target. */
static void tracks_assign(struct siap_work *work, const struct picture *p, const int32_t *follows,
                          double cutoff_m, bool *within) {
  for (size_t j = 0; j < p->tracks; j++) {
    work->slot_of[p->track[j]] = (int32_t)j;
    work->target_of[j] = -1;
  }
  for (size_t i = 0; i < p->targets; i++) {
    int32_t track = follows[p->target[i]];
    if (track >= 0 && work->slot_of[track] >= 0) work->target_of[work->slot_of[track]] = (int32_t)i;
  }
  for (size_t j = 0; j < p->tracks; j++) {
    work->slot_of[p->track[j]] = -1;
    if (work->target_of[j] < 0) work->target_of[j] = target_nearest(p, j, cutoff_m);
    within[p->track[j]] |= work->target_of[j] >= 0;
  }
}

static bool target_owed(const struct picture *p, const struct truth *truth, size_t slot) {
  return truth->target[p->target[slot]].due_ns <= p->time_ns;
}

void siap_take(struct siap_work *work, const struct picture *p, const struct truth *truth,
               const int32_t *follows, double cutoff_m, bool *within, struct siap *out) {
  memset(out, 0, sizeof *out);
  tracks_assign(work, p, follows, cutoff_m, within);
  memset(work->held, 0, p->targets * sizeof *work->held);
  memset(work->said, 0, p->targets * sizeof *work->said);
  out->tracks = (double)p->tracks;
  for (size_t j = 0; j < p->tracks; j++) {
    int32_t i = work->target_of[j];
    out->spurious += i < 0;
    if (i < 0) continue;
    out->duplicate += work->held[i]++ > 0;
    if (!target_owed(p, truth, (size_t)i)) continue;
    const struct track_line *line = p->line[j];
    out->assigned++;
    out->position_m += distance_between(p->target_m[i], p->track_m[j]);
    if (line->class != CLASS_UNKNOWN) work->said[i] |= (uint8_t)(1U << line->class);
    if (!line->velocity_known) continue;
    out->velocities++;
    out->velocity_mps += distance_between(p->target_mps[i], p->track_mps[j]);
  }
  for (size_t i = 0; i < p->targets; i++) {
    if (!target_owed(p, truth, i)) continue;
    unsigned said = work->said[i], right = 1U << truth->target[p->target[i]].class;
    out->targets++;
    out->tracked += work->held[i] > 0;
    out->identified += said != 0;
    out->identified_right += said == right;
    out->identified_mixed += (said & (said - 1)) != 0;
  }
}

void siap_add(struct siap *sum, const struct siap *one) {
  sum->targets += one->targets;
  sum->tracked += one->tracked;
  sum->assigned += one->assigned;
  sum->tracks += one->tracks;
  sum->spurious += one->spurious;
  sum->duplicate += one->duplicate;
  sum->position_m += one->position_m;
  sum->velocity_mps += one->velocity_mps;
  sum->velocities += one->velocities;
  sum->identified += one->identified;
  sum->identified_right += one->identified_right;
  sum->identified_mixed += one->identified_mixed;
}

static double ratio(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}
double siap_completeness(const struct siap *siap) {
  return ratio(siap->tracked, siap->targets);
}
double siap_ambiguity(const struct siap *siap) {
  return ratio(siap->assigned, siap->tracked);
}
double siap_spuriousness(const struct siap *siap) {
  return ratio(siap->spurious, siap->tracks);
}
double siap_position_m(const struct siap *siap) {
  return ratio(siap->position_m, siap->assigned);
}
double siap_velocity_mps(const struct siap *siap) {
  return ratio(siap->velocity_mps, siap->velocities);
}
