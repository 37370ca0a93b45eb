/* The standby's end against servers that say anything: what is right is followed to the frame, what can't be ends it with the
 * reason, and it takes over only from a server whose state it has. The server is a thread that plays a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/snapshot.h"
#include "engine/server/follow.h"
#include "engine/server/standby_wire.h"

enum { SCRIPT_BYTES = 4 << 20, ACKS_MAX = 16, CALLS_MAX = 3, STATE_FRAME = 5 };
#define BEGIN_NS (INT64_C(1700000000) * 1000000000)

static const char site_text[] =
    "time: recorded\nsensors:\n"
    "  - {id: 7, kind: position, revisit_s: 1, position: {lat_deg: 42, lon_deg: 3, height_m: 0}, sigma: {x_m: 40}}\n";

/* What the server says on one connection, once it is greeted. */
struct call {
  uint8_t *bytes; /* owned */
  size_t size;
  bool stays; /* silent, instead of closing */
};

static struct {
  struct call calls[CALLS_MAX];
  int count;
  int listener;
  uint16_t port;
  uint64_t layout; /* as it was greeted with */
  uint64_t acks[ACKS_MAX];
  int ack_count;
} played;

static struct engine engine;
static struct step_output output;
static struct arena arena;
static struct frame scratch, frame;
static struct weft_error err;
static uint8_t *state;
static size_t state_size;
static int signal_fd;
static int signals_to_pass; /* those that are no reason to end */
static int signals_taken, steps;
static int stop_at_step; /* a signal comes then; -1: never */

static bool all_read(int fd, void *to, size_t size) {
  for (size_t got = 0; got < size;) {
    ssize_t n = recv(fd, (uint8_t *)to + got, size - got, 0);
    if (n <= 0) return false;
    got += (size_t)n;
  }
  return true;
}

