/* A thin layer over libyaml's documents: typed getters whose errors name file, line, key, the allowed range and the
 * remedy. Used for the site configuration and for scenarios.
 *
 * The first failure is kept and every later one dropped, so a reader may call all its getters in a row and ask once, at
 * the end, with yaml_doc_result. A getter marks its key as used; yaml_doc_finish_mapping refuses the keys that nobody
 * asked for. Duplicate keys, keys that are no scalars, several documents in one text and text above YAML_DOC_BYTES_MAX
 * are refused on loading.
 *
 *   struct yaml_doc *doc;
 *   if ((rc = yaml_doc_load_file(&doc, path, err)) < 0) return rc;
 *   int root = yaml_doc_root(doc);
 *   yaml_doc_double(doc, root, "stale_s", YAML_OPTIONAL, 0, 3600, &stale_s);
 *   yaml_doc_finish_mapping(doc, root);
 *   rc = yaml_doc_result(doc, err);
 *   yaml_doc_free(doc);
 */
#ifndef WEFT_BASE_YAML_DOC_H
#define WEFT_BASE_YAML_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { YAML_DOC_BYTES_MAX = 16 << 20, YAML_DOC_KEYS_MAX = 4096, YAML_DOC_ITEMS_MAX = 1 << 20 };
enum yaml_need { YAML_OPTIONAL, YAML_REQUIRED };

/* What a getter returns. YAML_ABSENT leaves the value as it was (its default). */
enum { YAML_FOUND = 0, YAML_ABSENT = 1 }; /* or a negative errno, already noted in the document */

struct yaml_doc;

/* Loads a file, or `size` bytes of text that errors call `name`. 0 with *doc set (free it), or a negative errno with
 * `err` filled and *doc NULL. */
int yaml_doc_load_file(struct yaml_doc **doc, const char *path, struct weft_error *err);
int yaml_doc_load(struct yaml_doc **doc, const char *text, size_t size, const char *name, struct weft_error *err);
void yaml_doc_free(struct yaml_doc *doc); /* NULL is fine */

/* The bytes that were loaded; they live as long as the document. */
const char *yaml_doc_text(const struct yaml_doc *doc, size_t *size);

/* The root mapping (fails, and returns 0, if the root is something else). A node is a positive number; 0, "no node", is
 * accepted by every function below and has no keys and no items. */
int yaml_doc_root(struct yaml_doc *doc);
/* Line of a node in the text, from 1. */
int yaml_doc_line(const struct yaml_doc *doc, int node);

/* Values by key. Ranges are inclusive. Numbers must be plain scalars, finite, without a unit; a string must not be empty
 * and must fit `size` with its terminator. */
int yaml_doc_double(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, double min, double max,
                    double *value);
int yaml_doc_int(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int64_t min, int64_t max,
                 int64_t *value);
int yaml_doc_bool(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, bool *value); /* true, false */
int yaml_doc_string(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, char *value, size_t size);
/* One of `count` names; *value is its index. */
int yaml_doc_enum(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, const char *const *names,
                  int count, int *value);
/* A sequence of exactly two numbers. */
int yaml_doc_pair(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, double min, double max,
                  double value[2]);
/* Child nodes. 0 when absent or wrong. A sequence holds 1 to `count_max` items. */
int yaml_doc_mapping(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need);
int yaml_doc_sequence(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, int count_max);

/* Iteration. Keys and items are counted from 0; asking for a key this way marks it as used. */
int yaml_doc_key_count(const struct yaml_doc *doc, int mapping);
const char *yaml_doc_key(struct yaml_doc *doc, int mapping, int at);
int yaml_doc_item_count(const struct yaml_doc *doc, int sequence);
/* An item that must be a mapping (`what` names it in the error), or 0. */
int yaml_doc_item_mapping(struct yaml_doc *doc, int sequence, int at, const char *what);
/* An item that must be a string. */
int yaml_doc_item_string(struct yaml_doc *doc, int sequence, int at, char *value, size_t size);

/* Refuses every key of the mapping that no getter asked for. Returns 0 or a negative errno. */
int yaml_doc_finish_mapping(struct yaml_doc *doc, int mapping);

/* Notes a failure found by the caller: "FILE:LINE: key: text". The line is that of `key`'s value in `mapping`, or of the
 * mapping where the key is absent; `key` may be NULL. Returns -EINVAL. */
int yaml_doc_fail(struct yaml_doc *doc, int mapping, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* 0, or the first failure's negative errno with `err` filled. */
int yaml_doc_result(const struct yaml_doc *doc, struct weft_error *err);

#endif
