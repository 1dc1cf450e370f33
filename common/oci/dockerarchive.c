/* Parses the manifest of a docker-archive, old and new. */
#include "common/oci/dockerarchive.h"

#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/num.h"
#include "common/base/path.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/oci/reference.h"

/* ---- members --------------------------------------------------------------------- */

void
lp_members_init(struct lp_members *m)
{
	*m = (struct lp_members){ 0 };
}

void
lp_members_release(struct lp_members *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].target);
	}
	free(m->v);
	*m = (struct lp_members){ 0 };
}

/* The normal form of `path` seen from `dir`, as a string. LP_OK, LP_E_DATA with a NUL in it, LP_E_LIMIT or LP_E_NOMEM. */
static int
normal(struct lp_span dir, struct lp_span path, char **out)
{
	struct lp_buf b;
	int rc;

	*out = NULL;
	lp_buf_init(&b, (size_t)2 * LP_MAX_PATH);
	rc = lp_buf_add(&b, dir);
	rc = rc != LP_OK ? rc : lp_path_join(&b, path);
	if (rc == LP_OK && b.n > 0 && memchr(b.p, '\0', b.n) != NULL)
		rc = LP_E_DATA;
	if (rc == LP_OK && lp_buf_cstr(&b) == NULL)
		rc = LP_E_NOMEM;
	if (rc != LP_OK)
		lp_buf_release(&b);
	*out = (char *)b.p;
	return rc;
}

static int
room(struct lp_members *m)
{
	struct lp_member *v;

	if (m->n == LP_ARCHIVE_MEMBERS)
		return LP_E_LIMIT;
	v = lp_array_room(m->v, m->n, &m->cap, sizeof(*v));
	if (v == NULL)
		return LP_E_NOMEM;
	m->v = v;
	return LP_OK;
}

/* A symbolic link is seen from its own directory, a hard link from the archive's root. */
static int
link_target(const struct lp_entry *e, const char *path, char **out)
{
	struct lp_span dir = e->type == LP_SYMLINK ? lp_path_parent(lp_span_str(path)) : lp_span(NULL, 0);

	return normal(dir, e->linkname, out);
}

int
lp_members_add(struct lp_members *m, const struct lp_entry *e)
{
	struct lp_member x = { .offset = e->data_offset, .size = e->size };
	int is_link = e->type == LP_SYMLINK || e->type == LP_HARDLINK;
	int rc;

	if (e->type != LP_REG && !is_link)
		return LP_OK;
	rc = room(m);
	rc = rc != LP_OK ? rc : normal(lp_span(NULL, 0), e->name, &x.path);
	if (rc == LP_OK && is_link)
		rc = link_target(e, x.path, &x.target);
	if (rc == LP_OK) {
		m->v[m->n++] = x;
		m->sorted = 0;
		return LP_OK;
	}
	free(x.path);
	return rc == LP_E_DATA ? LP_OK : rc;
}

