#include "engine/emit/report_pack.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/ahead.h"

#define FIELD(name) offsetof(struct track_report, name)

/* Neighbouring fields are kept as they lie in the report, from where a piece begins as many words as apply; how many stands before all.
 * The pieces: what every report has, launch, impact, ties, flags. */
enum { PIECES = 5, WORD = sizeof(uint64_t), FOUR = 4 * WORD, SHARES = offsetof(struct impact_estimate, shares) };
static const size_t piece_begin[PIECES] = {0, FIELD(launch), FIELD(impact), FIELD(ties), FIELD(slot)};
struct words {
  uint8_t of[WORD];
};

_Static_assert(FIELD(launch) % WORD == 0 && FIELD(impact) % WORD == 0 && FIELD(ties) % WORD == 0 && FIELD(bank) % WORD == 0 && FIELD(slot) % WORD == 0,
               "pieces begin and end with a word");
_Static_assert(sizeof(struct track_report) / WORD <= UINT8_MAX, "and have few");

static struct words words_of(const struct track_report *report) {
  struct words words = {{FIELD(launch) / WORD}};
  size_t impact = report->impact.region_count ? sizeof report->impact : SHARES;
  if (report->has_launch) words.of[1] = (FIELD(impact) - FIELD(launch)) / WORD;
  if (report->has_impact) words.of[2] = (uint8_t)(impact / WORD);
  if (report->ties) words.of[3] = (FIELD(bank) - FIELD(ties)) / WORD;
  words.of[4] = (sizeof *report - FIELD(slot)) / WORD;
  return words;
}

static uint32_t words_sum(struct words words) {
  uint32_t sum = 1;
  for (int p = 0; p < PIECES; p++) sum += words.of[p];
  return sum;
}

void report_pack_ask(const struct track_report *report) {
  ahead_ask(report, FIELD(ties));
  ahead_ask(&report->has_impact, sizeof report->has_impact);
}

uint32_t report_pack_words(const struct track_report *report) { return words_sum(words_of(report)); }

uint32_t report_packed_words(const uint64_t *packed) {
  struct words words;
  memcpy(&words, packed, sizeof words);
  return words_sum(words);
}

/* A call, or the CPU's own instruction for it, costs more than what it copies here. */
static inline void words_copy(void *to, const void *from, size_t words) {
  char *out = to;
  const char *in = from;
  for (; words >= 4; words -= 4, in += FOUR, out += FOUR) memcpy(out, in, FOUR);
  for (; words > 0; words--, in += WORD, out += WORD) memcpy(out, in, WORD);
}

void report_pack(const struct track_report *report, uint64_t *out) {
  struct words words = words_of(report);
  memcpy(out++, &words, sizeof words);
  for (int p = 0; p < PIECES; p++) {
    words_copy(out, (const char *)report + piece_begin[p], words.of[p]);
    out += words.of[p];
  }
}

void report_unpack(const uint64_t *packed, struct track_report *report) {
  struct words words;
  memcpy(&words, packed++, sizeof words);
  memset(report, 0, sizeof *report);
  for (int p = 0; p < PIECES; p++) {
    words_copy((char *)report + piece_begin[p], packed, words.of[p]);
    packed += words.of[p];
  }
}
