/*
 * Inputs that are made to be dear, each of some size and of twice that: all
 * of them are read to their end. What that costs is counted by
 * test/bats/budget.bats, which runs this under callgrind and looks at each
 * call of counted(): twice the input is twice the instructions, not four
 * times as many.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/merge/mergeview.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/cache/cache.h"
#include "common/merge/layerdiff.h"
#include "common/merge/merge.h"
#include "common/merge/walk.h"
#include "common/net/tokens.h"
#include "common/oci/dockerarchive.h"
#include "common/oci/layerrow.h"
#include "common/oci/layout.h"
#include "common/row/rowread.h"
#include "common/sys/io.h"
#include "common/tar/tar.h"
#include "common/toc/toccheck.h"
#include "test/unit/tarmake.h"
#include "test/unit/unit.h"

#define DIGEST "sha256:%064u"

enum { TEXT_MAX = 1 << 28 };

static struct lp_buf text; /* the input; of merges, each layer ends in a line "\f" */
static struct lp_buf written;

static void
add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
add(const char *fmt, ...)
{
	char s[512];
	va_list ap;

	va_start(ap, fmt);
	tm_add(&text, s, (size_t)vsnprintf(s, sizeof(s), fmt, ap));
	va_end(ap);
}

static void
times(unsigned n, const char *s)
{
	while (n-- > 0)
		tm_add(&text, s, strlen(s));
}

/* ---- archives: lp-tarls ------------------------------------------------------ */

static unsigned
list_archive(struct lp_span in, enum lp_rowform form)
{
	struct lp_rowfmt fmt;
	struct lp_tar t;
	enum lp_tar_event event;
	unsigned rows = 0;

	lp_rowfmt_init(&fmt);
	fmt.form = form;
	fmt.ncolumns = LP_COLUMNS;
	for (size_t i = 0; i < LP_COLUMNS; i++)
		fmt.column[i] = (enum lp_column)i;
	lp_tar_init(&t);
	while ((event = lp_tar_next(&t, &in)) != LP_TAR_MORE && event != LP_TAR_ERROR) {
		lp_buf_clear(&written);
		rows += event == LP_TAR_MEMBER && lp_row_write(&fmt, &t.entry, &written) == LP_OK;
		if (event == LP_TAR_MEMBER && t.sparse_member && lp_tar_in_data(&t))
			lp_tar_want_data(&t);
	}
	if (event == LP_TAR_ERROR || lp_tar_eof(&t) != LP_TAR_END)
		diag("byte %llu: %s", (unsigned long long)t.error_offset, t.why != NULL ? t.why : "?");
	lp_tar_release(&t);
	return rows;
}

static unsigned
tarls(struct lp_span in)
{
	return list_archive(in, LP_ROW_TSV) + list_archive(in, LP_ROW_NDJSON);
}

/* A member of that kind whose data is what was added behind `from`. */
static void
wrap(size_t from, char type, const char *name)
{
	struct lp_buf b;
	struct lp_span body = lp_span(text.p + from, text.n - from);

	lp_buf_init(&b, TEXT_MAX);
	tm_head(&b, (struct tm_header){ .name = name, .type = type, .size = body.n });
	tm_add(&b, body.p, body.n);
	tm_zeros(&b, (LP_TAR_BLOCK - body.n % LP_TAR_BLOCK) % LP_TAR_BLOCK);
	text.n = from;
	tm_add(&text, b.p, b.n);
	lp_buf_release(&b);
}

static void
member(const char *name, size_t size)
{
	size_t from = text.n;

	while (text.n < from + size)
		tm_add(&text, "x", 1);
	wrap(from, '0', name);
}

/* "LENGTH KEY=VALUE\n", of what was added behind `from` */
static void
wrap_record(size_t from)
{
	struct lp_buf b;
	size_t n = text.n - from + 2, digits = 1;

	for (size_t limit = 10; n + digits >= limit; limit *= 10)
		digits++;
	lp_buf_init(&b, TEXT_MAX);
	tm_add(&b, text.p + from, text.n - from);
	text.n = from;
	add("%zu ", n + digits);
	tm_add(&text, b.p, b.n);
	add("\n");
	lp_buf_release(&b);
}

