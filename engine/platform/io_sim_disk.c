#include "engine/platform/io_sim_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

void sim_disk_open(struct sim_disk *disk, uint64_t seed) {
  disk->prng = prng_seed(seed, 2);
  disk->capacity_bytes = UINT64_MAX;
}

void sim_disk_close(struct sim_disk *disk) {
  for (uint32_t f = 0; f < disk->file_count; f++) {
    free(disk->files[f].seen.data);
    free(disk->files[f].durable.data);
    free(disk->files[f].extents);
  }
}

static struct sim_file *file_of(struct sim_disk *disk, int fd) {
  if (fd < SIM_FILE_FIRST || fd >= SIM_FILE_FIRST + (int)disk->file_count) return NULL;
  return &disk->files[fd - SIM_FILE_FIRST];
}

int sim_disk_start(struct sim_disk *disk, struct sim_operation operation, int64_t now_ns) {
  if (disk->operation_count == IO_OPERATION_MAX) return -EBUSY;
  uint64_t delay_ns = prng_below(&disk->prng, (uint64_t)disk->delay_max_ns + 1);
  operation.due_ns = now_ns + (int64_t)delay_ns;
  const struct sim_file *file = file_of(disk, operation.fd);
  if (file) operation.extents = file->extent_count;
  disk->operations[disk->operation_count++] = operation;
  return 0;
}

static uint32_t operation_first(const struct sim_disk *disk) {
  uint32_t first = 0;
  for (uint32_t o = 1; o < disk->operation_count; o++)
    if (disk->operations[o].due_ns < disk->operations[first].due_ns) first = o;
  return first;
}

int64_t sim_disk_due_ns(const struct sim_disk *disk) {
  return disk->operation_count == 0 ? INT64_MAX : disk->operations[operation_first(disk)].due_ns;
}

/* A simulation has no answer to running out of real memory. */
static void *memory_grow(void *memory, size_t bytes) {
  void *grown = realloc(memory, bytes);
  weft_assert(grown);
  return grown;
}

static void bytes_write(struct sim_bytes *bytes, uint64_t offset, const uint8_t *data, uint64_t size) {
  uint64_t end = offset + size;
  if (end > bytes->capacity) {
    bytes->capacity = end + end / 2 + 4096;
    bytes->data = memory_grow(bytes->data, bytes->capacity);
  }
  if (offset > bytes->size) memset(bytes->data + bytes->size, 0, offset - bytes->size);
  if (size > 0) memcpy(bytes->data + offset, data, size);
  if (end > bytes->size) bytes->size = end;
}

static bool happens(struct sim_disk *disk, double probability) {
  return probability > 0 && prng_uniform(&disk->prng) < probability;
}

/* Bytes as a reader sees them from now on, volatile until a sync. */
static void extent_write(struct sim_disk *disk, struct sim_file *file, uint64_t offset, const uint8_t *data, uint64_t size) {
  uint64_t before = file->seen.size;
  bytes_write(&file->seen, offset, data, size);
  disk->used_bytes += file->seen.size - before;
  if (file->extent_count == file->extent_capacity) {
    file->extent_capacity = 2 * file->extent_capacity + 16;
    file->extents = memory_grow(file->extents, file->extent_capacity * sizeof *file->extents);
  }
  file->extents[file->extent_count++] = (struct sim_extent){offset, size};
}

static int32_t append_do(struct sim_disk *disk, struct sim_file *file, const struct sim_operation *op) {
  const struct io_sim_disk_faults *faults = &disk->faults;
  uint64_t offset = (uint64_t)op->offset, end = offset + op->size;
  uint64_t grows = end > file->seen.size ? end - file->seen.size : 0;
  disk->books.appends++;
  if (disk->used_bytes + grows > disk->capacity_bytes) {
    disk->books.full++;
    return -ENOSPC;
  }
  if (happens(disk, faults->append_error)) {
    uint64_t kept = prng_below(&disk->prng, op->size);
    bytes_write(&file->seen, offset, op->data, kept);
    disk->books.errors++;
    disk->books.shortened += kept > 0;
    return -EIO;
  }
  static const uint8_t none[1];
  if (happens(disk, faults->append_lost)) {
    disk->books.lost++;
    extent_write(disk, file, end, none, 0); /* the file grows, the bytes don't arrive */
  } else if (happens(disk, faults->append_torn)) {
    disk->books.torn++;
    extent_write(disk, file, offset, op->data, prng_below(&disk->prng, op->size));
  } else if (happens(disk, faults->append_misdirected)) {
    disk->books.misdirected++;
    extent_write(disk, file, prng_below(&disk->prng, file->seen.size + 1), op->data, op->size);
  } else {
    extent_write(disk, file, offset, op->data, op->size);
  }
  return 0;
}

