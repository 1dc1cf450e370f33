/* Reads registries.conf, hosts.toml and daemon.json: the places where an image is asked for. */
#include "common/oci/places.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/array.h"
#include "common/base/status.h"
#include "common/base/toml.h"

static int fail(char why[256], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int
fail(char why[256], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, 256, fmt, ap);
	va_end(ap);
	return LP_E_DATA;
}

static int
no_memory(char why[256])
{
	snprintf(why, 256, "out of memory");
	return LP_E_NOMEM;
}

void
lp_places_release(struct lp_places *p)
{
	free(p->v);
	json_decref(p->doc);
	*p = (struct lp_places){ 0 };
}

/* ---- members of a table ------------------------------------------------------------------ */

/* A string without a NUL; NULL for anything else. */
static const char *
text_of(const json_t *v)
{
	const char *s = json_string_value(v);

	return s != NULL && strlen(s) == json_string_length(v) ? s : NULL;
}

/* *out is "" where there is none. */
static int
get_text(const json_t *table, const char *key, const char **out, char why[256])
{
	const json_t *v = json_object_get(table, key);

	*out = v != NULL ? text_of(v) : "";
	return *out != NULL ? LP_OK : fail(why, "%s is no string", key);
}

static int
get_flag(const json_t *table, const char *key, int *out, char why[256])
{
	const json_t *v = json_object_get(table, key);

	*out = json_is_true(v);
	return v == NULL || json_is_boolean(v) ? LP_OK : fail(why, "%s is neither true nor false", key);
}

/* An array of strings, or nothing; *out is NULL then. */
static int
get_texts(const json_t *table, const char *key, json_t **out, char why[256])
{
	*out = json_object_get(table, key);
	if (*out != NULL && !json_is_array(*out))
		return fail(why, "%s is no array", key);
	for (size_t i = 0; i < json_array_size(*out); i++)
		if (text_of(json_array_get(*out, i)) == NULL)
			return fail(why, "%s is no array of strings", key);
	return LP_OK;
}

/* Of such an array, the ith. */
static const char *
nth(const json_t *list, size_t i)
{
	const char *s = text_of(json_array_get(list, i));

	return s != NULL ? s : "";
}

/* ---- places -------------------------------------------------------------------------------- */

static struct lp_regplace *
add(struct lp_places *p)
{
	struct lp_regplace *v = p->n < LP_PLACES_MAX ? lp_array_room(p->v, p->n, &p->cap, sizeof(*v)) : NULL;

	if (v == NULL) {
		(void)no_memory(p->why);
		return NULL;
	}
	p->v = v;
	v += p->n++;
	*v = (struct lp_regplace){ .base = "/v2", .tags = 1, .digests = 1 };
	return v;
}

/* HOST/REPO[:TAG], the host written; `what` is what it is called in the file. */
static int
parse_whole(const char *text, const char *what, struct lp_reference *r, char why[256])
{
	struct lp_reference_error e;

	if (lp_reference_image(lp_span_str(text), r, &e) != LP_OK || r->kind != LP_REF_REGISTRY || r->short_name)
		return fail(why, "%.120s makes no name of a repository", what);
	return LP_OK;
}

/* ---- registries.conf --------------------------------------------------------------------------- */

void
lp_registries_release(struct lp_registries *r)
{
	json_decref(r->registry);
	json_decref(r->search);
	json_decref(r->aliases);
	*r = (struct lp_registries){ 0 };
}

/* A prefix or location: no scheme, no slash at its end, something. */
static int
check_location(const char *s, const char *what, char why[256])
{
	if (*s == '\0' || strstr(s, "://") != NULL || s[strspn(s, "/")] == '\0')
		return fail(why, "%s is not of the form HOST[:PORT][/NAMESPACE]", what);
	return LP_OK;
}

static int
check_mirror(const json_t *registry, const json_t *mirror, char why[256])
{
	const char *location, *when;
	int flag, by_digest, rc = get_text(mirror, "location", &location, why);

	rc = rc != LP_OK ? rc : check_location(location, "the location of a mirror", why);
	rc = rc != LP_OK ? rc : get_flag(mirror, "insecure", &flag, why);
	rc = rc != LP_OK ? rc : get_flag(registry, "mirror-by-digest-only", &by_digest, why);
	rc = rc != LP_OK ? rc : get_text(mirror, "pull-from-mirror", &when, why);
	if (rc != LP_OK || *when == '\0')
		return rc;
	if (by_digest)
		return fail(why, "mirror-by-digest-only and pull-from-mirror exclude each other");
	if (strcmp(when, "all") != 0 && strcmp(when, "digest-only") != 0 && strcmp(when, "tag-only") != 0)
		return fail(why, "pull-from-mirror is all, digest-only or tag-only");
	return LP_OK;
}

