/* The far ends of the server's TCP connections: readers of tracks, one who asks for pages, senders of
 * detections. */
#include <string.h>

#include "tests/sim/world/world.h"

enum { FD_FIRST = 1 << 20, SENSOR_STREAM = 4, PAGES_PER_RUN = 40 };
enum listener_place { AT_DETECTIONS, AT_TRACKS, AT_PAGES };

void pair_levels(struct stream_pair *pair) {
  unsigned ready = 0;
  if (pair->in_size > 0 || pair->client_closed) ready |= IO_READABLE;
  if (pair->out_size < pair->room || pair->client_closed) ready |= IO_WRITABLE;
  if (pair->client_closed) ready |= IO_HANGUP;
  io_sim_fd_ready(world.sim, pair->fd, pair->server_closed ? 0 : ready);
}

static struct stream_pair *connection_make(enum listener_place place) {
  int listening = world.listeners[place];
  if (listening < 0 || world.fds[listening - FD_FIRST].kind != FD_LISTENER ||
      world.fds[listening - FD_FIRST].pending >= 0 || world.socket_count >= WORLD_FDS_MAX - 16)
    return NULL;
  for (int p = 0; p < WORLD_STREAMS_MAX; p++) {
    struct stream_pair *pair = &world.pairs[p];
    if (pair->used) continue;
    *pair = (struct stream_pair){.used = true,
                                 .fd = io_sim_fd_open(world.sim),
                                 .room = PAIR_BYTES,
                                 .read_max = PAIR_BYTES,
                                 .leaves_ns = INT64_MAX};
    weft_assert(pair->fd - FD_FIRST < WORLD_FDS_MAX);
    world.fds[pair->fd - FD_FIRST] = (struct world_fd){.kind = FD_STREAM, .pending = -1, .pair = pair};
    world.fds[listening - FD_FIRST].pending = pair->fd;
    io_sim_fd_ready(world.sim, listening, IO_READABLE);
    world.socket_count++;
    pair_levels(pair);
    return pair;
  }
  return NULL;
}

static void reader_make(int64_t now_ns) {
  struct stream_pair *pair = connection_make(AT_TRACKS);
  if (!pair) return;
  pair->kind = CLIENT_READER;
  if (chance(0.5)) pair->room = 2048 + (uint32_t)prng_below(&world.prng, 8192);
  uint64_t manner = prng_below(&world.prng, 3);
  if (manner == 1) {
    pair->read_max = 64;
    world_mark(MARK_READER_SLOW);
  }
  if (manner == 2) {
    pair->read_max = 0;
    world_mark(MARK_READER_STUCK);
  }
  if (chance(0.3)) pair->leaves_ns = now_ns + (int64_t)uniform(0, 2e9);
}

static void page_ask(void) {
  struct stream_pair *pair = connection_make(AT_PAGES);
  if (!pair) return;
  pair->kind = CLIENT_PAGE;
  const char *ask =
      chance(0.5) ? "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" : "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
  pair->in_size = (uint32_t)strlen(ask);
  memcpy(pair->in, ask, pair->in_size);
  if (chance(0.2)) pair->in_size = (uint32_t)prng_below(&world.prng, pair->in_size);
  if (chance(0.2)) pair->read_max = 16;
  if (chance(0.2)) pair->read_max = 0;
  pair_levels(pair);
}

/* A stream of a few good datagrams that ends well, within a datagram, or with a length that cannot be. */
static void sender_make(void) {
  struct stream_pair *pair = connection_make(AT_DETECTIONS);
  if (!pair) return;
  pair->kind = CLIENT_SENDER;
  uint32_t count = 1 + (uint32_t)prng_below(&world.prng, 8), at = 0, begin = 0;
  for (uint32_t d = 0; d < count; d++) {
    begin = at;
    uint32_t size = traffic_make(SENSOR_STREAM, pair->script + at + 4, sizeof pair->script - at - 4);
    memcpy(pair->script + at, &size, 4);
    at += 4 + size;
  }
  world.tcp_expected += count;
  if (chance(0.3)) {
    world_mark(MARK_STREAM_CUT);
    at = begin + 1 + (uint32_t)prng_below(&world.prng, at - begin - 1);
  } else if (chance(0.3)) {
    world_mark(MARK_STREAM_BROKEN);
    memset(pair->script + at, 0xff, 4);
    at += 4;
    world.tcp_expected++;
  }
  pair->script_size = at;
}

/* Whole lines, each an object. */
static void lines_take(struct stream_pair *pair, const uint8_t *data, uint32_t size) {
  world.digest = digest_add(world.digest, data, size);
  for (uint32_t i = 0; i < size; i++) {
    if (data[i] != '\n') {
      if (pair->line_size < sizeof pair->line)
        pair->line[pair->line_size++] = (char)data[i];
      else
        world_fail("a reader got a line without an end");
      continue;
    }
    if (pair->line_size < 2 || pair->line[0] != '{' || pair->line[pair->line_size - 1] != '}')
      world_fail("a reader got a broken line: %.*s", (int)pair->line_size, pair->line);
    pair->lines++;
    pair->line_size = 0;
  }
}

static void client_close(struct stream_pair *pair) {
  pair->client_closed = true;
  pair_levels(pair);
}

static void client_turn(struct stream_pair *pair, int64_t now_ns) {
  uint32_t take = pair->out_size < pair->read_max ? pair->out_size : pair->read_max;
  if (take > 0) {
    if (pair->kind == CLIENT_READER) lines_take(pair, pair->out, take);
    memmove(pair->out, pair->out + take, pair->out_size - take);
    pair->out_size -= take;
  }
  if (pair->kind == CLIENT_READER && chance(0.002) && pair->in_size < 100) {
    memcpy(pair->in + pair->in_size, "what\n", 5);
    pair->in_size += 5;
  }
  if (pair->kind == CLIENT_SENDER && pair->accepted) {
    uint32_t left = pair->script_size - pair->script_sent, room = PAIR_BYTES - pair->in_size;
    uint32_t give = 1 + (uint32_t)prng_below(&world.prng, 700);
    if (give > left) give = left;
    if (give > room) give = room;
    memcpy(pair->in + pair->in_size, pair->script + pair->script_sent, give);
    pair->in_size += give;
    pair->script_sent += give;
    if (give == left) pair->client_closed = true;
  }
  if (!pair->client_closed && now_ns >= pair->leaves_ns) {
    world_mark(MARK_READER_GONE);
    client_close(pair);
  }
  if (pair->kind == CLIENT_PAGE && pair->server_closed) pair->client_closed = true;
  pair_levels(pair);
}

void clients_turn(int64_t now_ns) {
  if (!world.server) return;
  for (int p = 0; p < WORLD_STREAMS_MAX; p++)
    if (world.pairs[p].used && !world.pairs[p].client_closed) client_turn(&world.pairs[p], now_ns);
  if (now_ns < world.clients_due_ns || world_clock_ns() > world.start_ns + world.duration_ns - 1500000000)
    return;
  world.clients_due_ns = now_ns + 100000000;
  if (world.readers && chance(0.3)) reader_make(now_ns);
  if (world.readers && chance(0.3)) page_ask();
  if (chance(0.2)) sender_make();
}
