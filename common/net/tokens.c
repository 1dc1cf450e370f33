/* Keeps bearer tokens in a file between runs. */
#include "common/net/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/secret.h"
#include "common/base/span.h"
#include "common/base/status.h"
#include "common/sys/io.h"
#include "common/sys/seed.h"

enum {
	FILE_MAX_BYTES = 4 * 1024 * 1024,
	TOKENS_MAX = 4096, /* one per repository and user */
	LOCK_WAIT_MS = 10
};

/* The first line of the file: whatever begins otherwise is not ours to write over. */
static const char first_line[] = "#lp-tokens\n";
enum { FIRST_LINE = sizeof(first_line) - 1 };

static int64_t
now(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_REALTIME, &t) == 0 ? t.tv_sec : 0;
}

/* ---- at hand ----------------------------------------------------------------------- */

static void
entry_release(struct lp_token_entry *e)
{
	free(e->host);
	free(e->repo);
	free(e->user);
	lp_secret_free(&e->text);
}

static uint64_t
key_of(const struct lp_tokens *t, const char *host, const char *repo, const char *user)
{
	return lp_hash64(lp_hash64(lp_hash64(t->seed, lp_span_str(host)), lp_span_str(repo)), lp_span_str(user));
}

/* The place that had the name last may be another one's by now. */
static struct lp_token_entry *
at_hand(const struct lp_tokens *t, const char *host, const char *repo, const char *user)
{
	const uint64_t *i = lp_map_get(&t->names, key_of(t, host, repo, user));
	struct lp_token_entry *e = i != NULL && *i < t->n ? &t->v[*i] : NULL;

	if (e == NULL || strcmp(e->host, host) != 0 || strcmp(e->repo, repo) != 0 || strcmp(e->user, user) != 0)
		return NULL;
	return e;
}

/* For one more; where there are too many, that of the one that ends first. NULL: no memory. */
static struct lp_token_entry *
room(struct lp_tokens *t)
{
	struct lp_token_entry *v = t->v, *first;

	if (t->n < TOKENS_MAX) {
		v = lp_array_room(t->v, t->n, &t->cap, sizeof(*v));
		if (v == NULL)
			return NULL;
		t->v = v;
		return &v[t->n++];
	}
	first = v;
	for (size_t i = 1; i < t->n; i++)
		if (v[i].end < first->end)
			first = &v[i];
	entry_release(first);
	return first;
}

/* A new place for a token, or the place of the old one; it gets a new serial either way, or 0 without memory. */
static unsigned
keep(struct lp_tokens *t, const char *host, const char *repo, const char *user, const char *text,
    int64_t end)
{
	struct lp_token_entry fresh = { strdup(host), strdup(repo), strdup(user), strdup(text), end, 0 };
	struct lp_token_entry *e = at_hand(t, host, repo, user);
	uint64_t *place;
	int is_new;

	if (fresh.host == NULL || fresh.repo == NULL || fresh.user == NULL || fresh.text == NULL ||
	    lp_map_add(&t->names, key_of(t, host, repo, user), &place, &is_new) != LP_OK)
		e = NULL;
	else if (e != NULL)
		entry_release(e);
	else
		e = room(t);
	if (e == NULL) {
		entry_release(&fresh);
		return 0;
	}
	fresh.serial = ++t->last_serial;
	*e = fresh;
	*place = (uint64_t)(e - t->v);
	return fresh.serial;
}

/* ---- the file ------------------------------------------------------------------------ */

/* LP_OK; LP_E_ABSENT while another process has it; LP_E_SYS. */
static int
lock(int fd, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLK, &l) != 0)
		if (errno == EAGAIN || errno == EACCES)
			return LP_E_ABSENT;
		else if (errno != EINTR)
			return LP_E_SYS;
	return LP_OK;
}

/*
 * Whoever has it waits for a server. No lock tells that our own reader has
 * left meanwhile: that one is waited for, and the lock tried from time to
 * time.
 */
static int
lock_patiently(const struct lp_tokens *t, short type)
{
	struct pollfd p = { .fd = t->watched };
	int rc;

	for (unsigned n = 0; (rc = lock(t->fd, type)) == LP_E_ABSENT; n++)
		if (n == LP_TOKENS_PATIENCE * (1000 / LOCK_WAIT_MS) || (poll(&p, 1, LOCK_WAIT_MS) > 0 && p.revents != 0))
			break;
	return rc;
}

