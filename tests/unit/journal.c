// stage: weft_journal weft_platform weft_domain weft_base
/* The journal: what was written comes back bit for bit, damage is found and named, a failing disk stops nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/prng.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"
#include "engine/journal/journal_writer.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 64, BYTES_MAX = 1 << 20, PATH_BYTES = 300 };
static struct arena arena;
static struct frame frame, read_back;
static uint8_t bytes[BYTES_MAX];
static char directory[PATH_BYTES];
static struct io_batch batch;
static struct io *io;

static int setup(void **state) {
  (void)state;
  assert_int_equal(arena_open(&arena, 3 * frame_bytes(CAPACITY) + 2 * journal_writer_bytes(NULL)), 0);
  assert_int_equal(frame_open(&frame, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&read_back, &arena, CAPACITY), 0);
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(directory));
  return 0;
}

static void path_of(char *path, uint64_t segment) { journal_segment_path(path, PATH_BYTES + 32, directory, segment); }

static int teardown(void **state) {
  (void)state;
  char path[PATH_BYTES + 32];
  io_close(io);
  io = NULL;
  for (uint64_t i = 1; i < 40; i++) {
    path_of(path, i);
    unlink(path);
  }
  rmdir(directory);
  arena_close(&arena);
  return 0;
}

static void crc_is_castagnoli(void **state) {
  (void)state;
  assert_int_equal(journal_crc("123456789", 9), 0xE3069283);
}

static void record_comes_back_bit_for_bit(void **state) {
  (void)state;
  for (uint64_t number = 1; number <= 60; number++) {
    frame_fill(&frame, number, (uint32_t)number - 1, number % 2);
    size_t size = journal_record_size(&frame), used;
    assert_int_equal(size % 8, 0);
    assert_true(size <= journal_record_size_max(frame.count));
    memset(bytes, 0xAA, size + 1);
    journal_record_encode(&frame, bytes);
    assert_int_equal(bytes[size], 0xAA);
    assert_int_equal(journal_record_decode(bytes, size, &read_back, &used), JOURNAL_GOOD);
    assert_int_equal(used, size);
    if (!frame_equal(&frame, &read_back)) fail_msg("frame %llu differs", (unsigned long long)number);
    if (frame.count) assert_int_equal(read_back.arrival_ns[0], 0);
  }
}

static void record_cut_anywhere_is_found_cut(void **state) {
  (void)state;
  frame_fill(&frame, 7, 9, true);
  size_t size = journal_record_size(&frame), used;
  journal_record_encode(&frame, bytes);
  for (size_t cut = 0; cut < size; cut++) {
    assert_int_equal(journal_record_decode(bytes, cut, &read_back, &used), JOURNAL_CUT);
    assert_int_equal(read_back.count, 0);
  }
}

static void record_with_any_flipped_bit_is_found_corrupt(void **state) {
  (void)state;
  frame_fill(&frame, 7, 9, true);
  size_t size = journal_record_size(&frame), used;
  journal_record_encode(&frame, bytes);
  for (size_t bit = 0; bit < size * 8; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(journal_record_decode(bytes, size, &read_back, &used), JOURNAL_CORRUPT);
    assert_int_equal(read_back.count, 0);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  memset(bytes, 0, size);
  assert_int_equal(journal_record_decode(bytes, size, &read_back, &used), JOURNAL_CUT); /* never written */
}

static void record_with_impossible_content_is_refused(void **state) {
  (void)state;
  size_t used;
  for (int fault = 0; fault < 6; fault++) {
    frame_fill(&frame, 7, 9, true);
    if (fault == 0) frame.kind[3] = 0;
    if (fault == 1) frame.sensor[3] = 256;
    if (fault == 2) frame.measure[3][1] = __builtin_nan("");
    if (fault == 3) frame.time_of_ns[3] = INT64_MIN;
    if (fault == 4) frame.states[1].status = 3;
    if (fault == 5) frame.sigma[8][0] = -1;
    journal_record_encode(&frame, bytes);
    assert_int_equal(journal_record_decode(bytes, journal_record_size(&frame), &read_back, &used), JOURNAL_CORRUPT);
  }
}

