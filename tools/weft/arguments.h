/* Command lines: long options only, each declared once, with the text of --help made from the declarations.
 */
#ifndef WEFT_TOOLS_ARGUMENTS_H
#define WEFT_TOOLS_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

enum argument_kind { ARGUMENT_TEXT, ARGUMENT_NUMBER, ARGUMENT_COUNT, ARGUMENT_FLAG, ARGUMENT_SPEED };

struct argument {
  const char *name;  /* without the dashes */
  const char *value; /* what --help calls the value; NULL for a flag */
  const char *does;
  enum argument_kind kind;
  bool required;
  void *to;        /* const char **, double *, uint32_t *, bool *, double * (max = 0) */
  double min, max; /* of a number or count */
};

struct arguments {
  const char *command;  /* "weft run" */
  const char *operands; /* for the usage line, e.g. "INPUT..." or "" */
  const char *does;
  const struct argument *list;
  int count;
  int operands_min, operands_max;
};

/* Parses argv; on success returns -1 and *first is the index of the first operand (operands are moved to the
 * end). Otherwise the exit status to return: 0 after --help, 2 after a mistake, which was printed to stderr.
 */
int arguments_parse(const struct arguments *arguments, int argc, char **argv, int *first);

/* Prints `weft: TEXT` to stderr and returns 1. */
int failure(const char *text);

/* The progress callback of the public interface: a bar on a terminal (engine/base/progress.h). `context`:
 * what is being done. */
void fraction_show(void *context, double fraction);

#endif