static void
record(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
record(const char *fmt, ...)
{
	char s[512];
	size_t from = text.n;
	va_list ap;

	va_start(ap, fmt);
	tm_add(&text, s, (size_t)vsnprintf(s, sizeof(s), fmt, ap));
	va_end(ap);
	wrap_record(from);
}

static void
end_archive(void)
{
	tm_zeros(&text, 2 * LP_TAR_BLOCK);
}

static void
pax_attributes(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		record("%s.xattr.user.k%u=dg==", i % 3 == 0 ? "LIBARCHIVE" : "SCHILY", i * 7919 % n);
	wrap(0, 'x', "pax");
	member("f", 0);
	end_archive();
}

static void
pax_records(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		record("%s=v", i % 2 == 0 ? "path" : "comment");
	wrap(0, 'x', "pax");
	member("f", 0);
	end_archive();
}

static void
long_names(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		size_t from = text.n;

		add("%0300u", i);
		wrap(from, i % 2 == 0 ? 'L' : 'K', "././@LongLink");
		if (i % 2 == 0)
			member("f", 0);
	}
	end_archive();
}

static void
one_long_name(unsigned n)
{
	times(n, "a\xff/");
	tm_add(&text, "", 1);
	wrap(0, 'L', "././@LongLink");
	member("f", 0);
	end_archive();
}

static void
globals(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		size_t from = text.n;

		record("key%u=value", i);
		wrap(from, 'g', "pax");
	}
	member("f", 0);
	end_archive();
}

static void
many_owners(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		size_t from = text.n;

		record("uname=user%u", i);
		record("gname=group%u", i);
		wrap(from, 'x', "pax");
		member("f", 0);
	}
	end_archive();
}

static void
sparse_pairs(unsigned n)
{
	record("GNU.sparse.size=%u", 2 * n);
	record("GNU.sparse.numblocks=%u", n);
	for (unsigned i = 0; i < n; i++) {
		record("GNU.sparse.offset=%u", 2 * i);
		record("GNU.sparse.numbytes=1");
	}
	wrap(0, 'x', "pax");
	member("f", n);
	end_archive();
}

static void
sparse_list(unsigned n)
{
	size_t from;

	record("GNU.sparse.size=%u", 2 * n);
	record("GNU.sparse.numblocks=%u", n);
	from = text.n;
	add("GNU.sparse.map=");
	for (unsigned i = 0; i < n; i++)
		add("%s%u,1", i > 0 ? "," : "", 2 * i);
	wrap_record(from);
	wrap(0, 'x', "pax");
	member("f", n);
	end_archive();
}

static void
sparse_map(unsigned n)
{
	size_t from;

	record("GNU.sparse.major=1");
	record("GNU.sparse.minor=0");
	record("GNU.sparse.realsize=%u", 2 * n);
	wrap(0, 'x', "pax");
	from = text.n;
	add("%u\n", n);
	for (unsigned i = 0; i < n; i++)
		add("%u\n1\n", 2 * i);
	tm_zeros(&text, (LP_TAR_BLOCK - (text.n - from) % LP_TAR_BLOCK) % LP_TAR_BLOCK);
	times(n, "x");
	wrap(from, '0', "f");
	end_archive();
}

/* ---- listings: lp-merge ------------------------------------------------------- */

