/* Reads a blob from a registry or server by ranges, and copes with servers that ignore them. */
#include "common/net/remote_priv.h"

#include <stdio.h>
#include <string.h>

#include "common/base/status.h"

enum {
	FIRST_GUESS = 1024 * 1024, /* bytes asked for where the end is not known */
	RESUMES_MAX = 64, /* requests of one transfer that broke off, or were not worth it */
	WORTH_IT = 64 * 1024, /* bytes that one brings which is */
	BARREN_MAX = 4    /* in a row that brought next to nothing */
};

void
lp_remote_init(struct lp_remote *m, struct lp_http *http, struct lp_registry *registry,
    const struct lp_reference *ref, const char *digest, int64_t *size)
{
	*m = (struct lp_remote){ .http = http, .registry = registry, .ref = ref, .digest = digest,
	    .size = size };
}

/* ---- the body -------------------------------------------------------------------- */

static int
on_bytes(void *arg, struct lp_http_response *r, struct lp_span s)
{
	struct lp_remote_get *g = arg;
	uint64_t end;
	int rc = LP_OK;

	if (!g->headed) {
		rc = lp_remote_check_head(g);
		rc = rc != LP_OK ? rc : lp_remote_check_page(g, s);
	}
	if (rc == LP_OK && g->body_at < g->at) {
		uint64_t front = g->at - g->body_at;

		g->body_at += lp_span_take(&s, front < s.n ? (size_t)front : s.n).n;
	}
	end = g->last < g->body_last ? g->last : g->body_last;
	if (rc == LP_OK && s.n > 0 && g->at <= end) {
		if (s.n > end - g->at)
			s.n = (size_t)(end - g->at) + 1;
		rc = g->sink(g->arg, s);
		if (rc == LP_OK) {
			g->at += s.n;
			g->body_at += s.n;
		}
	}
	if (rc != LP_OK) {
		/* LP_HTTP_ENOUGH and not the failure itself: the answer was not the transport's fault */
		g->failure = rc;
		return LP_HTTP_ENOUGH;
	}
	/* a body that ends here leaves its connection to the next request */
	if (g->at > end && (r->length < 0 || r->body_bytes < (uint64_t)r->length))
		return LP_HTTP_ENOUGH;
	return LP_OK;
}

/* ---- one request after the other --------------------------------------------------- */

static void on_done(void *arg, int status, struct lp_http_response *r);

static void
finish(struct lp_remote_get *g, int status)
{
	lp_http_response_release(&g->response);
	lp_registry_request_release(&g->ask);
	g->done(g->arg, status);
}

static void
send(struct lp_remote_get *g)
{
	struct lp_remote *m = g->remote;
	struct lp_http_request q = { .method = "GET", .headers = g->headers, .sink = on_bytes, .arg = g };
	int rc;

	g->asked_at = g->at;
	g->asked_last = g->last;
	g->body_last = LP_RANGE_END;
	g->headed = 0;
	g->told = 0;
	g->failure = LP_OK;
	g->range[0] = '\0';
	/* no open range: the size that comes with a closed one says where to close the next */
	if (g->at > 0 && g->last == LP_RANGE_END)
		g->asked_last = *m->size > 0 ? (uint64_t)*m->size - 1 : g->at + FIRST_GUESS - 1;
	if (g->whole)
		g->asked_last = LP_RANGE_END;
	if (g->asked_last != LP_RANGE_END)
		snprintf(g->range, sizeof(g->range), "Range: bytes=%llu-%llu", ULL(g->at), ULL(g->asked_last));
	g->headers[0] = g->range[0] != '\0' ? g->range : NULL;
	q.url = m->ref->kind == LP_REF_URL ? m->ref->path : g->ask.url;
	q.secrets = m->ref->kind == LP_REF_URL ? NULL : g->ask.secrets;
	q.insecure = g->ask.insecure;
	q.hasty = g->ask.hasty;
	rc = lp_http_start(m->http, &q, &g->response, on_done, g);
	if (rc != LP_OK)
		finish(g, rc);
}

