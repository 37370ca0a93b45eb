/* The server's end of hot standby against followers that say anything: who is what it should be gets the state and every
 * frame, who is not is given up with the reason, and nobody holds the server up. One thread plays both ends. */
// wraps: send recv
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/engine.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/snapshot.h"
#include "engine/server/standby_port.h"
#include "engine/server/standby_wire.h"
#include "tests/unit/emit_net.h"

enum { TAG = 40, SMALL = 3, ACTIONS_MAX = 8 };

static const char site_text[] =
    "sensors:\n  - {id: 1, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, sigma: {x_m: 20}}\n";

/* The next calls of the port fail with these, 0: they don't. */
static int actions[2][ACTIONS_MAX], action_count[2], action_at[2];
static bool ports_turn; /* the port's calls, not the follower's */

static bool fails(int which) {
  if (!ports_turn || action_at[which] == action_count[which]) return false;
  errno = actions[which][action_at[which]++];
  return errno != 0;
}

ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) { return fails(0) ? -1 : __real_send(fd, data, size, flags); }
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) { return fails(1) ? -1 : __real_recv(fd, data, size, flags); }

static void actions_set(int which, const int *list, int count) {
  memcpy(actions[which], list, (size_t)count * sizeof *list);
  action_count[which] = count;
  action_at[which] = 0;
}

static struct listen_address address = {.enabled = true, .host = "127.0.0.1"};
static struct engine engine;
static struct snapshots *snapshots;
static struct standby_port *port;
static struct io *io;
static struct io_batch *batch;
static struct arena arena;
static struct frame frame;
static struct weft_error err;
static int port_at, pendings;
static int64_t now_ns;
static uint8_t inbox[1 << 20]; /* of the follower */
static size_t inbox_size, inbox_done; /* bytes of it; those of the message that was heard last */

static void pending_count(void *context) {
  (void)context;
  pendings++;
}

static int64_t no_time(void) { return 0; }

static struct standby_port_config config_make(void) {
  return (struct standby_port_config){.address = &address, .snapshots = snapshots, .layout = engine_layout(&engine), .tag_first = TAG,
                                      .frames_pending = pending_count};
}

static int scene_make(void **state) {
  (void)state;
  struct site *site;
  struct engine_options options = {.workers = 1, .tracks_max = 64};
  setenv("HWLOC_SYNTHETIC", "core:2 pu:1", 1);
  log_level_set(0);
  batch = calloc(1, sizeof *batch);
  if (engine_site_parse(site_text, strlen(site_text), "site", &site, &err) < 0 || engine_open(&engine, site, &options, &err) < 0) return -1;
  engine_seal(&engine);
  struct snapshots_options taken = {.engine = &engine};
  assert_int_equal(snapshots_open(&snapshots, &taken, &err), 0);
  assert_int_equal(io_open(IO_PLAIN, NULL, &io, &err), 0);
  struct standby_port_config config = config_make();
  port_at = standby_port_open(&port, &config, io, &err);
  if (port_at <= 0) fail_msg("%s", err.text);
  assert_int_equal(arena_open(&arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096), 0);
  assert_int_equal(frame_open(&frame, &arena, FRAME_DETECTIONS_MAX), 0);
  now_ns = 1000;
  pendings = 0;
  inbox_size = inbox_done = 0;
  action_count[0] = action_count[1] = action_at[0] = action_at[1] = 0;
  return 0;
}

static int scene_end(void **state) {
  (void)state;
  standby_port_close(port);
  io_close(io);
  snapshots_close(snapshots);
  engine_close(&engine);
  arena_close(&arena);
  free(batch);
  return 0;
}

/* The I/O thread until nothing happens any more. */
static void turns_run(void) {
  for (int turn = 0, idle = 0; idle < 2; turn++) {
    assert_true(turn < 10000);
    int got = io_receive(io, batch, 1000000);
    ports_turn = true;
    for (uint32_t i = 0; i < batch->event_count; i++) {
      assert_true(standby_port_owns(port, batch->events[i].token));
      standby_port_ready(port, batch->events[i].token, batch->events[i].result, now_ns);
    }
    io_release(io, batch);
    standby_port_turn(port, now_ns);
    ports_turn = false;
    idle = got > 0 ? 0 : idle + 1;
  }
}

