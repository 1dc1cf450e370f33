/*
 * A gzip file of tar read in parts: headers among symbols, where a body
 * ends, and whole files, in which what is listed is what all of it would
 * give, however the contents try to deceive.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/jump/jump.h"
#include "common/tar/tar.h"
#include "common/tar/tarfind.h"
#include "test/unit/unit.h"

enum { MB = 1024 * 1024 };

/* ---- tar and gzip ---- */

static struct lp_buf tar, file;
static struct unit_rng rng;

static void
add(struct lp_buf *b, const void *p, size_t n)
{
	if (lp_buf_add(b, lp_span(p, n)) != LP_OK)
		exit(1);
}

/* By its bytes, and `more`. */
static void
make_sum(unsigned char *h, int more)
{
	int sum = more;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 8, "%06o", (unsigned)sum);
}

static void
make_header(unsigned char *h, const char *name, uint64_t size, char type)
{
	memset(h, 0, LP_TAR_BLOCK);
	snprintf((char *)h, 100, "%s", name);
	memcpy(h + 100, "0000644\0" "0000000\0" "0000000\0", 24);
	snprintf((char *)h + 124, 12, "%011llo", (unsigned long long)size);
	memcpy(h + 136, "14531200000\0", 12);
	h[156] = (unsigned char)type;
	memcpy(h + 257, "ustar\0" "00", 8);
	make_sum(h, 0);
}

/* What a body is made of. */
enum content { TEXT, NOISE, ZEROS, HEADERS, CODE };

static void
add_body(enum content what, size_t n)
{
	static const char *const words[] = { "return ", "static ", "struct ", "0x", "\n\t", "bytes", "(", ");", "lp_", "unsigned " };
	unsigned char h[LP_TAR_BLOCK];
	size_t end = tar.n + n;

	while (tar.n < end) {
		unsigned char piece[32];
		size_t k = 1 + unit_rand(&rng, 31);
		const char *w = words[unit_rand(&rng, 10)];

		for (size_t i = 0; i < k; i++)
			piece[i] = what == ZEROS ? 0 : (unsigned char)unit_rand(&rng, what == CODE ? 24 : 256);
		if (what == TEXT || what == HEADERS)
			add(&tar, w, strlen(w));
		if (what != TEXT || unit_rand(&rng, 3) == 0)
			add(&tar, piece, what == TEXT ? k % 4 : k);
		if (what == HEADERS && unit_rand(&rng, 2000) == 0) {
			/* behind zeros, and where a block would be: as a real one */
			static const unsigned char zeros[LP_TAR_BLOCK * 2];

			add(&tar, zeros, LP_TAR_BLOCK + (LP_TAR_BLOCK - tar.n % LP_TAR_BLOCK) % LP_TAR_BLOCK);
			make_header(h, "decoy", unit_rand(&rng, 100000), '0');
			add(&tar, h, sizeof(h));
		}
	}
	tar.n = end;
}

static void
add_member(const char *name, enum content what, size_t size)
{
	unsigned char h[LP_TAR_BLOCK];
	static const unsigned char zeros[LP_TAR_BLOCK];

	make_header(h, name, size, '0');
	add(&tar, h, sizeof(h));
	add_body(what, size);
	add(&tar, zeros, (LP_TAR_BLOCK - size % LP_TAR_BLOCK) % LP_TAR_BLOCK);
}

static void
add_end(void)
{
	static const unsigned char zeros[LP_TAR_BLOCK * 2];

	add(&tar, zeros, sizeof(zeros));
}

