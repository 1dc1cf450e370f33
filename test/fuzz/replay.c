/*
 * A fuzz target's main where no fuzzer is: runs the target over the files
 * of a corpus folder (and over the empty input), one TAP line each, so that
 * targets cannot rot and old findings stay fixed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/sys/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLAY_MAX = 64 * 1024 * 1024 };

static int
replay(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct lp_buf b;
	int rc;

	if (fd < 0)
		return LP_E_SYS;
	lp_buf_init(&b, REPLAY_MAX);
	rc = lp_read_all(fd, &b);
	close(fd);
	if (rc == LP_OK) {
		/* a block of the exact size: one byte over is seen */
		uint8_t *p = malloc(b.n > 0 ? b.n : 1);

		if (p == NULL)
			abort();
		if (b.n > 0)
			memcpy(p, b.p, b.n);
		LLVMFuzzerTestOneInput(p, b.n);
		free(p);
	}
	lp_buf_release(&b);
	return rc;
}

int
main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	int cases = 1, failed = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok 1 - empty input\n");
	if (d == NULL)
		return 1;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		int rc;

		if (e->d_name[0] == '.')
			continue;
		rc = replay(dirfd(d), e->d_name);
		failed += rc != LP_OK;
		printf("%sok %d - %s\n", rc == LP_OK ? "" : "not ", ++cases, e->d_name);
	}
	closedir(d);
	printf("1..%d\n", cases);
	return failed != 0;
}