/* Whether the answer came from the URL that the message begins with anyway. */
static int
is_named(const struct lp_remote *m, const struct lp_http_response *r)
{
	char name[sizeof(r->where)];

	if (m->ref->kind != LP_REF_URL)
		return 0;
	lp_reference_show(m->ref->path, name, sizeof(name));
	return strcmp(name, r->where) == 0;
}

/* What an answer that is no success is called. */
static int
refused(struct lp_remote_get *g)
{
	struct lp_remote *m = g->remote;
	struct lp_http_response *r = &g->response;

	if (m->ref->kind == LP_REF_REGISTRY)
		lp_registry_explain(&g->ask, r);
	if (r->why[0] != '\0')
		return lp_remote_fail(m, LP_E_NET, "%s", r->why);
	if (is_named(m, r))
		return lp_remote_fail(m, LP_E_NET, "HTTP %d", r->status);
	return lp_remote_fail(m, LP_E_NET, "HTTP %d from %s", r->status, r->where);
}

/* An answer without a length ends where the blob does, if nobody knows better. */
static int
ends_here(struct lp_remote_get *g)
{
	struct lp_remote *m = g->remote;

	*m->size = (int64_t)g->body_at;
	if (g->body_at < g->at || (g->at == g->asked_at && g->at > 0))
		return lp_remote_fail(m, LP_E_DATA, "byte %llu is beyond its end: it has %llu bytes", ULL(g->at),
		    ULL(g->body_at));
	return LP_OK;
}

/* Everything the answer had was taken, and it was less than asked. LP_E_ABSENT: ask for the rest. */
static int
fell_short(struct lp_remote_get *g, int status)
{
	struct lp_remote *m = g->remote;
	struct lp_http_response *r = &g->response;
	uint64_t brought = g->at - g->asked_at;

	if (status == LP_OK && r->status == 200 && r->length < 0 && *m->size < 0)
		return ends_here(g);
	/* a trickle is no progress: it would take for ever */
	g->barren = brought >= LP_HTTP_STALL_MIN ? 0 : g->barren + 1;
	/* a server may give less than was asked, if it is worth asking for more */
	g->resumes += status != LP_OK || brought < WORTH_IT;
	if (g->barren >= BARREN_MAX || g->resumes > RESUMES_MAX)
		return lp_remote_fail(m, LP_E_NET, "broke off at byte %llu%s%s; tried %u times", ULL(g->at),
		    r->why[0] != '\0' ? ": " : "", r->why, g->resumes);
	/* what was accepted just now may end before the next request, and be renewed again */
	g->ask.renewals = 0;
	return LP_E_ABSENT;
}

/* The registry may know better: a token, a new signed URL. 1: send again. */
static int
ask_registry(struct lp_remote_get *g, int status)
{
	struct lp_remote *m = g->remote;
	int rc;

	if (m->ref->kind != LP_REF_REGISTRY || g->response.status / 100 == 2)
		return 0;
	rc = lp_registry_again(m->registry, &g->ask, status, &g->response);
	if (rc < 0)
		return lp_remote_fail(m, rc, "%s", g->response.why);
	return rc;
}

static int
judge(struct lp_remote_get *g, int status)
{
	struct lp_http_response *r = &g->response;
	int again;

	if (g->failure != LP_OK)
		return g->failure;
	again = ask_registry(g, status);
	if (again != 0)
		return again > 0 ? LP_E_ABSENT : again;
	if (status != LP_OK && status != LP_E_NET)
		return lp_remote_fail(g->remote, status, "%s", r->why);
	if (status != LP_OK && (r->status / 100 != 2 || r->trouble == LP_HTTP_EXCESS))
		return lp_remote_fail(g->remote, status, "%s%s%s", is_named(g->remote, r) ? "" : r->where,
		    is_named(g->remote, r) ? "" : ": ", r->why);
	if (r->status == 416)
		return lp_remote_unsatisfiable(g);
	if (r->status / 100 != 2)
		return refused(g);
	/* a body without bytes never reached the sink */
	if (!g->headed && status == LP_OK) {
		int rc = lp_remote_check_head(g);

		if (rc != LP_OK)
			return rc;
	}
	if (g->at > g->last || *g->remote->size == 0)
		return LP_OK;
	return fell_short(g, status);
}

