// stage: weft_base
/* YAML documents: each typed getter takes what it is for, and refuses everything else with file, line, key and what is
 * allowed; the first failure stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/yaml_doc.h"

static struct yaml_doc *load(const char *text) {
  struct yaml_doc *doc;
  struct weft_error err = {{0}};
  if (yaml_doc_load(&doc, text, strlen(text), "t.yaml", &err) < 0) fail_msg("%s: %s", text, err.text);
  return doc;
}

/* The getters that a table can name, each with the range or the names it asks for. */
static int get_double(struct yaml_doc *doc, int root) {
  double value = -1;
  int rc = yaml_doc_double(doc, root, "v", YAML_REQUIRED, -1, 1e9, &value);
  return rc == YAML_FOUND ? (int)value : rc;
}
static int get_int(struct yaml_doc *doc, int root) {
  int64_t value = -1;
  int rc = yaml_doc_int(doc, root, "v", YAML_REQUIRED, -3, 500, &value);
  return rc == YAML_FOUND ? (int)value : rc;
}
static int get_bool(struct yaml_doc *doc, int root) {
  bool value = false;
  int rc = yaml_doc_bool(doc, root, "v", YAML_REQUIRED, &value);
  return rc == YAML_FOUND ? value : rc;
}
static int get_string(struct yaml_doc *doc, int root) {
  char value[6] = "";
  int rc = yaml_doc_string(doc, root, "v", YAML_REQUIRED, value, sizeof value);
  return rc == YAML_FOUND ? (int)strlen(value) : rc;
}
static int get_enum(struct yaml_doc *doc, int root) {
  static const char *const names[] = {"red", "green", "blue"};
  int value = -1, rc = yaml_doc_enum(doc, root, "v", YAML_REQUIRED, names, 3, &value);
  return rc == YAML_FOUND ? value : rc;
}
static int get_pair(struct yaml_doc *doc, int root) {
  double value[2] = {0};
  int rc = yaml_doc_pair(doc, root, "v", YAML_REQUIRED, 0, 10, value);
  return rc == YAML_FOUND ? (int)(10 * value[0] + value[1]) : rc;
}
static int get_mapping(struct yaml_doc *doc, int root) {
  return yaml_doc_key_count(doc, yaml_doc_mapping(doc, root, "v", YAML_REQUIRED));
}
static int get_sequence(struct yaml_doc *doc, int root) {
  return yaml_doc_item_count(doc, yaml_doc_sequence(doc, root, "v", YAML_REQUIRED, 2));
}
static int get_item_mapping(struct yaml_doc *doc, int root) {
  int list = yaml_doc_sequence(doc, root, "v", YAML_REQUIRED, 2);
  return yaml_doc_key_count(doc, yaml_doc_item_mapping(doc, list, 0, "v"));
}
static int get_item_string(struct yaml_doc *doc, int root) {
  char value[6] = "";
  int list = yaml_doc_sequence(doc, root, "v", YAML_REQUIRED, 2), rc = yaml_doc_item_string(doc, list, 0, value, sizeof value);
  return rc == YAML_FOUND ? (int)strlen(value) : rc;
}