static void *server_play(void *context) {
  (void)context;
  for (int c = 0; c < played.count; c++) {
    uint8_t message[STANDBY_HEAD_BYTES + 16];
    int fd = accept(played.listener, NULL, NULL);
    if (fd < 0) return NULL;
    if (all_read(fd, message, sizeof message)) played.layout = standby_number(message + STANDBY_HEAD_BYTES, 1);
    for (size_t sent = 0; sent < played.calls[c].size;) {
      ssize_t n = send(fd, played.calls[c].bytes + sent, played.calls[c].size - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += (size_t)n;
    }
    if (!played.calls[c].stays) shutdown(fd, SHUT_WR);
    while (all_read(fd, message, STANDBY_HEAD_BYTES + 8))
      if (played.ack_count < ACKS_MAX) played.acks[played.ack_count++] = standby_number(message + STANDBY_HEAD_BYTES, 0);
    close(fd);
  }
  return NULL;
}

static bool signal_take(void *context) {
  uint64_t value;
  (void)context;
  if (read(signal_fd, &value, sizeof value) != sizeof value) return false;
  return ++signals_taken > signals_to_pass;
}

static void signal_raise(void) {
  uint64_t one = 1;
  assert_int_equal(write(signal_fd, &one, sizeof one), sizeof one);
}

static void step_count(void *context) {
  (void)context;
  if (steps++ == stop_at_step) signal_raise();
}

static void engine_make(void) {
  struct site *site;
  struct engine_options options = {.workers = 1, .tracks_max = 64, .track_base = 1000};
  if (engine_site_parse(site_text, strlen(site_text), "test", &site, &err) < 0) fail_msg("%s", err.text);
  if (engine_open(&engine, site, &options, &err) < 0 || engine_output_open(&engine, &output, &err) < 0) fail_msg("%s", err.text);
  engine_seal(&engine);
}

/* What a server would send of an engine that has just begun, `cut` bytes short. */
static void state_make(size_t cut) {
  size_t most = engine_image_most(&engine);
  state = realloc(state, SNAPSHOT_HEADER_BYTES + most);
  assert_non_null(state);
  struct image image = image_save(state + SNAPSHOT_HEADER_BYTES, most);
  engine_image(&engine, &image);
  struct snapshot_head head = {.layout = engine_layout(&engine), .run = 1, .frame = STATE_FRAME, .time_ns = BEGIN_NS, .size = image.at - cut};
  snapshot_head_encode(&head, state);
  state_size = SNAPSHOT_HEADER_BYTES + head.size;
}

static struct call *call_begin(void) {
  struct call *call = &played.calls[played.count++];
  call->bytes = malloc(SCRIPT_BYTES);
  assert_non_null(call->bytes);
  call->size = 0;
  call->stays = false;
  return call;
}

static void say(struct call *call, uint32_t type, const void *payload, size_t size) {
  assert_true(call->size + STANDBY_HEAD_BYTES + size <= SCRIPT_BYTES);
  if (size > 0) memcpy(call->bytes + call->size + STANDBY_HEAD_BYTES, payload, size);
  standby_head_encode(type, size, call->bytes + call->size);
  call->size += STANDBY_HEAD_BYTES + size;
}

static void say_state(struct call *call) { say(call, STANDBY_STATE, state, state_size); }

static void say_frame(struct call *call, uint64_t number, int64_t time_ns, uint32_t sensor, uint32_t state_sensor) {
  frame_reset(&frame);
  frame.number = number;
  frame.time_ns = time_ns;
  struct detection d = {.time_ns = time_ns, .sequence = number, .sensor = sensor, .kind = KIND_POSITION, .valid = VALID_XYZ,
                        .measure = {4.74e6, 2.5e5, 4.25e6}};
  frame_append(&frame, &d);
  frame.state_count = 1;
  frame.states[0] = (struct sensor_state){.time_ns = time_ns, .sensor = state_sensor, .position_m = {1, 2, 3}};
  uint8_t *record = malloc(journal_record_size(&frame));
  journal_record_encode(&frame, record);
  say(call, STANDBY_FRAME, record, journal_record_size(&frame));
  free(record);
}

static void say_numbers(struct call *call, uint32_t type, uint64_t first, uint64_t second) {
  uint8_t payload[16];
  standby_numbers_put(payload, first, second);
  say(call, type, payload, sizeof payload);
}

/* Follows the played server. */
static int follow(struct followed *out) {
  char from[32];
  pthread_t server;
  snprintf(from, sizeof from, "127.0.0.1:%u", played.port);
  struct follow_options options = {.from = from, .engine = &engine, .frame = &scratch, .output = &output, .signal_fd = signal_fd,
                                   .signal_taken = signal_take, .stepped = step_count};
  played.ack_count = steps = 0;
  assert_int_equal(pthread_create(&server, NULL, server_play, NULL), 0);
  int rc = follow_run(&options, out, &err);
  shutdown(played.listener, SHUT_RDWR); /* whoever still waits for a call */
  pthread_join(server, NULL);
  return rc;
}

static int scene_make(void **test) {
  (void)test;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  log_level_set(0);
  setenv("HWLOC_SYNTHETIC", "core:2 pu:1", 1);
  memset(&played, 0, sizeof played);
  played.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(played.listener, (struct sockaddr *)&address, size) | listen(played.listener, 4), 0);
  assert_int_equal(getsockname(played.listener, (struct sockaddr *)&address, &size), 0);
  played.port = ntohs(address.sin_port);
  signal_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
  signals_to_pass = signals_taken = 0;
  stop_at_step = -1;
  assert_int_equal(arena_open(&arena, 2 * frame_bytes(FRAME_DETECTIONS_MAX) + 4096), 0);
  assert_int_equal(frame_open(&scratch, &arena, FRAME_DETECTIONS_MAX) | frame_open(&frame, &arena, FRAME_DETECTIONS_MAX), 0);
  engine_make();
  state_make(0);
  return 0;
}

static int scene_end(void **test) {
  (void)test;
  for (int c = 0; c < played.count; c++) free(played.calls[c].bytes);
  close(played.listener);
  close(signal_fd);
  engine_close(&engine);
  arena_close(&arena);
  free(state);
  state = NULL;
  return 0;
}

static void a_server_is_followed_to_its_orderly_end(void **test) {
  (void)test;
  struct followed out;
  struct call *call = call_begin();
  const struct replay_mark marks[2] = {{.sensor_id = 7, .epoch = 1, .fingerprint = 3, .mark = 4}, {.sensor_id = 8, .mark = 9}};
  uint8_t marked[2 * STANDBY_MARK_BYTES];
  for (int i = 0; i < 2; i++) standby_mark_put(marked + i * STANDBY_MARK_BYTES, &marks[i]);
  say(call, STANDBY_BEAT, NULL, 0);
  say_state(call);
  say_frame(call, STATE_FRAME, BEGIN_NS, 0, 0); /* in the state already */
  say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 0);
  say_frame(call, STATE_FRAME + 2, BEGIN_NS + STANDBY_HASH_NS, 0, 0);
  say_numbers(call, STANDBY_HASH, STATE_FRAME + 1, 4711); /* of no frame that was hashed here */
  say(call, STANDBY_MARKS, marked, STANDBY_MARK_BYTES);
  say(call, STANDBY_MARKS, marked, sizeof marked);
  say(call, STANDBY_BYE, NULL, 0);
  assert_int_equal(follow(&out), 0);
  assert_true(out.end == FOLLOW_TAKE_OVER && out.orderly);
  assert_true(out.frame == STATE_FRAME + 2 && out.time_ns == BEGIN_NS + STANDBY_HASH_NS && out.frames == 2);
  assert_true(out.hashes == 0 && out.mark_count == 2 && out.marks[1].mark == 9 && out.marks[0].sensor_id == 7);
  assert_true(played.layout == engine_layout(&engine));
  assert_int_equal(played.ack_count, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(played.acks[i], i ? STATE_FRAME + (uint64_t)i - 1 : 0);
  free(out.marks);
}

