/*
 * Allocations that fail, for whole programs as they are shipped: loaded with
 * LD_PRELOAD, so that libraries' allocations are reached too, which --wrap
 * does not do (wrap.c).
 *
 *   LP_FAULT_ANY=N     the Nth allocation since main began fails, whoever asks
 *   LP_FAULT_MORE=1    and all behind it
 *   LP_FAULT_IN=NAME   only in the program of this name, not in its children
 *   LP_FAULT_HIT=FILE  gets a byte for each fault
 *   LP_FAULT_COUNT=FILE   how many allocations there were, at the end
 *
 * libseccomp's are left out: 2.5.4 does not look at all of them, and loads a
 * filter that lacks rules, or never comes back. It is called before the first
 * byte from outside, and what it gets wrong kills the process.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

typedef int main_function(int, char **, char **);
int __libc_start_main(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static struct {
	atomic_long calls;
	long fails; /* 0: none */
	int more, hit, count, started;
} fault = { .hit = -1, .count = -1 };

/* Where libseccomp lies. */
static uintptr_t spared_from, spared_to;

static int
find_spared(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (strstr(info->dlpi_name, "libseccomp") == NULL)
		return 0;
	spared_from = info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			spared_to = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
	return 1;
}

static int
strikes(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	long n;

	if (!fault.started || (at >= spared_from && at < spared_to))
		return 0;
	n = atomic_fetch_add(&fault.calls, 1) + 1;
	if (fault.fails == 0 || n < fault.fails || (n > fault.fails && !fault.more))
		return 0;
	if (fault.hit >= 0)
		(void)!write(fault.hit, "x", 1);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return strikes(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *
calloc(size_t k, size_t n)
{
	return strikes(__builtin_return_address(0)) ? NULL : __libc_calloc(k, n);
}

void *
realloc(void *p, size_t n)
{
	return strikes(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
	return strikes(__builtin_return_address(0)) ? NULL : __libc_memalign(align, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	void *q = strikes(__builtin_return_address(0)) ? NULL : __libc_memalign(align, n);

	if (q != NULL)
		*p = q;
	return q != NULL ? 0 : ENOMEM;
}

static void __attribute__((destructor))
end(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", atomic_load(&fault.calls));
	if (fault.count >= 0)
		(void)!write(fault.count, text, strlen(text));
}

static int
open_file(const char *variable)
{
	const char *s = getenv(variable);

	return s != NULL ? open(s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
}

static main_function *real_main;

/* What the loader and the libraries' constructors asked for is behind us: their failure is the loader's matter. */
static int
counting_main(int argc, char **argv, char **envp)
{
	const char *s = getenv("LP_FAULT_ANY"), *in = getenv("LP_FAULT_IN");

	if (in == NULL || strcmp(in, program_invocation_short_name) == 0) {
		fault.fails = s != NULL ? strtol(s, NULL, 10) : 0;
		fault.more = getenv("LP_FAULT_MORE") != NULL;
		fault.hit = open_file("LP_FAULT_HIT");
		fault.count = open_file("LP_FAULT_COUNT");
		dl_iterate_phdr(find_spared, NULL);
		fault.started = 1;
	}
	return real_main(argc, argv, envp);
}

int
__libc_start_main(main_function *f, int argc, char **argv, void (*init)(void), void (*fini)(void), void (*rtld)(void),
    void *stack)
{
	union {
		void *symbol;
		int (*call)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
	} next = { .symbol = dlsym(RTLD_NEXT, "__libc_start_main") };

	real_main = f;
	return next.call(counting_main, argc, argv, init, fini, rtld, stack);
}
