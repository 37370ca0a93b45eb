#include "engine/journal/journal_parity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_file_io.h"
#include "engine/journal/journal_segment.h"

enum {
  CHUNK_BYTES = 1 << 18,
  MEMBERS_MAX = JOURNAL_PARITY_SEGMENTS_MAX + JOURNAL_PARITY_FILES_MAX,
  HEADER_BYTES_MAX = JOURNAL_PARITY_HEADER_BYTES + JOURNAL_PARITY_SEGMENTS_MAX * JOURNAL_PARITY_ENTRY_BYTES,
  PATH_BYTES = JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX + 8
};

/* A group being read or written: its members are the segments, then the parity files. */
struct group {
  const char *directory;
  struct journal_parity_head head; /* index and crc: of whichever parity file it came from */
  uint32_t members;
  int fd[MEMBERS_MAX];         /* -1: lost, or closed */
  uint64_t begin[MEMBERS_MAX]; /* where its coded bytes begin in its file */
  uint64_t size[MEMBERS_MAX];  /* of these */
  uint32_t crc[MEMBERS_MAX];   /* running, of what was written or read */
  bool lost[MEMBERS_MAX];
  uint8_t matrix[MEMBERS_MAX * JOURNAL_PARITY_SEGMENTS_MAX];
  uint8_t rows[JOURNAL_PARITY_FILES_MAX * JOURNAL_PARITY_SEGMENTS_MAX]; /* that give the lost ones */
  uint8_t tables[32 * JOURNAL_PARITY_FILES_MAX * JOURNAL_PARITY_SEGMENTS_MAX];
  uint8_t *chunk[MEMBERS_MAX]; /* CHUNK_BYTES each, owned */
};

static size_t head_bytes(uint32_t segments) {
  return JOURNAL_PARITY_HEADER_BYTES + (size_t)segments * JOURNAL_PARITY_ENTRY_BYTES;
}

void journal_parity_path(char *path, size_t size, const char *directory, uint64_t first, uint32_t index) {
  snprintf(path, size, "%s/%08llu.%u.wjp", directory, (unsigned long long)first, index);
}

static size_t head_encode(const struct journal_parity_head *head, uint8_t *out) {
  size_t size = head_bytes(head->segments);
  memset(out, 0, size);
  // NOLINTNEXTLINE(bugprone-not-null-terminated-result) bytes of a file, no string
  memcpy(out, JOURNAL_PARITY_MAGIC, 8);
  put_u32(out, 8, JOURNAL_PARITY_VERSION);
  put_u32(out, 16, head->segments);
  put_u32(out, 20, head->files);
  put_u32(out, 24, head->index);
  put_u32(out, 28, head->crc);
  put_u64(out, 32, head->bytes);
  for (uint32_t s = 0; s < head->segments; s++) {
    uint8_t *entry = out + head_bytes(s);
    put_u64(entry, 0, head->of[s].number);
    put_u64(entry, 8, head->of[s].size);
    put_u32(entry, 16, head->of[s].crc);
  }
  put_u32(out, 12, journal_crc(out, size));
  return size;
}

bool journal_parity_head_read(const char *path, struct journal_parity_head *head) {
  uint8_t bytes[HEADER_BYTES_MAX];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  int64_t got = journal_bytes_read(fd, bytes, sizeof bytes, 0);
  close(fd);
  if (got < JOURNAL_PARITY_HEADER_BYTES || memcmp(bytes, JOURNAL_PARITY_MAGIC, 8) != 0) return false;
  *head = (struct journal_parity_head){.segments = get_u32(bytes, 16), .files = get_u32(bytes, 20), .index = get_u32(bytes, 24),
                                       .crc = get_u32(bytes, 28), .bytes = get_u64(bytes, 32)};
  bool sound = get_u32(bytes, 8) == JOURNAL_PARITY_VERSION && head->segments > 0 && head->segments <= JOURNAL_PARITY_SEGMENTS_MAX &&
               head->files > 0 && head->files <= JOURNAL_PARITY_FILES_MAX && head->index < head->files;
  if (!sound || (size_t)got < head_bytes(head->segments)) return false;
  uint32_t said = get_u32(bytes, 12);
  put_u32(bytes, 12, 0);
  if (journal_crc(bytes, head_bytes(head->segments)) != said) return false;
  for (uint32_t s = 0; s < head->segments; s++) {
    const uint8_t *entry = bytes + head_bytes(s);
    head->of[s].number = get_u64(entry, 0);
    head->of[s].size = get_u64(entry, 8);
    head->of[s].crc = get_u32(entry, 16);
    if (head->of[s].size > head->bytes) return false;
  }
  return true;
}

