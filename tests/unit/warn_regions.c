// stage: weft_warn weft_domain weft_base weft_kernels
/* Named areas: what is inside, over holes, the antimeridian and a pole; what is refused, and where; how well
 * shares are integrated. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/warn/shares.h"

#define FEATURE(name, type, coordinates)                                                                     \
  "{\"type\":\"Feature\",\"properties\":{\"name\":\"" name "\"},\"geometry\":{\"type\":\"" type              \
  "\",\"coordinates\":" coordinates "}}"
#define COLLECTION(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static void parse(struct regions *regions, const char *text) {
  struct weft_error err = {""};
  if (regions_parse(regions, text, strlen(text), "areas.geojson", &err) < 0) fail_msg("%s", err.text);
}

static void polygon_has_an_inside_and_holes_are_outside(void **state) {
  (void)state;
  struct regions r;
  parse(
      &r,
      COLLECTION(FEATURE(
          "a", "Polygon",
          "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]") "," FEATURE("b",
                                                                                               "MultiPolygon",
                                                                                               "[[[[20,0],["
                                                                                               "30,0],[25,10]"
                                                                                               ",[20,0]]],[[["
                                                                                               "-5,-5],[-1,-"
                                                                                               "5],[-1,-1],[-"
                                                                                               "5,-5]]]]")));
  assert_int_equal(r.count, 2);
  assert_string_equal(r.name[1], "b");
  assert_true(region_holds(&r, 0, 1, 1));
  assert_true(region_holds(&r, 0, 5, 9));
  assert_false(region_holds(&r, 0, 5, 5));
  assert_false(region_holds(&r, 0, -1, 5));
  assert_false(region_holds(&r, 0, 5, 11));
  assert_true(region_holds(&r, 1, 25, 5));
  assert_true(region_holds(&r, 1, -2, -3));
  assert_false(region_holds(&r, 1, -4, -3));
  assert_false(region_holds(&r, 1, 21, 9));
  regions_free(&r);
}

static void antimeridian_divides_no_area(void **state) {
  (void)state;
  static const char *const forms[] = {"[[[170,-10],[-170,-10],[-170,10],[170,10],[170,-10]]]",
                                      "[[[170,-10],[190,-10],[190,10],[170,10],[170,-10]]]",
                                      "[[[-190,-10],[-170,-10],[-170,10],[-190,10],[-190,-10]]]"};
  for (int i = 0; i < 3; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"type\":\"Feature\",\"properties\":{\"name\":\"date "
             "line\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":%s}}",
             forms[i]);
    struct regions r;
    parse(&r, text);
    assert_true(region_holds(&r, 0, 179, 0));
    assert_true(region_holds(&r, 0, -179, 0));
    assert_true(region_holds(&r, 0, 180, 0));
    assert_true(region_holds(&r, 0, -171, 9));
    assert_false(region_holds(&r, 0, 0, 0));
    assert_false(region_holds(&r, 0, 169, 0));
    assert_false(region_holds(&r, 0, -169, 0));
    regions_free(&r);
  }
  struct regions split; /* as RFC 7946 advises */
  parse(&split, FEATURE("s", "MultiPolygon",
                        "[[[[170,-10],[180,-10],[180,10],[170,10],[170,-10]]],[[[-180,-10],[-170,-10],[-170,"
                        "10],[-180,10],[-180,-10]]]]"));
  assert_true(region_holds(&split, 0, 175, 0));
  assert_true(region_holds(&split, 0, -175, 0));
  assert_false(region_holds(&split, 0, -165, 0));
  regions_free(&split);
}

static void area_about_a_pole_is_drawn_along_it(void **state) {
  (void)state;
  struct regions r;
  parse(&r, FEATURE("south", "Polygon", "[[[-180,-60],[0,-65],[180,-60],[180,-90],[-180,-90],[-180,-60]]]"));
  assert_true(region_holds(&r, 0, 0, -80));
  assert_true(region_holds(&r, 0, 179, -89));
  assert_false(region_holds(&r, 0, 0, -64));
  assert_true(region_holds(&r, 0, 170, -62));
  regions_free(&r);
}

