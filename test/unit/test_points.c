/*
 * Points of gzip data: the same from each engine and from any pieces of the
 * input; what is decoded from them is what a whole reading gives, at
 * thousands of places; GZIDX as it is written, and as nobody should write it.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/codec/gzidx.h"
#include "common/codec/inflate.h"
#include "test/unit/unit.h"

enum { TEXT = 3 * 1000 * 1000, SPACING = 50 * 1000, MANY = 1024 };

static unsigned char text[TEXT];
static struct lp_buf gz;

/* A member, by zlib at this level: 0 stores, 1 and up make blocks of codes. */
static void
add_member(struct lp_span s, int level)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.n };

	if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    lp_buf_reserve(&gz, deflateBound(&z, s.n)) != LP_OK)
		abort();
	z.next_out = gz.p + gz.n;
	z.avail_out = (uInt)(gz.cap - gz.n);
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	gz.n = (size_t)(z.next_out - gz.p);
	deflateEnd(&z);
}

/* Words, noise, and what refers far back; in members of several kinds, short ones among them. */
static void
make(void)
{
	static const size_t cut[] = { 0, 1200 * 1000, 1200 * 1000, 1200 * 1000 + 10, 1700 * 1000, 1950 * 1000, TEXT };
	static const int level[] = { 6, 6, 9, 1, 0, 6 };
	struct unit_rng rng = { 7 };

	for (size_t i = 0; i < TEXT; i++)
		text[i] = i > 40000 && i / 3000 % 3 > 0 ? text[i - 32000 + i % 7] :
		    (unsigned char)unit_rand(&rng, i / 100000 % 2 ? 250 : 20);
	lp_buf_init(&gz, SIZE_MAX);
	for (size_t i = 0; i < 6; i++)
		add_member(lp_span(text + cut[i], cut[i + 1] - cut[i]), level[i]);
}

/* All points, the input given `step` bytes at a time. */
static void
collect(struct lp_points *points, const struct lp_deflate_engine *e, size_t step, uint64_t spacing, size_t max)
{
	struct lp_span in = lp_buf_span(&gz), piece = lp_span(NULL, 0);
	struct lp_inflate x;
	enum lp_inflate_event ev;

	lp_points_init(points, spacing, max);
	lp_inflate_init(&x, LP_FORMAT_UNDECIDED, e);
	x.f.spacing = spacing;
	do {
		ev = in.n + piece.n > 0 ? lp_inflate_next(&x, &piece) : lp_inflate_eof(&x);
		if (ev == LP_INFLATE_MORE)
			piece = lp_span_take(&in, step);
		if (ev == LP_INFLATE_POINT) {
			if (lp_points_add(points, &x.f.point) != LP_OK)
				abort();
			x.f.spacing = points->spacing;
		}
	} while (ev != LP_INFLATE_END && ev != LP_INFLATE_ERROR && ev != LP_INFLATE_PREVIEW);
	points->in = x.f.used;
	points->out = x.f.given;
	ok(ev == LP_INFLATE_END && points->out == TEXT && points->in == gz.n, "%s, %zu bytes at a time", e->name, step);
	lp_inflate_release(&x);
}

static int
same(const struct lp_points *a, const struct lp_points *b)
{
	int alike = a->n == b->n && a->in == b->in && a->out == b->out;

	for (size_t i = 0; i < a->n && alike; i++)
		alike = a->v[i].in == b->v[i].in && a->v[i].out == b->v[i].out && a->v[i].bits == b->v[i].bits &&
		    lp_span_eq(a->v[i].window, b->v[i].window);
	return alike;
}

/* `n` bytes of plain data at `at`, from a point; whether they are those of the text. */
static int
reads(const struct lp_points *points, const struct lp_deflate_engine *e, size_t at, size_t n, size_t step)
{
	const struct lp_point *from = lp_points_before(points, at);
	const uint64_t first = lp_point_first(from);
	struct lp_span in = lp_span(gz.p + first, gz.n - (size_t)first), piece = lp_span(NULL, 0);
	uint64_t pos = from->out;
	struct lp_inflate x;
	enum lp_inflate_event ev = LP_INFLATE_MORE;
	int good = 1;

	lp_inflate_init(&x, LP_FORMAT_UNDECIDED, e);
	if (lp_inflate_resume(&x, from) != LP_OK)
		abort();
	while (good && pos < at + n && ev != LP_INFLATE_END) {
		ev = in.n + piece.n > 0 ? lp_inflate_next(&x, &piece) : lp_inflate_eof(&x);
		if (ev == LP_INFLATE_MORE)
			piece = lp_span_take(&in, step);
		good = ev != LP_INFLATE_ERROR && ev != LP_INFLATE_PREVIEW;
		if (ev == LP_INFLATE_OUTPUT) {
			good = pos + x.f.out.n <= TEXT && memcmp(x.f.out.p, text + pos, x.f.out.n) == 0;
			pos += x.f.out.n;
			good &= pos == x.f.given;
		}
	}
	lp_inflate_release(&x);
	return good && pos >= at + n;
}

