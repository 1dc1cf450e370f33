#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/view/aligned.h"
#include "test/unit/unit.h"

#define REG(n, s) { .type = LP_REG, .mode = 0644, .name = { (const unsigned char *)(n), sizeof(n) - 1 }, .size = (s), \
	.mtime = 1700000000, .has = LP_HAS_MTIME }

static void
draw(const char *what, const struct lp_entry *e, size_t n, const struct lp_lscolors *colors, int with_layer,
    const char *want)
{
	struct lp_aligned a;
	struct lp_buf out;
	int rc = LP_OK;

	lp_buf_init(&out, 1 << 20);
	lp_aligned_init(&a, colors, with_layer);
	for (size_t i = 0; i < n && rc == LP_OK; i++)
		rc = lp_aligned_row(&a, &e[i], &out);
	rc = rc != LP_OK ? rc : lp_aligned_end(&a, &out);
	ok(rc == LP_OK, "%s: status %d", what, rc);
	ok_str(lp_buf_span(&out), want, what);
	lp_aligned_release(&a);
	lp_buf_release(&out);
}

static void
test_columns(void)
{
	struct lp_entry e[] = {
		REG("a", 5),
		{ .type = LP_CHAR, .mode = 0666, .name = lp_span_str("dev/null"), .devmajor = 1, .devminor = 3,
		  .has = LP_HAS_DEV, .uid = 1000, .gid = 100000 },
		{ .type = LP_SYMLINK, .mode = 0777, .name = lp_span_str("l\033[31m\n"), .linkname = lp_span_str("to\tx"),
		  .mtime = 1700000059, .has = LP_HAS_MTIME },
		{ .type = LP_HARDLINK, .mode = 04755, .name = lp_span_str("h"), .linkname = lp_span_str("a") },
	};

	draw("no row, not even titles", e, 0, NULL, 1, "");
	draw("each column as wide as its widest", e, 4, NULL, 0,
	    "MODE        UID    GID  SIZE  MODIFIED          NAME\n"
	    "-rw-r--r--    0      0     5  2023-11-14 22:13  a\n"
	    "crw-rw-rw- 1000 100000   1,3  -                 dev/null\n"
	    "lrwxrwxrwx    0      0     0  2023-11-14 22:14  l\\x1b[31m\\n -> to\\tx\n"
	    "hrwsr-xr-x    0      0     0  -                 h link to a\n");
	e[0].layer = lp_span_str("12");
	e[1].layer = lp_span_str("x\033");
	draw("with a layer", e, 2, NULL, 1,
	    "MODE        UID    GID  SIZE  MODIFIED          LAYER  NAME\n"
	    "-rw-r--r--    0      0     5  2023-11-14 22:13     12  a\n"
	    "crw-rw-rw- 1000 100000   1,3  -                 x\\x1b  dev/null\n");
}

static void
test_colors(void)
{
	static struct lp_lscolors colors;
	const struct lp_entry e[] = {
		REG("plain", 1),
		{ .type = LP_DIR, .mode = 0755, .name = lp_span_str("d\033"), .mtime = 1700000000, .has = LP_HAS_MTIME },
	};

	lp_lscolors_init(&colors, lp_span_str("di=01;34:fi=0"));
	draw("colours round a name and not round its escapes", &e[1], 1, &colors, 0,
	    "\033[1mMODE       UID GID  SIZE  MODIFIED          NAME\033[0m\n"
	    "drwxr-xr-x   0   0     0  2023-11-14 22:13  \033[01;34md\\x1b\033[0m\n");
}

/* Rows behind the window are not held back, and push their columns out where they are wider. */
static void
test_window(void)
{
	struct lp_entry e = REG("n", 7);
	struct lp_aligned a;
	struct lp_buf out;
	size_t n = 0;
	int rc = LP_OK;

	lp_buf_init(&out, 1 << 20);
	lp_aligned_init(&a, NULL, 0);
	while (rc == LP_OK && out.n == 0 && n < 2 * LP_ALIGNED_WINDOW) {
		rc = lp_aligned_row(&a, &e, &out);
		n++;
	}
	ok(rc == LP_OK && n == LP_ALIGNED_WINDOW, "rows come out behind the window: %zu", n);
	lp_buf_clear(&out);
	e.size = 1234567;
	rc = lp_aligned_row(&a, &e, &out);
	ok_str(lp_buf_span(&out), "-rw-r--r--   0   0  1234567  2023-11-14 22:13  n\n", "a wider one at once");
	lp_buf_clear(&out);
	ok(rc == LP_OK && lp_aligned_end(&a, &out) == LP_OK && out.n == 0, "and nothing is left");
	e.size = 7;
	rc = lp_aligned_row(&a, &e, &out);
	rc = rc != LP_OK ? rc : lp_aligned_end(&a, &out);
	ok(rc == LP_OK, "a second table");
	ok_str(lp_buf_span(&out), "MODE       UID GID  SIZE  MODIFIED          NAME\n"
	    "-rw-r--r--   0   0     7  2023-11-14 22:13  n\n", "with titles and widths of its own");
	lp_aligned_release(&a);
	lp_buf_release(&out);
}

int
main(void)
{
	test_columns();
	test_colors();
	test_window();
	return unit_done();
}
