/*
 * Asks one layer's rows for a path. The answer is a line "ANSWER TAB ABOVE TAB
 * OFFSET TAB TYPE TAB NAME": a digit of enum lp_find_answer; what the layer below
 * is to be asked with; where the member's header is in the tar (or empty); the first
 * letter of its mode; the next name to look for, or the name under which it is
 * stored, escaped.
 */
#include <inttypes.h>
#include <stdio.h>

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

static int
look(struct lp_find *f, const struct lp_view *v, struct lp_rowin *in, struct lp_buf *b)
{
	int rc, answer = LP_FIND_MORE;

	while (answer == LP_FIND_MORE && (rc = lp_rowin_next(in)) > 0)
		answer = lp_find_member(f, &in->rows.entry, v->eager);
	if (answer == LP_FIND_MORE && rc == LP_OK)
		answer = lp_find_end(f, in->ended && (in->rows.end.complete == LP_COMPLETE_YES || in->rows.end.complete == LP_COMPLETE_INFERRED));
	if (answer < 0)
		return say_limit(v, answer);
	if (answer == LP_FIND_MORE && rc < 0)
		return rc;
	return put_answer(f, answer, b);
}

int
lp_view_find(const struct lp_view *v, struct lp_rowin *in, struct lp_view_out *o)
{
	struct lp_find f;
	int rc;

	in->copy = v->copy;
	rc = lp_find_init(&f, lp_span_str(v->name), 1, v->above, lp_seed());
	if (rc == LP_E_LIMIT)
		lp_err("the name is longer than %lu bytes", LP_MAX_PATH);
	rc = rc != LP_OK ? rc : look(&f, v, in, &o->b);
	lp_find_release(&f);
	return rc;
}
