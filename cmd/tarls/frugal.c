/* Reads of a gzip file what the machine of jump/jump.h asks for. */
#include "cmd/tarls/frugal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/input.h"
#include "common/sys/io.h"

int
lp_frugal_open(struct lp_frugal *f, const char *file, const char **name)
{
	struct stat st;
	int rc;

	*f = (struct lp_frugal){ .fd = lp_operand_open(file, name) };
	f->name = *name;
	if (f->fd < 0)
		return f->fd;
	if (fstat(f->fd, &st) != 0) {
		lp_err_errno("%s", *name);
		return LP_E_SYS;
	}
	if (!S_ISREG(st.st_mode)) {
		lp_err("%s: --frugal reads a file here and there, and this is none", *name);
		return LP_E_USAGE;
	}
	rc = lp_jump_init(&f->jump, (uint64_t)st.st_size);
	if (rc != LP_OK)
		lp_err("out of memory");
	return rc;
}

void
lp_frugal_release(struct lp_frugal *f)
{
	lp_jump_release(&f->jump);
	free(f->buf);
	f->buf = NULL;
}

static int
no_memory(void)
{
	lp_err("out of memory");
	return LP_E_NOMEM;
}

/* What is wanted, from the file. */
static int
fetch(struct lp_frugal *f)
{
	const struct lp_jump *j = &f->jump;
	ptrdiff_t n;

	if (j->want_n > f->cap) {
		unsigned char *p = realloc(f->buf, j->want_n);

		if (p == NULL)
			return no_memory();
		f->buf = p;
		f->cap = j->want_n;
	}
	n = lp_pread_full(f->fd, f->buf, j->want_n, j->want_at);
	if (n < 0) {
		lp_err_errno("%s", f->name);
		return LP_E_SYS;
	}
	if ((size_t)n < j->want_n) {
		lp_err("%s: byte %" PRIu64 ": the file has become shorter", f->name, j->want_at + (uint64_t)n);
		return LP_E_SYS;
	}
	return lp_jump_give(&f->jump, lp_span(f->buf, j->want_n)) == LP_OK ? LP_OK : no_memory();
}

int
lp_frugal_more(struct lp_frugal *f, struct lp_tar *t, struct lp_span *out)
{
	for (;;) {
		int rc;

		switch (lp_jump_next(&f->jump, lp_tar_skippable(t), lp_tar_skippable_padding(t))) {
		case LP_JUMP_WANT:
			rc = fetch(f);
			if (rc != LP_OK)
				return rc;
			break;
		case LP_JUMP_BYTES:
			*out = f->jump.bytes;
			return 1;
		case LP_JUMP_SKIPPED:
			lp_tar_skipped(t, f->jump.skipped);
			return 1;
		case LP_JUMP_END:
			return 0;
		case LP_JUMP_ERROR:
			return f->jump.status;
		}
	}
}

void
lp_frugal_say(const struct lp_frugal *f)
{
	lp_err("%s: byte %" PRIu64 ": %s", f->name, f->jump.error_at, f->jump.why);
}
