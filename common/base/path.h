/*
 * Names of members as paths: `./x`, `/x`, `x/` and `a/../x` are one place in
 * the root file system.
 */
#ifndef LP_BASE_PATH_H
#define LP_BASE_PATH_H

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * The next component, taken off the front of *path. Empty ones and "." are
 * passed over; an empty answer means there is none left.
 */
struct lp_span lp_path_component(struct lp_span *path);

/*
 * Append the normal form: components joined by one '/', none before or
 * behind; ".." takes away the component before it and stops at the root,
 * which is the empty string. What the buffer held before counts as the
 * directory that the path is relative to (in normal form), unless the path
 * starts with '/'. LP_OK, LP_E_LIMIT or LP_E_NOMEM.
 */
int lp_path_join(struct lp_buf *dir, struct lp_span path);

/* Of a path in normal form: all but the last component. */
struct lp_span lp_path_parent(struct lp_span normal);

/* Of paths in normal form: whether `path` is `dir` or lies below it. Everything lies below the root. */
int lp_path_within(struct lp_span path, struct lp_span dir);

#endif
