/*
 * What the pieces that work beside the main thread have in common. Threads
 * are begun behind the lock, which they inherit (LP_DUTY_THREADED).
 */
#ifndef LP_SYS_THREAD_H
#define LP_SYS_THREAD_H

#include <semaphore.h>

/* Whether this process has one processor only, so that a thread gains nothing. In front of the lock. */
int lp_thread_alone(void);

/* sem_wait(3), which a signal does not end. */
void lp_sem_take(sem_t *);

#endif
