#include "common/sys/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/sys/cache_priv.h"
#include "common/sys/home.h"

/* "LPck": what file(1) and we know the file by. */
#define APPLICATION_ID "0x4c50636b"

/* Each step takes a file from the version that is its index to the next one. Steps that were released never change. */
static const char *const migrations[] = {
	"CREATE TABLE layer(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  digest TEXT NOT NULL UNIQUE,\n"
	"  size INTEGER\n"
	") STRICT;"
	"CREATE TABLE image(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  ref TEXT NOT NULL UNIQUE\n"
	") STRICT;"
	"CREATE TABLE image_layer(\n"
	"  image INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,\n"
	"  idx INTEGER NOT NULL,\n"
	"  layer INTEGER NOT NULL REFERENCES layer(id),\n"
	"  PRIMARY KEY(image, idx)\n"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX image_layer_layer ON image_layer(layer);"
	"CREATE TABLE listing(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  layer INTEGER NOT NULL UNIQUE REFERENCES layer(id),\n"
	"  complete INTEGER CHECK(complete IN (0, 1)),\n"
	"  head INTEGER,\n"
	"  entries INTEGER NOT NULL,\n"
	"  added INTEGER NOT NULL,\n"
	"  header TEXT,\n"
	"  trailer TEXT,\n"
	"  newline INTEGER NOT NULL\n"
	") STRICT;"
	"CREATE TABLE entry(\n"
	"  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,\n"
	"  seq INTEGER NOT NULL,\n"
	"  name TEXT NOT NULL,\n"
	"  type TEXT NOT NULL,\n"
	"  mode INTEGER NOT NULL,\n"
	"  uid INTEGER NOT NULL,\n"
	"  gid INTEGER NOT NULL,\n"
	"  size INTEGER NOT NULL,\n"
	"  mtime INTEGER,\n"
	"  mtime_nsec INTEGER,\n"
	"  linkname TEXT,\n"
	"  line TEXT,\n"
	"  PRIMARY KEY(listing, seq)\n"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE gram(\n"
	"  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,\n"
	"  gram INTEGER NOT NULL,\n"
	"  blocks BLOB NOT NULL,\n"
	"  PRIMARY KEY(listing, gram)\n"
	") STRICT, WITHOUT ROWID;"
	"CREATE VIEW path AS\n"
	"  SELECT image.ref AS image, image_layer.idx AS idx, layer.digest AS layer, entry.*"
	"  FROM entry JOIN listing ON listing.id = entry.listing JOIN layer ON layer.id = listing.layer\n"
	"  LEFT JOIN image_layer ON image_layer.layer = layer.id LEFT JOIN image ON image.id = image_layer.image;",
};
enum { SCHEMA = sizeof(migrations) / sizeof(migrations[0]) };

int
lp_cache_failed(struct lp_cache *c, int status)
{
	if (status < 0) {
		snprintf(c->why, sizeof(c->why), "%s", lp_db_why(&c->db));
		c->damaged = status == LP_E_DATA;
	}
	return status;
}

int
lp_cache_each(struct lp_cache *c, struct lp_stmt *s, lp_cache_row_fn *row, void *arg)
{
	int rc;

	while ((rc = lp_stmt_step(s)) == 1) {
		rc = row(arg, s);
		if (rc != LP_OK) {
			lp_stmt_reset(s);
			return rc;
		}
	}
	return lp_cache_failed(c, rc);
}

static int
migrate_from(struct lp_cache *c, int64_t version)
{
	char sql[64];
	int rc = LP_OK;

	for (; version < SCHEMA && rc == LP_OK; version++)
		rc = lp_db_exec(&c->db, migrations[version]);
	if (rc == LP_OK) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA);
		rc = lp_db_exec(&c->db, sql);
	}
	return rc == LP_OK ? lp_db_exec(&c->db, "PRAGMA application_id = " APPLICATION_ID) : rc;
}

