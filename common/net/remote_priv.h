/*
 * What the files of a blob on a server share. For remote*.c only.
 *
 *   remote.c       a transfer: what is asked, the body, what its end means
 *   remote_head.c  the head of an answer
 */
#ifndef LP_NET_REMOTE_PRIV_H
#define LP_NET_REMOTE_PRIV_H

#include "common/net/remote.h"

#define ULL(x) ((unsigned long long)(x))

/* Set `why`; the status. */
int lp_remote_fail(struct lp_remote *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * All of these answer with LP_OK, or with LP_E_DATA or LP_E_NET after
 * lp_remote_fail.
 */

/*
 * 200 or 206: whether this is what was asked for. Sets body_at and what the
 * head says of the size, and clips `last` to it. Once for each answer.
 */
int lp_remote_check_head(struct lp_remote_get *);

/* The first bytes of the body: no page for people. */
int lp_remote_check_page(struct lp_remote_get *, struct lp_span first);

/* 416: there is no such byte, or so the server says. LP_OK: the blob is empty. LP_E_ABSENT: ask again. */
int lp_remote_unsatisfiable(struct lp_remote_get *);

#endif
