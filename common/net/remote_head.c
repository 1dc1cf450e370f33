/* What the head of an answer says, against what was asked and what is known. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/net/remote_priv.h"
#include "common/sys/err.h"

int
lp_remote_fail(struct lp_remote *m, int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, sizeof(m->why), fmt, ap);
	va_end(ap);
	return status;
}

/* The size as an answer has it: new to us, or to be the one we know. */
static int
learn_size(struct lp_remote_get *g, uint64_t size)
{
	struct lp_remote *m = g->remote;

	if (*m->size >= 0 && (uint64_t)*m->size != size)
		return lp_remote_fail(m, LP_E_DATA, "the server has %llu bytes of it, it should be %llu",
		    ULL(size), ULL(*m->size));
	*m->size = (int64_t)size;
	g->told = 1;
	if (g->at >= size && g->at > 0)
		return lp_remote_fail(m, LP_E_DATA, "byte %llu is beyond its end: it has %llu bytes", ULL(g->at),
		    ULL(size));
	if (g->last >= size && size > 0)
		g->last = size - 1;
	return LP_OK;
}

/* 206: RFC 9110 section 15.3.7 */
static int
check_partial(struct lp_remote_get *g)
{
	struct lp_span s = lp_http_header(&g->response, "Content-Range", 0);
	struct lp_remote *m = g->remote;
	struct lp_content_range cr;

	if (s.p == NULL) {
		/* without it only the length can tell that this is what was asked for */
		g->body_last = g->asked_last;
		if (g->response.length >= 0 && (uint64_t)g->response.length == g->asked_last - g->asked_at + 1)
			return LP_OK;
		return lp_remote_fail(m, LP_E_NET, "HTTP 206 without Content-Range, and not of the length asked for");
	}
	if (lp_content_range(s, &cr) != LP_OK || !cr.satisfied)
		return lp_remote_fail(m, LP_E_NET, "HTTP 206 with a Content-Range that makes no sense: %s",
		    lp_quote(s));
	g->body_last = cr.range.last;
	if (cr.range.first != g->asked_at)
		return lp_remote_fail(m, LP_E_NET, "asked for bytes from %llu, the server sends some from %llu",
		    ULL(g->asked_at), ULL(cr.range.first));
	return cr.has_total ? learn_size(g, cr.total) : LP_OK;
}

/*
 * Bytes that were compressed on the way are not the blob's. But servers
 * also call a .tar.gz that they store `gzip` and send it as it is: those
 * know its length, and those that compress do not.
 */
static int
check_encoding(struct lp_remote_get *g, int size_rc, int size_was_known)
{
	struct lp_span s = lp_http_header(&g->response, "Content-Encoding", 0);
	struct lp_remote *m = g->remote;

	if (s.n == 0 || lp_span_is(s, "identity"))
		return size_rc;
	if (size_rc == LP_OK && g->told && (size_was_known || m->digest[0] == '\0'))
		return LP_OK;
	return lp_remote_fail(m, LP_E_NET, "the server sends it with Content-Encoding: %s, though asked not to",
	    lp_quote(s));
}

/*
 * Parts of two versions are no file. What has a digest shows that at the end,
 * and what serves it may have many ETags for one content.
 */
static int
check_version(struct lp_remote_get *g)
{
	static const char *const fields[] = { "ETag", "Last-Modified" };
	char version[sizeof(g->remote->version)];
	struct lp_remote *m = g->remote;

	for (size_t i = 0; m->digest[0] == '\0' && i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct lp_span s = lp_http_header(&g->response, fields[i], 0);

		if (s.n == 0 || (m->version[0] != '\0' && strncmp(m->version, fields[i], strlen(fields[i])) != 0))
			continue;
		snprintf(version, sizeof(version), "%s %.*s", fields[i], s.n < sizeof(version) ? (int)s.n : (int)sizeof(version),
		    (const char *)s.p);
		if (m->version[0] == '\0')
			memcpy(m->version, version, sizeof(version));
		else if (strcmp(m->version, version) != 0)
			return lp_remote_fail(m, LP_E_NET, "it was replaced while it was read: %s", lp_quotes(version));
		break;
	}
	return LP_OK;
}

int
lp_remote_check_head(struct lp_remote_get *g)
{
	struct lp_http_response *r = &g->response;
	int known = *g->remote->size >= 0, rc = LP_OK;

	g->headed = 1;
	switch (r->status) {
	case 200:
		g->body_at = 0;
		g->remote->no_ranges = g->remote->no_ranges || g->range[0] != '\0';
		if (r->length >= 0)
			rc = learn_size(g, (uint64_t)r->length);
		break;
	case 206:
		g->body_at = g->asked_at;
		if (g->range[0] == '\0')
			return lp_remote_fail(g->remote, LP_E_NET, "HTTP 206, though no range was asked for");
		rc = check_partial(g);
		break;
	default:
		return lp_remote_fail(g->remote, LP_E_NET, "HTTP %d in answer to a GET", r->status);
	}
	rc = check_encoding(g, rc, known);
	return rc != LP_OK ? rc : check_version(g);
}

int
lp_remote_check_page(struct lp_remote_get *g, struct lp_span s)
{
	if (!lp_http_is_page(&g->response, s))
		return LP_OK;
	return lp_remote_fail(g->remote, LP_E_DATA, "got an HTML page instead of a blob, from %s", g->response.where);
}

int
lp_remote_unsatisfiable(struct lp_remote_get *g)
{
	struct lp_span s = lp_http_header(&g->response, "Content-Range", 0);
	struct lp_remote *m = g->remote;
	struct lp_content_range cr;

	if (s.p != NULL && lp_content_range(s, &cr) == LP_OK && cr.has_total) {
		int rc = learn_size(g, cr.total);

		if (rc != LP_OK || cr.total == 0)
			return rc;
	} else if (g->at == 0 && *m->size < 0 && !g->whole) {
		/* it is empty, or the server has no ranges: the answer without one says which */
		g->whole = 1;
		return LP_E_ABSENT;
	} else if (g->at > 0 && *m->size < 0) {
		return lp_remote_fail(m, LP_E_DATA, "byte %llu is beyond its end", ULL(g->at));
	}
	return lp_remote_fail(m, LP_E_NET, "HTTP 416 for bytes that it has, from %s", g->response.where);
}
