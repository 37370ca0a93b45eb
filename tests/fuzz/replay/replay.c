/* Runs one fuzz target over the files of a folder, without a fuzzer: what was once worth keeping is a
 * regression test in every build. */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_ROOM = 1024, INPUT_MAX = 1 << 16 };
static char path[PATH_ROOM];

static void path_say(int signal_number) {
  static const char words[] = "failed at this input: ";
  (void)!write(STDERR_FILENO, words, sizeof words - 1);
  (void)!write(STDERR_FILENO, path, strlen(path));
  (void)!write(STDERR_FILENO, "\n", 1);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

/* The input lies in memory that is as long as it is, so that a sanitizer sees a read beyond it. */
static int input_run(void) {
  static uint8_t bytes[INPUT_MAX];
  FILE *file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: can't be opened\n", path);
    return -1;
  }
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  uint8_t *input = malloc(size ? size : 1);
  if (!input) return -1;
  memcpy(input, bytes, size);
  int rc = LLVMFuzzerTestOneInput(input, size);
  free(input);
  return rc;
}

int main(int argc, char **argv) {
  DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
  if (!folder) {
    fprintf(stderr, "%s: give the folder of a corpus, tests/fuzz/corpus/NAME\n", argv[0]);
    return 2;
  }
  signal(SIGABRT, path_say);
  signal(SIGSEGV, path_say);
  int failed = 0, count = 0;
  const struct dirent *entry;
  while ((entry = readdir(folder))) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
    failed += input_run() != 0;
    count++;
  }
  closedir(folder);
  printf("%d inputs, %d failed\n", count, failed);
  return failed > 0 || count == 0;
}
