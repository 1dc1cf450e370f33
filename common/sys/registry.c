#include "common/sys/registry.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/format/authfile.h"
#include "common/format/challenge.h"
#include "common/sys/err.h"
#include "common/sys/realm.h"
#include "common/sys/sandbox.h"
#include "common/sys/tokens.h"

enum {
	URL_MAX = 16 * 1024,    /* of a request */
	HEADER_MAX = 256 * 1024, /* of an Authorization: tokens are long */
	TRIED_MAX = 64 * 1024,
	WORDS_MAX = 256        /* bytes of a registry's own words that are passed on */
};

/* Bits of lp_registry_request.renewals. */
enum { DID_AUTH = 1, DID_URL = 2 };

enum host_scheme { SCHEME_UNKNOWN, SCHEME_HTTPS, SCHEME_HTTP };

struct host {
	char name[LP_REF_HOST_MAX + 1];
	enum host_scheme scheme;
};

/* What is known of one repository. */
struct login {
	char host[LP_REF_HOST_MAX + 1], repo[LP_REF_REPO_MAX + 1];
	struct lp_cred cred;
	struct lp_buf tried;
	int basic; /* the host has asked for Basic before */
	struct login *next;
};

struct lp_registry {
	struct lp_http *http;
	struct lp_registry_options opt;
	struct lp_tokens tokens;
	struct login *logins;
	struct host *hosts;
	size_t nhosts;
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
	while (r->logins != NULL) {
		struct login *l = r->logins;

		r->logins = l->next;
		lp_cred_release(&l->cred);
		lp_buf_release(&l->tried);
		free(l);
	}
	lp_tokens_close(&r->tokens);
	free(r->hosts);
	free(r);
}

/* ---- who we are ------------------------------------------------------------------------ */

static struct login *
find_login(const struct lp_registry *r, const struct lp_reference *ref)
{
	for (struct login *l = r->logins; l != NULL; l = l->next)
		if (strcmp(l->host, ref->host) == 0 && strcmp(l->repo, ref->repo) == 0)
			return l;
	return NULL;
}

static struct login *
add_login(struct lp_registry *r, const struct lp_reference *ref)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	memcpy(l->host, ref->host, sizeof(l->host));
	memcpy(l->repo, ref->repo, sizeof(l->repo));
	lp_buf_init(&l->tried, TRIED_MAX);
	l->next = r->logins;
	r->logins = l;
	return l;
}

/* The name a token was given to; tokens of others are not ours to use. */
static const char *
user_of(const struct login *l)
{
	if (l == NULL || l->cred.from[0] == '\0')
		return "";
	return l->cred.user != NULL ? l->cred.user : l->cred.from;
}

int
lp_registry_login(struct lp_registry *r, const struct lp_reference *ref, const char **why)
{
	struct login *l = find_login(r, ref);
	int rc;

	*why = "out of memory";
	if (l != NULL) {
		*why = lp_buf_cstr(&l->tried);
		return LP_OK;
	}
	l = add_login(r, ref);
	if (l == NULL)
		return LP_E_NOMEM;
	rc = lp_cred_find(&r->opt.cred, l->host, l->repo, &l->cred, &l->tried);
	*why = lp_buf_cstr(&l->tried);
	if (rc == LP_OK)
		lp_detail("credentials for %s/%s: %s", l->host, l->repo, l->cred.from);
	else if (rc == LP_E_ABSENT)
		lp_detail("no credentials for %s/%s: %s", l->host, l->repo, *why != NULL ? *why : "");
	return rc == LP_E_ABSENT ? LP_OK : rc;
}

/* ---- where the registry is ---------------------------------------------------------------- */

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

/*
 * What a registry on this machine speaks: https, unless that finds nobody
 * or no TLS there. A certificate that is not to be trusted is no reason to
 * speak in plain: the requests that follow fail of it.
 */
