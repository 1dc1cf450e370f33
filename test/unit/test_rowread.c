/* Reading rows: tables of lines and what they are, read whole, byte by byte and cut at every offset. */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/row/rowread.h"
#include "test/unit/unit.h"

/* What events say, one line each: enough to tell two readings apart. */
static void
describe(struct lp_rowread *r, enum lp_rowread_event event, struct lp_buf *out)
{
	const struct lp_entry *e = &r->entry;
	char text[512];

	switch (event) {
	case LP_ROWREAD_MORE:
		return;
	case LP_ROWREAD_ROW:
		snprintf(text, sizeof(text), "row %c%o %lld:%lld %llu %s%lld.%u x%zu ", e->type, e->mode, (long long)e->uid,
		    (long long)e->gid, (unsigned long long)e->size, e->has & LP_HAS_MTIME ? "" : "-", (long long)e->mtime,
		    e->mtime_nsec, e->nxattrs);
		lp_buf_adds(out, text);
		lp_escape(out, e->name, LP_ESCAPE_ROW);
		lp_buf_adds(out, ">");
		lp_escape(out, e->linkname, LP_ESCAPE_ROW);
		for (size_t i = 0; i < 3 && r->merged; i++) {
			lp_buf_adds(out, " ");
			lp_escape(out, i == 0 ? e->layer : i == 1 ? e->hidden : e->hidden_by, LP_ESCAPE_ROW);
		}
		break;
	case LP_ROWREAD_END:
		snprintf(text, sizeof(text), "end %llu %d %llu ", (unsigned long long)r->end.entries, (int)r->end.complete,
		    (unsigned long long)r->end.bytes);
		lp_buf_adds(out, text);
		lp_escape(out, r->end.layer, LP_ESCAPE_ROW);
		if (r->end.origin.n + r->end.toc.n + r->end.reason.n == 0)
			break;
		lp_buf_adds(out, " ");
		lp_escape(out, r->end.origin, LP_ESCAPE_ROW);
		lp_buf_adds(out, " ");
		lp_escape(out, r->end.toc, LP_ESCAPE_ROW);
		lp_buf_adds(out, " ");
		lp_escape(out, r->end.reason, LP_ESCAPE_ROW);
		break;
	case LP_ROWREAD_LAYER:
		snprintf(text, sizeof(text), "layer %llu", (unsigned long long)r->layer);
		lp_buf_adds(out, text);
		break;
	case LP_ROWREAD_ERROR:
		snprintf(text, sizeof(text), "error %d line %llu byte %llu %s", r->status, (unsigned long long)r->line,
		    (unsigned long long)r->offset, r->why);
		lp_buf_adds(out, text);
		break;
	}
	lp_buf_adds(out, "\n");
}

/* Read pieces of the sizes that `piece` says; each lies in a block of its own size. */
static void
read_in(struct lp_span in, int merged, size_t first, size_t piece, struct lp_buf *out)
{
	struct lp_rowread r;
	enum lp_rowread_event event = LP_ROWREAD_MORE;
	size_t n = first;

	lp_buf_clear(out);
	lp_rowread_init(&r);
	r.sections = 1;
	r.merged = merged;
	while (in.n > 0 && event != LP_ROWREAD_ERROR) {
		struct lp_span part = lp_span_take(&in, n), s;
		unsigned char *block = unit_exact(part);

		s = lp_span(block, part.n);
		do {
			event = lp_rowread_next(&r, &s);
			describe(&r, event, out);
		} while (event != LP_ROWREAD_MORE && event != LP_ROWREAD_ERROR);
		free(block);
		n = piece;
	}
	while (event != LP_ROWREAD_ERROR && (event = lp_rowread_eof(&r)) != LP_ROWREAD_MORE)
		describe(&r, event, out);
	if (event == LP_ROWREAD_ERROR && lp_rowread_eof(&r) != LP_ROWREAD_ERROR)
		lp_buf_adds(out, "an error that is forgotten\n");
	lp_rowread_release(&r);
}

struct a_case { const char *name, *in, *want; };

