/* Finds listings and images in the database, and decides which listing serves. */
#include "common/cache/cache.h"

#include <stdio.h>
#include <string.h>

#include "common/base/path.h"
#include "common/base/status.h"
#include "common/cache/cache_priv.h"

int
lp_cache_failed(struct lp_cache *c, int status)
{
	if (status < 0) {
		snprintf(c->why, sizeof(c->why), "%s", lp_db_why(&c->db));
		c->damaged = status == LP_E_DATA;
	}
	return status;
}

int
lp_cache_each(struct lp_cache *c, struct lp_stmt *s, lp_cache_row_fn *row, void *arg)
{
	int rc;

	while ((rc = lp_stmt_step(s)) == 1) {
		rc = row(arg, s);
		if (rc != LP_OK) {
			lp_stmt_reset(s);
			return rc;
		}
	}
	return lp_cache_failed(c, rc);
}

int
lp_cache_path(struct lp_buf *b, struct lp_span name)
{
	int rc;

	lp_buf_clear(b);
	rc = lp_path_join(b, name);
	rc = rc != LP_OK ? rc : lp_buf_reserve(b, 1);
	if (rc != LP_OK)
		return rc;
	memmove(b->p + 1, b->p, b->n++);
	b->p[0] = '/';
	return LP_OK;
}

/* ---- questions ------------------------------------------------------------ */

static int64_t
int_or(struct lp_stmt *s, int column, int64_t none)
{
	return lp_stmt_is_null(s, column) ? none : lp_stmt_get_int(s, column);
}

static enum lp_complete
complete_at(struct lp_stmt *s, int column, struct lp_span origin)
{
	if (lp_stmt_is_null(s, column))
		return LP_COMPLETE_UNKNOWN;
	if (lp_stmt_get_int(s, column) == 0)
		return LP_COMPLETE_NO;
	return origin.n == 0 ? LP_COMPLETE_YES : LP_COMPLETE_INFERRED;
}

/* The rule of LP_CACHE_SERVES, for a layer that somebody asks for. */
static int
serves(const struct lp_cache_layer *l, struct lp_span origin, struct lp_span toc)
{
	int fits = toc.n == 0 || lp_span_eq(toc, l->toc);

	if (origin.n == 0)
		return fits;
	return l->origin.n > 0 && lp_span_eq(origin, l->origin) && (fits || l->toc.n == 0);
}

static int
keep_text(struct lp_buf *b, struct lp_span text, struct lp_span *out)
{
	int rc;

	lp_buf_clear(b);
	rc = lp_buf_add(b, text);
	*out = lp_buf_span(b);
	return rc;
}

static int
take_found(struct lp_cache *c, struct lp_stmt *s, int served, struct lp_cache_found *f)
{
	int rc;

	f->listing = lp_stmt_get_int(s, 0);
	f->complete = complete_at(s, 1, lp_stmt_get(s, 4));
	/* a table of contents that nobody has named is no more than a claim */
	if (!served && f->complete == LP_COMPLETE_YES)
		f->complete = LP_COMPLETE_INFERRED;
	f->head = int_or(s, 2, -1);
	f->entries = lp_stmt_get_int(s, 3);
	rc = keep_text(&c->origin, lp_stmt_get(s, 4), &f->origin);
	return rc != LP_OK ? rc : keep_text(&c->toc, lp_stmt_get(s, 5), &f->toc);
}

