#include "tools/score/score_truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/progress.h"

enum {
  C_TIME,
  C_TARGET,
  C_CLASS,
  C_PHASE,
  C_X,
  C_VX = C_X + 3,
  C_LAT = C_VX + 3,
  C_LON,
  C_IMPACT_TIME,
  C_COUNT
};

static const char *const truth_columns[C_COUNT] = {
    "time_ns", "target", "class",          "phase",          "x_m",           "y_m", "z_m", "vx_mps",
    "vy_mps",  "vz_mps", "impact_lat_deg", "impact_lon_deg", "impact_time_ns"};

struct impact_row {
  double lat_deg, lon_deg;
  int64_t time_ns;
  bool known;
};

static int columns_find(const struct csv *csv, int column[C_COUNT], struct weft_error *err) {
  for (int i = 0; i < C_COUNT; i++) {
    column[i] = csv_column(csv, truth_columns[i]);
    if (i < C_LAT && column[i] < 0)
      return weft_fail(
          err, -EINVAL,
          "%s:1: no column %s; a truth file needs time_ns, target, class, phase, x_m.. and vx_mps..",
          csv->path, truth_columns[i]);
  }
  return 0;
}

static int words_read(const struct csv *csv, const int *column, struct truth_point *point,
                      struct weft_error *err) {
  const char *class_text = csv->field[column[C_CLASS]], *phase_text = csv->field[column[C_PHASE]];
  int class_found = class_parse(class_text),
      phase_found = *phase_text ? phase_parse(phase_text) : PHASE_ABSENT;
  if (class_found < 0)
    return weft_fail(err, -EINVAL,
                     "%s:%ld: class is \"%.40s\": must be unknown, ballistic, aircraft or orbital", csv->path,
                     csv->line, class_text);
  if (phase_found < 0)
    return weft_fail(err, -EINVAL, "%s:%ld: phase is \"%.40s\": must be boost, coast, reentry or cruise",
                     csv->path, csv->line, phase_text);
  point->class = (uint8_t)class_found;
  point->phase = (uint8_t)phase_found;
  return 0;
}

static int impact_read(const struct csv *csv, const int *column, struct impact_row *row,
                       struct weft_error *err) {
  memset(row, 0, sizeof *row);
  for (int i = C_LAT; i < C_COUNT; i++)
    if (column[i] < 0 || !*csv->field[column[i]]) return 0;
  int code = csv_real(csv, column[C_LAT], &row->lat_deg, err);
  if (!code) code = csv_real(csv, column[C_LON], &row->lon_deg, err);
  if (!code) code = csv_time(csv, column[C_IMPACT_TIME], &row->time_ns, err);
  row->known = true;
  return code;
}

static int row_read(const struct csv *csv, const int *column, struct truth_point *point,
                    struct impact_row *impact, struct weft_error *err) {
  int code = csv_time(csv, column[C_TIME], &point->time_ns, err);
  if (!code) code = words_read(csv, column, point, err);
  for (int i = 0; i < 3 && !code; i++) {
    code = csv_real(csv, column[C_X + i], &point->position_m[i], err);
    if (!code) code = csv_real(csv, column[C_VX + i], &point->velocity_mps[i], err);
  }
  if (!code) code = impact_read(csv, column, impact, err);
  if (code) return code;
  const char *name = csv->field[column[C_TARGET]];
  if (!*name || strlen(name) >= NAME_BYTES_MAX)
    return weft_fail(err, -EINVAL, "%s:%ld: target is \"%.40s\": must be 1 to %d characters", csv->path,
                     csv->line, name, NAME_BYTES_MAX - 1);
  point->line = (uint32_t)csv->line;
  return 0;
}

static int rows_read(struct truth *truth, struct csv *csv, struct weft_error *err) {
  int column[C_COUNT] = {0};
  size_t targets = 0;
  int code = columns_find(csv, column, err);
  while (!code && (code = csv_next(csv, err)) > 0) {
    struct truth_point point = {0};
    struct impact_row impact;
    code = row_read(csv, column, &point, &impact, err);
    if (code) return code;
    size_t before = truth->names.count;
    point.target = names_add(&truth->names, csv->field[column[C_TARGET]]);
    truth->target = score_grow(truth->target, point.target, &targets, sizeof *truth->target);
    struct truth_target *target = &truth->target[point.target];
    if (point.target == before) memset(target, 0, sizeof *target);
    target->count++;
    if (impact.known && !target->impact_known) {
      target->impact_known = true;
      target->impact = (struct place){impact.lat_deg, impact.lon_deg, 0};
      target->impact_ns = impact.time_ns;
    }
    truth->point = score_grow(truth->point, truth->point_count, &truth->point_capacity, sizeof *truth->point);
    truth->point[truth->point_count++] = point;
    progress_show("reading truth", csv->bytes_read, csv->bytes_total);
  }
  return code;
}

