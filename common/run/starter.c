/* The helper process that starts programs for a sandboxed parent. */
#include "common/run/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

/* Bytes of one argument list: more than the kernel takes. Descriptors of one child, and of one message (SCM_MAX_FD). */
enum { WORDS_MAX = 8 * 1024 * 1024, CLAIMS_MAX = 4096, BATCH = 250 };

/*
 * A request: this, and to start a program the words with a NUL after each, and
 * then the claims in batches, their descriptors beside them. For a file there
 * are neither; the answer to it is followed by a claim.
 */
struct request {
	enum { PROGRAM, FILE_FOR_US } what;
	uint32_t bytes;
	uint32_t claims;
	int32_t report;
};
struct answer {
	int32_t pid; /* for a file 0; -1: there is none */
	int32_t error; /* errno, if there is none */
};

/* A descriptor, and the number that the child is to see it under. */
struct claim {
	int fd;
	int want;
};

static struct {
	int fd; /* -1: there is none */
	pid_t pid;
} starter = { -1, 0 };

/* ---- descriptors on their way ------------------------------------------------------ */

union control {
	char room[CMSG_SPACE(BATCH * sizeof(int))];
	struct cmsghdr align;
};

static int
send_batch(int fd, const struct claim *c, size_t n)
{
	union control control = { .room = { 0 } };
	int32_t want[BATCH];
	int fds[BATCH] = { 0 };
	struct iovec io = { want, n * sizeof(*want) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = (socklen_t)CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *h = &control.align;
	ssize_t k;

	for (size_t i = 0; i < n; i++) {
		fds[i] = c[i].fd;
		want[i] = c[i].want;
	}
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = (socklen_t)CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	do
		k = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (k < 0 && errno == EINTR);
	return k == (ssize_t)io.iov_len ? LP_OK : LP_E_SYS;
}

static int
receive_batch(int fd, struct claim *c, size_t n)
{
	union control control = { .room = { 0 } };
	int32_t want[BATCH];
	int fds[BATCH];
	struct iovec io = { want, n * sizeof(*want) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *h;
	ssize_t k;

	do
		k = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (k < 0 && errno == EINTR);
	h = k == (ssize_t)io.iov_len && (m.msg_flags & MSG_CTRUNC) == 0 ? CMSG_FIRSTHDR(&m) : NULL;
	/* there was room in the message, but not for as many descriptors in this process */
	if (k == (ssize_t)io.iov_len && (m.msg_flags & MSG_CTRUNC) != 0)
		errno = EMFILE;
	if (h == NULL || h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(n * sizeof(int)))
		return LP_E_SYS;
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	for (size_t i = 0; i < n; i++)
		c[i] = (struct claim){ fds[i], want[i] };
	return LP_OK;
}

static int
in_batches(int fd, struct claim *c, size_t n, int sending)
{
	int rc = LP_OK;

	for (size_t at = 0, k; at < n && rc == LP_OK; at += k) {
		k = n - at < BATCH ? n - at : BATCH;
		rc = sending ? send_batch(fd, c + at, k) : receive_batch(fd, c + at, k);
	}
	return rc;
}

/* ---- the process that starts ------------------------------------------------------- */

struct order {
	struct request r;
	struct lp_buf words;
	const char **argv;
	struct claim *claim;
	size_t nclaims; /* that have a descriptor */
};

/* Each under its number. One that is in the way of another moves aside. */
static int
place(struct claim *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++)
			if (c[k].fd == c[i].want && (c[k].fd = fcntl(c[k].fd, F_DUPFD_CLOEXEC, 3)) < 0)
				return LP_E_SYS;
		if (c[i].fd != c[i].want ? dup2(c[i].fd, c[i].want) < 0 : fcntl(c[i].fd, F_SETFD, 0) != 0)
			return LP_E_SYS;
	}
	return LP_OK;
}