static const struct a_case cases[] = {
	{ "nothing", "", "" },
	{ "a row", "-rwsr-x--T\t1\t-2\t3\t2024-01-02T03:04:05.25Z\ta\tb\n",
	  "row -5750 1:-2 3 1704164645.250000000 x0 a>b\n" },
	{ "no newline at the end", "drwxr-xr-x\t0\t0\t0\t-\td/\t", "row d755 0:0 0 -0.0 x0 d/>\n" },
	{ "escapes", "-rw-r--r--\t0\t0\t0\t-\ta\\tb\\\\\\n\\r\\x02\\xff\tl\\x01\n",
	  "row -644 0:0 0 -0.0 x0 a\\tb\\\\\\n\\r\\x02\\xff>l\\x01\n" },
	{ "two rows and an end", "-rw-r--r--\t0\t0\t1\t-\tx\t\nlrwxrwxrwx\t0\t0\t0\t-\ty\tx\n"
	  "#end\tentries=2\tcomplete=yes\tbytes=512\tlayer=a\\tb\tlater=1\n",
	  "row -644 0:0 1 -0.0 x0 x>\nrow l777 0:0 0 -0.0 x0 y>x\nend 2 2 512 a\\tb\n" },
	{ "a header row", "name\tsize\tmode\tmtime_unix\nx\t4\tprw-r--r--\t-7\n", "row p644 0:0 4 -7.0 x0 x>\n" },
	{ "a header row names another type", "is_dir\tname\ntrue\td\nfalse\tf\n",
	  "row d0 0:0 0 -0.0 x0 d>\nrow -0 0:0 0 -0.0 x0 f>\n" },
	{ "the archive's letter is the type where nothing else is", "typeflag\tname\n5\td\n0\tf\n2\tl\n\tn\n",
	  "row d0 0:0 0 -0.0 x0 d>\nrow -0 0:0 0 -0.0 x0 f>\nrow l0 0:0 0 -0.0 x0 l>\nrow -0 0:0 0 -0.0 x0 n>\n" },
	{ "the mode counts before flags, flags before the letter, in any order",
	  "mode\tis_symlink\tis_dir\ttypeflag\tname\nprw-r--r--\ttrue\ttrue\t5\ta\n",
	  "row p644 0:0 0 -0.0 x0 a>\n" },
	{ "the same in NDJSON", "{\"typeflag\":\"5\",\"is_symlink\":true,\"name\":\"a\"}\n{\"typeflag\":\"5\",\"mode\":\"prw-r--r--\","
	  "\"is_dir\":true,\"name\":\"b\"}\n", "row l0 0:0 0 -0.0 x0 a>\nrow p644 0:0 0 -0.0 x0 b>\n" },
	{ "exact bytes of an end record", "{\"end\":{\"layer\":\"\\ufffd\",\"layer_base64\":\"/w==\"}}\n", "end 0 0 0 \\xff\n" },
	{ "names of columns are a header in the first line only", "name\nname\n", "row -0 0:0 0 -0.0 x0 name>\n" },
	{ "attributes", "name\txattrs\nx\tuser.a=/w==,b\\x3d\\x2c=\n", "row -0 0:0 0 -0.0 x2 x>\n" },
	{ "NDJSON", "{\"name\":\"a\\nb\",\"mode\":\"hrwxrwxrwx\",\"uid\":3,\"gid\":4,\"size\":5,\"mtime\":null,\"linkname\":\"t\"}\n"
	  "{\"end\":{\"entries\":1,\"complete\":\"no\",\"bytes\":9,\"layer\":\"L\"}}\n",
	  "row h777 3:4 5 -0.0 x0 a\\nb>t\nend 1 1 9 L\n" },
	{ "exact bytes in base64", "{\"name\":\"\\ufffd\",\"name_base64\":\"/w==\",\"typeflag\":\"5\"}\n",
	  "row d0 0:0 0 -0.0 x0 \\xff>\n" },
	{ "forms mixed", "{\"name\":\"x\",\"is_symlink\":true}\n-rw-r--r--\t0\t0\t1\t-\ty\t\n",
	  "row l0 0:0 0 -0.0 x0 x>\nrow -644 0:0 1 -0.0 x0 y>\n" },
	{ "whose claim it is", "#end\tcomplete=inferred\tlayer=L\torigin=o\\t\ttoc=t\treason=r\n", "end 0 3 0 L o\\t t r\n" },
	{ "whose claim it is, in NDJSON", "{\"end\":{\"complete\":\"inferred\",\"toc\":\"t\",\"origin\":\"o\"}}\n", "end 0 3 0  o t \n" },
	{ "what complete can be", "{\"end\":{\"complete\":true}}", "end 0 2 0 \n" },

	{ "layers of an image, each with columns and an end of its own", "#image\tname=i\tlayers=2\n#layer\tindex=1\tsize=-1\n"
	  "size\tname\n3\tx\n#end\tentries=1\tcomplete=yes\n#layer\tdigest=\tindex=10\n-rw-r--r--\t0\t0\t1\t-\ty\t\n#end\tentries=1\n",
	  "layer 1\nrow -0 0:0 3 -0.0 x0 x>\nend 1 2 0 \nlayer 10\nrow -644 0:0 1 -0.0 x0 y>\nend 1 0 0 \n" },
	{ "a layer without rows", "#layer\tindex=1\n#layer\tindex=2", "layer 1\nlayer 2\n" },
	{ "a second image", "#image\tname=a\n#layer\tindex=1\n#image\tname=b\n", "layer 1\nerror -1 line 3 byte 29 a second image begins\n" },
	{ "layers are counted from 1", "#layer\tindex=0\n", "error -1 line 1 byte 0 layers are counted from 1\n" },
	{ "a layer of no number", "#layer\tdigest=\n", "error -1 line 1 byte 0 a line of a layer without its index\n" },

	{ "too few columns", "-rw-r--r--\t0\t0\t1\t-\tx\n", "error -1 line 1 byte 0 no row: too few columns\n" },
	{ "too many columns", "-rw-r--r--\t0\t0\t1\t-\tx\t\t\n", "error -1 line 1 byte 0 no row: too many columns\n" },
	{ "where the bad line is", "-rw-r--r--\t0\t0\t1\t-\tx\t\n\n", "row -644 0:0 1 -0.0 x0 x>\n"
	  "error -1 line 2 byte 22 no row: the mode is not ten letters as in -rw-r--r--\n" },
	{ "a mode that is none", "-rw-r--r-S\t0\t0\t1\t-\tx\t\n",
	  "error -1 line 1 byte 0 no row: the mode is not ten letters as in -rw-r--r--\n" },
	{ "an owner that is none", "-rw-r--r--\troot\t0\t1\t-\tx\t\n", "error -1 line 1 byte 0 no row: uid is not a number\n" },
	{ "a size below zero", "-rw-r--r--\t0\t0\t-1\t-\tx\t\n", "error -1 line 1 byte 0 no row: size is not a number below 2^63\n" },
	{ "a size that JSON cannot hold", "-rw-r--r--\t0\t0\t9223372036854775808\t-\tx\t\n",
	  "error -1 line 1 byte 0 no row: size is not a number below 2^63\n" },
	{ "a name with a NUL in it", "-rw-r--r--\t0\t0\t1\t-\tx\\x00y\t\n", "error -1 line 1 byte 0 no row: a name holds a NUL\n" },
	{ "a target with a NUL in it", "lrwxrwxrwx\t0\t0\t1\t-\tx\ty\\x00\n", "error -1 line 1 byte 0 no row: a name holds a NUL\n" },
	{ "a NUL in NDJSON", "{\"name\":\"a\\u0000b\"}\n", "error -1 line 1 byte 0 no row: a name holds a NUL\n" },
	{ "a NUL in base64", "{\"name\":\"\",\"name_base64\":\"YQBi\"}\n", "error -1 line 1 byte 0 no row: a name holds a NUL\n" },
	{ "a flag that is none", "{\"name\":\"a\",\"is_dir\":1}\n",
	  "error -1 line 1 byte 0 no row: a key does not hold what its name says\n" },
	{ "an escape that is none", "-rw-r--r--\t0\t0\t1\t-\tx\\X41\t\n",
	  "error -1 line 1 byte 0 an escape that is none\n" },
	{ "a name of nothing", "-rw-r--r--\t0\t0\t1\t-\t\t\n", "row -644 0:0 1 -0.0 x0 >\n" },
	{ "a name of nothing in NDJSON", "{\"name\":\"\"}\n", "row -0 0:0 0 -0.0 x0 >\n" },
	{ "a row behind the end", "#end\nx\n", "end 0 0 0 \nerror -1 line 2 byte 5 a line behind the end record\n" },
	{ "an end with half a field", "#end\tentries\n",
	  "error -1 line 1 byte 0 the end record holds something else than key=value\n" },
	{ "an end that lies", "#end\tcomplete=maybe\n",
	  "error -1 line 1 byte 0 the end record holds a value that its key cannot have\n" },
	{ "half an object", "{\"name\":\n", "error -1 line 1 byte 0 not valid JSON\n" },
	{ "a key twice", "{\"name\":\"a\",\"name\":\"b\"}\n", "error -1 line 1 byte 0 not valid JSON\n" },
	{ "an object without a name", "{}\n", "error -1 line 1 byte 0 no row: the object has no name\n" },
	{ "a number as a name", "{\"name\":1}\n", "error -1 line 1 byte 0 no row: a key does not hold what its name says\n" },
	{ "an end of numbers", "{\"end\":7}\n",
	  "error -1 line 1 byte 0 the end record holds a value that its key cannot have\n" },
};

