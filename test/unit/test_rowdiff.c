/* What differs between two rows of one path: a table of pairs, each looked at from both sides. */
#include "common/base/status.h"
#include "common/view/rowdiff.h"
#include "test/unit/unit.h"

#define FILE_ .type = LP_REG, .mode = 0644, .has = LP_HAS_MTIME, .mtime = 100, .size = 5
#define LINK_ .type = LP_SYMLINK, .mode = 0777
#define DIR_ .type = LP_DIR, .mode = 0755, .has = LP_HAS_MTIME, .mtime = 100
#define NODE_ .type = LP_CHAR, .mode = 0600, .has = LP_HAS_DEV, .devmajor = 1, .devminor = 3
#define SPAN(s) { (const unsigned char *)(s), sizeof(s) - 1 }

static const struct {
	const char *name;
	struct lp_entry a, b;
	const char *want;
} cases[] = {
	{ "the same file", { FILE_ }, { FILE_ }, "-" },
	{ "names are not compared", { FILE_, .name = SPAN("x") }, { FILE_, .name = SPAN("y") }, "-" },
	{ "the mode", { FILE_ }, { .type = LP_REG, .mode = 04644, .has = LP_HAS_MTIME, .mtime = 100, .size = 5 }, "mode" },
	{ "the owner", { FILE_, .uid = 1 }, { FILE_, .uid = 2 }, "uid" },
	{ "the group, which may be negative", { FILE_, .gid = -1 }, { FILE_, .gid = 1 }, "gid" },
	{ "the size", { FILE_ }, { .type = LP_REG, .mode = 0644, .has = LP_HAS_MTIME, .mtime = 100, .size = 6 }, "size" },
	{ "the second", { FILE_ }, { .type = LP_REG, .mode = 0644, .has = LP_HAS_MTIME, .mtime = 101, .size = 5 }, "mtime" },
	{ "the nanosecond", { FILE_ }, { FILE_, .mtime_nsec = 1 }, "mtime" },
	{ "a time and none", { FILE_ }, { .type = LP_REG, .mode = 0644, .size = 5 }, "mtime" },
	{ "no time on either side, whatever stands there", { .type = LP_REG, .mtime = 1 }, { .type = LP_REG, .mtime = 2 }, "-" },
	{ "all of it", { FILE_ }, { .type = LP_REG, .mode = 1, .uid = 1, .gid = 1, .size = 1 }, "mode,uid,gid,size,mtime" },
	{ "another type says enough", { FILE_, .uid = 1 }, { DIR_ }, "type" },
	{ "a file and a symbolic link", { FILE_ }, { LINK_ }, "type" },
	{ "the time of a directory moves with what is in it", { DIR_ }, { .type = LP_DIR, .mode = 0755 }, "-" },
	{ "the mode of a directory", { DIR_ }, { .type = LP_DIR, .mode = 0700 }, "mode" },
	{ "a target", { LINK_, .linkname = SPAN("a") }, { LINK_, .linkname = SPAN("b") }, "linkname" },
	{ "a longer target", { LINK_, .linkname = SPAN("a") }, { LINK_, .linkname = SPAN("ab") }, "linkname" },
	{ "the same target", { LINK_, .linkname = SPAN("a") }, { LINK_, .linkname = SPAN("a") }, "-" },
	{ "a file has no target", { FILE_, .linkname = SPAN("a") }, { FILE_ }, "-" },
	{ "a device", { NODE_ }, { .type = LP_CHAR, .mode = 0600, .has = LP_HAS_DEV, .devmajor = 1, .devminor = 5 }, "device" },
	{ "a device of unknown numbers", { NODE_ }, { .type = LP_CHAR, .mode = 0600 }, "-" },
	{ "the numbers of what is no device", { FILE_, .devminor = 1 }, { FILE_ }, "-" },
	{ "a character device and a block device", { NODE_ }, { .type = LP_BLOCK, .devmajor = 1, .devminor = 3 }, "type" },
	{ "which of two names is the link is no change", { FILE_ },
	  { .type = LP_HARDLINK, .mode = 0644, .has = LP_HAS_MTIME, .mtime = 100, .size = 5, .linkname = SPAN("first") }, "-" },
	{ "the size of the file behind the name", { FILE_ },
	  { .type = LP_HARDLINK, .mode = 0644, .has = LP_HAS_MTIME, .mtime = 100, .size = 9, .linkname = SPAN("b") }, "size" },
	{ "and what else has changed is still seen", { FILE_ },
	  { .type = LP_HARDLINK, .mode = 0600, .has = LP_HAS_MTIME, .mtime = 100, .size = 5, .linkname = SPAN("first") }, "mode" },
	{ "two links to two names", { .type = LP_HARDLINK, .linkname = SPAN("a") }, { .type = LP_HARDLINK, .linkname = SPAN("b") }, "-" },
};

static void
test_differs(void)
{
	struct lp_buf names;

	lp_buf_init(&names, 256);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned there = lp_row_differs(&cases[i].a, &cases[i].b), back = lp_row_differs(&cases[i].b, &cases[i].a);

		lp_buf_clear(&names);
		ok(there == back && lp_diff_names(there, &names) == LP_OK &&
		    lp_span_is(lp_buf_span(&names), cases[i].want), "%s", cases[i].name);
	}
	lp_buf_release(&names);
}

static void
test_names(void)
{
	struct lp_buf b;

	lp_buf_init(&b, 64);
	ok(lp_buf_adds(&b, "x ") == LP_OK && lp_diff_names(~0u, &b) == LP_OK, "all there are");
	ok_str(lp_buf_span(&b), "x type,mode,uid,gid,size,mtime,linkname,device,content", "are appended, each by its name");
	lp_buf_release(&b);
	lp_buf_init(&b, 6);
	ok(lp_diff_names(LP_DIFF_MODE | LP_DIFF_UID, &b) == LP_E_LIMIT, "no room is said");
	lp_buf_release(&b);
}

int
main(void)
{
	test_differs();
	test_names();
	return unit_done();
}
