/* A track report as few bytes, for as long as it waits to be written: without the parts that do not apply. What comes out again writes
 * the same line; the tracker's record (bank) is not kept, and ties are borrowed as they are in the report. */
#ifndef WEFT_EMIT_REPORT_PACK_H
#define WEFT_EMIT_REPORT_PACK_H

#include "engine/domain/report.h"

/* Most words that a report packs into. Without launch and impact it is some 50, with both some 70. */
enum { REPORT_PACK_WORDS_MAX = 1 + sizeof(struct track_report) / sizeof(uint64_t) };

/* Asks for the memory that a report will soon be packed from. */
void report_pack_ask(const struct track_report *report);
/* Words that `report` packs into. */
uint32_t report_pack_words(const struct track_report *report);
/* Writes them. */
void report_pack(const struct track_report *report, uint64_t *out);
/* How many were written at `packed`. */
uint32_t report_packed_words(const uint64_t *packed);
void report_unpack(const uint64_t *packed, struct track_report *report);

#endif