/* With `merged`. */
static const struct a_case merged_cases[] = {
	{ "a column more is lp-merge's layer", "-rw-r--r--\t0\t0\t1\t-\tx\t\tL\n-rw-r--r--\t0\t0\t2\t-\ty\t\tM\n",
	  "row -644 0:0 1 -0.0 x0 x> L  \nrow -644 0:0 2 -0.0 x0 y> M  \n" },
	{ "three more, why it is hidden, too", "-rw-r--r--\t0\t0\t1\t-\tx\t\tL\tdeleted\tM\n", "row -644 0:0 1 -0.0 x0 x> L deleted M\n" },
	{ "two more are of nobody", "-rw-r--r--\t0\t0\t1\t-\tx\t\t\t\n", "error -1 line 1 byte 0 no row: too many columns\n" },
	{ "the first row says how many there are", "-rw-r--r--\t0\t0\t1\t-\tx\t\n-rw-r--r--\t0\t0\t1\t-\tx\t\tL\n",
	  "row -644 0:0 1 -0.0 x0 x>   \nerror -1 line 2 byte 22 no row: too many columns\n" },
	{ "a header row says it better", "name\tlayer\nx\tL\n", "row -0 0:0 0 -0.0 x0 x> L  \n" },
};

static void
test_cases(const struct a_case *c, size_t n, int merged)
{
	struct lp_buf got;

	lp_buf_init(&got, 65536);
	for (size_t i = 0; i < n; i++) {
		struct lp_span in = lp_span_str(c[i].in), want = lp_span_str(c[i].want);
		int split = 1;

		read_in(in, merged, in.n > 0 ? in.n : 1, 1, &got);
		ok_span(lp_buf_span(&got), want, c[i].name);
		read_in(in, merged, 1, 1, &got);
		split &= lp_span_eq(lp_buf_span(&got), want);
		for (size_t at = 1; at < in.n; at++) {
			read_in(in, merged, at, in.n, &got);
			split &= lp_span_eq(lp_buf_span(&got), want);
		}
		ok(split, "%s: byte by byte and split at every offset", c[i].name);
	}
	lp_buf_release(&got);
}

