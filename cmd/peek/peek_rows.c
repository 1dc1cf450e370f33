/* Keeps a listing's rows in an unnamed file, and judges from its end record whether it is whole. */
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/row/rowread.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

/* No end record is longer. */
enum { TAIL = 16 * 1024 };

int
lp_peek_rows_open(struct lp_peek_layer *l)
{
	if (l->rows < 0)
		l->rows = lp_tmpfile();
	if (l->rows < 0 || lp_peek_rows_clear(l) != LP_OK) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	return LP_OK;
}

int
lp_peek_rows_clear(struct lp_peek_layer *l)
{
	return ftruncate(l->rows, 0) == 0 && lseek(l->rows, 0, SEEK_SET) == 0 ? LP_OK : LP_E_SYS;
}

/* The last line, and its end record if the lister got that far. The file's size without that line. */
static uint64_t
read_end(int fd, struct lp_rowend *end, int *ended)
{
	unsigned char tail[TAIL];
	struct lp_rowread r;
	struct lp_span last;
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > TAIL ? size - TAIL : 0;
	ptrdiff_t n = size > 0 ? lp_pread_full(fd, tail, sizeof(tail), (uint64_t)from) : 0;
	uint64_t rest;

	*ended = 0;
	if (n <= 0)
		return 0;
	for (last.n = 1; last.n < (size_t)n && tail[(size_t)n - last.n - 1] != '\n'; last.n++)
		;
	rest = (uint64_t)size - last.n;
	last = lp_span(tail + (size_t)n - last.n, last.n);
	lp_rowread_init(&r);
	r.tail = 1;
	*ended = lp_rowread_next(&r, &last) == LP_ROWREAD_END;
	*end = r.end;
	/* borrowed from what is released here */
	end->layer = end->origin = end->toc = end->reason = lp_span(NULL, 0);
	lp_rowread_release(&r);
	return rest;
}

/* Where the last whole line ends. LP_OK or LP_E_SYS. */
static int
end_of_lines(int fd, off_t *end)
{
	unsigned char part[TAIL];
	off_t size = lseek(fd, 0, SEEK_END);

	for (*end = 0; size > 0;) {
		off_t from = size > TAIL ? size - TAIL : 0;
		ptrdiff_t n = lp_pread_full(fd, part, (size_t)(size - from), (uint64_t)from);
		const unsigned char *nl = n > 0 ? memrchr(part, '\n', (size_t)n) : NULL;

		if (n <= 0)
			return LP_E_SYS;
		if (nl != NULL) {
			*end = from + (nl - part) + 1;
			return LP_OK;
		}
		size = from;
	}
	return size == 0 ? LP_OK : LP_E_SYS;
}

int
lp_peek_rows_cut(struct lp_peek_layer *l)
{
	off_t end;

	return end_of_lines(l->rows, &end) == LP_OK && ftruncate(l->rows, end) == 0 ? LP_OK : LP_E_SYS;
}

void
lp_peek_rows_read_end(struct lp_peek_layer *l)
{
	struct lp_rowend end;
	int ended;

	l->complete = LP_COMPLETE_UNKNOWN;
	l->entries = -1;
	(void)read_end(l->rows, &end, &ended);
	if (!ended)
		return;
	l->complete = end.complete;
	l->entries = end.entries <= INT64_MAX ? (int64_t)end.entries : -1;
}

static int
copy(int from, uint64_t first, uint64_t end, int to)
{
	off_t at = (off_t)first;

	while ((uint64_t)at < end) {
		ssize_t k = sendfile(to, from, &at, (size_t)(end - (uint64_t)at));

		if (k == 0 || (k < 0 && errno != EINTR))
			return LP_E_SYS;
	}
	return LP_OK;
}

int
lp_peek_is_whole(const struct lp_peek_layer *l)
{
	return l->complete == LP_COMPLETE_YES || l->complete == LP_COMPLETE_INFERRED;
}

