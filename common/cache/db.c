/* The only file that calls SQLite. */
#include "common/cache/db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/status.h"

/* Of waiting for others: first and longest nap. */
enum { NAP_NS = 1000 * 1000, NAP_MAX_NS = 50 * 1000 * 1000 };

/*
 * Steps of SQLite's machine: what a byte can ask for (measured: at most 3
 * where all images are listed, 1 where rows are read or deleted), what any
 * file may ask for, and how many are done before they are counted.
 */
enum { STEPS_A_BYTE = 16, STEPS = 4 * 1000 * 1000, STEPS_AT_ONCE = 10000 };

/* Bytes of SQLite's memory: a cache of 32 MiB (cache/cache_open.c), some rows, and what sorting needs. */
static const int64_t heap_max = 160 * 1024 * 1024;

static int
status_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
		return LP_OK;
	case SQLITE_NOMEM:
		return LP_E_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_ERROR: /* a table or column that is not there: somebody else's file */
	case SQLITE_INTERRUPT: /* by on_steps */
		return LP_E_DATA;
	case SQLITE_TOOBIG:
		return LP_E_LIMIT;
	default:
		return LP_E_SYS;
	}
}

/* https://sqlite.org/uri.html: what ends a path in a URI, or begins an escape, is escaped. */
static int
open_still(struct lp_db *db, const char *path)
{
	struct lp_buf uri;
	char escaped[4];
	int rc;

	lp_buf_init(&uri, LP_MAX_PATH * 3 + 64);
	rc = lp_buf_adds(&uri, path[0] == '/' ? "file://" : "file:");
	for (const char *p = path; *p != '\0' && rc == LP_OK; p++) {
		snprintf(escaped, sizeof(escaped), strchr("%?#", *p) != NULL ? "%%%02x" : "%c", *p);
		rc = lp_buf_adds(&uri, escaped);
	}
	rc = rc != LP_OK ? rc : lp_buf_adds(&uri, "?immutable=1");
	rc = rc != LP_OK || lp_buf_cstr(&uri) == NULL ? SQLITE_NOMEM : sqlite3_open_v2((const char *)uri.p, &db->handle,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	lp_buf_release(&uri);
	return rc;
}

/* ":memory:" and the like are names of files to us. */
static int
open_named(struct lp_db *db, const char *path, int flags)
{
	char *name = NULL;
	int rc = asprintf(&name, "%s%s", path[0] == '/' ? "" : "./", path) < 0 ? SQLITE_NOMEM :
	    sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);

	free(name);
	return rc;
}

