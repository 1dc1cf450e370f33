/* Sends a request to a registry: base URL, login, token, and its error documents in words. */
#include "common/net/registry_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/net/words.h"
#include "common/oci/authfile.h"
#include "common/sys/err.h"
#include "common/sys/sandbox.h"

enum {
	URL_MAX = 16 * 1024, /* of a request */
	TRIED_MAX = 64 * 1024
};

/* ---- open and close ------------------------------------------------------------------ */

int
lp_registry_open(struct lp_registry **out, struct lp_http *http, const struct lp_registry_options *opt,
    const char **why)
{
	struct lp_registry *r = calloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	if (r == NULL)
		return LP_E_NOMEM;
	r->http = http;
	r->opt = *opt;
	lp_map_init(&r->logins, SIZE_MAX);
	lp_map_init(&r->schemes, SIZE_MAX);
	lp_json_wipe();
	lp_lock_memory();
	rc = lp_tokens_open(&r->tokens, why);
	if (rc != LP_OK) {
		int err = errno;

		lp_registry_close(r);
		errno = err;
		return rc;
	}
	*out = r;
	return LP_OK;
}

void
lp_registry_close(struct lp_registry *r)
{
	if (r == NULL)
		return;
	while (r->last != NULL) {
		struct lp_registry_login *l = r->last;

		r->last = l->next;
		lp_cred_release(&l->cred);
		lp_buf_release(&l->tried);
		for (size_t i = 0; l->header != NULL && l->header[i] != NULL; i++)
			lp_secret_free(&l->header[i]);
		free(l->header);
		free(l->way);
		free(l);
	}
	lp_placefiles_release(&r->files);
	lp_tokens_close(&r->tokens);
	lp_map_release(&r->logins);
	lp_map_release(&r->schemes);
	free(r);
}

static char *
join(const char *const *parts)
{
	struct lp_buf b;
	int rc = LP_OK;

	lp_buf_init(&b, URL_MAX);
	for (; *parts != NULL && rc == LP_OK; parts++)
		rc = lp_buf_adds(&b, *parts);
	if (rc == LP_OK && lp_buf_cstr(&b) != NULL)
		return (char *)b.p;
	lp_buf_release(&b);
	return NULL;
}

/* ---- who we are ------------------------------------------------------------------------ */

static uint64_t
login_key(const struct lp_reference *ref)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): members that are arrays */
	return lp_hash64(lp_hash64(0, lp_span(ref->host, strlen(ref->host))), lp_span(ref->repo, strlen(ref->repo)));
}

struct lp_registry_login *
lp_registry_new_login(struct lp_registry *r, const char *host, const char *repo)
{
	struct lp_registry_login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->place = (struct lp_regplace){ .base = "/v2", .tags = 1, .digests = 1 };
	snprintf(l->place.host, sizeof(l->place.host), "%s", host);
	snprintf(l->place.repo, sizeof(l->place.repo), "%s", repo);
	lp_buf_init(&l->tried, TRIED_MAX);
	l->next = r->last;
	r->last = l;
	return l;
}

struct lp_registry_login *
lp_registry_find_login(struct lp_registry *r, const struct lp_reference *ref)
{
	struct lp_registry_login *l;
	uint64_t *last;
	int fresh;

	if (lp_map_add(&r->logins, login_key(ref), &last, &fresh) != LP_OK)
		return NULL;
	for (l = (void *)(uintptr_t)*last; l != NULL; l = l->like)
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): members that are arrays */
		if (strcmp(l->place.host, ref->host) == 0 && strcmp(l->place.repo, ref->repo) == 0)
			return l;
	l = lp_registry_new_login(r, ref->host, ref->repo);
	if (l == NULL)
		return NULL;
	l->stranger = 1;
	l->like = (void *)(uintptr_t)*last;
	*last = (uint64_t)(uintptr_t)l;
	if (r->first == NULL)
		r->first = l;
	return l;
}

/* Where the name itself leads. */
static struct lp_registry_login *
source_of(struct lp_registry_login *name)
{
	return name->nway > 0 ? name->way[name->nway - 1] : name;
}

/*
 * --user names nobody's host: its password is for one registry, the first
 * one, whatever a list of sources goes on to name, and is asked for once.
 */
static int
named_user(struct lp_registry *r, const struct lp_registry_login *name, struct lp_registry_login *l)
{
	const struct lp_registry_login *first = source_of(r->first);

	if (first == l)
		return lp_cred_find(&r->opt.cred, l->place.host, l->place.repo, &l->cred, &l->tried);
	if (strcmp(r->first->place.host, name->place.host) == 0 && strcmp(first->place.host, l->place.host) == 0)
		return lp_cred_copy(&l->cred, &first->cred);
	(void)lp_buf_adds(&l->tried, "--user is for one registry, and these are two: ");
	(void)lp_buf_adds(&l->tried, lp_quotes(first->place.host));
	(void)lp_buf_adds(&l->tried, " and ");
	(void)lp_buf_adds(&l->tried, lp_quotes(l->place.host));
	return LP_E_USAGE;
}

