// Scenario files: what is refused and how it is said; what ships is whole and fits its site configuration.
// stage: weft_ingest weft_domain weft_base
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c tools/salvo/target.c tools/salvo/aircraft.c tools/salvo/scenario.c tools/salvo/scenario_gauge.c tools/salvo/scenario_site.c tools/salvo/salvo_report.c tools/salvo/scanner.c tools/salvo/csv_write.c tools/salvo/truth_write.c
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/ingest/config.h"
#include "tools/salvo/output.h"
#include "tools/salvo/scanner.h"

static const char *const SHIPPED[] = {"one", "salvo60", "aircraft1000", "both"};

static struct scenario *shipped(const char *name) {
  struct scenario *scenario = NULL;
  struct weft_error err = {""};
  char path[128];
  snprintf(path, sizeof path, "tools/scenarios/%s.yaml", name);
  if (scenario_load(&scenario, path, &err)) fail_msg("%s", err.text);
  return scenario;
}

/* Loads text as a scenario and returns the error it gives ("" if none). */
static const char *refusal(const char *text) {
  static struct weft_error err;
  struct scenario *scenario = NULL;
  char path[] = "/tmp/salvo_scenario_XXXXXX";
  int fd = mkstemp(path);
  err.text[0] = 0;
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (long)strlen(text));
  close(fd);
  int rc = scenario_load(&scenario, path, &err);
  unlink(path);
  if (rc == 0) {
    struct fleet_of_targets targets = {0};
    rc = targets_build(&targets, scenario, &err);
    targets_free(&targets);
    scenario_free(scenario);
  }
  return rc ? err.text : "";
}

#define RADAR                                                                                                                  \
  "sensors:\n  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: 0, lon_deg: -140, height_m: 3}, revisit_s: 1,\n" \
  "     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002}}\n"

