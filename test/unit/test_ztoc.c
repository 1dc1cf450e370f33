/* SOCI's table of contents: tables made here field by field, what is told of them, and what is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/toc/ztoc.h"
#include "test/unit/unit.h"

/* ---- a writer of FlatBuffers: each table in front of what it leads to -------------- */

enum { ROOM = 4 << 20, MANY = 1000 };

/* A field: a number of so many bytes, or (0 bytes) what is put behind the table: a text, or the caller's to link. */
struct field {
	unsigned at;
	size_t bytes;
	uint64_t value;
	const char *text;
};

static void
put(struct lp_buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		lp_buf_addc(b, (int)(v >> (8 * i) & 0xff));
}

static void
set(struct lp_buf *b, size_t at, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		b->p[at + i] = (unsigned char)(v >> (8 * i));
}

/* The offset at `at` leads to what is appended next. */
static void
link_here(struct lp_buf *b, size_t at)
{
	set(b, at, b->n - at, 4);
}

static void
put_text(struct lp_buf *b, size_t at, const char *text)
{
	link_here(b, at);
	put(b, strlen(text), 4);
	lp_buf_add(b, lp_span(text, strlen(text) + 1));
}

/* A table to which `from` leads. Where each field lies goes to `place`. */
static void
put_table(struct lp_buf *b, size_t from, const struct field *f, size_t n, size_t *place)
{
	size_t vtable = b->n, fields = 4, bytes = 4, at;

	for (size_t i = 0; i < n; i++)
		fields = f[i].at + 2 > fields ? f[i].at + 2 : fields;
	for (size_t i = 0; i < fields; i++)
		lp_buf_addc(b, 0);
	at = b->n;
	link_here(b, from);
	put(b, at - vtable, 4);
	for (size_t i = 0; i < n; i++) {
		size_t k = f[i].bytes > 0 ? f[i].bytes : 4;

		place[i] = b->n;
		set(b, vtable + f[i].at, bytes, 2);
		put(b, f[i].value, k);
		bytes += k;
	}
	set(b, vtable, fields, 2);
	set(b, vtable + 2, bytes, 2);
	for (size_t i = 0; i < n; i++)
		if (f[i].text != NULL)
			put_text(b, place[i], f[i].text);
}

/* A vector of n offsets; where the first of them lies. */
static size_t
put_offsets(struct lp_buf *b, size_t from, size_t n)
{
	size_t at;

	link_here(b, from);
	put(b, n, 4);
	at = b->n;
	for (size_t i = 0; i < n; i++)
		put(b, 0, 4);
	return at;
}

/* ---- a ztoc ------------------------------------------------------------------------- */

enum { FIELDS = 13, FILES = 4, RECORDS = 3 };

struct file {
	const char *name, *type;
	int64_t offset, size;
	const char *link;
	int64_t mode, uid, gid;
	const char *uname, *gname, *mtime;
	int64_t major, minor;
	const char *key[RECORDS], *value[RECORDS];
};

struct layer {
	const char *version; /* NULL: 0.9 */
	int64_t compressed, uncompressed;
	int algorithm;       /* 0: left out */
	int64_t last, digests, points, told; /* points: -1 for none in front of their number */
	struct file file[FILES];
};

static void
put_file(struct lp_buf *b, size_t from, const struct file *f)
{
	const struct field v[] = {
		{ 4, 0, 0, f->name }, { 6, 0, 0, f->type }, { 8, 8, (uint64_t)f->offset, NULL }, { 10, 8, (uint64_t)f->size, NULL },
		{ 12, 0, 0, f->link ? f->link : "" }, { 14, 8, (uint64_t)f->mode, NULL }, { 16, 4, (uint64_t)f->uid, NULL },
		{ 18, 4, (uint64_t)f->gid, NULL }, { 20, 0, 0, f->uname ? f->uname : "" }, { 22, 0, 0, f->gname ? f->gname : "" },
		{ 24, 0, 0, f->mtime ? f->mtime : "2026-11-23T16:43:44Z" }, { 26, 8, (uint64_t)f->major, NULL },
		{ 28, 8, (uint64_t)f->minor, NULL }, { 30, 0, 0, NULL },
	};
	size_t place[FIELDS + 1], n = 0, at;

	put_table(b, from, v, FIELDS + 1, place);
	while (n < RECORDS && f->key[n] != NULL)
		n++;
	at = put_offsets(b, place[FIELDS], n);
	for (size_t i = 0; i < n; i++) {
		const struct field pair[] = { { 4, 0, 0, f->key[i] }, { 6, 0, 0, f->value[i] } };
		size_t where[2];

		put_table(b, at + 4 * i, pair, 2, where);
	}
}