static struct lp_span
text_or_none(const char *s)
{
	return s != NULL ? lp_span_str(s) : lp_span(NULL, 0);
}

int
lp_peek_rows_judge(struct lp_peek_layer *l, enum lp_complete complete, const char *toc, const char *reason)
{
	struct lp_rowfmt fmt;
	struct lp_rowend end;
	struct lp_buf line;
	int ended, rc;
	uint64_t n = read_end(l->rows, &end, &ended);

	if (!ended)
		return LP_OK;
	lp_rowfmt_init(&fmt);
	lp_buf_init(&line, TAIL);
	end.complete = l->complete = complete;
	end.layer = text_or_none(l->digest);
	end.origin = text_or_none(complete == LP_COMPLETE_INFERRED ? l->image->origin : NULL);
	end.toc = text_or_none(toc);
	end.reason = text_or_none(reason);
	rc = lp_row_end(&fmt, &end, &line);
	if (rc == LP_OK && (ftruncate(l->rows, (off_t)n) != 0 || lseek(l->rows, (off_t)n, SEEK_SET) < 0))
		rc = LP_E_SYS;
	rc = rc != LP_OK ? rc : lp_write_all(l->rows, lp_buf_span(&line));
	lp_buf_release(&line);
	return rc == LP_OK ? LP_OK : LP_E_SYS;
}

int
lp_peek_rows_last(const struct lp_peek_layer *l, struct lp_buf *out)
{
	enum { NAME = 5 }; /* the fields in front of it */
	unsigned char tail[TAIL];
	struct lp_rowend end;
	int ended;
	uint64_t to = read_end(l->rows, &end, &ended), from = to > TAIL ? to - TAIL : 0;
	ptrdiff_t n = to > 1 ? lp_pread_full(l->rows, tail, (size_t)(to - from), from) : 0;
	const unsigned char *nl = n > 1 ? memrchr(tail, '\n', (size_t)n - 1) : NULL;
	struct lp_span line = lp_span(tail, n > 1 ? (size_t)n - 1 : 0);
	struct lp_buf name;
	int rc;

	/* the header row is no entry */
	if (!ended || end.entries == 0 || (nl == NULL && from > 0))
		return LP_OK;
	if (nl != NULL)
		lp_span_take(&line, (size_t)(nl + 1 - tail));
	for (size_t i = 0; i < NAME; i++)
		(void)lp_span_field(&line, '\t');
	lp_buf_init(&name, LP_MAX_PATH);
	rc = lp_unescape(&name, lp_span_field(&line, '\t'));
	rc = rc != LP_OK ? rc : lp_escape(out, lp_buf_span(&name), LP_ESCAPE_TERMINAL);
	lp_buf_release(&name);
	return rc;
}

int
lp_peek_rows_end(int fd, const struct lp_rowend *end)
{
	struct lp_rowfmt fmt;
	struct lp_buf b;
	int rc;

	lp_rowfmt_init(&fmt);
	lp_buf_init(&b, 4 * LP_MAX_PATH);
	rc = lp_row_end(&fmt, end, &b);
	if (rc == LP_OK && lseek(fd, 0, SEEK_END) < 0)
		rc = LP_E_SYS;
	rc = rc != LP_OK ? rc : lp_write_all(fd, lp_buf_span(&b));
	lp_buf_release(&b);
	return rc;
}

int
lp_peek_rows_append(const struct lp_peek_layer *l, int to)
{
	off_t size = lseek(l->rows, 0, SEEK_END);

	return size > 0 ? copy(l->rows, 0, (uint64_t)size, to) : LP_E_SYS;
}

int
lp_peek_rows_take(struct lp_peek_layer *l, int from, uint64_t first, uint64_t end)
{
	int rc = lp_peek_rows_open(l);

	rc = rc != LP_OK ? rc : copy(from, first, end, l->rows);
	if (rc == LP_OK)
		lp_peek_rows_read_end(l);
	return rc;
}