static void
test_engines(void)
{
	struct lp_points a, b;
	size_t windows = 0;

	collect(&a, lp_deflate_engine("zlib"), SIZE_MAX, SPACING, MANY);
	for (size_t step = 1; step < gz.n; step = step * 23 + 1) {
		for (int i = 0; i < 2; i++) {
			const struct lp_deflate_engine *e = lp_deflate_engine(i == 0 ? NULL : "zlib");

			collect(&b, e, step, SPACING, MANY);
			ok(same(&a, &b), "%s finds the same points, %zu bytes at a time", e->name, step);
			lp_points_release(&b);
		}
	}
	for (size_t i = 0; i < a.n; i++) {
		const struct lp_point *p = &a.v[i];

		windows += p->window.n > 0;
		ok(p->window.n <= p->out && memcmp(p->window.p != NULL ? p->window.p : text, text + p->out - p->window.n, p->window.n) == 0 &&
		    (i == 0 || p->out >= a.v[i - 1].out + SPACING), "point %zu: its window is the output before it", i);
	}
	ok(a.n > 15 && windows > 10 && windows < a.n && a.v[0].in == 10 && a.v[0].out == 0, "points of both kinds, and the first one");
	lp_points_release(&a);
}

static void
test_resume(void)
{
	struct unit_rng rng = { 5 };
	struct lp_points points;
	size_t good = 0, n = 3000;

	collect(&points, lp_deflate_engine(NULL), 65536, SPACING, MANY);
	for (size_t i = 0; i < points.n; i++)
		for (int k = 0; k < 2; k++)
			ok(reads(&points, lp_deflate_engine(k == 0 ? NULL : "zlib"), (size_t)points.v[i].out,
			    TEXT - (size_t)points.v[i].out, 8000), "point %zu to the end", i);
	for (size_t i = 0; i < n; i++) {
		size_t at = unit_rand(&rng, TEXT - 600);

		good += reads(&points, lp_deflate_engine(i % 2 == 0 ? NULL : "zlib"), at, 1 + unit_rand(&rng, 600),
		    i % 16 == 0 ? 1 + unit_rand(&rng, 40) : 65536) != 0;
	}
	ok(good == n, "%zu of %zu places", good, n);
	lp_points_release(&points);
}

static void
test_list(void)
{
	struct lp_points p;

	collect(&p, lp_deflate_engine(NULL), 65536, SPACING / 10, 16);
	ok(p.n <= 16 && p.n >= 8 && p.spacing >= SPACING && p.v[0].out == 0, "a list that is full has every second point, and half as many to come");
	ok(reads(&p, lp_deflate_engine(NULL), TEXT - 10, 10, 65536), "they are good still");
	ok(lp_points_before(&p, 0) == &p.v[0] && lp_points_behind(&p, 0) == &p.v[0], "at a point");
	ok(lp_points_before(&p, p.v[3].out + 1) == &p.v[3] && lp_points_behind(&p, p.v[3].out + 1) == &p.v[4], "between two");
	ok(lp_points_before(&p, UINT64_MAX) == &p.v[p.n - 1] && lp_points_behind(&p, UINT64_MAX) == NULL, "behind all");
	lp_points_release(&p);
	ok(lp_points_before(&p, 0) == NULL && lp_points_behind(&p, 0) == NULL, "none");
}

/* ---- files ---------------------------------------------------------------------- */

static int
put(void *b, struct lp_span s)
{
	return lp_buf_add(b, s);
}

/* Read from a block of exactly its size: what is wrong, or "". */
static const char *
read_file(struct lp_span file, uint64_t *at)
{
	unsigned char *exact = unit_exact(file);
	struct lp_gzidx_error e = { "", 0 };
	struct lp_points p;
	int rc = lp_gzidx_read(&p, lp_span(exact, file.n), &e);

	*at = e.at;
	lp_points_release(&p);
	free(exact);
	return rc == LP_OK ? "" : e.why;
}