struct value_case {
  int (*get)(struct yaml_doc *doc, int root);
  const char *text, *refusal; /* NULL: taken, and `value` comes back */
  int value;
};
static const struct value_case value_cases[] = {
    {get_double, "v: 2.5e1", NULL, 25},
    {get_double, "v: -0.0", NULL, 0},
    {get_double, "\nv: 10 m", "t.yaml:2: v: 10 m is not a number (allowed: -1 to 1000000000)", 0},
    {get_double, "v: '10'", "v: this is not a number", 0}, /* quoted, so a text */
    {get_double, "v: inf", "inf is not a number", 0},
    {get_double, "v: 1e999", "1e999 is not a number", 0},
    {get_double, "v: 1-2", "1-2 is not a number", 0},
    {get_double, "v: ~", "is not a number", 0},
    {get_double, "v:", "this is not a number", 0},
    {get_double, "v: [1]", "this is not a number", 0},
    {get_double, "v: -2", "-2 is out of range (allowed: -1 to 1000000000)", 0},
    {get_double, "v: 2e9", "2e9 is out of range", 0},
    {get_double, "w: 1", "t.yaml:1: v: missing; add it", 0},
    {get_int, "v: 500", NULL, 500},
    {get_int, "v: +7", NULL, 7},
    {get_int, "v: 1.5", "1.5 is not a whole number (allowed: -3 to 500)", 0},
    {get_int, "v: 1-2", "1-2 is not a whole number", 0},
    {get_int, "v: \"1\"", "this is not a whole number", 0},
    {get_int, "v:", "this is not a whole number", 0},
    {get_int, "v: {a: 1}", "this is not a whole number", 0},
    {get_int, "v: -4", "-4 is out of range (allowed: -3 to 500)", 0},
    {get_int, "v: 501", "501 is out of range", 0},
    {get_int, "v: 99999999999999999999", "99999999999999999999 is out of range", 0},
    {get_int, "w: 1", "v: missing", 0},
    {get_bool, "v: true", NULL, 1},
    {get_bool, "v: false", NULL, 0},
    {get_bool, "v: yes", "yes is neither yes nor no (allowed: true, false)", 0},
    {get_bool, "v: 'true'", "this is neither", 0},
    {get_bool, "v:", "this is neither", 0},
    {get_bool, "w: true", "v: missing", 0},
    {get_string, "v: 'north'", NULL, 5},
    {get_string, "v: norths", "too long (allowed: 1 to 5 characters of text)", 0},
    {get_string, "v: ''", "empty (allowed", 0},
    {get_string, "v: \"a\\0b\"", "holds a zero byte", 0},
    {get_string, "v: [a]", "not a text", 0},
    {get_enum, "v: 'blue'", NULL, 2},
    {get_enum, "v: pink", "pink is not known (allowed: red, green, blue)", 0},
    {get_enum, "v: [red]", "this is not known", 0},
    {get_enum, "w: red", "v: missing", 0},
    {get_pair, "v: [1, 2]", NULL, 12},
    {get_pair, "v: [1]", "must be a list of 2 values", 0},
    {get_pair, "v: [1, 2, 3]", "must be a list of 2 values", 0},
    {get_pair, "v: 1", "must be a list of 2 values", 0},
    {get_pair, "v: [a, 2]", "a is not a number (allowed: 0 to 10)", 0},
    {get_pair, "v: [1, 11]", "11 is out of range", 0},
    {get_mapping, "v: {a: 1, b: 2}", NULL, 2},
    {get_mapping, "v: 3", "must be a mapping; write", 0},
    {get_mapping, "w: {}", "v: missing", 0},
    {get_sequence, "v: [a, b]", NULL, 2},
    {get_sequence, "v: {a: 1}", "must be a list (allowed: 1 to 2 items)", 0},
    {get_item_mapping, "v: [{a: 1}]", NULL, 1},
    {get_item_mapping, "v:\n- 7", "t.yaml:2: v: item 1 must be a mapping", 0},
    {get_item_string, "v: [abc]", NULL, 3},
    {get_item_string, "v: [abcdef]", "too long", 0},
};

static void getters_take_what_they_are_for_and_name_what_is_allowed(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof value_cases / sizeof value_cases[0]; i++) {
    const struct value_case *one = &value_cases[i];
    struct weft_error err = {{0}};
    struct yaml_doc *doc = load(one->text);
    int value = one->get(doc, yaml_doc_root(doc)), rc = yaml_doc_result(doc, &err);
    if (!one->refusal && (rc != 0 || value != one->value)) fail_msg("%s: %d instead of %d: %s", one->text, value, one->value, err.text);
    if (one->refusal && (rc != -EINVAL || !strstr(err.text, one->refusal))) fail_msg("%s: rc %d, %s", one->text, rc, err.text);
    assert_int_equal(yaml_doc_result(doc, NULL), rc);
    yaml_doc_free(doc);
  }
}

