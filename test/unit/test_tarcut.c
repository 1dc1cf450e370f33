/*
 * A good archive cut at 2,000 random places, and with single bytes changed
 * at 4,000: what was good before is read as before, a cut is never an error,
 * a changed header always is.
 */
#include <inttypes.h>

#include "common/row/row.h"
#include "common/tar/tar.h"
#include "test/oracle/tarrandom.h"
#include "test/unit/unit.h"

enum { MEMBERS = 60, CUTS = 2000, CHANGES = 4000 };

/* All rows, and how it ended. */
struct reading {
	struct lp_buf rows;
	size_t members;
	enum lp_tar_event end;
	uint64_t error_offset;
	size_t *row_end; /* where each member's row ends */
};

static struct reading
read_all(struct lp_span in, size_t *row_end)
{
	struct reading r = { .row_end = row_end };
	struct lp_rowfmt fmt;
	struct lp_tar t;

	lp_rowfmt_init(&fmt);
	lp_buf_init(&r.rows, SIZE_MAX / 2);
	lp_tar_init(&t);
	do {
		r.end = lp_tar_next(&t, &in);
		if (r.end == LP_TAR_MEMBER) {
			if (lp_row_write(&fmt, &t.entry, &r.rows) != LP_OK)
				abort();
			if (row_end != NULL)
				row_end[r.members] = r.rows.n;
			r.members++;
		} else if (r.end == LP_TAR_MORE) {
			r.end = lp_tar_eof(&t);
		}
	} while (r.end == LP_TAR_MEMBER);
	r.error_offset = t.error_offset;
	lp_tar_release(&t);
	return r;
}

/* The first rows of the whole reading, none changed. */
static int
is_start(const struct reading *part, const struct reading *whole)
{
	size_t n = part->members > 0 ? whole->row_end[part->members - 1] : 0;

	return part->members <= whole->members &&
	    lp_span_eq(lp_buf_span(&part->rows), lp_span(whole->rows.p, n));
}

static void
cut(struct rnd *r, struct lp_span tar, const struct reading *whole, size_t marker)
{
	int wrong = 0;

	for (int i = 0; i < CUTS; i++) {
		struct lp_span part = lp_span(tar.p, 1 + rnd(r, (uint32_t)tar.n - 1));
		unsigned char *p = unit_exact(part);
		struct reading got = read_all(lp_span(p, part.n), NULL);

		if (!is_start(&got, whole) ||
		    got.end != (part.n < marker + LP_TAR_BLOCK ? LP_TAR_TRUNCATED : LP_TAR_END)) {
			diag("cut at %zu", part.n);
			wrong++;
		}
		lp_buf_release(&got.rows);
		free(p);
	}
	ok(wrong == 0, "%d cuts: the first rows, and a preview", CUTS);
}

/* Whether the byte lies in a header block; where that begins. */
static int
in_header(const struct rnd *made, size_t at, size_t *head)
{
	for (size_t i = 0; i < made->heads; i++)
		if (at >= made->head[i] && at < made->head[i] + LP_TAR_BLOCK) {
			*head = made->head[i];
			return 1;
		}
	return 0;
}

static void
change(struct rnd *r, const struct rnd *made, struct lp_buf *tar, const struct reading *whole)
{
	int wrong = 0, in_headers = 0;

	for (int i = 0; i < CHANGES; i++) {
		/* a header's first byte made zero could look like an end */
		size_t at = 1 + rnd(r, (uint32_t)tar->n - 1), head;
		unsigned char kept = tar->p[at];
		struct reading got;

		tar->p[at] ^= (unsigned char)(1 + rnd(r, 255));
		got = read_all(lp_buf_span(tar), NULL);
		if (in_header(made, at, &head)) {
			/* blanks around the checksum's own digits are the one thing that may change */
			int harmless = at - head >= 148 && at - head < 156;

			in_headers++;
			if (!harmless && (got.end != LP_TAR_ERROR || got.error_offset != head || !is_start(&got, whole))) {
				diag("byte %zu of the header at %zu", at - head, head);
				wrong++;
			}
		}
		tar->p[at] = kept;
		lp_buf_release(&got.rows);
	}
	ok(wrong == 0 && in_headers > CHANGES / 10, "%d changes, %d in headers: each one told, with its header",
	    CHANGES, in_headers);
}

/* Content that is changed changes no row. */
static void
change_content(struct rnd *r)
{
	struct reading whole, got;
	struct lp_buf b;
	int wrong = 0;

	lp_buf_init(&b, 1 << 20);
	for (int i = 0; i < 20; i++) {
		tm_head(&b, (struct tm_header){ .name = rnd_name(r, 90), .size = 1024 });
		rnd_content(&b, 1024);
	}
	tm_end(&b);
	whole = read_all(lp_buf_span(&b), NULL);
	for (int i = 0; i < 500; i++) {
		size_t at = rnd(r, 20) * 1536u + 512 + rnd(r, 1024);

		b.p[at] ^= (unsigned char)(1 + rnd(r, 255));
		got = read_all(lp_buf_span(&b), NULL);
		wrong += got.end != LP_TAR_END || !lp_span_eq(lp_buf_span(&got.rows), lp_buf_span(&whole.rows));
		lp_buf_release(&got.rows);
	}
	ok(wrong == 0, "500 changes of content: the same rows");
	lp_buf_release(&whole.rows);
	lp_buf_release(&b);
}

int
main(void)
{
	static size_t row_end[MEMBERS * 2];
	static struct rnd made = { .s = 8, .tame = 1 };
	struct rnd r = { .s = 2000 };
	struct reading whole;
	struct lp_buf b;
	size_t marker;

	lp_buf_init(&b, 1 << 24);
	for (int i = 0; i < MEMBERS; i++)
		rnd_member(&made, &b);
	marker = b.n;
	tm_end(&b);
	whole = read_all(lp_buf_span(&b), row_end);
	ok(whole.end == LP_TAR_END && whole.members == MEMBERS && made.heads >= MEMBERS, "a good archive of %zu bytes",
	    b.n);
	cut(&r, lp_buf_span(&b), &whole, marker);
	change(&r, &made, &b, &whole);
	change_content(&r);
	lp_buf_release(&whole.rows);
	lp_buf_release(&b);
	return unit_done();
}
