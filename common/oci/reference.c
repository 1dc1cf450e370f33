/* Parses image references and sources: registry, layout, archive, file, URL. */
#include "common/oci/reference_priv.h"

#include "common/base/num.h"
#include "common/base/status.h"

/* ---- registry references ----------------------------------------------------- */

/* 64 hexadecimal digits are an image's ID, never its name (docker refuses them too). */
static int
is_identifier(struct lp_span s)
{
	char digest[LP_DIGEST_SIZE] = "sha256:";

	if (s.n != 64)
		return 0;
	memcpy(digest + LP_DIGEST_PREFIX, s.p, s.n);
	return lp_digest_valid(lp_span(digest, LP_DIGEST_PREFIX + s.n));
}

static int
take_repo(struct lp_reference_cursor *c, struct lp_span s, struct lp_reference *r)
{
	int hub = strcmp(r->host, "docker.io") == 0;
	size_t prefix = hub && lp_reference_find(s, '/') == s.n ? 8 : 0;
	int rc = lp_reference_check_repo(c, s);

	if (rc != LP_OK)
		return rc;
	if (strlen(r->host) + 1 + prefix + s.n > LP_REF_REPO_MAX)
		return lp_reference_refuse(c, s.p, "a repository's name has at most 255 characters");
	memcpy(r->repo, "library/", prefix);
	r->short_name = r->short_name && prefix > 0 ? LP_REF_SHORT_LIBRARY : r->short_name;
	return lp_reference_copy(c, r->repo + prefix, LP_REF_REPO_MAX - prefix, s, "");
}

static int
take_host(struct lp_reference_cursor *c, struct lp_reference *r)
{
	size_t n = lp_reference_find(c->s, '/');
	struct lp_span first = lp_span(c->s.p, n);
	int rc;

	if (n == c->s.n || !lp_reference_is_host(first)) {
		memcpy(r->host, "docker.io", 10);
		r->short_name = LP_REF_SHORT;
		return LP_OK;
	}
	rc = lp_reference_check_host(c, first);
	if (rc != LP_OK)
		return rc;
	/* the name the Hub had before it was docker.io */
	if (lp_span_is(first, "index.docker.io"))
		rc = lp_reference_copy(c, r->host, LP_REF_HOST_MAX, lp_span_str("docker.io"), "");
	else
		rc = lp_reference_copy(c, r->host, LP_REF_HOST_MAX, first, "a host's name that is too long");
	lp_span_take(&c->s, n + 1);
	return rc;
}