/* Certificates of its own. */
static int
know_host(struct lp_registry *r, const struct lp_registry_login *l, const char **why)
{
	char *url;
	int rc;

	if (r->opt.plain_http || l->place.scheme == LP_PLACE_HTTP)
		return LP_OK;
	url = join((const char *const[]){ "https://", lp_host_endpoint(l->place.host), "/", NULL });
	rc = url == NULL ? LP_E_NOMEM : lp_http_know(r->http, url, l->place.host, why);
	free(url);
	return rc;
}

/* A mirror never hears what --user is called. */
int
lp_registry_log_in(struct lp_registry *r, struct lp_registry_login *name, struct lp_registry_login *l, const char **why)
{
	struct lp_cred_options files = r->opt.cred;
	int rc = know_host(r, l, why);

	if (rc != LP_OK)
		return rc;
	files.user = NULL;
	if (r->opt.cred.user != NULL && l == source_of(name))
		rc = named_user(r, name, l);
	else
		rc = lp_cred_find(&files, l->place.host, l->place.repo, &l->cred, &l->tried);
	*why = lp_buf_cstr(&l->tried);
	if (rc == LP_OK)
		lp_detail("credentials for %s/%s: %s", l->place.host, l->place.repo, l->cred.from);
	else if (rc == LP_E_ABSENT)
		lp_detail("no credentials for %s/%s: %s", l->place.host, l->place.repo, *why != NULL ? *why : "");
	if (rc == LP_OK || rc == LP_E_ABSENT)
		return LP_OK;
	snprintf(r->why, sizeof(r->why), "credentials for %s/%s: %s", l->place.host, l->place.repo,
	    *why != NULL ? *why : "out of memory");
	*why = r->why;
	return rc;
}

int
lp_registry_login(struct lp_registry *r, const struct lp_reference *ref, const char **why)
{
	struct lp_registry_login *l = lp_registry_find_login(r, ref);
	int rc = LP_OK;

	*why = "out of memory";
	if (l == NULL)
		return LP_E_NOMEM;
	if (!l->stranger) {
		*why = lp_buf_cstr(&source_of(l)->tried);
		return LP_OK;
	}
	rc = lp_registry_find_way(r, l, ref, why);
	l->stranger = rc != LP_OK;
	return rc;
}

/* ---- where the registry is ---------------------------------------------------------------- */

/*
 * What a registry on this machine speaks: https, unless that finds nobody
 * or no TLS there. A certificate that is not to be trusted is no reason to
 * speak in plain: the requests that follow fail of it.
 */
static enum lp_registry_scheme
ask_scheme(struct lp_registry *r, const char *host)
{
	struct lp_http_response resp;
	struct lp_http_request q = { .method = "GET", .max = LP_HTTP_ERROR_MAX, .probe = 1 };
	char *url = join((const char *const[]){ "https://", host, "/v2/", NULL });
	enum lp_registry_scheme scheme = LP_REGISTRY_HTTPS;

	lp_http_response_init(&resp);
	q.url = url;
	if (url != NULL && lp_http_do(r->http, &q, &resp) == LP_E_NET && resp.trouble == LP_HTTP_UNREACHABLE)
		scheme = LP_REGISTRY_HTTP;
	lp_http_response_release(&resp);
	free(url);
	return scheme;
}

static enum lp_registry_scheme
scheme_of(struct lp_registry *r, const struct lp_regplace *place)
{
	const char *host = lp_host_endpoint(place->host);
	uint64_t key = lp_hash64(0, lp_span_str(host)), *known;
	enum lp_registry_scheme scheme;
	int fresh;

	if (r->opt.plain_http || place->scheme == LP_PLACE_HTTP)
		return LP_REGISTRY_HTTP;
	if (place->scheme == LP_PLACE_HTTPS || (!place->insecure && !lp_host_is_loopback(lp_span_str(host))))
		return LP_REGISTRY_HTTPS;
	known = lp_map_get(&r->schemes, key);
	if (known != NULL)
		return *known == LP_REGISTRY_HTTP ? LP_REGISTRY_HTTP : LP_REGISTRY_HTTPS;
	scheme = ask_scheme(r, host);
	/* without the memory for it, it is asked again */
	if (lp_map_add(&r->schemes, key, &known, &fresh) == LP_OK)
		*known = scheme;
	return scheme;
}

/* ---- requests --------------------------------------------------------------------------------- */

