// stage: weft_ingest weft_domain weft_base weft_kernels
/* One sealed datagram, and the files that keys are in. */
#include "tests/unit/sealed_support.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

static void bytes_of(const char *hex, uint8_t *out) {
  for (size_t i = 0; hex[2 * i]; i++) {
    unsigned value;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
    out[i] = (uint8_t)value;
  }
}

/* RFC 8439, section 2.8.2. */
static void the_cipher_is_that_of_rfc_8439(void **state) {
  (void)state;
  static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                             "sunscreen would be it.";
  uint8_t key[32], nonce[12], associated[12], cipher[sizeof text - 1 + 16], begin[16], tag[16];
  for (int i = 0; i < 32; i++) key[i] = (uint8_t)(0x80 + i);
  bytes_of("070000004041424344454647", nonce);
  bytes_of("50515253c0c1c2c3c4c5c6c7", associated);
  bytes_of("d31a8d34648e60db7b86afbc53ef7ec2", begin);
  bytes_of("1ae10b594f09e26a7e902ecbd0600691", tag);
  assert_int_equal(seal_begin(), 0);
  crypto_aead_chacha20poly1305_ietf_encrypt(cipher, NULL, (const uint8_t *)text, sizeof text - 1, associated,
                                            sizeof associated, NULL, nonce, key);
  assert_memory_equal(cipher, begin, 16);
  assert_memory_equal(cipher + sizeof text - 1, tag, 16);
}

/* Made by tests/e2e/common/weft_seal.py, from the texts of the RFC and the wire format alone. */
static const char hand_plain[] =
    "57454654010101000403020101000000887766554433221100c21542fe9c9717400000006ae7a70a000000000000000015cd853dfe9c9717"
    "01000f0000000000000000000c24fe40000000000000f43f000000000000e03f000000000088a3c000000000000000000000000000000000";
static const char hand_sealed[] =
    "57454654010103000403020101000b0a887766554433221100c21542fe9c971750000000dd8d084e00000000000000003f6e26d4a7a81c63"
    "a1fd37a84262fad8ee85a4c25a740617c0bb406ff12cb9066ed7e041783f075d13c070aab89ddf6299f5072632914ff6e8e869fb94376770"
    "120de73296858b7f2f5331118da499d6";
enum { PLAIN = 112, SEALED = 128 };

static void sealed_bytes_are_those_made_by_hand(void **state) {
  (void)state;
  uint8_t data[SEALED], want[SEALED], key[SEAL_KEY_SIZE], body[64];
  for (int i = 0; i < SEAL_KEY_SIZE; i++) key[i] = (uint8_t)(i + 1);
  bytes_of(hand_plain, data);
  bytes_of(hand_sealed, want);
  assert_true(wire_crc_ok(data, PLAIN));
  assert_int_equal(seal_close(data, PLAIN, SEALED - 1, 0x0a0b, key), 0);
  assert_int_equal(seal_close(data, PLAIN, SEALED, 0x0a0b, key), SEALED);
  assert_memory_equal(data, want, SEALED);
  struct wire_header header;
  assert_int_equal(wire_header_decode(data, SEALED, &header), WIRE_OK);
  assert_int_equal(header.key_epoch, 0x0a0b);
  assert_true(wire_crc_ok(data, SEALED));
  assert_true(seal_open(data, SEALED, key, body));
  bytes_of(hand_plain, want);
  assert_memory_equal(body, want + WIRE_HEADER_SIZE, 64);
}