/* One gzip member of all of it, behind what the file holds. */
static void
compress_tar(int level)
{
	static unsigned char out[256 * 1024];
	z_stream z = { .next_in = tar.p, .avail_in = (uInt)tar.n };

	if (deflateInit2(&z, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		exit(1);
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		deflate(&z, Z_FINISH);
		add(&file, out, sizeof(out) - z.avail_out);
	} while (z.avail_out == 0);
	deflateEnd(&z);
	lp_buf_clear(&tar);
}

/* ---- listings ---- */

static void
list_entry(struct lp_buf *list, const struct lp_entry *e)
{
	add(list, &e->size, sizeof(e->size));
	add(list, e->name.p, e->name.n);
	add(list, "\n", 1);
}

/* 0, or what ended it; `list` holds what it found. */
static int
list_jumping(struct lp_jump *j, struct lp_buf *list)
{
	struct lp_span s = lp_span(NULL, 0);
	struct lp_tar t;
	int rc = 1;

	lp_tar_init(&t);
	t.whole = 1;
	while (rc == 1) {
		switch (lp_tar_next(&t, &s)) {
		case LP_TAR_MEMBER:
			list_entry(list, &t.entry);
			continue;
		case LP_TAR_ERROR:
			rc = LP_E_DATA;
			continue;
		case LP_TAR_MORE:
			break;
		default:
			continue;
		}
		switch (lp_jump_next(j, lp_tar_skippable(&t), lp_tar_skippable_padding(&t))) {
		case LP_JUMP_WANT:
			if (j->want_n == 0 || j->want_at >= file.n || j->want_n > file.n - j->want_at)
				exit(1);
			lp_jump_give(j, lp_span(file.p + j->want_at, j->want_n));
			break;
		case LP_JUMP_BYTES: s = j->bytes; break;
		case LP_JUMP_SKIPPED: lp_tar_skipped(&t, j->skipped); break;
		case LP_JUMP_END: rc = j->unproven || lp_tar_eof(&t) != LP_TAR_END ? LP_E_DATA : LP_OK; break;
		case LP_JUMP_ERROR: rc = j->status; break;
		}
	}
	lp_tar_release(&t);
	return rc;
}

static void
list_all(struct lp_buf *list)
{
	struct lp_span s = lp_buf_span(&tar);
	struct lp_tar t;

	lp_tar_init(&t);
	for (enum lp_tar_event ev = lp_tar_next(&t, &s); ev != LP_TAR_MORE; ev = lp_tar_next(&t, &s))
		if (ev == LP_TAR_MEMBER)
			list_entry(list, &t.entry);
	lp_tar_release(&t);
}

/* The tar as it stands, compressed: what it gives is what all of it does. Of the file `most` percent may be read, and `least` jumps are made. */
static void
check(const char *name, int level, unsigned most, unsigned least)
{
	struct lp_buf want, got;
	struct lp_jump j;
	int rc;

	lp_buf_init(&want, 16 * MB);
	lp_buf_init(&got, 16 * MB);
	lp_buf_clear(&file);
	list_all(&want);
	compress_tar(level);
	if (lp_jump_init(&j, file.n) != LP_OK)
		exit(1);
	while ((rc = list_jumping(&j, &got)) != LP_OK && j.jumps > 0) {
		lp_buf_clear(&got);
		lp_jump_again(&j);
	}
	ok(rc == LP_OK && lp_span_eq(lp_buf_span(&got), lp_buf_span(&want)), "%s: the listing of all", name);
	ok(j.asked * 100 <= file.n * most && j.jumps >= least, "%s: %u %% read, %u jumps, %u passes", name,
	    (unsigned)(j.asked * 100 / file.n), (unsigned)j.jumps, j.passes);
	lp_jump_release(&j);
	lp_buf_release(&want);
	lp_buf_release(&got);
}

static void
add_few(enum content what, size_t size)
{
	char name[32];

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "d/large%d", i);
		add_member(name, what, size + (size_t)i * 77777);
		for (int k = 0; k < 4; k++) {
			snprintf(name, sizeof(name), "d/small%d.%d", i, k);
			add_member(name, TEXT, 3000 + unit_rand(&rng, 9000));
		}
	}
	add_end();
}

static void
test_files(void)
{
	add_few(TEXT, 3 * MB);
	check("text", 6, 115, 0);
	add_few(CODE, 3 * MB);
	check("few bits", 9, 30, 5);
	add_few(NOISE, 3 * MB);
	check("incompressible", 6, 115, 0);
	add_few(ZEROS, 30 * MB);
	check("zeros", 6, 110, 0);
	add_few(HEADERS, 2 * MB);
	check("bodies full of headers", 6, 250, 0);
	for (int i = 0; i < 300; i++)
		add_member("small", TEXT, unit_rand(&rng, 20000));
	add_end();
	check("small ones only", 6, 100, 0);
	add_member("one", TEXT, 0);
	add_end();
	check("hardly any", 6, 100, 0);
}

/* A body that is an archive is read, and not jumped over. */
static void
test_nested(void)
{
	unsigned char h[LP_TAR_BLOCK];
	struct lp_buf inner;

	lp_buf_init(&inner, 64 * MB);
	add_few(TEXT, MB);
	add(&inner, tar.p, tar.n);
	lp_buf_clear(&tar);
	make_header(h, "inner.tar", inner.n, '0');
	add(&tar, h, sizeof(h));
	add(&tar, inner.p, inner.n);
	add_member("behind", TEXT, 100);
	add_end();
	check("an archive in the archive", 6, 100, 0);
	lp_buf_release(&inner);
}