static void
check(const char *name, struct lp_buf *file, size_t at, unsigned char byte, const char *why, uint64_t where)
{
	unsigned char before = file->p[at];
	uint64_t got;

	file->p[at] = byte;
	ok_str(lp_span_str(read_file(lp_buf_span(file), &got)), why, name);
	ok(got == where, "%s: byte %llu", name, (unsigned long long)got);
	file->p[at] = before;
}

static void
test_file(void)
{
	enum { HEAD = 35, POINT = 18 };
	struct lp_points a, b;
	struct lp_gzidx_error e;
	struct lp_buf file;
	uint64_t at;
	int good = 1;

	collect(&a, lp_deflate_engine(NULL), 65536, 4 * SPACING, MANY);
	lp_buf_init(&file, SIZE_MAX);
	ok(lp_gzidx_write(&a, put, &file) == LP_OK, "written");
	ok(lp_gzidx_read(&b, lp_buf_span(&file), &e) == LP_OK && b.n == a.n && b.in == gz.n && b.out == TEXT &&
	    b.spacing == 4 * SPACING, "and read");
	for (size_t i = 0; i < b.n; i++)
		good &= reads(&b, lp_deflate_engine("zlib"), (size_t)b.v[i].out, 100, 65536);
	ok(good, "what comes of it is the same");
	lp_points_release(&b);

	for (size_t n = 0; n < file.n; n += n < 700 || n > file.n - 300 ? 1 : 251)
		good &= *read_file(lp_span(file.p, n), &at) != '\0' && at <= n;
	ok(good, "cut off anywhere");
	check("magic", &file, 0, 'X', "not GZIDX data", 0);
	check("version", &file, 5, 2, "a later version of GZIDX", 5);
	check("flags do not count", &file, 6, 9, "", 0);
	check("small windows", &file, 28, 0x7f, "windows of less than 32 KiB", 27);
	check("large windows", &file, 30, 0xff, "cut off in a window", file.n);
	check("many points", &file, 34, 0xff, "cut off in the points", file.n);
	check("fewer points", &file, 31, (unsigned char)(a.n - 1), "bytes behind the last window", file.n - LP_DEFLATE_WINDOW - POINT);
	check("bits", &file, HEAD + POINT + 16, 8, "more bits than a byte has", HEAD + POINT + 16);
	check("bits of a byte that is not there", &file, HEAD + 16, 7, "", 0);
	check("beyond the data", &file, HEAD + POINT + 7, 1, "a point is not in the compressed data", HEAD + POINT);
	check("beyond the plain data", &file, HEAD + POINT + 8 + 7, 1, "a point is behind the end of the data", HEAD + POINT + 8);
	check("a flag that is not set", &file, HEAD + POINT + 17, 0, "bytes behind the last window", file.n - LP_DEFLATE_WINDOW);
	check("order of the input", &file, HEAD + 2, 0x08, "the points are not in order", HEAD + POINT);
	check("order of the output", &file, HEAD + 8 + 2, 0x0a, "the points are not in order", HEAD + POINT);
	lp_buf_release(&file);
	lp_points_release(&a);
}

/* Version 0: no flags, and the first point has no window. Windows of 64 KiB: their ends count. */
static void
test_version0(void)
{
	static const unsigned char head[] = "GZIDX\0\0" "\x40\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\x10\0" "\0\0\1\0" "\2\0\0\0"
	    "\x0a\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0" "\x20\0\0\0\0\0\0\0" "\0\0\2\0\0\0\0\0" "\3";
	static unsigned char file[sizeof(head) - 1 + 65536];
	struct lp_gzidx_error e;
	struct lp_points p;

	memcpy(file, head, sizeof(head) - 1);
	file[sizeof(file) - 1] = 'z';
	ok(lp_gzidx_read(&p, lp_span(file, sizeof(file)), &e) == LP_OK && p.n == 2 && p.out == 0 && p.v[0].window.n == 0 &&
	    p.v[1].window.n == LP_DEFLATE_WINDOW && p.v[1].window.p[LP_DEFLATE_WINDOW - 1] == 'z' && p.v[1].bits == 3,
	    "version 0, with windows of 64 KiB");
	lp_points_release(&p);
	file[7 + 8 + 8 + 4 + 4 + 4 + 0] = 0;
	file[7 + 8 + 8 + 4 + 4 + 4 + 16] = 1;
	ok(lp_gzidx_read(&p, lp_span(file, sizeof(file)), &e) == LP_E_DATA, "bits of a byte before the first");
	lp_points_release(&p);
}

int
main(void)
{
	make();
	test_engines();
	test_resume();
	test_list();
	test_file();
	test_version0();
	lp_buf_release(&gz);
	return unit_done();
}
