#include "tools/weft/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/progress.h"
#include "engine/weft.h"
#include "tools/weft/arguments.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
enum { WORKERS_MAX = 256, TRACKS_LIMIT = 1 << 22 };

#define ARGUMENT_WORKERS(to_)                                                                                \
  {                                                                                                          \
    .name = "workers", .value = "N",                                                                         \
    .does = "worker threads (default: what the profile or the machine says); results never depend on it",                   \
    .kind = ARGUMENT_COUNT, .to = (to_), .min = 1, .max = WORKERS_MAX                                        \
  }
#define ARGUMENT_TRACKS_MAX(to_)                                                                             \
  {                                                                                                          \
    .name = "tracks-max", .value = "N", .does = "room for this many tracks (default 32768, 2.7 KiB each)",   \
    .kind = ARGUMENT_COUNT, .to = (to_), .min = 64, .max = TRACKS_LIMIT                                      \
  }

#define ARGUMENT_PROFILE(to_)                                                                                \
  ARGUMENT_STRING("profile", "P.yaml", "hardware profile of this machine, made by weft tune", false, (to_))
#define ARGUMENT_STRING(name_, value_, does_, required_, to_)                                                \
  {                                                                                                          \
    .name = (name_), .value = (value_), .does = (does_), .kind = ARGUMENT_TEXT, .required = (required_),     \
    .to = (to_)                                                                                              \
  }

