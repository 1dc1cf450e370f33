/* Rows: each form against what lp(5) says. */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/row/row.h"
#include "test/unit/unit.h"

static const struct lp_entry plain = {
	.name = { (const unsigned char *)"etc/passwd", 10 },
	.type = LP_REG, .has = LP_HAS_MTIME | LP_HAS_TYPEFLAG, .typeflag = '0',
	.mode = 0644, .uid = 0, .gid = 42, .size = 1234, .mtime = 1700000784,
};

static struct lp_span
span(const char *s)
{
	return lp_span_str(s);
}

static void
ok_row(const struct lp_rowfmt *f, const struct lp_entry *e, const char *want, const char *what)
{
	struct lp_buf b;

	lp_buf_init(&b, LP_MAX_ROW);
	ok(lp_row_write(f, e, &b) == LP_OK, "%s: written", what);
	ok_str(lp_buf_span(&b), want, what);
	lp_buf_release(&b);
}

static void
test_mode(void)
{
	static const struct { enum lp_type type; uint32_t mode; const char *want; } t[] = {
		{ LP_REG, 0, "----------" }, { LP_REG, 0777, "-rwxrwxrwx" }, { LP_DIR, 01777, "drwxrwxrwt" },
		{ LP_DIR, 01776, "drwxrwxrwT" }, { LP_REG, 04755, "-rwsr-xr-x" }, { LP_REG, 04644, "-rwSr--r--" },
		{ LP_REG, 02755, "-rwxr-sr-x" }, { LP_REG, 02745, "-rwxr-Sr-x" }, { LP_SYMLINK, 0777, "lrwxrwxrwx" },
		{ LP_HARDLINK, 0644, "hrw-r--r--" }, { LP_CHAR, 0620, "crw--w----" }, { LP_BLOCK, 0660, "brw-rw----" },
		{ LP_FIFO, 0123, "p--x-w--wx" }, { LP_REG, 07777, "-rwsrwsrwt" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_entry e = { .type = t[i].type, .mode = t[i].mode };
		char p[LP_MODE_LEN];

		ok_str(lp_span(p, (size_t)(lp_put_mode(p, &e) - p)), t[i].want, "lp_put_mode");
	}
}

static void
test_time(void)
{
	static const struct { int64_t sec; uint32_t nsec; const char *want; } t[] = {
		{ 0, 0, "1970-01-01T00:00:00Z" },
		{ -1, 0, "1969-12-31T23:59:59Z" },
		{ -1, 750000000, "1969-12-31T23:59:59.75Z" },
		{ 1700000784, 120000, "2023-11-14T22:26:24.00012Z" },
		{ 1700000784, 1, "2023-11-14T22:26:24.000000001Z" },
		{ 1700000784, 999999999, "2023-11-14T22:26:24.999999999Z" },
		{ 951782400, 0, "2000-02-29T00:00:00Z" },
		{ 951868800, 0, "2000-03-01T00:00:00Z" },
		{ 4107542400, 0, "2100-03-01T00:00:00Z" },
		{ 4107456000, 0, "2100-02-28T00:00:00Z" },
		{ 1735689599, 0, "2024-12-31T23:59:59Z" },
		{ 253402300799, 0, "9999-12-31T23:59:59Z" },
		{ 253402300800, 0, "-" },
		{ -62167219200, 0, "0000-01-01T00:00:00Z" },
		{ -62162035200, 0, "0000-03-01T00:00:00Z" },
		{ -62167219201, 0, "-" },
		{ INT64_MAX, 0, "-" }, { INT64_MIN, 0, "-" },
	};
	struct lp_entry none = { .mtime = 5 };
	char p[LP_TIME_MAX];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_entry e = { .has = LP_HAS_MTIME, .mtime = t[i].sec, .mtime_nsec = t[i].nsec };

		ok_str(lp_span(p, (size_t)(lp_put_time(p, &e) - p)), t[i].want, "lp_put_time");
	}
	ok_str(lp_span(p, (size_t)(lp_put_time(p, &none) - p)), "-", "no time");
}

