/* Parses docker and podman login files, helper answers and token answers. */
#include "common/oci/authfile.h"

#include "common/base/base64.h"
#include "common/base/num.h"
#include "common/base/secret.h"
#include "common/base/status.h"

enum {
	SECRET_MAX = 64 * 1024, /* bytes of a password or token: identity tokens of some registries are long JWTs */
	EXPIRES_DEFAULT = 60,   /* distribution's token specification, "expires_in" */
	EXPIRES_MAX = 24 * 3600 /* no token is believed longer than a day */
};

/* ---- memory -------------------------------------------------------------------- */

void
lp_auth_release(struct lp_auth *a)
{
	lp_secret_free(&a->user);
	lp_secret_free(&a->password);
	lp_secret_free(&a->identity);
	lp_secret_free(&a->bearer);
	lp_secret_free(&a->key);
}

void
lp_authfile_release(struct lp_authfile *f)
{
	lp_secret_free(&f->helper);
	lp_auth_release(&f->auth);
}

void
lp_token_release(struct lp_token *t)
{
	lp_secret_free(&t->text);
}

static int
fail(struct lp_json_error *e, int rc, const char *why)
{
	*e = (struct lp_json_error){ .why = why };
	return rc;
}

/* A C string of the bytes; an empty span is none. */
static int
keep(char **out, struct lp_span s, struct lp_json_error *e)
{
	*out = NULL;
	if (s.n == 0)
		return LP_OK;
	if (s.n > SECRET_MAX)
		return fail(e, LP_E_LIMIT, "a secret of more than 64 KiB");
	if (memchr(s.p, '\0', s.n) != NULL)
		return fail(e, LP_E_DATA, "a NUL byte in a name or secret");
	*out = lp_cstr(s);
	return *out != NULL ? LP_OK : fail(e, LP_E_NOMEM, "out of memory");
}

static int
keep_member(char **out, const json_t *object, const char *key, struct lp_json_error *e)
{
	return keep(out, lp_json_get_string(object, key), e);
}

/* ---- keys ------------------------------------------------------------------------ */

static int
eat(struct lp_span *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (s->n < n || memcmp(s->p, prefix, n) != 0)
		return 0;
	lp_span_take(s, n);
	return 1;
}

static struct lp_span
one_hub(struct lp_span host)
{
	if (lp_span_is(host, "index.docker.io") || lp_span_is(host, "registry-1.docker.io"))
		return lp_span_str("docker.io");
	return host;
}

/* Docker Desktop keeps its own tokens beside the registry's entry, under https://index.docker.io/v1/access-token. */
static int
is_other_service(struct lp_span path)
{
	return lp_span_ends(path, "/access-token") || lp_span_ends(path, "/refresh-token");
}

/*
 * How special a key is for HOST/REPO; 0 if it is not about it. The more of
 * the repository it names the more; of those that name a host alone, the host
 * as it is comes before another of its names, and a URL last: what old
 * versions of docker wrote may have been left behind.
 */
static size_t
match(const char *key, const char *host, const char *repo)
{
	enum { URL = 1, ALIAS, HOST, REPO };
	struct lp_span k = lp_span_str(key), path, h;
	int old = eat(&k, "https://") || eat(&k, "http://");
	const unsigned char *slash = k.n > 0 ? memchr(k.p, '/', k.n) : NULL;
	size_t n = strlen(repo);

	h = lp_span_take(&k, slash != NULL ? (size_t)(slash - k.p) : k.n);
	if (!lp_span_eq(one_hub(h), one_hub(lp_span_str(host))) || (old && is_other_service(k)))
		return 0;
	if (old)
		return URL;
	if (k.n <= 1)
		return lp_span_is(h, host) ? HOST : ALIAS;
	path = lp_span(k.p + 1, k.n - 1);
	if (path.n > n || memcmp(path.p, repo, path.n) != 0)
		return 0;
	return path.n == n || repo[path.n] == '/' ? path.n + REPO : 0;
}