/* The listings of a layer, the best first: the first one that serves, or else, if that will do, the only one there is. */
static int
choose(struct lp_cache *c, struct lp_stmt *s, const struct lp_cache_layer *l, struct lp_cache_found *f, int *origins)
{
	int rc;

	*origins = 0;
	while ((rc = lp_stmt_step(s)) == 1) {
		struct lp_span origin = lp_stmt_get(s, 4);
		struct lp_span toc = lp_stmt_get(s, 5);
		int served = serves(l, origin, toc);

		/* what was made from another table than the one that was named is of no use to anybody */
		if (!served && (l->origin.n > 0 || (l->toc.n > 0 && toc.n > 0)))
			continue;
		if (!served && *origins > 0) {
			/* of what is nobody's, each table of contents is a claim of its own */
			*origins += !lp_span_eq(origin, f->origin) ||
			    (origin.n == 0 && !lp_span_eq(toc, f->toc));
			continue;
		}
		rc = take_found(c, s, served, f);
		if (rc != LP_OK)
			return rc;
		*origins = 1;
		if (served)
			return LP_OK;
	}
	return rc != LP_OK ? lp_cache_failed(c, rc) : *origins == 1 ? LP_OK : LP_E_ABSENT;
}

int
lp_cache_find(struct lp_cache *c, const struct lp_cache_layer *l, struct lp_cache_found *f, int *origins)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "SELECT listing.id, complete, head, entries, origin, toc"
	    " FROM listing JOIN layer ON layer.id = listing.layer WHERE digest = ?"
	    " ORDER BY origin = '' DESC, complete DESC, head DESC, entries DESC, listing.id DESC");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, l->digest);
	rc = choose(c, &s, l, f, origins);
	lp_stmt_release(&s);
	if (rc != LP_OK)
		return rc;
	*origins = 0;
	return f->complete == LP_COMPLETE_YES || f->complete == LP_COMPLETE_INFERRED || f->head >= l->head ? LP_OK :
	    LP_E_ABSENT;
}

int
lp_cache_begin(struct lp_cache *c)
{
	return lp_cache_failed(c, lp_db_exec(&c->db, "BEGIN"));
}

void
lp_cache_end(struct lp_cache *c)
{
	(void)lp_db_exec(&c->db, "ROLLBACK");
}

/* Whether the scope names something that exists. */
static int
known(struct lp_cache *c, const char *sql, struct lp_span name)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, sql);

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, name);
	rc = lp_stmt_step(&s);
	lp_stmt_release(&s);
	return rc == 1 ? LP_OK : rc == 0 ? LP_E_ABSENT : lp_cache_failed(c, rc);
}

int
lp_cache_listings(struct lp_cache *c, const struct lp_cache_scope *scope, struct lp_stmt *s)
{
	int rc = scope->image.n > 0 ? known(c, "SELECT 1 FROM image WHERE ref = ?", scope->image) : LP_OK;

	if (rc == LP_OK && scope->layer.n > 0)
		rc = known(c, "SELECT 1 FROM layer WHERE digest = ?", scope->layer);
	if (rc != LP_OK)
		return rc;
	rc = lp_stmt_init(&c->db, s,
	    "SELECT listing.id, layer.digest, layer.id, listing.origin, listing.toc FROM listing JOIN layer ON layer.id = listing.layer"
	    " WHERE (?1 = '' OR listing.id IN (SELECT " LP_CACHE_SHOWN " FROM image JOIN image_layer ON image = image.id"
	    "   WHERE ref = ?1))"
	    " AND (?2 = '' OR layer.digest = ?2) AND (?3 = '' OR listing.origin IN ('', ?3))"
	    " ORDER BY layer.digest, listing.origin, listing.toc");
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(s, 1, scope->image);
	lp_stmt_text(s, 2, scope->layer);
	lp_stmt_text(s, 3, scope->origin);
	return LP_OK;
}

struct image_reader {
	lp_cache_image_fn *fn;
	void *arg;
};

static int
hand_on_image(void *arg, struct lp_stmt *s)
{
	const struct image_reader *r = arg;
	struct lp_cache_image i = {
		.image = lp_stmt_get(s, 0), .index = lp_stmt_get_int(s, 1), .digest = lp_stmt_get(s, 2),
		.size = int_or(s, 3, -1), .entries = int_or(s, 4, -1), .origin = lp_stmt_get(s, 6),
		.complete = complete_at(s, 5, lp_stmt_get(s, 6)),
	};

	return r->fn(r->arg, &i);
}

