#include "engine/emit/metrics.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/base/text.h"

enum {
  SENSOR_BYTES = 6912, /* 53 samples of a sensor, 110 bytes each at the most */
  REST_BYTES = 48 * 1024,
  SECONDS_DIGITS = 15
};

/* Upper bounds of the latency buckets, ns, and of the frame size buckets. */
static const int64_t latency_bounds_ns[] = {20000,    50000,    100000,    200000,    500000,    1000000,    2000000,
                                            5000000,  10000000, 20000000,  50000000,  100000000, 200000000,  500000000,
                                            1000000000, 2000000000, 5000000000};
static const int64_t size_bounds[] = {0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000};
#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

size_t metrics_text_max(const struct site *site) { return REST_BYTES + (size_t)(site->sensor_count + 1) * SENSOR_BYTES; }

static void head_write(struct text *text, const char *name, const char *type, const char *help) {
  text_put(text, "# HELP ");
  text_put(text, name);
  text_char(text, ' ');
  text_put(text, help);
  text_put(text, "\n# TYPE ");
  text_put(text, name);
  text_char(text, ' ');
  text_put(text, type);
  text_char(text, '\n');
}

/* A label with its value escaped as the text format asks: backslash, quote and newline. `first` opens the braces. */
static void label_write(struct text *text, bool first, const char *key, const char *value) {
  text_char(text, first ? '{' : ',');
  text_put(text, key);
  text_put(text, "=\"");
  for (; *value; value++) {
    if (*value == '\n') {
      text_put(text, "\\n");
      continue;
    }
    if (*value == '\\' || *value == '"') text_char(text, '\\');
    text_char(text, *value);
  }
  text_char(text, '"');
}

static void value_write(struct text *text, uint64_t value) {
  text_char(text, ' ');
  text_u64(text, value);
  text_char(text, '\n');
}

static void seconds_write(struct text *text, double ns) {
  text_char(text, ' ');
  text_general(text, ns / 1e9, SECONDS_DIGITS);
  text_char(text, '\n');
}

static void single_write(struct text *text, const char *name, const char *type, const char *help, uint64_t value) {
  head_write(text, name, type, help);
  text_put(text, name);
  value_write(text, value);
}

static void labelled_write(struct text *text, const char *name, const char *key, const char *label, uint64_t value) {
  text_put(text, name);
  label_write(text, true, key, label);
  text_char(text, '}');
  value_write(text, value);
}

const char *const metrics_wait_names[METRICS_WAITS] = {"polled", "paused", "blocked"};

static void wait_write(struct text *text, const char *thread, const char *how, uint64_t value) {
  text_put(text, "weft_waits_total");
  label_write(text, true, "thread", thread);
  label_write(text, false, "how", how);
  text_char(text, '}');
  value_write(text, value);
}

/* The rows of the ledger in the order of the site, then that of unknown sensors; `label` gets the row's name. */
static const struct ledger_sensor *row_of(const struct metrics_snapshot *snapshot, uint32_t i, char label[32]) {
  struct text text = text_open(label, 31);
  bool known = i < snapshot->site->sensor_count;
  if (known) {
    text_u64(&text, snapshot->site->sensors[i].id);
  } else {
    text_put(&text, "unknown");
  }
  label[text.used] = 0;
  return &snapshot->ledger.sensors[i];
}

static void fate_write(struct text *text, const char *name, const char *sensor, const char *fate, uint64_t value) {
  text_put(text, name);
  label_write(text, true, "sensor", sensor);
  label_write(text, false, "fate", fate);
  text_char(text, '}');
  value_write(text, value);
}

static void row_write(struct text *text, const char *name, const char *sensor, const struct ledger_row *row) {
  fate_write(text, name, sensor, "received", row->received);
  fate_write(text, name, sensor, "accepted", row->accepted);
  for (int i = 0; i < REFUSALS; i++) fate_write(text, name, sensor, refusal_names[i], row->refused[i]);
}

