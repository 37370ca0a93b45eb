/* Recordings of ASTERIX: pcap, the .gps final format, and raw concatenated blocks, read in chunks of any size. Yields blocks, each
 * with its capture time where the recording has one. */
#ifndef WEFT_INGEST_CAPTURE_H
#define WEFT_INGEST_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/ingest/asterix.h"

enum capture_kind { CAPTURE_PCAP, CAPTURE_GPS, CAPTURE_RAW };
enum {
  CAPTURE_PACKET_MAX = 262144, /* bytes of one captured packet, libpcap's own limit */
  CAPTURE_GPS_HEAD = 2200,
  CAPTURE_GPS_TRAILER = 10
};

struct capture_block {
  struct asterix_block block; /* valid until the next call */
  bool has_time;
  int64_t time_ns;            /* of capture, Unix UTC */
  const uint8_t *datagram;    /* with CAPTURE_DATAGRAM: a whole payload that begins with `WEFT`, */
  uint32_t datagram_size;     /* and its bytes; valid until the next call */
};

/* What was seen and not yielded. */
struct capture_counts {
  uint64_t packets;    /* pcap records */
  uint64_t payloads;   /* UDP payloads */
  uint64_t blocks;     /* yielded */
  uint64_t other;      /* packets that are not UDP over IPv4 or IPv6, or whose headers are cut or broken */
  uint64_t fragments;  /* pieces of fragmented packets, skipped */
  uint64_t cut;        /* blocks that did not end within their payload or file */
};

enum capture_status {
  CAPTURE_MORE,   /* everything given was taken in */
  CAPTURE_BLOCK,  /* *out */
  CAPTURE_DATAGRAM, /* *out, only where they are wanted */
  CAPTURE_BROKEN  /* the recording can't be read further: *err says why and what to do. Stays so. */
};

/* One recording being read, about 256 KiB, owned by the caller. */
struct capture {
  enum capture_kind kind;
  const char *name;
  struct capture_counts counts;
  uint64_t offset;        /* bytes taken */
  uint8_t stage;          /* which unit is being gathered */
  bool broken;
  bool wants_datagrams;   /* set after opening: payloads of weft's own wire format are yielded (pcap) */
  bool swapped, nanoseconds; /* pcap */
  uint32_t link;          /* pcap link type */
  bool has_time;
  int64_t time_ns;
  uint32_t used, need;    /* of held; need = bytes that make the unit whole */
  size_t payload, payload_end; /* of held: blocks still to be yielded */
  uint8_t held[CAPTURE_PACKET_MAX + 16];
};

/* `name` is for messages and must outlive the capture. */
void capture_open(struct capture *capture, enum capture_kind kind, const char *name);
enum capture_status capture_take(struct capture *capture, const uint8_t **data, size_t *size,
                                 struct capture_block *out, struct weft_error *err);
/* After the last byte: counts a last block cut short. True when the recording ended on a whole unit. A .gps recording
 * may also end before or within a trailer. */
bool capture_end(struct capture *capture);

#endif
