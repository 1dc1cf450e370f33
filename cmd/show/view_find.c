/*
 * Asks one layer's rows for paths. Each answer is a line "ANSWER TAB ABOVE TAB
 * OFFSET TAB TYPE TAB NAME": a digit of enum lp_find_answer; what the layer below
 * is to be asked with; where the member's header is in the tar (or empty); the first
 * letter of its mode; the next name to look for, or the name under which it is
 * stored, escaped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/show/view_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/find.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/seed.h"

static int
put_answer(const struct lp_find *f, int answer, struct lp_buf *b)
{
	const struct lp_buf *name = answer == LP_FIND_HERE || answer == LP_FIND_AGAIN || answer == LP_FIND_LINK ? &f->next :
	    &f->name;
	char text[64], mode[LP_MODE_LEN] = "-";
	int rc;

	if (answer == LP_FIND_HERE)
		(void)lp_put_mode(mode, &f->entry);
	if (answer == LP_FIND_HERE && (f->entry.has & LP_HAS_OFFSETS) != 0)
		snprintf(text, sizeof(text), "%d\t%zu\t%" PRIu64 "\t%c\t", answer, f->above, f->entry.header_offset, mode[0]);
	else
		snprintf(text, sizeof(text), "%d\t%zu\t\t%c\t", answer, f->above, mode[0]);
	rc = lp_buf_adds(b, text);
	rc = rc != LP_OK ? rc : lp_escape(b, lp_buf_span(name), LP_ESCAPE_ROW);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

/* What the question itself cannot do; of rows that cannot be read lp_rowin_next has said it. */
static int
say_limit(const struct lp_view *v, int rc)
{
	if (rc == LP_E_LIMIT)
		lp_err("%s: the layer hides and shows the same paths without end, or implies directories without end",
		    v->file[0].name);
	return rc;
}

/* What is asked of one name, until it is answered. */
struct question {
	struct lp_find find;
	int answer;
};

/* One row, to all who wait for it. How many still do, or a failure. */
static ptrdiff_t
tell(struct question *q, const struct lp_view *v, const struct lp_entry *e)
{
	ptrdiff_t open = 0;

	for (size_t i = 0; i < v->nasks; i++) {
		if (q[i].answer != LP_FIND_MORE)
			continue;
		q[i].answer = lp_find_member(&q[i].find, e, v->eager);
		if (q[i].answer < 0)
			return q[i].answer;
		open += q[i].answer == LP_FIND_MORE;
	}
	return open;
}

static int
look(struct question *q, const struct lp_view *v, struct lp_rowin *in, struct lp_buf *b)
{
	ptrdiff_t open = (ptrdiff_t)v->nasks;
	int rc = LP_OK, whole;

	while (open > 0 && (rc = lp_rowin_next(in)) > 0)
		open = tell(q, v, &in->rows.entry);
	if (open < 0)
		return say_limit(v, (int)open);
	if (open > 0 && rc < 0)
		return rc;
	whole = in->ended && (in->rows.end.complete == LP_COMPLETE_YES || in->rows.end.complete == LP_COMPLETE_INFERRED);
	rc = LP_OK;
	for (size_t i = 0; i < v->nasks && rc == LP_OK; i++) {
		int answer = q[i].answer != LP_FIND_MORE ? q[i].answer : lp_find_end(&q[i].find, whole);

		rc = answer < 0 ? say_limit(v, answer) : put_answer(&q[i].find, answer, b);
	}
	return rc;
}

int
lp_view_find(const struct lp_view *v, struct lp_rowin *in, struct lp_view_out *o)
{
	struct question *q = calloc(v->nasks, sizeof(*q));
	size_t n = 0;
	int rc = q != NULL ? LP_OK : LP_E_NOMEM;

	in->copy = v->copy;
	for (; n < v->nasks && rc == LP_OK; n++) {
		q[n].answer = LP_FIND_MORE;
		rc = lp_find_init(&q[n].find, lp_span_str(v->ask[n].name), 1, v->ask[n].above, lp_seed());
	}
	if (rc == LP_E_LIMIT)
		lp_err("the name is longer than %lu bytes", LP_MAX_PATH);
	rc = rc != LP_OK ? rc : look(q, v, in, &o->b);
	while (n > 0)
		lp_find_release(&q[--n].find);
	free(q);
	return rc;
}