static void what_is_wrong_is_refused_with_its_place(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"{\n\"type\":\n oops}", "areas.geojson:3: not valid JSON"},
      {"[]", "must be a GeoJSON FeatureCollection or Feature"},
      {COLLECTION(FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0,0]]]") "," FEATURE("b", "Point", "[0,0]")),
       "feature 2, polygon 1, ring 1: its geometry"},
      {FEATURE("", "Polygon", "[[[0,0],[1,0],[1,1],[0,0]]]"), "needs a property \"name\""},
      {FEATURE("a", "Polygon", "[[[0,0],[1,0],[0,0]]]"), "at least four positions"},
      {FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]"), "is not closed"},
      {FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0,0]],[[0,0],[1,91],[1,1],[0,0]]]"),
       "ring 2: a latitude lies outside"},
      {FEATURE("a", "Polygon", "[[[0,0],[1e9,0],[1,1],[0,0]]]"), "a longitude lies outside"},
      {FEATURE("a", "Polygon", "[[[0,0],[\"1\",0],[1,1],[0,0]]]"), "a position must be"},
      {FEATURE("a", "Polygon", "[[[0,0],[1,\"0\"],[1,1],[0,0]]]"), "a position must be"},
      {FEATURE("a", "Polygon", "[[[0,0],[1],[1,1],[0,0]]]"), "a position must be"},
      {FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0.5,0]]]"), "is not closed"},
      {FEATURE("a", "Polygon", "[]"), "a list of rings"},
      {FEATURE("a", "Polygon", "{}"), "a list of rings"},
      {FEATURE("a", "Polygon", "[7]"), "at least four positions"},
      {FEATURE("a", "MultiPolygon", "[]"), "a MultiPolygon must be a list of polygons"},
      {FEATURE("a", "MultiPolygon", "[[]]"), "a list of rings"},
      {"{\"type\":\"Feature\",\"properties\":{},\"geometry\":null}", "needs a property \"name\""},
      {"{\"type\":\"Feature\",\"properties\":{\"name\":\"a\"},\"geometry\":null}", "its geometry must be"},
      {"{\"type\":\"Feature\",\"properties\":{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"}}",
       "1 to 63 bytes"},
      {COLLECTION("{}"), "feature 1, polygon 1, ring 1: must be a Feature"},
      {COLLECTION("{\"type\":\"Polygon\"}"), "must be a Feature"},
      {"{\"type\":\"FeatureCollection\"}", "must be a GeoJSON FeatureCollection or Feature"},
      {"{\"type\":\"Polygon\",\"features\":[]}", "must be a GeoJSON FeatureCollection or Feature"},
      {FEATURE("a", "MultiPolygon", "[[[[0,0],[1,0],[1,1],[0,0]]],[[[0,0],[1,0],[1,1],[0,5]]]]"),
       "polygon 2, ring 1: is not closed"},
      {FEATURE("a", "Polygon", "[[[0,60],[120,60],[-120,60],[0,60]]]"), "goes round a pole"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct regions r;
    struct weft_error err = {""};
    int rc = regions_parse(&r, cases[i].text, strlen(cases[i].text), "areas.geojson", &err);
    if (rc >= 0 || !strstr(err.text, cases[i].says)) fail_msg("%s: rc %d, %s", cases[i].text, rc, err.text);
    assert_int_equal(r.count, 0);
    assert_null(r.region);
  }
  struct regions r;
  struct weft_error err = {""};
  assert_true(regions_load(&r, "/nonexistent/areas.geojson", &err) < 0);
  assert_non_null(strstr(err.text, "/nonexistent/areas.geojson"));
}

/* A Gaussian north of a straight coast: the share below it is the normal distribution's. */
/* More areas, points and bytes than weft holds: said, and nothing of them is kept. */
static void what_is_too_much_is_refused(void **state) {
  (void)state;
  enum { ROOM = 8 << 20, POSITIONS = REGION_POINTS_MAX + 2 };
  static const char one[] = FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0,0]]]");
  struct regions r;
  struct weft_error err = {""};
  char *text = malloc(ROOM), *end = text + sprintf(text, "{\"type\":\"FeatureCollection\",\"features\":[");
  assert_non_null(text);
  for (int i = 0; i <= REGIONS_MAX; i++) end += sprintf(end, "%s%s", i ? "," : "", one);
  strcpy(end, "]}");
  assert_int_equal(regions_parse(&r, text, strlen(text), "areas.geojson", &err), -EINVAL);
  assert_non_null(strstr(err.text, "feature 4097, polygon 1, ring 1: more areas than the 4096 that weft holds"));
  end = text + sprintf(text, "{\"type\":\"Feature\",\"properties\":{\"name\":\"a\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[");
  for (int i = 0; i < POSITIONS; i++) end += sprintf(end, "%s[0,0]", i ? "," : "");
  strcpy(end, "]]}}");
  assert_int_equal(regions_parse(&r, text, strlen(text), "areas.geojson", &err), -EINVAL);
  assert_non_null(strstr(err.text, "more points than the 1048576 that weft holds"));
  assert_null(r.point);
  free(text);
  char path[] = "/tmp/weft-regions-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(ftruncate(fd, REGION_FILE_MAX + 1), 0);
  close(fd);
  assert_int_equal(regions_load(&r, path, &err), -EFBIG);
  assert_non_null(strstr(err.text, path));
  unlink(path);
  assert_int_equal(regions_load(&r, "/tmp", &err), -EIO); /* opens, and can't be read */
}

