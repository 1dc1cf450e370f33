/* A name as others may see it: without what proves who somebody is. */
#include "common/oci/reference.h"

#include "common/base/escape.h"
#include "common/base/status.h"

/* Bytes up to and with the last '@' that begins no digest; 0 if there is none. */
static size_t
userinfo(struct lp_span s)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == '@' && lp_digest_length(lp_span(s.p + i, s.n - i)) == 0 && !(s.n - i >= 7 && memcmp(s.p + i, "sha256:", 7) == 0))
			return i;
	return 0;
}

/* HOST or HOST:PORT, as far as nothing else can be hidden in it. */
static int
is_authority(struct lp_span s)
{
	lp_span_until(&s, s.n > 0 && s.p[0] == '[' ? "]" : ":");
	for (lp_span_skip(&s, "]:"); s.n > 0; lp_span_take(&s, 1))
		if (s.p[0] < '0' || s.p[0] > '9')
			return 0;
	return 1;
}

/* The name behind its scheme, if it has one: who a user is stands in front of the host, or of whatever was meant to be one. */
static struct lp_span
without_user(struct lp_span s, int url)
{
	struct lp_span rest = s, authority = lp_span_until(&rest, "/?#");
	size_t n = userinfo(authority);

	if (n == 0 && url && !is_authority(authority))
		n = userinfo(s);
	/* elsewhere a colon makes it a password; files may have an '@' in their names */
	if (!url && (n == 0 || memchr(s.p, ':', n) == NULL))
		n = 0;
	lp_span_take(&s, n);
	return s;
}

void
lp_reference_show(const char *name, char *out, size_t n)
{
	struct lp_buf b = { .p = (unsigned char *)out, .cap = n - 1, .max = n - 1 };
	struct lp_span all = lp_span_str(name);
	const unsigned char *p = memmem(all.p, all.n, "://", 3);
	struct lp_span scheme = lp_span_take(&all, p != NULL ? (size_t)(p + 3 - all.p) : 0);
	struct lp_span rest = without_user(all, p != NULL);

	if (p != NULL)
		rest = lp_span_until(&rest, "?#");
	/* what does not fit is cut */
	if (lp_escape_cut(&b, scheme, LP_ESCAPE_TERMINAL) == LP_OK)
		(void)lp_escape_cut(&b, rest, LP_ESCAPE_TERMINAL);
	out[b.n] = '\0';
}
