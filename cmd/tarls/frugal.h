/* Input of lp-tarls --frugal: a gzip file, read where something is needed (jump/jump.h). */
#ifndef LP_TARLS_FRUGAL_H
#define LP_TARLS_FRUGAL_H

#include "common/base/span.h"
#include "common/jump/jump.h"
#include "common/tar/tar.h"

struct lp_frugal {
	int fd;
	const char *name; /* for messages */
	struct lp_jump jump;
	unsigned char *buf; /* what is read last */
	size_t cap;
};

/*
 * The file that a command line names; before the lock. LP_OK, or what fails, said: LP_E_SYS,
 * LP_E_NOMEM, LP_E_USAGE if it cannot be read at any place. To be released in any case.
 */
int lp_frugal_open(struct lp_frugal *, const char *file, const char **name);
void lp_frugal_release(struct lp_frugal *);

/*
 * The next bytes of tar, or fewer that the reader waits for: 1. 0 at the end of the file.
 * LP_E_SYS or LP_E_NOMEM, said; or LP_E_DATA, LP_E_LIMIT, which lp_frugal_say says: the reader may want to begin again.
 */
int lp_frugal_more(struct lp_frugal *, struct lp_tar *, struct lp_span *);
void lp_frugal_say(const struct lp_frugal *);

#endif
