/*
 * The members of an archive in memory, as this project reads them and as
 * libarchive does, in one shape.
 */
#ifndef LP_TEST_TARROWS_H
#define LP_TEST_TARROWS_H

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/tar/tar.h"

struct row {
	struct lp_buf name, link, uname, gname, xattrs;
	uint64_t size, header_offset, data_offset;
	int64_t uid, gid, mtime;
	uint32_t mode, nsec, major, minor;
	char type, typeflag;
	int has_mtime;
};

enum ended { ENDED_WELL, ENDED_CUT, ENDED_BAD };

struct rows {
	struct row *v;
	size_t n, cap;
	enum ended ended;
	int status;        /* ENDED_BAD */
	uint64_t bad_at;  /* ENDED_BAD, where it is known */
	char why[200];
};

static inline void
rows_why(struct rows *r, const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	n = n < sizeof(r->why) ? n : sizeof(r->why) - 1;
	if (n > 0)
		memcpy(r->why, s, n);
	r->why[n] = '\0';
}

static inline void
rows_keep(struct lp_buf *b, const void *p, size_t n)
{
	lp_buf_init(b, SIZE_MAX / 2);
	if (lp_buf_add(b, lp_span(p, n)) != LP_OK)
		abort();
}

static inline void
rows_keeps(struct lp_buf *b, const char *s)
{
	rows_keep(b, s, s != NULL ? strlen(s) : 0);
}

static inline struct row *
rows_add(struct rows *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? r->cap * 2 : 64;
		r->v = realloc(r->v, r->cap * sizeof(*r->v));
		if (r->v == NULL)
			abort();
	}
	r->v[r->n] = (struct row){ .type = 0 };
	return &r->v[r->n++];
}

static inline void
rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		lp_buf_release(&r->v[i].name);
		lp_buf_release(&r->v[i].link);
		lp_buf_release(&r->v[i].uname);
		lp_buf_release(&r->v[i].gname);
		lp_buf_release(&r->v[i].xattrs);
	}
	free(r->v);
}

/* ---- ours -------------------------------------------------------------------- */

static inline void
rows_put_xattr(struct lp_buf *b, struct lp_span name, struct lp_span value)
{
	if (lp_buf_add(b, name) != LP_OK || lp_buf_addc(b, '=') != LP_OK ||
	    lp_buf_add(b, value) != LP_OK || lp_buf_addc(b, '\n') != LP_OK)
		abort();
}

static inline void
rows_add_ours(struct rows *r, const struct lp_entry *e)
{
	struct row *x = rows_add(r);

	rows_keep(&x->name, e->name.p, e->name.n);
	rows_keep(&x->link, e->linkname.p, e->linkname.n);
	rows_keep(&x->uname, e->uname.p, e->uname.n);
	rows_keep(&x->gname, e->gname.p, e->gname.n);
	lp_buf_init(&x->xattrs, SIZE_MAX / 2);
	for (size_t i = 0; i < e->nxattrs; i++)
		rows_put_xattr(&x->xattrs, e->xattrs[i].name, e->xattrs[i].value);
	x->size = e->size;
	x->header_offset = e->header_offset;
	x->data_offset = e->data_offset;
	x->uid = e->uid;
	x->gid = e->gid;
	x->mtime = e->mtime;
	x->nsec = e->mtime_nsec;
	x->has_mtime = (e->has & LP_HAS_MTIME) != 0;
	x->mode = e->mode;
	x->major = e->devmajor;
	x->minor = e->devminor;
	x->type = (char)e->type;
	x->typeflag = e->typeflag;
}

static inline struct rows
rows_ours(struct lp_span in)
{
	struct rows r = { .ended = ENDED_BAD };
	enum lp_tar_event ev;
	struct lp_tar t;

	lp_tar_init(&t);
	do {
		ev = lp_tar_next(&t, &in);
		/* as the recorded readings by Go, which read what is sparse */
		if (ev == LP_TAR_MEMBER && t.sparse_member && t.sparse.stored != t.left) {
			lp_tar_want_data(&t);
			ev = lp_tar_next(&t, &in);
		}
		if (ev == LP_TAR_MEMBER)
			rows_add_ours(&r, &t.entry);
		else if (ev == LP_TAR_MORE)
			ev = lp_tar_eof(&t);
	} while (ev == LP_TAR_MEMBER);
	r.ended = ev == LP_TAR_END ? ENDED_WELL : ev == LP_TAR_TRUNCATED ? ENDED_CUT : ENDED_BAD;
	r.status = t.status;
	r.bad_at = t.error_offset;
	rows_why(&r, ev == LP_TAR_ERROR ? t.why : "");
	lp_tar_release(&t);
	return r;
}