static void
test_modes(void)
{
	struct lp_entry e = { .type = LP_FIFO };
	char text[LP_MODE_LEN];
	int same = 1, refused = 1;

	for (uint32_t mode = 0; mode <= 07777; mode++) {
		enum lp_type type;
		uint32_t back;

		e.mode = mode;
		lp_put_mode(text, &e);
		same &= lp_parse_mode(lp_span(text, LP_MODE_LEN), &type, &back) == LP_OK && back == mode && type == LP_FIFO;
	}
	ok(same, "all 4096 modes are read as they were written");
	memcpy(text, "-rwxrwxrwx", LP_MODE_LEN);
	for (size_t i = 0; i < LP_MODE_LEN; i++) {
		char keep = text[i];

		for (int c = 0; c < 256; c++) {
			enum lp_type type;
			uint32_t mode;
			int may = strchr(i == 0 ? "-dlhcbp" : i % 3 == 1 ? "r-" : i % 3 == 2 ? "w-" : i == 9 ? "x-tT" : "x-sS",
			    c) != NULL && c != 0;

			text[i] = (char)c;
			refused &= (lp_parse_mode(lp_span(text, LP_MODE_LEN), &type, &mode) == LP_OK) == may;
		}
		text[i] = keep;
	}
	ok(refused, "every letter where it may stand, and none where not");
}

