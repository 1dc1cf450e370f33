/*
 * Any bytes as a listing. Whole or cut into pieces (as the first byte says)
 * the rows are the same; each row, written anew in either form with all that
 * it has, is read back the same; what is shown to eyes holds nothing that a
 * terminal obeys. Every byte that an entry borrows is looked at, so that the
 * sanitizer sees a span that lies outside live memory.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/row/rowread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
	uint64_t hash, rows;
	enum lp_rowread_event last;
	uint64_t line, offset;
	const char *why;
};

static void
note(uint64_t *h, struct lp_span s)
{
	*h = lp_hash64(*h + s.n, s);
}

/* A typeflag as rows have it. */
static uint64_t
letter(const struct lp_entry *e)
{
	if (!(e->has & LP_HAS_TYPEFLAG))
		return 0;
	return e->typeflag > ' ' && e->typeflag < 0x7f && e->typeflag != '\\' ? (unsigned char)e->typeflag : '?';
}

/* All that a row can carry through both forms. */
static uint64_t
hash_entry(const struct lp_entry *e)
{
	const uint64_t numbers[] = { (uint64_t)e->type, letter(e), e->mode, (uint64_t)e->uid, (uint64_t)e->gid, e->size,
		e->has & (LP_HAS_MTIME | LP_HAS_DEV | LP_HAS_OFFSETS), (uint64_t)e->mtime, e->mtime_nsec, e->devmajor,
		e->devminor, e->header_offset, e->data_offset, e->nxattrs };
	const struct lp_span texts[] = { e->name, e->linkname, e->uname, e->gname, e->layer, e->hidden, e->hidden_by };
	uint64_t h = lp_hash64(1, lp_span(numbers, sizeof(numbers)));

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		note(&h, texts[i]);
	for (size_t i = 0; i < e->nxattrs; i++) {
		note(&h, e->xattrs[i].name);
		note(&h, e->xattrs[i].value);
	}
	return h;
}

static uint64_t
read_back(struct lp_span text)
{
	struct lp_rowread r;
	uint64_t h;

	lp_rowread_init(&r);
	if (lp_rowread_next(&r, &text) != LP_ROWREAD_ROW)
		abort();
	h = hash_entry(&r.entry);
	lp_rowread_release(&r);
	return h;
}

/* One line, and no control bytes in it but its end. */
static void
harmless(struct lp_span line)
{
	if (line.n == 0 || line.p[line.n - 1] != '\n')
		abort();
	for (size_t i = 0; i + 1 < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] == 0x7f)
			abort();
}

static void
write_anew(const struct lp_entry *e)
{
	static const enum lp_rowform forms[] = { LP_ROW_TSV, LP_ROW_NDJSON, LP_ROW_LONG };
	struct lp_rowfmt fmt;
	struct lp_buf b;

	lp_buf_init(&b, 4 * (size_t)LP_MAX_ROW);
	for (size_t i = 0; i < 3; i++) {
		lp_rowfmt_init(&fmt);
		fmt.form = forms[i];
		for (fmt.ncolumns = 0; fmt.ncolumns < LP_COLUMNS; fmt.ncolumns++)
			fmt.column[fmt.ncolumns] = (enum lp_column)fmt.ncolumns;
		lp_buf_clear(&b);
		lp_row_header(&fmt, &b);
		if (lp_row_write(&fmt, e, &b) != LP_OK)
			abort();
		if (forms[i] == LP_ROW_LONG)
			harmless(lp_buf_span(&b));
		else if (e->mtime >= -62167219200 && e->mtime < 253402300800 &&
		    read_back(lp_buf_span(&b)) != hash_entry(e))
			abort(); /* years outside 0 to 9999 have no text */
	}
	lp_buf_release(&b);
}

/* Each text of an object is its key's, or what the key of exact bytes says, and nothing else's. */
static void
of_its_own_key(const struct lp_rowread *r)
{
	static const struct { const char *key, *exact; size_t offset; } texts[] = {
		{ "name", "name_base64", offsetof(struct lp_entry, name) },
		{ "linkname", "linkname_base64", offsetof(struct lp_entry, linkname) },
		{ "uname", "uname_base64", offsetof(struct lp_entry, uname) },
		{ "gname", "gname_base64", offsetof(struct lp_entry, gname) },
		{ "layer", "layer_base64", offsetof(struct lp_entry, layer) },
	};
	struct lp_json_error e;
	json_t *o;

	if (r->text.n == 0 || r->text.p[0] != '{')
		return;
	if (lp_json_load(r->text, &o, &e) != LP_OK)
		abort();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct lp_span want = lp_json_get_string(o, texts[i].key), got;

		memcpy(&got, (const char *)&r->entry + texts[i].offset, sizeof(got));
		if (lp_json_get_string(o, texts[i].exact).p == NULL && !lp_span_eq(got, want))
			abort();
	}
	json_decref(o);
}

