/* The retry policy: which pause before which attempt. */
#include "common/net/retry.h"

#include "common/base/status.h"
#include "common/net/httpfield.h"

enum {
	FIRST_MS = 250, /* before the second try, doubled for each further one; and what is added at most to a Retry-After */
	CAP_MS = 8000
};

int64_t
lp_retry_backoff(unsigned tries, uint32_t lot)
{
	int64_t ms = FIRST_MS;

	for (; tries > 0 && ms < CAP_MS; tries--)
		ms *= 2;
	ms = ms < CAP_MS ? ms : CAP_MS;
	return ms / 2 + (int64_t)lot % (ms / 2 + 1);
}

int64_t
lp_retry_wait(struct lp_span retry_after, int64_t now, unsigned tries, uint32_t lot, uint64_t patience)
{
	uint64_t seconds;

	if (retry_after.p == NULL || lp_retry_after(retry_after, now, &seconds) != LP_OK)
		return lp_retry_backoff(tries, lot);
	if (seconds > patience)
		return -1;
	return (int64_t)seconds * 1000 + lp_retry_backoff(0, lot);
}
