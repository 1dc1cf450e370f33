/* The packed head of a row: what is read is exactly what is written. */
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/row/rowhead.h"
#include "test/unit/unit.h"

static const struct lp_entry entries[] = {
	{ .type = LP_REG, .mode = 0644, .size = 1234, .has = LP_HAS_MTIME, .mtime = 1700000784 },
	{ .type = LP_DIR, .mode = 01777, .uid = 10, .gid = 42, .has = LP_HAS_MTIME, .mtime = 1700000785 },
	{ .type = LP_FIFO, .mode = 06755, .uid = 65534, .gid = 999999999999999999, .size = 10 },
	{ .type = LP_REG, .mode = 07000, .uid = 7, .gid = 7, .size = 999999999999999999, .has = LP_HAS_MTIME, .mtime = 0 },
	{ .type = LP_REG, .mode = 0, .uid = 7, .gid = 7, .has = LP_HAS_MTIME, .mtime = 86399 },
};
static const char *const lines[] = {
	"-rw-r--r--\t0\t0\t1234\t2023-11-14T22:26:24Z\t",
	"drwxrwxrwt\t10\t42\t0\t2023-11-14T22:26:25Z\t",
	"prwsr-sr-x\t65534\t999999999999999999\t10\t-\t",
	"---S--S--T\t7\t7\t999999999999999999\t1970-01-01T00:00:00Z\t",
	"----------\t7\t7\t0\t1970-01-01T23:59:59Z\t",
};
enum { COUNT = sizeof(lines) / sizeof(lines[0]) };

static struct lp_span
put(const struct lp_entry *e, char room[LP_ROWHEAD_MAX])
{
	return lp_span(room, (size_t)(lp_rowhead_put(room, e) - room));
}

static int
same(const struct lp_entry *a, const struct lp_entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->size == b->size &&
	    a->has == b->has && a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec;
}

static void
test_write(void)
{
	static const struct lp_entry rare = { .type = LP_REG, .mode = 0600, .uid = -1, .gid = -2, .size = UINT64_MAX,
		.has = LP_HAS_MTIME, .mtime = -1, .mtime_nsec = 750000000 };
	char room[LP_ROWHEAD_MAX];
	struct lp_rowhead h;
	struct lp_span text;

	for (size_t i = 0; i < COUNT; i++) {
		struct lp_entry e = { .type = LP_REG };

		ok_str(put(&entries[i], room), lines[i], "written");
		lp_rowhead_get(lp_span_str(lines[i]), &e);
		ok(same(&e, &entries[i]) && lp_rowhead_size(lp_span_str(lines[i])) == e.size, "and taken apart");
	}
	text = put(&rare, room);
	ok_str(text, "-rw-------\t-1\t-2\t18446744073709551615\t1969-12-31T23:59:59.75Z\t", "what is rare, too");
	lp_rowhead_init(&h);
	ok(lp_rowhead_read(&h, text) == 0, "but others have to read it");
}

static void
test_read(void)
{
	struct lp_rowhead h;

	lp_rowhead_init(&h);
	for (size_t i = 0; i < 4 * COUNT; i++) {
		struct lp_entry e = { .type = LP_REG };
		size_t at = i * i % COUNT;

		ok(lp_rowhead_read(&h, lp_span_str(lines[at])) == strlen(lines[at]), "read");
		lp_rowhead_fill(&h, &e);
		ok(same(&e, &entries[at]), "row %zu after others", at);
	}
}

/* Bytes that are or are not a head: if they are taken, they are what would be written. */
static int
is_right(struct lp_rowhead *h, struct lp_span bytes)
{
	unsigned char *p = unit_exact(bytes);
	size_t n = lp_rowhead_read(h, lp_span(p, bytes.n));
	struct lp_entry e = { .type = LP_REG };
	char room[LP_ROWHEAD_MAX];
	struct lp_span text;
	int right = 1;

	if (n > 0) {
		lp_rowhead_fill(h, &e);
		text = put(&e, room);
		right = n == text.n && n <= bytes.n && memcmp(text.p, p, n) == 0;
	}
	free(p);
	return right;
}

/* Each byte of each head another one, or the last; with what was read before and without. */
static void
test_changes(void)
{
	static const char others[] = "0123456789-+:.TZrwxsStd\t\n a";
	size_t wrong = 0, taken = 0;

	for (size_t i = 0; i < COUNT; i++)
		for (size_t at = 0; at < strlen(lines[i]); at++)
			for (const char *c = others; *c != '\0'; c++) {
				char line[LP_ROWHEAD_MAX];
				struct lp_rowhead h, fresh;

				memcpy(line, lines[i], strlen(lines[i]));
				line[at] = *c;
				lp_rowhead_init(&fresh);
				lp_rowhead_init(&h);
				taken += lp_rowhead_read(&h, lp_span_str(lines[i])) > 0;
				wrong += !is_right(&fresh, lp_span(line, strlen(lines[i])));
				wrong += !is_right(&h, lp_span(line, strlen(lines[i])));
				wrong += !is_right(&fresh, lp_span(lines[i], at));
				wrong += !is_right(&h, lp_span(lines[i], at));
				/* what was refused leaves nothing behind */
				wrong += lp_rowhead_read(&h, lp_span_str(lines[i])) != strlen(lines[i]) || !is_right(&h, lp_span_str(lines[i]));
			}
	ok(wrong == 0 && taken > 0, "a byte that is changed, of %zu heads: %zu times wrong", taken, wrong);
}

int
main(void)
{
	test_write();
	test_read();
	test_changes();
	return unit_done();
}
