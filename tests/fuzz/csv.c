/* Bytes as a CSV file: as they come, and below a header that is right. Whole and in pieces it reads the same;
 * what is taken keeps the contract, what is not says why, and every line is counted. */
// length: 192
#include "engine/ingest/csv.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"

enum { TEXT_MAX = 8192 };
static const char *const heads[] = {
    "",
    "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,range_rate_mps,height_m,x_m,y_m,z_m,snr_db,"
    "sigma_range_m,sigma_azimuth_rad,sigma_elevation_rad,sigma_range_rate_mps,sigma_height_m,sigma_x_m,"
    "sensor_x_m,sensor_y_m,sensor_z_m,truth\n",
    "sensor,time_ns,kind,azimuth_rad,elevation_rad,sensor_x_m,sensor_y_m,sensor_z_m\n",
    "kind,sensor,time_ns,x_m,y_m,z_m,sigma_x_m\n",
    "\xef\xbb\xbftime_ns,sensor,kind,range_m,azimuth_rad,height_m,range_rate_mps\n",
};
static const struct site site = {.sensor_count = 3, .sensors = {{.id = 101}, {.id = 7}, {.id = 12}}};

static uint64_t line_add(uint64_t sum, enum csv_status status, const struct csv_line *line, size_t size) {
  const struct detection *d = &line->detection;
  weft_assert(line->offset <= size && line->number > 0);
  if (status == CSV_DETECTION) {
    contract_check(d);
    weft_assert(d->sequence > 0 && d->sequence < line->number && line->error.text[0] == 0);
  } else {
    weft_assert(line->error.text[0] != 0);
  }
  return sum * 31 + wire_crc32c(0, d, sizeof *d) * UINT64_C(8191) + line->number * 4 + (uint64_t)status +
         line->offset + (uint64_t)line->refusal;
}

static uint64_t read_chunks(const uint8_t *data, size_t size, size_t chunk, const struct site *of) {
  static struct csv_reader reader;
  uint64_t sum = 0;
  struct csv_line line;
  enum csv_status status = CSV_MORE;
  csv_open(&reader, "fuzz", of);
  for (size_t at = 0; at < size; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    while ((status = csv_take(&reader, &from, &left, &line)) == CSV_DETECTION || status == CSV_REFUSED)
      sum = line_add(sum, status, &line, size);
    if (status == CSV_BROKEN) return sum + 1;
  }
  status = csv_end(&reader, &line);
  return status == CSV_MORE ? sum : line_add(sum, status, &line, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t text[TEXT_MAX];
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  const char *head = heads[choice % (sizeof heads / sizeof heads[0])];
  size_t used = strlen(head), length = in.left < TEXT_MAX - used ? in.left : TEXT_MAX - used;
  memcpy(text, head, used);
  input_take(&in, text + used, length);
  const struct site *of = choice & 0x80 ? NULL : &site;
  size_t chunk = choice >> 3 & 15;
  uint64_t whole = read_chunks(text, used + length, used + length + 1, of);
  if (chunk > 0) weft_assert(read_chunks(text, used + length, chunk, of) == whole);
  return 0;
}
