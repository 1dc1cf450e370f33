/* The monotonic clock. */
#include "common/sys/clock.h"

#include <time.h>

int64_t
lp_clock_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_MONOTONIC, &t) == 0 ? (int64_t)t.tv_sec * 1000000000 + t.tv_nsec : 0;
}

int64_t
lp_clock_ms(void)
{
	return lp_clock_ns() / 1000000;
}
