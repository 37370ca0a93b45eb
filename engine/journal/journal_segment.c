#include "engine/journal/journal_segment.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void journal_segment_path(char *path, size_t size, const char *directory, uint64_t number) {
  snprintf(path, size, "%s/%08llu.wj", directory, (unsigned long long)number);
}

uint64_t journal_segment_number(const char *name) {
  size_t digits = strspn(name, "0123456789");
  if (digits < 8 || digits > 18 || strcmp(name + digits, ".wj") != 0) return 0;
  return strtoull(name, NULL, 10);
}

static int number_compare(const void *a, const void *b) {
  uint64_t left, right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return (left > right) - (left < right);
}

static int number_push(uint64_t **numbers, uint64_t *count, uint64_t number) {
  if (*count == JOURNAL_SEGMENTS_MAX) return -E2BIG;
  if ((*count & (*count - 1)) == 0) { /* a power of two, or 0: full */
    uint64_t *grown = realloc(*numbers, (*count ? *count * 2 : 1) * sizeof **numbers);
    if (!grown) return -ENOMEM;
    *numbers = grown;
  }
  (*numbers)[(*count)++] = number;
  return 0;
}

int journal_segment_list(const char *directory, uint64_t **numbers, uint64_t *count) {
  *numbers = NULL;
  *count = 0;
  DIR *dir = opendir(directory);
  if (!dir) return -errno;
  int rc = 0;
  const struct dirent *entry;
  while (rc == 0 && (entry = readdir(dir))) {
    uint64_t number = journal_segment_number(entry->d_name);
    if (number) rc = number_push(numbers, count, number);
  }
  closedir(dir);
  if (rc < 0) {
    free(*numbers);
    *numbers = NULL;
    *count = 0;
    return rc;
  }
  if (*count) qsort(*numbers, *count, sizeof **numbers, number_compare);
  return 0;
}

int journal_segment_newest(const char *directory, uint64_t *newest) {
  uint64_t *numbers, count;
  int rc = journal_segment_list(directory, &numbers, &count);
  *newest = count ? numbers[count - 1] : 0;
  free(numbers);
  return rc;
}
