#include "engine/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void weft_check_failed(const char *file, int line, const char *expression) {
  fprintf(stderr, "weft: %s:%d: broken invariant: %s\n", file, line, expression);
  abort();
}
