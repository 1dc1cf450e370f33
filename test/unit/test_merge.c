/*
 * Merging, below what whole listings show (test/bats/lp-merge.bats, the
 * fuzz target and its model): the arena, the order of many children, what a
 * layer did, limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/merge/arena.h"
#include "common/merge/layerdiff.h"
#include "common/merge/merge.h"
#include "common/merge/rootfs.h"
#include "common/merge/rowkeep.h"
#include "common/merge/walk.h"
#include "test/unit/unit.h"

static void
test_arena(void)
{
	struct unit_rng rng = { 1 };
	struct lp_arena a;
	unsigned char *copy[500];
	int aligned = 1, same = 1;

	lp_arena_init(&a);
	ok(lp_arena_copy(&a, lp_span("", 0)) != NULL, "a copy of nothing is something");
	for (size_t i = 0; i < 500; i++) {
		size_t n = unit_rand(&rng, 2000);
		unsigned char *p = lp_arena_alloc(&a, n);
		unsigned char byte = (unsigned char)i;

		aligned &= p != NULL && (uintptr_t)p % _Alignof(uint64_t) == 0;
		memset(p, 0xee, n);
		copy[i] = lp_arena_copy(&a, lp_span(&byte, 1));
	}
	for (size_t i = 0; i < 500; i++)
		same &= *copy[i] == (unsigned char)i;
	ok(aligned, "objects are aligned");
	ok(same, "pieces do not overlap, and stay where they are");
	ok(lp_arena_alloc(&a, (size_t)16 * 1024 * 1024) != NULL, "larger than any chunk");
	ok(lp_arena_alloc(&a, SIZE_MAX - 8) == NULL, "more than there is");
	lp_arena_release(&a);
	ok(lp_arena_copy(&a, lp_span("x", 1)) != NULL, "released, and usable again");
	lp_arena_release(&a);
}

/* Where there is no memory for a row, or for what few rows have, there is no row, and nothing is touched. */
static void
test_no_memory(void)
{
	struct lp_entry e = { .type = LP_REG, .has = LP_HAS_DEV, .name = lp_span_str("x"), .linkname = lp_span_str("y") };
	struct lp_row *row = NULL;
	struct lp_rowkeep k;
	struct lp_arena full;
	size_t left = 0;

	lp_rowkeep_init(&k);
	ok(lp_arena_alloc(&k.objects, 8) != NULL, "a chunk");
	full = k.objects;
	full.chunk = PTRDIFF_MAX; /* of another there is none */
	for (; left < 1024 && row == NULL; left += 8) {
		k.objects = full;
		k.objects.left = left;
		row = lp_rowkeep_entry(&k, &e);
	}
	ok(row != NULL && row->more != NULL && left > sizeof(*row) + sizeof(*row->more), "a row, once both have room");
	lp_rowkeep_release(&k);
}

static int
add(struct lp_merge *m, enum lp_type type, const char *name, const char *link, uint64_t size)
{
	/* on the heap and of the exact size: nothing may be read beyond it, or kept */
	unsigned char *n = unit_exact(lp_span_str(name)), *l = unit_exact(lp_span_str(link));
	struct lp_entry e = {
		.type = type, .name = lp_span(n, strlen(name)), .linkname = lp_span(l, strlen(link)), .size = size
	};
	struct lp_row *row = lp_rowkeep_entry(&m->keep, &e);
	int rc = row != NULL ? lp_merge_add(m, row, e.name) : LP_E_NOMEM;

	free(n);
	free(l);
	return rc;
}

