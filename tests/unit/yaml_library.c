// stage: weft_base
// wraps: yaml_parser_initialize yaml_parser_load realloc
/* What libyaml and the machine may refuse while a document is read: said as that, with nothing left behind. */
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
#include <yaml.h>

#include "engine/base/yaml_doc.h"

static enum { NOTHING, INITIALIZE, LOAD, LOAD_SILENT, GROW } refused;

int __real_yaml_parser_initialize(yaml_parser_t *parser);
int __wrap_yaml_parser_initialize(yaml_parser_t *parser);
int __wrap_yaml_parser_initialize(yaml_parser_t *parser) {
  return refused == INITIALIZE ? 0 : __real_yaml_parser_initialize(parser);
}

int __real_yaml_parser_load(yaml_parser_t *parser, yaml_document_t *document);
int __wrap_yaml_parser_load(yaml_parser_t *parser, yaml_document_t *document);
int __wrap_yaml_parser_load(yaml_parser_t *parser, yaml_document_t *document) {
  if (refused != LOAD && refused != LOAD_SILENT) return __real_yaml_parser_load(parser, document);
  memset(document, 0, sizeof *document);
  parser->error = refused == LOAD ? YAML_MEMORY_ERROR : YAML_READER_ERROR;
  parser->problem_offset = 1000; /* behind the text */
  return 0;
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size) {
  return refused == GROW ? NULL : __real_realloc(memory, size);
}

static void memory_that_libyaml_does_not_get_is_said(void **state) {
  (void)state;
  for (refused = INITIALIZE; refused <= LOAD; refused++) {
    struct yaml_doc *doc;
    struct weft_error err = {""};
    assert_int_equal(yaml_doc_load(&doc, "a: 1\n", 5, "t.yaml", &err), -ENOMEM);
    assert_string_equal(err.text, "t.yaml: out of memory");
    assert_null(doc);
  }
  refused = NOTHING;
}

static void a_failure_without_a_reason_still_has_a_line(void **state) {
  (void)state;
  struct yaml_doc *doc;
  struct weft_error err = {""};
  refused = LOAD_SILENT;
  assert_int_equal(yaml_doc_load(&doc, "a: 1\nb: 2\n", 10, "t.yaml", &err), -EINVAL);
  refused = NOTHING;
  assert_non_null(strstr(err.text, "t.yaml:3: not valid YAML: not YAML;"));
}

static void memory_for_a_long_file_that_is_not_there_is_said(void **state) {
  (void)state;
  char path[] = "/tmp/weft-yaml-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  FILE *file = fdopen(fd, "w");
  assert_non_null(file);
  for (int i = 0; i < 4000; i++) fprintf(file, "k%d: 1\n", i);
  assert_int_equal(fclose(file), 0);
  struct yaml_doc *doc;
  struct weft_error err = {""};
  refused = GROW;
  assert_int_equal(yaml_doc_load_file(&doc, path, &err), -ENOMEM);
  refused = NOTHING;
  assert_non_null(strstr(err.text, "Cannot allocate memory"));
  assert_int_equal(yaml_doc_load_file(&doc, path, &err), 0);
  assert_int_equal(yaml_doc_key_count(doc, yaml_doc_root(doc)), 4000);
  yaml_doc_free(doc);
  assert_int_equal(unlink(path), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_that_libyaml_does_not_get_is_said),
      cmocka_unit_test(a_failure_without_a_reason_still_has_a_line),
      cmocka_unit_test(memory_for_a_long_file_that_is_not_there_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
