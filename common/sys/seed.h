/* A seed for keyed hashes of names that strangers chose. */
#ifndef LP_SYS_SEED_H
#define LP_SYS_SEED_H

#include <stdint.h>

/*
 * Never waits and never fails: 0 where the kernel has no random bytes yet. For
 * tables that compare what they find, so that who knows the seed can only make
 * them slow.
 */
uint64_t lp_seed(void);

#endif
