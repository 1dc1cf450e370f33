#include "common/sys/db.h"

#include <sqlite3.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/status.h"

enum { WAIT_MS = 60000, PATIENCE = 600, PAUSE_NS = 50 * 1000 * 1000 };

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

int
lp_db_open(struct lp_db *db, const char *path, enum lp_db_mode mode)
{
	int flags = mode == LP_DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int rc = mode == LP_DB_STILL ? open_still(db, path) :
	    sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return status_of(rc);
	sqlite3_extended_result_codes(db->handle, 1);
	/* what comes out of a damaged file must not run as code */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return status_of(sqlite3_busy_timeout(db->handle, WAIT_MS));
}

void
lp_db_close(struct lp_db *db)
{
	sqlite3_close(db->handle);
	db->handle = NULL;
}

const char *
lp_db_why(const struct lp_db *db)
{
	return sqlite3_errmsg(db->handle);
}

int
lp_db_exec(struct lp_db *db, const char *sql)
{
	return status_of(sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int
lp_db_exec_patiently(struct lp_db *db, const char *sql)
{
	const struct timespec pause = { 0, PAUSE_NS };
	int rc = SQLITE_OK;

	for (int i = 0; i < PATIENCE; i++) {
		rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY)
			break;
		nanosleep(&pause, NULL);
	}
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
lp_db_last_key(const struct lp_db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}
