/* The subcommands that the program itself has; salvo and score live in their own folders. Each takes its own
 * argv (argv[0] is the subcommand) and returns the exit status: 0 success, 1 failure, 2 wrong use. */
#ifndef WEFT_TOOLS_COMMANDS_H
#define WEFT_TOOLS_COMMANDS_H

int run_main(int argc, char **argv);
int fuse_main(int argc, char **argv);
int replay_main(int argc, char **argv);
int inspect_main(int argc, char **argv);
int repair_main(int argc, char **argv);
int tune_main(int argc, char **argv);
int check_main(int argc, char **argv);
int key_main(int argc, char **argv);

#endif
