/* The disk of the simulated io: files in memory, of which a crash leaves what was synced and a part of the rest. Private to
 * engine/platform. */
#ifndef WEFT_PLATFORM_IO_SIM_DISK_H
#define WEFT_PLATFORM_IO_SIM_DISK_H

#include "engine/base/prng.h"
#include "engine/platform/io.h"

enum {
  SIM_FILE_FIRST = 1 << 21, /* descriptor of the first file: far from real ones */
  SIM_FILE_MAX = 64
};

/* Bytes in memory that grow; owned. */
struct sim_bytes {
  uint8_t *data;
  uint64_t size;
  uint64_t capacity;
};

/* A write that completed and was not synced yet. */
struct sim_extent {
  uint64_t offset;
  uint64_t size;
};

struct sim_file {
  struct sim_bytes seen;    /* what a reader sees */
  struct sim_bytes durable; /* what a crash leaves for certain */
  struct sim_extent *extents;
  uint32_t extent_count;
  uint32_t extent_capacity;
};

struct sim_operation {
  const uint8_t *data;
  size_t size;
  int64_t offset;
  int64_t due_ns;
  uint64_t token;
  uint32_t extents; /* a sync makes the first so many extents durable */
  int fd;
  enum io_event_kind kind;
};

struct sim_disk {
  struct prng prng;
  int64_t delay_max_ns;
  uint64_t capacity_bytes;
  uint64_t used_bytes;
  struct io_sim_disk_faults faults;
  struct io_sim_disk_books books;
  struct sim_file files[SIM_FILE_MAX];
  uint32_t file_count;
  struct sim_operation operations[IO_OPERATION_MAX]; /* in flight, in no order */
  uint32_t operation_count;
};

void sim_disk_open(struct sim_disk *disk, uint64_t seed);
void sim_disk_close(struct sim_disk *disk);

/* Starts an append or a sync at `now_ns`; fills in when it is due. 0, or -EBUSY. */
int sim_disk_start(struct sim_disk *disk, struct sim_operation operation, int64_t now_ns);

/* When the next operation is due; INT64_MAX: none is in flight. */
int64_t sim_disk_due_ns(const struct sim_disk *disk);

/* Carries out the operation that is due first, if it is due at `now_ns`. True with *event filled. */
bool sim_disk_step(struct sim_disk *disk, int64_t now_ns, struct io_event *event);

void sim_disk_crash(struct sim_disk *disk);

#endif
