/* What must hold whatever happened: finite tracks, books that add up, a journal that says what was stepped or
 * says that it can't. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/domain/overload.h"
#include "engine/feeder.h"
#include "engine/journal_input.h"
#include "tests/sim/world/world.h"

uint64_t digest_add(uint64_t digest, const void *data, size_t size) {
  const uint8_t *bytes = data;
  uint64_t word;
  for (; size >= 8; size -= 8, bytes += 8) {
    memcpy(&word, bytes, 8);
    digest = (digest ^ word) * UINT64_C(1099511628211);
    digest ^= digest >> 29;
  }
  for (; size > 0; size--) digest = (digest ^ *bytes++) * UINT64_C(1099511628211);
  return digest;
}

/* All that a step depends on (frame_equal). */
static uint64_t frame_digest(const struct frame *frame) {
  uint64_t digest = digest_add(1, &frame->number, 8);
  uint64_t sizes[3] = {frame->overload_step, frame->count, frame->state_count};
  digest = digest_add(digest, &frame->time_ns, 8);
  digest = digest_add(digest, sizes, sizeof sizes);
  digest = digest_add(digest, frame->states, frame->state_count * sizeof *frame->states);
  for (uint32_t i = 0; i < frame->count; i++) {
    struct detection d;
    frame_detection(frame, i, &d);
    uint64_t small[4] = {d.sensor, d.index, d.kind, d.valid};
    digest = digest_add(digest_add(digest, &d.time_ns, 8), &d.sequence, 8);
    digest = digest_add(digest_add(digest, small, sizeof small), &d.snr_db, 4);
    digest = digest_add(digest_add(digest, d.measure, sizeof d.measure), d.sigma, sizeof d.sigma);
    digest = digest_add(digest, d.platform_m, sizeof d.platform_m);
  }
  return digest;
}

static uint64_t report_digest(uint64_t digest, const struct track_report *r) {
  uint64_t small[6] = {r->status, r->phase, r->class_, r->has_phase, r->has_launch, r->has_impact};
  double real[] = {r->lat_deg, r->lon_deg, r->height_m, r->existence};
  uint64_t whole[] = {(uint64_t)r->time_ns, r->track, r->continues, r->detections,
                      (uint64_t)r->first_time_ns};
  digest = digest_add(digest, small, sizeof small);
  digest = digest_add(digest_add(digest, real, sizeof real), whole, sizeof whole);
  digest = digest_add(digest_add(digest, r->position_m, 24), r->velocity_mps, 24);
  digest = digest_add(digest, r->covariance, sizeof r->covariance);
  digest = digest_add(digest_add(digest, r->phase_probability, 24), r->sensors, sizeof r->sensors);
  if (r->has_launch) digest = digest_add(digest_add(digest, &r->launch, sizeof r->launch), &r->event, 8);
  if (r->has_impact)
    digest =
        digest_add(digest_add(digest, &r->impact.ground, sizeof r->impact.ground), &r->impact.probability, 8);
  return digest;
}

static uint64_t lines_digest(const struct step_output *output) {
  uint64_t head[3] = {output->frame, (uint64_t)output->frame_time_ns, output->count};
  uint64_t digest = digest_add(2, head, sizeof head);
  for (uint32_t i = 0; i < output->count; i++) digest = report_digest(digest, &output->reports[i]);
  return digest;
}

/* Cholesky of the correlation matrix, a millionth of a millionth added for rounding. */
static bool semidefinite(const double *upper) {
  double c[6][6], l[6][6] = {{0}}, scale[6];
  for (int i = 0, at = 0; i < 6; i++)
    for (int j = i; j < 6; j++) c[i][j] = c[j][i] = upper[at++];
  for (int i = 0; i < 6; i++) {
    if (!(c[i][i] > 0)) return false;
    scale[i] = 1 / sqrt(c[i][i]);
  }
  for (int j = 0; j < 6; j++) {
    for (int i = j; i < 6; i++) {
      double sum = c[i][j] * scale[i] * scale[j] + (i == j ? 1e-9 : 0);
      for (int k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i == j && !(sum > 0)) return false;
      l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
    }
  }
  return true;
}

