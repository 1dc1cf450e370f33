/*
 * lp-cat --tar: some members of a tar out of the stream, their blocks
 * exactly as they were.
 */
#ifndef LP_CAT_TARCOPY_H
#define LP_CAT_TARCOPY_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/sys/input.h"
#include "common/tar/tar.h"

struct lp_tarcopy {
	/* what is wanted: members of these names and all below them, and members that match */
	const char *const *names;
	size_t nnames;
	const char *const *globs;
	size_t nglobs;
	int whole;              /* as of the tar (tar/tar.h) */
	const char *input_name; /* for messages */

	uint64_t members; /* copied */
	uint64_t offset;  /* bytes of tar passed */

	struct lp_tar tar;
	struct lp_input *input;
	struct lp_span in;
	struct lp_buf head;     /* blocks of the member to come */
	uint64_t head_at;       /* where in the tar they begin */
	struct lp_buf *wanted;  /* the names in normal form */
	unsigned char *found;   /* by name: 1 a member, 2 a directory */
	struct lp_map copied;   /* names of what was copied */
	uint64_t seed;          /* of their hashes */
	struct lp_buf scratch;
};

/*
 * Copy from `input` to stdout, and end markers behind. Stops reading once
 * every name was found, unless one was a directory or there are patterns.
 * LP_OK; LP_E_ABSENT if a name or every pattern found nothing, or the input
 * ends early; or another failure; each was said.
 */
int lp_tarcopy(struct lp_tarcopy *, struct lp_input *input);

#endif