static void
test_columns(void)
{
	struct lp_rowfmt f;
	struct lp_span bad;
	struct lp_buf b;

	lp_buf_init(&b, 1024);
	lp_rowfmt_init(&f);
	lp_row_header(&f, &b);
	ok_str(lp_buf_span(&b), "mode\tuid\tgid\tsize\tmtime\tname\tlinkname\n", "the seven columns");
	ok(lp_rowfmt_columns(&f, span("name,colour"), &bad) == LP_E_USAGE && lp_span_is(bad, "colour"),
	    "an unknown column is named");
	ok(lp_rowfmt_columns(&f, span("name,size,name"), &bad) == LP_E_USAGE && lp_span_is(bad, "name"),
	    "one given twice, too");
	ok(lp_rowfmt_columns(&f, span("name,"), &bad) == LP_E_USAGE && bad.n == 0, "an empty one, too");
	ok(lp_rowfmt_columns(&f, span(""), &bad) == LP_E_USAGE && f.ncolumns == 7, "and nothing has changed");
	ok(lp_rowfmt_columns(&f, span("size,name"), &bad) == LP_OK && f.ncolumns == 2, "two columns");
	ok_row(&f, &plain, "1234\tetc/passwd\n", "two columns");
	ok(lp_rowfmt_columns(&f, span("mode_octal,name"), &bad) == LP_OK, "the mode as chmod has it");
	ok_row(&f, &plain, "0644\tetc/passwd\n", "always four digits");
	for (enum lp_column c = 0; c < LP_COLUMNS; c++)
		ok(lp_column_find(span(lp_column_name(c))) == c, "column %s", lp_column_name(c));
	lp_buf_release(&b);
}

static void
test_tsv(void)
{
	struct lp_rowfmt f;
	struct lp_entry e = plain;
	struct lp_span bad;

	lp_rowfmt_init(&f);
	ok_row(&f, &e, "-rw-r--r--\t0\t42\t1234\t2023-11-14T22:26:24Z\tetc/passwd\t\n", "a file");
	e.name = span("a\tb\nc\\d\x7f\xff\xc3\xa9");
	e.linkname = span("../x y");
	e.type = LP_SYMLINK;
	e.uid = -1;
	e.has = 0;
	ok_row(&f, &e, "lrw-r--r--\t-1\t42\t1234\t-\ta\\tb\\nc\\\\d\\x7f\\xff\xc3\xa9\t../x y\n", "escapes");
	f.nul = 1;
	lp_rowfmt_columns(&f, span("name"), &bad);
	{
		struct lp_buf b;

		lp_buf_init(&b, 1024);
		lp_row_write(&f, &e, &b);
		ok_span(lp_buf_span(&b), lp_span("a\tb\nc\\d\x7f\xff\xc3\xa9\0", 12), "no escapes, NUL at the end");
		lp_buf_release(&b);
	}
}

static void
test_tsv_all(void)
{
	static const struct lp_xattr x[] = {
		{ { (const unsigned char *)"user.a,b=c", 10 }, { (const unsigned char *)"\0\xff", 2 } },
		{ { (const unsigned char *)"user.\xff", 6 }, { (const unsigned char *)"", 0 } },
	};
	struct lp_rowfmt f;
	struct lp_entry e = plain;
	struct lp_span bad;

	lp_rowfmt_init(&f);
	lp_rowfmt_columns(&f, span("typeflag,is_dir,is_symlink,uname,gname,devmajor,devminor,mtime_unix,"
	    "header_offset,data_offset,xattrs,layer"), &bad);
	e.has = 0;
	ok_row(&f, &e, "\tfalse\tfalse\t\t\t\t\t\t\t\t\t\n", "nothing is known");
	e.has = LP_HAS_TYPEFLAG | LP_HAS_MTIME | LP_HAS_UNAME | LP_HAS_GNAME | LP_HAS_DEV | LP_HAS_OFFSETS |
	    LP_HAS_LAYER;
	e.typeflag = '3';
	e.uname = span("ro\tot");
	e.gname = span("wheel");
	e.devmajor = 8;
	e.devminor = 4294967295;
	e.header_offset = 512;
	e.data_offset = 18446744073709551615u;
	e.xattrs = x;
	e.nxattrs = 2;
	e.layer = span("base");
	ok_row(&f, &e, "3\tfalse\tfalse\tro\\tot\twheel\t8\t4294967295\t1700000784\t512\t18446744073709551615\t"
	    "user.a\\x2cb\\x3dc=AP8=,user.\\xff=\tbase\n", "all is known");
	e.typeflag = '\x01';
	e.type = LP_DIR;
	lp_rowfmt_columns(&f, span("is_dir,typeflag"), &bad);
	ok_row(&f, &e, "true\t?\n", "a typeflag that is no character");
}

