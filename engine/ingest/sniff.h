/* What a file is, by its content and not by its name. */
#ifndef WEFT_INGEST_SNIFF_H
#define WEFT_INGEST_SNIFF_H

#include <stddef.h>
#include <stdint.h>

enum { SNIFF_SIZE = 16384 }; /* give at least this many of the first bytes, or the whole file */

enum sniff_kind {
  SNIFF_EMPTY,    /* no bytes at all */
  SNIFF_CSV,      /* text; whether its header is right, csv.h says better */
  SNIFF_PCAP,
  SNIFF_PCAPNG,   /* not read: `editcap -F pcap IN OUT` converts it */
  SNIFF_GPS,      /* ASTERIX final format: 2,200 bytes, then blocks with trailers */
  SNIFF_ASTERIX,  /* raw ASTERIX blocks */
  SNIFF_JOURNAL,  /* weft journal: begins with "WEFTJRNL" */
  SNIFF_TRACKS,   /* track lines: the first byte that is no blank is '{' */
  SNIFF_UNKNOWN
};
extern const char *const sniff_names[]; /* for people */

enum sniff_kind sniff_file(const uint8_t *head, size_t size);

#endif
