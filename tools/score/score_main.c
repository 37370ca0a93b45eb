#include "tools/score/score.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/score/score_plots.h"
#include "tools/score/score_report.h"

struct options {
  const char *truth, *tracks, *detections, *plots, *latency;
  bool json;
  int due_count;
  double region_m;
  struct run_options run;
};

static const char usage_text[] =
    "usage: weft score --truth T.csv --tracks K.jsonl [--detections D.csv] [--json] [--plots DIR] [--latency "
    "FILE]\n"
    "\n"
    "Judges a track file against the truth: GOSPA and its parts, OSPA(2), the measures of the\n"
    "Single Integrated Air Picture, track breaks, identity switches and swaps, time to the first track, "
    "errors\n"
    "and their honesty (NEES, NIS), classes and phases, launch and impact, retractions, latency.\n"
    "\n"
    "  --truth FILE        the truth, CSV\n"
    "  --tracks FILE       the tracks, JSON lines\n"
    "  --detections FILE   the detections with their truth column: a target is owed a track from the fifth\n"
    "                      detection by one sensor on, and times count from its first\n"
    "  --json              one JSON object instead of the table\n"
    "  --plots DIR         also draws PNG pictures there (needs gnuplot)\n"
    "  --latency FILE      a capture of the live track port, or a /metrics page\n"
    "  --step-s S          between sampled instants (1)\n"
    "  --cutoff-m M        farther apart than this, a track and a target have nothing in common (10000)\n"
    "  --hysteresis-m M    taken off the distance of the pair of the instant before (2000)\n"
    "  --stale-s S         a track without a line for so long has left the picture (20)\n"
    "  --gap-s S           a target without track for longer than this counts as a break (10)\n"
    "  --window N          instants in the window of OSPA(2) (60; at most 64)\n"
    "  --region-m M        an impact region is small when the semi-major axis of its 90 % ellipse is below "
    "this\n"
    "                      (50000)\n"
    "  --due N             detections by one sensor after which a track is owed (5)\n"
    "  --help              this text\n"
    "\n"
    "How each figure is made: docs/scoring.md. Exit status: 0 scored, 1 failure, 2 wrong use.\n";

static int wrong_use(const char *what, const char *argument) {
  fprintf(stderr, "weft score: %s%s; see weft score --help\n", what, argument);
  return 2;
}

/* A number within [low, high], or a message. */
static bool number_take(const char *name, const char *text, double low, double high, double *value) {
  char *end = NULL;
  *value = strtod(text, &end);
  if (end != text && !*end && *value >= low && *value <= high) return true;
  fprintf(stderr, "weft score: --%s %s: must be a number from %g to %g; see weft score --help\n", name, text,
          low, high);
  return false;
}

enum option_code {
  O_TRUTH = 256,
  O_TRACKS,
  O_DETECTIONS,
  O_JSON,
  O_PLOTS,
  O_LATENCY,
  O_STEP,
  O_CUTOFF,
  O_HYSTERESIS,
  O_STALE,
  O_GAP,
  O_DUE,
  O_WINDOW,
  O_REGION,
  O_HELP
};

static const struct option long_options[] = {{"truth", required_argument, NULL, O_TRUTH},
                                             {"tracks", required_argument, NULL, O_TRACKS},
                                             {"detections", required_argument, NULL, O_DETECTIONS},
                                             {"json", no_argument, NULL, O_JSON},
                                             {"plots", required_argument, NULL, O_PLOTS},
                                             {"latency", required_argument, NULL, O_LATENCY},
                                             {"step-s", required_argument, NULL, O_STEP},
                                             {"cutoff-m", required_argument, NULL, O_CUTOFF},
                                             {"hysteresis-m", required_argument, NULL, O_HYSTERESIS},
                                             {"stale-s", required_argument, NULL, O_STALE},
                                             {"gap-s", required_argument, NULL, O_GAP},
                                             {"due", required_argument, NULL, O_DUE},
                                             {"window", required_argument, NULL, O_WINDOW},
                                             {"region-m", required_argument, NULL, O_REGION},
                                             {"help", no_argument, NULL, O_HELP},
                                             {NULL, 0, NULL, 0}};

