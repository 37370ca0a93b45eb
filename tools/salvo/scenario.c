#include "tools/salvo/scenario.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/yaml_doc.h"

/* What the readers of one file share. */
struct reading {
  struct scenario *scenario;
  struct yaml_doc *doc;
  const char *path;
};

bool scenario_time(const char *text, int64_t *time_ns) {
  struct tm tm = {0};
  double seconds;
  char zone[4] = "", extra;
  // NOLINTNEXTLINE(cert-err34-c) so few digits don't overflow
  if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%lf%3[Z]%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
             &seconds, zone, &extra) != 7)
    return false;
  if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
      tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || !(seconds >= 0 && seconds < 60) || tm.tm_year > 2200)
    return false;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  int64_t whole = (int64_t)seconds;
  *time_ns = ((int64_t)timegm(&tm) + whole) * 1000000000 + (int64_t)((seconds - (double)whole) * 1e9 + 0.5);
  return true;
}

static void type_read(struct reading *in, int node, struct missile_type *type) {
  struct yaml_doc *doc = in->doc;
  memset(type, 0, sizeof *type);
  yaml_doc_string(doc, node, "name", YAML_REQUIRED, type->name, sizeof type->name);
  yaml_doc_double(doc, node, "payload_kg", YAML_REQUIRED, 1, 1e5, &type->payload_kg);
  yaml_doc_double(doc, node, "ballistic_coefficient_kgpm2", YAML_REQUIRED, 10, 1e5,
                  &type->ballistic_coefficient_kgpm2);
  yaml_doc_double(doc, node, "rise_s", YAML_REQUIRED, 0.1, 60, &type->rise_s);
  yaml_doc_double(doc, node, "pitch_end_s", YAML_REQUIRED, 0.2, 600, &type->pitch_end_s);
  yaml_doc_double(doc, node, "pitch_end_deg", YAML_REQUIRED, 5, 89, &type->pitch_end_deg);
  if (type->pitch_end_s <= type->rise_s) yaml_doc_fail(doc, node, "pitch_end_s", "must be later than rise_s");
  int stages = yaml_doc_sequence(doc, node, "stages", YAML_REQUIRED, MISSILE_STAGES_MAX);
  type->stage_count = yaml_doc_item_count(doc, stages);
  for (int i = 0; i < type->stage_count; i++) {
    struct missile_stage *stage = &type->stages[i];
    int item = yaml_doc_item_mapping(doc, stages, i, "stage");
    yaml_doc_double(doc, item, "thrust_n", YAML_REQUIRED, 100, 1e8, &stage->thrust_n);
    yaml_doc_double(doc, item, "isp_s", YAML_REQUIRED, 50, 1000, &stage->isp_s);
    yaml_doc_double(doc, item, "propellant_kg", YAML_REQUIRED, 1, 1e7, &stage->propellant_kg);
    yaml_doc_double(doc, item, "dry_kg", YAML_REQUIRED, 0, 1e6, &stage->dry_kg);
    yaml_doc_double(doc, item, "diameter_m", YAML_REQUIRED, 0.05, 20, &stage->diameter_m);
    yaml_doc_double(doc, item, "coast_s", YAML_OPTIONAL, 0, 600, &stage->coast_s);
    yaml_doc_finish_mapping(doc, item);
  }
  yaml_doc_finish_mapping(doc, node);
}

static void area_read(struct reading *in, int node, const char *key, struct area *area) {
  int place = yaml_doc_mapping(in->doc, node, key, YAML_REQUIRED);
  *area = (struct area){0};
  yaml_doc_double(in->doc, place, "lat_deg", YAML_REQUIRED, -85, 85, &area->lat_deg);
  yaml_doc_double(in->doc, place, "lon_deg", YAML_REQUIRED, -180, 180, &area->lon_deg);
  bool disc = yaml_doc_double(in->doc, place, "radius_km", YAML_OPTIONAL, 0, 500, &area->radius_km) == YAML_FOUND;
  bool grid = yaml_doc_double(in->doc, place, "spacing_km", YAML_OPTIONAL, 0.01, 100, &area->spacing_km) == YAML_FOUND;
  if (disc && grid)
    yaml_doc_fail(in->doc, place, "spacing_km", "radius_km is a disc and spacing_km a grid; give one of them");
  yaml_doc_finish_mapping(in->doc, place);
}

