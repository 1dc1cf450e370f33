/* Searches the paths of all listings, by trigrams where the pattern has any. */
#include <stdlib.h>
#include <string.h>

#include "common/base/glob.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/cache/cache_priv.h"
#include "common/cache/grams.h"

/* Grams that a question is asked by: more make the answer hardly smaller. */
enum { GRAMS_MAX = 24 };

struct search {
	struct lp_cache *cache;
	const char *pattern;
	struct lp_buf normal;   /* what it is of, if it is a shell pattern */
	int glob;
	lp_cache_hit_fn *fn;
	void *arg;

	uint32_t gram[GRAMS_MAX];
	size_t ngrams;
	struct lp_stmt posting, rows, images;
	struct lp_span digest;  /* of the listing's layer */
	struct lp_span origin;  /* whose claim the listing is, or empty */
	struct lp_span toc;     /* what it was made from, or empty */
	struct lp_span image;   /* the only one that is wanted, or empty */
	struct lp_buf path, scratch;
	struct lp_buf refs;     /* of the images that the listing shows, each ended by NUL */
	int elsewhere;          /* an image that it could show is shown by a better one */

	struct lp_buf blocks[2]; /* arrays of uint32_t: blocks that hold all grams so far */
};

static int
matches(struct search *s)
{
	struct lp_span path = lp_buf_span(&s->path);

	if (s->glob)
		return lp_glob_any(&s->pattern, 1, 0, path, &s->scratch);
	return memmem(path.p, path.n, s->pattern, strlen(s->pattern)) != NULL;
}

/* ---- which blocks --------------------------------------------------------- */

static int
add_block(struct lp_buf *b, uint32_t block)
{
	return lp_buf_add(b, lp_span(&block, sizeof(block)));
}

/* The blocks of a posting that are in `old` too (or all, if there is no old). */
static int
intersect(struct lp_span posting, const struct lp_buf *old, struct lp_buf *out)
{
	const uint32_t *have = old != NULL ? (const uint32_t *)(const void *)old->p : NULL;
	size_t n = old != NULL ? old->n / sizeof(*have) : 0, i = 0;
	int64_t block = -1;
	int rc = LP_OK;

	lp_buf_clear(out);
	while (rc == LP_OK && (old == NULL || i < n) && lp_posting_next(&posting, &block)) {
		while (old != NULL && i < n && have[i] < block)
			i++;
		if (old == NULL || (i < n && have[i] == block))
			rc = add_block(out, (uint32_t)block);
	}
	return rc;
}

/* The posting of one gram. 1, 0 if no path of the listing has it, or a failure. */
static int
posting_of(struct search *s, int64_t listing, uint32_t gram, struct lp_span *out)
{
	int rc;

	lp_stmt_int(&s->posting, 1, listing);
	lp_stmt_int(&s->posting, 2, gram);
	rc = lp_stmt_step(&s->posting);
	if (rc == 1)
		*out = lp_stmt_get(&s->posting, 0);
	return rc;
}

/* Candidates: blocks with all the grams. *out is their array, NULL for all blocks; LP_E_ABSENT if there can be none. */
static int
candidates(struct search *s, int64_t listing, struct lp_buf **out)
{
	struct lp_buf *old = NULL, *now = &s->blocks[0];

	for (size_t i = 0; i < s->ngrams; i++) {
		struct lp_span posting;
		int rc = posting_of(s, listing, s->gram[i], &posting);

		if (rc == 1) {
			rc = intersect(posting, old, now);
			lp_stmt_reset(&s->posting);
		} else if (rc == 0) {
			return LP_E_ABSENT;
		}
		if (rc != LP_OK)
			return rc;
		if (now->n == 0)
			return LP_E_ABSENT;
		old = now;
		now = old == &s->blocks[0] ? &s->blocks[1] : &s->blocks[0];
	}
	*out = old;
	return LP_OK;
}

/* ---- which paths ---------------------------------------------------------- */

