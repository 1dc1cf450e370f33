#include "common/view/nearest.h"
#include "test/unit/unit.h"

static void
test_distance(void)
{
	static const struct { const char *a, *b; unsigned d; } t[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "kitten", "sitting", 3 },
		{ "latest", "lateset", 1 },
		{ "latest", "latets", 1 },
		{ "ca", "abc", 3 },
		{ "1.24", "1.25", 1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned d = lp_edit_distance(lp_span_str(t[i].a), lp_span_str(t[i].b));

		ok(d == t[i].d, "'%s' to '%s' is %u", t[i].a, t[i].b, t[i].d);
	}
}

static void
test_offers(void)
{
	static const char *const tags[] = { "1.24", "latest", "1.25", "1.25.1", "trixie", "1.26", "1.2", "" };
	struct lp_nearest n;

	lp_nearest_init(&n, lp_span_str("1.25x"));
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		lp_nearest_offer(&n, lp_span_str(tags[i]));
	ok(n.n == LP_NEAREST, "as many as are kept");
	ok_str(lp_span(n.best[0].text, n.best[0].n), "1.25", "the nearest first");
	ok_str(lp_span(n.best[1].text, n.best[1].n), "1.24", "then the next, as it came");
	lp_nearest_init(&n, lp_span_str("v9"));
	lp_nearest_offer(&n, lp_span_str("latest"));
	ok(n.n == 0, "what is nothing like it is not offered");
}

static void
test_longest(void)
{
	char longest[LP_NEAREST_LEN + 1];
	struct lp_nearest n;

	memset(longest, 'a', sizeof(longest));
	lp_nearest_init(&n, lp_span(longest, LP_NEAREST_LEN));
	lp_nearest_offer(&n, lp_span(longest, LP_NEAREST_LEN));
	ok(n.n == 1 && n.best[0].distance == 0, "a name of the greatest length");
	lp_nearest_offer(&n, lp_span(longest, LP_NEAREST_LEN + 1));
	ok(n.n == 1, "a longer one is passed over");
}

int
main(void)
{
	test_distance();
	test_offers();
	test_longest();
	return unit_done();
}
