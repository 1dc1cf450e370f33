/* What gzwrite writes is what our reader and zlib's take it for, however it is given; and how a page holds it. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "cmd/show/html.h"
#include "common/base/base64.h"
#include "common/base/status.h"
#include "common/codec/gzwrite.h"
#include "test/unit/unit.h"

enum { MAX = 8 * 1024 * 1024 };

/* The input in pieces of up to `step` bytes. */
static void
compress_by(struct lp_span in, size_t step, struct lp_buf *out)
{
	struct lp_gzwrite w;

	if (lp_gzwrite_init(&w) != LP_OK)
		abort();
	while (in.n > 0)
		if (lp_gzwrite_add(&w, lp_span_take(&in, in.n < step ? in.n : step), out) != LP_OK)
			abort();
	if (lp_gzwrite_end(&w, out) != LP_OK)
		abort();
	lp_gzwrite_release(&w);
}

/* By zlib, whole, with nothing behind it. */
static int
inflates_to(struct lp_span packed, struct lp_span want)
{
	unsigned char *room = malloc(want.n + 1);
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)packed.p, .avail_in = (uInt)packed.n,
		.next_out = room, .avail_out = (uInt)want.n + 1 };
	int said;

	if (room == NULL || inflateInit2(&z, 15 + 16) != Z_OK)
		abort();
	said = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	said = said == Z_STREAM_END && z.avail_in == 0 && z.total_out == want.n && (want.n == 0 || memcmp(room, want.p, want.n) == 0);
	free(room);
	return said;
}

static void
test_pieces(void)
{
	static const size_t sizes[] = { 0, 1, 100, 70000, 3000000 }, steps[] = { 1, 511, 65536, MAX };
	static unsigned char text[3000000];
	struct unit_rng rng = { 7 };
	struct lp_buf out;

	/* half of it does not compress */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 8192 < 4096 ? (unsigned char)unit_rand(&rng, 256) : (unsigned char)(i / 100);
	lp_buf_init(&out, MAX);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			if (steps[k] == 1 && sizes[i] > 70000)
				continue;
			lp_buf_clear(&out);
			compress_by(lp_span(text, sizes[i]), steps[k], &out);
			ok(inflates_to(lp_buf_span(&out), lp_span(text, sizes[i])), "%zu bytes by %zu", sizes[i], steps[k]);
		}
	lp_buf_release(&out);
}

/* A buffer that may not grow says so. */
static void
test_limit(void)
{
	static const unsigned char zeros[1000];
	struct lp_gzwrite w;
	struct lp_buf out;

	lp_buf_init(&out, 10);
	if (lp_gzwrite_init(&w) != LP_OK)
		abort();
	ok(lp_gzwrite_add(&w, lp_span(zeros, sizeof(zeros)), &out) == LP_E_LIMIT, "no room for it");
	lp_gzwrite_release(&w);
	lp_gzwrite_release(&w);
	lp_buf_release(&out);
}

static void
test_json(void)
{
	static const struct { const char *json, *want; } t[] = {
		{ "{}", "{}" }, { "", "" }, { "\"<\"", "\"\\u003c\"" }, { "\"a</script><!--<\"", "\"a\\u003c/script>\\u003c!--\\u003c\"" },
	};
	struct lp_buf b;

	lp_buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lp_buf_clear(&b);
		ok(lp_html_json(lp_span_str(t[i].json), &b) == LP_OK, "JSON %zu", i);
		ok_str(lp_buf_span(&b), t[i].want, "no markup in it");
	}
	lp_buf_release(&b);
}

/* Given in pieces, it is the base64 of the whole, in lines of 76. */
static void
test_base64(void)
{
	struct lp_buf in, out, want, joined;
	struct unit_rng rng = { 3 };
	size_t longest = 0, line = 0;

	lp_buf_init(&in, MAX);
	lp_buf_init(&out, MAX);
	lp_buf_init(&want, MAX);
	lp_buf_init(&joined, MAX);
	for (int i = 0; i < 1000; i++) {
		unsigned char byte = (unsigned char)unit_rand(&rng, 256);

		if (lp_buf_addc(&in, byte) != LP_OK || lp_buf_addc(&joined, byte) != LP_OK ||
		    (i % 7 == 0 && lp_html_base64(&in, 0, &out) != LP_OK))
			abort();
	}
	ok(in.n < 64, "what fills no line is kept");
	ok(lp_html_base64(&in, 1, &out) == LP_OK && in.n == 0, "and written at the end");
	if (lp_base64(&want, lp_buf_span(&joined)) != LP_OK)
		abort();
	lp_buf_clear(&joined);
	for (size_t i = 0; i < out.n; i++) {
		line = out.p[i] == '\n' ? 0 : line + 1;
		longest = line > longest ? line : longest;
		if (out.p[i] != '\n' && lp_buf_addc(&joined, out.p[i]) != LP_OK)
			abort();
	}
	ok(longest == 76 && out.p[out.n - 1] == '\n', "lines of 76");
	ok_span(lp_buf_span(&joined), lp_buf_span(&want), "all of it");
	lp_buf_release(&in);
	lp_buf_release(&out);
	lp_buf_release(&want);
	lp_buf_release(&joined);
}

int
main(void)
{
	test_pieces();
	test_limit();
	test_json();
	test_base64();
	return unit_done();
}
