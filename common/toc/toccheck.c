/* Compares table entries with tar members. */
#include "common/toc/toccheck.h"

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/row/row.h"

/* In front of each kept entry. */
struct head {
	size_t json, uname, gname; /* bytes that follow, in this order */
	int seen;                  /* a member of the tar stood for it */
};

void
lp_toccheck_init(struct lp_toccheck *c, uint64_t seed)
{
	*c = (struct lp_toccheck){ .seed = seed };
	lp_map_init(&c->names, LP_MAX_TOC_JSON / 32);
	lp_buf_init(&c->entries, 2 * (size_t)LP_MAX_TOC_JSON);
	lp_toc_item_init(&c->item);
	lp_buf_init(&c->name, LP_MAX_PATH * 3); /* U+FFFD takes three bytes for one */
	lp_buf_init(&c->ours, LP_MAX_ROW);
	lp_buf_init(&c->theirs, LP_MAX_ROW);
}

void
lp_toccheck_release(struct lp_toccheck *c)
{
	lp_map_release(&c->names);
	lp_buf_release(&c->entries);
	lp_toc_item_release(&c->item);
	lp_buf_release(&c->name);
	lp_buf_release(&c->ours);
	lp_buf_release(&c->theirs);
}

/* Text as JSON can keep it: each byte that is no UTF-8 becomes U+FFFD, as Go's encoder has it. */
static int
as_utf8(struct lp_buf *out, struct lp_span s)
{
	int rc = LP_OK;

	while (s.n > 0 && rc == LP_OK) {
		size_t n = lp_utf8_len(s, NULL);

		rc = n > 0 ? lp_buf_add(out, lp_span_take(&s, n)) : lp_buf_adds(out, "\xef\xbf\xbd");
		if (n == 0)
			lp_span_take(&s, 1);
	}
	return rc;
}

/* The slot of a name, in normal form. */
static int
slot(struct lp_toccheck *c, struct lp_span name, uint64_t **value, int *fresh)
{
	int rc;

	lp_buf_clear(&c->name);
	lp_buf_clear(&c->ours);
	rc = lp_path_join(&c->ours, name);
	if (rc == LP_OK)
		rc = as_utf8(&c->name, lp_buf_span(&c->ours));
	return rc == LP_OK ? lp_map_add(&c->names, lp_hash64(c->seed, lp_buf_span(&c->name)), value, fresh) : rc;
}

int
lp_toccheck_add(struct lp_toccheck *c, const struct lp_toc *t)
{
	struct head h = { t->json.text.n, t->entry.uname.n, t->entry.gname.n, 0 };
	uint64_t *at;
	int rc, fresh;

	rc = slot(c, t->entry.name, &at, &fresh);
	if (rc != LP_OK)
		return rc;
	*at = c->entries.n + 1;
	rc = lp_buf_add(&c->entries, lp_span(&h, sizeof(h)));
	if (rc == LP_OK)
		rc = lp_buf_add(&c->entries, t->json.text);
	if (rc == LP_OK)
		rc = lp_buf_add(&c->entries, t->entry.uname);
	return rc == LP_OK ? lp_buf_add(&c->entries, t->entry.gname) : rc;
}

/* The head of the kept entry at a place. */
static struct head
head_at(const struct lp_toccheck *c, size_t at)
{
	struct head h;

	memcpy(&h, c->entries.p + at, sizeof(h));
	return h;
}

/* The kept entry at a place, decoded into c->item. */
static int
load(struct lp_toccheck *c, size_t at, struct head *h)
{
	struct lp_span s = lp_buf_span(&c->entries);
	int rc;

	*h = head_at(c, at);
	lp_span_take(&s, at + sizeof(*h));
	rc = lp_toc_item_decode(&c->item, lp_span_take(&s, h->json));
	c->item.entry.uname = lp_span_take(&s, h->uname);
	c->item.entry.gname = lp_span_take(&s, h->gname);
	c->item.entry.has |= (h->uname > 0 ? LP_HAS_UNAME : 0) | (h->gname > 0 ? LP_HAS_GNAME : 0);
	return rc;
}

/* One line; values are escaped already. */
static int
line(struct lp_toccheck *c, struct lp_buf *out, struct lp_span name, const char *column, struct lp_span toc,
    struct lp_span tar)
{
	int rc = lp_escape(out, name, LP_ESCAPE_ROW);
	const struct lp_span field[] = { lp_span_str(column), toc, tar };

	for (size_t i = 0; i < 3 && rc == LP_OK; i++) {
		rc = lp_buf_addc(out, '\t');
		if (rc == LP_OK)
			rc = lp_buf_add(out, field[i]);
	}
	c->differences++;
	return rc == LP_OK ? lp_buf_addc(out, '\n') : rc;
}