int run_main(int argc, char **argv) {
  struct weft_run_options o = {.out = stdout};
  const char *io = "auto";
  const struct argument list[] = {
      ARGUMENT_STRING("config", "SITE.yaml", "the site's configuration", true, &o.config_path),
      {.name = "duration",
       .value = "S",
       .does = "stop after so many seconds (default: on SIGINT or SIGTERM)",
       .kind = ARGUMENT_NUMBER,
       .to = &o.duration_s,
       .min = 0.001,
       .max = 1e9},
      ARGUMENT_STRING("tracks", "FILE", "write every track line there; - is stdout", false, &o.tracks_path),
      ARGUMENT_STRING("journal", "DIR", "append every frame to a journal in this folder", false,
                      &o.journal_directory),
      ARGUMENT_PROFILE(&o.profile_path),
      ARGUMENT_WORKERS(&o.workers),
      ARGUMENT_TRACKS_MAX(&o.tracks_max),
      ARGUMENT_STRING("follow", "HOST:PORT",
                      "stand by: hold the state of the server whose listen.standby that is, take over when it is gone", false,
                      &o.follow),
      ARGUMENT_STRING("io", "BACKEND", "auto, uring or plain (default auto: io_uring, else recvmmsg)", false,
                      &io),
  };
  const struct arguments arguments = {
      .command = "weft run",
      .operands = "",
      .list = list,
      .count = COUNT(list),
      .does = "Listens for detections, fuses them, emits tracks, until SIGINT or SIGTERM; then drains, "
              "prints the ledger as one\n"
              "JSON line and exits 0. Prints one line beginning with `ready` when it listens."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  o.io = strcmp(io, "uring") == 0 ? WEFT_IO_URING : strcmp(io, "plain") == 0 ? WEFT_IO_PLAIN : WEFT_IO_AUTO;
  if (o.io == WEFT_IO_AUTO && strcmp(io, "auto") != 0) {
    fprintf(stderr, "weft: run: --io %s: give auto, uring or plain; see `weft run --help`\n", io);
    return 2;
  }
  struct weft_error err;
  return weft_run(&o, &err) < 0 ? failure(err.text) : 0;
}

int fuse_main(int argc, char **argv) {
  struct weft_fuse_options o = {.progress = fraction_show, .context = "fusing"};
  const struct argument list[] = {
      ARGUMENT_STRING("config", "SITE.yaml", "the site's configuration", true, &o.config_path),
      ARGUMENT_STRING("tracks", "OUT.jsonl", "the track file; - is stdout", true, &o.tracks_path),
      ARGUMENT_STRING("date", "YYYY-MM-DD",
                      "the day of ASTERIX times (default: capture time, else 1970-01-01)", false, &o.date),
      ARGUMENT_PROFILE(&o.profile_path),
      ARGUMENT_WORKERS(&o.workers),
      ARGUMENT_TRACKS_MAX(&o.tracks_max),
  };
  const struct arguments arguments = {.command = "weft fuse",
                                      .operands = "INPUT...",
                                      .list = list,
                                      .count = COUNT(list),
                                      .operands_min = 1,
                                      .operands_max = 64,
                                      .does = "Reads recordings (CSV, ASTERIX as pcap, .gps or raw blocks, a "
                                              "weft journal; told by content; - is stdin) as fast as it\n"
                                              "can and writes tracks. Prints the ledger as one JSON line to "
                                              "stdout (to stderr where the tracks go to stdout)."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  o.inputs = (const char *const *)&argv[first];
  o.input_count = (uint32_t)(argc - first);
  o.ledger = strcmp(o.tracks_path, "-") == 0 ? stderr : stdout;
  struct weft_error err;
  rc = weft_fuse(&o, &err);
  progress_clear();
  return rc < 0 ? failure(err.text) : 0;
}

int replay_main(int argc, char **argv) {
  struct weft_replay_options o = {.progress = fraction_show, .context = "replaying", .speed = 0};
  double speed = -1, until = 0;
  const struct argument list[] = {
      ARGUMENT_STRING("tracks", "FILE", "write the track lines there; - is stdout", false, &o.tracks_path),
      ARGUMENT_STRING("to", "HOST:PORT", "send the detections there as WEFT datagrams (UDP)", false, &o.to),
      {.name = "speed",
       .value = "X|max",
       .does = "1: as recorded (default with --to), max: as fast as it goes (default else)",
       .kind = ARGUMENT_SPEED,
       .to = &speed},
      {.name = "until",
       .value = "FRAME",
       .does = "play no frame beyond this one",
       .kind = ARGUMENT_NUMBER,
       .to = &until,
       .min = 1,
       .max = 9e15},
      ARGUMENT_PROFILE(&o.profile_path),
      ARGUMENT_WORKERS(&o.workers),
      ARGUMENT_TRACKS_MAX(&o.tracks_max),
  };
  const struct arguments arguments = {.command = "weft replay",
                                      .operands = "JOURNAL",
                                      .list = list,
                                      .count = COUNT(list),
                                      .operands_min = 1,
                                      .operands_max = 1,
                                      .does =
                                          "Plays a journal (its folder or one segment) through the engine, "
                                          "which gives the same tracks to the byte, or sends its\n"
                                          "detections to a server. Prints the ledger as one JSON line to "
                                          "stdout (to stderr where the tracks go to stdout)."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  o.speed = speed >= 0 ? speed : o.to ? 1 : 0;
  o.until = (uint64_t)until;
  o.journal_path = argv[first];
  o.ledger = o.tracks_path && strcmp(o.tracks_path, "-") == 0 ? stderr : stdout;
  struct weft_error err;
  rc = weft_replay(&o, &err);
  progress_clear();
  return rc < 0 ? failure(err.text) : 0;
}

int inspect_main(int argc, char **argv) {
  const char *config = NULL, *date = NULL;
  const struct argument list[] = {
      ARGUMENT_STRING("config", "SITE.yaml", "the site, so that radar plots get positions", false, &config),
      ARGUMENT_STRING("date", "YYYY-MM-DD", "the day of ASTERIX times", false, &date),
  };
  const struct arguments arguments = {.command = "weft inspect",
                                      .operands = "FILE",
                                      .list = list,
                                      .count = COUNT(list),
                                      .operands_min = 1,
                                      .operands_max = 1,
                                      .does = "Prints any file that weft reads or writes (CSV, ASTERIX, "
                                              "journal, tracks, configuration) as JSON lines."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  struct weft_error err;
  return weft_inspect(argv[first], config, date, stdout, &err) < 0 ? failure(err.text) : 0;
}

int repair_main(int argc, char **argv) {
  const char *protect = NULL;
  struct weft_repair_options o = {.out = stdout};
  const struct argument list[] = {
      ARGUMENT_STRING("protect", "SEGMENTS,FILES", "then write so many parity files over every so many segments", false, &protect),
  };
  const struct arguments arguments = {.command = "weft repair",
                                      .operands = "JOURNAL",
                                      .list = list,
                                      .count = COUNT(list),
                                      .operands_min = 1,
                                      .operands_max = 1,
                                      .does = "Rebuilds the lost and damaged segments of a journal's folder from its parity files "
                                              "(journal.parity_files).\n"
                                              "Prints one JSON line for each file that it rebuilt or that is lost, and a summary."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  o.journal_path = argv[first];
  char more;
  // NOLINTNEXTLINE(cert-err34-c) nine digits don't overflow
  if (protect && sscanf(protect, "%9u,%9u%c", &o.parity_segments, &o.parity_files, &more) != 2) {
    fprintf(stderr, "weft repair: --protect %s: give SEGMENTS,FILES, for example 8,2\n", protect);
    return 2;
  }
  struct weft_error err;
  return weft_repair(&o, &err) < 0 ? failure(err.text) : 0;
}

int tune_main(int argc, char **argv) {
  struct weft_tune_options o = {.level = WEFT_TUNE_MEASURE, .out_path = "-", .progress = fraction_show, .context = "tuning"};
  static const char *const levels[] = {"estimate", "measure", "patient"};
  const char *level = NULL, *root = NULL;
  bool host = false;
  const struct argument list[] = {
      ARGUMENT_STRING("level", "LEVEL", "estimate (nothing is measured), measure (some ten seconds; default) or patient (a minute or two)", false,
                      &level),
      ARGUMENT_STRING("out", "P.yaml", "where the profile goes; - is stdout (default)", false, &o.out_path),
      ARGUMENT_STRING("topology", "DESCRIPTION", "estimate for a machine described as hwloc does, \"package:2 l3:4 core:8 pu:2\"", false,
                      &o.topology),
      {.name = "host", .does = "instead: tell how this host is set up and what would be better; changes nothing", .kind = ARGUMENT_FLAG, .to = &host},
      ARGUMENT_STRING("root", "DIR", "with --host: the folder that /proc and /sys are in (default /)", false, &root),
  };
  const struct arguments arguments = {.command = "weft tune",
                                      .operands = "",
                                      .list = list,
                                      .count = COUNT(list),
                                      .does = "Measures this machine and writes a hardware profile for weft run, fuse and replay: YAML that "
                                              "a person can read\nand edit. Results never depend on it, speed does."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  struct weft_error err;
  if (host) return weft_host_check(root, stdout, &err) < 0 ? failure(err.text) : 0;
  if (o.topology) o.level = WEFT_TUNE_ESTIMATE;
  int at = 0;
  while (level && at < COUNT(levels) && strcmp(level, levels[at]) != 0) at++;
  if (level && at == COUNT(levels)) {
    fprintf(stderr, "weft: tune: --level %s: give estimate, measure or patient; see `weft tune --help`\n", level);
    return 2;
  }
  if (level) o.level = (enum weft_tune_level)at;
  rc = weft_tune(&o, &err);
  progress_clear();
  return rc < 0 ? failure(err.text) : 0;
}

int check_main(int argc, char **argv) {
  const char *config = NULL;
  const struct argument list[] = {
      ARGUMENT_STRING("config", "SITE.yaml", "the configuration to validate", true, &config),
  };
  const struct arguments arguments = {.command = "weft check",
                                      .operands = "",
                                      .list = list,
                                      .count = COUNT(list),
                                      .does = "Validates a configuration without running. Says what is wrong "
                                              "with file, line and the allowed range."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  struct weft_error err;
  return weft_check(config, stdout, &err) < 0 ? failure(err.text) : 0;
}

int key_main(int argc, char **argv) {
  bool append = false;
  const struct argument list[] = {
      {.name = "append",
       .does = "add the next epoch to an existing file (default: make a new file)",
       .kind = ARGUMENT_FLAG,
       .to = &append},
  };
  const struct arguments arguments = {.command = "weft key",
                                      .operands = "FILE",
                                      .list = list,
                                      .count = COUNT(list),
                                      .operands_min = 1,
                                      .operands_max = 1,
                                      .does = "Makes a random key for one sensor in a new key file (mode 0600; an existing file is "
                                              "not overwritten), or adds\n"
                                              "a key with the next epoch to it. Prints which epoch; the key itself is never "
                                              "printed."};
  int first, rc = arguments_parse(&arguments, argc, argv, &first);
  if (rc >= 0) return rc;
  struct weft_error err;
  uint16_t epoch;
  rc = weft_key_make(argv[first], append, &epoch, &err);
  if (rc == -EEXIST) {
    fprintf(stderr, "weft: %s; `weft key --append %s` adds the next epoch\n", err.text, argv[first]);
    return 1;
  }
  if (rc < 0) return failure(err.text);
  printf("%s: epoch %u made\n", argv[first], epoch);
  return 0;
}
