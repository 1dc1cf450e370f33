/*
 * Made-up images, some thousands, all of short paths so that they meet:
 * where in its layer a whiteout stands makes no difference, lookups
 * (merge/find.h) answer what the merge shows, totals are plain sums, and
 * what a layer did is the difference of the images with and without it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/merge/find.h"
#include "common/merge/layerdiff.h"
#include "common/merge/merge.h"
#include "common/merge/walk.h"
#include "test/unit/unit.h"

enum { LAYERS = 4, ROWS = 9, NAME_SIZE = 48, WORD = 32, IMAGES = 1500, ORDERS = 10000, NAMES = 3 + 9 + 27 };

struct member {
	enum lp_type type;
	char name[NAME_SIZE], link[NAME_SIZE];
	uint64_t size;
	uint32_t mode;
	int whiteout;
};

struct image {
	struct member row[LAYERS][ROWS];
	size_t rows[LAYERS], layers;
};

static struct unit_rng rng = { 7 };
static unsigned letters = 3; /* fewer meet more often */

static void
path(char *out)
{
	size_t n = 1 + unit_rand(&rng, 3);

	for (size_t i = 0; i < n; i++) {
		*out++ = (char)('a' + unit_rand(&rng, letters));
		*out++ = '/';
	}
	out[-1] = '\0';
}

/* The member is a whiteout of its name, or an opaque marker in place of it. */
static void
make_whiteout(struct member *m)
{
	char at[NAME_SIZE / 2], *base;
	int opaque = unit_rand(&rng, 4) == 0;

	path(at);
	base = strrchr(at, '/');
	base = base != NULL ? base + 1 : at;
	snprintf(m->name, sizeof(m->name), "%.*s.wh.%s", (int)(base - at), at, opaque ? ".wh..opq" : base);
	m->type = LP_REG;
	m->whiteout = 1;
}

static void
make_member(struct member *m, int links)
{
	static const char *const targets[] = { "a", "b", "../a", "/b/c", "c", "../..", "a/b", "/" };
	static const enum lp_type types[] = { LP_DIR, LP_DIR, LP_REG, LP_REG, LP_SYMLINK, LP_HARDLINK };

	*m = (struct member){ .type = types[unit_rand(&rng, links ? 6 : 4)], .mode = unit_rand(&rng, 2) ? 0755 : 0700 };
	if (unit_rand(&rng, 4) == 0) {
		make_whiteout(m);
		return;
	}
	path(m->name);
	if (m->type == LP_REG)
		m->size = 1 + unit_rand(&rng, 99);
	else if (m->type == LP_SYMLINK)
		snprintf(m->link, sizeof(m->link), "%s", targets[unit_rand(&rng, 8)]);
	else if (m->type == LP_HARDLINK)
		path(m->link);
}

static void
make_image(struct image *im, int links)
{
	im->layers = 2 + unit_rand(&rng, LAYERS - 1);
	for (size_t l = 0; l < im->layers; l++) {
		im->rows[l] = unit_rand(&rng, ROWS + 1);
		for (size_t i = 0; i < im->rows[l]; i++)
			make_member(&im->row[l][i], links);
	}
}

static struct lp_entry
entry_of(const struct member *m)
{
	return (struct lp_entry){ .type = m->type, .name = lp_span_str(m->name), .linkname = lp_span_str(m->link),
		.size = m->size, .mode = m->mode };
}

/* The layers below `end`, merged. Order: as they are, whiteouts first, or last. */
enum order { AS_IT_IS, FIRST, LAST };

static void
add_layer(struct lp_merge *m, const struct member *row, size_t n, enum order order)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			struct lp_entry e = entry_of(&row[i]);

			if (order == AS_IT_IS ? pass == 0 : row[i].whiteout == (pass == (order == LAST)))
				if (lp_merge_add(m, lp_rowkeep_entry(&m->keep, &e), e.name) != LP_OK)
					abort();
		}
	}
}

/* Its first layers, so many. */
static void
merge_part(struct lp_merge *m, const struct image *im, enum order order, size_t layers)
{
	if (lp_merge_init(m, 1, 1000) != LP_OK)
		abort();
	for (size_t l = 0; l < layers; l++) {
		if (lp_merge_layer(m) != LP_OK)
			abort();
		add_layer(m, im->row[l], im->rows[l], order);
	}
	if (lp_merge_finish(m) != LP_OK)
		abort();
}

