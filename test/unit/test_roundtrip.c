/*
 * Rows written, read and written again: the same bytes, for made-up entries
 * with odd bytes in every text, any choice and order of columns, TSV, NDJSON
 * and -0, however the text is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/row/rowread.h"
#include "test/unit/unit.h"

enum { ROUNDS = 300, ROWS = 12, TEXTS = 7, XATTRS = 4, TEXT_MAX = 64 };

static struct unit_rng rng = { 18 };

static unsigned
chance(unsigned below)
{
	return unit_rand(&rng, below);
}

/* One made-up entry and the memory that it borrows. */
struct made {
	struct lp_entry entry;
	char text[TEXTS + 2 * XATTRS][TEXT_MAX];
	struct lp_xattr xattrs[XATTRS];
};

/* Pieces that some form has to escape, or reads as something else. */
static struct lp_span
odd_text(char *p, int with_nul)
{
	static const struct { const char *s; size_t n; } pieces[] = {
		{ "a", 1 }, { "Z9", 2 }, { "#", 1 }, { "#end", 4 }, { "{", 1 }, { "\"", 1 }, { "\\", 1 }, { "\\x41", 4 }, { "\t", 1 },
		{ "\n", 1 }, { "\r", 1 }, { "\x01", 1 }, { "\x7f", 1 }, { " ", 1 }, { "=", 1 }, { ",", 1 }, { "/", 1 }, { "-", 1 },
		{ "\xc3\xa9", 2 }, { "\xc2\x9b", 2 }, { "\xe2\x80\xae", 3 }, { "\xf0\x9f\x98\x80", 4 }, { "\xef\xbf\xbd", 3 },
		{ "\xff", 1 }, { "\xed\xa0\x80", 3 }, { "\xc0\xaf", 2 }, { "\xf4\x90\x80\x80", 4 }, { "\xe2\x80", 2 }, { "\0", 1 },
	};
	size_t n = 0;

	for (unsigned i = 1 + chance(10); i > 0; i--) {
		unsigned k = chance(sizeof(pieces) / sizeof(pieces[0]) - !with_nul);

		memcpy(p + n, pieces[k].s, pieces[k].n);
		n += pieces[k].n;
	}
	return lp_span(p, n);
}

static int
by_name(const void *a, const void *b)
{
	return lp_span_cmp(((const struct lp_xattr *)a)->name, ((const struct lp_xattr *)b)->name);
}

/* In order of their names, each name once: as all that makes entries hands them out. */
static void
make_xattrs(struct made *m)
{
	size_t n = chance(XATTRS + 1), kept = 0;

	for (size_t i = 0; i < n; i++)
		m->xattrs[i] = (struct lp_xattr){ odd_text(m->text[TEXTS + 2 * i], 1), odd_text(m->text[TEXTS + 2 * i + 1], 1) };
	lp_sort(m->xattrs, n, sizeof(m->xattrs[0]), by_name);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !lp_span_eq(m->xattrs[kept - 1].name, m->xattrs[i].name))
			m->xattrs[kept++] = m->xattrs[i];
	m->entry.xattrs = m->xattrs;
	m->entry.nxattrs = kept;
}

