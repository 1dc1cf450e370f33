/*
 * How the files of lp-layers write an answer. For layers*.c only.
 *
 *   layers.c          rows, as every answer has them
 *   layers_image.c    of an image in a registry or a layout
 *   layers_archive.c  of one in an archive of docker save
 *   layers_referrers.c  what hangs on it, SOCI's tables of contents among that
 *   layers_tags.c     of a repository: its tags
 */
#ifndef LP_LAYERS_LAYERS_PRIV_H
#define LP_LAYERS_LAYERS_PRIV_H

#include "cmd/layers/layers.h"

/* Appended as it is. LP_OK, or LP_E_LIMIT or LP_E_NOMEM after saying so. */
int lp_layers_add(struct lp_layers *, struct lp_span);

/* The only image is for that platform (or NULL), which is not silently the answer for another. */
void lp_layers_other(const struct lp_layers *, const struct lp_platform *is);

/*
 * Rows: begin, one each, end. `ref` is what names the layer, and all other
 * fields but the source are set. LP_OK, LP_E_LIMIT or LP_E_NOMEM; said by
 * lp_layers_end, which takes what the others came to and answers with it.
 */
int lp_layers_begin(struct lp_layers *);
int lp_layers_row(struct lp_layers *, const struct lp_reference *ref, struct lp_layer *);
int lp_layers_end(struct lp_layers *, int rc, const struct lp_layerend *);
/* The reference of a blob of the image's repository, a layer as a rule: in a tar, of a part of the file. LP_OK, or a failure that was said. */
int lp_layers_reference(const struct lp_layers *, struct lp_image *, const struct lp_descriptor *, struct lp_reference *);
/* Of the image that was chosen. LP_OK, or a failure that was said. */
int lp_layers_referrers(struct lp_layers *, struct lp_image *);
int lp_layers_soci(struct lp_layers *, struct lp_image *);
/* What the config, an object, sets of an image for that platform (or NULL). Results as lp_layers_add. */
int lp_layers_settings(struct lp_layers *, const json_t *config, const json_t *manifest, const struct lp_platform *is);

/* A failure of lp_layer_* to append: said. */
int lp_layers_full(struct lp_layers *, int rc);

#endif
