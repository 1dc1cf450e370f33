/* Decodes a range of a gzip file's plain bytes from the last point before it. */
#include "cmd/inflate/bypoints.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

int
lp_bypoints_open(struct lp_bypoints *b)
{
	return b->file != NULL ? lp_pointsread_open(&b->read, b->file) : LP_OK;
}

void
lp_bypoints_release(struct lp_bypoints *b)
{
	if (b->file != NULL)
		lp_pointsread_release(&b->read);
}

static const struct lp_point *
start(const struct lp_bypoints *b)
{
	return lp_points_before(&b->read.points, b->range.first);
}

int
lp_bypoints_read(struct lp_bypoints *b)
{
	const struct lp_points *p = &b->read.points;
	int rc = lp_pointsread(&b->read);

	if (rc != LP_OK)
		return rc;
	if (start(b) == NULL) {
		lp_err("%s: no point at or before byte %" PRIu64, b->read.name, b->range.first);
		return LP_E_ABSENT;
	}
	if (p->out > 0 && b->range.first >= p->out) {
		lp_err("%s: byte %" PRIu64 " is behind the end: there are %" PRIu64 " bytes", b->read.name, b->range.first, p->out);
		return LP_E_ABSENT;
	}
	return LP_OK;
}

int
lp_bypoints_locate(const struct lp_bypoints *b)
{
	const struct lp_points *p = &b->read.points;
	const struct lp_point *end = b->range.last < LP_RANGE_END ? lp_points_behind(p, b->range.last + 1) : NULL;
	const uint64_t stop = end != NULL ? end->in : p->in;
	char line[64];

	if (stop > 0)
		snprintf(line, sizeof(line), "%" PRIu64 "-%" PRIu64 "\n", lp_point_first(start(b)), stop - 1);
	else
		snprintf(line, sizeof(line), "%" PRIu64 "-\n", lp_point_first(start(b)));
	return lp_put_said(lp_put(lp_span_str(line)));
}

int
lp_bypoints_begin(struct lp_bypoints *b, struct lp_inflate *x, struct lp_input *in, const char *input_name)
{
	uint64_t done = 0;
	int rc = lp_inflate_resume(x, start(b));

	if (rc != LP_OK) {
		lp_err("out of memory");
		return rc;
	}
	if (b->part)
		return LP_OK;
	/* a file is passed over at once, and no further than it goes; what comes through a pipe is read */
	rc = in->seeks ? lp_input_skip(in, x->f.used, &done) : LP_OK;
	if (rc != LP_OK)
		lp_err_errno("%s", input_name);
	b->before = x->f.used - done;
	return rc;
}

struct lp_span
lp_bypoints_input(struct lp_bypoints *b, struct lp_span s)
{
	struct lp_span dropped = lp_span_take(&s, b->before < s.n ? (size_t)b->before : s.n);

	b->before -= dropped.n;
	return s;
}

struct lp_span
lp_bypoints_trim(const struct lp_bypoints *b, struct lp_span s, uint64_t given)
{
	const uint64_t pos = given - s.n;

	if (b->file == NULL)
		return s;
	if (b->range.first > pos)
		lp_span_take(&s, b->range.first - pos < s.n ? (size_t)(b->range.first - pos) : s.n);
	if (b->range.last < given && s.n > 0)
		s.n = b->range.last + 1 > given - s.n ? (size_t)(b->range.last + 1 - (given - s.n)) : 0;
	return s;
}

int
lp_bypoints_is_done(const struct lp_bypoints *b, uint64_t given)
{
	return b->file != NULL && b->range.last < LP_RANGE_END && given > b->range.last;
}
