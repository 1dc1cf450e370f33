/* Reads listings back out of the database, as the rows that were put in. */
#include <stdio.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/cache/cache_priv.h"
#include "common/row/rowread.h"

/* The row of `entry` that a statement stands on: the columns of LP_CACHE_ENTRY come first. */
static void
get_entry(struct lp_stmt *s, struct lp_entry *e)
{
	struct lp_span type = lp_stmt_get(s, 1);

	*e = (struct lp_entry){
		.name = lp_stmt_get(s, 0), .type = type.n == 1 ? (enum lp_type)type.p[0] : LP_REG,
		.mode = (uint32_t)lp_stmt_get_int(s, 2) & 07777, .uid = lp_stmt_get_int(s, 3),
		.gid = lp_stmt_get_int(s, 4), .size = (uint64_t)lp_stmt_get_int(s, 5),
		.linkname = lp_stmt_get(s, 8),
	};
	if (lp_stmt_is_null(s, 6))
		return;
	e->has = LP_HAS_MTIME;
	e->mtime = lp_stmt_get_int(s, 6);
	e->mtime_nsec = (uint32_t)lp_stmt_get_int(s, 7) % 1000000000;
}

/* ---- get ------------------------------------------------------------------ */

/* Lines on their way out: the newline of each comes before the next one, so that the last may lack it. */
struct lines {
	lp_cache_line_fn *fn;
	void *arg;
	struct lp_rowfmt plain; /* of the rows that have no text of their own */
	struct lp_buf line;
	int any;
};

static int
hand_on(struct lines *l)
{
	int rc = LP_OK;

	if (l->any)
		rc = l->fn(l->arg, lp_span("\n", 1));
	l->any = 1;
	rc = rc != LP_OK ? rc : l->fn(l->arg, lp_buf_span(&l->line));
	lp_buf_clear(&l->line);
	return rc;
}

static int
hand_on_text(struct lines *l, struct lp_span text)
{
	int rc;

	if (text.p == NULL)
		return LP_OK;
	rc = lp_buf_add(&l->line, text);
	return rc != LP_OK ? rc : hand_on(l);
}

static int
hand_on_row(void *arg, struct lp_stmt *s)
{
	struct lines *l = arg;
	struct lp_entry e;
	int rc;

	if (!lp_stmt_is_null(s, LP_CACHE_ENTRY_LINE))
		return hand_on_text(l, lp_stmt_get(s, LP_CACHE_ENTRY_LINE));
	get_entry(s, &e);
	rc = lp_row_write(&l->plain, &e, &l->line);
	l->line.n -= rc == LP_OK;
	return rc != LP_OK ? rc : hand_on(l);
}

static int
hand_on_rows(struct lp_cache *c, int64_t listing, struct lines *l)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "SELECT " LP_CACHE_ENTRY " FROM entry WHERE listing = ? ORDER BY seq");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_rowfmt_init(&l->plain);
	lp_stmt_int(&s, 1, listing);
	rc = lp_cache_each(c, &s, hand_on_row, l);
	lp_stmt_release(&s);
	return rc;
}

/* The end record that was put, or what is known without one. *form is the one it has. */
static struct lp_rowend
read_end(struct lp_rowread *r, const struct lp_cache_found *f, struct lp_span trailer, enum lp_rowform *form)
{
	struct lp_rowend none = { .entries = (uint64_t)f->entries };

	*form = trailer.n > 0 && trailer.p[0] == '{' ? LP_ROW_NDJSON : LP_ROW_TSV;
	(void)lp_rowread_next(r, &trailer);
	return lp_rowread_eof(r) == LP_ROWREAD_END ? r->end : none;
}

/* What was put says what its writer knew; what it rests on is known here. Byte for byte what was put, if it says the same. */
static int
hand_on_end(struct lines *l, const struct lp_cache_found *f, struct lp_span trailer, struct lp_span label)
{
	struct lp_rowend end, was;
	struct lp_rowfmt fmt;
	struct lp_rowread r;
	int rc;

	lp_rowfmt_init(&fmt);
	lp_rowread_init(&r);
	r.tail = 1;
	end = was = read_end(&r, f, trailer, &fmt.form);
	end.complete = f->complete;
	end.origin = f->origin;
	end.toc = f->toc;
	if (label.n > 0) {
		end.layer = label;
		fmt.form = LP_ROW_TSV;
		rc = lp_row_end(&fmt, &end, &l->line);
	} else if (end.complete == was.complete && lp_span_eq(end.origin, was.origin) && lp_span_eq(end.toc, was.toc)) {
		rc = lp_buf_add(&l->line, trailer);
		rc = rc != LP_OK ? rc : lp_buf_addc(&l->line, '\n');
	} else {
		rc = lp_row_end(&fmt, &end, &l->line);
	}
	lp_rowread_release(&r);
	l->line.n -= rc == LP_OK;
	return rc != LP_OK ? rc : hand_on(l);
}