/* A file longer than one piece of reading. */
static void a_long_file_is_read_whole(void **state) {
  (void)state;
  struct regions r;
  struct weft_error err = {""};
  char path[] = "/tmp/weft-regions-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  FILE *file = fdopen(fd, "w");
  fprintf(file, "{\"type\":\"FeatureCollection\",\"features\":[");
  for (int i = 0; i < 2000; i++) fprintf(file, "%s%s", i ? "," : "", FEATURE("a", "Polygon", "[[[0,0],[1,0],[1,1],[0,0]]]"));
  fprintf(file, "]}");
  fclose(file);
  if (regions_load(&r, path, &err) < 0) fail_msg("%s", err.text);
  assert_int_equal(r.count, 2000);
  assert_true(region_holds(&r, 1999, 0.5, 0.2));
  regions_free(&r);
  unlink(path);
}

static void shares_are_the_gaussians_own(void **state) {
  (void)state;
  struct regions r;
  struct share_points *points = malloc(sizeof *points);
  share_points_make(points);
  parse(&r,
        COLLECTION(FEATURE("far", "Polygon", "[[[50,-5],[60,-5],[60,5],[50,5],[50,-5]]]") "," FEATURE(
            "south", "Polygon",
            "[[[-5,-5],[5,-5],[5,0],[-5,0],[-5,-5]]]") "," FEATURE("north", "Polygon",
                                                                   "[[[-5,0],[5,0],[5,5],[-5,5],[-5,0]]]")));
  double worst = 0;
  for (int k = 0; k <= 40; k++) {
    double offset = -2.5 + 5.0 * k / 40, sigma = 9000, p[3];
    struct flight_impact impact = {.count = 2};
    wk_ecef_from_geodetic(0, 0, 0, p);
    plane_at(p, &impact.plane);
    for (int part = 0; part < 2; part++) {
      impact.parts[part].weight = part ? 0.3 : 0.7;
      impact.parts[part].mean[1] = offset * sigma;
      impact.parts[part].covariance[0] = 4 * sigma * sigma;
      impact.parts[part].covariance[1] = 0.8 * sigma * sigma;
      impact.parts[part].covariance[3] = sigma * sigma;
    }
    struct impact_estimate out;
    shares_find(points, &r, &impact, &out);
    double south = 0, north = 0;
    for (uint32_t i = 0; i < out.region_count; i++) {
      assert_string_not_equal(r.name[out.regions[i]], "far");
      if (strcmp(r.name[out.regions[i]], "south") == 0) south = out.shares[i];
      if (strcmp(r.name[out.regions[i]], "north") == 0) north = out.shares[i];
      if (i) assert_true(out.shares[i] <= out.shares[i - 1]);
    }
    worst = fmax(worst, fabs(south - 0.5 * erfc(offset / sqrt(2))));
    assert_true(fabs(south + north - 1) < 1e-9);
  }
  print_message("worst share %.4f off\n", worst);
  assert_true(worst < 0.01);
  regions_free(&r);
  free(points);
}

/* More areas than a line holds: the likeliest stay. */
static void likeliest_areas_are_kept(void **state) {
  (void)state;
  char text[8192];
  int used = snprintf(text, sizeof text, "{\"type\":\"FeatureCollection\",\"features\":[");
  for (int i = 0; i < 12; i++) { /* strips of latitude, wider and wider from the middle outward */
    double from = i * 0.01 * i, to = (i + 1) * 0.01 * (i + 1);
    used += snprintf(text + used, sizeof text - (size_t)used,
                     "%s{\"type\":\"Feature\",\"properties\":{\"name\":\"strip "
                     "%d\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":"
                     "[[[-5,%g],[5,%g],[5,%g],[-5,%g],[-5,%g]]]}}",
                     i ? "," : "", i, from, from, to, to, from);
  }
  snprintf(text + used, sizeof text - (size_t)used, "]}");
  struct regions r;
  parse(&r, text);
  struct share_points *points = malloc(sizeof *points);
  share_points_make(points);
  struct flight_impact impact = {.count = 1, .parts = {{.weight = 1, .covariance = {1e8, 0, 0, 4e9, 0, 1}}}};
  double p[3];
  wk_ecef_from_geodetic(0, 0, 0, p);
  plane_at(p, &impact.plane);
  struct impact_estimate out;
  shares_find(points, &r, &impact, &out);
  assert_int_equal(out.region_count, REPORT_REGIONS_MAX);
  for (uint32_t i = 1; i < out.region_count; i++)
    assert_true(out.shares[i] <= out.shares[i - 1]);
  for (uint32_t i = 0; i < out.region_count; i++) assert_string_not_equal(r.name[out.regions[i]], "strip 0");
  regions_free(&r);
  free(points);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(polygon_has_an_inside_and_holes_are_outside),
                                     cmocka_unit_test(antimeridian_divides_no_area),
                                     cmocka_unit_test(area_about_a_pole_is_drawn_along_it),
                                     cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
                                     cmocka_unit_test(what_is_too_much_is_refused),
                                     cmocka_unit_test(a_long_file_is_read_whole),
                                     cmocka_unit_test(shares_are_the_gaussians_own),
                                     cmocka_unit_test(likeliest_areas_are_kept)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