static void books_write(struct text *text, const struct metrics_snapshot *snapshot) {
  uint32_t rows = snapshot->site->sensor_count + 1;
  char label[32];
  head_write(text, "weft_datagrams_total", "counter",
             "Datagrams by sensor and fate; received = accepted + the refusals.");
  for (uint32_t i = 0; i < rows; i++) {
    row_write(text, "weft_datagrams_total", label, &row_of(snapshot, i, label)->datagrams);
  }
  head_write(text, "weft_detections_total", "counter",
             "Detections by sensor and fate; received = accepted + the refusals; accepted = associated + started + clutter "
             "+ late + shed + in_flight.");
  for (uint32_t i = 0; i < rows; i++) {
    const struct ledger_sensor *row = row_of(snapshot, i, label);
    row_write(text, "weft_detections_total", label, &row->detections);
    for (int fate = 0; fate < FATES; fate++) {
      fate_write(text, "weft_detections_total", label, fate_names[fate], row->fates[fate]);
    }
  }
}

static void sensors_write(struct text *text, const struct metrics_snapshot *snapshot) {
  static const struct {
    const char *name, *help;
    size_t offset; /* of the figure in struct ledger_sensor */
  } figures[] = {
      {"weft_sensor_states_total", "Sensor states accepted.", offsetof(struct ledger_sensor, states)},
      {"weft_sequence_gaps_total", "Datagrams that the sequence numbers say never came.",
       offsetof(struct ledger_sensor, sequence_gaps)},
      {"weft_sender_restarts_total", "Times a sender's sequence began again.",
       offsetof(struct ledger_sensor, restarts)},
  };
  uint32_t rows = snapshot->site->sensor_count + 1;
  char label[32];
  for (int figure = 0; figure < COUNT_OF(figures); figure++) {
    head_write(text, figures[figure].name, "counter", figures[figure].help);
    for (uint32_t i = 0; i < rows; i++) {
      uint64_t value;
      memcpy(&value, (const char *)row_of(snapshot, i, label) + figures[figure].offset, sizeof value);
      labelled_write(text, figures[figure].name, "sensor", label, value);
    }
  }
  head_write(text, "weft_parity_total", "counter",
             "Parity datagrams received = used + unused + those of open groups; datagrams and detections recovered; groups "
             "of which too much was lost.");
  for (uint32_t i = 0; i < rows; i++) {
    const struct ledger_sensor *row = row_of(snapshot, i, label);
    for (int figure = 0; figure < PARITY_FIGURES; figure++)
      fate_write(text, "weft_parity_total", label, parity_names[figure], row->parity[figure]);
  }
  head_write(text, "weft_skipped_total", "counter", "Input that was counted but carries no detection.");
  for (uint32_t i = 0; i < rows; i++) {
    const struct ledger_sensor *row = row_of(snapshot, i, label);
    for (int skip = 0; skip < SKIPS; skip++) {
      text_put(text, "weft_skipped_total");
      label_write(text, true, "sensor", label);
      label_write(text, false, "reason", skip_names[skip]);
      text_char(text, '}');
      value_write(text, row->skipped[skip]);
    }
  }
}

static void histogram_write(struct text *text, const char *name, const struct histogram *histogram,
                            const int64_t *bounds, int count, bool seconds) {
  for (int i = 0; i <= count; i++) {
    text_put(text, name);
    text_put(text, "_bucket{le=\"");
    if (i == count) {
      text_put(text, "+Inf");
    } else if (seconds) {
      text_general(text, (double)bounds[i] / 1e9, SECONDS_DIGITS);
    } else {
      text_i64(text, bounds[i]);
    }
    text_put(text, "\"}");
    value_write(text, i == count ? histogram->count : histogram_count_to(histogram, bounds[i]));
  }
  text_put(text, name);
  text_put(text, "_sum");
  if (seconds) {
    seconds_write(text, (double)histogram->sum);
  } else {
    value_write(text, histogram->sum);
  }
  text_put(text, name);
  text_put(text, "_count");
  value_write(text, histogram->count);
}

/* The part of one stage, or of all, in what latency there was. */
static void latency_part_write(struct text *text, const char *stage, const struct histogram *histogram) {
  static const struct {
    const char *name;
    double percent;
  } quantiles[] = {{"0.5", 50}, {"0.99", 99}, {"0.999", 99.9}};
  for (int i = 0; i < COUNT_OF(quantiles); i++) {
    text_put(text, "weft_latency_stage_seconds");
    label_write(text, true, "stage", stage);
    label_write(text, false, "quantile", quantiles[i].name);
    text_char(text, '}');
    seconds_write(text, (double)histogram_percentile(histogram, quantiles[i].percent));
  }
  text_put(text, "weft_latency_stage_seconds_sum");
  label_write(text, true, "stage", stage);
  text_char(text, '}');
  seconds_write(text, (double)histogram->sum);
  labelled_write(text, "weft_latency_stage_seconds_count", "stage", stage, histogram->count);
}

