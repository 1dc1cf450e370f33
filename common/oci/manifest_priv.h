/*
 * What the readers of an image's documents share. For manifest*.c and
 * imageconfig.c only.
 */
#ifndef LP_OCI_MANIFEST_PRIV_H
#define LP_OCI_MANIFEST_PRIV_H

#include <stddef.h>

#include "common/base/jsonread.h"
#include "common/oci/manifest.h"

/* Set the error and return `rc`; of an entry it is always LP_E_DATA. */
int lp_manifest_fail(struct lp_manifest_error *, int rc, const char *why);
int lp_manifest_fail_entry(struct lp_manifest_error *, size_t entry, const char *why);

/* A document that is an object, owned by the caller; `twice` as lp_json_load_lax has it. LP_OK, LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM. */
int lp_manifest_load(struct lp_span, int twice, json_t **root, struct lp_manifest_error *);

/* The platform that an object has, if it has one. LP_OK or LP_E_DATA. */
int lp_manifest_platform(const json_t *, struct lp_platform *, int *has);

/* Make room for n descriptors. LP_OK or LP_E_NOMEM. */
int lp_manifest_room(struct lp_manifest *, size_t n, struct lp_manifest_error *);

/* The layers of a manifest of schema 1, whose `fsLayers` are `list`. */
int lp_manifest_schema1(struct lp_manifest *, const json_t *list, struct lp_manifest_error *);

#endif
