#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/cli/stats.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "test/unit/unit.h"

static void
test_exit_codes(void)
{
	static const struct { int a, b, worse; } t[] = {
		{ 0, 4, 4 }, { 4, 0, 4 }, { 4, 1, 1 }, { 1, 4, 1 }, { 1, 3, 3 }, { 3, 1, 3 },
		{ 3, 2, 2 }, { 2, 3, 2 }, { 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ok(lp_exit_worse(t[i].a, t[i].b) == t[i].worse, "the worse of %d and %d", t[i].a, t[i].b);
	ok(lp_exit_of(LP_E_PIPE) == 0, "a reader that went away is no failure");
	ok(lp_exit_of(LP_E_DATA) == 1 && lp_exit_of(LP_E_LIMIT) == 1, "bad data is 1");
	ok(lp_exit_of(LP_E_USAGE) == 2, "a wrong command line is 2");
	ok(lp_exit_of(LP_E_SYS) == 3 && lp_exit_of(LP_E_NET) == 3 && lp_exit_of(LP_E_NOMEM) == 3,
	    "system, network and memory are 3");
	ok(lp_exit_of(LP_E_ABSENT) == 4, "absent is 4");
}

static void
test_quote(void)
{
	char longer[3000];
	const char *kept;

	memset(longer, 'a', sizeof(longer));
	ok(strcmp(lp_quotes("a\x1b[2J\nb"), "a\\x1b[2J\\nb") == 0, "escape sequences never reach a message");
	ok(strlen(lp_quote(lp_span(longer, sizeof(longer)))) == 1024 + 3 &&
	    memcmp(lp_quote(lp_span(longer, sizeof(longer))), longer, 1024) == 0 &&
	    strcmp(lp_quote(lp_span(longer, sizeof(longer))) + 1024, "...") == 0, "a message's part stays a screenful, and is its begin");
	ok(strlen(lp_quote(lp_span(longer, 1024))) == 1024, "a screenful is whole");
	longer[1022] = '\n';
	longer[1023] = '\n';
	ok(strcmp(lp_quote(lp_span(longer, sizeof(longer))) + 1020, "aa\\n...") == 0, "no escape is cut in two");
	memcpy(longer + 1022, "\xe2\x82\xac", 3);
	ok(strcmp(lp_quote(lp_span(longer, sizeof(longer))) + 1020, "aa...") == 0, "no character is cut in two");
	ok(strlen(lp_quote_message(lp_span(longer, sizeof(longer)))) == sizeof(longer), "another program's message keeps its end");
	ok(strcmp(lp_quotes(""), "") == 0, "nothing is quoted as nothing");
	kept = lp_quotes_kept("a\tname");
	for (int i = 0; i < 9; i++)
		(void)lp_quotes("another");
	for (int i = 1; i < LP_QUOTES_KEPT; i++)
		(void)lp_quotes_kept("another");
	ok(strcmp(kept, "a\\tname") == 0, "a name that is kept outlives all others");
	ok(strcmp(lp_quotes_kept("one more"), "...") == 0, "and there is room for so many");
}

static void
test_pipes(void)
{
	char got[8];
	int p[2];

	if (pipe(p) != 0)
		abort();
	/* two short writes, one full read */
	ok(lp_write_all(p[1], lp_span_str("abc")) == LP_OK && lp_write_all(p[1], lp_span_str("de")) == LP_OK,
	    "written");
	close(p[1]);
	ok(lp_read_full(p[0], got, sizeof(got)) == 5 && memcmp(got, "abcde", 5) == 0,
	    "a full read goes on to the end of file");
	ok(lp_read(p[0], got, 1) == 0, "then it is the end");
	close(p[0]);
	ok(lp_read(p[0], got, 1) == LP_E_SYS && errno == EBADF, "a failed read is no end");
	if (pipe(p) != 0)
		abort();
	close(p[0]);
	ok(lp_write_all(p[1], lp_span_str("x")) == LP_E_PIPE, "no reader is a status of its own");
	close(p[1]);
}

static void
test_read_all(void)
{
	static const struct { const char *in; size_t max; int rc; } t[] = {
		{ "12345", 5, LP_OK }, { "12345", 4, LP_E_LIMIT }, { "12345", 6, LP_OK }, { "", 0, LP_OK },
		{ "1", 0, LP_E_LIMIT },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_buf b;
		int p[2];

		if (pipe(p) != 0 || lp_write_all(p[1], lp_span_str(t[i].in)) != LP_OK)
			abort();
		close(p[1]);
		lp_buf_init(&b, t[i].max);
		ok(lp_read_all(p[0], &b) == t[i].rc, "%zu bytes into room for %zu", strlen(t[i].in), t[i].max);
		if (t[i].rc == LP_OK)
			ok_str(lp_buf_span(&b), t[i].in, "all of them");
		lp_buf_release(&b);
		close(p[0]);
	}
}

static void
test_stats(void)
{
	char path[] = "/tmp/lp-test-XXXXXX", line[512];
	struct lp_stats s;
	ptrdiff_t n;
	int fd = mkstemp(path);

	ok(fd >= 0 && lp_stats_begin(&s, path) == LP_OK, "statistics begun");
	s.source = "a\"b";
	s.entries_found = 3;
	s.partial = 1;
	ok(lp_stats_end(&s, 0) == LP_OK && s.fd == -1, "and ended");
	n = lp_read_full(fd, line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	ok(strncmp(line, "{\"tool\":\"lp\",\"source\":\"a\\\"b\",\"entries_found\":3,\"elapsed_ms\":", 60) == 0 &&
	    strstr(line, ",\"partial\":true}\n") != NULL, "one line, only what is known: %.200s", line);
	ok(lp_stats_begin(&s, "/nonexistent/x") == LP_E_SYS, "a file that cannot be opened is said");
	close(fd);
	unlink(path);
}

/* A closed stdout must not be taken by the next file that is opened. */
static void
test_closed_stdout(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(1);
		lp_io_init();
		_exit(open("/dev/null", O_WRONLY) > 2 && lp_write_all(1, lp_span_str("x")) == LP_E_SYS ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a closed stdout stays unwritable");
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_closed_stdout();
	test_exit_codes();
	test_quote();
	test_pipes();
	test_read_all();
	test_stats();
	return unit_done();
}
