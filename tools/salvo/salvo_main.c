#include "tools/salvo/salvo.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/progress.h"
#include "tools/salvo/output.h"
#include "tools/salvo/scanner.h"

#define PACK_S 0.02  /* a datagram waits at most so long, in the receiver's time */
#define PARITY_S 0.5 /* and its group for its parity */

struct salvo_options {
  const char *scenario, *csv, *to, *journal, *truth, *site, *start, *keys;
  uint32_t parity_k, parity_m; /* 0: none */
  double speed;      /* 0: as fast as it goes */
  double duration_s; /* 0: the scenario's */
  bool speed_given, seed_given, list;
  uint64_t seed;
};

static const char HELP[] =
    "usage: weft salvo SCENARIO.yaml [options]\n"
    "Generates a synthetic salvo: integrates its targets, simulates its sensors, writes detections and truth.\n"
    "  --to HOST:PORT     send datagrams (WEFT version 1) over UDP; tcp:HOST:PORT over TCP\n"
    "  --keys DIR         seal what is sent: sensor ID with the newest key in DIR/ID.key, where there is one; with --site\n"
    "                     these become its `key:`\n"
    "  --parity K,M       with --to: M parity datagrams after each K of a sensor, of which any M may be lost\n"
    "  --csv FILE         write detections as CSV (- is stdout); moving radars then stay where they start\n"
    "  --journal DIR      write a weft journal\n"
    "  --truth FILE       write the truth (- is stdout)\n"
    "  --site FILE        write the site configuration that belongs to the scenario\n"
    "  --list             print a table of the targets\n"
    "  --seed N           another draw of everything random (default: the scenario's)\n"
    "  --speed X|max      X seconds of scenario per second, or as fast as it goes (default: 1 with --to, else max)\n"
    "  --start TIME|now   when the scenario begins, as 2026-01-01T00:00:00Z (default: now with --to and --speed 1,\n"
    "                     else the scenario's; at other speeds time stamps keep scenario time: site `time: recorded`)\n"
    "  --duration S       generate only the first S seconds\n";

static volatile sig_atomic_t stopped;
static void stop(int signal_number) {
  (void)signal_number;
  stopped = 1;
}

static double wall_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int wrong(const char *option, const char *value, const char *remedy) {
  fprintf(stderr, "weft salvo: --%s %s: %s\n", option, value, remedy);
  return 2;
}

static bool number(const char *text, double min, double max, double *value) {
  char *end;
  *value = strtod(text, &end);
  return end != text && *end == 0 && *value >= min && *value <= max;
}

static bool natural(const char *text, uint64_t *value) {
  char *end;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0;
}

static bool parity(const char *text, struct salvo_options *options) {
  int end = 0;
  // NOLINTNEXTLINE(cert-err34-c) three digits don't overflow
  if (sscanf(text, "%3u,%3u%n", &options->parity_k, &options->parity_m, &end) != 2 || text[end]) return false;
  uint32_t k = options->parity_k, m = options->parity_m;
  return k >= 1 && m >= 1 && k <= 255 && m <= 255 && k + m <= 256;
}

