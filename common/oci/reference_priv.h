/*
 * What the files of references share: a place in the text, and the grammar
 * of the parts (reference_parts.c). For reference*.c only.
 *
 * What checks a part returns LP_OK, or LP_E_USAGE with where and why in the
 * cursor's error.
 */
#ifndef LP_OCI_REFERENCE_PRIV_H
#define LP_OCI_REFERENCE_PRIV_H

#include <stddef.h>
#include <string.h>

#include "common/oci/reference.h"

/* A place in the text; what is parsed is taken off the front of `s`. */
struct lp_reference_cursor {
	const unsigned char *start;
	struct lp_span s;
	struct lp_reference_error *error;
};

static inline int
lp_reference_starts(struct lp_span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

/* Where c first stands, or the span's length. */
static inline size_t
lp_reference_find(struct lp_span s, int c)
{
	const unsigned char *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return p == NULL ? s.n : (size_t)(p - s.p);
}

/* Taken for a path, whatever it looks like. */
static inline int
lp_reference_is_path(struct lp_span s)
{
	return lp_reference_starts(s, "/") || lp_reference_starts(s, "./") || lp_reference_starts(s, "../");
}

/* Refused, because of what stands at p. */
int lp_reference_refuse(struct lp_reference_cursor *, const unsigned char *p, const char *why);

/* Into a field of `max` bytes and a NUL, without one inside. */
int lp_reference_copy(struct lp_reference_cursor *, char *out, size_t max, struct lp_span, const char *too_long);

/* HOST[:PORT] */
int lp_reference_check_host(struct lp_reference_cursor *, struct lp_span);
/* Whether the part before the first '/' names a registry. */
int lp_reference_is_host(struct lp_span);
int lp_reference_check_repo(struct lp_reference_cursor *, struct lp_span);
int lp_reference_check_tag(struct lp_reference_cursor *, struct lp_span);
int lp_reference_take_digest(struct lp_reference_cursor *, struct lp_span, struct lp_reference *);

#endif