static void head_comes_back_and_shows_damage(void **state) {
  (void)state;
  struct journal_head head = head_example(), got;
  size_t size = journal_head_size(&head), used;
  journal_head_encode(&head, bytes);
  assert_int_equal(journal_head_decode(bytes, size, &got, &used), JOURNAL_GOOD);
  assert_int_equal(used, size);
  assert_true(got.segment == 3 && got.run == 99 && got.created_ns == 1234 && got.track_base == 1000);
  assert_string_equal(got.centre, "T");
  assert_int_equal(got.site_size, sizeof site_text - 1);
  assert_memory_equal(got.site_text, site_text, got.site_size);
  assert_memory_equal(got.parameters, "lag_s=3\n", got.parameter_size);
  for (size_t cut = 0; cut < size; cut++) assert_int_equal(journal_head_decode(bytes, cut, &got, &used), JOURNAL_CUT);
  for (size_t bit = 0; bit < size * 8; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(journal_head_decode(bytes, size, &got, &used), JOURNAL_GOOD);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static struct journal_writer *writer_begin(uint32_t segment_mib, int64_t now_ns) {
  struct journal_options options = {.directory = directory, .segment_mib = segment_mib, .head = head_example(),
                                    .token_base = 5000};
  struct journal_writer *writer;
  struct weft_error err;
  if (journal_writer_open(&writer, &arena, io, &options, now_ns, &err) < 0) fail_msg("%s", err.text);
  return writer;
}

static void writer_turn(struct journal_writer *writer) {
  assert_true(io_receive(io, &batch, 1000000000) >= 0);
  for (uint32_t i = 0; i < batch.event_count; i++) {
    assert_true(journal_owns(writer, batch.events[i].token));
    journal_completed(writer, batch.events[i].token, batch.events[i].result);
  }
  io_release(io, &batch);
}

static void writer_write(struct journal_writer *writer, uint64_t from, uint64_t to) {
  for (uint64_t number = from; number <= to; number++) {
    frame_fill(&frame, number, number % CAPACITY, false);
    int rc;
    while ((rc = journal_append(writer, &frame, 50)) == -EAGAIN) writer_turn(writer);
    assert_int_equal(rc, 0);
  }
  while (!journal_idle(writer)) writer_turn(writer);
}

static void plain_io(void) {
  struct weft_error err = {""};
  if (io_open(IO_PLAIN, NULL, &io, &err) < 0) fail_msg("%s", err.text);
}

/* Reads the newest run: frames from..to, equal to frame_fill. */
static struct journal_reader *reader_expect(uint64_t run, uint64_t from, uint64_t to) {
  struct journal_reader *reader;
  struct weft_error err;
  if (journal_open(&reader, directory, run, &err) < 0) fail_msg("%s", err.text);
  for (uint64_t number = from; number <= to; number++) {
    assert_int_equal(journal_next(reader, &read_back), 1);
    frame_fill(&frame, number, number % CAPACITY, false);
    if (!frame_equal(&frame, &read_back)) fail_msg("frame %llu differs", (unsigned long long)number);
  }
  return reader;
}

static void journal_written_through_the_io_comes_back_over_segments(void **state) {
  (void)state;
  plain_io();
  struct journal_writer *writer = writer_begin(1, 40);
  writer_write(writer, 1, 1500);
  struct journal_marks marks = journal_marks_of(writer);
  assert_int_equal(marks.settled_frame, 1500);
  assert_int_equal(marks.frames, 1500);
  assert_int_equal(marks.unjournaled, 0);
  assert_true(marks.segments >= 3);
  journal_writer_close(writer);
  struct journal_reader *reader = reader_expect(JOURNAL_RUN_NEWEST, 1, 1500);
  assert_int_equal(journal_next(reader, &read_back), 0);
  assert_false(journal_damage_of(reader).any);
  assert_int_equal(journal_segment_count(reader), marks.segments);
  assert_int_equal(journal_head_of(reader)->track_base, 1000);
  assert_int_equal(journal_missing_frames(reader), 0);
  journal_close(reader);
  struct stat status;
  char path[PATH_BYTES + 32];
  path_of(path, 1);
  assert_int_equal(stat(path, &status), 0);
  assert_true(status.st_size <= 1 << 20);
  assert_true(journal_recognised(path) && journal_recognised(directory));
}

/* Blocks of the file, in bytes. */
static uint64_t room_of(uint64_t segment) {
  struct stat status;
  char path[PATH_BYTES + 32];
  path_of(path, segment);
  assert_int_equal(stat(path, &status), 0);
  return (uint64_t)status.st_blocks * 512;
}

static void segments_have_room_ahead_and_give_back_what_is_left(void **state) {
  (void)state;
  char path[PATH_BYTES + 32];
  plain_io();
  struct journal_writer *writer = writer_begin(16, 40);
  writer_write(writer, 1, 3);
  path_of(path, 1);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  bool given = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4096) == 0; /* not every file system does */
  close(fd);
  if (given) assert_true(room_of(1) >= 8u << 20);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_true(status.st_size < 1 << 20); /* room is no size: a reader sees what was appended */
  journal_writer_close(writer);
  assert_true(room_of(1) < 1u << 20);
}

static void reopened_directory_keeps_the_old_run(void **state) {
  (void)state;
  plain_io();
  struct journal_writer *writer = writer_begin(1, 40);
  writer_write(writer, 1, 20);
  journal_writer_close(writer);
  writer = writer_begin(1, 41);
  writer_write(writer, 5, 30);
  journal_writer_close(writer);
  struct journal_reader *reader = reader_expect(0, 1, 20);
  assert_int_equal(journal_run_count(reader), 2);
  assert_int_equal(journal_next(reader, &read_back), 0);
  journal_close(reader);
  reader = reader_expect(JOURNAL_RUN_NEWEST, 5, 30);
  assert_int_equal(journal_next(reader, &read_back), 0);
  journal_close(reader);
  struct weft_error err;
  assert_int_equal(journal_open(&reader, directory, 2, &err), -ERANGE);
}

static void journal_cut_at_every_byte_keeps_the_whole_frames(void **state) {
  (void)state;
  plain_io();
  struct journal_writer *writer = writer_begin(1, 40);
  writer_write(writer, 1, 4);
  journal_writer_close(writer);
  char path[PATH_BYTES + 32];
  path_of(path, 1);
  struct journal_head head = head_example();
  size_t ends[5] = {journal_head_size(&head)};
  for (uint64_t number = 1; number <= 4; number++) {
    frame_fill(&frame, number, (uint32_t)number, false);
    ends[number] = ends[number - 1] + journal_record_size(&frame);
  }
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_size, ends[4]);
  for (size_t cut = ends[4]; cut-- > 0;) {
    assert_int_equal(truncate(path, (off_t)cut), 0);
    struct journal_reader *reader;
    struct weft_error err;
    if (cut < ends[0]) {
      assert_true(journal_open(&reader, path, 0, &err) < 0);
      continue;
    }
    assert_int_equal(journal_open(&reader, path, 0, &err), 0);
    uint64_t whole = 0;
    while (ends[whole + 1] <= cut) whole++;
    for (uint64_t i = 0; i < whole; i++) assert_int_equal(journal_next(reader, &read_back), 1);
    assert_int_equal(journal_next(reader, &read_back), cut == ends[whole] ? 0 : -EILSEQ);
    struct journal_damage damage = journal_damage_of(reader);
    assert_int_equal(damage.any, cut != ends[whole]);
    if (damage.any) assert_true(damage.verdict == JOURNAL_CUT && damage.offset == ends[whole] && damage.last);
    journal_close(reader);
  }
}

