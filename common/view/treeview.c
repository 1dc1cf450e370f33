/* Draws rows as a tree. */
#include "common/view/treeview.h"

#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/path.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/row/row.h"
#include "common/view/aligned.h"
#include "common/view/human.h"

struct item {
	union {
		size_t at; /* while rows come, and the text may move: where in it */
		const unsigned char *p;
	};
	uint32_t name_n, link_n; /* behind the name: the link's target, or the row as JSON */
	uint64_t size;
	uint32_t depth; /* components */
	uint16_t mode;
	char type;
	unsigned char is_last; /* of its directory */
};

void
lp_treeview_init(struct lp_treeview *t, const struct lp_treeview_options *o)
{
	*t = (struct lp_treeview){ .o = *o };
	lp_buf_init(&t->items, SIZE_MAX / 2);
	lp_buf_init(&t->text, SIZE_MAX / 2);
	lp_buf_init(&t->last, LP_MAX_PATH + 1);
	lp_buf_init(&t->path, LP_MAX_PATH);
}

void
lp_treeview_release(struct lp_treeview *t)
{
	lp_buf_release(&t->items);
	lp_buf_release(&t->text);
	lp_buf_release(&t->last);
	lp_buf_release(&t->path);
}

static struct item *
items(const struct lp_treeview *t, size_t *n)
{
	*n = t->items.n / sizeof(struct item);
	return (struct item *)(void *)t->items.p;
}

static uint32_t
components(struct lp_span path)
{
	uint32_t n = 0;

	while (lp_path_component(&path).n > 0)
		n++;
	return n;
}

int
lp_treeview_add(struct lp_treeview *t, const struct lp_entry *e)
{
	static const struct lp_rowfmt json = { .form = LP_ROW_NDJSON };
	int is_link = e->type == LP_SYMLINK || e->type == LP_HARDLINK;
	struct item i = { .size = e->size, .mode = (uint16_t)e->mode, .type = (char)e->type };
	int rc;

	lp_buf_clear(&t->path);
	rc = lp_path_join(&t->path, e->name);
	if (rc != LP_OK || t->path.n == 0) /* the root is where the drawing hangs */
		return rc;
	i.depth = components(lp_buf_span(&t->path));
	i.name_n = (uint32_t)t->path.n;
	i.at = t->text.n;
	rc = lp_buf_add(&t->text, lp_buf_span(&t->path));
	if (rc == LP_OK && t->o.json)
		rc = lp_row_write(&json, e, &t->text);
	else if (rc == LP_OK && is_link)
		rc = lp_buf_add(&t->text, e->linkname);
	i.link_n = (uint32_t)(t->text.n - i.at - i.name_n);
	return rc != LP_OK ? rc : lp_buf_add(&t->items, lp_span(&i, sizeof(i)));
}

/* Paths in the order of a walk: '/' comes before every other byte, so "a/b" before "a-b". */
static int
compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t n = x->name_n < y->name_n ? x->name_n : y->name_n;

	for (size_t i = 0; i < n; i++)
		if (x->p[i] != y->p[i])
			return (x->p[i] == '/' ? -1 : x->p[i]) - (y->p[i] == '/' ? -1 : y->p[i]);
	return (x->name_n > y->name_n) - (x->name_n < y->name_n);
}

/* Backwards: an item is its directory's last if none of its level came since a shallower one. */
static int
find_last_ones(struct lp_treeview *t)
{
	size_t n, filled = 0;
	struct item *item = items(t, &n);
	uint32_t deepest = 0;

	for (size_t i = 0; i < n; i++)
		deepest = item[i].depth > deepest ? item[i].depth : deepest;
	lp_buf_clear(&t->last);
	if (lp_buf_reserve(&t->last, deepest + 1) != LP_OK)
		return LP_E_NOMEM;
	for (size_t i = n; i-- > 0;) {
		/* levels above `filled` have nothing behind them */
		while (filled < item[i].depth)
			t->last.p[++filled] = 1;
		filled = item[i].depth;
		item[i].is_last = t->last.p[filled];
		t->last.p[filled] = 0;
	}
	return LP_OK;
}

/* Directories above one item that the item before it, in order, does not lie in: no row named them. */
static int
add_implied(struct lp_treeview *t, struct lp_span before, struct lp_span path)
{
	struct item i = { .p = path.p, .mode = 0755, .type = LP_DIR };
	int rc = LP_OK;

	for (size_t k = 0; k < path.n && rc == LP_OK; k++) {
		if (path.p[k] != '/')
			continue;
		i.depth++;
		i.name_n = (uint32_t)k;
		if (before.n == 0 || !lp_path_within(before, lp_span(path.p, k)))
			rc = lp_buf_add(&t->items, lp_span(&i, sizeof(i)));
	}
	return rc;
}

static int
sort(struct lp_treeview *t)
{
	struct lp_span before = lp_span(NULL, 0);
	size_t n, all;
	struct item *item = items(t, &n);

	for (size_t i = 0; i < n; i++)
		item[i].p = t->text.p + item[i].at;
	lp_sort(item, n, sizeof(*item), compare);
	for (size_t i = 0; i < n; i++) {
		struct lp_span path = lp_span(items(t, &all)[i].p, items(t, &all)[i].name_n);
		int rc = add_implied(t, before, path);

		if (rc != LP_OK)
			return rc;
		before = path;
	}
	item = items(t, &all);
	if (all > n)
		lp_sort(item, all, sizeof(*item), compare);
	t->sorted = 1;
	return find_last_ones(t);
}