/* Somebody else's database must not get our tables. */
static int
is_ours(struct lp_cache *c, int64_t version)
{
	int64_t id = 0, tables = 0;
	int rc = lp_db_number(&c->db, "PRAGMA application_id", &id);

	rc = rc != LP_OK ? rc : lp_db_number(&c->db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	if (version > SCHEMA) {
		snprintf(c->why, sizeof(c->why), "written by a later version of lp-cache (schema %d, this one knows %d)",
		    (int)version, SCHEMA);
		return LP_E_DATA;
	}
	if (tables > 0 && id != strtol(APPLICATION_ID, NULL, 16)) {
		snprintf(c->why, sizeof(c->why), "a database, but not of listings");
		return LP_E_DATA;
	}
	return LP_OK;
}

/* Two processes may find an old file at the same time: the second finds it new once it may write. */
static int
migrate(struct lp_cache *c)
{
	int64_t version = 0;
	int rc = lp_db_number(&c->db, "PRAGMA user_version", &version);

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = is_ours(c, version);
	if (rc != LP_OK || version == SCHEMA)
		return rc;
	rc = lp_db_exec_patiently(&c->db, "BEGIN IMMEDIATE");
	rc = rc != LP_OK ? rc : lp_db_number(&c->db, "PRAGMA user_version", &version);
	rc = rc != LP_OK ? rc : migrate_from(c, version);
	rc = rc != LP_OK ? rc : lp_db_exec(&c->db, "COMMIT");
	return lp_cache_failed(c, rc);
}

/* What SQLite's own check says of a file that could not be used, behind what stopped us. */
static void
explain(struct lp_cache *c)
{
	char check[200];
	size_t n = strlen(c->why);

	if (c->db.handle == NULL || lp_db_check(&c->db, check, sizeof(check)) == LP_OK)
		return;
	if (n < sizeof(c->why) && strcmp(check, c->why) != 0)
		snprintf(c->why + n, sizeof(c->why) - n, "; integrity check: %s", check);
}

/* What must be said before the first table is made, and would only cost a write later. */
static int
prepare_new(struct lp_cache *c)
{
	int64_t version = 0;
	int rc = lp_db_number(&c->db, "PRAGMA user_version", &version);

	/* changing the journal does not wait for others by itself */
	return rc != LP_OK || version > 0 ? rc :
	    lp_db_exec_patiently(&c->db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
}

static int
is_there(const char *path, const char *suffix, int how)
{
	char *name = NULL;
	int yes = asprintf(&name, "%s%s", path, suffix) >= 0 && access(name, how) == 0;

	free(name);
	return yes;
}

/* A journal in use is read with the rest; where there is none, and none can be made to lock, nobody is writing. */
static int
open_to_read(struct lp_cache *c, const char *path)
{
	int64_t version;
	int rc = lp_db_open(&c->db, path, LP_DB_READ);

	c->read_only = 1;
	rc = rc != LP_OK ? rc : lp_db_number(&c->db, "PRAGMA user_version", &version);
	if (rc != LP_E_SYS || is_there(path, "-wal", F_OK))
		return rc;
	lp_db_close(&c->db);
	return lp_db_open(&c->db, path, LP_DB_STILL);
}

int
lp_cache_open(struct lp_cache *c, const char *path, int to_read)
{
	int rc;

	*c = (struct lp_cache){ 0 };
	lp_buf_init(&c->label, LP_MAX_PATH);
	if (to_read && is_there(path, "", R_OK) && !lp_home_may_write(path, 1))
		rc = open_to_read(c, path);
	else
		rc = lp_db_open(&c->db, path, LP_DB_WRITE);
	rc = rc != LP_OK ? rc : prepare_new(c);
	rc = rc != LP_OK ? rc : lp_db_exec(&c->db,
	    "PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768");
	if (rc != LP_OK) {
		lp_cache_failed(c, rc);
		if (rc == LP_E_DATA)
			explain(c);
		return rc;
	}
	rc = migrate(c);
	if (rc == LP_E_DATA && c->damaged)
		explain(c);
	return rc;
}

void
lp_cache_close(struct lp_cache *c)
{
	lp_db_close(&c->db);
	lp_buf_release(&c->label);
}

int
lp_cache_path(struct lp_buf *b, struct lp_span name)
{
	int rc;

	lp_buf_clear(b);
	rc = lp_path_join(b, name);
	rc = rc != LP_OK ? rc : lp_buf_reserve(b, 1);
	if (rc != LP_OK)
		return rc;
	memmove(b->p + 1, b->p, b->n++);
	b->p[0] = '/';
	return LP_OK;
}

/* ---- questions ------------------------------------------------------------ */

static int64_t
int_or(struct lp_stmt *s, int column, int64_t none)
{
	return lp_stmt_is_null(s, column) ? none : lp_stmt_get_int(s, column);
}

static enum lp_complete
complete_at(struct lp_stmt *s, int column)
{
	if (lp_stmt_is_null(s, column))
		return LP_COMPLETE_UNKNOWN;
	return lp_stmt_get_int(s, column) != 0 ? LP_COMPLETE_YES : LP_COMPLETE_NO;
}

int
lp_cache_find(struct lp_cache *c, struct lp_span digest, int64_t head, struct lp_cache_found *f)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s,
	    "SELECT listing.id, complete, head, size, entries FROM listing JOIN layer ON layer.id = listing.layer"
	    " WHERE digest = ?");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, digest);
	rc = lp_stmt_step(&s);
	if (rc == 1) {
		*f = (struct lp_cache_found){
			.listing = lp_stmt_get_int(&s, 0), .complete = complete_at(&s, 1), .head = int_or(&s, 2, -1),
			.size = int_or(&s, 3, -1), .entries = lp_stmt_get_int(&s, 4),
		};
		rc = f->complete == LP_COMPLETE_YES || f->head >= head || head < 0 ? LP_OK : LP_E_ABSENT;
	} else if (rc == 0) {
		rc = LP_E_ABSENT;
	} else {
		lp_cache_failed(c, rc);
	}
	lp_stmt_release(&s);
	return rc;
}

