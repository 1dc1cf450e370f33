/*
 * Our reader of tar beside others.
 *
 *	tardiffer FILE...
 *		beside libarchive: one line for each disagreement; ends with 1 if
 *		there is any
 *	tardiffer --tame SEED COUNT
 *		the same for archives made up here, of what readers agree on
 *	tardiffer --mutated SEED COUNT
 *		the same archives with bytes changed: how often the two readings
 *		differ, by reason; ends with 1 if there is one for no known reason
 *	tardiffer --read FILE...
 *	tardiffer --wild SEED COUNT
 *	tardiffer --read-mutated SEED COUNT
 *		our reading, one line a member: of files, of archives made up here
 *		of anything, one in two with bytes changed, and of those above
 *	tardiffer --dump DIR SEED COUNT
 *	tardiffer --dump-mutated DIR SEED COUNT
 *		those archives as files, for other readers
 *	tardiffer --hash
 *		readings from stdin, a line with a name and a hash for each
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/num.h"
#include "common/sys/io.h"
#include "test/oracle/tarrandom.h"
#include "test/oracle/tarreasons.h"
#include "test/oracle/tarrows.h"

/* ---- beside libarchive --------------------------------------------------------- */

static void
put_text(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		printf(s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '%' ? "%c" : "%%%02x", s.p[i]);
}

static int
differ_text(const struct row *x, const char *field, const struct lp_buf *a, const struct lp_buf *b)
{
	if (lp_span_eq(lp_buf_span(a), lp_buf_span(b)))
		return 0;
	put_text(lp_buf_span(&x->name));
	printf(": %s is '", field);
	put_text(lp_buf_span(a));
	printf("' here, '");
	put_text(lp_buf_span(b));
	printf("' in libarchive\n");
	return 1;
}

static int
differ_number(const struct row *x, const char *field, int64_t a, int64_t b)
{
	if (a == b)
		return 0;
	put_text(lp_buf_span(&x->name));
	printf(": %s is %" PRId64 " here, %" PRId64 " in libarchive\n", field, a, b);
	return 1;
}

static int
differ_type(const struct row *x, char a, char b)
{
	if (a == b)
		return 0;
	put_text(lp_buf_span(&x->name));
	printf(": type is '%c' here, '%c' in libarchive\n", a, b);
	return 1;
}

static int
differ_row(const struct row *a, const struct row *b)
{
	return differ_text(a, "name", &a->name, &b->name) +
	    differ_type(a, a->type, b->type) +
	    differ_text(a, "linkname", &a->link, &b->link) +
	    differ_number(a, "mode", a->mode, b->mode) +
	    differ_number(a, "uid", a->uid, b->uid) +
	    differ_number(a, "gid", a->gid, b->gid) +
	    differ_number(a, "size", (int64_t)a->size, (int64_t)b->size) +
	    differ_number(a, "mtime", a->mtime, b->mtime) +
	    differ_number(a, "nanoseconds of mtime", a->nsec, b->nsec) +
	    differ_number(a, "whether mtime is known", a->has_mtime, b->has_mtime) +
	    differ_text(a, "uname", &a->uname, &b->uname) +
	    differ_text(a, "gname", &a->gname, &b->gname) +
	    differ_number(a, "devmajor", a->major, b->major) +
	    differ_number(a, "devminor", a->minor, b->minor) +
	    differ_text(a, "xattrs", &a->xattrs, &b->xattrs);
}

/* The same without a word about it. */
static int
same_row(const struct row *a, const struct row *b)
{
	return lp_span_eq(lp_buf_span(&a->name), lp_buf_span(&b->name)) && a->type == b->type &&
	    lp_span_eq(lp_buf_span(&a->link), lp_buf_span(&b->link)) && a->mode == b->mode && a->uid == b->uid &&
	    a->gid == b->gid && a->size == b->size && a->mtime == b->mtime && a->nsec == b->nsec &&
	    a->has_mtime == b->has_mtime && lp_span_eq(lp_buf_span(&a->uname), lp_buf_span(&b->uname)) &&
	    lp_span_eq(lp_buf_span(&a->gname), lp_buf_span(&b->gname)) && a->major == b->major &&
	    a->minor == b->minor && lp_span_eq(lp_buf_span(&a->xattrs), lp_buf_span(&b->xattrs));
}

static const char *
ended(const struct rows *r)
{
	return r->ended == ENDED_BAD ? r->why : r->ended == ENDED_CUT ? "cut off" : "end";
}

static int
same_end(const struct rows *a, const struct rows *b)
{
	return a->n == b->n && (a->ended == ENDED_WELL) == (b->ended == ENDED_WELL);
}