static void latency_write(struct text *text, const struct latency *latency) {
  head_write(text, "weft_latency_stage_seconds", "summary",
             "That latency by stage, since the start; the sums of the stages are that of all. Quantiles to 1/128.");
  for (int stage = 0; stage < LATENCY_STAGES; stage++)
    latency_part_write(text, latency_stage_names[stage], &latency->stage_ns[stage]);
  latency_part_write(text, "all", &latency->whole_ns);
}

static void engine_write(struct text *text, const struct metrics_snapshot *snapshot) {
  single_write(text, "weft_frames_total", "counter", "Frames stepped.", snapshot->frames);
  head_write(text, "weft_frame_detections", "histogram", "Detections per frame; bounds resolved to 1/64.");
  histogram_write(text, "weft_frame_detections", &snapshot->frame_detections, size_bounds, COUNT_OF(size_bounds), false);
  head_write(text, "weft_latency_seconds", "histogram",
             "Arrival of a track's newest detection to emission; bounds resolved to 1/64.");
  histogram_write(text, "weft_latency_seconds", &snapshot->latency->whole_ns, latency_bounds_ns, COUNT_OF(latency_bounds_ns),
                  true);
  latency_write(text, snapshot->latency);
  weft_assert(snapshot->stage_count <= METRICS_STAGES_MAX);
  if (snapshot->stage_count) head_write(text, "weft_stage_seconds", "summary", "Time spent in a stage, and times run.");
  for (uint32_t i = 0; i < snapshot->stage_count; i++) {
    text_put(text, "weft_stage_seconds_sum");
    label_write(text, true, "stage", snapshot->stages[i].name);
    text_char(text, '}');
    seconds_write(text, (double)snapshot->stages[i].sum_ns);
    labelled_write(text, "weft_stage_seconds_count", "stage", snapshot->stages[i].name, snapshot->stages[i].count);
  }
  head_write(text, "weft_tracks", "gauge", "Tracks now, by status; lost: so far.");
  for (int i = 0; i < METRICS_STATUSES; i++) {
    labelled_write(text, "weft_tracks", "status", track_status_names[i], snapshot->tracks[i]);
  }
  static const char *const ways[2] = {"exact", "approximate"};
  head_write(text, "weft_out_of_sequence_total", "counter",
             "Detections older than the track that used them, by how they were worked in.");
  for (int i = 0; i < 2; i++) {
    labelled_write(text, "weft_out_of_sequence_total", "way", ways[i], snapshot->out_of_sequence[i]);
  }
  single_write(text, "weft_soft_updates_total", "counter", "Updates of a track by several likely plots at once.",
               snapshot->soft_updates);
  single_write(text, "weft_shared_updates_total", "counter",
               "Updates of a track by an unresolved plot that it shares with others.", snapshot->shared_updates);
  head_write(text, "weft_waits_total", "counter", "How the threads wait: looks back to back, looks after a pause, waits left to the system.");
  for (int i = 0; i < METRICS_WAITS; i++) {
    wait_write(text, "io", metrics_wait_names[i], snapshot->waits_io[i]);
    wait_write(text, "engine", metrics_wait_names[i], snapshot->waits_engine[i]);
  }
  single_write(text, "weft_ring_used", "gauge", "Entries waiting between ingest and the engine.", snapshot->ring_used);
  single_write(text, "weft_ring_capacity", "gauge", "Entries that fit between them.", snapshot->ring_capacity);
  single_write(text, "weft_overload_step", "gauge", "Step of the overload ladder; 0: none.", snapshot->overload_step);
  single_write(text, "weft_overload_changes_total", "counter", "Changes of that step.", snapshot->overload_changes);
  single_write(text, "weft_kernel_drops_total", "counter", "Datagrams that the kernel dropped before us.",
               snapshot->ledger.kernel_drops);
}

static void duration_write(struct text *text, const char *name, const char *help, int64_t ns) {
  head_write(text, name, "gauge", help);
  text_put(text, name);
  seconds_write(text, (double)ns);
}

