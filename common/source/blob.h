/*
 * A SOURCE, opened: one way to read bytes FIRST to LAST of a blob, wherever
 * it is. What is on a server is read through the store, if there is one:
 * what the store has is used, what is missing is fetched and kept.
 */
#ifndef LP_SOURCE_BLOB_H
#define LP_SOURCE_BLOB_H

#include <stdint.h>

#include "common/base/digest.h"
#include "common/base/range.h"
#include "common/net/remote.h"
#include "common/oci/reference.h"
#include "common/source/env.h"

struct lp_blob {
	const struct lp_env *env;
	char name[512];              /* fit to print, without credentials */
	char digest[LP_DIGEST_SIZE]; /* "" for none */
	int64_t size;                /* of the whole; -1 until it is known; `remote` learns it as well */

	int fd;                      /* a file or stdin; else -1 */
	int seeks;                   /* it is a file, and `base` its first byte */
	uint64_t base;
	uint64_t at;                 /* next byte of what does not seek */
	struct lp_store *layout;     /* oci: */
	struct lp_store_blob kept;   /* what the layout or the store has of it; its store is NULL if there is none */
	int damaged;                 /* some of that was corrupted, in this run */
	int unkept;                  /* the store does not take it, which was said */
	uint64_t fetched;            /* bytes that the store did not have */

	/* large, and not cleared where they need not be: a list of sources opens many */
	struct lp_reference ref;
	struct lp_remote remote;     /* a registry's or a URL's */
	char why[2048];              /* what failed, fit to print, without the name */
};

/* Whether a source of that kind needs env->http, unless offline. */
int lp_blob_is_remote(const struct lp_reference *);

/*
 * Open what is local, and look at no byte of it; before the lock. `text` is the SOURCE; `digest` (or
 * NULL) and `size` (or -1) are what the user says the descriptor says.
 * LP_OK; LP_E_USAGE, LP_E_SYS, LP_E_DATA, LP_E_ABSENT or LP_E_NOMEM with
 * `why` set. Release it in any case.
 */
int lp_blob_open(struct lp_blob *, const struct lp_env *, const char *text, const char *digest,
    int64_t size);
void lp_blob_release(struct lp_blob *);

/*
 * Turn a range as asked for into the bytes that it means, learning the size
 * if it takes that (a suffix does), or if the store has the whole blob. The
 * end is LP_RANGE_END, or beyond the end, where the size stays unknown. All
 * of an empty blob is no failure, unless `strict`. LP_OK, or a failure with
 * `why` set: LP_E_ABSENT if a layout does not have the blob.
 */
int lp_blob_resolve(struct lp_blob *, const struct lp_range_spec *, int strict, struct lp_range *);

typedef int lp_blob_sink(void *arg, struct lp_span bytes);

/*
 * How far may be asked for, when `at` is the next byte: an inclusive last
 * byte, not below `at`. May wait until the answer is worth asking for.
 * LP_OK, or a failure, which ends the reading.
 */
typedef int lp_blob_pace(void *arg, uint64_t at, uint64_t *last);

/*
 * Bytes first to last (or to the end, if that comes first) to the sink;
 * *at is the first byte it did not get. `pace` may be NULL: all at once.
 *
 * LP_OK; then size is known if `last` was LP_RANGE_END. LP_E_ABSENT: offline,
 * and the store does not have it. LP_E_DATA, LP_E_NET, LP_E_SYS, LP_E_NOMEM,
 * with `why` set; or what the sink failed with. What was fetched until then
 * is in the store.
 */
int lp_blob_read(struct lp_blob *, uint64_t first, uint64_t last, lp_blob_sink *, lp_blob_pace *,
    void *arg, uint64_t *at);

/*
 * As lp_blob_read for a file, by the kernel alone, without a look at the
 * bytes: as far as that works, which may be nowhere; lp_blob_read does the
 * rest. LP_OK, or LP_E_PIPE.
 */
int lp_blob_send(struct lp_blob *, int fd, uint64_t last, uint64_t *at);

/* Everything before byte `at` was read: who shares a standard input that is a file goes on there. */
void lp_blob_taken(const struct lp_blob *, uint64_t at);

/*
 * Make a blob of the store of what is there, if that is all of it; if all
 * that was read of it (`wrong`) did not have the digest, a blob of the store
 * is looked at again. LP_OK (also if something is missing), LP_E_DATA if the
 * digest is wrong, LP_E_SYS or LP_E_NOMEM, with `why` set.
 */
int lp_blob_promote(struct lp_blob *, int wrong);

/* Its bytes are not those of its digest: whether a mirror has sent them, which is not asked again, and another place can be. */
int lp_blob_distrust(const struct lp_blob *);

/* ---- the same piece by piece, for who reads many at once (source/fill.h) ------ */

/*
 * What the store or the layout has from byte `at` on; its size becomes the
 * blob's if it is there whole. LP_OK, LP_E_DATA if it is to have another
 * size, LP_E_SYS or LP_E_NOMEM.
 */
int lp_blob_find(struct lp_blob *, uint64_t at, struct lp_store_piece *);

/* What is at some byte of a remote blob. */
struct lp_blob_gap {
	uint64_t kept; /* bytes of the wanted ones that a file of the store has from there on */
	uint64_t last; /* if none: the last byte of what it lacks */
};
/* `last` is the last byte wanted, or LP_RANGE_END. LP_OK, LP_E_SYS, LP_E_DATA or LP_E_NOMEM. */
int lp_blob_gap(struct lp_blob *, uint64_t at, uint64_t last, struct lp_blob_gap *);

/*
 * What a transfer of b->remote ended with: `first` is the first byte wanted
 * of the blob, `at` the next one. Takes over the size and, as `why`, the
 * remote's words. LP_OK also where there is nothing behind what was read.
 */
int lp_blob_got(struct lp_blob *, int rc, uint64_t first, uint64_t at);

/* Offline, and that gap: LP_E_ABSENT, or LP_E_DATA if they are corrupted, with `why` naming the bytes. */
int lp_blob_missing(struct lp_blob *, uint64_t at, uint64_t last);

/*
 * Pass on bytes that lp_blob_gap called kept; *at moves with them. What
 * turns out to be corrupted, or has gone, is a gap then, and LP_OK.
 */
int lp_blob_use_kept(struct lp_blob *, uint64_t *at, uint64_t n, lp_blob_sink *, void *arg);

/* On their way into the store, several ranges long if need be. */
struct lp_blob_keep {
	struct lp_blob *blob;
	struct lp_store_put put;
	int open;
};
int lp_blob_keep_add(struct lp_blob_keep *, uint64_t at, struct lp_span);
int lp_blob_keep_end(struct lp_blob_keep *);

#endif
