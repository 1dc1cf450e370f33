/* Compares two merged listings and prints what was added, changed and deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/show/view_priv.h"
#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/map.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/record.h"
#include "common/row/row.h"
#include "common/sys/err.h"
#include "common/sys/seed.h"
#include "common/view/aligned.h"
#include "common/view/human.h"
#include "common/view/rowdiff.h"

/* What a hard link means: all that is compared and its own row does not say. */
struct file {
	enum lp_type type; /* LP_HARDLINK: it is not there */
	uint64_t size;
	unsigned has_dev; /* LP_HAS_DEV or 0 */
	uint32_t devmajor, devminor;
	size_t link, link_n; /* of a symbolic link: where its target is */
};

/* What the hard links of a listing mean, by the hash of the name that they have for it. */
struct files {
	struct lp_map index; /* into `of` */
	struct file *of;
	size_t n, cap;
	struct lp_buf targets;
	uint64_t seed;
};

struct diff {
	struct files old, new;
	struct lp_view_out *out;
	const struct lp_view *v;
	const struct lp_about *image; /* two */
	uint64_t changes, added, modified, deleted;
	uint64_t taken; /* for the same: files of one size and time, from layers that are not the same */
	int64_t bytes; /* of content: what the new one has more */
};

static int
color(struct diff *d, const char *sgr)
{
	int rc;

	if (d->out->colors == NULL)
		return LP_OK;
	rc = lp_buf_adds(&d->out->b, "\033[");
	rc = rc != LP_OK ? rc : lp_buf_adds(&d->out->b, sgr);
	return rc != LP_OK ? rc : lp_buf_addc(&d->out->b, 'm');
}

/* "M etc/passwd (size,mtime)" */
static int
put_for_eyes(struct diff *d, char change, unsigned what, const struct lp_entry *e)
{
	struct lp_buf *b = &d->out->b;
	int rc = color(d, change == 'A' ? "32" : change == 'D' ? "31" : "33");

	rc = rc != LP_OK ? rc : lp_buf_addc(b, change);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, ' ');
	rc = rc != LP_OK ? rc : lp_shown_name(NULL, e, e->name, b);
	rc = rc != LP_OK ? rc : color(d, "0");
	if (rc == LP_OK && what != 0) {
		rc = lp_buf_adds(b, " (");
		rc = rc != LP_OK ? rc : lp_diff_names(what, b);
		rc = rc != LP_OK ? rc : lp_buf_adds(b, ")");
	}
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

static int
is_json(const struct diff *d)
{
	return d->v->rows && d->v->fmt.form == LP_ROW_NDJSON;
}

/* A row's object, with two keys before its own. */
static int
put_object(struct diff *d, char change, unsigned what, const struct lp_entry *e)
{
	struct lp_buf *b = &d->out->b;
	size_t at;
	int rc = lp_buf_adds(b, change == 'A' ? "{\"change\":\"A\",\"what\":\"" : change == 'D' ? "{\"change\":\"D\",\"what\":\"" :
	    "{\"change\":\"M\",\"what\":\"");

	if (rc == LP_OK && what != 0)
		rc = lp_diff_names(what, b);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "\"");
	at = b->n;
	rc = rc != LP_OK ? rc : lp_row_write(&d->v->fmt, e, b);
	if (rc == LP_OK)
		b->p[at] = ',';
	return rc;
}

static int
put_change(struct diff *d, char change, unsigned what, const struct lp_entry *e)
{
	struct lp_buf *b = &d->out->b;
	int rc;

	d->changes++;
	d->added += change == 'A';
	d->modified += change == 'M';
	d->deleted += change == 'D';
	if (!d->v->rows)
		return put_for_eyes(d, change, what, e);
	if (is_json(d))
		return put_object(d, change, what, e);
	rc = lp_buf_addc(b, change);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\t');
	rc = rc != LP_OK ? rc : lp_diff_names(what, b);
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\t');
	return rc != LP_OK ? rc : lp_row_write(&d->v->fmt, e, b);
}