static void
make_known(struct made *m)
{
	struct lp_entry *e = &m->entry;
	static const int64_t times[] = { 0, -1, 1000000000, 253402300799, 253402300800, -62167219200, -62167219201, INT64_MAX };

	if (chance(2) && (e->has |= LP_HAS_UNAME))
		e->uname = odd_text(m->text[2], 1);
	if (chance(2) && (e->has |= LP_HAS_GNAME))
		e->gname = odd_text(m->text[3], 1);
	if (chance(2) && (e->has |= LP_HAS_LAYER))
		e->layer = odd_text(m->text[4], 1);
	if (chance(4) == 0 && (e->has |= LP_HAS_HIDDEN)) {
		e->hidden = odd_text(m->text[5], 1);
		e->hidden_by = odd_text(m->text[6], 1);
	}
	if (chance(3) == 0 && (e->has |= LP_HAS_DEV)) {
		e->devmajor = chance(2) ? UINT32_MAX : chance(9);
		e->devminor = chance(300);
	}
	if (chance(2) && (e->has |= LP_HAS_OFFSETS)) {
		e->header_offset = chance(2) ? LP_MAX_SIZE : chance(9) * 512;
		e->data_offset = chance(2) ? LP_MAX_SIZE : chance(9) * 512;
	}
	if (chance(4) && (e->has |= LP_HAS_MTIME)) {
		e->mtime = times[chance(sizeof(times) / sizeof(times[0]))];
		e->mtime_nsec = e->mtime >= -62167219200 && e->mtime <= 253402300799 && chance(2) ? chance(1000) * 1000000 + chance(2) : 0;
	}
}

static void
make_entry(struct made *m)
{
	static const int64_t ids[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 65534 };
	static const uint64_t sizes[] = { 0, 1, 1000000000000000, 999999999999999999, 1000000000000000000, LP_MAX_SIZE };
	static const char types[] = "-dlhcbp", flags[] = "0521346", of_files[] = "0#{-Z";
	struct lp_entry *e = &m->entry;
	unsigned type = chance(7);

	*e = (struct lp_entry){ .mode = chance(010000), .uid = ids[chance(6)], .gid = ids[chance(6)], .size = sizes[chance(6)] };
	e->type = (enum lp_type)types[type];
	if (chance(2) && (e->has |= LP_HAS_TYPEFLAG))
		e->typeflag = type == 0 ? of_files[chance(5)] : flags[type];
	e->name = odd_text(m->text[0], 0);
	if (e->type == LP_SYMLINK || e->type == LP_HARDLINK)
		e->linkname = odd_text(m->text[1], 0);
	make_known(m);
	make_xattrs(m);
}

/* Any columns, a name among them, in any order. */
static void
choose_columns(struct lp_rowfmt *f)
{
	f->ncolumns = 0;
	for (unsigned c = 0; c < LP_COLUMNS; c++)
		if (c == LP_COL_NAME || chance(3))
			f->column[f->ncolumns++] = (enum lp_column)c;
	for (size_t i = f->ncolumns; i-- > 1;) {
		size_t k = chance((unsigned)i + 1);
		enum lp_column c = f->column[i];

		f->column[i] = f->column[k];
		f->column[k] = c;
	}
}

static void
make_end(struct lp_rowend *end, char text[LP_ROWEND_TEXTS][TEXT_MAX])
{
	*end = (struct lp_rowend){ .entries = ROWS, .complete = (enum lp_complete)chance(4), .bytes = chance(2) ? LP_MAX_SIZE : 0 };
	if (chance(2))
		end->layer = odd_text(text[0], 1);
	if (chance(2))
		end->origin = odd_text(text[1], 1);
	if (chance(2))
		end->toc = odd_text(text[2], 1);
	if (chance(2))
		end->reason = odd_text(text[3], 1);
}

/* Write what is read, in that form. How many rows there were; -1 for a failure. */
static int
rewrite(struct lp_rowread *r, enum lp_rowread_event event, const struct lp_rowfmt *f, struct lp_buf *out)
{
	if (event == LP_ROWREAD_ROW)
		return lp_row_write(f, &r->entry, out) == LP_OK ? 1 : -1;
	if (event == LP_ROWREAD_END)
		return lp_row_end(f, &r->end, out) == LP_OK ? 0 : -1;
	return event == LP_ROWREAD_MORE ? 0 : -1;
}

