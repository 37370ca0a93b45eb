#include "engine/ingest/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "engine/base/safe_file.h"

enum {
  HEX_DIGITS = 2 * SEAL_KEY_SIZE,
  LINE_BYTES = 5 + 1 + HEX_DIGITS + 1,
  EPOCH_MAX = 65535,
  FIRST_EPOCH = 1
};

void key_list_wipe(struct key_list *list) {
  sodium_memzero(list, sizeof *list);
}

const struct key *key_list_newest(const struct key_list *list) {
  const struct key *newest = &list->keys[0];
  for (uint32_t i = 1; i < list->count; i++) {
    if (list->keys[i].epoch > newest->epoch) newest = &list->keys[i];
  }
  return newest;
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* NULL, or what is wrong with the line, which neither begins nor ends with a blank. A key is never part of a message. */
static const char *line_read(const char *line, size_t size, struct key_list *list) {
  size_t at = 0;
  unsigned long epoch = 0;
  while (at < size && line[at] >= '0' && line[at] <= '9' && epoch <= EPOCH_MAX)
    epoch = 10 * epoch + (unsigned long)(line[at++] - '0');
  if (at == 0 || epoch > EPOCH_MAX || at == size || !blank(line[at]))
    return "a line begins with its epoch (allowed: 0 to 65535) and a blank";
  while (blank(line[at])) at++; /* the last character is none */
  struct key key = {.epoch = (uint16_t)epoch};
  size_t digits = 0;
  while (at < size && digits < HEX_DIGITS && hex_value(line[at]) >= 0) {
    key.bytes[digits / 2] = (uint8_t)(key.bytes[digits / 2] << 4 | hex_value(line[at]));
    digits++;
    at++;
  }
  const char *wrong =
      digits < HEX_DIGITS || at < size ? "a key is 64 hexadecimal digits (0-9, a-f), nothing behind" : NULL;
  for (uint32_t i = 0; i < list->count && !wrong; i++) {
    if (list->keys[i].epoch == key.epoch)
      wrong = "this epoch stands in the file already; give each key its own";
    else if (sodium_memcmp(list->keys[i].bytes, key.bytes, SEAL_KEY_SIZE) == 0)
      wrong = "this key stands in the file already under another epoch; a key is for one epoch only";
  }
  if (!wrong && list->count == KEY_EPOCHS_MAX)
    wrong = "one key too many (allowed: 16); delete epochs no longer in use";
  if (!wrong) list->keys[list->count++] = key;
  sodium_memzero(&key, sizeof key);
  return wrong;
}

int key_text_read(const char *text, size_t size, const char *name, struct key_list *list,
                  struct weft_error *err) {
  int line_number = 0;
  key_list_wipe(list);
  for (size_t at = 0; at < size;) {
    const char *line = text + at, *newline = memchr(line, '\n', size - at);
    size_t length = newline ? (size_t)(newline - line) : size - at;
    at += length + 1;
    line_number++;
    while (length > 0 && blank(line[length - 1])) length--;
    while (length > 0 && blank(line[0])) line++, length--;
    if (length == 0 || line[0] == '#') continue;
    const char *wrong = line_read(line, length, list);
    if (!wrong) continue;
    key_list_wipe(list);
    return weft_fail(err, -EINVAL, "%s:%d: %s; `weft key` writes such files", name, line_number, wrong);
  }
  if (list->count == 0)
    return weft_fail(err, -EINVAL, "%s:%d: no key in it; make one with `weft key`", name, line_number);
  return 0;
}

/* The whole file into `text`, its size as result; -EFBIG where it is larger than KEY_FILE_BYTES_MAX. */
static ssize_t text_load(const char *path, char text[KEY_FILE_BYTES_MAX + 1], struct stat *status,
                         struct weft_error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
  if (fd < 0)
    return weft_fail(err, -errno,
                     "%s: can't be opened: %s; check path and rights, or make it with `weft key`", path,
                     strerror(errno));
  size_t used = 0;
  if (fstat(fd, status) < 0)
    rc = weft_fail(err, -errno, "%s: can't be looked at: %s", path, strerror(errno));
  else if (!S_ISREG(status->st_mode))
    rc = weft_fail(err, -EINVAL, "%s: no regular file; name a key file", path);
  while (rc == 0 && used <= KEY_FILE_BYTES_MAX) {
    ssize_t n = read(fd, text + used, KEY_FILE_BYTES_MAX + 1 - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) rc = weft_fail(err, -errno, "%s: reading failed: %s", path, strerror(errno));
    if (n <= 0) break;
    used += (size_t)n;
  }
  close(fd);
  if (rc == 0 && used > KEY_FILE_BYTES_MAX)
    rc = weft_fail(err, -EFBIG, "%s: longer than %d bytes; that is no key file", path, KEY_FILE_BYTES_MAX);
  return rc < 0 ? rc : (ssize_t)used;
}

int key_file_read(const char *path, struct key_list *list, bool *loose, struct weft_error *err) {
  char text[KEY_FILE_BYTES_MAX + 1];
  struct stat status = {0};
  list->count = 0;
  ssize_t size = text_load(path, text, &status, err);
  int rc = size < 0 ? (int)size : key_text_read(text, (size_t)size, path, list, err);
  if (loose) *loose = rc == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  sodium_memzero(text, sizeof text);
  return rc;
}

/* Puts `EPOCH HEX64` and a newline at `at`; returns its length. */
static size_t line_make(char at[LINE_BYTES + 1], uint16_t epoch) {
  uint8_t bytes[SEAL_KEY_SIZE];
  crypto_aead_chacha20poly1305_ietf_keygen(bytes);
  int length = snprintf(at, LINE_BYTES + 1, "%u ", epoch);
  sodium_bin2hex(at + length, HEX_DIGITS + 1, bytes, sizeof bytes);
  sodium_memzero(bytes, sizeof bytes);
  at[length + HEX_DIGITS] = '\n';
  return (size_t)length + HEX_DIGITS + 1;
}

static int key_file_append(const char *path, char text[KEY_FILE_BYTES_MAX + 1], uint16_t *epoch, struct weft_error *err) {
  struct key_list list;
  struct stat status = {0};
  ssize_t size = text_load(path, text, &status, err);
  if (size < 0) return (int)size;
  int rc = key_text_read(text, (size_t)size, path, &list, err);
  uint16_t newest = rc == 0 ? key_list_newest(&list)->epoch : 0;
  uint32_t count = list.count;
  key_list_wipe(&list);
  if (rc < 0) return rc;
  if (newest == EPOCH_MAX)
    return weft_fail(err, -ERANGE, "%s: epoch %d is the last there is; begin a new file", path, EPOCH_MAX);
  if (count == KEY_EPOCHS_MAX)
    return weft_fail(err, -E2BIG, "%s: %d keys already (allowed: %d); delete epochs no longer in use", path,
                     count, KEY_EPOCHS_MAX);
  size_t used = (size_t)size;
  if (used + 1 + LINE_BYTES > KEY_FILE_BYTES_MAX) /* nobody could read it any more */
    return weft_fail(err, -EFBIG, "%s: with one more key longer than %d bytes; delete comments", path, KEY_FILE_BYTES_MAX);
  if (text[used - 1] != '\n') text[used++] = '\n';
  *epoch = (uint16_t)(newest + 1);
  used += line_make(text + used, *epoch);
  return safe_file_replace(path, text, used, &status, err);
}

int key_file_make(const char *path, bool append, uint16_t *epoch, struct weft_error *err) {
  char text[KEY_FILE_BYTES_MAX + 1] = {0};
  int rc = seal_begin();
  if (rc < 0) return weft_fail(err, rc, "no random numbers to be had from this machine");
  if (append) {
    rc = key_file_append(path, text, epoch, err);
  } else {
    *epoch = FIRST_EPOCH;
    rc = safe_file_create(path, text, line_make(text, *epoch), err);
  }
  sodium_memzero(text, sizeof text);
  return rc;
}
