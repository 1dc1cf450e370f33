/*
 * What the files of the store share. For store*.c only.
 *
 *   store.c       paths, opening and making one, which pieces of a blob are there
 *   store_read.c  pieces on their way out, checked against their sums
 *   store_put.c   files on their way in, whole or not at all
 *   store_gc.c    the bound
 */
#ifndef LP_SYS_STORE_PRIV_H
#define LP_SYS_STORE_PRIV_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/digest.h"
#include "common/sys/store.h"

struct lp_store {
	int dir;                  /* everything is opened relative to it */
	enum lp_store_mode mode;
	int refusal;              /* errno: why it is not LP_STORE_WRITE, as was asked; or 0 */
	unsigned serial;          /* of the files that we made in tmp/ */
};

enum {
	LP_STORE_HEX = 64,
	LP_STORE_SUM = LP_STORE_HEX + 1  /* bytes of one line of a sums file */
};

/* Which file holds bytes of a blob, and which of them. */
struct lp_store_file {
	uint64_t first, last;
	int whole; /* blobs/sha256/HEX; else a range */
};

static inline const char *
lp_store_hex(const char *digest)
{
	return digest + 7;
}

/* Its path, and that of its sums. */
void lp_store_file_path(const char *digest, const struct lp_store_file *, char path[LP_STORE_PATH]);
void lp_store_sums_path(const char *digest, const struct lp_store_file *, char path[LP_STORE_PATH]);
/* The name of a range's file: FIRST-LAST, as lp_store_file_path writes it and no other way. LP_OK or LP_E_DATA. */
int lp_store_parse_name(const char *name, struct lp_store_file *);
/* KIND/sha256/HEX or KIND/sha256. */
void lp_store_dir_path(const char *kind, const char *digest, char path[LP_STORE_PATH]);

/*
 * The files that hold parts of a blob, by first byte; the caller frees the
 * array. A file whose length is not what its name says is taken out.
 * LP_OK (none: *n is 0), LP_E_SYS or LP_E_NOMEM.
 */
int lp_store_files(struct lp_store *, const char *digest, struct lp_store_file **, size_t *n);

/* The size of the blob that is there whole; -1: none is. */
int64_t lp_store_whole_size(struct lp_store *, const char *digest);

/* All of a small file below `dir`, appended. LP_OK, LP_E_ABSENT, LP_E_LIMIT, LP_E_SYS or LP_E_NOMEM. */
int lp_store_read_file(int dir, const char *path, struct lp_buf *);

/* A directory of the store, to be read. LP_OK, LP_E_ABSENT, LP_E_SYS or LP_E_NOMEM. */
int lp_store_opendir(const struct lp_store *, const char *path, DIR **);

/* mkdir of the path's directories, all but its last component. */
int lp_store_make_parents(struct lp_store *, const char *path);

/* Take a file and its sums out. */
void lp_store_drop(struct lp_store *, const char *digest, const struct lp_store_file *);

/* A new file in tmp/, locked; the descriptor, or LP_E_SYS. */
int lp_store_tmp(struct lp_store *, char path[LP_STORE_PATH]);
/* Move it to its place, making directories as needed. */
int lp_store_publish(struct lp_store *, const char *tmp, const char *path);
/* Both, for bytes at hand. */
int lp_store_write_file(struct lp_store *, const char *path, struct lp_span);
/* Remove what dead writers left in tmp/. */
void lp_store_sweep(struct lp_store *);

/*
 * Hash all of an open file: its digest, and the text of a sums file.
 * LP_OK, LP_E_SYS or LP_E_NOMEM.
 */
int lp_store_hash_file(int fd, char digest[LP_DIGEST_SIZE], struct lp_buf *sums);
/* The sums' line for one chunk. */
int lp_store_add_sum(struct lp_buf *sums, struct lp_hash *);

/* Room for a sums file: what a blob of 8 TiB needs. */
enum { LP_STORE_SUMS_MAX = 2 * 1024 * 1024 * 1024u - 1 };

#endif
