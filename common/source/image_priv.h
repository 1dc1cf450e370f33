/*
 * What the files of an image share. For image*.c only.
 *
 *   image.c           documents, from the layout, the store or the registry
 *   image_name.c      what a name leads to
 *   image_platform.c  the way down through indexes
 *   image_referrers.c what has the image for its subject
 *
 * Statuses as image.h has them; whoever returns a failure has filled `why`.
 */
#ifndef LP_SOURCE_IMAGE_PRIV_H
#define LP_SOURCE_IMAGE_PRIV_H

#include "common/source/image.h"

/* Fill `why`; returns rc. The second adds errno's text behind LP_E_SYS. */
int lp_image_fail(struct lp_image *, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int lp_image_fail_sys(struct lp_image *, int rc, const char *what);
/* Of a blob of the layout, or, for NULL, of its index.json, which a link may keep from us. */
int lp_image_fail_layout(struct lp_image *, int rc, const char *digest);
/* What came of keeping something in the store: LP_OK where it does not matter that it is not, which is said; else as above. */
int lp_image_not_kept(struct lp_image *, int rc, const char *what);
int lp_image_wrong_digest(struct lp_image *, const char *what, const char *is, const char *want);

/* Where documents are kept: the layout or the store; NULL for nowhere. */
struct lp_store *lp_image_at_hand(const struct lp_image *);
/* Whether it is a layout, in a directory or a tar. */
int lp_image_is_local(const struct lp_image *);
/* Whether a registry may be asked. */
int lp_image_online(const struct lp_image *);

void lp_document_init(struct lp_document *);
void lp_document_release(struct lp_document *);

/* One request to the registry, failures said. */
int lp_image_get(struct lp_image *, const char *method, const char *kind, const char *what, size_t max,
    struct lp_http_response *);

/* The digest that an answer announces, as a C string; "" if it announces none that we can check. */
void lp_image_announced(const struct lp_http_response *, char *digest);

/* A manifest from the registry by tag or digest, hashed and kept, not parsed; `want` is the digest it must have, or "". */
int lp_image_fetch(struct lp_image *, const char *what, const char *want, struct lp_document *);
int lp_image_parse(struct lp_image *, struct lp_document *);

/* A blob that is at hand, appended, its digest checked. LP_OK, LP_E_ABSENT, or a failure that nothing can make good. */
int lp_image_kept(struct lp_image *, const char *digest, struct lp_buf *);
/* index.json of the layout or store, into a buffer that is made here. LP_OK, LP_E_ABSENT, or a failure. */
int lp_image_index(struct lp_image *, struct lp_buf *);

/* manifest.json of a dir:, hashed and parsed. */
int lp_image_flat(struct lp_image *);

/* A manifest by digest, from wherever it is, parsed; an entry of an index, its size checked as well. */
int lp_image_manifest(struct lp_image *, const char *digest, struct lp_document *);
int lp_image_entry(struct lp_image *, const struct lp_descriptor *, struct lp_document *);

#endif
