/*
 * Made-up images, some thousands, all of short paths so that they meet:
 * where in its layer a whiteout stands makes no difference, lookups
 * (merge/find.h) answer what the merge shows, and totals are plain sums.
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

static void
merge(struct lp_merge *m, const struct image *im, enum order order)
{
	if (lp_merge_init(m, 1, 1000) != LP_OK)
		abort();
	for (size_t l = 0; l < im->layers; l++) {
		if (lp_merge_layer(m) != LP_OK)
			abort();
		add_layer(m, im->row[l], im->rows[l], order);
	}
	if (lp_merge_finish(m) != LP_OK)
		abort();
}

/* All that is visible, a line for each path. */
static void
listing(const struct image *im, enum order order, struct lp_buf *out)
{
	struct lp_merge m;
	struct lp_walk w;

	lp_buf_clear(out);
	merge(&m, im, order);
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
	int good = 1;

	lp_buf_init(&want, 1 << 20);
	lp_buf_init(&got, 1 << 20);
	letters = 2;
	for (int i = 0; i < ORDERS && good; i++) {
		make_image(&im, 1);
		listing(&im, AS_IT_IS, &want);
		for (enum order o = FIRST; o <= LAST && good; o++) {
			listing(&im, o, &got);
			good = lp_span_eq(lp_buf_span(&got), lp_buf_span(&want));
			if (good)
				continue;
			ok_span(lp_buf_span(&got), lp_buf_span(&want), o == FIRST ? "whiteouts first" : "whiteouts last");
			show(&im);
		}
	}
	letters = 3;
	ok(good, "%d images with their whiteouts in any place", ORDERS);
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
ask(const struct image *im, const char *name, char *out)
{
	int below = 0, implied = -1;

	snprintf(out, WORD, "-");
	for (size_t l = im->layers; l-- > 0;) {
		int answer = LP_FIND_MORE;
		struct lp_find f;
		size_t i = 0;

		lp_find_init(&f, lp_span_str(name), 0, below, 1);
		for (; i < im->rows[l] && answer == LP_FIND_MORE; i++) {
			struct lp_entry e = entry_of(&im->row[l][i]);

			answer = lp_find_member(&f, &e);
		}
		answer = answer == LP_FIND_MORE ? lp_find_end(&f, 1) : answer;
		lp_find_release(&f);
		if (answer == LP_FIND_HERE)
			snprintf(out, WORD, "%c%zu", im->row[l][i - 1].type, l);
		if (answer == LP_FIND_DIR || answer == LP_FIND_IMPLIED)
			implied = (int)l;
		below |= answer == LP_FIND_DIR;
		if (answer == LP_FIND_HERE || answer == LP_FIND_GONE)
			return;
		if (answer == LP_FIND_IMPLIED || answer == LP_FIND_ABOVE)
			break;
	}
	if (implied >= 0)
		snprintf(out, WORD, "d%d", implied);
}

/* Of two members of one path the first answers: images have each once. */
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
test_lookups(void)
{
	int images = 0, good = 1;

	for (int i = 0; i < IMAGES && good; i++) {
		struct lp_merge m;
		struct image im;

		make_image(&im, 0);
		if (!is_plain(&im))
			continue;
		images++;
		merge(&m, &im, AS_IT_IS);
		for (unsigned k = 0; k < NAMES && good; k++) {
			char name[8], want[WORD], got[WORD];

			name_of(k, name);
			want_of(&m, name, want);
			ask(&im, name, got);
			good = strcmp(want, got) == 0;
			if (good)
				continue;
			ok(0, "%s: %s, but the merge has %s", name, got, want);
			show(&im);
		}
		lp_merge_release(&m);
	}
	ok(good && images > IMAGES / 10, "each name is found where the merge has it, in %d images", images);
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
		lp_layersum_add(sums, w.row);
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
		good = totals_are_sums(&m) && (m.unplaced > 0 || summary_is_sums(&m, &im));
		if (!good)
			show(&im);
		lp_merge_release(&m);
	}
	ok(good, "totals of %d images are the sums of what they are totals of", IMAGES);
}

int
main(void)
{
	test_order();
	test_lookups();
	test_totals();
	return unit_done();
}
