/* Writes references, their origin, and the endpoint they are fetched from. */
#include "common/oci/reference_priv.h"

#include "common/base/num.h"
#include "common/base/status.h"

static int
puts_all(struct lp_buf *b, const char *const *parts)
{
	int rc = LP_OK;

	for (; *parts != NULL && rc == LP_OK; parts++)
		rc = lp_buf_adds(b, *parts);
	return rc;
}

static int
put_path(const struct lp_reference *r, struct lp_buf *b)
{
	struct lp_span p = lp_span_str(r->path);
	int rc = lp_reference_is_path(p) ? LP_OK : lp_buf_adds(b, "./");
	char range[2 * LP_NUM_MAX + 2], *end = range;

	rc = rc != LP_OK ? rc : lp_buf_add(b, p);
	if (rc != LP_OK || !r->has_range)
		return rc;
	*end++ = '#';
	end = lp_num_put(end, r->offset);
	*end++ = '+';
	end = lp_num_put(end, r->length);
	return lp_buf_add(b, lp_span(range, (size_t)(end - range)));
}

int
lp_reference_put(const struct lp_reference *r, struct lp_buf *b)
{
	const char *colon = r->name[0] != '\0' ? ":" : "", *at = r->digest[0] != '\0' ? "@" : "";

	switch (r->kind) {
	case LP_REF_REGISTRY:
		return puts_all(b, (const char *const[]){ r->host, "/", r->repo, colon, r->name, at, r->digest, NULL });
	case LP_REF_OCI:
		return puts_all(b, (const char *const[]){ "oci:", r->path, colon, r->name, at, r->digest, NULL });
	case LP_REF_DIR:
		return puts_all(b, (const char *const[]){ "dir:", r->path, at, r->digest, NULL });
	case LP_REF_OCI_ARCHIVE:
		return puts_all(b, (const char *const[]){ "oci-archive:", r->path, colon, r->name, at, r->digest, NULL });
	case LP_REF_ARCHIVE:
		return puts_all(b, (const char *const[]){ "docker-archive:", r->path, colon, r->name, NULL });
	case LP_REF_URL:
		return lp_buf_adds(b, r->path);
	case LP_REF_FILE:
		return put_path(r, b);
	default:
		return lp_buf_adds(b, "-");
	}
}

/* scheme://HOST[:PORT]/PATH: what stands in front of the path's `?` or `#`, without NAME:PASSWORD@. */
static int
put_url_origin(struct lp_span url, struct lp_buf *b)
{
	size_t n = 0, at;
	struct lp_span authority;
	int rc;

	while (n < url.n && url.p[n] != '?' && url.p[n] != '#')
		n++;
	url.n = n;
	n = lp_reference_find(url, ':') + 3; /* behind :// */
	rc = lp_buf_add(b, lp_span_take(&url, n < url.n ? n : url.n));
	authority = lp_span_take(&url, lp_reference_find(url, '/'));
	while ((at = lp_reference_find(authority, '@')) < authority.n)
		lp_span_take(&authority, at + 1);
	rc = rc != LP_OK ? rc : lp_buf_add(b, authority);
	return rc != LP_OK ? rc : lp_buf_add(b, url);
}

int
lp_reference_origin(const struct lp_reference *r, struct lp_buf *b)
{
	int in_plain;

	switch (r->kind) {
	case LP_REF_REGISTRY:
		in_plain = r->plain_http && !lp_host_is_loopback(lp_span_str(r->host));
		return puts_all(b, (const char *const[]){ in_plain ? "http://" : "", r->host, "/", r->repo, NULL });
	case LP_REF_OCI:
		return puts_all(b, (const char *const[]){ "oci:", r->path, NULL });
	case LP_REF_DIR:
		return puts_all(b, (const char *const[]){ "dir:", r->path, NULL });
	case LP_REF_OCI_ARCHIVE:
		return puts_all(b, (const char *const[]){ "oci-archive:", r->path, NULL });
	case LP_REF_ARCHIVE:
		return puts_all(b, (const char *const[]){ "docker-archive:", r->path, NULL });
	case LP_REF_URL:
		return put_url_origin(lp_span_str(r->path), b);
	case LP_REF_FILE:
		return puts_all(b, (const char *const[]){ "file:", r->path, NULL });
	default:
		return lp_buf_adds(b, "-");
	}
}

const char *
lp_host_endpoint(const char *host)
{
	return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

/* Four decimal bytes, the first of them 127. */
static int
is_loopback_ipv4(struct lp_span s)
{
	uint64_t byte;

	for (int i = 0; i < 4; i++) {
		struct lp_span part = lp_span_take(&s, lp_reference_find(s, '.'));

		if (lp_num_u64(part, 255, &byte) != LP_OK || (i == 0 && byte != 127))
			return 0;
		if (i < 3 && s.n == 0)
			return 0;
		if (i < 3)
			lp_span_take(&s, 1);
	}
	return s.n == 0;
}

int
lp_host_is_loopback(struct lp_span s)
{
	struct lp_span name = s.n > 0 && s.p[0] == '[' ? lp_span_take(&s, lp_reference_find(s, ']') + 1) :
	    lp_span_take(&s, lp_reference_find(s, ':'));

	return lp_span_is(name, "localhost") || lp_span_ends(name, ".localhost") || lp_span_is(name, "[::1]") ||
	    is_loopback_ipv4(name);
}