static int point_order(const void *left, const void *right) {
  const struct truth_point *a = left, *b = right;
  if (a->target != b->target) return a->target < b->target ? -1 : 1;
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns ? -1 : 1;
  return (a->line > b->line) - (a->line < b->line);
}

/* The truth starts at the launch when its first point is in boost and no higher than a launch pad can be. */
static void launch_set(struct truth_target *target, const struct truth_point *first) {
  const double pad_height_max_m = 5000;
  target->launch = earth_place(first->position_m);
  target->launch_known = first->class == CLASS_BALLISTIC && first->phase == PHASE_BOOST &&
                         target->launch.height_m < pad_height_max_m;
}

static int targets_set(struct truth *truth, const char *path, struct weft_error *err) {
  if (!truth->point_count)
    return weft_fail(err, -EINVAL, "%s:1: no truth below the header: nothing to score against", path);
  qsort(truth->point, truth->point_count, sizeof *truth->point, point_order);
  truth->first_ns = INT64_MAX;
  truth->last_ns = INT64_MIN;
  size_t at = 0;
  for (size_t i = 0; i < truth->names.count; i++) {
    struct truth_target *target = &truth->target[i];
    const struct truth_point *point = truth->point + at;
    target->first = at;
    at += target->count;
    for (size_t k = 1; k < target->count; k++)
      if (point[k].time_ns == point[k - 1].time_ns)
        return weft_fail(err, -EINVAL, "%s:%u: target %s has the time of line %u again: one point per time",
                         path, point[k].line, truth->names.text[i], point[k - 1].line);
    target->class = point[target->count - 1].class;
    target->detected_ns = target->due_ns = point[0].time_ns;
    target->unseen_ns = point[target->count - 1].time_ns;
    launch_set(target, point);
    target->burn_out_ns = INT64_MAX;
    for (size_t k = 1; k < target->count; k++)
      if (point[k - 1].phase == PHASE_BOOST && point[k].phase != PHASE_BOOST)
        target->burn_out_ns = point[k].time_ns;
    if (point[0].time_ns < truth->first_ns) truth->first_ns = point[0].time_ns;
    if (target->unseen_ns > truth->last_ns) truth->last_ns = target->unseen_ns;
  }
  return 0;
}

int truth_read(struct truth *truth, const char *path, struct weft_error *err) {
  memset(truth, 0, sizeof *truth);
  struct csv csv;
  int code = score_csv_open(&csv, path, err);
  if (code) return code;
  code = rows_read(truth, &csv, err);
  score_csv_close(&csv);
  return code ? code : targets_set(truth, path, err);
}

/* How often one sensor has seen one target, with the time of the due_count-th; kept per (target, sensor)
 * name. */
struct sighting {
  int32_t *count;
  size_t capacity;
  struct names pairs;
};

static int detection_use(struct truth *truth, struct sighting *seen, const struct csv *csv,
                         const int column[3], int due_count, struct weft_error *err) {
  int64_t time_ns = 0;
  int code = csv_time(csv, column[0], &time_ns, err);
  if (code) return code;
  truth->detections++;
  const char *name = csv->field[column[2]];
  int64_t found = *name ? names_find(&truth->names, name) : -1;
  truth->detections_clutter += !*name;
  truth->detections_unknown += *name && found < 0;
  if (found < 0) return 0;
  char pair[32 + NAME_BYTES_MAX];
  snprintf(pair, sizeof pair, "%lld %s", (long long)found, csv->field[column[1]]);
  size_t before = seen->pairs.count;
  uint32_t at = names_add(&seen->pairs, pair);
  seen->count = score_grow(seen->count, at, &seen->capacity, sizeof *seen->count);
  if (at == before) seen->count[at] = 0;
  struct truth_target *target = &truth->target[found];
  if (time_ns < target->detected_ns) target->detected_ns = time_ns;
  if (time_ns > target->unseen_ns) target->unseen_ns = time_ns;
  if (++seen->count[at] == due_count && time_ns < target->due_ns) target->due_ns = time_ns;
  return 0;
}