const char *
lp_authfile_server(const char *host)
{
	return lp_span_is(one_hub(lp_span_str(host)), "docker.io") ? "https://index.docker.io/v1/" : host;
}

/* ---- entries ---------------------------------------------------------------------- */

/* user:password; docker once wrote NULs behind it. */
static int
split_pair(struct lp_span pair, struct lp_auth *a, struct lp_json_error *e)
{
	const unsigned char *colon = pair.n > 0 ? memchr(pair.p, ':', pair.n) : NULL;
	struct lp_span user;
	int rc;

	if (colon == NULL)
		return fail(e, LP_E_DATA, "an \"auth\" that is not user:password");
	user = lp_span_take(&pair, (size_t)(colon - pair.p));
	lp_span_take(&pair, 1);
	while (pair.n > 0 && pair.p[pair.n - 1] == '\0')
		pair.n--;
	rc = keep(&a->user, user, e);
	return rc != LP_OK ? rc : keep(&a->password, pair, e);
}

/* base64(1) breaks lines, and people put its output into these files. */
static int
decode(struct lp_span text, struct lp_buf *out)
{
	struct lp_buf line;
	int rc = LP_OK;

	lp_buf_init_secret(&line, 2 * SECRET_MAX);
	while (text.n > 0 && rc == LP_OK) {
		rc = lp_buf_add(&line, lp_span_until(&text, "\r\n"));
		lp_span_skip(&text, "\r\n");
	}
	rc = rc != LP_OK ? rc : lp_base64_decode(out, lp_buf_span(&line));
	lp_buf_release(&line);
	return rc;
}

static int
take_auth(struct lp_span text, struct lp_auth *a, struct lp_json_error *e)
{
	struct lp_buf pair;
	int rc;

	if (text.n == 0)
		return LP_OK;
	lp_buf_init_secret(&pair, SECRET_MAX);
	rc = decode(text, &pair);
	if (rc != LP_OK)
		fail(e, rc, "an \"auth\" that is not base64");
	else
		rc = split_pair(lp_buf_span(&pair), a, e);
	lp_buf_release(&pair);
	return rc;
}

/* A token goes into a header as it is: a line break in it would start another header. */
static int
fits_header(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return 0;
	return 1;
}

/* An entry may hold several forms; docker, too, prefers the tokens. */
static int
take_entry(const json_t *entry, struct lp_auth *a, struct lp_json_error *e)
{
	struct lp_span bearer = lp_json_get_string(entry, "registrytoken");
	int rc = fits_header(bearer) ? keep(&a->bearer, bearer, e) :
	    fail(e, LP_E_DATA, "a registrytoken with blanks or control characters");

	rc = rc != LP_OK ? rc : keep_member(&a->identity, entry, "identitytoken", e);
	rc = rc != LP_OK ? rc : take_auth(lp_json_get_string(entry, "auth"), a, e);
	if (rc == LP_OK && a->user == NULL && a->password == NULL) {
		rc = keep_member(&a->user, entry, "username", e);
		rc = rc != LP_OK ? rc : keep_member(&a->password, entry, "password", e);
	}
	return rc;
}