/* 0 to go on, else the exit status + 1. */
static int options_read(int argc, char **argv, struct salvo_options *options) {
  enum { TO = 256, CSV, JOURNAL, TRUTH, SITE, LIST, SEED, SPEED, START, DURATION, KEYS, PARITY };
  static const struct option known[] = {
      {"to", 1, 0, TO},       {"csv", 1, 0, CSV},           {"journal", 1, 0, JOURNAL}, {"truth", 1, 0, TRUTH},
      {"site", 1, 0, SITE},   {"list", 0, 0, LIST},         {"seed", 1, 0, SEED},       {"speed", 1, 0, SPEED},
      {"start", 1, 0, START}, {"duration", 1, 0, DURATION}, {"keys", 1, 0, KEYS},
      {"parity", 1, 0, PARITY}, {"help", 0, 0, 'h'},        {0, 0, 0, 0}};
  int64_t start;
  optind = 0;
  opterr = 0; /* one line of error, and it is ours */
  for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
    switch (option) {
    case 'h': fputs(HELP, stdout); return 1;
    case TO: options->to = optarg; break;
    case CSV: options->csv = optarg; break;
    case JOURNAL: options->journal = optarg; break;
    case TRUTH: options->truth = optarg; break;
    case SITE: options->site = optarg; break;
    case LIST: options->list = true; break;
    case SEED:
      options->seed_given = true;
      if (!natural(optarg, &options->seed)) return 1 + wrong("seed", optarg, "no seed; give a whole number from 0");
      break;
    case SPEED:
      options->speed_given = true;
      options->speed = 0;
      if (strcmp(optarg, "max") != 0 && !number(optarg, 1e-3, 1e6, &options->speed))
        return 1 + wrong("speed", optarg, "no speed; give 0.001 to 1000000, or max");
      break;
    case START:
      options->start = optarg;
      if (strcmp(optarg, "now") != 0 && !scenario_time(optarg, &start))
        return 1 + wrong("start", optarg, "no time; write it as 2026-01-01T00:00:00Z, or now");
      break;
    case DURATION:
      if (!number(optarg, 0.1, 86400, &options->duration_s))
        return 1 + wrong("duration", optarg, "give 0.1 to 86400 seconds");
      break;
    case KEYS: options->keys = optarg; break;
    case PARITY:
      if (!parity(optarg, options))
        return 1 + wrong("parity", optarg, "give K,M as 8,2: 1 to 255 each, together at most 256");
      break;
    default:
      fprintf(stderr, "weft salvo: %s: unknown, or its value is missing; see weft salvo --help\n", argv[optind - 1]);
      return 3;
    }
  }
  if (argc - optind != 1) {
    fprintf(stderr, "weft salvo: one scenario file is needed; see weft salvo --help\n");
    return 3;
  }
  options->scenario = argv[optind];
  if (!options->speed_given) options->speed = options->to ? 1 : 0;
  return 0;
}

static void progress(double at_s, double duration_s, const struct output *output) {
  struct output_counts counts = output_counts(output);
  char what[80];
  snprintf(what, sizeof what, "%.0f of %.0f s, %llu detections", at_s, duration_s,
           (unsigned long long)counts.detections + counts.clutter);
  progress_show(what, (int64_t)(at_s * 1e3), (int64_t)(duration_s * 1e3));
}

/* Sleeps until `due_s` of the monotonic clock, or a signal. */
static void sleep_until(double due_s) {
  double now = wall_s();
  while (now < due_s && !stopped) {
    double wait = fmin(0.2, due_s - now);
    nanosleep(&(struct timespec){(time_t)wait, (long)((wait - floor(wait)) * 1e9)}, NULL);
    now = wall_s();
  }
}

static int64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool live(const struct salvo_options *options) {
  return options->start ? strcmp(options->start, "now") == 0 : options->to && options->speed == 1;
}

static int scenario_run(const struct salvo_options *options, const struct scenario *scenario, struct scanner *scanner,
                        struct output *output) {
  double begin = wall_s();
  if (live(options)) begin += 1e-9 * (double)(scenario->start_ns - clock_ns());
  int rc = 0;
  for (const struct report *report; rc == 0 && !stopped && (report = scanner_next(scanner));) {
    double at = 1e-9 * (double)(report->arrival_ns - scenario->start_ns);
    if (options->speed > 0 && begin + at / options->speed > wall_s() + 5e-4) {
      rc = output_flush(output, report->arrival_ns);
      sleep_until(begin + at / options->speed);
      if (stopped) break;
    }
    if (rc == 0) rc = output_report(output, report);
    if ((output_counts(output).detections & 63) == 0) progress(at, scenario->duration_s, output);
  }
  progress_clear();
  return rc;
}

static void targets_list(const struct fleet_of_targets *targets) {
  printf(
      "target launch_s burnout_s reentry_s impact_s range_km apogee_km burnout_mps impact_lat_deg impact_lon_deg\n");
  for (int i = 0; i < targets->count; i++) {
    const struct target *t = &targets->targets[i];
    if (t->class_ != TARGET_BALLISTIC) continue;
    printf("%s %.1f %.1f %.1f %.1f %.1f %.1f %.0f %.4f %.4f\n", t->name, t->launch_s, t->boost_end_s, t->reentry_s,
           t->impact_s, t->range_m / 1e3, t->apogee_m / 1e3, t->cutoff_speed_mps, t->impact.lat_rad / SALVO_DEG,
           t->impact.lon_rad / SALVO_DEG);
  }
}