static int
differ(struct lp_span tar)
{
	struct rows ours = rows_ours(tar), theirs = rows_theirs(tar);
	int n = 0;

	for (size_t i = 0; i < ours.n && i < theirs.n; i++)
		n += differ_row(&ours.v[i], &theirs.v[i]);
	if (!same_end(&ours, &theirs)) {
		printf("%zu members, then '%s' here, %zu, then '%s' in libarchive\n", ours.n, ended(&ours),
		    theirs.n, ended(&theirs));
		n++;
	}
	rows_release(&ours);
	rows_release(&theirs);
	return n;
}

/* ---- readings --------------------------------------------------------------------- */

/*
 * The last line of a reading. Go takes an end behind a member for the end,
 * and finds out later or never that an input which is cut off is also bad:
 * where it ends is not told.
 */
static const char *
last_line(const struct rows *r, size_t n)
{
	int cut = r->status == LP_E_LIMIT || strncmp(r->why, "the input ends", 14) == 0 || r->bad_at + LP_TAR_BLOCK > n;

	return r->ended == ENDED_BAD && !cut ? "bad" : "end";
}

static void
put_reading(const char *name, struct lp_span tar)
{
	struct rows r = rows_ours(tar);
	const char *base = strrchr(name, '/');

	printf("== %s\n", base != NULL ? base + 1 : name);
	for (size_t i = 0; i < r.n; i++) {
		const struct row *x = &r.v[i];

		printf("%c %04o %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 ".%09u ", x->type, x->mode, x->uid,
		    x->gid, x->size, x->mtime, x->nsec);
		put_text(lp_buf_span(&x->name));
		printf(" ");
		put_text(lp_buf_span(&x->link));
		printf(" ");
		put_text(lp_buf_span(&x->uname));
		printf(" ");
		put_text(lp_buf_span(&x->gname));
		printf(" %u,%u ", x->major, x->minor);
		put_text(lp_buf_span(&x->xattrs));
		printf("\n");
	}
	printf("%s\n", last_line(&r, tar.n));
	rows_release(&r);
}

static void
put_hash(uint64_t hash)
{
	printf(" %08" PRIx64 "\n", (hash ^ hash >> 32) & UINT32_MAX);
}

/* FNV-1a over the lines of each reading. */
static int
put_hashes(void)
{
	static char line[1 << 20];
	uint64_t hash = 0;
	int first = 1;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t n = strlen(line);

		if (strncmp(line, "== ", 3) == 0) {
			if (!first)
				put_hash(hash);
			first = 0;
			hash = 0xcbf29ce484222325u;
			printf("%.*s", (int)(n - 4), line + 3);
			continue;
		}
		for (size_t i = 0; i < n; i++)
			hash = (hash ^ (unsigned char)line[i]) * 0x100000001b3u;
	}
	put_hash(hash);
	return ferror(stdin) || first;
}

/* ---- archives ---------------------------------------------------------------------- */

