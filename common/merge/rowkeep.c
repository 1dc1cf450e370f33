/* Keeps an entry compactly in the arena, and gives it back. */
#include "common/merge/rowkeep.h"

#include <string.h>

#include "common/base/escape.h"
#include "common/base/status.h"

/* What the columns of a head cannot say, or the text of one not exactly. */
enum { HAS_MORE = LP_HAS_UNAME | LP_HAS_GNAME | LP_HAS_DEV | LP_HAS_OFFSETS | LP_HAS_TYPEFLAG | LP_HAS_TRUNCATED |
	LP_HAS_DIGEST };

void
lp_rowkeep_init(struct lp_rowkeep *k)
{
	lp_arena_init(&k->objects);
	lp_arena_init(&k->text);
}

void
lp_rowkeep_release(struct lp_rowkeep *k)
{
	lp_arena_release(&k->objects);
	lp_arena_release(&k->text);
}

static int
copy_span(struct lp_rowkeep *k, struct lp_span s, struct lp_span *out)
{
	*out = lp_span(s.n > 0 ? lp_arena_copy(&k->text, s) : NULL, s.n);
	return s.n > 0 && out->p == NULL ? LP_E_NOMEM : LP_OK;
}

static int
copy_xattrs(struct lp_rowkeep *k, const struct lp_entry *e, struct lp_row_more *more)
{
	struct lp_xattr *x = lp_arena_alloc(&k->objects, e->nxattrs * sizeof(*x));
	int rc = x != NULL ? LP_OK : LP_E_NOMEM;

	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++) {
		rc = copy_span(k, e->xattrs[i].name, &x[i].name);
		if (rc == LP_OK)
			rc = copy_span(k, e->xattrs[i].value, &x[i].value);
	}
	more->xattrs = x;
	more->nxattrs = e->nxattrs;
	return rc;
}

static int
copy_more(struct lp_rowkeep *k, const struct lp_entry *e, unsigned has, struct lp_row *row)
{
	struct lp_row_more *more = lp_arena_alloc(&k->objects, sizeof(*more));
	int rc;

	if (more == NULL)
		return LP_E_NOMEM;
	*more = (struct lp_row_more){
		.has = has, .devmajor = e->devmajor, .devminor = e->devminor, .mtime = e->mtime,
		.mtime_nsec = e->mtime_nsec, .header_offset = e->header_offset, .data_offset = e->data_offset,
		.typeflag = e->typeflag,
	};
	row->more = more;
	rc = copy_span(k, e->uname, &more->uname);
	if (rc == LP_OK)
		rc = copy_span(k, e->gname, &more->gname);
	if (rc == LP_OK)
		rc = copy_span(k, e->digest, &more->digest);
	return rc == LP_OK && e->nxattrs > 0 ? copy_xattrs(k, e, more) : rc;
}

static struct lp_row *
new_row(struct lp_rowkeep *k, enum lp_type type, struct lp_span head, struct lp_span link)
{
	struct lp_row *row = lp_arena_alloc(&k->objects, offsetof(struct lp_row, text) + head.n + link.n);

	if (row == NULL)
		return NULL;
	row->older = NULL;
	row->inode = NULL;
	row->more = NULL;
	row->link_n = (uint32_t)link.n;
	row->layer = 0;
	row->by = 0;
	row->seq = 0;
	row->device00 = 0;
	row->head_n = (uint16_t)head.n;
	row->type = (char)type;
	row->why = 0;
	row->implied = 0;
	row->clean = 1;
	row->plain = 0;
	memcpy(row->text, head.p, head.n);
	if (link.n > 0)
		memcpy(row->text + head.n, link.p, link.n);
	return row;
}

struct lp_row *
lp_rowkeep_plain(struct lp_rowkeep *k, const struct lp_plainrow *p)
{
	struct lp_row *row = new_row(k, p->type, p->head, p->link);

	if (row != NULL)
		row->plain = 1;
	return row;
}

/* The head of a directory that no listing has, with as much room behind it as the longest takes. */
static const char implied_head[LP_ROWHEAD_MAX] = "drwxr-xr-x\t0\t0\t0\t-\t";
enum { IMPLIED_HEAD = sizeof("drwxr-xr-x\t0\t0\t0\t-\t") - 1 };

static struct lp_row *
new_implied(struct lp_rowkeep *k, struct lp_span head)
{
	struct lp_row *row = new_row(k, LP_DIR, head, lp_span(NULL, 0));

	if (row != NULL)
		row->implied = 1;
	return row;
}

struct lp_row *
lp_rowkeep_implied(struct lp_rowkeep *k)
{
	return new_implied(k, lp_span(implied_head, IMPLIED_HEAD));
}

struct lp_row *
lp_rowkeep_implied_as(struct lp_rowkeep *k, const struct lp_row *like)
{
	struct lp_row *row = new_implied(k, lp_row_head(like));

	if (row != NULL)
		row->more = like->more;
	return row;
}

struct lp_row *
lp_rowkeep_implied_late(struct lp_rowkeep *k)
{
	struct lp_row *row = new_implied(k, lp_span(implied_head, LP_ROWHEAD_MAX));

	if (row != NULL)
		row->head_n = IMPLIED_HEAD;
	return row;
}

void
lp_row_imply_as(struct lp_row *row, const struct lp_row *like)
{
	memcpy(row->text, like->text, like->head_n);
	row->head_n = like->head_n;
	row->more = like->more;
}

struct lp_row *
lp_rowkeep_entry(struct lp_rowkeep *k, const struct lp_entry *e)
{
	char text[LP_ROWHEAD_MAX];
	struct lp_span head = lp_span(text, (size_t)(lp_rowhead_put(text, e) - text));
	struct lp_row *row = new_row(k, e->type, head, e->linkname);
	unsigned has = e->has & HAS_MORE;

	if (row == NULL)
		return NULL;
	row->clean = lp_escape_clean(e->linkname, LP_ESCAPE_ROW) == e->linkname.n;
	/* a year that has no text */
	if ((e->has & LP_HAS_MTIME) != 0 && head.p[head.n - 2] == '-')
		has |= LP_HAS_MTIME;
	return (has == 0 && e->nxattrs == 0) || copy_more(k, e, has, row) == LP_OK ? row : NULL;
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
	e->digest = more->digest;
	e->devmajor = more->devmajor;
	e->devminor = more->devminor;
	e->header_offset = more->header_offset;
	e->data_offset = more->data_offset;
	e->xattrs = more->xattrs;
	e->nxattrs = more->nxattrs;
}
