/* Small files that are whole at any moment, whatever happens: after a crash either the old bytes are there or
 * the new. */
#ifndef WEFT_BASE_SAFE_FILE_H
#define WEFT_BASE_SAFE_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "engine/base/error.h"

/* Makes a new file, mode 0600, with these bytes, and returns when it is on the disk. -EEXIST where there is
 * one already, which is left alone. 0, or a negative errno with `err`. */
int safe_file_create(const char *path, const void *data, size_t size, struct weft_error *err);

/* Replaces a file, or makes it: writes PATH.new, syncs it, renames it to PATH, syncs the folder. Where `like`
 * is given, the new file gets its mode and, as far as rights allow, its owner; else mode 0600. A sync that
 * fails is not tried again on the same file. Allocates nothing. 0, or a negative errno with `err`; PATH is
 * then as it was. */
int safe_file_replace(const char *path, const void *data, size_t size, const struct stat *like,
                      struct weft_error *err);

#endif