/* The first segment's number in a parity file's name; 0: it is none. */
static uint64_t parity_number(const char *name) {
  size_t digits = strspn(name, "0123456789");
  if (digits < 8 || digits > 18 || name[digits] != '.') return 0;
  size_t more = strspn(name + digits + 1, "0123456789");
  if (more == 0 || more > 2 || strcmp(name + digits + 1 + more, ".wjp") != 0) return 0;
  return strtoull(name, NULL, 10);
}

/* Calls `take` with the good head of each parity file until it returns false. 0 or a negative errno. */
static int heads_visit(const char *directory, bool (*take)(void *, const struct journal_parity_head *), void *context) {
  DIR *dir = opendir(directory);
  if (!dir) return -errno;
  const struct dirent *entry;
  while ((entry = readdir(dir))) {
    struct journal_parity_head head;
    char path[PATH_BYTES + 256];
    if (parity_number(entry->d_name) == 0) continue;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (journal_parity_head_read(path, &head) && !take(context, &head)) break;
  }
  closedir(dir);
  return 0;
}

struct question {
  uint64_t segment;
  bool covered;
};

static bool cover_look(void *context, const struct journal_parity_head *head) {
  struct question *question = context;
  for (uint32_t s = 0; s < head->segments; s++) question->covered |= head->of[s].number == question->segment;
  return !question->covered;
}

bool journal_parity_covers(const char *directory, uint64_t segment) {
  struct question question = {.segment = segment};
  return heads_visit(directory, cover_look, &question) == 0 && question.covered;
}

static void member_path(const struct group *group, uint32_t member, char *path) {
  const struct journal_parity_head *head = &group->head;
  if (member < head->segments) journal_segment_path(path, PATH_BYTES, group->directory, head->of[member].number);
  else journal_parity_path(path, PATH_BYTES, group->directory, head->of[0].number, member - head->segments);
}

static int group_open(struct group *group) {
  group->members = group->head.segments + group->head.files;
  for (uint32_t i = 0; i < group->members; i++) {
    group->fd[i] = -1;
    group->crc[i] = UINT32_MAX;
    bool data = i < group->head.segments;
    group->begin[i] = data ? 0 : head_bytes(group->head.segments);
    group->size[i] = data ? group->head.of[i].size : group->head.bytes;
  }
  gf_gen_cauchy1_matrix(group->matrix, (int)group->members, (int)group->head.segments);
  for (uint32_t i = 0; i < group->members; i++) {
    group->chunk[i] = malloc(CHUNK_BYTES);
    if (!group->chunk[i]) return -ENOMEM;
  }
  return 0;
}

static void group_close(struct group *group) {
  for (uint32_t i = 0; i < group->members; i++) {
    if (group->fd[i] >= 0) close(group->fd[i]);
    free(group->chunk[i]);
  }
}

/* Reads a member's bytes at `at` into its chunk, zeros behind its end, and adds them to its CRC. */
static int chunk_read(struct group *group, uint32_t member, uint64_t at) {
  uint64_t left = at < group->size[member] ? group->size[member] - at : 0;
  size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
  int64_t got = size ? journal_bytes_read(group->fd[member], group->chunk[member], size, group->begin[member] + at) : 0;
  if (got < 0) return (int)got;
  if ((size_t)got < size) return -ENODATA;
  memset(group->chunk[member] + size, 0, CHUNK_BYTES - size);
  group->crc[member] = crc32_iscsi(group->chunk[member], (int)size, group->crc[member]);
  return 0;
}

