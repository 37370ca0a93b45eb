#include "engine/base/yaml_doc.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { NAME_SHOWN_MAX = 120 }; /* of a file's name in errors, its end: what is wrong has to fit behind it */

struct yaml_doc {
  yaml_document_t document;
  bool has_document;
  char *name;         /* owned; the file in errors */
  char *text;         /* owned */
  size_t text_size;
  int node_count;
  size_t *pair_start; /* owned; per node, where its marks begin in `used` */
  bool *used;         /* owned; per key of the document: a getter asked for it */
  int failed;         /* the first failure's errno, or 0 */
  struct weft_error error;
};

static const yaml_node_t *node_of(const struct yaml_doc *doc, int node) {
  if (node < 1 || node > doc->node_count) return NULL;
  return doc->document.nodes.start + (node - 1);
}

static const yaml_node_t *node_of_type(const struct yaml_doc *doc, int node, yaml_node_type_t type) {
  const yaml_node_t *at = node_of(doc, node);
  return at && at->type == type ? at : NULL;
}

static int pair_count(const yaml_node_t *mapping) {
  return (int)(mapping->data.mapping.pairs.top - mapping->data.mapping.pairs.start);
}

static const char *scalar_text(const yaml_node_t *scalar) { return (const char *)scalar->data.scalar.value; }

int yaml_doc_line(const struct yaml_doc *doc, int node) {
  const yaml_node_t *at = node_of(doc, node);
  return at ? (int)at->start_mark.line + 1 : 0;
}

/* Keeps the first failure only: later ones are often its echo. */
static int fail_at(struct yaml_doc *doc, int line, const char *key, const char *format, va_list args) {
  if (doc->failed) return doc->failed;
  char text[320];
  vsnprintf(text, sizeof text, format, args);
  doc->failed = -EINVAL;
  size_t length = strlen(doc->name), passed = length > NAME_SHOWN_MAX ? length - NAME_SHOWN_MAX : 0;
  return weft_fail(&doc->error, -EINVAL, "%s%s:%d: %s%s%s", passed ? "..." : "", doc->name + passed, line, key ? key : "",
                   key ? ": " : "", text);
}

static int fail_line(struct yaml_doc *doc, int line, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int fail_line(struct yaml_doc *doc, int line, const char *key, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int rc = fail_at(doc, line, key, format, args);
  va_end(args);
  return rc;
}

/* Position of a key in its mapping, or -1. All keys up to it are scalars: mapping_check goes before. */
static int key_find(const struct yaml_doc *doc, const yaml_node_t *mapping, const char *key) {
  int count = pair_count(mapping);
  for (int i = 0; i < count; i++) {
    const yaml_node_t *name = node_of(doc, mapping->data.mapping.pairs.start[i].key);
    if (strcmp(scalar_text(name), key) == 0) return i;
  }
  return -1;
}

int yaml_doc_fail(struct yaml_doc *doc, int mapping, const char *key, const char *format, ...) {
  int line = yaml_doc_line(doc, mapping);
  const yaml_node_t *at = node_of_type(doc, mapping, YAML_MAPPING_NODE);
  int found = at && key ? key_find(doc, at, key) : -1;
  if (found >= 0) line = yaml_doc_line(doc, at->data.mapping.pairs.start[found].value);
  va_list args;
  va_start(args, format);
  int rc = fail_at(doc, line, key, format, args);
  va_end(args);
  return rc;
}

/* Every mapping: keys are scalars, at most YAML_DOC_KEYS_MAX, none twice. */
static void mapping_check(struct yaml_doc *doc, const yaml_node_t *mapping) {
  int count = pair_count(mapping);
  if (count > YAML_DOC_KEYS_MAX) {
    fail_line(doc, (int)mapping->start_mark.line + 1, NULL, "%d keys in one mapping (allowed: %d); split it", count,
              YAML_DOC_KEYS_MAX);
    return;
  }
  for (int i = 0; i < count && !doc->failed; i++) {
    int node = mapping->data.mapping.pairs.start[i].key;
    const yaml_node_t *name = node_of_type(doc, node, YAML_SCALAR_NODE);
    if (!name || name->data.scalar.length != strlen(scalar_text(name))) {
      fail_line(doc, yaml_doc_line(doc, node), NULL, "a key must be plain text; write `key: value`");
      return;
    }
    int first = key_find(doc, mapping, scalar_text(name));
    if (first < i) {
      fail_line(doc, yaml_doc_line(doc, node), scalar_text(name), "duplicate key, first given in line %d; remove one",
                yaml_doc_line(doc, mapping->data.mapping.pairs.start[first].key));
    }
  }
}

/* Numbers the keys of the whole document for their marks, checking the mappings on the way. */
static int doc_index(struct yaml_doc *doc) {
  doc->node_count = (int)(doc->document.nodes.top - doc->document.nodes.start);
  doc->pair_start = calloc((size_t)doc->node_count + 1, sizeof *doc->pair_start);
  if (!doc->pair_start) return -ENOMEM;
  size_t pairs = 0;
  for (int node = 1; node <= doc->node_count; node++) {
    doc->pair_start[node - 1] = pairs;
    const yaml_node_t *mapping = node_of_type(doc, node, YAML_MAPPING_NODE);
    if (!mapping) continue;
    pairs += (size_t)pair_count(mapping);
    mapping_check(doc, mapping);
  }
  doc->used = calloc(pairs + 1, sizeof *doc->used);
  return doc->used ? 0 : -ENOMEM;
}

static int parser_failed(struct yaml_doc *doc, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR) return -ENOMEM;
  const char *problem = parser->problem ? parser->problem : "not YAML";
  size_t line = parser->problem_mark.line + 1;
  if (parser->error == YAML_READER_ERROR) { /* a byte offset instead of a mark: count the lines up to it */
    line = 1;
    for (size_t i = 0; i < parser->problem_offset && i < doc->text_size; i++) line += doc->text[i] == '\n';
  }
  return fail_line(doc, (int)line, NULL, "not valid YAML: %s; check indentation, colons and quotes", problem);
}

