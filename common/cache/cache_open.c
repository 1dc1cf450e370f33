/* Opens the database: refuses foreign ones, creates, migrates, checks the schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/cache/cache_priv.h"
#include "common/sys/home.h"

/*
 * The tables as lp-cache(1), "SCHEMA" describes them. A file is ours only if
 * its schema is exactly one of these, so that nothing in it can make a
 * statement of ours do more than it says. Text that was released never
 * changes.
 */
#define APPLICATION_ID 0x4c50636b /* "LPck": what file(1) knows the file by */

#define IMAGE_LAYER_INDEX "CREATE INDEX image_layer_layer ON image_layer(layer)"
#define ENTRY                                                                        \
	"CREATE TABLE entry(\n"                                                      \
	"  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,\n"     \
	"  seq INTEGER NOT NULL,\n"                                                  \
	"  name TEXT NOT NULL,\n"                                                    \
	"  type TEXT NOT NULL,\n"                                                    \
	"  mode INTEGER NOT NULL,\n"                                                 \
	"  uid INTEGER NOT NULL,\n"                                                  \
	"  gid INTEGER NOT NULL,\n"                                                  \
	"  size INTEGER NOT NULL,\n"                                                 \
	"  mtime INTEGER,\n"                                                         \
	"  mtime_nsec INTEGER,\n"                                                    \
	"  linkname TEXT,\n"                                                         \
	"  line TEXT,\n"                                                             \
	"  PRIMARY KEY(listing, seq)\n"                                              \
	") STRICT, WITHOUT ROWID"
#define GRAM                                                                         \
	"CREATE TABLE gram(\n"                                                       \
	"  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,\n"     \
	"  gram INTEGER NOT NULL,\n"                                                 \
	"  blocks BLOB NOT NULL,\n"                                                  \
	"  PRIMARY KEY(listing, gram)\n"                                             \
	") STRICT, WITHOUT ROWID"

/* The first two are those of all versions, the last one is new in version 3. */
enum { OBJECTS = 10, UNCHANGED = 2, NEW_IN_3 = OBJECTS - 1 };
static const char *const schema1[OBJECTS] = {
	ENTRY, GRAM,
	"CREATE TABLE layer(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  digest TEXT NOT NULL UNIQUE,\n"
	"  size INTEGER\n"
	") STRICT",
	"CREATE TABLE image(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  ref TEXT NOT NULL UNIQUE\n"
	") STRICT",
	"CREATE TABLE image_layer(\n"
	"  image INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,\n"
	"  idx INTEGER NOT NULL,\n"
	"  layer INTEGER NOT NULL REFERENCES layer(id),\n"
	"  PRIMARY KEY(image, idx)\n"
	") STRICT, WITHOUT ROWID",
	IMAGE_LAYER_INDEX,
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
	") STRICT",
	"CREATE VIEW path AS\n"
	"  SELECT image.ref AS image, image_layer.idx AS idx, layer.digest AS layer, entry.*"
	"  FROM entry JOIN listing ON listing.id = entry.listing JOIN layer ON layer.id = listing.layer\n"
	"  LEFT JOIN image_layer ON image_layer.layer = layer.id LEFT JOIN image ON image.id = image_layer.image",
};

static const char *const schema3[OBJECTS] = {
	ENTRY, GRAM,
	"CREATE TABLE layer(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  digest TEXT NOT NULL UNIQUE\n"
	") STRICT",
	"CREATE TABLE image(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  ref TEXT NOT NULL UNIQUE,\n"
	"  origin TEXT NOT NULL\n"
	") STRICT",
	"CREATE TABLE image_layer(\n"
	"  image INTEGER NOT NULL REFERENCES image(id) ON DELETE CASCADE,\n"
	"  idx INTEGER NOT NULL,\n"
	"  layer INTEGER NOT NULL REFERENCES layer(id),\n"
	"  toc TEXT NOT NULL,\n"
	"  PRIMARY KEY(image, idx)\n"
	") STRICT, WITHOUT ROWID",
	IMAGE_LAYER_INDEX,
	"CREATE TABLE listing(\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  layer INTEGER NOT NULL REFERENCES layer(id),\n"
	"  origin TEXT NOT NULL,\n"
	"  toc TEXT NOT NULL,\n"
	"  complete INTEGER CHECK(complete IN (0, 1)),\n"
	"  head INTEGER,\n"
	"  size INTEGER,\n"
	"  entries INTEGER NOT NULL,\n"
	"  added INTEGER NOT NULL,\n"
	"  header TEXT,\n"
	"  trailer TEXT,\n"
	"  newline INTEGER NOT NULL,\n"
	"  UNIQUE(layer, origin, toc)\n"
	") STRICT",
	"CREATE VIEW shown AS\n"
	"  SELECT image_layer.image, idx, " LP_CACHE_SHOWN " AS listing\n"
	"  FROM image_layer JOIN image ON image.id = image_layer.image",
	"CREATE VIEW path AS\n"
	"  SELECT image.ref AS image, shown.idx AS idx, layer.digest AS layer, listing.origin AS origin, entry.*\n"
	"  FROM entry JOIN listing ON listing.id = entry.listing JOIN layer ON layer.id = listing.layer\n"
	"  LEFT JOIN shown ON shown.listing = listing.id LEFT JOIN image ON image.id = shown.image",
	"CREATE TABLE point(\n"
	"  listing INTEGER NOT NULL REFERENCES listing(id) ON DELETE CASCADE,\n"
	"  seq INTEGER NOT NULL,\n"
	"  compressed INTEGER NOT NULL,\n"
	"  plain INTEGER NOT NULL,\n"
	"  bits INTEGER NOT NULL,\n"
	"  window BLOB,\n"
	"  UNIQUE(listing, seq)\n"
	") STRICT",
};

