/*
 * What every table of contents says of a member in the same words: eStargz,
 * zstd:chunked and SOCI share the names of types, and times as RFC 3339 has
 * them. Each function sets its part of the entry: LP_OK, or LP_E_DATA or
 * LP_E_LIMIT with *why set to static text.
 */
#ifndef LP_TOC_TOC_FIELDS_H
#define LP_TOC_TOC_FIELDS_H

#include <stdint.h>

#include "common/base/entry.h"
#include "common/base/span.h"

/* "reg", "dir", "symlink", "hardlink", "char", "block", "fifo". */
int lp_toc_type(struct lp_entry *, struct lp_span type, const char **why);

/* The name and the link are there, and the type: are they such as a member can have? What is no link has none. */
int lp_toc_names(struct lp_entry *, const char **why);

/* Go's zero time (year 1) stands for no time. */
int lp_toc_mtime(struct lp_entry *, struct lp_span text, const char **why);

/* Of what is a device; else nothing but whether they are numbers of one. */
int lp_toc_device(struct lp_entry *, int64_t major, int64_t minor, const char **why);

#endif
