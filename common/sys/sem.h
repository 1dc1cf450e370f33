/*
 * Waiting for a semaphore, whatever signals come.
 */
#ifndef LP_SYS_SEM_H
#define LP_SYS_SEM_H

#include <errno.h>
#include <semaphore.h>

/* Until there is one to take. The only failure there is: a signal. */
static inline void
lp_sem_take(sem_t *s)
{
	while (sem_wait(s) != 0 && errno == EINTR)
		;
}

#endif
