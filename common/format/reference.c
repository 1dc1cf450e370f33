#include "common/format/reference.h"

#include "common/base/num.h"
#include "common/base/status.h"

/* A place in the text; what is parsed is taken off the front of `s`. */
struct cursor {
	const unsigned char *start;
	struct lp_span s;
	struct lp_reference_error *error;
};

static int
refuse_at(struct cursor *c, const unsigned char *p, const char *why)
{
	c->error->offset = (size_t)(p - c->start);
	c->error->why = why;
	return LP_E_USAGE;
}

static int
is_lower_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int
is_alnum(unsigned char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static int
starts(struct lp_span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static int
ends(struct lp_span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* Where c first stands, or the span's length. */
static size_t
find(struct lp_span s, int c)
{
	const unsigned char *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return p == NULL ? s.n : (size_t)(p - s.p);
}

static int
copy(struct cursor *c, char *out, size_t max, struct lp_span s, const char *too_long)
{
	size_t nul = find(s, '\0');

	if (s.n > max)
		return refuse_at(c, s.p + max, too_long);
	if (nul < s.n)
		return refuse_at(c, s.p + nul, "a NUL byte");
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return LP_OK;
}

/* ---- hosts ---------------------------------------------------------------- */

/* domain-component: letters, digits and hyphens, no hyphen at either end. */
static int
check_label(struct cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return refuse_at(c, s.p, "an empty part in the host's name");
	for (size_t i = 0; i < s.n; i++) {
		int hyphen = s.p[i] == '-' && i > 0 && i + 1 < s.n;

		if (!is_alnum(s.p[i]) && !hyphen)
			return refuse_at(c, s.p + i, "not a character of a host's name");
	}
	return LP_OK;
}

static int
check_port(struct cursor *c, struct lp_span s)
{
	uint64_t port;

	if (lp_num_u64(s, 65535, &port) != LP_OK || port == 0)
		return refuse_at(c, s.p, "not a port (1 to 65535)");
	return LP_OK;
}

/* [ hexadecimal digits and colons ]: takes it off the front. */
static int
check_ipv6(struct cursor *c, struct lp_span *s)
{
	size_t end = find(*s, ']');

	if (end == s->n)
		return refuse_at(c, s->p, "an IPv6 address without its ]");
	for (size_t i = 1; i < end; i++) {
		unsigned char x = s->p[i];

		if (x != ':' && !(x >= '0' && x <= '9') && !((x | 32) >= 'a' && (x | 32) <= 'f'))
			return refuse_at(c, s->p + i, "not a character of an IPv6 address");
	}
	if (end == 1)
		return refuse_at(c, s->p, "an empty IPv6 address");
	lp_span_take(s, end + 1);
	return LP_OK;
}

static int
check_host(struct cursor *c, struct lp_span s)
{
	struct lp_span name, rest = s;
	int rc;

	if (s.n > 0 && s.p[0] == '[') {
		rc = check_ipv6(c, &rest);
		if (rc != LP_OK)
			return rc;
		if (rest.n > 0 && rest.p[0] != ':')
			return refuse_at(c, rest.p, "only a port may follow an IPv6 address");
	} else {
		name = lp_span_take(&rest, find(rest, ':'));
		for (;;) {
			struct lp_span label = lp_span_take(&name, find(name, '.'));

			rc = check_label(c, label);
			if (rc != LP_OK || name.n == 0)
				break;
			lp_span_take(&name, 1);
			if (name.n == 0)
				return refuse_at(c, name.p, "an empty part in the host's name");
		}
		if (rc != LP_OK)
			return rc;
	}
	if (rest.n == 0)
		return LP_OK;
	lp_span_take(&rest, 1);
	return check_port(c, rest);
}

/* Whether the part before the first '/' names a registry. */
static int
is_host(struct lp_span s)
{
	if (lp_span_is(s, "localhost"))
		return 1;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' || s.p[i] == ':' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return 1;
	return 0;
}

/* ---- names, tags, digests --------------------------------------------------- */

/* How many bytes of separator start s: one of . _ __ or any number of hyphens. */
static size_t
separator(struct lp_span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == '-')
		n++;
	if (n > 0)
		return n;
	if (s.n >= 2 && s.p[0] == '_' && s.p[1] == '_')
		return 2;
	return s.n > 0 && (s.p[0] == '.' || s.p[0] == '_');
}

static int
check_component(struct cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return refuse_at(c, s.p, "an empty part in the repository's name");
	for (;;) {
		size_t n = 0;

		while (n < s.n && is_lower_alnum(s.p[n]))
			n++;
		if (n == 0) {
			if (s.n > 0 && is_alnum(s.p[0]))
				return refuse_at(c, s.p, "a repository's name is lower case");
			return refuse_at(c, s.p, "a repository's name has letters or digits on both "
			    "sides of each separator");
		}
		lp_span_take(&s, n);
		if (s.n == 0)
			return LP_OK;
		n = separator(s);
		if (n == 0)
			return refuse_at(c, s.p, is_alnum(s.p[0]) ? "a repository's name is lower case" :
			    "not a character of a repository's name");
		/* a separator at the end leaves s empty, and the loop refuses it there */
		lp_span_take(&s, n);
	}
}

static int
check_repo(struct cursor *c, struct lp_span s)
{
	for (;;) {
		int rc = check_component(c, lp_span_take(&s, find(s, '/')));

		if (rc != LP_OK || s.n == 0)
			return rc;
		lp_span_take(&s, 1);
	}
}

static int
check_tag(struct cursor *c, struct lp_span s)
{
	if (s.n == 0)
		return refuse_at(c, s.p, "an empty tag");
	if (s.n > LP_REF_TAG_MAX)
		return refuse_at(c, s.p + LP_REF_TAG_MAX, "a tag has at most 128 characters");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char x = s.p[i];
		int inner = i > 0 && (x == '.' || x == '-');

		if (!is_alnum(x) && x != '_' && !inner)
			return refuse_at(c, s.p + i, "not a character of a tag");
	}
	return LP_OK;
}

static int
take_digest(struct cursor *c, struct lp_span s, struct lp_reference *r)
{
	if (!lp_digest_valid(s))
		return refuse_at(c, s.p, starts(s, "sha256:") ?
		    "a digest is sha256: and 64 lower-case hexadecimal digits" :
		    "the one digest algorithm supported is sha256");
	return copy(c, r->digest, LP_DIGEST_LEN, s, "");
}

/* ---- registry references ----------------------------------------------------- */

/* 64 hexadecimal digits are an image's ID, never its name (docker refuses them too). */
static int
is_identifier(struct lp_span s)
{
	char digest[LP_DIGEST_SIZE] = "sha256:";

	if (s.n != LP_DIGEST_LEN - 7)
		return 0;
	memcpy(digest + 7, s.p, s.n);
	return lp_digest_valid(lp_span(digest, LP_DIGEST_LEN));
}

static int
take_repo(struct cursor *c, struct lp_span s, struct lp_reference *r)
{
	int hub = strcmp(r->host, "docker.io") == 0;
	size_t prefix = hub && find(s, '/') == s.n ? 8 : 0;
	int rc = check_repo(c, s);

	if (rc != LP_OK)
		return rc;
	if (strlen(r->host) + 1 + prefix + s.n > LP_REF_REPO_MAX)
		return refuse_at(c, s.p, "a repository's name has at most 255 characters");
	memcpy(r->repo, "library/", prefix);
	return copy(c, r->repo + prefix, LP_REF_REPO_MAX - prefix, s, "");
}

static int
take_host(struct cursor *c, struct lp_reference *r)
{
	size_t n = find(c->s, '/');
	struct lp_span first = lp_span(c->s.p, n);
	int rc;

	if (n == c->s.n || !is_host(first)) {
		memcpy(r->host, "docker.io", 10);
		return LP_OK;
	}
	rc = check_host(c, first);
	if (rc != LP_OK)
		return rc;
	/* the name the Hub had before it was docker.io */
	if (lp_span_is(first, "index.docker.io"))
		rc = copy(c, r->host, LP_REF_HOST_MAX, lp_span_str("docker.io"), "");
	else
		rc = copy(c, r->host, LP_REF_HOST_MAX, first, "a host's name that is too long");
	lp_span_take(&c->s, n + 1);
	return rc;
}

static int
parse_registry(struct cursor *c, struct lp_reference *r)
{
	struct lp_span name = c->s, tag = { NULL, 0 };
	size_t at = find(name, '@'), slash, colon;
	int rc;

	r->kind = LP_REF_REGISTRY;
	if (name.n == 0)
		return refuse_at(c, c->s.p, "an empty name");
	if (at < name.n) {
		rc = take_digest(c, lp_span(name.p + at + 1, name.n - at - 1), r);
		if (rc != LP_OK)
			return rc;
		name.n = at;
	}
	c->s = name;
	rc = take_host(c, r);
	if (rc != LP_OK)
		return rc;
	/* the host is off: a colon left starts the tag, even one in front of a slash, which is refused there */
	name = c->s;
	slash = find(name, '/');
	colon = find(name, ':');
	if (colon < name.n) {
		tag = lp_span(name.p + colon + 1, name.n - colon - 1);
		name.n = colon;
	}
	if (colon == slash && is_identifier(name))
		return refuse_at(c, name.p, "64 hexadecimal digits are an image's ID, not a name");
	rc = take_repo(c, name, r);
	if (rc == LP_OK && tag.p != NULL)
		rc = check_tag(c, tag);
	return rc != LP_OK || tag.p == NULL ? rc : copy(c, r->name, LP_REF_TAG_MAX, tag, "");
}

/* ---- the other forms ----------------------------------------------------------- */

static int
take_path(struct cursor *c, struct lp_span s, struct lp_reference *r)
{
	if (s.n == 0)
		return refuse_at(c, s.p, "an empty path");
	return copy(c, r->path, LP_REF_PATH_MAX, s, "a path that is too long");
}

/* The digest at the end of s, cut off it; 0 if there is none. */
static int
cut_digest(struct lp_span *s, struct lp_span *digest)
{
	if (s->n <= LP_DIGEST_LEN || s->p[s->n - LP_DIGEST_LEN - 1] != '@')
		return 0;
	*digest = lp_span(s->p + s->n - LP_DIGEST_LEN, LP_DIGEST_LEN);
	if (!lp_digest_valid(*digest))
		return 0;
	s->n -= LP_DIGEST_LEN + 1;
	return 1;
}

/* DIR[:NAME]: the first colon divides, as skopeo has it; names may hold more of them. */
static int
take_path_and_name(struct cursor *c, struct lp_span s, struct lp_reference *r)
{
	struct lp_span path = lp_span_take(&s, find(s, ':'));
	int rc = take_path(c, path, r);

	if (rc != LP_OK || s.n == 0)
		return rc;
	lp_span_take(&s, 1);
	if (s.n == 0)
		return refuse_at(c, s.p, "an empty name behind the colon");
	return copy(c, r->name, LP_REF_NAME_MAX, s, "a name that is too long");
}

static int
parse_oci(struct cursor *c, struct lp_reference *r)
{
	struct lp_span s = c->s, digest;

	r->kind = LP_REF_OCI;
	if (!cut_digest(&s, &digest))
		return take_path_and_name(c, s, r);
	return take_digest(c, digest, r) != LP_OK ? LP_E_USAGE : take_path(c, s, r);
}

static int
parse_url(struct cursor *c, struct lp_reference *r)
{
	size_t scheme = find(c->s, ':') + 3;

	r->kind = LP_REF_URL;
	if (c->s.n == scheme || c->s.p[scheme] == '/')
		return refuse_at(c, c->s.p + scheme, "a URL without a host");
	for (size_t i = 0; i < c->s.n; i++)
		if (c->s.p[i] <= ' ' || c->s.p[i] == 0x7f)
			return refuse_at(c, c->s.p + i, "not a character of a URL");
	return copy(c, r->path, LP_REF_PATH_MAX, c->s, "a URL that is too long");
}

/* #OFFSET+LENGTH at the end of s, cut off it; what only resembles it is part of the path. */
static int
cut_range(struct cursor *c, struct lp_span *s, struct lp_reference *r)
{
	size_t hash = s->n, plus;
	struct lp_span tail;
	uint64_t end;

	while (hash > 0 && s->p[hash - 1] != '#')
		hash--;
	if (hash == 0)
		return LP_OK;
	tail = lp_span(s->p + hash, s->n - hash);
	plus = find(tail, '+');
	if (plus == tail.n ||
	    lp_num_u64(lp_span(tail.p, plus), UINT64_MAX, &r->offset) != LP_OK ||
	    lp_num_u64(lp_span(tail.p + plus + 1, tail.n - plus - 1), UINT64_MAX, &r->length) != LP_OK)
		return LP_OK;
	if (lp_add_u64(r->offset, r->length, &end) != LP_OK)
		return refuse_at(c, tail.p, "a range that ends above 2^64");
	r->has_range = 1;
	s->n = hash - 1;
	return LP_OK;
}

static int
parse_file(struct cursor *c, struct lp_reference *r)
{
	struct lp_span s = c->s;
	int rc = cut_range(c, &s, r);

	r->kind = LP_REF_FILE;
	return rc != LP_OK ? rc : take_path(c, s, r);
}

static int
parse_archive(struct cursor *c, struct lp_reference *r)
{
	r->kind = LP_REF_ARCHIVE;
	return take_path_and_name(c, c->s, r);
}

static int
parse_blob(struct cursor *c, struct lp_reference *r)
{
	const unsigned char *start = c->s.p, *end = start + c->s.n;
	int rc = parse_registry(c, r);

	if (rc != LP_OK)
		return rc;
	if (r->digest[0] == '\0')
		return refuse_at(c, end, "a blob is named by its digest: REPO@sha256:HEX");
	if (r->name[0] != '\0')
		return refuse_at(c, start, "a blob has a digest and no tag");
	return LP_OK;
}

/* ---- which form it is ------------------------------------------------------------ */

static int
eat(struct cursor *c, const char *prefix)
{
	if (!starts(c->s, prefix))
		return 0;
	lp_span_take(&c->s, strlen(prefix));
	return 1;
}

static void
begin(struct cursor *c, struct lp_span s, struct lp_reference *r, struct lp_reference_error *error)
{
	/* an empty span may be NULL: positions are counted from something that is not */
	c->s = s.n > 0 ? s : lp_span("", 0);
	c->start = c->s.p;
	c->error = error;
	memset(r, 0, sizeof(*r));
}

int
lp_reference_image(struct lp_span s, struct lp_reference *r, struct lp_reference_error *error)
{
	struct cursor c;
	int rc;

	begin(&c, s, r, error);
	if (eat(&c, "oci:"))
		return parse_oci(&c, r);
	if (eat(&c, "docker-archive:"))
		return parse_archive(&c, r);
	if (starts(c.s, "/") || starts(c.s, "./") || starts(c.s, "../"))
		return refuse_at(&c, c.s.p, "a path: write oci:DIR or docker-archive:FILE");
	if (starts(c.s, "http://") || starts(c.s, "https://"))
		return refuse_at(&c, c.s.p, "a URL: write HOST/REPO:TAG without the scheme");
	eat(&c, "docker://");
	rc = parse_registry(&c, r);
	if (rc == LP_OK && r->name[0] == '\0' && r->digest[0] == '\0')
		memcpy(r->name, "latest", 7);
	return rc;
}

int
lp_reference_source(struct lp_span s, struct lp_reference *r, struct lp_reference_error *error)
{
	struct cursor c;

	begin(&c, s, r, error);
	if (lp_span_is(c.s, "-")) {
		r->kind = LP_REF_STDIN;
		return LP_OK;
	}
	if (starts(c.s, "http://") || starts(c.s, "https://"))
		return parse_url(&c, r);
	if (eat(&c, "file:"))
		return parse_file(&c, r);
	if (eat(&c, "oci:")) {
		int rc = parse_oci(&c, r);

		return rc == LP_OK && r->digest[0] == '\0' ?
		    refuse_at(&c, c.s.p + c.s.n, "a blob is named by its digest: oci:DIR@sha256:HEX") : rc;
	}
	if (eat(&c, "docker://"))
		return parse_blob(&c, r);
	if (starts(c.s, "/") || starts(c.s, "./") || starts(c.s, "../"))
		return parse_file(&c, r);
	if (find(c.s, '@') == c.s.n && find(c.s, '/') < c.s.n)
		return parse_file(&c, r);
	/* neither: say what is wrong with it as the name of a blob */
	return parse_blob(&c, r);
}

/* ---- and back -------------------------------------------------------------------- */

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
	int plain = starts(p, "/") || starts(p, "./") || starts(p, "../");
	int rc = plain ? LP_OK : lp_buf_adds(b, "./");
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

const char *
lp_reference_endpoint(const struct lp_reference *r)
{
	return strcmp(r->host, "docker.io") == 0 ? "registry-1.docker.io" : r->host;
}

/* Four decimal bytes, the first of them 127. */
static int
is_loopback_ipv4(struct lp_span s)
{
	uint64_t byte;

	for (int i = 0; i < 4; i++) {
		struct lp_span part = lp_span_take(&s, find(s, '.'));

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
	struct lp_span name = s.n > 0 && s.p[0] == '[' ? lp_span_take(&s, find(s, ']') + 1) :
	    lp_span_take(&s, find(s, ':'));

	return lp_span_is(name, "localhost") || ends(name, ".localhost") || lp_span_is(name, "[::1]") ||
	    is_loopback_ipv4(name);
}
