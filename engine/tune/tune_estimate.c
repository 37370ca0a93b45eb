/* A profile without measuring: what the topology and the CPU suggest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/platform/io.h"
#include "engine/tune/tune.h"
#include "kernels/wk.h"

enum { BUFFERS = 128, BUFFER_BYTES = 65536, SOCKET_BUFFER_MIB = 16, FRAME_LIMIT_MS = 5, SPIN_US = 50 };

static void plan_take(const struct topology_plan *plan, struct profile *profile) {
  profile->workers = plan->worker_count;
  profile->workers_per_cache = 1;
  for (uint32_t t = 0; t < plan->team_count; t++)
    if (plan->teams[t].worker_count > profile->workers_per_cache) profile->workers_per_cache = plan->teams[t].worker_count;
}

int tune_estimate(const struct topology_source *source, struct profile *profile, char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX],
                  struct weft_error *err) {
  struct topology_plan *plan = calloc(1, sizeof *plan);
  *profile = profile_default();
  if (!plan) return weft_fail(err, -ENOMEM, "out of memory for a plan");
  int rc = machine_look(source, &profile->machine, err);
  if (rc == 0) rc = topology_plan_open(source, 0, plan, err);
  if (rc < 0) {
    free(plan);
    return rc;
  }
  plan_take(plan, profile);
  bool described = source && (source->synthetic || source->xml);
  snprintf(profile->kernels, sizeof profile->kernels, "%s", described ? "v3" : wk_table()->name);
  profile->frame_limit_ms = FRAME_LIMIT_MS;
  profile->buffers = BUFFERS;
  profile->buffer_bytes = BUFFER_BYTES;
  profile->socket_buffer_mib = SOCKET_BUFFER_MIB;
  bool own_cores = plan->io_cpu >= 0 && plan->core_count >= TOPOLOGY_PIN_CORE_COUNT; /* of the I/O and the engine thread */
  profile->spin_us = own_cores ? SPIN_US : 0;
  snprintf(notes[PROFILE_KERNELS], PROFILE_NOTE_MAX, "Estimated: %s.", described ? "what every machine that runs weft has" : "the widest that this CPU has");
  snprintf(notes[PROFILE_WORKERS], PROFILE_NOTE_MAX, "Estimated: %s.",
           plan->io_cpu >= 0 ? "one per core, less one for the I/O thread" : "one per core");
  snprintf(notes[PROFILE_WORKERS_PER_CACHE], PROFILE_NOTE_MAX, "Estimated: as many as it has cores for them: no limit.");
  snprintf(notes[PROFILE_FRAME_LIMIT], PROFILE_NOTE_MAX, "Never measured: longer frames cost less and wait longer, which is the site's to choose.");
  snprintf(notes[PROFILE_SOCKET_BUFFER], PROFILE_NOTE_MAX, "Never measured: it bridges stalls, 0.1 s of the smallest datagrams at a million a second.");
  snprintf(notes[PROFILE_SPIN_US], PROFILE_NOTE_MAX, "Never measured, estimated: %s.",
           own_cores ? "what waking up takes, since I/O and engine have cores of their own" : "too few cores to keep one waiting");
  topology_plan_close(plan);
  free(plan);
  return 0;
}