static void
merge(struct lp_merge *m, const struct image *im, enum order order)
{
	merge_part(m, im, order, im->layers);
}

/* Whether there is something of a kind to tell: its order is part of what was meant. */
static int
has_found(const struct lp_merge *m, enum lp_finding what)
{
	return (m->found >> what & 1) != 0;
}

/* All that is visible, a line for each path. 0 where rows stand in each other's way. */
static int
listing(const struct image *im, enum order order, struct lp_buf *out)
{
	struct lp_merge m;
	struct lp_walk w;
	int good;

	lp_buf_clear(out);
	merge(&m, im, order);
	good = !has_found(&m, LP_FOUND_PARENT) && !has_found(&m, LP_FOUND_IGNORED) &&
	    !has_found(&m, LP_FOUND_OPAQUE_FILE) && !has_found(&m, LP_FOUND_PLACE) && !has_found(&m, LP_FOUND_TARGET);
	lp_walk_init(&w, &m, LP_WALK_VISIBLE);
	while (lp_walk_next(&w) > 0) {
		struct lp_entry e;
		char text[64];

		lp_walk_entry(&w, w.row, &e);
		snprintf(text, sizeof(text), "%c%o %llu %u ", e.type, e.mode, (unsigned long long)e.size, w.row->layer);
		lp_buf_adds(out, text);
		lp_buf_add(out, w.path);
		lp_buf_adds(out, " ");
		lp_buf_add(out, e.linkname);
		lp_buf_adds(out, "\n");
	}
	lp_walk_release(&w);
	lp_merge_release(&m);
	return good;
}

/* A whiteout whose parent is a link of its layer goes where the link leads, if that stands before it. */
static int
leads_on(const struct image *im)
{
	for (size_t l = 0; l < im->layers; l++)
		for (size_t i = 0; i < im->rows[l]; i++)
			for (size_t k = 0; k < im->rows[l]; k++) {
				const struct member *a = &im->row[l][i], *b = &im->row[l][k];

				if (a->whiteout && b->type != LP_DIR && !b->whiteout && strncmp(a->name, b->name, strlen(b->name)) == 0)
					return 1;
			}
	return 0;
}

static void
show(const struct image *im)
{
	for (size_t l = 0; l < im->layers; l++)
		for (size_t i = 0; i < im->rows[l]; i++)
			diag("layer %zu: %c %s %s", l, im->row[l][i].type, im->row[l][i].name, im->row[l][i].link);
}

static void
test_order(void)
{
	struct lp_buf want, got;
	struct image im;
	int good = 1, compared = 0;

	lp_buf_init(&want, 1 << 20);
	lp_buf_init(&got, 1 << 20);
	letters = 2;
	for (int i = 0; i < ORDERS && good; i++) {
		make_image(&im, 1);
		if (leads_on(&im) || !listing(&im, AS_IT_IS, &want))
			continue;
		for (enum order o = FIRST; o <= LAST && good; o++) {
			if (!listing(&im, o, &got))
				continue;
			compared++;
			good = lp_span_eq(lp_buf_span(&got), lp_buf_span(&want));
			if (good)
				continue;
			ok_span(lp_buf_span(&got), lp_buf_span(&want), o == FIRST ? "whiteouts first" : "whiteouts last");
			show(&im);
		}
	}
	letters = 3;
	ok(good && compared > ORDERS / 10, "whiteouts in any place, in %d of %d images", compared, 2 * ORDERS);
	lp_buf_release(&want);
	lp_buf_release(&got);
}

/* ---- lookups ----------------------------------------------------------------- */

/* The name's number, from 0: all of one, two and three letters. */
static void
name_of(unsigned k, char *out)
{
	unsigned n = k < 3 ? 1 : k < 12 ? 2 : 3;

	k -= n == 1 ? 0 : n == 2 ? 3 : 12;
	for (unsigned i = 0; i < n; i++, k /= 3) {
		*out++ = (char)('a' + k % 3);
		*out++ = '/';
	}
	out[-1] = '\0';
}