static const struct missile_type *type_find(const struct scenario *scenario, const char *name) {
  for (int i = 0; i < scenario->type_count; i++)
    if (strcmp(scenario->types[i].name, name) == 0) return &scenario->types[i];
  return missile_preset(name);
}

static void salvo_read(struct reading *in, int node, struct salvo *salvo) {
  struct yaml_doc *doc = in->doc;
  char type_name[MISSILE_NAME_MAX] = "";
  int64_t count = 1;
  double loft_deg = 0;
  memset(salvo, 0, sizeof *salvo);
  yaml_doc_string(doc, node, "name", YAML_REQUIRED, salvo->name, sizeof salvo->name);
  yaml_doc_string(doc, node, "type", YAML_REQUIRED, type_name, sizeof type_name);
  yaml_doc_int(doc, node, "count", YAML_OPTIONAL, 1, SCENARIO_COUNT_MAX, &count);
  salvo->count = (int)count;
  yaml_doc_double(doc, node, "first_s", YAML_REQUIRED, 0, 86400, &salvo->first_s);
  salvo->last_s = salvo->first_s;
  yaml_doc_double(doc, node, "last_s", YAML_OPTIONAL, salvo->first_s, 86400, &salvo->last_s);
  yaml_doc_double(doc, node, "loft_deg", YAML_OPTIONAL, -30, 30, &loft_deg);
  area_read(in, node, "launch", &salvo->launch);
  area_read(in, node, "aim", &salvo->aim);
  const struct missile_type *type = type_find(in->scenario, type_name);
  if (type)
    salvo->type = *type;
  else
    yaml_doc_fail(doc, node, "type", "no missile type %s; use short, medium, long or one defined under types",
                  type_name);
  salvo->type.pitch_end_deg += loft_deg;
  if (type && (salvo->type.pitch_end_deg < 5 || salvo->type.pitch_end_deg > 89))
    yaml_doc_fail(doc, node, "loft_deg", "pitch_end_deg plus loft_deg must stay within 5 to 89");
  snprintf(salvo->where, sizeof salvo->where, "%.200s:%d", in->path, yaml_doc_line(doc, node));
  yaml_doc_finish_mapping(doc, node);
}

static void fleet_read(struct reading *in, int node, struct fleet *fleet) {
  struct yaml_doc *doc = in->doc;
  int64_t count = 1;
  *fleet = (struct fleet){
      .height_m = {3000, 12000}, .speed_mps = {120, 260}, .heading_deg = {0, 360}, .straight_s = {60, 300}};
  yaml_doc_string(doc, node, "name", YAML_REQUIRED, fleet->name, sizeof fleet->name);
  yaml_doc_int(doc, node, "count", YAML_OPTIONAL, 1, SCENARIO_COUNT_MAX, &count);
  fleet->count = (int)count;
  yaml_doc_pair(doc, node, "lat_deg", YAML_REQUIRED, -80, 80, fleet->lat_deg);
  yaml_doc_pair(doc, node, "lon_deg", YAML_REQUIRED, -180, 180, fleet->lon_deg);
  yaml_doc_pair(doc, node, "height_m", YAML_OPTIONAL, 0, 30000, fleet->height_m);
  yaml_doc_pair(doc, node, "speed_mps", YAML_OPTIONAL, 10, 1000, fleet->speed_mps);
  yaml_doc_pair(doc, node, "heading_deg", YAML_OPTIONAL, 0, 360, fleet->heading_deg);
  yaml_doc_pair(doc, node, "straight_s", YAML_OPTIONAL, 1, 86400, fleet->straight_s);
  int legs = yaml_doc_sequence(doc, node, "legs", YAML_OPTIONAL, SCENARIO_LEGS_MAX);
  fleet->leg_count = yaml_doc_item_count(doc, legs);
  for (int i = 0; i < fleet->leg_count; i++) {
    struct manoeuvre *leg = &fleet->legs[i];
    int item = yaml_doc_item_mapping(doc, legs, i, "leg");
    yaml_doc_double(doc, item, "duration_s", YAML_REQUIRED, 0.1, 86400, &leg->duration_s);
    yaml_doc_double(doc, item, "turn_degps", YAML_OPTIONAL, -30, 30, &leg->turn_degps);
    yaml_doc_double(doc, item, "climb_mps", YAML_OPTIONAL, -200, 200, &leg->climb_mps);
    yaml_doc_double(doc, item, "accel_mps2", YAML_OPTIONAL, -20, 20, &leg->accel_mps2);
    yaml_doc_finish_mapping(doc, item);
  }
  yaml_doc_finish_mapping(doc, node);
}