static void
put_info(struct lp_buf *b, size_t from, const struct layer *l)
{
	const struct field info[] = {
		{ 6, 4, (uint64_t)l->last, NULL }, { 8, 0, 0, NULL }, { 10, 0, 0, NULL }, { 4, 1, (uint64_t)l->algorithm, NULL }
	};
	size_t place[4], n = l->digests ? (size_t)l->digests : 1, at;
	int64_t points = l->points ? l->points : 1;

	put_table(b, from, info, l->algorithm ? 4 : 3, place);
	at = put_offsets(b, place[1], n);
	for (size_t i = 0; i < n; i++)
		put_text(b, at + 4 * i, "sha256:");
	link_here(b, place[2]);
	if (points < 0) {
		put(b, 0, 4);
		return;
	}
	put(b, 12 + (uint64_t)points * 32785, 4);
	put(b, l->told ? (uint64_t)l->told : (uint64_t)points, 4);
	put(b, 1 << 22, 8);
	for (int64_t i = 0; i < points * 32785; i++)
		lp_buf_addc(b, 0);
}

static void
put_layer(struct lp_buf *b, const struct layer *l)
{
	const struct field root[] = {
		{ 4, 0, 0, l->version ? l->version : "0.9" }, { 6, 0, 0, "unit" }, { 8, 8, (uint64_t)l->compressed, NULL },
		{ 10, 8, l->uncompressed ? (uint64_t)l->uncompressed : 10240, NULL }, { 12, 0, 0, NULL }, { 14, 0, 0, NULL },
	};
	const struct field contents[] = { { 4, 0, 0, NULL } };
	size_t place[6], list, n = 0, at;

	put(b, 0, 4);
	put_table(b, 0, root, 6, place);
	put_table(b, place[4], contents, 1, &list);
	while (n < FILES && l->file[n].name != NULL)
		n++;
	at = put_offsets(b, list, n);
	for (size_t i = 0; i < n; i++)
		put_file(b, at + 4 * i, &l->file[i]);
	put_info(b, place[5], l);
}

/* ---- events as text -------------------------------------------------------------------- */

static void
add_entry(struct lp_buf *b, const struct lp_entry *e)
{
	char s[1024];

	snprintf(s, sizeof(s), "%c%c %.*s %ju %o %jd:%.*s %jd:%.*s ", e->type, e->typeflag, (int)e->name.n, (const char *)e->name.p,
	    (uintmax_t)e->size, e->mode, (intmax_t)e->uid, (int)e->uname.n, e->uname.n > 0 ? (const char *)e->uname.p : "",
	    (intmax_t)e->gid, (int)e->gname.n, e->gname.n > 0 ? (const char *)e->gname.p : "");
	lp_buf_adds(b, s);
	snprintf(s, sizeof(s), "%jd.%09u", (intmax_t)e->mtime, e->mtime_nsec);
	lp_buf_adds(b, e->has & LP_HAS_MTIME ? s : "-");
	snprintf(s, sizeof(s), " at %ju,%ju", (uintmax_t)e->header_offset, (uintmax_t)e->data_offset);
	if (e->has & LP_HAS_OFFSETS)
		lp_buf_adds(b, s);
	if (e->has & LP_HAS_DEV) {
		snprintf(s, sizeof(s), " %u,%u", e->devmajor, e->devminor);
		lp_buf_adds(b, s);
	}
	if (e->linkname.n > 0) {
		lp_buf_adds(b, " -> ");
		lp_buf_add(b, e->linkname);
	}
	for (size_t i = 0; i < e->nxattrs; i++) {
		lp_buf_adds(b, " ");
		lp_buf_add(b, e->xattrs[i].name);
		lp_buf_adds(b, "=");
		lp_buf_add(b, e->xattrs[i].value);
	}
	lp_buf_adds(b, "\n");
}

