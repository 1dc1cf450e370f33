/* getrandom(2) for hash tables. */
#include "common/sys/seed.h"

#include <sys/random.h>
#include <sys/types.h>

uint64_t
lp_seed(void)
{
	uint64_t seed;

	return getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed) ? seed : 0;
}