/* Whether the scope names something that exists. */
static int
known(struct lp_cache *c, const char *sql, struct lp_span name)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s, sql);

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(&s, 1, name);
	rc = lp_stmt_step(&s);
	lp_stmt_release(&s);
	return rc == 1 ? LP_OK : rc == 0 ? LP_E_ABSENT : lp_cache_failed(c, rc);
}

int
lp_cache_listings(struct lp_cache *c, const struct lp_cache_scope *scope, struct lp_stmt *s)
{
	int rc = scope->image.n > 0 ? known(c, "SELECT 1 FROM image WHERE ref = ?", scope->image) : LP_OK;

	if (rc == LP_OK && scope->layer.n > 0)
		rc = known(c, "SELECT 1 FROM layer WHERE digest = ?", scope->layer);
	if (rc != LP_OK)
		return rc;
	rc = lp_stmt_init(&c->db, s,
	    "SELECT listing.id, layer.digest, layer.id FROM listing JOIN layer ON layer.id = listing.layer"
	    " WHERE (?1 = '' OR layer.id IN (SELECT layer FROM image_layer"
	    "   WHERE image = (SELECT id FROM image WHERE ref = ?1)))"
	    " AND (?2 = '' OR layer.digest = ?2) ORDER BY layer.digest");
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	lp_stmt_text(s, 1, scope->image);
	lp_stmt_text(s, 2, scope->layer);
	return LP_OK;
}

struct image_reader {
	lp_cache_image_fn *fn;
	void *arg;
};

static int
hand_on_image(void *arg, struct lp_stmt *s)
{
	const struct image_reader *r = arg;
	struct lp_cache_image i = {
		.image = lp_stmt_get(s, 0), .index = lp_stmt_get_int(s, 1), .digest = lp_stmt_get(s, 2),
		.size = int_or(s, 3, -1), .entries = int_or(s, 4, -1), .complete = complete_at(s, 5),
	};

	return r->fn(r->arg, &i);
}

int
lp_cache_images(struct lp_cache *c, lp_cache_image_fn *fn, void *arg)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(&c->db, &s,
	    "SELECT ref, idx, digest, size, entries, complete FROM image JOIN image_layer ON image_layer.image = image.id"
	    " JOIN layer ON layer.id = image_layer.layer LEFT JOIN listing ON listing.layer = layer.id ORDER BY ref, idx");

	struct image_reader r = { fn, arg };

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = lp_cache_each(c, &s, hand_on_image, &r);
	lp_stmt_release(&s);
	return rc;
}

int
lp_cache_stat(struct lp_cache *c, struct lp_cache_stat *st)
{
	const struct { const char *sql; int64_t *out; } t[] = {
		{ "PRAGMA user_version", &st->schema },
		{ "SELECT count(*) FROM image", &st->images },
		{ "SELECT count(*) FROM layer", &st->layers },
		{ "SELECT count(*) FROM listing", &st->listings },
		{ "SELECT count(*) FROM listing WHERE complete = 1", &st->complete },
		{ "SELECT count(*) FROM listing WHERE complete = 0", &st->previews },
		{ "SELECT coalesce(sum(entries), 0) FROM listing", &st->entries },
		{ "SELECT count(*) FROM gram", &st->grams },
		{ "SELECT (page_count - freelist_count) * page_size"
		  " FROM pragma_page_count, pragma_freelist_count, pragma_page_size", &st->bytes },
	};
	int rc = LP_OK;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]) && rc == LP_OK; i++)
		rc = lp_db_number(&c->db, t[i].sql, t[i].out);
	return lp_cache_failed(c, rc);
}
