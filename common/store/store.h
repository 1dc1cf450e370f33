/*
 * The store (lp(5), "The store"): an OCI image layout that may also hold
 * parts of blobs. Everything in it can be fetched again, so nothing in it
 * is ever trusted: what is read is checked first.
 *
 *   oci-layout  index.json  blobs/sha256/HEX
 *   ranges/sha256/HEX/ORIGIN/FIRST-LAST  bytes FIRST to LAST of blob HEX, as ORIGIN serves it
 *   sums/sha256/HEX/ORIGIN/FIRST-LAST    sha256 of each LP_STORE_CHUNK of that range
 *   sums/sha256/HEX/0-LAST               the same of a whole blob
 *
 * Blobs of the other algorithms of base/digest.h lie beside, in sha384 and sha512.
 *
 * A whole blob is known by its digest and shared by all. A range cannot be
 * compared with the digest of the whole: it is the claim of the origin that
 * it came from (lp_reference_origin), kept under the sha256 of that text, and
 * never read, joined or promoted for another origin.
 *
 * The digest decides, everything else is a hint. A blob that is shorter than
 * it should be, or whose sums are damaged or absent, is hashed, and its sums
 * are written again. A range without its sums cannot be checked, and is
 * fetched again.
 *
 * A file appears under its name only whole: it is written beside its place,
 * as .lp-PID.N, and renamed, which needs no rename between directories. Any
 * number of processes may fill one store, and each may be killed at any
 * moment. A blob's bytes reach the disk before its sums have their name,
 * both before the blob has its name, and that before index.json is replaced.
 * Ranges and their sums are not synced: each is checked by the other.
 *
 * No directory of a store is reached by a symbolic link, and no file of it
 * is one. A store's files have the permissions of its directory.
 */
#ifndef LP_STORE_STORE_H
#define LP_STORE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/span.h"
#include "common/sys/hash.h"

enum {
	LP_STORE_CHUNK = 256 * 1024,
	LP_STORE_HEX = 64,     /* digits of a sha256: of an origin, of a sum */
	LP_STORE_NAME = 48     /* room for the name of a range or of a file being written, and its NUL */
};

struct lp_store;

enum lp_store_mode {
	LP_STORE_LAYOUT, /* somebody else's layout, never written: its blobs alone, which may be symbolic links */
	LP_STORE_DIR,    /* the same of skopeo's dir:, which has manifest.json, and blobs beside it */
	LP_STORE_READ,   /* must exist, is never written: offline */
	LP_STORE_WRITE   /* made if it does not exist; one that is there and may not be written is opened to be read */
};

/*
 * Open the directory `dir`. LP_OK; LP_E_SYS (errno), LP_E_DATA if it is no
 * OCI layout of version 1, LP_E_ABSENT if it does not exist (LAYOUT, READ),
 * with *why set to static text.
 *
 * Comes before the lock, which needs the directory. All it changes there is
 * to make an empty layout in an empty directory.
 */
int lp_store_open(struct lp_store **, const char *dir, enum lp_store_mode, const char **why);
void lp_store_close(struct lp_store *); /* NULL is fine */

/* Why a store that was to be written may only be read (EACCES, EROFS); 0 if that is not so. */
int lp_store_refusal(const struct lp_store *);

/* Whether it is a layout without the file oci-layout, as `buildx --output type=oci,tar=false` left them. */
int lp_store_is_unmarked(const struct lp_store *);

/*
 * After LP_E_SYS with EACCES: the symbolic link that leads out of a layout, by its path in it, on the way to
 * a blob, or, for NULL, to index.json; NULL if that was not it.
 */
#define LP_STORE_WAY_OUT "a symbolic link out of the layout, which is not followed (cp -rL makes a layout without links)"
const char *lp_store_way_out(const struct lp_store *, const char *digest);

/* ---- a blob, as one origin serves it ------------------------------------ */

/* A file that holds bytes of a blob. */
struct lp_store_file {
	uint64_t first, last;
	int whole;   /* blobs/sha256/HEX; else a range */
	int bad;     /* seen to be corrupted, and still there */
	size_t best; /* which of the files up to this one reaches furthest; SIZE_MAX: none */
};

struct lp_store_blob {
	struct lp_store *store;
	char digest[LP_DIGEST_SIZE];
	char origin[LP_STORE_HEX + 1]; /* sha256 of the origin's text; "": none, only the whole blob will do */

	/* the rest belongs to store*.c */
	struct lp_store_file *v; /* the files there are, by first byte */
	size_t n, cap;
	int listed;
	int whole_bad;           /* blobs/sha256/HEX is corrupted, and cannot be taken out */
	int ranges, sums;        /* the directories of the ranges and of their sums, or -1 */
	struct lp_store_reading {
		int fd;          /* of v[i], or -1 */
		size_t i;
		uint64_t size;
		struct lp_buf sums;   /* a line for each chunk; empty: it cannot be checked */
		unsigned char *chunk; /* the last one that was read and checked */
		uint64_t chunk_i;
		size_t chunk_n;       /* 0: none */
	} in;
};