void
lp_registry_request_release(struct lp_registry_request *q)
{
	free(q->url);
	lp_secret_free(&q->authorization);
	*q = (struct lp_registry_request){ 0 };
}

int
lp_registry_go(struct lp_registry *r, struct lp_registry_request *q, struct lp_registry_login *at)
{
	const struct lp_regplace *p = &at->place;
	const char *scheme = scheme_of(r, p) == LP_REGISTRY_HTTP ? "http://" : "https://";
	const char *what = p->tag[0] != '\0' && strcmp(q->kind, "manifests") == 0 && strchr(q->what, ':') == NULL ? p->tag : q->what;

	free(q->url);
	lp_secret_free(&q->authorization);
	q->at = at;
	q->token = q->renewals = 0;
	q->insecure = p->insecure;
	q->url = join((const char *const[]){ scheme, lp_host_endpoint(p->host), p->base, "/", p->repo, "/", q->kind, "/", what,
	    p->ns[0] == '\0' ? "" : strchr(what, '?') == NULL ? "?ns=" : "&ns=", p->ns, NULL });
	lp_registry_set_secrets(q);
	return q->url == NULL ? LP_E_NOMEM : lp_registry_authorize(r, q);
}

/* ---- words --------------------------------------------------------------------------------------- */

void
lp_registry_say(struct lp_http_response *resp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(resp->why, sizeof(resp->why), fmt, ap);
	va_end(ap);
}

void
lp_registry_explain(const struct lp_registry_request *q, struct lp_http_response *resp)
{
	struct lp_registry_login *l = q->at;
	const char *what = lp_words_status(resp->status), *tried = "";
	int used = l->used;
	char words[1024], number[32];

	if (what == NULL) {
		snprintf(number, sizeof(number), "HTTP status %d", resp->status);
		what = number;
	}
	lp_words(resp, words, sizeof(words));
	/* what TLS servers say to those who speak plain http */
	if (resp->status == 400 && words[0] == '\0' && strncmp(resp->where, "http://", 7) == 0)
		snprintf(words, sizeof(words), " (https? then without --plain-http)");
	if (resp->status == 401 && used)
		what = "401, not with these credentials";
	if ((resp->status != 401 && resp->status != 403) || l->stranger) {
		lp_registry_say(resp, "%s: %s%s", resp->where, what, words);
	} else if (used) {
		lp_registry_say(resp, "%s: %s%s; credentials used: %s", resp->where, what, words, l->cred.from);
	} else if (l->cred.from[0] != '\0') {
		lp_registry_say(resp, "%s: %s%s; not asked for, and not used: %s", resp->where, what, words, l->cred.from);
	} else {
		tried = lp_buf_cstr(&l->tried);
		lp_registry_say(resp, "%s: %s%s; none were found: %s", resp->where, what, words,
		    tried != NULL && *tried != '\0' ? tried : "no file to look in");
	}
}

/* ---- all of it ------------------------------------------------------------------------------------ */

/* At one place. */
static int
get_here(struct lp_registry *r, struct lp_registry_request *q, const struct lp_http_request *how, struct lp_http_response *resp)
{
	int rc, again;

	do {
		struct lp_http_request http = *how;

		http.url = q->url;
		http.secrets = q->secrets;
		http.insecure = q->insecure;
		http.hasty = q->hasty;
		http.decode = 1;
		rc = lp_http_do(r->http, &http, resp);
		again = lp_registry_again(r, q, rc, resp);
	} while (again == 1);
	if (again < 0) {
		resp->status = 0;
		return again;
	}
	if (rc == LP_OK && resp->status / 100 != 2) {
		lp_registry_explain(q, resp);
		rc = LP_E_NET;
	}
	return rc;
}

int
lp_registry_get(struct lp_registry *r, const struct lp_reference *ref, const char *kind, const char *what,
    const struct lp_http_request *how, struct lp_http_response *resp)
{
	struct lp_registry_request q;
	int rc = lp_registry_ask(r, ref, kind, what, &q), next = rc == LP_OK;

	if (rc == LP_E_ABSENT)
		lp_registry_say(resp, "%s", lp_registry_refusal(&q));
	while (next == 1) {
		rc = get_here(r, &q, how, resp);
		next = rc == LP_E_NET || rc == LP_E_LIMIT ? lp_registry_next(r, &q, resp, resp->why) : 0;
	}
	if (next < 0)
		rc = next;
	if (rc == LP_OK)
		lp_registry_answered(r, &q);
	else if (q.tale[0] != '\0') {
		size_t n = strlen(resp->why);

		snprintf(resp->why + n, sizeof(resp->why) - n, "; before that: %s", q.tale);
		/* one that answers a HEAD with an error may have an answer to GET */
		resp->status = resp->status == 0 ? q.answered : resp->status;
	}
	lp_registry_request_release(&q);
	return rc;
}
