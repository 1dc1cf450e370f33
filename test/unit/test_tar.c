/*
 * The tar reader: archives as tables, each read whole, byte by byte, cut in
 * two at every offset, by passing over what may be skipped, and with its
 * content asked for. The events must be the same each time.
 */
#include <inttypes.h>
#include <stdarg.h>

#include "common/base/limits.h"
#include "common/tar/tar.h"
#include "test/unit/tarmake.h"
#include "test/unit/unit.h"

static void __attribute__((format(printf, 2, 3)))
say(struct lp_buf *log, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (lp_buf_adds(log, text) != LP_OK)
		abort();
}

static void
say_entry(struct lp_buf *log, const struct lp_entry *e)
{
	size_t n = e->name.n < 40 ? e->name.n : 40;

	say(log, "%c %.*s %" PRIu64, (char)e->type, (int)n, n > 0 ? (const char *)e->name.p : "", e->size);
	if (e->linkname.n > 0)
		say(log, " -> %.*s", (int)e->linkname.n, (const char *)e->linkname.p);
	if (e->has & LP_HAS_DEV)
		say(log, " dev %u,%u", e->devmajor, e->devminor);
	for (size_t i = 0; i < e->nxattrs; i++)
		say(log, " %.*s=%.*s", (int)e->xattrs[i].name.n, (const char *)e->xattrs[i].name.p,
		    (int)e->xattrs[i].value.n, (const char *)e->xattrs[i].value.p);
	say(log, "\n");
}

static void
say_last(struct lp_buf *log, const struct lp_tar *t, enum lp_tar_event ev)
{
	static const char *const at[] = { "member", "padding", "header", "extension", "data" };

	if (ev == LP_TAR_END)
		say(log, "end\n");
	else if (ev == LP_TAR_TRUNCATED)
		say(log, "cut in %s\n", at[t->at]);
	else
		say(log, "%s at %" PRIu64 ": %s\n", t->status == LP_E_LIMIT ? "limit" : "bad",
		    t->error_offset, t->why);
}

enum way { LIST, SKIP, CONTENT, TELL_END };

/* Content that was handed out, checked against what the entry promised. */
struct content { uint64_t n; uint64_t size; int wrong; };

/* One event into the log; true when it was the last. */
static int
on_event(struct lp_tar *t, enum lp_tar_event ev, enum way way, struct lp_buf *log, struct content *c)
{
	switch (ev) {
	case LP_TAR_MEMBER:
		say_entry(log, &t->entry);
		*c = (struct content){ .size = t->entry.size, .wrong = c->wrong };
		if (way == CONTENT)
			lp_tar_want_data(t);
		else if (way == TELL_END)
			lp_tar_want_end(t);
		return 0;
	case LP_TAR_DATA: c->n += t->data.n; return 0;
	case LP_TAR_HOLE: c->n += t->hole; return 0;
	case LP_TAR_DATA_END:
		c->wrong += (way == CONTENT && c->n != c->size) || t->entry.size != c->size;
		return 0;
	case LP_TAR_ERROR: say_last(log, t, ev); return 1;
	default: return 0;
	}
}

/* Feed one exact heap block; true when it is over. */
static int
feed(struct lp_tar *t, struct lp_span part, enum way way, struct lp_buf *log, struct content *c)
{
	unsigned char *p = unit_exact(part);
	struct lp_span in = lp_span(p, part.n);
	enum lp_tar_event ev;
	int over = 0;

	do {
		ev = lp_tar_next(t, &in);
		over = on_event(t, ev, way, log, c);
		if (way == SKIP && !over) {
			uint64_t n = lp_tar_skippable(t);
			struct lp_span gone = lp_span_take(&in, n < in.n ? (size_t)n : in.n);

			lp_tar_skipped(t, gone.n);
		}
	} while (!over && ev != LP_TAR_MORE);
	free(p);
	return over;
}

/* All events of the bytes, cut at `cut` and then every `step` bytes. */
static void
read_all(struct lp_span bytes, size_t cut, size_t step, enum way way, struct lp_buf *log)
{
	struct content c = { 0 };
	struct lp_tar t;
	int over = 0;

	lp_tar_init(&t);
	over = feed(&t, lp_span_take(&bytes, cut), way, log, &c);
	while (!over && bytes.n > 0)
		over = feed(&t, lp_span_take(&bytes, step), way, log, &c);
	if (!over)
		say_last(log, &t, lp_tar_eof(&t));
	if (c.wrong)
		say(log, "%d times content of a wrong length\n", c.wrong);
	lp_tar_release(&t);
}

static int
same(struct lp_span bytes, size_t cut, size_t step, enum way way, struct lp_span want)
{
	struct lp_buf log;
	int alike;

	lp_buf_init(&log, 1024 * 1024);
	read_all(bytes, cut, step, way, &log);
	alike = lp_span_eq(lp_buf_span(&log), want);
	if (!alike)
		diag("cut %zu step %zu way %d: %.*s", cut, step, (int)way, (int)log.n, (const char *)log.p);
	lp_buf_release(&log);
	return alike;
}

static void
check(const char *name, struct lp_span bytes, const char *want)
{
	struct lp_buf log;
	int alike = 1;

	lp_buf_init(&log, 1024 * 1024);
	read_all(bytes, bytes.n, bytes.n, LIST, &log);
	ok_str(lp_buf_span(&log), want, name);
	for (enum way way = LIST; way <= TELL_END; way++)
		alike &= same(bytes, 0, 1, way, lp_buf_span(&log)) &&
		    same(bytes, bytes.n, 1, way, lp_buf_span(&log)) &&
		    same(bytes, 0, 700, way, lp_buf_span(&log));
	for (size_t cut = 0; cut < bytes.n && alike && bytes.n < 16 * 1024; cut++)
		alike &= same(bytes, cut, bytes.n, cut % 2 ? LIST : SKIP, lp_buf_span(&log));
	ok(alike, "%s: the same however it is cut and read", name);
	lp_buf_release(&log);
}

/* ---- archives --------------------------------------------------------------- */

#define HEAD(...) tm_head(b, (struct tm_header){ __VA_ARGS__ })
#define DATA(s) tm_data(b, s, strlen(s))

