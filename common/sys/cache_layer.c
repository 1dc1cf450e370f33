#include "common/base/status.h"
#include "common/sys/cache_priv.h"

int
lp_cache_run(struct lp_cache *c, const char *sql, struct lp_span text, int64_t a, int64_t b, int64_t *out)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, sql);

	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, text);
	lp_stmt_int(&s, 2, a);
	if (a < 0)
		lp_stmt_null(&s, 2);
	lp_stmt_int(&s, 3, b);
	rc = lp_stmt_step(&s);
	if (out != NULL)
		*out = rc == 1 ? lp_stmt_get_int(&s, 0) : 0;
	if (rc == 1)
		rc = lp_stmt_run(&s);
	lp_stmt_release(&s);
	return rc;
}

int
lp_cache_put_layer(struct lp_cache *c, const struct lp_cache_layer *l, int64_t *layer)
{
	int rc = lp_cache_run(c, "INSERT INTO layer(digest, size) VALUES(?1, ?2)"
	    " ON CONFLICT(digest) DO UPDATE SET size = coalesce(excluded.size, size) RETURNING id",
	    l->digest, l->size, 0, layer);

	if (rc != LP_OK || l->image.n == 0)
		return rc;
	rc = lp_cache_run(c, "INSERT INTO image(ref) VALUES(?1) ON CONFLICT DO NOTHING", l->image, 0, 0, NULL);
	rc = rc != LP_OK ? rc : lp_cache_run(c, "INSERT INTO image_layer(image, idx, layer)"
	    " VALUES((SELECT id FROM image WHERE ref = ?1), ?2, ?3)"
	    " ON CONFLICT DO UPDATE SET layer = excluded.layer", l->image, l->index, *layer, NULL);
	if (rc == LP_OK && l->of >= 0)
		rc = lp_cache_run(c, "DELETE FROM image_layer WHERE image = (SELECT id FROM image WHERE ref = ?1) AND idx >= ?2",
		    l->image, l->of, 0, NULL);
	return rc;
}

int
lp_cache_keep_layer(struct lp_cache *c, const struct lp_cache_layer *l)
{
	int64_t layer;
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	rc = rc != LP_OK ? rc : lp_cache_put_layer(c, l, &layer);
	return rc != LP_OK ? rc : lp_db_exec(&c->db, "COMMIT");
}

int
lp_cache_belongs(struct lp_cache *c, const struct lp_cache_layer *l)
{
	struct lp_stmt s;
	int known, rc = lp_stmt_init(&c->db, &s, "SELECT 1 FROM image_layer JOIN image ON image.id = image_layer.image"
	    " JOIN layer ON layer.id = image_layer.layer WHERE image.ref = ?1 AND image_layer.idx = ?2 AND layer.digest = ?3");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, l->image);
	lp_stmt_int(&s, 2, l->index);
	lp_stmt_text(&s, 3, l->digest);
	known = lp_stmt_step(&s);
	lp_stmt_release(&s);
	/* mostly it is: then nobody has to wait for a writer */
	return known == 1 ? LP_OK : known < 0 ? lp_cache_failed(c, known) : lp_cache_failed(c, lp_cache_keep_layer(c, l));
}