static bool all_finite(const double *values, int count) {
  for (int i = 0; i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

static bool ground_sound(const struct ground_estimate *g) {
  double values[] = {g->lat_deg,      g->lon_deg,      g->time_sigma_s,
                     g->semi_major_m, g->semi_minor_m, g->orientation_deg};
  return all_finite(values, 6) && fabs(g->lat_deg) <= 90 && g->semi_minor_m >= 0 &&
         g->semi_major_m >= g->semi_minor_m && g->time_sigma_s >= 0;
}

static void report_check(const struct track_report *r, uint64_t frame) {
  unsigned long long track = r->track, number = frame;
  if (!all_finite(r->position_m, 3) || !all_finite(r->velocity_mps, 3))
    world_fail("frame %llu, track %llu: state not finite", number, track);
  if (!all_finite(r->covariance, 21))
    world_fail("frame %llu, track %llu: covariance not finite", number, track);
  else if (!semidefinite(r->covariance))
    world_fail("frame %llu, track %llu: covariance not positive semidefinite", number, track);
  if (!(r->existence >= 0 && r->existence <= 1))
    world_fail("frame %llu, track %llu: existence %g", number, track, r->existence);
  if (r->has_phase && r->class_ != CLASS_AIRCRAFT) {
    double sum = r->phase_probability[0] + r->phase_probability[1] + r->phase_probability[2];
    if (!(fabs(sum - 1) < 1e-6))
      world_fail("frame %llu, track %llu: phase probabilities add up to %g", number, track, sum);
  }
  if (r->has_launch && !ground_sound(&r->launch))
    world_fail("frame %llu, track %llu: launch not sound", number, track);
  if (r->has_impact &&
      (!ground_sound(&r->impact.ground) || !(r->impact.probability >= 0 && r->impact.probability <= 1)))
    world_fail("frame %llu, track %llu: impact not sound", number, track);
}

void step_check(const struct slot *slot) {
  const struct frame *frame = &slot->frame;
  if (world.note_count == WORLD_FRAMES_MAX) {
    world_fail("more than %d frames", WORLD_FRAMES_MAX);
    return;
  }
  struct frame_note *note = &world.notes[world.note_count++];
  *note = (struct frame_note){frame->number, frame_digest(frame), lines_digest(&slot->output)};
  if (frame->number != world.note_count)
    world_fail("frame %llu is numbered %llu", (unsigned long long)world.note_count,
               (unsigned long long)frame->number);
  if (frame->time_ns < world.frame_ns)
    world_fail("frame %llu is older than the one before", (unsigned long long)frame->number);
  world.frame_ns = frame->time_ns;
  world.digest = digest_add(world.digest, note, sizeof *note);
  if (frame->overload_step >= OVERLOAD_SHEDS && frame->count > 1) world_mark(MARK_OVERLOADED);
  if (frame->overload_step < world.overload_step) world_mark(MARK_OVERLOAD_FALLS);
  world.overload_step = frame->overload_step;
  world.detections += frame->count;
  world.reports += slot->output.count;
  for (uint32_t i = 0; i < slot->output.count; i++) report_check(&slot->output.reports[i], frame->number);
}

static void port_check(void) {
  if (!world.server->track_port) return;
  struct track_port_counts c = track_port_counts(world.server->track_port);
  if (c.published != c.delivered + c.missed + c.pending + c.abandoned)
    world_fail("track port: published %llu, delivered %llu, missed %llu, pending %llu, abandoned %llu",
               (unsigned long long)c.published, (unsigned long long)c.delivered, (unsigned long long)c.missed,
               (unsigned long long)c.pending, (unsigned long long)c.abandoned);
  if (c.not_finite > 0) world_fail("track port: %llu reports gave no line", (unsigned long long)c.not_finite);
}

/* A sensor gets in what its budget is and no more, and costs no other one anything. */
static void budgets_check(const struct ledger *ledger) {
  for (uint32_t s = 0; s < ledger->sensor_count; s++) {
    const struct ledger_sensor *row = &ledger->sensors[s];
    uint64_t over = row->datagrams.refused[REFUSAL_OVER_BUDGET] + row->detections.refused[REFUSAL_OVER_BUDGET];
    if (s != SENSOR_BOUND && over > 0) world_fail("sensor row %u is over its budget", s);
  }
  const struct ledger_sensor *row = &ledger->sensors[SENSOR_BOUND];
  double ran_s = (double)(world_now_ns() - world.start_ns) * 1e-9, most = BOUND_DEPTH + BOUND_PER_S * ran_s;
  static const enum refusal looked_into[] = {REFUSAL_MALFORMED, REFUSAL_NOT_FINITE, REFUSAL_OUT_OF_RANGE, REFUSAL_STALE,
                                             REFUSAL_FUTURE};
  uint64_t admitted = row->detections.accepted;
  for (size_t r = 0; r < sizeof looked_into / sizeof *looked_into; r++)
    admitted += row->detections.refused[looked_into[r]];
  if ((double)admitted > most)
    world_fail("%llu detections of a sensor whose budget is %.0f", (unsigned long long)admitted, most);
  world.times[MARK_SENSOR_FLOODS] = row->datagrams.refused[REFUSAL_OVER_BUDGET];
}

void books_check(const struct ledger *ledger) {
  world.books_seen = true;
  world.books = *ledger;
  struct ledger settled = *ledger;
  uint64_t received = 0, accepted = 0;
  if (!ledger_settle(&settled) || !ledger_balanced(&settled)) world_fail("the ledger does not balance");
  for (uint32_t s = 0; s <= ledger->sensor_count; s++) {
    received += ledger->sensors[s].datagrams.received - ledger->sensors[s].parity[PARITY_RECOVERED];
    accepted += ledger->sensors[s].detections.accepted;
    if (settled.sensors[s].fates[FATE_IN_FLIGHT] != 0)
      world_fail("sensor row %u: detections in flight at the end", s);
    world.digest = digest_add(world.digest, &ledger->sensors[s], sizeof ledger->sensors[s]);
  }
  if (received != world.udp_taken + world.tcp_expected)
    world_fail("%llu datagrams in the books, %llu by UDP and %llu by TCP were handed over",
               (unsigned long long)received, (unsigned long long)world.udp_taken,
               (unsigned long long)world.tcp_expected);
  if (accepted != world.detections)
    world_fail("%llu detections accepted, %llu stepped", (unsigned long long)accepted,
               (unsigned long long)world.detections);
  budgets_check(ledger);
  port_check();
  struct server *server = world.server;
  world.journal_settled = journal_idle(server->journal);
  world.journal = journal_marks_of(server->journal);
}

static void segments_write(const char *folder) {
  char path[512];
  for (uint32_t f = 0; f < world.file_count; f++) {
    if (world.removed[f]) continue;
    uint64_t size = world.survivors[f].size;
    const uint8_t *data = world.survivors[f].data;
    if (!world.power_failed) data = io_sim_file(world.sim, world.files[f], &size);
    snprintf(path, sizeof path, "%s/journal/%s", folder, world.names[f]);
    FILE *out = fopen(path, "w");
    weft_assert(out && fwrite(data ? data : (const void *)"", 1, size, out) == size);
    fclose(out);
  }
}

static void segments_remove(const char *folder) {
  char path[512];
  for (uint32_t f = 0; f < world.file_count; f++) {
    snprintf(path, sizeof path, "%s/journal/%s", folder, world.names[f]);
    unlink(path);
  }
  static const char *const others[] = {"snapshot-0.ws", "snapshot-1.ws", "run.state"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    snprintf(path, sizeof path, "%s/journal/%s", folder, others[i]);
    unlink(path);
  }
}

/* Every frame read is the one that was stepped; up to the first that is missing, its lines are too. */
static uint64_t frames_replay(struct journal_input *input, struct feeder *feeder) {
  uint64_t read = 0, last = 0;
  struct weft_error err = {""};
  bool whole = true;
  int rc;
  while ((rc = journal_input_next(input, feeder->ledger, feeder->engine.site, &err)) == 1) {
    const struct frame *frame = input->frame;
    unsigned long long number = frame->number;
    if (number <= last || number > world.note_count) {
      world_fail("journal: frame %llu after %llu of %llu", number, (unsigned long long)last,
                 (unsigned long long)world.note_count);
      return read;
    }
    whole = whole && number == last + 1;
    last = number;
    const struct frame_note *note = &world.notes[number - 1];
    if (frame_digest(frame) != note->content)
      world_fail("journal: frame %llu is not what was stepped", number);
    read++;
    if (!whole) continue;
    feeder_frame(feeder, frame);
    if (lines_digest(&feeder->output) != note->lines) {
      world_fail("replay: frame %llu gives other tracks than the server did", number);
      return read;
    }
    world.replayed_frame = number;
  }
  world.replayed_whole = whole;
  world.replayed_hash = engine_hash(&feeder->engine);
  if (rc < 0) world_fail("journal: reading failed: %s", err.text);
  return read;
}

/* How many frames the server said to be there: appended, or, where the power failed, on the disk. */
static uint64_t frames_due(void) {
  const struct journal_marks *at = &world.durable;
  if (!world.power_failed) return world.journal_settled ? world.journal.frames : 0;
  uint64_t given_up = at->unjournaled + at->unsynced;
  return at->durable_frame > given_up ? at->durable_frame - given_up : 0;
}

static void replay_check(const char *path, bool lied) {
  struct journal_input input;
  struct feeder feeder;
  struct site *site;
  struct weft_error err = {""};
  int rc = journal_input_open(&input, path, &err);
  if (rc < 0) {
    if (err.text[0] == 0) world_fail("journal: refused without a word: %d", rc);
    if (frames_due() > 0 && !lied)
      world_fail("journal: %llu frames were written, and it can't be opened: %s",
                 (unsigned long long)frames_due(), err.text);
    return;
  }
  struct engine_options options = {
      .workers = 1, .tracks_max = WORLD_TRACKS_MAX, .track_base = journal_head_of(input.reader)->track_base};
  rc = journal_site_parse(input.reader, path, &site, &err);
  if (rc == 0) rc = feeder_open(&feeder, site, &options, NULL, NULL, &err);
  if (rc < 0) {
    world_fail("replay: %s", err.text);
  } else {
    journal_input_map(&input, feeder.engine.site);
    uint64_t read = frames_replay(&input, &feeder);
    /* More may be there: a failed append whose missing end would have been zeros is whole. */
    if (!lied && read < frames_due())
      world_fail("journal: %llu frames were written, %llu can be read", (unsigned long long)frames_due(),
                 (unsigned long long)read);
    world.digest = digest_add(world.digest, &read, 8);
    uint64_t run = journal_head_of(input.reader)->run;
    feeder_close(&feeder);
    resume_check(path, run, lied);
  }
  journal_input_close(&input);
}

void journal_check(const char *folder) {
  char path[512];
  if (world.file_count == 0) return;
  bool lied =
      world.times[MARK_WRITE_TORN] + world.times[MARK_WRITE_MISDIRECTED] + world.times[MARK_WRITE_LOST] > 0;
  snprintf(path, sizeof path, "%s/journal", folder);
  segments_write(folder);
  replay_check(path, lied);
  segments_remove(folder);
}
