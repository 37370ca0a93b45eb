#include "engine/platform/errand.h"

#include <errno.h>

#include "engine/base/check.h"

static void semaphore_wait(sem_t *semaphore) {
  while (sem_wait(semaphore) < 0) weft_assert(errno == EINTR);
}

static void *errand_main(void *argument) {
  struct errand *errand = argument;
  for (;;) {
    semaphore_wait(&errand->go);
    if (errand->ending) return NULL;
    errand->work(errand->context);
    sem_post(&errand->done);
  }
}

int errand_open(struct errand *errand, void (*work)(void *context), void *context) {
  *errand = (struct errand){.work = work, .context = context};
  if (sem_init(&errand->go, 0, 0) < 0) return -errno;
  int rc = sem_init(&errand->done, 0, 0) < 0 ? -errno : 0;
  if (rc == 0) {
    rc = -pthread_create(&errand->thread, NULL, errand_main, errand);
    if (rc < 0) sem_destroy(&errand->done);
  }
  if (rc < 0) sem_destroy(&errand->go);
  errand->opened = rc == 0;
  return rc;
}

void errand_close(struct errand *errand) {
  if (!errand->opened) return;
  (void)errand_wait(errand);
  errand->ending = true;
  sem_post(&errand->go);
  pthread_join(errand->thread, NULL);
  sem_destroy(&errand->go);
  sem_destroy(&errand->done);
  errand->opened = false;
}

void errand_begin(struct errand *errand) {
  weft_assert(errand->opened && !errand->under_way);
  errand->under_way = true;
  sem_post(&errand->go);
}

bool errand_done(struct errand *errand) {
  if (!errand->under_way || sem_trywait(&errand->done) < 0) return false;
  errand->under_way = false;
  return true;
}

bool errand_wait(struct errand *errand) {
  if (!errand->under_way) return false;
  semaphore_wait(&errand->done);
  errand->under_way = false;
  return true;
}