static void formats(struct lp_buf *b)
{
	HEAD(.name = "v7", .format = 'v', .size = 5);
	DATA("hello");
	HEAD(.name = "name", .prefix = "ustar", .size = 0);
	HEAD(.name = "name", .prefix = "star", .format = 's');
	HEAD(.name = "gnu", .format = 'g');
	tm_end(b);
}

static void types(struct lp_buf *b)
{
	size_t at;

	HEAD(.name = "hard", .type = '1', .link = "to");
	HEAD(.name = "sym", .type = '2', .link = "to");
	at = HEAD(.name = "chr", .type = '3');
	tm_patch(b, at, 329, "0000010\0000000377", 15);
	HEAD(.name = "blk", .type = '4');
	HEAD(.name = "dir/", .type = '5');
	HEAD(.name = "fifo", .type = '6');
	HEAD(.name = "cont", .type = '7', .size = 1);
	DATA("x");
	HEAD(.name = "unknown", .type = 'Z', .size = 1);
	DATA("x");
	HEAD(.name = "dump/", .type = 'D', .format = 'g', .size = 3);
	DATA("Ya");
	HEAD(.name = "label", .type = 'V', .format = 'g', .size = 2);
	DATA("xy");
	HEAD(.name = "link of a file", .link = "is none");
	tm_end(b);
}

/* The old way to write a directory: without data, even if there is a size. */
static void old_directory(struct lp_buf *b)
{
	size_t at = HEAD(.name = "dir/", .format = 'v', .size = 4096);

	tm_patch(b, at, 156, "", 1);
	at = HEAD(.name = "file", .format = 'v', .size = 2);
	tm_patch(b, at, 156, "", 1);
	DATA("hi");
	HEAD(.name = "zero/", .size = 2);
	DATA("hi");
	tm_end(b);
}

/* What has no data has none, whatever its size: else a member could hide in it. */
static void headers_only(struct lp_buf *b)
{
	static const char type[] = "123456";

	for (size_t i = 0; i < 6; i++) {
		HEAD(.name = "has no data", .type = type[i], .size = 512);
		HEAD(.name = "seen", .size = 0);
	}
	tm_end(b);
}

static void numbers(struct lp_buf *b)
{
	size_t at = HEAD(.name = "base-256", .format = 'g');

	tm_patch(b, at, 124, "\x80\0\0\0\0\0\0\0\0\0\0\x02", 12);
	DATA("hi");
	at = HEAD(.name = "blanks");
	tm_patch(b, at, 124, "         2 \0", 12);
	DATA("hi");
	at = HEAD(.name = "no number at all");
	tm_patch(b, at, 124, "            ", 12);
	at = HEAD(.name = "twelve digits");
	tm_patch(b, at, 124, "000000000002", 12);
	DATA("hi");
	at = HEAD(.name = "behind a NUL");
	tm_patch(b, at, 124, "2\0junk      ", 12);
	DATA("hi");
	tm_end(b);
}

static void signed_sum(struct lp_buf *b)
{
	size_t at = HEAD(.name = "\xff\xfe sum of signed bytes");
	unsigned char *p = b->p + at;
	char text[8];
	int sum = 0;

	memset(p + 148, ' ', 8);
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		sum += (signed char)p[i];
	snprintf(text, sizeof(text), "%06o", (unsigned)sum);
	memcpy(p + 148, text, 7);
	tm_end(b);
}

static void bad_sum(struct lp_buf *b)
{
	size_t at;

	HEAD(.name = "good");
	at = HEAD(.name = "bad");
	b->p[at + 3] = 'x';
	tm_end(b);
}

#define BAD_FIELD(function, offset, bytes)                            \
	static void function(struct lp_buf *b)                        \
	{                                                             \
		HEAD(.name = "good");                                 \
		tm_patch(b, HEAD(.name = "bad"), offset, bytes, sizeof(bytes) - 1); \
	}