/* Version 2 is version 3 but for the last object. */
static const char *const *const schemas[] = { NULL, schema1, schema3, schema3 };
enum { SCHEMA = sizeof(schemas) / sizeof(schemas[0]) - 1 };

/* Nobody knows where the listings of schema 1 came from: they are the claims of nobody who could be asked for. */
static const char from1[] =
    "CREATE TEMP TABLE layer1 AS SELECT * FROM layer;"
    "CREATE TEMP TABLE image1 AS SELECT * FROM image;"
    "CREATE TEMP TABLE image_layer1 AS SELECT * FROM image_layer;"
    "CREATE TEMP TABLE listing1 AS SELECT * FROM listing;"
    "DROP VIEW path; DROP TABLE listing; DROP TABLE image_layer; DROP TABLE image; DROP TABLE layer;";
static const char to2[] =
    "INSERT INTO layer SELECT id, digest FROM layer1;"
    "INSERT INTO image SELECT id, ref, 'unknown' FROM image1;"
    "INSERT INTO image_layer SELECT image, idx, layer, '' FROM image_layer1;"
    "INSERT INTO listing SELECT listing1.id, layer, 'unknown', '', complete, head, size, entries, added, header, trailer,"
    "  newline FROM listing1 JOIN layer1 ON layer1.id = layer;"
    "DROP TABLE layer1; DROP TABLE image1; DROP TABLE image_layer1; DROP TABLE listing1;";

/* ---- whose it is ---------------------------------------------------------- */

struct state {
	int64_t id, version, objects;
};

static int
refuse(struct lp_cache *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	return LP_E_DATA;
}

/* How many objects a version has. */
static int
objects(int64_t version)
{
	int n = version == 2 ? NEW_IN_3 : OBJECTS;

	while (n > 0 && schemas[version][n - 1] == NULL)
		n--;
	return n;
}

static int
is_object(int64_t version, struct lp_span sql)
{
	for (int i = 0; i < objects(version); i++)
		if (lp_span_is(sql, schemas[version][i]))
			return 1;
	return 0;
}

