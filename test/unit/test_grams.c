/* The index of grams against looking at every path. */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/cache/grams.h"
#include "test/unit/unit.h"

enum { PATHS = 5000, NAME = 40 };

static char paths[PATHS][NAME];

static int
block_has(uint32_t block, const char *gram)
{
	for (uint32_t i = block * LP_GRAM_BLOCK; i < (block + 1) * LP_GRAM_BLOCK && i < PATHS; i++)
		if (strstr(paths[i], gram) != NULL)
			return 1;
	return 0;
}

/* A posting names exactly the blocks that hold the gram. */
static int
posting_is_right(const struct lp_posting *p)
{
	uint32_t g = p->gram - 1;
	char gram[4] = { (char)(g >> 16), (char)(g >> 8), (char)g, '\0' };
	struct lp_span left = lp_span(p->p, p->n);
	int64_t block = -1;
	uint32_t next = 0;

	while (lp_posting_next(&left, &block)) {
		for (; next < block; next++)
			if (block_has(next, gram))
				return 0;
		if (!block_has(next++, gram))
			return 0;
	}
	for (; next < (PATHS + LP_GRAM_BLOCK - 1) / LP_GRAM_BLOCK; next++)
		if (block_has(next, gram))
			return 0;
	return left.n == 0;
}

static void
test_index(void)
{
	struct unit_rng rng = { 3 };
	struct lp_grams g;
	int right = 1, ascending = 1;

	lp_grams_init(&g);
	for (unsigned i = 0; i < PATHS; i++) {
		snprintf(paths[i], NAME, "/d%u/%c%c%u", unit_rand(&rng, 8), 'a' + (char)unit_rand(&rng, 26),
		    'a' + (char)unit_rand(&rng, 26), i % 64 == 63 ? 9999 : unit_rand(&rng, 3));
		if (lp_grams_add(&g, lp_span_str(paths[i])) != LP_OK)
			abort();
	}
	lp_grams_sort(&g);
	for (size_t i = 0; i < g.n; i++) {
		right &= posting_is_right(&g.posting[i]);
		ascending &= i == 0 || g.posting[i - 1].gram < g.posting[i].gram;
	}
	ok(g.n > 700 && right, "each of %zu postings names the blocks that hold its gram, and no other", g.n);
	ok(ascending, "in order");
	lp_grams_release(&g);
}

static void
test_questions(void)
{
	static const struct { const char *in; int glob; size_t n; } t[] = {
		{ "", 0, 0 }, { "ab", 0, 0 }, { "abc", 0, 1 }, { "abcabc", 0, 3 }, { "a*c", 0, 1 },
		{ "abc", 1, 1 }, { "*", 1, 0 }, { "ab*cd?ef", 1, 0 }, { "*.so.1*", 1, 3 }, { "lib[ab]long", 1, 1 },
		{ "abc\\*def", 1, 2 }, { "[[:alpha:]x]abc", 1, 0 }, { "usr/\\", 1, 2 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span_str(t[i].in));
		struct lp_span s = lp_span(p, strlen(t[i].in));
		uint32_t grams[8];
		size_t n = t[i].glob ? lp_grams_of_glob(s, grams, 8) : lp_grams_of(s, grams, 8);

		ok(n == t[i].n, "%s '%s' asks for %zu grams", t[i].glob ? "pattern" : "substring", t[i].in, t[i].n);
		free(p);
	}
}

/* What a database holds need not be what was put there. */
static void
test_bad_postings(void)
{
	static const struct { const char *in; size_t n; int64_t last; } t[] = {
		{ "\x01\x01", 2, 1 }, { "\x80\x01\x01", 3, 128 }, { "\x01\x00\x01", 3, 0 }, { "\x80", 1, -1 },
		{ "\x80\x80\x80\x80\x80\x80\x01", 7, -1 }, { "", 0, -1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *p = unit_exact(lp_span(t[i].in, t[i].n));
		struct lp_span s = lp_span(p, t[i].n);
		int64_t block = -1;

		while (lp_posting_next(&s, &block))
			;
		ok(block == t[i].last, "posting %zu ends at block %lld", i, (long long)t[i].last);
		free(p);
	}
}

int
main(void)
{
	test_index();
	test_questions();
	test_bad_postings();
	return unit_done();
}