static int
by_path(const void *a, const void *b)
{
	const struct lp_member *x = a, *y = b;
	int d = strcmp(x->path, y->path);

	return d != 0 ? d : x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The last one of that path, or NULL. */
static const struct lp_member *
lookup(const struct lp_members *m, const char *path)
{
	size_t first = 0, behind = m->n;

	while (first < behind) {
		size_t middle = first + (behind - first) / 2;

		if (strcmp(m->v[middle].path, path) > 0)
			behind = middle;
		else
			first = middle + 1;
	}
	return first > 0 && strcmp(m->v[first - 1].path, path) == 0 ? &m->v[first - 1] : NULL;
}

int
lp_members_find(struct lp_members *m, struct lp_span path, const struct lp_member **out)
{
	const struct lp_member *x;
	char *p;
	int rc = normal(lp_span(NULL, 0), path, &p);

	*out = NULL;
	if (rc != LP_OK)
		return rc == LP_E_NOMEM ? rc : LP_E_ABSENT;
	if (!m->sorted)
		lp_sort(m->v, m->n, sizeof(*m->v), by_path);
	m->sorted = 1;
	x = lookup(m, p);
	for (int hops = 0; x != NULL && x->target != NULL; hops++)
		x = hops < LP_ARCHIVE_LINKS ? lookup(m, x->target) : NULL;
	free(p);
	*out = x;
	return x != NULL ? LP_OK : LP_E_ABSENT;
}

/* ---- names ------------------------------------------------------------------------- */

static int
fail(struct lp_json_error *e, int rc, const char *why)
{
	*e = (struct lp_json_error){ .why = why };
	return rc;
}

/* Whether both are one reference: alpine:3 and docker.io/library/alpine:3. */
static int
same_name(struct lp_span a, struct lp_span b)
{
	struct lp_reference *ra = malloc(sizeof(*ra)), *rb = malloc(sizeof(*rb));
	struct lp_reference_error e;
	int same = lp_span_eq(a, b);

	if (!same && ra != NULL && rb != NULL && lp_reference_image(a, ra, &e) == LP_OK &&
	    lp_reference_image(b, rb, &e) == LP_OK)
		same = ra->kind == LP_REF_REGISTRY && rb->kind == LP_REF_REGISTRY && strcmp(ra->host, rb->host) == 0 &&
		    strcmp(ra->repo, rb->repo) == 0 && strcmp(ra->name, rb->name) == 0;
	free(ra);
	free(rb);
	return same;
}

/* A list of names in a message: what does not fit is left out. */
static void
tell_name(struct lp_buf *names, struct lp_span name)
{
	if (names->n > 0)
		(void)lp_buf_adds(names, ", ");
	(void)lp_buf_add(names, name);
}

static struct lp_span
text_of(const json_t *v)
{
	return lp_span(json_string_value(v), json_string_length(v));
}

/* ---- manifest.json ------------------------------------------------------------------- */

void
lp_saved_release(struct lp_saved *s)
{
	for (size_t i = 0; i < s->nlayers; i++)
		free(s->layer[i]);
	free(s->layer);
	free(s->config);
	free(s->top);
	*s = (struct lp_saved){ 0 };
}

static int
take_string(const json_t *v, char **out, struct lp_json_error *e)
{
	struct lp_span s = text_of(v);

	if (s.p == NULL || s.n == 0 || memchr(s.p, '\0', s.n) != NULL)
		return fail(e, LP_E_DATA, "a path or ID that is none");
	*out = lp_cstr(s);
	return *out != NULL ? LP_OK : fail(e, LP_E_NOMEM, "out of memory");
}

static int
take_image(const json_t *image, struct lp_saved *s, struct lp_json_error *e)
{
	const json_t *layers = json_object_get(image, "Layers");
	size_t n = json_array_size(layers);
	int rc = take_string(json_object_get(image, "Config"), &s->config, e);

	if (rc == LP_OK && n > LP_ARCHIVE_LAYERS)
		return fail(e, LP_E_LIMIT, "an image of more than 4096 layers");
	s->layer = calloc(n > 0 ? n : 1, sizeof(char *));
	if (s->layer == NULL)
		return fail(e, LP_E_NOMEM, "out of memory");
	for (; s->nlayers < n && rc == LP_OK; s->nlayers += rc == LP_OK)
		rc = take_string(json_array_get(layers, s->nlayers), &s->layer[s->nlayers], e);
	return rc;
}

static int
has_tag(const json_t *image, struct lp_span name)
{
	size_t i;
	const json_t *tag;

	json_array_foreach(json_object_get(image, "RepoTags"), i, tag)
		if (same_name(text_of(tag), name))
			return 1;
	return 0;
}

static const json_t *
pick_image(const json_t *images, struct lp_span name)
{
	uint64_t number;
	size_t i;
	const json_t *image;

	if (name.n == 0)
		return json_array_size(images) == 1 ? json_array_get(images, 0) : NULL;
	if (name.p[0] == '@')
		return lp_num_u64(lp_span(name.p + 1, name.n - 1), SIZE_MAX, &number) == LP_OK ?
		    json_array_get(images, (size_t)number) : NULL;
	json_array_foreach(images, i, image)
		if (has_tag(image, name))
			return image;
	return NULL;
}

static void
tell_images(const json_t *images, struct lp_buf *names)
{
	size_t i, k;
	const json_t *image, *tag;

	json_array_foreach(images, i, image) {
		json_array_foreach(json_object_get(image, "RepoTags"), k, tag) {
			tell_name(names, text_of(tag));
		}
	}
}

int
lp_saved_manifest(struct lp_span json, const char *name, struct lp_saved *s, struct lp_buf *names,
    struct lp_json_error *e)
{
	const json_t *image;
	json_t *root;
	int rc;

	*s = (struct lp_saved){ 0 };
	rc = lp_json_load_lax(json, 0, &root, e);
	if (rc != LP_OK)
		return rc;
	image = pick_image(root, lp_span_str(name));
	if (!json_is_array(root)) {
		rc = fail(e, LP_E_DATA, "manifest.json is not an array of images");
	} else if (image == NULL) {
		tell_images(root, names);
		rc = fail(e, LP_E_ABSENT, *name != '\0' ? "no image of that name" :
		    "not one image, so it takes a name (or @0, @1, ...)");
	} else {
		rc = take_image(image, s, e);
	}
	json_decref(root);
	if (rc != LP_OK)
		lp_saved_release(s);
	return rc;
}

/* ---- repositories ------------------------------------------------------------------------ */

/* One repo:tag of the file against the name asked for; counts them, too. */
struct hunt {
	struct lp_span name;
	struct lp_buf *names;
	const json_t *found;
	size_t seen;
};

static int
meet(struct hunt *h, const char *repo, const char *tag, const json_t *id)
{
	struct lp_buf full;
	int rc;

	lp_buf_init(&full, LP_REF_TEXT_MAX);
	rc = lp_buf_adds(&full, repo);
	rc = rc != LP_OK ? rc : lp_buf_addc(&full, ':');
	rc = rc != LP_OK ? rc : lp_buf_adds(&full, tag);
	if (rc == LP_OK) {
		h->seen++;
		tell_name(h->names, lp_buf_span(&full));
		if (h->name.n == 0 || same_name(lp_buf_span(&full), h->name))
			h->found = id;
	}
	lp_buf_release(&full);
	return rc;
}

static int
hunt(struct hunt *h, json_t *root)
{
	const char *repo, *tag;
	json_t *tags, *id;
	int rc = LP_OK;

	json_object_foreach(root, repo, tags) {
		json_object_foreach(tags, tag, id) {
			rc = rc != LP_OK ? rc : meet(h, repo, tag, id);
		}
	}
	return rc;
}

int
lp_saved_repositories(struct lp_span json, const char *name, struct lp_saved *s, struct lp_buf *names,
    struct lp_json_error *e)
{
	struct hunt h = { lp_span_str(name), names, NULL, 0 };
	json_t *root;
	int rc;

	*s = (struct lp_saved){ 0 };
	rc = lp_json_load_lax(json, 0, &root, e);
	if (rc != LP_OK)
		return rc;
	rc = hunt(&h, root);
	if (rc != LP_OK)
		fail(e, rc, "a name that is too long");
	else if (h.found == NULL || (*name == '\0' && h.seen != 1))
		rc = fail(e, LP_E_ABSENT, *name != '\0' ? "no image of that name" : "not one image, so it takes a name");
	else
		rc = take_string(h.found, &s->top, e);
	json_decref(root);
	return rc;
}