static void
row(char type, const char *link, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
row(char type, const char *link, const char *fmt, ...)
{
	char s[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	add("%crw-r--r--\t0\t0\t1\t2026-11-23T16:43:44Z\t%s\t%s\n", type, s, link);
}

static void
next_layer(void)
{
	add("\f\n");
}

static unsigned
merge_rows(struct lp_merge *m, struct lp_rowkeep *keep, struct lp_span in)
{
	struct lp_rowread r;
	enum lp_rowread_event event = LP_ROWREAD_MORE;
	int rc = lp_merge_layer(m);

	lp_rowread_init(&r);
	while (rc == LP_OK && ((event = lp_rowread_next(&r, &in)) == LP_ROWREAD_ROW))
		rc = lp_merge_add(m, lp_rowkeep_entry(keep, &r.entry), r.entry.name);
	if (rc != LP_OK || event != LP_ROWREAD_MORE)
		diag("line %llu: %s", (unsigned long long)r.line, r.why != NULL ? r.why : "refused");
	lp_rowread_release(&r);
	return rc == LP_OK && event == LP_ROWREAD_MORE;
}

/* Every row is looked at, those that are hidden too, and what each layer did. */
static unsigned
look_at_all(struct lp_merge *m)
{
	struct lp_layersum *sums = calloc(m->layers, sizeof(*sums));
	struct lp_walk w;
	int event = 0;

	lp_walk_init(&w, m, LP_WALK_ALL);
	while (sums != NULL && (event = lp_walk_next(&w)) > 0) {
		struct lp_layerdiff d;

		for (const struct lp_row *row = w.row; row != NULL; row = lp_walk_older(&w, row))
			continue;
		lp_layerdiff_init(&d, lp_walk_newest(w.node));
		while (lp_layerdiff_next(&d) != LP_CHANGE_NONE)
			continue;
		lp_layersum_add(sums, lp_walk_newest(w.node));
	}
	lp_walk_release(&w);
	lp_walk_totals(m);
	free(sums);
	return event == 0;
}

/* Everything that lp-merge can show of it, into nothing. */
static unsigned
show_all(struct lp_merge *m)
{
	struct lp_mergeview_layer *layers = calloc(m->layers, sizeof(*layers));
	unsigned good = 0;

	for (int kind = LP_MERGEVIEW_ROWS; kind <= LP_MERGEVIEW_MTREE && layers != NULL; kind++) {
		struct lp_listing out;
		struct lp_mergeview v = { .kind = (enum lp_mergeview_kind)kind, .all = 1, .depth = UINT64_MAX, .layers = layers,
			.out = &out, .waste = &(struct lp_waste){ 0 } };

		lp_listing_init(&out);
		good += lp_mergeview(&v, m) == LP_OK && lp_listing_flush(&out) == LP_OK;
		lp_listing_release(&out);
	}
	free(layers);
	return good == LP_MERGEVIEW_MTREE + 1;
}

static unsigned
merge_and(unsigned (*use)(struct lp_merge *), struct lp_span in)
{
	struct lp_merge m;
	struct lp_rowkeep keep;
	unsigned good = 1, rows;

	lp_rowkeep_init(&keep);
	if (lp_merge_init(&m, 18, UINT64_MAX) != LP_OK)
		return 0;
	while (in.n > 0 && good) {
		const unsigned char *end = memmem(in.p, in.n, "\f\n", 2);
		struct lp_span layer = lp_span_take(&in, (size_t)(end - in.p));

		good = merge_rows(&m, &keep, layer);
		lp_span_take(&in, 2);
	}
	good = good && lp_merge_finish(&m) == LP_OK && use(&m);
	rows = (unsigned)m.rows;
	lp_merge_release(&m);
	lp_rowkeep_release(&keep);
	return good ? rows : 0;
}

static unsigned
merge(struct lp_span in)
{
	return merge_and(look_at_all, in);
}

static unsigned
merge_shown(struct lp_span in)
{
	return merge_and(show_all, in);
}

static void
in_no_order(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row('-', "", "d/%u", i * 7919 % n);
	next_layer();
}

static void
backwards(unsigned n)
{
	for (unsigned i = n; i > 0; i--)
		row('-', "", "the-same-beginning-of-each/the-same-beginning-of-each-%06u", i);
	next_layer();
}

static void
deep_paths(unsigned n)
{
	add("drwxr-xr-x\t0\t0\t0\t-\t");
	times(500, "d/");
	add("\t\n");
	for (unsigned i = 0; i < n; i++)
		row('-', "", "%u/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o", i);
	next_layer();
}

static void
chained_hard_links(unsigned n)
{
	char target[32] = "f";

	row('-', "", "f");
	for (unsigned i = 0; i < n; i++) {
		row('h', target, "h%u", i);
		snprintf(target, sizeof(target), "h%u", i);
	}
	next_layer();
	for (unsigned i = 0; i < n; i++)
		row('h', "f", "k%u", i);
	next_layer();
}

static void
hard_links_to_come(unsigned n)
{
	char target[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(target, sizeof(target), "d/f%u", i);
		row('h', target, "h%u", i);
	}
	for (unsigned i = 0; i < n; i++)
		row('-', "", "d/f%u", i);
	next_layer();
}

static void
linked_links(unsigned n)
{
	row('d', "", "t");
	row('l', "./././././././././t", "s");
	for (unsigned i = 0; i < n; i++)
		row('h', "s", "h%u", i);
	for (unsigned i = 0; i < n; i++)
		row('-', "", "h%u/f", i);
	next_layer();
}

static void
chained_links(unsigned n)
{
	char target[32];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(target, sizeof(target), "s%u", i + 1);
		row('l', target, "s%u", i);
	}
	row('d', "", "s20");
	for (unsigned i = 0; i < n; i++) {
		row('-', "", "s0/f%u", i);
		row('-', "", "s1/f%u", i);
	}
	next_layer();
}

static void
whiteouts_above_siblings(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row('-', "", "p/%u", i);
	next_layer();
	for (unsigned i = 0; i < n; i++)
		row('-', "", "p/.wh.%u", i);
	for (unsigned i = 0; i < n; i++)
		row('-', "", "p/%u", i);
	next_layer();
}

static void
whiteouts_of_one(unsigned n)
{
	row('-', "", "p/x");
	next_layer();
	for (unsigned i = 0; i < n; i++)
		row('d', "", "p/");
	for (unsigned i = 0; i < n; i++)
		row('-', "", "p/.wh.x");
	for (unsigned i = 0; i < n; i++)
		row('h', "p/x", "h%u", i);
	next_layer();
}

static void
opaque_marks(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row('-', "", "d%u/f", i);
	next_layer();
	for (unsigned i = 0; i < n; i++)
		row('-', "", "d%u/.wh..wh..opq", i);
	for (unsigned i = 0; i < n; i++)
		row('-', "", "d0/.wh..wh..opq");
	next_layer();
}

static void
attributes(unsigned n)
{
	add("mode\tname\txattrs\n-rw-r--r--\tf\t");
	for (unsigned i = 0; i < n; i++)
		add("%suser.%u=dg==", i > 0 ? "," : "", i * 7919 % n);
	add("\n");
	next_layer();
}

static void
attributes_of_links(unsigned n)
{
	add("mode\tname\tlinkname\txattrs\n-rw-r--r--\tf\t\tuser.a=dg==\n");
	for (unsigned i = 0; i < n; i++)
		add("hrw-r--r--\th%u\tf\tuser.%u=dg==,user.b=dg==\n", i, i * 7919 % n);
	next_layer();
}

static void
one_path(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row("-dl"[i % 3], i % 3 == 2 ? "t" : "", "p");
	next_layer();
	for (unsigned i = 0; i < n; i++)
		row('-', "", "p");
	next_layer();
}

static void
comes_and_goes(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		row('-', "", "d");
		row('-', "", "d/f%u", i % 10);
	}
	next_layer();
}

