/* Keeps the points of a layer beside its verified listing. */
#include "common/base/status.h"
#include "common/cache/cache_priv.h"

/* The listing that was made of all bytes of the layer, which have its digest; LP_E_ABSENT. */
static int
find_verified(struct lp_cache *c, struct lp_span digest, int64_t *listing)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "SELECT listing.id FROM listing JOIN layer ON layer.id = layer"
	    " WHERE digest = ? AND origin = '' AND toc = '' AND complete = 1");

	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, digest);
	rc = lp_stmt_step(&s);
	*listing = rc == 1 ? lp_stmt_get_int(&s, 0) : 0;
	lp_stmt_release(&s);
	return rc == 1 ? LP_OK : rc == 0 ? LP_E_ABSENT : rc;
}

static int
forget(struct lp_cache *c, int64_t listing)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "DELETE FROM point WHERE listing = ?");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, listing);
	rc = lp_stmt_run(&s);
	lp_stmt_release(&s);
	return rc;
}

static int
insert(struct lp_cache *c, int64_t listing, lp_cache_next_point *next, void *arg)
{
	struct lp_cache_point p;
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "INSERT INTO point VALUES(?, ?, ?, ?, ?, ?)");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, listing);
	for (int64_t seq = 0; rc == LP_OK && (rc = next(arg, &p)) == 1; seq++) {
		lp_db_allow(&c->db, 1024 + 4 * (int64_t)p.window.n);
		lp_stmt_int(&s, 2, seq);
		lp_stmt_int(&s, 3, p.compressed);
		lp_stmt_int(&s, 4, p.plain);
		lp_stmt_int(&s, 5, p.bits);
		if (p.window.n > 0)
			lp_stmt_blob(&s, 6, p.window);
		else
			lp_stmt_null(&s, 6);
		rc = lp_stmt_run(&s);
	}
	lp_stmt_release(&s);
	return rc;
}

int
lp_cache_put_points(struct lp_cache *c, struct lp_span digest, lp_cache_next_point *next, void *arg)
{
	int64_t listing = 0;
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = find_verified(c, digest, &listing);
	rc = rc != LP_OK ? rc : forget(c, listing);
	rc = rc != LP_OK ? rc : insert(c, listing, next, arg);
	rc = rc != LP_OK ? rc : lp_db_exec(&c->db, "COMMIT");
	if (rc == LP_OK)
		return rc;
	rc = rc == LP_E_ABSENT ? rc : lp_cache_failed(c, rc);
	(void)lp_db_exec(&c->db, "ROLLBACK");
	return rc;
}

struct each {
	lp_cache_point_fn *fn;
	void *arg;
	int64_t n;
};

static int
one(void *arg, struct lp_stmt *s)
{
	struct each *e = arg;
	struct lp_cache_point p = { .compressed = lp_stmt_get_int(s, 0), .plain = lp_stmt_get_int(s, 1),
		.bits = lp_stmt_get_int(s, 2), .window = lp_stmt_get(s, 3) };

	e->n++;
	return e->fn(e->arg, &p);
}

int
lp_cache_points(struct lp_cache *c, struct lp_span digest, lp_cache_point_fn *fn, void *arg)
{
	struct each e = { fn, arg, 0 };
	struct lp_stmt s;
	int64_t listing = 0;
	int rc = find_verified(c, digest, &listing);

	if (rc != LP_OK)
		return rc == LP_E_ABSENT ? rc : lp_cache_failed(c, rc);
	rc = lp_stmt_init(&c->db, &s, "SELECT compressed, plain, bits, window FROM point WHERE listing = ? ORDER BY seq");
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_int(&s, 1, listing);
	rc = lp_cache_each(c, &s, one, &e);
	lp_stmt_release(&s);
	return rc == LP_OK && e.n == 0 ? LP_E_ABSENT : rc;
}
