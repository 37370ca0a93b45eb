/* One piece of work after another, each done by a thread of its own while whoever gave it goes on. What the work touches belongs to that
 * thread from errand_begin until errand_done or errand_wait has said that it is done, and to the owner at all other times. Every call is
 * made by the owner, who is one thread. */
#ifndef WEFT_PLATFORM_ERRAND_H
#define WEFT_PLATFORM_ERRAND_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

struct errand {
  void (*work)(void *context);
  void *context;
  pthread_t thread;
  sem_t go, done;
  bool opened, under_way; /* the owner's */
  bool ending;            /* written before the last go */
};

/* Starts the thread. 0, or a negative errno; then, as when all bytes are zero, nothing else but closing may be called. */
int errand_open(struct errand *errand, void (*work)(void *context), void *context);
/* Ends the thread, after what is under way. */
void errand_close(struct errand *errand);
/* Has the work done; none may be under way. */
void errand_begin(struct errand *errand);
/* True once for each work, when it is done. */
bool errand_done(struct errand *errand);
/* The same, but waits for it; false where none is under way. */
bool errand_wait(struct errand *errand);

#endif