static void
many_layers(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		row('-', "", "a");
		row('d', "", "d");
		row('-', "", "d/%s%u", i % 2 == 0 ? "" : ".wh.", i / 2);
		next_layer();
	}
}

/* What a link led to is looked for in its layer again; that is bounded (merge/merge_path.c), and shows only in thousands. */
static void
layers_of_a_path(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i % 2 == 0) {
			row('d', "", "t");
			row('l', "t", "p");
		} else {
			row('-', "", "p/x/f");
			row('-', "", "p/x/g");
		}
		next_layer();
	}
}

static void
members_of_objects(unsigned n)
{
	add("{\"name\":\"a\",\"mode\":\"-rw-r--r--\"");
	for (unsigned i = 0; i < n; i++)
		add(",\"key%u\":\"\\u00e9\"", i);
	add(",\"xattrs\":{\"a\":\"dg==\"");
	for (unsigned i = 0; i < n; i++)
		add(",\"user.%u\":\"dg==\"", i * 7919 % n);
	add("}}\n");
	for (unsigned i = 0; i < n; i++)
		add("{\"name\":\"%u\",\"name_base64\":\"%06u/w\",\"mode\":\"-rw-r--r--\",\"uname\":\"u%u\"}\n", i, i, i);
	next_layer();
}

static void
long_field(unsigned n)
{
	add("-rw-r--r--\t0\t0\t0\t-\ta\t");
	times(n, "\\x01\\\\\xff");
	add("\n");
	next_layer();
}

/* ---- tables of contents: lp-toc ------------------------------------------------- */

static unsigned
list_table(struct lp_span in, struct lp_toccheck *check)
{
	enum lp_toc_event event;
	struct lp_rowfmt fmt;
	struct lp_toc t;
	unsigned n = 0;

	lp_rowfmt_init(&fmt);
	lp_toc_init(&t, 18);
	while ((event = lp_toc_next(&t, &in)) == LP_TOC_ENTRY || event == LP_TOC_CHUNK) {
		lp_buf_clear(&written);
		n += event == LP_TOC_CHUNK || (lp_row_write(&fmt, &t.entry, &written) == LP_OK && lp_toccheck_add(check, &t) == LP_OK);
	}
	if (event != LP_TOC_MORE || lp_toc_eof(&t) != LP_TOC_END) {
		diag("byte %llu: %s", (unsigned long long)t.error_offset, t.why != NULL ? t.why : "?");
		n = 0;
	}
	lp_toc_release(&t);
	return n;
}

/* An archive that has each entry of the table. */
static void
verify_table(struct lp_span in, struct lp_toccheck *check)
{
	enum lp_toc_event event;
	struct lp_toc t;

	lp_toc_init(&t, 18);
	lp_buf_clear(&written);
	while ((event = lp_toc_next(&t, &in)) == LP_TOC_ENTRY || event == LP_TOC_CHUNK)
		if (event == LP_TOC_ENTRY && lp_toccheck_member(check, &t.entry, &written) != LP_OK)
			diag("lp_toccheck_member");
	lp_toc_release(&t);
}

/* The table, and then against an archive. */
static unsigned
toc(struct lp_span in)
{
	struct lp_toccheck check;
	unsigned n;

	lp_toccheck_init(&check, 18);
	n = list_table(in, &check);
	verify_table(in, &check);
	if (check.differences > 0)
		n = 0;
	if (lp_toccheck_end(&check, &written) != LP_OK)
		n = 0;
	lp_toccheck_release(&check);
	return n;
}