/* A [[registry]], under its prefix. */
static int
add_registry(struct lp_registries *r, json_t *table)
{
	const char *prefix, *location, *when;
	const json_t *mirrors = json_object_get(table, "mirror");
	char key[LP_REF_TEXT_MAX];
	size_t n;
	int flag, rc = get_text(table, "prefix", &prefix, r->why);

	rc = rc != LP_OK ? rc : get_text(table, "location", &location, r->why);
	rc = rc != LP_OK ? rc : get_flag(table, "insecure", &flag, r->why);
	rc = rc != LP_OK ? rc : get_flag(table, "blocked", &flag, r->why);
	rc = rc != LP_OK ? rc : get_text(table, "pull-from-mirror", &when, r->why);
	if (rc == LP_OK && *when != '\0')
		rc = fail(r->why, "pull-from-mirror is of a mirror");
	if (rc == LP_OK && *location == '\0' && strncmp(prefix, "*.", 2) != 0)
		rc = fail(r->why, "a [[registry]] without a location");
	if (rc == LP_OK && *location != '\0')
		rc = check_location(location, "the location", r->why);
	prefix = rc == LP_OK && *prefix == '\0' ? location : prefix;
	rc = rc != LP_OK ? rc : check_location(prefix, "the prefix", r->why);
	if (rc == LP_OK && strncmp(prefix, "*.", 2) == 0 && prefix[1 + strcspn(prefix + 1, "*/:@")] != '\0')
		rc = fail(r->why, "a prefix that begins with *. is a host without a port, and no more");
	if (rc == LP_OK && mirrors != NULL && !json_is_array(mirrors))
		rc = fail(r->why, "mirror is no array of tables");
	for (size_t i = 0; rc == LP_OK && i < json_array_size(mirrors); i++)
		rc = check_mirror(table, json_array_get(mirrors, i), r->why);
	if (rc != LP_OK)
		return rc;
	for (n = strlen(prefix); n > 0 && prefix[n - 1] == '/';)
		n--;
	if (snprintf(key, sizeof(key), "%.*s", (int)n, prefix) >= (int)sizeof(key))
		return fail(r->why, "the prefix is too long");
	return json_object_set_new(r->registry, key, json_incref(table)) == 0 ? LP_OK : no_memory(r->why);
}

/* Version 1: lists of hosts, as [[registry]] tables. */
static int
add_v1(struct lp_registries *r, const json_t *v1, const char *list, const char *flag)
{
	json_t *hosts;
	int rc = get_texts(json_object_get(v1, list), "registries", &hosts, r->why);

	for (size_t i = 0; rc == LP_OK && i < json_array_size(hosts); i++) {
		const char *host = nth(hosts, i);
		json_t *table = json_object_get(r->registry, host);

		table = table != NULL ? json_incref(table) : json_pack("{s:s}", "location", host);
		if (table == NULL || json_object_set_new(table, flag, json_true()) != 0)
			rc = no_memory(r->why);
		rc = rc != LP_OK ? rc : add_registry(r, table);
		json_decref(table);
	}
	return rc;
}

static int
add_aliases(struct lp_registries *r, json_t *aliases)
{
	const char *to;
	int rc = LP_OK;

	if (aliases != NULL && !json_is_object(aliases))
		return fail(r->why, "aliases is no table");
	for (void *i = json_object_iter(aliases); i != NULL && rc == LP_OK; i = json_object_iter_next(aliases, i)) {
		const char *name = json_object_iter_key(i);

		rc = get_text(aliases, name, &to, r->why);
		if (rc == LP_OK && json_object_set_new(r->aliases, name, json_incref(json_object_iter_value(i))) != 0)
			rc = no_memory(r->why);
	}
	return rc;
}

