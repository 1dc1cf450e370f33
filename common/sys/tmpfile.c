#include "common/sys/tmpfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/base/status.h"

const char *
lp_tmpdir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir != NULL && *dir != '\0' ? dir : "/tmp";
}

int
lp_tmpfile(void)
{
	int fd = open(lp_tmpdir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("lp-rows", MFD_CLOEXEC);
	return fd < 0 ? LP_E_SYS : fd;
}

int
lp_tmpfile_reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? LP_E_SYS : fd;
}