static void say(int fd, uint32_t type, uint64_t first, uint64_t second, size_t length) {
  uint8_t message[STANDBY_HEAD_BYTES + 16];
  standby_numbers_put(message + STANDBY_HEAD_BYTES, first, second);
  standby_head_encode(type, length, message);
  assert_int_equal(send(fd, message, STANDBY_HEAD_BYTES + length, MSG_NOSIGNAL), STANDBY_HEAD_BYTES + length);
  turns_run();
}

static void hello(int fd) { say(fd, STANDBY_HELLO, STANDBY_VERSION, engine_layout(&engine), 16); }
static void ack(int fd, uint64_t number) { say(fd, STANDBY_ACK, number, 0, 8); }

/* A follower that is connected, not greeted yet. */
static int follower_new(void) {
  int fd = net_connect(port_at, 0), one = 1;
  assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0); /* what is said is there at once */
  turns_run();
  inbox_size = inbox_done = 0;
  return fd;
}

/* The next message that has come to the follower; false: none. The payload is in inbox + STANDBY_HEAD_BYTES. */
static bool heard(int fd, struct standby_head *head) {
  memmove(inbox, inbox + inbox_done, inbox_size - inbox_done);
  inbox_size -= inbox_done;
  inbox_done = 0;
  for (ssize_t n; (n = recv(fd, inbox + inbox_size, sizeof inbox - inbox_size, MSG_DONTWAIT)) > 0;) {
    inbox_size += (size_t)n;
    turns_run();
  }
  if (inbox_size < STANDBY_HEAD_BYTES) return false;
  assert_true(standby_head_decode(inbox, sizeof inbox, head));
  assert_true(inbox_size >= STANDBY_HEAD_BYTES + head->length && standby_payload_intact(head, inbox + STANDBY_HEAD_BYTES));
  inbox_done = STANDBY_HEAD_BYTES + (size_t)head->length;
  return true;
}

static void heard_is(int fd, uint32_t type) {
  struct standby_head head;
  assert_true(heard(fd, &head));
  assert_int_equal(head.type, type);
}

static void heard_nothing(int fd) {
  struct standby_head head;
  if (heard(fd, &head)) fail_msg("a message of type %u", head.type);
}

static void frame_close(uint64_t number, uint32_t detections) {
  const struct replay_mark mark = {.sensor_id = 1, .epoch = 2, .fingerprint = 3, .mark = number};
  frame_reset(&frame);
  frame.number = number;
  frame.time_ns = (int64_t)number;
  for (uint32_t i = 0; i < detections; i++) frame_append(&frame, &(struct detection){.time_ns = 1, .kind = KIND_POSITION, .valid = VALID_XYZ});
  ports_turn = true;
  standby_port_frame(port, &frame, &mark, number % 2, now_ns);
  ports_turn = false;
}

/* Greeted, with the state after `number`, which it says that it has. */
static int follower_ready(uint64_t number) {
  int fd = follower_new();
  hello(fd);
  snapshots_frame(snapshots, number, (int64_t)number, no_time);
  turns_run();
  heard_is(fd, STANDBY_STATE);
  ack(fd, 0);
  assert_true(standby_port_figures(port).following);
  return fd;
}

static void gone_check(int fd, const char *when) {
  char byte;
  struct standby_port_figures figures = standby_port_figures(port);
  if (figures.connected || figures.following || figures.lost != 1) fail_msg("%s: is still there", when);
  while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0) continue;
  if (recv(fd, &byte, 1, MSG_DONTWAIT) != 0 && errno != ECONNRESET) fail_msg("%s: its connection is open", when);
  close(fd);
  assert_true(standby_port_has(port, 99)); /* nobody waits for who is gone */
}

