#include "tools/weft/arguments.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/progress.h"

enum { ARGUMENTS_MAX = 24, OPTION_HELP = 1000 };

static void help(const struct arguments *a) {
  printf("usage: %s", a->command);
  for (int i = 0; i < a->count; i++) {
    const struct argument *one = &a->list[i];
    printf(one->required ? " --%s %s" : one->value ? " [--%s %s]" : " [--%s]", one->name, one->value);
  }
  printf("%s%s\n\n%s\n\n", a->operands[0] ? " " : "", a->operands, a->does);
  for (int i = 0; i < a->count; i++) {
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", a->list[i].name, a->list[i].value ? " " : "",
             a->list[i].value ? a->list[i].value : "");
    printf("  %-24s %s\n", left, a->list[i].does);
  }
  printf("  %-24s %s\n", "--help", "this text");
}

static int wrong(const struct arguments *a, const char *format, const char *x, const char *y) {
  fprintf(stderr, "weft: %s: ", a->command + 5);
  fprintf(stderr, format, x, y);
  fprintf(stderr, "; see `%s --help`\n", a->command);
  return 2;
}

static bool number_parse(const char *text, double min, double max, double *out) {
  char *end;
  *out = strtod(text, &end);
  return end != text && *end == 0 && isfinite(*out) && *out >= min && *out <= max;
}

static int value_take(const struct arguments *a, const struct argument *one, char *text) {
  double number;
  char allowed[96];
  snprintf(allowed, sizeof allowed, "%s %s (allowed: %.10g to %.10g)", one->name, text, one->min, one->max);
  switch (one->kind) {
  case ARGUMENT_TEXT:
    *(const char **)one->to = text;
    return -1;
  case ARGUMENT_FLAG:
    *(bool *)one->to = true;
    return -1;
  case ARGUMENT_SPEED:
    if (strcmp(text, "max") == 0) {
      *(double *)one->to = 0;
      return -1;
    }
    if (!number_parse(text, 1e-6, 1e9, &number))
      return wrong(a, "--%s %s: give a factor above 0, or max", one->name, text);
    *(double *)one->to = number;
    return -1;
  case ARGUMENT_NUMBER:
    if (!number_parse(text, one->min, one->max, &number)) return wrong(a, "--%s%s", allowed, "");
    *(double *)one->to = number;
    return -1;
  case ARGUMENT_COUNT:
    if (!number_parse(text, one->min, one->max, &number) || number != floor(number))
      return wrong(a, "--%s%s", allowed, "");
    *(uint32_t *)one->to = (uint32_t)number;
    return -1;
  }
  return 2;
}

int arguments_parse(const struct arguments *a, int argc, char **argv, int *first) {
  struct option options[ARGUMENTS_MAX + 2] = {0};
  bool seen[ARGUMENTS_MAX] = {0};
  for (int i = 0; i < a->count && i < ARGUMENTS_MAX; i++) {
    options[i] =
        (struct option){.name = a->list[i].name,
                        .has_arg = a->list[i].kind == ARGUMENT_FLAG ? no_argument : required_argument,
                        .val = i};
  }
  options[a->count] = (struct option){.name = "help", .val = OPTION_HELP};
  opterr = 0;
  optind = 1;
  for (;;) {
    int at = optind, found = getopt_long(argc, argv, ":", options, NULL);
    if (found == -1) break;
    if (found == OPTION_HELP) {
      help(a);
      return 0;
    }
    if (found == ':') return wrong(a, "%s needs a value%s", argv[optind - 1], "");
    if (found == '?') return wrong(a, "no option `%s`%s", argv[optind > at ? optind - 1 : at], "");
    int rc = value_take(a, &a->list[found], optarg);
    if (rc >= 0) return rc;
    seen[found] = true;
  }
  for (int i = 0; i < a->count; i++) {
    if (a->list[i].required && !seen[i])
      return wrong(a, "--%s %s is needed", a->list[i].name, a->list[i].value);
  }
  if (argc - optind < a->operands_min) return wrong(a, "%s is missing%s", a->operands, "");
  if (argc - optind > a->operands_max)
    return wrong(a, "one argument too many: %s%s", argv[optind + a->operands_max], "");
  *first = optind;
  return -1;
}

int failure(const char *text) {
  progress_clear();
  log_failure("%s", text);
  return 1;
}

void fraction_show(void *context, double fraction) {
  if (fraction < 0) {
    progress_show(context, 0, 0);
  } else {
    progress_show(context, (int64_t)(fraction * 1e6), 1000000);
  }
}
