/*
 * The pipelines that lp-peek puts together: lp-fetch and what reads it.
 */
#ifndef LP_PEEK_PEEK_PIPE_H
#define LP_PEEK_PEEK_PIPE_H

#include "cmd/peek/peek.h"
#include "common/run/argv.h"
#include "common/run/proc.h"

/* All that a row of a layer may say; with digests, which lp-tarls has to make out of all content. */
#define LP_PIPELINE_COLUMNS                                                             \
	"mode,uid,gid,size,mtime,name,linkname,typeflag,uname,gname,devmajor,devminor," \
	"header_offset,data_offset,xattrs"
#define LP_PIPELINE_DIGESTS LP_PIPELINE_COLUMNS ",digest"

struct lp_pipeline {
	struct lp_argv a[LP_STAGES];
	size_t n;
};

/* One more program; quiet unless we are verbose. Its argument list, to be added to. */
struct lp_argv *lp_pipeline_add(struct lp_pipeline *, const char *name);

/* lp-fetch, told everything but which bytes of what. */
enum lp_pipeline_store {
	LP_STORE_KEEP,   /* read through the store */
	LP_STORE_ONLY,   /* offline: from the store and nowhere else */
	LP_STORE_WITHOUT /* what is fetched is not kept */
};
void lp_pipeline_fetch(struct lp_pipeline *, const struct lp_peek *, enum lp_pipeline_store);
/* The last of lp-fetch's arguments: behind them the program is complete. */
void lp_pipeline_source(struct lp_pipeline *, const struct lp_peek_layer *);
/* `whole`: what comes is all of the layer, which may be no byte at all; that it is cut off is a failure then. */
void lp_pipeline_inflate(struct lp_pipeline *, const struct lp_peek_layer *, int whole);
/*
 * lp-tarls or lp-toc, with everything that a listing may say, so that one listing serves every question; with
 * `digests` of files, too.
 */
void lp_pipeline_list(struct lp_pipeline *, const char *name, int digests);

/* Start it, and release the pipeline in any case. LP_OK, or a failure after a message. */
int lp_pipeline_start(struct lp_peek *, struct lp_job *, struct lp_pipeline *, const struct lp_job_io *);

#endif