/* The hash that a server would send of the frame that crosses ten seconds, from an engine of its own. */
static uint64_t hash_expected(void) {
  struct followed out;
  struct call *call = call_begin();
  say_state(call);
  say_frame(call, STATE_FRAME + 1, BEGIN_NS + STANDBY_HASH_NS, 0, 0);
  assert_int_equal(follow(&out), 0);
  assert_true(out.end == FOLLOW_TAKE_OVER && !out.orderly && out.frames == 1); /* it just went */
  return engine_hash(&engine);
}

static void states_are_compared_by_their_hashes(void **test) {
  uint64_t hash = hash_expected();
  for (int wrong = 0; wrong < 2; wrong++) {
    struct followed out;
    scene_end(test);
    scene_make(test);
    struct call *call = call_begin();
    say_state(call);
    say_frame(call, STATE_FRAME + 1, BEGIN_NS + STANDBY_HASH_NS, 0, 0);
    say_numbers(call, STANDBY_HASH, STATE_FRAME + 1, hash ^ (uint64_t)wrong);
    int rc = follow(&out);
    assert_int_equal(out.hashes, !wrong);
    if (!wrong) assert_int_equal(rc, 0);
    else if (rc != -EPROTO || !strstr(err.text, "its state is not the server's; it does not take over with that")) fail_msg("%d %s", rc, err.text);
  }
}

/* Each message, behind a good state where it says so, and what the standby ends with. */
static void say_second_state(struct call *call) { say_state(call); }
static void say_rubbish(struct call *call) {
  memset(call->bytes + call->size, 0x5a, 64);
  call->size += 64;
}
static void say_ack(struct call *call) { say(call, STANDBY_HELLO, "x", 1); }
static void say_damaged(struct call *call) {
  say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 0);
  call->bytes[call->size - 1] ^= 1;
}
static void say_no_record(struct call *call) { say(call, STANDBY_FRAME, "no record", 9); }
static void say_two_records(struct call *call) {
  uint8_t both[2048];
  size_t before = call->size;
  say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 0);
  size_t size = call->size - before - STANDBY_HEAD_BYTES;
  assert_true(2 * size <= sizeof both);
  for (int i = 0; i < 2; i++) memcpy(both + (size_t)i * size, call->bytes + before + STANDBY_HEAD_BYTES, size);
  call->size = before;
  say(call, STANDBY_FRAME, both, 2 * size);
}
static void say_gap(struct call *call) { say_frame(call, STATE_FRAME + 2, BEGIN_NS + 1, 0, 0); }
static void say_past(struct call *call) { say_frame(call, STATE_FRAME + 1, BEGIN_NS - 1, 0, 0); }
static void say_other_sensor(struct call *call) { say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 1, 0); }
static void say_other_state(struct call *call) { say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 1); }
static void say_refusal(struct call *call) { say(call, STANDBY_REFUSE, "no room", 7); }
static void say_damaged_state(struct call *call) {
  state[SNAPSHOT_HEADER_BYTES] ^= 1;
  say_state(call);
}
static void say_other_layout(struct call *call) {
  struct snapshot_head head;
  assert_int_equal(snapshot_decode(state, state_size, &head), SNAPSHOT_GOOD);
  head.layout++;
  snapshot_head_encode(&head, state);
  say_state(call);
}
static void say_cut_image(struct call *call) {
  state_make(8);
  say_state(call);
}

