/* Prints the sums that lp-merge has made, of directories, layers or waste, for eyes or as rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/show/view_priv.h"
#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/view/human.h"

/* A line of lp-merge's. */
struct line {
	struct lp_span text;
	uint64_t first; /* its first field, a number */
	size_t place;
};

struct lines {
	struct line *of;
	size_t n, cap;
};

/* The largest first. */
static int
by_first(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->first != y->first ? (x->first < y->first) - (x->first > y->first) :
	    (x->place > y->place) - (x->place < y->place);
}

static int
split(const struct lp_view *v, struct lp_span text, struct lines *l)
{
	while (text.n > 0) {
		struct line *of = lp_array_room(l->of, l->n, &l->cap, sizeof(*of));
		struct lp_span first;

		if (of == NULL)
			return LP_E_NOMEM;
		l->of = of;
		of[l->n] = (struct line){ .text = lp_span_field(&text, '\n'), .place = l->n };
		first = of[l->n].text;
		/* a layer's label may be any word */
		if (v->kind != LP_VIEW_HISTORY && first.n > 0 && first.p[0] != '#' && lp_num_u64(lp_span_field(&first, '\t'), UINT64_MAX, &of[l->n].first) != LP_OK)
			return lp_view_no_sums(v);
		l->n++;
	}
	return LP_OK;
}

int
lp_view_no_sums(const struct lp_view *v)
{
	lp_err("%s: not what lp-merge --%s writes", v->file[0].name,
	    v->kind == LP_VIEW_DU ? "du" : v->kind == LP_VIEW_WASTE ? "waste" : "summary");
	return LP_E_DATA;
}

int
lp_view_right(struct lp_buf *b, struct lp_span s, size_t wide)
{
	int rc = lp_buf_pad(b, s.n, wide);

	return rc != LP_OK ? rc : lp_escape(b, s, LP_ESCAPE_AGAIN);
}

/* ENTRIES TAB PATH behind the bytes. */
static int
draw_directory(const struct lp_view *v, const struct line *l, struct lp_buf *b)
{
	enum { SIZE_WIDE = 8, COUNT_WIDE = 9 };
	struct lp_span rest = l->text;
	char text[LP_HUMAN_MAX];
	uint64_t entries;
	int rc = lp_view_right(b, lp_span(text, (size_t)(lp_human_bytes(text, l->first) - text)), SIZE_WIDE);

	(void)lp_span_field(&rest, '\t');
	if (lp_num_u64(lp_span_field(&rest, '\t'), UINT64_MAX, &entries) != LP_OK)
		return lp_view_no_sums(v);
	rc = rc != LP_OK ? rc : lp_view_right(b, lp_span(text, (size_t)(lp_human_count(text, entries) - text)), 2 + COUNT_WIDE);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "  ");
	rc = rc != LP_OK ? rc : lp_escape(b, rest, LP_ESCAPE_AGAIN);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

/* What stands behind " KEY=", to the next tab; or 0. */
static uint64_t
total_of(struct lp_span line, const char *key)
{
	uint64_t v;

	while (line.n > 0) {
		struct lp_span f = lp_span_field(&line, '\t');

		if (lp_span_begins(f, key)) {
			lp_span_take(&f, strlen(key));
			return lp_num_u64(f, UINT64_MAX, &v) == LP_OK ? v : 0;
		}
	}
	return 0;
}

static int
draw_total(struct lp_span line, struct lp_buf *b)
{
	uint64_t bytes = total_of(line, "bytes="), wasted = total_of(line, "wasted=");
	char share[LP_HUMAN_MAX];
	int rc = lp_human_put_bytes(b, wasted);

	rc = rc != LP_OK ? rc : lp_buf_adds(b, " of ");
	rc = rc != LP_OK ? rc : lp_human_put_bytes(b, bytes);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, " wasted (");
	rc = rc != LP_OK ? rc : lp_buf_add(b, lp_span(share, (size_t)(lp_human_percent(share, wasted, bytes) - share)));
	return rc != LP_OK ? rc : lp_buf_adds(b, ")\n");
}

/* BYTES COPIES LAYER WHY BY NAME */
static int
draw_waste(const struct line *l, struct lp_buf *b)
{
	enum { SIZE_WIDE = 8, WHY_WIDE = 12 };
	struct lp_span rest = l->text, field[5];
	char text[LP_HUMAN_MAX];
	int rc;

	if (rest.n > 0 && rest.p[0] == '#')
		return draw_total(rest, b);
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		field[i] = lp_span_field(&rest, '\t');
	rc = lp_view_right(b, lp_span(text, (size_t)(lp_human_bytes(text, l->first) - text)), SIZE_WIDE);
	rc = rc != LP_OK ? rc : lp_view_right(b, field[2], 7);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "  ");
	rc = rc != LP_OK ? rc : lp_escape(b, field[3], LP_ESCAPE_AGAIN);
	rc = rc != LP_OK ? rc : lp_buf_pad(b, field[3].n, WHY_WIDE);
	rc = rc != LP_OK ? rc : lp_view_right(b, field[4], 3);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "  ");
	rc = rc != LP_OK ? rc : lp_escape(b, rest, LP_ESCAPE_AGAIN);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

static int
draw(const struct lp_view *v, const struct lines *l, struct lp_view_out *o)
{
	int rc = lp_buf_adds(&o->b, v->kind == LP_VIEW_DU ? "    SIZE    ENTRIES  PATH\n" :
	    v->kind == LP_VIEW_WASTE ? "  WASTED  LAYER  WHY          BY  PATH\n" : lp_view_history_header(v));

	for (size_t i = 0; i < l->n && rc == LP_OK; i++) {
		rc = v->kind == LP_VIEW_DU ? draw_directory(v, &l->of[i], &o->b) :
		    v->kind == LP_VIEW_WASTE ? draw_waste(&l->of[i], &o->b) : lp_view_history(v, &o->about[0], l->of[i].text, &o->b);
		if (rc == LP_OK && o->b.n >= LP_VIEW_FLUSH)
			rc = lp_view_flush(o);
	}
	return rc;
}

int
lp_view_sums(const struct lp_view *v, struct lp_view_out *o)
{
	struct lines l = { 0 };
	struct lp_buf in;
	int rc;

	lp_buf_init(&in, SIZE_MAX / 2);
	rc = lp_read_all(v->file[0].fd, &in);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", v->file[0].name);
	rc = rc != LP_OK ? rc : split(v, lp_buf_span(&in), &l);
	if (rc == LP_OK && v->kind == LP_VIEW_DU)
		lp_sort(l.of, l.n, sizeof(*l.of), by_first);
	rc = rc != LP_OK ? rc : draw(v, &l, o);
	free(l.of);
	lp_buf_release(&in);
	return rc;
}
