/* Records which images a layer belongs to. */
#include "common/base/status.h"
#include "common/cache/cache_priv.h"

/* Run a statement that is bound; *out is the number it answers, if it does. It is released. */
static int
run(struct lp_stmt *s, int64_t *out)
{
	int rc = lp_stmt_step(s);

	if (rc == 1 && out != NULL)
		*out = lp_stmt_get_int(s, 0);
	if (rc == 1)
		rc = lp_stmt_run(s);
	lp_stmt_release(s);
	return rc;
}

/* An image of another origin is another image: what was known of its layers is not of this one. */
static int
put_image(struct lp_cache *c, const struct lp_cache_layer *l, int64_t *image)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "DELETE FROM image WHERE ref = ?1 AND origin <> ?2");

	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, l->image);
	lp_stmt_text(&s, 2, l->origin);
	rc = run(&s, NULL);
	rc = rc != LP_OK ? rc : lp_stmt_init(&c->db, &s, "INSERT INTO image(ref, origin) VALUES(?1, ?2)"
	    " ON CONFLICT DO UPDATE SET origin = origin RETURNING id");
	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, l->image);
	lp_stmt_text(&s, 2, l->origin);
	return run(&s, image);
}

static int
put_place(struct lp_cache *c, const struct lp_cache_layer *l, int64_t image, int64_t layer)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, "INSERT INTO image_layer(image, idx, layer, toc) VALUES(?1, ?2, ?3, ?4)"
	    " ON CONFLICT DO UPDATE SET layer = excluded.layer,"
	    " toc = CASE WHEN layer = excluded.layer AND excluded.toc = '' AND NOT ?5 THEN toc ELSE excluded.toc END");

	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, image);
	lp_stmt_int(&s, 2, l->index);
	lp_stmt_int(&s, 3, layer);
	lp_stmt_text(&s, 4, l->toc);
	lp_stmt_int(&s, 5, l->toc_known);
	rc = run(&s, NULL);
	if (rc != LP_OK || l->of < 0)
		return rc;
	rc = lp_stmt_init(&c->db, &s, "DELETE FROM image_layer WHERE image = ?1 AND idx >= ?2");
	if (rc != LP_OK)
		return rc;
	lp_stmt_int(&s, 1, image);
	lp_stmt_int(&s, 2, l->of);
	return run(&s, NULL);
}

int
lp_cache_put_layer(struct lp_cache *c, const struct lp_cache_layer *l, int64_t *layer)
{
	struct lp_stmt s;
	int64_t image = 0;
	int rc = lp_stmt_init(&c->db, &s, "INSERT INTO layer(digest) VALUES(?1)"
	    " ON CONFLICT DO UPDATE SET digest = digest RETURNING id");

	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, l->digest);
	rc = run(&s, layer);
	if (rc != LP_OK || l->image.n == 0)
		return rc;
	rc = put_image(c, l, &image);
	return rc != LP_OK ? rc : put_place(c, l, image, *layer);
}

/* 1 if the layer is where it belongs, and no layer is where none belongs. */
static int
is_noted(struct lp_cache *c, const struct lp_cache_layer *l)
{
	struct lp_stmt s;
	int64_t noted = 0;
	int rc = lp_stmt_init(&c->db, &s, "SELECT EXISTS (SELECT 1 FROM image_layer JOIN layer ON layer.id = layer"
	    "  WHERE image_layer.image = image.id AND idx = ?3 AND digest = ?4 AND (toc = ?5 OR ?5 = '' AND NOT ?7))"
	    " AND (?6 < 0 OR NOT EXISTS (SELECT 1 FROM image_layer WHERE image_layer.image = image.id AND idx >= ?6))"
	    " FROM image WHERE ref = ?1 AND origin = ?2");

	if (rc != LP_OK)
		return rc;
	lp_stmt_text(&s, 1, l->image);
	lp_stmt_text(&s, 2, l->origin);
	lp_stmt_int(&s, 3, l->index);
	lp_stmt_text(&s, 4, l->digest);
	lp_stmt_text(&s, 5, l->toc);
	lp_stmt_int(&s, 6, l->of);
	lp_stmt_int(&s, 7, l->toc_known);
	rc = run(&s, &noted);
	return rc != LP_OK ? rc : (int)noted;
}

static int
put_layers(struct lp_cache *c, const struct lp_cache_layer *layers, size_t n)
{
	int64_t layer = 0;
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	for (size_t i = 0; i < n && rc == LP_OK; i++)
		if (layers[i].image.n > 0)
			rc = lp_cache_put_layer(c, &layers[i], &layer);
	return rc != LP_OK ? rc : lp_db_exec(&c->db, "COMMIT");
}

int
lp_cache_note(struct lp_cache *c, const struct lp_cache_layer *layers, size_t n)
{
	int noted = 1, rc;

	/* mostly they are: then nobody has to wait for a writer */
	for (size_t i = 0; i < n && noted == 1; i++)
		noted = layers[i].image.n > 0 ? is_noted(c, &layers[i]) : 1;
	rc = noted != 0 ? (noted < 0 ? noted : LP_OK) : put_layers(c, layers, n);
	lp_cache_failed(c, rc);
	if (rc != LP_OK)
		(void)lp_db_exec(&c->db, "ROLLBACK");
	return rc;
}
