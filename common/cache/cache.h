/*
 * The database of listings (lp-cache(1), "SCHEMA"): what is known of layers,
 * by digest, and which images they belong to.
 *
 * A layer has one listing that is verified, or any number that are claims,
 * one for each origin and table of contents (layer-peek(7), "TRUST"). A claim
 * is shown for images of its own origin only.
 *
 * A listing comes back byte for byte as it was put. What its rows say stands
 * in columns besides, for search and for SQL; a row that those columns
 * cannot write again exactly keeps its own text.
 *
 * Statuses as in cache/db.h. A function that fails has changed nothing: all
 * changes are whole transactions. c->why says what failed, for a message.
 */
#ifndef LP_CACHE_CACHE_H
#define LP_CACHE_CACHE_H

#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/cache/db.h"
#include "common/row/row.h"

struct lp_cache {
	struct lp_db db;
	struct lp_buf label; /* of the listing that was put last, and its toc; of one that was found: */
	struct lp_buf origin, toc;
	char why[512]; /* of the last failure */
	int damaged;   /* it was SQLite that found the data wrong */
	int of_input;  /* it is the listing that came in which is wrong, not the file */
	int read_only; /* lp_cache_open found that it may not be written */
};

/*
 * Open the file, made if need be, with the schema of this version. LP_E_DATA
 * also for a file of a later version, for one that is somebody else's, which
 * is left as it is, or a damaged one: c->why says what SQLite's own check
 * says of it. If `to_read`, a file that may not be written (another user's,
 * or on a medium that is only read) will do, and one that is not there is
 * empty, and not made. Other processes' locks are waited for so many seconds
 * in all.
 */
int lp_cache_open(struct lp_cache *, const char *path, int to_read, unsigned patience);
void lp_cache_close(struct lp_cache *);

/* ---- one layer ------------------------------------------------------------ */

/* What a listing is of. */
struct lp_cache_layer {
	struct lp_span digest;
	int64_t size;  /* bytes of the blob, or -1 */
	int64_t head;  /* bytes of the blob that the listing was made from, or -1 */
	struct lp_span image; /* reference, or empty: none is named */
	int64_t index; /* of the layer in the image */
	int64_t of;    /* layers in the image, or -1: then more may be known from before */
	/*
	 * Put: whose claim the listing is, and whether a listing that says it is complete was checked against the
	 * layer's digest. Get: whose claim will do, or empty: that of any single one.
	 */
	struct lp_span origin;
	int verified;
	struct lp_span toc; /* digest of the table of contents that the image names for the layer, or empty */
	int toc_known;      /* empty means that it names none */
};

enum lp_cache_put {
	LP_CACHE_PUT,
	LP_CACHE_KEPT /* what was there is better: complete, or the longer preview */
};

/*
 * Where listings come from: a descriptor that is read to its end (a
 * seekable file: see lp_cache_spool). One listing, or several, each ended by
 * its end record.
 */
struct lp_cache_in {
	int fd;
	int several;
	unsigned char *room;
	struct lp_span in; /* read, not used yet */
	uint64_t lines, bytes; /* of the listings before, for messages */
};

/* LP_OK or LP_E_NOMEM. The descriptor stays the caller's. */
int lp_cache_in_init(struct lp_cache_in *, int fd, int several);
void lp_cache_in_release(struct lp_cache_in *);
/* Whether anything is left to read: 1 or 0, LP_E_SYS with errno. */
int lp_cache_in_more(struct lp_cache_in *);

/*
 * Keep the next listing, in a transaction of its own. Of one it is known
 * what it is of: layers[0]. Of several each says it by the label of its end
 * record; what else is to be known of that layer stands in layers[], and a
 * label that is not there is LP_E_DATA. A head counts for listings that are
 * not complete. *of is the layer it was. A listing that is bad is LP_E_DATA,
 * c->why with its line and offset.
 */
int lp_cache_put(struct lp_cache *, struct lp_cache_in *, const struct lp_cache_layer *layers, size_t n,
    struct lp_cache_layer *of, enum lp_cache_put *);

/* Note that each of the layers that names an image is that image's at its index. Writes only what is not known yet. */
int lp_cache_note(struct lp_cache *, const struct lp_cache_layer *, size_t n);

/*
 * No writer waits for a pipe: what comes through one is first copied to a
 * file without a name. A descriptor for that, or fd itself if it is a file
 * already; -1 with errno. Before the lock.
 */
int lp_cache_spool(int fd);
/* Behind the lock: copy all of fd there. LP_OK, or LP_E_SYS: then *reading says whether fd could not be read. */
int lp_cache_spool_fill(int spool, int fd, int *reading);

struct lp_cache_found {
	enum lp_complete complete; /* YES only if it is verified */
	int64_t head;    /* or -1 */
	int64_t entries;
	struct lp_span origin; /* whose claim it is, or empty; as toc valid until the next question */
	struct lp_span toc;
	int64_t listing; /* its key */
};