static int
add_all(struct lp_registries *r, const json_t *doc, int drop_in)
{
	json_t *list = json_object_get(doc, "registry"), *search;
	const json_t *v1 = json_object_get(doc, "registries");
	const char *mode;
	int rc = get_texts(doc, "unqualified-search-registries", &search, r->why);

	rc = rc != LP_OK ? rc : get_text(doc, "short-name-mode", &mode, r->why);
	if (rc == LP_OK && strcmp(mode, "") != 0 && strcmp(mode, "enforcing") != 0 && strcmp(mode, "permissive") != 0 &&
	    strcmp(mode, "disabled") != 0)
		rc = fail(r->why, "short-name-mode is enforcing, permissive or disabled");
	if (rc == LP_OK && list != NULL && !json_is_array(list))
		rc = fail(r->why, "registry is no array of tables");
	if (rc == LP_OK && v1 != NULL && (list != NULL || search != NULL || drop_in))
		rc = fail(r->why, drop_in ? "a drop-in is not of version 1" : "versions 1 and 2 are mixed");
	if (rc == LP_OK && v1 != NULL)
		rc = get_texts(json_object_get(v1, "search"), "registries", &search, r->why);
	rc = rc != LP_OK ? rc : add_v1(r, v1, "insecure", "insecure");
	rc = rc != LP_OK ? rc : add_v1(r, v1, "block", "blocked");
	for (size_t i = 0; rc == LP_OK && i < json_array_size(list); i++)
		rc = add_registry(r, json_array_get(list, i));
	rc = rc != LP_OK ? rc : add_aliases(r, json_object_get(doc, "aliases"));
	if (rc == LP_OK && search != NULL) {
		json_decref(r->search);
		r->search = json_incref(search);
	}
	if (rc == LP_OK && *mode != '\0')
		r->enforcing = strcmp(mode, "enforcing") == 0;
	return rc;
}

/* A document, or what is wrong with it. */
static int
load(struct lp_span toml, json_t **doc, char why[256])
{
	struct lp_toml_error e;
	int rc = lp_toml_load(toml, doc, &e);

	return rc == LP_E_DATA ? fail(why, "line %u: %s", e.line, e.why) : rc == LP_OK ? rc : no_memory(why);
}

int
lp_registries_add(struct lp_registries *r, struct lp_span toml, int drop_in)
{
	json_t *doc = NULL;
	int rc = load(toml, &doc, r->why);

	if (rc == LP_OK && r->registry == NULL) {
		r->registry = json_object();
		r->aliases = json_object();
		if (r->registry == NULL || r->aliases == NULL)
			rc = no_memory(r->why);
	}
	rc = rc != LP_OK ? rc : add_all(r, doc, drop_in);
	json_decref(doc);
	return rc;
}

/* How much of HOST/REPO[:TAG][@DIGEST] a prefix covers; 0: it does not. */
static size_t
covered(const char *prefix, const char *name)
{
	size_t n = strlen(prefix), host = strcspn(name, "/");

	if (strncmp(prefix, "*.", 2) == 0)
		/* all of a host below it, which has no port then */
		return n - 1 < host && memcmp(name + host - (n - 1), prefix + 1, n - 1) == 0 ? host : 0;
	return strncmp(prefix, name, n) == 0 && (name[n] == '\0' || strchr("/:@", name[n]) != NULL) ? n : 0;
}

/* The name with `location` in place of its first n characters. */
static int
add_place(struct lp_places *p, const struct lp_reference *ref, const char *name, size_t n, const json_t *table)
{
	struct lp_regplace *v = add(p);
	const char *location;
	struct lp_reference to;
	char text[2 * LP_REF_TEXT_MAX];
	size_t len;
	int rc = v != NULL ? get_text(table, "location", &location, p->why) : LP_E_NOMEM;

	rc = rc != LP_OK ? rc : get_flag(table, "insecure", &v->insecure, p->why);
	if (rc != LP_OK)
		return rc;
	len = strlen(location);
	while (len > 0 && location[len - 1] == '/')
		len--;
	snprintf(text, sizeof(text), "%.*s%s", (int)len, location, *location != '\0' ? name + n : name);
	rc = parse_whole(text, text, &to, p->why);
	if (rc != LP_OK)
		return rc;
	memcpy(v->host, to.host, sizeof(v->host));
	memcpy(v->repo, to.repo, sizeof(v->repo));
	if (ref->name[0] != '\0' && strcmp(to.name, ref->name) != 0)
		snprintf(v->tag, sizeof(v->tag), "%.*s", LP_REF_TAG_MAX, to.name);
	return LP_OK;
}

/* Whether a mirror is for a pull of that kind. */
static int
serves(const json_t *registry, const json_t *mirror, int by_digest)
{
	const char *when = json_string_value(json_object_get(mirror, "pull-from-mirror"));

	if (json_is_true(json_object_get(registry, "mirror-by-digest-only")))
		return by_digest;
	return when == NULL || strcmp(when, by_digest ? "tag-only" : "digest-only") != 0;
}

