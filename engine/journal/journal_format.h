/* The journal on disk, version 1; version 2 is a closed segment packed into blocks (journal_pack.h). Little-endian, every part 8-byte aligned, CRC32C (Castagnoli).
 *
 * A journal is a directory of segments 00000001.wj, 00000002.wj, ... Each segment stands for itself: a header, then frame
 * records until its end. All segments that one process wrote one after the other carry the same run number.
 *
 * Segment header:
 *     0  char[8]  "WEFTJRNL"
 *     8  u32      version = 1, or 2: packed
 *    12  u32      CRC32C of the whole header (header_size bytes) with this field 0
 *    16  u64      header_size, a multiple of 8: the first record begins here
 *    24  u64      segment number, from 1
 *    32  u64      run: creation time of the run's first segment, ns since 1970
 *    40  i64      creation time of this segment, ns since 1970
 *    48  u64      track_base: the first track number that the run gives out
 *    56  u64      first frame: every frame in this segment has at least this number
 *    64  u64      site_size: bytes of the configuration text
 *    72  u64      parameter_size: bytes of the engine's parameters
 *    80  char[64] centre, zero-padded
 *   144  the configuration text, zero-padded to 8; the parameters (text, `key=value` lines), zero-padded to 8
 *
 * Frame record:
 *     0  char[4]  "WJFR"
 *     4  u32      CRC32C of bytes 8..55 of this record header
 *     8  u64      length of the record with header and padding, a multiple of 8
 *    16  u64      frame number
 *    24  i64      frame time, ns
 *    32  u32      overload step
 *    36  u32      count of detections
 *    40  u32      count of sensor states
 *    44  u32      flags: bit 0, the platform column is there
 *    48  u32      CRC32C of bytes 56..length
 *    52  u32      0
 *    56  states, 72 bytes each: i64 time, u64 sequence, u32 sensor index, u32 status, f64[3] position, f64[3] velocity
 *        then the columns of the detections, each zero-padded to 8: i64 time, u64 sequence, u32 sensor index, u16 index,
 *        u8 kind, u16 valid, f32 snr, f64[4] measure, f32[4] sigma, f64[3] platform (with flag bit 0)
 *
 * Time of arrival is not journalled. A segment ends with its last byte; a record cut short, or 56 zero bytes where a
 * record header should stand, is a write that was never finished. */
#ifndef WEFT_JOURNAL_FORMAT_H
#define WEFT_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/domain/frame.h"

#define JOURNAL_MAGIC "WEFTJRNL"
#define JOURNAL_RECORD_MAGIC "WJFR"
enum {
  JOURNAL_VERSION = 1,
  JOURNAL_VERSION_PACKED = 2,
  JOURNAL_COLUMNS = 10, /* of the detections; the last, the platform, may be left out of a record */
  JOURNAL_HEADER_BYTES = 144,
  JOURNAL_RECORD_BYTES = 56,
  JOURNAL_STATE_BYTES = 72,
  JOURNAL_SITE_BYTES_MAX = 16 << 20,
  JOURNAL_PARAMETER_BYTES_MAX = 1 << 16
};

/* Keys among a header's parameters, lines `key=value`. */
#define JOURNAL_CONFIG_KEY "config=" /* the file that the configuration text is from: relative paths keep their meaning */
#define JOURNAL_TRACKS_KEY "tracks_max=" /* room for tracks that the engine had */
#define JOURNAL_BASE_KEY "base_frame=" /* the run goes on from the state after this frame (snapshot.h); absent: from nothing */

/* What a segment header says besides its place in the run. Texts are borrowed by the writer, owned by the reader. */
struct journal_head {
  uint32_t version; /* 0 for the encoder means 1 */
  uint64_t segment;
  uint64_t run;
  int64_t created_ns;
  uint64_t track_base;
  uint64_t first_frame;
  char centre[64];
  const char *site_text;
  uint64_t site_size;
  const char *parameters;
  uint64_t parameter_size;
};

/* The value of a parameter, cut to fit. False where there is none. */
bool journal_parameter(const struct journal_head *head, const char *key, char *value, size_t size);

enum journal_verdict {
  JOURNAL_GOOD,
  JOURNAL_CUT,     /* the bytes end before the record does */
  JOURNAL_CORRUPT, /* wrong magic, CRC, length or value */
  JOURNAL_VERSION_UNKNOWN
};

uint32_t journal_crc(const void *data, size_t size);

size_t journal_head_size(const struct journal_head *head);
void journal_head_encode(const struct journal_head *head, uint8_t *out); /* journal_head_size bytes */
/* Texts point into `data`. *used is the header's size. */
enum journal_verdict journal_head_decode(const uint8_t *data, size_t size, struct journal_head *head, size_t *used);

/* Length of the record whose header begins at `data`, from its first JOURNAL_RECORD_BYTES bytes: JOURNAL_GOOD with *length
 * set, JOURNAL_CUT for fewer or for all zero bytes, else JOURNAL_CORRUPT. */
enum journal_verdict journal_record_measure(const uint8_t *data, size_t size, size_t *length);

/* Does a measured record that lies whole at `data` have the contents that its CRC says? */
bool journal_record_intact(const uint8_t *data, size_t length);

/* What a record's good header (journal_record_measure) says of its contents. */
struct journal_shape {
  uint32_t detections;
  uint32_t states;
  bool platform;
};
struct journal_shape journal_record_shape(const uint8_t *data);
size_t journal_column_width(int column); /* bytes of an element */

size_t journal_record_size(const struct frame *frame);
size_t journal_record_size_max(uint32_t detections); /* of a frame with so many detections and all states */
void journal_record_encode(const struct frame *frame, uint8_t *out); /* journal_record_size bytes */
/* Fills `frame` (arrival_ns 0); JOURNAL_CORRUPT where its capacity is below the record's count. *used is the record's
 * length whenever its header is good. On anything but JOURNAL_GOOD the frame is left empty. A CRC only says that the bytes
 * are those that were written, so what the step relies on is checked as well: known kinds and statuses, finite values,
 * times and sensor indices that can be, zero padding. */
enum journal_verdict journal_record_decode(const uint8_t *data, size_t size, struct frame *frame, size_t *used);

#endif
