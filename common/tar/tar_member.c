/* Makes an entry of a header and the extensions before it; says which typeflags are members. */
#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/tar/tar_priv.h"

/* The types that have no data whatever their size says. */
static int
header_only(char typeflag)
{
	return typeflag >= '1' && typeflag <= '6';
}

static struct lp_span
joined_name(struct lp_tar *t, const struct lp_tarhdr *h)
{
	size_t n = h->prefix.n;

	if (n == 0)
		return h->name;
	memcpy(t->name, h->prefix.p, n);
	t->name[n++] = '/';
	if (h->name.n > 0)
		memcpy(t->name + n, h->name.p, h->name.n);
	return lp_span(t->name, n + h->name.n);
}

/* A GNU long name beats pax, which beats the header, whatever their order. */
static struct lp_span
strongest(const struct lp_buf *gnu, struct lp_span pax, struct lp_span header)
{
	struct lp_span s = gnu->n > 0 ? lp_tar_string(gnu->p, gnu->n) : lp_span(NULL, 0);

	return s.n > 0 ? s : pax.n > 0 ? pax : header;
}

static int
pax_number(const struct lp_pax *p, enum lp_pax_key k, int64_t *v)
{
	return p->value[k].n == 0 ? LP_OK : lp_pax_int(p->value[k], v);
}

static int
pax_time(const struct lp_pax *p, enum lp_pax_key k, int64_t *sec, uint32_t *nsec)
{
	return p->value[k].n == 0 ? LP_OK : lp_pax_time(p->value[k], sec, nsec);
}

/* Put what pax says over what the header says. NULL, or why that is wrong. */
static const char *
merge_pax(const struct lp_pax *p, struct lp_tarhdr *h, uint32_t *nsec)
{
	int64_t unused;
	uint32_t unused_nsec;

	if (p->body.n == 0)
		return NULL;
	if (p->value[LP_PAX_UNAME].n > 0)
		h->uname = p->value[LP_PAX_UNAME];
	if (p->value[LP_PAX_GNAME].n > 0)
		h->gname = p->value[LP_PAX_GNAME];
	if (pax_number(p, LP_PAX_UID, &h->uid) != LP_OK)
		return "the pax user ID is not a number";
	if (pax_number(p, LP_PAX_GID, &h->gid) != LP_OK)
		return "the pax group ID is not a number";
	if (pax_number(p, LP_PAX_SIZE, &h->size) != LP_OK)
		return "the pax size is not a number";
	if (pax_time(p, LP_PAX_MTIME, &h->mtime, nsec) != LP_OK ||
	    pax_time(p, LP_PAX_ATIME, &unused, &unused_nsec) != LP_OK ||
	    pax_time(p, LP_PAX_CTIME, &unused, &unused_nsec) != LP_OK)
		return "a pax time is not a number";
	if (p->value[LP_PAX_MTIME].n > 0)
		h->has_mtime = 1;
	return NULL;
}

static void
set_device(struct lp_entry *e, const struct lp_tarhdr *h)
{
	if (e->type != LP_CHAR && e->type != LP_BLOCK)
		return;
	if (h->format == LP_TARFMT_V7 || h->devmajor < 0 || h->devmajor > UINT32_MAX ||
	    h->devminor < 0 || h->devminor > UINT32_MAX)
		return;
	e->devmajor = (uint32_t)h->devmajor;
	e->devminor = (uint32_t)h->devminor;
	e->has |= LP_HAS_DEV;
}

static void
set_attributes(struct lp_entry *e, const struct lp_tarhdr *h)
{
	e->typeflag = h->typeflag == '\0' ? '0' : h->typeflag;
	e->has = LP_HAS_TYPEFLAG | LP_HAS_OFFSETS;
	e->mode = (uint32_t)h->mode & 07777;
	e->uid = h->uid;
	e->gid = h->gid;
	e->mtime = h->mtime;
	e->has |= h->has_mtime ? LP_HAS_MTIME : 0;
	e->uname = h->uname;
	e->has |= h->uname.n > 0 ? LP_HAS_UNAME : 0;
	e->gname = h->gname;
	e->has |= h->gname.n > 0 ? LP_HAS_GNAME : 0;
	set_device(e, h);
}

/* The name decides about the type, too. */
static int
set_names(struct lp_tar *t, const struct lp_tarhdr *h)
{
	struct lp_entry *e = &t->entry;

	e->name = strongest(&t->longname, t->pax.value[LP_PAX_PATH], joined_name(t, h));
	e->type = lp_type_of_flag(h->typeflag);
	if (h->typeflag == '\0' && e->name.n > 0 && e->name.p[e->name.n - 1] == '/')
		e->type = LP_DIR;
	if (e->type == LP_SYMLINK || e->type == LP_HARDLINK)
		e->linkname = strongest(&t->longlink, t->pax.value[LP_PAX_LINKPATH], h->linkname);
	if (e->name.n > LP_MAX_PATH || e->linkname.n > LP_MAX_PATH)
		return lp_tar_fail_block(t, LP_E_LIMIT, "a name is longer than this reader allows");
	return LP_TAR_GO_ON;
}

/* Everything about the member is known: its data comes next, `left` bytes of it. */
static int
begin_data(struct lp_tar *t)
{
	t->entry.data_offset = t->offset;
	t->state = t->left > 0 ? LP_TAR_IN_DATA : LP_TAR_IN_HEADER;
	t->wanted = LP_TAR_WANT_NOTHING;
	lp_tar_forget_extensions(t);
	/* a volume label names the archive; it is no file, and nobody extracts it */
	if (t->entry.typeflag == 'V')
		return LP_TAR_GO_ON;
	t->members++;
	return LP_TAR_MEMBER;
}

