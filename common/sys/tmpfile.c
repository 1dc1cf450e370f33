/* Unnamed temporary files. */
#include "common/sys/tmpfile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/status.h"

const char *
lp_tmpdir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && *dir != '\0' ? dir : "/tmp";
}

static int (*opener)(void);

void
lp_tmpfile_by(int (*other)(void))
{
	opener = other;
}

/* Where O_TMPFILE is not known (NFS, FUSE, overlayfs before Linux 6.1): it has a name for a moment. */
static int
make_and_unlink(void)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/lp-rows.XXXXXX", lp_tmpdir()) >= (int)sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

int
lp_tmpfile(void)
{
	int fd;

	if (opener != NULL)
		return opener();
	fd = open(lp_tmpdir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = make_and_unlink();
	if (fd < 0)
		fd = memfd_create("lp-rows", MFD_CLOEXEC);
	return fd < 0 ? LP_E_SYS : fd;
}
