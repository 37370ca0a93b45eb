#include "engine/emit/ledger_json.h"

#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/text.h"

enum {
  SENSOR_BYTES = 2816, /* one row: 53 numbers of at most 20 digits with their keys, and a name all escaped */
  FRAME_BYTES = 1536
};

size_t ledger_json_max(const struct site *site) { return FRAME_BYTES + (size_t)(site->sensor_count + 2) * SENSOR_BYTES; }

static void pair_write(struct text *text, const char *key, uint64_t value) {
  text_char(text, '"');
  text_put(text, key);
  text_put(text, "\":");
  text_u64(text, value);
}

static void list_write(struct text *text, const char *key, const char *const *names, const uint64_t *values, int count) {
  text_put(text, ",\"");
  text_put(text, key);
  text_put(text, "\":{");
  for (int i = 0; i < count; i++) {
    if (i) text_char(text, ',');
    pair_write(text, names[i], values[i]);
  }
  text_char(text, '}');
}

static void row_write(struct text *text, const char *key, const struct ledger_row *row) {
  text_char(text, '"');
  text_put(text, key);
  text_put(text, "\":{");
  pair_write(text, "received", row->received);
  text_char(text, ',');
  pair_write(text, "accepted", row->accepted);
  list_write(text, "refused", refusal_names, row->refused, REFUSALS);
}

static void sensor_write(struct text *text, const struct ledger_sensor *sensor) {
  row_write(text, "datagrams", &sensor->datagrams);
  text_put(text, "},");
  row_write(text, "detections", &sensor->detections);
  for (int i = 0; i < FATES; i++) {
    text_char(text, ',');
    pair_write(text, fate_names[i], sensor->fates[i]);
  }
  text_put(text, "},");
  pair_write(text, "states", sensor->states);
  text_char(text, ',');
  pair_write(text, "sequence_gaps", sensor->sequence_gaps);
  text_char(text, ',');
  pair_write(text, "restarts", sensor->restarts);
  list_write(text, "parity", parity_names, sensor->parity, PARITY_FIGURES);
  list_write(text, "skipped", skip_names, sensor->skipped, SKIPS);
  text_char(text, '}');
}

static void row_add(struct ledger_row *total, const struct ledger_row *row) {
  total->received += row->received;
  total->accepted += row->accepted;
  for (int i = 0; i < REFUSALS; i++) total->refused[i] += row->refused[i];
}

static void sensor_add(struct ledger_sensor *total, const struct ledger_sensor *sensor) {
  row_add(&total->datagrams, &sensor->datagrams);
  row_add(&total->detections, &sensor->detections);
  for (int i = 0; i < FATES; i++) total->fates[i] += sensor->fates[i];
  total->states += sensor->states;
  total->sequence_gaps += sensor->sequence_gaps;
  total->restarts += sensor->restarts;
  for (int i = 0; i < PARITY_FIGURES; i++) total->parity[i] += sensor->parity[i];
  for (int i = 0; i < SKIPS; i++) total->skipped[i] += sensor->skipped[i];
}

size_t ledger_json_write(char *line, size_t size, const struct ledger *ledger, const struct site *site) {
  struct text text = text_open(line, size);
  struct ledger_sensor total = {0};
  weft_assert(ledger->sensor_count == site->sensor_count);
  text_put(&text, "{\"ledger\":{\"sensors\":[");
  for (uint32_t i = 0; i <= site->sensor_count; i++) {
    bool known = i < site->sensor_count;
    const struct ledger_sensor *sensor = &ledger->sensors[i];
    text_put(&text, i ? ",{\"sensor\":" : "{\"sensor\":");
    if (known) {
      text_u64(&text, site->sensors[i].id);
      text_put(&text, ",\"name\":");
      text_json(&text, site->sensors[i].name);
    } else {
      text_put(&text, "\"unknown\"");
    }
    text_char(&text, ',');
    sensor_write(&text, sensor);
    sensor_add(&total, sensor);
  }
  text_put(&text, "],\"total\":{");
  sensor_write(&text, &total);
  text_char(&text, ',');
  if (ledger->foreign.received) {
    row_write(&text, "foreign_tracks", &ledger->foreign);
    text_put(&text, "},");
  }
  pair_write(&text, "kernel_drops", ledger->kernel_drops);
  text_char(&text, ',');
  pair_write(&text, "unjournaled", ledger->unjournaled);
  if (ledger->journal.on) {
    text_put(&text, ",\"journal\":{");
    pair_write(&text, "accepted_frame", ledger->journal.accepted_frame);
    text_char(&text, ',');
    pair_write(&text, "durable_frame", ledger->journal.durable_frame);
    text_char(&text, ',');
    pair_write(&text, "unsynced", ledger->journal.unsynced);
    text_char(&text, '}');
  }
  if (ledger->engine.on) {
    char state[17];
    snprintf(state, sizeof state, "%016llx", (unsigned long long)ledger->engine.state);
    text_put(&text, ",\"engine\":{");
    pair_write(&text, "frame", ledger->engine.frame);
    text_put(&text, ",\"state\":");
    text_json(&text, state);
    text_char(&text, '}');
  }
  text_put(&text, "},\"balanced\":");
  text_put(&text, ledger_balanced(ledger) ? "true}\n" : "false}\n");
  return text.cut ? 0 : text.used;
}
