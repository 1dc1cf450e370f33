/* Stores a listing, unless the one that is there is better. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/cache/cache_priv.h"
#include "common/cache/grams.h"
#include "common/row/rowread.h"
#include "common/sys/err.h"

/* A listing on its way in. */
struct put {
	struct lp_cache *cache;
	struct lp_cache_in *in;
	struct lp_rowread reader;
	struct lp_rowfmt plain;  /* the rows that need no text of their own: TSV, default columns */
	struct lp_stmt entry, gram;
	struct lp_grams grams;
	struct lp_buf row, path;
	struct lp_buf header, trailer;
	enum lp_complete complete;
	int64_t listing, entries;
	int newline;             /* the last line has one */
	int whole;               /* its end record has been read */
};

/* ---- rows ----------------------------------------------------------------- */

/* NULL where nothing is known. */
static void
bind_int(struct lp_stmt *s, int parameter, int known, int64_t v)
{
	if (known)
		lp_stmt_int(s, parameter, v);
	else
		lp_stmt_null(s, parameter);
}

static void
bind_text(struct lp_stmt *s, int parameter, int known, struct lp_span v)
{
	if (known)
		lp_stmt_text(s, parameter, v);
	else
		lp_stmt_null(s, parameter);
}

/* SQLite's numbers end at 2^63; a row with a larger one keeps its text. */
static int64_t
clipped(uint64_t v)
{
	return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static int
put_row(struct put *p, const struct lp_entry *e, struct lp_span line)
{
	struct lp_stmt *s = &p->entry;
	char type = (char)e->type;
	int rc;

	lp_buf_clear(&p->row);
	rc = lp_row_write(&p->plain, e, &p->row);
	if (rc != LP_OK)
		return rc;
	p->row.n--; /* its newline */
	lp_stmt_int(s, 2, p->entries);
	lp_stmt_text(s, 3, e->name);
	lp_stmt_text(s, 4, lp_span(&type, 1));
	lp_stmt_int(s, 5, e->mode);
	lp_stmt_int(s, 6, e->uid);
	lp_stmt_int(s, 7, e->gid);
	lp_stmt_int(s, 8, clipped(e->size));
	bind_int(s, 9, (e->has & LP_HAS_MTIME) != 0, e->mtime);
	bind_int(s, 10, e->mtime_nsec != 0, e->mtime_nsec);
	bind_text(s, 11, e->linkname.n > 0, e->linkname);
	bind_text(s, 12, !lp_span_eq(lp_buf_span(&p->row), line) || e->size > INT64_MAX, line);
	rc = lp_stmt_run(s);
	rc = rc != LP_OK ? rc : lp_cache_path(&p->path, e->name);
	p->entries++;
	return rc != LP_OK ? rc : lp_grams_add(&p->grams, lp_buf_span(&p->path));
}

/* A row, or the end record: that is kept as it is, and names the layer. */
static int
put_line(struct put *p, enum lp_rowread_event event)
{
	struct lp_rowread *r = &p->reader;

	if (event == LP_ROWREAD_ROW)
		return put_row(p, &r->entry, r->text);
	p->complete = r->end.complete;
	if (lp_buf_add(&p->cache->label, r->end.layer) != LP_OK || lp_buf_add(&p->cache->toc, r->end.toc) != LP_OK)
		return LP_E_NOMEM;
	return lp_buf_add(&p->trailer, r->text);
}

/* Something is wrong with the line that was read last. */
static int
bad_line(struct put *p, int status, const char *why)
{
	p->cache->of_input = 1;
	snprintf(p->cache->why, sizeof(p->cache->why), "line %" PRIu64 ", byte %" PRIu64 ": %s",
	    p->in->lines + p->reader.line, p->in->bytes + p->reader.offset, why);
	return status;
}

static int
bad_row(struct put *p)
{
	const struct lp_rowread *r = &p->reader;

	return bad_line(p, r->status, r->why);
}

/* All lines of the span, or at the end of input (in == NULL); of several listings, to the end record. */
static int
put_lines(struct put *p, struct lp_span *in)
{
	for (;;) {
		enum lp_rowread_event event = in != NULL ? lp_rowread_next(&p->reader, in) : lp_rowread_eof(&p->reader);
		int rc;

		if (event == LP_ROWREAD_MORE)
			return LP_OK;
		if (event == LP_ROWREAD_ERROR)
			return bad_row(p);
		rc = put_line(p, event);
		if (rc != LP_OK)
			return lp_cache_failed(p->cache, rc);
		p->whole = event == LP_ROWREAD_END;
		if (p->whole && p->in->several) {
			p->newline = in != NULL;
			return LP_OK;
		}
	}
}

static int
put_all(struct put *p)
{
	struct lp_cache_in *in = p->in;
	int rc = LP_OK;

	while (rc == LP_OK && !(in->several && p->whole) && (rc = lp_cache_in_more(in)) > 0) {
		p->newline = in->in.p[in->in.n - 1] == '\n';
		/* a byte of a short row becomes several of the file */
		lp_db_allow(&p->cache->db, 4 * (int64_t)in->in.n);
		rc = put_lines(p, &in->in);
	}
	if (rc == LP_E_SYS && p->cache->why[0] == '\0')
		snprintf(p->cache->why, sizeof(p->cache->why), "cannot read the listing: %s", lp_err_text(errno));
	if (rc == LP_OK && !(in->several && p->whole))
		rc = put_lines(p, NULL);
	return rc == LP_OK && in->several && !p->whole ? bad_line(p, LP_E_DATA, "the last listing has no end record") : rc;
}

static int
put_grams(struct put *p)
{
	int rc = LP_OK;

	lp_grams_sort(&p->grams);
	for (size_t i = 0; i < p->grams.n && rc == LP_OK; i++) {
		const struct lp_posting *g = &p->grams.posting[i];

		lp_stmt_int(&p->gram, 2, g->gram - 1);
		lp_stmt_blob(&p->gram, 3, lp_span(g->p, g->n));
		rc = lp_stmt_run(&p->gram);
	}
	return rc;
}

/* ---- the whole ------------------------------------------------------------ */

/* The listing that would give way to this one. */
struct old {
	int64_t listing, entries, head;
	int complete, verified;
};

/*
 * One that is verified replaces all claims, and none of them replaces it.
 * Among those of one origin and table of contents the better one wins: all
 * entries, then more of the layer, then more rows. The same again replaces.
 */
static int
find_old(struct put *p, const struct lp_cache_layer *l, struct old *old)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&p->cache->db, &s, "SELECT listing.id, complete, coalesce(head, -1), entries, origin = '' AND toc = ''"
	    " FROM listing JOIN layer ON layer.id = layer WHERE digest = ?1"
	    " AND (origin = ?2 AND toc = ?3 OR origin = '' AND toc = '') ORDER BY 5 DESC LIMIT 1");

	*old = (struct old){ 0 };
	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, l->digest);
	lp_stmt_text(&s, 2, l->origin);
	lp_stmt_text(&s, 3, l->toc);
	rc = lp_stmt_step(&s);
	if (rc == 1)
		*old = (struct old){ .listing = lp_stmt_get_int(&s, 0), .complete = lp_stmt_get_int(&s, 1) == 1,
			.head = lp_stmt_get_int(&s, 2), .entries = lp_stmt_get_int(&s, 3),
			.verified = lp_stmt_get_int(&s, 4) != 0 };
	lp_stmt_release(&s);
	return rc < 0 ? rc : LP_OK;
}

