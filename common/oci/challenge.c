/* Parses WWW-Authenticate (RFC 9110 section 11.6.1), and builds the token request. */
#include "common/oci/challenge.h"

#include <stdio.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/escape.h"
#include "common/base/status.h"

/* ---- characters ------------------------------------------------------------- */

static int
is_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* tchar, RFC 9110 section 5.6.2 */
static int
is_tchar(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* RFC 9110 section 11.2, without the trailing '=' */
static int
is_token68(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr("-._~+/", c) != NULL);
}

static const char blank[] = " \t", blank_or_comma[] = " \t,";

static struct lp_span
take(struct lp_span *s, int (*in_class)(unsigned char))
{
	struct lp_span whole = *s;

	while (s->n > 0 && in_class(s->p[0]))
		lp_span_take(s, 1);
	return lp_span(whole.p, whole.n - s->n);
}

/* ---- parameters --------------------------------------------------------------- */

/* A value's room; one that nobody wants goes to NULL. */
struct value {
	char *out;
	size_t n;
};

static int
value_add(struct value *v, unsigned char c)
{
	if (v->out == NULL)
		return LP_OK;
	if (c == '\0')
		return LP_E_DATA;
	if (v->n == LP_CHALLENGE_VALUE_MAX)
		return LP_E_LIMIT;
	v->out[v->n++] = (char)c;
	v->out[v->n] = '\0';
	return LP_OK;
}

/* quoted-string, RFC 9110 section 5.6.4; the opening quote is next */
static int
take_quoted(struct lp_span *s, struct value *v)
{
	int rc = LP_OK;

	lp_span_take(s, 1);
	while (s->n > 0 && rc == LP_OK) {
		unsigned char c = lp_span_take(s, 1).p[0];

		if (c == '"')
			return LP_OK;
		if (c == '\\') {
			if (s->n == 0)
				return LP_E_DATA;
			c = lp_span_take(s, 1).p[0];
		}
		rc = value_add(v, c);
	}
	return rc != LP_OK ? rc : LP_E_DATA;
}

static int
take_unquoted(struct lp_span *s, struct value *v)
{
	struct lp_span text = lp_span_until(s, blank_or_comma);
	int rc = text.n > 0 ? LP_OK : LP_E_DATA;

	for (size_t i = 0; i < text.n && rc == LP_OK; i++)
		rc = text.p[i] == '"' ? LP_E_DATA : value_add(v, text.p[i]);
	return rc;
}

static char *
room_for(struct lp_challenge *c, struct lp_span name)
{
	if (lp_span_is_word(name, "realm"))
		return c->realm;
	if (lp_span_is_word(name, "service"))
		return c->service;
	return lp_span_is_word(name, "scope") ? c->scope : NULL;
}

/* The value behind the '='. Two of one name: clients would differ in what they read. */
static int
take_value(struct lp_span *s, struct lp_challenge *c, struct lp_span name)
{
	struct value v = { room_for(c, name), 0 };

	if (v.out != NULL && v.out[0] != '\0')
		return LP_E_DATA;
	lp_span_skip(s, blank);
	if (s->n > 0 && s->p[0] == '"')
		return take_quoted(s, &v);
	return take_unquoted(s, &v);
}

/* What must follow a token68: a comma or the end. */
static int
at_divider(struct lp_span *s)
{
	lp_span_skip(s, blank);
	return s->n == 0 || s->p[0] == ',';
}

/*
 * #auth-param: stops in front of the next challenge's scheme, which is told
 * from a parameter by having no '=' after it. The commas between them are
 * not missed: servers leave them out.
 */
static int
take_params(struct lp_span *s, struct lp_challenge *c)
{
	for (;;) {
		struct lp_span before, name;
		int rc;

		lp_span_skip(s, blank_or_comma);
		if (s->n == 0)
			return LP_OK;
		before = *s;
		name = take(s, is_tchar);
		lp_span_skip(s, blank);
		if (name.n == 0)
			return LP_E_DATA;
		if (s->n == 0 || s->p[0] != '=') {
			*s = before;
			return LP_OK;
		}
		lp_span_take(s, 1);
		rc = take_value(s, c, name);
		if (rc != LP_OK)
			return rc;
	}
}

/* `Negotiate YII...=`: the one blob in place of parameters. */
static int
take_token68(struct lp_span *s)
{
	struct lp_span try = *s;

	if (take(&try, is_token68).n == 0)
		return 0;
	while (try.n > 0 && try.p[0] == '=')
		lp_span_take(&try, 1);
	if (!at_divider(&try))
		return 0;
	*s = try;
	return 1;
}

/* ---- challenges ----------------------------------------------------------------- */

