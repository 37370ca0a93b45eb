// stage: weft_ingest weft_domain weft_base
/* Real radar recordings, read from beside the project; figures cross-checked record by record with tshark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ingest/capture.h"
#include "engine/ingest/sniff.h"

#define FOLDER "../shared/data/asterix/"

static struct capture capture;

/* A whole file. NULL where it is absent. */
static uint8_t *file_read(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  uint8_t *data = malloc(1 << 20);
  *size = fread(data, 1, 1 << 20, file);
  fclose(file);
  return data;
}

struct recording {
  uint32_t plots, services, heights_3d, repeats, malformed, other, of_address[2], addresses_other;
  uint32_t rotation_128, time_first, time_last;
};

static void recording_read(enum capture_kind kind, const uint8_t *data, size_t size, const uint32_t address[2],
                           struct recording *r) {
  struct asterix_window *window = calloc(1, sizeof *window);
  struct capture_block out;
  struct weft_error err;
  memset(r, 0, sizeof *r);
  r->time_first = UINT32_MAX;
  capture_open(&capture, kind, "recording");
  while (capture_take(&capture, &data, &size, &out, &err) == CAPTURE_BLOCK) {
    uint32_t at = ASTERIX_HEAD_SIZE;
    struct asterix_record record;
    enum asterix_status status;
    while ((status = asterix_record_next(&out.block, &at, &record)) != ASTERIX_END) {
      r->malformed += status == ASTERIX_MALFORMED;
      r->other += status == ASTERIX_OTHER;
      if (status != ASTERIX_OK) continue;
      r->repeats += asterix_window_repeat(window, record.data, record.size);
      if (record.category == ASTERIX_SERVICE) {
        r->services++;
        if (record.service.has_rotation) r->rotation_128 = (uint32_t)(record.service.rotation_s * 128);
        continue;
      }
      r->plots++;
      r->heights_3d += record.plot.has_height_3d;
      if (record.plot.address == address[0]) r->of_address[0]++;
      else if (record.plot.address == address[1]) r->of_address[1]++;
      else r->addresses_other++;
      if (record.plot.time_of_day < r->time_first) r->time_first = record.plot.time_of_day;
      if (record.plot.time_of_day > r->time_last) r->time_last = record.plot.time_of_day;
    }
  }
  free(window);
}

static void real_pcap_has_128_plots_34_services_and_half_are_repeats(void **state) {
  (void)state;
  size_t size = 0;
  uint8_t *data = file_read(FOLDER "cat_034_048.pcap", &size);
  assert_non_null(data);
  struct recording r;
  assert_int_equal(sniff_file(data, size), SNIFF_PCAP);
  recording_read(CAPTURE_PCAP, data, size, (const uint32_t[2]){0, 0}, &r);
  assert_int_equal(r.plots, 128);
  assert_int_equal(r.services, 34);
  assert_int_equal(r.heights_3d, 48);
  assert_int_equal(r.repeats, 81);
  assert_int_equal(r.malformed + r.other, 0);
  assert_int_equal(capture.counts.packets, 100);
  free(data);
  data = file_read(FOLDER "cat_062_065.pcap", &size);
  assert_non_null(data);
  recording_read(CAPTURE_PCAP, data, size, (const uint32_t[2]){0, 0}, &r);
  assert_int_equal(r.other, 2); /* blocks of categories 062 and 065 */
  assert_int_equal(r.plots + r.services + r.malformed, 0);
  free(data);
}

static void real_gps_has_two_aircraft_over_79_minutes(void **state) {
  (void)state;
  size_t size = 0;
  uint8_t *data = file_read(FOLDER "068test_bds30.gps", &size);
  assert_non_null(data);
  struct recording r;
  assert_int_equal(sniff_file(data, size < SNIFF_SIZE ? size : SNIFF_SIZE), SNIFF_GPS);
  recording_read(CAPTURE_GPS, data, size, (const uint32_t[2]){0x343085, 0x3430d8}, &r);
  assert_int_equal(r.plots, 1830);
  assert_int_equal(r.services, 951);
  assert_int_equal(r.of_address[0], 951);
  assert_int_equal(r.of_address[1], 879);
  assert_int_equal(r.addresses_other + r.malformed + r.other + r.repeats, 0);
  assert_int_equal(r.rotation_128, 638); /* 4.984375 s */
  assert_int_equal((r.time_last - r.time_first) / 128 / 60, 79);
  free(data);
}

/* Every 97th length: what is left reads as before, and nothing beyond it. */
static void real_gps_cut_anywhere_loses_one_block_at_most(void **state) {
  (void)state;
  size_t size = 0;
  uint8_t *data = file_read(FOLDER "068test_bds30.gps", &size);
  assert_non_null(data);
  uint64_t blocks_before = 0;
  for (size_t cut = CAPTURE_GPS_HEAD; cut < size; cut += 97) {
    struct recording r;
    uint8_t *copy = malloc(cut); /* its own piece, so that the sanitizer sees a byte too many */
    memcpy(copy, data, cut);
    recording_read(CAPTURE_GPS, copy, cut, (const uint32_t[2]){0, 0}, &r);
    free(copy);
    capture_end(&capture);
    assert_true(capture.counts.cut <= 1);
    assert_true(r.malformed == 0 && capture.counts.blocks >= blocks_before);
    assert_int_equal(r.plots + r.services, capture.counts.blocks); /* one record each in this file */
    blocks_before = capture.counts.blocks;
  }
  free(data);
}

int main(void) {
  static const char *const needed[] = {FOLDER "cat_034_048.pcap", FOLDER "cat_062_065.pcap", FOLDER "068test_bds30.gps"};
  for (int i = 0; i < 3; i++) {
    FILE *file = fopen(needed[i], "rb");
    if (!file) {
      printf("skipped: %s is not there\n", needed[i]);
      return 77;
    }
    fclose(file);
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_pcap_has_128_plots_34_services_and_half_are_repeats),
      cmocka_unit_test(real_gps_has_two_aircraft_over_79_minutes),
      cmocka_unit_test(real_gps_cut_anywhere_loses_one_block_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
