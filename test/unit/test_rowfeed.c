#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/merge/rowfeed.h"
#include "common/base/status.h"
#include "test/unit/unit.h"

/* A listing: a first line, so many numbered rows, a last line. */
struct listing {
	const char *head;
	unsigned rows;
	const char *before, *after; /* the number of a row */
	const char *tail;
};

#define PLAIN "-rw-r--r--\t0\t0\t1\t-\tdir/"

/* What takes a thread, and all its slots more than once: so many bytes of the shortest rows there are here. */
enum { MUCH = LP_ROWFEED_INLINE + 3 * LP_ROWFEED_SLOTS * LP_ROWFEED_ROOM };
enum { MANY = MUCH / 24, MANY_SHORT = MUCH / 3 };

/* In a file that has no name any more. */
static int
open_listing(const struct listing *l)
{
	char path[] = "/tmp/test_rowfeed.XXXXXX";
	int fd = mkstemp(path), copy = fd >= 0 ? dup(fd) : -1;
	FILE *f = copy >= 0 ? fdopen(copy, "w") : NULL;

	if (f == NULL)
		abort();
	(void)unlink(path);
	(void)fputs(l->head, f);
	for (unsigned i = 0; i < l->rows; i++)
		fprintf(f, "%s%u%s", l->before, i, l->after);
	(void)fputs(l->tail, f);
	(void)fclose(f);
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* What came of one listing. */
struct seen {
	uint64_t rows, wrong;
	int has_end;
	struct lp_rowend end;
	char label[8];
};

/* The number stands behind the name's last slash, or is the name. */
static void
see_row(struct seen *s, const struct lp_feedrow *r, uint64_t first_line)
{
	char name[64];
	const char *number;

	snprintf(name, sizeof(name), "%.*s", (int)r->name.n, (const char *)r->name.p);
	number = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name;
	s->wrong += strtoull(number, NULL, 10) != s->rows || r->line != first_line + s->rows || r->row->type != LP_REG;
	s->rows++;
}

/* All batches, into `seen` by listing; the last status. */
static int
see(struct lp_rowfeed *f, const struct listing *l, struct seen *seen)
{
	const struct lp_rowbatch *b;
	int status = LP_OK;

	while ((b = lp_rowfeed_next(f)) != NULL) {
		struct seen *s = &seen[b->listing];

		for (size_t i = 0; i < b->n; i++)
			see_row(s, &b->row[i], l[b->listing].head[0] != '\0' ? 2 : 1);
		if (b->has_end) {
			s->has_end = 1;
			s->end = b->end;
			snprintf(s->label, sizeof(s->label), "%.*s", (int)b->end.layer.n, (const char *)b->end.layer.p);
		}
		status = b->status;
	}
	return status;
}

static void
test_listings(int alone)
{
	static const struct listing listings[] = {
		{ "", 3, PLAIN, "\t\n", "" },
		{ "", 0, "", "", "" },
		{ "", MANY, PLAIN, "\t\n", "#end\tcomplete=yes\tlayer=many\n" },
		{ "name\n", MANY_SHORT, "", "\n", "#end\tcomplete=no\tlayer=short\n" },
		{ "", MANY, "-rw-r--r--\t0\t0\t1\t-\tdir\\\\/", "\t\n", "" },
		{ "", MANY / 4, "{\"mode\":\"-rw-r--r--\",\"uid\":0,\"gid\":0,\"size\":1,\"name\":\"dir/", "\"}\n", "{\"end\":{\"complete\":\"yes\",\"layer\":\"json\"}}" },
		{ "", 0, "", "", "#end\tcomplete=yes\tlayer=last" },
	};
	enum { N = sizeof(listings) / sizeof(listings[0]) };
	static const char *const labels[N] = { [2] = "many", [3] = "short", [5] = "json", [6] = "last" };
	struct seen seen[N] = { 0 };
	struct lp_rowfeed f;
	int fd[N];

	for (size_t i = 0; i < N; i++)
		fd[i] = open_listing(&listings[i]);
	ok(lp_rowfeed_init(&f, fd, N) == LP_OK, "%d listings, %s", (int)N, alone ? "no thread" : "a thread if there may be one");
	f.alone |= alone;
	ok(see(&f, listings, seen) == LP_OK && lp_rowfeed_next(&f) == NULL, "all are read, and stay so");
	ok(f.running == !f.alone, "by a thread where there are two processors");
	for (size_t i = 0; i < N; i++) {
		ok(seen[i].rows == listings[i].rows && seen[i].wrong == 0, "listing %zu: %" PRIu64 " rows, %" PRIu64 " of them wrong",
		    i, seen[i].rows, seen[i].wrong);
		ok(seen[i].has_end == (labels[i] != NULL) && strcmp(seen[i].label, labels[i] != NULL ? labels[i] : "") == 0,
		    "its end record is '%s'", seen[i].label);
		close(fd[i]);
	}
	lp_rowfeed_release(&f);
}

/* What is wrong is told behind all that is right, with its place; and is the end. */
static void
test_bad(unsigned rows)
{
	const struct listing l[2] = {
		{ "", rows, "-rw-r--r--\t0\t0\t1\t-\tdir/", "\t\n", "no row\n" }, { "", 1, PLAIN, "\t\n", "" },
	};
	struct seen seen[2] = { 0 };
	struct lp_rowfeed f;
	const struct lp_rowbatch *b = NULL;
	int fd[2] = { open_listing(&l[0]), open_listing(&l[1]) };
	off_t size = lseek(fd[0], 0, SEEK_END);

	(void)lseek(fd[0], 0, SEEK_SET);
	ok(lp_rowfeed_init(&f, fd, 2) == LP_OK && see(&f, l, seen) == LP_E_DATA, "a bad line behind %u rows", rows);
	b = f.out;
	ok(seen[0].rows == rows && seen[0].wrong == 0 && seen[1].rows == 0, "the rows before it are there, and none behind");
	ok(b->line == rows + 1 && b->offset == (uint64_t)size - 7 && b->why != NULL, "line %" PRIu64 ", byte %" PRIu64,
	    b->line, b->offset);
	close(fd[0]);
	close(fd[1]);
	lp_rowfeed_release(&f);
}

static void
test_unreadable(void)
{
	const struct listing l[2] = { { "", 5, PLAIN, "\t\n", "" }, { "", 0, "", "", "" } };
	struct seen seen[2] = { 0 };
	struct lp_rowfeed f;
	int fd[2] = { open_listing(&l[0]), open("/", O_RDONLY | O_DIRECTORY) };

	ok(lp_rowfeed_init(&f, fd, 2) == LP_OK && see(&f, l, seen) == LP_E_SYS, "a listing that cannot be read");
	ok(seen[0].rows == 5 && f.out->listing == 1 && f.out->error == EISDIR, "the one before it could");
	close(fd[0]);
	close(fd[1]);
	lp_rowfeed_release(&f);
}

int
main(void)
{
	test_listings(1);
	test_listings(0);
	test_bad(0);
	test_bad(10);
	test_bad(MANY);
	test_unreadable();
	return unit_done();
}
