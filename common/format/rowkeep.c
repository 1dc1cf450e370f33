#include <string.h>

#include "common/base/escape.h"
#include "common/base/status.h"
#include "common/format/merge_priv.h"

/* What the columns of a head cannot say, or the text of one not exactly. */
enum { HAS_MORE = LP_HAS_UNAME | LP_HAS_GNAME | LP_HAS_DEV | LP_HAS_OFFSETS | LP_HAS_TYPEFLAG | LP_HAS_TRUNCATED };

static int
copy_span(struct lp_merge *m, struct lp_span s, struct lp_span *out)
{
	*out = lp_span(s.n > 0 ? lp_arena_copy(&m->text, s) : NULL, s.n);
	return s.n > 0 && out->p == NULL ? LP_E_NOMEM : LP_OK;
}

static int
copy_xattrs(struct lp_merge *m, const struct lp_entry *e, struct lp_row_more *more)
{
	struct lp_xattr *x = lp_arena_alloc(&m->objects, e->nxattrs * sizeof(*x));
	int rc = x != NULL ? LP_OK : LP_E_NOMEM;

	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++) {
		rc = copy_span(m, e->xattrs[i].name, &x[i].name);
		if (rc == LP_OK)
			rc = copy_span(m, e->xattrs[i].value, &x[i].value);
	}
	more->xattrs = x;
	more->nxattrs = e->nxattrs;
	return rc;
}

static int
copy_more(struct lp_merge *m, const struct lp_entry *e, unsigned has, struct lp_row *row)
{
	struct lp_row_more *more = lp_arena_alloc(&m->objects, sizeof(*more));
	int rc;

	if (more == NULL)
		return LP_E_NOMEM;
	*more = (struct lp_row_more){
		.has = has, .devmajor = e->devmajor, .devminor = e->devminor, .mtime = e->mtime,
		.mtime_nsec = e->mtime_nsec, .header_offset = e->header_offset, .data_offset = e->data_offset,
		.typeflag = e->typeflag,
	};
	row->more = more;
	rc = copy_span(m, e->uname, &more->uname);
	if (rc == LP_OK)
		rc = copy_span(m, e->gname, &more->gname);
	return rc == LP_OK && e->nxattrs > 0 ? copy_xattrs(m, e, more) : rc;
}

static struct lp_row *
new_row(struct lp_merge *m, enum lp_type type, struct lp_span head)
{
	struct lp_row *row = lp_arena_alloc(&m->objects, sizeof(*row));

	if (row != NULL)
		*row = (struct lp_row){
			.layer = lp_merge_this(m), .text = head.p, .head_n = (uint8_t)head.n, .type = (char)type,
			.clean = 1,
		};
	return row;
}

struct lp_row *
lp_merge_implied(struct lp_merge *m)
{
	static const char head[] = "drwxr-xr-x\t0\t0\t0\t-\t";
	struct lp_row *row = new_row(m, LP_DIR, lp_span(head, sizeof(head) - 1));

	if (row != NULL)
		row->implied = 1;
	return row;
}

struct lp_row *
lp_merge_row(struct lp_merge *m, const struct lp_plainrow *p, const struct lp_entry *e)
{
	struct lp_row *row = new_row(m, p->type, p->head);
	unsigned char *text = lp_arena_copy2(&m->text, p->head, p->link);
	unsigned has;

	if (row == NULL || text == NULL)
		return NULL;
	row->text = text;
	row->link_n = (uint32_t)p->link.n;
	if (e == NULL)
		return row;
	row->clean = lp_escape_clean(p->link, LP_ESCAPE_ROW) == p->link.n;
	has = e->has & HAS_MORE;
	/* a year that has no text */
	if ((e->has & LP_HAS_MTIME) != 0 && p->head.p[p->head.n - 2] == '-')
		has |= LP_HAS_MTIME;
	return (has == 0 && e->nxattrs == 0) || copy_more(m, e, has, row) == LP_OK ? row : NULL;
}

void
lp_row_entry(const struct lp_row *row, struct lp_entry *e)
{
	const struct lp_row_more *more = row->more;

	*e = (struct lp_entry){ .linkname = lp_row_link(row) };
	lp_rowhead_get(lp_row_head(row), e);
	if (more == NULL)
		return;
	e->has |= more->has;
	if (more->has & LP_HAS_MTIME) {
		e->mtime = more->mtime;
		e->mtime_nsec = more->mtime_nsec;
	}
	e->typeflag = more->typeflag;
	e->uname = more->uname;
	e->gname = more->gname;
	e->devmajor = more->devmajor;
	e->devminor = more->devminor;
	e->header_offset = more->header_offset;
	e->data_offset = more->data_offset;
	e->xattrs = more->xattrs;
	e->nxattrs = more->nxattrs;
}
