/* Any bytes as ASTERIX blocks, and as one record of either category. */
#include "engine/base/check.h"
#include "engine/ingest/asterix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct asterix_block block;
  static struct asterix_window window;
  size_t offset = 0;
  while (asterix_block_next(data, size, &offset, &block) == ASTERIX_OK) {
    weft_assert(offset <= size);
    uint32_t at = ASTERIX_HEAD_SIZE;
    struct asterix_record record;
    enum asterix_status status;
    while ((status = asterix_record_next(&block, &at, &record)) != ASTERIX_END) {
      weft_assert(at <= block.size && record.size > 0);
      if (status != ASTERIX_OK || record.category != ASTERIX_PLOTS) continue;
      struct detection d;
      (void)asterix_plot_detection(&record.plot, 0, 0, &d);
      (void)asterix_window_repeat(&window, record.data, record.size);
    }
  }
  struct asterix_plot plot;
  struct asterix_service service;
  uint32_t used;
  if (asterix_plot_decode(data, size, &plot, &used) == ASTERIX_OK) weft_assert(used > 0 && used <= size);
  if (asterix_service_decode(data, size, &service, &used) == ASTERIX_OK) weft_assert(used > 0 && used <= size);
  return 0;
}
