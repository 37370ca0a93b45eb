/* Bytes as ASTERIX blocks, as one block whose head is right, and as one record of either category. What a
 * record says lies within what its fields can hold, depends on its own bytes alone, and makes detections that
 * keep the contract. */
// length: 128
#include <stdlib.h>

#include "engine/ingest/asterix.h"
#include "engine/ingest/clock_day.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"

enum { MODE_BLOCKS, MODE_BLOCK, MODE_PLOT, MODE_SERVICE, MODES, BLOCK_MAX = 4096, RECORDS_SHADOWED = 32 };
static const double field_m = 1852.0 / 256, foot_25_m = 25 * 0.3048, pi = 3.14159265358979323846;

static void plot_check(const struct asterix_plot *p) {
  weft_assert(p->type <= 7 && p->mode3a <= 0xfff && p->track <= 0xfff && p->address < 1u << 24);
  weft_assert(p->time_of_day == ASTERIX_TIME_NONE || p->time_of_day < 1u << 24);
  weft_assert(p->range_m >= 0 && p->range_m <= 0xffffff * field_m);
  weft_assert(p->azimuth_rad >= 0 && p->azimuth_rad < 2 * pi);
  weft_assert(fabs(p->level_m) <= 8192 * foot_25_m && fabs(p->height_3d_m) <= 8192 * foot_25_m);
  weft_assert(fabs(p->doppler_mps) <= 512);
  weft_assert(!p->range_saturated || (p->has_position && p->extended_range));
  struct detection d;
  enum asterix_use use = asterix_plot_detection(p, 3, 1000, &d);
  weft_assert(d.sensor == 3 && d.time_ns == 1000);
  if (use != ASTERIX_USE_PLOT && use != ASTERIX_USE_SIMULATED) return;
  contract_check(&d);
  weft_assert(d.kind == KIND_RADAR2D && d.measure[MEASURE_RANGE] == p->range_m);
  weft_assert(!p->test && !p->field_monitor && p->type != 0 && p->has_position &&
              p->time_of_day < ASTERIX_DAY);
}

static void service_check(const struct asterix_service *s) {
  weft_assert(s->time_of_day == ASTERIX_TIME_NONE || s->time_of_day < 1u << 24);
  weft_assert(s->sector_deg >= 0 && s->sector_deg < 360 && s->rotation_s >= 0 && s->rotation_s < 512);
  weft_assert(fabs(s->lat_deg) <= 180 && fabs(s->lon_deg) <= 180 && fabs(s->height_m) <= 32768);
}

/* A record is what its own bytes say: the same without what follows it, and none without its last byte. */
static void plot_alone(const uint8_t *data, size_t size) {
  struct asterix_plot plot, again;
  uint32_t used, used_again;
  if (asterix_plot_decode(data, size, &plot, &used) != ASTERIX_OK) return;
  weft_assert(used > 0 && used <= size);
  plot_check(&plot);
  weft_assert(asterix_plot_decode(data, used, &again, &used_again) == ASTERIX_OK && used_again == used);
  weft_assert(memcmp(&plot, &again, sizeof plot) == 0);
  weft_assert(asterix_plot_decode(data, used - 1, &again, &used_again) == ASTERIX_MALFORMED);
}

static void service_alone(const uint8_t *data, size_t size) {
  struct asterix_service service, again;
  uint32_t used, used_again;
  if (asterix_service_decode(data, size, &service, &used) != ASTERIX_OK) return;
  weft_assert(used > 0 && used <= size);
  service_check(&service);
  weft_assert(asterix_service_decode(data, used, &again, &used_again) == ASTERIX_OK && used_again == used);
  weft_assert(memcmp(&service, &again, sizeof service) == 0);
  weft_assert(asterix_service_decode(data, used - 1, &again, &used_again) == ASTERIX_MALFORMED);
}

/* The day is found without changing the time of day, and no more than half a day from the capture. */
static void day_check(const struct asterix_record *record, int64_t capture_ns) {
  static struct clock_day clock;
  uint32_t time = record->plot.time_of_day;
  if (time >= ASTERIX_DAY) return;
  int64_t time_ns = clock_day_resolve(&clock, record->plot.sic, time, true, capture_ns);
  int64_t into_day_ns = ((time_ns % CLOCK_DAY_NS) + CLOCK_DAY_NS) % CLOCK_DAY_NS;
  weft_assert(into_day_ns == (int64_t)time * 1000000000 / 128);
  weft_assert(llabs(time_ns - capture_ns) <= CLOCK_DAY_NS / 2);
}

/* Repeats are told as a comparison with all before would tell them. */
static void repeats_check(const struct asterix_record *records, uint32_t count) {
  static struct asterix_window window;
  if (count == 0) return;
  memset(&window, 0, sizeof window);
  for (uint32_t i = 0; i < count; i++) {
    bool repeated = false;
    for (uint32_t k = 0; k < i; k++)
      repeated |= records[k].size == records[i].size &&
                  memcmp(records[k].data, records[i].data, records[i].size) == 0;
    weft_assert(asterix_window_repeat(&window, records[i].data, records[i].size) == repeated);
  }
}

static void blocks_take(const uint8_t *data, size_t size, int64_t capture_ns) {
  struct asterix_record records[RECORDS_SHADOWED];
  struct asterix_block block;
  uint32_t count = 0;
  size_t offset = 0, before = 0;
  while (asterix_block_next(data, size, &offset, &block) == ASTERIX_OK) {
    weft_assert(offset <= size && block.data == data + before && block.size == offset - before);
    before = offset;
    uint32_t at = ASTERIX_HEAD_SIZE, records_max = block.size / 2;
    struct asterix_record record;
    enum asterix_status status;
    while ((status = asterix_record_next(&block, &at, &record)) != ASTERIX_END) {
      weft_assert(at <= block.size && record.size > 0 && records_max-- > 0);
      weft_assert(record.data + record.size == block.data + at);
      if (status != ASTERIX_OK) {
        weft_assert(at == block.size);
      } else if (record.category == ASTERIX_PLOTS) {
        plot_check(&record.plot);
        day_check(&record, capture_ns);
        if (count < RECORDS_SHADOWED) records[count++] = record;
      } else {
        service_check(&record.service);
      }
    }
  }
  weft_assert(offset == size);
  repeats_check(records, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t block[BLOCK_MAX];
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  int64_t capture_ns = (int64_t)input_u16(&in) * 3600 * 1000000000;
  size_t length = in.left < BLOCK_MAX - ASTERIX_HEAD_SIZE ? in.left : BLOCK_MAX - ASTERIX_HEAD_SIZE;
  switch (choice % MODES) {
  case MODE_BLOCKS:
    blocks_take(in.at, in.left, capture_ns);
    break;
  case MODE_PLOT:
    plot_alone(in.at, in.left);
    break;
  case MODE_SERVICE:
    service_alone(in.at, in.left);
    break;
  default:
    block[0] = choice & 4 ? ASTERIX_PLOTS : ASTERIX_SERVICE;
    block[1] = (uint8_t)((length + ASTERIX_HEAD_SIZE) >> 8);
    block[2] = (uint8_t)(length + ASTERIX_HEAD_SIZE);
    input_take(&in, block + ASTERIX_HEAD_SIZE, length);
    blocks_take(block, length + ASTERIX_HEAD_SIZE, capture_ns);
  }
  return 0;
}
