/* Landlock: which files, ports and processes exist for us. Each right that this kernel knows is used. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/sandbox_priv.h"

/* ABI 4 and 6 are younger than the kernel headers we build with. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};
enum { NET_BIND = 1, NET_BIND_CONNECT = 3, SCOPE_SOCKET = 1, SCOPE_SOCKET_SIGNAL = 3 };
enum { RIGHT_REFER = 1 << 13 };    /* LANDLOCK_ACCESS_FS_REFER, ABI 2 */
enum { RIGHT_TRUNCATE = 1 << 14 }; /* LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3 */

/* All file system rights that each ABI knows: 1, 2 (refer), 3 (truncate), 5 (ioctl). */
static uint64_t
fs_rights(long abi)
{
	unsigned known = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

	return ((uint64_t)1 << known) - 1;
}

const char *
lp_landlock_missing(long abi)
{
	/* the first ABI has no right to link from one directory into another: it forbids that to all */
	static const char *const without[] = { "landlock", "landlock's truncate, ports, ioctl, scopes",
		"landlock's truncate, ports, ioctl, scopes", "landlock's ports, ioctl, scopes",
		"landlock's ioctl, scopes", "landlock's scopes" };

	return abi < 0 ? without[0] : abi < 6 ? without[abi] : NULL;
}

/* What a database needs of its directory: no links, no devices, nothing to run. */
#define DATABASE_RIGHTS                                                                            \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | RIGHT_TRUNCATE)

/* Of a layout; and of a store. */
#define LAYOUT_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define STORE_RIGHTS                                                                                  \
	(DATABASE_RIGHTS | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | RIGHT_REFER)
/* Those of them that a file can have. */
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)

/* What the C library's resolver reads: it may look at each of them again for each name. */
static const char *const resolver_files[] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
};

static int
allow(int ruleset, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr a = { .allowed_access = rights, .parent_fd = fd };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) == 0 ? LP_OK : LP_E_SYS;
}

static int
allow_path(int ruleset, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc = LP_E_SYS, err;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		rc = allow(ruleset, fd, S_ISDIR(st.st_mode) ? rights : rights & FILE_RIGHTS);
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return rc;
}

static int
allow_view(int ruleset, const struct lp_lock_view *v, uint64_t known)
{
	int rc = v->directory >= 0 ? allow(ruleset, v->directory, DATABASE_RIGHTS & known) : LP_OK;

	if (rc != LP_OK)
		lp_err_errno("the directory of the database cannot be given to the sandbox");
	for (size_t i = 0; i < v->n && rc == LP_OK; i++) {
		rc = allow_path(ruleset, v->paths[i].path, (v->paths[i].write ? STORE_RIGHTS : LAYOUT_RIGHTS) & known);
		if (rc != LP_OK)
			lp_err_errno("%s: cannot be given to the sandbox", lp_quotes(v->paths[i].path));
	}
	/* one that does not exist is one that nobody will miss */
	for (size_t i = 0; v->duty == LP_DUTY_NETWORK && i < sizeof(resolver_files) / sizeof(resolver_files[0]); i++)
		(void)allow_path(ruleset, resolver_files[i], LANDLOCK_ACCESS_FS_READ_FILE);
	return rc;
}

long
lp_landlock_version(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? abi : 0;
}

int
lp_landlock(const struct lp_lock_view *v)
{
	long abi = lp_landlock_version(), fd;
	struct ruleset r = { 0 };
	size_t size;
	int rc, err;

	if (abi < 1)
		return LP_E_ABSENT;
	r.fs = fs_rights(abi);
	r.net = abi < 4 ? 0 : v->duty == LP_DUTY_NETWORK ? NET_BIND : NET_BIND_CONNECT;
	/* a driver's children are not locked in with it, and it is to end them */
	r.scoped = abi < 6 ? 0 : v->duty == LP_DUTY_DRIVER ? SCOPE_SOCKET : SCOPE_SOCKET_SIGNAL;
	size = abi >= 6 ? sizeof(r) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return LP_E_ABSENT;
	rc = allow_view((int)fd, v, r.fs);
	if (rc == LP_OK && syscall(SYS_landlock_restrict_self, (int)fd, 0) != 0)
		rc = LP_E_ABSENT;
	err = errno;
	close((int)fd);
	errno = err;
	return rc;
}
