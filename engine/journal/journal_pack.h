/* Packed segments, version 2 of the format: the same header, then blocks of many records instead of records. A block is
 * deflate (RFC 1951, by igzip) over its records taken apart: all record headers, all states, then each column of all
 * detections, without padding, every one of these byte by byte (all first bytes of its elements, all second bytes, ...), so
 * that what changes little lies together. Unpacking gives the very bytes of the records.
 *
 * Block:
 *     0  char[4]  "WJZB"
 *     4  u32      CRC32C of bytes 8..47
 *     8  u64      length of the block with header and padding, a multiple of 8
 *    16  u64      bytes of its records, unpacked
 *    24  u64      bytes of these without padding: what the deflate stream gives
 *    32  u32      bytes of the deflate stream
 *    36  u32      CRC32C of bytes 48..length
 *    40  u64      records
 *    48  the deflate stream, zero-padded to 8
 *
 * The last block has no records and no stream (length 48); its bytes 16..31 are the totals of the segment: bytes of records,
 * and records. A segment without it was cut. */
#ifndef WEFT_JOURNAL_PACK_H
#define WEFT_JOURNAL_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "engine/journal/journal_format.h"

#define JOURNAL_BLOCK_MAGIC "WJZB"
enum {
  JOURNAL_BLOCK_HEADER_BYTES = 48,
  JOURNAL_BLOCK_RAW_BYTES = 1 << 20,    /* a block is closed before the record that would take it beyond this */
  JOURNAL_BLOCK_RAW_BYTES_MAX = 64 << 20 /* of any block: one record may be larger */
};

struct journal_block {
  size_t length;      /* in the file */
  size_t raw_bytes;   /* of its records */
  size_t loose_bytes; /* of these without padding */
  uint64_t records;   /* 0: the last block; raw_bytes and loose_bytes are then the segment's totals, bytes and records */
};

/* Longest block that records of so many bytes can give. */
size_t journal_block_size_max(size_t raw_bytes);

/* Packs whole records, `raw_bytes` (1 to JOURNAL_BLOCK_RAW_BYTES_MAX) of them, into `out` of journal_block_size_max bytes.
 * `scratch` has raw_bytes. Returns the block's length, or 0 where the records are not good ones or igzip fails. */
size_t journal_block_pack(const uint8_t *records, size_t raw_bytes, uint8_t *out, uint8_t *scratch);

/* The last block: JOURNAL_BLOCK_HEADER_BYTES into `out`. */
void journal_block_end(uint64_t raw_bytes, uint64_t records, uint8_t *out);

/* Looks at a block's header, at least JOURNAL_BLOCK_HEADER_BYTES at `data` or JOURNAL_CUT. */
enum journal_verdict journal_block_measure(const uint8_t *data, size_t size, struct journal_block *block);

/* Unpacks a measured block with records that lies whole at `data`. `records` has raw_bytes, `scratch` loose_bytes. Any
 * damage that the CRCs let through is JOURNAL_CORRUPT, never a write beyond these. */
enum journal_verdict journal_block_unpack(const uint8_t *data, const struct journal_block *block, uint8_t *records,
                                          uint8_t *scratch);

#endif