/* Writes a member's chunk, cut at its end, and adds it to its CRC. */
static int chunk_write(struct group *group, uint32_t member, uint64_t at) {
  uint64_t left = at < group->size[member] ? group->size[member] - at : 0;
  size_t size = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
  group->crc[member] = crc32_iscsi(group->chunk[member], (int)size, group->crc[member]);
  return journal_bytes_write(group->fd[member], group->chunk[member], size, group->begin[member] + at);
}

/* Coefficients that give each lost member from the first `segments` members that are there (`from`): no more are lost than
 * there are parity files. */
static void rows_solve(const struct group *group, uint32_t from[], uint8_t *rows) {
  uint32_t k = group->head.segments, there = 0, lost = 0;
  uint8_t chosen[JOURNAL_PARITY_SEGMENTS_MAX * JOURNAL_PARITY_SEGMENTS_MAX], inverse[sizeof chosen];
  for (uint32_t i = 0; i < group->members && there < k; i++) {
    if (group->lost[i]) continue;
    memcpy(chosen + (size_t)there * k, group->matrix + (size_t)i * k, k);
    from[there++] = i;
  }
  weft_assert(there == k);
  int singular = gf_invert_matrix(chosen, inverse, (int)k);
  weft_assert(!singular); /* no square part of a Cauchy matrix is */
  for (uint32_t i = 0; i < group->members; i++) {
    if (!group->lost[i]) continue;
    for (uint32_t c = 0; c < k; c++) { /* the member's row times the inverse */
      uint8_t sum = 0;
      for (uint32_t r = 0; r < k; r++) sum ^= gf_mul(group->matrix[(size_t)i * k + r], inverse[(size_t)r * k + c]);
      rows[(size_t)lost * k + c] = sum;
    }
    lost++;
  }
}

/* Computes the lost members into the files open for them. -ERANGE: too much is lost. */
static int lost_compute(struct group *group, const _Atomic bool *stop) {
  uint32_t k = group->head.segments, lost = 0, from[JOURNAL_PARITY_SEGMENTS_MAX];
  uint32_t lost_members[MEMBERS_MAX];
  uint8_t *in[JOURNAL_PARITY_SEGMENTS_MAX], *out[MEMBERS_MAX];
  for (uint32_t i = 0; i < group->members; i++) {
    if (group->lost[i]) lost_members[lost++] = i;
  }
  if (lost > group->head.files) return -ERANGE;
  rows_solve(group, from, group->rows);
  ec_init_tables((int)k, (int)lost, group->rows, group->tables);
  for (uint32_t c = 0; c < k; c++) in[c] = group->chunk[from[c]];
  for (uint32_t r = 0; r < lost; r++) out[r] = group->chunk[lost_members[r]];
  for (uint64_t at = 0; at < group->head.bytes; at += CHUNK_BYTES) {
    if (stop && atomic_load(stop)) return -ECANCELED;
    int rc = 0;
    for (uint32_t c = 0; c < k && rc == 0; c++) rc = chunk_read(group, from[c], at);
    if (rc < 0) return rc;
    ec_encode_data(CHUNK_BYTES, (int)k, (int)lost, group->tables, in, out);
    for (uint32_t r = 0; r < lost && rc == 0; r++) rc = chunk_write(group, lost_members[r], at);
    if (rc < 0) return rc;
  }
  return 0;
}

/* Opens a new file beside the place of each lost member. */
static int lost_create(struct group *group) {
  char path[PATH_BYTES], beside[PATH_BYTES + 8];
  for (uint32_t i = 0; i < group->members; i++) {
    if (!group->lost[i]) continue;
    member_path(group, i, path);
    snprintf(beside, sizeof beside, "%s.tmp", path);
    group->fd[i] = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (group->fd[i] < 0) return -errno;
  }
  return 0;
}

/* Parity files get their headers; every computed file is synced and renamed to its place, or, where `good` is false, taken
 * away. 0 or a negative errno. */
