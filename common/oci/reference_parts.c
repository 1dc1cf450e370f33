/* Checks the parts of a reference: host, repository, tag, digest. */
#include "common/oci/reference_priv.h"

#include "common/base/num.h"
#include "common/base/status.h"

int
lp_reference_refuse(struct lp_reference_cursor *c, const unsigned char *p, const char *why)
{
	c->error->offset = (size_t)(p - c->start);
	c->error->why = why;
	return LP_E_USAGE;
}

int
lp_reference_copy(struct lp_reference_cursor *c, char *out, size_t max, struct lp_span s, const char *too_long)
{
	size_t nul = lp_reference_find(s, '\0');

	if (s.n > max)
		return lp_reference_refuse(c, s.p + max, too_long);
	if (nul < s.n)
		return lp_reference_refuse(c, s.p + nul, "a NUL byte");
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return LP_OK;
}

static int
is_lower_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int
is_alnum(unsigned char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* ---- hosts ---------------------------------------------------------------- */

/* domain-component: letters, digits and hyphens, no hyphen at either end. */
static int
check_label(struct lp_reference_cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return lp_reference_refuse(c, s.p, "an empty part in the host's name");
	for (size_t i = 0; i < s.n; i++) {
		int hyphen = s.p[i] == '-' && i > 0 && i + 1 < s.n;

		if (!is_alnum(s.p[i]) && !hyphen)
			return lp_reference_refuse(c, s.p + i, "not a character of a host's name");
	}
	return LP_OK;
}

static int
check_port(struct lp_reference_cursor *c, struct lp_span s)
{
	uint64_t port;

	if (lp_num_u64(s, 65535, &port) != LP_OK || port == 0)
		return lp_reference_refuse(c, s.p, "not a port (1 to 65535)");
	return LP_OK;
}

/* [ hexadecimal digits and colons ]: takes it off the front. */
static int
check_ipv6(struct lp_reference_cursor *c, struct lp_span *s)
{
	size_t end = lp_reference_find(*s, ']');

	if (end == s->n)
		return lp_reference_refuse(c, s->p, "an IPv6 address without its ]");
	for (size_t i = 1; i < end; i++) {
		unsigned char x = s->p[i];

		if (x != ':' && !(x >= '0' && x <= '9') && !((x | 32) >= 'a' && (x | 32) <= 'f'))
			return lp_reference_refuse(c, s->p + i, "not a character of an IPv6 address");
	}
	if (end == 1)
		return lp_reference_refuse(c, s->p, "an empty IPv6 address");
	lp_span_take(s, end + 1);
	return LP_OK;
}

int
lp_reference_check_host(struct lp_reference_cursor *c, struct lp_span s)
{
	struct lp_span name, rest = s;
	int rc;

	if (s.n > 0 && s.p[0] == '[') {
		rc = check_ipv6(c, &rest);
		if (rc != LP_OK)
			return rc;
		if (rest.n > 0 && rest.p[0] != ':')
			return lp_reference_refuse(c, rest.p, "only a port may follow an IPv6 address");
	} else {
		name = lp_span_take(&rest, lp_reference_find(rest, ':'));
		for (;;) {
			struct lp_span label = lp_span_take(&name, lp_reference_find(name, '.'));

			rc = check_label(c, label);
			if (rc != LP_OK || name.n == 0)
				break;
			lp_span_take(&name, 1);
			if (name.n == 0)
				return lp_reference_refuse(c, name.p, "an empty part in the host's name");
		}
		if (rc != LP_OK)
			return rc;
	}
	if (rest.n == 0)
		return LP_OK;
	lp_span_take(&rest, 1);
	return check_port(c, rest);
}

int
lp_reference_is_host(struct lp_span s)
{
	if (lp_span_is(s, "localhost"))
		return 1;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' || s.p[i] == ':' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return 1;
	return 0;
}

/* ---- names, tags, digests --------------------------------------------------- */

/* How many bytes of separator start s: one of . _ __ or any number of hyphens. */
static size_t
separator(struct lp_span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == '-')
		n++;
	if (n > 0)
		return n;
	if (s.n >= 2 && s.p[0] == '_' && s.p[1] == '_')
		return 2;
	return s.n > 0 && (s.p[0] == '.' || s.p[0] == '_');
}

static int
check_component(struct lp_reference_cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return lp_reference_refuse(c, s.p, "an empty part in the repository's name");
	for (;;) {
		size_t n = 0;

		while (n < s.n && is_lower_alnum(s.p[n]))
			n++;
		if (n == 0) {
			if (s.n > 0 && is_alnum(s.p[0]))
				return lp_reference_refuse(c, s.p, "a repository's name is lower case");
			return lp_reference_refuse(c, s.p, "a repository's name has letters or digits on both "
			    "sides of each separator");
		}
		lp_span_take(&s, n);
		if (s.n == 0)
			return LP_OK;
		n = separator(s);
		if (n == 0)
			return lp_reference_refuse(c, s.p, is_alnum(s.p[0]) ? "a repository's name is lower case" :
			    "not a character of a repository's name");
		/* a separator at the end leaves s empty, and the loop refuses it there */
		lp_span_take(&s, n);
	}
}

int
lp_reference_check_repo(struct lp_reference_cursor *c, struct lp_span s)
{
	for (;;) {
		int rc = check_component(c, lp_span_take(&s, lp_reference_find(s, '/')));

		if (rc != LP_OK || s.n == 0)
			return rc;
		lp_span_take(&s, 1);
	}
}

int
lp_reference_check_tag(struct lp_reference_cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return lp_reference_refuse(c, s.p, "an empty tag");
	if (s.n > LP_REF_TAG_MAX)
		return lp_reference_refuse(c, s.p + LP_REF_TAG_MAX, "a tag has at most 128 characters");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char x = s.p[i];
		int inner = i > 0 && (x == '.' || x == '-');

		if (!is_alnum(x) && x != '_' && !inner)
			return lp_reference_refuse(c, s.p + i, "not a character of a tag");
	}
	return LP_OK;
}

int
lp_reference_take_digest(struct lp_reference_cursor *c, struct lp_span s, struct lp_reference *r)
{
	if (!lp_digest_valid(s))
		return lp_reference_refuse(c, s.p, "a digest is " LP_DIGEST_FORM);
	return lp_reference_copy(c, r->digest, LP_DIGEST_SIZE - 1, s, "");
}
