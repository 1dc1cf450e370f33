/*
 * Many blobs into the store at once, over shared connections
 * (lp-fetch(1), --fill). One that fails does not keep the others.
 */
#ifndef LP_SOURCE_FILL_H
#define LP_SOURCE_FILL_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/map.h"
#include "common/base/range.h"
#include "common/base/span.h"
#include "common/source/blob.h"

enum {
	LP_FILL_JOBS = 8,            /* at a time, unless the user says otherwise */
	LP_FILL_JOBS_MAX = 256,
	LP_FILL_LIST_MAX = 16 * 1024 * 1024 /* bytes of a list of sources */
};

struct lp_fill_job;

struct lp_fill {
	const struct lp_env *env;  /* with a store; borrowed */
	struct lp_range_spec range;     /* wanted of each */
	int strict;                     /* a first byte that is not there is a failure */
	size_t jobs;                    /* at a time */
	struct lp_fill_job **v;
	size_t n, cap;
	struct lp_map last;             /* of a digest's hash: which source was the last one of it, and 1 */
	uint64_t seed;                  /* of that hash: who writes lists can make us slow only if he knows it */
	size_t started;
	struct lp_fill_job *now[LP_FILL_JOBS_MAX]; /* those that run, the oldest first */
	size_t running;
	struct lp_fill_job *ready;      /* those whose turn has come since */
	int starting;
	int status;                     /* exit code: the worst so far */
	int progress;                   /* lp_progress_open's, or -1 */
	/* Say what became of one. `why` is "" for lost memory. */
	void (*failed)(const struct lp_blob *, int status);
};

void lp_fill_init(struct lp_fill *, const struct lp_env *, const struct lp_range_spec *);
void lp_fill_release(struct lp_fill *);

/*
 * One more source; before the lock. `size` is -1 if nobody knows. Those of
 * one digest have their turn one after the other, as a whole blob that one
 * has brought is what the next one finds. LP_OK, also for a local file, which
 * is passed over with a note; LP_E_USAGE if it is none that a store can keep,
 * LP_E_NOMEM, or another failure; `failed` was called.
 */
int lp_fill_add(struct lp_fill *, const char *source, int64_t size);

/*
 * Sources, one a line, as lp-layers writes them: the first field is the
 * source, the second, if it is a number, its size; an end record is passed
 * over. LP_OK, or LP_E_NOMEM; other failures as lp_fill_add, all lines read,
 * but that a line which is no source is LP_E_DATA.
 */
int lp_fill_list(struct lp_fill *, struct lp_span list);

/* Find the credentials of all: before the lock. LP_OK or what lp_registry_login failed with, *why its text. */
int lp_fill_login(struct lp_fill *, const char **why);

/*
 * Bring them all. `tick` as for lp_http_run. The result is `status`. LP_OK,
 * or LP_E_NOMEM if that ended it before all had their turn.
 */
int lp_fill_run(struct lp_fill *, void (*tick)(void *), void *arg);

/* What the one that runs as the ith is and how far, the oldest is 0; for whoever draws. 0 if so many do not run. */
int lp_fill_progress(const struct lp_fill *, size_t i, const struct lp_blob **, uint64_t *have, uint64_t *want);

#endif
