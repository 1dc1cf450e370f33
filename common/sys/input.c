/* Reads a filter's input in large pieces, and skips without reading where it can. */
#include "common/sys/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

/*
 * Behind a jump over a body most often one header is wanted and then the
 * next jump; without jumps, as much as a read can bring.
 */
enum { ASK_LEAST = 8 * 1024, ASK_MOST = LP_IO_CHUNK };

/* A shorter rest of a body is read together with what follows it. */
enum { SPLICE_LEAST = 64 * 1024 };

int
lp_input_open(struct lp_input *in, int fd)
{
	struct stat st;
	off_t at;

	*in = (struct lp_input){ .fd = fd, .null = -1, .reader = -1, .ask = ASK_MOST };
	if (fstat(fd, &st) != 0)
		return LP_E_SYS;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return LP_E_SYS;
	}
	if (S_ISREG(st.st_mode) && (at = lseek(fd, 0, SEEK_CUR)) >= 0) {
		in->seeks = 1;
		in->at = (uint64_t)at;
		in->size = (uint64_t)st.st_size;
	}
	if (S_ISFIFO(st.st_mode))
		in->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	in->buf = malloc(ASK_MOST);
	return in->buf != NULL ? LP_OK : LP_E_NOMEM;
}

void
lp_input_by(struct lp_input *in, int (*bring)(void *, struct lp_span *), void *bringer)
{
	*in = (struct lp_input){ .fd = -1, .null = -1, .reader = -1, .bring = bring, .bringer = bringer };
}

int
lp_operand_open(const char *file, const char **name)
{
	int fd = STDIN_FILENO;

	*name = "<stdin>";
	if (file != NULL && strcmp(file, "-") != 0) {
		*name = lp_quotes_kept(file);
		fd = open(file, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		lp_err_errno("%s", *name);
	return fd >= 0 ? fd : LP_E_SYS;
}

int
lp_input_operand(struct lp_input *in, const char *file, const char **name)
{
	int fd = lp_operand_open(file, name), rc;

	*in = (struct lp_input){ .fd = fd, .null = -1, .reader = -1 };
	if (fd < 0)
		return fd;
	rc = lp_input_open(in, fd);
	if (rc == LP_E_SYS)
		lp_err_errno("%s", *name);
	else if (rc == LP_E_NOMEM)
		lp_err("out of memory");
	return rc;
}

void
lp_input_release(struct lp_input *in)
{
	if (in->null >= 0)
		close(in->null);
	free(in->buf);
	in->null = -1;
	in->buf = NULL;
}

static ptrdiff_t
read_file(struct lp_input *in)
{
	for (;;) {
		ssize_t k = pread(in->fd, in->buf, in->ask, (off_t)in->at);

		if (k >= 0)
			return k;
		if (errno != EINTR)
			return LP_E_SYS;
	}
}

/* Before a read that may take long: whether there is nobody left to wait for it. */
static int
is_unread(const struct lp_input *in)
{
	struct pollfd p[] = { { .fd = in->fd, .events = POLLIN }, { .fd = in->reader } };

	return in->reader >= 0 && poll(p, 2, -1) > 0 && p[0].revents == 0 && (p[1].revents & POLLERR) != 0;
}

int
lp_input_next(struct lp_input *in, struct lp_span *out)
{
	ptrdiff_t k;

	if (in->bring != NULL)
		return in->bring(in->bringer, out);
	*out = lp_span(in->buf, 0);
	if (!in->seeks && is_unread(in))
		return LP_E_PIPE;
	k = in->seeks ? read_file(in) : lp_read(in->fd, in->buf, in->ask);
	if (k < 0)
		return LP_E_SYS;
	in->drained = (size_t)k < in->ask;
	in->at += (uint64_t)k;
	if (!in->seeks && !in->grown && in->at >= LP_PIPE_GROW_BEHIND) {
		lp_pipe_grow(in->fd);
		in->grown = 1;
	}
	in->ask = in->ask < ASK_MOST / 2 ? in->ask * 2 : ASK_MOST;
	out->n = (size_t)k;
	return k > 0;
}

/* A file's position is moved as far as the file goes: it may have grown since last asked. */
static int
skip_file(struct lp_input *in, uint64_t n, uint64_t *done)
{
	struct stat st;

	if (in->at > in->size || n > in->size - in->at) {
		if (fstat(in->fd, &st) != 0)
			return LP_E_SYS;
		in->size = (uint64_t)st.st_size > in->at ? (uint64_t)st.st_size : in->at;
		if (n > in->size - in->at)
			n = in->size - in->at;
	}
	in->at += n;
	in->ask = ASK_LEAST;
	*done = n;
	return LP_OK;
}

static int
skip_pipe(struct lp_input *in, uint64_t n, uint64_t *done)
{
	size_t ask = n < LP_PIPE_SIZE ? (size_t)n : LP_PIPE_SIZE;
	ssize_t k;

	if (is_unread(in))
		return LP_E_PIPE;
	do
		k = splice(in->fd, NULL, in->null, NULL, ask, SPLICE_F_MOVE);
	while (k < 0 && errno == EINTR);
	if (k >= 0) {
		*done = (uint64_t)k;
		return LP_OK;
	}
	if (errno != EINVAL)
		return LP_E_SYS;
	/* not here, it seems: read */
	close(in->null);
	in->null = -1;
	return LP_OK;
}

int
lp_input_skip(struct lp_input *in, uint64_t n, uint64_t *done)
{
	*done = 0;
	if (in->seeks)
		return skip_file(in, n, done);
	if (in->null >= 0 && n >= SPLICE_LEAST)
		return skip_pipe(in, n, done);
	return LP_OK;
}

int
lp_input_ready(const struct lp_input *in, int ms)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	return in->seeks || poll(&p, 1, ms) != 0;
}