/* Cut off in a body that is worth a search: what is there is listed, and nothing wanted that the file does not have. */
static void
test_cut(void)
{
	static const size_t cuts[] = { 1200, 5000, 30000, 32700, 60000, 600000 };
	struct lp_buf got, all;

	lp_buf_init(&got, MB);
	lp_buf_init(&all, 16 * MB);
	add_member("first", TEXT, 500);
	add_member("large", CODE, 6 * MB);
	add_end();
	lp_buf_clear(&file);
	compress_tar(6);
	add(&all, file.p, file.n);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct lp_jump j;

		lp_buf_clear(&file);
		lp_buf_clear(&got);
		add(&file, all.p, cuts[i]);
		if (lp_jump_init(&j, file.n) != LP_OK)
			exit(1);
		ok(list_jumping(&j, &got) == LP_E_DATA && j.error_at == file.n && got.n == 2 * (8 + 6),
		    "cut off after %zu bytes: both members are listed", cuts[i]);
		lp_jump_release(&j);
	}
	lp_buf_release(&got);
	lp_buf_release(&all);
}

/* A window that begins among small files, the header behind it hidden; 40 MiB on another confirms that it is one. */
static void
test_hidden(void)
{
	struct lp_jump_window w = { 0 };
	struct lp_jump_habits habits = { .in = 1, .out = 3 };
	struct lp_jump_body body = { .size = 1000000 };
	struct lp_jump_eye *eye = calloc(1, sizeof(*eye));
	struct lp_buf stream;
	z_stream z = { 0 };
	static unsigned char out[256 * 1024];
	size_t from = 0;

	if (eye == NULL || deflateInit2(&z, 6, Z_DEFLATED, -15, 4, Z_DEFAULT_STRATEGY) != Z_OK)
		exit(1);
	lp_buf_init(&stream, MB);
	for (int i = 0; i < 12; i++)
		add_member("small", TEXT, 2000);
	from = tar.n;
	add_member("small", TEXT, 2000);
	add_member("small", ZEROS, 40 * MB);
	add_member("small", TEXT, 2000);
	/* a block begins where the window does */
	z.next_in = tar.p;
	for (int part = 0; part < 2; part++) {
		z.avail_in = (uInt)(part == 0 ? from : tar.n - from);
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			deflate(&z, part == 0 ? Z_SYNC_FLUSH : Z_FINISH);
			add(&stream, out, sizeof(out) - z.avail_out);
		} while (z.avail_out == 0);
		if (part == 0)
			from = stream.n;
	}
	deflateEnd(&z);
	lp_buf_clear(&tar);
	/* a byte in front, for the first one is not looked at */
	if (lp_jump_grow(&w, lp_span(stream.p + from - 1, stream.n - from + 1), 0) != LP_OK)
		exit(1);
	lp_jump_look(&w, &habits, &body, 8, eye);
	ok(w.landed && w.kind == LP_TARFIND_HIDDEN && w.ending <= 1 && w.ending >= 1, "a header that is hidden, and confirmed from afar");
	free(w.p);
	free(eye);
	lp_buf_release(&stream);
}

/* What cannot be listed is refused, in bounds, and says where. */
static void
test_refused(void)
{
	static const struct { const char *name; size_t cut, flip; } cases[] = {
		{ "no gzip", 0, 1 }, { "cut off in the header", 5, 0 }, { "cut off in the data", 3000, 0 },
		{ "the length is another", 0, SIZE_MAX }
	};
	struct lp_jump j;
	struct lp_buf got, all;

	lp_buf_init(&got, MB);
	lp_buf_init(&all, MB);
	add_member("one", TEXT, 20000);
	add_end();
	lp_buf_clear(&file);
	compress_tar(6);
	add(&all, file.p, file.n);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		lp_buf_clear(&file);
		add(&file, all.p, cases[i].cut > 0 ? cases[i].cut : all.n);
		if (cases[i].flip > 0)
			file.p[cases[i].flip < file.n ? cases[i].flip : file.n - 1] ^= 1;
		if (lp_jump_init(&j, file.n) != LP_OK)
			exit(1);
		ok(list_jumping(&j, &got) == LP_E_DATA && j.why != NULL && j.error_at <= file.n, "refused: %s", cases[i].name);
		lp_jump_release(&j);
	}
	lp_buf_release(&got);
	lp_buf_release(&all);
}

