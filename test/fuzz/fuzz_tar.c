/*
 * The tar reader: whole input, input in pieces, input with bodies passed
 * over, and content asked for give the same events; content is as long as
 * its entry says; offsets never go back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/row/row.h"
#include "common/tar/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum way { WHOLE, PIECES, SKIP, CONTENT, TELL_END };

/* What is compared: every member as a row of all columns, and how it ended. */
struct run {
	struct lp_rowfmt fmt;
	struct lp_buf log;
	uint64_t got, want; /* bytes of the member's content */
	uint64_t rng;
};

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
log_end(struct run *r, const struct lp_tar *t, enum lp_tar_event ev)
{
	uint64_t last[4] = { (uint64_t)ev, 0, 0, t->members };

	if (ev == LP_TAR_TRUNCATED)
		last[1] = t->at;
	if (ev == LP_TAR_ERROR) {
		must(t->why != NULL && t->status < 0 && t->error_offset <= t->offset);
		last[1] = t->error_offset;
		last[2] = (uint64_t)t->status;
	} else if (ev == LP_TAR_END) {
		last[1] = t->trailing;
	}
	must(lp_buf_add(&r->log, lp_span(last, sizeof(last))) == LP_OK);
}

static void
on_event(struct run *r, struct lp_tar *t, enum lp_tar_event ev, enum way way)
{
	const struct lp_entry *e = &t->entry;

	if (ev == LP_TAR_MEMBER) {
		must(e->header_offset < e->data_offset && e->data_offset <= t->offset);
		must(e->name.n <= LP_MAX_PATH && e->mode <= 07777 && e->mtime_nsec < 1000000000);
		must(lp_row_write(&r->fmt, e, &r->log) == LP_OK);
		r->got = 0;
		r->want = e->size;
		/* a sparse map that does not match what is stored is an error only for who wants the content */
		if (way == CONTENT && !(t->sparse_member && t->sparse.stored != t->left))
			lp_tar_want_data(t);
		if (way == TELL_END)
			lp_tar_want_end(t);
	} else if (ev == LP_TAR_DATA) {
		must(t->data.n > 0);
		r->got += t->data.n;
	} else if (ev == LP_TAR_HOLE) {
		must(t->hole > 0);
		r->got += t->hole;
	} else if (ev == LP_TAR_DATA_END) {
		must(way == TELL_END || r->got == r->want);
	}
	must(r->got <= r->want);
}

static size_t
next_piece(struct run *r)
{
	r->rng = r->rng * 6364136223846793005u + 1442695040888963407u;
	return 1 + (size_t)(r->rng >> 33) % ((r->rng >> 60) < 8 ? 3 : 1500);
}

static void
run(struct run *r, struct lp_span in, enum way way)
{
	enum lp_tar_event ev = LP_TAR_MORE;
	struct lp_tar t;

	lp_tar_init(&t);
	while (in.n > 0 && ev != LP_TAR_ERROR) {
		struct lp_span part = lp_span_take(&in, way == WHOLE ? in.n : next_piece(r));

		do {
			ev = lp_tar_next(&t, &part);
			on_event(r, &t, ev, way);
			if (way == SKIP) {
				uint64_t n = lp_tar_skippable(&t);

				lp_tar_skipped(&t, lp_span_take(&part, n < part.n ? (size_t)n : part.n).n);
			}
		} while (ev != LP_TAR_MORE && ev != LP_TAR_ERROR);
	}
	if (ev != LP_TAR_ERROR)
		ev = lp_tar_eof(&t);
	log_end(r, &t, ev);
	must(lp_tar_eof(&t) == ev);
	lp_tar_release(&t);
}

/* All ways to read the same bytes. */
static void
read_all_ways(struct lp_span bytes)
{
	static const char columns[] = "mode,uid,gid,size,mtime,name,linkname,typeflag,uname,gname,devmajor,"
	    "devminor,mtime_unix,header_offset,data_offset,xattrs";
	struct lp_span first = lp_span(NULL, 0), bad;

	for (enum way way = WHOLE; way <= TELL_END; way++) {
		struct run r = { .rng = bytes.n };

		lp_rowfmt_init(&r.fmt);
		must(lp_rowfmt_columns(&r.fmt, lp_span_str(columns), &bad) == LP_OK);
		lp_buf_init(&r.log, SIZE_MAX / 2);
		run(&r, bytes, way);
		if (way == WHOLE) {
			first = lp_buf_span(&r.log);
			continue;
		}
		must(lp_span_eq(first, lp_buf_span(&r.log)));
		lp_buf_release(&r.log);
	}
	free((void *)(uintptr_t)first.p);
}

static int
has_magic(const uint8_t *block)
{
	return memcmp(block + 257, "ustar", 5) == 0;
}

/*
 * A random change breaks a checksum and nothing else: put all of them right,
 * so that other code is reached. Data is left alone where headers can be told
 * from it; v7's cannot.
 */
static void
repair(uint8_t *p, size_t n)
{
	int tell = n >= LP_TAR_BLOCK && has_magic(p);

	for (; n >= LP_TAR_BLOCK; p += LP_TAR_BLOCK, n -= LP_TAR_BLOCK) {
		unsigned sum = 0;

		if (tell ? !has_magic(p) : p[0] == 0)
			continue;
		memset(p + 148, ' ', 8);
		for (size_t i = 0; i < LP_TAR_BLOCK; i++)
			sum += p[i];
		for (size_t i = 6; i > 0; i--, sum /= 8)
			p[148 + i - 1] = (uint8_t)('0' + sum % 8);
		p[154] = 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	must(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	read_all_ways(lp_span(data, size));
	repair(copy, size);
	read_all_ways(lp_span(copy, size));
	free(copy);
	return 0;
}
