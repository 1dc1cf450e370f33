/* How long to wait before a further try: growth, cap, jitter, and Retry-After above all of them. */
#include "common/net/retry.h"
#include "test/unit/unit.h"

/* 1994-11-06 08:49:37 */
enum { NOW = 784111777, PATIENCE = 120 };

/* Lots that are the least, the most, and odd ones; whatever they are, the wait is from half to all of `most`. */
static void
in_bounds(unsigned tries, int64_t most)
{
	struct unit_rng rng = { tries + 1 };
	int64_t low = most, high = 0;

	for (int i = 0; i < 20000; i++) {
		int64_t ms = lp_retry_backoff(tries, unit_rand(&rng, UINT32_MAX));

		low = ms < low ? ms : low;
		high = ms > high ? ms : high;
	}
	ok(lp_retry_backoff(tries, 0) == most / 2, "after %u tries: the least is half", tries);
	ok(lp_retry_backoff(tries, (uint32_t)(most / 2)) == most, "after %u tries: the most is all", tries);
	ok(lp_retry_backoff(tries, (uint32_t)(most / 2 + 1)) == most / 2, "after %u tries: no lot is beyond", tries);
	ok(lp_retry_backoff(tries, UINT32_MAX) >= most / 2 && lp_retry_backoff(tries, UINT32_MAX) <= most,
	    "after %u tries: the largest lot", tries);
	ok(low >= most / 2 && low < most / 2 + most / 40 && high <= most && high > most - most / 40,
	    "after %u tries: lots fill what lies between (%lld to %lld ms)", tries, (long long)low, (long long)high);
}

static void
test_backoff(void)
{
	static const struct { unsigned tries; int64_t most; } t[] = {
		{ 0, 250 }, { 1, 500 }, { 2, 1000 }, { 3, 2000 }, { 4, 4000 }, { 5, 8000 },
		{ 6, 8000 }, { 7, 8000 }, { 31, 8000 }, { 32, 8000 }, { 63, 8000 }, { 64, 8000 }, { 100, 8000 },
		{ UINT32_MAX, 8000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		in_bounds(t[i].tries, t[i].most);
}

/* `tries` and `lot` such that a back-off would be 8 s: what is less, or more, is the server's. */
static void
test_wait(void)
{
	static const struct { const char *text; int64_t least, most; } t[] = {
		{ NULL, 4000, 8000 },
		{ "0", 125, 250 },
		{ "1", 1125, 1250 },
		{ "30", 30125, 30250 },
		{ "120", 120125, 120250 },
		{ "121", -1, -1 },
		{ "18446744073709551615", -1, -1 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 125, 250 },
		{ "Sun, 06 Nov 1994 08:49:38 GMT", 1125, 1250 },
		{ "Sun, 06 Nov 1994 08:50:07 GMT", 30125, 30250 },
		{ "Sun, 06 Nov 1994 08:51:37 GMT", 120125, 120250 },
		{ "Sun, 06 Nov 1994 08:51:38 GMT", -1, -1 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", -1, -1 },
		/* long past: at once, not by back-off */
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 125, 250 },
		{ "", 4000, 8000 },
		{ "soon", 4000, 8000 },
		{ "-1", 4000, 8000 },
		{ "1.5", 4000, 8000 },
		{ "Sun Nov  6 08:49:37 1994", 4000, 8000 },
	};
	static const uint32_t lots[] = { 0, 1, 125, 126, 4000, UINT32_MAX };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (size_t k = 0; k < sizeof(lots) / sizeof(lots[0]); k++) {
			struct lp_span s = t[i].text != NULL ? lp_span_str(t[i].text) : lp_span(NULL, 0);
			int64_t ms = lp_retry_wait(s, NOW, 5, lots[k], PATIENCE);

			ok(ms >= t[i].least && ms <= t[i].most, "Retry-After %s, lot %u: %lld ms",
			    t[i].text != NULL ? t[i].text : "(none)", lots[k], (long long)ms);
		}
}

int
main(void)
{
	test_backoff();
	test_wait();
	return unit_done();
}
