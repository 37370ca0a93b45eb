#include "engine/ingest/sniff.h"

#include <stdbool.h>
#include <string.h>

#include "engine/ingest/asterix_item.h"
#include "engine/ingest/capture.h"

const char *const sniff_names[] = {"empty",       "CSV",         "pcap",         "pcapng",     "ASTERIX .gps recording",
                                   "raw ASTERIX", "weft journal", "weft track lines", "unknown"};

static bool text_byte(uint8_t b) { return b >= 0x20 || b == '\t' || b == '\n' || b == '\r'; }

static bool text_all(const uint8_t *head, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!text_byte(head[i])) return false;
  return true;
}

static bool text_first_line(const uint8_t *head, size_t size) {
  const uint8_t *end = memchr(head, '\n', size);
  return text_all(head, end ? (size_t)(end - head) : size);
}

/* First byte that is no blank, behind a byte order mark if there is one. */
static uint8_t first_visible(const uint8_t *head, size_t size) {
  size_t i = size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (i < size && (head[i] == ' ' || head[i] == '\t' || head[i] == '\n' || head[i] == '\r')) i++;
  return i < size ? head[i] : 0;
}

/* Whole blocks that follow each other from `at`, each with `trailer` bytes behind; 0 as soon as one is no block. The
 * categories in use are 1 to 65 and 128 to 255, which keeps letters out. */
static uint32_t chain_count(const uint8_t *head, size_t size, size_t at, size_t trailer) {
  uint32_t count = 0;
  while (at < size && size - at >= ASTERIX_HEAD_SIZE) {
    uint8_t category = head[at];
    uint32_t length = asterix_u16(head + at + 1);
    if (category == 0 || (category > 65 && category < 128) || length <= ASTERIX_HEAD_SIZE) return 0;
    if (length > size - at) break;
    count++;
    at += length + trailer;
  }
  return count;
}

enum sniff_kind sniff_file(const uint8_t *head, size_t size) {
  if (size == 0) return SNIFF_EMPTY;
  if (size > SNIFF_SIZE) size = SNIFF_SIZE;
  if (size >= 8 && memcmp(head, "WEFTJRNL", 8) == 0) return SNIFF_JOURNAL;
  static const char magics[5][5] = {"\xa1\xb2\xc3\xd4", "\xd4\xc3\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x4d\x3c\xb2\xa1",
                                    "\x0a\x0d\x0d\x0a"};
  for (int i = 0; size >= 4 && i < 5; i++)
    if (memcmp(head, magics[i], 4) == 0) return i == 4 ? SNIFF_PCAPNG : SNIFF_PCAP;
  bool json = first_visible(head, size) == '{';
  if (text_all(head, size)) return json ? SNIFF_TRACKS : SNIFF_CSV;
  /* A wrong guess at the framing may find a block or two by chance; the right one finds them all. */
  uint32_t gps = chain_count(head, size, CAPTURE_GPS_HEAD, CAPTURE_GPS_TRAILER);
  uint32_t raw = chain_count(head, size, 0, 0);
  if (gps > 0 || raw > 0) return gps >= raw ? SNIFF_GPS : SNIFF_ASTERIX;
  if (json) return SNIFF_TRACKS;
  return text_first_line(head, size) ? SNIFF_CSV : SNIFF_UNKNOWN;
}