static void
test_first_column(void)
{
	struct lp_rowfmt f;
	struct lp_entry e = plain;
	struct lp_span bad;

	lp_rowfmt_init(&f);
	lp_rowfmt_columns(&f, span("name,linkname"), &bad);
	e.name = span("#end");
	e.linkname = span("#{");
	ok_row(&f, &e, "\\x23end\t#{\n", "a name does not pose as the end record");
	e.name = span("{\"end\":1}");
	ok_row(&f, &e, "\\x7b\"end\":1}\t#{\n", "nor as an object");
}

static void
test_json(void)
{
	static const struct lp_xattr x[] = {
		{ { (const unsigned char *)"a\"", 2 }, { (const unsigned char *)"v", 1 } },
		{ { (const unsigned char *)"b\xfe", 2 }, { (const unsigned char *)"", 0 } },
	};
	struct lp_rowfmt f;
	struct lp_entry e = plain;

	lp_rowfmt_init(&f);
	f.form = LP_ROW_NDJSON;
	ok_row(&f, &e, "{\"name\":\"etc/passwd\",\"size\":1234,\"typeflag\":\"0\",\"is_dir\":false,"
	    "\"mode\":\"-rw-r--r--\",\"uid\":0,\"gid\":42,\"mtime\":\"2023-11-14T22:26:24Z\",\"linkname\":\"\","
	    "\"is_symlink\":false,\"mtime_unix\":1700000784}\n", "the keys that are always there");
	e.name = span("\xff\"\n");
	e.linkname = span("\xc3\xa9");
	e.type = LP_SYMLINK;
	e.has = LP_HAS_UNAME | LP_HAS_GNAME | LP_HAS_DEV | LP_HAS_OFFSETS | LP_HAS_TRUNCATED | LP_HAS_LAYER;
	e.uname = span("root");
	e.gname = span("\xfe");
	e.devmajor = 1;
	e.devminor = 3;
	e.header_offset = 512;
	e.data_offset = 1024;
	e.xattrs = x;
	e.nxattrs = 2;
	e.layer = span("base");
	ok_row(&f, &e, "{\"name\":\"\xef\xbf\xbd\\\"\\n\",\"name_base64\":\"/yIK\",\"size\":1234,\"typeflag\":\"\","
	    "\"is_dir\":false,\"mode\":\"lrw-r--r--\",\"uid\":0,\"gid\":42,\"mtime\":null,"
	    "\"linkname\":\"\xc3\xa9\",\"is_symlink\":true,\"uname\":\"root\",\"gname\":\"\xef\xbf\xbd\","
	    "\"gname_base64\":\"/g==\",\"devmajor\":1,\"devminor\":3,\"header_offset\":512,\"data_offset\":1024,"
	    "\"xattrs\":{\"a\\\"\":\"dg==\",\"b\\\\xfe\":\"\"},\"layer\":\"base\",\"truncated\":true}\n",
	    "and those that may be");
}