static void a_follower_gets_the_state_and_every_frame(void **state) {
  (void)state;
  struct standby_head head;
  assert_true(standby_port_has(port, 1));
  int fd = follower_new();
  frame_close(1, SMALL); /* before it has said who it is: no business of its */
  standby_port_hash(port, 1, 1);
  hello(fd);
  assert_int_equal(pendings, 1);
  frame_close(2, SMALL); /* while the state is copied */
  heard_nothing(fd);
  snapshots_frame(snapshots, 2, 2, no_time);
  turns_run();
  heard_is(fd, STANDBY_STATE);
  heard_is(fd, STANDBY_FRAME);
  assert_true(standby_port_has(port, 2)); /* its lines don't wait for who has no state yet */
  ack(fd, 0);
  assert_false(standby_port_has(port, 2));
  ack(fd, 2);
  assert_true(standby_port_has(port, 2));
  frame_close(2, SMALL); /* again: it has it */
  frame_close(3, SMALL);
  standby_port_hash(port, 3, 4711);
  turns_run();
  heard_is(fd, STANDBY_FRAME);
  assert_true(heard(fd, &head) && head.type == STANDBY_MARKS && head.length == STANDBY_MARK_BYTES);
  assert_true(heard(fd, &head) && head.type == STANDBY_HASH && standby_number(inbox + STANDBY_HEAD_BYTES, 1) == 4711);
  standby_port_late(port);
  ack(fd, 3);
  now_ns += STANDBY_BEAT_NS;
  turns_run();
  heard_is(fd, STANDBY_BEAT);
  heard_nothing(fd);
  standby_port_bye(port, now_ns);
  heard_is(fd, STANDBY_BYE);
  struct standby_port_figures figures = standby_port_figures(port);
  assert_true(figures.connected && figures.following && figures.acknowledged == 3 && figures.frames == 2 && figures.states == 1);
  assert_true(figures.late == 1 && figures.lost == 0);
  close(fd);
}

static void a_second_follower_is_told_so(void **state) {
  (void)state;
  struct standby_head head;
  int first = follower_ready(1), second = follower_new();
  assert_true(heard(second, &head) && head.type == STANDBY_REFUSE);
  assert_memory_equal(inbox + STANDBY_HEAD_BYTES, "another standby follows already", head.length);
  assert_true(standby_port_figures(port).following);
  close(second);
  close(first);
}

static void who_does_not_fit_is_told_why(void **state) {
  static const char *const says[] = {"another version of the protocol", "another build, configuration, --tracks-max or areas"};
  for (int way = 0; way < 2; way++) {
    struct standby_head head;
    scene_end(state);
    scene_make(state);
    int fd = follower_new();
    say(fd, STANDBY_HELLO, way ? STANDBY_VERSION : STANDBY_VERSION + 1, engine_layout(&engine) + 1, 16);
    assert_true(heard(fd, &head) && head.type == STANDBY_REFUSE && head.length == strlen(says[way]));
    assert_memory_equal(inbox + STANDBY_HEAD_BYTES, says[way], head.length);
    gone_check(fd, says[way]);
  }
}