static bool option_take(struct options *o, int code) {
  double number = 0;
  switch (code) {
  case O_TRUTH:
    o->truth = optarg;
    return true;
  case O_TRACKS:
    o->tracks = optarg;
    return true;
  case O_DETECTIONS:
    o->detections = optarg;
    return true;
  case O_JSON:
    o->json = true;
    return true;
  case O_PLOTS:
    o->plots = optarg;
    return true;
  case O_LATENCY:
    o->latency = optarg;
    return true;
  case O_STEP:
    return number_take("step-s", optarg, 0.001, 3600, &o->run.step_s);
  case O_CUTOFF:
    return number_take("cutoff-m", optarg, 1, 1e7, &o->run.cutoff_m);
  case O_HYSTERESIS:
    return number_take("hysteresis-m", optarg, 0, 1e7, &o->run.hysteresis_m);
  case O_STALE:
    return number_take("stale-s", optarg, 0.001, 1e6, &o->run.stale_s);
  case O_GAP:
    return number_take("gap-s", optarg, 0, 1e6, &o->run.gap_s);
  case O_DUE:
    if (!number_take("due", optarg, 1, 1e6, &number)) return false;
    o->due_count = (int)number;
    return true;
  case O_WINDOW:
    if (!number_take("window", optarg, 1, OSPA2_WINDOW_MAX, &number)) return false;
    o->run.window = (int)number;
    return true;
  case O_REGION:
    return number_take("region-m", optarg, 1, 2e7, &o->region_m);
  default:
    return false;
  }
}

/* -1 go on, otherwise the exit status. */
static int options_take(struct options *o, int argc, char **argv) {
  optind = 1;
  opterr = 0;
  for (int code; (code = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
    if (code == O_HELP || code == 'h') {
      fputs(usage_text, stdout);
      return 0;
    }
    if (code == '?') return wrong_use("unknown option or missing value: ", argv[optind - 1]);
    if (!option_take(o, code)) return 2;
  }
  if (optind < argc) return wrong_use("unexpected argument: ", argv[optind]);
  if (!o->truth) return wrong_use("--truth is missing", "");
  if (!o->tracks) return wrong_use("--tracks is missing", "");
  return -1;
}

static int score_make(struct score *s, const struct options *o, struct weft_error *err) {
  s->due_count = o->due_count;
  int code = truth_read(&s->truth, o->truth, err);
  if (!code && o->detections) code = truth_detections_read(&s->truth, o->detections, o->due_count, err);
  if (!code) code = tracks_read(&s->tracks, o->tracks, err);
  if (!code && o->latency) code = latency_read(&s->latency, o->latency, err);
  if (!code) code = run_build(&s->run, &s->truth, &s->tracks, &o->run, err);
  if (code) return code;
  if (!o->latency)
    for (size_t i = 0; i < s->tracks.latency_count; i++) latency_add(&s->latency, s->tracks.latency_us[i], 1);
  latency_sort(&s->latency);
  consistency_build(&s->consistency, &s->truth, &s->tracks, &s->run);
  warning_build(&s->warning, &s->truth, &s->tracks, &s->run, &s->consistency, o->region_m);
  json_t *report = report_build(s);
  if (o->json) {
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
  } else {
    report_print(stdout, report);
  }
  json_decref(report);
  if (fflush(stdout)) return weft_fail(err, -errno, "stdout: can't be written: %s", strerror(errno));
  return o->plots ? plots_write(s, o->plots, err) : 0;
}

int score_main(int argc, char **argv) {
  struct options o = {
      .due_count = 5,
      .region_m = 50000,
      .run = {
          .step_s = 1, .cutoff_m = 10000, .hysteresis_m = 2000, .stale_s = 20, .gap_s = 10, .window = 60}};
  int status = options_take(&o, argc, argv);
  if (status >= 0) return status;
  struct score score = {0};
  struct weft_error err = {{0}};
  int code = score_make(&score, &o, &err);
  if (code) fprintf(stderr, "weft score: %s\n", err.text);
  truth_free(&score.truth);
  tracks_free(&score.tracks);
  run_free(&score.run);
  consistency_free(&score.consistency);
  warning_free(&score.warning);
  latency_free(&score.latency);
  return code ? 1 : 0;
}