int truth_detections_read(struct truth *truth, const char *path, int due_count, struct weft_error *err) {
  struct csv csv;
  int code = score_csv_open(&csv, path, err);
  if (code) return code;
  static const char *const wanted[3] = {"time_ns", "sensor", "truth"};
  int column[3];
  for (int i = 0; i < 3 && !code; i++) {
    column[i] = csv_column(&csv, wanted[i]);
    if (column[i] < 0)
      code = weft_fail(err, -EINVAL, "%s:1: no column %s; --detections needs time_ns, sensor and truth", path,
                       wanted[i]);
  }
  for (size_t i = 0; i < truth->names.count; i++) {
    truth->target[i].detected_ns = truth->target[i].due_ns = INT64_MAX;
    truth->target[i].unseen_ns = INT64_MIN;
  }
  struct sighting seen = {0};
  while (!code && (code = csv_next(&csv, err)) > 0) {
    code = detection_use(truth, &seen, &csv, column, due_count, err);
    progress_show("reading detections", csv.bytes_read, csv.bytes_total);
    if (code) break;
  }
  truth->detections_read = true;
  names_free(&seen.pairs);
  free(seen.count);
  score_csv_close(&csv);
  return code;
}

bool truth_at(const struct truth *truth, size_t index, int64_t time_ns, struct truth_state *state) {
  const struct truth_target *target = &truth->target[index];
  const struct truth_point *point = truth->point + target->first;
  if (time_ns < point[0].time_ns || time_ns > point[target->count - 1].time_ns) return false;
  size_t low = 0, high = target->count - 1;
  if (high > 1) { /* most truths are evenly spaced: try where the point would be then */
    double part = (double)(time_ns - point[0].time_ns) / (double)(point[high].time_ns - point[0].time_ns);
    size_t guess = (size_t)(part * (double)high);
    if (guess < high && point[guess].time_ns <= time_ns && point[guess + 1].time_ns > time_ns) {
      low = guess;
      high = guess + 1;
    }
  }
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (point[middle].time_ns <= time_ns)
      low = middle;
    else
      high = middle;
  }
  if (point[high].time_ns <= time_ns) low = high;
  const struct truth_point *a = &point[low], *b = &point[low == high ? low : high];
  state->class = a->class;
  state->phase = a->phase;
  double span_s = (double)(b->time_ns - a->time_ns) * 1e-9;
  double s = span_s > 0 ? (double)(time_ns - a->time_ns) * 1e-9 / span_s : 0;
  double h01 = s * s * (3 - 2 * s), h10 = s * (1 - s) * (1 - s), h11 = s * s * (s - 1),
         slope = 6 * s * (1 - s);
  for (int i = 0; i < 3; i++) {
    double step = b->position_m[i] - a->position_m[i], va = a->velocity_mps[i], vb = b->velocity_mps[i];
    state->position_m[i] = a->position_m[i] + h01 * step + span_s * (h10 * va + h11 * vb);
    state->velocity_mps[i] =
        span_s > 0 ? slope * step / span_s + (1 - s) * (1 - 3 * s) * va + s * (3 * s - 2) * vb : va;
  }
  return true;
}

bool truth_hold(const struct truth *truth, size_t index, int64_t time_ns, struct truth_state *state) {
  const struct truth_target *target = &truth->target[index];
  if (target->count < 2) return false;
  const struct truth_point *last = truth->point + target->first + target->count - 1;
  int64_t interval_ns = last->time_ns - last[-1].time_ns, gone_ns = time_ns - last->time_ns;
  if (gone_ns < 0 || gone_ns > interval_ns || truth->last_ns - last->time_ns > interval_ns) return false;
  if (target->impact_known && target->impact_ns <= time_ns) return false;
  *state = (struct truth_state){.class = last->class, .phase = last->phase};
  for (int i = 0; i < 3; i++) {
    state->position_m[i] = last->position_m[i] + last->velocity_mps[i] * (double)gone_ns * 1e-9;
    state->velocity_mps[i] = last->velocity_mps[i];
  }
  return true;
}

void truth_free(struct truth *truth) {
  names_free(&truth->names);
  free(truth->point);
  free(truth->target);
  memset(truth, 0, sizeof *truth);
}