int
lp_cache_images(struct lp_cache *c, lp_cache_image_fn *fn, void *arg)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s,
	    "SELECT ref, idx, digest, size, entries, complete, listing.origin"
	    " FROM image JOIN image_layer ON image_layer.image = image.id JOIN layer ON layer.id = image_layer.layer"
	    " LEFT JOIN listing ON listing.id = " LP_CACHE_SHOWN " ORDER BY ref, idx");
	struct image_reader r = { fn, arg };

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = lp_cache_each(c, &s, hand_on_image, &r);
	lp_stmt_release(&s);
	return rc;
}

struct ref_reader {
	lp_cache_ref_fn *fn;
	void *arg;
};

static int
hand_on_ref(void *arg, struct lp_stmt *s)
{
	const struct ref_reader *r = arg;

	return r->fn(r->arg, lp_stmt_get(s, 0));
}

static int
take_count(void *arg, struct lp_stmt *s)
{
	*(int64_t *)arg = lp_stmt_get_int(s, 0);
	return LP_OK;
}

/* Each row of a statement about the images in scope. */
static int
each_in_scope(struct lp_cache *c, const char *sql, const struct lp_cache_scope *scope, int (*fn)(void *, struct lp_stmt *), void *arg)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, sql);

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, scope->image);
	lp_stmt_text(&s, 2, scope->layer);
	rc = lp_cache_each(c, &s, fn, arg);
	lp_stmt_release(&s);
	return rc;
}

#define IN_SCOPE                                                                                        \
	"FROM image WHERE (?1 = '' OR ref = ?1) AND EXISTS (SELECT 1"                                   \
	"  FROM image_layer JOIN layer ON layer.id = image_layer.layer"                                 \
	"  WHERE image_layer.image = image.id AND (?2 = '' OR digest = ?2)"

int
lp_cache_previews(struct lp_cache *c, const struct lp_cache_scope *scope, int64_t *images, lp_cache_ref_fn *fn, void *arg)
{
	struct ref_reader r = { fn, arg };
	int rc = each_in_scope(c, "SELECT total(1) " IN_SCOPE ")", scope, take_count, images);

	/* layers that any image may be shown whole are most, and are looked up once */
	return rc != LP_OK ? rc : each_in_scope(c, "SELECT ref " IN_SCOPE
	    "  AND image_layer.layer NOT IN (SELECT layer FROM listing WHERE origin = '' AND toc = '' AND complete = 1)"
	    "  AND (SELECT complete FROM listing WHERE id = " LP_CACHE_SHOWN ") IS NOT 1) ORDER BY ref", scope, hand_on_ref, &r);
}

int
lp_cache_stat(struct lp_cache *c, struct lp_cache_stat *st)
{
	/* not count(*), which walks through a table without counting its steps */
	const struct { const char *sql; int64_t *out; } t[] = {
		{ "PRAGMA user_version", &st->schema },
		{ "SELECT total(1) FROM image", &st->images },
		{ "SELECT total(1) FROM layer", &st->layers },
		{ "SELECT total(1) FROM listing", &st->listings },
		{ "SELECT total(complete = 1 AND origin = '') FROM listing", &st->complete },
		{ "SELECT total(complete = 1 AND origin <> '') FROM listing", &st->inferred },
		{ "SELECT total(complete = 0) FROM listing", &st->previews },
		{ "SELECT total(entries) FROM listing", &st->entries },
		{ "SELECT (page_count - freelist_count) * page_size"
		  " FROM pragma_page_count, pragma_freelist_count, pragma_page_size", &st->bytes },
	};
	int rc = LP_OK;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]) && rc == LP_OK; i++)
		rc = lp_db_number(&c->db, t[i].sql, t[i].out);
	return lp_cache_failed(c, rc);
}