static int
told(struct lp_span all, struct lp_buf *out)
{
	enum lp_toc_event ev;
	struct lp_ztoc z;
	int rc;

	lp_ztoc_init(&z);
	rc = lp_ztoc_open(&z, all);
	while (rc == LP_OK && (ev = lp_ztoc_next(&z)) != LP_TOC_END) {
		if (ev == LP_TOC_ENTRY)
			add_entry(out, &z.entry);
		else
			rc = z.status;
	}
	if (rc != LP_OK) {
		lp_buf_adds(out, rc == LP_E_LIMIT ? "limit: " : "data: ");
		lp_buf_adds(out, z.why);
		lp_buf_adds(out, "\n");
		if (z.error_offset > all.n || lp_ztoc_next(&z) != LP_TOC_ERROR)
			lp_buf_adds(out, "and it is not where it says\n");
	}
	lp_ztoc_release(&z);
	return rc;
}

/* ---- cases ------------------------------------------------------------------------------ */

#define A "-0 a 3 644 0: 0: 1795452224.000000000 at 0,512\n"
#define FILE_A .file = { { "a", "reg", 512, 3, .mode = 0644 } }
#define BEHIND "data: a file does not lie behind the one before\n"
#define OUTSIDE "data: a file lies outside the layer\n"

static const struct ztoc_case {
	const char *name;
	struct layer layer;
	const char *want;
} cases[] = {
	{ "no file", { .compressed = 10 }, "" },
	{ "a file", { FILE_A }, A },
	{ "its mode has the bits of its type, too", { .file = { { "a", "reg", 512, 3, .mode = 0100644 } } }, A },
	{ "every type", { .file = {
		{ "d/", "dir", 512, 0, .mode = 01755, .uid = 4294967295, .gid = 7, .uname = "u", .gname = "g" },
		{ "d/l", "symlink", 1024, 0, .link = "../x", .mode = 0777 },
		{ "c", "char", 1536, 0, .mode = 0600, .major = 5, .minor = 1 },
		{ "p", "fifo", 2048, 0, .mode = 0600, .mtime = "1969-12-31T23:59:58.5Z" } } },
	    "d5 d/ 0 1755 4294967295:u 7:g 1795452224.000000000 at 0,512\n"
	    "l2 d/l 0 777 0: 0: 1795452224.000000000 at 512,1024 -> ../x\n"
	    "c3 c 0 600 0: 0: 1795452224.000000000 at 1024,1536 5,1\n"
	    "p6 p 0 600 0: 0: -2.500000000 at 1536,2048\n" },
	{ "a hard link has a size, and nothing in the tar; a name stands there twice", { .file = {
		{ "./a", "reg", 512, 513, .link = NULL }, { "b", "hardlink", 2048, 513, .link = "./a" }, { "./a", "reg", 2560, 1, .link = NULL },
		{ ".wh.b", "reg", 3584, 0, .link = NULL } } },
	    "-0 ./a 513 0 0: 0: 1795452224.000000000 at 0,512\n"
	    "h1 b 0 0 0: 0: 1795452224.000000000 at 1536,2048 -> ./a\n"
	    "-0 ./a 1 0 0: 0: 1795452224.000000000 at 2048,2560\n"
	    "-0 .wh.b 0 0 0: 0: 1795452224.000000000 at 3072,3584\n" },
	{ "a time of another zone, a time of none, none", { .file = {
		{ "a", "reg", 512, 0, .mtime = "2026-11-23T17:43:44+01:00" }, { "b", "reg", 1024, 0, .mtime = "0001-01-01T00:00:00Z" },
		{ "c", "reg", 1536, 0, .mtime = "" } } },
	    "-0 a 0 0 0: 0: 1795452224.000000000 at 0,512\n-0 b 0 0 0: 0: - at 512,1024\n-0 c 0 0 0: 0: - at 1024,1536\n" },
	{ "attributes among the records, in the order of their names", { .file = {
		{ "a", "reg", 2048, 0, .key = { "path", "SCHILY.xattr.user.z", "LIBARCHIVE.xattr.user.a" }, .value = { "a", "1\n=", "eA" } } } },
	    "-0 a 0 0 0: 0: 1795452224.000000000 at 0,2048 user.a=x user.z=1\n=\n" },
	{ "behind a sparse file no header's place is known", { .file = {
		{ "s", "reg", 2048, 1 << 30, .key = { "GNU.sparse.major" }, .value = { "1" } }, { "a", "reg", 4096, 1, .link = NULL }, { "b", "reg", 5120, 0, .link = NULL } } },
	    "-0 s 1073741824 0 0: 0: 1795452224.000000000 at 0,2048\n-0 a 1 0 0: 0: 1795452224.000000000\n"
	    "-0 b 0 0 0: 0: 1795452224.000000000 at 4608,5120\n" },
	{ "up to the tar's last byte", { .uncompressed = 515, FILE_A }, A },
	{ "one byte over", { .uncompressed = 514, FILE_A }, OUTSIDE },
	{ "its place is behind the tar", { .uncompressed = 512, .file = { { "a", "dir", 1024, 0, .link = NULL } } }, OUTSIDE },
	{ "a negative size", { .file = { { "a", "reg", 512, -1, .link = NULL } } }, OUTSIDE },
	{ "a negative place", { .file = { { "a", "reg", -512, 0, .link = NULL } } }, OUTSIDE },
	{ "a place and a size whose sum is none", { .file = { { "a", "reg", 512, INT64_MAX, .link = NULL } } }, OUTSIDE },
	{ "the size of a sparse file is negative", { .file = { { "s", "reg", 512, -1, .key = { "GNU.sparse.major" }, .value = { "1" } } } }, OUTSIDE },
	{ "no room for a header", { .file = { { "a", "reg", 0, 1, .link = NULL } } }, BEHIND },
	{ "between two blocks", { .file = { { "a", "reg", 513, 1, .link = NULL } } }, BEHIND },
	{ "one in another's content", { .file = { { "a", "reg", 512, 1024, .link = NULL }, { "b", "reg", 1536, 0, .link = NULL } } },
	    "-0 a 1024 0 0: 0: 1795452224.000000000 at 0,512\n" BEHIND },
	{ "not in order", { .file = { { "a", "reg", 2048, 0, .link = NULL }, { "b", "reg", 512, 0, .link = NULL } } },
	    "-0 a 0 0 0: 0: 1795452224.000000000 at 0,2048\n" BEHIND },
	{ "no name", { .file = { { "", "reg", 512, 0, .link = NULL } } }, "data: an entry has no name\n" },
	{ "no such type", { .file = { { "a", "chunk", 512, 0, .link = NULL } } }, "data: an entry is of no known type\n" },
	{ "a hard link to nothing", { .file = { { "a", "hardlink", 512, 0, .link = NULL } } }, "data: a hard link leads nowhere\n" },
	{ "a time that is none", { .file = { { "a", "reg", 512, 0, .mtime = "yesterday" } } },
	    "data: a modtime is not a time as RFC 3339 writes it\n" },
	{ "a negative device", { .file = { { "a", "char", 512, 0, .major = -1 } } },
	    "data: a device number is negative, or larger than 32 bits\n" },
	{ "a large device", { .file = { { "a", "block", 512, 0, .minor = INT64_C(1) << 32 } } },
	    "data: a device number is negative, or larger than 32 bits\n" },
	{ "an attribute's name with an equals sign", { .file = { { "a", "reg", 512, 0, .key = { "SCHILY.xattr.a=b" }, .value = { "c" } } } },
	    "data: an extended attribute's name holds a '='\n" },
	{ "another version", { .version = "1.0", FILE_A }, "data: not a SOCI table of contents of version 0.9\n" },
	{ "a negative size of the blob", { .compressed = -1, FILE_A }, "data: a size is negative\n" },
	{ "a negative size of the tar", { .uncompressed = -1, FILE_A }, "data: a size is negative\n" },
	{ "gzip, and says so", { .algorithm = 1, FILE_A }, A },
	{ "uncompressed, whose checkpoints are of another kind", { .algorithm = 2, .points = -1, FILE_A }, A },
	{ "compressed in another way", { .algorithm = 3, FILE_A }, "data: the layer is compressed in an unknown way\n" },
	{ "fewer digests than spans", { .last = 1, FILE_A }, "data: there are not as many digests as spans\n" },
	{ "a negative number of spans", { .last = -1, FILE_A }, "data: there are not as many digests as spans\n" },
	{ "two checkpoints", { .last = 1, .digests = 2, .points = 2, FILE_A }, A },
	{ "two, of which the first is left out", { .last = 1, .digests = 2, .points = 1, .told = 2, FILE_A }, A },
	{ "two are missing", { .points = 1, .told = 3, FILE_A }, "data: there are not as many checkpoints as it says\n" },
	{ "one too many", { .points = 2, .told = 1, FILE_A }, "data: there are not as many checkpoints as it says\n" },
	{ "no checkpoints at all", { .points = -1, FILE_A }, "data: there are not as many checkpoints as it says\n" },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lp_buf b, out;
		unsigned char *p;

		lp_buf_init(&b, ROOM);
		lp_buf_init(&out, ROOM);
		put_layer(&b, &cases[i].layer);
		p = unit_exact(lp_buf_span(&b));
		(void)told(lp_span(p, b.n), &out);
		ok_str(lp_buf_span(&out), cases[i].want, cases[i].name);
		free(p);
		lp_buf_release(&b);
		lp_buf_release(&out);
	}
}

