/* The segment files of a writer that are not wholly on the disk yet, oldest first, and their syncs: group commit. One sync
 * is in flight at a time; what completes meanwhile waits for the next. A sync that failed is never asked for again on the
 * same file, because the kernel may have dropped what it could not write and would call the next one a success. Private to
 * the writer. */
#ifndef WEFT_JOURNAL_FILES_H
#define WEFT_JOURNAL_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/platform/io.h"

/* Syncs begin at least so far apart, so that a disk without other work is not kept busy by them. Where asking for one blocks
 * (io_plain), the pause is at least JOURNAL_SYNC_BLOCKED times what it took, so that the thread is held up 5 % at most. */
#define JOURNAL_SYNC_PAUSE_NS 10000000
enum { JOURNAL_FILES_MAX = 16, JOURNAL_SYNC_BLOCKED = 20 };

struct journal_file {
  uint64_t segment;
  int fd;
  uint64_t in_flight;      /* appends handed to the io and not settled */
  uint64_t appended;       /* frames whose append went well */
  uint64_t unsynced;       /* of these, not on the disk yet */
  uint64_t first_unsynced; /* the oldest of them; its frame number */
  bool named;              /* its entry in the directory is on the disk */
  bool ended;              /* no more appends */
  bool broken;             /* an append or a sync failed: frames appended from now on do not count */
};

struct journal_files {
  struct io *io;    /* borrowed */
  int directory_fd; /* -1: simulated, there is no directory to sync */
  uint64_t token;
  struct journal_file list[JOURNAL_FILES_MAX]; /* that of segment s at s % JOURNAL_FILES_MAX */
  uint64_t first, next;                        /* segments first to next - 1 are in the list */
  /* the sync in flight */
  bool syncing, of_directory;
  uint64_t segment;     /* whose */
  uint64_t covers;      /* unsynced frames of its file when it began */
  uint64_t first_after; /* the first frame appended since; 0: none */
  int64_t began_ns, pause_ns;
};

static inline struct journal_file *journal_file_of(struct journal_files *files, uint64_t segment) {
  return &files->list[segment % JOURNAL_FILES_MAX];
}

/* The list is full: the oldest file has not been synced for too long. */
static inline bool journal_files_full(const struct journal_files *files) {
  return files->next - files->first == JOURNAL_FILES_MAX;
}

/* Adds the file of the next segment. */
struct journal_file *journal_files_add(struct journal_files *files, uint64_t segment, int fd);

/* A frame was appended to it. */
void journal_file_appended(struct journal_files *files, struct journal_file *file, uint64_t frame);

/* Its sync failed. Returns how many of its frames were appended and will now never be synced. */
uint64_t journal_file_give_up(struct journal_file *file);

/* Begins a sync of the oldest file that needs one, unless one is in flight or, without `hurry`, began too
 * short a time ago. */
void journal_files_sync(struct journal_files *files, int64_t now_ns, bool hurry);

/* Takes the result of the sync in flight. Returns the file whose sync failed, NULL where it went well. */
struct journal_file *journal_files_synced(struct journal_files *files, int32_t result);

/* The oldest file if nothing more will come to it and all that can be is durable, else NULL. Its fd is the caller's to
 * close before journal_files_drop takes it from the list. */
struct journal_file *journal_files_finished(struct journal_files *files);
void journal_files_drop(struct journal_files *files);

/* The oldest frame that is appended and not synced; 0: none. */
uint64_t journal_files_first_unsynced(struct journal_files *files);

#endif
