/*
 * Reading tar: v7, ustar, pax, GNU and star, as bytes in, events out.
 *
 *	struct lp_tar t;
 *	lp_tar_init(&t);
 *	for (;;) {
 *		switch (lp_tar_next(&t, &in)) {
 *		case LP_TAR_MORE:	read on; at the end of input lp_tar_eof(&t)
 *		case LP_TAR_MEMBER:	use t.entry
 *		...
 *	}
 *	lp_tar_release(&t);
 *
 * However the input is cut into spans, the events are the same: headers are
 * staged inside the parser. Where readers of tar disagree, this one sides
 * with Go's archive/tar, which decides what container runtimes extract
 * (lp-tarls(1), "DIALECTS").
 *
 * One size rules a member: what entry.size is derived from is what is
 * skipped, so nothing can hide in between.
 */
#ifndef LP_TAR_TAR_H
#define LP_TAR_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/entry.h"
#include "common/base/span.h"
#include "common/tar/pax.h"
#include "common/tar/sparse.h"
#include "common/tar/tarhdr.h"

enum lp_tar_event {
	LP_TAR_MORE,      /* the span is used up */
	LP_TAR_MEMBER,    /* entry is filled */
	LP_TAR_DATA,      /* wanted content: the next bytes of it are in `data` */
	LP_TAR_HOLE,      /* wanted content of a sparse file: the next `hole` bytes are zeros */
	LP_TAR_DATA_END,  /* the member's data is behind us, if it was asked to be told; entry is still valid */
	LP_TAR_END,       /* the end-of-archive marker; at the very start it is one only if zeros follow to the end of input */
	LP_TAR_TRUNCATED, /* from lp_tar_eof only: the input ends before that marker, `whole` or not; `at` says where */
	LP_TAR_ERROR      /* status, error_offset and why say what; every further call says it again */
};

/* Where a cut-off input ended. */
enum lp_tar_at {
	LP_TAR_AT_MEMBER,    /* between two members: only the end marker is missing. Not of what is `whole`, as the next */
	LP_TAR_AT_PADDING,   /* the same, some of the last member's padding missing too */
	LP_TAR_AT_HEADER,    /* inside a header block */
	LP_TAR_AT_EXTENSION, /* behind or inside a long name, a pax header or a sparse map: a member was to follow */
	LP_TAR_AT_DATA       /* inside the data of the member that is still in `entry` */
};

struct lp_tar {
	/*
	 * The caller's, behind lp_tar_init: the input is all there is. Then its
	 * end behind a member, or at its very start, is the archive's, as for Go,
	 * and `unmarked` says that the marker was missing.
	 */
	int whole;

	/* ---- answers ---- */
	int unmarked;
	/*
	 * Of the last LP_TAR_MEMBER. Borrowed: as long as lp_tar_in_data()
	 * holds, and in any case until the next call.
	 */
	struct lp_entry entry;
	struct lp_span data; /* LP_TAR_DATA: part of the caller's span */
	uint64_t hole;       /* LP_TAR_HOLE */
	enum lp_tar_at at;   /* LP_TAR_TRUNCATED */

	int status;            /* LP_TAR_ERROR: LP_E_DATA, LP_E_LIMIT or LP_E_NOMEM */
	uint64_t error_offset; /* of the block or record to blame, in bytes of the tar */
	const char *why;       /* static */

	uint64_t offset;   /* bytes of tar taken in so far, skipped ones included */
	uint64_t members;  /* LP_TAR_MEMBER events so far */
	uint64_t trailing; /* behind the end marker: offset of the first byte that is not zero, or 0 */

	/* ---- the parser's own ---- */
	int state;
	int wanted;        /* what the caller wants of this member: nothing, to be told of its end, its content */
	int sparse_member; /* `sparse` is its map */
	int extended;      /* extensions of a member to come were seen */
	char kind;         /* typeflag of the extension being collected */
	unsigned pad;      /* bytes of padding to pass before the next header */
	uint64_t left;     /* bytes still to come of a member's data or an extension's body */
	uint64_t position; /* in the content that is being handed out */
	size_t piece;      /* of the sparse map: the one at or behind that position */
	size_t nblock;     /* bytes staged */
	uint64_t first;    /* offset of the first block that belongs to the member to come */
	uint64_t pax_at;   /* offset of the pax header's body */
	struct lp_pax pax; /* parsed from `body` */
	struct lp_buf body;
	struct lp_buf longname; /* bodies of GNU's L and K */
	struct lp_buf longlink;
	struct lp_buf xattrs; /* array behind entry.xattrs */
	struct lp_buf text;   /* bytes of those that were encoded */
	struct lp_sparse sparse;
	struct lp_sparse1 sparse1;
	unsigned char block[LP_TAR_BLOCK]; /* the header being staged; entry points into it */
	unsigned char more[LP_TAR_BLOCK];  /* blocks of a sparse map, which follow one */
	unsigned char name[LP_TAR_BLOCK];  /* prefix and name put together */
};

/* Ready for the first byte of an archive; allocates nothing. */
void lp_tar_init(struct lp_tar *);
void lp_tar_release(struct lp_tar *);

/*
 * Take bytes off the front of *in up to the next event. Behind LP_TAR_END
 * further input is taken in, looked at for `trailing`, and answered with
 * LP_TAR_MORE.
 */
enum lp_tar_event lp_tar_next(struct lp_tar *, struct lp_span *in);

/*
 * There is no more input: LP_TAR_END if the end marker was seen (two zero
 * blocks, or one and then nothing; also if it was reported before) or is not
 * needed, LP_TAR_TRUNCATED, or LP_TAR_ERROR: an archive that is not known to
 * be `whole` cannot be empty.
 */
enum lp_tar_event lp_tar_eof(struct lp_tar *);

/*
 * Right behind LP_TAR_MEMBER: hand out that member's content as LP_TAR_DATA
 * and LP_TAR_HOLE, in order, then LP_TAR_DATA_END. Put together that is
 * entry.size bytes, holes filled in. For what has no content only the
 * LP_TAR_DATA_END comes. LP_TAR_ERROR where a sparse map does not match what is
 * stored, which does not matter to who passes it over.
 */
void lp_tar_want_data(struct lp_tar *);

/*
 * Right behind LP_TAR_MEMBER: only say LP_TAR_DATA_END when its data was
 * passed over. lp_tar_eof in between leaves the entry valid, so whoever
 * waits for it knows of each member whether it was truncated.
 */
void lp_tar_want_end(struct lp_tar *);

/* Whether the last member is a sparse file, whose size is not what is stored. */
int lp_tar_is_sparse(const struct lp_tar *);

/* Whether some of the last member's data is still to come. */
int lp_tar_in_data(const struct lp_tar *);

/*
 * How many of the next bytes of input nobody needs to look at, and that
 * they were passed over (n of them at most). The caller vouches that they
 * exist: what a file does not have must not be reported as skipped, or a
 * truncated archive would pass for a whole one.
 */
uint64_t lp_tar_skippable(const struct lp_tar *);
/* The zeros behind the content of the member whose bytes these are; part of them, or next to come. */
unsigned lp_tar_skippable_padding(const struct lp_tar *);
void lp_tar_skipped(struct lp_tar *, uint64_t n);

#endif
