/* From a captured packet to its UDP payload. Inside of ingest's capture reader. */
#ifndef WEFT_INGEST_CAPTURE_PACKET_H
#define WEFT_INGEST_CAPTURE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_kind { PACKET_UDP, PACKET_FRAGMENT, PACKET_OTHER };

/* Whether packet_payload knows this pcap link type. */
bool packet_link_known(uint32_t link);

/* The payload of a packet of the given pcap link type at [*start, *end) of data. What the capture cut off is not there:
 * *end never passes `size`. */
enum packet_kind packet_payload(uint32_t link, const uint8_t *data, size_t size, size_t *start, size_t *end);

#endif
