/* Images by platform: the way down through indexes. */
#include <stdio.h>

#include "common/base/status.h"
#include "common/source/image.h"
#include "common/source/image_priv.h"
#include "common/sys/err.h"

/* One walk through indexes within indexes. */
struct walk {
	struct lp_image *im;
	lp_image_each *each;
	void *arg;
};

static int
visit(const struct walk *w, const struct lp_manifest *m, unsigned depth)
{
	int rc = LP_OK;

	for (size_t i = 0; i < m->n && rc == LP_OK; i++) {
		struct lp_document d;

		if (m->v[i].role == LP_ROLE_IMAGE)
			rc = w->each(w->arg, &m->v[i]);
		if (m->v[i].role != LP_ROLE_INDEX || m->v[i].bad != NULL)
			continue;
		if (depth == LP_IMAGE_DEPTH)
			return lp_image_fail(w->im, LP_E_LIMIT, "indexes are nested more than %d deep", LP_IMAGE_DEPTH);
		lp_document_init(&d);
		rc = lp_image_entry(w->im, &m->v[i], &d);
		if (rc == LP_OK && d.m.kind == LP_MANIFEST_INDEX)
			rc = visit(w, &d.m, depth + 1);
		lp_document_release(&d);
	}
	return rc;
}

/* What is no index has the platform that its config says. */
static int
visit_single(struct lp_image *im, lp_image_each *each, void *arg)
{
	struct lp_descriptor d = { .mediatype = im->top.m.mediatype, .digest = lp_span_str(im->top.digest),
		.size = im->top.bytes.n, .has_size = 1, .role = LP_ROLE_IMAGE };
	int rc;

	im->image = &im->top;
	rc = lp_image_load_config(im);
	if (rc != LP_OK)
		return rc;
	d.has_platform = im->config.has_platform || im->top.m.has_platform;
	d.platform = im->config.has_platform ? im->config.platform : im->top.m.platform;
	return each(arg, &d);
}

int
lp_image_platforms(struct lp_image *im, lp_image_each *each, void *arg)
{
	struct walk w = { im, each, arg };

	return im->top.m.kind == LP_MANIFEST_INDEX ? visit(&w, &im->top.m, 1) : visit_single(im, each, arg);
}

static int
add_platform(void *arg, const struct lp_descriptor *d)
{
	struct lp_buf *b = arg;
	int rc;

	if (!d->has_platform)
		return LP_OK;
	rc = b->n > 0 ? lp_buf_adds(b, ", ") : LP_OK;
	if (rc != LP_OK)
		return rc;
	return lp_platform_put_all(&d->platform, b) == LP_OK ? LP_OK : LP_E_NOMEM;
}

static int
no_such_platform(struct lp_image *im, const struct lp_platform *want)
{
	struct lp_buf have, name;

	lp_buf_init(&have, sizeof(im->why) / 2);
	lp_buf_init(&name, LP_PLATFORM_TEXT);
	/* a list that is too long, or an index that cannot be had, cuts the list short and no more */
	(void)lp_image_platforms(im, add_platform, &have);
	(void)lp_platform_put_all(want, &name);
	(void)lp_image_fail(im, LP_E_ABSENT, "nothing for %s; there is: %s", lp_quote(lp_buf_span(&name)),
	    have.n > 0 ? lp_quote(lp_buf_span(&have)) : "nothing that names its platform");
	lp_buf_release(&name);
	lp_buf_release(&have);
	return LP_E_ABSENT;
}

/* Of several versions of Windows the newest was chosen, by nobody's word: note it. */
static void
note_version(struct lp_image *im, const struct lp_manifest *m, const struct lp_platform *want, size_t chosen)
{
	const struct lp_platform *is = &m->v[chosen].platform;
	struct lp_buf name;
	size_t others = 0;

	for (size_t i = 0; i < m->n; i++)
		others += m->v[i].role == LP_ROLE_IMAGE && m->v[i].has_platform && lp_platform_rank(want, &m->v[i].platform) >= 0 &&
		    strcmp(m->v[i].platform.version, is->version) != 0;
	if (want->version[0] != '\0' || is->version[0] == '\0' || others == 0)
		return;
	lp_buf_init(&name, LP_PLATFORM_TEXT);
	if (lp_platform_put_all(is, &name) == LP_OK)
		snprintf(im->note, sizeof(im->note), "of %zu versions this is %s, the newest; -p chooses another, and lp-layers --platforms -o platform,os.version lists them",
		    others + 1, lp_quote(lp_buf_span(&name)));
	lp_buf_release(&name);
}

/*
 * The image in an index, or in one of those in it, into `nested`, which
 * becomes im->image. An index that has none is no reason not to look into
 * the next one. LP_OK also if there is none.
 */
static int
find(struct lp_image *im, const struct lp_manifest *m, const struct lp_platform *want, unsigned depth)
{
	int rc = LP_OK;

	if (depth > LP_IMAGE_DEPTH)
		return lp_image_fail(im, LP_E_LIMIT, "indexes are nested more than %d deep", LP_IMAGE_DEPTH);
	for (size_t i = m->n; rc == LP_OK && im->image == NULL && (i = lp_manifest_choose(m, want, i)) < m->n;) {
		struct lp_document d;

		if (m->v[i].bad != NULL)
			return lp_image_fail(im, LP_E_DATA, "entry %zu of the index: %s", i, m->v[i].bad);
		lp_document_init(&d);
		rc = lp_image_entry(im, &m->v[i], &d);
		if (rc == LP_OK && d.m.kind == LP_MANIFEST_INDEX) {
			rc = find(im, &d.m, want, depth + 1);
		} else if (rc == LP_OK) {
			im->nested = d;
			im->image = &im->nested;
			note_version(im, m, want, i);
			break;
		}
		lp_document_release(&d);
	}
	return rc;
}

int
lp_image_choose(struct lp_image *im, const struct lp_platform *want)
{
	int rc = LP_OK;

	im->note[0] = '\0';
	im->image = im->top.m.kind == LP_MANIFEST_INDEX ? NULL : &im->top;
	if (im->image == NULL)
		rc = find(im, &im->top.m, want, 1);
	return rc != LP_OK || im->image != NULL ? rc : no_such_platform(im, want);
}