static int
read_file(const char *file, struct lp_buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	lp_buf_init(b, (size_t)2 << 30);
	rc = fd < 0 ? LP_E_SYS : lp_read_all(fd, b);
	if (rc != LP_OK)
		fprintf(stderr, "%s: %s\n", file, strerrordesc_np(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
of_files(char **argv, int n, int reading)
{
	int bad = 0;

	for (int i = 0; i < n; i++) {
		struct lp_buf b;

		if (read_file(argv[i], &b) != LP_OK)
			return 2;
		if (reading)
			put_reading(argv[i], lp_buf_span(&b));
		else
			bad |= differ(lp_buf_span(&b)) > 0;
		lp_buf_release(&b);
	}
	return bad;
}

static int
of_tame(uint64_t seed, uint64_t count)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct rnd r = { .s = seed + i, .tame = 1 };
		struct lp_buf b;

		lp_buf_init(&b, 1 << 24);
		rnd_archive(&r, &b);
		if (differ(lp_buf_span(&b)) > 0) {
			printf("^ seed %" PRIu64 "\n", seed + i);
			bad++;
		}
		lp_buf_release(&b);
	}
	printf("%" PRIu64 " archives, %" PRIu64 " of them read in two ways\n", count, bad);
	return bad > 0;
}

static int
save(const char *dir, const char *name, struct lp_span s)
{
	char path[4096];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	rc = fd < 0 ? LP_E_SYS : lp_write_all(fd, s);
	if (fd < 0 || close(fd) != 0 || rc != LP_OK) {
		fprintf(stderr, "%s: %s\n", path, strerrordesc_np(errno));
		return LP_E_SYS;
	}
	return LP_OK;
}

static int
of_wild(const char *dir, uint64_t seed, uint64_t count)
{
	int rc = LP_OK;

	for (uint64_t i = 0; i < count && rc == LP_OK; i++) {
		struct rnd r = { .s = seed + i / 2 };
		struct lp_buf b;
		char name[64];

		lp_buf_init(&b, 1 << 24);
		rnd_archive(&r, &b);
		if (i % 2 == 1)
			rnd_mutate(&r, &b);
		snprintf(name, sizeof(name), "%08" PRIu64 "%s", seed + i / 2, i % 2 ? "-changed" : "");
		if (dir != NULL)
			rc = save(dir, name, lp_buf_span(&b));
		else
			put_reading(name, lp_buf_span(&b));
		lp_buf_release(&b);
	}
	return rc != LP_OK;
}

/* Made of what readers agree on, and then some bytes changed. */
static void
mutated(uint64_t seed, struct lp_buf *b)
{
	struct rnd r = { .s = seed, .tame = 1 };

	lp_buf_init(b, 1 << 24);
	rnd_archive(&r, b);
	rnd_mutate(&r, b);
}

static int
dump_mutated(const char *dir, uint64_t seed, uint64_t count)
{
	int rc = LP_OK;

	for (uint64_t i = 0; i < count && rc == LP_OK; i++) {
		struct lp_buf b;
		char name[64];

		mutated(seed + i, &b);
		snprintf(name, sizeof(name), "%08" PRIu64 "-mutated", seed + i);
		rc = save(dir, name, lp_buf_span(&b));
		lp_buf_release(&b);
	}
	return rc != LP_OK;
}

/* Each section's name and how often it was the reason. */
struct tally {
	struct { const char *reason; uint64_t n; } v[64];
	size_t n;
};

static void
count_reason(struct tally *t, const char *reason)
{
	size_t i = 0;

	while (i < t->n && strcmp(t->v[i].reason, reason) != 0)
		i++;
	if (i == sizeof(t->v) / sizeof(t->v[0]))
		abort();
	if (i == t->n)
		t->v[t->n++].reason = reason;
	t->v[i].n++;
}

/* The reason for what differs first; "" if nothing does, NULL if there is none. */
static const char *
reason_of(struct lp_span tar)
{
	struct rows ours = rows_ours(tar), theirs = rows_theirs(tar);
	const char *reason = "";
	size_t i = 0;

	while (i < ours.n && i < theirs.n && same_row(&ours.v[i], &theirs.v[i]))
		i++;
	if (i < ours.n && i < theirs.n)
		reason = reasons_of_row(tar, &ours.v[i], &theirs.v[i]);
	else if (!same_end(&ours, &theirs))
		reason = reasons_of_end(tar, &ours, &theirs);
	rows_release(&ours);
	rows_release(&theirs);
	return reason;
}

/* Our reading of them, for its hash to be compared with Go's. */
static int
read_mutated(uint64_t seed, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct lp_buf b;
		char name[64];

		mutated(seed + i, &b);
		snprintf(name, sizeof(name), "%08" PRIu64 "-mutated", seed + i);
		put_reading(name, lp_buf_span(&b));
		lp_buf_release(&b);
	}
	return 0;
}

static int
of_mutated(uint64_t seed, uint64_t count)
{
	struct tally t = { .n = 0 };
	uint64_t unknown = 0;

	for (uint64_t i = 0; i < count; i++) {
		const char *reason;
		struct lp_buf b;

		mutated(seed + i, &b);
		reason = reason_of(lp_buf_span(&b));
		if (reason == NULL) {
			differ(lp_buf_span(&b));
			printf("^ seed %" PRIu64 ": for no known reason\n", seed + i);
			unknown++;
		} else if (*reason != '\0') {
			count_reason(&t, reason);
		}
		lp_buf_release(&b);
	}
	for (size_t i = 0; i < t.n; i++)
		printf("%" PRIu64 "\t%s\n", t.v[i].n, t.v[i].reason);
	printf("%" PRIu64 " archives, %" PRIu64 " of them read in two ways for no known reason\n", count, unknown);
	return unknown > 0;
}

static uint64_t
number(const char *s)
{
	uint64_t v = 0;

	if (lp_num_u64(lp_span_str(s), UINT64_MAX, &v) != LP_OK) {
		fprintf(stderr, "tardiffer: not a number: %s\n", s);
		exit(2);
	}
	return v;
}

int
main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	rows_locale();
	if (strcmp(how, "--tame") == 0 && argc == 4)
		return of_tame(number(argv[2]), number(argv[3]));
	if (strcmp(how, "--mutated") == 0 && argc == 4)
		return of_mutated(number(argv[2]), number(argv[3]));
	if (strcmp(how, "--read-mutated") == 0 && argc == 4)
		return read_mutated(number(argv[2]), number(argv[3]));
	if (strcmp(how, "--dump-mutated") == 0 && argc == 5)
		return dump_mutated(argv[2], number(argv[3]), number(argv[4]));
	if (strcmp(how, "--wild") == 0 && argc == 4)
		return of_wild(NULL, number(argv[2]), number(argv[3]));
	if (strcmp(how, "--dump") == 0 && argc == 5)
		return of_wild(argv[2], number(argv[3]), number(argv[4]));
	if (strcmp(how, "--read") == 0)
		return of_files(argv + 2, argc - 2, 1);
	if (strcmp(how, "--hash") == 0 && argc == 2)
		return put_hashes();
	return of_files(argv + 1, argc - 1, 0);
}