/* ---- what hard links mean --------------------------------------------------------- */

static uint64_t
key_of(const struct files *f, struct lp_span name)
{
	return lp_hash64(f->seed, name);
}

/* A name that a hard link has. */
static int
note_name(struct files *f, struct lp_span name)
{
	uint64_t *index;
	int fresh, rc = lp_map_add(&f->index, key_of(f, name), &index, &fresh);
	struct file *p;

	if (rc != LP_OK || !fresh)
		return rc;
	p = lp_array_room(f->of, f->n, &f->cap, sizeof(*p));
	if (p == NULL)
		return LP_E_NOMEM;
	f->of = p;
	f->of[f->n] = (struct file){ .type = LP_HARDLINK };
	*index = f->n++;
	return LP_OK;
}

/* What one of these names is. */
static int
note_file(struct files *f, const struct lp_entry *e)
{
	const uint64_t *index = lp_map_get(&f->index, key_of(f, e->name));

	if (index == NULL)
		return LP_OK;
	f->of[*index] = (struct file){ e->type, e->size, e->has & LP_HAS_DEV, e->devmajor, e->devminor, f->targets.n,
		e->linkname.n };
	return lp_buf_add(&f->targets, e->linkname);
}

/* First the names that links have, then what they are: a file may stand behind its links. */
static int
note(struct files *f, const struct lp_entry *e, int second)
{
	if (!second)
		return e->type == LP_HARDLINK ? note_name(f, e->linkname) : LP_OK;
	return e->type != LP_HARDLINK && e->type != LP_DIR ? note_file(f, e) : LP_OK;
}

/* The whole listing, and back to its start. */
static int
read_through(struct files *f, const struct lp_view_file *file, int second)
{
	struct lp_rowin in;
	int rc = lp_rowin_init(&in, file->fd, file->name);

	while (rc == LP_OK && (rc = lp_rowin_next(&in)) > 0)
		rc = note(f, &in.rows.entry, second);
	lp_rowin_release(&in);
	if (rc == LP_OK && lseek(file->fd, 0, SEEK_SET) != 0) {
		lp_err_errno("%s", file->name);
		rc = LP_E_SYS;
	}
	return rc;
}

static int
learn(struct files *f, const struct lp_view_file *file)
{
	int rc;

	f->seed = lp_seed();
	lp_map_init(&f->index, SIZE_MAX);
	lp_buf_init(&f->targets, SIZE_MAX);
	rc = read_through(f, file, 0);
	return rc == LP_OK && f->n > 0 ? read_through(f, file, 1) : rc;
}

static void
forget(struct files *f)
{
	lp_map_release(&f->index);
	lp_buf_release(&f->targets);
	free(f->of);
}

/* A hard link's row becomes its file's. Whether that is known. */
static int
resolve(const struct files *f, struct lp_entry *e)
{
	const uint64_t *index = e->type == LP_HARDLINK ? lp_map_get(&f->index, key_of(f, e->linkname)) : NULL;
	const struct file *file = index != NULL ? &f->of[*index] : NULL;

	if (e->type != LP_HARDLINK)
		return 1;
	if (file == NULL || file->type == LP_HARDLINK)
		return 0;
	e->type = file->type;
	e->size = file->size;
	e->has |= file->has_dev;
	e->devmajor = file->devmajor;
	e->devminor = file->devminor;
	e->linkname = lp_span(f->targets.p + file->link, file->link_n);
	return 1;
}

static unsigned
differs(const struct diff *d, struct lp_entry old, struct lp_entry new, int64_t *bytes)
{
	int known = resolve(&d->old, &old);

	if (!resolve(&d->new, &new) || !known)
		old.size = new.size;
	*bytes = (int64_t)new.size - (int64_t)old.size;
	return lp_row_differs(&old, &new);
}

/* ---- what is taken for the same ------------------------------------------------------ */

/* The digest of the layer that a row is from, NULL if it is not known. */
static const char *
digest_of(const struct lp_imagedoc *image, const struct lp_entry *e)
{
	uint64_t number;

	if (lp_num_u64(e->layer, image->nlayers, &number) != LP_OK || number == 0)
		return NULL;
	return image->layer[number - 1].digest;
}

