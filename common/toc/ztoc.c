/* Reads SOCI's table of contents, a FlatBuffer, member by member. */
#include "common/toc/ztoc.h"

#include <stdlib.h>

#include "common/base/le.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/deflate.h"
#include "common/tar/tarhdr.h"
#include "common/toc/toc_fields.h"

/* Places of the fields in their vtables (ztoc.fbs): the first is at 4, each has two bytes. */
enum { ZTOC_VERSION = 4, ZTOC_COMPRESSED = 8, ZTOC_UNCOMPRESSED = 10, ZTOC_TOC = 12, ZTOC_INFO = 14 };
enum { TOC_METADATA = 4 };
enum { FILE_NAME = 4, FILE_TYPE = 6, FILE_OFFSET = 8, FILE_SIZE = 10, FILE_LINKNAME = 12, FILE_MODE = 14, FILE_UID = 16,
	FILE_GID = 18, FILE_UNAME = 20, FILE_GNAME = 22, FILE_MTIME = 24, FILE_MAJOR = 26, FILE_MINOR = 28, FILE_PAX = 30 };
enum { PAX_KEY = 4, PAX_VALUE = 6 };
enum { INFO_ALGORITHM = 4, INFO_LAST_SPAN = 6, INFO_DIGESTS = 8, INFO_CHECKPOINTS = 10 };
enum { ALGORITHM_GZIP = 1, ALGORITHM_NONE = 2 };

/* A checkpoint of gzip: where in the blob and where in the tar (8 bytes each), bits, the window; in front of all their number and the span's size. */
enum { POINTS_HEAD = 4 + 8, POINT_HEAD = 8 + 8 + 1, POINT = POINT_HEAD + LP_DEFLATE_WINDOW, GZIP_HEADER = 10 };

/* No writer shares texts; others may, of a byte or two in an entry of a hundred. */
enum { TEXT_TIMES = 4 };

void
lp_ztoc_init(struct lp_ztoc *z)
{
	*z = (struct lp_ztoc){ .end = 0 };
	lp_buf_init(&z->records, LP_MAX_EXTENSION);
	lp_buf_init(&z->text, LP_MAX_EXTENSION);
	lp_buf_init(&z->xattrs, LP_MAX_XATTRS);
}

void
lp_ztoc_release(struct lp_ztoc *z)
{
	lp_buf_release(&z->records);
	lp_buf_release(&z->text);
	lp_buf_release(&z->xattrs);
}

static int
fail(struct lp_ztoc *z, int status, uint64_t offset, const char *why)
{
	z->status = status;
	z->error_offset = offset;
	z->why = why;
	return status;
}

/* What the buffer itself is not like. */
static int
is_sound(struct lp_ztoc *z)
{
	return z->flat.why == NULL ? LP_OK : fail(z, LP_E_DATA, z->flat.bad, z->flat.why);
}

/* ---- the table as a whole ----------------------------------------------------- */

static struct lp_span
text_of(struct lp_ztoc *z, const struct lp_flat_table *t, unsigned field)
{
	struct lp_span s = lp_flat_string(&z->flat, t, field);

	z->spent += s.n;
	return s;
}

static int64_t
signed_of(struct lp_ztoc *z, const struct lp_flat_table *t, unsigned field)
{
	return (int64_t)lp_flat_number(&z->flat, t, field, 8, 0);
}

/* A size or an offset; one that is negative comes to be more than any limit. */
static uint64_t
size_of(struct lp_ztoc *z, const struct lp_flat_table *t, unsigned field)
{
	return lp_flat_number(&z->flat, t, field, 8, 0);
}

/* Whether the checkpoints are as many as they say; old writers left the first one out. */
static int
has_points(const struct lp_ztoc *z)
{
	size_t rest;
	uint64_t n;

	if (z->points.n < POINTS_HEAD)
		return 0;
	rest = z->points.n - POINTS_HEAD;
	n = lp_le(z->flat.all.p + z->points.at, 4);
	return n > 0 && rest % POINT == 0 && (rest / POINT == n || rest / POINT == n - 1);
}

static int
check_info(struct lp_ztoc *z, const struct lp_flat_table *info)
{
	uint64_t algorithm = lp_flat_number(&z->flat, info, INFO_ALGORITHM, 1, ALGORITHM_GZIP);
	uint64_t last = lp_flat_number(&z->flat, info, INFO_LAST_SPAN, 4, 0);
	struct lp_flat_vector digests = lp_flat_vector(&z->flat, info, INFO_DIGESTS, 4);

	z->points = lp_flat_vector(&z->flat, info, INFO_CHECKPOINTS, 1);
	z->plain = algorithm == ALGORITHM_NONE;
	if (is_sound(z) != LP_OK)
		return z->status;
	if (algorithm != ALGORITHM_GZIP && algorithm != ALGORITHM_NONE)
		return fail(z, LP_E_DATA, info->at, "the layer is compressed in an unknown way");
	if (digests.n != last + 1)
		return fail(z, LP_E_DATA, info->at, "there are not as many digests as spans");
	if (!z->plain && !has_points(z))
		return fail(z, LP_E_DATA, z->points.at, "there are not as many checkpoints as it says");
	return LP_OK;
}

