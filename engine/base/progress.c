#include "engine/base/clock.h"
#include "engine/base/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 40, LINE_WIDTH = 100 };
#define DRAW_EVERY_NS 100000000

static bool shown;

void progress_show(const char *what, int64_t done, int64_t total) {
  static int64_t drawn_ns;
  static const char hashes[BAR_WIDTH + 1] = "########################################";
  int64_t now_ns = clock_monotonic_ns();
  bool ends = total > 0 && done >= total;
  if ((!ends && now_ns - drawn_ns < DRAW_EVERY_NS) || !isatty(STDERR_FILENO)) return;
  drawn_ns = now_ns;
  if (ends) {
    progress_clear();
  } else if (total > 0) {
    int full = (int)((double)done / (double)total * BAR_WIDTH);
    if (full < 0) full = 0;
    fprintf(stderr, "\r[%.*s%*s] %3d %%  %-40.40s", full, hashes, BAR_WIDTH - full, "", full * 100 / BAR_WIDTH, what);
    shown = true;
  } else {
    fprintf(stderr, "\r%-*.*s", LINE_WIDTH, LINE_WIDTH, what);
    shown = true;
  }
}

void progress_clear(void) {
  if (!shown) return;
  fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
  shown = false;
}
