/* Writes rows as `ls -l` does. */
#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/row_priv.h"

/* Widths that hold nearly all values; a longer one pushes the rest of its line aside, and is not cut. */
enum { OWNER_COLUMNS = 8, SIZE_COLUMNS = 10, TIME_COLUMNS = 20 };
enum { FIXED_MAX = 64 };

/* The name, or the number where there is none. */
static int
put_owner(struct lp_buf *b, struct lp_span name, int64_t id)
{
	char digits[LP_NUM_MAX];
	size_t start = b->n;
	int rc;

	if (name.n > 0)
		rc = lp_escape(b, name, LP_ESCAPE_TERMINAL);
	else
		rc = lp_buf_add(b, lp_span(digits, (size_t)(lp_num_puti(digits, id) - digits)));
	return rc != LP_OK ? rc : lp_buf_pad(b, b->n - start, OWNER_COLUMNS);
}

/* The size to the right of its column, or the device's numbers. */
static int
put_size(struct lp_buf *b, const struct lp_entry *e)
{
	char text[2 * LP_NUM_MAX + 2], *p = text;
	int rc;

	if (e->has & LP_HAS_DEV) {
		p = lp_num_put(p, e->devmajor);
		*p++ = ',';
		*p++ = ' ';
		p = lp_num_put(p, e->devminor);
	} else {
		p = lp_num_put(p, e->size);
	}
	rc = lp_buf_pad(b, (size_t)(p - text), SIZE_COLUMNS);
	return rc != LP_OK ? rc : lp_buf_add(b, lp_span(text, (size_t)(p - text)));
}

static int
put_time(struct lp_buf *b, const struct lp_entry *e)
{
	struct lp_entry whole_seconds = { .has = e->has, .mtime = e->mtime };
	char text[LP_TIME_MAX];
	size_t n = (size_t)(lp_put_time(text, &whole_seconds) - text);
	int rc = lp_buf_add(b, lp_span(text, n));

	return rc != LP_OK ? rc : lp_buf_pad(b, n, TIME_COLUMNS);
}

static int
put_names(struct lp_buf *b, const struct lp_entry *e)
{
	int rc = lp_escape(b, e->name, LP_ESCAPE_TERMINAL);

	if (rc != LP_OK || (e->type != LP_SYMLINK && e->type != LP_HARDLINK))
		return rc;
	rc = lp_buf_adds(b, e->type == LP_SYMLINK ? " -> " : " link to ");
	return rc != LP_OK ? rc : lp_escape(b, e->linkname, LP_ESCAPE_TERMINAL);
}

int
lp_row_long(const struct lp_entry *e, struct lp_buf *b)
{
	int rc = lp_buf_reserve(b, FIXED_MAX);

	if (rc != LP_OK)
		return rc;
	b->n = (size_t)(lp_put_mode((char *)b->p + b->n, e) - (char *)b->p);
	rc = lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : put_owner(b, e->uname, e->uid);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : put_owner(b, e->gname, e->gid);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : put_size(b, e);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : put_time(b, e);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : put_names(b, e);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}