static void
table_of_names(unsigned n)
{
	add("{\"version\":1,\"entries\":[");
	for (unsigned i = 0; i < n; i++)
		add("%s{\"name\":\"./d/%u\",\"type\":\"reg\",\"uid\":%u,\"userName\":\"u%u\",\"modtime\":\"2026-11-23T16:43:44Z\"}",
		    i > 0 ? "," : "", i * 7919 % n, i, i);
	add("]}");
}

static void
table_of_chunks(unsigned n)
{
	add("{\"version\":1,\"entries\":[{\"name\":\"f\",\"type\":\"reg\",\"size\":%u,\"offset\":1,\"chunkSize\":1}", n);
	for (unsigned i = 1; i < n; i++)
		add(",{\"name\":\"f\",\"type\":\"chunk\",\"offset\":%u,\"chunkOffset\":%u,\"chunkSize\":1}", i + 1, i);
	add("]}");
}

static void
table_of_attributes(unsigned n)
{
	add("{\"version\":1,\"entries\":[{\"name\":\"f\",\"type\":\"reg\",\"xattrs\":{");
	for (unsigned i = 0; i < n; i++)
		add("%s\"user.%u\":\"dg==\"", i > 0 ? "," : "", i * 7919 % n);
	add("}}],\"blanks\":\"");
	times(n, "\\\"\\\\");
	add("\"}");
}

/* ---- what an image is made of: lp-layers ---------------------------------------- */

static unsigned
layers(struct lp_span in)
{
	struct lp_manifest m;
	struct lp_manifest_error e;
	struct lp_layerfmt fmt;
	unsigned rows = 0;

	if (lp_manifest_parse(in, &m, &e) != LP_OK) {
		diag("entry %d: %s", e.entry, e.why);
		return 0;
	}
	lp_layerfmt_init(&fmt, 0);
	fmt.json = 1;
	for (size_t i = 0; i < m.n; i++) {
		const struct lp_descriptor *d = &m.v[i];
		struct lp_layer l = { .digest = d->digest, .mediatype = d->mediatype, .annotations = d->annotations, .size = d->size,
			.has_size = d->has_size, .index = i };

		lp_buf_clear(&written);
		rows += (m.kind == LP_MANIFEST_INDEX ? lp_platform_write(&fmt, d, &written) : lp_layer_write(&fmt, &l, &written)) == LP_OK;
	}
	lp_manifest_release(&m);
	return rows;
}

static unsigned
image_config(struct lp_span in)
{
	struct lp_image_config c;
	struct lp_manifest_error e;
	unsigned n = 0;

	if (lp_image_config_parse(in, 1, &c, &e) != LP_OK) {
		diag("%s", e.why);
		return 0;
	}
	n = (unsigned)c.n;
	lp_image_config_release(&c);
	return n;
}

static int
keep_no_seven(void *arg, const char *digest)
{
	(void)arg;
	return digest[strlen(digest) - 1] != '7';
}