/* `origin` is the text; an empty one is none. Release it in any case. */
void lp_store_blob_init(struct lp_store_blob *, struct lp_store *, const char *digest, struct lp_span origin);
void lp_store_blob_release(struct lp_store_blob *); /* one that is all zero is fine */

/* What the store has of it at some position. */
struct lp_store_piece {
	uint64_t n;    /* bytes from there on that one file has; 0: none */
	uint64_t next; /* if none: where the next byte that is there is; UINT64_MAX: nowhere */
	int64_t size;  /* of the whole blob, if it is there whole and was checked; else -1 */
};

/*
 * LP_OK; LP_E_DATA if a file turned out to be corrupted: it was taken out
 * (or, where that cannot be, is passed over from now on), and the question
 * is to be asked again, which comes to an end. LP_E_SYS or LP_E_NOMEM.
 */
int lp_store_find(struct lp_store_blob *, uint64_t at, struct lp_store_piece *);

/*
 * The next checked bytes from `at` on, at most n of them and at most a chunk,
 * borrowed until the next call; empty if nothing is there any more. Results
 * as lp_store_find.
 */
int lp_store_read(struct lp_store_blob *, uint64_t at, uint64_t n, struct lp_span *);

/*
 * A whole blob that was read and did not have its digest, whatever its sums
 * said: taken out if that is so.
 */
void lp_store_suspect(struct lp_store_blob *);

/*
 * A whole blob, appended to the buffer, its digest checked. LP_OK,
 * LP_E_ABSENT, LP_E_DATA (as lp_store_find), LP_E_LIMIT above the buffer's
 * maximum, LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_get(struct lp_store *, const char *digest, struct lp_buf *);

/* ---- writing ---------------------------------------------------------- */

/* A range on its way in. */
struct lp_store_put {
	const struct lp_store_blob *blob;
	uint64_t first;
	uint64_t n;          /* bytes added so far */
	int dir;             /* where the file is */
	int fd;              /* -1: none */
	char tmp[LP_STORE_NAME];
	struct lp_hash hash; /* of the chunk being filled */
	struct lp_buf sums;
};

/*
 * Begin with byte `first`; add as bytes arrive; end makes of what was added
 * (nothing: fine) a range that stays, abort forgets it. An add that fails
 * adds nothing, and end is as good as ever. LP_OK, LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_put_begin(struct lp_store_put *, const struct lp_store_blob *, uint64_t first);
int lp_store_put_add(struct lp_store_put *, struct lp_span);
int lp_store_put_end(struct lp_store_put *);
void lp_store_put_abort(struct lp_store_put *);

/*
 * If the ranges of the blob's origin cover all of its `size` bytes: check the
 * digest, and make them the blob. LP_OK (also if it is one already),
 * LP_E_ABSENT if something is missing, LP_E_DATA if the digest does not
 * match: the origin's ranges were dropped. LP_E_SYS, LP_E_NOMEM.
 */
int lp_store_promote(struct lp_store_blob *, uint64_t size);

/* A whole small blob (a manifest, a config). LP_E_DATA if the digest is not that of the bytes. */
int lp_store_put_blob(struct lp_store *, const char *digest, struct lp_span);

/* ---- index.json -------------------------------------------------------- */

/* Bytes of it: some 250,000 names. */
enum { LP_STORE_INDEX_MAX = 64 * 1024 * 1024 };

/* Its bytes (of LP_STORE_DIR those of manifest.json), appended. LP_OK, LP_E_ABSENT, LP_E_LIMIT, LP_E_SYS, LP_E_NOMEM. */
int lp_store_index(struct lp_store *, struct lp_buf *);

/*
 * Replace it by what `edit` makes of it (`old` is never empty; where there is
 * no index.json, that of an empty layout), while no other process of ours
 * does; if `edit` fails or gives the same bytes, nothing is changed.
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
 * Remove files of dead writers, ranges of no origin (older versions kept
 * such), sums without their file, and then ranges and blobs, least recently
 * used first, until at most `max` bytes remain. What index.json leads to in
 * one step (manifests) goes last, and names that lead nowhere any more go
 * with it. What cannot be read or removed keeps nothing else. LP_OK, LP_E_SYS
 * (the last of that; `out` is what was done all the same), LP_E_NOMEM, or
 * LP_E_LIMIT if index.json is above its limit.
 */
int lp_store_gc(struct lp_store *, uint64_t max, struct lp_store_gc *);

#endif
