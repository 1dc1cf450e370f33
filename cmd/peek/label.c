/* Labels the answers of several images, each by its image's name. */
#include "cmd/peek/label.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/escape.h"
#include "common/base/jsonwrite.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"

/* An answer on its way through. */
struct labelling {
	const struct lp_label *l;
	struct lp_buf name; /* as the form writes it */
	struct lp_buf in, out;
	int begun;
};

/* What a first column must not begin with is escaped, as in rows. */
static int
write_name(struct labelling *x)
{
	const struct lp_span name = lp_span_str(x->l->image);
	int rc;

	switch (x->l->how) {
	case LP_LABEL_COLUMN:
		if (*name.p == '#' || *name.p == '{') {
			rc = lp_buf_adds(&x->name, *name.p == '#' ? "\\x23" : "\\x7b");
			return rc != LP_OK ? rc : lp_escape(&x->name, lp_span(name.p + 1, name.n - 1), LP_ESCAPE_ROW);
		}
		return lp_escape(&x->name, name, LP_ESCAPE_ROW);
	case LP_LABEL_KEY:
	case LP_LABEL_OBJECT:
		return lp_json_string(&x->name, name);
	default:
		return lp_buf_adds(&x->name, lp_quotes(x->l->image));
	}
}

/* The pieces, one behind the other; NULL is the name. */
static int
put(struct labelling *x, const char *a, const char *b, const char *c)
{
	const char *const piece[] = { a, b, c };
	int rc = LP_OK;

	for (size_t i = 0; i < 3 && rc == LP_OK; i++)
		rc = piece[i] != NULL ? lp_buf_adds(&x->out, piece[i]) : lp_buf_add(&x->out, lp_buf_span(&x->name));
	return rc;
}

/* One field more in a line, before the field of that number, or behind the last. */
static int
column(struct labelling *x, struct lp_span line, const char *name)
{
	size_t at = 0;
	int rc;

	for (unsigned i = 0; i < x->l->column && at <= line.n; i++) {
		const unsigned char *tab = at < line.n ? memchr(line.p + at, '\t', line.n - at) : NULL;

		at = tab != NULL ? (size_t)(tab - line.p) + 1 : line.n + 1;
	}
	if (at > line.n) {
		rc = lp_buf_add(&x->out, line);
		return rc != LP_OK ? rc : put(x, "\t", name, "");
	}
	rc = lp_buf_add(&x->out, lp_span_take(&line, at));
	rc = rc != LP_OK ? rc : put(x, name, line.n > 0 ? "\t" : "", "");
	return rc != LP_OK ? rc : lp_buf_add(&x->out, line);
}

static int
is_record(const struct labelling *x, struct lp_span line)
{
	return x->l->end == '\0' ? lp_span_begins(line, "#end\t") : line.n > 0 && *line.p == '#';
}

static int
one_line(struct labelling *x, struct lp_span line)
{
	const int first = !x->begun;
	int rc;

	x->begun = 1;
	if (x->l->how == LP_LABEL_KEY && line.n > 1 && *line.p == '{') {
		rc = put(x, "{\"image\":", NULL, line.p[1] == '}' ? "" : ",");
		lp_span_take(&line, 1);
		rc = rc != LP_OK ? rc : lp_buf_add(&x->out, line);
	} else if (x->l->how != LP_LABEL_COLUMN) {
		rc = lp_buf_add(&x->out, line);
	} else if (is_record(x, line)) {
		rc = lp_buf_add(&x->out, line);
		rc = rc != LP_OK ? rc : put(x, "\timage=", NULL, "");
	} else if (first && x->l->header) {
		if ((*x->l->written)++ > 0)
			return LP_OK;
		rc = column(x, line, "image");
	} else {
		rc = column(x, line, NULL);
	}
	return rc != LP_OK ? rc : lp_buf_addc(&x->out, (unsigned char)x->l->end);
}

/* What goes before an answer that is not empty. */
static int
begin(struct labelling *x)
{
	if (x->l->how == LP_LABEL_TITLE)
		return put(x, (*x->l->written)++ > 0 ? "\n" : "", NULL, ":\n");
	if (x->l->how == LP_LABEL_OBJECT)
		return put(x, "{\"image\":", NULL, ",\"config\":");
	return LP_OK;
}

/* All of it, or the lines that are whole. */
static int
pass(struct labelling *x, int at_end)
{
	struct lp_span rest = lp_buf_span(&x->in);
	const unsigned char *end;
	int by_line = x->l->how == LP_LABEL_COLUMN || x->l->how == LP_LABEL_KEY, rc = LP_OK;

	if (!x->begun && rest.n > 0)
		rc = begin(x);
	if (!by_line) {
		x->begun |= rest.n > 0;
		rc = rc != LP_OK ? rc : lp_buf_add(&x->out, lp_span_take(&rest, rest.n));
	}
	while (rc == LP_OK && rest.n > 0 && ((end = memchr(rest.p, x->l->end, rest.n)) != NULL || at_end)) {
		rc = one_line(x, lp_span_take(&rest, end != NULL ? (size_t)(end - rest.p) : rest.n));
		lp_span_take(&rest, 1);
	}
	if (rest.n > 0)
		memmove(x->in.p, rest.p, rest.n);
	x->in.n = rest.n;
	if (rc == LP_OK && at_end && x->begun && x->l->how == LP_LABEL_OBJECT)
		rc = lp_buf_adds(&x->out, "}\n");
	if (rc == LP_OK)
		rc = x->l->how == LP_LABEL_TITLE ? lp_put(lp_buf_span(&x->out)) : lp_put_lines(lp_buf_span(&x->out),
		    x->l->json || x->l->how == LP_LABEL_KEY || x->l->how == LP_LABEL_OBJECT);
	lp_buf_clear(&x->out);
	return rc;
}

static int
all(struct labelling *x)
{
	int rc = write_name(x), at_end = 0;

	while (rc == LP_OK && !at_end) {
		ptrdiff_t k;

		rc = lp_buf_reserve(&x->in, LP_IO_CHUNK);
		if (rc != LP_OK)
			break;
		k = lp_read(0, x->in.p + x->in.n, LP_IO_CHUNK);
		if (k < 0) {
			lp_err_errno("rows");
			return LP_E_SYS;
		}
		x->in.n += (size_t)k;
		at_end = k == 0;
		rc = pass(x, at_end);
	}
	if (rc == LP_E_NOMEM || rc == LP_E_LIMIT)
		lp_err("out of memory");
	return rc;
}

int
lp_label_run(void *arg)
{
	struct labelling x = { .l = arg };
	int rc;

	if (lp_lock(LP_DUTY_FILTER) != LP_OK)
		return LP_EXIT_SYSTEM;
	lp_buf_init(&x.name, 4 * LP_MAX_PATH);
	lp_buf_init(&x.in, SIZE_MAX / 2);
	lp_buf_init(&x.out, SIZE_MAX / 2);
	rc = all(&x);
	lp_buf_release(&x.name);
	lp_buf_release(&x.in);
	lp_buf_release(&x.out);
	return lp_exit_of(rc != LP_OK ? rc : lp_close_stdout());
}