static enum host_scheme
ask_scheme(struct lp_registry *r, const char *host)
{
	struct lp_http_response resp;
	struct lp_http_request q = { .method = "GET", .max = LP_HTTP_ERROR_MAX, .probe = 1 };
	char *url = join((const char *const[]){ "https://", host, "/v2/", NULL });
	enum host_scheme scheme = SCHEME_HTTPS;

	lp_http_response_init(&resp);
	q.url = url;
	if (url != NULL && lp_http_do(r->http, &q, &resp) == LP_E_NET && resp.trouble == LP_HTTP_UNREACHABLE)
		scheme = SCHEME_HTTP;
	lp_http_response_release(&resp);
	free(url);
	return scheme;
}

static enum host_scheme
scheme_of(struct lp_registry *r, const char *host)
{
	enum host_scheme scheme;
	struct host *v;

	if (r->opt.plain_http)
		return SCHEME_HTTP;
	if (!lp_host_is_loopback(lp_span_str(host)))
		return SCHEME_HTTPS;
	for (size_t i = 0; i < r->nhosts; i++)
		if (strcmp(r->hosts[i].name, host) == 0)
			return r->hosts[i].scheme;
	scheme = ask_scheme(r, host);
	v = reallocarray(r->hosts, r->nhosts + 1, sizeof(*v));
	if (v == NULL)
		return scheme;
	r->hosts = v;
	v += r->nhosts++;
	snprintf(v->name, sizeof(v->name), "%s", host);
	v->scheme = scheme;
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

/* The request's proof from now on; b was made for secrets and is empty afterwards. */
static int
authorize(struct lp_registry_request *q, struct lp_buf *b)
{
	if (lp_buf_cstr(b) == NULL)
		return LP_E_NOMEM;
	lp_secret_free(&q->authorization);
	q->authorization = strdup((const char *)b->p);
	lp_buf_release(b);
	q->secrets[0] = q->authorization;
	return q->authorization != NULL ? LP_OK : LP_E_NOMEM;
}

static int
authorize_bearer(struct lp_registry_request *q, const char *token, unsigned serial)
{
	struct lp_buf b;
	int rc;

	lp_buf_init_secret(&b, HEADER_MAX);
	rc = lp_buf_adds(&b, "Authorization: Bearer ");
	rc = rc != LP_OK ? rc : lp_buf_adds(&b, token);
	rc = rc != LP_OK ? rc : authorize(q, &b);
	lp_buf_release(&b);
	q->token = serial;
	return rc;
}

static int
authorize_basic(struct lp_registry_request *q, const struct lp_cred *c)
{
	struct lp_buf b;
	int rc;

	lp_buf_init_secret(&b, HEADER_MAX);
	rc = lp_basic_header(c->user, c->password, &b);
	rc = rc != LP_OK ? rc : authorize(q, &b);
	lp_buf_release(&b);
	return rc;
}

/* With the proof that is at hand already, if one is. */
static int
authorize_early(struct lp_registry *r, const struct lp_reference *ref, struct lp_registry_request *q)
{
	const struct login *l = find_login(r, ref);
	const struct lp_token_entry *t;

	if (l != NULL && l->basic)
		return authorize_basic(q, &l->cred);
	t = lp_tokens_find(&r->tokens, ref->host, ref->repo, user_of(l));
	return t != NULL ? authorize_bearer(q, t->text, t->serial) : LP_OK;
}

int
lp_registry_ask(struct lp_registry *r, const struct lp_reference *ref, const char *kind,
    const char *what, struct lp_registry_request *q)
{
	const char *host = lp_reference_endpoint(ref);
	const char *scheme = scheme_of(r, host) == SCHEME_HTTP ? "http://" : "https://";

	*q = (struct lp_registry_request){ 0 };
	q->url = join((const char *const[]){ scheme, host, "/v2/", ref->repo, "/", kind, "/", what, NULL });
	return q->url == NULL ? LP_E_NOMEM : authorize_early(r, ref, q);
}

/* ---- challenges ------------------------------------------------------------------------------- */

/* The challenge we can meet best: Bearer before Basic. 0 if there is none. */
static int
choose(const struct lp_http_response *resp, struct lp_challenge *best)
{
	int any = 0;

	for (size_t nth = 0;; nth++) {
		struct lp_span value = lp_http_header(resp, "www-authenticate", nth);
		struct lp_challenge c;
		struct lp_challenges x;

		if (value.p == NULL)
			return any;
		lp_challenge_init(&x, value);
		while (lp_challenge_next(&x, &c) == LP_OK) {
			int fits = c.scheme == LP_SCHEME_BEARER ? c.realm[0] != '\0' :
			    c.scheme == LP_SCHEME_BASIC;

			if (fits && (!any || (best->scheme == LP_SCHEME_BASIC && c.scheme == LP_SCHEME_BEARER))) {
				*best = c;
				any = 1;
			}
		}
	}
}

static int
starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/*
 * Passwords go to the realm: never in plain, unless the registry itself is
 * spoken to so; and if the user has not asked for that, not off this machine.
 */
static int
realm_is_safe(const struct lp_registry *r, const char *realm, const char *registry_url)
{
	struct lp_span host;

	if (starts(realm, "https://"))
		return 1;
	if (!starts(realm, "http://") || !starts(registry_url, "http://"))
		return 0;
	host = lp_span_str(realm + strlen("http://"));
	host.n = strcspn((const char *)host.p, "/?#");
	/* localhost:1@elsewhere is elsewhere */
	return r->opt.plain_http || (memchr(host.p, '@', host.n) == NULL && lp_host_is_loopback(host));
}

static void say(struct lp_http_response *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct lp_http_response *resp, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(resp->why, sizeof(resp->why), fmt, ap);
	va_end(ap);
}

/* ---- tokens ------------------------------------------------------------------------------------- */

/* A token that another request or another process has got since ours was refused, or a new one. */
static int
new_token(struct lp_registry *r, const struct lp_reference *ref, const struct lp_challenge *c,
    struct lp_registry_request *q, struct lp_http_response *resp)
{
	const struct login *l = find_login(r, ref);
	const struct lp_cred *cred = l != NULL && l->cred.from[0] != '\0' ? &l->cred : NULL;
	const char *user = user_of(l);
	const struct lp_token_entry *e;
	struct lp_token t = { NULL, 0 };
	int rc = LP_OK;

	if (cred != NULL && cred->bearer != NULL)
		return authorize_bearer(q, cred->bearer, 0);
	if (q->token != 0)
		lp_tokens_drop(&r->tokens, q->token);
	e = lp_tokens_find(&r->tokens, ref->host, ref->repo, user);
	if (e != NULL)
		return authorize_bearer(q, e->text, e->serial);
	lp_tokens_lock(&r->tokens);
	e = lp_tokens_find(&r->tokens, ref->host, ref->repo, user);
	if (e == NULL) {
		rc = lp_realm_token(r->http, c, cred, &t, resp->why, sizeof(resp->why));
		rc = rc != LP_OK ? rc : lp_tokens_put(&r->tokens, ref->host, ref->repo, user, t.text, t.expires_in);
		rc = rc != LP_OK ? rc : authorize_bearer(q, t.text, r->tokens.last_serial);
		lp_token_release(&t);
	} else {
		rc = authorize_bearer(q, e->text, e->serial);
	}
	lp_tokens_unlock(&r->tokens);
	return rc;
}

static int
meet_challenge(struct lp_registry *r, const struct lp_reference *ref, struct lp_registry_request *q,
    struct lp_http_response *resp)
{
	struct login *l = find_login(r, ref);
	struct lp_challenge c;
	int rc;

	if ((q->renewals & DID_AUTH) != 0 || !choose(resp, &c))
		return 0;
	q->renewals |= DID_AUTH;
	if (c.scheme == LP_SCHEME_BASIC) {
		if (l == NULL || l->cred.user == NULL || l->cred.password == NULL)
			return 0;
		/* sent already, and refused; others of this host may have been sent without */
		if (q->authorization != NULL && starts(q->authorization, "Authorization: Basic"))
			return 0;
		l->basic = 1;
		rc = authorize_basic(q, &l->cred);
	} else if (!realm_is_safe(r, c.realm, q->url)) {
		say(resp, "the token server is not asked by https: refused (%s)", lp_quotes(c.realm));
		rc = LP_E_NET;
	} else {
		rc = new_token(r, ref, &c, q, resp);
	}
	return rc == LP_OK ? 1 : rc;
}

int
lp_registry_again(struct lp_registry *r, const struct lp_reference *ref, struct lp_registry_request *q,
    int status, struct lp_http_response *resp)
{
	if (status != LP_OK)
		return 0;
	if (resp->moved) {
		int expired = resp->status == 400 || resp->status == 401 || resp->status == 403;

		if (!expired || (q->renewals & DID_URL) != 0)
			return 0;
		q->renewals |= DID_URL;
		return 1;
	}
	return resp->status == 401 ? meet_challenge(r, ref, q, resp) : 0;
}

/* ---- words --------------------------------------------------------------------------------------- */

/* The first error of {"errors":[{"code","message"}]} (distribution-spec, "Error Codes"), fit to print. */
static void
registry_words(const struct lp_http_response *resp, char *out, size_t n)
{
	struct lp_json_error je;
	json_t *root;
	const json_t *first;
	struct lp_span code, message;

	out[0] = '\0';
	if (lp_json_load(lp_buf_span(&resp->body), &root, &je) != LP_OK)
		return;
	first = json_array_get(json_object_get(root, "errors"), 0);
	code = lp_json_get_string(first, "code");
	message = lp_json_get_string(first, "message");
	if (code.n > WORDS_MAX)
		code.n = WORDS_MAX;
	if (message.n > WORDS_MAX)
		message.n = WORDS_MAX;
	if (code.n > 0 || message.n > 0)
		snprintf(out, n, " (%s%s%s)", lp_quote(code), code.n > 0 && message.n > 0 ? ": " : "",
		    lp_quote(message));
	json_decref(root);
}

static const char *
meaning(int status)
{
	switch (status) {
	case 401:
		return "401, access needs credentials";
	case 403:
		return "403, access is refused";
	case 404:
		return "404, not found";
	case 429:
		return "429, too many requests";
	default:
		return NULL;
	}
}

void
lp_registry_explain(struct lp_registry *r, const struct lp_reference *ref, struct lp_http_response *resp)
{
	struct login *l = find_login(r, ref);
	const char *what = meaning(resp->status), *tried = "";
	char words[2 * WORDS_MAX + 64], number[32];

	if (what == NULL) {
		snprintf(number, sizeof(number), "HTTP status %d", resp->status);
		what = number;
	}
	registry_words(resp, words, sizeof(words));
	if ((resp->status != 401 && resp->status != 403) || l == NULL) {
		say(resp, "%s: %s%s", resp->where, what, words);
	} else if (l->cred.from[0] != '\0') {
		say(resp, "%s: %s%s; credentials used: %s", resp->where, what, words, l->cred.from);
	} else {
		tried = lp_buf_cstr(&l->tried);
		say(resp, "%s: %s%s; none were found: %s", resp->where, what, words,
		    tried != NULL && *tried != '\0' ? tried : "no file to look in");
	}
}

/* ---- all of it ------------------------------------------------------------------------------------ */

int
lp_registry_get(struct lp_registry *r, const struct lp_reference *ref, const char *method,
    const char *kind, const char *what, const char *const *headers, size_t max,
    struct lp_http_response *resp)
{
	struct lp_registry_request q;
	int rc = lp_registry_ask(r, ref, kind, what, &q), again = rc == LP_OK;

	while (again == 1) {
		struct lp_http_request http = { .method = method, .url = q.url, .headers = headers,
			.secrets = q.secrets, .max = max };

		rc = lp_http_do(r->http, &http, resp);
		again = lp_registry_again(r, ref, &q, rc, resp);
	}
	if (again < 0)
		rc = again;
	else if (rc == LP_OK && resp->status / 100 != 2) {
		lp_registry_explain(r, ref, resp);
		rc = LP_E_NET;
	}
	lp_registry_request_release(&q);
	return rc;
}
