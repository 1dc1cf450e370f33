/* Bytes of what is on a server: the store's, and into the store what it lacks. */
#include "common/base/status.h"
#include "common/source/blob_priv.h"
#include "common/sys/err.h"

enum {
	/*
	 * What a kill may cost: a range is kept when it is this long or ends.
	 * Shorter ones would have to be copied together for larger blobs.
	 */
	KEEP_MAX = 64 * 1024 * 1024
};

/* ---- into the store ---------------------------------------------------------------- */

int
lp_blob_keep_end(struct lp_blob_keep *k)
{
	int rc;

	if (!k->open)
		return LP_OK;
	k->open = 0;
	if (k->blob->unkept) {
		lp_store_put_abort(&k->put);
		return LP_OK;
	}
	rc = lp_store_put_end(&k->put);
	return lp_blob_not_kept(k->blob, rc);
}

int
lp_blob_keep_add(struct lp_blob_keep *k, uint64_t at, struct lp_span s)
{
	struct lp_blob *b = k->blob;
	int rc = LP_OK;

	b->fetched += s.n;
	if (lp_env_keeper(b->env) == NULL || b->kept.store == NULL || b->unkept)
		return LP_OK;
	if (k->open && (k->put.first + k->put.n != at || k->put.n >= KEEP_MAX))
		rc = lp_blob_keep_end(k);
	if (rc == LP_OK && !k->open && !b->unkept) {
		rc = lp_store_put_begin(&k->put, &b->kept, at);
		k->open = rc == LP_OK;
	}
	if (rc == LP_OK && k->open)
		rc = lp_store_put_add(&k->put, s);
	return lp_blob_not_kept(b, rc);
}

/* Where bytes that arrive go: into the store, then on. */
struct way {
	struct lp_blob_keep keep;
	lp_blob_sink *sink;
	void *arg;
	uint64_t first, at;
};

static int
both(void *arg, struct lp_span s)
{
	struct way *w = arg;
	int rc = lp_blob_keep_add(&w->keep, w->at, s);

	rc = rc != LP_OK ? rc : w->sink(w->arg, s);
	if (rc == LP_OK)
		w->at += s.n;
	return rc;
}

/* ---- the store and what it lacks, in turn ------------------------------------------- */

int
lp_blob_missing(struct lp_blob *b, uint64_t at, uint64_t last)
{
	const char *where = b->env->store != NULL ? "are not in the store" : "are not here";

	if (b->damaged)
		return lp_blob_fail(b, LP_E_DATA, "the store's copy is corrupted behind byte %llu", ULL(at));
	if (b->env->store != NULL && b->digest[0] == '\0')
		where = "cannot be in a store: it has no digest (say it with --digest)";
	if (last == LP_RANGE_END)
		return lp_blob_fail(b, LP_E_ABSENT, "offline, and bytes from %llu on %s", ULL(at), where);
	return lp_blob_fail(b, LP_E_ABSENT, "offline, and bytes %llu-%llu %s", ULL(at), ULL(last), where);
}

/* One gap of what the store has, from w->at to `last`. */
static int
fill_gap(struct lp_blob *b, struct way *w, uint64_t last, lp_blob_pace *pace)
{
	uint64_t now = last, at;
	int rc = LP_OK;

	if (b->env->offline)
		return lp_blob_missing(b, w->at, last);
	if (pace != NULL)
		rc = pace(w->arg, w->at, &now);
	if (rc != LP_OK)
		return rc;
	/* to ask again and again would be to begin again and again: a reader who is slow holds the one answer up */
	if (b->remote.no_ranges)
		now = last;
	rc = lp_remote_get(&b->remote, w->at, now < last ? now : last, both, w, &at);
	return lp_blob_got(b, rc, w->first, w->at);
}

int
lp_blob_got(struct lp_blob *b, int rc, uint64_t first, uint64_t at)
{
	/* the size was not known, and only the byte behind the last one tells it */
	if (rc == LP_E_DATA && at > first && b->size == (int64_t)at)
		return LP_OK;
	return lp_blob_remote_failed(b, rc);
}

int
lp_blob_use_kept(struct lp_blob *b, uint64_t *at, uint64_t n, lp_blob_sink *sink, void *arg)
{
	struct lp_span part;
	int rc = LP_OK;

	while (rc == LP_OK && n > 0) {
		rc = lp_store_read(&b->kept, *at, n, &part);
		if (rc == LP_E_SYS)
			return lp_blob_fail_errno(b, "the store");
		if (rc == LP_E_DATA)
			lp_blob_damaged(b, *at);
		if (rc == LP_E_DATA || (rc == LP_OK && part.n == 0))
			return LP_OK;
		rc = rc != LP_OK ? rc : sink(arg, part);
		if (rc == LP_OK) {
			*at += part.n;
			n -= part.n;
		}
	}
	return rc;
}

int
lp_blob_gap(struct lp_blob *b, uint64_t at, uint64_t last, struct lp_blob_gap *out)
{
	struct lp_store_piece piece;
	int rc = lp_blob_find(b, at, &piece);

	if (b->size > 0 && last > (uint64_t)b->size - 1)
		last = (uint64_t)b->size - 1;
	out->kept = piece.n == 0 ? 0 : piece.n - 1 < last - at ? piece.n : last - at + 1;
	out->last = piece.next != UINT64_MAX && piece.next <= last ? piece.next - 1 : last;
	return rc;
}

static int
read_through(struct lp_blob *b, struct way *w, uint64_t last, lp_blob_pace *pace)
{
	struct lp_blob_gap gap = { 0 };
	int rc = LP_OK;

	while (rc == LP_OK && w->at <= last && (b->size < 0 || w->at < (uint64_t)b->size)) {
		rc = lp_blob_gap(b, w->at, last, &gap);
		if (rc == LP_OK && gap.kept > 0) {
			rc = lp_blob_keep_end(&w->keep);
			rc = rc != LP_OK ? rc : lp_blob_use_kept(b, &w->at, gap.kept, w->sink, w->arg);
		} else if (rc == LP_OK) {
			rc = fill_gap(b, w, gap.last, pace);
		}
	}
	return rc;
}

int
lp_blob_read_remote(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, lp_blob_pace *pace, void *arg, uint64_t *at)
{
	struct way w = { .keep.blob = b, .sink = sink, .arg = arg, .first = *at, .at = *at };
	int rc = read_through(b, &w, last, pace), end;

	/* what arrived stays, however it ended */
	end = lp_blob_keep_end(&w.keep);
	*at = w.at;
	return rc != LP_OK ? rc : end;
}
