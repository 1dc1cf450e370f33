/*
 * Landlock as an older kernel has it, for programs that this is preloaded
 * into. LP_KERNEL_LANDLOCK is the version of its ABI; 0: none.
 *
 * The version is answered, and what that ABI does not know is refused as the
 * kernel would: a longer structure (E2BIG), an unknown right (EINVAL). All
 * else is the kernel's own doing: where a ruleset does not handle
 * LANDLOCK_ACCESS_FS_REFER, as it cannot under the first version, each rename
 * and link from one directory into another fails with EXDEV; truncation,
 * ioctls, ports and scopes that are not handled are not restricted.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

long syscall(long, ...);

/* What each version knows: bits of rights to files, to ports, and of scopes; bytes of the structure. */
static const struct {
	unsigned fs, net, scopes;
	size_t size;
} known[] = { { 0, 0, 0, 0 }, { 13, 0, 0, 8 }, { 14, 0, 0, 8 }, { 15, 0, 0, 8 }, { 15, 2, 0, 16 }, { 16, 2, 0, 16 },
	{ 16, 2, 2, 24 } };
enum { NEWEST = sizeof(known) / sizeof(known[0]) - 1 };

static long
version(void)
{
	const char *s = getenv("LP_KERNEL_LANDLOCK");
	long v = s != NULL ? strtol(s, NULL, 10) : -1;

	/* a test that names no version, or one that is not described here, tests nothing */
	if (v < 0 || v > NEWEST)
		abort();
	return v;
}

/* 0, or the errno of a ruleset that this version does not take. */
static int
refusal(const void *attr, size_t size)
{
	long v = version();
	uint64_t bits[3] = { 0 };

	if (v == 0)
		return ENOSYS;
	if (attr == NULL)
		return EFAULT;
	for (size_t i = known[v].size; i < size; i++)
		if (((const unsigned char *)attr)[i] != 0)
			return E2BIG;
	memcpy(bits, attr, size < sizeof(bits) ? size : sizeof(bits));
	if (bits[0] >> known[v].fs != 0 || bits[1] >> known[v].net != 0 || bits[2] >> known[v].scopes != 0)
		return EINVAL;
	return 0;
}

static long
failed(int err)
{
	errno = err;
	return -1;
}

long
syscall(long call, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	va_start(ap, call);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (call == SYS_landlock_create_ruleset) {
		int err = (a[2] & LANDLOCK_CREATE_RULESET_VERSION) != 0 ? 0 : refusal((const void *)a[0], (size_t)a[1]);

		if (err != 0 || version() == 0)
			return failed(err != 0 ? err : ENOSYS);
		if ((a[2] & LANDLOCK_CREATE_RULESET_VERSION) != 0)
			return version();
	} else if ((call == SYS_landlock_add_rule || call == SYS_landlock_restrict_self) && version() == 0) {
		return failed(ENOSYS);
	}
	return real(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}
