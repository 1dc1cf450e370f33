/* The commands of lp-cache: put, get, has, search, images, stat, prune and export on an open database. */
#include "cmd/cache/cachework.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/jsonwrite.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/row/record.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

static struct lp_record
record(struct lp_cachework *w)
{
	return (struct lp_record){ .out = &w->out.out, .json = w->json };
}

static int
end_line(struct lp_cachework *w, struct lp_record *r)
{
	int rc = lp_record_end(r);

	w->found++;
	return rc == LP_OK && w->out.out.n >= LP_IO_CHUNK ? lp_listing_flush(&w->out) : rc;
}

/* A line rests on what somebody claims. */
static void
count_claim(struct lp_cachework *w, struct lp_span origin)
{
	if (origin.n > 0 && w->claims++ == 0)
		snprintf(w->claimant, sizeof(w->claimant), "%s", lp_quote(origin));
}

/* How many of them there are, if all went well; the status. */
static int
say_claims(const struct lp_cachework *w, int rc)
{
	if (rc == LP_OK && w->claims > 0)
		lp_note("%" PRId64 " of %" PRId64 " lines are claims (the first one of %s), not checked against a layer's digest",
		    w->claims, w->found, w->claimant);
	return rc;
}

static int
put_next(struct lp_cachework *w, struct lp_cache_in *in)
{
	struct lp_cache_layer of;
	enum lp_cache_put result;
	int rc = in->several ? lp_cache_put(&w->cache, in, w->layers, w->nlayers, &of, &result) :
	    lp_cache_put(&w->cache, in, &w->layer, 1, &of, &result);

	/* what is left of a pipeline that has failed looks the same */
	if (rc == LP_OK && !in->several && in->bytes == 0)
		lp_note("<stdin>: empty, without an end record (-E): whether the layer is, nobody can tell");
	if (rc == LP_OK && result == LP_CACHE_KEPT)
		lp_note("%s: the listing that is kept is better and stays", lp_quote(of.digest));
	return rc;
}

int
lp_cachework_put(struct lp_cachework *w)
{
	struct lp_cache_in in;
	int reading, rc = lp_cache_spool_fill(w->spool, STDIN_FILENO, &reading);

	if (rc != LP_OK) {
		lp_err_errno("%s", reading ? "<stdin>" : "the listing cannot be copied to a temporary file");
		return rc;
	}
	rc = lp_cache_in_init(&in, w->spool, w->nlayers > 0);
	if (rc == LP_OK && !in.several)
		rc = put_next(w, &in);
	else if (rc == LP_OK)
		while ((rc = lp_cache_in_more(&in)) > 0 && (rc = put_next(w, &in)) == LP_OK)
			;
	lp_cache_in_release(&in);
	/* the layers of an image are its layers also where no listing came with them */
	return rc == LP_OK ? lp_cache_note(&w->cache, w->layers, w->nlayers) : rc;
}

static int
write_bytes(void *arg, struct lp_span bytes)
{
	struct lp_cachework *w = arg;
	int rc = lp_buf_add(&w->out.out, bytes);

	return rc == LP_OK && w->out.out.n >= LP_IO_CHUNK ? lp_listing_flush(&w->out) : rc;
}

/* The listing of a layer, if it is good enough; why not is said if somebody asked about this one alone. */
static int
find(struct lp_cachework *w, const struct lp_cache_layer *l, int alone, struct lp_cache_found *f)
{
	int origins, rc = lp_cache_find(&w->cache, l, f, &origins);
	void (*say)(const char *, ...) = alone ? lp_err : lp_detail;

	if (rc == LP_OK && w->complete && f->complete != LP_COMPLETE_YES)
		rc = LP_E_ABSENT;
	if (rc == LP_E_ABSENT && origins > 0)
		say("%s: %d origins or tables of contents claim to know it; --origin or --toc says which is wanted",
		    lp_quote(l->digest), origins);
	else if (rc == LP_E_ABSENT)
		say("%s: no such listing", lp_quote(l->digest));
	if (rc == LP_OK) {
		w->unknown |= f->complete == LP_COMPLETE_UNKNOWN;
		w->preview |= f->complete == LP_COMPLETE_NO;
		w->stats.partial = w->preview ? 1 : w->unknown ? LP_STATS_UNKNOWN : 0;
	}
	return rc;
}

