/* Key files: text, one `EPOCH HEX64` per line (epoch 0 to 65535, 64 hexadecimal digits), blank lines and
 * lines that begin with # allowed. One file per sensor; several epochs are valid side by side. */
#ifndef WEFT_INGEST_KEY_FILE_H
#define WEFT_INGEST_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/ingest/seal.h"

enum {
  KEY_EPOCHS_MAX = 16, /* in one file */
  KEY_FILE_BYTES_MAX = 16 * 1024
};

struct key {
  uint16_t epoch;
  uint8_t bytes[SEAL_KEY_SIZE];
};

/* The keys of one sensor, in order of the file. To be kept in locked memory and wiped with key_list_wipe. */
struct key_list {
  uint32_t count;
  struct key keys[KEY_EPOCHS_MAX];
};

/* Reads and validates. 0, or a negative errno with `err` naming file, line and remedy (never a key); *list is
 * then wiped. *loose (may be NULL) is set where others than the owner may read or write the file. Allocates
 * nothing. */
int key_file_read(const char *path, struct key_list *list, bool *loose, struct weft_error *err);
/* The same from memory; `name` stands for the file in errors. */
int key_text_read(const char *text, size_t size, const char *name, struct key_list *list,
                  struct weft_error *err);
void key_list_wipe(struct key_list *list);

/* The key with the largest epoch; the list must not be empty. */
const struct key *key_list_newest(const struct key_list *list);

/* Makes a random key: in a new file (mode 0600; -EEXIST where there is one), or with `append` as the epoch
 * after the newest of an existing file, which is replaced as a whole, its owner and mode kept. *epoch: what
 * was made; the change is on the disk when this returns 0. */
int key_file_make(const char *path, bool append, uint16_t *epoch, struct weft_error *err);

#endif
