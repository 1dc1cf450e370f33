/* Lays rows out in aligned, coloured columns. */
#include "common/view/aligned.h"

#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/row.h"

enum column { MODE, UID, GID, SIZE, MODIFIED, LAYER, NAME };

static const char *const titles[LP_ALIGNED_COLUMNS] = {
	"MODE", "UID", "GID", "SIZE", "MODIFIED", "LAYER", "NAME"
};

static int
is_number(size_t column)
{
	return column != MODE && column != MODIFIED && column != NAME;
}

void
lp_aligned_init(struct lp_aligned *a, const struct lp_lscolors *colors, int with_layer)
{
	*a = (struct lp_aligned){ .colors = colors, .with_layer = with_layer };
	lp_buf_init(&a->held, (size_t)LP_ALIGNED_HELD + (size_t)LP_MAX_ROW);
	lp_buf_init(&a->text, (size_t)LP_MAX_ROW);
}

void
lp_aligned_release(struct lp_aligned *a)
{
	lp_buf_release(&a->held);
	lp_buf_release(&a->text);
}

static int
in_color(struct lp_buf *b, struct lp_span sgr, struct lp_span text)
{
	int rc = LP_OK;

	if (sgr.n > 0) {
		rc = lp_buf_adds(b, "\033[");
		rc = rc != LP_OK ? rc : lp_buf_add(b, sgr);
		rc = rc != LP_OK ? rc : lp_buf_addc(b, 'm');
	}
	rc = rc != LP_OK ? rc : lp_escape(b, text, LP_ESCAPE_TERMINAL);
	if (rc == LP_OK && sgr.n > 0)
		rc = lp_buf_adds(b, "\033[0m");
	return rc;
}

int
lp_shown_name(const struct lp_lscolors *colors, const struct lp_entry *e, struct lp_span name,
    struct lp_buf *out)
{
	struct lp_span sgr = colors != NULL ? lp_lscolors_of(colors, e) : lp_span(NULL, 0);
	int rc = in_color(out, sgr, name);

	if (rc != LP_OK || (e->type != LP_SYMLINK && e->type != LP_HARDLINK))
		return rc;
	rc = lp_buf_adds(out, e->type == LP_SYMLINK ? " -> " : " link to ");
	return rc != LP_OK ? rc : lp_escape(out, e->linkname, LP_ESCAPE_TERMINAL);
}

/* To the minute, as ls has it: seconds are in -j and TSV. */
static char *
put_minutes(char *p, const struct lp_entry *e)
{
	char full[LP_TIME_MAX];
	size_t n = (size_t)(lp_put_time(full, e) - full);

	if (n < 16) { /* "-" */
		memcpy(p, full, n);
		return p + n;
	}
	memcpy(p, full, 16);
	p[10] = ' ';
	return p + 16;
}

static char *
put_size(char *p, const struct lp_entry *e)
{
	if ((e->has & LP_HAS_DEV) == 0 || (e->type != LP_CHAR && e->type != LP_BLOCK))
		return lp_num_put(p, e->size);
	p = lp_num_put(p, e->devmajor);
	*p++ = ',';
	return lp_num_put(p, e->devminor);
}

/* One field into the text, its NUL behind it, its width noted. */
static int
keep_field(struct lp_aligned *a, enum column c, struct lp_span s)
{
	int rc = lp_buf_add(&a->text, s);

	if (s.n > a->width[c])
		a->width[c] = s.n;
	return rc != LP_OK ? rc : lp_buf_addc(&a->text, '\0');
}

/* "  (deleted by layer 6)", where no container sees it. */
static int
put_fate(const struct lp_entry *e, struct lp_buf *out)
{
	static const struct { const char *hidden, *fate; } fates[] = {
		{ "whiteout", "deleted by layer " }, { "opaque", "deleted by layer " }, { "overwritten", "overwritten by layer " },
		{ "parent", "its directory replaced by layer " }, { "", "hidden by layer " }
	};
	size_t i = 0;
	int rc;

	if ((e->has & LP_HAS_HIDDEN) == 0 || e->hidden.n == 0)
		return LP_OK;
	while (*fates[i].hidden != '\0' && !lp_span_is(e->hidden, fates[i].hidden))
		i++;
	rc = lp_buf_adds(out, "  (");
	rc = rc != LP_OK ? rc : lp_buf_adds(out, fates[i].fate);
	rc = rc != LP_OK ? rc : lp_escape(out, e->hidden_by, LP_ESCAPE_TERMINAL);
	return rc != LP_OK ? rc : lp_buf_addc(out, ')');
}