static int
may_differ(const struct diff *d, const struct lp_entry *old, const struct lp_entry *new)
{
	const char *a, *b;

	if (old->type != LP_REG || old->size == 0 || (old->has & new->has & LP_HAS_DIGEST) != 0)
		return 0;
	a = digest_of(&d->image[0].doc, old);
	b = digest_of(&d->image[1].doc, new);
	return a == NULL || b == NULL || strcmp(a, b) != 0;
}

/* ---- both in step ------------------------------------------------------------------- */

/* The smaller name is only on its side. */
static int
compare(struct diff *d, struct lp_rowin *old, struct lp_rowin *new)
{
	int a = lp_rowin_next(old), b = lp_rowin_next(new), rc = LP_OK;

	while (rc == LP_OK && a >= 0 && b >= 0 && a + b > 0) {
		const struct lp_entry *x = &old->rows.entry, *y = &new->rows.entry;
		int order = a == 0 ? 1 : b == 0 ? -1 : lp_span_cmp(x->name, y->name);
		int64_t bytes = order < 0 ? -(int64_t)x->size : order > 0 ? (int64_t)y->size : 0;
		unsigned what = order == 0 ? differs(d, *x, *y, &bytes) : 0;

		/* sums that no image has are no sums */
		if (__builtin_add_overflow(d->bytes, bytes, &d->bytes))
			d->bytes = bytes < 0 ? INT64_MIN + 1 : INT64_MAX;
		d->taken += order == 0 && what == 0 && may_differ(d, x, y);
		if (order < 0)
			rc = put_change(d, 'D', 0, x);
		else if (order > 0)
			rc = put_change(d, 'A', 0, y);
		else if (what != 0)
			rc = put_change(d, 'M', what, y);
		if (rc == LP_OK && d->out->b.n >= LP_VIEW_FLUSH)
			rc = lp_view_flush(d->out);
		if (order <= 0)
			a = lp_rowin_next(old);
		if (order >= 0)
			b = lp_rowin_next(new);
	}
	return rc != LP_OK ? rc : a < 0 ? a : b < 0 ? b : LP_OK;
}

/* Names for the two columns in front of a row's. */
static int
put_header(const struct lp_view *v, struct lp_buf *b)
{
	int rc = v->header ? lp_buf_adds(b, "change\twhat\t") : LP_OK;

	return rc == LP_OK && v->header ? lp_row_header(&v->fmt, b) : rc;
}

static const char *
name_of(const struct diff *d, size_t i)
{
	return d->image[i].doc.image != NULL ? d->image[i].doc.image : d->v->file[i].name;
}

/* Which is the old one. */
static int
put_names(const struct diff *d, struct lp_buf *b)
{
	int rc = LP_OK;

	for (size_t i = 0; i < 2 && !d->v->rows && rc == LP_OK; i++) {
		rc = lp_buf_adds(b, i == 0 ? "--- " : "+++ ");
		rc = rc != LP_OK ? rc : lp_escape(b, lp_span_str(name_of(d, i)), LP_ESCAPE_TERMINAL);
		rc = rc != LP_OK ? rc : lp_buf_addc(b, '\n');
	}
	return rc;
}

/* The same as an object, the last but for an end record. */
static int
put_total_object(const struct diff *d, struct lp_buf *b)
{
	struct lp_record r = { .out = b, .json = 1 };
	int rc = lp_buf_adds(b, "{\"total\":");

	lp_record_text(&r, "old", lp_span_str(name_of(d, 0)));
	lp_record_text(&r, "new", lp_span_str(name_of(d, 1)));
	lp_record_int(&r, "added", (int64_t)d->added);
	lp_record_int(&r, "modified", (int64_t)d->modified);
	lp_record_int(&r, "deleted", (int64_t)d->deleted);
	lp_record_int(&r, "bytes", d->bytes);
	lp_record_int(&r, "not_compared", (int64_t)d->taken);
	rc = rc != LP_OK ? rc : lp_record_end(&r);
	/* the line ends behind the outer one */
	if (rc == LP_OK)
		b->n--;
	return rc != LP_OK ? rc : lp_buf_adds(b, "}\n");
}

