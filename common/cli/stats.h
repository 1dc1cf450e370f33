/*
 * The statistics line (lp(5), "Statistics"): one JSON object per program
 * run, appended to a file in one write, so that the lines of a pipeline's
 * programs never mix.
 */
#ifndef LP_CLI_STATS_H
#define LP_CLI_STATS_H

#include <stdint.h>

/* A number that this run does not know. */
#define LP_STATS_UNKNOWN (-1)

struct lp_stats {
	/* NULL where the run does not know; must stay valid until lp_stats_end */
	const char *source;
	const char *digest;
	const char *mirror; /* that answered in place of the registry that was named, HOST/REPO */
	/* LP_STATS_UNKNOWN where the run does not know */
	int64_t size;             /* bytes of the whole blob, as its descriptor has it */
	int64_t bytes_downloaded; /* body bytes that crossed the network */
	int64_t bytes_decompressed;
	int64_t requests;
	int64_t entries_found;
	int64_t ratelimit_remaining;
	int partial;  /* 1 preview, 0 complete, LP_STATS_UNKNOWN */
	int verified; /* 1 the whole blob was read and has its digest, 0 not so, LP_STATS_UNKNOWN */

	int fd; /* -1: nobody asked for statistics */
	int64_t started_ns;
};

/*
 * Start the clock, mark everything unknown, and open the file: `path`, or
 * the environment's LP_STATS if that is NULL, or none. Before the sandbox
 * is locked. 0 or LP_E_SYS (said by the caller, who knows the name it gave).
 */
int lp_stats_begin(struct lp_stats *, const char *path);

/*
 * Write the line: the tool's name and the error are those of sys/err.h,
 * the error only if `exit_code` is not 0. 0, or LP_E_SYS or LP_E_NOMEM.
 */
int lp_stats_end(struct lp_stats *, int exit_code);

/*
 * How every main begins and ends, messages included. Start: as
 * lp_stats_begin; 0, or 3. Finish: stdout is closed, the line written, and
 * what failed in that makes `exit_code` worse; the result is main's. A 3 for
 * which no message was given is said to be lost memory.
 */
int lp_start(struct lp_stats *, const char *path);
int lp_finish(struct lp_stats *, int exit_code);

#endif