/* ---- libarchive's ---------------------------------------------------------------- */

static inline char
rows_type(struct archive_entry *e)
{
	if (archive_entry_hardlink(e) != NULL)
		return 'h';
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR: return 'd';
	case AE_IFLNK: return 'l';
	case AE_IFCHR: return 'c';
	case AE_IFBLK: return 'b';
	case AE_IFIFO: return 'p';
	default: return '-';
	}
}

struct rows_pair { const char *name; struct lp_span value; size_t i; };

static inline int
rows_by_name(const void *a, const void *b)
{
	const struct rows_pair *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : (x->i > y->i) - (x->i < y->i);
}

static inline void
rows_their_xattrs(struct lp_buf *out, struct archive_entry *e)
{
	size_t n = (size_t)archive_entry_xattr_reset(e), k = 0;
	struct rows_pair *v = calloc(n + 1, sizeof(*v));
	const void *value;
	size_t len;

	if (v == NULL)
		abort();
	lp_buf_init(out, SIZE_MAX / 2);
	for (; k < n && archive_entry_xattr_next(e, &v[k].name, &value, &len) == ARCHIVE_OK; k++)
		v[k] = (struct rows_pair){ v[k].name, lp_span(value, len), k };
	lp_sort(v, k, sizeof(*v), rows_by_name);
	for (size_t i = 0; i < k; i++)
		/* one that was given twice is handed out twice, the last one first */
		if (i == 0 || strcmp(v[i].name, v[i - 1].name) != 0)
			rows_put_xattr(out, lp_span_str(v[i].name), v[i].value);
	free(v);
}

static inline void
rows_add_theirs(struct rows *r, struct archive_entry *e)
{
	struct row *x = rows_add(r);

	x->type = rows_type(e);
	rows_keeps(&x->name, archive_entry_pathname(e));
	rows_keeps(&x->link, x->type == 'h' ? archive_entry_hardlink(e) : archive_entry_symlink(e));
	rows_keeps(&x->uname, archive_entry_uname(e));
	rows_keeps(&x->gname, archive_entry_gname(e));
	rows_their_xattrs(&x->xattrs, e);
	x->size = x->type == '-' || x->type == 'd' ? (uint64_t)archive_entry_size(e) : 0;
	x->uid = archive_entry_uid(e);
	x->gid = archive_entry_gid(e);
	x->mtime = archive_entry_mtime(e);
	x->nsec = (uint32_t)archive_entry_mtime_nsec(e);
	x->has_mtime = archive_entry_mtime_is_set(e) != 0;
	x->mode = (uint32_t)archive_entry_perm(e) & 07777;
	if (x->type == 'c' || x->type == 'b') {
		x->major = (uint32_t)archive_entry_rdevmajor(e);
		x->minor = (uint32_t)archive_entry_rdevminor(e);
	}
}

static inline struct rows
rows_theirs(struct lp_span in)
{
	struct rows r = { .ended = ENDED_WELL };
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc;

	if (a == NULL || archive_read_support_format_tar(a) != ARCHIVE_OK)
		abort();
	rc = archive_read_open_memory(a, in.p, in.n);
	while (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		rc = archive_read_next_header(a, &e);
		if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
			rows_add_theirs(&r, e);
	}
	if (rc != ARCHIVE_EOF) {
		r.ended = ENDED_BAD;
		rows_why(&r, archive_error_string(a));
	}
	archive_read_free(a);
	return r;
}

/* libarchive turns bytes into characters: in a locale where that loses nothing. */
static inline void
rows_locale(void)
{
	locale_t l = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);

	if (l == (locale_t)0 || uselocale(l) == (locale_t)0)
		abort();
}

#endif
