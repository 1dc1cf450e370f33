/*
 * An IMAGE by name, brought down to its manifest and config, wherever it is:
 * a registry, read through the store; the store alone (offline); an OCI
 * layout, also one in a tar; a directory of skopeo's.
 *
 *	lp_image_open(&im, &env, &ref)        before the lock
 *	lp_image_load(&im)                    what the name leads to: im.top
 *	lp_image_choose(&im, &platform)       the image in it: im.image
 *	lp_image_load_config(&im)             im.config
 *	lp_image_release(&im)
 *
 * Every document is hashed before it is looked at. One that was asked for
 * by digest must have it. One that was asked for by tag must have the
 * digest that the registry announced (Docker-Content-Digest), if it did.
 * A signed schema 1's digest is that of its payload, as registries have it.
 *
 * On failure `why` says what was wrong, fit to print, without the name.
 */
#ifndef LP_SOURCE_IMAGE_H
#define LP_SOURCE_IMAGE_H

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/oci/manifest.h"
#include "common/oci/platform.h"
#include "common/oci/reference.h"
#include "common/source/archive.h"
#include "common/source/env.h"

enum {
	LP_IMAGE_DEPTH = 4,     /* indexes within indexes */
	LP_IMAGE_DOCUMENTS = 64 /* manifests and indexes of one image that are read */
};

struct lp_document {
	char digest[LP_DIGEST_SIZE]; /* "": of several images of a layout's one name, each for its platform */
	struct lp_buf bytes; /* as it came */
	uint64_t kept_size;  /* of what has the digest: less than `bytes` where that is signed schema 1 */
	struct lp_manifest m;
};

struct lp_image {
	const struct lp_env *env;
	struct lp_reference ref;
	struct lp_store *layout;   /* oci: */
	struct lp_archive *archive; /* oci-archive: borrowed, its members known */
	struct lp_document top;    /* what the name leads to */
	struct lp_document *image; /* of the platform chosen: &top or &nested */
	struct lp_document nested;
	struct lp_buf config_bytes;
	struct lp_image_config config; /* config.root is NULL if there is none to be had: schema 1, artifacts */
	unsigned documents;        /* read so far */
	int headless;              /* a HEAD was answered with an error */
	int status;                /* of the registry's last answer; 0: none came */
	int unkept;                /* the store does not take them, which was said */
	char note[512];            /* what a user should know although it went well; "" for nothing */
	char why[2048];
};

/*
 * `ref` is LP_REF_REGISTRY, LP_REF_OCI, LP_REF_DIR or, with `archive` set behind this,
 * LP_REF_OCI_ARCHIVE; it is copied, the environment is borrowed. Opens the layout
 * of an oci: one. LP_OK, or LP_E_SYS, LP_E_DATA,
 * LP_E_ABSENT, LP_E_NOMEM with `why`. Release it in any case.
 */
int lp_image_open(struct lp_image *, const struct lp_env *, const struct lp_reference *ref);
void lp_image_release(struct lp_image *);

/*
 * The digest that the name leads to, without reading what it names where
 * that is possible (HEAD; the layout's index). "" where it takes a platform to
 * know: it is loaded then. Results as lp_image_load.
 */
int lp_image_digest(struct lp_image *, char digest[LP_DIGEST_SIZE]);

/*
 * LP_OK, LP_E_DATA (the document is wrong, or has the wrong digest),
 * LP_E_LIMIT, LP_E_ABSENT (not in the layout; offline and not in the
 * store), LP_E_NET, LP_E_SYS, LP_E_NOMEM.
 */
int lp_image_load(struct lp_image *);

/*
 * After lp_image_load. Goes down through indexes to the manifest that serves
 * the platform best. LP_E_ABSENT if there is none: `why` lists those there
 * are. Other results as lp_image_load.
 */
int lp_image_choose(struct lp_image *, const struct lp_platform *);

/* After lp_image_choose. Results as lp_image_load. Nothing to do for schema 1 and for artifacts: LP_OK. */
int lp_image_load_config(struct lp_image *);

/*
 * After lp_image_load: each image of each index, attestations left out, with
 * its platform if that is known (of an image that is no index, the
 * config's). Results as lp_image_load, or what `each` failed with.
 */
typedef int lp_image_each(void *arg, const struct lp_descriptor *);
int lp_image_platforms(struct lp_image *, lp_image_each *, void *arg);

/*
 * What hangs on a manifest or index of the image's repository, each manifest once
 * whose subject it is (distribution-spec 1.1, "Listing Referrers"); with `type` only
 * those of that artifactType (NULL: all). A registry is asked by its referrers API, page
 * after page, and where it has none, or one that does not work, for the tag
 * sha256-HEX; a layout or the store, offline, by the manifests of index.json
 * and that tag. That nothing hangs on it is LP_OK. What went wrong without
 * being in the way is in `note`. Results as lp_image_load, or what `each`
 * failed with.
 */
int lp_image_referrers(struct lp_image *, const char *subject, const char *type, lp_image_each *, void *arg);

#endif