/* What asking layer by layer says, as lp-peek does: "-2" for a file of layer 2, "-" for none. */
static void
ask(const struct image *im, const char *name, int eager, char *out)
{
	int implied = -1;
	size_t above = 0;

	snprintf(out, WORD, "-");
	for (size_t l = im->layers; l-- > 0;) {
		int answer = LP_FIND_MORE;
		struct lp_find f;
		size_t i = 0;

		lp_find_init(&f, lp_span_str(name), 0, above, 1);
		for (; i < im->rows[l] && answer == LP_FIND_MORE; i++) {
			struct lp_entry e = entry_of(&im->row[l][i]);

			answer = lp_find_member(&f, &e, eager);
		}
		answer = answer == LP_FIND_MORE ? lp_find_end(&f, 1) : answer;
		above = f.above;
		if (answer == LP_FIND_HERE)
			snprintf(out, WORD, "%c%zu", f.entry.type, l);
		lp_find_release(&f);
		if (answer == LP_FIND_DIR || answer == LP_FIND_IMPLIED)
			implied = (int)l;
		if (answer == LP_FIND_HERE || answer == LP_FIND_GONE)
			return;
		if (answer == LP_FIND_IMPLIED || answer == LP_FIND_ABOVE)
			break;
	}
	if (implied >= 0)
		snprintf(out, WORD, "d%d", implied);
}

/* Of two members of one path the first answers an eager question. */
static int
is_plain(const struct image *im)
{
	for (size_t l = 0; l < im->layers; l++)
		for (size_t i = 0; i < im->rows[l]; i++)
			for (size_t k = 0; k < im->rows[l]; k++) {
				const char *a = im->row[l][i].name, *b = im->row[l][k].name;

				if (i != k && strncmp(a, b, strlen(a)) == 0 && (b[strlen(a)] == '\0' ||
				    (b[strlen(a)] == '/' && im->row[l][i].type != LP_DIR)))
					return 0;
			}
	return 1;
}

static void
want_of(struct lp_merge *m, const char *name, char *out)
{
	struct lp_walk w;

	snprintf(out, WORD, "-");
	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	while (lp_walk_next(&w) > 0)
		if (lp_span_is(w.path, name))
			snprintf(out, WORD, "%c%u", w.row->type, w.row->layer);
	lp_walk_release(&w);
}

static void
test_lookups(int eager)
{
	int images = 0, good = 1;

	for (int i = 0; i < IMAGES && good; i++) {
		struct lp_merge m;
		struct image im;

		make_image(&im, !eager);
		if (eager && !is_plain(&im))
			continue;
		images++;
		merge(&m, &im, AS_IT_IS);
		for (unsigned k = 0; k < NAMES && good; k++) {
			char name[8], want[WORD], got[WORD];

			name_of(k, name);
			want_of(&m, name, want);
			ask(&im, name, eager, got);
			/* a link is its file where no other name of that is left in its layer */
			good = strcmp(want, got) == 0 || (want[0] == 'h' && got[0] != 'd' && strcmp(want + 1, got + 1) == 0);
			if (good)
				continue;
			ok(0, "%s: %s, but the merge has %s", name, got, want);
			show(&im);
		}
		lp_merge_release(&m);
	}
	ok(good && images > IMAGES / 10, "each name is found where the merge has it, in %d images%s", images,
	    eager ? ", by the first member that answers" : "");
}

/* ---- totals -------------------------------------------------------------------- */

/* Of the visible rows below a directory, by their paths: bytes and entries. */
static void
plain_sum(struct lp_merge *m, struct lp_span dir, uint64_t *bytes, uint64_t *entries)
{
	struct lp_walk w;

	*bytes = *entries = 0;
	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	while (lp_walk_next(&w) > 0) {
		struct lp_entry e;

		if (lp_span_is(w.path, ".") || !(lp_span_is(dir, ".") || (w.path.n > dir.n && w.path.p[dir.n] == '/' &&
		    memcmp(w.path.p, dir.p, dir.n) == 0)))
			continue;
		lp_walk_entry(&w, w.row, &e);
		*bytes += e.size;
		++*entries;
	}
	lp_walk_release(&w);
}

