#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/toc/toc.h"
#include "test/unit/unit.h"

#define SHA_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DUP "two entries have one name"

/* ---- events as text -------------------------------------------------------- */

static void
add(struct lp_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct lp_buf *b, const char *fmt, ...)
{
	char s[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	lp_buf_adds(b, s);
}

static void
add_chunk(struct lp_buf *b, const struct lp_toc_chunk *c)
{
	add(b, " [%ju+%ju at %ju", (uintmax_t)c->at, (uintmax_t)c->size, (uintmax_t)c->offset);
	if (c->inner > 0)
		add(b, "+%ju", (uintmax_t)c->inner);
	if (c->end > 0)
		add(b, " to %ju", (uintmax_t)c->end);
	if (c->digest.n > 0)
		add(b, " %c", c->digest.p[7]);
	add(b, "]");
}

static void
add_entry(struct lp_buf *b, const struct lp_toc *t)
{
	const struct lp_entry *e = &t->entry;

	add(b, "%c %.*s %ju %o %jd", e->type, (int)e->name.n, (const char *)e->name.p, (uintmax_t)e->size,
	    e->mode, (intmax_t)e->uid);
	if (e->has & LP_HAS_UNAME)
		add(b, ":%.*s", (int)e->uname.n, (const char *)e->uname.p);
	add(b, " %jd", (intmax_t)e->gid);
	if (e->has & LP_HAS_GNAME)
		add(b, ":%.*s", (int)e->gname.n, (const char *)e->gname.p);
	if (e->has & LP_HAS_MTIME)
		add(b, " %jd", (intmax_t)e->mtime);
	if (e->mtime_nsec > 0)
		add(b, ".%09u", e->mtime_nsec);
	if (e->linkname.n > 0)
		add(b, " -> %.*s", (int)e->linkname.n, (const char *)e->linkname.p);
	if (e->has & LP_HAS_DEV)
		add(b, " %u,%u", e->devmajor, e->devminor);
	for (size_t i = 0; i < e->nxattrs; i++)
		add(b, " %.*s=%.*s", (int)e->xattrs[i].name.n, (const char *)e->xattrs[i].name.p,
		    (int)e->xattrs[i].value.n, (const char *)e->xattrs[i].value.p);
	if (t->digest.n > 0)
		add(b, " %c", t->digest.p[7]);
	if (e->size > 0)
		add_chunk(b, &t->chunk);
}

static void
add_end(struct lp_buf *b, const struct lp_toc *t, enum lp_toc_event ev)
{
	static const char *const status[] = { [-LP_E_DATA] = "data", [-LP_E_LIMIT] = "limit", [-LP_E_NOMEM] = "nomem" };

	if (ev == LP_TOC_ERROR)
		add(b, "%s at %ju: %s\n", status[-t->status], (uintmax_t)t->error_offset, t->why);
	else
		add(b, "%s\n", ev == LP_TOC_END ? "end" : "cut off");
}

/* Feed spans of the sizes that `sizes` gives in turn (the last one again and again). */
static void
run(struct lp_buf *out, const char *json, size_t n, const size_t *sizes, size_t nsizes)
{
	struct lp_toc t;
	enum lp_toc_event ev = LP_TOC_MORE;
	size_t at = 0;

	lp_toc_init(&t, 42);
	for (size_t i = 0; at < n && ev != LP_TOC_ERROR; i++) {
		size_t want = sizes[i < nsizes ? i : nsizes - 1];
		size_t take = want < n - at ? want : n - at;
		unsigned char *p = unit_exact(lp_span(json + at, take));
		struct lp_span in = lp_span(p, take);

		while ((ev = lp_toc_next(&t, &in)) == LP_TOC_ENTRY || ev == LP_TOC_CHUNK) {
			if (ev == LP_TOC_ENTRY)
				add_entry(out, &t);
			else
				add_chunk(out, &t.chunk);
			add(out, "\n");
		}
		free(p);
		at += take;
	}
	if (ev != LP_TOC_ERROR)
		ev = lp_toc_eof(&t);
	add_end(out, &t, ev);
	lp_toc_release(&t);
}

static void
check(const char *name, const char *json, const char *want)
{
	size_t n = strlen(json), differ = 0;
	struct lp_buf whole, cut;

	lp_buf_init(&whole, 1 << 20);
	lp_buf_init(&cut, 1 << 20);
	run(&whole, json, n, (size_t[]){ n + 1 }, 1);
	ok_str(lp_buf_span(&whole), want, name);
	for (size_t at = 0; at <= n; at++) {
		lp_buf_clear(&cut);
		/* at 0: byte by byte */
		run(&cut, json, n, at > 0 ? (size_t[]){ at, n } : (size_t[]){ 1, 1 }, 2);
		differ += !lp_span_eq(lp_buf_span(&cut), lp_buf_span(&whole));
	}
	ok(differ == 0, "%s: the same however it is cut", name);
	lp_buf_release(&whole);
	lp_buf_release(&cut);
}

/* ---- cases ------------------------------------------------------------------- */

#define TOC(entries) "{\"version\":1,\"entries\":[" entries "]}"
#define E(members) "{" members "}"
#define REG(name, more) "{\"type\":\"reg\",\"name\":\"" name "\"" more "}"

static const struct { const char *name, *json, *want; } cases[] = {
	{ "no entries", TOC(""), "end\n" },
	{ "no list", "{\"version\":1,\"entries\":null}", "end\n" },
	{ "white space", " {\n\t\"version\" : 1 ,\r\"entries\" : [ { \"type\" : \"dir\" , \"name\" : \"d\" } ] } \n", "d d 0 0 0 0 0\nend\n" },
	{ "entries first, other keys between", "{\"entries\":[" REG("a", "") "],\"x\":{\"y\":[1,\"]}\\\"\",{}]},\"version\":1,\"z\":-1.5e3}", "- a 0 0 0 0 0\nend\n" },
	{ "every type",
	    TOC(E("\"type\":\"dir\",\"name\":\"./d/\",\"mode\":1023,\"uid\":4000000000,\"gid\":7")
	        "," E("\"type\":\"symlink\",\"name\":\"l\",\"linkName\":\"../x\",\"size\":9,\"mode\":511")
	        "," E("\"type\":\"hardlink\",\"name\":\"h\",\"linkName\":\"./r\"")
	        "," E("\"type\":\"char\",\"name\":\"c\",\"devMajor\":1,\"devMinor\":3")
	        "," E("\"type\":\"block\",\"name\":\"b\",\"devMajor\":8")
	        "," E("\"type\":\"fifo\",\"name\":\"p\",\"devMajor\":1,\"linkName\":\"none\"")),
	    "d ./d/ 0 1777 4000000000 7 0\nl l 0 777 0 0 0 -> ../x\nh h 0 0 0 0 0 -> ./r\nc c 0 0 0 0 0 1,3\nb b 0 0 0 0 0 8,0\np p 0 0 0 0 0\nend\n" },
	{ "times",
	    TOC(REG("a", ",\"modtime\":\"2026-11-23T16:43:44.5Z\"") "," REG("b", ",\"modtime\":\"0001-01-01T00:00:00Z\"") "," REG("c", ",\"modtime\":null")
	        "," REG("d", ",\"modtime\":\"1969-12-31T23:59:59+00:00\"")),
	    "- a 0 0 0 0 1795452224.500000000\n- b 0 0 0 0\n- c 0 0 0 0 0\n- d 0 0 0 0 -1\nend\n" },
	{ "owners are carried on",
	    TOC(REG("a", ",\"userName\":\"root\",\"groupName\":\"wheel\"") "," REG("b", "") "," REG("c", ",\"uid\":1,\"groupName\":\"\"")
	        "," REG("d", ",\"uid\":1,\"gid\":1,\"userName\":\"one\"") "," REG("e", ",\"gid\":1") "," REG("f", ",\"uid\":1") "," REG("g", ",\"userName\":\"toor\"") "," REG("h", "")),
	    "- a 0 0 0:root 0:wheel 0\n- b 0 0 0:root 0:wheel 0\n- c 0 0 1 0:wheel 0\n- d 0 0 1:one 1 0\n- e 0 0 0:root 1 0\n- f 0 0 1:one 0:wheel 0\n- g 0 0 0:toor 0:wheel 0\n- h 0 0 0:toor 0:wheel 0\nend\n" },
	{ "extended attributes", TOC(REG("a", ",\"xattrs\":{\"user.x\":\"Zm9v\",\"user.y\":\"\",\"user.z\":\"YmFy\"}") "," REG("b", "")),
	    "- a 0 0 0 0 0 user.x=foo user.y= user.z=bar\n- b 0 0 0 0 0\nend\n" },
	{ "extended attributes, in order of their names",
	    TOC(REG("a", ",\"xattrs\":{\"z\":\"Zm9v\",\"ab\":\"\",\"a\":\"YmFy\"}")), "- a 0 0 0 0 0 a=bar ab= z=foo\nend\n" },
	{ "one chunk", TOC(REG("a", ",\"size\":5,\"offset\":85,\"digest\":\"" SHA_A "\"")), "- a 5 0 0 0 0 a [0+5 at 85 a]\nend\n" },
	{ "one chunk, only its own digest", TOC(REG("a", ",\"size\":5,\"offset\":85,\"innerOffset\":512,\"chunkDigest\":\"" SHA_B "\"")), "- a 5 0 0 0 0 b [0+5 at 85+512 b]\nend\n" },
	{ "three chunks",
	    TOC(REG("a", ",\"size\":9,\"offset\":85,\"endOffset\":200,\"chunkSize\":4,\"chunkDigest\":\"" SHA_B "\",\"digest\":\"" SHA_A "\"")
	        "," E("\"type\":\"chunk\",\"name\":\"a\",\"chunkOffset\":4,\"chunkSize\":1,\"chunkType\":\"zeros\",\"offset\":100")
	        "," E("\"type\":\"chunk\",\"name\":\"a\",\"chunkOffset\":5,\"offset\":120,\"chunkDigest\":\"" SHA_A "\"") "," REG("b", "")),
	    "- a 9 0 0 0 0 a [0+4 at 85 to 200 b]\n [4+1 at 100]\n [5+4 at 120 a]\n- b 0 0 0 0 0\nend\n" },
	{ "what is not of the image",
	    TOC(REG(".no.prefetch.landmark", ",\"size\":1,\"offset\":9") "," REG("./.prefetch.landmark", ",\"size\":2,\"offset\":9,\"chunkSize\":1")
	        "," E("\"type\":\"chunk\",\"name\":\"./.prefetch.landmark\",\"chunkOffset\":1") "," REG("d/.prefetch.landmark", "") "," REG("stargz.index.json", "")),
	    "- d/.prefetch.landmark 0 0 0 0 0\nend\n" },
	{ "unknown keys", TOC(REG("a", ",\"accesstime\":\"x\",\"tarSplitDigest\":5,\"nested\":{\"name\":\"b\"}")), "- a 0 0 0 0 0\nend\n" },
	{ "escapes in strings", TOC(REG("\\u00e9\\\"\\t\\n", "")), "- \xc3\xa9\"\t\n 0 0 0 0 0\nend\n" },

	{ "cut off in an entry", "{\"version\":1,\"entries\":[" REG("a", "") ",{\"type\":", "- a 0 0 0 0 0\ncut off\n" },
	{ "cut off behind the list", "{\"version\":1,\"entries\":[" REG("a", "") "]", "- a 0 0 0 0 0\ncut off\n" },
	{ "cut off in a number", "{\"version\":1", "cut off\n" },
	{ "nothing", "", "data at 0: empty: not a table of contents\n" },
	{ "white space alone", " \n", "data at 2: empty: not a table of contents\n" },
	{ "no version", "{\"entries\":[]}", "data at 14: version or entries is missing: not a table of contents\n" },
	{ "no list at all", "{\"version\":1}", "data at 13: version or entries is missing: not a table of contents\n" },
	{ "version 2", "{\"version\":2,\"entries\":[]}", "data at 11: the table of contents is of another version than 1\n" },
	{ "version 1.0", "{\"version\":1.0,\"entries\":[]}", "data at 11: the table of contents is of another version than 1\n" },
	{ "version \"1\"", "{\"version\":\"1\",\"entries\":[]}", "data at 11: the table of contents is of another version than 1\n" },
	{ "version twice", "{\"version\":1,\"version\":1,\"entries\":[]}", "data at 14: a key stands there twice\n" },
	{ "entries twice", "{\"version\":1,\"entries\":[],\"entries\":[]}", "data at 27: a key stands there twice\n" },
	{ "Entries", "{\"version\":1,\"Entries\":[]}", "data at 14: a key is known in another case only: readers disagree about it\n" },
	{ "entries in disguise", "{\"version\":1,\"\\u0065ntries\":[]}", "data at 14: a key is written with an escape\n" },
	{ "entries is an object", "{\"version\":1,\"entries\":{}}", "data at 23: entries is not a list\n" },
	{ "entries is a number", "{\"version\":1,\"entries\":0}", "data at 23: entries is not a list\n" },
	{ "an array", "[]", "data at 0: not the JSON of a table of contents\n" },
	{ "something behind it", TOC("") "x", "data at 26: not the JSON of a table of contents\n" },
	{ "a comma too many", TOC(REG("a", "") ","), "- a 0 0 0 0 0\ndata at 50: not the JSON of a table of contents\n" },
	{ "an entry that is a number", TOC("1"), "data at 24: not the JSON of a table of contents\n" },
	{ "brackets that do not match", TOC("{\"a\":[}}"), "data at 31: not valid JSON\n" },
	{ "a value that is none", "{\"x\":tru,\"version\":1,\"entries\":[]}", "data at 8: not valid JSON\n" },
	{ "no value", "{\"x\":,\"version\":1,\"entries\":[]}", "data at 5: not valid JSON\n" },

	{ "no name", TOC("{\"type\":\"reg\"}"), "data at 24: an entry has no name\n" },
	{ "an empty name", TOC(REG("", "")), "data at 24: an entry has no name\n" },
	{ "a NUL in a name", TOC(REG("a\\u0000b", "")), "data at 24: a name holds a NUL\n" },
	{ "a name that is a number", TOC("{\"type\":\"reg\",\"name\":5}"), "data at 24: a name, type, time or digest is not a string\n" },
	{ "no type", TOC("{\"name\":\"a\"}"), "data at 24: an entry is of no known type\n" },
	{ "an unknown type", TOC("{\"name\":\"a\",\"type\":\"door\"}"), "data at 24: an entry is of no known type\n" },
	{ "a hard link to nothing", TOC("{\"name\":\"a\",\"type\":\"hardlink\"}"), "data at 24: a hard link leads nowhere\n" },
	{ "a key twice", TOC(REG("a", ",\"name\":\"b\"")), "data at 55: not valid JSON\n" },
	{ "a key in two cases", TOC(REG("a", ",\"Name\":\"b\"")), "data at 24: a key is known in another case only: readers disagree about it\n" },
	{ "linkname", TOC(REG("a", ",\"linkname\":\"b\"")), "data at 24: a key is known in another case only: readers disagree about it\n" },
	{ "a name twice", TOC(REG("a", "") "," REG("a", "")), "- a 0 0 0 0 0\ndata at 50: " DUP "\n" },
	{ "a name twice, in another form", TOC(REG("a/b", "") "," REG("./a//c/../b/", "")), "- a/b 0 0 0 0 0\ndata at 52: " DUP "\n" },
	{ "a negative size", TOC(REG("a", ",\"size\":-1")), "data at 24: a size or offset is negative\n" },
	{ "a size with a fraction", TOC(REG("a", ",\"size\":1.5")), "data at 24: a size, owner or offset is not an integer\n" },
	{ "a size above 63 bits", TOC(REG("a", ",\"size\":9223372036854775808")), "data at 75: not valid JSON\n" },
	{ "the largest size", TOC(REG("a", ",\"size\":9223372036854775807,\"offset\":1")), "- a 9223372036854775807 0 0 0 0 [0+9223372036854775807 at 1]\nend\n" },
	{ "a large device", TOC("{\"name\":\"a\",\"type\":\"char\",\"devMajor\":4294967296}"), "data at 24: a device number is negative, or larger than 32 bits\n" },
	{ "a bad time", TOC(REG("a", ",\"modtime\":\"yesterday\"")), "data at 24: a modtime is not a time as RFC 3339 writes it\n" },
	{ "a bad digest", TOC(REG("a", ",\"size\":1,\"digest\":\"sha512:00\"")), "data at 24: a digest is not sha256 and 64 hexadecimal digits\n" },
	{ "a bad attribute", TOC(REG("a", ",\"xattrs\":{\"user.x\":\"!\"}")), "data at 24: an extended attribute is not base64\n" },
	{ "attributes in a list", TOC(REG("a", ",\"xattrs\":[]")), "data at 24: xattrs is not an object\n" },
	{ "an unknown kind of chunk", TOC(REG("a", ",\"chunkType\":\"ones\"")), "data at 24: a chunk is of no known type\n" },

	{ "a chunk without a file", TOC(E("\"type\":\"chunk\",\"name\":\"a\",\"chunkSize\":1")), "data at 24: a chunk stands behind no file of its name\n" },
	{ "a chunk of another file", TOC(REG("a", ",\"size\":2,\"chunkSize\":1") "," E("\"type\":\"chunk\",\"name\":\"b\",\"chunkOffset\":1")),
	    "- a 2 0 0 0 0 [0+1 at 0]\ndata at 73: a chunk stands behind no file of its name\n" },
	{ "a gap between chunks", TOC(REG("a", ",\"size\":3,\"chunkSize\":1") "," E("\"type\":\"chunk\",\"name\":\"a\",\"chunkOffset\":2")),
	    "- a 3 0 0 0 0 [0+1 at 0]\ndata at 73: a chunk does not begin where the one before ends\n" },
	{ "a chunk larger than its file", TOC(REG("a", ",\"size\":3,\"chunkSize\":4")), "data at 24: a chunk lies outside its file\n" },
	{ "a chunk behind its file", TOC(REG("a", ",\"size\":3") "," E("\"type\":\"chunk\",\"name\":\"a\",\"chunkOffset\":3")),
	    "- a 3 0 0 0 0 [0+3 at 0]\ndata at 59: a chunk lies outside its file\n" },
	{ "a chunk is missing", TOC(REG("a", ",\"size\":3,\"chunkSize\":1") "," REG("b", "")),
	    "- a 3 0 0 0 0 [0+1 at 0]\ndata at 73: the chunks of the file before do not make up its size\n" },
	{ "the last chunk is missing", TOC(REG("a", ",\"size\":3,\"chunkSize\":1")),
	    "- a 3 0 0 0 0 [0+1 at 0]\ndata at 24: the chunks of the file before do not make up its size\n" },
};

/* ---- limits -------------------------------------------------------------------- */

static void
test_limits(void)
{
	static const struct { const char *name; size_t n; int rc; } t[] = {
		{ "an entry of the limit", LP_MAX_TOC_ENTRY, LP_OK },
		{ "an entry above the limit", LP_MAX_TOC_ENTRY + 1, LP_E_LIMIT },
	};
	const char *head = "{\"version\":1,\"entries\":[", *entry = REG("a", ",\"x\":\"");

	for (size_t i = 0; i < 2; i++) {
		struct lp_buf json, out;
		size_t frame = strlen(entry) - 1 + 2; /* its text up to the quote, then a quote and a bracket */

		lp_buf_init(&json, 2 * LP_MAX_TOC_ENTRY);
		lp_buf_init(&out, 4096);
		lp_buf_adds(&json, head);
		lp_buf_add(&json, lp_span(entry, strlen(entry) - 1));
		lp_buf_reserve(&json, t[i].n - frame);
		memset(json.p + json.n, 'x', t[i].n - frame);
		json.n += t[i].n - frame;
		lp_buf_adds(&json, "\"}]}");
		run(&out, (const char *)json.p, json.n, (size_t[]){ 65536 }, 1);
		if (t[i].rc == LP_OK)
			ok_str(lp_buf_span(&out), "- a 0 0 0 0 0\nend\n", t[i].name);
		else
			ok_str(lp_buf_span(&out), "limit at 24: an entry is larger than the limit\n", t[i].name);
		lp_buf_release(&json);
		lp_buf_release(&out);
	}
}

/* As if so much of the table had been blanks. */
static void
test_attributes_limit(void)
{
	struct lp_buf json;
	struct lp_toc t;
	struct lp_span in;
	enum lp_toc_event ev;

	lp_buf_init(&json, SIZE_MAX);
	lp_buf_adds(&json, "{\"version\":1,\"entries\":[{\"name\":\"a\",\"type\":\"reg\",\"xattrs\":{\"x\":\"\"");
	for (unsigned i = 0; i < LP_MAX_PAX_RECORDS; i++)
		add(&json, ",\"%x\":\"\"", i);
	lp_buf_adds(&json, "}}]}");
	in = lp_buf_span(&json);
	lp_toc_init(&t, 1);
	ev = lp_toc_next(&t, &in);
	ok(ev == LP_TOC_ERROR && t.status == LP_E_LIMIT, "as few extended attributes as a row may have");
	ok_str(lp_span_str(t.why), "more extended attributes than any file has", "and why");
	lp_toc_release(&t);
	lp_buf_release(&json);
}

static void
test_size_limit(void)
{
	static const char whole[] = "{\"version\":1,\"entries\":[]}";

	for (unsigned over = 0; over < 2; over++) {
		struct lp_span in = lp_span_str(whole);
		struct lp_toc t;

		lp_toc_init(&t, 1);
		t.offset = LP_MAX_TOC_JSON - in.n + over;
		if (over)
			ok(lp_toc_next(&t, &in) == LP_TOC_ERROR && t.status == LP_E_LIMIT, "a byte above the limit");
		else
			ok(lp_toc_next(&t, &in) == LP_TOC_MORE && lp_toc_eof(&t) == LP_TOC_END, "as long as the limit");
		lp_toc_release(&t);
	}
}

/* A user's name that is carried on, while a group's is new, and there is no room for it. */
static void
test_owners_stay(void)
{
	enum { ENTRIES = 64 };
	struct lp_buf json;
	struct lp_span in;
	struct lp_toc t;
	unsigned n = 0, right = 0;

	lp_buf_init(&json, SIZE_MAX);
	lp_buf_adds(&json, "{\"version\":1,\"entries\":[{\"name\":\"a\",\"type\":\"reg\",\"userName\":\"root\"}");
	for (unsigned i = 1; i <= ENTRIES; i++)
		add(&json, ",{\"name\":\"%u\",\"type\":\"reg\",\"gid\":%u,\"groupName\":\"%0300u\"}", i, i, i);
	lp_buf_adds(&json, "]}");
	in = lp_buf_span(&json);
	lp_toc_init(&t, 1);
	for (; lp_toc_next(&t, &in) == LP_TOC_ENTRY; n++)
		right += lp_span_is(t.entry.uname, "root") && t.entry.gname.n == (n > 0 ? 300 : 0);
	ok(n == ENTRIES + 1 && right == n, "an owner's name stays while another is added");
	lp_toc_release(&t);
	lp_buf_release(&json);
}

/* Of different names of owners, each with its length in front. */
static void
test_owners_limit(void)
{
	static const struct { const char *what; size_t n; enum lp_toc_event last; } t[] = {
		{ "owners' names of the limit", LP_MAX_TOC_OWNERS - sizeof(size_t), LP_TOC_END },
		{ "owners' names above the limit", LP_MAX_TOC_OWNERS - sizeof(size_t) + 1, LP_TOC_ERROR },
	};

	for (size_t i = 0; i < 2; i++) {
		enum lp_toc_event last = LP_TOC_MORE;
		struct lp_buf json;
		struct lp_span in;
		struct lp_toc toc;

		lp_buf_init(&json, 2 * LP_MAX_TOC_OWNERS);
		lp_buf_adds(&json, "{\"version\":1,\"entries\":[{\"name\":\"a\",\"type\":\"reg\",\"uid\":1,\"userName\":\"");
		lp_buf_reserve(&json, t[i].n);
		memset(json.p + json.n, 'u', t[i].n);
		json.n += t[i].n;
		lp_buf_adds(&json, "\"}]}");
		in = lp_buf_span(&json);
		lp_toc_init(&toc, 1);
		while ((last = lp_toc_next(&toc, &in)) == LP_TOC_ENTRY)
			continue;
		if (last == LP_TOC_MORE)
			last = lp_toc_eof(&toc);
		ok(last == t[i].last && (last != LP_TOC_ERROR || toc.status == LP_E_LIMIT), "%s", t[i].what);
		lp_toc_release(&toc);
		lp_buf_release(&json);
	}
}

static void
test_map(void)
{
	struct lp_map m;
	uint64_t *v;
	int fresh, wrong = 0;

	lp_map_init(&m, 1000);
	ok(lp_map_get(&m, 5) == NULL, "map: nothing in an empty one");
	for (uint64_t i = 0; i < 1000; i++) {
		wrong += lp_map_add(&m, i * 64, &v, &fresh) != LP_OK || !fresh || *v != 0;
		*v = i;
	}
	ok(wrong == 0, "map: 1000 keys that all want one slot");
	for (uint64_t i = 0; i < 1000; i++)
		wrong += (v = lp_map_get(&m, i * 64)) == NULL || (i > 0 && *v != i);
	ok(wrong == 0 && lp_map_get(&m, 63) == NULL, "map: all found, no other");
	ok(lp_map_add(&m, 64, &v, &fresh) == LP_OK && !fresh && *v == 1, "map: a key again");
	ok(lp_map_add(&m, 7, &v, &fresh) == LP_E_LIMIT, "map: no more than its maximum");
	lp_map_release(&m);
	ok(lp_hash64(1, lp_span_str("a")) != lp_hash64(2, lp_span_str("a")) &&
	    lp_hash64(1, lp_span_str("a")) != lp_hash64(1, lp_span("a\0", 2)) &&
	    lp_hash64(1, lp_span_str("")) != lp_hash64(1, lp_span("\0\0\0\0\0\0\0\0", 8)),
	    "hash: seed, content and length all count");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].name, cases[i].json, cases[i].want);
	test_limits();
	test_attributes_limit();
	test_owners_stay();
	test_size_limit();
	test_owners_limit();
	test_map();
	return unit_done();
}
