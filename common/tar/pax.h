/*
 * The body of a pax header: records `LENGTH KEY=VALUE\n` (POSIX.1-2017 pax,
 * "pax Header Keywords").
 *
 * A body is parsed once, whole. Of a key given twice the last counts; an
 * empty value is none, so it also undoes an earlier one. What the values
 * say is looked at only when the member they belong to is there: numbers
 * through the functions below.
 */
#ifndef LP_TAR_PAX_H
#define LP_TAR_PAX_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"

enum lp_pax_key {
	LP_PAX_PATH, LP_PAX_LINKPATH, LP_PAX_UNAME, LP_PAX_GNAME,
	LP_PAX_UID, LP_PAX_GID, LP_PAX_SIZE, LP_PAX_MTIME, LP_PAX_ATIME, LP_PAX_CTIME,
	LP_PAX_SPARSE_MAJOR, LP_PAX_SPARSE_MINOR, LP_PAX_SPARSE_NAME,
	LP_PAX_SPARSE_SIZE, LP_PAX_SPARSE_REALSIZE, LP_PAX_SPARSE_NUMBLOCKS, LP_PAX_SPARSE_MAP,
	LP_PAX_KEYS
};

struct lp_pax {
	struct lp_span value[LP_PAX_KEYS]; /* parts of body; n == 0: not given */
	struct lp_span body;  /* borrowed from the caller of lp_pax_parse */
	size_t nxattrs;       /* records that hold an extended attribute */
	size_t npairs;        /* GNU.sparse.offset and .numbytes records (sparse format 0.0) */
	size_t bad;           /* on failure: offset in the body of the record to blame */
	const char *why;      /* on failure: static */
};

/* No records. */
void lp_pax_clear(struct lp_pax *);

/* LP_OK; LP_E_DATA or LP_E_LIMIT with bad and why set. */
int lp_pax_parse(struct lp_pax *, struct lp_span body);

/*
 * The extended attributes, SCHILY.xattr.* and LIBARCHIVE.xattr.* (the
 * former wins where both name one), as an array of struct lp_xattr in
 * *array, in order of their names, each name once. Their bytes are parts
 * of the body, or of *text where they had to be decoded. LP_OK, LP_E_NOMEM,
 * LP_E_LIMIT.
 */
int lp_pax_xattrs(const struct lp_pax *, struct lp_buf *array, struct lp_buf *text, size_t *n);

/*
 * The next number of the sparse map 0.0 (GNU.sparse.offset and
 * .numbytes in turn), *at being where to go on (0 at first), its value
 * left in *out. LP_OK, or LP_E_ABSENT behind the last.
 */
int lp_pax_pair(const struct lp_pax *, size_t *at, struct lp_span *out);

/* A record, "LENGTH PREFIXKEY=VALUE\n", appended. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
int lp_pax_put(struct lp_buf *, const char *prefix, struct lp_span key, struct lp_span value);

/* Decimal with an optional sign. LP_OK or LP_E_DATA. */
int lp_pax_int(struct lp_span, int64_t *out);

/* Seconds since 1970 with an optional fraction; nanoseconds count up, digits beyond them are dropped. */
int lp_pax_time(struct lp_span, int64_t *sec, uint32_t *nsec);

#endif