/* Names found and told, one set in place of all there are, and half of them forgotten. */
static unsigned
layout(struct lp_span in)
{
	struct lp_layout_entry entry = { .mediatype = "m", .digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000" };
	struct lp_json_error e;
	unsigned good;

	lp_buf_clear(&written);
	good = lp_layout_names(in, &written) == LP_OK;
	lp_buf_clear(&written);
	good &= lp_layout_set(in, "same", &entry, &written, &e) == LP_OK;
	lp_buf_clear(&written);
	good &= lp_layout_keep(in, keep_no_seven, NULL, &written, &e) == LP_OK;
	return good & (lp_layout_find(in, "none", &entry, &e) == LP_E_ABSENT);
}

static void
layers_with_annotations(unsigned n)
{
	add("{\"schemaVersion\":2,\"config\":{\"digest\":\"" DIGEST "\",\"size\":2},\"layers\":[", 0);
	for (unsigned i = 0; i < n; i++)
		add("%s{\"digest\":\"" DIGEST "\",\"size\":2,\"annotations\":{\"k%u\":\"v\"}}", i > 0 ? "," : "", i, i);
	add(",{\"digest\":\"" DIGEST "\",\"size\":2,\"annotations\":{\"k\":\"v\"", n);
	for (unsigned i = 0; i < n; i++)
		add(",\"k%u\":\"v\"", i * 7919 % n);
	add("}}]}");
}

static void
index_of_platforms(unsigned n)
{
	add("{\"schemaVersion\":2,\"manifests\":[");
	for (unsigned i = 0; i < n; i++)
		add("%s{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"" DIGEST "\",\"size\":2,"
		    "\"platform\":{\"os\":\"linux\",\"architecture\":\"a%u\"}}", i > 0 ? "," : "", i, i);
	add("]}");
}

static void
history(unsigned n)
{
	add("{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"", 0);
	for (unsigned i = 0; i < n; i++)
		add(",\"" DIGEST "\"", i);
	add("]},\"history\":[{\"created_by\":\"x\"}");
	for (unsigned i = 0; i < n; i++)
		add(",{\"created_by\":\"%u\",\"empty_layer\":true}", i);
	add("]}");
}

static void
names_of_a_layout(unsigned n)
{
	add("{\"schemaVersion\":2,\"manifests\":[");
	for (unsigned i = 0; i < 2 * n; i++)
		add("%s{\"mediaType\":\"m\",\"digest\":\"" DIGEST "\",\"size\":2,\"annotations\":{"
		    "\"org.opencontainers.image.ref.name\":\"%s%u\"}}", i > 0 ? "," : "", i, i < n ? "n" : "same\",\"x\":\"", i);
	add("]}");
}

static void
tokens(unsigned n)
{
	add("#lp-tokens\n");
	for (unsigned i = 0; i < n; i++)
		add("9999999999\th\tr%u\t\ttoken\n", i);
}

/* A file of tokens: each is found, and as many that are not there are looked for in it. */
static unsigned
token_file(struct lp_span in)
{
	struct lp_tokens t;
	const char *why;
	unsigned found = 0;
	char text_of[16];
	int fd = memfd_create("tokens", 0);

	snprintf(text_of, sizeof(text_of), "%d", fd);
	if (fd < 0 || fchmod(fd, 0600) != 0 || lp_write_all(fd, in) != LP_OK || setenv("LP_TOKEN_FD", text_of, 1) != 0 ||
	    lp_tokens_open(&t, &why) != LP_OK)
		return 0;
	for (unsigned i = 0;; i++) {
		snprintf(text_of, sizeof(text_of), "r%u", i);
		found += lp_tokens_find(&t, "h", text_of, "other") == NULL;
		if (lp_tokens_find(&t, "h", text_of, "") == NULL)
			break;
		found++;
	}
	lp_tokens_close(&t);
	return found;
}

/* As many layers as files, each found by its path, half of them along links. */
static unsigned
saved(struct lp_span in)
{
	struct lp_members m;
	struct lp_tar t;
	enum lp_tar_event event;
	unsigned found = 0, n = 0;

	lp_members_init(&m);
	lp_tar_init(&t);
	while ((event = lp_tar_next(&t, &in)) == LP_TAR_MEMBER)
		n += lp_members_add(&m, &t.entry) == LP_OK;
	lp_tar_release(&t);
	for (unsigned i = 0; i < n; i++) {
		const struct lp_member *member;
		char path[32];

		snprintf(path, sizeof(path), "%u/layer.tar", i);
		found += lp_members_find(&m, lp_span_str(path), &member) == LP_OK;
	}
	lp_members_release(&m);
	return event == LP_TAR_END ? found : 0;
}

static void
files_of_an_archive(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32], link[32];

		snprintf(name, sizeof(name), "%u/layer.tar", i);
		snprintf(link, sizeof(link), "../%u/layer.tar", i - 1);
		tm_head(&text, (struct tm_header){ .name = name, .type = i % 2 == 0 ? '0' : '2', .link = i % 2 == 0 ? NULL : link });
	}
	end_archive();
}

/* ---- listings that are kept: lp-cache --------------------------------------------- */

static int
count_line(void *n, struct lp_span line)
{
	(void)line;
	++*(unsigned *)n;
	return LP_OK;
}

static int
count_entry(void *n, const struct lp_entry *e, struct lp_span origin)
{
	(void)origin;
	return count_line(n, e->name);
}

static int
count_hit(void *n, const struct lp_cache_hit *h)
{
	return count_line(n, h->path);
}

static int
count_image(void *n, const struct lp_cache_image *i)
{
	return count_line(n, i->image);
}

