/* What a blob stores as its table of contents, unwrapped (toc/tocjson.h). */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/status.h"
#include "common/toc/tocjson.h"
#include "test/unit/unit.h"

#define JSON "{\"version\":1,\"entries\":[]}"

enum { ROOM = 64 * 1024 };

/* ---- writing ------------------------------------------------------------------- */

static void
add_member(struct lp_buf *b, const char *name, char typeflag, const char *data)
{
	char h[512] = { 0 };
	unsigned sum = 0;

	snprintf(h, 100, "%s", name);
	snprintf(h + 100, 8, "%07o", 0644u);
	snprintf(h + 108, 8, "%07o", 0u);
	snprintf(h + 116, 8, "%07o", 0u);
	snprintf(h + 124, 12, "%011o", (unsigned)strlen(data));
	snprintf(h + 136, 12, "%011o", 0u);
	memset(h + 148, ' ', 8);
	h[156] = typeflag;
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	lp_buf_add(b, lp_span(h, sizeof(h)));
	lp_buf_adds(b, data);
	while (b->n % 512 != 0)
		lp_buf_addc(b, 0);
}

static void
add_end(struct lp_buf *b)
{
	static const char zeros[1024];

	lp_buf_add(b, lp_span(zeros, sizeof(zeros)));
}

static void
gzip(struct lp_buf *b)
{
	static unsigned char out[ROOM];
	z_stream z = { .next_in = b->p, .avail_in = (uInt)b->n, .next_out = out, .avail_out = sizeof(out) };

	if (deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK || deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	lp_buf_clear(b);
	lp_buf_add(b, lp_span(out, z.total_out));
	deflateEnd(&z);
}

static void
zstd(struct lp_buf *b)
{
	static unsigned char out[ROOM];
	size_t n = ZSTD_compress(out, sizeof(out), b->p, b->n, 3);

	lp_buf_clear(b);
	lp_buf_add(b, lp_span(out, n));
}

/* ---- reading ------------------------------------------------------------------- */

/* The JSON, then what it ended with: "end", "cut", or why not. */
static void
run(struct lp_buf *out, struct lp_span all, size_t first, size_t piece)
{
	enum lp_tocjson_event ev = LP_TOCJSON_MORE;
	struct lp_tocjson j;
	int eof = 0;

	lp_tocjson_init(&j);
	while (ev == LP_TOCJSON_MORE && !eof) {
		struct lp_span s = lp_span_take(&all, first > 0 ? first : piece), in;
		unsigned char *p = unit_exact(s);

		first = 0;
		in = lp_span(p, s.n);
		eof = s.n == 0;
		do {
			ev = eof ? lp_tocjson_eof(&j) : lp_tocjson_next(&j, &in);
			if (ev == LP_TOCJSON_BYTES)
				lp_buf_add(out, j.json);
		} while (ev == LP_TOCJSON_BYTES);
		free(p);
	}
	lp_buf_adds(out, ev == LP_TOCJSON_END ? " end" : ev == LP_TOCJSON_CUT ? " cut" : " ");
	if (ev == LP_TOCJSON_ERROR)
		lp_buf_adds(out, j.why);
	lp_tocjson_release(&j);
}

static void
check(const char *name, struct lp_buf *bytes, const char *want)
{
	struct lp_buf whole, cut;
	size_t differ = 0;

	lp_buf_init(&whole, ROOM);
	lp_buf_init(&cut, ROOM);
	run(&whole, lp_buf_span(bytes), 0, bytes->n + 1);
	ok_str(lp_buf_span(&whole), want, name);
	for (size_t at = 0; at < bytes->n; at += at < 64 || at + 64 > bytes->n ? 1 : 37) {
		lp_buf_clear(&cut);
		run(&cut, lp_buf_span(bytes), at, at > 0 ? bytes->n : 1);
		differ += !lp_span_eq(lp_buf_span(&cut), lp_buf_span(&whole));
	}
	ok(differ == 0, "%s: the same however it is cut", name);
	lp_buf_release(&whole);
	lp_buf_release(&cut);
	lp_buf_clear(bytes);
}

static void
test_forms(struct lp_buf *b)
{
	lp_buf_adds(b, JSON);
	check("JSON", b, JSON " end");
	lp_buf_adds(b, " \n" JSON);
	zstd(b);
	check("zstd of JSON", b, " \n" JSON " end");
	lp_buf_adds(b, JSON);
	gzip(b);
	check("gzip of JSON", b, JSON " end");
	add_member(b, "stargz.index.json", '0', JSON);
	add_end(b);
	check("tar of JSON", b, JSON " end");
	add_member(b, "stargz.index.json", '0', JSON);
	add_end(b);
	gzip(b);
	check("gzip of tar of JSON", b, JSON " end");
	check("nothing", b, " end");
}

static void
test_bad(struct lp_buf *b)
{
	add_member(b, "stargz.index.json", '0', JSON);
	add_member(b, "x", '0', "");
	check("a second member", b, JSON " the tar holds something else than stargz.index.json");
	add_member(b, "index.json", '0', JSON);
	check("another member", b, " the tar holds something else than stargz.index.json");
	add_member(b, "stargz.index.json", '5', "");
	check("a directory", b, " the tar holds something else than stargz.index.json");
	add_member(b, "stargz.index.json", '0', JSON);
	b->n = 512 + 10;
	check("a tar cut off in the JSON", b, "{\"version\" cut");
	lp_buf_adds(b, JSON);
	gzip(b);
	b->n -= 8;
	check("a gzip member without its end", b, JSON " cut");
	lp_buf_adds(b, JSON);
	gzip(b);
	b->p[b->n - 1] ^= 1;
	check("a gzip member of another length", b, JSON " gzip: the data's length does not match");
	lp_buf_adds(b, JSON);
	gzip(b);
	lp_buf_adds(b, "junk");
	check("something behind a gzip member", b, JSON " what follows the last compressed member is ignored");
}

int
main(void)
{
	struct lp_buf b;

	lp_buf_init(&b, ROOM);
	test_forms(&b);
	test_bad(&b);
	lp_buf_release(&b);
	return unit_done();
}
