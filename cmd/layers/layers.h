/*
 * What lp-layers answers: rows of an image's layers, of its platforms, its
 * tags or of what hangs on it, its digest, its documents as they are. All of it is collected first,
 * so that nothing is printed of an image that turns out to be wrong.
 *
 * An answer is of an image (lp_layers_image), of the repository it is in
 * (lp_layers_tags), or of an archive (lp_layers_archive). What fails is said
 * where it fails, with the name that the user gave.
 */
#ifndef LP_LAYERS_LAYERS_H
#define LP_LAYERS_LAYERS_H

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/oci/layerrow.h"
#include "common/oci/platform.h"
#include "common/source/archive.h"
#include "common/source/image.h"

enum lp_layers_what {
	LP_LAYERS_ROWS, /* one per layer, base first */
	LP_LAYERS_PLATFORMS,
	LP_LAYERS_TAGS,
	LP_LAYERS_DIGEST,
	LP_LAYERS_INDEX, /* what the name leads to, be it an index or not */
	LP_LAYERS_MANIFEST,
	LP_LAYERS_CONFIG,
	LP_LAYERS_REFERRERS, /* what hangs on it */
	LP_LAYERS_SOCI,      /* the tables of contents that its SOCI index has, one row each */
	LP_LAYERS_SETTINGS /* what the config sets, as rows */
};

struct lp_layers {
	/* the question: the caller's to fill, behind lp_layers_init */
	const char *text;             /* IMAGE as given, for messages */
	enum lp_layers_what what;
	struct lp_platform want;
	int chosen;                   /* the platform was asked for, and is not just this machine's */
	const char *type;             /* of referrers, or NULL for all */
	const char *tags;             /* a pattern that tags are to match (base/glob.h), or NULL */
	struct lp_layerfmt fmt;
	int header, end;              /* rows: the columns' names first, an end record last */

	/* the answer */
	struct lp_buf out;
	char digest[LP_DIGEST_SIZE];  /* of what was looked at; "" where there is none */
	int64_t entries;              /* rows */
};

/* Layers, in TSV, for this machine's architecture. Release it in any case. */
void lp_layers_init(struct lp_layers *);
void lp_layers_release(struct lp_layers *);

/*
 * The image is opened, not loaded, and the lock stands. Any `what` but
 * LP_LAYERS_TAGS. LP_OK with `out` filled, or as lp_image_load.
 */
int lp_layers_image(struct lp_layers *, struct lp_image *);

/* The tags of the reference's repository. LP_OK, LP_E_ABSENT where there is no registry, or as lp_registry_get. */
int lp_layers_tags(struct lp_layers *, const struct lp_env *, const struct lp_reference *);

/*
 * The archive is opened, and `ref` its reference. LP_OK, LP_E_ABSENT for what
 * archives do not have (digests, manifests, platforms, tags), or as
 * lp_archive_load.
 */
int lp_layers_archive(struct lp_layers *, struct lp_archive *, const struct lp_reference *);

#endif
