#include "engine/emit/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port_of(int fd) {
  struct sockaddr_storage bound = {0};
  socklen_t size = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &size) < 0) return -errno;
  if (bound.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
  // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) set above; the analyzer loses it in the cast
  return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

static int socket_listen(const struct addrinfo *where) {
  int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int one = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
      bind(fd, where->ai_addr, where->ai_addrlen) < 0 || listen(fd, LISTENER_BACKLOG) < 0) {
    int code = -errno;
    close(fd);
    return code;
  }
  return fd;
}

static int spare_open(void) { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

int listener_open(struct listener *listener, const struct listen_address *address, const char *what,
                  struct weft_error *err) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  char port_text[8];
  *listener = (struct listener){.fd = -1, .spare = -1};
  snprintf(port_text, sizeof port_text, "%u", (unsigned)address->port);
  int rc = getaddrinfo(address->host, port_text, &hints, &found);
  if (rc) {
    return weft_fail(err, -EADDRNOTAVAIL, "%s: host '%s': %s; give an address of this machine", what, address->host,
                     gai_strerror(rc));
  }
  int fd = socket_listen(found);
  freeaddrinfo(found);
  if (fd < 0) {
    return weft_fail(err, fd, "%s: cannot listen on %s:%s: %s; choose a free port or an address of this machine", what,
                     address->host, port_text, strerror(-fd));
  }
  int port = port_of(fd);
  if (port < 0) {
    close(fd);
    return weft_fail(err, port, "%s: cannot learn the bound port: %s", what, strerror(-port));
  }
  *listener = (struct listener){.fd = fd, .spare = spare_open()};
  return port;
}

int listener_accept(struct listener *listener) {
  int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) return fd;
  int code = errno;
  if (code == EINTR || code == ECONNABORTED) return -EAGAIN; /* the event comes again if there is more */
  if ((code == EMFILE || code == ENFILE) && listener->spare >= 0) {
    close(listener->spare);
    fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    listener->spare = spare_open();
    return fd >= 0 ? -EMFILE : -EAGAIN;
  }
  return -code;
}

void listener_close(struct listener *listener) {
  if (listener->fd >= 0) close(listener->fd);
  if (listener->spare >= 0) close(listener->spare);
  *listener = (struct listener){.fd = -1, .spare = -1};
}