/* The next field of a line, unescaped, as a C string in b; LP_E_DATA if there is none. */
static int
field(struct lp_span *line, struct lp_buf *b)
{
	lp_buf_clear(b);
	if (lp_unescape(b, lp_span_field(line, '\t')) != LP_OK || lp_buf_cstr(b) == NULL)
		return LP_E_DATA;
	return LP_OK;
}

/* One line of the file. What cannot be read is passed over: a token more is asked for, that is all. */
static void
take_line(struct lp_tokens *t, struct lp_span line)
{
	struct lp_buf f[5];
	uint64_t end;
	int rc = LP_OK;

	for (size_t i = 0; i < 5; i++) {
		lp_buf_init_secret(&f[i], FILE_MAX_BYTES);
		rc = rc != LP_OK ? rc : field(&line, &f[i]);
	}
	/* a line that was cut off has fields that are empty */
	if (rc == LP_OK && f[4].n > 0 && lp_num_u64(lp_buf_span(&f[0]), INT64_MAX, &end) == LP_OK) {
		struct lp_token_entry *e = at_hand(t, (char *)f[1].p, (char *)f[2].p, (char *)f[3].p);

		if (e == NULL || strcmp(e->text, (char *)f[4].p) != 0)
			(void)keep(t, (char *)f[1].p, (char *)f[2].p, (char *)f[3].p, (char *)f[4].p,
			    (int64_t)end);
	}
	for (size_t i = 0; i < 5; i++)
		lp_buf_release(&f[i]);
}

/* Whether the file is as we left it; from here on as it is. Who finds a token too late asks for one more, that is all. */
static int
is_seen(struct lp_tokens *t)
{
	struct stat was = t->seen;

	return fstat(t->fd, &t->seen) == 0 && was.st_size == t->seen.st_size &&
	    was.st_mtim.tv_sec == t->seen.st_mtim.tv_sec && was.st_mtim.tv_nsec == t->seen.st_mtim.tv_nsec;
}

/* With the file locked. */
static void
load(struct lp_tokens *t)
{
	const struct stat *st = &t->seen;
	struct lp_buf b;
	struct lp_span rest;

	lp_buf_init_secret(&b, FILE_MAX_BYTES);
	if (is_seen(t) || st->st_size <= 0 || st->st_size > FILE_MAX_BYTES || lp_buf_reserve(&b, (size_t)st->st_size) != LP_OK)
		goto out;
	if (lp_pread_full(t->fd, b.p, (size_t)st->st_size, 0) != st->st_size)
		goto out;
	b.n = (size_t)st->st_size;
	rest = lp_buf_span(&b);
	while (rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);

		take_line(t, lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) : rest.n));
		lp_span_take(&rest, 1);
	}
out:
	lp_buf_release(&b);
}

static int
add_line(struct lp_buf *b, const struct lp_token_entry *e)
{
	const char *const fields[] = { e->host, e->repo, e->user, e->text };
	char digits[LP_NUM_MAX];
	int rc = lp_buf_add(b, lp_span(digits, (size_t)(lp_num_puti(digits, e->end) - digits)));

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && rc == LP_OK; i++) {
		rc = lp_buf_addc(b, '\t');
		rc = rc != LP_OK ? rc : lp_escape(b, lp_span_str(fields[i]), LP_ESCAPE_ROW);
	}
	return rc != LP_OK ? rc : lp_buf_addc(b, '\n');
}

/* In place: the descriptor may be all that a process has of the file. With the file locked. */
static void
save(struct lp_tokens *t)
{
	int64_t ends_after = now();
	struct lp_buf b;
	int rc;

	lp_buf_init_secret(&b, FILE_MAX_BYTES);
	rc = lp_buf_adds(&b, first_line);
	for (size_t i = 0; i < t->n && rc == LP_OK; i++)
		if (t->v[i].end > ends_after)
			rc = add_line(&b, &t->v[i]);
	if (rc == LP_OK && ftruncate(t->fd, 0) == 0)
		for (size_t done = 0; done < b.n;) {
			ssize_t k = pwrite(t->fd, b.p + done, b.n - done, (off_t)done);

			if (k < 0 && errno != EINTR)
				break;
			done += k > 0 ? (size_t)k : 0;
		}
	lp_buf_release(&b);
}