static void orbit_read(struct reading *in, int node, struct orbit *orbit) {
  struct yaml_doc *doc = in->doc;
  memset(orbit, 0, sizeof *orbit);
  yaml_doc_string(doc, node, "name", YAML_REQUIRED, orbit->name, sizeof orbit->name);
  yaml_doc_double(doc, node, "perigee_km", YAML_REQUIRED, 150, 90000, &orbit->perigee_km);
  yaml_doc_double(doc, node, "apogee_km", YAML_REQUIRED, orbit->perigee_km, 90000, &orbit->apogee_km);
  yaml_doc_double(doc, node, "inclination_deg", YAML_REQUIRED, 0, 180, &orbit->inclination_deg);
  yaml_doc_double(doc, node, "node_deg", YAML_OPTIONAL, -360, 360, &orbit->node_deg);
  yaml_doc_double(doc, node, "argument_deg", YAML_OPTIONAL, -360, 360, &orbit->argument_deg);
  yaml_doc_double(doc, node, "anomaly_deg", YAML_OPTIONAL, -360, 360, &orbit->anomaly_deg);
  yaml_doc_finish_mapping(doc, node);
}

static void gauge_read(struct reading *in, int node, struct gauge *gauge) {
  scenario_gauge_read(in->doc, node, gauge);
  for (const struct gauge *other = in->scenario->gauges; other < gauge; other++)
    if (other->id == gauge->id)
      yaml_doc_fail(in->doc, node, "id", "sensor %u is there twice; give each its own id", gauge->id);
}

/* Reads every item of the list `key` onto the end of an array. */
#define LIST_READ(in, root, key, what, array, counter, maximum, reader)                                              \
  do {                                                                                                               \
    int list = yaml_doc_sequence((in)->doc, root, key, YAML_OPTIONAL, maximum);                                      \
    int items = yaml_doc_item_count((in)->doc, list);                                                                \
    if ((counter) + items > (maximum)) {                                                                             \
      yaml_doc_fail((in)->doc, root, key, "more than %d in all; leave some out", (int)(maximum));                    \
      items = 0;                                                                                                     \
    }                                                                                                                \
    for (int item = 0; item < items; item++, (counter)++)                                                            \
      reader(in, yaml_doc_item_mapping((in)->doc, list, item, what), &(array)[counter]);                             \
  } while (0)

static int file_read(struct scenario *scenario, const char *path, struct weft_error *err);

/* Files named by `include`, relative to the one that names them; each is read once. */
static int includes_read(struct reading *in, int root, struct weft_error *err) {
  int list = yaml_doc_sequence(in->doc, root, "include", YAML_OPTIONAL, SCENARIO_INCLUDES_MAX);
  for (int i = 0; i < yaml_doc_item_count(in->doc, list); i++) {
    char name[128] = "", folder[SCENARIO_PATH_MAX], path[SCENARIO_PATH_MAX];
    if (yaml_doc_item_string(in->doc, list, i, name, sizeof name) < 0) break;
    snprintf(folder, sizeof folder, "%s", in->path);
    if (snprintf(path, sizeof path, "%s/%s", dirname(folder), name) >= SCENARIO_PATH_MAX)
      return weft_fail(err, -ENAMETOOLONG, "%.100s...: the path of its include %s is too long (allowed: %d characters); shorten it", in->path,
                       name, SCENARIO_PATH_MAX - 1);
    int rc = file_read(in->scenario, path, err);
    if (rc) return rc;
  }
  return 0;
}