static void texts_that_are_no_one_document_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"", "there is nothing in it"},
      {"# only a comment\n", "there is nothing in it"},
      {"a: [1, 2", "not valid YAML"},
      {"a: 1\n  b: 2\n", "t.yaml:2: not valid YAML"},
      {"a: 1\nb: \xff\n", "t.yaml:2: not valid YAML"}, /* the reader tells a byte, not a line */
      {"a: 1\n---\nb: 2\n", "t.yaml:2: a second document begins here"},
      {"a: 1\n---\nb: [\n", "not valid YAML"},
      {"a: 1\nb: 2\na: 3\n", "t.yaml:3: a: duplicate key, first given in line 1"},
      {"? [a, b]\n: 1\n", "a key must be plain text"},
      {"\"a\\0b\": 1\n", "a key must be plain text"},
      {"a: {b: 1, b: 2}\n", "b: duplicate key"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct yaml_doc *doc;
    struct weft_error err = {{0}};
    int rc = yaml_doc_load(&doc, cases[i].text, strlen(cases[i].text), "t.yaml", &err);
    if (rc >= 0 || !strstr(err.text, cases[i].says)) fail_msg("%s: rc %d, %s", cases[i].text, rc, err.text);
    assert_null(doc);
  }
}

/* A getter asks of a document that is no mapping, of a node that is none, of places that are not there. */
static void nothing_has_no_keys_no_items_and_no_line(void **state) {
  (void)state;
  struct weft_error err = {{0}};
  char text[8];
  struct yaml_doc *doc = load("- 1\n- 2\n");
  assert_int_equal(yaml_doc_root(doc), 0);
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_non_null(strstr(err.text, "the file must be a mapping"));
  assert_int_equal(yaml_doc_int(doc, 0, "v", YAML_OPTIONAL, 0, 1, &(int64_t){0}), YAML_ABSENT);
  assert_int_equal(yaml_doc_int(doc, 0, "v", YAML_REQUIRED, 0, 1, &(int64_t){0}), -EINVAL);
  assert_int_equal(yaml_doc_line(doc, 99) + yaml_doc_key_count(doc, -1) + yaml_doc_item_count(doc, 99), 0);
  assert_int_equal(yaml_doc_finish_mapping(doc, 0), 0);
  yaml_doc_free(doc);
  doc = load("v: [1]\nw: 2\n");
  int root = yaml_doc_root(doc), list = yaml_doc_sequence(doc, root, "v", YAML_OPTIONAL, 5);
  assert_null(yaml_doc_key(doc, root, 2));
  assert_null(yaml_doc_key(doc, root, -1));
  assert_string_equal(yaml_doc_key(doc, root, 1), "w");
  assert_int_equal(yaml_doc_item_string(doc, list, 1, text, sizeof text), -EINVAL);
  assert_int_equal(yaml_doc_item_string(doc, list, -1, text, sizeof text), -EINVAL);
  assert_int_equal(yaml_doc_result(doc, &err), 0); /* asking beyond the end is the caller's, not the document's */
  assert_int_equal(yaml_doc_item_mapping(doc, list, 1, "v"), 0);
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_non_null(strstr(err.text, "t.yaml:1: v: item 2 must be a mapping"));
  yaml_doc_free(doc);
  yaml_doc_free(NULL);
}

static void the_first_failure_stands_and_unasked_keys_are_refused(void **state) {
  (void)state;
  struct weft_error err = {{0}};
  size_t size;
  struct yaml_doc *doc = load("a: 1\nb: x\nc: y\n");
  int root = yaml_doc_root(doc);
  int64_t value = 0;
  assert_int_equal(yaml_doc_int(doc, root, "a", YAML_REQUIRED, 0, 9, &value), YAML_FOUND);
  assert_int_equal(yaml_doc_finish_mapping(doc, root), -EINVAL); /* of b */
  assert_int_equal(yaml_doc_fail(doc, root, "c", "later"), -EINVAL);
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_string_equal(err.text, "t.yaml:2: b: unknown key; remove it or correct its spelling");
  assert_string_equal(yaml_doc_text(doc, &size), "a: 1\nb: x\nc: y\n");
  yaml_doc_free(doc);
  doc = load("a: {x: 1}\nb: 2\n");
  int inner = yaml_doc_mapping(doc, yaml_doc_root(doc), "a", YAML_REQUIRED);
  assert_int_equal(yaml_doc_fail(doc, inner, NULL, "no %s", "good"), -EINVAL);
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_string_equal(err.text, "t.yaml:1: no good");
  yaml_doc_free(doc);
}