static int
hand_on(struct search *s, struct lp_stmt *row)
{
	struct lp_span path = lp_buf_span(&s->path), type = lp_stmt_get(row, 2);
	struct lp_cache_hit hit = {
		.layer = s->digest, .origin = s->origin, .path = lp_span(path.p + 1, path.n - 1), .size = lp_stmt_get_int(row, 1),
		.type = type.n > 0 ? (char)type.p[0] : '-',
	};
	const char *ref = (const char *)s->refs.p, *end = ref + s->refs.n;
	int rc = LP_OK;

	if (s->refs.n == 0) {
		/* nobody's claim, but true only for who names the table */
		hit.toc = s->origin.n == 0 ? s->toc : lp_span(NULL, 0);
		return s->fn(s->arg, &hit);
	}
	for (; ref < end && rc == LP_OK; ref += strlen(ref) + 1) {
		hit.image = lp_span_str(ref);
		rc = s->fn(s->arg, &hit);
	}
	return rc;
}

static int
look_at(void *arg, struct lp_stmt *row)
{
	struct search *s = arg;
	int rc = lp_cache_path(&s->path, lp_stmt_get(row, 0));
	int found = rc == LP_OK ? matches(s) : rc;

	return found > 0 ? hand_on(s, row) : found;
}

/* Look at the paths from number `first` up to, but not including, `end`. */
static int
look(struct search *s, int64_t listing, int64_t first, int64_t end)
{
	lp_stmt_int(&s->rows, 1, listing);
	lp_stmt_int(&s->rows, 2, first);
	lp_stmt_int(&s->rows, 3, end);
	return lp_cache_each(s->cache, &s->rows, look_at, s);
}

static int
add_ref(void *arg, struct lp_stmt *row)
{
	struct search *s = arg;

	if (lp_stmt_get_int(row, 1) == 0) {
		s->elsewhere = 1;
		return LP_OK;
	}
	return lp_buf_add(&s->refs, lp_stmt_get(row, 0)) == LP_OK ? lp_buf_addc(&s->refs, 0) : LP_E_NOMEM;
}

static int
find_refs(struct search *s, int64_t listing)
{
	lp_buf_clear(&s->refs);
	s->elsewhere = 0;
	lp_stmt_int(&s->images, 1, listing);
	lp_stmt_text(&s->images, 2, s->image);
	return lp_cache_each(s->cache, &s->images, add_ref, s);
}

static int
search_listing(void *arg, struct lp_stmt *row)
{
	struct search *s = arg;
	int64_t listing = lp_stmt_get_int(row, 0);
	struct lp_buf *blocks = NULL;
	int rc = candidates(s, listing, &blocks);

	if (rc == LP_E_ABSENT)
		return LP_OK;
	s->digest = lp_stmt_get(row, 1);
	s->origin = lp_stmt_get(row, 3);
	s->toc = lp_stmt_get(row, 4);
	rc = rc != LP_OK ? lp_cache_failed(s->cache, rc) : find_refs(s, listing);
	if (rc == LP_OK && s->refs.n == 0 && s->elsewhere)
		return LP_OK;
	if (rc == LP_OK && blocks == NULL)
		return look(s, listing, 0, INT64_MAX);
	for (size_t i = 0; rc == LP_OK && i < blocks->n; i += sizeof(uint32_t)) {
		uint32_t block;

		memcpy(&block, blocks->p + i, sizeof(block));
		rc = look(s, listing, (int64_t)block * LP_GRAM_BLOCK, ((int64_t)block + 1) * LP_GRAM_BLOCK);
	}
	return rc;
}

/* ---- the whole ------------------------------------------------------------ */

/* Slashes, and components of a dot alone, that a pattern has behind a slash. */
static const char *
skip_slashes(const char *p)
{
	while (*p == '/' || (*p == '.' && (p[1] == '/' || p[1] == '\0')))
		p++;
	return p;
}

