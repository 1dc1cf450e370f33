/* Copies chosen members of a tar stream block by block, for lp-cat --tar. */
#include "cmd/cat/tarcopy.h"

#include <inttypes.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/tar/tarwrite.h"

/* Headers, extensions (four kinds) and a sparse map of one member, with their padding. */
enum { MAX_HEAD = 64 * 1024 * 1024 };

static const unsigned char zeros[2 * LP_TAR_BLOCK];
const struct lp_span lp_tarcopy_marker = { zeros, sizeof(zeros) };

static int
no_memory(int rc)
{
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("%s", rc == LP_E_NOMEM ? "out of memory" : "a name or a header is above the limit");
	return rc;
}

static int
read_more(struct lp_tarcopy *t)
{
	int rc = lp_input_next(t->input, &t->in);

	if (rc == LP_E_SYS)
		lp_err_errno("%s", t->input_name);
	return rc;
}

static int
cut_off(struct lp_tarcopy *t)
{
	lp_err("%s: not complete: input ends after %" PRIu64 " bytes", t->input_name, t->tar.offset);
	return LP_E_ABSENT;
}

/* The member's data and padding, as it is stored, to stdout or nowhere. */
static int
body(struct lp_tarcopy *t, int copy)
{
	uint64_t left;

	while ((left = lp_tar_skippable(&t->tar)) > 0) {
		uint64_t done = 0;
		int rc = LP_OK;

		if (t->in.n > 0) {
			struct lp_span s = lp_span_take(&t->in, left < t->in.n ? (size_t)left : t->in.n);

			done = s.n;
			rc = copy ? lp_put(s) : LP_OK;
		} else if (!copy && (rc = lp_input_skip(t->input, left, &done)) != LP_OK && rc != LP_E_PIPE) {
			lp_err_errno("%s", t->input_name);
		}
		if (rc != LP_OK)
			return rc;
		lp_tar_skipped(&t->tar, done);
		if (done == 0 && (rc = read_more(t)) <= 0)
			return rc < 0 ? rc : cut_off(t);
	}
	return LP_OK;
}

/* The member under another name: a header of its own, where what is stored is the content. */
static int
rename_member(struct lp_tarcopy *t)
{
	struct lp_entry e = t->tar.entry;
	int rc;

	e.name = t->select->renamed;
	if (lp_tar_skippable(&t->tar) != (e.size + LP_TAR_BLOCK - 1) / LP_TAR_BLOCK * LP_TAR_BLOCK) {
		lp_err("%s: a sparse file, and %s is but another name of it: --at has its content", lp_quote(t->tar.entry.name),
		    lp_quote(e.name));
		return LP_E_ABSENT;
	}
	lp_buf_clear(&t->head);
	rc = no_memory(lp_tarwrite(&e, &t->head));
	return rc != LP_OK ? rc : lp_put(lp_buf_span(&t->head));
}

/* On to the next place that is wanted, past members that are not; what was read beyond that is used. */
static void
jump(struct lp_tarcopy *t)
{
	const uint64_t at = t->tar.offset;
	uint64_t to;

	while (t->nplaces > 0 && *t->place < at) {
		t->place++;
		t->nplaces--;
	}
	to = t->nplaces > 0 ? *t->place : at;
	if (to == at)
		return;
	if (to - at <= t->in.n) {
		lp_span_take(&t->in, (size_t)(to - at));
	} else {
		t->in = lp_span("", 0);
		lp_pointinput_seek(t->points, to);
	}
	lp_tar_release(&t->tar);
	lp_tar_init(&t->tar);
	t->tar.whole = t->whole;
	t->tar.offset = t->head_at = to;
}

static int
member(struct lp_tarcopy *t)
{
	const struct lp_entry *e = &t->tar.entry;
	struct lp_span head = lp_buf_span(&t->head);
	int wanted = lp_select_member(t->select, e), rc = LP_OK;

	if (wanted < 0)
		return no_memory(wanted);
	/* global headers and a volume label come before what belongs to the member */
	lp_span_take(&head, (size_t)(e->header_offset - t->head_at));
	if (wanted)
		rc = t->select->renamed.n > 0 ? rename_member(t) : lp_put(head);
	if (t->points != NULL && wanted)
		lp_pointinput_want(t->points, t->tar.offset + lp_tar_skippable(&t->tar));
	if (t->points != NULL && !wanted) {
		lp_err("%s: byte %" PRIu64 ": not the member that a row is of", t->input_name, e->header_offset);
		return LP_E_DATA;
	}
	if (rc == LP_OK)
		rc = body(t, wanted);
	lp_buf_clear(&t->head);
	t->head_at = t->tar.offset;
	if (rc == LP_OK && t->points != NULL)
		jump(t);
	return rc;
}

/* One step of the parser, what it took kept. LP_OK to go on, 1 at the end, or a failure. */
static int
step(struct lp_tarcopy *t)
{
	struct lp_span before = t->in;
	enum lp_tar_event ev = lp_tar_next(&t->tar, &t->in);
	int rc = no_memory(lp_buf_add(&t->head, lp_span(before.p, before.n - t->in.n)));

	if (rc != LP_OK)
		return rc;
	if (ev == LP_TAR_MORE && (rc = read_more(t)) <= 0) {
		if (rc < 0)
			return rc;
		ev = lp_tar_eof(&t->tar);
	}
	switch (ev) {
	case LP_TAR_MEMBER:
		return member(t);
	case LP_TAR_END:
		return 1;
	case LP_TAR_TRUNCATED:
		return cut_off(t);
	case LP_TAR_ERROR:
		lp_err("%s: byte %" PRIu64 ": %s", t->input_name, t->tar.error_offset, t->tar.why);
		return t->tar.status;
	case LP_TAR_MORE: case LP_TAR_DATA: case LP_TAR_HOLE: case LP_TAR_DATA_END:
		break;
	}
	return LP_OK;
}

static int
end(struct lp_tarcopy *t)
{
	int rc = t->open ? LP_OK : lp_put(lp_tarcopy_marker);

	return rc != LP_OK ? rc : lp_select_end(t->select);
}

int
lp_tarcopy(struct lp_tarcopy *t, struct lp_input *input)
{
	int rc = LP_OK;

	lp_tar_init(&t->tar);
	t->tar.whole = t->whole;
	lp_buf_init(&t->head, MAX_HEAD);
	t->input = input;
	t->in = lp_span("", 0);
	if (t->points != NULL)
		jump(t);
	while (rc == LP_OK && !lp_select_is_done(t->select))
		rc = step(t);
	if (rc == LP_OK || rc == 1)
		rc = end(t);
	t->offset = t->tar.offset;
	lp_tar_release(&t->tar);
	lp_buf_release(&t->head);
	return rc;
}
