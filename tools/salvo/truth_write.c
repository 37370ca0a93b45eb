#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/salvo/output.h"

static void line_write(FILE *out, const struct scenario *scenario, const struct target *target, double time_s) {
  static const char *const classes[] = {"ballistic", "aircraft", "orbital"};
  struct state state;
  if (!path_at(&target->path, time_s, &state)) return;
  fprintf(out, "%lld,%s,%s,%s,%.4f,%.4f,%.4f,%.6f,%.6f,%.6f,",
          (long long)(scenario->start_ns + llround(time_s * 1e9)), target->name, classes[target->class_],
          target_phase(target, time_s), state.r[0], state.r[1], state.r[2], state.v[0], state.v[1], state.v[2]);
  if (target->class_ == TARGET_BALLISTIC)
    fprintf(out, "%.8f,%.8f,%lld\n", target->impact.lat_rad / SALVO_DEG, target->impact.lon_rad / SALVO_DEG,
            (long long)(scenario->start_ns + llround(target->impact_s * 1e9)));
  else
    fputs(",,\n", out);
}

int truth_write(const char *path, const struct scenario *scenario, const struct fleet_of_targets *targets,
                struct weft_error *err) {
  FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
  if (!out) return weft_fail(err, -errno, "%s: %s; choose a file that can be written", path, strerror(errno));
  fputs("time_ns,target,class,phase,x_m,y_m,z_m,vx_mps,vy_mps,vz_mps,impact_lat_deg,impact_lon_deg,impact_time_ns\n",
        out);
  int64_t lines = (int64_t)floor(scenario->duration_s / scenario->truth_interval_s);
  for (int64_t k = 0; k <= lines; k++)
    for (int i = 0; i < targets->count; i++)
      line_write(out, scenario, &targets->targets[i], (double)k * scenario->truth_interval_s);
  int failed = ferror(out) || fflush(out);
  if (out != stdout && fclose(out)) failed = 1;
  return failed ? weft_fail(err, -EIO, "%s: could not be written whole; is the disk full?", path) : 0;
}