static int
open_as(struct lp_db *db, const char *path, enum lp_db_mode mode)
{
	switch (mode) {
	case LP_DB_WRITE: return open_named(db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	case LP_DB_READ: return open_named(db, path, SQLITE_OPEN_READONLY);
	case LP_DB_STILL: return open_still(db, path);
	default: return sqlite3_open_v2(":memory:", &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	}
}

/* Sleep a little if there is patience left; whether there was. */
static int
nap(struct lp_db *db, int nth)
{
	int64_t ns = nth < 6 ? (int64_t)NAP_NS << nth : NAP_MAX_NS;
	struct timespec t = { 0 };

	if (db->patience_ns <= 0)
		return 0;
	t.tv_nsec = ns < db->patience_ns ? ns : db->patience_ns;
	db->patience_ns -= ns;
	nanosleep(&t, NULL);
	return 1;
}

static int
on_busy(void *arg, int nth)
{
	return nap(arg, nth);
}

static int
on_steps(void *arg)
{
	struct lp_db *db = arg;

	db->work -= STEPS_AT_ONCE;
	return db->work < 0;
}

static void
distrust(struct lp_db *db)
{
	static const struct { int limit, value; } limits[] = {
		/* a row's text, and what else is in its record */
		{ SQLITE_LIMIT_LENGTH, 2 * LP_MAX_ROW }, { SQLITE_LIMIT_ATTACHED, 0 }, { SQLITE_LIMIT_WORKER_THREADS, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 4 },
	};
	static const struct { int option, on; } options[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		sqlite3_limit(db->handle, limits[i].limit, limits[i].value);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		sqlite3_db_config(db->handle, options[i].option, options[i].on, NULL);
	sqlite3_hard_heap_limit64(heap_max);
	sqlite3_progress_handler(db->handle, STEPS_AT_ONCE, on_steps, db);
}

int
lp_db_open(struct lp_db *db, const char *path, enum lp_db_mode mode)
{
	int rc = open_as(db, path, mode);

	db->patience_ns = 0;
	db->work = STEPS;
	if (rc != SQLITE_OK)
		return status_of(rc);
	sqlite3_extended_result_codes(db->handle, 1);
	distrust(db);
	rc = sqlite3_busy_handler(db->handle, on_busy, db);
	return rc != SQLITE_OK ? status_of(rc) : lp_db_exec(db, "PRAGMA cell_size_check = ON");
}

void
lp_db_close(struct lp_db *db)
{
	sqlite3_close(db->handle);
	db->handle = NULL;
}

/* https://sqlite.org/fileformat2.html: bytes 18 and 19 are 2 in WAL mode, which no memory has. */
int
lp_db_load(struct lp_db *db, unsigned char *bytes, size_t n)
{
	enum { WRITE_VERSION = 18, HEADER = 100 };

	if (n >= HEADER)
		memset(bytes + WRITE_VERSION, 1, 2);
	lp_db_allow(db, (int64_t)n);
	return status_of(sqlite3_deserialize(db->handle, "main", bytes, (sqlite3_int64)n, (sqlite3_int64)n,
	    SQLITE_DESERIALIZE_READONLY));
}

void
lp_db_patience(struct lp_db *db, unsigned seconds)
{
	db->patience_ns = (int64_t)seconds * 1000 * 1000 * 1000;
}

void
lp_db_allow(struct lp_db *db, int64_t bytes)
{
	db->work += bytes < (INT64_MAX - db->work) / STEPS_A_BYTE ? bytes * STEPS_A_BYTE : 0;
}

int
lp_db_bytes(struct lp_db *db, int64_t *out)
{
	int64_t pages = 0, size = 0;
	int rc = lp_db_number(db, "PRAGMA page_count", &pages);

	rc = rc != LP_OK ? rc : lp_db_number(db, "PRAGMA page_size", &size);
	*out = pages * size;
	return rc;
}

const char *
lp_db_why(const struct lp_db *db)
{
	if (db->work < 0)
		return "damaged: it asks for more work than a database of its size can";
	return sqlite3_errmsg(db->handle);
}

int
lp_db_exec(struct lp_db *db, const char *sql)
{
	int rc;

	/* changing the journal does not wait for others by itself; what did wait has no patience left */
	for (int i = 0; (rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL) & 0xff) == SQLITE_BUSY && nap(db, i); i++)
		;
	return status_of(rc);
}

int
lp_db_number(struct lp_db *db, const char *sql, int64_t *out)
{
	struct lp_stmt s;
	int rc = lp_stmt_init(db, &s, sql);

	if (rc != LP_OK)
		return rc;
	rc = lp_stmt_step(&s);
	if (rc == 1)
		*out = lp_stmt_get_int(&s, 0);
	lp_stmt_release(&s);
	return rc == 1 ? LP_OK : rc == 0 ? LP_E_DATA : rc;
}

int
lp_db_check(struct lp_db *db, char *why, size_t n)
{
	struct lp_stmt s;
	struct lp_span text = { NULL, 0 };
	int rc = lp_stmt_init(db, &s, "PRAGMA integrity_check(1)");

	if (rc == LP_OK && lp_stmt_step(&s) == 1)
		text = lp_stmt_get(&s, 0);
	if (rc == LP_OK && lp_span_is(text, "ok")) {
		lp_stmt_release(&s);
		return LP_OK;
	}
	if (text.n > 0)
		snprintf(why, n, "%.*s", (int)(text.n < n ? text.n : n), (const char *)text.p);
	else
		snprintf(why, n, "%s", lp_db_why(db));
	lp_stmt_release(&s);
	return LP_E_DATA;
}

int
lp_stmt_init(struct lp_db *db, struct lp_stmt *s, const char *sql)
{
	return status_of(sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL));
}

void
lp_stmt_release(struct lp_stmt *s)
{
	sqlite3_finalize(s->handle);
	s->handle = NULL;
}

void
lp_stmt_int(struct lp_stmt *s, int parameter, int64_t v)
{
	sqlite3_bind_int64(s->handle, parameter, v);
}

void
lp_stmt_text(struct lp_stmt *s, int parameter, struct lp_span v)
{
	/* a NULL pointer would bind NULL, and an empty text is not that */
	sqlite3_bind_text64(s->handle, parameter, v.n > 0 ? (const char *)v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void
lp_stmt_blob(struct lp_stmt *s, int parameter, struct lp_span v)
{
	sqlite3_bind_blob64(s->handle, parameter, v.n > 0 ? (const void *)v.p : "", v.n, SQLITE_STATIC);
}

void
lp_stmt_null(struct lp_stmt *s, int parameter)
{
	sqlite3_bind_null(s->handle, parameter);
}

int
lp_stmt_step(struct lp_stmt *s)
{
	int rc = sqlite3_step(s->handle);

	if (rc == SQLITE_ROW)
		return 1;
	sqlite3_reset(s->handle);
	return status_of(rc);
}

int
lp_stmt_run(struct lp_stmt *s)
{
	int rc;

	while ((rc = lp_stmt_step(s)) == 1)
		;
	return rc;
}

void
lp_stmt_reset(struct lp_stmt *s)
{
	sqlite3_reset(s->handle);
}

int64_t
lp_stmt_get_int(struct lp_stmt *s, int column)
{
	return sqlite3_column_int64(s->handle, column);
}

struct lp_span
lp_stmt_get(struct lp_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s->handle, column);

	/* the pointer first: asking for the size may convert */
	return lp_span(p, (size_t)sqlite3_column_bytes(s->handle, column));
}

int
lp_stmt_is_null(struct lp_stmt *s, int column)
{
	return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}

int64_t
lp_db_changes(const struct lp_db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t
lp_db_last_key(const struct lp_db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}