/* A program of ours by its bare name, or the user's own command line, word for word. */
static int
is_allowed(const char *const *argv, const char *const *other)
{
	size_t i = 0;

	if (argv[0] == NULL)
		return 0;
	if (strncmp(argv[0], "lp-", 3) == 0)
		return strchr(argv[0], '/') == NULL;
	if (other == NULL)
		return 0;
	while (argv[i] != NULL && other[i] != NULL && strcmp(argv[i], other[i]) == 0)
		i++;
	return argv[i] == NULL && other[i] == NULL;
}

static int
split_words(struct order *o)
{
	struct lp_span rest = lp_buf_span(&o->words);
	size_t n = 0;

	o->argv = calloc(rest.n + 1, sizeof(*o->argv));
	if (o->argv == NULL)
		return LP_E_NOMEM;
	while (rest.n > 0) {
		size_t len = strnlen((const char *)rest.p, rest.n) + 1;

		if (len > rest.n)
			return LP_E_DATA;
		o->argv[n++] = (const char *)lp_span_take(&rest, len).p;
	}
	return LP_OK;
}

static int
take_order(int fd, struct order *o)
{
	int rc;

	if (o->r.bytes > WORDS_MAX || o->r.claims < 3 || o->r.claims > CLAIMS_MAX)
		return LP_E_DATA;
	lp_buf_init(&o->words, WORDS_MAX);
	o->claim = calloc(o->r.claims, sizeof(*o->claim));
	rc = o->claim == NULL ? LP_E_NOMEM : lp_buf_reserve(&o->words, o->r.bytes);
	if (rc == LP_OK && lp_read_full(fd, o->words.p, o->r.bytes) != (ptrdiff_t)o->r.bytes)
		rc = LP_E_SYS;
	if (rc != LP_OK)
		return rc;
	o->words.n = o->r.bytes;
	rc = in_batches(fd, o->claim, o->r.claims, 0);
	o->nclaims = rc == LP_OK ? o->r.claims : 0;
	return rc != LP_OK ? rc : split_words(o);
}

static void
release_order(struct order *o)
{
	for (size_t i = 0; i < o->nclaims; i++)
		close(o->claim[i].fd);
	free(o->claim);
	free(o->argv);
	lp_buf_release(&o->words);
}

static struct answer
carry_out(struct order *o, const char *const *other)
{
	const struct lp_stage stage = { .argv = o->argv };
	const struct lp_ends ends = { 0, 1, 2, o->r.report, NULL, 0 };
	pid_t parent = getppid();
	long pid;

	if (!is_allowed(o->argv, other))
		return (struct answer){ -1, EPERM };
#if defined(__s390__)
	/* the stack comes first there */
	pid = syscall(SYS_clone, NULL, (unsigned long)(CLONE_PARENT | SIGCHLD), NULL, NULL, 0UL);
#else
	pid = syscall(SYS_clone, (unsigned long)(CLONE_PARENT | SIGCHLD), NULL, NULL, NULL, 0UL);
#endif
	if (pid == 0) {
		if (place(o->claim, o->nclaims) != LP_OK)
			_exit(LP_EXIT_SYSTEM);
		lp_spawn_child(&stage, &ends, parent);
	}
	return (struct answer){ (int32_t)pid, pid < 0 ? errno : 0 };
}

/* A program is started, or it is said why not. */
static int
serve_program(int fd, const struct request *r, const char *const *other)
{
	struct order o = { .r = *r };
	struct answer a;
	int rc, told;

	errno = EINVAL;
	rc = take_order(fd, &o);
	a = rc == LP_OK ? carry_out(&o, other) : (struct answer){ -1, errno };
	told = lp_write_all(fd, lp_span(&a, sizeof(a)));
	release_order(&o);
	return rc != LP_OK ? rc : told;
}

/* A file without a name: a process that opens nothing gets it from us. */
static int
serve_file(int fd)
{
	struct claim c = { lp_tmpfile(), 0 };
	struct answer a = { 0, 0 };
	int rc;

	if (c.fd < 0)
		a = (struct answer){ -1, errno };
	rc = lp_write_all(fd, lp_span(&a, sizeof(a)));
	if (rc == LP_OK && c.fd >= 0)
		rc = send_batch(fd, &c, 1);
	if (c.fd >= 0)
		close(c.fd);
	return rc;
}

