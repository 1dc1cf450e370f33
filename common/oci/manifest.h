/*
 * What a registry answers for an image: an index of manifests, a manifest
 * of layers, or Docker's old schema 1; and the image's config (OCI
 * image-spec 1.1, manifest.md, image-index.md, config.md; Docker "Image
 * Manifest V 2, Schema 2" and "Schema 1").
 *
 * Which one it is decides the document itself, not the Content-Type: one
 * that is two things at once is refused, because clients would differ in
 * what they see (CVE-2021-41190).
 *
 * Spans point into the parsed document and live until release.
 */
#ifndef LP_OCI_MANIFEST_H
#define LP_OCI_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/jsonread.h"
#include "common/base/span.h"
#include "common/oci/platform.h"

/* The Accept header that asks for all of these. */
extern const char lp_manifest_accept[];

enum lp_manifest_kind {
	LP_MANIFEST_INDEX,  /* v[]: manifests and further indexes */
	LP_MANIFEST_IMAGE,  /* v[]: layers, base first; or BuildKit's cache, which is an index of such */
	LP_MANIFEST_SCHEMA1 /* v[]: layers, base first (the document has them newest first); no sizes, no config */
};

/* What an entry of an index is. */
enum lp_descriptor_role {
	LP_ROLE_IMAGE,
	LP_ROLE_INDEX,
	LP_ROLE_ATTESTATION, /* of platform unknown/unknown, or said to be one by its annotations */
	LP_ROLE_OTHER        /* of a media type that is neither manifest nor index */
};

struct lp_descriptor {
	struct lp_span mediatype; /* as written; p is NULL if it is not */
	struct lp_span digest;    /* valid; if `bad`, of another algorithm, or empty */
	const char *bad;          /* in an index: why this entry is of no use; NULL: it is */
	struct lp_span artifact_type;
	struct lp_span created_by; /* schema 1 only */
	uint64_t size;
	int has_size;
	int odd_size; /* there is a size, and it is no number of bytes: -1, or text */
	int has_platform;
	struct lp_platform platform;
	enum lp_descriptor_role role; /* in an index */
	const json_t *annotations;    /* an object of strings, or NULL */
	const json_t *urls;           /* an array of strings (where a foreign layer is), or NULL */
};

struct lp_manifest {
	enum lp_manifest_kind kind;
	struct lp_span mediatype;     /* as the document says, or what its kind is called */
	struct lp_span artifact_type; /* of an artifact that is no image; p is NULL for an image */
	struct lp_descriptor config;  /* IMAGE */
	struct lp_descriptor *v;
	size_t n;
	int has_platform; /* SCHEMA1 */
	struct lp_platform platform;

	json_t *root;
	json_t **parts; /* what schema 1's history holds: documents in strings, and their commands */
	size_t nparts;
};

struct lp_manifest_error {
	size_t offset;   /* bytes, where the JSON itself is broken; else 0 */
	const char *why; /* static */
	int entry;       /* which layer or manifest, from 0; -1: none */
};

/* LP_OK, or LP_E_DATA, LP_E_LIMIT, LP_E_NOMEM with *error filled and nothing to release. */
int lp_manifest_parse(struct lp_span, struct lp_manifest *, struct lp_manifest_error *error);
void lp_manifest_release(struct lp_manifest *);

/*
 * The bytes whose digest a manifest is called by, appended: a signed schema
 * 1's are the payload its signatures are over ("formatLength" and
 * "formatTail"), all others' the document itself. Results as above.
 */
int lp_manifest_payload(struct lp_span, struct lp_buf *, struct lp_manifest_error *error);

/*
 * The entry of an index that serves the platform best, attestations left
 * out: of equals the first, but of Windows the newest. The only image without a platform comes after
 * those that say one, and after it each index without one. `after` is the
 * entry that turned out not to serve, and the next best is wanted; n at
 * first. Returns n if there is none.
 */
size_t lp_manifest_choose(const struct lp_manifest *, const struct lp_platform *, size_t after);

/*
 * container_config.Cmd of one of Docker's version 1 image documents (schema
 * 1's v1Compatibility, an old archive's ID/json): a JSON string of its words
 * as `docker history` shows them, owned by the caller; NULL if there is none.
 * LP_OK or LP_E_NOMEM.
 */
int lp_v1_command(const json_t *, json_t **out);

/* ---- config ------------------------------------------------------------------- */

struct lp_image_layer {
	struct lp_span diff_id;    /* valid, or p is NULL */
	struct lp_span created_by; /* p is NULL if the history does not say */
};

struct lp_image_config {
	struct lp_image_layer *v;
	size_t n;         /* layers, base first: as many as the manifest has */
	int has_history;  /* the history's non-empty entries are as many as the layers */
	int has_diff_ids; /* the same of rootfs.diff_ids */
	int odd_history, odd_diff_ids; /* there are some, and of another number */
	int has_platform;
	struct lp_platform platform;

	json_t *root;
};

/*
 * The config of an image of `layers` layers. A history or diff_ids of
 * another number cannot be told which layer they are of: they are left out.
 * Results as lp_manifest_parse.
 */
int lp_image_config_parse(struct lp_span, size_t layers, struct lp_image_config *,
    struct lp_manifest_error *error);
void lp_image_config_release(struct lp_image_config *);

#endif
