/* A datagram's seal: ChaCha20-Poly1305 in the IETF form (RFC 8439). Nonce: u32 0, then the u64 sequence
 * number. Associated data: the 48-byte header as sent, its CRC field 0. The 16-byte tag ends the body and
 * counts in its length; the CRC is over the ciphertext. A (key, sequence) pair must never seal two different
 * datagrams. */
#ifndef WEFT_INGEST_SEAL_H
#define WEFT_INGEST_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_KEY_SIZE = 32, SEAL_FINGERPRINT_SIZE = 8 };

/* Prepares libsodium; to be called before anything else here, any number of times. 0, or -EIO. */
int seal_begin(void);

/* Opens the body of a sealed datagram whose header wire_header_decode found good. `body` has room for size -
 * 48 - 16 bytes and may not overlap `data`. False: not sealed with this key, or altered; then `body` holds
 * zeros. */
bool seal_open(const uint8_t *data, size_t size, const uint8_t key[SEAL_KEY_SIZE], uint8_t *body);

/* Seals a whole unsealed datagram in place: sets flag, epoch, length and CRC, encrypts the body, appends the
 * tag. Returns the new size, or 0 where `capacity` or WIRE_DATAGRAM_MAX is too small. size >=
 * WIRE_HEADER_SIZE. */
size_t seal_close(uint8_t *data, size_t size, size_t capacity, uint16_t epoch,
                  const uint8_t key[SEAL_KEY_SIZE]);

/* A name for a key that does not give it away: the first 64 bits of a keyed BLAKE2b. */
uint64_t seal_fingerprint(const uint8_t key[SEAL_KEY_SIZE]);

#endif
