/*
 * A gzip file of tar read in parts: large bodies are jumped over.
 *
 * A pull machine that never reads: it says which bytes of the file it wants,
 * and is given them.
 *
 *	lp_jump_init(&j, size);
 *	for (;;) {
 *		switch (lp_jump_next(&j, skippable, padding)) {
 *		case LP_JUMP_WANT:	read j.want_n bytes at j.want_at, lp_jump_give
 *		case LP_JUMP_BYTES:	the next bytes of tar are in j.bytes
 *		case LP_JUMP_SKIPPED:	j.skipped bytes of it were passed over
 *		...
 *	}
 *	lp_jump_release(&j);
 *
 * A body that is jumped over is looked for at its end: windows of the file
 * are decoded from where a block seems to begin (codec/marked.h), the next header is
 * sought in what comes out (tar/tarfind.h), and believed when the odds are
 * for it (jump/odds.h). At the end of each gzip member its length, which
 * its last four bytes have modulo 2^32, must be what was read and jumped
 * over: then no tar member was left out, and none invented. That proves
 * nothing of what the bytes are, and nothing against who chose them to
 * deceive: a listing made so is inferred.
 *
 * Memory is constant, some 6 MiB, and while the end of a body is looked for what was read for that.
 */
#ifndef LP_JUMP_JUMP_H
#define LP_JUMP_JUMP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/span.h"
#include "common/jump/body.h"
#include "common/jump/odds.h"
#include "common/jump/window.h"

enum lp_jump_event {
	LP_JUMP_WANT,
	LP_JUMP_BYTES,
	LP_JUMP_SKIPPED,
	LP_JUMP_END,   /* of the file; `unproven` says whether lp_jump_again is called for */
	LP_JUMP_ERROR  /* status, why and error_at say what; every further call says it again */
};

/* The machine's memory, which is large. */
struct lp_jump_room;

struct lp_jump {
	/* ---- answers ---- */
	uint64_t want_at;
	size_t want_n;        /* at least 1, and all in the file */
	struct lp_span bytes; /* of tar, up to 512; the machine's, until the next call */
	uint64_t skipped;
	int unproven;         /* lengths differ: a landing was wrong */
	uint64_t trailing;    /* byte of the file from which on there is something that is no gzip member; 0: there is none */
	int status;           /* LP_E_DATA or LP_E_LIMIT */
	uint64_t error_at;    /* byte of the file */
	const char *why;      /* static */

	uint64_t offset;      /* bytes of tar so far, those jumped over included */
	uint64_t asked;       /* bytes that were wanted so far, of all passes */
	uint64_t rounds;      /* how often */
	uint64_t jumps;       /* of this pass */
	unsigned passes;      /* before this one, not proven */

	/* ---- the machine's own ---- */
	uint64_t size;
	struct lp_jump_room *room;
};

/* A file of that many bytes. LP_OK or LP_E_NOMEM; to be released in any case. */
int lp_jump_init(struct lp_jump *, uint64_t size);
void lp_jump_release(struct lp_jump *);

/*
 * The next event. `skippable`: how many of the next bytes of tar nobody
 * needs, the last `padding` of them behind a member's content (lp_tar_skippable).
 */
enum lp_jump_event lp_jump_next(struct lp_jump *, uint64_t skippable, unsigned padding);

/* What was wanted, all of it. LP_OK or LP_E_NOMEM. */
int lp_jump_give(struct lp_jump *, struct lp_span);

/* From the first byte again, now without a jump: after LP_JUMP_END that is unproven, or where a jump has led to what cannot be. */
void lp_jump_again(struct lp_jump *);

#endif
