/* The origin of an image (layer-peek(7), "TRUST") as all programs spell it. */
#ifndef LP_SOURCE_ORIGIN_H
#define LP_SOURCE_ORIGIN_H

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/oci/reference.h"

/*
 * lp_reference_origin(), with the path of what is local made absolute, its
 * symbolic links followed as far as it exists. Looks at the file system, so
 * before the lock. LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_origin(const struct lp_reference *, struct lp_buf *);

/*
 * The origin of an IMAGE by its text, asked by --plain-http or not. What is no
 * IMAGE is its own origin: no registry or layout has it.
 */
int lp_origin_of_image(struct lp_span image, int plain_http, struct lp_buf *);

/* That of a file by its path alone. Results as lp_origin. */
int lp_origin_of_path(const char *path, struct lp_buf *);

#endif
