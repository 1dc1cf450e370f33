/* Deletes old listings, by age and by size. */
#include "common/base/status.h"
#include "common/cache/cache_priv.h"

static int
forget_before(struct lp_cache *c, int64_t before, int64_t *forgotten)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "DELETE FROM listing WHERE added < ?");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, before);
	rc = lp_stmt_run(&s);
	lp_stmt_release(&s);
	*forgotten += rc == LP_OK ? lp_db_changes(&c->db) : 0;
	return rc;
}

static int
bytes_used(struct lp_cache *c, int64_t *out)
{
	return lp_db_number(&c->db, "SELECT (page_count - freelist_count) * page_size"
	    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size", out);
}

/* The oldest first, until little enough is used. The order is taken before the first one goes. */
static int
forget_down_to(struct lp_cache *c, int64_t max_bytes, int64_t *forgotten)
{
	struct lp_stmt oldest = { NULL }, gone = { NULL };
	int64_t used = 0;
	int rc = lp_stmt_init(&c->db, &oldest, "SELECT id FROM listing ORDER BY added, id");

	rc = rc != LP_OK ? rc : lp_stmt_init(&c->db, &gone, "DELETE FROM listing WHERE id = ?");
	while (rc == LP_OK && (rc = bytes_used(c, &used)) == LP_OK && used > max_bytes &&
	    (rc = lp_stmt_step(&oldest)) == 1) {
		lp_stmt_int(&gone, 1, lp_stmt_get_int(&oldest, 0));
		rc = lp_stmt_run(&gone);
		++*forgotten;
	}
	lp_stmt_release(&oldest);
	lp_stmt_release(&gone);
	return rc;
}

int
lp_cache_prune(struct lp_cache *c, int64_t before, int64_t max_bytes, int64_t *forgotten)
{
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	*forgotten = 0;
	rc = rc != LP_OK ? rc : forget_before(c, before, forgotten);
	rc = rc != LP_OK ? rc : forget_down_to(c, max_bytes, forgotten);
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
	lp_db_patience(&c->db, 0);
	(void)lp_db_exec(&c->db, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
	return LP_OK;
}