int
lp_ztoc_open(struct lp_ztoc *z, struct lp_span all)
{
	struct lp_flat_table root, toc, info;
	struct lp_span version;

	z->flat = (struct lp_flat){ .all = all };
	root = lp_flat_root(&z->flat);
	version = lp_flat_string(&z->flat, &root, ZTOC_VERSION);
	z->compressed = size_of(z, &root, ZTOC_COMPRESSED);
	z->uncompressed = size_of(z, &root, ZTOC_UNCOMPRESSED);
	toc = lp_flat_table(&z->flat, &root, ZTOC_TOC);
	info = lp_flat_table(&z->flat, &root, ZTOC_INFO);
	z->rows = lp_flat_vector(&z->flat, &toc, TOC_METADATA, 4);
	if (is_sound(z) != LP_OK)
		return z->status;
	if (!lp_span_is(version, "0.9"))
		return fail(z, LP_E_DATA, root.at, "not a SOCI table of contents of version 0.9");
	if (toc.at == 0 || info.at == 0)
		return fail(z, LP_E_DATA, root.at, "its list of files, or what it says of the compression, is missing");
	if (z->compressed > LP_MAX_SIZE || z->uncompressed > LP_MAX_SIZE)
		return fail(z, LP_E_DATA, root.at, "a size is negative");
	return check_info(z, &info);
}

/* ---- a member ------------------------------------------------------------------- */

static int
set_names(struct lp_ztoc *z, const struct lp_flat_table *file)
{
	struct lp_entry *e = &z->entry;
	struct lp_span type = text_of(z, file, FILE_TYPE), mtime = text_of(z, file, FILE_MTIME);
	int rc;

	e->name = text_of(z, file, FILE_NAME);
	e->linkname = text_of(z, file, FILE_LINKNAME);
	e->uname = text_of(z, file, FILE_UNAME);
	e->gname = text_of(z, file, FILE_GNAME);
	e->has = (e->uname.n > 0 ? LP_HAS_UNAME : 0) | (e->gname.n > 0 ? LP_HAS_GNAME : 0);
	if (is_sound(z) != LP_OK)
		return z->status;
	rc = lp_toc_type(e, type, &z->why);
	rc = rc != LP_OK ? rc : lp_toc_names(e, &z->why);
	rc = rc != LP_OK || mtime.n == 0 ? rc : lp_toc_mtime(e, mtime, &z->why);
	return rc == LP_OK ? rc : fail(z, rc, file->at, z->why);
}

static int
set_numbers(struct lp_ztoc *z, const struct lp_flat_table *file)
{
	struct lp_entry *e = &z->entry;
	int64_t major = signed_of(z, file, FILE_MAJOR), minor = signed_of(z, file, FILE_MINOR);
	int rc;

	e->mode = (uint32_t)(lp_flat_number(&z->flat, file, FILE_MODE, 8, 0) & 07777);
	e->uid = (int64_t)lp_flat_number(&z->flat, file, FILE_UID, 4, 0);
	e->gid = (int64_t)lp_flat_number(&z->flat, file, FILE_GID, 4, 0);
	/* what links and directories have for a size is nothing that the tar holds */
	if (e->type == LP_REG)
		e->size = size_of(z, file, FILE_SIZE);
	e->data_offset = size_of(z, file, FILE_OFFSET);
	if (is_sound(z) != LP_OK)
		return z->status;
	rc = lp_toc_device(e, major, minor, &z->why);
	return rc == LP_OK ? rc : fail(z, rc, file->at, z->why);
}

/* One record of the member's pax header, if it is an extended attribute; whether one of them says that it is a sparse file. */
static int
add_record(struct lp_ztoc *z, const struct lp_flat_table *record, int *sparse)
{
	struct lp_span key = text_of(z, record, PAX_KEY), value = text_of(z, record, PAX_VALUE);

	if (lp_span_begins(key, "GNU.sparse."))
		*sparse = 1;
	if (is_sound(z) != LP_OK || !(lp_span_begins(key, "SCHILY.xattr.") || lp_span_begins(key, "LIBARCHIVE.xattr.")))
		return z->status;
	if (memchr(key.p, '=', key.n) != NULL)
		return fail(z, LP_E_DATA, record->at, "an extended attribute's name holds a '='");
	switch (lp_pax_put(&z->records, "", key, value)) {
	case LP_OK: return LP_OK;
	case LP_E_LIMIT: return fail(z, LP_E_LIMIT, record->at, "more extended attributes than any file has");
	default: return fail(z, LP_E_NOMEM, record->at, "out of memory");
	}
}