static int
totals_are_sums(struct lp_merge *m)
{
	struct lp_walk w;
	int good = lp_merge_imply_root(m) == LP_OK;

	lp_walk_totals(m);
	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	while (good && lp_walk_next(&w) > 0) {
		uint64_t bytes, entries, want_bytes, want_entries;

		if (w.row->type != LP_DIR)
			continue;
		lp_walk_total(&w, &bytes, &entries);
		plain_sum(m, w.path, &want_bytes, &want_entries);
		good = bytes == want_bytes && entries == want_entries;
		if (!good)
			ok(0, "%.*s: %llu bytes, not %llu; %llu entries, not %llu", (int)w.path.n, (const char *)w.path.p,
			    (unsigned long long)bytes, (unsigned long long)want_bytes, (unsigned long long)entries,
			    (unsigned long long)want_entries);
	}
	lp_walk_release(&w);
	return good;
}

/* The rows and bytes of each layer, counted on the image itself. */
static int
summary_is_sums(struct lp_merge *m, const struct image *im)
{
	struct lp_layersum sums[LAYERS] = { { 0 } };
	struct lp_walk w;
	int good = 1;

	lp_walk_init(&w, m, LP_WALK_ALL);
	while (lp_walk_next(&w) > 0)
		lp_layersum_add(sums, lp_walk_newest(w.node));
	lp_walk_release(&w);
	for (size_t l = 0; l < im->layers; l++) {
		uint64_t rows = 0, bytes = 0;

		for (size_t i = 0; i < im->rows[l]; i++)
			if (!im->row[l][i].whiteout) {
				rows++;
				bytes += im->row[l][i].size;
			}
		good = good && sums[l].entries == rows && sums[l].bytes == bytes && sums[l].hidden_bytes <= bytes;
	}
	return good;
}

static void
test_totals(void)
{
	int good = 1;

	for (int i = 0; i < IMAGES && good; i++) {
		struct lp_merge m;
		struct image im;

		make_image(&im, 1);
		merge(&m, &im, AS_IT_IS);
		/* rows that have no place are in no sum of their layer */
		good = totals_are_sums(&m) && (has_found(&m, LP_FOUND_PLACE) || has_found(&m, LP_FOUND_ROOT) || summary_is_sums(&m, &im));
		if (!good)
			show(&im);
		lp_merge_release(&m);
	}
	ok(good, "totals of %d images are the sums of what they are totals of", IMAGES);
}

/* ---- what each layer did --------------------------------------------------------- */

/* What is visible at a path, or NULL. */
static const struct lp_row *
row_at(struct lp_merge *m, struct lp_span path)
{
	const struct lp_row *row = NULL;
	struct lp_walk w;

	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	while (lp_walk_next(&w) > 0)
		if (lp_span_eq(w.path, path))
			row = w.row;
	lp_walk_release(&w);
	return row;
}

static int
same_attributes(const struct lp_row *a, const struct lp_row *b)
{
	struct lp_entry x, y;

	lp_row_entry(a, &x);
	lp_row_entry(b, &y);
	return a->type == LP_DIR && b->type == LP_DIR && x.mode == y.mode;
}

static enum lp_change
change_of(const struct lp_row *before, const struct lp_row *after, unsigned layer)
{
	if (after == NULL || before == NULL)
		return after != NULL ? LP_CHANGE_ADDED : before != NULL ? LP_CHANGE_DELETED : LP_CHANGE_NONE;
	return after->layer == layer && !same_attributes(before, after) ? LP_CHANGE_CHANGED : LP_CHANGE_NONE;
}

static int64_t
bytes_of(const struct lp_row *row)
{
	return row != NULL ? (int64_t)lp_row_bytes(row) : 0;
}

/* What a layer did to a path, said of the whole image, against the images up to it, without it and with it. */
static int
is_change(const struct lp_node *n, unsigned layer, const struct lp_row *before,
    const struct lp_row *after)
{
	enum lp_change want = change_of(before, after, layer), what, got = LP_CHANGE_NONE;
	int64_t bytes = 0;
	struct lp_layerdiff d;

	lp_layerdiff_init(&d, lp_walk_newest(n));
	while ((what = lp_layerdiff_next(&d)) != LP_CHANGE_NONE)
		if (d.layer == layer) {
			if (got != LP_CHANGE_NONE)
				return 0;
			got = what;
			bytes = bytes_of(d.after) - bytes_of(d.before);
		}
	return got == want && (got == LP_CHANGE_NONE || bytes == bytes_of(after) - bytes_of(before));
}

