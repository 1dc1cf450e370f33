/*
 * A filter's input: a descriptor that is read in large pieces, and passed
 * over without reading where that is possible (a file) or cheap (a pipe).
 *
 *	lp_input_operand(&in, file, &name);    before the lock
 *	while ((rc = lp_input_next(&in, &span)) > 0)
 *		...
 *	lp_input_release(&in);
 */
#ifndef LP_SYS_INPUT_H
#define LP_SYS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"

struct lp_input {
	int fd;
	int null;        /* /dev/null, where spliced bytes go; -1 without */
	int reader;      /* who reads what is made of it, a descriptor: while input is waited for, its end is heard; or -1 */
	int seeks;       /* a regular file: `at` is its position */
	int grown;       /* the pipe was made larger */
	int drained;     /* the last read got less than it asked for */
	uint64_t at;
	uint64_t size;   /* of the file, when last asked */
	size_t ask;      /* bytes of the next read: little behind a jump, more while nothing is skipped */
	unsigned char *buf;
	/* what is read is no descriptor: this brings it, and answers as lp_input_next, or with a failure that it said */
	int (*bring)(void *, struct lp_span *);
	void *bringer;
};

/* Bytes that somebody brings; nothing is opened. */
void lp_input_by(struct lp_input *, int (*bring)(void *, struct lp_span *), void *bringer);

/*
 * Prepare to read `fd` from where it stands; it stays the caller's to
 * close. LP_OK, or LP_E_SYS (a directory, for one) or LP_E_NOMEM.
 */
int lp_input_open(struct lp_input *, int fd);
void lp_input_release(struct lp_input *);

/*
 * What a command line names: a file, or stdin if `file` is NULL or "-". *name is
 * what messages call it, for ever. A descriptor, or LP_E_SYS; said.
 */
int lp_operand_open(const char *file, const char **name);

/* Both: as lp_input_open, but what fails was said. To be released in any case. */
int lp_input_operand(struct lp_input *, const char *file, const char **name);

/*
 * The next bytes, borrowed until the next call. 1, 0 at the end of the
 * input (*out is empty), LP_E_PIPE when the reader has left before any came,
 * or LP_E_SYS.
 */
int lp_input_next(struct lp_input *, struct lp_span *out);

/*
 * Pass over up to n bytes: *done of them, which do exist. May be fewer, and
 * 0 where reading is better; then lp_input_next goes on. LP_OK, LP_E_PIPE as there, or LP_E_SYS.
 */
int lp_input_skip(struct lp_input *, uint64_t n, uint64_t *done);

/*
 * Whether lp_input_next would not have to wait, waiting up to `ms` for it.
 * For a file always 1. Also 1 if that cannot be told.
 */
int lp_input_ready(const struct lp_input *, int ms);

#endif