/* As records of a pax header, which is what they were: then they are read as those of a tar. */
static int
set_xattrs(struct lp_ztoc *z, const struct lp_flat_table *file, int *sparse)
{
	struct lp_flat_vector records = lp_flat_vector(&z->flat, file, FILE_PAX, 4);
	int rc = LP_OK;

	lp_buf_clear(&z->records);
	for (size_t i = 0; i < records.n && rc == LP_OK; i++) {
		struct lp_flat_table record = lp_flat_item(&z->flat, &records, i);

		z->spent++;
		rc = add_record(z, &record, sparse);
	}
	if (rc != LP_OK || is_sound(z) != LP_OK || z->records.n == 0)
		return z->status;
	rc = lp_pax_parse(&z->pax, lp_buf_span(&z->records));
	if (rc != LP_OK)
		return fail(z, rc, records.at, z->pax.why);
	rc = lp_pax_xattrs(&z->pax, &z->xattrs, &z->text, &z->entry.nxattrs);
	z->entry.xattrs = (const struct lp_xattr *)(const void *)z->xattrs.p;
	return rc == LP_OK ? rc : fail(z, rc, records.at, "extended attributes need too much memory");
}

/* Where the member lies: behind the one before, with room for a header, and inside the tar. */
static int
set_place(struct lp_ztoc *z, const struct lp_flat_table *file, int sparse)
{
	struct lp_entry *e = &z->entry;
	uint64_t at = e->data_offset;

	if (at > z->uncompressed || e->size > LP_MAX_SIZE || (!sparse && e->size > z->uncompressed - at))
		return fail(z, LP_E_DATA, file->at, "a file lies outside the layer");
	if (at % LP_TAR_BLOCK != 0 || at < z->end || at - z->end < LP_TAR_BLOCK)
		return fail(z, LP_E_DATA, file->at, "a file does not lie behind the one before");
	e->header_offset = z->end;
	e->has |= z->lost ? 0 : LP_HAS_OFFSETS;
	z->lost = sparse;
	z->end = at + (sparse ? 0 : e->size + (LP_TAR_BLOCK - e->size % LP_TAR_BLOCK) % LP_TAR_BLOCK);
	return LP_OK;
}

static int
member(struct lp_ztoc *z)
{
	struct lp_flat_table file = lp_flat_item(&z->flat, &z->rows, (size_t)z->entries);
	int sparse = 0, rc;

	z->entry = (struct lp_entry){ .type = LP_REG };
	rc = set_names(z, &file);
	rc = rc != LP_OK ? rc : set_numbers(z, &file);
	rc = rc != LP_OK ? rc : set_xattrs(z, &file, &sparse);
	rc = rc != LP_OK ? rc : set_place(z, &file, sparse);
	if (rc == LP_OK && z->spent / TEXT_TIMES > z->flat.all.n)
		rc = fail(z, LP_E_DATA, file.at, "its texts are the same bytes many times over");
	return rc;
}

enum lp_toc_event
lp_ztoc_next(struct lp_ztoc *z)
{
	if (z->status == LP_OK && z->entries == z->rows.n)
		return LP_TOC_END;
	if (z->status != LP_OK || member(z) != LP_OK)
		return LP_TOC_ERROR;
	z->entries++;
	return LP_TOC_ENTRY;
}

/* ---- checkpoints ------------------------------------------------------------------ */

/* The one that is stored there, behind the last of *to. */
static int
add_point(struct lp_ztoc *z, size_t at, struct lp_points *to)
{
	const unsigned char *p = z->flat.all.p + at;
	const struct lp_point *before = to->n > 0 ? &to->v[to->n - 1] : NULL;
	struct lp_point is = { .in = lp_le(p, 8), .out = lp_le(p + 8, 8), .bits = p[POINT_HEAD - 1] };

	if (is.in > z->compressed || is.out > LP_MAX_SIZE || is.bits > 7 || (is.bits > 0 && is.in == 0))
		return fail(z, LP_E_DATA, at, "a checkpoint lies outside the layer");
	if (before != NULL && (is.in < before->in || is.out <= before->out))
		return fail(z, LP_E_DATA, at, "a checkpoint does not lie behind the one before");
	/* where the data begins there is nothing before it */
	if (is.out > 0)
		is.window = lp_span(p + POINT_HEAD, LP_DEFLATE_WINDOW);
	to->v[to->n++] = is;
	return LP_OK;
}

int
lp_ztoc_points(struct lp_ztoc *z, struct lp_points *to)
{
	const unsigned char *head = z->flat.all.p + z->points.at;
	size_t stored;
	int rc = LP_OK;

	lp_points_init(to, 0, 0);
	to->borrowed = 1;
	if (z->plain)
		return fail(z, LP_E_ABSENT, z->points.at, "the layer is not compressed: any byte can be read at once");
	stored = (z->points.n - POINTS_HEAD) / POINT;
	to->in = z->compressed;
	to->spacing = lp_le(head + 4, 8);
	to->v = calloc(stored + 1, sizeof(*to->v));
	if (to->v == NULL)
		return fail(z, LP_E_NOMEM, z->points.at, "out of memory");
	if (lp_le(head, 4) > stored)
		to->v[to->n++] = (struct lp_point){ .in = GZIP_HEADER };
	for (size_t i = 0; i < stored && rc == LP_OK; i++)
		rc = add_point(z, z->points.at + POINTS_HEAD + i * POINT, to);
	return rc;
}