/* In one transaction: the listing must not be replaced between it is found and its last row. */
static int
get_one(struct lp_cachework *w, const struct lp_cache_layer *l)
{
	struct lp_cache_found f;
	int rc = lp_cache_begin(&w->cache);

	rc = rc != LP_OK ? rc : find(w, l, !w->end, &f);
	if (rc == LP_OK) {
		w->found += f.entries;
		if (f.origin.n > 0 && l->origin.n == 0)
			lp_note("%s: as %s claims, not checked against the digest", lp_quote(l->digest), lp_quote(f.origin));
		else if (f.complete == LP_COMPLETE_INFERRED && f.origin.n == 0)
			lp_note("%s: by a table of contents that nobody has named here (--toc), not checked against the digest",
			    lp_quote(l->digest));
		rc = lp_cache_get(&w->cache, &f, w->end ? l->digest : lp_span(NULL, 0), write_bytes, w);
	}
	lp_cache_end(&w->cache);
	return rc;
}

/* Each of the layers; LP_E_ABSENT, if it is that for any of them, at the end. */
static int
each_layer(struct lp_cachework *w, int (*fn)(struct lp_cachework *, const struct lp_cache_layer *))
{
	int rc = LP_OK, absent = 0;

	for (size_t i = 0; i < w->nlayers && rc == LP_OK; i++) {
		rc = fn(w, &w->layers[i]);
		if (rc == LP_E_ABSENT) {
			absent = 1;
			rc = LP_OK;
		}
	}
	return rc == LP_OK && absent ? LP_E_ABSENT : rc;
}

/* Who has the layers is noted if that costs nothing: not behind a lock, and whatever fails, the answer was given. */
static void
note_image(struct lp_cachework *w)
{
	if (w->cache.read_only || w->found == 0)
		return;
	lp_db_patience(&w->cache.db, 0);
	/* here --toc says all of them */
	for (size_t i = 0; i < w->nlayers; i++)
		w->layers[i].toc_known = 1;
	if (lp_cache_note(&w->cache, w->layers, w->nlayers) != LP_OK)
		lp_detail("the image is not noted: %s", lp_quotes(w->cache.why));
	w->cache.why[0] = '\0';
}

int
lp_cachework_get(struct lp_cachework *w)
{
	int rc = each_layer(w, get_one);
	int flushed = rc == LP_OK || rc == LP_E_ABSENT ? lp_listing_flush(&w->out) : rc;

	if (flushed == LP_OK)
		note_image(w);
	return flushed != LP_OK ? flushed : rc;
}

static int
has_one(struct lp_cachework *w, const struct lp_cache_layer *l)
{
	struct lp_cache_found f;

	return find(w, l, 0, &f);
}

int
lp_cachework_has(struct lp_cachework *w)
{
	return each_layer(w, has_one);
}

static struct lp_cache_scope
scope_of(const struct lp_cachework *w)
{
	return (struct lp_cache_scope){ .image = w->layer.image, .layer = w->layer.digest, .origin = w->layer.origin };
}

static int
write_hit(void *arg, const struct lp_cache_hit *h)
{
	struct lp_cachework *w = arg;
	struct lp_record r = record(w);

	lp_record_text(&r, "image", h->image);
	lp_record_text(&r, "layer", h->layer);
	lp_record_text(&r, "path", h->path);
	lp_record_int(&r, "size", h->size);
	if (w->json && h->origin.n > 0)
		lp_record_text(&r, "origin", h->origin);
	if (w->json && h->toc.n > 0)
		lp_record_text(&r, "toc", h->toc);
	count_claim(w, h->toc.n > 0 ? h->toc : h->origin);
	return end_line(w, &r);
}

/* ---- whether all was there to be searched ----------------------------------- */

enum { NAMED = 5 }; /* previews in a message */

struct previews {
	int64_t n;
	struct lp_buf names; /* of the first ones */
};

static int
note_preview(void *arg, struct lp_span ref)
{
	struct previews *p = arg;
	int rc;

	if (p->n++ >= NAMED)
		return LP_OK;
	rc = lp_buf_adds(&p->names, p->names.n > 0 ? ", " : "");
	return rc != LP_OK ? rc : lp_escape(&p->names, ref, LP_ESCAPE_TERMINAL);
}

/* A path that is not found may lie behind a preview. Nothing is asked where nobody reads it. */
static int
say_previews(struct lp_cachework *w)
{
	const struct lp_cache_scope scope = scope_of(w);
	struct previews p = { .n = 0 };
	const char *names;
	int64_t images = 0;
	int rc = LP_OK;

	lp_buf_init(&p.names, (2 + 4 * LP_MAX_PATH) * NAMED);
	if (!lp_err_is_quiet())
		rc = lp_cache_previews(&w->cache, &scope, &images, note_preview, &p);
	names = lp_buf_cstr(&p.names);
	if (rc == LP_OK && p.n > 0 && names != NULL)
		lp_note("of %" PRId64 " image%s, %" PRId64 " not listed to the end: %s%s", images, images == 1 ? "" : "s",
		    p.n, names, p.n > NAMED ? ", ... (lp-cache images)" : "");
	lp_buf_release(&p.names);
	return rc;
}

