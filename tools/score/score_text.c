#include "tools/score/score_text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const class_words[CLASS_COUNT] = {"unknown", "ballistic", "aircraft", "orbital"};
const char *const phase_words[PHASE_COUNT] = {"boost", "coast", "reentry", "cruise", "absent"};

static int word_find(const char *const *words, int count, const char *word) {
  for (int i = 0; i < count; i++)
    if (!strcmp(words[i], word)) return i;
  return -1;
}

int class_parse(const char *word) {
  return word_find(class_words, CLASS_COUNT, word);
}
int phase_parse(const char *word) {
  return word_find(phase_words, PHASE_ABSENT, word);
}

void *score_take(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) {
    fprintf(stderr,
            "weft score: out of memory (%zu items of %zu bytes): use a larger --step-s or a shorter run\n",
            count, size);
    exit(1);
  }
  return memory;
}

void *score_grow(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return items;
  size_t next = *capacity ? *capacity * 2 : 64;
  void *memory = realloc(items, next * size);
  if (!memory) {
    fprintf(stderr, "weft score: out of memory (%zu items of %zu bytes): score a shorter run\n", next, size);
    exit(1);
  }
  *capacity = next;
  return memory;
}

/* FNV-1a, 64 bits. */
static size_t name_hash(const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return (size_t)(hash ^ (hash >> 29));
}

static size_t slot_find(const struct names *names, const char *text) {
  size_t at = name_hash(text) & (names->slots - 1);
  while (names->slot[at] && strcmp(names->text[names->slot[at] - 1], text) != 0)
    at = (at + 1) & (names->slots - 1);
  return at;
}

static void names_rehash(struct names *names, size_t slots) {
  free(names->slot);
  names->slots = slots;
  names->slot = score_take(slots, sizeof *names->slot);
  for (size_t i = 0; i < names->count; i++) names->slot[slot_find(names, names->text[i])] = (uint32_t)(i + 1);
}

int64_t names_find(const struct names *names, const char *text) {
  if (!names->slots) return -1;
  uint32_t found = names->slot[slot_find(names, text)];
  return found ? (int64_t)found - 1 : -1;
}

uint32_t names_add(struct names *names, const char *text) {
  if (names->count * 2 >= names->slots) names_rehash(names, names->slots ? names->slots * 2 : 256);
  size_t at = slot_find(names, text);
  if (names->slot[at]) return names->slot[at] - 1;
  names->text = score_grow(names->text, names->count, &names->capacity, sizeof *names->text);
  size_t bytes = strlen(text) + 1;
  names->text[names->count] = memcpy(score_take(bytes, 1), text, bytes);
  names->slot[at] = (uint32_t)++names->count;
  return (uint32_t)(names->count - 1);
}

void names_free(struct names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->text[i]);
  free(names->text);
  free(names->slot);
  memset(names, 0, sizeof *names);
}

/* Splits at commas in place and trims blanks. The number of fields, or 0 when there are too many. */
static size_t row_split(char *text, char **field) {
  size_t count = 0;
  for (char *at = text;;) {
    char *end = at + strcspn(at, ",");
    bool last = !*end;
    *end = 0;
    while (isspace((unsigned char)*at)) at++;
    for (char *tail = at + strlen(at); tail > at && isspace((unsigned char)tail[-1]);) *--tail = 0;
    if (count == CSV_COLUMNS_MAX) return 0;
    field[count++] = at;
    if (last) return count;
    at = end + 1;
  }
}

/* Reads the next line that isn't empty. 1, 0 at the end, negative errno. */
static int line_read(struct csv *csv, struct weft_error *err) {
  for (;;) {
    errno = 0;
    ssize_t bytes = getline(&csv->text, &csv->text_size, csv->file);
    if (bytes < 0 && ferror(csv->file))
      return weft_fail(err, errno ? -errno : -EIO, "%s:%ld: can't be read: %s", csv->path, csv->line + 1,
                       strerror(errno));
    if (bytes < 0) return 0;
    csv->line++;
    csv->bytes_read += bytes;
    if (strlen(csv->text) != (size_t)bytes)
      return weft_fail(err, -EINVAL, "%s:%ld: a zero byte: this is no CSV text", csv->path, csv->line);
    if (csv->text[strspn(csv->text, " \t\r\n")]) return 1;
  }
}

int score_csv_open(struct csv *csv, const char *path, struct weft_error *err) {
  memset(csv, 0, sizeof *csv);
  csv->path = path;
  csv->file = fopen(path, "r");
  if (!csv->file)
    return weft_fail(err, -errno, "%s: can't be opened: %s; give the path of a CSV file", path,
                     strerror(errno));
  struct stat about;
  if (!fstat(fileno(csv->file), &about)) csv->bytes_total = about.st_size;
  int code = line_read(csv, err);
  if (code == 0) code = weft_fail(err, -EINVAL, "%s:1: empty: the first line must name the columns", path);
  if (code < 0) {
    score_csv_close(csv);
    return code;
  }
  csv->header = csv->text;
  csv->text = NULL;
  csv->text_size = 0;
  csv->columns = row_split(csv->header, csv->column);
  if (csv->columns) return 0;
  score_csv_close(csv);
  return weft_fail(err, -EINVAL, "%s:1: more than %d columns", path, CSV_COLUMNS_MAX);
}

int csv_next(struct csv *csv, struct weft_error *err) {
  int code = line_read(csv, err);
  if (code <= 0) return code;
  size_t fields = row_split(csv->text, csv->field);
  if (fields != csv->columns)
    return weft_fail(err, -EINVAL, "%s:%ld: %zu fields where the header has %zu columns", csv->path,
                     csv->line, fields, csv->columns);
  return 1;
}

void score_csv_close(struct csv *csv) {
  if (csv->file) (void)fclose(csv->file);
  free(csv->header);
  free(csv->text);
  memset(csv, 0, sizeof *csv);
}

int csv_column(const struct csv *csv, const char *name) {
  for (size_t i = 0; i < csv->columns; i++)
    if (!strcmp(csv->column[i], name)) return (int)i;
  return -1;
}

int csv_real(const struct csv *csv, int column, double *value, struct weft_error *err) {
  const char *text = csv->field[column];
  char *end = NULL;
  *value = strtod(text, &end);
  if (end == text || *end || !isfinite(*value))
    return weft_fail(err, -EINVAL, "%s:%ld: %s is \"%.40s\": must be a finite number", csv->path, csv->line,
                     csv->column[column], text);
  return 0;
}

int csv_time(const struct csv *csv, int column, int64_t *time_ns, struct weft_error *err) {
  const char *text = csv->field[column];
  char *end = NULL;
  errno = 0;
  *time_ns = strtoll(text, &end, 10);
  bool whole = end != text && !*end && !errno;
  if (!whole || *time_ns < SCORE_TIME_MIN_NS || *time_ns > SCORE_TIME_MAX_NS)
    return weft_fail(err, -EINVAL, "%s:%ld: %s is \"%.40s\": must be a whole number of nanoseconds, 1969-12-20 to 2255-03-14",
                     csv->path, csv->line, csv->column[column], text);
  return 0;
}