int
lp_places_of_registries(const struct lp_registries *r, const struct lp_reference *ref, struct lp_places *p)
{
	const json_t *best = NULL, *mirrors;
	size_t longest = 0, n = 0;
	struct lp_buf name;
	const char *text;
	int rc = LP_OK;

	lp_buf_init(&name, LP_REF_TEXT_MAX);
	if (lp_reference_put(ref, &name) != LP_OK || (text = lp_buf_cstr(&name)) == NULL) {
		lp_buf_release(&name);
		return no_memory(p->why);
	}
	for (void *i = json_object_iter(r->registry); i != NULL; i = json_object_iter_next(r->registry, i)) {
		const char *prefix = json_object_iter_key(i);
		size_t c = covered(prefix, text);

		/* of two as long the one with the asterisk, as skopeo has it */
		if (c > 0 && (strlen(prefix) > longest || (strlen(prefix) == longest && prefix[0] == '*'))) {
			longest = strlen(prefix);
			best = json_object_iter_value(i);
			n = c;
		}
	}
	p->blocked = json_is_true(json_object_get(best, "blocked"));
	mirrors = p->blocked ? NULL : json_object_get(best, "mirror");
	for (size_t i = 0; rc == LP_OK && i < json_array_size(mirrors); i++)
		if (serves(best, json_array_get(mirrors, i), ref->digest[0] != '\0'))
			rc = add_place(p, ref, text, n, json_array_get(mirrors, i));
	if (rc == LP_OK && best != NULL && !p->blocked)
		rc = add_place(p, ref, text, n, best);
	lp_buf_release(&name);
	return rc == LP_OK && best == NULL ? LP_E_ABSENT : rc;
}

int
lp_registries_complete(struct lp_registries *r, struct lp_reference *ref)
{
	const char *name = ref->repo + (ref->short_name == LP_REF_SHORT_LIBRARY ? strlen("library/") : 0), *to;
	char text[LP_REF_TEXT_MAX];
	struct lp_reference full;
	int rc = get_text(r->aliases, name, &to, r->why);

	if (!ref->short_name || rc != LP_OK || (*to == '\0' && json_array_size(r->search) == 0))
		return rc;
	if (*to == '\0' && r->enforcing && json_array_size(r->search) > 1) {
		(void)fail(r->why, "short-name-mode is enforcing, and it could be %.90s/%.60s or of %zu others: write the host as well",
		    nth(r->search, 0), name, json_array_size(r->search) - 1);
		return LP_E_USAGE;
	}
	if (*to == '\0')
		snprintf(text, sizeof(text), "%s/%s", nth(r->search, 0), name);
	else
		snprintf(text, sizeof(text), "%s", to);
	rc = parse_whole(text, text, &full, r->why);
	if (rc == LP_OK) {
		memcpy(ref->host, full.host, sizeof(ref->host));
		memcpy(ref->repo, full.repo, sizeof(ref->repo));
		ref->short_name = 0;
	}
	return rc;
}

/* ---- hosts.toml ------------------------------------------------------------------------------------ */

/* https://HOST[:PORT][/PATH]; without a scheme it is https. */
static int
take_url(struct lp_regplace *v, const char *url, int as_it_is, char why[256])
{
	struct lp_span s = lp_span_str(url), host;
	size_t n;

	v->scheme = lp_span_begins(s, "http://") ? LP_PLACE_HTTP : LP_PLACE_HTTPS;
	if (v->scheme == LP_PLACE_HTTP || lp_span_begins(s, "https://"))
		lp_span_take(&s, v->scheme == LP_PLACE_HTTP ? 7 : 8);
	host = lp_span_until(&s, "/?#");
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	for (n = 0; url[n] > ' ' && url[n] < 0x7f && strchr("?#@", url[n]) == NULL; n++)
		;
	if (host.n == 0 || host.n >= sizeof(v->host) || s.n > LP_PLACE_BASE - 3 || url[n] != '\0')
		return fail(why, "%.120s is no URL of a registry", url);
	/* the Hub by its own name, which its credentials have */
	snprintf(v->host, sizeof(v->host), "%.*s", (int)host.n, (const char *)host.p);
	if (lp_span_is(host, "registry-1.docker.io"))
		snprintf(v->host, sizeof(v->host), "docker.io");
	snprintf(v->base, sizeof(v->base), "%.*s%s", (int)s.n, (const char *)s.p, as_it_is || lp_span_ends(s, "/v2") ? "" : "/v2");
	return LP_OK;
}

