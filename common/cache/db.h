/*
 * SQLite, as much of it as we use: a file, statements, values. The one door
 * to the library; what the tables mean is cache/cache.h's.
 *
 * Answers are statuses: LP_E_SYS where the system or a lock failed,
 * LP_E_DATA where the file is no database or damaged, LP_E_NOMEM. What went
 * wrong in words is in lp_db_why().
 */
#ifndef LP_CACHE_DB_H
#define LP_CACHE_DB_H

#include <stdint.h>

#include "common/base/span.h"

struct sqlite3;
struct sqlite3_stmt;

struct lp_db {
	struct sqlite3 *handle;
	int64_t patience_ns; /* how long we shall still wait for others, in all */
	int64_t work;        /* steps of SQLite's machine that may still be done */
};

enum lp_db_mode {
	LP_DB_WRITE, /* made if need be */
	LP_DB_READ,
	LP_DB_STILL, /* read, and nobody writes meanwhile: no lock and no journal is looked for */
	LP_DB_MEMORY /* an empty one, whatever the path */
};

/*
 * Open the file. What it holds is not trusted: its views and triggers do not
 * work, functions in its schema neither, and no statement does more than
 * lp_db_allow allowed. On failure only lp_db_why and lp_db_close.
 */
int lp_db_open(struct lp_db *, const char *path, enum lp_db_mode);
void lp_db_close(struct lp_db *);

/*
 * A LP_DB_MEMORY becomes the n bytes of a file, read only, and may work on as
 * many. They stay the caller's and have to last as long as the database; a
 * mark in them that a journal is beside the file is taken off.
 */
int lp_db_load(struct lp_db *, unsigned char *bytes, size_t n);

/*
 * How many seconds to wait for other processes' locks, all waiting of this
 * database together; at first 0. Then what waited fails with LP_E_SYS.
 */
void lp_db_patience(struct lp_db *, unsigned seconds);

/*
 * So many bytes more are to be worked on: those of the file, those of what is
 * put into it. What needs more steps than that can explain is LP_E_DATA: a
 * file whose pages form a maze.
 */
void lp_db_allow(struct lp_db *, int64_t bytes);
/* Bytes of the file, with what is still in its journal. */
int lp_db_bytes(struct lp_db *, int64_t *out);

/* The last failure in words; valid until the next call. */
const char *lp_db_why(const struct lp_db *);

/* One or more statements without values or answers. */
int lp_db_exec(struct lp_db *, const char *sql);

/* The single number that a statement answers. */
int lp_db_number(struct lp_db *, const char *sql, int64_t *out);

/* Whether SQLite finds the file sound: LP_OK, or LP_E_DATA with its first complaint in *why (of `n` bytes). */
int lp_db_check(struct lp_db *, char *why, size_t n);

struct lp_stmt {
	struct sqlite3_stmt *handle;
};

/* A statement; parameters are numbered from 1, columns from 0. */
int lp_stmt_init(struct lp_db *, struct lp_stmt *, const char *sql);
void lp_stmt_release(struct lp_stmt *);

/* Values are borrowed until the statement is bound anew or released. Failures show in lp_stmt_step. */
void lp_stmt_int(struct lp_stmt *, int parameter, int64_t);
void lp_stmt_text(struct lp_stmt *, int parameter, struct lp_span);
void lp_stmt_blob(struct lp_stmt *, int parameter, struct lp_span);
void lp_stmt_null(struct lp_stmt *, int parameter);

/* 1 with a row, 0 when done (and ready to be bound and run again), or a status (and ready again). */
int lp_stmt_step(struct lp_stmt *);
/* Run to the end: LP_OK or a status. */
int lp_stmt_run(struct lp_stmt *);
/* Stop before the end. */
void lp_stmt_reset(struct lp_stmt *);

/* Values of the row; spans live until the next step. A NULL is an empty span with p == NULL, or 0. */
int64_t lp_stmt_get_int(struct lp_stmt *, int column);
struct lp_span lp_stmt_get(struct lp_stmt *, int column);
int lp_stmt_is_null(struct lp_stmt *, int column);

/* Rows that the last INSERT, UPDATE or DELETE changed. */
int64_t lp_db_changes(const struct lp_db *);

/* The key of the row that was inserted last. */
int64_t lp_db_last_key(const struct lp_db *);

#endif