/* ---- what lies about itself ----------------------------------------------------------------- */

static const struct layer small = { .algorithm = 2, .points = -1, .file = {
	{ "d/", "dir", 512, 0, .mode = 0755, .uname = "root" },
	{ "d/a", "reg", 2048, 3, .key = { "SCHILY.xattr.user.a" }, .value = { "b" } } } };

static int
fails(struct lp_span s)
{
	unsigned char *p = unit_exact(s);
	struct lp_buf out;
	int rc;

	lp_buf_init(&out, ROOM);
	rc = told(lp_span(p, s.n), &out);
	lp_buf_release(&out);
	free(p);
	return rc != LP_OK;
}

/* No byte of a table is read that is not there, wherever it is cut off, and whatever an offset becomes. */
static void
test_damage(void)
{
	static const unsigned char becomes[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct lp_buf b;
	size_t whole = 0;

	lp_buf_init(&b, ROOM);
	put_layer(&b, &small);
	for (size_t n = 0; n < b.n; n++)
		whole += !fails(lp_span(b.p, n));
	/* the last thing in it is an empty list, whose number is four bytes */
	ok(whole == 0, "cut off anywhere it is refused (%zu are not)", whole);
	ok(!fails(lp_buf_span(&b)), "whole it is not");
	for (size_t i = 0; i < b.n; i++)
		for (size_t k = 0; k < sizeof(becomes); k++) {
			unsigned char was = b.p[i];

			b.p[i] = becomes[k];
			(void)fails(lp_buf_span(&b));
			b.p[i] = was;
		}
	ok(!fails(lp_buf_span(&b)), "each of its %zu bytes may become another", b.n);
	lp_buf_release(&b);
}

/* Many files whose names and types are the same bytes: what a small table can make of a long name. */
static int
shared(size_t files, size_t letters, struct lp_buf *out)
{
	const struct field root[] = { { 4, 0, 0, "0.9" }, { 10, 8, INT64_MAX, NULL }, { 12, 0, 0, NULL }, { 14, 0, 0, NULL } };
	const struct field contents[] = { { 4, 0, 0, NULL } };
	size_t place[4], name[MANY], type[MANY], list, at;
	struct lp_buf b;
	int rc;

	lp_buf_init(&b, ROOM);
	put(&b, 0, 4);
	put_table(&b, 0, root, 4, place);
	put_info(&b, place[3], &small);
	put_table(&b, place[2], contents, 1, &list);
	at = put_offsets(&b, list, files);
	for (size_t i = 0; i < files; i++) {
		const struct field file[] = { { 4, 0, 0, NULL }, { 6, 0, 0, NULL }, { 8, 8, 512 * (i + 1), NULL } };
		size_t where[3];

		put_table(&b, at + 4 * i, file, 3, where);
		name[i] = where[0];
		type[i] = where[1];
	}
	for (size_t i = 0; i < files; i++)
		link_here(&b, type[i]);
	put(&b, 3, 4);
	lp_buf_adds(&b, "dir");
	put(&b, 0, 1);
	for (size_t i = 0; i < files; i++)
		link_here(&b, name[i]);
	put(&b, letters, 4);
	for (size_t i = 0; i < letters; i++)
		lp_buf_addc(&b, 'n');
	put(&b, 0, 1);
	rc = told(lp_buf_span(&b), out);
	lp_buf_release(&b);
	return rc;
}

static void
test_sharing(void)
{
	static const char want[] = "data: its texts are the same bytes many times over\n";
	struct lp_buf out;

	lp_buf_init(&out, ROOM);
	ok(shared(MANY, 40, &out) == LP_OK, "texts that a writer shares, of the usual length");
	lp_buf_clear(&out);
	ok(shared(MANY, 60000, &out) != LP_OK && out.n < ROOM && lp_span_ends(lp_buf_span(&out), want),
	    "a small table that would be a long listing");
	lp_buf_release(&out);
}

int
main(void)
{
	test_cases();
	test_damage();
	test_sharing();
	return unit_done();
}