BAD_FIELD(bad_mode, 100, "08")
BAD_FIELD(bad_uid, 108, "1 2")
BAD_FIELD(bad_gid, 116, "-1\0")
BAD_FIELD(bad_size, 124, "0x")
BAD_FIELD(bad_mtime, 136, "\x80\1\0\0\0\0\0\0\0\0\0\0")
BAD_FIELD(bad_major, 329, "eight")
BAD_FIELD(bad_minor, 337, "\x80\0\xff\xff\xff\xff\xff" "9")
BAD_FIELD(negative_size, 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe")
BAD_FIELD(huge_size, 124, "\x80\0\0\0\x80\0\0\0\0\0\0\0")

static void long_names(struct lp_buf *b)
{
	tm_extension(b, 'K', 'g', "long link", 10);
	tm_extension(b, 'L', 'g', "long name", 10);
	HEAD(.name = "short", .type = '2', .link = "short", .format = 'g');
	HEAD(.name = "next", .format = 'g');
	tm_extension(b, 'L', 'g', "no NUL", 6);
	HEAD(.name = "short", .format = 'g');
	tm_extension(b, 'L', 'g', "", 1);
	HEAD(.name = "empty is none", .format = 'g');
	tm_end(b);
}

/* GNU before 1.8's Go: text where the times are is a prefix, numbers are not. */
static void gnu_prefix(struct lp_buf *b)
{
	size_t at = HEAD(.name = "name", .format = 'g');

	tm_patch(b, at, 345, "a/prefix/of/some/length", 23);
	at = HEAD(.name = "with times", .format = 'g');
	tm_patch(b, at, 345, "14524770020\00014524770020", 24);
	tm_end(b);
}

static void pax_all(struct lp_buf *b)
{
	tm_pax(b, 'x', "path", "pax path", "linkpath", "pax link", "SCHILY.xattr.user.b", "2",
	    "SCHILY.xattr.user.a", "old", "SCHILY.xattr.user.a", "1", "comment", "two\nlines", NULL);
	HEAD(.name = "short", .type = '2', .link = "short");
	HEAD(.name = "next");
	tm_pax(b, 'x', "path", "first", "path", "second", NULL);
	HEAD(.name = "short");
	tm_pax(b, 'x', "path", "gone", "path", "", NULL);
	HEAD(.name = "an empty value deletes");
	tm_pax(b, 'x', "path", "replaced", NULL);
	tm_pax(b, 'x', "linkpath", "whole", NULL);
	HEAD(.name = "the last header counts", .type = '1', .link = "short");
	tm_pax(b, 'x', "LIBARCHIVE.xattr.user.%3d", "dmFsdWU", "LIBARCHIVE.xattr.user.a", "bm8",
	    "SCHILY.xattr.user.a", "yes", "LIBARCHIVE.xattr.user.bad", "!", NULL);
	HEAD(.name = "xattrs");
	tm_pax(b, 'x', "path", "p", "linkpath", "l", NULL);
	HEAD(.name = "a byte each", .type = '2', .link = "short");
	tm_end(b);
}

static void gnu_beats_pax(struct lp_buf *b)
{
	tm_pax(b, 'x', "path", "pax", "linkpath", "pax", NULL);
	tm_extension(b, 'L', 'g', "gnu", 4);
	tm_extension(b, 'K', 'g', "gnu", 4);
	HEAD(.name = "x first", .type = '2', .link = "l");
	tm_extension(b, 'L', 'g', "gnu", 4);
	tm_extension(b, 'K', 'g', "gnu", 4);
	tm_pax(b, 'x', "path", "pax", "linkpath", "pax", NULL);
	HEAD(.name = "x last", .type = '2', .link = "l");
	tm_end(b);
}

static void global(struct lp_buf *b)
{
	tm_pax(b, 'g', "path", "global", "size", "512", "mtime", "x", NULL);
	HEAD(.name = "not changed");
	tm_pax(b, 'x', "path", "forgotten", NULL);
	tm_pax(b, 'g', "comment", "none", NULL);
	HEAD(.name = "a global header in between");
	tm_end(b);
}

/* The size of pax rules what is reported and what is skipped. */
static void pax_size(struct lp_buf *b)
{
	tm_pax(b, 'x', "size", "3", NULL);
	HEAD(.name = "larger", .size = 0);
	DATA("abc");
	tm_pax(b, 'x', "size", "0", NULL);
	HEAD(.name = "smaller", .size = 512);
	HEAD(.name = "seen");
	tm_end(b);
}

/* ... of the member, and of no header in between. */
static void pax_size_not_for_extensions(struct lp_buf *b)
{
	tm_pax(b, 'x', "size", "1024", NULL);
	tm_extension(b, 'L', 'g', "long", 5);
	HEAD(.name = "short", .format = 'g');
	HEAD(.name = "hidden in the data");
	HEAD(.name = "hidden in the data");
	HEAD(.name = "seen");
	tm_end(b);
}

#define BAD_PAX(function, body)                                       \
	static void function(struct lp_buf *b)                        \
	{                                                             \
		HEAD(.name = "good");                                 \
		tm_extension(b, 'x', 'u', body, sizeof(body) - 1);    \
		HEAD(.name = "bad");                                  \
		tm_end(b);                                            \
	}
BAD_PAX(pax_nul_path, "12 path=a\0b\n")
BAD_PAX(pax_nul_key, "9 a\0b=cd\n")
BAD_PAX(pax_long, "8 path=a\n")
BAD_PAX(pax_out, "99 path=a\n")
BAD_PAX(pax_short, "4 a\n")
BAD_PAX(pax_no_key, "7 =abc\n")
BAD_PAX(pax_no_equals, "7 abcd\n")
BAD_PAX(pax_no_length, "path=a\n")
BAD_PAX(pax_signed_length, "+9 path=a\n")
BAD_PAX(pax_zeros, "10 path=a\n\0\0\0\0")
BAD_PAX(pax_uid, "9 uid=1x\n")
BAD_PAX(pax_bad_size, "9 size=-\n")
BAD_PAX(pax_negative, "11 size=-1\n")
BAD_PAX(pax_mtime, "12 mtime=.5\n")
BAD_PAX(pax_ctime, "13 ctime=1.x\n")

static void bad_global(struct lp_buf *b)
{
	tm_extension(b, 'g', 'u', "path=a\n", 7);
	HEAD(.name = "not reached");
	tm_end(b);
}

/* ---- sparse ----------------------------------------------------------------- */

static void
gnu_piece(struct lp_buf *b, size_t at, size_t i, unsigned offset, unsigned length)
{
	char text[32];

	snprintf(text, sizeof(text), "%011o%c%011o", offset, 0, length);
	memcpy(b->p + at + i * 24, text, 24);
}

static void sparse_gnu(struct lp_buf *b)
{
	size_t at = HEAD(.name = "two pieces", .type = 'S', .format = 'g', .size = 3);

	gnu_piece(b, at + 386, 0, 10, 2);
	gnu_piece(b, at + 386, 1, 100, 1);
	gnu_piece(b, at + 386, 2, 1000, 0);
	tm_patch(b, at, 483, "00000001750", 12); /* 1000 */
	DATA("abc");
	at = HEAD(.name = "a hole alone", .type = 'S', .format = 'g', .size = 0);
	tm_patch(b, at, 483, "00000001750", 12);
	HEAD(.name = "next", .format = 'g');
	tm_end(b);
}

static void sparse_gnu_blocks(struct lp_buf *b)
{
	size_t at = HEAD(.name = "47 pieces", .type = 'S', .format = 'g', .size = 47);
	unsigned n = 0;

	for (size_t i = 0; i < 4; i++, n++)
		gnu_piece(b, at + 386, i, n * 1000, 1);
	tm_patch(b, at, 482, "\1" "00000134130", 13); /* 47192 */
	for (int block = 0; block < 3; block++) {
		at = b->n;
		tm_zeros(b, LP_TAR_BLOCK);
		for (size_t i = 0; i < 21 && n < 47; i++, n++)
			gnu_piece(b, at, i, n * 1000, 1);
		b->p[at + 504] = block < 2;
	}
	DATA("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstu");
	HEAD(.name = "next", .format = 'g');
	tm_end(b);
}

static void sparse_ustar(struct lp_buf *b)
{
	HEAD(.name = "of another format", .type = 'S', .size = 0);
	tm_end(b);
}

static void sparse_unordered(struct lp_buf *b)
{
	size_t at = HEAD(.name = "bad", .type = 'S', .format = 'g', .size = 4);

	gnu_piece(b, at + 386, 0, 10, 2);
	gnu_piece(b, at + 386, 1, 11, 2);
	tm_patch(b, at, 483, "00000001750", 12);
}

static void sparse_out(struct lp_buf *b)
{
	size_t at = HEAD(.name = "bad", .type = 'S', .format = 'g', .size = 4);

	gnu_piece(b, at + 386, 0, 997, 4);
	tm_patch(b, at, 483, "00000001750", 12);
}

static void sparse_missing(struct lp_buf *b)
{
	size_t at = HEAD(.name = "bad", .type = 'S', .format = 'g', .size = 5);

	gnu_piece(b, at + 386, 0, 10, 4);
	tm_patch(b, at, 483, "00000001750", 12);
	DATA("abcde");
	HEAD(.name = "next");
	tm_end(b);
}

static void sparse_pax(struct lp_buf *b)
{
	tm_pax(b, 'x', "GNU.sparse.size", "1000", "GNU.sparse.numblocks", "2", "GNU.sparse.offset", "10",
	    "GNU.sparse.numbytes", "2", "GNU.sparse.offset", "100", "GNU.sparse.numbytes", "1", NULL);
	HEAD(.name = "0.0", .size = 3);
	DATA("abc");
	tm_pax(b, 'x', "GNU.sparse.size", "1000", "GNU.sparse.numblocks", "2", "GNU.sparse.map", "10,2,100,1",
	    "GNU.sparse.name", "0.1", NULL);
	HEAD(.name = "GNUSparseFile.1/0.1", .size = 3);
	DATA("abc");
	tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "1000",
	    "GNU.sparse.name", "1.0", NULL);
	HEAD(.name = "GNUSparseFile.1/1.0", .size = 515);
	DATA("2\n10\n2\n100\n1\n");
	DATA("abc");
	tm_pax(b, 'x', "GNU.sparse.major", "2", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "1000",
	    "GNU.sparse.map", "10,2,100,1", NULL);
	HEAD(.name = "of an unknown version", .size = 3);
	DATA("abc");
	tm_end(b);
}

