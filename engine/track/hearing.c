#include "engine/track/hearing.h"

#include <math.h>

enum { WINDOWS_MAX = 10 };
static const double smoothing = 0.2;   /* of the newest revisit in the average */
static const double unheard_plots = 7; /* e^-7: chance that a working sensor sends none of so many */
static const double unheard_scans_min = 2;
static const int64_t behind_decay = 64; /* revisits after which a delay is forgotten */

void hearing_note(struct hearing *hearing, int64_t time_ns, double revisit_s) {
  int64_t revisit_ns = (int64_t)(revisit_s * 1e9), since_ns = time_ns - hearing->front_ns;
  bool follows = hearing->any && since_ns >= 0 && since_ns < revisit_ns;
  if (follows && time_ns - hearing->window_ns < revisit_ns) { /* nearly all: nothing but the front moves */
    hearing->front_ns = time_ns;
    hearing->in_window++;
    return;
  }
  if (!hearing->any) {
    *hearing = (struct hearing){.any = true, .window_ns = time_ns, .front_ns = time_ns, .back_ns = INT64_MIN};
  }
  if (hearing_out(hearing, time_ns, revisit_s)) hearing->back_ns = time_ns;
  int64_t behind_ns = hearing->front_ns - time_ns;
  if (behind_ns < 0) hearing->front_ns = time_ns;
  if (behind_ns > hearing->behind_ns) hearing->behind_ns = behind_ns;
  for (int passed = 0; passed < WINDOWS_MAX && time_ns - hearing->window_ns >= revisit_ns; passed++) {
    hearing->per_scan += smoothing * (hearing->in_window - hearing->per_scan);
    hearing->behind_ns -= hearing->behind_ns / behind_decay;
    hearing->in_window = 0;
    hearing->window_ns += revisit_ns;
  }
  if (time_ns - hearing->window_ns >= revisit_ns) hearing->window_ns = time_ns;
  hearing->in_window++;
}

bool hearing_out(const struct hearing *hearing, int64_t now_ns, double revisit_s) {
  if (!hearing->any) return false;
  double scans = (double)(now_ns - hearing->front_ns) * 1e-9 / revisit_s;
  return scans >= unheard_scans_min && scans * fmax(hearing->per_scan - 1, 0) >= unheard_plots;
}

bool hearing_was_out(const struct hearing *hearing, int64_t time_ns, double revisit_s) {
  return hearing->any && hearing->back_ns != INT64_MIN &&
         time_ns < hearing->back_ns + (int64_t)(1.5e9 * revisit_s);
}

void hearing_image(struct hearing *hearing, struct image *image) {
  image_value(image, hearing->any);
  image_value(image, hearing->window_ns);
  image_value(image, hearing->front_ns);
  image_value(image, hearing->back_ns);
  image_value(image, hearing->in_window);
  image_value(image, hearing->behind_ns);
  image_value(image, hearing->per_scan);
}
