/*
 * lp-cat --tar: some members of a tar out of the stream, their blocks
 * exactly as they were.
 */
#ifndef LP_CAT_TARCOPY_H
#define LP_CAT_TARCOPY_H

#include <stddef.h>
#include <stdint.h>

#include "cmd/cat/pointinput.h"
#include "cmd/cat/select.h"
#include "common/base/buf.h"
#include "common/sys/input.h"
#include "common/tar/tar.h"

struct lp_tarcopy {
	struct lp_select *select; /* what is wanted, its rows read */
	int open;               /* no end markers: more follows */
	int whole;              /* as of the tar (tar/tar.h) */
	const char *input_name; /* for messages */
	/* The input can be read from any place: only the members at these are looked at, and rows have all of them. Or NULL */
	struct lp_pointinput *points;
	const uint64_t *place;  /* in order */
	size_t nplaces;

	uint64_t offset;  /* bytes of tar passed */

	struct lp_tar tar;
	struct lp_input *input;
	struct lp_span in;
	struct lp_buf head;     /* blocks of the member to come */
	uint64_t head_at;       /* where in the tar they begin */
};

/* What ends a tar. */
extern const struct lp_span lp_tarcopy_marker;

/*
 * Copy from `input` to stdout, and end markers behind. Stops reading once
 * nothing further can be wanted. LP_OK; LP_E_ABSENT if something that is
 * wanted was not found, or the input ends early; or another failure; each
 * was said.
 */
int lp_tarcopy(struct lp_tarcopy *, struct lp_input *input);

#endif
