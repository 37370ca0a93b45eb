// stage: weft_base
/* HOST:PORT is taken apart, and what is none is refused with nothing written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/address.h"

static void addresses_are_taken_apart(void **state) {
  (void)state;
  const struct {
    const char *text, *host;
    uint16_t port;
  } cases[] = {{"127.0.0.1:4000", "127.0.0.1", 4000}, {"h:0", "h", 0},      {"fuse.example:65535", "fuse.example", 65535},
               {"[::1]:7", "::1", 7},                 {"[h]:80", "h", 80},  {"[]x:1", "[]x", 1},
               {"h:00080", "h", 80}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char host[16] = "";
    uint16_t port = 1;
    assert_true(address_split(cases[i].text, host, sizeof host, &port));
    assert_string_equal(host, cases[i].host);
    assert_int_equal(port, cases[i].port);
  }
}

static void what_is_none_is_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"",     "h",     ":1",      "[]:1",  "h:",     "h: 1",          "h:-1",          "h:+1",
                                      "h:1x", "::1:7", "h:65536", "h:1e3", "h:000080", "sixteen-letters-:1"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char host[16] = "as it was";
    uint16_t port = 77;
    if (address_split(cases[i], host, sizeof host, &port)) fail_msg("\"%s\" was taken", cases[i]);
    assert_string_equal(host, "as it was");
    assert_int_equal(port, 77);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_are_taken_apart),
      cmocka_unit_test(what_is_none_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
