/* Writing beside the work: order, and failures that are told once the piece is known to have failed. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/writer.h"
#include "test/unit/unit.h"

enum { PIECE = 100 * 1000, PIECES = 50 };

/* Reads all there is; how many bytes were what they should be. */
static void *
reader(void *arg)
{
	static size_t good;
	unsigned char buf[4096];
	const int *fd = arg;
	size_t at = 0;
	ssize_t k;

	good = 0;
	while ((k = read(*fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < k; i++, at++)
			good += buf[i] == (unsigned char)('a' + at / PIECE % 26);
	return &good;
}

static void
test_order(int beside)
{
	static unsigned char piece[2][PIECE];
	struct lp_writer w;
	pthread_t t;
	void *good;
	int p[2], rc = LP_OK;

	if (pipe(p) != 0 || pthread_create(&t, NULL, reader, &p[0]) != 0)
		abort();
	lp_writer_init(&w, p[1]);
	if (beside)
		lp_writer_begin(&w);
	for (int i = 0; i < PIECES && rc == LP_OK; i++) {
		memset(piece[i % 2], 'a' + i % 26, PIECE);
		rc = lp_writer_put(&w, lp_span(piece[i % 2], PIECE));
	}
	ok(rc == LP_OK && lp_writer_put(&w, lp_span(NULL, 0)) == LP_OK, "pieces are taken, an empty one too");
	ok(lp_writer_wait(&w) == LP_OK, "and all written");
	lp_writer_release(&w);
	close(p[1]);
	(void)pthread_join(t, &good);
	ok(*(size_t *)good == (size_t)PIECE * PIECES, "two buffers in turn, all bytes in order");
	close(p[0]);
}

static void
test_failures(int beside)
{
	struct lp_writer w;
	int p[2], fd = open("/dev/full", O_WRONLY);

	if (fd < 0 || pipe(p) != 0)
		abort();
	lp_writer_init(&w, fd);
	if (beside)
		lp_writer_begin(&w);
	(void)lp_writer_put(&w, lp_span_str("x"));
	errno = 0;
	ok(lp_writer_wait(&w) == LP_E_SYS && errno == ENOSPC, "a full disk is told, with its reason");
	errno = 0;
	ok(lp_writer_put(&w, lp_span_str("y")) == LP_E_SYS && errno == ENOSPC, "and told again");
	lp_writer_release(&w);
	close(fd);

	close(p[0]);
	lp_writer_init(&w, p[1]);
	if (beside)
		lp_writer_begin(&w);
	(void)lp_writer_put(&w, lp_span_str("x"));
	ok(lp_writer_put(&w, lp_span_str("y")) == LP_E_PIPE, "a reader that went away is told by the next piece");
	lp_writer_release(&w);
	close(p[1]);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (int beside = 0; beside < 2; beside++) {
		test_order(beside);
		test_failures(beside);
	}
	return unit_done();
}
