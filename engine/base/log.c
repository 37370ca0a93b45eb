#include "engine/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 1024, STREAM_BYTES = 48 };

static enum log_level log_level_now = LOG_LEVEL_NOTICE;

void log_level_set(enum log_level level) { log_level_now = level; }

/* JOURNAL_STREAM is DEVICE:INODE, both decimal. */
static bool stderr_is_journal(void) {
  const char *stream = getenv("JOURNAL_STREAM");
  char name[STREAM_BYTES];
  struct stat here;
  if (!stream || fstat(STDERR_FILENO, &here) != 0) return false;
  snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)here.st_dev, (unsigned long long)here.st_ino);
  return strcmp(stream, name) == 0;
}

void log_line(enum log_level level, const char *format, ...) {
  if (level > log_level_now) return;
  static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",   [LOG_LEVEL_WARNING] = "warning",
                                      [LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
                                      [LOG_LEVEL_DEBUG] = "debug"};
  char text[LINE_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (stderr_is_journal()) {
    fprintf(stderr, "<%d>%s\n", (int)level, text);
  } else {
    fprintf(stderr, "weft: %s: %s\n", names[level], text);
  }
}

void log_failure(const char *format, ...) {
  char text[LINE_BYTES];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(stderr, stderr_is_journal() ? "<3>%s\n" : "weft: %s\n", text);
}
