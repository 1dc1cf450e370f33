/*
 * What an input is, told by its first bytes and never by its name.
 */
#ifndef LP_CODEC_MAGIC_H
#define LP_CODEC_MAGIC_H

#include "common/base/span.h"

/* Bytes that are enough to tell: one tar header. */
enum { LP_MAGIC_LEN = 512 };

enum lp_format {
	LP_FORMAT_UNDECIDED, /* more bytes are needed */
	LP_FORMAT_GZIP,
	LP_FORMAT_ZSTD,
	LP_FORMAT_PLAIN,     /* a tar, or bytes that nothing else is known of */
	LP_FORMAT_FOREIGN    /* known, and not for us */
};

/*
 * Judge the first bytes of an input; eof says that there are no others.
 * Never UNDECIDED for LP_MAGIC_LEN bytes, nor under eof, and a decision
 * never changes with more bytes.
 *
 * gzip and zstd go by their magic numbers alone. A tar header (its checksum
 * tells) and a block of zeros are PLAIN whatever they start with, for a
 * member's name may be "PK\3\4". FOREIGN sets *why (static) to what it is.
 */
enum lp_format lp_magic(struct lp_span head, int eof, const char **why);

#endif