static void __attribute__((noreturn))
serve(int fd, const char *const *other)
{
	struct request r;
	sigset_t all;
	int null, rc = LP_OK;

	lp_close_all_but(&fd, 1);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* those who read what the parent writes wait for its end, not for ours */
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			_exit(LP_EXIT_SYSTEM);
	if (null > 2)
		close(null);
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* what cannot be read to its end was the last one */
	while (rc == LP_OK && lp_read_full(fd, &r, sizeof(r)) == (ptrdiff_t)sizeof(r))
		rc = r.what == FILE_FOR_US ? serve_file(fd) : serve_program(fd, &r, other);
	_exit(0);
}

/* ---- its parent ---------------------------------------------------------------------- */

static int
ask_for_file(void)
{
	struct request r = { .what = FILE_FOR_US };
	struct claim c;
	struct answer a = { -1, EIO };
	int rc = lp_write_all(starter.fd, lp_span(&r, sizeof(r)));

	if (rc == LP_OK && lp_read_full(starter.fd, &a, sizeof(a)) != (ptrdiff_t)sizeof(a))
		a = (struct answer){ -1, EIO };
	if (a.pid == 0)
		return receive_batch(starter.fd, &c, 1) == LP_OK ? c.fd : LP_E_SYS;
	errno = a.error;
	return LP_E_SYS;
}

int
lp_starter_begin(const char *const *other)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return LP_E_SYS;
	starter.pid = fork();
	if (starter.pid == 0)
		serve(fd[1], other);
	close(fd[1]);
	if (starter.pid < 0) {
		close(fd[0]);
		return LP_E_SYS;
	}
	starter.fd = fd[0];
	lp_tmpfile_by(ask_for_file);
	return LP_OK;
}

void
lp_starter_end(void)
{
	if (starter.fd < 0)
		return;
	lp_tmpfile_by(NULL);
	close(starter.fd);
	starter.fd = -1;
	while (waitpid(starter.pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
lp_starter_is(void)
{
	return starter.fd >= 0;
}

static int
add_words(struct lp_buf *b, const char *const *argv)
{
	int rc = LP_OK;

	for (; *argv != NULL && rc == LP_OK; argv++)
		rc = lp_buf_add(b, lp_span(*argv, strlen(*argv) + 1));
	return rc;
}

/* The first three are stdin, stdout and stderr. */
static size_t
add_claims(struct claim *c, const struct lp_ends *e)
{
	size_t n = 0;

	c[n++] = (struct claim){ e->in, 0 };
	c[n++] = (struct claim){ e->out, 1 };
	c[n++] = (struct claim){ e->err, 2 };
	if (e->report >= 0)
		c[n++] = (struct claim){ e->report, e->report };
	for (size_t i = 0; i < e->nkeep; i++)
		c[n++] = (struct claim){ e->keep[i], e->keep[i] };
	return n;
}

pid_t
lp_starter_start(const struct lp_stage *s, const struct lp_ends *e)
{
	struct claim *c = calloc(e->nkeep + 4, sizeof(*c));
	struct request r = { .report = e->report };
	struct answer a = { -1, EIO };
	struct lp_buf words;
	int rc;

	lp_buf_init(&words, WORDS_MAX);
	rc = c == NULL ? LP_E_NOMEM : add_words(&words, s->argv);
	if (rc == LP_OK) {
		r.claims = (uint32_t)add_claims(c, e);
		r.bytes = (uint32_t)words.n;
		rc = lp_write_all(starter.fd, lp_span(&r, sizeof(r)));
		rc = rc != LP_OK ? rc : lp_write_all(starter.fd, lp_buf_span(&words));
		rc = rc != LP_OK ? rc : in_batches(starter.fd, c, r.claims, 1);
		if (rc == LP_OK && lp_read_full(starter.fd, &a, sizeof(a)) != (ptrdiff_t)sizeof(a))
			a.error = EIO;
	} else {
		a.error = ENOMEM;
	}
	free(c);
	lp_buf_release(&words);
	errno = a.error;
	return a.pid > 0 ? a.pid : LP_E_SYS;
}