static int
is_all(const struct put *p)
{
	return p->complete == LP_COMPLETE_YES || p->complete == LP_COMPLETE_INFERRED;
}

static int
is_whole_and_verified(const struct lp_cache_layer *l)
{
	return l->origin.n == 0 && l->toc.n == 0;
}

static int
is_better(const struct put *p, const struct lp_cache_layer *l, const struct old *old)
{
	if (old->listing == 0 || is_whole_and_verified(l))
		return 1;
	if (old->verified)
		return 0;
	if (is_all(p) != old->complete)
		return is_all(p);
	if (is_all(p))
		return 1;
	return l->head != old->head ? l->head > old->head : p->entries >= old->entries;
}

static int
finish_listing(struct put *p, int64_t layer, const struct lp_cache_layer *l)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&p->cache->db, &s, "UPDATE listing SET layer = ?2, origin = ?3, toc = ?4, head = ?5,"
	    " complete = ?6, entries = ?7, header = ?8, trailer = ?9, newline = ?10, size = ?11 WHERE id = ?1");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, p->listing);
	lp_stmt_int(&s, 2, layer);
	lp_stmt_text(&s, 3, l->origin);
	lp_stmt_text(&s, 4, l->toc);
	bind_int(&s, 5, l->head >= 0, l->head);
	bind_int(&s, 6, p->complete != LP_COMPLETE_UNKNOWN, is_all(p));
	lp_stmt_int(&s, 7, p->entries);
	bind_text(&s, 8, p->reader.header, lp_buf_span(&p->header));
	bind_text(&s, 9, p->reader.ended, lp_buf_span(&p->trailer));
	lp_stmt_int(&s, 10, p->newline);
	bind_int(&s, 11, l->size >= 0, l->size);
	rc = lp_stmt_run(&s);
	lp_stmt_release(&s);
	return rc;
}