/* One document, not empty, and nothing behind it. */
static int doc_parse(struct yaml_doc *doc) {
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return -ENOMEM;
  yaml_parser_set_input_string(&parser, (const unsigned char *)doc->text, doc->text_size);
  int rc = 0;
  if (!yaml_parser_load(&parser, &doc->document)) {
    rc = parser_failed(doc, &parser);
    goto out_parser;
  }
  doc->has_document = true;
  if (!yaml_document_get_root_node(&doc->document)) {
    rc = fail_line(doc, 1, NULL, "there is nothing in it; write `key: value` lines");
    goto out_parser;
  }
  yaml_document_t second;
  if (!yaml_parser_load(&parser, &second)) {
    rc = parser_failed(doc, &parser);
    goto out_parser;
  }
  if (yaml_document_get_root_node(&second)) {
    rc = fail_line(doc, (int)second.start_mark.line + 1, NULL, "a second document begins here; keep one per file");
  }
  yaml_document_delete(&second);
out_parser:
  yaml_parser_delete(&parser);
  return rc;
}

int yaml_doc_load(struct yaml_doc **out, const char *text, size_t size, const char *name, struct weft_error *err) {
  *out = NULL;
  if (size > YAML_DOC_BYTES_MAX) {
    return weft_fail(err, -EFBIG, "%s: larger than %d MiB; split it", name, YAML_DOC_BYTES_MAX >> 20);
  }
  struct yaml_doc *doc = calloc(1, sizeof *doc);
  if (!doc) return weft_fail(err, -ENOMEM, "%s: out of memory", name);
  doc->name = strdup(name);
  doc->text = malloc(size + 1);
  int rc = doc->name && doc->text ? 0 : -ENOMEM;
  if (rc == 0) {
    if (size) memcpy(doc->text, text, size);
    doc->text[size] = '\0';
    doc->text_size = size;
    rc = doc_parse(doc);
  }
  if (rc == 0) rc = doc_index(doc);
  if (rc == 0) rc = doc->failed;
  if (rc < 0) {
    if (doc->failed) yaml_doc_result(doc, err);
    else weft_fail(err, rc, "%s: out of memory", name);
    yaml_doc_free(doc);
    return rc;
  }
  *out = doc;
  return 0;
}

int yaml_doc_load_file(struct yaml_doc **out, const char *path, struct weft_error *err) {
  *out = NULL;
  FILE *file = fopen(path, "rb");
  if (!file) return weft_fail(err, -errno, "%s: %s; give the path of a readable file", path, strerror(errno));
  size_t capacity = 1 << 14, size = 0;
  char *text = malloc(capacity);
  int rc = text ? 0 : -ENOMEM;
  while (rc == 0) {
    size += fread(text + size, 1, capacity - size, file);
    if (size < capacity || size > YAML_DOC_BYTES_MAX) break;
    char *grown = realloc(text, capacity * 2);
    if (!grown) rc = -ENOMEM;
    else text = grown, capacity *= 2;
  }
  if (rc == 0 && ferror(file)) rc = -EIO;
  if (rc < 0) weft_fail(err, rc, "%s: %s; give the path of a readable file", path, strerror(-rc));
  else rc = yaml_doc_load(out, text, size, path, err);
  free(text);
  (void)fclose(file);
  return rc;
}

void yaml_doc_free(struct yaml_doc *doc) {
  if (!doc) return;
  if (doc->has_document) yaml_document_delete(&doc->document);
  free(doc->used);
  free(doc->pair_start);
  free(doc->text);
  free(doc->name);
  free(doc);
}