/* A pattern in the form that indexed paths have. Where a bracket expression ends is fnmatch(3)'s secret: there we stop. */
static int
normal_glob(const char *p, struct lp_buf *out)
{
	int rc = lp_buf_addc(out, '/');

	for (p = skip_slashes(p); *p != '\0' && *p != '[' && rc == LP_OK;) {
		if (*p == '/') {
			p = skip_slashes(p);
			rc = *p != '\0' ? lp_buf_addc(out, '/') : LP_OK;
			continue;
		}
		if (*p == '\\' && p[1] != '\0')
			rc = lp_buf_addc(out, *p++);
		rc = rc != LP_OK ? rc : lp_buf_addc(out, *p++);
	}
	return rc != LP_OK ? rc : lp_buf_adds(out, p);
}

static int
prepare(struct search *s)
{
	struct lp_db *db = &s->cache->db;
	int rc = lp_stmt_init(db, &s->posting, "SELECT blocks FROM gram WHERE listing = ? AND gram = ?");

	rc = rc != LP_OK ? rc : lp_stmt_init(db, &s->rows,
	    "SELECT name, size, type FROM entry WHERE listing = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq");
	rc = rc != LP_OK ? rc : lp_stmt_init(db, &s->images,
	    "SELECT DISTINCT ref, " LP_CACHE_SHOWN " = ?1 FROM listing JOIN image_layer ON image_layer.layer = listing.layer"
	    " JOIN image ON image.id = image WHERE listing.id = ?1 AND (?2 = '' OR ref = ?2) AND " LP_CACHE_SERVES("listing")
	    " ORDER BY ref");
	return rc;
}

static void
release(struct search *s)
{
	lp_stmt_release(&s->posting);
	lp_stmt_release(&s->rows);
	lp_stmt_release(&s->images);
	lp_buf_release(&s->normal);
	lp_buf_release(&s->path);
	lp_buf_release(&s->scratch);
	lp_buf_release(&s->refs);
	lp_buf_release(&s->blocks[0]);
	lp_buf_release(&s->blocks[1]);
}

/* The pattern, and which grams paths that match have. */
static int
understand(struct search *s, const char *pattern)
{
	struct lp_span text = lp_span_str(pattern);

	s->pattern = pattern;
	if (!s->glob) {
		s->ngrams = lp_grams_of(text, s->gram, GRAMS_MAX);
		return LP_OK;
	}
	if (normal_glob(pattern, &s->normal) != LP_OK || (s->pattern = lp_buf_cstr(&s->normal)) == NULL)
		return LP_E_NOMEM;
	s->ngrams = lp_grams_of_glob(lp_buf_span(&s->normal), s->gram, GRAMS_MAX);
	return LP_OK;
}

int
lp_cache_search(struct lp_cache *c, const struct lp_cache_scope *scope, const char *pattern, int glob,
    lp_cache_hit_fn *fn, void *arg)
{
	struct search s = { .cache = c, .glob = glob, .image = scope->image, .fn = fn, .arg = arg };
	struct lp_stmt listings;
	int rc = lp_cache_listings(c, scope, &listings);

	if (rc != LP_OK)
		return rc;
	lp_buf_init(&s.normal, SIZE_MAX);
	lp_buf_init(&s.path, LP_MAX_ROW);
	lp_buf_init(&s.scratch, LP_MAX_ROW);
	lp_buf_init(&s.refs, LP_MAX_ROW);
	lp_buf_init(&s.blocks[0], SIZE_MAX);
	lp_buf_init(&s.blocks[1], SIZE_MAX);
	/* the listings stay open to the end, so all of it is one transaction */
	rc = understand(&s, pattern);
	rc = rc != LP_OK ? rc : lp_cache_failed(c, prepare(&s));
	rc = rc != LP_OK ? rc : lp_cache_each(c, &listings, search_listing, &s);
	release(&s);
	lp_stmt_release(&listings);
	return rc;
}
