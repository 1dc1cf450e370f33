/*
 * What the files of the store share. For store*.c only.
 *
 *   store.c       names, directories, opening and making one
 *   store_blob.c  which files hold a blob
 *   store_read.c  their bytes on the way out, checked against their sums
 *   store_put.c   files on their way in, whole or not at all
 *   store_gc.c    the bound
 */
#ifndef LP_STORE_STORE_PRIV_H
#define LP_STORE_STORE_PRIV_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/store/store.h"

struct lp_store {
	int dir;                  /* everything is opened relative to it */
	enum lp_store_mode mode;
	int flat;                 /* LP_STORE_DIR; its mode is that of a layout */
	int unmarked;             /* a layout without oci-layout */
	int refusal;              /* errno: why it is not LP_STORE_WRITE, as was asked; or 0 */
	mode_t files, dirs;       /* permissions of what is made in it, but for the umask */
	unsigned serial;          /* of the files that we made */
	int patience_ms;          /* how long its lock is waited for; none once that was in vain */
};

enum {
	LP_STORE_SUM = LP_STORE_HEX + 1, /* bytes of one line of a sums file */
	LP_STORE_PATH = 256,  /* room for the path of any directory inside the store, and its NUL */
	LP_STORE_GRACE = 60,  /* seconds: what is younger may be on its way to its place */
	LP_STORE_PATIENCE_MS = 1000
};

/* A sums file is no longer than that of a blob of 8 TiB. */
#define LP_STORE_SUMS_MAX ((size_t)32 * 1024 * 1024 * LP_STORE_SUM)

/* ---- names ---------------------------------------------------------------- */

static inline const char *
lp_store_hex(const char *digest)
{
	return digest + LP_DIGEST_PREFIX;
}

/* Whether a name is hexadecimal digits, as many as one of the algorithms has: that of a blob, or of an origin. */
int lp_store_is_hex(const char *name);
/* The name of a range's file: FIRST-LAST, written in one way. Parsing gives LP_OK or LP_E_DATA. */
void lp_store_range_name(uint64_t first, uint64_t last, char name[LP_STORE_NAME]);
int lp_store_parse_name(const char *name, struct lp_store_file *);
/* The directory of whole blobs of that digest. */
void lp_store_blobs_path(const struct lp_store *, const char *digest, char path[LP_STORE_PATH]);
/* KIND/sha256, where what has as many digits as `hex` is. */
void lp_store_kind_path(const char *kind, const char *hex, char path[LP_STORE_PATH]);
/* KIND/sha256/HEX or KIND/sha256/HEX/ORIGIN; `origin` may be NULL or "". */
void lp_store_dir_path(const char *kind, const char *hex, const char *origin, char path[LP_STORE_PATH]);

/* ---- directories ------------------------------------------------------------- */

/*
 * A directory below the store, "" for the store itself, reached through
 * directories alone (in a layout also by symbolic links): its descriptor, or
 * LP_E_ABSENT or LP_E_SYS. With `make`, what is missing is made.
 */
int lp_store_dir(const struct lp_store *, const char *path, int make);
/* The same, to be listed. LP_OK, LP_E_ABSENT, LP_E_SYS or LP_E_NOMEM. */
int lp_store_list(const struct lp_store *, const char *path, DIR **);

/* A regular file, to be read: never waits, and follows symbolic links only in a layout. LP_E_ABSENT or LP_E_SYS. */
int lp_store_open_file(const struct lp_store *, int dir, const char *name, struct stat *);
/* All of a small one, appended. LP_OK, LP_E_ABSENT, LP_E_LIMIT, LP_E_SYS or LP_E_NOMEM. */
int lp_store_read_file(const struct lp_store *, int dir, const char *name, struct lp_buf *);

/*
 * Nobody else replaces or removes files meanwhile. It is held for an instant;
 * who keeps it longer, as one that is stopped, is waited for LP_STORE_PATIENCE_MS,
 * once: LP_OK, or LP_E_SYS (EBUSY), and then nothing is locked. Where the file
 * system has no locks it is done without.
 */
int lp_store_lock(struct lp_store *);
void lp_store_unlock(const struct lp_store *);

/* ---- which files hold a blob ---------------------------------------------------- */

/* List them, unless they are. LP_OK, LP_E_DATA (as lp_store_find), LP_E_SYS or LP_E_NOMEM. */
int lp_store_look(struct lp_store_blob *);
/* Have it listed again the next time. */
void lp_store_forget(struct lp_store_blob *);
/* Which of them has that byte, and reaches furthest from it; SIZE_MAX: none. */
size_t lp_store_covering(const struct lp_store_blob *, uint64_t at);
/* v[i] is not to be used any more. */
void lp_store_pass_over(struct lp_store_blob *, size_t i);

/* ---- reading ------------------------------------------------------------------- */

/* Open v[i], with its sums. LP_OK, LP_E_ABSENT if it has gone, LP_E_DATA (as lp_store_find), LP_E_SYS or LP_E_NOMEM. */
int lp_store_reading_open(struct lp_store_blob *, size_t i);
void lp_store_reading_close(struct lp_store_blob *);

/*
 * Hash all of an open file: its digest by the algorithm of `as`, and the text of a sums file.
 * LP_OK, LP_E_SYS or LP_E_NOMEM.
 */
int lp_store_hash_file(int fd, const char *as, char digest[LP_DIGEST_SIZE], struct lp_buf *sums);
/* The sums' line for one chunk. */
int lp_store_add_sum(struct lp_buf *sums, struct lp_hash *);

/* ---- writing ------------------------------------------------------------------- */

/* A new file in `dir`, locked: the descriptor, or LP_E_SYS. */
int lp_store_tmp(struct lp_store *, int dir, char name[LP_STORE_NAME]);
/* Remove a file that a dead writer left, if it has the name of one (`old`: as in tmp/, where older versions wrote). */
void lp_store_sweep(int dir, const char *name, int old);
/* Bytes at hand as a file, replacing one that is there; on disk before it has its name if `sync`. */
int lp_store_write(struct lp_store *, const char *dir, const char *name, struct lp_span, int sync);
/* The sums of a whole blob of that many bytes. */
int lp_store_write_sums(struct lp_store *, const char *digest, uint64_t size, const struct lp_buf *, int sync);
/* Take a range out with its sums, or all of an origin's; "": of all origins. */
void lp_store_drop_ranges(struct lp_store *, const char *digest, const char *origin);

#endif
