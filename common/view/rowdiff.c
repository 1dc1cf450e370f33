/* Compares two rows of one path. */
#include "common/view/rowdiff.h"

#include "common/base/status.h"

static char
kind(const struct lp_entry *e)
{
	return e->type == LP_HARDLINK ? (char)LP_REG : (char)e->type;
}

static int
same_time(const struct lp_entry *a, const struct lp_entry *b)
{
	if (((a->has ^ b->has) & LP_HAS_MTIME) != 0)
		return 0;
	return (a->has & LP_HAS_MTIME) == 0 || (a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec);
}

unsigned
lp_row_differs(const struct lp_entry *a, const struct lp_entry *b)
{
	unsigned what = 0;
	int digests = (a->has & b->has & LP_HAS_DIGEST) != 0 && a->size == b->size; /* of another size it is clear */
	int device = (a->type == LP_CHAR || a->type == LP_BLOCK) && (a->has & b->has & LP_HAS_DEV) != 0;

	if (kind(a) != kind(b))
		return LP_DIFF_TYPE;
	what |= a->mode != b->mode ? LP_DIFF_MODE : 0u;
	what |= a->uid != b->uid ? LP_DIFF_UID : 0u;
	what |= a->gid != b->gid ? LP_DIFF_GID : 0u;
	what |= a->size != b->size ? LP_DIFF_SIZE : 0u;
	what |= a->type != LP_DIR && !same_time(a, b) ? LP_DIFF_MTIME : 0u;
	what |= a->type == LP_SYMLINK && !lp_span_eq(a->linkname, b->linkname) ? LP_DIFF_LINK : 0u;
	what |= digests && !lp_span_eq(a->digest, b->digest) ? LP_DIFF_CONTENT : 0u;
	what |= device && (a->devmajor != b->devmajor || a->devminor != b->devminor) ? LP_DIFF_DEV : 0u;
	return what;
}

int
lp_diff_names(unsigned what, struct lp_buf *out)
{
	static const char *const names[] = { "type", "mode", "uid", "gid", "size", "mtime", "linkname", "device",
		"content" };
	int rc = LP_OK, any = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == LP_OK; i++) {
		if ((what >> i & 1) == 0)
			continue;
		rc = any ? lp_buf_addc(out, ',') : LP_OK;
		rc = rc != LP_OK ? rc : lp_buf_adds(out, names[i]);
		any = 1;
	}
	return rc != LP_OK || any ? rc : lp_buf_addc(out, '-');
}