static void what_cannot_be_ends_it_with_the_reason(void **test) {
  static const struct {
    void (*say)(struct call *call);
    bool behind_state;
    int code;
    const char *says;
  } cases[] = {
      {say_refusal, false, -ECONNREFUSED, "the server refuses: no room; both need the same of it"},
      {say_rubbish, false, -EPROTO, "what the server sends can't be understood"},
      {say_ack, true, -EPROTO, "what the server sends can't be understood"},
      {say_damaged, true, -EPROTO, "a message is damaged"},
      {say_gap, false, -EPROTO, "the server sent a frame before its state"},
      {say_second_state, true, -EPROTO, "the server sent a second state"},
      {say_damaged_state, false, -EPROTO, "the server's state is damaged"},
      {say_other_layout, false, -EPROTO, "the server's state is damaged"},
      {say_cut_image, false, -EPROTO, "the server's state can't be"},
      {say_no_record, true, -EPROTO, "a frame is damaged"},
      {say_two_records, true, -EPROTO, "a frame is damaged"},
      {say_gap, true, -EPROTO, "a frame is missing"},
      {say_past, true, -EPROTO, "a frame is missing"},
      {say_other_sensor, true, -EPROTO, "a frame is missing"},
      {say_other_state, true, -EPROTO, "a frame is missing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct followed out;
    scene_end(test);
    scene_make(test);
    struct call *call = call_begin();
    if (cases[i].behind_state) say_state(call);
    cases[i].say(call);
    int rc = follow(&out);
    if (rc != cases[i].code || !strstr(err.text, cases[i].says)) fail_msg("case %zu: %d '%s'", i, rc, err.text);
    assert_int_equal(out.frames, 0);
  }
}

static void who_goes_before_its_state_is_there_is_waited_for_again(void **test) {
  (void)test;
  struct followed out;
  struct call *beats = call_begin(), *cut = call_begin(), *whole = call_begin();
  say(beats, STANDBY_BEAT, NULL, 0);
  say_state(cut);
  cut->size -= 5;
  say_state(whole);
  say(whole, STANDBY_BYE, NULL, 0);
  assert_int_equal(follow(&out), 0);
  assert_true(out.end == FOLLOW_TAKE_OVER && out.orderly && out.frame == STATE_FRAME && out.frames == 0);
}

static void silence_is_an_end(void **test) {
  (void)test;
  struct followed out;
  struct call *call = call_begin();
  say_state(call);
  say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 0);
  call->stays = true;
  assert_int_equal(follow(&out), 0);
  assert_true(out.end == FOLLOW_TAKE_OVER && !out.orderly && out.frames == 1);
}

static void a_signal_ends_it_at_any_time(void **test) {
  struct followed out;
  for (int when = 0; when < 3; when++) {
    scene_end(test);
    scene_make(test);
    signals_to_pass = when == 0 ? 1 : 0; /* the first one is no reason to end */
    struct call *call = call_begin();
    call->stays = true;
    if (when == 0) signal_raise();
    if (when < 2) signal_raise();
    if (when == 2) {
      say_state(call);
      say_frame(call, STATE_FRAME + 1, BEGIN_NS + 1, 0, 0);
      stop_at_step = 1;
    }
    assert_int_equal(follow(&out), 0);
    assert_int_equal(out.end, FOLLOW_STOPPED);
    assert_int_equal(out.frames, when == 2);
  }
  scene_end(test);
  scene_make(test);
  shutdown(played.listener, SHUT_RDWR); /* nobody is there */
  close(played.listener);
  played.listener = -1;
  signal_raise();
  assert_int_equal(follow(&out), 0);
  assert_int_equal(out.end, FOLLOW_STOPPED);
}

static void an_address_that_is_none_is_refused(void **test) {
  (void)test;
  static const char *const wrong[] = {"host", "host:", ":1", "127.0.0.1:0", "127.0.0.1:x", "300.1.2.3.nowhere.invalid:5"};
  struct follow_options options = {.engine = &engine, .frame = &scratch, .output = &output, .signal_fd = signal_fd};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct followed out;
    options.from = wrong[i];
    int rc = follow_run(&options, &out, &err);
    if (rc != -EINVAL || !strstr(err.text, wrong[i]) || !strstr(err.text, "give HOST:PORT")) fail_msg("%s: %d %s", wrong[i], rc, err.text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_server_is_followed_to_its_orderly_end, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(states_are_compared_by_their_hashes, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(what_cannot_be_ends_it_with_the_reason, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(who_goes_before_its_state_is_there_is_waited_for_again, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(silence_is_an_end, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(a_signal_ends_it_at_any_time, scene_make, scene_end),
      cmocka_unit_test_setup_teardown(an_address_that_is_none_is_refused, scene_make, scene_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
