/*
 * Failure on demand, linked into every program of the `fault` build by
 * --wrap: what can fail is made to fail, one call at a time.
 *
 *   LP_FAULT_ALLOC=N   the Nth allocation of the program's own code fails
 *   LP_FAULT_WRITE=N   the Nth write(2) fails with ENOSPC
 *   LP_FAULT_READ=N    the Nth read(2) fails with EIO
 *   LP_FAULT_EINTR=1   every other read and write is interrupted first
 *   LP_FAULT_SHORT=1   reads and writes move one byte each
 *   LP_FAULT_IN=NAME   only in the program of this name, not in those it starts
 *   LP_FAULT_HIT=FILE  created when a fault was delivered, so that a loop
 *                      over N knows when it has seen them all
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
ssize_t __real_read(int, void *, size_t);
ssize_t __real_pread(int, void *, size_t, off_t);
ssize_t __real_write(int, const void *, size_t);

void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
ssize_t __wrap_read(int, void *, size_t);
ssize_t __wrap_pread(int, void *, size_t, off_t);
ssize_t __wrap_write(int, const void *, size_t);

ssize_t __wrap_sendfile(int, int, off_t *, size_t);

/* Calls left until the one that fails; 0: none fails. Shared with functions that are forked into: one of us fails, once. */
struct left {
	atomic_long alloc, write, read;
};
static struct left none;
static struct {
	struct left *left;
	int eintr, one;
	unsigned turn;
	const char *hit;
} fault = { .left = &none };

static long
number(const char *name)
{
	const char *s = getenv(name);

	return s != NULL ? strtol(s, NULL, 10) : 0;
}

static void __attribute__((constructor))
start(void)
{
	const char *in = getenv("LP_FAULT_IN");
	void *shared = mmap(NULL, sizeof(struct left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		abort();
	fault.left = shared;
	if (in != NULL && strcmp(in, program_invocation_short_name) != 0)
		return;
	fault.left->alloc = number("LP_FAULT_ALLOC");
	fault.left->write = number("LP_FAULT_WRITE");
	fault.left->read = number("LP_FAULT_READ");
	fault.eintr = number("LP_FAULT_EINTR") != 0;
	fault.one = number("LP_FAULT_SHORT") != 0;
	fault.hit = getenv("LP_FAULT_HIT");
}

/* This build has no lock: a file can be opened when it is needed. */
static int
strikes(atomic_long *left, int error)
{
	long n = atomic_load(left);
	int fd;

	do {
		if (n == 0)
			return 0;
	} while (!atomic_compare_exchange_weak(left, &n, n - 1));
	if (n > 1)
		return 0;
	fd = fault.hit != NULL ? open(fault.hit, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
	if (fd >= 0) {
		(void)!__real_write(fd, "x", 1);
		close(fd);
	}
	errno = error;
	return 1;
}

static int
interrupts(void)
{
	if (!fault.eintr || fault.turn++ % 2 != 0)
		return 0;
	errno = EINTR;
	return 1;
}

void *
__wrap_malloc(size_t n)
{
	return strikes(&fault.left->alloc, ENOMEM) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t k, size_t n)
{
	return strikes(&fault.left->alloc, ENOMEM) ? NULL : __real_calloc(k, n);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return strikes(&fault.left->alloc, ENOMEM) ? NULL : __real_realloc(p, n);
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	if (interrupts() || strikes(&fault.left->read, EIO))
		return -1;
	if (fault.one && n > 1) {
		ssize_t k = __real_read(fd, p, 1);

		/* some descriptors (signalfd) give a whole piece or nothing */
		if (k >= 0 || errno != EINVAL)
			return k;
	}
	return __real_read(fd, p, n);
}

ssize_t
__wrap_pread(int fd, void *p, size_t n, off_t at)
{
	if (interrupts() || strikes(&fault.left->read, EIO))
		return -1;
	return __real_pread(fd, p, fault.one && n > 1 ? 1 : n, at);
}

/* As between descriptors that it does not know: so that reads and writes are seen. */
ssize_t
__wrap_sendfile(int out, int in, off_t *at, size_t n)
{
	(void)out;
	(void)in;
	(void)at;
	(void)n;
	errno = EINVAL;
	return -1;
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	/* messages must come out: they say what failed */
	if (fd == 2)
		return __real_write(fd, p, n);
	if (interrupts() || strikes(&fault.left->write, ENOSPC))
		return -1;
	return __real_write(fd, p, fault.one && n > 1 ? 1 : n);
}