/* So many names in one directory, in no order; they must come out in theirs. */
static void
test_order(unsigned n, int sorted)
{
	struct unit_rng rng = { n };
	char name[64], last[64] = "";
	struct lp_merge m;
	struct lp_walk w;
	unsigned seen = 0;
	int in_order = 1;

	ok(lp_merge_init(&m, 7, n) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
	for (unsigned i = 0; i < n; i++) {
		uint32_t r = unit_rand(&rng, 1u << 30);

		if (sorted)
			snprintf(name, sizeof(name), "%010u", i);
		else /* names that share what a sort looks at first, some of them parts of others */
			snprintf(name, sizeof(name), "%.*s%u%c", (int)(r % 12), "samesamesame", i, '!' + (char)(r % 15));
		if (add(&m, LP_REG, name, "", 0) != LP_OK)
			break;
	}
	lp_merge_finish(&m);
	lp_walk_init(&w, &m, LP_WALK_VISIBLE);
	for (; lp_walk_next(&w) > 0; seen++) {
		in_order &= lp_span_cmp(lp_span_str(last), w.path) < 0;
		snprintf(last, sizeof(last), "%.*s", (int)w.path.n, (const char *)w.path.p);
	}
	lp_walk_release(&w);
	lp_merge_release(&m);
	ok(seen == n && in_order, "%u names %s come out in order", n, sorted ? "in order" : "in no order");
}

/* What lies in a directory comes behind it, and before what sorts behind its slash. */
static void
test_order_below(void)
{
	static const char *const paths[] = { "a", "a!", "a-b", "a-b/x", "a/x", "a/y", "a/y.z", "a/y/z", "a0", "ab", "bb", "c", "ca/a" };
	enum { COUNT = sizeof(paths) / sizeof(paths[0]) };
	static const enum lp_walk_mode modes[] = { LP_WALK_VISIBLE, LP_WALK_ALL };

	for (size_t mode = 0; mode < 2; mode++) {
		struct lp_merge m;
		struct lp_walk w;
		size_t seen = 0;

		ok(lp_merge_init(&m, 7, COUNT) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
		for (size_t i = 0; i < COUNT; i++) {
			const char *path = paths[i * 5 % COUNT];

			/* of "ca/a", "ca" has no row of its own */
			ok(add(&m, strcmp(path, "a") == 0 || strcmp(path, "a/y") == 0 || strcmp(path, "a-b") == 0 ? LP_DIR : LP_REG,
			    path, "", 0) == LP_OK, "added");
		}
		lp_merge_finish(&m);
		lp_walk_init(&w, &m, modes[mode]);
		while (lp_walk_next(&w) > 0)
			if (!lp_span_is(w.path, "ca") && seen < COUNT)
				ok_span(w.path, lp_span_str(paths[seen++]), "in its place");
		lp_walk_release(&w);
		lp_merge_release(&m);
		ok(seen == COUNT, "all of them");
	}
}

static void
test_limits(void)
{
	static char path[LP_MAX_PLACE + 8];
	struct lp_merge m;

	ok(lp_merge_init(&m, 0, 3) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge of three rows");
	memset(path, 'x', LP_MAX_PLACE);
	ok(add(&m, LP_REG, path, "", 0) == LP_OK && m.found == 0, "the longest path has a place");
	path[LP_MAX_PLACE] = 'x';
	ok(add(&m, LP_REG, path, "", 0) == LP_OK && m.refused == 1 && m.refusal.what == LP_FOUND_PLACE, "a longer one has none");
	ok(add(&m, LP_REG, "y", "", 0) == LP_OK && add(&m, LP_REG, "z", "", 0) == LP_E_LIMIT, "a fourth row is refused");
	lp_merge_release(&m);

	ok(lp_merge_init(&m, 0, 3) == LP_OK && lp_merge_finish(&m) == LP_OK, "no layer at all");
	lp_merge_release(&m);

	ok(lp_merge_init(&m, 0, UINT64_MAX) == LP_OK, "a merge of any size");
	for (unsigned i = 0; i < LP_MERGE_LAYERS; i++)
		lp_merge_layer(&m);
	ok(m.layers == LP_MERGE_LAYERS && add(&m, LP_REG, "x", "", 0) == LP_OK, "the last layer there can be");
	ok(lp_merge_layer(&m) == LP_E_LIMIT, "one more is refused");
	lp_merge_release(&m);
}

/* Files below a link that points to a deep directory that has such a link: places deeper than any name says. */
static void
test_growing_through_links(void)
{
	static char deep[4001], name[4010];
	struct lp_merge m;

	for (size_t i = 0; i + 1 < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'd';
	ok(lp_merge_init(&m, 0, 100) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
	add(&m, LP_SYMLINK, "l", deep, 0);
	snprintf(name, sizeof(name), "l/m");
	add(&m, LP_SYMLINK, name, deep, 0);
	ok(add(&m, LP_REG, "l/m/f", "", 0) == LP_OK && m.refused == 1, "a path too long by links has no place");
	lp_merge_layer(&m);
	ok(add(&m, LP_REG, "l/f", "", 0) == LP_OK && lp_merge_finish(&m) == LP_OK && m.refused == 1,
	    "its neighbour has one");
	lp_merge_release(&m);
}

/* Directories that come and go cost their rows, not all that was ever in them; only what no row says is bounded. */
static void
test_malice(void)
{
	static char deep[4001];
	struct lp_merge m;
	char name[64];
	int rc = LP_OK;

	ok(lp_merge_init(&m, 0, UINT64_MAX) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "d/%u", i);
		add(&m, LP_REG, name, "", 0);
	}
	for (unsigned i = 0; i < 20000 && rc == LP_OK; i++) {
		rc = add(&m, LP_REG, "d", "", 0);
		rc = rc != LP_OK ? rc : add(&m, LP_REG, "d/0", "", 0);
	}
	ok(rc == LP_OK && lp_merge_finish(&m) == LP_OK && m.work < 2000000, "a directory of 20,000 comes and goes 20,000 times");
	lp_merge_release(&m);

	for (size_t i = 0; i + 1 < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'd';
	ok(lp_merge_init(&m, 0, UINT64_MAX) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
	for (unsigned i = 0; i < 2000 && rc == LP_OK; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		rc = add(&m, LP_SYMLINK, name, deep, 0);
		deep[0] = (char)('0' + i % 10);
		snprintf(name, sizeof(name), "s%u/x", i);
		rc = rc != LP_OK ? rc : add(&m, LP_REG, name, "", 0);
		deep[2] = (char)('0' + i / 10 % 10);
	}
	ok(rc == LP_E_LIMIT, "2,000 directories for each row that says none of them are refused");
	lp_merge_release(&m);
}

static void
test_layerdiff(void)
{
	struct lp_layersum sums[2] = { { 0 } };
	struct lp_merge m;
	struct lp_walk w;
	static const struct { const char *path; enum lp_change change[2]; int64_t was, is; } t[] = {
		{ "d", { LP_CHANGE_ADDED, LP_CHANGE_NONE }, -1, -1 },
		{ "f", { LP_CHANGE_ADDED, LP_CHANGE_CHANGED }, 5, 7 },
		{ "g", { LP_CHANGE_ADDED, LP_CHANGE_DELETED }, 9, -1 },
		{ "h", { LP_CHANGE_NONE, LP_CHANGE_ADDED }, -1, 3 },
		{ "t", { LP_CHANGE_ADDED, LP_CHANGE_NONE }, -1, -1 },
	};
	size_t i = 0;

	lp_merge_init(&m, 0, 100);
	lp_merge_layer(&m);
	add(&m, LP_DIR, "d", "", 0);
	add(&m, LP_REG, "f", "", 5);
	add(&m, LP_REG, "g", "", 9);
	add(&m, LP_REG, "t", "", 1);
	add(&m, LP_REG, "t", "", 2);
	lp_merge_layer(&m);
	add(&m, LP_DIR, "d", "", 0);
	add(&m, LP_REG, "f", "", 7);
	add(&m, LP_REG, ".wh.g", "", 0);
	add(&m, LP_REG, "h", "", 4);
	add(&m, LP_REG, "h", "", 3);
	lp_merge_finish(&m);
	lp_walk_init(&w, &m, LP_WALK_ALL);
	for (; lp_walk_next(&w) > 0 && i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_layerdiff d;
		enum lp_change what, got[2] = { LP_CHANGE_NONE, LP_CHANGE_NONE };
		int64_t was = -1, is = -1;

		ok_span(w.path, lp_span_str(t[i].path), "the path");
		lp_layerdiff_init(&d, lp_walk_newest(w.node));
		while ((what = lp_layerdiff_next(&d)) != LP_CHANGE_NONE) {
			got[d.layer] = what;
			if (d.layer == 1) {
				was = d.before != NULL ? (int64_t)lp_row_size(d.before) : -1;
				is = d.after != NULL ? (int64_t)lp_row_size(d.after) : -1;
			}
		}
		ok(got[0] == t[i].change[0] && got[1] == t[i].change[1], "what the layers did at %s", t[i].path);
		ok(was == t[i].was && is == t[i].is, "what the second had there before and after, at %s", t[i].path);
		lp_layersum_add(sums, lp_walk_newest(w.node));
	}
	lp_walk_release(&w);
	lp_merge_release(&m);
	ok(i == 5, "all paths");
	ok(sums[0].entries == 5 && sums[0].bytes == 17 && sums[0].hidden_entries == 4 && sums[0].hidden_bytes == 15,
	    "the first layer's sums");
	ok(sums[1].entries == 4 && sums[1].bytes == 14 && sums[1].hidden_entries == 1 && sums[1].hidden_bytes == 4,
	    "the second layer's sums");
}

/* ncdu's names are bytes, and no character of JSON's own. */
static void
test_ncdu(void)
{
	static const char want[] = "{\"name\":\"q\\\"b\\\\ \\u0001\\u001f\\u007f\xff~\",\"asize\":4097,\"dsize\":8192,";
	struct lp_merge m;
	struct lp_walk w;
	struct lp_buf b;
	int event, rc = LP_OK;

	lp_buf_init(&b, 4096);
	ok(lp_merge_init(&m, 7, 9) == LP_OK && lp_merge_layer(&m) == LP_OK &&
	    add(&m, LP_REG, "q\"b\\ \x01\x1f\x7f\xff~", "", 4097) == LP_OK, "a merge");
	lp_merge_finish(&m);
	lp_walk_init(&w, &m, LP_WALK_NESTED);
	while (rc == LP_OK && (event = lp_walk_next(&w)) > 0)
		rc = lp_ncdu_step(&w, event, &b);
	ok(rc == LP_OK && memmem(b.p, b.n, want, sizeof(want) - 1) != NULL,
	    "ncdu: quotes and control characters are escaped, no other byte is: %.*s", (int)b.n, (const char *)b.p);
	lp_walk_release(&w);
	lp_merge_release(&m);
	lp_buf_release(&b);
}

int
main(void)
{
	test_arena();
	test_no_memory();
	test_ncdu();
	test_order(5, 0);
	test_order(8, 0);
	test_order(9, 0);
	test_order(100, 0);
	test_order(20000, 0);
	test_order(20000, 1);
	test_order_below();
	test_limits();
	test_growing_through_links();
	test_malice();
	test_layerdiff();
	return unit_done();
}
