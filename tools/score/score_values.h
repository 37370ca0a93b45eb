/* Arrays of numbers and their statistics, and numbers into the report's JSON. */
#ifndef WEFT_SCORE_VALUES_H
#define WEFT_SCORE_VALUES_H

#include <jansson.h>
#include <stddef.h>

/* A growing array. Zeroed is empty; free(value) ends it. */
struct values {
  double *value;
  size_t count, capacity;
};

/* Adds a finite value; others are passed over. */
void values_add(struct values *values, double value);
/* Ascending. */
void values_sort(struct values *values);
/* Linear between the order statistics of sorted values; NAN when empty. */
double values_quantile(const struct values *values, double p);
/* NAN when empty. */
double values_mean(const struct values *values);

/* A NAN or infinity has no place in JSON: the key stays absent. */
void report_put(json_t *object, const char *key, double value);
void report_put_count(json_t *object, const char *key, size_t value);
/* A new child, owned by `object`. */
json_t *report_put_object(json_t *object, const char *key);
/* count, mean, median, 90 %, 95 % and the largest, as "mean_s" and so on with `unit` "s"; sorts the values.
 * No values: count 0 alone. */
void report_put_spread(json_t *object, struct values *values, const char *unit);

#endif
