/*
 * Any bytes as a gzip file of tar that is read in parts: what is wanted is
 * in the file, it comes to an end, and the bytes handed out and skipped add
 * up. The first byte describes a body that the search is tried on alone, in
 * the same bytes over and over: a search of less than a window looks at none.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/jump/jump.h"
#include "common/jump/search.h"
#include "common/tar/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS_MOST = 200000, TILED = 160 * 1024 };

/* Drive the machine: the tar parser says what may be skipped. */
static void
drive(struct lp_jump *j, struct lp_span file)
{
	struct lp_span s = lp_span(NULL, 0);
	struct lp_tar t;
	uint64_t given = 0;

	lp_tar_init(&t);
	for (int i = 0; i < EVENTS_MOST; i++) {
		enum lp_tar_event ev = lp_tar_next(&t, &s);

		if (ev == LP_TAR_ERROR)
			break;
		if (ev != LP_TAR_MORE)
			continue;
		switch (lp_jump_next(j, lp_tar_skippable(&t), lp_tar_skippable_padding(&t))) {
		case LP_JUMP_WANT:
			if (j->want_n == 0 || j->want_at > file.n || j->want_n > file.n - j->want_at)
				abort();
			if (lp_jump_give(j, lp_span(file.p + j->want_at, j->want_n)) != LP_OK)
				abort();
			continue;
		case LP_JUMP_BYTES:
			given += j->bytes.n;
			s = j->bytes;
			continue;
		case LP_JUMP_SKIPPED:
			if (j->skipped == 0 || j->skipped > lp_tar_skippable(&t))
				abort();
			given += j->skipped;
			lp_tar_skipped(&t, j->skipped);
			continue;
		case LP_JUMP_END:
			if (given != j->offset || (j->unproven && j->jumps == 0))
				abort();
			break;
		case LP_JUMP_ERROR:
			if (j->why == NULL || j->error_at > file.n)
				abort();
			break;
		}
		break;
	}
	lp_tar_release(&t);
}

/* The search alone, of a body that a few bytes describe, over any windows. */
static void
search(struct lp_span file, unsigned seed)
{
	static struct lp_jump_search s;
	static struct lp_jump_eye eye;
	static struct lp_jump_habits habits;
	struct lp_jump_body body = { .size = (uint64_t)file.n * (1 + seed % 7), .padding = seed % 512 };

	s.size = file.n;
	s.caution = 400;
	s.habits = &habits;
	lp_jump_search_start(&s, &body, file.n / 16, body.size + body.padding, 0.3, 0.4);
	while (lp_jump_search_next(&s) == LP_JUMP_SEEK) {
		if (s.want_n == 0 || s.want_at > file.n || s.want_n > file.n - s.want_at)
			abort();
		if (lp_jump_search_give(&s, lp_span(file.p + s.want_at, s.want_n), &eye) != LP_OK)
			abort();
	}
	lp_jump_search_end(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size);
	unsigned seed = size > 0 ? lp_span_take(&in, 1).p[0] : 0;
	struct lp_jump j;

	if (lp_jump_init(&j, in.n) != LP_OK)
		abort();
	drive(&j, in);
	if (j.jumps > 0) {
		lp_jump_again(&j);
		drive(&j, in);
		if (j.jumps > 0)
			abort();
	}
	lp_jump_release(&j);
	if (in.n > 16) {
		static unsigned char tiled[TILED];

		for (size_t i = 0; i < TILED; i++)
			tiled[i] = in.p[i % in.n];
		search(lp_span(tiled, TILED), seed);
	}
	return 0;
}