static int lost_place(struct group *group, bool good) {
  char path[PATH_BYTES], beside[PATH_BYTES + 8];
  int rc = 0;
  for (uint32_t i = 0; i < group->members; i++) {
    if (!group->lost[i]) continue;
    member_path(group, i, path);
    snprintf(beside, sizeof beside, "%s.tmp", path);
    if (good && rc == 0 && i >= group->head.segments) {
      uint8_t bytes[HEADER_BYTES_MAX];
      struct journal_parity_head head = group->head;
      head.index = i - head.segments;
      head.crc = ~group->crc[i];
      rc = journal_bytes_write(group->fd[i], bytes, head_encode(&head, bytes), 0);
    }
    if (good && rc == 0 && (fsync(group->fd[i]) < 0 || rename(beside, path) < 0)) rc = -errno;
    if (!good || rc < 0) unlink(beside);
  }
  int fd = good ? open(group->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    if (fsync(fd) < 0 && rc == 0) rc = -errno;
    close(fd);
  }
  return rc;
}

/* Makes the parity files of a group whose numbers are in its head. */
static int group_protect(struct group *group, const _Atomic bool *stop) {
  char path[PATH_BYTES];
  struct stat status;
  for (uint32_t s = 0; s < group->head.segments; s++) {
    journal_segment_path(path, sizeof path, group->directory, group->head.of[s].number);
    if (stat(path, &status) < 0) return -errno;
    group->head.of[s].size = (uint64_t)status.st_size;
    if (group->head.of[s].size > group->head.bytes) group->head.bytes = group->head.of[s].size;
  }
  int rc = group_open(group);
  for (uint32_t i = 0; i < group->members && rc == 0; i++) {
    member_path(group, i, path);
    group->lost[i] = i >= group->head.segments;
    if (!group->lost[i]) group->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
    if (!group->lost[i] && group->fd[i] < 0) rc = -errno;
  }
  if (rc == 0) rc = lost_create(group);
  if (rc == 0) rc = lost_compute(group, stop);
  for (uint32_t s = 0; s < group->head.segments; s++) group->head.of[s].crc = ~group->crc[s];
  int placed = lost_place(group, rc == 0);
  group_close(group);
  return rc < 0 ? rc : placed;
}

int64_t journal_parity_write(const char *directory, uint64_t through, uint32_t segments, uint32_t files,
                             const _Atomic bool *stop, struct weft_error *err) {
  weft_assert(segments > 0 && segments <= JOURNAL_PARITY_SEGMENTS_MAX && files > 0 && files <= JOURNAL_PARITY_FILES_MAX);
  uint64_t *numbers, count, made = 0;
  int rc = journal_segment_list(directory, &numbers, &count);
  struct group *group = calloc(1, sizeof *group);
  if (rc == 0 && !group) rc = -ENOMEM;
  uint32_t used = 0;
  for (uint64_t i = 0; i < count && rc == 0 && numbers[i] <= through; i++) {
    if (journal_parity_covers(directory, numbers[i])) continue;
    if (used == 0) *group = (struct group){.directory = directory, .head = {.segments = segments, .files = files}};
    group->head.of[used++].number = numbers[i];
    if (used < segments) continue;
    rc = group_protect(group, stop);
    made += rc == 0;
    used = 0;
  }
  free(group);
  free(numbers);
  if (rc == 0) return (int64_t)made;
  return rc == -ECANCELED ? rc : weft_fail(err, rc, "%s: writing parity failed: %s", directory, strerror(-rc));
}

static bool group_same(const struct journal_parity_head *a, const struct journal_parity_head *b) {
  bool same = a->segments == b->segments && a->files == b->files && a->bytes == b->bytes;
  for (uint32_t s = 0; s < a->segments && same; s++) {
    same = a->of[s].number == b->of[s].number && a->of[s].size == b->of[s].size && a->of[s].crc == b->of[s].crc;
  }
  return same;
}

/* Opens the members and finds the lost ones: absent, of another size, or of another CRC. The CRCs of parity files are in
 * their own headers. A file that can't be read is as good as lost. */
