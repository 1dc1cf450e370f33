/* Reads FlatBuffers whose offsets nobody has looked at. */
#include "common/toc/flat.h"

#include "common/base/le.h"

enum {
	OFFSET = 4, /* bytes of an offset, of a count, and of what leads to a vtable */
	SLOT = 2,   /* of each number in a vtable */
	VTABLE_MIN = 2 * SLOT
};

static void
fail(struct lp_flat *f, size_t at, const char *why)
{
	if (f->why == NULL) {
		f->why = why;
		f->bad = at;
	}
}

/* Whether n bytes lie there. */
static int
holds(const struct lp_flat *f, size_t at, size_t n)
{
	return at <= f->all.n && n <= f->all.n - at;
}

/* The number of n bytes there, which lie inside. */
static uint64_t
number(const struct lp_flat *f, size_t at, size_t n)
{
	return lp_le(f->all.p + at, n);
}

/* Where the offset there leads to; 0, and a failure, if that is outside. */
static size_t
follow(struct lp_flat *f, size_t at)
{
	size_t by;

	if (!holds(f, at, OFFSET)) {
		fail(f, at, "an offset lies outside the table of contents");
		return 0;
	}
	by = (size_t)number(f, at, OFFSET);
	if (by == 0 || !holds(f, at, by) || !holds(f, at + by, OFFSET)) {
		fail(f, at, "an offset leads out of the table of contents");
		return 0;
	}
	return at + by;
}

/* The table there. */
static struct lp_flat_table
table_at(struct lp_flat *f, size_t at)
{
	struct lp_flat_table t = { .at = at };
	/* what leads to the vtable is subtracted, and may be negative */
	int64_t back = at > 0 ? (int32_t)(uint32_t)number(f, at, OFFSET) : 0, vtable = (int64_t)at - back;

	if (at == 0)
		return t;
	if (vtable < 0 || !holds(f, (size_t)vtable, VTABLE_MIN)) {
		fail(f, at, "a table's fields lie outside the table of contents");
		return (struct lp_flat_table){ .at = 0 };
	}
	t.vtable = (size_t)vtable;
	t.fields = (size_t)number(f, t.vtable, SLOT);
	t.bytes = (size_t)number(f, t.vtable + SLOT, SLOT);
	if (t.fields < VTABLE_MIN || t.fields % SLOT != 0 || !holds(f, t.vtable, t.fields) || t.bytes < OFFSET || !holds(f, at, t.bytes)) {
		fail(f, at, "a table is of a size that it cannot have");
		return (struct lp_flat_table){ .at = 0 };
	}
	return t;
}

/* Where a field of n bytes is; 0 if the table has none. */
static size_t
field_at(struct lp_flat *f, const struct lp_flat_table *t, unsigned field, size_t n)
{
	size_t in = t->at > 0 && field + SLOT <= t->fields ? (size_t)number(f, t->vtable + field, SLOT) : 0;

	if (in == 0)
		return 0;
	if (in < OFFSET || in > t->bytes || n > t->bytes - in) {
		fail(f, t->at, "a field lies outside its table");
		return 0;
	}
	return t->at + in;
}

struct lp_flat_table
lp_flat_root(struct lp_flat *f)
{
	return table_at(f, follow(f, 0));
}

struct lp_flat_table
lp_flat_table(struct lp_flat *f, const struct lp_flat_table *t, unsigned field)
{
	size_t at = field_at(f, t, field, OFFSET);

	return table_at(f, at > 0 ? follow(f, at) : 0);
}

uint64_t
lp_flat_number(struct lp_flat *f, const struct lp_flat_table *t, unsigned field, size_t bytes, uint64_t none)
{
	size_t at = field_at(f, t, field, bytes);

	return at > 0 ? number(f, at, bytes) : none;
}

struct lp_flat_vector
lp_flat_vector(struct lp_flat *f, const struct lp_flat_table *t, unsigned field, size_t each)
{
	struct lp_flat_vector v = { .at = field_at(f, t, field, OFFSET) };
	size_t at = v.at > 0 ? follow(f, v.at) : 0;

	if (at == 0)
		return (struct lp_flat_vector){ .n = 0 };
	v.at = at + OFFSET;
	v.n = (size_t)number(f, at, OFFSET);
	if (v.n > (f->all.n - v.at) / each) {
		fail(f, at, "a list is longer than the table of contents");
		v.n = 0;
	}
	return v;
}

struct lp_span
lp_flat_string(struct lp_flat *f, const struct lp_flat_table *t, unsigned field)
{
	struct lp_flat_vector v = lp_flat_vector(f, t, field, 1);

	if (v.at == 0)
		return lp_span(NULL, 0);
	if (!holds(f, v.at + v.n, 1) || f->all.p[v.at + v.n] != '\0') {
		fail(f, v.at, "a text does not end where it should");
		return lp_span(NULL, 0);
	}
	return lp_span(f->all.p + v.at, v.n);
}

struct lp_flat_table
lp_flat_item(struct lp_flat *f, const struct lp_flat_vector *v, size_t i)
{
	return table_at(f, follow(f, v->at + i * OFFSET));
}
