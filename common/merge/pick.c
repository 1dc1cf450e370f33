/* Chooses one member of a tar stream by path, following links as they come. */
#include "common/merge/pick.h"

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"

int
lp_pick_init(struct lp_pick *p, struct lp_span name, int follow)
{
	*p = (struct lp_pick){ .follow = follow };
	lp_buf_init(&p->name, LP_MAX_PATH);
	lp_buf_init(&p->scratch, 3 * LP_MAX_PATH);
	return lp_path_join(&p->name, name);
}

void
lp_pick_release(struct lp_pick *p)
{
	lp_buf_release(&p->name);
	lp_buf_release(&p->scratch);
}

static int
none(struct lp_pick *p, const char *why)
{
	p->why = why;
	return LP_PICK_NONE;
}

/*
 * The name leads on: from `from`, a directory in normal form, along the
 * link, and then along what was left of the name behind the link.
 */
static int
move(struct lp_pick *p, struct lp_span from, struct lp_span link, struct lp_span rest)
{
	int rc;

	if (++p->links > LP_PICK_LINKS)
		return none(p, "too many links lead on from it");
	lp_buf_clear(&p->scratch);
	rc = lp_buf_add(&p->scratch, from);
	if (rc == LP_OK)
		rc = lp_path_join(&p->scratch, link);
	/* not by lp_path_join alone: a rest that begins with '/' would start at the root */
	while (rc == LP_OK && rest.n > 0 && rest.p[0] == '/')
		lp_span_take(&rest, 1);
	if (rc == LP_OK)
		rc = lp_path_join(&p->scratch, rest);
	if (rc != LP_OK)
		return rc;
	lp_buf_clear(&p->name);
	rc = lp_buf_add(&p->name, lp_buf_span(&p->scratch));
	return rc == LP_OK ? LP_PICK_MOVED : rc;
}

/* The member is the one looked for. */
static int
found(struct lp_pick *p, const struct lp_entry *e)
{
	p->hard = e->type == LP_HARDLINK;
	switch (e->type) {
	case LP_REG:
		return LP_PICK_THIS;
	case LP_HARDLINK:
		return move(p, lp_span(NULL, 0), e->linkname, lp_span(NULL, 0));
	case LP_SYMLINK:
		if (p->follow)
			return move(p, lp_path_parent(lp_buf_span(&p->name)), e->linkname, lp_span(NULL, 0));
		return none(p, "it is a symbolic link (-L follows it)");
	case LP_DIR:
		return none(p, "it is a directory (--tar takes it out)");
	case LP_CHAR: case LP_BLOCK: case LP_FIFO:
		break;
	}
	return none(p, "it is no regular file");
}

int
lp_pick_member(struct lp_pick *p, const struct lp_entry *e)
{
	struct lp_span name, wanted = lp_buf_span(&p->name);
	int rc;

	lp_buf_clear(&p->scratch);
	rc = lp_path_join(&p->scratch, e->name);
	if (rc != LP_OK)
		return rc;
	name = lp_buf_span(&p->scratch);
	if (lp_span_eq(name, wanted))
		return found(p, e);
	if (!p->follow || e->type != LP_SYMLINK || name.n == 0 || !lp_path_within(wanted, name))
		return LP_PICK_OTHER;
	/* one of its directories; the spans of p->name stay where they are until it is overwritten */
	p->hard = 0;
	return move(p, lp_path_parent(lp_span(wanted.p, name.n)), e->linkname,
	    lp_span(wanted.p + name.n, wanted.n - name.n));
}
