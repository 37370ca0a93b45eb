#include "engine/journal/journal_files.h"

#include "engine/base/check.h"

struct journal_file *journal_files_add(struct journal_files *files, uint64_t segment, int fd) {
  if (files->first == files->next) files->first = files->next = segment;
  weft_assert(!journal_files_full(files) && files->next == segment);
  struct journal_file *file = journal_file_of(files, files->next++);
  *file = (struct journal_file){.segment = segment, .fd = fd, .named = files->directory_fd < 0};
  return file;
}

void journal_file_appended(struct journal_files *files, struct journal_file *file, uint64_t frame) {
  file->appended++;
  if (file->unsynced++ == 0) file->first_unsynced = frame;
  if (files->syncing && files->segment == file->segment && files->first_after == 0) files->first_after = frame;
}

uint64_t journal_file_give_up(struct journal_file *file) {
  uint64_t lost = file->unsynced;
  file->broken = true;
  file->unsynced = 0;
  return lost;
}

void journal_files_sync(struct journal_files *files, int64_t now_ns, bool hurry) {
  int64_t past_ns = now_ns - files->began_ns; /* below 0: the clock was set back, and says nothing */
  if (files->syncing || (!hurry && past_ns >= 0 && past_ns < files->pause_ns)) return;
  for (uint64_t s = files->first; s < files->next; s++) {
    const struct journal_file *file = journal_file_of(files, s);
    if (file->unsynced == 0) continue;
    files->of_directory = !file->named;
    int64_t asked_ns = io_now(files->io);
    if (io_sync(files->io, file->named ? file->fd : files->directory_fd, files->token) < 0) return;
    int64_t blocked_ns = JOURNAL_SYNC_BLOCKED * (io_now(files->io) - asked_ns);
    files->pause_ns = blocked_ns > JOURNAL_SYNC_PAUSE_NS ? blocked_ns : JOURNAL_SYNC_PAUSE_NS;
    files->syncing = true;
    files->segment = s;
    files->covers = file->unsynced;
    files->first_after = 0;
    files->began_ns = now_ns;
    return;
  }
}

struct journal_file *journal_files_synced(struct journal_files *files, int32_t result) {
  weft_assert(files->syncing);
  struct journal_file *file = journal_file_of(files, files->segment);
  files->syncing = false;
  if (result < 0) return file;
  if (files->of_directory) {
    file->named = true;
    files->began_ns = INT64_MIN / 2; /* the file's own may follow at once */
  } else {
    file->unsynced -= files->covers;
    file->first_unsynced = files->first_after;
  }
  return NULL;
}

struct journal_file *journal_files_finished(struct journal_files *files) {
  if (files->first == files->next) return NULL;
  struct journal_file *file = journal_file_of(files, files->first);
  return file->ended && file->in_flight == 0 && file->unsynced == 0 ? file : NULL; /* a sync in flight has frames to cover */
}

void journal_files_drop(struct journal_files *files) { files->first++; }

uint64_t journal_files_first_unsynced(struct journal_files *files) {
  for (uint64_t s = files->first; s < files->next; s++) {
    const struct journal_file *file = journal_file_of(files, s);
    if (file->unsynced > 0) return file->first_unsynced;
  }
  return 0;
}