void
lp_challenge_init(struct lp_challenges *x, struct lp_span header)
{
	x->rest = header;
}

static int
take_challenge(struct lp_span *s, struct lp_challenge *c)
{
	struct lp_span name = take(s, is_tchar);

	if (name.n == 0)
		return LP_E_DATA;
	c->scheme = lp_span_is_word(name, "basic") ? LP_SCHEME_BASIC :
	    lp_span_is_word(name, "bearer") ? LP_SCHEME_BEARER : LP_SCHEME_OTHER;
	if (s->n == 0 || s->p[0] == ',')
		return LP_OK;
	if (s->p[0] != ' ' && s->p[0] != '\t')
		return LP_E_DATA;
	lp_span_skip(s, blank);
	if (s->n == 0 || s->p[0] == ',' || take_token68(s))
		return LP_OK;
	return take_params(s, c);
}

int
lp_challenge_next(struct lp_challenges *x, struct lp_challenge *c)
{
	int rc;

	memset(c, 0, sizeof(*c));
	lp_span_skip(&x->rest, blank_or_comma);
	if (x->rest.n == 0)
		return LP_E_ABSENT;
	rc = take_challenge(&x->rest, c);
	if (rc != LP_OK)
		x->rest.n = 0;
	return rc;
}

void
lp_challenge_for(struct lp_challenge *c, const char *repo)
{
	char own[LP_CHALLENGE_VALUE_MAX + 1];
	size_t n = strlen(c->scope), room = sizeof(c->scope) - n;
	int len = snprintf(own, sizeof(own), "%srepository:%s:", n > 0 ? " " : "", repo);
	const char *name = own + (n > 0), *there = strstr(c->scope, name);

	/* a part of `repository:REPO:pull,push`, from a word's beginning */
	if (there != NULL && (there == c->scope || there[-1] == ' '))
		return;
	if (len > 0 && (size_t)len + sizeof("pull") <= room)
		snprintf(c->scope + n, room, "%spull", own);
}

/* ---- answers ---------------------------------------------------------------------- */

static int
add_pair(struct lp_buf *b, int *divider, const char *key, struct lp_span value)
{
	int rc;

	if (value.n == 0)
		return LP_OK;
	rc = *divider != '\0' ? lp_buf_addc(b, *divider) : LP_OK;
	*divider = '&';
	rc = rc != LP_OK ? rc : lp_buf_adds(b, key);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '=');
	return rc != LP_OK ? rc : lp_percent(b, value);
}

int
lp_challenge_url(const struct lp_challenge *c, const char *account, struct lp_buf *b)
{
	struct lp_span scopes = lp_span_str(c->scope), realm = lp_span_str(c->realm);
	int divider = memchr(realm.p, '?', realm.n) != NULL ? '&' : '?';
	int rc = lp_buf_add(b, realm);

	rc = rc != LP_OK ? rc : add_pair(b, &divider, "service", lp_span_str(c->service));
	rc = rc != LP_OK || account == NULL ? rc : add_pair(b, &divider, "account", lp_span_str(account));
	while (scopes.n > 0 && rc == LP_OK) {
		const unsigned char *end = memchr(scopes.p, ' ', scopes.n);

		rc = add_pair(b, &divider, "scope",
		    lp_span_take(&scopes, end != NULL ? (size_t)(end - scopes.p) : scopes.n));
		lp_span_take(&scopes, 1);
	}
	return rc;
}

int
lp_challenge_form(const struct lp_challenge *c, const char *identity, struct lp_buf *b)
{
	int divider = '\0';
	int rc = add_pair(b, &divider, "grant_type", lp_span_str("refresh_token"));

	rc = rc != LP_OK ? rc : add_pair(b, &divider, "service", lp_span_str(c->service));
	rc = rc != LP_OK ? rc : add_pair(b, &divider, "client_id", lp_span_str("layer-peek"));
	rc = rc != LP_OK ? rc : add_pair(b, &divider, "scope", lp_span_str(c->scope));
	return rc != LP_OK ? rc : add_pair(b, &divider, "refresh_token", lp_span_str(identity));
}

int
lp_basic_header(const char *user, const char *password, struct lp_buf *b)
{
	struct lp_buf pair;
	int rc;

	lp_buf_init_secret(&pair, strlen(user) + 1 + strlen(password));
	rc = lp_buf_adds(&pair, user);
	rc = rc != LP_OK ? rc : lp_buf_addc(&pair, ':');
	rc = rc != LP_OK ? rc : lp_buf_adds(&pair, password);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "Authorization: Basic ");
	rc = rc != LP_OK ? rc : lp_base64(b, lp_buf_span(&pair));
	lp_buf_release(&pair);
	return rc;
}