static int
parse_registry(struct lp_reference_cursor *c, struct lp_reference *r)
{
	struct lp_span name = c->s, tag = { NULL, 0 };
	size_t at = lp_reference_find(name, '@'), slash, colon;
	int rc;

	r->kind = LP_REF_REGISTRY;
	if (name.n == 0)
		return lp_reference_refuse(c, c->s.p, "an empty name");
	if (at < name.n) {
		rc = lp_reference_take_digest(c, lp_span(name.p + at + 1, name.n - at - 1), r);
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
	slash = lp_reference_find(name, '/');
	colon = lp_reference_find(name, ':');
	if (colon < name.n) {
		tag = lp_span(name.p + colon + 1, name.n - colon - 1);
		name.n = colon;
	}
	if (colon == slash && is_identifier(name))
		return lp_reference_refuse(c, name.p, "64 hexadecimal digits are an image's ID, not a name");
	rc = take_repo(c, name, r);
	if (rc == LP_OK && tag.p != NULL)
		rc = lp_reference_check_tag(c, tag);
	return rc != LP_OK || tag.p == NULL ? rc : lp_reference_copy(c, r->name, LP_REF_TAG_MAX, tag, "");
}

/* ---- the other forms ----------------------------------------------------------- */

static int
take_path(struct lp_reference_cursor *c, struct lp_span s, struct lp_reference *r)
{
	if (s.n == 0)
		return lp_reference_refuse(c, s.p, "an empty path");
	return lp_reference_copy(c, r->path, LP_REF_PATH_MAX, s, "a path that is too long");
}

/* The digest at the end of s, cut off it; 0 if there is none. */
static int
cut_digest(struct lp_span *s, struct lp_span *digest)
{
	size_t n = s->n;

	while (n > 0 && s->p[n - 1] != '@')
		n--;
	if (n == 0 || !lp_digest_valid(lp_span(s->p + n, s->n - n)))
		return 0;
	*digest = lp_span(s->p + n, s->n - n);
	s->n = n - 1;
	return 1;
}

/* DIR[:NAME]: the first colon divides, as skopeo has it; names may hold more of them. */
static int
take_path_and_name(struct lp_reference_cursor *c, struct lp_span s, struct lp_reference *r)
{
	struct lp_span path = lp_span_take(&s, lp_reference_find(s, ':'));
	int rc = take_path(c, path, r);

	if (rc != LP_OK || s.n == 0)
		return rc;
	lp_span_take(&s, 1);
	if (s.n == 0)
		return lp_reference_refuse(c, s.p, "an empty name behind the colon");
	return lp_reference_copy(c, r->name, LP_REF_NAME_MAX, s, "a name that is too long");
}

static int
parse_oci(struct lp_reference_cursor *c, enum lp_reference_kind kind, struct lp_reference *r)
{
	struct lp_span s = c->s, digest;

	r->kind = kind;
	if (!cut_digest(&s, &digest))
		return take_path_and_name(c, s, r);
	return lp_reference_take_digest(c, digest, r) != LP_OK ? LP_E_USAGE : take_path(c, s, r);
}

static int
parse_url(struct lp_reference_cursor *c, struct lp_reference *r)
{
	size_t scheme = lp_reference_find(c->s, ':') + 3;

	r->kind = LP_REF_URL;
	if (c->s.n == scheme || c->s.p[scheme] == '/')
		return lp_reference_refuse(c, c->s.p + scheme, "a URL without a host");
	for (size_t i = 0; i < c->s.n; i++)
		if (c->s.p[i] <= ' ' || c->s.p[i] == 0x7f)
			return lp_reference_refuse(c, c->s.p + i, "not a character of a URL");
	return lp_reference_copy(c, r->path, LP_REF_PATH_MAX, c->s, "a URL that is too long");
}

/* #OFFSET+LENGTH at the end of s, cut off it; what only resembles it is part of the path. */
static int
cut_range(struct lp_reference_cursor *c, struct lp_span *s, struct lp_reference *r)
{
	size_t hash = s->n, plus;
	struct lp_span tail;
	uint64_t end;

	while (hash > 0 && s->p[hash - 1] != '#')
		hash--;
	if (hash == 0)
		return LP_OK;
	tail = lp_span(s->p + hash, s->n - hash);
	plus = lp_reference_find(tail, '+');
	if (plus == tail.n ||
	    lp_num_u64(lp_span(tail.p, plus), UINT64_MAX, &r->offset) != LP_OK ||
	    lp_num_u64(lp_span(tail.p + plus + 1, tail.n - plus - 1), UINT64_MAX, &r->length) != LP_OK)
		return LP_OK;
	if (lp_add_u64(r->offset, r->length, &end) != LP_OK)
		return lp_reference_refuse(c, tail.p, "a range that ends above 2^64");
	r->has_range = 1;
	s->n = hash - 1;
	return LP_OK;
}

static int
parse_file(struct lp_reference_cursor *c, struct lp_reference *r)
{
	struct lp_span s = c->s;
	int rc = cut_range(c, &s, r);

	r->kind = LP_REF_FILE;
	if (rc != LP_OK)
		return rc;
	/* it is written with a "./" */
	if (!lp_reference_is_path(s) && s.n > LP_REF_PATH_MAX - 2)
		return lp_reference_refuse(c, s.p, "a path that is too long");
	return take_path(c, s, r);
}

/* A whole path: skopeo's has no name behind a colon. */
static int
parse_dir(struct lp_reference_cursor *c, struct lp_reference *r)
{
	struct lp_span s = c->s, digest;

	r->kind = LP_REF_DIR;
	if (cut_digest(&s, &digest)) {
		int rc = lp_reference_take_digest(c, digest, r);

		if (rc != LP_OK)
			return rc;
	}
	return take_path(c, s, r);
}

static int
parse_archive(struct lp_reference_cursor *c, struct lp_reference *r)
{
	r->kind = LP_REF_ARCHIVE;
	return take_path_and_name(c, c->s, r);
}

static int
parse_blob(struct lp_reference_cursor *c, struct lp_reference *r)
{
	const unsigned char *start = c->s.p, *end = start + c->s.n;
	int rc = parse_registry(c, r);

	if (rc != LP_OK)
		return rc;
	if (r->digest[0] == '\0')
		return lp_reference_refuse(c, end, "a blob is named by its digest: REPO@sha256:HEX");
	if (r->name[0] != '\0')
		return lp_reference_refuse(c, start, "a blob has a digest and no tag");
	return LP_OK;
}

/* ---- which form it is ------------------------------------------------------------ */

static int
eat(struct lp_reference_cursor *c, const char *prefix)
{
	if (!lp_reference_starts(c->s, prefix))
		return 0;
	lp_span_take(&c->s, strlen(prefix));
	return 1;
}

/* oci:// is Helm's and Flux's name for a registry; with a third slash it is a path all the same. */
static int
eat_registry(struct lp_reference_cursor *c)
{
	if (lp_reference_starts(c->s, "oci:///"))
		return 0;
	return eat(c, "docker://") || eat(c, "oci://");
}

static int
eat_layout(struct lp_reference_cursor *c)
{
	if (lp_reference_starts(c->s, "oci://") && !lp_reference_starts(c->s, "oci:///"))
		return 0;
	return eat(c, "oci:") || eat(c, "ocidir://") || eat(c, "oci-layout://");
}

/* A host may be called dir, too: with a port and a slash it is one. */
static int
eat_dir(struct lp_reference_cursor *c)
{
	size_t i = sizeof("dir:") - 1;

	while (i < c->s.n && c->s.p[i] >= '0' && c->s.p[i] <= '9')
		i++;
	if (i >= sizeof("dir:") && i < c->s.n && c->s.p[i] == '/')
		return 0;
	return eat(c, "dir:");
}

static void
begin(struct lp_reference_cursor *c, struct lp_span s, struct lp_reference *r, struct lp_reference_error *error)
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
	struct lp_reference_cursor c;
	int rc;

	begin(&c, s, r, error);
	if (eat_layout(&c))
		return parse_oci(&c, LP_REF_OCI, r);
	if (eat_dir(&c))
		return parse_dir(&c, r);
	if (eat(&c, "oci-archive:"))
		return parse_oci(&c, LP_REF_OCI_ARCHIVE, r);
	if (eat(&c, "docker-archive:"))
		return parse_archive(&c, r);
	if (lp_reference_is_path(c.s))
		return lp_reference_refuse(&c, c.s.p, "a path: write oci:DIR, oci-archive:FILE or docker-archive:FILE");
	if (lp_reference_starts(c.s, "http://") || lp_reference_starts(c.s, "https://"))
		return lp_reference_refuse(&c, c.s.p, "a URL: write HOST/REPO:TAG without the scheme");
	eat_registry(&c);
	rc = parse_registry(&c, r);
	if (rc == LP_OK && r->name[0] == '\0' && r->digest[0] == '\0')
		memcpy(r->name, "latest", 7);
	return rc;
}

