/* Log lines on stderr with the syslog level prefix that systemd's journal understands. */
#ifndef WEFT_BASE_LOG_H
#define WEFT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above `level` are not written. Default: LOG_LEVEL_NOTICE. */
void log_level_set(enum log_level level);

/* One line, `weft: LEVEL: text`; with a `<N>` prefix instead where stderr is the systemd journal: where it is the very stream
 * that JOURNAL_STREAM names, which a child inherits also when its stderr goes elsewhere. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line with which a program ends in failure: `weft: text`, or `<3>text` in the journal. */
void log_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
