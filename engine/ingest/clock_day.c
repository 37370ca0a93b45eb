#include "engine/ingest/clock_day.h"

#include <errno.h>

#define HALF_DAY_NS (CLOCK_DAY_NS / 2)

/* Days from 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is last. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t month_from_march = (month + 9) % 12;
  int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

static bool digits_read(const char *text, int count, int64_t *value) {
  *value = 0;
  for (int i = 0; i < count; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *value = *value * 10 + (text[i] - '0');
  }
  return true;
}

int clock_day_date(struct clock_day *clock, const char *text, struct weft_error *err) {
  static const int month_days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int64_t year, month, day;
  bool ok = digits_read(text, 4, &year) && text[4] == '-' && digits_read(text + 5, 2, &month) && text[7] == '-' &&
            digits_read(text + 8, 2, &day) && text[10] == 0;
  ok = ok && year >= 1970 && year <= 2261 && month >= 1 && month <= 12 && day >= 1;
  if (ok) {
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    ok = day <= month_days[month] + (month == 2 && leap);
  }
  if (!ok)
    return weft_fail(err, -EINVAL, "\"%.40s\" is not a date: give YYYY-MM-DD, from 1970-01-01 to 2261-12-31", text);
  clock->date_ns = days_from_civil(year, month, day) * CLOCK_DAY_NS;
  clock->has_date = true;
  return 0;
}

static int64_t midnight_before(int64_t time_ns) {
  int64_t into_day = time_ns % CLOCK_DAY_NS;
  return time_ns - (into_day < 0 ? into_day + CLOCK_DAY_NS : into_day);
}

/* The moment at `of_day_ns` into a day that lies nearest to `near_ns`. */
static int64_t nearest(int64_t of_day_ns, int64_t near_ns) {
  int64_t candidate = midnight_before(near_ns) + of_day_ns;
  if (candidate - near_ns > HALF_DAY_NS) candidate -= CLOCK_DAY_NS;
  else if (near_ns - candidate >= HALF_DAY_NS) candidate += CLOCK_DAY_NS;
  return candidate;
}

int64_t clock_day_resolve(struct clock_day *clock, uint32_t sensor, uint32_t time_of_day, bool has_capture,
                          int64_t capture_ns) {
  uint32_t row = sensor < SITE_SENSORS_MAX ? sensor : SITE_SENSORS_MAX;
  int64_t of_day_ns = (int64_t)time_of_day * 1000000000 / 128; /* exact: 1/128 s is 7,812,500 ns */
  int64_t time_ns;
  if (has_capture) {
    time_ns = nearest(of_day_ns, capture_ns);
    if (clock->has_date && !clock->has_shift) {
      clock->has_shift = true;
      clock->shift_ns = clock->date_ns - midnight_before(time_ns);
    }
    time_ns += clock->shift_ns;
  } else if (clock->known[row]) {
    time_ns = nearest(of_day_ns, clock->last_ns[row]);
  } else if (clock->has_newest) {
    time_ns = nearest(of_day_ns, clock->newest_ns);
  } else {
    time_ns = (clock->has_date ? clock->date_ns : 0) + of_day_ns;
  }
  clock->known[row] = true;
  clock->last_ns[row] = time_ns;
  if (!clock->has_newest || time_ns > clock->newest_ns) clock->newest_ns = time_ns;
  clock->has_newest = true;
  return time_ns;
}