static void damage_stops_the_reader_until_told_to_skip(void **state) {
  (void)state;
  plain_io();
  struct journal_writer *writer = writer_begin(1, 40);
  writer_write(writer, 1, 800);
  journal_writer_close(writer);
  char path[PATH_BYTES + 32];
  path_of(path, 1);
  int fd = open(path, O_RDWR);
  assert_int_equal(pwrite(fd, "x", 1, 5000), 1);
  close(fd);
  struct journal_reader *reader;
  struct weft_error err;
  assert_int_equal(journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err), 0);
  int rc;
  while ((rc = journal_next(reader, &read_back)) == 1) {}
  assert_int_equal(rc, -EILSEQ);
  assert_int_equal(journal_next(reader, &read_back), -EILSEQ);
  struct journal_damage damage = journal_damage_of(reader);
  assert_true(damage.any && damage.verdict == JOURNAL_CORRUPT && !damage.last && damage.offset <= 5000);
  assert_true(journal_skip_segment(reader));
  assert_int_equal(journal_next(reader, &read_back), 1);
  assert_true(journal_missing_frames(reader) > 0);
  journal_expect_sensors(reader, 0); /* a site without these sensors */
  assert_int_equal(journal_next(reader, &read_back), -EILSEQ);
  journal_close(reader);
}