/* The extents that a sync covered are dealt with. Syncs of the same file that are still under way counted them too. */
static void extents_forget(struct sim_disk *disk, struct sim_file *file, const struct sim_operation *op) {
  file->extent_count -= op->extents;
  if (file->extent_count > 0)
    memmove(file->extents, file->extents + op->extents, file->extent_count * sizeof *file->extents);
  for (uint32_t o = 0; o < disk->operation_count; o++) {
    struct sim_operation *other = &disk->operations[o];
    if (other != op && other->fd == op->fd) other->extents -= other->extents < op->extents ? other->extents : op->extents;
  }
}

static void sync_do(struct sim_disk *disk, struct sim_file *file, const struct sim_operation *op) {
  for (uint32_t e = 0; e < op->extents; e++)
    bytes_write(&file->durable, file->extents[e].offset, file->seen.data + file->extents[e].offset, file->extents[e].size);
  extents_forget(disk, file, op);
}

/* As Linux does: what could not be written is marked clean, so the next sync of the file would find nothing to do and go
 * well. A crash then leaves a beginning of each, as of any write that was not synced. */
static int32_t sync_fail(struct sim_disk *disk, struct sim_file *file, const struct sim_operation *op) {
  for (uint32_t e = 0; e < op->extents; e++) {
    uint64_t kept = prng_below(&disk->prng, file->extents[e].size + 1);
    bytes_write(&file->durable, file->extents[e].offset, file->seen.data + file->extents[e].offset, kept);
  }
  extents_forget(disk, file, op);
  disk->books.sync_errors++;
  return -EIO;
}

bool sim_disk_step(struct sim_disk *disk, int64_t now_ns, struct io_event *event) {
  if (disk->operation_count == 0) return false;
  uint32_t first = operation_first(disk);
  struct sim_operation op = disk->operations[first];
  if (op.due_ns > now_ns) return false;
  disk->operations[first] = disk->operations[--disk->operation_count];
  struct sim_file *file = file_of(disk, op.fd);
  *event = (struct io_event){.token = op.token, .kind = op.kind};
  disk->books.syncs += file && op.kind == IO_EVENT_SYNC;
  if (!file) event->result = -EBADF;
  else if (op.kind == IO_EVENT_APPEND) event->result = append_do(disk, file, &op);
  else if (happens(disk, disk->faults.sync_error)) event->result = sync_fail(disk, file, &op);
  else sync_do(disk, file, &op);
  return true;
}

/* Of a write that was not synced, the disk may have kept any beginning. */
static void prefix_keep(struct sim_disk *disk, struct sim_file *file, uint64_t offset, const uint8_t *data, uint64_t size) {
  uint64_t kept = prng_below(&disk->prng, size + 1);
  if (kept > 0) bytes_write(&file->durable, offset, data, kept);
}

void sim_disk_crash(struct sim_disk *disk) {
  for (uint32_t f = 0; f < disk->file_count; f++) {
    struct sim_file *file = &disk->files[f];
    for (uint32_t e = 0; e < file->extent_count; e++)
      prefix_keep(disk, file, file->extents[e].offset, file->seen.data + file->extents[e].offset, file->extents[e].size);
  }
  for (uint32_t o = 0; o < disk->operation_count; o++) {
    struct sim_operation *op = &disk->operations[o];
    struct sim_file *file = file_of(disk, op->fd);
    if (file && op->kind == IO_EVENT_APPEND) prefix_keep(disk, file, (uint64_t)op->offset, op->data, op->size);
  }
  disk->operation_count = 0;
  disk->used_bytes = 0;
  for (uint32_t f = 0; f < disk->file_count; f++) {
    struct sim_file *file = &disk->files[f];
    file->seen.size = 0;
    if (file->durable.size > 0) bytes_write(&file->seen, 0, file->durable.data, file->durable.size);
    file->extent_count = 0;
    disk->used_bytes += file->seen.size;
  }
}