/* A header row is no event; it is written again from the columns that it named. */
static int
keep_header(struct put *p)
{
	struct lp_rowfmt f = p->reader.fmt;
	int rc;

	if (!p->reader.header)
		return LP_OK;
	f.form = LP_ROW_TSV;
	rc = lp_row_header(&f, &p->header);
	if (rc == LP_OK)
		p->header.n--; /* its newline */
	return rc;
}

static int
prepare(struct put *p)
{
	int rc = lp_stmt_init(&p->cache->db, &p->entry,
	    "INSERT INTO entry(listing, seq, " LP_CACHE_ENTRY ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

	rc = rc != LP_OK ? rc : lp_stmt_init(&p->cache->db, &p->gram, "INSERT INTO gram VALUES(?, ?, ?)");
	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&p->entry, 1, p->listing);
	lp_stmt_int(&p->gram, 1, p->listing);
	return LP_OK;
}

/* Which of the layers the listing is of: the only one that it can be, or the one that its end record names. */
static int
find_layer(struct put *p, const struct lp_cache_layer *layers, size_t n, struct lp_cache_layer *of)
{
	struct lp_span label = lp_buf_span(&p->cache->label);

	for (size_t i = 0; i < n; i++) {
		if (!p->in->several || lp_span_eq(layers[i].digest, label)) {
			*of = layers[i];
			return LP_OK;
		}
	}
	return bad_line(p, LP_E_DATA, "the end record's layer is none that is put here");
}

/* What is to be known of the listing, now that its end record is. */
static int
settle(struct put *p, struct lp_cache_layer *of)
{
	if (p->cache->toc.n > 0 && !lp_digest_valid(lp_buf_span(&p->cache->toc)))
		return bad_line(p, LP_E_DATA, "the end record's toc is no digest");
	of->toc = lp_buf_span(&p->cache->toc);
	if (p->complete == LP_COMPLETE_YES && of->verified)
		of->origin = lp_span(NULL, 0);
	if (is_all(p) && p->in->several)
		of->head = -1;
	return LP_OK;
}

static int
delete_listings(struct put *p, const struct lp_cache_layer *l, int64_t layer, int64_t old)
{
	struct lp_stmt s;
	int all = is_whole_and_verified(l);
	int rc = lp_stmt_init(&p->cache->db, &s, all ? "DELETE FROM listing WHERE layer = ?" :
	    "DELETE FROM listing WHERE id = ?");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, all ? layer : old);
	rc = lp_stmt_run(&s);
	lp_stmt_release(&s);
	return rc;
}