static void bad_scenarios_are_refused_with_line_and_remedy(void **unused) {
  (void)unused;
  static const struct {
    const char *text, *where, *what;
  } cases[] = {
      {RADAR "speed: 3\n", ":4:", "speed"},
      {"name: x\n", ":1:", "no sensors"},
      {RADAR "start: yesterday\n", ":4:", "2026-01-01T00:00:00Z"},
      {RADAR "duration_s: 0\n", ":4:", "duration_s"},
      {RADAR
       "salvos:\n  - {name: M, type: huge, first_s: 1, launch: {lat_deg: 0, lon_deg: -140}, aim: {lat_deg: 2, lon_deg: -140}}\n",
       ":5:", "no missile type huge"},
      {RADAR
       "salvos:\n  - {name: M, type: short, first_s: 1, launch: {lat_deg: 0, lon_deg: -140}, aim: {lat_deg: 9, lon_deg: -140}}\n",
       ":5:", "reaches"},
      {RADAR
       "  - {id: 1, name: s, nation: A, kind: position, position: {lat_deg: 0, lon_deg: -140, height_m: 3}, revisit_s: 1,\n"
       "     sigma: {x_m: 30}}\n",
       ":4:", "twice"},
      {"sensors:\n  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: 0, lon_deg: -140, height_m: 3}, revisit_s: 1,\n"
       "     sigma: {range_m: 30, azimuth_rad: 0.001}}\n",
       ":3:", "elevation_rad"},
      {RADAR "fleets:\n  - {name: f, lat_deg: [0, 1], lon_deg: [-141, -140], speed_mps: fast}\n", ":5:", "speed_mps"},
      {RADAR "include: [nowhere.yaml]\n", "nowhere.yaml", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *text = refusal(cases[i].text);
    if (!strstr(text, cases[i].where) || !strstr(text, cases[i].what))
      fail_msg("case %zu: '%s' should name %s and %s", i, text, cases[i].where, cases[i].what);
  }
  assert_string_equal(refusal(RADAR), "");
}

/* tools/scenarios/ and `turns` times ./ before the file's name. */
static int load_by_long_path(int turns, struct scenario **scenario, struct weft_error *err) {
  static char path[8192];
  int used = snprintf(path, sizeof path, "tools/scenarios/");
  for (int i = 0; i < turns; i++) used += snprintf(path + used, sizeof path - (size_t)used, "./");
  snprintf(path + used, sizeof path - (size_t)used, "salvo60.yaml");
  return scenario_load(scenario, path, err);
}

static void long_paths_are_whole_or_refused(void **unused) {
  (void)unused;
  struct scenario *scenario = NULL, *short_one = shipped("salvo60");
  struct weft_error err = {""};
  if (load_by_long_path(300, &scenario, &err)) fail_msg("%s", err.text);
  assert_true(scenario->include_count > 1);
  for (int i = 0; i < scenario->include_count; i++) {
    assert_true(strlen(scenario->includes[i]) >= 600);
    assert_string_equal(strrchr(scenario->includes[i], '/'), strrchr(short_one->includes[i], '/'));
  }
  scenario_free(scenario);
  scenario_free(short_one);
  assert_int_equal(load_by_long_path(2500, &scenario, &err), -ENAMETOOLONG);
  assert_non_null(strstr(err.text, "shorten it"));
}

static void times_are_read_exactly(void **unused) {
  (void)unused;
  int64_t time;
  assert_true(scenario_time("1970-01-01T00:00:00Z", &time) && time == 0);
  assert_true(scenario_time("2023-11-14T22:13:20.123456Z", &time) && time == 1700000000123456000);
  assert_true(scenario_time("2024-02-29T23:59:59Z", &time) && time == 1709251199000000000);
  assert_false(scenario_time("2023-11-14 22:13:20", &time));
  assert_false(scenario_time("2023-13-14T22:13:20Z", &time));
  assert_false(scenario_time("2023-11-14T22:13:20Z+1", &time));
}

static void shipped_sites_are_what_the_scenarios_say_and_load(void **unused) {
  (void)unused;
  for (size_t i = 0; i < sizeof SHIPPED / sizeof SHIPPED[0]; i++) {
    struct scenario *scenario = shipped(SHIPPED[i]);
    char *text = NULL, path[128];
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    scenario_site_print(scenario, memory);
    fclose(memory);
    snprintf(path, sizeof path, "tools/scenarios/%s.site.yaml", SHIPPED[i]);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *stored = calloc(1, size + 2);
    size_t got = fread(stored, 1, size + 1, file);
    fclose(file);
    if (got != size || memcmp(stored, text, size) != 0)
      fail_msg("%s is stale; write it again with weft salvo --site", path);
    static struct site site;
    struct weft_error err = {""};
    if (site_load(path, &site, &err)) fail_msg("%s", err.text);
    assert_int_equal(site.sensor_count, scenario->gauge_count);
    site_free(&site);
    free(stored);
    free(text);
    scenario_free(scenario);
  }
}

static void shipped_salvo_stays_at_sea_and_within_its_time(void **unused) {
  (void)unused;
  struct scenario *scenario = shipped("salvo60");
  struct fleet_of_targets targets;
  struct weft_error err = {""};
  if (targets_build(&targets, scenario, &err)) fail_msg("%s", err.text);
  assert_int_equal(targets.count, 60);
  double first = 1e9, last = 0;
  for (int i = 0; i < targets.count; i++) {
    const struct target *target = &targets.targets[i];
    struct state pad;
    first = fmin(first, target->launch_s);
    last = fmax(last, target->launch_s);
    assert_true(target->impact_s < scenario->duration_s);
    assert_true(path_at(&target->path, target->launch_s, &pad));
    struct earth_geodetic ends[2] = {earth_geodetic(pad.r), target->impact};
    for (int k = 0; k < 2; k++) { /* no land lies in 38 to 52 S, 140 to 105 W */
      double lat = ends[k].lat_rad / SALVO_DEG, lon = ends[k].lon_rad / SALVO_DEG;
      if (!(lat < -38 && lat > -52 && lon > -140 && lon < -105))
        fail_msg("%s: %.3f %.3f is outside the open sea", target->name, lat, lon);
      assert_true(fabs(ends[k].height_m) < 1e-2);
    }
  }
  assert_true(last - first <= 120 + 1e-9);
  targets_free(&targets);
  scenario_free(scenario);
}

/* The whole CSV of a scenario, as bytes. */
static char *csv_of(const char *name, uint64_t seed, double duration_s, size_t *size) {
  struct scenario *scenario = shipped(name);
  struct fleet_of_targets targets;
  struct weft_error err = {""};
  char *text = NULL;
  scenario->seed = seed;
  scenario->duration_s = duration_s;
  if (targets_build(&targets, scenario, &err)) fail_msg("%s", err.text);
  struct scanner *scanner = scanner_open(scenario, &targets, true);
  FILE *memory = open_memstream(&text, size);
  csv_head_write(memory);
  for (const struct report *report; (report = scanner_next(scanner));)
    csv_report_write(memory, scenario, &targets, report);
  fclose(memory);
  scanner_free(scanner);
  targets_free(&targets);
  scenario_free(scenario);
  return text;
}

static void equal_seeds_give_equal_bytes(void **unused) {
  (void)unused;
  size_t a_size, b_size, c_size;
  char *a = csv_of("salvo60", 7, 150, &a_size), *b = csv_of("salvo60", 7, 150, &b_size),
       *c = csv_of("salvo60", 8, 150, &c_size);
  assert_int_equal(a_size, b_size);
  assert_memory_equal(a, b, a_size);
  assert_true(a_size != c_size || memcmp(a, c, a_size) != 0);
  for (const char *line = a; *line; line = strchr(line, '\n') + 1) {
    int commas = 0;
    for (const char *at = line; *at != '\n'; at++) commas += *at == ',';
    assert_int_equal(commas, 21);
  }
  free(a);
  free(b);
  free(c);
}

/* Every missile is in the view of a radar in at least nine tenths of its flight, and of two satellites. */
static void every_missile_of_the_shipped_salvo_is_in_view(void **unused) {
  (void)unused;
  struct scenario *scenario = shipped("salvo60");
  struct fleet_of_targets targets;
  struct weft_error err = {""};
  if (targets_build(&targets, scenario, &err)) fail_msg("%s", err.text);
  for (int i = 0; i < targets.count; i++) {
    const struct target *target = &targets.targets[i];
    int in_view = 0, looks = 0, eyes[SCENARIO_SENSORS_MAX] = {0}, satellites = 0;
    for (double time = target->launch_s; time < target->impact_s; time += 1, looks++) {
      bool radar = false;
      struct state state;
      assert_true(path_at(&target->path, time, &state));
      for (int k = 0; k < scenario->gauge_count; k++) {
        const struct gauge *gauge = &scenario->gauges[k];
        struct stand stand = {{{0}, {0}}, {{0}}};
        double z[4];
        earth_ecef_deg(gauge->lat_deg, gauge->lon_deg, gauge->height_m, stand.state.r);
        stand_axes(gauge, &stand);
        gauge_measure(&stand, &state, z);
        if (!gauge_sees(gauge, &stand, target, time, &state, z)) continue;
        radar = radar || gauge->kind == GAUGE_RADAR;
        eyes[k] += gauge->kind == GAUGE_LOS;
      }
      in_view += radar;
    }
    for (int k = 0; k < scenario->gauge_count; k++) satellites += eyes[k] >= 10;
    if (in_view < 0.85 * looks || satellites < 2)
      fail_msg("%s: in a radar's view %d of %d s, in %d satellites'", target->name, in_view, looks, satellites);
  }
  targets_free(&targets);
  scenario_free(scenario);
}

static void truth_lines_follow_the_contract(void **unused) {
  (void)unused;
  struct scenario *scenario = shipped("one");
  struct fleet_of_targets targets;
  struct weft_error err = {""};
  char path[] = "/tmp/salvo_truth_XXXXXX", line[512], impact[128] = "";
  int fd = mkstemp(path), lines = 0, last_phase = 0;
  assert_true(fd >= 0);
  close(fd);
  if (targets_build(&targets, scenario, &err) || truth_write(path, scenario, &targets, &err))
    fail_msg("%s", err.text);
  FILE *file = fopen(path, "r");
  assert_non_null(fgets(line, sizeof line, file));
  assert_string_equal(
      line,
      "time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,impact_lat_deg,impact_lon_deg,impact_time_ns\n");
  for (; fgets(line, sizeof line, file); lines++) {
    char target[32], class_[32], phase[32], end[128];
    long long time;
    double r[3], v[3];
    assert_int_equal(sscanf(line, "%lld,%31[^,],%31[^,],%31[^,],%lf,%lf,%lf,%lf,%lf,%lf,%127s", &time, target, class_,
                            phase, &r[0], &r[1], &r[2], &v[0], &v[1], &v[2], end),
                     11);
    int at = strcmp(phase, "boost") == 0 ? 0 : strcmp(phase, "coast") == 0 ? 1 : 2;
    double height = earth_geodetic(r).height_m;
    assert_string_equal(class_, "ballistic");
    assert_true(at >= last_phase);
    if (at == 2) assert_true(strcmp(phase, "reentry") == 0 && height < 80e3 + 1);
    if (at == 1 && last_phase == 1) assert_true(height > 20e3);
    if (impact[0]) assert_string_equal(end, impact);
    snprintf(impact, sizeof impact, "%s", end);
    last_phase = at;
  }
  assert_int_equal(last_phase, 2);
  assert_true(lines > 500);
  fclose(file);
  unlink(path);
  targets_free(&targets);
  scenario_free(scenario);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_scenarios_are_refused_with_line_and_remedy),
      cmocka_unit_test(long_paths_are_whole_or_refused),
      cmocka_unit_test(times_are_read_exactly),
      cmocka_unit_test(shipped_sites_are_what_the_scenarios_say_and_load),
      cmocka_unit_test(shipped_salvo_stays_at_sea_and_within_its_time),
      cmocka_unit_test(equal_seeds_give_equal_bytes),
      cmocka_unit_test(every_missile_of_the_shipped_salvo_is_in_view),
      cmocka_unit_test(truth_lines_follow_the_contract),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