const char *yaml_doc_text(const struct yaml_doc *doc, size_t *size) {
  *size = doc->text_size;
  return doc->text;
}

int yaml_doc_root(struct yaml_doc *doc) {
  if (node_of_type(doc, 1, YAML_MAPPING_NODE)) return 1;
  fail_line(doc, yaml_doc_line(doc, 1), NULL, "the file must be a mapping; write `key: value` lines");
  return 0;
}

int yaml_doc_result(const struct yaml_doc *doc, struct weft_error *err) {
  if (doc->failed && err) *err = doc->error;
  return doc->failed;
}

/* The value node of a key, marked as used; 0 where it is absent, then *rc is what the getter returns. */
static int value_of(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int *rc) {
  const yaml_node_t *at = node_of_type(doc, mapping, YAML_MAPPING_NODE);
  int found = at ? key_find(doc, at, key) : -1;
  if (found >= 0) {
    doc->used[doc->pair_start[mapping - 1] + (size_t)found] = true;
    *rc = YAML_FOUND;
    return at->data.mapping.pairs.start[found].value;
  }
  *rc = YAML_ABSENT;
  if (need == YAML_REQUIRED) *rc = at ? yaml_doc_fail(doc, mapping, key, "missing; add it") : -EINVAL;
  return 0;
}

/* A plain scalar's text, or NULL: a quoted number is a string in YAML, and only quoted text can hold a zero byte. */
static const char *plain_text(const struct yaml_doc *doc, int node) {
  const yaml_node_t *scalar = node_of_type(doc, node, YAML_SCALAR_NODE);
  if (!scalar || scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return NULL;
  return scalar_text(scalar);
}

static int double_read(struct yaml_doc *doc, int node, const char *key, double min, double max, double *value) {
  const char *text = plain_text(doc, node);
  int line = yaml_doc_line(doc, node);
  char *end = NULL;
  /* strtod alone would take "inf", "0x1p3" and "nan". */
  bool decimal = text && *text && strspn(text, "0123456789+-.eE") == strlen(text);
  min += 0.0, max += 0.0; /* a range that ends in -0 reads badly */
  double read = decimal ? strtod(text, &end) : 0;
  if (!decimal || *end || !isfinite(read)) {
    return fail_line(doc, line, key, "%.40s is not a number (allowed: %.10g to %.10g); write one without quotes or unit",
                     text && *text ? text : "this", min, max);
  }
  if (!(read >= min && read <= max)) {
    return fail_line(doc, line, key, "%.40s is out of range (allowed: %.10g to %.10g); correct it", text, min, max);
  }
  *value = read;
  return YAML_FOUND;
}

int yaml_doc_double(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, double min, double max,
                    double *value) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  return node ? double_read(doc, node, key, min, max, value) : rc;
}

int yaml_doc_int(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int64_t min, int64_t max,
                 int64_t *value) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  if (!node) return rc;
  const char *text = plain_text(doc, node);
  char *end = NULL;
  bool digits = text && *text && strspn(text, "0123456789+-") == strlen(text);
  errno = 0;
  long long read = digits ? strtoll(text, &end, 10) : 0;
  if (!digits || *end) {
    return yaml_doc_fail(doc, mapping, key, "%.40s is not a whole number (allowed: %lld to %lld); correct it",
                         text && *text ? text : "this", (long long)min, (long long)max);
  }
  if (errno == ERANGE || read < min || read > max) {
    return yaml_doc_fail(doc, mapping, key, "%.40s is out of range (allowed: %lld to %lld); correct it", text,
                         (long long)min, (long long)max);
  }
  *value = read;
  return YAML_FOUND;
}

int yaml_doc_bool(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, bool *value) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  if (!node) return rc;
  const char *text = plain_text(doc, node);
  bool is_true = text && strcmp(text, "true") == 0;
  if (!is_true && !(text && strcmp(text, "false") == 0)) {
    return yaml_doc_fail(doc, mapping, key, "%.40s is neither yes nor no (allowed: true, false); write one of them",
                         text && *text ? text : "this");
  }
  *value = is_true;
  return YAML_FOUND;
}

static int string_read(struct yaml_doc *doc, int node, const char *key, char *value, size_t size) {
  const yaml_node_t *scalar = node_of_type(doc, node, YAML_SCALAR_NODE);
  size_t length = scalar ? scalar->data.scalar.length : 0;
  if (length == 0 || length >= size || strlen(scalar_text(scalar)) != length) {
    return fail_line(doc, yaml_doc_line(doc, node), key, "%s (allowed: 1 to %zu characters of text); correct it",
                     !scalar ? "not a text" : length == 0 ? "empty" : length >= size ? "too long" : "holds a zero byte",
                     size - 1);
  }
  memcpy(value, scalar_text(scalar), length + 1);
  return YAML_FOUND;
}

