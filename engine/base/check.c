#include "engine/base/check.h"

#include <stdlib.h>

#include "engine/base/log.h"

_Noreturn void weft_check_failed(const char *file, int line, const char *expression) {
  log_failure("%s:%d: broken invariant: %s", file, line, expression);
  abort();
}