static int
put_branch(const struct lp_treeview *t, const struct item *i, struct lp_buf *out)
{
	static const char *const lines[2][4] = {
		{ "    ", "|   ", "`-- ", "|-- " },
		{ "    ", "│   ", "└── ", "├── " },
	};
	const char *const *line = lines[t->o.utf8 != 0];
	int rc = LP_OK;

	for (uint32_t d = 2; d < i->depth && rc == LP_OK; d++)
		rc = lp_buf_adds(out, line[t->last.p[d] ? 0 : 1]);
	if (i->depth > 1 && rc == LP_OK)
		rc = lp_buf_adds(out, line[i->is_last ? 2 : 3]);
	return rc;
}

/* What lies deeper than is shown is passed over. How many entries that are. */
static uint64_t
pass_over(struct lp_treeview *t, const struct item *dir, uint64_t *bytes)
{
	uint64_t entries = 0;
	size_t n;
	const struct item *item = items(t, &n);

	for (*bytes = 0; t->at < n && item[t->at].depth > dir->depth; t->at++) {
		entries++;
		*bytes += item[t->at].size;
	}
	return entries;
}

/* It is told in one pair of brackets. */
static int
sum_up(struct lp_treeview *t, const struct item *dir, struct lp_buf *out)
{
	char count[LP_HUMAN_MAX], size[LP_HUMAN_MAX];
	uint64_t bytes, entries = pass_over(t, dir, &bytes);
	int rc;

	if (entries == 0)
		return LP_OK;
	rc = lp_buf_adds(out, " (");
	rc = rc != LP_OK ? rc : lp_buf_add(out, lp_span(count, (size_t)(lp_human_count(count, entries) - count)));
	rc = rc != LP_OK ? rc : lp_buf_adds(out, entries == 1 ? " entry, " : " entries, ");
	rc = rc != LP_OK ? rc : lp_buf_add(out, lp_span(size, (size_t)(lp_human_bytes(size, bytes) - size)));
	return rc != LP_OK ? rc : lp_buf_adds(out, ")");
}

/* ---- as JSON ------------------------------------------------------------------ */

/* The objects down to this level are complete. */
static int
close_to(struct lp_treeview *t, uint32_t level, struct lp_buf *out)
{
	int rc = LP_OK;

	for (; t->open > level && rc == LP_OK; t->open--) {
		rc = lp_buf_adds(out, t->open == 1 ? "]}\n" : "]}");
		t->fresh = 0;
	}
	return rc;
}

/* The row without its last brace. A directory that no row names says so. */
static int
put_object(const struct item *i, struct lp_buf *out)
{
	static const struct lp_rowfmt json = { .form = LP_ROW_NDJSON };
	const struct lp_entry e = { .name = lp_span(i->p, i->name_n), .type = (enum lp_type)i->type, .mode = i->mode };
	int rc;

	if (i->link_n > 2)
		return lp_buf_add(out, lp_span(i->p + i->name_n, i->link_n - 2));
	rc = lp_row_write(&json, &e, out);
	if (rc != LP_OK)
		return rc;
	out->n -= 2;
	return lp_buf_adds(out, ",\"implied\":true");
}

static int
put_sums(struct lp_treeview *t, const struct item *i, struct lp_buf *out)
{
	char digits[LP_NUM_MAX];
	uint64_t bytes, entries = pass_over(t, i, &bytes);
	int rc = lp_buf_adds(out, ",\"entries\":");

	rc = rc != LP_OK ? rc : lp_buf_add(out, lp_span(digits, (size_t)(lp_num_put(digits, entries) - digits)));
	rc = rc != LP_OK ? rc : lp_buf_adds(out, ",\"bytes\":");
	return rc != LP_OK ? rc : lp_buf_add(out, lp_span(digits, (size_t)(lp_num_put(digits, bytes) - digits)));
}

static int
draw_json(struct lp_treeview *t, const struct item *i, int has_children, struct lp_buf *out)
{
	int rc = close_to(t, i->depth - 1, out);

	if (rc == LP_OK && i->depth > 1 && !t->fresh)
		rc = lp_buf_addc(out, ',');
	rc = rc != LP_OK ? rc : put_object(i, out);
	t->fresh = rc == LP_OK && i->depth < t->o.depth && (has_children || i->type == LP_DIR);
	if (t->fresh) {
		t->open = i->depth;
		return lp_buf_adds(out, ",\"children\":[");
	}
	if (rc == LP_OK && has_children)
		rc = put_sums(t, i, out);
	return rc != LP_OK ? rc : lp_buf_adds(out, i->depth == 1 ? "}\n" : "}");
}

/* ---- both ------------------------------------------------------------------------ */

int
lp_treeview_draw(struct lp_treeview *t, struct lp_buf *out)
{
	int rc = t->sorted ? LP_OK : sort(t);
	size_t n;
	const struct item *i = items(t, &n);
	struct lp_entry e;
	struct lp_span name;

	if (rc != LP_OK || t->at == n)
		return rc != LP_OK ? rc : close_to(t, 0, out);
	i += t->at++;
	if (t->o.json) {
		rc = draw_json(t, i, t->at < n && i[1].depth > i->depth, out);
		return rc != LP_OK ? rc : 1;
	}
	name = lp_span(i->p, i->name_n);
	e = (struct lp_entry){ .name = name, .linkname = lp_span(i->p + i->name_n, i->link_n),
		.type = (enum lp_type)i->type, .mode = i->mode };
	if (i->depth > 1) {
		size_t dir = lp_path_parent(name).n + 1;

		lp_span_take(&name, dir);
	}
	t->last.p[i->depth] = i->is_last;
	rc = put_branch(t, i, out);
	rc = rc != LP_OK ? rc : lp_shown_name(t->o.colors, &e, name, out);
	if (rc == LP_OK && i->depth >= t->o.depth)
		rc = sum_up(t, i, out);
	rc = rc != LP_OK ? rc : lp_buf_addc(out, '\n');
	return rc != LP_OK ? rc : 1;
}
