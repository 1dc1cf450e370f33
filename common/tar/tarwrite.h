/*
 * The header of a member, made of an entry: pax (POSIX.1-2017), as
 * tar/tar.h reads it. For members of which no header is there: a table
 * of contents has only what it said.
 */
#ifndef LP_TAR_TARWRITE_H
#define LP_TAR_TARWRITE_H

#include "common/base/buf.h"
#include "common/base/entry.h"

/*
 * Append the member's blocks up to its content, an extended header among
 * them where the entry needs one. The content, entry.size bytes of it for
 * a file and none for anything else, and its padding are the caller's to
 * write. LP_OK, LP_E_LIMIT, LP_E_NOMEM.
 */
int lp_tarwrite(const struct lp_entry *, struct lp_buf *);

#endif