/* A descriptor with the bytes; -1 if there is none. */
static int
file_of(struct lp_span in)
{
	int fd = memfd_create("listing", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, in.p, in.n) != (ssize_t)in.n || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Put, got, searched, exported, forgotten. `of`: what each of several listings is of. */
static unsigned
use_cache(struct lp_cache *c, int fd, const struct lp_cache_layer *of, size_t n)
{
	struct lp_cache_scope all = { .image = lp_span(NULL, 0) };
	struct lp_cache_layer got;
	struct lp_cache_found found;
	struct lp_cache_in in;
	enum lp_cache_put put;
	unsigned lines = 0, hits = 0;
	int origins;
	int64_t forgotten;
	int rc = lp_cache_in_init(&in, fd, n > 1), more = 1;

	while (rc == LP_OK && more > 0 && (rc = lp_cache_put(c, &in, of, n, &got, &put)) == LP_OK)
		more = n > 1 ? lp_cache_in_more(&in) : 0;
	rc = rc != LP_OK ? rc : lp_cache_note(c, of, n);
	rc = rc != LP_OK ? rc : lp_cache_find(c, &of[0], &found, &origins);
	rc = rc != LP_OK ? rc : lp_cache_get(c, &found, lp_span(NULL, 0), count_line, &lines);
	rc = rc != LP_OK ? rc : lp_cache_export(c, &all, count_entry, &lines);
	rc = rc != LP_OK ? rc : lp_cache_images(c, count_image, &lines);
	rc = rc != LP_OK ? rc : lp_cache_search(c, &all, "share", 0, count_hit, &hits);
	rc = rc != LP_OK ? rc : lp_cache_search(c, &all, "*s*h*a*r*e*", 1, count_hit, &hits);
	rc = rc != LP_OK ? rc : lp_cache_prune(c, INT64_MAX, INT64_MAX, &forgotten);
	if (rc != LP_OK)
		diag("%d: %s", rc, c->why);
	lp_cache_in_release(&in);
	return rc == LP_OK ? hits : 0;
}

static unsigned
cache(struct lp_span in, struct lp_cache_layer *of, size_t n)
{
	struct lp_cache c;
	char dir[] = "/tmp/test_growth.XXXXXX", path[48];
	int fd = file_of(in);
	unsigned hits = 0;

	if (mkdtemp(dir) == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/db", dir);
	if (fd >= 0 && lp_cache_open(&c, path, 0, 1) == LP_OK) {
		hits = use_cache(&c, fd, of, n);
		lp_cache_close(&c);
	}
	close(fd);
	unlink(path);
	rmdir(dir);
	return hits;
}

#define ONE_DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static unsigned
cache_one(struct lp_span in)
{
	struct lp_cache_layer of = { .digest = lp_span_str(ONE_DIGEST), .size = 1, .head = -1, .verified = 1, .of = 1,
		.image = lp_span_str("localhost/i:1"), .origin = lp_span_str("localhost/i") };

	return cache(in, &of, 1);
}

/* Each listing is of a layer of its own, which an image of its own has. */
static unsigned
cache_many(struct lp_span in)
{
	enum { MANY = 100000 };
	static struct lp_cache_layer of[MANY];
	static char digest[MANY][80], image[MANY][40];
	size_t n = 0;

	for (struct lp_span rest = in; rest.n > 0 && n < MANY; n++) {
		const unsigned char *end = memmem(rest.p, rest.n, "#end", 4), *nl = memchr(end, '\n', rest.n);

		snprintf(digest[n], sizeof(digest[n]), DIGEST, (unsigned)n);
		snprintf(image[n], sizeof(image[n]), "localhost/i%zu:1", n / 2);
		of[n] = (struct lp_cache_layer){ .digest = lp_span_str(digest[n]), .size = 1, .head = -1, .verified = 1,
			.of = 2, .index = (int64_t)n % 2, .image = lp_span_str(image[n]), .origin = lp_span_str("localhost/i") };
		lp_span_take(&rest, (size_t)(nl + 1 - rest.p));
	}
	return cache(in, of, n);
}

static void
rows_alike(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row('-', "", "usr/share/%u", i % 10);
	add("#end\tentries=%u\tcomplete=yes\tbytes=1\tlayer=\n", n);
}

static void
rows_of_all_grams(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		row('-', "", "usr/share/%c%c%c%u", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, i * 7919 % n);
	add("#end\tentries=%u\tcomplete=yes\tbytes=1\tlayer=\n", n);
}

static void
small_listings(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		row('-', "", "usr/share/%u", i);
		add("#end\tentries=1\tcomplete=yes\tbytes=1\tlayer=" DIGEST "\n", i);
	}
}

/* ---- all of them ---------------------------------------------------------------------- */

/* Each byte with each: four times the work for twice the input, as the count has to show. */
static unsigned
pairs(struct lp_span in)
{
	unsigned equal = 0;

	for (size_t i = 0; i < in.n; i++)
		for (size_t k = 0; k < in.n; k++)
			equal += in.p[i] == in.p[k];
	return equal;
}

static void
bytes(unsigned n)
{
	times(n, "x");
}

static const struct shape {
	const char *name;
	void (*make)(unsigned n);
	unsigned (*work)(struct lp_span);
	unsigned n, each; /* work answers so many for each of n, and perhaps some more; 0: one for all */
} shapes[] = {
	{ "extended attributes of a member", pax_attributes, tarls, 500, 0 },
	{ "pax records of a member", pax_records, tarls, 2000, 0 },
	{ "long names", long_names, tarls, 500, 1 },
	{ "one long name", one_long_name, tarls, 5000, 0 },
	{ "global headers", globals, tarls, 500, 0 },
	{ "owners", many_owners, tarls, 300, 2 },
	{ "a sparse map in pairs", sparse_pairs, tarls, 1000, 0 },
	{ "a sparse map in a list", sparse_list, tarls, 2000, 0 },
	{ "a sparse map in front of the data", sparse_map, tarls, 2000, 0 },
	{ "names in no order", in_no_order, merge, 1000, 1 },
	{ "names backwards, alike in front", backwards, merge, 1000, 1 },
	{ "deep paths", deep_paths, merge, 300, 1 },
	{ "hard links to hard links, and from above", chained_hard_links, merge, 500, 2 },
	{ "hard links to what comes later", hard_links_to_come, merge, 500, 2 },
	{ "hard links to a symbolic link, and through them", linked_links, merge, 500, 2 },
	{ "symbolic links to symbolic links", chained_links, merge, 300, 2 },
	{ "whiteouts of all siblings", whiteouts_above_siblings, merge, 500, 3 },
	{ "whiteouts of one path", whiteouts_of_one, merge, 500, 3 },
	{ "opaque marks", opaque_marks, merge, 500, 3 },
	{ "extended attributes of a row", attributes, merge, 1000, 0 },
	{ "extended attributes of each hard link", attributes_of_links, merge, 500, 1 },
	{ "one path again and again", one_path, merge, 1000, 2 },
	{ "a directory that comes and goes", comes_and_goes, merge, 1000, 2 },
	{ "layers", many_layers, merge, 500, 3 },
	{ "a path in many layers, a link in every other", layers_of_a_path, merge, 200, 2 },
	{ "members of an object, and objects", members_of_objects, merge, 200, 1 },
	{ "a field of escapes", long_field, merge, 5000, 0 },
	{ "whiteouts, shown", whiteouts_above_siblings, merge_shown, 100, 3 },
	{ "hard links, shown", chained_hard_links, merge_shown, 100, 2 },
	{ "layers, shown", many_layers, merge_shown, 100, 3 },
	{ "a table of names", table_of_names, toc, 200, 1 },
	{ "a table of chunks", table_of_chunks, toc, 300, 1 },
	{ "extended attributes in a table", table_of_attributes, toc, 300, 0 },
	{ "layers of a manifest, and annotations", layers_with_annotations, layers, 200, 1 },
	{ "manifests of an index", index_of_platforms, layers, 200, 1 },
	{ "history of a config", history, image_config, 300, 0 },
	{ "names of a layout", names_of_a_layout, layout, 50, 0 },
	{ "a file of tokens", tokens, token_file, 100, 2 },
	{ "members of a saved image", files_of_an_archive, saved, 300, 1 },
	{ "a listing of one name", rows_alike, cache_one, 200, 2 },
	{ "a listing of many names", rows_of_all_grams, cache_one, 100, 2 },
	{ "small listings", small_listings, cache_many, 15, 2 },
	{ "each with each", bytes, pairs, 1000, 1000 },
};

/* What callgrind counts: test/bats/budget.bats names this function. */
unsigned counted(const struct shape *, struct lp_span) __attribute__((noinline));

unsigned
counted(const struct shape *s, struct lp_span in)
{
	return s->work(in);
}

/* Of that size; lp-merge's rows go to nowhere. */
static void
run(const struct shape *s, unsigned n)
{
	unsigned answers;

	lp_buf_clear(&text);
	s->make(n);
	answers = counted(s, lp_buf_span(&text));
	ok(answers > 0 && answers >= s->each * n, "%u: %s", n, s->name);
}

/* Standard output is the test's; what is shown goes nowhere. */
static int
show_nothing(void)
{
	int tap = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (tap < 0 || nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
		return -1;
	close(nowhere);
	unit_out = fdopen(tap, "w");
	return unit_out != NULL ? 0 : -1;
}

/* test_growth [TIMES [NAME]]: larger ones, or one of them, for who looks for what is dear. */
int
main(int argc, char **argv)
{
	uint64_t factor = 1;

	if (show_nothing() != 0 || (argc > 1 && lp_num_u64(lp_span_str(argv[1]), 1000, &factor) != LP_OK))
		return 1;
	lp_buf_init(&text, TEXT_MAX);
	lp_buf_init(&written, TEXT_MAX);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape *s = &shapes[i];

		if (argc > 2 && strcmp(argv[2], s->name) != 0)
			continue;
		run(s, s->n * (unsigned)factor);
		run(s, s->n * (unsigned)factor * 2);
	}
	lp_buf_release(&text);
	lp_buf_release(&written);
	return unit_done();
}
