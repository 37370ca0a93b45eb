#include "engine/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level log_level_now = LOG_LEVEL_NOTICE;

void log_level_set(enum log_level level) { log_level_now = level; }

void log_line(enum log_level level, const char *format, ...) {
  if (level > log_level_now) return;
  static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",   [LOG_LEVEL_WARNING] = "warning",
                                      [LOG_LEVEL_NOTICE] = "notice", [LOG_LEVEL_INFO] = "info",
                                      [LOG_LEVEL_DEBUG] = "debug"};
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (getenv("JOURNAL_STREAM")) {
    fprintf(stderr, "<%d>%s\n", (int)level, text);
  } else {
    fprintf(stderr, "weft: %s: %s\n", names[level], text);
  }
}
