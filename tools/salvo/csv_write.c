/* Detections as CSV. Fixed decimals well below any sensor's noise: a tenth of a millimetre, 1e-10 rad. */
#include "tools/salvo/output.h"

void csv_head_write(FILE *out) {
  fputs(
      "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,range_rate_mps,height_m,x_m,y_m,z_m,snr_db,sigma_range_m,"
      "sigma_azimuth_rad,sigma_elevation_rad,sigma_range_rate_mps,sigma_height_m,sigma_x_m,sensor_x_m,sensor_y_m,"
      "sensor_z_m,truth\n",
      out);
}

void csv_report_write(FILE *out, const struct scenario *scenario, const struct fleet_of_targets *targets,
                      const struct report *report) {
  const struct gauge *gauge = &scenario->gauges[report->gauge];
  if (report->kind == REPORT_STATE) return;
  fprintf(out, "%lld,%u,%s,", (long long)report->time_ns, gauge->id, gauge_kind_names[report->kind]);
  switch (report->kind) {
  case GAUGE_RADAR:
    fprintf(out, "%.4f,%.10f,%.10f,", report->z[0], report->z[1], report->z[2]);
    if (report->has_rate) fprintf(out, "%.4f", report->z[3]);
    fputs(",,,,,,", out);
    break;
  case GAUGE_RADAR2D:
    fprintf(out, "%.4f,%.10f,,,", report->z[0], report->z[1]);
    if (report->has_height) fprintf(out, "%.4f", report->z[2]);
    fputs(",,,,,", out);
    break;
  case GAUGE_LOS: fprintf(out, ",%.10f,%.10f,,,,,,,", report->z[1], report->z[2]); break;
  default: fprintf(out, ",,,,,%.4f,%.4f,%.4f,,", report->z[0], report->z[1], report->z[2]); break;
  }
  fputs(",,,,,,", out);
  if (gauge->moving && gauge->frame_ecef)
    fprintf(out, "%.4f,%.4f,%.4f,", report->platform_m[0], report->platform_m[1], report->platform_m[2]);
  else
    fputs(",,,", out);
  fprintf(out, "%s\n", report->target >= 0 ? targets->targets[report->target].name : "");
}
