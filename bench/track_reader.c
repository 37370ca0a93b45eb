/* One subscriber of the live track port that keeps up: counts lines, and passed-over tracks by the port's own `missed` lines; writes the
 * lines of every N-th track to a file. Ends with the connection and prints its counts as JSON. Usage:
 * bench_track_reader PORT FILE N */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

static char buffer[BUFFER];
static unsigned long long lines, missed, bytes;

static void line_take(const char *line, size_t size, unsigned long every, FILE *out) {
  static const char skipped[] = "{\"missed\":";
  if (size > sizeof skipped && memcmp(line, skipped, sizeof skipped - 1) == 0) {
    missed += strtoull(line + sizeof skipped - 1, NULL, 10);
    return;
  }
  lines++;
  const char *track = memmem(line, size < 160 ? size : 160, "\"track\":", 8);
  if (track && strtoull(track + 8, NULL, 10) % every == 0) fwrite(line, 1, size, out);
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: bench_track_reader PORT FILE N\n"), 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  unsigned long every = strtoul(argv[3], NULL, 10);
  FILE *out = fopen(argv[2], "w");
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (!out || every == 0 || fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) return perror("bench_track_reader"), 1;
  size_t held = 0;
  ssize_t got;
  while ((got = recv(fd, buffer + held, sizeof buffer - held, 0)) > 0) {
    bytes += (unsigned long long)got;
    size_t end = held + (size_t)got, begin = 0;
    for (char *line_end; (line_end = memchr(buffer + begin, '\n', end - begin)) != NULL; begin = (size_t)(line_end - buffer) + 1)
      line_take(buffer + begin, (size_t)(line_end - buffer) + 1 - begin, every, out);
    memmove(buffer, buffer + begin, end - begin);
    held = end - begin;
  }
  fclose(out);
  close(fd);
  printf("{\"lines\":%llu,\"missed\":%llu,\"bytes\":%llu}\n", lines, missed, bytes);
  return 0;
}