/* Each object is one of the schema's, and none is missing: no two have the same name. */
static int
has_schema(struct lp_cache *c, const struct state *st)
{
	int missing = objects(st->version), foreign = 0, rc;
	struct lp_stmt s;

	rc = lp_stmt_init(&c->db, &s, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'");
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	while ((rc = lp_stmt_step(&s)) == 1) {
		foreign |= !is_object(st->version, lp_stmt_get(&s, 0));
		missing--;
	}
	lp_stmt_release(&s);
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	return missing != 0 || foreign ? refuse(c, "its tables are not those of lp-cache") : LP_OK;
}

static int
is_ours(struct lp_cache *c, struct state *st)
{
	int rc = lp_db_number(&c->db, "PRAGMA application_id", &st->id);

	rc = rc != LP_OK ? rc : lp_db_number(&c->db, "PRAGMA user_version", &st->version);
	rc = rc != LP_OK ? rc : lp_db_number(&c->db,
	    "SELECT coalesce(sum(name NOT GLOB 'sqlite_*'), 0) FROM sqlite_schema", &st->objects);
	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	if (st->id == 0 && st->version == 0 && st->objects == 0)
		return LP_OK; /* new */
	if (st->id != APPLICATION_ID || st->version < 1)
		return refuse(c, "a database, but not of listings");
	if (st->version <= SCHEMA)
		return has_schema(c, st);
	snprintf(c->why, sizeof(c->why), "written by a later version of lp-cache (schema %d, this one knows %d)",
	    (int)st->version, SCHEMA);
	return LP_E_DATA;
}

/* Only read, in one transaction: somebody else's database is left as it is. */
static int
look(struct lp_cache *c, struct state *st)
{
	int rc = lp_db_exec(&c->db, "BEGIN"), end;

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = is_ours(c, st);
	end = lp_db_exec(&c->db, "ROLLBACK");
	return rc != LP_OK ? rc : lp_cache_failed(c, end);
}

/* ---- new, and brought up to date ------------------------------------------ */

/* The objects of this version from the `first` on. */
static int
make(struct lp_cache *c, int first)
{
	char numbers[96];
	int rc = LP_OK;

	for (int i = first; i < OBJECTS && rc == LP_OK; i++)
		rc = lp_db_exec(&c->db, schema3[i]);
	snprintf(numbers, sizeof(numbers), "PRAGMA user_version = %d; PRAGMA application_id = %d", SCHEMA, APPLICATION_ID);
	return rc != LP_OK ? rc : lp_db_exec(&c->db, numbers);
}

/* A table that is dropped is walked through at once: it must be sound. */
static int
migrate(struct lp_cache *c)
{
	char check[200];
	int rc = lp_db_check(&c->db, check, sizeof(check));

	if (rc != LP_OK)
		return rc;
	rc = lp_db_exec(&c->db, from1);
	rc = rc != LP_OK ? rc : make(c, UNCHANGED);
	return rc != LP_OK ? rc : lp_db_exec(&c->db, to2);
}

/* Two processes may find an old file, or none, at the same time: the second one finds it new once it may write. */
static int
bring_up(struct lp_cache *c)
{
	struct state st = { 0 };
	int rc = lp_db_exec(&c->db, "BEGIN IMMEDIATE");

	if (rc != LP_OK)
		return lp_cache_failed(c, rc);
	rc = is_ours(c, &st);
	if (rc == LP_OK && st.version < SCHEMA)
		rc = lp_cache_failed(c, st.version == 0 ? make(c, 0) : st.version == 2 ? make(c, NEW_IN_3) : migrate(c));
	rc = rc != LP_OK ? rc : lp_cache_failed(c, lp_db_exec(&c->db, "COMMIT"));
	if (rc != LP_OK)
		(void)lp_db_exec(&c->db, "ROLLBACK");
	return rc;
}

static int
settle(struct lp_cache *c)
{
	struct state st = { 0 };
	int64_t bytes = 0;
	int rc = lp_cache_failed(c, lp_db_exec(&c->db, "PRAGMA temp_store = MEMORY"));

	rc = rc != LP_OK ? rc : lp_cache_failed(c, lp_db_bytes(&c->db, &bytes));
	lp_db_allow(&c->db, bytes);
	rc = rc != LP_OK ? rc : look(c, &st);
	/* what must be said before the first table is made */
	if (rc == LP_OK && st.version == 0 && !c->read_only)
		rc = lp_cache_failed(c, lp_db_exec(&c->db, "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"));
	if (rc == LP_OK && st.version < SCHEMA && c->read_only)
		rc = refuse(c, st.version == 0 ? "empty" : "written by an earlier version of lp-cache, and may not be written now");
	if (rc == LP_OK && st.version < SCHEMA)
		rc = bring_up(c);
	return rc != LP_OK ? rc : lp_cache_failed(c, lp_db_exec(&c->db,
	    "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768"));
}

/* ---- open ----------------------------------------------------------------- */

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

static int
open_it(struct lp_cache *c, const char *path, int to_read)
{
	if (to_read && !is_there(path, "", F_OK))
		return lp_db_open(&c->db, path, LP_DB_MEMORY);
	if (to_read && is_there(path, "", R_OK) && !lp_home_may_write(path, 1))
		return open_to_read(c, path);
	return lp_db_open(&c->db, path, LP_DB_WRITE);
}

int
lp_cache_open(struct lp_cache *c, const char *path, int to_read, unsigned patience)
{
	int rc;

	*c = (struct lp_cache){ 0 };
	lp_buf_init(&c->label, LP_MAX_PATH);
	lp_buf_init(&c->origin, LP_MAX_ROW);
	lp_buf_init(&c->toc, LP_MAX_ROW);
	rc = open_it(c, path, to_read);
	lp_db_patience(&c->db, patience);
	rc = rc != LP_OK ? lp_cache_failed(c, rc) : settle(c);
	if (rc == LP_E_DATA && c->damaged)
		explain(c);
	return rc;
}

void
lp_cache_close(struct lp_cache *c)
{
	lp_db_close(&c->db);
	lp_buf_release(&c->label);
	lp_buf_release(&c->origin);
	lp_buf_release(&c->toc);
}
