/* read(2) and write(2) in full, and the one place that writes to stdout. */
#include "common/sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/status.h"
#include "common/sys/err.h"

static int terminal; /* stdout is one */

void
lp_io_init(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		/* open the wrong way round, so that using it still fails */
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(3);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	terminal = isatty(STDOUT_FILENO) == 1;
}

/*
 * Whether a call that failed is to be made once more: a signal came in between,
 * or somebody else who has this pipe or terminal has made it non-blocking,
 * and it is ready now.
 */
static int
again(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (errno == EAGAIN)
		return poll(&p, 1, -1) >= 0 || errno == EINTR;
	return errno == EINTR;
}

ptrdiff_t
lp_read(int fd, void *p, size_t n)
{
	for (;;) {
		ssize_t k = read(fd, p, n);

		if (k >= 0)
			return k;
		if (!again(fd, POLLIN))
			return LP_E_SYS;
	}
}

ptrdiff_t
lp_read_full(int fd, void *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ptrdiff_t k = lp_read(fd, (unsigned char *)p + got, n - got);

		if (k < 0)
			return k;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ptrdiff_t)got;
}

ptrdiff_t
lp_pread_full(int fd, void *p, size_t n, uint64_t offset)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = pread(fd, (unsigned char *)p + got, n - got, (off_t)(offset + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return LP_E_SYS;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ptrdiff_t)got;
}

int
lp_read_all(int fd, struct lp_buf *b)
{
	enum { STEP = 64 * 1024 };

	for (;;) {
		size_t step = b->max - b->n < STEP ? b->max - b->n : STEP;
		unsigned char probe;
		ptrdiff_t k;
		int rc = lp_buf_reserve(b, step);

		if (rc != LP_OK)
			return rc;
		/* a full buffer is only too small if one byte more exists */
		k = step > 0 ? lp_read(fd, b->p + b->n, step) : lp_read(fd, &probe, 1);
		if (k < 0)
			return LP_E_SYS;
		if (k == 0)
			return LP_OK;
		if (step == 0)
			return LP_E_LIMIT;
		b->n += (size_t)k;
	}
}

int
lp_write_all(int fd, struct lp_span s)
{
	while (s.n > 0) {
		ssize_t k = write(fd, s.p, s.n);

		if (k >= 0)
			lp_span_take(&s, (size_t)k);
		else if (errno == EPIPE)
			return LP_E_PIPE;
		else if (!again(fd, POLLOUT))
			return LP_E_SYS;
	}
	return LP_OK;
}

int
lp_put_said(int status)
{
	if (status == LP_E_SYS)
		lp_err_errno("<stdout>");
	return status;
}

int
lp_put(struct lp_span s)
{
	return lp_put_said(lp_write_all(STDOUT_FILENO, s));
}

int
lp_put_lines(struct lp_span s, int json)
{
	struct lp_buf b;
	int rc;

	if (!terminal)
		return lp_put(s);
	lp_buf_init(&b, SIZE_MAX);
	rc = lp_escape_lines(&b, s, json);
	if (rc != LP_OK)
		lp_err("out of memory");
	rc = rc == LP_OK ? lp_put(lp_buf_span(&b)) : LP_E_NOMEM;
	lp_buf_release(&b);
	return rc;
}

void
lp_pipe_grow(int fd)
{
	(void)fcntl(fd, F_SETPIPE_SZ, LP_PIPE_SIZE);
}

int
lp_close_stdout(void)
{
	/* EINTR: Linux has closed it all the same */
	if (close(STDOUT_FILENO) == 0 || errno == EINTR)
		return LP_OK;
	return lp_put_said(errno == EPIPE ? LP_E_PIPE : LP_E_SYS);
}