/* A live scenario begins a little ahead, so that the truth is written by then. */
static int64_t start_choose(const struct salvo_options *options, const struct scenario *scenario, int target_count) {
  int64_t start = scenario->start_ns;
  if (live(options)) {
    double lines = options->truth ? target_count * scenario->duration_s / scenario->truth_interval_s : 0;
    start = clock_ns() + (int64_t)((0.05 + 4e-6 * lines) * 1e9);
  } else if (options->start) {
    scenario_time(options->start, &start);
  }
  return start;
}

/* Everything after the targets are known. */
static int generate(const struct salvo_options *options, struct scenario *scenario,
                    const struct fleet_of_targets *targets, struct weft_error *err) {
  struct output *output = NULL;
  struct output_options outputs = {.csv = options->csv,
                                   .to = options->to,
                                   .journal = options->journal,
                                   .pack_ns = (int64_t)(1e9 * PACK_S * fmax(1, options->speed)),
                                   .parity_k = options->parity_k,
                                   .parity_m = options->parity_m,
                                   .parity_ns = (int64_t)(1e9 * PARITY_S)};
  int rc = output_open(&output, scenario, targets, &outputs, err);
  if (rc) return rc;
  scenario->start_ns = start_choose(options, scenario, targets->count);
  if (options->truth) rc = truth_write(options->truth, scenario, targets, err);
  if (rc == 0 && (options->csv || options->to || options->journal)) {
    struct scanner *scanner = scanner_open(scenario, targets, options->csv != NULL);
    scenario_run(options, scenario, scanner, output); /* its failure is the output's, told on closing */
    scanner_free(scanner);
  }
  output_flush(output, INT64_MAX);
  struct output_counts counts = output_counts(output);
  int closed = output_close(output, rc ? NULL : err);
  if (rc == 0 && closed == 0 && (options->to || isatty(STDERR_FILENO)))
    fprintf(stderr, "weft salvo: %llu detections, %llu clutter, %llu states, %llu datagrams\n",
            (unsigned long long)counts.detections, (unsigned long long)counts.clutter,
            (unsigned long long)counts.states, (unsigned long long)counts.datagrams);
  return rc ? rc : closed;
}

int salvo_main(int argc, char **argv) {
  struct salvo_options options = {0};
  int status = options_read(argc, argv, &options);
  if (status) return status - 1;
  struct weft_error err = {""};
  char *keys = options.keys ? realpath(options.keys, NULL) : NULL;
  if (options.keys && !keys) {
    fprintf(stderr, "weft salvo: --keys %s: %s; name the folder of the key files\n", options.keys, strerror(errno));
    return 1;
  }
  struct scenario *scenario = NULL;
  struct fleet_of_targets targets = {0};
  int rc = scenario_load(&scenario, options.scenario, &err);
  if (rc == 0) {
    if (options.seed_given) scenario->seed = options.seed;
    scenario->keys = keys;
    if (options.duration_s > 0) scenario->duration_s = options.duration_s;
    rc = options.site ? scenario_site_write(scenario, options.site, &err) : 0;
  }
  bool wanted = options.csv || options.to || options.journal || options.truth || options.list;
  if (rc == 0 && !wanted && !options.site) {
    fprintf(stderr, "weft salvo: nothing to write; give --to, --csv, --journal, --truth, --site or --list\n");
    scenario_free(scenario);
    free(keys);
    return 2;
  }
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  if (rc == 0 && wanted) rc = targets_build(&targets, scenario, &err);
  if (rc == 0 && options.list) targets_list(&targets);
  if (rc == 0 && wanted) rc = generate(&options, scenario, &targets, &err);
  targets_free(&targets);
  scenario_free(scenario);
  free(keys);
  if (rc) fprintf(stderr, "weft salvo: %s\n", err.text);
  return rc ? 1 : 0;
}