static void head_read(struct reading *in, int root) {
  static const char *const times[] = {"recorded", "live"};
  struct scenario *scenario = in->scenario;
  char start[64];
  int64_t seed;
  int time;
  yaml_doc_string(in->doc, root, "name", YAML_OPTIONAL, scenario->name, sizeof scenario->name);
  yaml_doc_string(in->doc, root, "centre", YAML_OPTIONAL, scenario->centre, sizeof scenario->centre);
  yaml_doc_bool(in->doc, root, "exercise", YAML_OPTIONAL, &scenario->exercise);
  if (yaml_doc_enum(in->doc, root, "time", YAML_OPTIONAL, times, 2, &time) == YAML_FOUND)
    scenario->time_live = time == 1;
  if (yaml_doc_string(in->doc, root, "start", YAML_OPTIONAL, start, sizeof start) == YAML_FOUND &&
      !scenario_time(start, &scenario->start_ns))
    yaml_doc_fail(in->doc, root, "start", "%s is no time; write it as 2026-01-01T00:00:00Z", start);
  yaml_doc_double(in->doc, root, "duration_s", YAML_OPTIONAL, 1, 86400, &scenario->duration_s);
  if (yaml_doc_int(in->doc, root, "seed", YAML_OPTIONAL, 0, INT64_MAX, &seed) == YAML_FOUND)
    scenario->seed = (uint64_t)seed;
  yaml_doc_double(in->doc, root, "truth_interval_s", YAML_OPTIONAL, 0.05, 60, &scenario->truth_interval_s);
}

static int file_read(struct scenario *scenario, const char *path, struct weft_error *err) {
  struct reading in = {.scenario = scenario, .path = path};
  if (strlen(path) >= SCENARIO_PATH_MAX)
    return weft_fail(err, -ENAMETOOLONG, "%.100s...: too long a path (allowed: %d characters); shorten it", path, SCENARIO_PATH_MAX - 1);
  for (int i = 0; i < scenario->include_count; i++)
    if (strcmp(scenario->includes[i], path) == 0) return 0;
  if (scenario->include_count == SCENARIO_INCLUDES_MAX)
    return weft_fail(err, -E2BIG, "%s: more than %d files; include fewer", path, (int)SCENARIO_INCLUDES_MAX);
  snprintf(scenario->includes[scenario->include_count++], sizeof scenario->includes[0], "%s", path);
  int rc = yaml_doc_load_file(&in.doc, path, err);
  if (rc < 0) return rc;
  int root = yaml_doc_root(in.doc);
  rc = includes_read(&in, root, err);
  if (rc == 0) {
    head_read(&in, root); /* after the includes, so that the outer file has the last word */
    LIST_READ(&in, root, "types", "missile type", scenario->types, scenario->type_count, SCENARIO_TYPES_MAX,
              type_read);
    LIST_READ(&in, root, "sensors", "sensor", scenario->gauges, scenario->gauge_count, SCENARIO_SENSORS_MAX,
              gauge_read);
    LIST_READ(&in, root, "salvos", "salvo", scenario->salvos, scenario->salvo_count, SCENARIO_SALVOS_MAX, salvo_read);
    LIST_READ(&in, root, "fleets", "fleet", scenario->fleets, scenario->fleet_count, SCENARIO_FLEETS_MAX, fleet_read);
    LIST_READ(&in, root, "orbits", "orbit", scenario->orbits, scenario->orbit_count, SCENARIO_ORBITS_MAX, orbit_read);
    yaml_doc_finish_mapping(in.doc, root);
    rc = yaml_doc_result(in.doc, err);
  }
  yaml_doc_free(in.doc);
  return rc;
}

int scenario_load(struct scenario **scenario, const char *path, struct weft_error *err) {
  struct scenario *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "%s: out of memory", path);
  snprintf(made->name, sizeof made->name, "scenario");
  snprintf(made->centre, sizeof made->centre, "weft");
  scenario_time("2026-01-01T00:00:00Z", &made->start_ns);
  made->duration_s = 600;
  made->seed = 1;
  made->truth_interval_s = 1;
  int rc = file_read(made, path, err);
  if (rc == 0 && made->gauge_count == 0)
    rc = weft_fail(err, -EINVAL, "%s:1: no sensors; list at least one under sensors", path);
  if (rc < 0) {
    free(made);
    return rc;
  }
  *scenario = made;
  return 0;
}

void scenario_free(struct scenario *scenario) {
  free(scenario);
}
