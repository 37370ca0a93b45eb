/* HOST:PORT as people write it; an IPv6 address in brackets: [::1]:4000. */
#ifndef WEFT_BASE_ADDRESS_H
#define WEFT_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False, nothing written, for what is none: no host, one longer than `size` - 1, more than one colon without brackets, a port
 * that is no decimal number from 0 to 65535. */
bool address_split(const char *text, char *host, size_t size, uint16_t *port);

#endif
