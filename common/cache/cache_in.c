/* Reads the input of lp_cache_put(), which may have to wait: so before the database is locked. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/cache/cache.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

int
lp_cache_in_init(struct lp_cache_in *in, int fd, int several)
{
	*in = (struct lp_cache_in){ .fd = fd, .several = several, .room = malloc(LP_IO_CHUNK) };
	return in->room != NULL ? LP_OK : LP_E_NOMEM;
}

void
lp_cache_in_release(struct lp_cache_in *in)
{
	free(in->room);
	*in = (struct lp_cache_in){ .fd = -1 };
}

int
lp_cache_in_more(struct lp_cache_in *in)
{
	ptrdiff_t n;

	if (in->in.n > 0)
		return 1;
	n = lp_read(in->fd, in->room, LP_IO_CHUNK);
	if (n < 0)
		return LP_E_SYS;
	in->in = lp_span(in->room, (size_t)n);
	return n > 0;
}

int
lp_cache_spool(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fd : lp_tmpfile();
}

int
lp_cache_spool_fill(int spool, int fd, int *reading)
{
	unsigned char room[64 * 1024];
	ptrdiff_t n;

	*reading = 0;
	if (spool == fd)
		return LP_OK;
	while ((n = lp_read(fd, room, sizeof(room))) > 0)
		if (lp_write_all(spool, lp_span(room, (size_t)n)) != LP_OK)
			return LP_E_SYS;
	*reading = n < 0;
	return n < 0 || lseek(spool, 0, SEEK_SET) < 0 ? LP_E_SYS : LP_OK;
}
