/* What a layer says of a name: the merge of an image that has only the name, the layer, and what is known of those above. */
#include "common/merge/find.h"

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/merge/merge_priv.h"

/* The layers of that merge. */
enum { PROBE, ASKED, ABOVE };

static int
add(struct lp_find *f, const struct lp_entry *e)
{
	struct lp_row *row = lp_rowkeep_entry(&f->merge.keep, e);

	return row != NULL ? lp_merge_add(&f->merge, row, e->name) : LP_E_NOMEM;
}

/* A directory of that name: what is put below it changes nothing, what takes its place or hides it does. */
static int
add_probe(struct lp_find *f)
{
	struct lp_span name = lp_buf_span(&f->name);
	const struct lp_entry probe = { .type = LP_DIR, .name = name.n > 0 ? name : lp_span(".", 1) };
	struct lp_node *at;
	int rc = lp_merge_layer(&f->merge);

	rc = rc != LP_OK ? rc : add(f, &probe);
	if (rc == LP_OK && lp_merge_resolve(&f->merge, name, LP_MERGE_NOW, 0, &at) == LP_OK)
		f->at = at;
	return rc != LP_OK ? rc : lp_merge_layer(&f->merge);
}

int
lp_find_init(struct lp_find *f, struct lp_span name, int follow, int below, uint64_t seed)
{
	int rc;

	*f = (struct lp_find){ .follow = follow, .below = below };
	lp_buf_init(&f->name, LP_MAX_PATH);
	lp_buf_init(&f->next, 3 * LP_MAX_PATH);
	rc = lp_merge_init(&f->merge, seed, LP_MAX_ENTRIES);
	rc = rc != LP_OK ? rc : lp_path_join(&f->name, name);
	return rc != LP_OK ? rc : add_probe(f);
}

void
lp_find_release(struct lp_find *f)
{
	lp_merge_release(&f->merge);
	lp_buf_release(&f->name);
	lp_buf_release(&f->next);
}

/* Something below the name, in a layer above. */
static int
add_below(struct lp_find *f)
{
	struct lp_entry e = { .type = LP_REG };
	struct lp_buf name;
	int rc = lp_merge_layer(&f->merge);

	lp_buf_init(&name, LP_MAX_PATH + 2);
	rc = rc != LP_OK ? rc : lp_buf_add(&name, lp_buf_span(&f->name));
	rc = rc != LP_OK ? rc : lp_buf_adds(&name, "/x");
	e.name = lp_buf_span(&name);
	rc = rc != LP_OK ? rc : add(f, &e);
	rc = rc != LP_OK ? rc : lp_merge_finish(&f->merge);
	lp_buf_release(&name);
	return rc;
}

/* The name leads on along a link that stands at its first n bytes. */
static int
lead_on(struct lp_find *f, size_t n, struct lp_span link)
{
	struct lp_span name = lp_buf_span(&f->name), at = lp_span_take(&name, n);
	int rc;

	while (name.n > 0 && name.p[0] == '/')
		lp_span_take(&name, 1);
	lp_buf_clear(&f->next);
	rc = lp_buf_add(&f->next, lp_path_parent(at));
	rc = rc != LP_OK ? rc : lp_path_join(&f->next, link);
	rc = rc != LP_OK ? rc : lp_path_join(&f->next, name);
	return rc == LP_OK ? LP_FIND_AGAIN : rc;
}

/* The nearest symbolic link at the name or above it, if one is to be followed. */
static const struct lp_node *
link_at(const struct lp_find *f, const struct lp_row **link)
{
	const struct lp_node *n = f->follow ? f->at : NULL;

	for (; n != NULL; n = n->parent) {
		*link = lp_merge_symlink_at(&f->merge, n, LP_MERGE_NOW);
		if (*link != NULL)
			break;
	}
	return n;
}

/* Whether the layer has put something below the name; the root is not looked for by that. */
static int
has_something(const struct lp_find *f)
{
	const struct lp_node *n = f->at->children != NULL && f->name.n > 0 ? f->at->children->first : NULL;

	while (n != NULL && !n->live)
		n = n->next;
	return n != NULL;
}

/* What has become of the name. */
static int
look(struct lp_find *f)
{
	const struct lp_row *row = lp_tree_visible(f->at), *link;
	const struct lp_node *n;

	if (row != NULL && row->layer == PROBE)
		return has_something(f) ? LP_FIND_DIR : LP_FIND_MORE;
	if (row != NULL && row->implied)
		return LP_FIND_IMPLIED;
	if (f->below) {
		int rc = add_below(f);

		if (rc != LP_OK)
			return rc;
		row = lp_tree_visible(f->at);
		if (row != NULL && row->implied)
			return LP_FIND_ABOVE;
	}
	n = link_at(f, &link);
	if (n != NULL)
		return lead_on(f, n->path_n, lp_row_link(link));
	return row == NULL ? LP_FIND_GONE : LP_FIND_HERE;
}

int
lp_find_member(struct lp_find *f, const struct lp_entry *e)
{
	const struct lp_row *row;
	int rc = add(f, e);

	if (rc != LP_OK || f->at == NULL)
		return rc != LP_OK ? rc : LP_FIND_MORE;
	row = lp_tree_visible(f->at);
	if (row == NULL || row->layer == PROBE || row->implied)
		return LP_FIND_MORE;
	lp_buf_clear(&f->next);
	rc = lp_path_join(&f->next, e->name);
	return rc != LP_OK ? rc : look(f);
}

int
lp_find_end(struct lp_find *f, int whole)
{
	int rc;

	if (!whole)
		return LP_FIND_UNREAD;
	if (f->at == NULL)
		return LP_FIND_GONE;
	rc = lp_merge_finish(&f->merge);
	return rc != LP_OK ? rc : look(f);
}