/* ---- open, close ------------------------------------------------------------------------ */

/* Others could read it, or plant a token of theirs. */
static int
is_private(int fd, const char **why)
{
	struct stat st;

	errno = 0;
	if (fstat(fd, &st) != 0)
		return 0;
	if (!S_ISREG(st.st_mode))
		*why = "the token file is not a regular file";
	else if (st.st_uid != geteuid())
		*why = "the token file belongs to somebody else";
	else if (st.st_nlink > 1)
		*why = "the token file has another name, and may be something else";
	else if ((st.st_mode & 077) != 0)
		*why = "the token file is open to others (chmod 600 it)";
	else
		return 1;
	return 0;
}

/*
 * Empty, or begun by one of us: a private key that LP_TOKEN_FILE names by
 * mistake is private, too. While another process of ours writes it the file
 * is one or the other.
 */
static int
is_tokens(int fd, const char **why)
{
	char start[FIRST_LINE];
	ptrdiff_t n = lp_pread_full(fd, start, sizeof(start), 0);

	errno = n < 0 ? errno : 0;
	*why = n < 0 ? "the token file cannot be read" : "the token file holds something else: it is not overwritten";
	return n == 0 || (n == FIRST_LINE && memcmp(start, first_line, FIRST_LINE) == 0);
}

static int
open_named(const char *path, const char **why)
{
	*why = "cannot open the file that LP_TOKEN_FILE names";
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
}

/* The number of an inherited descriptor. It stays inheritable: programs that we start may want it. */
static int
open_inherited(const char *number, const char **why)
{
	uint64_t fd;

	errno = 0;
	*why = "LP_TOKEN_FD is not the number of an open descriptor";
	if (lp_num_u64(lp_span_str(number), INT32_MAX, &fd) != LP_OK || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	return (int)fd;
}

int
lp_tokens_open(struct lp_tokens *t, const char **why)
{
	const char *file = getenv("LP_TOKEN_FILE"), *number = getenv("LP_TOKEN_FD");

	*t = (struct lp_tokens){ .fd = -1, .watched = -1 };
	lp_map_init(&t->names, SIZE_MAX);
	t->seed = lp_seed();
	if (number != NULL && *number != '\0')
		t->fd = open_inherited(number, why);
	else if (file != NULL && *file != '\0')
		t->fd = open_named(file, why);
	else
		return LP_OK;
	return t->fd >= 0 && is_private(t->fd, why) && is_tokens(t->fd, why) ? LP_OK : LP_E_SYS;
}

void
lp_tokens_close(struct lp_tokens *t)
{
	for (size_t i = 0; i < t->n; i++)
		entry_release(&t->v[i]);
	free(t->v);
	lp_map_release(&t->names);
	if (t->fd >= 0)
		close(t->fd);
	*t = (struct lp_tokens){ .fd = -1, .watched = -1 };
}

/* ---- use ----------------------------------------------------------------------------------- */

const struct lp_token_entry *
lp_tokens_find(struct lp_tokens *t, const char *host, const char *repo, const char *user)
{
	const struct lp_token_entry *e = at_hand(t, host, repo, user);

	if ((e == NULL || e->end <= now()) && t->fd >= 0 && !t->locked) {
		if (lock_patiently(t, F_RDLCK) == LP_OK) {
			load(t);
			(void)lock(t->fd, F_UNLCK);
		}
		e = at_hand(t, host, repo, user);
	}
	return e != NULL && e->end > now() ? e : NULL;
}

void
lp_tokens_lock(struct lp_tokens *t)
{
	if (t->fd < 0 || lock_patiently(t, F_WRLCK) != LP_OK)
		return;
	t->locked = 1;
	load(t);
}

void
lp_tokens_unlock(struct lp_tokens *t)
{
	if (!t->locked)
		return;
	t->locked = 0;
	save(t);
	(void)is_seen(t);
	(void)lock(t->fd, F_UNLCK);
}

unsigned
lp_tokens_put(struct lp_tokens *t, const char *host, const char *repo, const char *user,
    const char *text, uint64_t seconds)
{
	return keep(t, host, repo, user, text, now() + (int64_t)seconds);
}

void
lp_tokens_drop(struct lp_tokens *t, unsigned serial)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].serial == serial)
			t->v[i].end = 0;
}
