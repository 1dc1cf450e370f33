/* Sets what all tables of contents say of a member alike. */
#include "common/toc/toc_fields.h"

#include "common/base/limits.h"
#include "common/base/rfc3339.h"
#include "common/base/status.h"

static int
fail(const char **why, int rc, const char *text)
{
	*why = text;
	return rc;
}

int
lp_toc_type(struct lp_entry *e, struct lp_span type, const char **why)
{
	static const struct { const char *name; enum lp_type type; char flag; } types[] = {
		{ "reg", LP_REG, '0' }, { "dir", LP_DIR, '5' }, { "symlink", LP_SYMLINK, '2' },
		{ "hardlink", LP_HARDLINK, '1' }, { "char", LP_CHAR, '3' }, { "block", LP_BLOCK, '4' },
		{ "fifo", LP_FIFO, '6' }
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!lp_span_is(type, types[i].name))
			continue;
		e->type = types[i].type;
		e->typeflag = types[i].flag;
		e->has |= LP_HAS_TYPEFLAG;
		return LP_OK;
	}
	return fail(why, LP_E_DATA, "an entry is of no known type");
}

static int
has_nul(struct lp_span s)
{
	return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

int
lp_toc_names(struct lp_entry *e, const char **why)
{
	if (e->name.n == 0)
		return fail(why, LP_E_DATA, "an entry has no name");
	if (e->name.n > LP_MAX_PATH || e->linkname.n > LP_MAX_PATH)
		return fail(why, LP_E_LIMIT, "a name is longer than the limit");
	if (has_nul(e->name) || has_nul(e->linkname))
		return fail(why, LP_E_DATA, "a name holds a NUL");
	if (e->type != LP_SYMLINK && e->type != LP_HARDLINK)
		e->linkname = lp_span(NULL, 0);
	else if (e->type == LP_HARDLINK && e->linkname.n == 0)
		return fail(why, LP_E_DATA, "a hard link leads nowhere");
	return LP_OK;
}

int
lp_toc_mtime(struct lp_entry *e, struct lp_span text, const char **why)
{
	if (lp_rfc3339(text, &e->mtime, &e->mtime_nsec) != LP_OK)
		return fail(why, LP_E_DATA, "a modtime is not a time as RFC 3339 writes it");
	if (!lp_span_is(text, "0001-01-01T00:00:00Z"))
		e->has |= LP_HAS_MTIME;
	return LP_OK;
}

int
lp_toc_device(struct lp_entry *e, int64_t major, int64_t minor, const char **why)
{
	if (major < 0 || minor < 0 || major > UINT32_MAX || minor > UINT32_MAX)
		return fail(why, LP_E_DATA, "a device number is negative, or larger than 32 bits");
	if (e->type == LP_CHAR || e->type == LP_BLOCK) {
		e->devmajor = (uint32_t)major;
		e->devminor = (uint32_t)minor;
		e->has |= LP_HAS_DEV;
	}
	return LP_OK;
}