/* Whether there may be more in the same span. */
static int
event(struct digest *d, struct lp_rowread *r, enum lp_rowread_event ev)
{
	d->last = ev;
	if (ev == LP_ROWREAD_ROW) {
		uint64_t h = hash_entry(&r->entry);

		note(&d->hash, lp_span(&h, sizeof(h)));
		note(&d->hash, r->text);
		d->rows++;
		if (d->rows <= 4) {
			of_its_own_key(r);
			write_anew(&r->entry);
		}
	} else if (ev == LP_ROWREAD_END) {
		for (size_t i = 0; i < LP_ROWEND_TEXTS; i++)
			note(&d->hash, lp_rowend_text(&r->end, &lp_rowend_texts[i]));
	} else if (ev == LP_ROWREAD_ERROR && (r->why == NULL || r->status == LP_OK)) {
		abort();
	}
	return ev == LP_ROWREAD_ROW || ev == LP_ROWREAD_END;
}

static struct digest
run(struct lp_span in, int merged, size_t piece)
{
	struct digest d = { .last = LP_ROWREAD_MORE };
	struct lp_rowread r;

	lp_rowread_init(&r);
	r.merged = merged;
	while (in.n > 0 && d.last != LP_ROWREAD_ERROR) {
		struct lp_span s = lp_span_take(&in, piece);

		while (event(&d, &r, lp_rowread_next(&r, &s)))
			continue;
	}
	while (d.last != LP_ROWREAD_ERROR && event(&d, &r, lp_rowread_eof(&r)))
		continue;
	d.line = r.line;
	d.offset = r.offset;
	d.why = r.why;
	lp_rowread_release(&r);
	return d;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span in = lp_span(data, size), first = lp_span_take(&in, 1);
	int how = first.n > 0 ? first.p[0] : 0;
	struct digest a = run(in, how >> 7, in.n + 1), b = run(in, how >> 7, 1 + (size_t)how % 64);

	if (a.hash != b.hash || a.rows != b.rows || a.last != b.last || a.line != b.line || a.offset != b.offset ||
	    a.why != b.why)
		abort();
	return 0;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* The nth quote, or NULL. */
static uint8_t *
quote(uint8_t *data, size_t size, size_t n)
{
	uint8_t *p = memchr(data, '"', size);

	while (n-- > 0 && p != NULL)
		p = memchr(p + 1, '"', size - (size_t)(p + 1 - data));
	return p;
}

/* A quoted string becomes another one. The new size, or 0 if there is none, or no room. */
static size_t
requote(uint8_t *data, size_t size, size_t max, uint64_t which, const char *word)
{
	size_t quotes = 0, n = strlen(word), from, behind;
	const uint8_t *close;

	for (size_t i = 0; i < size; i++)
		quotes += data[i] == '"';
	if (quotes < 2)
		return 0;
	which = which % (quotes / 2) * 2;
	from = (size_t)(quote(data, size, which) - data) + 1;
	close = quote(data, size, which + 1);
	behind = size - (size_t)(close - data);
	if (from + n + behind > max)
		return 0;
	memmove(data + from + n, close, behind);
	memcpy(data + from, word, n);
	return from + n + behind;
}

/* Every other time a key, or a value, becomes another one: words of a dictionary hardly ever land between two quotes. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = { "", "", "", "name", "linkname", "uname", "gname", "layer", "hidden", "name_base64",
		"linkname_base64", "uname_base64", "gname_base64", "layer_base64", "hidden_by_base64", "mode", "typeflag", "mtime",
		"xattrs", "end", "complete", "reason_base64", "/w==", "QUJD", "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",
		"-rw-r--r--", "hrw-r--r--" };
	uint64_t h = lp_hash64(seed, lp_span(NULL, 0));
	size_t n = h % 2 == 0 ? requote(data, size, max, h / 2 % (1 << 20), words[(h >> 40) % (sizeof(words) / sizeof(words[0]))]) : 0;

	return n > 0 ? n : LLVMFuzzerMutate(data, size, max);
}

#endif