/* Read in pieces, each in a block of its own size, and write again. */
static int
again(struct lp_span in, const struct lp_rowfmt *f, struct lp_buf *out)
{
	struct lp_rowread r;
	enum lp_rowread_event event = LP_ROWREAD_MORE;
	int n = 0;

	lp_buf_clear(out);
	lp_row_header(f, out);
	lp_rowread_init(&r);
	while (in.n > 0 && n >= 0) {
		struct lp_span part = lp_span_take(&in, 1 + chance(chance(4) ? 40 : 4000)), s;
		unsigned char *block = unit_exact(part);

		s = lp_span(block, part.n);
		do {
			int rows = rewrite(&r, event = lp_rowread_next(&r, &s), f, out);

			n = rows >= 0 && n >= 0 ? n + rows : -1;
		} while (event != LP_ROWREAD_MORE && n >= 0);
		free(block);
	}
	if (n < 0)
		diag("line %llu: %s", (unsigned long long)r.line, r.why != NULL ? r.why : "?");
	lp_rowread_release(&r);
	return n;
}

/* In -0, names as they are: whether each record is one row's, ended by a NUL, and there is no other. */
static int
nul_records(const struct made *m, size_t n)
{
	struct lp_rowfmt f;
	struct lp_buf b;
	struct lp_span rest;
	size_t good = 0;

	lp_buf_init(&b, LP_MAX_ROW);
	lp_rowfmt_init(&f);
	f.nul = 1;
	f.ncolumns = 1;
	f.column[0] = LP_COL_NAME;
	for (size_t i = 0; i < n; i++)
		lp_row_write(&f, &m[i].entry, &b);
	rest = lp_buf_span(&b);
	for (size_t i = 0; i < n; i++) {
		const unsigned char *nul = rest.n > 0 ? memchr(rest.p, '\0', rest.n) : NULL;

		good += nul != NULL && lp_span_eq(lp_span_take(&rest, (size_t)(nul - rest.p)), m[i].entry.name);
		lp_span_take(&rest, 1);
	}
	good += rest.n == 0;
	lp_buf_release(&b);
	return good == n + 1;
}

static void
round_trip(void)
{
	struct made m[ROWS];
	char texts[LP_ROWEND_TEXTS][TEXT_MAX];
	struct lp_rowend end;
	struct lp_rowfmt tsv, json;
	struct lp_buf first, second, third;

	lp_buf_init(&first, LP_MAX_ROW);
	lp_buf_init(&second, LP_MAX_ROW);
	lp_buf_init(&third, LP_MAX_ROW);
	lp_rowfmt_init(&tsv);
	lp_rowfmt_init(&json);
	json.form = LP_ROW_NDJSON;
	choose_columns(&tsv);
	make_end(&end, texts);
	lp_row_header(&tsv, &first);
	for (size_t i = 0; i < ROWS; i++) {
		make_entry(&m[i]);
		lp_row_write(&tsv, &m[i].entry, &first);
	}
	lp_row_end(&tsv, &end, &first);
	ok(again(lp_buf_span(&first), &tsv, &second) == ROWS, "TSV is read");
	ok_span(lp_buf_span(&second), lp_buf_span(&first), "and written, the same");
	ok(again(lp_buf_span(&first), &json, &second) == ROWS, "written as NDJSON");
	ok(again(lp_buf_span(&second), &tsv, &third) == ROWS, "read, and written as TSV");
	ok_span(lp_buf_span(&third), lp_buf_span(&first), "which is the same again");

	lp_buf_clear(&first);
	for (size_t i = 0; i < ROWS; i++)
		lp_row_write(&json, &m[i].entry, &first);
	lp_row_end(&json, &end, &first);
	ok(again(lp_buf_span(&first), &json, &second) == ROWS, "NDJSON is read");
	ok_span(lp_buf_span(&second), lp_buf_span(&first), "and written, the same");
	ok(nul_records(m, ROWS), "-0 has one record for each row");
	lp_buf_release(&first);
	lp_buf_release(&second);
	lp_buf_release(&third);
}

int
main(void)
{
	for (int i = 0; i < ROUNDS; i++)
		round_trip();
	return unit_done();
}