/* What a follower may do wrong, after it was let in that far. */
static void greet_twice(int fd) { hello(fd); }
static void ack_ahead(int fd) { ack(fd, 2); }
static void ack_back(int fd) {
  ack(fd, 1);
  ack(fd, 0);
}
static void beat_back(int fd) { say(fd, STANDBY_BEAT, 0, 0, 0); }
static void hash_back(int fd) { say(fd, STANDBY_HASH, 0, 0, 16); }
static void rubbish(int fd) {
  uint8_t bytes[64];
  memset(bytes, 0x5a, sizeof bytes);
  assert_int_equal(send(fd, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
  turns_run();
}
static void damaged(int fd) {
  uint8_t message[STANDBY_HEAD_BYTES + 8] = {0};
  standby_head_encode(STANDBY_ACK, 8, message);
  message[STANDBY_HEAD_BYTES] ^= 1;
  assert_int_equal(send(fd, message, sizeof message, MSG_NOSIGNAL), sizeof message);
  turns_run();
}
static void leave(int fd) {
  shutdown(fd, SHUT_WR);
  turns_run();
}
static void silent(int fd) {
  (void)fd;
  now_ns += STANDBY_SILENCE_NS + 1;
  turns_run();
}
static void recv_broken(int fd) {
  actions_set(1, (const int[]){EINTR, EAGAIN, ECONNRESET}, 3);
  assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
  turns_run();
}
static void send_broken(int fd) {
  (void)fd;
  actions_set(0, (const int[]){EINTR, EPIPE}, 2);
  frame_close(2, SMALL);
}
static void never_reads(int fd) {
  (void)fd;
  for (uint64_t number = 2; number < 100 && standby_port_figures(port).connected; number++) frame_close(number, FRAME_DETECTIONS_MAX);
}
static void never_reads_hashes(int fd) {
  (void)fd;
  actions_set(0, (const int[]){EAGAIN}, 1);
  for (int i = 0; i < 3000000 && standby_port_figures(port).connected; i++) standby_port_hash(port, 1, 1);
}

static void who_does_wrong_is_given_up(void **state) {
  enum { CONNECTED, GREETED, FOLLOWS, BEHIND }; /* BEHIND: with a frame that it has not acknowledged */
  static const struct {
    const char *what;
    int from;
    void (*act)(int fd);
  } cases[] = {{"acknowledges before it greets", CONNECTED, ack_ahead}, {"does not greet", CONNECTED, silent}, {"rubbish", CONNECTED, rubbish},
               {"leaves", CONNECTED, leave},
               {"greets twice", GREETED, greet_twice}, {"acknowledges before the state", GREETED, ack_ahead}, {"leaves", GREETED, leave},
               {"greets twice", FOLLOWS, greet_twice}, {"acknowledges what it did not get", FOLLOWS, ack_ahead},
               {"takes an acknowledgement back", BEHIND, ack_back}, {"beats", FOLLOWS, beat_back}, {"hashes", FOLLOWS, hash_back},
               {"rubbish", FOLLOWS, rubbish}, {"damage", FOLLOWS, damaged}, {"leaves", FOLLOWS, leave}, {"silence", BEHIND, silent},
               {"a broken connection", FOLLOWS, recv_broken}, {"a broken connection", FOLLOWS, send_broken},
               {"too slow", FOLLOWS, never_reads}, {"too slow for small ones", FOLLOWS, never_reads_hashes}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    scene_end(state);
    scene_make(state);
    int fd = cases[i].from >= FOLLOWS ? follower_ready(1) : follower_new();
    if (cases[i].from == GREETED) hello(fd);
    if (cases[i].from == BEHIND) frame_close(1, SMALL);
    assert_true(standby_port_figures(port).connected);
    cases[i].act(fd);
    gone_check(fd, cases[i].what);
  }
}

/* Silence is no matter where nothing is owed. */
static void who_has_everything_may_be_silent(void **state) {
  (void)state;
  int fd = follower_ready(1);
  for (int i = 0; i < 5; i++) silent(fd);
  assert_true(standby_port_figures(port).following);
  close(fd);
}

/* A state that was asked for by one who has gone lacks frames that the next one needs. */
static void a_state_of_one_who_has_gone_is_not_the_nexts(void **state) {
  (void)state;
  int first = follower_new();
  hello(first);
  close(first);
  turns_run();
  int second = follower_new();
  hello(second);
  snapshots_frame(snapshots, 1, 1, no_time); /* that of the first one */
  turns_run();
  heard_nothing(second);
  snapshots_frame(snapshots, 2, 2, no_time);
  turns_run();
  struct standby_head head;
  struct snapshot_head snapshot;
  assert_true(heard(second, &head) && head.type == STANDBY_STATE);
  assert_int_equal(snapshot_decode(inbox + STANDBY_HEAD_BYTES, (size_t)head.length, &snapshot), SNAPSHOT_GOOD);
  assert_int_equal(snapshot.frame, 2);
  close(second); /* while it has it */
  turns_run();
  int third = follower_ready(3);
  assert_int_equal(standby_port_figures(port).states, 2);
  close(third);
}

static void a_state_arrives_whole_however_its_calls_go(void **state) {
  (void)state;
  int fd = follower_new();
  actions_set(1, (const int[]){EINTR, EAGAIN}, 2);
  hello(fd);
  actions_set(0, (const int[]){EAGAIN, EINTR, 0, EAGAIN, EINTR}, 5);
  snapshots_frame(snapshots, 1, 1, no_time);
  turns_run();
  heard_is(fd, STANDBY_STATE);
  assert_int_equal(action_at[0] + action_at[1], 7);
  close(fd);
}

static void a_taken_address_is_said(void **state) {
  (void)state;
  struct standby_port *other = NULL;
  struct listen_address same = address;
  struct standby_port_config config = config_make();
  same.port = (uint16_t)port_at;
  config.address = &same;
  assert_int_equal(standby_port_open(&other, &config, io, &err), -EADDRINUSE);
  assert_non_null(strstr(err.text, "listen.standby: cannot listen on 127.0.0.1"));
  assert_null(other);
  standby_port_close(NULL);
  standby_port_turn(NULL, 1);
  standby_port_bye(NULL, 1);
  assert_true(standby_port_has(NULL, 5) && !standby_port_owns(NULL, TAG) && standby_port_figures(NULL).frames == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_follower_gets_the_state_and_every_frame, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(a_second_follower_is_told_so, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(who_does_not_fit_is_told_why, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(who_does_wrong_is_given_up, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(who_has_everything_may_be_silent, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(a_state_of_one_who_has_gone_is_not_the_nexts, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(a_state_arrives_whole_however_its_calls_go, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(a_taken_address_is_said, scene_make, scene_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
