#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/view/treeview.h"
#include "test/unit/unit.h"

struct row {
	const char *name;
	enum lp_type type;
	uint64_t size;
	const char *link;
};

static void
draw(const char *what, const struct row *rows, size_t n, uint64_t depth, int utf8, const char *want)
{
	const struct lp_treeview_options o = { .depth = depth, .utf8 = utf8 };
	struct lp_treeview t;
	struct lp_buf out;
	int rc = LP_OK;

	lp_buf_init(&out, 65536);
	lp_treeview_init(&t, &o);
	for (size_t i = 0; i < n && rc == LP_OK; i++) {
		const struct lp_entry e = { .name = lp_span_str(rows[i].name), .type = rows[i].type,
			.size = rows[i].size, .mode = 0755,
			.linkname = lp_span_str(rows[i].link != NULL ? rows[i].link : "") };

		rc = lp_treeview_add(&t, &e);
	}
	while (rc == LP_OK)
		rc = lp_treeview_draw(&t, &out) - 1;
	ok(rc == -1, "%s: drawn to the end", what);
	ok_str(lp_buf_span(&out), want, what);
	lp_treeview_release(&t);
	lp_buf_release(&out);
}

/* Each row of a directory that no row names: these are added when the first line is drawn, and move the rows. */
static void
test_implied(void)
{
	enum { ROWS = 300 };
	const struct lp_treeview_options o = { .depth = UINT64_MAX };
	int whole = 1;

	for (int n = 1; n <= ROWS; n++) {
		struct lp_treeview t;
		struct lp_buf out;
		int lines = 0;

		lp_buf_init(&out, 1 << 20);
		lp_treeview_init(&t, &o);
		for (int i = 0; i < n; i++) {
			char name[32];

			snprintf(name, sizeof(name), "d%03d/f", i);
			whole &= lp_treeview_add(&t, &(struct lp_entry){ .name = lp_span_str(name), .type = LP_REG }) == LP_OK;
		}
		while (lp_treeview_draw(&t, &out) > 0)
			lines++;
		whole &= lines == 2 * n && out.n > 4 && memcmp(out.p, "d000", 4) == 0;
		lp_treeview_release(&t);
		lp_buf_release(&out);
	}
	ok(whole, "directories that no row names, however many");
}

int
main(void)
{
	static const struct row image[] = {
		{ ".", LP_DIR, 0, NULL },
		{ "bin", LP_SYMLINK, 0, "usr/bin" },
		{ "etc", LP_DIR, 0, NULL },
		{ "usr", LP_DIR, 0, NULL },
		{ "etc-old", LP_REG, 7, NULL },
		{ "usr/bin", LP_DIR, 0, NULL },
		{ "etc/a", LP_REG, 1024, NULL },
		{ "etc/b", LP_DIR, 0, NULL },
		{ "etc/b/c", LP_REG, 512, NULL },
		{ "usr/bin/l\033s", LP_REG, 1, NULL },
		{ "usr/bin/h", LP_HARDLINK, 0, "usr/bin/x" },
	};
	static const struct row gap[] = {
		{ "a/b/c", LP_REG, 1, NULL },
		{ "a/d", LP_REG, 1, NULL },
	};
	size_t n = sizeof(image) / sizeof(image[0]);

	draw("a tree", image, n, UINT64_MAX, 0,
	    "bin -> usr/bin\n"
	    "etc\n"
	    "|-- a\n"
	    "`-- b\n"
	    "    `-- c\n"
	    "etc-old\n"
	    "usr\n"
	    "`-- bin\n"
	    "    |-- h link to usr/bin/x\n"
	    "    `-- l\\x1bs\n");
	draw("two levels", image, n, 2, 1,
	    "bin -> usr/bin\n"
	    "etc\n"
	    "├── a\n"
	    "└── b (1 entry, 512 B)\n"
	    "etc-old\n"
	    "usr\n"
	    "└── bin (2 entries, 1 B)\n");
	draw("one level", image, n, 1, 1,
	    "bin -> usr/bin\n"
	    "etc (3 entries, 1.50 KiB)\n"
	    "etc-old\n"
	    "usr (3 entries, 1 B)\n");
	draw("a directory without a row", gap, 2, UINT64_MAX, 0,
	    "a\n"
	    "|-- b\n"
	    "|   `-- c\n"
	    "`-- d\n");
	draw("nothing", image, 0, UINT64_MAX, 0, "");
	test_implied();
	return unit_done();
}