static void
test_long(void)
{
	struct lp_rowfmt f;
	struct lp_entry e = plain;

	lp_rowfmt_init(&f);
	f.form = LP_ROW_LONG;
	e.mtime_nsec = 5;
	e.uname = span("root");
	ok_row(&f, &e, "-rw-r--r-- root     42             1234 2023-11-14T22:26:24Z etc/passwd\n", "a file");
	e.type = LP_SYMLINK;
	e.name = span("a\x1b[31m\xe2\x80\xae");
	e.linkname = span("b\xc2\x9b");
	e.has = 0;
	e.gname = span("\xe2\x80\xae");
	ok_row(&f, &e, "lrw-r--r-- root     \\xe2\\x80\\xae       1234 -                    "
	    "a\\x1b[31m\\xe2\\x80\\xae -> b\\xc2\\x9b\n", "a terminal is shown nothing it would obey");
	e = plain;
	e.type = LP_CHAR;
	e.has |= LP_HAS_DEV;
	e.devmajor = 10;
	e.devminor = 200;
	ok_row(&f, &e, "crw-r--r-- 0        42          10, 200 2023-11-14T22:26:24Z etc/passwd\n", "a device");
	e.type = LP_HARDLINK;
	e.has = LP_HAS_MTIME;
	e.size = 12345678901234;
	e.linkname = span("x");
	ok_row(&f, &e, "hrw-r--r-- 0        42       12345678901234 2023-11-14T22:26:24Z etc/passwd link to x\n",
	    "a column that is too narrow");
}

static void
test_end(void)
{
	static const struct { enum lp_rowform form; int nul; struct lp_rowend end; const char *want; } t[] = {
		{ LP_ROW_TSV, 0, { .entries = 3, .complete = LP_COMPLETE_YES, .bytes = 10240 },
		    "#end\tentries=3\tcomplete=yes\tbytes=10240\tlayer=\n" },
		{ LP_ROW_TSV, 0, { .complete = LP_COMPLETE_NO, .layer = { (const unsigned char *)"a\tb", 3 } },
		    "#end\tentries=0\tcomplete=no\tbytes=0\tlayer=a\\tb\n" },
		{ LP_ROW_NDJSON, 0, { .entries = 3, .bytes = 10240, .layer = { (const unsigned char *)"a\"", 2 } },
		    "{\"end\":{\"entries\":3,\"complete\":\"unknown\",\"bytes\":10240,\"layer\":\"a\\\"\"}}\n" },
		{ LP_ROW_TSV, 0, { .complete = LP_COMPLETE_INFERRED, .origin = { (const unsigned char *)"a\n", 2 },
		    .toc = { (const unsigned char *)"t", 1 } },
		    "#end\tentries=0\tcomplete=inferred\tbytes=0\tlayer=\torigin=a\\n\ttoc=t\n" },
		{ LP_ROW_NDJSON, 0, { .complete = LP_COMPLETE_NO, .reason = { (const unsigned char *)"\"", 1 } },
		    "{\"end\":{\"entries\":0,\"complete\":\"no\",\"bytes\":0,\"layer\":\"\",\"reason\":\"\\\"\"}}\n" },
		{ LP_ROW_LONG, 0, { .entries = 3, .complete = LP_COMPLETE_YES, .bytes = 10240 }, "" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_rowfmt f;
		struct lp_buf b;

		lp_rowfmt_init(&f);
		f.form = t[i].form;
		lp_buf_init(&b, 1024);
		lp_row_end(&f, &t[i].end, &b);
		ok_str(lp_buf_span(&b), t[i].want, "the end record");
		lp_buf_release(&b);
	}
}

/* Whatever room is missing, there is never half a row. */
static void
test_no_half_rows(void)
{
	struct lp_entry e = plain;

	e.name = span("a\tname");
	for (enum lp_rowform form = LP_ROW_TSV; form <= LP_ROW_LONG; form++) {
		int refused = 0, bad = 0;

		for (size_t max = 5; max < 2048; max++) {
			struct lp_rowfmt f;
			struct lp_buf b;
			int rc;

			lp_rowfmt_init(&f);
			f.form = form;
			lp_buf_init(&b, max);
			lp_buf_adds(&b, "kept\n");
			rc = lp_row_write(&f, &e, &b);
			refused += rc == LP_E_LIMIT;
			bad += rc == LP_OK ? b.p[b.n - 1] != '\n' || b.n < 40 :
			    rc != LP_E_LIMIT || !lp_span_is(lp_buf_span(&b), "kept\n");
			lp_buf_release(&b);
		}
		ok(refused > 0 && bad == 0, "form %d: a whole row or none", (int)form);
	}
}

int
main(void)
{
	test_mode();
	test_time();
	test_columns();
	test_tsv();
	test_tsv_all();
	test_first_column();
	test_json();
	test_long();
	test_end();
	test_no_half_rows();
	return unit_done();
}
