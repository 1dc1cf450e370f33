/*
 * One tar header block: 512 bytes decoded on their own, whatever comes
 * before or behind them. POSIX.1-2017 pax, "ustar Interchange Format"; GNU
 * tar manual, "Basic Tar Format"; what readers disagree on is decided as
 * Go's archive/tar does.
 */
#ifndef LP_TAR_TARHDR_H
#define LP_TAR_TARHDR_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

enum { LP_TAR_BLOCK = 512 };

/* Told apart by magic and version; all with the v7 fields in the same places. */
enum lp_tarfmt { LP_TARFMT_V7, LP_TARFMT_USTAR, LP_TARFMT_STAR, LP_TARFMT_GNU };

struct lp_tarhdr {
	enum lp_tarfmt format;
	char typeflag; /* as stored */
	int has_mtime; /* its field is not blank */

	/* up to their NUL or the end of their field; parts of the block */
	struct lp_span name;
	struct lp_span prefix; /* to be put in front of name with a '/'; empty where the format has none */
	struct lp_span linkname;
	struct lp_span uname;
	struct lp_span gname;

	int64_t mode;
	int64_t uid;
	int64_t gid;
	int64_t size; /* may be negative: only what has data must not be */
	int64_t mtime;
	int64_t devmajor;
	int64_t devminor;
};

/*
 * Decode a block. LP_OK, or LP_E_DATA with *why (static) set: a wrong
 * checksum, or a number that is none.
 */
int lp_tarhdr_decode(struct lp_tarhdr *, const unsigned char block[LP_TAR_BLOCK], const char **why);

/* Whether all 512 bytes are zero. */
int lp_tarhdr_is_zero(const unsigned char block[LP_TAR_BLOCK]);

/*
 * Whether what there is of a cut-off block can be the start of a header:
 * its number fields, as far as they are whole, hold numbers.
 */
int lp_tarhdr_plausible(struct lp_span head);

/*
 * A number field: octal digits, blanks and NULs around them, or base-256
 * (first bit set; two's complement). A blank field is 0. LP_OK, or
 * LP_E_DATA (anything else, overflow) with *out untouched.
 */
int lp_tar_number(const unsigned char *field, size_t n, int64_t *out);

/* The field up to its first NUL. */
struct lp_span lp_tar_string(const unsigned char *field, size_t n);

#endif
