#include "engine/ingest/sensor_budget.h"

#include "engine/ingest/wire.h"

static const double SECONDS_PER_NANOSECOND = 1e-9;

struct sensor_budget sensor_budget_of(const struct sensor *sensor) {
  double lasts_s = sensor->revisit_s > 1 ? BUDGET_DEPTH_S * sensor->revisit_s : BUDGET_DEPTH_S;
  double depth = sensor->budget_per_s * lasts_s;
  return (struct sensor_budget){.rate_per_s = sensor->budget_per_s,
                                .depth = depth > WIRE_ENTRIES_MAX ? depth : WIRE_ENTRIES_MAX};
}

bool sensor_budget_covers(struct sensor_budget *budget, uint32_t count, int64_t clock_ns) {
  if (!budget->filled) budget->tokens = budget->depth;
  else budget->tokens += budget->rate_per_s * (double)(clock_ns - budget->filled_ns) * SECONDS_PER_NANOSECOND;
  if (budget->tokens > budget->depth) budget->tokens = budget->depth;
  budget->filled_ns = clock_ns;
  budget->filled = true;
  return budget->tokens >= count;
}

void sensor_budget_take(struct sensor_budget *budget, uint32_t count) { budget->tokens -= count; }
