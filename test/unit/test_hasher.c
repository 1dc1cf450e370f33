#include <stdlib.h>
#include <string.h>

#include "common/sys/hasher.h"
#include "test/unit/unit.h"

static unsigned char *bytes;
static char want[LP_DIGEST_SIZE];

/* In steps of a size (0: of random ones), with and without a thread. */
static void
in_steps(size_t n, size_t step, int may_thread)
{
	struct unit_rng rng = { n + step };
	struct lp_span rest = lp_span(bytes, n);
	static struct lp_hasher h;
	char got[LP_DIGEST_SIZE];
	int pays = 0;

	lp_hasher_init(&h, "", may_thread);
	while (rest.n > 0) {
		size_t k = step > 0 ? step : 1 + unit_rand(&rng, 3 * LP_HASHER_SLOT);

		pays = pays || n - rest.n >= LP_HASHER_INLINE;
		lp_hasher_add(&h, lp_span_take(&rest, k < rest.n ? k : rest.n));
	}
	/* what is to be seen of a thread: the memory it takes */
	ok((h.slot != NULL) == (may_thread && pays),
	    "%zu bytes in steps of %zu, %s: a thread only if it pays", n, step, may_thread ? "threads" : "none");
	lp_hasher_end(&h, got);
	lp_hash_bytes(lp_span(bytes, n), want);
	ok_str(lp_span_str(got), want, "the digest of all");
	lp_hasher_release(&h);
}

/* Who stops in the middle waits for nothing and leaks nothing. */
static void
given_up(size_t n)
{
	static struct lp_hasher h;

	lp_hasher_init(&h, "", 1);
	lp_hasher_add(&h, lp_span(bytes, n));
	lp_hasher_add(&h, lp_span(bytes, n));
	lp_hasher_release(&h);
	lp_hasher_release(&h);
	ok(!h.running && h.slot == NULL, "given up after twice %zu bytes", n);
}

int
main(void)
{
	enum { MOST = LP_HASHER_INLINE + 3 * LP_HASHER_SLOTS * LP_HASHER_SLOT + 12345 };
	static const size_t sizes[] = { 0, 1, LP_HASHER_INLINE, LP_HASHER_INLINE + 1, LP_HASHER_INLINE + LP_HASHER_SLOT,
		LP_HASHER_INLINE + LP_HASHER_SLOTS * LP_HASHER_SLOT, MOST };
	static const size_t steps[] = { 0, 4096, LP_HASHER_SLOT - 1, LP_HASHER_SLOT, LP_HASHER_SLOT + 1, LP_HASHER_INLINE, MOST };
	struct unit_rng rng = { 1 };

	bytes = malloc(MOST);
	if (bytes == NULL)
		abort();
	for (size_t i = 0; i < MOST; i++)
		bytes[i] = (unsigned char)unit_rand(&rng, 256);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			in_steps(sizes[i], steps[j], 1);
			in_steps(sizes[i], steps[j], 0);
		}
	given_up(0);
	given_up(LP_HASHER_INLINE);
	given_up(LP_HASHER_INLINE + 1);
	given_up(LP_HASHER_INLINE + LP_HASHER_SLOTS * LP_HASHER_SLOT);
	free(bytes);
	return unit_done();
}
