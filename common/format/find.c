#include "common/format/find.h"

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"

int
lp_find_init(struct lp_find *f, struct lp_span name, int follow)
{
	*f = (struct lp_find){ .follow = follow };
	lp_buf_init(&f->name, LP_MAX_PATH);
	lp_buf_init(&f->next, 3 * LP_MAX_PATH);
	lp_buf_init(&f->member, LP_MAX_PATH);
	return lp_path_join(&f->name, name);
}

void
lp_find_release(struct lp_find *f)
{
	lp_buf_release(&f->name);
	lp_buf_release(&f->next);
	lp_buf_release(&f->member);
}

void
lp_find_layer(struct lp_find *f)
{
	f->hidden = 0;
	f->moved = 0;
}

static struct lp_span
basename_of(struct lp_span path)
{
	size_t dir = lp_path_parent(path).n;

	lp_span_take(&path, dir > 0 ? dir + 1 : 0);
	return path;
}

static int
starts(struct lp_span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* Whether a member is a marker and no content; if it is, what it hides is noted. */
static int
marker(struct lp_find *f, struct lp_span member)
{
	struct lp_span dir = lp_path_parent(member), base = basename_of(member), name = lp_buf_span(&f->name);
	struct lp_span victim;

	if (!starts(base, ".wh."))
		return 0;
	if (lp_span_is(base, ".wh..wh..opq")) {
		f->hidden |= name.n > dir.n && lp_path_within(name, dir);
		return 1;
	}
	/* AUFS's own, and names that no whiteout can mean */
	if (starts(base, ".wh..wh.") || lp_span_is(base, ".wh.") || lp_span_is(base, ".wh..") ||
	    lp_span_is(base, ".wh..."))
		return 1;
	/* the hidden path is the member's with ".wh." cut out of its last component */
	if (name.n >= dir.n && lp_path_within(name, dir)) {
		lp_span_take(&name, dir.n + (dir.n > 0));
		victim = lp_path_component(&name);
		lp_span_take(&base, 4);
		f->hidden |= lp_span_eq(victim, base);
	}
	return 1;
}

/* The name leads on along a link that stands at its first n bytes. LP_OK, or what failed. */
static int
lead_on(struct lp_find *f, size_t n, struct lp_span link)
{
	struct lp_span name = lp_buf_span(&f->name), at = lp_span_take(&name, n);
	int rc;

	while (name.n > 0 && name.p[0] == '/')
		lp_span_take(&name, 1);
	lp_buf_clear(&f->next);
	rc = lp_buf_add(&f->next, lp_path_parent(at));
	if (rc == LP_OK)
		rc = lp_path_join(&f->next, link);
	if (rc == LP_OK)
		rc = lp_path_join(&f->next, name);
	f->moved = rc == LP_OK;
	return rc;
}

static int
again(struct lp_find *f)
{
	int rc;

	if (++f->links > LP_PICK_LINKS)
		return LP_FIND_LOOP;
	lp_buf_clear(&f->name);
	rc = lp_buf_add(&f->name, lp_buf_span(&f->next));
	return rc == LP_OK ? LP_FIND_AGAIN : rc;
}

int
lp_find_member(struct lp_find *f, const struct lp_entry *e)
{
	struct lp_span member, name = lp_buf_span(&f->name);
	int rc;

	lp_buf_clear(&f->member);
	rc = lp_path_join(&f->member, e->name);
	if (rc != LP_OK)
		return rc;
	member = lp_buf_span(&f->member);
	if (marker(f, member) || !lp_path_within(name, member))
		return LP_FIND_MORE;
	if (member.n == name.n) {
		if (e->type != LP_SYMLINK || !f->follow)
			return LP_FIND_HERE;
		rc = lead_on(f, member.n, e->linkname);
		return rc == LP_OK ? again(f) : rc;
	}
	if (e->type == LP_DIR)
		return LP_FIND_MORE;
	/* something else than a directory in the name's way */
	f->hidden = 1;
	if (e->type == LP_SYMLINK && f->follow)
		rc = lead_on(f, member.n, e->linkname);
	return rc == LP_OK ? LP_FIND_MORE : rc;
}

int
lp_find_end(struct lp_find *f, int whole)
{
	if (!whole)
		return LP_FIND_UNREAD;
	if (f->moved)
		return again(f);
	return f->hidden ? LP_FIND_GONE : LP_FIND_MORE;
}