static int
changes_are_differences(const struct image *im, struct lp_merge *all, size_t layer)
{
	struct lp_merge before, after;
	struct lp_walk w;
	int good = 1;

	merge_part(&before, im, AS_IT_IS, layer);
	merge_part(&after, im, AS_IT_IS, layer + 1);
	lp_walk_init(&w, all, LP_WALK_ALL);
	while (good && lp_walk_next(&w) > 0) {
		good = is_change(w.node, (unsigned)layer, row_at(&before, w.path), row_at(&after, w.path));
		if (!good)
			ok(0, "layer %zu did something else to %.*s", layer, (int)w.path.n, (const char *)w.path.p);
	}
	lp_walk_release(&w);
	lp_merge_release(&before);
	lp_merge_release(&after);
	return good;
}

static void
test_changes(void)
{
	int good = 1;

	for (int i = 0; i < IMAGES / 5 && good; i++) {
		struct lp_merge m;
		struct image im;

		make_image(&im, 1);
		merge(&m, &im, AS_IT_IS);
		for (size_t l = 0; l < im.layers && good; l++)
			good = changes_are_differences(&im, &m, l);
		if (!good)
			show(&im);
		lp_merge_release(&m);
	}
	ok(good, "what each layer of %d images did is the difference of the images up to it", IMAGES / 5);
}

/* ---- order --------------------------------------------------------------------------- */

/* One to three names of bytes that lie on either side of '/', or need an escape. */
static struct lp_span
odd_path(char *out)
{
	static const char bytes[] = { '!', '-', '.', '+', '0', 'a', '\x01', '\xff', ' ', '\\', '#', '\x7f', '\n', '\t' };
	size_t n = 0;

	for (unsigned names = 1 + unit_rand(&rng, 3); names > 0; names--) {
		size_t first = n;

		for (unsigned k = 1 + unit_rand(&rng, 3); k > 0; k--)
			out[n++] = bytes[unit_rand(&rng, sizeof(bytes))];
		/* "." and ".." are no names */
		if (out[first] == '.' && (n - first == 1 || (n - first == 2 && out[first + 1] == '.')))
			out[first] = 'a';
		out[n++] = '/';
	}
	return lp_span(out, n - 1);
}

/* Whether all that is visible comes in the order of bytes, each path once, and after its directory; how many. */
static size_t
in_order(struct lp_merge *m, int *good)
{
	struct lp_buf last;
	struct lp_walk w;
	size_t n = 0;

	lp_buf_init(&last, 256);
	lp_walk_init(&w, m, LP_WALK_VISIBLE);
	for (; lp_walk_next(&w) > 0; n++) {
		*good = *good && (n == 0 || lp_span_cmp(lp_buf_span(&last), w.path) < 0);
		lp_buf_clear(&last);
		lp_buf_add(&last, w.path);
	}
	lp_walk_release(&w);
	lp_buf_release(&last);
	return n;
}

static void
test_sorted(void)
{
	enum { DIRECTORIES = 60 };
	int good = 1;

	for (int i = 0; i < IMAGES && good; i++) {
		struct lp_merge m;
		unsigned rows = 1 + unit_rand(&rng, DIRECTORIES);

		if (lp_merge_init(&m, (uint64_t)i, UINT64_MAX) != LP_OK || lp_merge_layer(&m) != LP_OK)
			abort();
		for (unsigned k = 0; k < rows; k++) {
			char text[NAME_SIZE];
			struct lp_entry e = { .type = LP_DIR, .name = odd_path(text) };
			struct lp_row *row = lp_rowkeep_entry(&m.keep, &e);

			if (row == NULL || lp_merge_add(&m, row, e.name) != LP_OK)
				abort();
		}
		if (lp_merge_finish(&m) != LP_OK)
			abort();
		/* a directory is there once, with or without a row: as many as places, but for the root */
		good &= in_order(&m, &good) == m.nodes - 1;
		lp_merge_release(&m);
	}
	ok(good, "all that %d images show is in the order of bytes", IMAGES);
}

int
main(void)
{
	test_sorted();
	test_order();
	test_lookups(0);
	test_lookups(1);
	test_totals();
	test_changes();
	return unit_done();
}
