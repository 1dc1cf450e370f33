/* Asks one layer's rows for a path, and passes the answer on in a line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/peek/view_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/find.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
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
		lp_err("layer %s hides and shows the same paths without end, or implies directories without end",
		    lp_quotes(v->layer));
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
	rc = lp_find_init(&f, lp_span_str(v->name), v->follow, v->above, lp_seed());
	if (rc == LP_E_LIMIT)
		lp_err("the name is longer than %lu bytes", LP_MAX_PATH);
	rc = rc != LP_OK ? rc : look(&f, v, in, &o->b);
	lp_find_release(&f);
	return rc;
}

int
lp_view_end(int fd, const struct lp_rowend *end)
{
	struct lp_rowfmt fmt;
	struct lp_buf b;
	int rc;

	lp_rowfmt_init(&fmt);
	lp_buf_init(&b, 4 * LP_MAX_PATH);
	rc = lp_row_end(&fmt, end, &b);
	if (rc == LP_OK && lseek(fd, 0, SEEK_END) < 0)
		rc = LP_E_SYS;
	rc = rc != LP_OK ? rc : lp_write_all(fd, lp_buf_span(&b));
	lp_buf_release(&b);
	return rc;
}

int
lp_view_found(int fd, struct lp_found *found)
{
	struct lp_buf text, name;
	struct lp_span line, answer, above, offset, type;
	uint64_t number = 0, bytes = 0;
	ptrdiff_t n;
	int rc;

	*found = (struct lp_found){ .answer = -1 };
	lp_buf_init(&text, 4 * LP_MAX_PATH);
	lp_buf_init(&name, LP_MAX_PATH + 1);
	rc = lp_buf_reserve(&text, text.max);
	n = rc == LP_OK ? lp_pread_full(fd, text.p, text.max, 0) : 0;
	line = lp_span(text.p, n > 0 ? (size_t)n : 0);
	line = lp_span_until(&line, "\n");
	answer = lp_span_until(&line, "\t");
	lp_span_skip(&line, "\t");
	above = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	offset = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	type = lp_span_until(&line, "\t");
	lp_span_take(&line, 1);
	found->offset = UINT64_MAX;
	if (rc == LP_OK && offset.n > 0 && lp_num_u64(offset, LP_MAX_SIZE, &found->offset) != LP_OK)
		rc = LP_E_DATA;
	if (rc == LP_OK && (lp_num_u64(answer, LP_FIND_LINK, &number) != LP_OK || lp_num_u64(above, LP_MAX_PATH, &bytes) != LP_OK))
		rc = n < 0 ? LP_E_SYS : LP_E_DATA;
	if (rc == LP_OK)
		rc = lp_unescape(&name, line);
	if (rc == LP_OK) {
		found->answer = (int)number;
		found->above = (size_t)bytes;
		found->type = type.n > 0 ? (char)type.p[0] : '-';
		found->name = lp_buf_cstr(&name) != NULL ? strdup(lp_buf_cstr(&name)) : NULL;
		rc = found->name != NULL ? LP_OK : LP_E_NOMEM;
	}
	lp_buf_release(&text);
	lp_buf_release(&name);
	return rc;
}
