/* Writes a merged tree as an ncdu document or an mtree specification. */
#include "common/merge/rootfs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/base/status.h"

enum { DISK_BLOCK = 4096, NUMBER_MAX = 256 };

/* Printed text of at most NUMBER_MAX bytes: numbers and words of ours, nothing from outside. */
static int __attribute__((format(printf, 2, 3)))
add(struct lp_buf *b, const char *fmt, ...)
{
	char text[NUMBER_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return lp_buf_adds(b, text);
}

/* The row whose attributes are shown: a file is one and the same by each of its names. */
static void
file_of(const struct lp_row *row, struct lp_entry *e)
{
	if (row->inode != NULL)
		lp_inode_entry(row->inode, e);
	else
		lp_row_entry(row, e);
}

/* ---- ncdu ----------------------------------------------------------------- */

/* A JSON string that holds bytes, not text: what is not ASCII stays as it is. */
static int
add_raw_string(struct lp_buf *b, struct lp_span s)
{
	int rc = lp_buf_addc(b, '"');

	for (; s.n > 0 && rc == LP_OK; lp_span_take(&s, 1)) {
		unsigned char c = s.p[0];

		if (c < 0x20 || c == 0x7f)
			rc = add(b, "\\u00%02x", c);
		else if (c == '"' || c == '\\')
			rc = add(b, "\\%c", c);
		else
			rc = lp_buf_addc(b, c);
	}
	return rc != LP_OK ? rc : lp_buf_addc(b, '"');
}

/* stat(2)'s type bits for a type letter. */
static unsigned
type_bits(enum lp_type type)
{
	switch (type) {
	case LP_DIR: return 0040000;
	case LP_SYMLINK: return 0120000;
	case LP_CHAR: return 0020000;
	case LP_BLOCK: return 0060000;
	case LP_FIFO: return 0010000;
	default: return 0100000;
	}
}

static int
add_item(struct lp_buf *b, struct lp_span name, const struct lp_row *row)
{
	struct lp_entry file;
	int rc = lp_buf_adds(b, "{\"name\":");

	file_of(row, &file);
	rc = rc != LP_OK ? rc : add_raw_string(b, name);
	if (rc == LP_OK && file.type == LP_REG && file.size > 0)
		rc = add(b, ",\"asize\":%" PRIu64 ",\"dsize\":%" PRIu64, file.size,
		    file.size > UINT64_MAX - DISK_BLOCK ? file.size :
		    (file.size + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK);
	if (rc == LP_OK && row->inode != NULL)
		rc = add(b, ",\"ino\":%" PRIu32 ",\"hlnkc\":true,\"nlink\":%" PRIu32, row->inode->number,
		    row->inode->nlink);
	if (rc == LP_OK && file.type != LP_REG && file.type != LP_DIR && file.type != LP_HARDLINK)
		rc = lp_buf_adds(b, ",\"notreg\":true");
	rc = rc != LP_OK ? rc : add(b, ",\"uid\":%" PRId64 ",\"gid\":%" PRId64 ",\"mode\":%u", file.uid, file.gid,
	    type_bits(file.type) | file.mode);
	if (rc == LP_OK && (file.has & LP_HAS_MTIME) != 0 && file.mtime >= 0)
		rc = add(b, ",\"mtime\":%" PRId64, file.mtime);
	return rc != LP_OK ? rc : lp_buf_addc(b, '}');
}

/* The root comes first whether a layer has a member for it or not; its own step is passed over. */
int
lp_ncdu_begin(struct lp_buf *b)
{
	return lp_buf_adds(b, "[1,2,{\"progname\":\"lp-merge\",\"progver\":\"" LP_VERSION "\"},\n[{\"name\":\"/\"}");
}

int
lp_ncdu_step(struct lp_walk *w, int event, struct lp_buf *b)
{
	int rc;

	if (event == LP_WALK_LEAVE)
		return lp_buf_addc(b, ']');
	if (w->depth == 0)
		return LP_OK;
	rc = lp_buf_adds(b, w->row->type == LP_DIR ? ",\n[" : ",\n");
	return rc != LP_OK ? rc : add_item(b, w->name, w->row);
}

int
lp_ncdu_end(struct lp_buf *b)
{
	return lp_buf_adds(b, "]]\n");
}

/* ---- mtree ---------------------------------------------------------------- */

/* vis(3) octal: all that is not a visible ASCII character, or means something to mtree. */
static int
add_vis(struct lp_buf *b, struct lp_span s)
{
	int rc = LP_OK;

	for (; s.n > 0 && rc == LP_OK; lp_span_take(&s, 1)) {
		unsigned char c = s.p[0];

		if (c <= ' ' || c >= 0x7f || strchr("#\\*?[=", c) != NULL)
			rc = add(b, "\\%03o", c);
		else
			rc = lp_buf_addc(b, c);
	}
	return rc;
}

static const char *
type_word(enum lp_type type)
{
	switch (type) {
	case LP_DIR: return "dir";
	case LP_SYMLINK: return "link";
	case LP_CHAR: return "char";
	case LP_BLOCK: return "block";
	case LP_FIFO: return "fifo";
	default: return "file";
	}
}

int
lp_mtree_begin(struct lp_buf *b)
{
	return lp_buf_adds(b, "#mtree\n");
}

/* What only some types have. */
static int
add_special(struct lp_buf *b, const struct lp_row *row, const struct lp_entry *file)
{
	int rc = LP_OK;

	if (file->type == LP_REG)
		rc = add(b, " size=%" PRIu64, file->size);
	if (file->type == LP_SYMLINK) {
		rc = lp_buf_adds(b, " link=");
		rc = rc != LP_OK ? rc : add_vis(b, file->linkname);
	}
	if ((file->type == LP_CHAR || file->type == LP_BLOCK) && (file->has & LP_HAS_DEV) != 0)
		rc = add(b, " device=linux,%" PRIu32 ",%" PRIu32, file->devmajor, file->devminor);
	if (rc == LP_OK && row->inode != NULL)
		rc = add(b, " nlink=%" PRIu32 " inode=%" PRIu32, row->inode->nlink, row->inode->number);
	return rc;
}

int
lp_mtree_step(struct lp_walk *w, struct lp_buf *b)
{
	struct lp_entry file;
	int rc = w->depth > 0 ? lp_buf_adds(b, "./") : LP_OK;

	file_of(w->row, &file);
	rc = rc != LP_OK ? rc : add_vis(b, w->path);
	rc = rc != LP_OK ? rc : add(b, " type=%s mode=0%o uid=%" PRId64 " gid=%" PRId64, type_word(file.type),
	    (unsigned)file.mode, file.uid, file.gid);
	rc = rc != LP_OK ? rc : add_special(b, w->row, &file);
	if (rc == LP_OK && (file.has & LP_HAS_MTIME) != 0)
		rc = add(b, " time=%" PRId64 ".%09" PRIu32, file.mtime, file.mtime_nsec);
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}
