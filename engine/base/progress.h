/* One progress bar for all long work: on stderr where that is a terminal, nothing elsewhere. */
#ifndef WEFT_BASE_PROGRESS_H
#define WEFT_BASE_PROGRESS_H

#include <stdint.h>

/* Shows `what` (a few words) at done of total; total <= 0: unknown, only `what` is shown. Cheap to call often: draws at most
 * ten times a second. done == total ends the bar and leaves the line empty. */
void progress_show(const char *what, int64_t done, int64_t total);
/* Ends the bar, if one is shown: before an error line. */
void progress_clear(void);

#endif