/*
 * The best listing that may be served for the layer: one that is verified
 * (made from a table of contents, only if the layer names it), or a claim of
 * the layer's origin. Without an origin, one of anybody if there is but one.
 * It must have all entries or be made from at least l->head bytes of the
 * layer (-1: any will do; INT64_MAX: only all entries). LP_OK, LP_E_ABSENT
 * or a failure. With LP_E_ABSENT *origins is how many origins, or tables of
 * contents of nobody's, claim something, if nobody said whose claim is
 * wanted; else 0.
 */
int lp_cache_find(struct lp_cache *, const struct lp_cache_layer *l, struct lp_cache_found *, int *origins);

/* A listing's lines or rows one by one; `span` lives until the next. */
typedef int lp_cache_line_fn(void *, struct lp_span line);
/*
 * The bytes that were put, in pieces, but for an end record that says more
 * than is true: of a claim that it is whose it is. With `label` the end
 * record is TSV and has the layer's digest as its layer, and there is one in
 * any case, so that listings can stand one behind the other. The function's
 * status, if not LP_OK, ends it.
 */
int lp_cache_get(struct lp_cache *, const struct lp_cache_found *, struct lp_span label, lp_cache_line_fn *, void *);

/* Between these two everything that is asked is of one moment. LP_OK or a failure. */
int lp_cache_begin(struct lp_cache *);
void lp_cache_end(struct lp_cache *);

/* ---- where reading can begin ------------------------------------------------ */

/* A point (codec/points.h) of a layer: its offsets and bits, and its window in a form of the caller's. */
struct lp_cache_point {
	int64_t compressed, plain, bits;
	struct lp_span window; /* or empty */
};

/*
 * Points are kept with a layer's verified listing, for they rest on the same
 * reading, and go with it. The new ones replace the old ones. `next` gives
 * one and says 1, or 0 behind the last, or a failure. LP_OK; LP_E_ABSENT:
 * there is no verified listing; or a failure.
 */
typedef int lp_cache_next_point(void *, struct lp_cache_point *);
int lp_cache_put_points(struct lp_cache *, struct lp_span digest, lp_cache_next_point *, void *);

/* All of a layer's, in their order; the function's status, if not LP_OK, ends it. LP_E_ABSENT: there are none. */
typedef int lp_cache_point_fn(void *, const struct lp_cache_point *);
int lp_cache_points(struct lp_cache *, struct lp_span digest, lp_cache_point_fn *, void *);

/* ---- all of them ---------------------------------------------------------- */

/* What to look at: all, or the listings that show one image, or those of one layer, or what is no other origin's claim. */
struct lp_cache_scope {
	struct lp_span image; /* or empty */
	struct lp_span layer; /* or empty */
	struct lp_span origin; /* or empty */
};

/* `origin`: whose claim it is, or empty. */
typedef int lp_cache_entry_fn(void *, const struct lp_entry *, struct lp_span origin);
/* Every entry in scope, its layer's digest as its layer. */
int lp_cache_export(struct lp_cache *, const struct lp_cache_scope *, lp_cache_entry_fn *, void *);

struct lp_cache_hit {
	struct lp_span image;  /* or empty: the layer belongs to no image that is known */
	struct lp_span layer;
	struct lp_span path;   /* in normal form */
	struct lp_span origin; /* whose claim it is, or empty */
	struct lp_span toc;    /* the table of contents that the hit rests on, if no image that is known names it */
	int64_t size;
	char type;
};
typedef int lp_cache_hit_fn(void *, const struct lp_cache_hit *);

/*
 * Every entry in scope whose path holds the substring, or matches the shell
 * pattern ('*' and '?' match '/' too); once for each image that its listing
 * shows. Paths begin with '/' for a substring that does.
 */
int lp_cache_search(struct lp_cache *, const struct lp_cache_scope *, const char *pattern, int glob, lp_cache_hit_fn *,
    void *);

struct lp_cache_image {
	struct lp_span image;
	int64_t index;
	struct lp_span digest;
	int64_t size;    /* or -1 */
	int64_t entries; /* of its listing, or -1: there is none */
	enum lp_complete complete;
	struct lp_span origin; /* whose claim it is, or empty */
};
typedef int lp_cache_image_fn(void *, const struct lp_cache_image *);
/* The layers of every image, by reference and index. */
int lp_cache_images(struct lp_cache *, lp_cache_image_fn *, void *);

/*
 * Of the images in scope: *images is how many there are; those of which a
 * layer in scope is not listed to its end are handed on, by reference.
 */
typedef int lp_cache_ref_fn(void *, struct lp_span ref);
int lp_cache_previews(struct lp_cache *, const struct lp_cache_scope *, int64_t *images, lp_cache_ref_fn *, void *);

struct lp_cache_stat {
	int64_t schema, images, layers, listings, complete, inferred, previews, entries;
	int64_t bytes; /* of the file that are in use */
};
int lp_cache_stat(struct lp_cache *, struct lp_cache_stat *);

/*
 * Forget listings put before the time `before` (0: none), and then the
 * oldest until at most `max_bytes` are in use (INT64_MAX: none). *forgotten
 * is how many. Layers without listing and image go too.
 */
int lp_cache_prune(struct lp_cache *, int64_t before, int64_t max_bytes, int64_t *forgotten);

#endif
