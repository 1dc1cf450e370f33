/* What proves to a registry that we may have it: passwords, tokens, and when to get another. */
#include <stdlib.h>
#include <string.h>

#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/net/realm.h"
#include "common/net/registry_priv.h"
#include "common/oci/authfile.h"
#include "common/oci/challenge.h"
#include "common/sys/err.h"

enum { HEADER_MAX = 256 * 1024 }; /* of an Authorization: tokens are long */

/* Bits of lp_registry_request.renewals. */
enum { DID_AUTH = 1, DID_URL = 2 };

/* The name a token was given to; tokens of others are not ours to use. */
static const char *
user_of(const struct lp_registry_login *l)
{
	if (l->cred.from[0] == '\0')
		return "";
	return l->cred.user != NULL ? l->cred.user : l->cred.from;
}

/* ---- proofs ------------------------------------------------------------------------------------- */

/* The request's proof from now on; b was made for secrets and is empty afterwards. */
static int
authorize(struct lp_registry_request *q, struct lp_buf *b)
{
	if (lp_buf_cstr(b) == NULL)
		return LP_E_NOMEM;
	lp_secret_free(&q->authorization);
	q->authorization = strdup((const char *)b->p);
	lp_buf_release(b);
	lp_registry_set_secrets(q);
	return q->authorization != NULL ? LP_OK : LP_E_NOMEM;
}

void
lp_registry_set_secrets(struct lp_registry_request *q)
{
	size_t n = 0;

	for (; q->at->header != NULL && q->at->header[n] != NULL && n < LP_REGISTRY_SECRETS - 2; n++)
		q->secrets[n] = q->at->header[n];
	q->secrets[n] = q->authorization;
	q->secrets[q->authorization != NULL ? n + 1 : n] = NULL;
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
authorize_basic(struct lp_registry_request *q)
{
	struct lp_registry_login *l = q->at;
	struct lp_buf b;
	int rc;

	l->basic = l->used = 1;
	lp_buf_init_secret(&b, HEADER_MAX);
	rc = lp_basic_header(l->cred.user, l->cred.password, &b);
	rc = rc != LP_OK ? rc : authorize(q, &b);
	lp_buf_release(&b);
	return rc;
}

/* With the proof that is at hand already, if one is. */
int
lp_registry_authorize(struct lp_registry *r, struct lp_registry_request *q)
{
	struct lp_registry_login *l = q->at;
	const struct lp_token_entry *t;

	if (l->basic)
		return authorize_basic(q);
	r->tokens.watched = lp_http_watched(r->http);
	t = lp_tokens_find(&r->tokens, l->place.host, l->place.repo, user_of(l));
	if (t == NULL)
		return LP_OK;
	l->used = l->cred.from[0] != '\0';
	return authorize_bearer(q, t->text, t->serial);
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
 * spoken to so; and if the user has not asked for that, and no file of places, not off this machine.
 */
static int
realm_is_safe(const struct lp_registry *r, const struct lp_regplace *place, const char *realm, const char *registry_url)
{
	struct lp_span host;

	if (starts(realm, "https://"))
		return 1;
	if (!starts(realm, "http://") || !starts(registry_url, "http://"))
		return 0;
	host = lp_span_str(realm + strlen("http://"));
	host.n = strcspn((const char *)host.p, "/?#");
	/* localhost:1@elsewhere is elsewhere */
	return r->opt.plain_http || place->insecure || place->scheme == LP_PLACE_HTTP || (memchr(host.p, '@', host.n) == NULL && lp_host_is_loopback(host));
}

/* ---- tokens ------------------------------------------------------------------------------------- */

/* A token that another request or another process has got since ours was refused, or a new one. */
static int
new_token(struct lp_registry *r, const struct lp_challenge *c, struct lp_registry_request *q, struct lp_http_response *resp)
{
	struct lp_registry_login *l = q->at;
	const struct lp_cred *cred = l->cred.from[0] != '\0' ? &l->cred : NULL;
	const char *user = user_of(l), *host = l->place.host, *repo = l->place.repo;
	const struct lp_token_entry *e;
	struct lp_token t = { NULL, 0 };
	int rc = LP_OK;

	if (cred != NULL)
		l->used = 1;
	if (q->token != 0)
		lp_tokens_drop(&r->tokens, q->token);
	e = lp_tokens_find(&r->tokens, host, repo, user);
	if (e != NULL)
		return authorize_bearer(q, e->text, e->serial);
	lp_tokens_lock(&r->tokens);
	e = lp_tokens_find(&r->tokens, host, repo, user);
	if (e == NULL) {
		rc = lp_realm_token(r->http, c, cred, &t, resp->why, sizeof(resp->why));
		if (rc == LP_OK)
			rc = authorize_bearer(q, t.text, lp_tokens_put(&r->tokens, host, repo, user, t.text,
			    t.expires_in));
		lp_token_release(&t);
	} else {
		rc = authorize_bearer(q, e->text, e->serial);
	}
	lp_tokens_unlock(&r->tokens);
	return rc;
}

/* The password, unless it was sent already and refused; others of this host may have been sent without. */
static int
offer_password(struct lp_registry_request *q)
{
	int rc;

	if (q->at->cred.user == NULL || q->at->cred.password == NULL)
		return 0;
	if (q->authorization != NULL && starts(q->authorization, "Authorization: Basic"))
		return 0;
	rc = authorize_basic(q);
	return rc == LP_OK ? 1 : rc;
}

static int
meet_challenge(struct lp_registry *r, struct lp_registry_request *q, struct lp_http_response *resp)
{
	struct lp_registry_login *l = q->at;
	struct lp_challenge c;
	int rc;

	if ((q->renewals & DID_AUTH) != 0)
		return 0;
	q->renewals |= DID_AUTH;
	if (resp->status != 401 || !choose(resp, &c))
		return q->authorization == NULL ? offer_password(q) : 0;
	if (c.scheme == LP_SCHEME_BASIC)
		return offer_password(q);
	l->basic = 0;
	if (l->cred.bearer != NULL) {
		/* the token is at hand, and no realm is asked for one */
		l->used = 1;
		rc = authorize_bearer(q, l->cred.bearer, 0);
	} else if (!realm_is_safe(r, &l->place, c.realm, q->url)) {
		lp_registry_say(resp, "the token server is not asked by https: refused (%s)", lp_quotes(c.realm));
		rc = LP_E_NET;
	} else {
		lp_challenge_for(&c, l->place.repo);
		rc = new_token(r, &c, q, resp);
	}
	return rc == LP_OK ? 1 : rc;
}

int
lp_registry_again(struct lp_registry *r, struct lp_registry_request *q, int status, struct lp_http_response *resp)
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
	/* some ask for nothing, and hide what only those may see who log in */
	return resp->status == 401 || resp->status == 403 || resp->status == 404 ? meet_challenge(r, q, resp) : 0;
}
