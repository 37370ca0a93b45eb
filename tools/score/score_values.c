#include "tools/score/score_values.h"

#include <math.h>
#include <stdlib.h>

#include "tools/score/score_text.h"

void values_add(struct values *values, double value) {
  if (!isfinite(value)) return;
  values->value = score_grow(values->value, values->count, &values->capacity, sizeof *values->value);
  values->value[values->count++] = value;
}

static int real_order(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

void values_sort(struct values *values) {
  if (values->count) qsort(values->value, values->count, sizeof *values->value, real_order);
}

double values_quantile(const struct values *values, double p) {
  if (!values->count) return NAN;
  double at = p * (double)(values->count - 1);
  size_t low = (size_t)at, high = low + 1 < values->count ? low + 1 : low;
  return values->value[low] + (at - (double)low) * (values->value[high] - values->value[low]);
}

double values_mean(const struct values *values) {
  double sum = 0;
  for (size_t i = 0; i < values->count; i++) sum += values->value[i];
  return values->count ? sum / (double)values->count : NAN;
}

void report_put(json_t *object, const char *key, double value) {
  if (isfinite(value)) json_object_set_new(object, key, json_real(value));
}

void report_put_count(json_t *object, const char *key, size_t value) {
  json_object_set_new(object, key, json_integer((json_int_t)value));
}

json_t *report_put_object(json_t *object, const char *key) {
  json_t *child = json_object();
  json_object_set_new(object, key, child);
  return child;
}

static void put_named(json_t *object, const char *name, const char *unit, double value) {
  char key[48];
  snprintf(key, sizeof key, "%s_%s", name, unit);
  report_put(object, key, value);
}

void report_put_spread(json_t *object, struct values *values, const char *unit) {
  values_sort(values);
  report_put_count(object, "count", values->count);
  put_named(object, "mean", unit, values_mean(values));
  put_named(object, "median", unit, values_quantile(values, 0.5));
  put_named(object, "p90", unit, values_quantile(values, 0.9));
  put_named(object, "p95", unit, values_quantile(values, 0.95));
  put_named(object, "max", unit, values_quantile(values, 1));
}
