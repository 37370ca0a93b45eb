#include "engine/ingest/seal.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "engine/base/check.h"
#include "engine/ingest/wire.h"

_Static_assert(SEAL_KEY_SIZE == crypto_aead_chacha20poly1305_ietf_KEYBYTES,
               "the contract's keys are 256 bits");
_Static_assert((int)WIRE_TAG_SIZE == (int)crypto_aead_chacha20poly1305_ietf_ABYTES,
               "the contract's tag is 128 bits");

enum { NONCE_SIZE = crypto_aead_chacha20poly1305_ietf_NPUBBYTES };

int seal_begin(void) {
  return sodium_init() < 0 ? -EIO : 0;
}

static void nonce_make(const uint8_t *data, uint8_t nonce[NONCE_SIZE]) {
  memset(nonce, 0, 4);
  memcpy(nonce + 4, data + WIRE_OFFSET_SEQUENCE, 8);
}

static void header_copy(const uint8_t *data, uint8_t header[WIRE_HEADER_SIZE]) {
  memcpy(header, data, WIRE_HEADER_SIZE);
  memset(header + WIRE_OFFSET_CRC, 0, 4);
}

bool seal_open(const uint8_t *data, size_t size, const uint8_t key[SEAL_KEY_SIZE], uint8_t *body) {
  weft_assert(size >= WIRE_HEADER_SIZE + WIRE_TAG_SIZE);
  uint8_t header[WIRE_HEADER_SIZE], nonce[NONCE_SIZE];
  header_copy(data, header);
  nonce_make(data, nonce);
  return crypto_aead_chacha20poly1305_ietf_decrypt(body, NULL, NULL, data + WIRE_HEADER_SIZE,
                                                   size - WIRE_HEADER_SIZE, header, sizeof header, nonce,
                                                   key) == 0;
}

size_t seal_close(uint8_t *data, size_t size, size_t capacity, uint16_t epoch,
                  const uint8_t key[SEAL_KEY_SIZE]) {
  weft_assert(size >= WIRE_HEADER_SIZE);
  size_t sealed = size + WIRE_TAG_SIZE;
  if (sealed > capacity || sealed > WIRE_DATAGRAM_MAX) return 0;
  uint32_t body_size = (uint32_t)(sealed - WIRE_HEADER_SIZE);
  data[WIRE_OFFSET_FLAGS] |= WIRE_SEALED;
  memcpy(data + WIRE_OFFSET_EPOCH, &epoch, sizeof epoch);
  memcpy(data + WIRE_OFFSET_BODY_SIZE, &body_size, sizeof body_size);
  uint8_t header[WIRE_HEADER_SIZE], nonce[NONCE_SIZE];
  header_copy(data, header);
  nonce_make(data, nonce);
  crypto_aead_chacha20poly1305_ietf_encrypt(data + WIRE_HEADER_SIZE, NULL, data + WIRE_HEADER_SIZE,
                                            size - WIRE_HEADER_SIZE, header, sizeof header, NULL, nonce, key);
  wire_crc_write(data, sealed);
  return sealed;
}

uint64_t seal_fingerprint(const uint8_t key[SEAL_KEY_SIZE]) {
  static const char purpose[] = "weft key fingerprint";
  uint8_t hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash, (const uint8_t *)purpose, sizeof purpose - 1, key, SEAL_KEY_SIZE);
  uint64_t fingerprint;
  memcpy(&fingerprint, hash, sizeof fingerprint);
  return fingerprint;
}
