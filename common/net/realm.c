/* Fetches a bearer token from a token server. */
#include "common/net/realm.h"

#include <stdio.h>

#include "common/base/status.h"
#include "common/net/words.h"

enum {
	URL_MAX = 16 * 1024,   /* of a request, the realm's parameters included */
	FORM_MAX = 256 * 1024  /* of an OAuth2 request: identity tokens are long */
};

/* What is sent to a realm: the URL, and one of a password or an identity token. */
struct realm {
	struct lp_buf url, form, basic;
	const char *secrets[2];
	struct lp_http_request http;
};

static const char *const form_headers[] = { "Content-Type: application/x-www-form-urlencoded", NULL };

static int
realm_identity(struct realm *x, const struct lp_challenge *c, const char *identity)
{
	int rc = lp_buf_adds(&x->url, c->realm);

	rc = rc != LP_OK ? rc : lp_challenge_form(c, identity, &x->form);
	x->http.method = "POST";
	x->http.headers = form_headers;
	x->http.body = lp_buf_span(&x->form);
	return rc;
}

static int
realm_password(struct realm *x, const struct lp_challenge *c, const struct lp_cred *cred)
{
	int rc = lp_challenge_url(c, cred != NULL ? cred->user : NULL, &x->url);

	x->http.method = "GET";
	if (rc != LP_OK || cred == NULL || cred->user == NULL || cred->password == NULL)
		return rc;
	rc = lp_basic_header(cred->user, cred->password, &x->basic);
	x->secrets[0] = lp_buf_cstr(&x->basic);
	x->http.secrets = x->secrets;
	return rc;
}

static int
realm_init(struct realm *x, const struct lp_challenge *c, const struct lp_cred *cred)
{
	int rc;

	memset(x, 0, sizeof(*x));
	lp_buf_init(&x->url, URL_MAX);
	lp_buf_init_secret(&x->form, FORM_MAX);
	lp_buf_init_secret(&x->basic, FORM_MAX);
	rc = cred != NULL && cred->identity != NULL ? realm_identity(x, c, cred->identity) :
	    realm_password(x, c, cred);
	x->http.url = lp_buf_cstr(&x->url);
	x->http.max = LP_MAX_TOKEN_ANSWER;
	x->http.decode = 1;
	return rc != LP_OK || x->http.url == NULL ? LP_E_NOMEM : LP_OK;
}

static void
realm_release(struct realm *x)
{
	lp_buf_release(&x->url);
	lp_buf_release(&x->form);
	lp_buf_release(&x->basic);
}

/* Of who asks, where it is about that. */
static void
refused(const struct lp_http_response *answer, const struct lp_cred *cred, char *why, size_t n)
{
	const char *what = lp_words_status(answer->status);
	char words[1024], number[16];

	lp_words(answer, words, sizeof(words));
	snprintf(number, sizeof(number), "%d", answer->status);
	if (answer->status != 400 && answer->status != 401 && answer->status != 403)
		snprintf(why, n, "the token server %s answers %s%s", answer->where, what != NULL ? what : number, words);
	else if (cred != NULL)
		snprintf(why, n, "the token server %s answers %s to the credentials of %s%s", answer->where, number,
		    cred->from, words);
	else
		snprintf(why, n, "the token server %s answers %s to an anonymous user; credentials are needed%s",
		    answer->where, number, words);
}

/* The answer's token into *t; else `why` says what was wrong. */
static int
read_token(int rc, struct lp_http_response *answer, const struct lp_cred *cred, struct lp_token *t,
    char *why, size_t n)
{
	struct lp_json_error je;

	if (rc == LP_E_NOMEM || rc == LP_E_PIPE)
		return rc;
	if (rc != LP_OK) {
		snprintf(why, n, "the token server: %s", answer->why);
		return LP_E_NET;
	}
	if (answer->status / 100 != 2) {
		refused(answer, cred, why, n);
		return LP_E_NET;
	}
	if (lp_http_is_page(answer, lp_buf_span(&answer->body))) {
		snprintf(why, n, "the token server %s answers with an HTML page", answer->where);
		return LP_E_NET;
	}
	rc = lp_token_parse(lp_buf_span(&answer->body), t, &je);
	if (rc != LP_OK && rc != LP_E_NOMEM) {
		snprintf(why, n, "the token server %s: its answer, byte %zu: %s", answer->where, je.offset, je.why);
		return LP_E_NET;
	}
	return rc;
}

int
lp_realm_token(struct lp_http *http, const struct lp_challenge *c, const struct lp_cred *cred,
    struct lp_token *t, char *why, size_t n)
{
	struct lp_http_response answer;
	struct realm x;
	int rc = realm_init(&x, c, cred);

	lp_http_response_init(&answer);
	if (rc == LP_OK) {
		rc = lp_http_do(http, &x.http, &answer);
		rc = read_token(rc, &answer, cred, t, why, n);
	}
	if (answer.body.p != NULL)
		explicit_bzero(answer.body.p, answer.body.cap);
	lp_http_response_release(&answer);
	realm_release(&x);
	return rc;
}
