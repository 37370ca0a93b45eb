/* libFuzzer: any bytes are a site configuration or an error with a text, and an accepted one reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct site site, again;
  struct weft_error err = {""};
  int rc = site_parse((const char *)data, size, "fuzz.yaml", &site, &err);
  if (rc < 0 && err.text[0] == '\0') abort();
  if (rc < 0) return 0;
  if (site.sensor_count == 0 || site.sensor_count > SITE_SENSORS_MAX) abort();
  if (site_parse(site.text, site.text_size, "fuzz.yaml", &again, &err) < 0) abort();
  if (memcmp(site.sensors, again.sensors, sizeof site.sensors) != 0) abort();
  site_free(&again);
  site_free(&site);
  return 0;
}