static void
test_long_line(void)
{
	struct lp_rowread r;
	struct lp_span in;
	size_t n = (size_t)LP_MAX_ROW + 1;
	unsigned char *p = malloc(n);
	enum lp_rowread_event event = LP_ROWREAD_MORE;

	if (p == NULL)
		abort();
	memset(p, 'x', n);
	lp_rowread_init(&r);
	for (size_t left = n; left > 0 && event == LP_ROWREAD_MORE; left -= in.n) {
		in = lp_span(p, left < 1000000 ? left : 1000000);
		struct lp_span part = in;

		event = lp_rowread_next(&r, &part);
	}
	ok(event == LP_ROWREAD_ERROR && r.status == LP_E_LIMIT && r.line == 1, "a line longer than any row");
	lp_rowread_release(&r);
	free(p);
}

/* What is wrong with it is not that a value is malformed. */
static void
test_long_end(void)
{
	static const char *const fronts[] = { "#end\tcomplete=yes\tlayer=", "{\"end\":{\"layer\":\"" };
	static const char *const backs[] = { "\n", "\"}}\n" };

	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		struct lp_rowread r;
		struct lp_buf b;
		struct lp_span in;

		lp_buf_init(&b, SIZE_MAX);
		lp_buf_adds(&b, fronts[i]);
		for (size_t n = 0; n <= LP_MAX_PATH; n++)
			lp_buf_addc(&b, 'x');
		lp_buf_adds(&b, backs[i]);
		lp_rowread_init(&r);
		in = lp_buf_span(&b);
		ok(lp_rowread_next(&r, &in) == LP_ROWREAD_ERROR && r.status == LP_E_LIMIT, "a label longer than any path");
		ok_str(lp_span_str(r.why), "the end record holds a text longer than any path", "and why");
		lp_rowread_release(&r);
		lp_buf_release(&b);
	}
}

static void
test_many_attributes(void)
{
	for (unsigned json = 0; json < 2; json++) {
		struct lp_rowread r;
		struct lp_buf b;
		struct lp_span in;
		char one[32];

		lp_buf_init(&b, SIZE_MAX);
		lp_buf_adds(&b, json ? "{\"name\":\"a\",\"xattrs\":{\"x\":\"\"" : "name\txattrs\na\tx=");
		for (unsigned i = 0; i < LP_MAX_PAX_RECORDS; i++) {
			snprintf(one, sizeof(one), json ? ",\"%x\":\"\"" : ",%x=", i);
			lp_buf_adds(&b, one);
		}
		lp_buf_adds(&b, json ? "}}\n" : "\n");
		lp_rowread_init(&r);
		in = lp_buf_span(&b);
		ok(lp_rowread_next(&r, &in) == LP_ROWREAD_ERROR && r.status == LP_E_LIMIT, "too many extended attributes are above a limit");
		ok_str(lp_span_str(r.why), "more extended attributes than any file has", "and why");
		lp_rowread_release(&r);
		lp_buf_release(&b);
	}
}

int
main(void)
{
	test_cases(cases, sizeof(cases) / sizeof(cases[0]), 0);
	test_cases(merged_cases, sizeof(merged_cases) / sizeof(merged_cases[0]), 1);
	test_modes();
	test_long_line();
	test_long_end();
	test_many_attributes();
	return unit_done();
}
