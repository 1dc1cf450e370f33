/* SHA-256 in a thread of its own. */
#include "common/sys/hasher.h"

#include <stdlib.h>
#include <string.h>

#include "common/sys/thread.h"

static void *
work(void *arg)
{
	struct lp_hasher *h = arg;
	size_t at = 0, n;

	do {
		const struct lp_hasher_slot *s = &h->slot[at];

		lp_sem_take(&h->full);
		n = s->n;
		lp_hash_add(&h->hash, lp_span(s->bytes, n));
		at = (at + 1) % LP_HASHER_SLOTS;
		(void)sem_post(&h->empty);
	} while (n > 0);
	return NULL;
}

void
lp_hasher_init(struct lp_hasher *h, const char *as, int may_thread)
{
	memset(h, 0, sizeof(*h));
	lp_hash_init_as(&h->hash, as);
	h->may_thread = may_thread;
}

/* Without the memory or the thread it goes on as it began. */
static void
start(struct lp_hasher *h)
{
	h->may_thread = 0;
	h->slot = calloc(LP_HASHER_SLOTS, sizeof(*h->slot));
	if (h->slot == NULL)
		return;
	/* the slot at `at` is the writer's already */
	(void)sem_init(&h->empty, 0, LP_HASHER_SLOTS - 1);
	(void)sem_init(&h->full, 0, 0);
	h->running = pthread_create(&h->thread, NULL, work, h) == 0;
}

/* The slot is the thread's; the next one, when it is empty, the writer's. */
static void
pass_on(struct lp_hasher *h)
{
	(void)sem_post(&h->full);
	lp_sem_take(&h->empty);
	h->at = (h->at + 1) % LP_HASHER_SLOTS;
	h->slot[h->at].n = 0;
}

void
lp_hasher_add(struct lp_hasher *h, struct lp_span s)
{
	if (h->may_thread && h->n >= LP_HASHER_INLINE)
		start(h);
	h->n += s.n;
	if (!h->running) {
		lp_hash_add(&h->hash, s);
		return;
	}
	while (s.n > 0) {
		struct lp_hasher_slot *to = &h->slot[h->at];
		struct lp_span part = lp_span_take(&s, s.n < LP_HASHER_SLOT - to->n ? s.n : LP_HASHER_SLOT - to->n);

		memcpy(to->bytes + to->n, part.p, part.n);
		to->n += part.n;
		if (to->n == LP_HASHER_SLOT)
			pass_on(h);
	}
}

/* What is in the last slot, then an empty one. */
static void
stop(struct lp_hasher *h)
{
	if (!h->running)
		return;
	if (h->slot[h->at].n > 0)
		pass_on(h);
	(void)sem_post(&h->full);
	(void)pthread_join(h->thread, NULL);
	h->running = 0;
}

void
lp_hasher_end(struct lp_hasher *h, char digest[LP_DIGEST_SIZE])
{
	stop(h);
	lp_hash_end(&h->hash, digest);
}

void
lp_hasher_release(struct lp_hasher *h)
{
	stop(h);
	if (h->slot == NULL)
		return;
	(void)sem_destroy(&h->empty);
	(void)sem_destroy(&h->full);
	free(h->slot);
	h->slot = NULL;
}
