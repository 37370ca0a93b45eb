/* Any bytes as a CSV file: whole and in small chunks it must read the same. */
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site site = {.sensor_count = 2, .sensors = {{.id = 101}, {.id = 7}}};
static struct csv_reader reader;

static uint64_t read_chunks(const uint8_t *data, size_t size, size_t chunk) {
  uint64_t sum = 0;
  struct csv_line line;
  csv_open(&reader, "fuzz", &site);
  for (size_t at = 0; at < size; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    enum csv_status status;
    while ((status = csv_take(&reader, &from, &left, &line)) != CSV_MORE) {
      if (status == CSV_BROKEN) return sum;
      weft_assert(status == CSV_DETECTION || line.error.text[0] != 0);
      sum = sum * 31 + line.number * 4 + (uint64_t)status + (uint64_t)line.detection.time_ns + line.detection.valid;
    }
  }
  if (csv_end(&reader, &line) == CSV_DETECTION) sum = sum * 31 + (uint64_t)line.detection.time_ns;
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  weft_assert(read_chunks(data, size, size + 1) == read_chunks(data, size, 5));
  return 0;
}