/* One column of an entry as a row has it, without the newline. */
static int
column_text(const struct lp_entry *e, enum lp_column column, struct lp_buf *out)
{
	struct lp_rowfmt f = { .form = LP_ROW_TSV, .column = { column }, .ncolumns = 1 };
	int rc;

	lp_buf_clear(out);
	rc = lp_row_write(&f, e, out);
	if (rc == LP_OK)
		out->n--;
	return rc;
}

/* eStargz keeps whole seconds, rounded; its first version cut them off. */
static int
same_mtime(const struct lp_entry *toc, const struct lp_entry *tar)
{
	return toc->mtime_nsec == 0 && (toc->mtime == tar->mtime ||
	    (tar->mtime_nsec >= 500000000 && toc->mtime == tar->mtime + 1));
}

/* Texts that differ, although the entries do not: see the head of toccheck.h. */
static int
inherent(struct lp_toccheck *c, enum lp_column column, const struct lp_entry *toc, const struct lp_entry *tar)
{
	switch (column) {
	case LP_COL_UNAME:
		return !(toc->has & LP_HAS_UNAME);
	case LP_COL_GNAME:
		return !(toc->has & LP_HAS_GNAME);
	case LP_COL_MTIME:
		return same_mtime(toc, tar);
	case LP_COL_LINKNAME:
		lp_buf_clear(&c->name);
		return as_utf8(&c->name, tar->linkname) == LP_OK && lp_span_eq(lp_buf_span(&c->name), toc->linkname);
	default:
		return 0;
	}
}

static int
compare(struct lp_toccheck *c, const struct lp_entry *tar, struct lp_buf *out)
{
	static const enum lp_column columns[] = { LP_COL_MODE, LP_COL_UID, LP_COL_GID, LP_COL_SIZE, LP_COL_MTIME,
		LP_COL_LINKNAME, LP_COL_UNAME, LP_COL_GNAME, LP_COL_DEVMAJOR, LP_COL_DEVMINOR, LP_COL_XATTRS };
	const struct lp_entry *toc = &c->item.entry;
	int rc = LP_OK;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]) && rc == LP_OK; i++) {
		int device = columns[i] == LP_COL_DEVMAJOR || columns[i] == LP_COL_DEVMINOR;

		/* a tar header has device numbers, mostly 0, for every member */
		if (device && tar->type != LP_CHAR && tar->type != LP_BLOCK)
			continue;
		rc = column_text(toc, columns[i], &c->theirs);
		if (rc == LP_OK)
			rc = column_text(tar, columns[i], &c->ours);
		if (rc == LP_OK && !lp_span_eq(lp_buf_span(&c->theirs), lp_buf_span(&c->ours)) &&
		    !inherent(c, columns[i], toc, tar))
			rc = line(c, out, tar->name, lp_column_name(columns[i]), lp_buf_span(&c->theirs),
			    lp_buf_span(&c->ours));
	}
	return rc;
}

int
lp_toccheck_member(struct lp_toccheck *c, const struct lp_entry *e, struct lp_buf *out)
{
	struct head h;
	uint64_t *at;
	int rc, fresh;

	c->at = 0;
	rc = slot(c, e->name, &at, &fresh);
	if (rc != LP_OK || lp_toc_is_index(lp_buf_span(&c->name)))
		return rc;
	c->members++;
	if (fresh || *at == 0)
		return line(c, out, e->name, "member", lp_span_str("absent"), lp_span_str("present"));
	rc = load(c, *at - 1, &h);
	if (rc != LP_OK)
		return rc;
	if (h.seen)
		return line(c, out, e->name, "member", lp_span_str("once"), lp_span_str("again"));
	c->at = *at;
	h.seen = 1;
	memcpy(c->entries.p + *at - 1, &h, sizeof(h));
	return compare(c, e, out);
}

struct lp_span
lp_toccheck_digest(const struct lp_toccheck *c)
{
	const struct lp_toc_item *it = &c->item;

	if (c->at == 0)
		return lp_span(NULL, 0);
	/* a file of one chunk may have the chunk's digest alone */
	if (it->digest.n == 0 && (it->chunk.size == 0 || it->chunk.size == it->entry.size))
		return it->chunk.digest;
	return it->digest;
}

int
lp_toccheck_content(struct lp_toccheck *c, const struct lp_entry *e, const char *digest, struct lp_buf *out)
{
	struct lp_span want = lp_toccheck_digest(c);

	if (want.n == 0 || lp_span_is(want, digest))
		return LP_OK;
	return line(c, out, e->name, "digest", want, lp_span_str(digest));
}

int
lp_toccheck_end(struct lp_toccheck *c, struct lp_buf *out)
{
	int rc = LP_OK;

	for (size_t at = 0; at < c->entries.n && rc == LP_OK;) {
		struct head h = head_at(c, at);

		if (!h.seen)
			rc = load(c, at, &h);
		if (!h.seen && rc == LP_OK)
			rc = line(c, out, c->item.entry.name, "member", lp_span_str("present"), lp_span_str("absent"));
		at += sizeof(h) + h.json + h.uname + h.gname;
	}
	return rc;
}
