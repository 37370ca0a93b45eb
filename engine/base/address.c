#include "engine/base/address.h"

#include <stdlib.h>
#include <string.h>

bool address_split(const char *text, char *host, size_t size, uint16_t *port) {
  const char *colon = strrchr(text, ':');
  if (!colon) return false;
  size_t length = (size_t)(colon - text);
  if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
    text++;
    length -= 2;
  } else if (memchr(text, ':', length)) {
    return false;
  }
  const char *digits = colon + 1;
  bool number = *digits && strspn(digits, "0123456789") == strlen(digits) && strlen(digits) <= 5;
  long value = number ? strtol(digits, NULL, 10) : -1;
  if (length == 0 || length >= size || value < 0 || value > UINT16_MAX) return false;
  memcpy(host, text, length);
  host[length] = 0;
  *port = (uint16_t)value;
  return true;
}
