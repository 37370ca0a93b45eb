// stage: weft_base
// wraps: fchmod fchown
/* Small files that are whole at any moment: a failure on the way leaves what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/safe_file.h"

static char folder[32], path[64], beside[80];
static int mode_error, owner_error; /* what the next calls fail with, 0: nothing */

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode) {
  if (!mode_error) return __real_fchmod(fd, mode);
  errno = mode_error;
  return -1;
}

int __real_fchown(int fd, uid_t owner, gid_t group);
int __wrap_fchown(int fd, uid_t owner, gid_t group);
int __wrap_fchown(int fd, uid_t owner, gid_t group) {
  if (!owner_error) return __real_fchown(fd, owner, group);
  errno = owner_error;
  return -1;
}

static int setup(void **state) {
  (void)state;
  strcpy(folder, "/tmp/weft-safe-XXXXXX");
  mode_error = owner_error = 0;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(beside, sizeof beside, "%s.new", path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  unlink(beside);
  return rmdir(folder);
}

/* The file's text; empty where there is none. */
static const char *text_of(const char *name) {
  static char text[64];
  memset(text, 0, sizeof text);
  FILE *file = fopen(name, "r");
  if (!file) return text;
  size_t size = fread(text, 1, sizeof text - 1, file);
  text[size] = '\0';
  fclose(file);
  return text;
}

static void a_replacement_that_fails_leaves_the_old_bytes(void **state) {
  (void)state;
  struct weft_error err = {""};
  assert_int_equal(safe_file_replace(path, "old", 3, NULL, &err), 0);
  assert_int_equal(mkdir(beside, 0700), 0); /* what stands in the way can't be removed as a file */
  assert_true(safe_file_replace(path, "new", 3, NULL, &err) < 0);
  assert_non_null(strstr(err.text, "file.new: can't be removed"));
  assert_string_equal(text_of(path), "old");
  assert_int_equal(rmdir(beside), 0);
  assert_int_equal(symlink("nowhere", beside), 0); /* left by a crash: a link is not followed */
  assert_int_equal(safe_file_replace(path, "old", 3, NULL, &err), 0);
  struct stat like;
  assert_int_equal(stat(path, &like), 0);
  mode_error = EIO;
  assert_int_equal(safe_file_replace(path, "new", 3, &like, &err), -EIO);
  mode_error = 0, owner_error = EIO;
  assert_int_equal(safe_file_replace(path, "new", 3, &like, &err), -EIO);
  assert_non_null(strstr(err.text, "writing failed: Input/output error"));
  assert_string_equal(text_of(path), "old");
  assert_int_equal(access(beside, F_OK), -1);
  owner_error = EPERM; /* no right to give a file away: its new owner keeps it */
  assert_int_equal(safe_file_replace(path, "new", 3, &like, &err), 0);
  assert_string_equal(text_of(path), "new");
}

static void a_path_too_long_for_its_neighbour_is_refused(void **state) {
  (void)state;
  char longest[PATH_MAX];
  memset(longest, 'f', sizeof longest);
  longest[sizeof longest - 4] = '\0';
  struct weft_error err = {""};
  assert_int_equal(safe_file_replace(longest, "new", 3, NULL, &err), -ENAMETOOLONG);
}

static void files_of_the_working_folder_need_no_slash(void **state) {
  (void)state;
  char before[PATH_MAX];
  struct weft_error err = {""};
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(folder), 0);
  int made = safe_file_create("file", "one", 3, &err), replaced = safe_file_replace("file", "two", 3, NULL, &err);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(made, 0);
  assert_int_equal(replaced, 0);
  assert_string_equal(text_of(path), "two");
}

int main(void) {
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      IN_FOLDER(a_replacement_that_fails_leaves_the_old_bytes),
      IN_FOLDER(a_path_too_long_for_its_neighbour_is_refused),
      IN_FOLDER(files_of_the_working_folder_need_no_slash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
