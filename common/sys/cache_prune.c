#include "common/base/status.h"
#include "common/sys/cache_priv.h"

/* Delete the oldest listing if it is older than `before`, or at all. 1 if one went. */
static int
forget_one(struct lp_cache *c, struct lp_stmt *s, int64_t before)
{
	int64_t n = 0;
	int rc;

	lp_stmt_int(s, 1, before);
	rc = lp_stmt_run(s);
	if (rc == LP_OK)
		rc = lp_db_number(&c->db, "SELECT changes()", &n);
	return rc != LP_OK ? rc : n > 0;
}

static int
forget_listings(struct lp_cache *c, int64_t before, int64_t max_bytes, int64_t *forgotten)
{
	struct lp_cache_stat st;
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "DELETE FROM listing WHERE id ="
	    " (SELECT id FROM listing WHERE added < ?1 ORDER BY added, id LIMIT 1)");

	while (rc == LP_OK && (rc = forget_one(c, &s, before)) == 1) {
		++*forgotten;
		rc = LP_OK;
	}
	while (rc == LP_OK && (rc = lp_cache_stat(c, &st)) == LP_OK && st.bytes > max_bytes &&
	    (rc = forget_one(c, &s, INT64_MAX)) == 1) {
		++*forgotten;
		rc = LP_OK;
	}
	lp_stmt_release(&s);
	return rc;
}

int
lp_cache_prune(struct lp_cache *c, int64_t before, int64_t max_bytes, int64_t *forgotten)
{
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	*forgotten = 0;
	rc = rc != LP_OK ? rc : forget_listings(c, before, max_bytes, forgotten);
	rc = rc != LP_OK ? rc : lp_db_exec(&c->db,
	    "DELETE FROM image WHERE NOT EXISTS (SELECT 1 FROM image_layer JOIN listing USING(layer)"
	    "  WHERE image_layer.image = image.id);"
	    "DELETE FROM layer WHERE id NOT IN (SELECT layer FROM image_layer) AND id NOT IN (SELECT layer FROM listing);"
	    "COMMIT");
	if (rc != LP_OK) {
		lp_cache_failed(c, rc);
		(void)lp_db_exec(&c->db, "ROLLBACK");
		return rc;
	}
	/* the pages back to the file system; a reader in the way only puts it off */
	(void)lp_db_exec(&c->db, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
	return LP_OK;
}
