/*
 * What the files of tar/tar.h have of each other. Nobody else's.
 *
 *	tar.c         blocks: the states, and the extensions in front of a member
 *	tar_member.c  a member, out of its header and what its extensions say
 */
#ifndef LP_TAR_TAR_PRIV_H
#define LP_TAR_TAR_PRIV_H

#include <stdint.h>

#include "common/base/status.h"
#include "common/tar/tar.h"
#include "common/tar/tarhdr.h"

enum lp_tar_state {
	LP_TAR_IN_HEADER,    /* passing `pad`, then staging a header block */
	LP_TAR_IN_EXTENSION, /* collecting the body of L, K, x or g */
	LP_TAR_IN_GNU_MAP,   /* staging a continuation block of an old GNU sparse map */
	LP_TAR_IN_PAX_MAP,   /* staging a block of a pax 1.0 sparse map */
	LP_TAR_IN_DATA,      /* passing or handing out a member's data */
	LP_TAR_IN_ZERO,      /* one zero block seen, staging the second */
	LP_TAR_IN_BLANK,     /* nothing but zeros seen, two blocks or more: staging the next */
	LP_TAR_BEHIND_END,
	LP_TAR_FAILED
};

enum lp_tar_wanted { LP_TAR_WANT_NOTHING, LP_TAR_WANT_END, LP_TAR_WANT_CONTENT };

/* No event yet: take the next step. */
enum { LP_TAR_GO_ON = -1 };

static inline int
lp_tar_fail(struct lp_tar *t, int status, uint64_t offset, const char *why)
{
	t->state = LP_TAR_FAILED;
	t->status = status;
	t->error_offset = offset;
	t->why = why;
	return LP_TAR_ERROR;
}

/* The block staged last is to blame. */
static inline int
lp_tar_fail_block(struct lp_tar *t, int status, const char *why)
{
	return lp_tar_fail(t, status, t->offset - LP_TAR_BLOCK, why);
}

static inline int
lp_tar_no_memory(struct lp_tar *t)
{
	return lp_tar_fail(t, LP_E_NOMEM, t->offset, "out of memory");
}

static inline unsigned
lp_tar_padding(uint64_t n)
{
	return (unsigned)(-n & (LP_TAR_BLOCK - 1));
}

/* What the extensions seen so far were for is there, or will never come. */
void lp_tar_forget_extensions(struct lp_tar *);

/* Of all these the answer is an event, or LP_TAR_GO_ON. */

/* A header that is no extension's; it may be changed. */
int lp_tar_begin_member(struct lp_tar *, struct lp_tarhdr *);
/* The map is complete: it has to fit what is stored and what it says it expands to. */
int lp_tar_begin_sparse_data(struct lp_tar *);

#endif
