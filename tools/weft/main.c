/* weft: one program, subcommands. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "engine/weft.h"
#include "tools/salvo/salvo.h"
#include "tools/score/score.h"
#include "tools/weft/commands.h"

static const struct command {
  const char *name;
  int (*main)(int argc, char **argv);
  const char *does;
} commands[] = {
    {"run", run_main, "the server: listens, fuses, emits, until a signal"},
    {"fuse", fuse_main, "the same engine over recordings, without a network"},
    {"replay", replay_main, "a journal through the engine, or onto the wire"},
    {"salvo", salvo_main, "the synthetic salvo generator"},
    {"score", score_main, "judges a track file against the truth"},
    {"tune", tune_main, "measures this machine, writes a hardware profile"},
    {"inspect", inspect_main, "any file weft reads or writes, as JSON lines"},
    {"repair", repair_main, "rebuilds lost and damaged segments of a journal"},
    {"check", check_main, "validates a configuration without running"},
    {"key", key_main, "makes a sensor's key, or its next epoch"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void usage(FILE *out) {
  fprintf(out, "weft %s: fusion server for missile warning\n\nusage: weft COMMAND [OPTIONS]\n\n",
          weft_version());
  for (int i = 0; i < COMMANDS; i++) fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].does);
  fprintf(out, "\n`weft COMMAND --help` says more. Exit status: 0 success, 1 failure, 2 wrong use.\n");
}

int main(int argc, char **argv) {
  (void)signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error of the write, not our death */
  (void)signal(SIGXFSZ, SIG_IGN); /* so is a file that has reached its limit */
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    fprintf(stderr, "weft: this CPU lacks AVX2 and FMA (x86-64-v3); run weft on a newer one\n");
    return 1;
  }
  if (argc < 2) {
    usage(stderr);
    return 2;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    usage(stdout);
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("weft %s\n", weft_version());
    return 0;
  }
  for (int i = 0; i < COMMANDS; i++) {
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].main(argc - 1, argv + 1);
  }
  fprintf(stderr, "weft: no command `%s`; `weft --help` lists them\n", argv[1]);
  return 2;
}
