/* A bug planted in front of the fuzzer: a run that does not find it says that the fuzzing itself is broken.
 */
// length: 64
#include <stdlib.h>

#include "engine/ingest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* One comparison after the other, each a branch for the fuzzer to see. */
  if (size <= WIRE_OFFSET_FLAGS || data[0] != 'W') return 0;
  if (data[1] != 'E') return 0;
  if (data[2] != 'F') return 0;
  if (data[3] != 'T') return 0;
  if (data[WIRE_OFFSET_FLAGS] == WIRE_SEALED) abort();
  return 0;
}