static void warning_write(struct text *text, const struct metrics_warning *warning) {
  single_write(text, "weft_impact_estimates_total", "counter", "Impact estimates made.", warning->estimates);
  single_write(text, "weft_impact_deferred_total", "counter", "Estimates due, but put off to a later frame.", warning->deferred);
  single_write(text, "weft_impact_waiting", "gauge", "Tracks whose estimate is put off, now.", warning->waiting);
  duration_write(text, "weft_impact_waiting_seconds", "How long the oldest of these has waited.", warning->waiting_ns);
  duration_write(text, "weft_impact_first_wait_seconds", "Longest wait of any track for its first estimate so far.",
                 warning->first_wait_ns);
  head_write(text, "weft_retractions_total", "counter", "Stated impacts taken back, by kind.");
  for (int kind = 0; kind < RETRACTIONS; kind++) {
    labelled_write(text, "weft_retractions_total", "kind", retraction_names[kind], warning->retractions[kind]);
  }
  single_write(text, "weft_launches_total", "counter", "Launches grouped into events.", warning->launches);
  single_write(text, "weft_launch_events_total", "counter", "Launch events founded.", warning->events);
  single_write(text, "weft_launch_events_merged_total", "counter", "Of these, joined to an older one.", warning->events_merged);
}

static void state_write(struct text *text, const struct metrics_state *state) {
  single_write(text, "weft_resumed_frame", "gauge", "Newest frame of the run before that this run goes on from; 0: none.",
               state->resumed);
  single_write(text, "weft_skipped_frames", "gauge", "Frames passed over at the start since they had crashed the engine twice.",
               state->skipped);
  single_write(text, "weft_skipped_detections", "gauge", "Detections in them.", state->skipped_detections);
  single_write(text, "weft_snapshots_total", "counter", "Snapshots of the engine's state written.", state->written);
  single_write(text, "weft_snapshot_failures_total", "counter", "Snapshots that could not be written.", state->failed);
  single_write(text, "weft_snapshot_frame", "gauge", "Frame of the newest snapshot on the disk.", state->frame);
  single_write(text, "weft_snapshot_bytes", "gauge", "Its size.", state->bytes);
  duration_write(text, "weft_snapshot_copy_seconds", "How long the last one held the engine up.", state->copy_ns);
}

static void standby_write(struct text *text, const struct metrics_standby *standby) {
  if (!standby->on) return;
  single_write(text, "weft_standby_connected", "gauge", "1: somebody stands by, or is getting the state.", standby->connected);
  single_write(text, "weft_standby_following", "gauge", "1: it has the state and gets every frame.", standby->following);
  single_write(text, "weft_standby_acknowledged_frame", "gauge", "Newest frame that has arrived there.", standby->acknowledged);
  single_write(text, "weft_standby_frames_total", "counter", "Frames handed over.", standby->frames);
  single_write(text, "weft_standby_states_total", "counter", "States handed over, one per follower.", standby->states);
  single_write(text, "weft_standby_lost_total", "counter", "Followers gone or given up.", standby->lost);
  single_write(text, "weft_standby_late_frames_total", "counter", "Frames whose lines left before they had arrived there.",
               standby->late);
}

static void journal_write(struct text *text, const struct metrics_snapshot *snapshot) {
  single_write(text, "weft_unjournaled_frames_total", "counter", "Frames emitted without a journal that works.",
               snapshot->ledger.unjournaled);
  single_write(text, "weft_replay_marks_failed", "gauge",
               "1: the file of replay marks can't be written; a restart may accept old sealed datagrams again.",
               snapshot->replay_marks_failed);
  if (!snapshot->ledger.journal.on) return;
  single_write(text, "weft_journal_failed", "gauge", "1: the journal fails now, output goes on without it.",
               snapshot->journal_failed);
  single_write(text, "weft_journal_accepted_frame", "gauge", "Newest frame appended to the journal.",
               snapshot->ledger.journal.accepted_frame);
  single_write(text, "weft_journal_durable_frame", "gauge", "Newest frame synced to the disk.",
               snapshot->ledger.journal.durable_frame);
  single_write(text, "weft_journal_unsynced_frames_total", "counter", "Frames appended whose sync failed.",
               snapshot->ledger.journal.unsynced);
  state_write(text, &snapshot->state);
}

