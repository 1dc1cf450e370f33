/*
 * What the media type of a layer says of it.
 */
#ifndef LP_OCI_MEDIATYPE_H
#define LP_OCI_MEDIATYPE_H

#include "common/base/span.h"

/*
 * How it is compressed: "gzip", "zstd", "none", or "" if the type does not
 * say. What the blob's first bytes say outweighs it.
 */
const char *lp_mediatype_compression(struct lp_span);

/* Whether containerd unpacks it: the types of OCI's and Docker's layers, none of them encrypted. */
int lp_mediatype_is_layer(struct lp_span);

/* What it is of, where that is known not to be tar; else NULL. */
const char *lp_mediatype_foreign(struct lp_span);

#endif