int
lp_cachework_search(struct lp_cachework *w)
{
	struct lp_cache_scope scope = scope_of(w);
	int glob = !w->fixed && strpbrk(w->pattern, "*?[") != NULL;
	const char *dot = w->pattern;
	int rc;

	/* as others write the beginning of a path */
	if (!w->fixed && strncmp(dot, "./", 2) == 0)
		dot++;
	rc = say_claims(w, lp_cache_search(&w->cache, &scope, dot, glob, write_hit, w));
	rc = rc != LP_OK ? rc : say_previews(w);
	return rc == LP_OK && w->found == 0 ? LP_E_ABSENT : rc;
}

static int
write_image(void *arg, const struct lp_cache_image *i)
{
	struct lp_cachework *w = arg;
	struct lp_record r = record(w);
	const char *complete = i->entries < 0 ? "absent" : lp_complete_name(i->complete);

	lp_record_text(&r, "image", i->image);
	lp_record_int(&r, "index", i->index + 1);
	lp_record_text(&r, "layer", i->digest);
	lp_record_known(&r, "size", i->size);
	lp_record_known(&r, "entries", i->entries);
	lp_record_text(&r, "complete", lp_span_str(complete));
	if (w->json && i->origin.n > 0)
		lp_record_text(&r, "origin", i->origin);
	count_claim(w, i->origin);
	return end_line(w, &r);
}

int
lp_cachework_images(struct lp_cachework *w)
{
	return say_claims(w, lp_cache_images(&w->cache, write_image, w));
}

/* Images that the layers asked for begin with. */
struct bases {
	struct lp_cachework *w;
	struct base { char *image; size_t layers; } *v;
	size_t n, cap;
	char *image;  /* the one whose layers come, or NULL */
	size_t seen;  /* of them; SIZE_MAX: one is another */
};

/* All layers of an image have come: it is a base if there are fewer than were asked for. */
static int
end_image(struct bases *b)
{
	struct base *v;

	if (b->image == NULL)
		return LP_OK;
	if (b->seen >= b->w->nlayers) {
		free(b->image);
		b->image = NULL;
		return LP_OK;
	}
	v = lp_array_room(b->v, b->n, &b->cap, sizeof(*v));
	if (v == NULL)
		return LP_E_NOMEM;
	b->v = v;
	v[b->n++] = (struct base){ b->image, b->seen };
	b->image = NULL;
	return LP_OK;
}

/* Layers come image by image, base first. */
static int
base_layer(void *arg, const struct lp_cache_image *i)
{
	struct bases *b = arg;
	int rc = LP_OK;

	if (b->image == NULL || !lp_span_is(i->image, b->image)) {
		rc = end_image(b);
		b->seen = 0;
		b->image = rc == LP_OK ? lp_cstr(i->image) : NULL;
		if (b->image == NULL)
			return LP_E_NOMEM;
	}
	if (b->seen < b->w->nlayers && i->index == (int64_t)b->seen && lp_span_eq(i->digest, b->w->layers[b->seen].digest))
		b->seen++;
	else
		b->seen = SIZE_MAX;
	return rc;
}

static int
write_base(struct lp_cachework *w, const struct base *b)
{
	struct lp_record r = record(w);

	lp_record_text(&r, "image", lp_span_str(b->image));
	lp_record_int(&r, "layers", (int64_t)b->layers);
	return end_line(w, &r);
}

/* The longest first, each length in the order of names. */
int
lp_cachework_base(struct lp_cachework *w)
{
	struct bases b = { .w = w };
	int rc = lp_cache_images(&w->cache, base_layer, &b);

	rc = rc != LP_OK ? rc : end_image(&b);
	for (size_t layers = w->nlayers; layers-- > 1 && rc == LP_OK;)
		for (size_t i = 0; i < b.n && rc == LP_OK; i++)
			if (b.v[i].layers == layers)
				rc = write_base(w, &b.v[i]);
	if (rc == LP_OK && w->found == 0) {
		lp_err("no image that is known has the first of these layers, and no others: lp-peek of what may be the base makes it known");
		rc = LP_E_ABSENT;
	}
	for (size_t i = 0; i < b.n; i++)
		free(b.v[i].image);
	free(b.v);
	free(b.image);
	return rc;
}