int
lp_tar_begin_sparse_data(struct lp_tar *t)
{
	t->sparse_member = 1;
	if (t->sparse.end > t->entry.size)
		return lp_tar_fail_block(t, LP_E_DATA, "a sparse map leads out of its file");
	return begin_data(t);
}

enum sparse_kind { SPARSE_NONE, SPARSE_GNU, SPARSE_PAX0, SPARSE_PAX1 };

static enum sparse_kind
sparse_kind(const struct lp_tar *t, const struct lp_tarhdr *h)
{
	struct lp_span major = t->pax.value[LP_PAX_SPARSE_MAJOR];
	struct lp_span minor = t->pax.value[LP_PAX_SPARSE_MINOR];

	if (h->typeflag == 'S')
		return SPARSE_GNU;
	if (t->pax.body.n == 0)
		return SPARSE_NONE;
	if (lp_span_is(major, "0") && (lp_span_is(minor, "0") || lp_span_is(minor, "1")))
		return SPARSE_PAX0;
	if (lp_span_is(major, "1") && lp_span_is(minor, "0"))
		return SPARSE_PAX1;
	/* an unknown version is listed as what is stored; the first two had no version */
	if (major.n > 0 || minor.n > 0)
		return SPARSE_NONE;
	return t->pax.value[LP_PAX_SPARSE_MAP].n > 0 || t->pax.npairs > 0 ? SPARSE_PAX0 : SPARSE_NONE;
}

static int
begin_gnu_sparse(struct lp_tar *t, const struct lp_tarhdr *h)
{
	const char *why;
	int more, rc;

	/* star uses the same letter for something else */
	if (h->format != LP_TARFMT_GNU)
		return lp_tar_fail_block(t, LP_E_DATA, "a sparse file of a format other than GNU's");
	rc = lp_sparse_gnu_header(&t->sparse, t->block, &t->entry.size, &more, &why);
	if (rc != LP_OK)
		return lp_tar_fail_block(t, rc, why);
	if (!more)
		return lp_tar_begin_sparse_data(t);
	t->state = LP_TAR_IN_GNU_MAP;
	return LP_TAR_GO_ON;
}

static int
begin_pax_sparse(struct lp_tar *t, enum sparse_kind kind)
{
	const struct lp_span *v = t->pax.value;
	struct lp_span real = v[LP_PAX_SPARSE_SIZE].n > 0 ? v[LP_PAX_SPARSE_SIZE] : v[LP_PAX_SPARSE_REALSIZE];
	const char *why;
	int64_t size;
	int rc;

	if (v[LP_PAX_SPARSE_NAME].n > 0)
		t->entry.name = v[LP_PAX_SPARSE_NAME];
	if (t->entry.name.n > LP_MAX_PATH)
		return lp_tar_fail_block(t, LP_E_LIMIT, "a name is longer than this reader allows");
	if (header_only(t->entry.typeflag) || t->entry.type != LP_REG)
		return lp_tar_fail_block(t, LP_E_DATA, "a sparse map on something that has no data");
	if (real.n > 0) {
		if (lp_pax_int(real, &size) != LP_OK || size < 0)
			return lp_tar_fail(t, LP_E_DATA, t->pax_at, "a sparse file's size is not a number");
		t->entry.size = (uint64_t)size;
	}
	if (kind == SPARSE_PAX1) {
		lp_sparse1_init(&t->sparse1);
		t->state = LP_TAR_IN_PAX_MAP;
		return LP_TAR_GO_ON;
	}
	rc = lp_sparse_pax0(&t->sparse, &t->pax, &why);
	return rc == LP_OK ? lp_tar_begin_sparse_data(t) : lp_tar_fail(t, rc, t->pax_at, why);
}

int
lp_tar_begin_member(struct lp_tar *t, struct lp_tarhdr *h)
{
	enum sparse_kind kind = sparse_kind(t, h);
	struct lp_entry *e = &t->entry;
	const char *why;
	int rc;

	*e = (struct lp_entry){ .header_offset = t->extended ? t->first : t->offset - LP_TAR_BLOCK };
	why = merge_pax(&t->pax, h, &e->mtime_nsec);
	if (why != NULL)
		return lp_tar_fail(t, LP_E_DATA, t->pax_at, why);
	rc = set_names(t, h);
	if (rc != LP_TAR_GO_ON)
		return rc;
	set_attributes(e, h);
	rc = lp_pax_xattrs(&t->pax, &t->xattrs, &t->text, &e->nxattrs);
	if (rc != LP_OK)
		return lp_tar_no_memory(t);
	e->xattrs = (const struct lp_xattr *)(const void *)t->xattrs.p;

	t->left = header_only(h->typeflag) || (h->typeflag == '\0' && e->type == LP_DIR) ? 0 :
	    (uint64_t)h->size;
	if (t->left > INT64_MAX)
		return lp_tar_fail_block(t, LP_E_DATA, "the size is negative");
	t->pad = lp_tar_padding(t->left);
	e->size = t->left;
	t->sparse_member = 0;
	lp_sparse_clear(&t->sparse);
	if (kind == SPARSE_NONE)
		return begin_data(t);
	return kind == SPARSE_GNU ? begin_gnu_sparse(t, h) : begin_pax_sparse(t, kind);
}
