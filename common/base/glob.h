/*
 * The patterns of -m (lp-tarls(1), lp-toc(1), lp-cat(1)): shell patterns
 * over whole paths in normal form, where '*' and '?' match '/' too, as in
 * `find -path`.
 */
#ifndef LP_BASE_GLOB_H
#define LP_BASE_GLOB_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/span.h"

/*
 * Whether one of n patterns matches the name (of a member, in any form);
 * with `any_case` an ASCII letter is its capital, too.
 * 1, 0, or LP_E_NOMEM; `scratch` is overwritten. A pattern may begin with
 * "./" or "/" as names do; "." is the root.
 */
int lp_glob_any(const char *const *patterns, size_t n, int any_case, struct lp_span name, struct lp_buf *scratch);

/* A name has no slash behind it: off the pattern with it (in place). */
void lp_glob_trim(char *pattern);

#endif