static uint32_t lost_find(struct group *group) {
  char path[PATH_BYTES];
  uint32_t lost = 0;
  for (uint32_t i = 0; i < group->members; i++) {
    struct stat status;
    struct journal_parity_head own;
    uint32_t wanted = group->head.of[i < group->head.segments ? i : 0].crc;
    member_path(group, i, path);
    group->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
    bool good = group->fd[i] >= 0 && fstat(group->fd[i], &status) == 0 &&
                (uint64_t)status.st_size == group->begin[i] + group->size[i];
    if (good && i >= group->head.segments) {
      good = journal_parity_head_read(path, &own) && own.index == i - group->head.segments &&
             group_same(&own, &group->head);
      wanted = own.crc;
    }
    for (uint64_t at = 0; good && at < group->size[i]; at += CHUNK_BYTES) good = chunk_read(group, i, at) == 0;
    good = good && ~group->crc[i] == wanted;
    group->crc[i] = UINT32_MAX;
    group->lost[i] = !good;
    lost += !good;
    if (!good && group->fd[i] >= 0) close(group->fd[i]);
    if (!good) group->fd[i] = -1;
  }
  return lost;
}

static bool rebuilt_right(const struct group *group) {
  for (uint32_t s = 0; s < group->head.segments; s++) {
    if (group->lost[s] && ~group->crc[s] != group->head.of[s].crc) return false;
  }
  return true;
}

static void findings_tell(const struct group *group, struct journal_repair *repair, bool rebuilt) {
  char path[PATH_BYTES];
  for (uint32_t i = 0; i < group->members; i++) {
    if (!group->lost[i]) continue;
    bool data = i < group->head.segments;
    member_path(group, i, path);
    if (rebuilt && data) repair->segments_rebuilt++;
    if (rebuilt && !data) repair->parity_rebuilt++;
    if (!rebuilt && data) repair->segments_unrepaired++;
    if (repair->tell && (rebuilt || data)) repair->tell(repair->context, path, rebuilt);
  }
}

static int group_repair(struct group *group, struct journal_repair *repair) {
  repair->groups++;
  repair->segments += group->head.segments;
  int rc = group_open(group);
  if (rc == 0 && lost_find(group) > 0) {
    rc = lost_create(group);
    if (rc == 0) rc = lost_compute(group, NULL);
    bool beyond = rc == -ERANGE, right = rc == 0 && rebuilt_right(group);
    int placed = lost_place(group, right);
    if (right) rc = placed;
    if (beyond) rc = 0;
    else if (rc == 0 && !right) rc = -EILSEQ;
    if (rc == 0) findings_tell(group, repair, right);
  }
  group_close(group);
  return rc;
}

/* One head per group, whichever of its parity files is whole. */
struct groups {
  struct journal_parity_head *list; /* owned */
  uint64_t count;
  bool failed;
};

static bool group_note(void *context, const struct journal_parity_head *head) {
  struct groups *groups = context;
  for (uint64_t g = 0; g < groups->count; g++) {
    if (groups->list[g].of[0].number == head->of[0].number) return true;
  }
  struct journal_parity_head *grown = realloc(groups->list, (groups->count + 1) * sizeof *grown);
  if (!grown) {
    groups->failed = true;
    return false;
  }
  groups->list = grown;
  groups->list[groups->count++] = *head;
  return true;
}

int journal_repair_all(const char *directory, struct journal_repair *repair, struct weft_error *err) {
  struct groups groups = {0};
  struct group *group = calloc(1, sizeof *group);
  int rc = group ? heads_visit(directory, group_note, &groups) : -ENOMEM;
  if (groups.failed) rc = -ENOMEM;
  for (uint64_t g = 0; g < groups.count && rc == 0; g++) {
    *group = (struct group){.directory = directory, .head = groups.list[g]};
    rc = group_repair(group, repair);
  }
  free(group);
  free(groups.list);
  return rc < 0 ? weft_fail(err, rc, "%s: %s; repairing stopped, what was rebuilt so far stays", directory, strerror(-rc)) : 0;
}