/* The old listing goes, the new one, whose rows are there already, takes its place. */
static int
replace(struct put *p, const struct lp_cache_layer *named, const struct lp_cache_layer *of, int64_t old)
{
	int64_t layer = 0;
	int rc = lp_cache_put_layer(p->cache, named, &layer);

	rc = rc != LP_OK ? rc : delete_listings(p, of, layer, old);
	rc = rc != LP_OK ? rc : put_grams(p);
	rc = rc != LP_OK ? rc : keep_header(p);
	return rc != LP_OK ? rc : finish_listing(p, layer, of);
}

/* Inside the transaction. *kept if what was there is better: then nothing of this must stay. */
static int
put_listing(struct put *p, const struct lp_cache_layer *layers, size_t n, struct lp_cache_layer *named, int *kept)
{
	struct lp_cache *c = p->cache;
	struct lp_cache_layer of;
	struct old old;
	/* which layer it is may be said by its last line only */
	int rc = lp_db_exec(&c->db, "PRAGMA defer_foreign_keys = ON");

	rc = rc != LP_OK ? rc : lp_db_exec(&c->db, "INSERT INTO listing(layer, origin, toc, added, entries, newline)"
	    " VALUES(-1, '', '', unixepoch(), 0, 0)");
	p->listing = lp_db_last_key(&c->db);
	rc = rc != LP_OK ? rc : prepare(p);
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = put_all(p);
	rc = rc != LP_OK ? rc : find_layer(p, layers, n, named);
	if (rc != LP_OK)
		return rc;
	of = *named;
	rc = settle(p, &of);
	if (rc != LP_OK)
		return rc;
	/* the image has the origin that it had; that it names the table is checked of what is verified alone */
	if (of.toc.n > 0 && of.origin.n == 0)
		named->toc = of.toc;
	rc = find_old(p, &of, &old);
	*kept = rc == LP_OK && !is_better(p, &of, &old);
	return lp_cache_failed(c, rc != LP_OK || *kept ? rc : replace(p, named, &of, old.listing));
}

static void
put_init(struct put *p, struct lp_cache *c, struct lp_cache_in *in)
{
	*p = (struct put){ .cache = c, .in = in };
	lp_rowread_init(&p->reader);
	lp_rowfmt_init(&p->plain);
	lp_grams_init(&p->grams);
	lp_buf_init(&p->row, LP_MAX_ROW);
	lp_buf_init(&p->path, LP_MAX_ROW);
	lp_buf_init(&p->header, LP_MAX_ROW);
	lp_buf_init(&p->trailer, LP_MAX_ROW);
}

static void
put_release(struct put *p)
{
	lp_rowread_release(&p->reader);
	lp_stmt_release(&p->entry);
	lp_stmt_release(&p->gram);
	lp_grams_release(&p->grams);
	lp_buf_release(&p->row);
	lp_buf_release(&p->path);
	lp_buf_release(&p->header);
	lp_buf_release(&p->trailer);
}

int
lp_cache_put(struct lp_cache *c, struct lp_cache_in *in, const struct lp_cache_layer *layers, size_t n,
    struct lp_cache_layer *of, enum lp_cache_put *result)
{
	struct put p;
	int kept = 0, rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	put_init(&p, c, in);
	lp_buf_clear(&c->label);
	lp_buf_clear(&c->toc);
	rc = put_listing(&p, layers, n, of, &kept);
	in->lines += p.reader.line;
	in->bytes += p.reader.next_offset;
	put_release(&p);
	if (rc == LP_OK && !kept)
		rc = lp_cache_failed(c, lp_db_exec(&c->db, "COMMIT"));
	if (rc != LP_OK || kept)
		(void)lp_db_exec(&c->db, "ROLLBACK");
	if (rc == LP_OK && kept)
		rc = lp_cache_note(c, of, 1);
	*result = kept ? LP_CACHE_KEPT : LP_CACHE_PUT;
	return rc;
}