int
lp_reference_source(struct lp_span s, struct lp_reference *r, struct lp_reference_error *error)
{
	struct lp_reference_cursor c;

	begin(&c, s, r, error);
	if (lp_span_is(c.s, "-")) {
		r->kind = LP_REF_STDIN;
		return LP_OK;
	}
	if (lp_reference_starts(c.s, "http://") || lp_reference_starts(c.s, "https://"))
		return parse_url(&c, r);
	if (eat(&c, "file:"))
		return parse_file(&c, r);
	if (eat_layout(&c)) {
		int rc = parse_oci(&c, LP_REF_OCI, r);

		return rc == LP_OK && r->digest[0] == '\0' ?
		    lp_reference_refuse(&c, c.s.p + c.s.n, "a blob is named by its digest: oci:DIR@sha256:HEX") : rc;
	}
	if (eat_dir(&c)) {
		int rc = parse_dir(&c, r);

		return rc == LP_OK && r->digest[0] == '\0' ?
		    lp_reference_refuse(&c, c.s.p + c.s.n, "a blob is named by its digest: dir:DIR@sha256:HEX") : rc;
	}
	if (eat_registry(&c))
		return parse_blob(&c, r);
	if (lp_reference_is_path(c.s))
		return parse_file(&c, r);
	if (lp_reference_find(c.s, '@') == c.s.n && lp_reference_find(c.s, '/') < c.s.n)
		return parse_file(&c, r);
	/* neither: say what is wrong with it as the name of a blob */
	return parse_blob(&c, r);
}