static void port_write(struct text *text, const struct metrics_snapshot *snapshot) {
  const struct track_port_counts *counts = &snapshot->track_port;
  single_write(text, "weft_subscribers", "gauge", "Subscribers of the track port now.", counts->subscribers);
  single_write(text, "weft_subscribers_behind", "gauge", "Of these, getting the newest state per track only.",
               counts->behind);
  single_write(text, "weft_subscribers_accepted_total", "counter", "Subscribers taken.", counts->accepted);
  single_write(text, "weft_subscribers_refused_total", "counter", "Subscribers turned away.", counts->refused);
  single_write(text, "weft_subscribers_disconnected_total", "counter", "Subscribers gone again.", counts->disconnected);
  single_write(text, "weft_subscribers_overflowed_total", "counter", "Of these, disconnected for being too far behind.",
               counts->overflowed);
  head_write(text, "weft_track_lines_total", "counter",
             "Lines times subscribers; published = delivered + missed + abandoned + weft_track_lines_pending.");
  labelled_write(text, "weft_track_lines_total", "fate", "published", counts->published);
  labelled_write(text, "weft_track_lines_total", "fate", "delivered", counts->delivered);
  labelled_write(text, "weft_track_lines_total", "fate", "missed", counts->missed);
  labelled_write(text, "weft_track_lines_total", "fate", "abandoned", counts->abandoned);
  single_write(text, "weft_track_lines_pending", "gauge", "Lines waiting for a subscriber that is behind.",
               counts->pending);
  single_write(text, "weft_track_lines_not_finite_total", "counter", "Track reports that gave no line.",
               snapshot->lines_not_finite);
  single_write(text, "weft_subscriber_bytes_total", "counter", "Bytes sent to subscribers.", counts->bytes);
}

static void build_write(struct text *text, const struct metrics_snapshot *snapshot) {
  head_write(text, "weft_build_info", "gauge", "What runs here, as labels; always 1.");
  text_put(text, "weft_build_info");
  label_write(text, true, "version", snapshot->version ? snapshot->version : "");
  label_write(text, false, "kernels", snapshot->kernels ? snapshot->kernels : "");
  label_write(text, false, "io", snapshot->io ? snapshot->io : "");
  label_write(text, false, "centre", snapshot->site->centre);
  text_char(text, '}');
  value_write(text, 1);
  single_write(text, "weft_exercise", "gauge", "1: everything here is exercise.", snapshot->site->exercise);
  single_write(text, "weft_workers", "gauge", "Worker threads.", snapshot->workers);
  head_write(text, "weft_start_time_seconds", "gauge", "Start of the server, Unix time.");
  text_put(text, "weft_start_time_seconds");
  seconds_write(text, (double)snapshot->start_ns);
}

size_t metrics_write(char *body, size_t size, const struct metrics_snapshot *snapshot) {
  weft_assert(snapshot->ledger.sensor_count == snapshot->site->sensor_count);
  struct text text = text_open(body, size);
  build_write(&text, snapshot);
  books_write(&text, snapshot);
  sensors_write(&text, snapshot);
  engine_write(&text, snapshot);
  warning_write(&text, &snapshot->warning);
  journal_write(&text, snapshot);
  standby_write(&text, &snapshot->standby);
  port_write(&text, snapshot);
  return text.cut ? 0 : text.used;
}

size_t health_write(char *body, size_t size, const struct site *site, const char *reason, const struct metrics_snapshot *snapshot) {
  struct text text = text_open(body, size);
  text_put(&text, reason ? "{\"status\":\"unhealthy\",\"reason\":" : snapshot->overload_step ? "{\"status\":\"degraded\"" : "{\"status\":\"ok\"");
  if (reason) text_json(&text, reason);
  text_put(&text, ",\"centre\":");
  text_json(&text, site->centre);
  text_put(&text, site->exercise ? ",\"exercise\":true" : ",\"exercise\":false");
  text_put(&text, ",\"frames\":");
  text_u64(&text, snapshot->frames);
  text_put(&text, ",\"tracks\":");
  text_u64(&text, snapshot->tracks[STATUS_TENTATIVE] + snapshot->tracks[STATUS_CONFIRMED]);
  text_put(&text, ",\"overload_step\":");
  text_u64(&text, snapshot->overload_step);
  text_put(&text, "}\n");
  return text.cut ? 0 : text.used;
}
