#include "tools/score/score_latency.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/score/score_text.h"

void latency_add(struct latency *latency, double us, double weight) {
  if (!(weight > 0) || !isfinite(us)) return;
  latency->value = score_grow(latency->value, latency->count, &latency->capacity, sizeof *latency->value);
  latency->value[latency->count++] = (struct latency_value){us, weight};
  latency->total += weight;
}

/* One `name_bucket{...,le="X",...} N` line. Buckets are cumulative per label set; a lower count than before
 * begins the next set, e.g. another sensor's. */
static void bucket_use(struct latency *latency, const char *text, double *before) {
  const char *brace = strchr(text, '{'), *edge = strstr(text, "le=\""), *close = strrchr(text, '}');
  if (!brace || !edge || !close || strncmp(brace - 7, "_bucket", 7) != 0) return;
  double le = strtod(edge + 4, NULL), count = strtod(close + 1, NULL);
  const char *unit = strstr(text, "_us_bucket");
  double scale = unit && unit < brace ? 1 : 1e6;
  if (count < *before) *before = 0;
  if (isfinite(le))
    latency_add(latency, le * scale, count - *before);
  else if (latency->count && count > *before)
    latency_add(latency, latency->value[latency->count - 1].us, count - *before);
  *before = isfinite(le) ? count : 0;
}

static int line_use(struct latency *latency, const char *path, long line, const char *text, size_t bytes,
                    char *metric, size_t metric_size, double *before, struct weft_error *err) {
  size_t blank = strspn(text, " \t\r\n");
  if (text[blank] == '{') {
    json_error_t trouble;
    json_t *object = json_loadb(text, bytes, 0, &trouble);
    if (!object)
      return weft_fail(err, -EINVAL, "%s:%ld: no JSON: %s; give a capture of the track port", path, line,
                       trouble.text);
    const json_t *value = json_object_get(object, "latency_us");
    if (json_is_number(value)) latency_add(latency, json_number_value(value), 1);
    json_decref(object);
    return 0;
  }
  size_t name = strcspn(text, "{ \n");
  if (!strstr(text, "latency") || text[0] == '#' || text[name] != '{' || name < 8 || name >= metric_size)
    return 0;
  if (!*metric && !strncmp(text + name - 7, "_bucket", 7))
    snprintf(metric, metric_size, "%.*s", (int)name, text);
  if (strlen(metric) != name || strncmp(metric, text, name) != 0) return 0;
  latency->histogram = 1;
  bucket_use(latency, text, before);
  return 0;
}

int latency_read(struct latency *latency, const char *path, struct weft_error *err) {
  FILE *file = fopen(path, "r");
  if (!file)
    return weft_fail(err, -errno, "%s: can't be opened: %s; give a capture or a /metrics page", path,
                     strerror(errno));
  char *text = NULL, metric[128] = "";
  size_t size = 0;
  ssize_t bytes = 0;
  long line = 0;
  int code = 0;
  double before = 0;
  while (!code && (bytes = getline(&text, &size, file)) >= 0)
    code = line_use(latency, path, ++line, text, (size_t)bytes, metric, sizeof metric, &before, err);
  free(text);
  (void)fclose(file);
  if (!code && !latency->count)
    code = weft_fail(err, -EINVAL,
                     "%s:%ld: no latency_us and no latency histogram in it; give a capture of the live track "
                     "port or a /metrics page",
                     path, line);
  return code;
}

static int value_order(const void *left, const void *right) {
  const struct latency_value *a = left, *b = right;
  return (a->us > b->us) - (a->us < b->us);
}

void latency_sort(struct latency *latency) {
  if (latency->count) qsort(latency->value, latency->count, sizeof *latency->value, value_order);
}

double latency_quantile(const struct latency *latency, double p) {
  double sum = 0;
  for (size_t i = 0; i < latency->count; i++) {
    sum += latency->value[i].weight;
    if (sum >= p * latency->total) return latency->value[i].us;
  }
  return latency->count ? latency->value[latency->count - 1].us : NAN;
}

void latency_free(struct latency *latency) {
  free(latency->value);
  memset(latency, 0, sizeof *latency);
}
