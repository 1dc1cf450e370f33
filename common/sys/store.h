/*
 * The store (lp(5), "The store"): an OCI image layout that may also hold
 * parts of blobs. Everything in it is named by content, so nothing in it
 * ever goes stale, and everything can be fetched again, so nothing in it is
 * ever trusted: what is read is checked first.
 *
 *   oci-layout  index.json  blobs/sha256/HEX
 *   ranges/sha256/HEX/FIRST-LAST    bytes FIRST to LAST of blob HEX
 *   sums/sha256/HEX/FIRST-LAST      sha256 of each LP_STORE_CHUNK of that file
 *                                   (of a whole blob as well)
 *   tmp/                            files being written; each locked by its writer
 *
 * A file appears under its name only whole (written in tmp/, renamed), so
 * any number of processes may fill one store, and each may be killed at any
 * moment. Digests are C strings `sha256:HEX` that lp_digest_valid() has
 * seen; here they become file names.
 *
 * Every path is opened relative to the directory given, after the lock too.
 */
#ifndef LP_SYS_STORE_H
#define LP_SYS_STORE_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/sys/hash.h"

enum {
	LP_STORE_CHUNK = 256 * 1024,
	LP_STORE_PATH = 160 /* room for any path inside the store, and its NUL */
};

struct lp_store;

enum lp_store_mode {
	LP_STORE_READ,  /* must exist, is never written: an oci: source, or offline */
	LP_STORE_WRITE  /* made if it does not exist; one that is there and may not be written is opened to be read */
};

/*
 * Open the directory `dir`. LP_OK; LP_E_SYS (errno), LP_E_DATA if it is no
 * OCI layout of version 1, LP_E_ABSENT if it does not exist (READ), with
 * *why set to static text.
 */
int lp_store_open(struct lp_store **, const char *dir, enum lp_store_mode, const char **why);
void lp_store_close(struct lp_store *); /* NULL is fine */

/* Why a store that was to be written may only be read (EACCES, EROFS); 0 if that is not so. */
int lp_store_refusal(const struct lp_store *);

/* ---- reading ---------------------------------------------------------- */

/* What the store knows of a blob at some position. */
struct lp_store_piece {
	uint64_t n;    /* bytes kept from there on without a gap; 0: none */
	uint64_t next; /* if none: where the next kept byte is; UINT64_MAX: nowhere */
	int64_t size;  /* of the whole blob, if the store has it whole; else -1 */
};
/* LP_OK, LP_E_SYS or LP_E_NOMEM. */
int lp_store_find(struct lp_store *, const char *digest, uint64_t at, struct lp_store_piece *);

typedef int lp_store_sink(void *arg, struct lp_span bytes);

/*
 * Pass on bytes `at` to `at + n - 1`, as far as one file has them, each
 * chunk checked before any byte of it leaves. *done counts what was passed,
 * on failure too. LP_OK (with *done <= n), LP_E_DATA if a file turned out
 * to be corrupted: it was taken out of the store (if that may be written),
 * and what it held is to be fetched again. LP_E_SYS, LP_E_NOMEM, or what
 * the sink failed with.
 */
int lp_store_read(struct lp_store *, const char *digest, uint64_t at, uint64_t n,
    lp_store_sink *, void *arg, uint64_t *done);

/*
 * A whole blob, appended to the buffer, its digest checked. LP_OK,
 * LP_E_ABSENT, LP_E_DATA (as lp_store_read), LP_E_LIMIT above the buffer's
 * maximum, LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_get(struct lp_store *, const char *digest, struct lp_buf *);

/* ---- writing ---------------------------------------------------------- */

/* A range on its way in. */
struct lp_store_put {
	struct lp_store *store;
	char digest[LP_DIGEST_SIZE];
	uint64_t first;
	uint64_t n;         /* bytes written so far */
	int fd;             /* of the file in tmp/; -1: none */
	char tmp[LP_STORE_PATH];
	struct lp_hash hash; /* of the chunk being filled */
	struct lp_buf sums;
};

/*
 * Begin with byte `first`; add as bytes arrive; end makes of what was added
 * (nothing: fine) a range that stays, abort forgets it. After a failure
 * only abort is of use. LP_OK, LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_put_begin(struct lp_store_put *, struct lp_store *, const char *digest, uint64_t first);
int lp_store_put_add(struct lp_store_put *, struct lp_span);
int lp_store_put_end(struct lp_store_put *);
void lp_store_put_abort(struct lp_store_put *);

/*
 * If the ranges kept cover the whole blob of `size` bytes: check its digest
 * and make it a blob. LP_OK (also if it is one already), LP_E_ABSENT if
 * something is missing, LP_E_DATA if the digest does not match: the ranges
 * were dropped. LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_promote(struct lp_store *, const char *digest, uint64_t size);

/* A whole small blob (a manifest, a config). LP_E_DATA if the digest is not that of the bytes. */
int lp_store_put_blob(struct lp_store *, const char *digest, struct lp_span);

/* ---- index.json -------------------------------------------------------- */

/* Its bytes, appended. LP_OK, LP_E_ABSENT, LP_E_LIMIT, LP_E_SYS, LP_E_NOMEM. */
int lp_store_index(struct lp_store *, struct lp_buf *);

/*
 * Replace it by what `edit` makes of it (`old` is never empty), while no
 * other process of ours does; if `edit` fails or gives the same bytes,
 * nothing is changed.
 */
typedef int lp_store_edit(void *arg, struct lp_span old, struct lp_buf *now);
int lp_store_index_edit(struct lp_store *, lp_store_edit *, void *arg);

/* ---- upkeep ------------------------------------------------------------ */

struct lp_store_gc {
	uint64_t kept;    /* bytes of blobs and ranges that stay */
	uint64_t removed; /* bytes of files that went */
	uint64_t files;   /* number of them */
};

/*
 * Remove files of dead writers, sums without their file, and then ranges
 * and blobs, least recently used first, until at most `max` bytes remain.
 * What index.json leads to in one step (manifests) goes last.
 */
int lp_store_gc(struct lp_store *, uint64_t max, struct lp_store_gc *);

#endif
