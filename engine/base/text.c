#include "engine/base/text.h"

#include <string.h>

struct text text_open(char *data, size_t capacity) { return (struct text){.data = data, .capacity = capacity}; }

/* Length of the valid UTF-8 sequence at `at` (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF); 0 if none. */
static size_t utf8_length(const unsigned char *at) {
  if (at[0] < 0x80) return 1;
  size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  unsigned char low = 0x80, high = 0xbf; /* allowed second byte */
  if (at[0] == 0xe0) low = 0xa0;
  if (at[0] == 0xed) high = 0x9f;
  if (at[0] == 0xf0) low = 0x90;
  if (at[0] == 0xf4) high = 0x8f;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

/* A character that stands for itself in a JSON string, alone. */
static bool plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void text_json(struct text *text, const char *string) {
  static const char hex[] = "0123456789abcdef";
  const unsigned char *at = (const unsigned char *)string;
  text_char(text, '"');
  while (*at) {
    const unsigned char *begun = at;
    while (plain(*at)) at++;
    text_bytes(text, (const char *)begun, (size_t)(at - begun));
    size_t length = utf8_length(at);
    if (*at == 0) break;
    if (length == 0) {
      text_put(text, "\xef\xbf\xbd");
      at++;
    } else if (*at == '"' || *at == '\\') {
      text_char(text, '\\');
      text_char(text, (char)*at++);
    } else if (*at < 0x20 || *at == 0x7f) {
      char escape[6] = {'\\', 'u', '0', '0', hex[*at >> 4], hex[*at & 15]};
      text_bytes(text, escape, sizeof escape);
      at++;
    } else {
      text_bytes(text, (const char *)at, length);
      at += length;
    }
  }
  text_char(text, '"');
}
