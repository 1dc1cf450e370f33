/* Headers that are made of entries, read back by the reader of tar. */
#include <stdint.h>

#include "common/base/status.h"
#include "common/tar/tar.h"
#include "common/tar/tarwrite.h"
#include "test/unit/unit.h"

/* So long that no field of ustar holds it. */
#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789/x"
#define SPAN(s) { (const unsigned char *)(s), sizeof(s) - 1 }

static const struct lp_xattr xattrs[] = { { SPAN("security.capability"), SPAN("\1\0\0\2\n=") }, { SPAN("user.a"), SPAN("") } };

static const struct { const char *what; struct lp_entry e; size_t blocks; } table[] = {
	{ "a file", { .name = SPAN("etc/passwd"), .type = LP_REG, .mode = 0644, .size = 839, .mtime = 1700000000 }, 1 },
	{ "a directory of somebody", { .name = SPAN("home/x/"), .type = LP_DIR, .mode = 01755, .uid = 1000, .gid = 65534,
	    .uname = SPAN("x"), .gname = SPAN("nogroup"), .mtime = 0 }, 1 },
	{ "a symbolic link", { .name = SPAN("bin"), .linkname = SPAN("usr/bin"), .type = LP_SYMLINK, .mode = 0777 }, 1 },
	{ "a hard link has no content, whatever its size", { .name = SPAN("b"), .linkname = SPAN("a"), .type = LP_HARDLINK, .mode = 0644, .size = 9 }, 1 },
	{ "a device", { .name = SPAN("dev/null"), .type = LP_CHAR, .mode = 0666, .devmajor = 1, .devminor = 3 }, 1 },
	{ "long names", { .name = SPAN(LONG), .linkname = SPAN(LONG "y"), .type = LP_SYMLINK, .uname = SPAN(LONG), .gname = SPAN(LONG) }, 3 },
	{ "large numbers", { .name = SPAN("a"), .type = LP_REG, .uid = 4000000000, .gid = -2, .size = (uint64_t)1 << 40, .mtime = -1 }, 3 },
	{ "a fraction", { .name = SPAN("a"), .type = LP_REG, .mtime = 5, .mtime_nsec = 7 }, 3 },
	{ "one before 1970", { .name = SPAN("a"), .type = LP_REG, .mtime = -2, .mtime_nsec = 500000000 }, 3 },
	{ "one within its last second", { .name = SPAN("a"), .type = LP_REG, .mtime = -1, .mtime_nsec = 999999999 }, 3 },
	{ "attributes", { .name = SPAN("a"), .type = LP_REG, .mode = 0755, .xattrs = xattrs, .nxattrs = 2 }, 3 },
};

static int
same(const struct lp_entry *a, const struct lp_entry *b)
{
	int eq = lp_span_eq(a->name, b->name) && lp_span_eq(a->linkname, b->linkname) && lp_span_eq(a->uname, b->uname) &&
	    lp_span_eq(a->gname, b->gname) && a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	    b->size == (a->type == LP_REG ? a->size : 0) && a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec &&
	    a->nxattrs == b->nxattrs && (a->type != LP_CHAR || (a->devmajor == b->devmajor && a->devminor == b->devminor));

	for (size_t i = 0; eq && i < a->nxattrs; i++)
		eq = lp_span_eq(a->xattrs[i].name, b->xattrs[i].name) && lp_span_eq(a->xattrs[i].value, b->xattrs[i].value);
	return eq;
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct lp_buf b;
		struct lp_tar t;
		struct lp_span in;

		lp_buf_init(&b, 1 << 20);
		ok(lp_tarwrite(&table[i].e, &b) == LP_OK && b.n == table[i].blocks * LP_TAR_BLOCK, "%s: %zu bytes", table[i].what, b.n);
		in = lp_buf_span(&b);
		lp_tar_init(&t);
		ok(lp_tar_next(&t, &in) == LP_TAR_MEMBER && in.n == 0 && same(&table[i].e, &t.entry), "%s: read back", table[i].what);
		lp_tar_release(&t);
		lp_buf_release(&b);
		lp_buf_init(&b, table[i].blocks * LP_TAR_BLOCK - 1);
		ok(lp_tarwrite(&table[i].e, &b) == LP_E_LIMIT, "%s: no room", table[i].what);
		lp_buf_release(&b);
	}
	return unit_done();
}
