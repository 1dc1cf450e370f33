/*
 * The digest of a long stream, beside the work on it: after the first
 * LP_HASHER_INLINE bytes another thread does the sums, so that a blob is
 * received, passed on and hashed at once. Few bytes cost no thread; where
 * there can be none, and on a single processor, it is the same result later.
 *
 * The thread is begun by lp_hasher_add, and so behind the lock, which it
 * inherits; not every duty may begin any.
 */
#ifndef LP_SYS_HASHER_H
#define LP_SYS_HASHER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/sys/hash.h"

enum {
	LP_HASHER_INLINE = 1024 * 1024,
	LP_HASHER_SLOTS = 8,
	LP_HASHER_SLOT = 128 * 1024 /* together no more than a processor's cache holds */
};

struct lp_hasher_slot {
	size_t n; /* bytes; 0: there are no more */
	unsigned char bytes[LP_HASHER_SLOT];
};

struct lp_hasher {
	struct lp_hash hash;         /* the thread's, while it runs */
	uint64_t n;                  /* bytes so far */
	int may_thread, running;
	pthread_t thread;
	struct lp_hasher_slot *slot; /* LP_HASHER_SLOTS of them, each in turn */
	size_t at;                   /* the one that is being filled */
	sem_t empty, full;           /* slots that are */
};

/* By the algorithm of the digest `as`. `may_thread`: the lock allows threads. Must not be moved afterwards. Release it in any case. */
void lp_hasher_init(struct lp_hasher *, const char *as, int may_thread);
/* The bytes are copied if need be. */
void lp_hasher_add(struct lp_hasher *, struct lp_span);
/* Wait for the rest; the digest of all that was added. Once. */
void lp_hasher_end(struct lp_hasher *, char digest[LP_DIGEST_SIZE]);
void lp_hasher_release(struct lp_hasher *);

#endif