int yaml_doc_string(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, char *value, size_t size) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  return node ? string_read(doc, node, key, value, size) : rc;
}

int yaml_doc_enum(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, const char *const *names,
                  int count, int *value) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  if (!node) return rc;
  const yaml_node_t *scalar = node_of_type(doc, node, YAML_SCALAR_NODE);
  char allowed[160] = "";
  for (int i = 0; i < count; i++) {
    if (scalar && strcmp(scalar_text(scalar), names[i]) == 0) {
      *value = i;
      return YAML_FOUND;
    }
    size_t used = strlen(allowed);
    snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", names[i]);
  }
  return yaml_doc_fail(doc, mapping, key, "%.40s is not known (allowed: %s); write one of them",
                       scalar ? scalar_text(scalar) : "this", allowed);
}

/* The node of a sequence with count_min to count_max items, or 0. */
static int sequence_of(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int count_min,
                       int count_max, int *rc) {
  int node = value_of(doc, mapping, key, need, rc);
  if (!node) return 0;
  int count = yaml_doc_item_count(doc, node);
  if (!node_of_type(doc, node, YAML_SEQUENCE_NODE) || count < count_min || count > count_max) {
    if (count_min == count_max) *rc = yaml_doc_fail(doc, mapping, key, "must be a list of %d values", count_min);
    else *rc = yaml_doc_fail(doc, mapping, key, "must be a list (allowed: %d to %d items)", count_min, count_max);
    return 0;
  }
  return node;
}

int yaml_doc_pair(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, double min, double max,
                  double value[2]) {
  double read[2] = {0};
  int rc, node = sequence_of(doc, mapping, key, need, 2, 2, &rc);
  if (!node) return rc;
  const yaml_node_item_t *items = node_of(doc, node)->data.sequence.items.start;
  for (int i = 0; i < 2 && rc == YAML_FOUND; i++) rc = double_read(doc, items[i], key, min, max, &read[i]);
  if (rc == YAML_FOUND) value[0] = read[0], value[1] = read[1];
  return rc;
}

int yaml_doc_mapping(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need) {
  int rc, node = value_of(doc, mapping, key, need, &rc);
  if (!node || node_of_type(doc, node, YAML_MAPPING_NODE)) return node;
  yaml_doc_fail(doc, mapping, key, "must be a mapping; write `{name: value, ...}` or indented lines");
  return 0;
}

int yaml_doc_sequence(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int count_max) {
  int rc;
  return sequence_of(doc, mapping, key, need, 1, count_max, &rc);
}

int yaml_doc_key_count(const struct yaml_doc *doc, int mapping) {
  const yaml_node_t *at = node_of_type(doc, mapping, YAML_MAPPING_NODE);
  return at ? pair_count(at) : 0;
}

const char *yaml_doc_key(struct yaml_doc *doc, int mapping, int at) {
  if (at < 0 || at >= yaml_doc_key_count(doc, mapping)) return NULL;
  doc->used[doc->pair_start[mapping - 1] + (size_t)at] = true;
  return scalar_text(node_of(doc, node_of(doc, mapping)->data.mapping.pairs.start[at].key));
}

int yaml_doc_item_count(const struct yaml_doc *doc, int sequence) {
  const yaml_node_t *at = node_of_type(doc, sequence, YAML_SEQUENCE_NODE);
  return at ? (int)(at->data.sequence.items.top - at->data.sequence.items.start) : 0;
}

static int item_of(const struct yaml_doc *doc, int sequence, int at) {
  if (at < 0 || at >= yaml_doc_item_count(doc, sequence)) return 0;
  return node_of(doc, sequence)->data.sequence.items.start[at];
}

int yaml_doc_item_mapping(struct yaml_doc *doc, int sequence, int at, const char *what) {
  int node = item_of(doc, sequence, at);
  if (node_of_type(doc, node, YAML_MAPPING_NODE)) return node;
  fail_line(doc, yaml_doc_line(doc, node ? node : sequence), what, "item %d must be a mapping; write `- key: value`",
            at + 1);
  return 0;
}

int yaml_doc_item_string(struct yaml_doc *doc, int sequence, int at, char *value, size_t size) {
  int node = item_of(doc, sequence, at);
  return node ? string_read(doc, node, NULL, value, size) : -EINVAL;
}

int yaml_doc_finish_mapping(struct yaml_doc *doc, int mapping) {
  int count = yaml_doc_key_count(doc, mapping);
  for (int i = 0; i < count; i++) {
    if (doc->used[doc->pair_start[mapping - 1] + (size_t)i]) continue;
    int node = node_of(doc, mapping)->data.mapping.pairs.start[i].key;
    return fail_line(doc, yaml_doc_line(doc, node), scalar_text(node_of(doc, node)),
                     "unknown key; remove it or correct its spelling");
  }
  return 0;
}