/* All fields of a row, into a->text. */
static int
keep_row(struct lp_aligned *a, const struct lp_entry *e)
{
	char room[2 * LP_NUM_MAX + LP_TIME_MAX];
	int rc;

#define FIELD(c, end) keep_field(a, c, lp_span(room, (size_t)((end) - room)))
	lp_buf_clear(&a->text);
	rc = FIELD(MODE, lp_put_mode(room, e));
	rc = rc != LP_OK ? rc : FIELD(UID, lp_num_puti(room, e->uid));
	rc = rc != LP_OK ? rc : FIELD(GID, lp_num_puti(room, e->gid));
	rc = rc != LP_OK ? rc : FIELD(SIZE, put_size(room, e));
	rc = rc != LP_OK ? rc : FIELD(MODIFIED, put_minutes(room, e));
#undef FIELD
	if (rc == LP_OK && a->with_layer) {
		/* the label is a number of ours, or of a listing from outside */
		size_t start = a->text.n;

		rc = lp_escape(&a->text, e->layer, LP_ESCAPE_TERMINAL);
		if (a->text.n - start > a->width[LAYER])
			a->width[LAYER] = a->text.n - start;
		rc = rc != LP_OK ? rc : lp_buf_addc(&a->text, '\0');
	} else if (rc == LP_OK) {
		rc = keep_field(a, LAYER, lp_span(NULL, 0));
	}
	rc = rc != LP_OK ? rc : lp_shown_name(a->colors, e, e->name, &a->text);
	rc = rc != LP_OK ? rc : put_fate(e, &a->text);
	return rc != LP_OK ? rc : lp_buf_addc(&a->text, '\0');
}

static int
put_cell(const struct lp_aligned *a, size_t column, struct lp_span s, struct lp_buf *out)
{
	size_t pad = a->width[column] > s.n ? a->width[column] - s.n : 0;
	int rc = LP_OK;

	if (column == LAYER && !a->with_layer)
		return LP_OK;
	if (column == NAME) /* last, and perhaps with colours in it */
		return lp_buf_add(out, s);
	if (is_number(column))
		rc = lp_buf_blanks(out, pad);
	rc = rc != LP_OK ? rc : lp_buf_add(out, s);
	if (rc == LP_OK && !is_number(column))
		rc = lp_buf_blanks(out, pad);
	return rc != LP_OK ? rc : lp_buf_blanks(out, column == MODE || column == UID ? 1 : 2);
}

/* One row, off the front of what was kept. */
static int
put_row(const struct lp_aligned *a, struct lp_span *kept, struct lp_buf *out)
{
	int rc = LP_OK;

	for (size_t c = 0; c < LP_ALIGNED_COLUMNS && rc == LP_OK; c++) {
		const unsigned char *nul = memchr(kept->p, '\0', kept->n);

		rc = put_cell(a, c, lp_span_take(kept, (size_t)(nul - kept->p)), out);
		lp_span_take(kept, 1);
	}
	return rc != LP_OK ? rc : lp_buf_addc(out, '\n');
}

static int
put_titles(struct lp_aligned *a, struct lp_buf *out)
{
	int rc = a->colors != NULL ? lp_buf_adds(out, "\033[1m") : LP_OK;

	for (size_t c = 0; c < LP_ALIGNED_COLUMNS && rc == LP_OK; c++) {
		if (strlen(titles[c]) > a->width[c])
			a->width[c] = strlen(titles[c]);
		rc = put_cell(a, c, lp_span_str(titles[c]), out);
	}
	if (rc == LP_OK && a->colors != NULL)
		rc = lp_buf_adds(out, "\033[0m");
	return rc != LP_OK ? rc : lp_buf_addc(out, '\n');
}

static int
settle(struct lp_aligned *a, struct lp_buf *out)
{
	struct lp_span kept = lp_buf_span(&a->held);
	int rc = kept.n > 0 ? put_titles(a, out) : LP_OK;

	while (kept.n > 0 && rc == LP_OK)
		rc = put_row(a, &kept, out);
	lp_buf_clear(&a->held);
	a->rows = LP_ALIGNED_WINDOW;
	return rc;
}

int
lp_aligned_row(struct lp_aligned *a, const struct lp_entry *e, struct lp_buf *out)
{
	struct lp_span kept;
	int rc = keep_row(a, e);

	if (rc != LP_OK)
		return rc;
	if (a->rows < LP_ALIGNED_WINDOW) {
		rc = lp_buf_add(&a->held, lp_buf_span(&a->text));
		if (rc == LP_OK && (++a->rows == LP_ALIGNED_WINDOW || a->held.n > LP_ALIGNED_HELD))
			rc = settle(a, out);
		return rc;
	}
	kept = lp_buf_span(&a->text);
	return put_row(a, &kept, out);
}

int
lp_aligned_end(struct lp_aligned *a, struct lp_buf *out)
{
	int rc = a->rows < LP_ALIGNED_WINDOW ? settle(a, out) : LP_OK;

	a->rows = 0;
	memset(a->width, 0, sizeof(a->width));
	return rc;
}
