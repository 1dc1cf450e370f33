/*
 * Any bytes as a WWW-Authenticate header: the parser ends, each value it
 * gives is a string within its bound, and a value quoted anew is read back
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_quoted(struct lp_buf *b, const char *s)
{
	int rc = lp_buf_addc(b, '"');

	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			rc |= lp_buf_addc(b, '\\');
		rc |= lp_buf_addc(b, *s);
	}
	if ((rc | lp_buf_addc(b, '"')) != LP_OK)
		abort();
}

static void
read_back(const struct lp_challenge *c)
{
	struct lp_challenges x;
	struct lp_challenge again;
	struct lp_buf b;

	lp_buf_init(&b, 1024 * 1024);
	lp_buf_adds(&b, "Bearer realm=");
	add_quoted(&b, c->realm);
	lp_buf_adds(&b, ",\tscope =");
	add_quoted(&b, c->scope);
	lp_challenge_init(&x, lp_buf_span(&b));
	if (lp_challenge_next(&x, &again) != LP_OK || strcmp(c->realm, again.realm) != 0 ||
	    strcmp(c->scope, again.scope) != 0 || lp_challenge_next(&x, &again) != LP_E_ABSENT)
		abort();
	lp_buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_challenges x;
	struct lp_challenge c;

	lp_challenge_init(&x, lp_span(data, size));
	for (size_t n = 0; lp_challenge_next(&x, &c) == LP_OK; n++) {
		if (n > size || strlen(c.realm) > LP_CHALLENGE_VALUE_MAX)
			abort();
		read_back(&c);
	}
	return 0;
}