static int
take_capabilities(struct lp_regplace *v, const json_t *table, char why[256])
{
	json_t *list;
	int rc = get_texts(table, "capabilities", &list, why);

	if (rc != LP_OK || json_array_size(list) == 0)
		return rc;
	v->tags = v->digests = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *what = nth(list, i);

		v->tags |= strcmp(what, "resolve") == 0;
		v->digests |= strcmp(what, "pull") == 0;
	}
	return LP_OK;
}

/* A host, or the root of the document, which is the server's; without a URL it is the one that is named. */
static int
add_host(struct lp_places *p, const struct lp_reference *ref, const char *url, json_t *table)
{
	struct lp_regplace *v = add(p);
	int as_it_is, rc;

	if (v == NULL)
		return LP_E_NOMEM;
	v->more = table;
	memcpy(v->repo, ref->repo, sizeof(v->repo));
	rc = get_flag(table, "override_path", &as_it_is, p->why);
	rc = rc != LP_OK ? rc : get_flag(table, "skip_verify", &v->insecure, p->why);
	rc = rc != LP_OK ? rc : take_capabilities(v, table, p->why);
	if (rc == LP_OK && url != NULL)
		rc = take_url(v, url, as_it_is, p->why);
	else if (rc == LP_OK)
		memcpy(v->host, ref->host, sizeof(v->host));
	if (rc == LP_OK && strcmp(v->host, ref->host) != 0)
		memcpy(v->ns, ref->host, sizeof(v->ns));
	return rc;
}

int
lp_places_of_hosts(struct lp_span toml, const struct lp_reference *ref, struct lp_places *p)
{
	json_t *hosts;
	const char *server;
	int rc = load(toml, &p->doc, p->why);

	rc = rc != LP_OK ? rc : get_text(p->doc, "server", &server, p->why);
	hosts = json_object_get(p->doc, "host");
	if (rc == LP_OK && hosts != NULL && !json_is_object(hosts))
		rc = fail(p->why, "host is no table");
	for (void *i = json_object_iter(hosts); i != NULL && rc == LP_OK; i = json_object_iter_next(hosts, i)) {
		if (!json_is_object(json_object_iter_value(i)))
			rc = fail(p->why, "host.\"%.120s\" is no table", json_object_iter_key(i));
		rc = rc != LP_OK ? rc : add_host(p, ref, json_object_iter_key(i), json_object_iter_value(i));
	}
	return rc != LP_OK ? rc : add_host(p, ref, *server != '\0' ? server : NULL, p->doc);
}

/* ---- daemon.json -------------------------------------------------------------------------------------- */

static int
is_listed(const json_t *list, const char *host)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(nth(list, i), host) == 0)
			return 1;
	return 0;
}

int
lp_places_of_daemon(struct lp_span json, const struct lp_reference *ref, struct lp_places *p)
{
	int hub = strcmp(ref->host, "docker.io") == 0, rc;
	json_t *mirrors, *insecure;
	struct lp_json_error e;
	struct lp_regplace *v;

	rc = lp_json_load_lax(json, 1, &p->doc, &e);
	if (rc != LP_OK)
		return rc == LP_E_NOMEM ? no_memory(p->why) : fail(p->why, "byte %zu: %s", e.offset, e.why);
	rc = get_texts(p->doc, "registry-mirrors", &mirrors, p->why);
	rc = rc != LP_OK ? rc : get_texts(p->doc, "insecure-registries", &insecure, p->why);
	if (rc == LP_OK && !is_listed(insecure, ref->host) && (!hub || json_array_size(mirrors) == 0))
		return LP_E_ABSENT;
	for (size_t i = 0; rc == LP_OK && hub && i < json_array_size(mirrors); i++) {
		v = add(p);
		rc = v != NULL ? take_url(v, nth(mirrors, i), 0, p->why) : LP_E_NOMEM;
		if (rc == LP_OK) {
			memcpy(v->repo, ref->repo, sizeof(v->repo));
			v->insecure = is_listed(insecure, v->host);
		}
	}
	v = rc == LP_OK ? add(p) : NULL;
	if (v == NULL)
		return rc != LP_OK ? rc : LP_E_NOMEM;
	memcpy(v->host, ref->host, sizeof(v->host));
	memcpy(v->repo, ref->repo, sizeof(v->repo));
	v->insecure = is_listed(insecure, ref->host);
	return LP_OK;
}