/* ---- headers among symbols ---- */

/* The header `h` at place 1000 of noise, some of its bytes unknown: `unknown` gives a mark or 0 for each. */
static enum lp_tarfind_kind
find(const unsigned char *h, uint16_t (*unknown)(size_t), const char *before, struct lp_tarfind *f)
{
	static uint16_t s[3000];

	lp_tarfind_init(f);
	f->before = (const unsigned char *)before;
	for (size_t i = 0; i < 3000; i++)
		s[i] = (uint16_t)unit_rand(&rng, 256);
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		s[1000 + i] = unknown(i) != 0 ? unknown(i) : h[i];
	/* in pieces */
	for (size_t n = 600; n <= 3000; n += 400)
		if (lp_tarfind_next(f, s, n, 0))
			return f->at == 1000 ? f->kind : LP_TARFIND_NONE;
	return LP_TARFIND_NONE;
}

static uint16_t known(size_t i) { (void)i; return 0; }
static uint16_t zeros_unknown(size_t i) { return i >= 160 && i < 250 ? 700 : 0; }
static uint16_t sum_unknown(size_t i) { return i == 150 ? 700 : 0; }
static uint16_t directory_unknown(size_t i) { return i < 4 ? (uint16_t)(900 + i) : 0; }
static uint16_t blank_unknown(size_t i) { return i == 155 ? 700 : 0; }
static uint16_t name_unknown(size_t i) { return i == 9 ? 900 : 0; }

static void
test_find(void)
{
	static const struct { const char *name; uint16_t (*unknown)(size_t); const char *before; enum lp_tarfind_kind want; } cases[] = {
		{ "known", known, NULL, LP_TARFIND_SETTLED },
		{ "zeros unknown", zeros_unknown, NULL, LP_TARFIND_SETTLED },
		{ "checksum unknown", sum_unknown, NULL, LP_TARFIND_UNSETTLED },
		{ "directory unknown, none before", directory_unknown, NULL, LP_TARFIND_UNSETTLED },
		{ "directory unknown, the one before is it", directory_unknown, "usr/lib/other", LP_TARFIND_SETTLED },
		{ "directory unknown, the one before is another", directory_unknown, "usr/lab/other", LP_TARFIND_UNSETTLED },
		{ "directory unknown, the one before has another sum", directory_unknown, "utr/lib/other", LP_TARFIND_UNSETTLED },
		{ "name unknown", name_unknown, "usr/lib/other", LP_TARFIND_UNSETTLED },
	};
	char before[LP_TARFIND_NAME];
	unsigned char h[LP_TAR_BLOCK];
	static struct lp_tarfind f;

	make_header(h, "usr/lib/libc.so", 12345, '0');
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(before, 0, sizeof(before));
		if (cases[i].before != NULL)
			snprintf(before, sizeof(before), "%s", cases[i].before);
		ok(find(h, cases[i].unknown, cases[i].before != NULL ? before : NULL, &f) == cases[i].want &&
		    (cases[i].want != LP_TARFIND_SETTLED || memcmp(f.block, h, sizeof(h)) == 0), "a header, %s", cases[i].name);
	}
	ok(lp_tarfind_known(&f.zeros, 65) == 65, "what is known stays");
	ok(find(h, blank_unknown, NULL, &f) == LP_TARFIND_SETTLED && lp_tarfind_known(&f.zeros, 700) == 700,
	    "what the checksum leaves out is not proven by it");
	/* a sum of signed bytes, of which four unknown ones cancel each other */
	make_header(h, "\x40\xc0\x20\xe0/libc.so", 12345, '0');
	memset(h + 265, 0xff, 1);
	make_sum(h, -256 * 3);
	ok(find(h, directory_unknown, NULL, &f) == LP_TARFIND_UNSETTLED, "a header, its sum signed");
	make_header(h, "usr/lib/libc.so", 12345, '0');
	h[0] ^= 1;
	ok(find(h, known, NULL, &f) == LP_TARFIND_NONE, "a wrong checksum is no header");
}

int
main(void)
{
	lp_buf_init(&tar, 256 * (size_t)MB);
	lp_buf_init(&file, 256 * (size_t)MB);
	rng.s = 3;
	test_find();
	test_files();
	test_nested();
	test_cut();
	test_hidden();
	test_refused();
	lp_buf_release(&tar);
	lp_buf_release(&file);
	return unit_done();
}