/* All of the datagram is bound in but the CRC, which the intake checks. */
static void a_seal_opens_for_no_other_bit(void **state) {
  (void)state;
  uint8_t data[SEALED], key[SEAL_KEY_SIZE], body[64];
  for (int i = 0; i < SEAL_KEY_SIZE; i++) key[i] = (uint8_t)(i + 1);
  bytes_of(hand_sealed, data);
  for (int bit = 0; bit < 8 * SEALED; bit++) {
    bool crc = bit / 8 >= WIRE_OFFSET_CRC && bit / 8 < WIRE_OFFSET_CRC + 4;
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (seal_open(data, SEALED, key, body) != crc) fail_msg("bit %d of byte %d", bit % 8, bit / 8);
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (int bit = 0; bit < 8 * SEAL_KEY_SIZE; bit++) {
    key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(seal_open(data, SEALED, key, body));
    key[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static int text_read(const char *text, struct key_list *list, struct weft_error *err) {
  return key_text_read(text, strlen(text), "f.key", list, err);
}

static void key_files_are_read_as_documented(void **state) {
  (void)state;
  struct key_list list;
  struct weft_error err = {""};
  char text[512];
  snprintf(text, sizeof text, "# of sensor 7\r\n\n  65535\t%s  \r\n0 %s", bench_hex("aB"), bench_hex("01"));
  assert_int_equal(text_read(text, &list, &err), 0);
  assert_int_equal(list.count, 2);
  assert_int_equal(list.keys[0].epoch, 65535);
  assert_int_equal(list.keys[0].bytes[31], 0xab);
  assert_int_equal(list.keys[1].epoch, 0);
  assert_int_equal(list.keys[1].bytes[0], 1);
  assert_int_equal(key_list_newest(&list)->epoch, 65535);
}

static void bad_key_files_are_refused_with_their_line_and_no_key(void **state) {
  (void)state;
  static const struct {
    const char *format, *place, *says;
  } cases[] = {
      {"", "f.key:0:", "no key"},
      {"# nothing\n\n", "f.key:2:", "no key"},
      {"1 %s\n65536 %s\n", "f.key:2:", "0 to 65535"},
      {"1 %s\n6553600 %s\n", "f.key:2:", "0 to 65535"},
      {"1 %s\n-2 %s\n", "f.key:2:", "0 to 65535"},
      {"1 %s\n%s\n", "f.key:2:", "epoch"},
      {"1 %.63s\n", "f.key:1:", "64 hexadecimal"},
      {"1 %s0\n", "f.key:1:", "64 hexadecimal"},
      {"1 %s x\n", "f.key:1:", "64 hexadecimal"},
      {"1 %.63sg\n", "f.key:1:", "64 hexadecimal"},
      {"1 %.63s/\n", "f.key:1:", "64 hexadecimal"},
      {"1 %.63s:\n", "f.key:1:", "64 hexadecimal"},
      {"1 %.63sG\n", "f.key:1:", "64 hexadecimal"},
      {"1x%s\n", "f.key:1:", "and a blank"},
      {"1 %s\n2 %.60s\n", "f.key:2:", "64 hexadecimal"},
      {"1\n", "f.key:1:", "epoch"},
      {"1 %s\n\n1 %s\n", "f.key:3:", "epoch stands in the file already"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct key_list list;
    struct weft_error err = {""};
    char text[512];
    snprintf(text, sizeof text, cases[i].format, bench_hex("ab"), bench_hex("cd"));
    assert_int_equal(text_read(text, &list, &err), -EINVAL);
    if (!strstr(err.text, cases[i].place) || !strstr(err.text, cases[i].says)) fail_msg("%s", err.text);
    assert_null(strstr(err.text, "abab"));
    assert_null(strstr(err.text, "cdcd"));
    assert_int_equal(list.count, 0);
    for (size_t b = 0; b < sizeof list; b++) assert_int_equal(((const uint8_t *)&list)[b], 0); /* wiped */
  }
  struct key_list list;
  struct weft_error err = {""};
  char text[2048] = "";
  snprintf(text, sizeof text, "1 %s\n2 %s\n", bench_hex("ab"), bench_hex("AB"));
  assert_int_equal(text_read(text, &list, &err), -EINVAL);
  assert_non_null(strstr(err.text, "f.key:2: this key stands in the file already"));
  size_t used = 0;
  for (int i = 0; i <= KEY_EPOCHS_MAX; i++) {
    char two[3];
    snprintf(two, sizeof two, "%02x", i);
    used += (size_t)snprintf(text + used, sizeof text - used, "%d %s\n", i, bench_hex(two));
  }
  assert_int_equal(text_read(text, &list, &err), -EINVAL);
  assert_non_null(strstr(err.text, "f.key:17: one key too many"));
}

static void a_made_key_is_new_and_private_and_never_overwritten(void **state) {
  (void)state;
  struct bench bench;
  bench_folder(&bench);
  char path[128];
  struct weft_error err = {""};
  struct key_list list, first;
  struct stat status;
  uint16_t epoch = 0;
  bool loose = true;
  snprintf(path, sizeof path, "%s/new.key", bench.folder);
  assert_int_equal(key_file_make(path, true, &epoch, &err), -ENOENT);
  mode_t old = umask(0);
  assert_int_equal(key_file_make(path, false, &epoch, &err), 0);
  umask(old);
  assert_int_equal(epoch, 1);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  assert_int_equal(key_file_read(path, &first, &loose, &err), 0);
  assert_false(loose);
  assert_int_equal(key_file_make(path, false, &epoch, &err), -EEXIST);
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(key_file_make(path, true, &epoch, &err), 0);
  assert_int_equal(epoch, 2);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640); /* kept */
  assert_int_equal(key_file_read(path, &list, &loose, &err), 0);
  assert_true(loose);
  assert_int_equal(list.count, 2);
  assert_memory_equal(&list.keys[0], &first.keys[0], sizeof first.keys[0]);
  assert_memory_not_equal(list.keys[0].bytes, list.keys[1].bytes, SEAL_KEY_SIZE);
  assert_int_equal(key_list_newest(&list)->epoch, 2);
  bench_key_write(&bench, "bad.key", "1 22\n");
  snprintf(path, sizeof path, "%s/bad.key", bench.folder);
  assert_int_equal(key_file_make(path, true, &epoch, &err), -EINVAL);
  for (int i = 3; i <= KEY_EPOCHS_MAX; i++) {
    snprintf(path, sizeof path, "%s/new.key", bench.folder);
    assert_int_equal(key_file_make(path, true, &epoch, &err), 0);
  }
  assert_int_equal(key_file_make(path, true, &epoch, &err), -E2BIG);
  bench_folder_remove(&bench);
}

/* What `weft key --append` leaves behind can always be read again. */
static void a_key_is_added_only_where_the_file_stays_readable(void **state) {
  (void)state;
  struct bench bench;
  bench_folder(&bench);
  char path[128], *text = calloc(1, KEY_FILE_BYTES_MAX + 64);
  assert_non_null(text);
  snprintf(path, sizeof path, "%s/long.key", bench.folder);
  for (size_t size = KEY_FILE_BYTES_MAX - 160; size <= KEY_FILE_BYTES_MAX + 1; size++) {
    size_t head = (size_t)sprintf(text, "1 %s\n", bench_hex("ab"));
    memset(text + head, '#', size - head);
    text[size] = '\0';
    bench_key_write(&bench, "long.key", text);
    struct weft_error err = {""};
    struct key_list list;
    uint16_t epoch = 0;
    int made = key_file_make(path, true, &epoch, &err);
    if (made < 0) {
      assert_int_equal(made, -EFBIG);
      assert_non_null(strstr(err.text, "16384 bytes"));
    }
    int read = key_file_read(path, &list, NULL, &err);
    if (read != (size > KEY_FILE_BYTES_MAX ? -EFBIG : 0)) fail_msg("%zu bytes: made %d, read %d", size, made, read);
    if (made == 0) assert_true(list.count == 2 && epoch == 2 && size < KEY_FILE_BYTES_MAX - 70);
  }
  free(text);
  bench_folder_remove(&bench);
}

static void what_is_no_key_file_is_named_as_that(void **state) {
  (void)state;
  struct bench bench;
  bench_folder(&bench);
  struct weft_error err = {""};
  struct key_list list;
  uint16_t epoch;
  char path[128], text[256];
  assert_int_equal(key_file_read(bench.folder, &list, NULL, &err), -EINVAL);
  assert_non_null(strstr(err.text, "no regular file"));
  snprintf(text, sizeof text, "65535 %s", bench_hex("ab"));
  bench_key_write(&bench, "last.key", text);
  snprintf(path, sizeof path, "%s/last.key", bench.folder);
  assert_int_equal(key_file_make(path, true, &epoch, &err), -ERANGE);
  assert_non_null(strstr(err.text, "65535 is the last there is"));
  bench_folder_remove(&bench);
}

static void a_last_line_without_its_end_gets_one(void **state) {
  (void)state;
  struct bench bench;
  bench_folder(&bench);
  struct weft_error err = {""};
  struct key_list list;
  uint16_t epoch;
  char path[128], text[256];
  snprintf(text, sizeof text, "7 %s", bench_hex("ab"));
  bench_key_write(&bench, "open.key", text);
  snprintf(path, sizeof path, "%s/open.key", bench.folder);
  assert_int_equal(key_file_make(path, true, &epoch, &err), 0);
  assert_int_equal(key_file_read(path, &list, NULL, &err), 0);
  assert_true(list.count == 2 && list.keys[1].epoch == 8);
  bench_folder_remove(&bench);
}

static void a_seal_is_made_only_where_it_fits(void **state) {
  (void)state;
  static uint8_t data[WIRE_DATAGRAM_MAX + WIRE_TAG_SIZE];
  static const uint8_t key[SEAL_KEY_SIZE] = {1};
  assert_int_equal(seal_close(data, 100, 100 + WIRE_TAG_SIZE - 1, 1, key), 0);
  assert_int_equal(seal_close(data, WIRE_DATAGRAM_MAX, sizeof data, 1, key), 0);
  assert_int_equal(seal_close(data, WIRE_DATAGRAM_MAX - WIRE_TAG_SIZE, sizeof data, 1, key), WIRE_DATAGRAM_MAX);
}

static void two_sensors_may_not_share_a_key(void **state) {
  (void)state;
  struct bench bench;
  struct weft_error err = {""};
  bench_folder(&bench);
  bench_open(&bench);
  char text[256];
  snprintf(text, sizeof text, "5 %s\n", bench_hex("22"));
  bench_key_write(&bench, "9.key", text);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 0); /* said in the log, nothing changed */
  struct sealed_feeds again;
  struct arena arena;
  assert_int_equal(arena_open(&arena, sealed_feeds_bytes(&bench.site)), 0);
  assert_int_equal(sealed_feeds_open(&again, &arena, &bench.site, &err), -EINVAL);
  if (!strstr(err.text, "9.key") || !strstr(err.text, "sensor 7")) fail_msg("%s", err.text);
  arena_close(&arena);
  bench_close(&bench);
  bench_folder_remove(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cipher_is_that_of_rfc_8439),
      cmocka_unit_test(sealed_bytes_are_those_made_by_hand),
      cmocka_unit_test(a_seal_opens_for_no_other_bit),
      cmocka_unit_test(key_files_are_read_as_documented),
      cmocka_unit_test(bad_key_files_are_refused_with_their_line_and_no_key),
      cmocka_unit_test(a_made_key_is_new_and_private_and_never_overwritten),
      cmocka_unit_test(a_key_is_added_only_where_the_file_stays_readable),
      cmocka_unit_test(what_is_no_key_file_is_named_as_that),
      cmocka_unit_test(a_last_line_without_its_end_gets_one),
      cmocka_unit_test(a_seal_is_made_only_where_it_fits),
      cmocka_unit_test(two_sensors_may_not_share_a_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
