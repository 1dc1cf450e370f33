#include <stdlib.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/cli/progress.h"
#include "common/sys/clock.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"
#include "common/view/bars.h"
#include "test/unit/unit.h"

static void
test_parse(void)
{
	static const struct { const char *line; int rc; uint64_t have, want; enum lp_progress_state state; } t[] = {
		{ "progress\tsha256:ab\t10\t20\t7\tmore", LP_OK, 10, 20, LP_PROGRESS_MORE },
		{ "progress\tsha256:ab\t20\t20\t7\tdone", LP_OK, 20, 20, LP_PROGRESS_DONE },
		{ "progress\tsha256:ab\t0\t18446744073709551615\t7\tfailed", LP_OK, 0, UINT64_MAX, LP_PROGRESS_FAILED },
		{ "progress\tsha256:ab\t10\t20", LP_E_DATA, 0, 0, 0 },
		{ "progress\tsha256:ab\t10\t20\t7\tdone\t", LP_OK, 10, 20, LP_PROGRESS_DONE },
		{ "progress\tsha256:ab\t10\t20\t7\tdone\tx", LP_E_DATA, 0, 0, 0 },
		{ "progress\tsha256:ab\t-1\t20\t7\tdone", LP_E_DATA, 0, 0, 0 },
		{ "progress\tsha256:ab\t1\t\t7\tdone", LP_E_DATA, 0, 0, 0 },
		{ "progressx\ta\t1\t1\tdone", LP_E_DATA, 0, 0, 0 },
		{ "{\"tool\":\"lp-fetch\"}", LP_E_DATA, 0, 0, 0 },
		{ "", LP_E_DATA, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		unsigned char *line = unit_exact(lp_span_str(t[i].line));
		struct lp_progress_line p = { 0 };
		int rc = lp_progress_parse(lp_span(line, strlen(t[i].line)), &p);

		ok(rc == t[i].rc && p.have == t[i].have && p.want == t[i].want && p.state == t[i].state,
		    "'%s'", t[i].line);
		free(line);
	}
}

static void
test_told(void)
{
	const struct lp_progress_line line = { .key = lp_span_str("oci:a\tb"), .have = 1, .want = 2,
		.state = LP_PROGRESS_MORE };
	struct lp_progress_line p = { 0 };
	struct lp_buf b;
	int64_t told = 0;
	int fd[2];

	lp_buf_init(&b, 4096);
	if (!ok(pipe(fd) == 0, "a pipe"))
		return;
	lp_progress_tell(fd[1], &line, &told);
	lp_progress_tell(fd[1], &line, &told);
	lp_progress_tell(-1, &line, &told);
	close(fd[1]);
	ok(lp_read_all(fd[0], &b) == LP_OK, "read back");
	ok_str(lp_buf_span(&b), "progress\toci:a\\tb\t1\t2\t0\tmore\n", "the second came too soon");
	ok(lp_progress_parse(lp_span(b.p, b.n - 1), &p) == LP_OK && p.have == 1, "what is told can be parsed");
	close(fd[0]);
	lp_buf_release(&b);
}

static void
test_bars(void)
{
	const struct lp_bar bars[] = {
		{ lp_span_str("layer 1"), 512, 1024, 0 },
		{ lp_span_str("layer 2"), 3, 0, 0 },
		{ lp_span_str("looking up x"), 0, 0, 0 },
		{ lp_span_str("in all "), 512, 1024, 1 },
	};
	struct lp_bars b;
	struct lp_buf got;
	int fd[2];

	lp_buf_init(&got, 65536);
	if (!ok(pipe(fd) == 0, "a pipe"))
		return;
	setenv("LC_ALL", "C", 1);
	lp_bars_init(&b, fd[1]);
	lp_bars_draw(&b, bars, 4, 1);
	ok(b.drawn == 0, "nothing is drawn at once");
	b.started_ms -= LP_BARS_PATIENCE_MS;
	/* 256 bytes in ten seconds, and 512 are to come */
	b.since_ms = lp_clock_ms() - 10000;
	b.since_have = 256;
	lp_bars_draw(&b, bars, 4, 1);
	lp_bars_release(&b);
	close(fd[1]);
	ok(lp_read_all(fd[0], &got) == LP_OK, "read back");
	ok_str(lp_buf_span(&got),
	    "layer 1  ###########...........  512 B of 1.00 KiB  50.0 %\n"
	    "layer 2  3 B\n"
	    "looking up x\n"
	    "in all   ###########...........  512 B of 1.00 KiB  50.0 %  21 s left\n"
	    "\033[A\033[2K\033[A\033[2K\033[A\033[2K\033[A\033[2K", "a bar, one without an end, a line, the whole, and gone again");
	close(fd[0]);
	lp_buf_release(&got);
}

static void
test_utf8(void)
{
	setenv("LC_ALL", "", 1);
	setenv("LC_CTYPE", "en_GB.utf8", 1);
	setenv("LANG", "C", 1);
	ok(lp_tty_utf8(), "the first that is not empty counts");
	setenv("LC_ALL", "C", 1);
	ok(!lp_tty_utf8(), "LC_ALL before all others");
}

int
main(void)
{
	test_parse();
	test_told();
	test_bars();
	test_utf8();
	return unit_done();
}