static int
is_empty(const json_t *entry)
{
	static const char *const keys[] = { "auth", "identitytoken", "registrytoken", "username" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (lp_json_get_string(entry, keys[i]).n > 0)
			return 0;
	return 1;
}

/* What docker leaves of an entry whose secret is with a helper, {}, is none. */
static const json_t *
best_entry(json_t *auths, const char *host, const char *repo, const char **key)
{
	const json_t *best = NULL;
	size_t special = 0;

	for (void *i = json_object_iter(auths); i != NULL; i = json_object_iter_next(auths, i)) {
		size_t n = match(json_object_iter_key(i), host, repo);

		if (n > special && !is_empty(json_object_iter_value(i))) {
			special = n;
			best = json_object_iter_value(i);
			*key = json_object_iter_key(i);
		}
	}
	return best;
}

/* The helper's name becomes part of a program's name: nothing that could lead elsewhere. */
static int
take_helper(const json_t *root, const char *host, char **out, struct lp_json_error *e)
{
	json_t *helpers = json_object_get(root, "credHelpers");
	struct lp_span name = { NULL, 0 };

	for (void *i = json_object_iter(helpers); i != NULL && name.n == 0;
	    i = json_object_iter_next(helpers, i))
		if (match(json_object_iter_key(i), host, "") > 0 && json_is_string(json_object_iter_value(i)))
			name = lp_span_str(json_string_value(json_object_iter_value(i)));
	if (name.n == 0)
		name = lp_json_get_string(root, "credsStore");
	if (name.n > 0 && memchr(name.p, '/', name.n) != NULL)
		return fail(e, LP_E_DATA, "a helper's name with a slash in it");
	return keep(out, name, e);
}

int
lp_authfile_find(struct lp_span json, const char *host, const char *repo, struct lp_authfile *f,
    struct lp_json_error *e)
{
	const char *key = NULL;
	const json_t *entry;
	json_t *root;
	int rc;

	memset(f, 0, sizeof(*f));
	rc = lp_json_load(json, &root, e);
	if (rc != LP_OK)
		return rc;
	if (!json_is_object(root))
		rc = fail(e, LP_E_DATA, "not a JSON object");
	rc = rc != LP_OK ? rc : take_helper(root, host, &f->helper, e);
	entry = best_entry(json_object_get(root, "auths"), host, repo, &key);
	if (rc == LP_OK && entry != NULL)
		rc = take_entry(entry, &f->auth, e);
	if (rc == LP_OK && entry != NULL)
		rc = keep(&f->auth.key, lp_span_str(key), e);
	json_decref(root);
	if (rc != LP_OK)
		lp_authfile_release(f);
	return rc;
}

/* ---- answers ---------------------------------------------------------------------- */

int
lp_helper_parse(struct lp_span json, struct lp_auth *a, struct lp_json_error *e)
{
	json_t *root;
	int rc;

	memset(a, 0, sizeof(*a));
	rc = lp_json_load(json, &root, e);
	if (rc != LP_OK)
		return rc;
	rc = keep_member(&a->user, root, "Username", e);
	rc = rc != LP_OK ? rc : keep_member(&a->password, root, "Secret", e);
	if (rc == LP_OK && (a->user == NULL || a->password == NULL))
		rc = fail(e, LP_E_DATA, "no Username or no Secret");
	if (rc == LP_OK && strcmp(a->user, "<token>") == 0) {
		a->identity = a->password;
		a->password = NULL;
		lp_secret_free(&a->user);
	}
	json_decref(root);
	if (rc != LP_OK)
		lp_auth_release(a);
	return rc;
}

/* Some servers write the number as a string; what makes no sense is as good as absent. */
static uint64_t
expires_in(const json_t *root)
{
	const json_t *v = json_object_get(root, "expires_in");
	uint64_t n = EXPIRES_DEFAULT;

	if (json_is_integer(v) && json_integer_value(v) > 0)
		n = (uint64_t)json_integer_value(v);
	else if (json_is_string(v))
		(void)lp_num_u64(lp_span_str(json_string_value(v)), UINT64_MAX, &n);
	return n < EXPIRES_MAX ? n : EXPIRES_MAX;
}

int
lp_token_parse(struct lp_span json, struct lp_token *t, struct lp_json_error *e)
{
	struct lp_span text;
	json_t *root;
	int rc;

	memset(t, 0, sizeof(*t));
	rc = lp_json_load(json, &root, e);
	if (rc != LP_OK)
		return rc;
	text = lp_json_get_string(root, "token");
	if (text.n == 0)
		text = lp_json_get_string(root, "access_token");
	if (text.n == 0)
		rc = fail(e, LP_E_DATA, "neither \"token\" nor \"access_token\"");
	else if (!fits_header(text))
		rc = fail(e, LP_E_DATA, "a token with blanks or control characters");
	else
		rc = keep(&t->text, text, e);
	t->expires_in = expires_in(root);
	json_decref(root);
	return rc;
}