static int
hand_on_listing(struct lp_cache *c, const struct lp_cache_found *f, struct lp_stmt *s, struct lp_span label,
    struct lines *l)
{
	int newline = label.n > 0 || lp_stmt_get_int(s, 2) != 0;
	int rc = hand_on_text(l, lp_stmt_get(s, 0));

	rc = rc != LP_OK ? rc : hand_on_rows(c, f->listing, l);
	if (rc == LP_OK && (label.n > 0 || !lp_stmt_is_null(s, 1)))
		rc = hand_on_end(l, f, lp_stmt_get(s, 1), label);
	return rc == LP_OK && l->any && newline ? l->fn(l->arg, lp_span("\n", 1)) : rc;
}

int
lp_cache_get(struct lp_cache *c, const struct lp_cache_found *f, struct lp_span label, lp_cache_line_fn *fn, void *arg)
{
	struct lines l = { .fn = fn, .arg = arg };
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "SELECT header, trailer, newline FROM listing WHERE id = ?");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_buf_init(&l.line, LP_MAX_ROW + 1);
	lp_stmt_int(&s, 1, f->listing);
	rc = lp_stmt_step(&s);
	if (rc == 1)
		rc = hand_on_listing(c, f, &s, label, &l);
	else
		rc = rc == 0 ? LP_E_ABSENT : lp_cache_failed(c, rc);
	lp_stmt_release(&s);
	lp_buf_release(&l.line);
	return rc;
}

/* ---- export --------------------------------------------------------------- */

struct export {
	struct lp_cache *cache;
	struct lp_span digest, origin; /* of the listing */
	lp_cache_entry_fn *fn;
	void *arg;
};

static int
export_entry(const struct export *x, struct lp_entry *e)
{
	e->layer = x->digest;
	e->has |= LP_HAS_LAYER;
	return x->fn(x->arg, e, x->origin);
}

/* What the row's own text says beyond the columns, if it has one. */
static int
export_line(const struct export *x, struct lp_span line, struct lp_span header)
{
	struct lp_span nl = lp_span("\n", 1);
	struct lp_rowread r;
	int rc;

	lp_rowread_init(&r);
	if (header.p != NULL) {
		(void)lp_rowread_next(&r, &header);
		(void)lp_rowread_next(&r, &nl);
	}
	(void)lp_rowread_next(&r, &line);
	if (lp_rowread_eof(&r) == LP_ROWREAD_ROW) {
		rc = export_entry(x, &r.entry);
	} else {
		snprintf(x->cache->why, sizeof(x->cache->why), "damaged: a row's text is none: %s",
		    r.why != NULL ? r.why : "it is empty");
		rc = LP_E_DATA;
	}
	lp_rowread_release(&r);
	return rc;
}

static int
export_row(void *arg, struct lp_stmt *s)
{
	struct lp_entry e;

	if (!lp_stmt_is_null(s, LP_CACHE_ENTRY_LINE))
		return export_line(arg, lp_stmt_get(s, LP_CACHE_ENTRY_LINE), lp_stmt_get(s, LP_CACHE_ENTRY_LINE + 1));
	get_entry(s, &e);
	return export_entry(arg, &e);
}

static int
export_listing(void *arg, struct lp_stmt *listing)
{
	struct export *x = arg;
	struct lp_stmt s;
	int rc = lp_stmt_init(&x->cache->db, &s, "SELECT " LP_CACHE_ENTRY
	    ", (SELECT header FROM listing WHERE id = ?1) FROM entry WHERE listing = ?1 ORDER BY seq");

	if (rc != LP_OK)
		return lp_cache_failed(x->cache, rc);
	x->digest = lp_stmt_get(listing, 1);
	x->origin = lp_stmt_get(listing, 3);
	lp_stmt_int(&s, 1, lp_stmt_get_int(listing, 0));
	rc = lp_cache_each(x->cache, &s, export_row, x);
	lp_stmt_release(&s);
	return rc;
}

int
lp_cache_export(struct lp_cache *c, const struct lp_cache_scope *scope, lp_cache_entry_fn *fn, void *arg)
{
	struct export x = { .cache = c, .fn = fn, .arg = arg };
	struct lp_stmt s;
	int rc = lp_cache_listings(c, scope, &s);

	if (rc != LP_OK)
		return rc;
	rc = lp_cache_each(c, &s, export_listing, &x);
	lp_stmt_release(&s);
	return rc;
}
