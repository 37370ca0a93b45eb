#include "engine/domain/ledger.h"

const char *const refusal_names[REFUSALS] = {
    "malformed", "version",   "unknown_sensor", "crc",        "unauthenticated", "replayed",         "stale",
    "future",    "duplicate", "over_budget",    "not_finite", "out_of_range",    "exercise_mismatch"};
const char *const fate_names[FATES] = {"in_flight", "associated", "started", "clutter", "late", "shed"};
const char *const skip_names[SKIPS] = {"other_category", "service",      "simulated",
                                       "test",           "no_detection", "field_monitor",
                                       "cut_short",      "no_position",  "repeated"};

const char *const parity_names[PARITY_FIGURES] = {"received",  "used",                 "unused",
                                                  "recovered", "detections_recovered", "groups_failed"};

struct ledger_sensor *ledger_row_of(struct ledger *ledger, uint32_t sensor) {
  return &ledger->sensors[sensor < ledger->sensor_count ? sensor : ledger->sensor_count];
}

static uint64_t fates_sum(const struct ledger_sensor *row) {
  uint64_t sum = 0;
  for (int fate = FATE_ASSOCIATED; fate < FATES; fate++) sum += row->fates[fate];
  return sum;
}

bool ledger_settle(struct ledger *ledger) {
  bool sound = true;
  for (uint32_t i = 0; i <= ledger->sensor_count; i++) {
    struct ledger_sensor *row = &ledger->sensors[i];
    uint64_t settled = fates_sum(row);
    sound = sound && settled <= row->detections.accepted;
    row->fates[FATE_IN_FLIGHT] = row->detections.accepted - settled;
  }
  return sound;
}

static bool row_balanced(const struct ledger_row *row) {
  uint64_t sum = row->accepted;
  for (int i = 0; i < REFUSALS; i++) sum += row->refused[i];
  return sum == row->received;
}

bool ledger_balanced(const struct ledger *ledger) {
  if (!row_balanced(&ledger->foreign)) return false;
  for (uint32_t i = 0; i <= ledger->sensor_count; i++) {
    const struct ledger_sensor *row = &ledger->sensors[i];
    if (!row_balanced(&row->datagrams) || !row_balanced(&row->detections)) return false;
    if (fates_sum(row) + row->fates[FATE_IN_FLIGHT] != row->detections.accepted) return false;
  }
  return true;
}