int
lp_cachework_stat(struct lp_cachework *w)
{
	struct lp_cache_stat st;
	struct lp_record r = record(w);
	int rc = lp_cache_stat(&w->cache, &st);
	const struct { const char *key; int64_t v; } t[] = {
		{ "schema", st.schema }, { "images", st.images }, { "layers", st.layers }, { "listings", st.listings },
		{ "complete", st.complete }, { "inferred", st.inferred }, { "previews", st.previews }, { "entries", st.entries }, { "bytes", st.bytes },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]) && rc == LP_OK; i++) {
		/* for eyes a line each, for programs one object */
		if (!r.json)
			lp_record_text(&r, "", lp_span_str(t[i].key));
		lp_record_int(&r, t[i].key, t[i].v);
		if (!r.json)
			rc = lp_record_end(&r);
	}
	return rc == LP_OK && r.json ? lp_record_end(&r) : rc;
}

int
lp_cachework_prune(struct lp_cachework *w)
{
	int64_t max = w->max_size >= 0 ? w->max_size : INT64_MAX;
	int rc = lp_cache_prune(&w->cache, w->days >= 0 ? (int64_t)time(NULL) - w->days * 86400 + (w->days == 0) : 0, max,
	    &w->found);

	if (rc == LP_OK)
		lp_note("%" PRId64 " listings forgotten", w->found);
	return rc;
}

/* In NDJSON a row says whose claim it is, too. */
static int
add_origin(struct lp_buf *b, struct lp_span origin)
{
	int rc;

	b->n -= strlen("}\n");
	rc = lp_buf_adds(b, ",\"origin\":");
	rc = rc != LP_OK ? rc : lp_json_string(b, origin);
	return rc != LP_OK ? rc : lp_buf_adds(b, "}\n");
}

static int
write_entry(void *arg, const struct lp_entry *e, struct lp_span origin)
{
	struct lp_cachework *w = arg;
	int rc = lp_row_write(&w->out.fmt, e, &w->out.out);

	w->found++;
	count_claim(w, origin);
	if (rc == LP_OK && w->json && origin.n > 0)
		rc = add_origin(&w->out.out, origin);
	return rc != LP_OK ? rc : lp_listing_wrote(&w->out);
}

int
lp_cachework_export(struct lp_cachework *w)
{
	struct lp_cache_scope scope = scope_of(w);
	int rc;

	if (w->json)
		w->out.fmt.form = LP_ROW_NDJSON;
	w->out.fmt.column[w->out.fmt.ncolumns++] = LP_COL_LAYER;
	w->out.header = w->header && !w->json;
	rc = lp_listing_begin(&w->out);
	rc = rc != LP_OK ? rc : lp_cache_export(&w->cache, &scope, write_entry, w);
	return say_claims(w, rc);
}

/* ---- the whole ------------------------------------------------------------ */

static int
end(struct lp_cachework *w, const char *db, int rc)
{
	int flushed;

	if (rc == LP_OK || rc == LP_E_ABSENT) {
		flushed = lp_listing_flush(&w->out);
		return flushed != LP_OK ? flushed : rc;
	}
	if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	else if (w->cache.why[0] != '\0' && rc != LP_E_PIPE)
		lp_err("%s: %s", w->cache.of_input ? "<stdin>" : lp_quotes(db), lp_quotes(w->cache.why));
	return rc;
}

int
lp_cachework_writes(lp_cachework_fn *fn)
{
	return fn == lp_cachework_put || fn == lp_cachework_put_points || fn == lp_cachework_prune;
}

int
lp_cachework(struct lp_cachework *w, const char *db, lp_cachework_fn *fn)
{
	int to_read = !lp_cachework_writes(fn), rc;

	/* the answer will be no, and why must not be a riddle */
	if (to_read && access(db, F_OK) != 0) {
		if (errno != ENOENT && errno != ENOTDIR) {
			lp_err_errno("%s", lp_quotes(db));
			return LP_E_SYS;
		}
		lp_note("%s: no such database", lp_quotes(db));
	}
	lp_listing_init(&w->out);
	rc = lp_cache_open(&w->cache, db, to_read, w->patience);
	rc = end(w, db, rc != LP_OK ? rc : fn(w));
	w->stats.entries_found = w->found;
	lp_cache_close(&w->cache);
	lp_listing_release(&w->out);
	return rc;
}
