/*
 * How long to wait before a request is sent once more.
 */
#ifndef LP_NET_RETRY_H
#define LP_NET_RETRY_H

#include <stdint.h>

#include "common/base/span.h"

/*
 * Milliseconds to wait when `tries` further ones have been made already:
 * half of them fixed, half of them by `lot`, any number, so that many who
 * failed together do not come back together.
 */
int64_t lp_retry_backoff(unsigned tries, uint32_t lot);

/*
 * The same after an answer. What its Retry-After says (p is NULL if it has
 * none; `now` is a Unix time) comes before any back-off of ours, and is
 * exceeded a little: a server's clock is not ours. What cannot be read is
 * none. -1: it asks for more than `patience` seconds.
 */
int64_t lp_retry_wait(struct lp_span retry_after, int64_t now, unsigned tries, uint32_t lot, uint64_t patience);

#endif
