/*
 * What the files of a SOURCE share. For blob*.c only.
 *
 *   blob.c         opening, sizes and ranges; which of the others reads
 *   blob_local.c   files, pipes, layouts
 *   blob_remote.c  servers, through the store
 */
#ifndef LP_SOURCE_BLOB_PRIV_H
#define LP_SOURCE_BLOB_PRIV_H

#include "common/source/blob.h"

#define ULL(x) ((unsigned long long)(x))

/* Set `why`; the status. */
int lp_blob_fail(struct lp_blob *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with errno: LP_E_SYS. `what` may be "". */
int lp_blob_fail_errno(struct lp_blob *, const char *what);
/* Some of what the store has is corrupted, behind byte `at`. */
void lp_blob_damaged(struct lp_blob *, uint64_t at);
/* A failure of the store to take what was fetched: LP_OK where that is of no matter, which is said. */
int lp_blob_not_kept(struct lp_blob *, int rc);
/* A status of b->remote's, with its words. */
int lp_blob_remote_failed(struct lp_blob *, int rc);

/* It has that size: new to us, or to be the one we know. LP_OK or LP_E_DATA. */
int lp_blob_check_size(struct lp_blob *, uint64_t size);

/* lp_blob_read for each kind, from *at on. */
int lp_blob_read_file(struct lp_blob *, uint64_t last, lp_blob_sink *, void *arg, uint64_t *at);
int lp_blob_read_pipe(struct lp_blob *, uint64_t last, lp_blob_sink *, void *arg, uint64_t *at);
int lp_blob_read_layout(struct lp_blob *, uint64_t last, lp_blob_sink *, void *arg, uint64_t *at);
int lp_blob_read_remote(struct lp_blob *, uint64_t last, lp_blob_sink *, lp_blob_pace *, void *arg, uint64_t *at);

#endif