static void a_failure_without_a_key_is_that_of_its_mapping(void **state) {
  (void)state;
  struct yaml_doc *doc = load("a: 1\nb: {c: 2}\n");
  struct weft_error err = {{0}};
  int inner = yaml_doc_mapping(doc, yaml_doc_root(doc), "b", YAML_REQUIRED);
  assert_int_equal(yaml_doc_fail(doc, inner, NULL, "is %s", "odd"), -EINVAL);
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_string_equal(err.text, "t.yaml:2: is odd");
  yaml_doc_free(doc);
  doc = load("a: 1\n");
  assert_int_equal(yaml_doc_fail(doc, 0, "b", "is not there"), -EINVAL); /* of nothing */
  yaml_doc_result(doc, &err);
  assert_string_equal(err.text, "t.yaml:0: b: is not there");
  yaml_doc_free(doc);
}

/* What is wrong has to be read whatever the file is called. */
static void of_a_very_long_name_the_end_is_shown(void **state) {
  (void)state;
  char name[600];
  memset(name, 'd', sizeof name);
  strcpy(name + sizeof name - 12, "/site.yaml");
  struct yaml_doc *doc;
  struct weft_error err = {{0}};
  assert_int_equal(yaml_doc_load(&doc, "a: [1\n", 6, name, &err), -EINVAL);
  assert_true(strncmp(err.text, "...ddd", 6) == 0);
  assert_non_null(strstr(err.text, "ddd/site.yaml:2: not valid YAML"));
}

static void bounds_on_size_and_keys_are_kept(void **state) {
  (void)state;
  enum { ROOM = YAML_DOC_BYTES_MAX + 2 };
  struct weft_error err = {{0}};
  struct yaml_doc *doc;
  char *text = malloc(ROOM), path[] = "/tmp/weft-yaml-XXXXXX";
  assert_non_null(text);
  size_t size = 0;
  for (int i = 0; i <= YAML_DOC_KEYS_MAX; i++) size += (size_t)snprintf(text + size, ROOM - size, "k%d: 1\n", i);
  assert_int_equal(yaml_doc_load(&doc, text, size, "t.yaml", &err), -EINVAL);
  assert_non_null(strstr(err.text, "t.yaml:1: 4097 keys in one mapping (allowed: 4096)"));
  memset(text, '#', ROOM);
  assert_int_equal(yaml_doc_load(&doc, text, YAML_DOC_BYTES_MAX + 1, "t.yaml", &err), -EFBIG);
  assert_non_null(strstr(err.text, "t.yaml: larger than 16 MiB"));
  int fd = mkstemp(path);
  assert_int_equal(write(fd, text, ROOM), ROOM);
  close(fd);
  assert_int_equal(yaml_doc_load_file(&doc, path, &err), -EFBIG);
  assert_non_null(strstr(err.text, path));
  assert_int_equal(truncate(path, 3 * (off_t)YAML_DOC_BYTES_MAX), 0); /* read only as far as it takes to know */
  assert_int_equal(yaml_doc_load_file(&doc, path, &err), -EFBIG);
  unlink(path);
  assert_int_equal(yaml_doc_load_file(&doc, path, &err), -ENOENT);
  assert_int_equal(yaml_doc_load_file(&doc, "/tmp", &err), -EIO); /* opens, and can't be read */
  assert_non_null(strstr(err.text, "/tmp: Input/output error"));
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(getters_take_what_they_are_for_and_name_what_is_allowed),
      cmocka_unit_test(texts_that_are_no_one_document_are_refused),
      cmocka_unit_test(nothing_has_no_keys_no_items_and_no_line),
      cmocka_unit_test(the_first_failure_stands_and_unasked_keys_are_refused),
      cmocka_unit_test(a_failure_without_a_key_is_that_of_its_mapping),
      cmocka_unit_test(of_a_very_long_name_the_end_is_shown),
      cmocka_unit_test(bounds_on_size_and_keys_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
