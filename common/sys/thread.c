/* Threads that a filter starts after its sandbox. */
#include "common/sys/thread.h"

#include <errno.h>
#include <sched.h>

int
lp_thread_alone(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

void
lp_sem_take(sem_t *s)
{
	while (sem_wait(s) != 0 && errno == EINTR)
		;
}