/* A map of 1.0 that needs a second block, and one that fills its block to the last byte. */
static void sparse_pax1_blocks(struct lp_buf *b)
{
	char map[1024];
	size_t n = 0;

	tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "1000000", NULL);
	HEAD(.name = "two blocks", .size = 1024);
	n = (size_t)snprintf(map, sizeof(map), "100\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(map + n, sizeof(map) - n, "%d\n0\n", 1000 + i);
	tm_data(b, map, n);
	tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "1000000", NULL);
	HEAD(.name = "one block", .size = 512);
	n = (size_t)snprintf(map, sizeof(map), "84\n");
	for (int i = 0; i < 82; i++)
		n += (size_t)snprintf(map + n, sizeof(map) - n, "%d\n0\n", 100 + i);
	n += (size_t)snprintf(map + n, sizeof(map) - n, "2000\n0\n2000\n00\n");
	tm_data(b, map, n);
	HEAD(.name = "next");
	tm_end(b);
}

#define BAD_PAX1(function, size_, map)                                \
	static void function(struct lp_buf *b)                        \
	{                                                             \
		tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", \
		    "GNU.sparse.realsize", "1000", NULL);             \
		HEAD(.name = "bad", .size = size_);                   \
		DATA(map);                                            \
		tm_end(b);                                            \
	}
BAD_PAX1(sparse1_short, 511, "0\n")
BAD_PAX1(sparse1_no_end, 512, "2\n1\n0\n")
BAD_PAX1(sparse1_blank_line, 512, "1\n\n1\n")
BAD_PAX1(sparse1_huge, 512, "1\n0\n99999999999999999999\n")
BAD_PAX1(sparse1_overflow, 512, "2\n0\n9223372036854775807\n9223372036854775807\n1\n")

#define BAD_PAX0(function, ...)                                       \
	static void function(struct lp_buf *b)                        \
	{                                                             \
		tm_pax(b, 'x', __VA_ARGS__, NULL);                    \
		HEAD(.name = "bad", .size = 0);                       \
		tm_end(b);                                            \
	}
BAD_PAX0(sparse0_order, "GNU.sparse.numblocks", "1", "GNU.sparse.numbytes", "0", "GNU.sparse.offset", "0")
BAD_PAX0(sparse0_half, "GNU.sparse.numblocks", "1", "GNU.sparse.offset", "0")
BAD_PAX0(sparse0_count, "GNU.sparse.map", "0,0")
BAD_PAX0(sparse0_more, "GNU.sparse.map", "0,0,0,0", "GNU.sparse.numblocks", "1")
BAD_PAX0(sparse0_comma, "GNU.sparse.map", "0,0,", "GNU.sparse.numblocks", "1")
BAD_PAX0(sparse0_negative, "GNU.sparse.map", "-1,0", "GNU.sparse.numblocks", "1")

static void sparse_link(struct lp_buf *b)
{
	tm_pax(b, 'x', "GNU.sparse.map", "0,0", "GNU.sparse.numblocks", "1", NULL);
	HEAD(.name = "bad", .type = '2', .link = "x");
	tm_end(b);
}

/* ---- ends --------------------------------------------------------------------- */

static void nothing(struct lp_buf *b) { (void)b; }
/* n bytes of zeros, but for those of `text` at that offset. */
static void zeros_but(struct lp_buf *b, size_t n, size_t at, const char *text)
{
	for (size_t i = 0; i < n; i++)
		tm_add(b, "", 1);
	if (text != NULL)
		memcpy(b->p + at, text, strlen(text));
}

static void blank(struct lp_buf *b) { zeros_but(b, 10240, 0, NULL); }
static void blank_byte(struct lp_buf *b) { zeros_but(b, 3073, 3072, "x"); }
static void blank_header(struct lp_buf *b)
{
	zeros_but(b, 1024, 0, NULL);
	HEAD(.name = "behind the end");
}
static void erofs(struct lp_buf *b) { zeros_but(b, 4096, 1024, "\xe2\xe1\xf5\xe0"); }
static void ext4(struct lp_buf *b) { zeros_but(b, 4096, 1024 + 56, "\x53\xef"); }
static void iso9660(struct lp_buf *b) { zeros_but(b, 40960, 32768, "\1CD001"); }

static void only_end(struct lp_buf *b) { tm_end(b); }
static void one_zero_block(struct lp_buf *b) { HEAD(.name = "a"); tm_zeros(b, 512); }
static void part_of_second(struct lp_buf *b) { HEAD(.name = "a"); tm_zeros(b, 700); }
static void no_end(struct lp_buf *b) { HEAD(.name = "a"); }
static void part_of_end(struct lp_buf *b) { HEAD(.name = "a"); tm_zeros(b, 100); }
static void in_header(struct lp_buf *b) { HEAD(.name = "a"); HEAD(.name = "b"); b->n -= 12; }
static void in_first_header(struct lp_buf *b) { HEAD(.name = "a"); b->n = 200; }
static void in_data(struct lp_buf *b) { HEAD(.name = "a", .size = 600); tm_add(b, "abc", 3); }
static void in_padding(struct lp_buf *b) { HEAD(.name = "a", .size = 3); tm_add(b, "abcd", 4); }
static void in_long_name(struct lp_buf *b) { tm_extension(b, 'L', 'g', "name", 5); b->n -= 510; }
static void behind_long_name(struct lp_buf *b) { tm_extension(b, 'L', 'g', "name", 5); }
static void in_map(struct lp_buf *b) { sparse_gnu_blocks(b); b->n = 800; }
static void trailing(struct lp_buf *b) { HEAD(.name = "a"); tm_end(b); HEAD(.name = "ignored"); }
static void zero_then_data(struct lp_buf *b) { HEAD(.name = "a"); tm_zeros(b, 512); HEAD(.name = "b"); }
static void zero_then_cut(struct lp_buf *b) { zero_then_data(b); b->n -= 400; }
static void gzip(struct lp_buf *b) { tm_add(b, "\x1f\x8b\x08", 3); }
static void html(struct lp_buf *b) { DATA("<!DOCTYPE html><title>404</title>"); }
static void html_short(struct lp_buf *b) { tm_add(b, "<html>", 6); }
static void text(struct lp_buf *b) { for (int i = 0; i < 30; i++) tm_add(b, "just text, ", 11); }

static const struct { const char *name; void (*build)(struct lp_buf *); const char *want; } cases[] = {
	{ "formats", formats, "- v7 5\n- ustar/name 0\n- star/name 0\n- gnu 0\nend\n" },
	{ "types", types, "h hard 0 -> to\nl sym 0 -> to\nc chr 0 dev 8,255\nb blk 0 dev 0,0\nd dir/ 0\np fifo 0\n"
	    "- cont 1\n- unknown 1\nd dump/ 3\n- link of a file 0\nend\n" },
	{ "old directories", old_directory, "d dir/ 0\n- file 2\n- zero/ 2\nend\n" },
	{ "types without data", headers_only, "h has no data 0\n- seen 0\nl has no data 0\n- seen 0\n"
	    "c has no data 0 dev 0,0\n- seen 0\nb has no data 0 dev 0,0\n- seen 0\nd has no data 0\n- seen 0\n"
	    "p has no data 0\n- seen 0\nend\n" },
	{ "numbers", numbers, "- base-256 2\n- blanks 2\n- no number at all 0\n- twelve digits 2\n"
	    "- behind a NUL 2\nend\n" },
	{ "a sum of signed bytes", signed_sum, "- \xff\xfe sum of signed bytes 0\nend\n" },
	{ "a wrong sum", bad_sum, "- good 0\nbad at 512: header checksum does not match\n" },
	{ "bad mode", bad_mode, "- good 0\nbad at 512: the mode is not a number\n" },
	{ "bad uid", bad_uid, "- good 0\nbad at 512: the user ID is not a number\n" },
	{ "bad gid", bad_gid, "- good 0\nbad at 512: the group ID is not a number\n" },
	{ "bad size", bad_size, "- good 0\nbad at 512: the size is not a number\n" },
	{ "bad mtime", bad_mtime, "- good 0\nbad at 512: the modification time is not a number\n" },
	{ "bad major", bad_major, "- good 0\nbad at 512: the device's major number is not a number\n" },
	{ "bad minor", bad_minor, "- good 0\n- bad 0\ncut in member\n" },
	{ "negative size", negative_size, "- good 0\nbad at 512: the size is negative\n" },
	{ "a size above 63 bits", huge_size, "- good 0\nbad at 512: the size is not a number\n" },
	{ "long names", long_names, "l long name 0 -> long link\n- next 0\n- no NUL 0\n- empty is none 0\nend\n" },
	{ "a prefix in GNU's header", gnu_prefix, "- a/prefix/of/some/length/name 0\n- with times 0\nend\n" },
	{ "pax", pax_all, "l pax path 0 -> pax link user.a=1 user.b=2\n- next 0\n- second 0\n"
	    "- an empty value deletes 0\nh the last header counts 0 -> whole\n"
	    "- xattrs 0 user.==value user.a=yes\nl p 0 -> l\nend\n" },
	{ "GNU's names beat pax", gnu_beats_pax, "l gnu 0 -> gnu\nl gnu 0 -> gnu\nend\n" },
	{ "global headers", global, "- not changed 0\n- a global header in between 0\nend\n" },
	{ "the size of pax", pax_size, "- larger 3\n- smaller 0\n- seen 0\nend\n" },
	{ "a pax size and a long name", pax_size_not_for_extensions, "- long 1024\n- seen 0\nend\n" },
	{ "pax: NUL in a path", pax_nul_path, "- good 0\nbad at 1024: a pax record's name holds a NUL\n" },
	{ "pax: NUL in a key", pax_nul_key, "- good 0\nbad at 1024: a pax record's key holds a NUL\n" },
	{ "pax: too short by one", pax_long, "- good 0\nbad at 1024: a pax record does not end in a newline\n" },
	{ "pax: out of its header", pax_out, "- good 0\n"
	    "bad at 1024: a pax record's length is not a number, or leads out of its header\n" },
	{ "pax: four bytes", pax_short, "- good 0\nbad at 1024: a pax record is too short\n" },
	{ "pax: no key", pax_no_key, "- good 0\nbad at 1024: a pax record has no key\n" },
	{ "pax: no equals sign", pax_no_equals, "- good 0\nbad at 1024: a pax record has no key\n" },
	{ "pax: no length", pax_no_length, "- good 0\n"
	    "bad at 1024: a pax record's length is not a number, or leads out of its header\n" },
	{ "pax: a sign in front of the length", pax_signed_length, "- good 0\n"
	    "bad at 1024: a pax record's length is not a number, or leads out of its header\n" },
	{ "pax: zeros behind the records", pax_zeros, "- good 0\n"
	    "bad at 1034: a pax record's length is not a number, or leads out of its header\n" },
	{ "pax: uid", pax_uid, "- good 0\nbad at 1024: the pax user ID is not a number\n" },
	{ "pax: size", pax_bad_size, "- good 0\nbad at 1024: the pax size is not a number\n" },
	{ "pax: negative size", pax_negative, "- good 0\nbad at 1536: the size is negative\n" },
	{ "pax: mtime", pax_mtime, "- good 0\nbad at 1024: a pax time is not a number\n" },
	{ "pax: ctime", pax_ctime, "- good 0\nbad at 1024: a pax time is not a number\n" },
	{ "pax: a global header", bad_global,
	    "bad at 512: a pax record's length is not a number, or leads out of its header\n" },
	{ "sparse, GNU", sparse_gnu, "- two pieces 1000\n- a hole alone 1000\n- next 0\nend\n" },
	{ "sparse, GNU with more blocks", sparse_gnu_blocks, "- 47 pieces 47192\n- next 0\nend\n" },
	{ "sparse, not GNU", sparse_ustar, "bad at 0: a sparse file of a format other than GNU's\n" },
	{ "sparse, overlapping", sparse_unordered,
	    "bad at 0: the pieces of a sparse map overlap or are out of order\n" },
	{ "sparse, behind the end", sparse_out, "bad at 0: a sparse map leads out of its file\n" },
	{ "sparse, pax", sparse_pax, "- 0.0 1000\n- 0.1 1000\n- 1.0 1000\n- of an unknown version 3\nend\n" },
	{ "sparse 1.0, blocks", sparse_pax1_blocks, "- two blocks 1000000\n- one block 1000000\n- next 0\nend\n" },
	{ "sparse 1.0, no block", sparse1_short, "bad at 1536: a sparse map is longer than its member\n" },
	{ "sparse 1.0, no end", sparse1_no_end,
	    "bad at 1536: a sparse map holds something that is not a number\n" },
	{ "sparse 1.0, a blank line", sparse1_blank_line,
	    "bad at 1536: a sparse map holds something that is not a number\n" },
	{ "sparse 1.0, huge", sparse1_huge,
	    "bad at 1536: a sparse map holds something that is not a number\n" },
	{ "sparse 1.0, overflow", sparse1_overflow,
	    "bad at 1536: the pieces of a sparse map overlap or are out of order\n" },
	{ "sparse 0.0, order", sparse0_order, "bad at 538: the records of a sparse map are out of order\n" },
	{ "sparse 0.0, odd", sparse0_half, "bad at 512: a sparse map holds something that is not a number\n" },
	{ "sparse 0.1, no count", sparse0_count,
	    "bad at 512: a sparse map's number of pieces is missing or not a number\n" },
	{ "sparse 0.1, more", sparse0_more, "bad at 512: a sparse map has more numbers than it says\n" },
	{ "sparse 0.1, a comma more", sparse0_comma,
	    "bad at 512: a sparse map holds something that is not a number\n" },
	{ "sparse 0.1, negative", sparse0_negative,
	    "bad at 512: a sparse map holds something that is not a number\n" },
	{ "sparse link", sparse_link, "bad at 1024: a sparse map on something that has no data\n" },
	{ "empty input", nothing, "bad at 0: the input is empty: even a tar without members has an end marker\n" },
	{ "an empty archive", only_end, "end\n" },
	{ "zeros to the end", blank, "end\n" },
	{ "zeros, and a byte", blank_byte, "bad at 3072: zeros, and then something else: not tar\n" },
	{ "zeros, and a header", blank_header, "bad at 1024: zeros, and then something else: not tar\n" },
	{ "EROFS", erofs, "bad at 1024: an EROFS file system, not tar\n" },
	{ "ext4", ext4, "bad at 1024: an ext4 file system, not tar\n" },
	{ "ISO 9660", iso9660, "bad at 32768: an ISO 9660 file system, not tar\n" },
	{ "one zero block", one_zero_block, "- a 0\nend\n" },
	{ "one zero block and a part", part_of_second, "- a 0\nend\n" },
	{ "no end marker", no_end, "- a 0\ncut in member\n" },
	{ "a part of the end marker", part_of_end, "- a 0\ncut in header\n" },
	{ "cut in a header", in_header, "- a 0\ncut in header\n" },
	{ "cut in the first header", in_first_header, "cut in header\n" },
	{ "cut in data", in_data, "- a 600\ncut in data\n" },
	{ "cut in padding", in_padding, "- a 3\ncut in padding\n" },
	{ "cut in a long name", in_long_name, "cut in extension\n" },
	{ "cut behind a long name", behind_long_name, "cut in extension\n" },
	{ "cut in a sparse map", in_map, "cut in extension\n" },
	{ "behind the end marker", trailing, "- a 0\nend\n" },
	{ "a zero block, then a member", zero_then_data,
	    "- a 0\nbad at 1024: a zero block is followed by one that is not zero\n" },
	{ "a zero block, then part of a member", zero_then_cut,
	    "- a 0\nbad at 1024: a zero block is followed by one that is not zero\n" },
	{ "gzip", gzip, "bad at 0: gzip data, not tar: put lp-inflate in front\n" },
	{ "HTML", html, "bad at 0: an HTML page, not tar\n" },
	{ "a short HTML page", html_short, "bad at 0: an HTML page, not tar\n" },
	{ "text", text, "bad at 0: the input ends in a header, and that is none of tar\n" },
};

/* ---- limits: just below and just above ----------------------------------------- */

static void
check_limit(const char *name, struct lp_buf *b, const char *want)
{
	struct lp_buf log;

	lp_buf_init(&log, 4096);
	read_all(lp_buf_span(b), b->n, b->n, LIST, &log);
	ok_str(lp_buf_span(&log), want, name);
	lp_buf_release(&log);
	lp_buf_clear(b);
}

static void
long_name(struct lp_buf *b, size_t n, int pax)
{
	char *name = malloc(n + 1);
	struct lp_buf body;

	if (name == NULL)
		abort();
	memset(name, 'n', n);
	name[n] = '\0';
	lp_buf_init(&body, 2 * LP_MAX_EXTENSION);
	if (pax) {
		tm_record(&body, "path", name, n);
		tm_extension(b, 'x', 'u', body.p, body.n);
	} else {
		tm_extension(b, 'L', 'g', name, n + 1);
	}
	HEAD(.name = "short", .format = pax ? 'u' : 'g');
	tm_end(b);
	lp_buf_release(&body);
	free(name);
}

static void
extension_of(struct lp_buf *b, char type, size_t n)
{
	struct lp_buf body;

	lp_buf_init(&body, 2 * LP_MAX_EXTENSION);
	tm_zeros(&body, n);
	memset(body.p, 'c', n);
	memcpy(body.p, n == LP_MAX_EXTENSION ? "1048576 a=" : "1048577 a=", 10);
	body.p[n - 1] = '\n';
	tm_extension(b, type, 'u', body.p, body.n);
	HEAD(.name = "a");
	tm_end(b);
	lp_buf_release(&body);
}

static void
records(struct lp_buf *b, size_t n)
{
	struct lp_buf body;

	lp_buf_init(&body, LP_MAX_EXTENSION);
	for (size_t i = 0; i < n; i++)
		tm_record(&body, "a", "b", 1);
	tm_extension(b, 'x', 'u', body.p, body.n);
	HEAD(.name = "a");
	tm_end(b);
	lp_buf_release(&body);
}

static void
pieces(struct lp_buf *b, size_t n)
{
	struct lp_buf map;
	char line[64];

	lp_buf_init(&map, 16 * 1024 * 1024);
	snprintf(line, sizeof(line), "%zu\n", n);
	tm_add(&map, line, strlen(line));
	for (size_t i = 0; i < n; i++)
		tm_add(&map, "0\n0\n", 4);
	tm_zeros(&map, -map.n % LP_TAR_BLOCK);
	tm_pax(b, 'x', "GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "0", NULL);
	HEAD(.name = "a", .size = map.n);
	tm_add(b, map.p, map.n);
	tm_end(b);
	lp_buf_release(&map);
}

static void
limits(void)
{
	static const char name40[] = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
	struct lp_buf b;
	char want[128];

	lp_buf_init(&b, 32 * 1024 * 1024);
	snprintf(want, sizeof(want), "- %s 0\nend\n", name40);
	for (int pax = 0; pax <= 1; pax++) {
		long_name(&b, LP_MAX_PATH, pax);
		check_limit("the longest name", &b, want);
		long_name(&b, LP_MAX_PATH + 1, pax);
		check_limit("a name too long", &b, "limit at 66560: a name is longer than this reader allows\n");
	}
	for (const char *type = "xg"; *type != '\0'; type++) {
		extension_of(&b, *type, LP_MAX_EXTENSION);
		check_limit("the largest extension", &b, "- a 0\nend\n");
		extension_of(&b, *type, LP_MAX_EXTENSION + 1);
		check_limit("an extension too large", &b,
		    "limit at 0: an extension header is larger than this reader allows\n");
	}
	records(&b, LP_MAX_PAX_RECORDS);
	check_limit("the most records", &b, "- a 0\nend\n");
	records(&b, LP_MAX_PAX_RECORDS + 1);
	check_limit("a record too many", &b, "limit at 393728: more pax records than this reader allows\n");
	pieces(&b, LP_MAX_SPARSE);
	check_limit("the most pieces", &b, "- a 0\nend\n");
	pieces(&b, LP_MAX_SPARSE + 1);
	check_limit("a piece too many", &b,
	    "limit at 1536: a sparse map has more pieces than this reader allows\n");
	lp_buf_release(&b);
}

/* ---- content, attributes, offsets ------------------------------------------------ */

static void
content(void)
{
	struct lp_buf b, got;
	struct lp_span in;
	struct lp_tar t;
	int ends = 0;

	lp_buf_init(&b, 65536);
	lp_buf_init(&got, 65536);
	sparse_gnu(&b);
	lp_tar_init(&t);
	in = lp_buf_span(&b);
	for (;;) {
		enum lp_tar_event ev = lp_tar_next(&t, &in);

		if (ev == LP_TAR_MEMBER)
			lp_tar_want_data(&t);
		else if (ev == LP_TAR_DATA)
			tm_add(&got, t.data.p, t.data.n);
		else if (ev == LP_TAR_HOLE)
			say(&got, "[%" PRIu64 "]", t.hole);
		else if (ev == LP_TAR_DATA_END)
			say(&got, "%d|", ++ends);
		else
			break;
	}
	ok_str(lp_buf_span(&got), "[10]ab[88]c[899]1|[1000]2|3|", "a sparse file with its holes");
	lp_tar_release(&t);
	lp_buf_release(&got);
	lp_buf_release(&b);
}

/* A map that does not match what is stored is in the way of who wants the content, not of a listing. */
static void
misfit(void)
{
	struct lp_span in;
	struct lp_buf b;
	struct lp_tar t;

	for (int want = 0; want < 2; want++) {
		lp_buf_init(&b, 65536);
		sparse_missing(&b);
		lp_tar_init(&t);
		in = lp_buf_span(&b);
		ok(lp_tar_next(&t, &in) == LP_TAR_MEMBER && t.entry.size == 1000, "it is listed");
		if (want) {
			lp_tar_want_data(&t);
			ok(lp_tar_next(&t, &in) == LP_TAR_ERROR && t.status == LP_E_DATA && t.error_offset == 512, "its content is refused");
		} else {
			ok(lp_tar_next(&t, &in) == LP_TAR_MEMBER && lp_span_is(t.entry.name, "next"), "the next one is found");
			ok(lp_tar_next(&t, &in) == LP_TAR_END, "and the end");
		}
		lp_tar_release(&t);
		lp_buf_release(&b);
	}
}

/* An archive whose end is the input's: where that may be. */
static void
whole(void)
{
	static const struct { size_t n; int whole; enum lp_tar_event want; } at[] = {
		{ 0, 1, LP_TAR_END }, { 0, 0, LP_TAR_ERROR }, { 511, 1, LP_TAR_TRUNCATED }, { 512, 1, LP_TAR_TRUNCATED },
		{ 514, 1, LP_TAR_TRUNCATED }, { 515, 1, LP_TAR_END }, { 515, 0, LP_TAR_TRUNCATED }, { 1000, 1, LP_TAR_END },
		{ 1024, 1, LP_TAR_END }, { 1024, 0, LP_TAR_TRUNCATED }, { 1500, 1, LP_TAR_TRUNCATED }, { 1536, 1, LP_TAR_END },
		{ 2048, 1, LP_TAR_TRUNCATED },
	};
	struct lp_buf b;

	lp_buf_init(&b, 65536);
	tm_head(&b, (struct tm_header){ .name = "a", .size = 3 });
	tm_data(&b, "abc", 3);
	tm_head(&b, (struct tm_header){ .name = "b" });
	tm_pax(&b, 'x', "path", "c", NULL);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct lp_span in = lp_span(b.p, at[i].n);
		enum lp_tar_event ev;
		struct lp_tar t;

		lp_tar_init(&t);
		t.whole = at[i].whole;
		while ((ev = lp_tar_next(&t, &in)) == LP_TAR_MEMBER)
			;
		ok(ev == LP_TAR_MORE && lp_tar_eof(&t) == at[i].want && t.unmarked == (at[i].want == LP_TAR_END),
		    "%zu bytes, whole: %d", at[i].n, at[i].whole);
		ok(lp_tar_eof(&t) == at[i].want, "and again");
		lp_tar_release(&t);
	}
	lp_buf_release(&b);
}

static struct lp_entry
first_entry(struct lp_tar *t, struct lp_buf *b)
{
	struct lp_span in = lp_buf_span(b);

	lp_tar_init(t);
	if (lp_tar_next(t, &in) != LP_TAR_MEMBER)
		return (struct lp_entry){ .size = UINT64_MAX };
	return t->entry;
}

static void
attributes(void)
{
	struct lp_entry e;
	struct lp_buf b;
	struct lp_tar t;

	lp_buf_init(&b, 65536);
	tm_pax(&b, 'x', "uid", "4000000000", "gid", "-1", "mtime", "-0.25", "gname", "gr\xc3\xbcn", NULL);
	tm_head(&b, (struct tm_header){ .name = "a", .uname = "root", .size = 1 });
	tm_data(&b, "x", 1);
	e = first_entry(&t, &b);
	ok(e.uid == 4000000000 && e.gid == -1 && e.mode == 0644 && e.typeflag == '0', "numbers of pax");
	ok(e.mtime == -1 && e.mtime_nsec == 750000000 && (e.has & LP_HAS_MTIME), "a quarter before 1970");
	ok(lp_span_is(e.uname, "root") && lp_span_is(e.gname, "gr\xc3\xbcn"), "names of owners");
	ok(e.header_offset == 0 && e.data_offset == 1536, "offsets, extensions included");
	lp_tar_release(&t);

	lp_buf_clear(&b);
	tm_patch(&b, tm_head(&b, (struct tm_header){ .name = "a" }), 136, "            ", 12);
	e = first_entry(&t, &b);
	ok(!(e.has & (LP_HAS_MTIME | LP_HAS_UNAME | LP_HAS_DEV)), "what is blank is not known");
	ok(e.uid == 01750 && e.gid == 0144, "numbers of the header");
	lp_tar_release(&t);

	lp_buf_clear(&b);
	tm_patch(&b, tm_head(&b, (struct tm_header){ .name = "a", .format = 'g' }), 136,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
	e = first_entry(&t, &b);
	ok(e.mtime == -1 && (e.has & LP_HAS_MTIME), "base-256 before 1970");
	lp_tar_release(&t);
	lp_buf_release(&b);
}

static void
trailing_byte(void)
{
	struct lp_buf b;
	struct lp_span in;
	struct lp_tar t;

	lp_buf_init(&b, 65536);
	trailing(&b);
	in = lp_buf_span(&b);
	lp_tar_init(&t);
	while (lp_tar_next(&t, &in) != LP_TAR_MORE)
		continue;
	ok(t.trailing == 1536 && t.offset == b.n, "the first byte behind the end is named");
	lp_tar_release(&t);
	lp_buf_release(&b);
}

/* What nobody asked for need not be read. */
static void
skipping(void)
{
	static const struct { void (*want)(struct lp_tar *); uint64_t at_once, behind_end; } t[] = {
		{ NULL, 1024, 0 }, { lp_tar_want_end, 1000, 24 }, { lp_tar_want_data, 0, 0 },
	};
	struct lp_buf b;

	lp_buf_init(&b, 8192);
	tm_head(&b, (struct tm_header){ .name = "x", .size = 1000 });
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_span in = lp_buf_span(&b);
		struct lp_tar tar;

		lp_tar_init(&tar);
		ok(lp_tar_next(&tar, &in) == LP_TAR_MEMBER, "a member");
		if (t[i].want != NULL)
			t[i].want(&tar);
		ok(lp_tar_skippable(&tar) == t[i].at_once, "%d bytes of it can be skipped", (int)t[i].at_once);
		if (t[i].behind_end > 0) {
			lp_tar_skipped(&tar, 1000);
			ok(lp_tar_next(&tar, &in) == LP_TAR_DATA_END && lp_tar_skippable(&tar) == t[i].behind_end, "and what fills its block");
		}
		lp_tar_release(&tar);
	}
	lp_buf_release(&b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lp_buf b;

		lp_buf_init(&b, 1024 * 1024);
		cases[i].build(&b);
		check(cases[i].name, lp_buf_span(&b), cases[i].want);
		lp_buf_release(&b);
	}
	limits();
	content();
	misfit();
	whole();
	attributes();
	trailing_byte();
	skipping();
	return unit_done();
}