/*
 * This place has failed: whether there is another, which goes on where it ended. What the sink
 * failed with has no words here, and is nobody's fault.
 */
static int
next_place(struct lp_remote_get *g, int rc)
{
	struct lp_remote *m = g->remote;
	size_t n = strlen(m->why);

	if (m->ref->kind != LP_REF_REGISTRY || (rc != LP_E_NET && rc != LP_E_DATA) || n == 0)
		return rc;
	switch (lp_registry_next(m->registry, &g->ask, &g->response, m->why)) {
	case 1:
		/* what it said of the size may be as wrong */
		*m->size = g->size;
		g->last = g->wanted;
		g->resumes = g->barren = 0;
		g->whole = m->no_ranges = 0;
		m->why[0] = '\0';
		return LP_E_ABSENT;
	case 0:
		if (g->ask.tale[0] != '\0')
			snprintf(m->why + n, sizeof(m->why) - n, "; before that: %s", g->ask.tale);
		return rc;
	default:
		return LP_E_NOMEM;
	}
}

static void
on_done(void *arg, int status, struct lp_http_response *r)
{
	struct lp_remote_get *g = arg;
	int rc = judge(g, status);

	(void)r;
	if (rc == LP_OK && g->remote->ref->kind == LP_REF_REGISTRY)
		lp_registry_answered(g->remote->registry, &g->ask);
	rc = next_place(g, rc);
	if (rc == LP_E_ABSENT)
		send(g);
	else
		finish(g, rc);
}

void
lp_remote_start(struct lp_remote_get *g, struct lp_remote *m, uint64_t first, uint64_t last,
    lp_remote_sink *sink, void (*done)(void *, int), void *arg)
{
	int rc = LP_OK;

	m->why[0] = '\0';
	*g = (struct lp_remote_get){ .remote = m, .at = first, .last = last, .size = *m->size,
	    .sink = sink, .done = done, .arg = arg };
	lp_http_response_init(&g->response);
	if (*m->size >= 0 && first > 0 && first >= (uint64_t)*m->size)
		rc = lp_remote_fail(m, LP_E_DATA, "byte %llu is beyond its end: it has %llu bytes", ULL(first),
		    ULL(*m->size));
	else if (*m->size > 0 && last >= (uint64_t)*m->size)
		g->last = (uint64_t)*m->size - 1;
	g->wanted = g->last;
	if (rc == LP_OK && m->ref->kind == LP_REF_REGISTRY)
		rc = lp_registry_ask(m->registry, m->ref, "blobs", m->ref->digest, &g->ask);
	if (rc == LP_E_ABSENT)
		(void)lp_remote_fail(m, rc, "%s", lp_registry_refusal(&g->ask));
	/* an empty one is not asked for */
	if (rc == LP_OK && *m->size != 0)
		send(g);
	else
		finish(g, rc);
}

/* ---- waiting ------------------------------------------------------------------------ */

struct wait {
	lp_remote_sink *sink;
	void *arg;
	int status;
};

static int
wait_sink(void *arg, struct lp_span s)
{
	struct wait *w = arg;

	return w->sink(w->arg, s);
}

static void
wait_done(void *arg, int status)
{
	struct wait *w = arg;

	w->status = status;
}

int
lp_remote_get(struct lp_remote *m, uint64_t first, uint64_t last, lp_remote_sink *sink, void *arg,
    uint64_t *at)
{
	struct wait w = { .sink = sink, .arg = arg, .status = LP_E_NET };
	struct lp_remote_get g;
	int rc;

	lp_remote_start(&g, m, first, last, wait_sink, wait_done, &w);
	rc = lp_http_run(m->http, NULL, NULL);
	*at = g.at;
	return rc != LP_OK ? rc : w.status;
}

static int
discard(void *arg, struct lp_span s)
{
	(void)arg;
	(void)s;
	return LP_OK;
}

int
lp_remote_size(struct lp_remote *m)
{
	uint64_t at;
	int rc;

	if (*m->size >= 0)
		return LP_OK;
	rc = lp_remote_get(m, 0, 0, discard, NULL, &at);
	if (rc == LP_OK && *m->size < 0)
		rc = lp_remote_fail(m, LP_E_NET, "the server does not say how large it is");
	return rc;
}
