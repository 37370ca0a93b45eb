#include "engine/ingest/replay_marks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/text.h"
#include "engine/ingest/wire.h"

static const char hex_digits[16] = "0123456789abcdef"; /* without an end */
static const char first_line[] = "weft replay marks 1\n";
enum { LAST_LINE_MAX = 32 };

size_t replay_marks_text_max(uint32_t count) {
  return sizeof first_line + (size_t)count * REPLAY_MARK_LINE_MAX + LAST_LINE_MAX;
}

static void hex_put(struct text *text, uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    text_char(text, hex_digits[value >> shift & 15]);
}

size_t replay_marks_write(char *to, size_t size, const struct replay_mark *marks, uint32_t count) {
  struct text text = text_open(to, size);
  text_put(&text, first_line);
  for (uint32_t i = 0; i < count; i++) {
    text_u64(&text, marks[i].sensor_id);
    text_char(&text, ' ');
    text_u64(&text, marks[i].epoch);
    text_char(&text, ' ');
    hex_put(&text, marks[i].fingerprint, 16);
    text_char(&text, ' ');
    text_u64(&text, marks[i].mark);
    text_char(&text, '\n');
  }
  uint32_t crc = wire_crc32c(0, to, text.used);
  text_put(&text, "end ");
  text_u64(&text, count);
  text_char(&text, ' ');
  hex_put(&text, crc, 8);
  text_char(&text, '\n');
  weft_assert(!text.cut);
  return text.used;
}

/* A decimal number up to `max`, then `end`; moves *at behind it. */
static bool number_take(const char **at, uint64_t max, char end, uint64_t *value) {
  const char *c = *at;
  uint64_t v = 0;
  if (*c < '0' || *c > '9') return false;
  for (; *c >= '0' && *c <= '9'; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (v > (max - digit) / 10) return false;
    v = 10 * v + digit;
  }
  if (*c != end) return false;
  *value = v;
  *at = c + 1;
  return true;
}

static bool hex_take(const char **at, int digits, char end, uint64_t *value) {
  const char *c = *at;
  uint64_t v = 0;
  for (int i = 0; i < digits; i++, c++) {
    const char *place = memchr(hex_digits, *c, sizeof hex_digits);
    if (!place) return false;
    v = v << 4 | (uint64_t)(place - hex_digits);
  }
  if (*c != end) return false;
  *value = v;
  *at = c + 1;
  return true;
}

static bool mark_take(const char *line, struct replay_mark *mark) {
  uint64_t sensor, epoch;
  if (!number_take(&line, UINT32_MAX, ' ', &sensor) || !number_take(&line, UINT16_MAX, ' ', &epoch))
    return false;
  if (!hex_take(&line, 16, ' ', &mark->fingerprint) || !number_take(&line, UINT64_MAX, '\n', &mark->mark))
    return false;
  mark->sensor_id = (uint32_t)sensor;
  mark->epoch = (uint16_t)epoch;
  return true;
}

/* The last line: count and checksum. */
static bool end_take(const char *line, const char *begin, const char *end, uint32_t count) {
  uint64_t told, crc;
  const char *at = line + 4;
  if (!number_take(&at, REPLAY_MARKS_MAX, ' ', &told) || !hex_take(&at, 8, '\n', &crc)) return false;
  return told == count && at == end && crc == wire_crc32c(0, begin, (size_t)(line - begin));
}

int replay_marks_read(const char *text, size_t size, const char *name, struct replay_mark *marks,
                      uint32_t capacity, uint32_t *count, struct weft_error *err) {
  const char *remedy =
      "the file is damaged, and with it the memory of what was accepted: give every sender a new key epoch, "
      "then remove the file";
  size_t head = sizeof first_line - 1;
  const char *end = text + size, *line = text + head;
  int number = 1;
  *count = 0;
  bool good = size > head && memcmp(text, first_line, head) == 0 && end[-1] == '\n' && !memchr(text, 0, size);
  while (good && line < end) {
    number++;
    if (strncmp(line, "end ", 4) == 0) {
      if (end_take(line, text, end, *count)) return 0;
      good = false;
    } else {
      good = *count < capacity && mark_take(line, &marks[*count]);
      *count += good;
      line = memchr(line, '\n', (size_t)(end - line));
      line++;
    }
  }
  return weft_fail(err, -EINVAL, "%s:%d: %s", name, number, remedy);
}

int replay_marks_load(const char *path, struct replay_mark *marks, uint32_t capacity, uint32_t *count,
                      struct weft_error *err) {
  *count = 0;
  FILE *file = fopen(path, "rbe");
  if (!file && errno == ENOENT) return 0;
  if (!file)
    return weft_fail(err, -errno, "%s: can't be opened: %s; check its rights", path, strerror(errno));
  size_t most = replay_marks_text_max(capacity), size = 0;
  char *text = malloc(most + 2);
  int rc = text ? 0 : weft_fail(err, -ENOMEM, "%s: out of memory", path);
  if (text) {
    size = fread(text, 1, most + 1, file);
    if (ferror(file)) rc = weft_fail(err, -EIO, "%s: reading failed: %s", path, strerror(errno));
  }
  if (text && rc == 0) {
    text[size] = '\0';
    rc = replay_marks_read(text, size, path, marks, capacity, count, err);
  }
  (void)fclose(file);
  free(text);
  return rc;
}