static int sim_files[8], sim_file_count;
static int sim_file(void *context, const char *path) {
  (void)path;
  return sim_files[sim_file_count++] = io_sim_file_open(context);
}

static void a_full_disk_stops_nothing_and_is_counted(void **state) {
  (void)state;
  struct weft_error err;
  assert_int_equal(io_sim_open(9, 0, NULL, &io, &err), 0);
  io_sim_disk_set(io, 5000000, 20000);
  sim_file_count = 0;
  struct journal_options options = {.directory = directory, .segment_mib = 1, .head = head_example(), .token_base = 5000,
                                    .file_open = sim_file, .context = io};
  struct journal_writer *writer;
  assert_int_equal(journal_writer_open(&writer, &arena, io, &options, 1, &err), 0);
  for (uint64_t number = 1; number <= 40; number++) {
    frame_fill(&frame, number, 40, false);
    assert_int_equal(journal_append(writer, &frame, 1), 0);
    if (number == 12) { /* the disk is full now: what waits fails, and is given space again */
      while (!journal_idle(writer)) writer_turn(writer);
      assert_true(journal_marks_of(writer).unjournaled > 0);
      io_sim_disk_set(io, 5000000, 1 << 30);
    }
  }
  while (!journal_idle(writer)) writer_turn(writer);
  struct journal_marks marks = journal_marks_of(writer);
  assert_int_equal(marks.settled_frame, 40);
  assert_int_equal(marks.frames + marks.unjournaled, 40);
  assert_int_equal(marks.segments, 2);
  for (uint64_t number = 1; number <= 40; number++) {
    assert_int_equal(journal_frame_failed(writer, number), number > marks.frames - 28 && number <= 12);
  }
  journal_give_up(writer, 41);
  assert_int_equal(journal_marks_of(writer).settled_frame, 41);
  /* The second segment holds 13 to 40, complete. */
  uint64_t size;
  const uint8_t *data = io_sim_file(io, sim_files[1], &size);
  struct journal_head head;
  size_t used, at;
  assert_int_equal(journal_head_decode(data, size, &head, &at), JOURNAL_GOOD);
  assert_int_equal(head.first_frame, 13);
  for (uint64_t number = 13; number <= 40; number++, at += used) {
    assert_int_equal(journal_record_decode(data + at, size - at, &read_back, &used), JOURNAL_GOOD);
    assert_int_equal(read_back.number, number);
  }
  assert_int_equal(at, size);
  journal_writer_close(writer);
}

static void journal_refusals_say_what_is_wrong(void **state) {
  (void)state;
  struct journal_reader *reader;
  struct weft_error err;
  assert_int_equal(journal_open(&reader, "no/such", 0, &err), -ENOENT);
  assert_non_null(strstr(err.text, "no/such"));
  assert_int_equal(journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err), -ENOENT);
  assert_non_null(strstr(err.text, "no journal segment"));
  char path[PATH_BYTES + 32];
  path_of(path, 1);
  FILE *file = fopen(path, "w");
  fputs("this is no journal at all", file);
  fclose(file);
  assert_int_equal(journal_open(&reader, path, 0, &err), -EILSEQ);
  assert_false(journal_recognised(path));
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(crc_is_castagnoli),
      CASE(record_comes_back_bit_for_bit),
      CASE(record_cut_anywhere_is_found_cut),
      CASE(record_with_any_flipped_bit_is_found_corrupt),
      CASE(record_with_impossible_content_is_refused),
      CASE(head_comes_back_and_shows_damage),
      CASE(journal_written_through_the_io_comes_back_over_segments),
      CASE(segments_have_room_ahead_and_give_back_what_is_left),
      CASE(reopened_directory_keeps_the_old_run),
      CASE(journal_cut_at_every_byte_keeps_the_whole_frames),
      CASE(damage_stops_the_reader_until_told_to_skip),
      CASE(a_full_disk_stops_nothing_and_is_counted),
      CASE(journal_refusals_say_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