/* "+20.8 MiB: 5 added, 47 changed, 1 deleted" */
static int
put_total(const struct diff *d, struct lp_buf *b)
{
	char text[4 * LP_HUMAN_MAX + 40], size[LP_HUMAN_MAX + 1], n[3][LP_HUMAN_MAX + 1];

	if (is_json(d))
		return put_total_object(d, b);
	if (d->v->rows)
		return LP_OK;
	*lp_human_bytes(size, (uint64_t)(d->bytes < 0 ? -d->bytes : d->bytes)) = '\0';
	*lp_human_count(n[0], d->added) = *lp_human_count(n[1], d->modified) = *lp_human_count(n[2], d->deleted) = '\0';
	snprintf(text, sizeof(text), "%s%s: %s added, %s changed, %s deleted\n", d->bytes < 0 ? "-" : d->bytes > 0 ? "+" : "", size,
	    n[0], n[1], n[2]);
	return lp_buf_adds(b, text);
}

/* What nobody has compared is said: in the answer for eyes, else beside it. */
static int
put_taken(const struct diff *d, struct lp_buf *b)
{
	char n[LP_HUMAN_MAX + 1], text[LP_HUMAN_MAX + 80];

	if (d->taken == 0)
		return LP_OK;
	*lp_human_count(n, d->taken) = '\0';
	snprintf(text, sizeof(text), "%s file%s of the same size and time: content not compared", n, d->taken == 1 ? "" : "s");
	if (is_json(d))
		return LP_OK;
	if (d->v->rows) {
		lp_note("%s", text);
		return LP_OK;
	}
	return lp_buf_adds(b, text) == LP_OK ? lp_buf_addc(b, '\n') : LP_E_NOMEM;
}

/* As complete as both listings are. */
static int
put_end(const struct lp_view *v, const struct diff *d, const struct lp_rowin *old, const struct lp_rowin *new)
{
	const struct lp_rowend *a = &old->rows.end, *b = &new->rows.end;
	struct lp_rowend end = { .entries = d->changes, .bytes = a->bytes + b->bytes };

	if (!v->end || !old->ended || !new->ended)
		return LP_OK;
	end.complete = a->complete == LP_COMPLETE_UNKNOWN || b->complete == LP_COMPLETE_UNKNOWN ? LP_COMPLETE_UNKNOWN :
	    a->complete == LP_COMPLETE_NO || b->complete == LP_COMPLETE_NO ? LP_COMPLETE_NO :
	    a->complete == LP_COMPLETE_YES && b->complete == LP_COMPLETE_YES ? LP_COMPLETE_YES : LP_COMPLETE_INFERRED;
	return lp_row_end(&v->fmt, &end, &d->out->b);
}

int
lp_view_diff(const struct lp_view *v, struct lp_rowin *old, struct lp_view_out *o)
{
	struct diff d = { .out = o, .v = v, .image = o->about };
	struct lp_rowin new;
	int rc = lp_rowin_init(&new, v->file[1].fd, v->file[1].name);

	rc = rc != LP_OK ? rc : learn(&d.old, &v->file[0]);
	rc = rc != LP_OK ? rc : learn(&d.new, &v->file[1]);
	rc = rc != LP_OK ? rc : put_names(&d, &o->b);
	rc = rc != LP_OK ? rc : put_header(v, &o->b);
	rc = rc != LP_OK ? rc : compare(&d, old, &new);
	rc = rc != LP_OK ? rc : put_taken(&d, &o->b);
	rc = rc != LP_OK ? rc : put_total(&d, &o->b);
	rc = rc != LP_OK ? rc : put_end(v, &d, old, &new);
	forget(&d.old);
	forget(&d.new);
	lp_rowin_release(&new);
	return rc;
}
