/* Tokens, at hand and by the file: what it may be, and what others find in it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/net/tokens.h"
#include "test/unit/unit.h"

static char dir[] = "/tmp/test_tokens.XXXXXX";
static char file[64], other[64];

static void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) != 0)
		abort();
	close(fd);
}

static int
holds(const char *path, const char *text)
{
	char got[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof(got));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static int
opens(const char *path)
{
	struct lp_tokens t;
	const char *why = NULL;
	int rc;

	if (setenv("LP_TOKEN_FILE", path, 1) != 0)
		abort();
	rc = lp_tokens_open(&t, &why);
	if (rc == LP_OK) {
		lp_tokens_lock(&t);
		lp_tokens_unlock(&t);
	}
	lp_tokens_close(&t);
	return rc == LP_OK;
}

static void
test_files(void)
{
	static const struct { const char *what, *text; mode_t mode; int opens; } t[] = {
		{ "an empty file", "", 0600, 1 },
		{ "one of ours", "#lp-tokens\n", 0600, 1 },
		{ "one that nobody else may even list", "#lp-tokens\n", 0700, 1 },
		{ "one that others may read", "#lp-tokens\n", 0640, 0 },
		{ "one that others may write", "", 0602, 0 },
		{ "a private key", "-----BEGIN SOMETHING-----\nabc\n", 0600, 0 },
		{ "nearly one of ours", "#lp-tokens", 0600, 0 },
		{ "nor is this", "#lp-token", 0600, 0 },
		{ "a token without the first line", "9999999999\thost\trepo\t\ttoken\n", 0600, 0 },
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		write_file(file, t[i].text, t[i].mode);
		ok(opens(file) == t[i].opens, "%s is %s", t[i].what, t[i].opens ? "taken" : "refused");
		ok(t[i].opens || holds(file, t[i].text), "and what is refused stays as it was");
	}
	(void)unlink(file);
	ok(opens(file) && stat(file, &st) == 0 && (st.st_mode & 0777) == 0600, "none: it is made, for us alone");
	(void)unlink(file);
	write_file(other, "", 0600);
	ok(symlink(other, file) == 0 && !opens(file) && holds(other, ""), "a symbolic link is not followed");
	(void)unlink(file);
	ok(symlink("nowhere", file) == 0 && !opens(file) && access(file, F_OK) != 0, "nor made at its other end");
	(void)unlink(file);
	ok(link(other, file) == 0 && !opens(file), "nor is a second name of something else taken");
	(void)unlink(file);
	ok(mkdir(file, 0700) == 0 && !opens(file), "nor a directory");
	(void)rmdir(file);
	ok(mkfifo(file, 0600) == 0 && !opens(file), "nor a pipe");
	(void)unlink(file);
}

static const char *
find(struct lp_tokens *t, const char *host, const char *repo, const char *user)
{
	const struct lp_token_entry *e = lp_tokens_find(t, host, repo, user);

	return e != NULL ? e->text : "none";
}

static void
put(struct lp_tokens *t, const char *host, const char *user, const char *text, uint64_t seconds)
{
	lp_tokens_lock(t);
	if (lp_tokens_put(t, host, "ns/repo", user, text, seconds) == 0)
		abort();
	lp_tokens_unlock(t);
}

static void
test_sharing(void)
{
	struct lp_tokens a, b;
	const char *why;
	unsigned serial;

	if (setenv("LP_TOKEN_FILE", file, 1) != 0 || lp_tokens_open(&a, &why) != LP_OK || lp_tokens_open(&b, &why) != LP_OK)
		abort();
	ok_str(lp_span_str(find(&a, "h", "ns/repo", "")), "none", "none at first");
	put(&a, "h", "", "token 1", 100);
	ok_str(lp_span_str(find(&b, "h", "ns/repo", "")), "token 1", "what one puts the other finds");
	ok_str(lp_span_str(find(&b, "h", "ns/repo", "alice")), "none", "not for another user");
	ok_str(lp_span_str(find(&b, "h", "ns/rep", "")), "none", "not for another repository");
	ok_str(lp_span_str(find(&b, "h:1", "ns/repo", "")), "none", "not for another host");
	put(&b, "h", "a\tl\nice\\", "t\\o\tk\nen", 100);
	ok_str(lp_span_str(find(&a, "h", "ns/repo", "a\tl\nice\\")), "t\\o\tk\nen", "tabs and newlines come back");
	put(&b, "ended", "", "old", 0);
	ok_str(lp_span_str(find(&a, "ended", "ns/repo", "")), "none", "one that has ended is none");
	serial = lp_tokens_find(&a, "h", "ns/repo", "")->serial;
	lp_tokens_drop(&a, serial);
	put(&a, "h", "", "token 2", 100);
	ok(lp_tokens_find(&a, "h", "ns/repo", "")->serial > serial, "a new one has a new serial");
	lp_tokens_close(&b);
	if (lp_tokens_open(&b, &why) != LP_OK)
		abort();
	ok_str(lp_span_str(find(&b, "h", "ns/repo", "")), "token 2", "and takes the place of the dropped one");
	lp_tokens_close(&a);
	lp_tokens_close(&b);
}

/* As many as are kept: one more takes the place of the one that ends first. */
static void
test_many(void)
{
	struct lp_tokens t;
	const char *why;
	char repo[32];
	int held = 0, kept = 0;

	if (unsetenv("LP_TOKEN_FILE") != 0 || lp_tokens_open(&t, &why) != LP_OK)
		abort();
	for (int i = 0; i < 4096; i++) {
		snprintf(repo, sizeof(repo), "r%d", i);
		held += lp_tokens_put(&t, "h", repo, "", repo, i == 7 ? 50 : 100) != 0;
	}
	ok(held == 4096 && t.n == 4096, "4096 tokens");
	ok(lp_tokens_put(&t, "h", "more", "", "one more", 100) != 0 && t.n == 4096, "one more has a place");
	ok_str(lp_span_str(find(&t, "h", "more", "")), "one more", "and is found");
	ok_str(lp_span_str(find(&t, "h", "r7", "")), "none", "the one that ends first is gone");
	for (int i = 0; i < 4096; i++) {
		snprintf(repo, sizeof(repo), "r%d", i);
		kept += strcmp(find(&t, "h", repo, ""), repo) == 0;
	}
	ok(kept == 4095, "and no other");
	lp_tokens_close(&t);
}

/* A file is read again if another has written it, and not otherwise: many names would be read as often as they are asked for. */
static void
test_read_once(void)
{
	static const char text[] = "#lp-tokens\n9999999999\th\tr\t\tone\n";
	struct timespec times[2] = { { 1000000000, 1 }, { 1000000000, 1 } };
	struct lp_tokens t;
	const char *why;
	int fd;

	fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || setenv("LP_TOKEN_FILE", file, 1) != 0 || write(fd, text, sizeof(text) - 1) != sizeof(text) - 1 ||
	    futimens(fd, times) != 0 || lp_tokens_open(&t, &why) != LP_OK)
		abort();
	ok_str(lp_span_str(find(&t, "h", "r", "")), "one", "a token of the file");
	/* as long as before, and of the same time: taken for the same */
	if (pwrite(t.fd, "q", 1, 24) != 1 || futimens(fd, times) != 0)
		abort();
	ok_str(lp_span_str(find(&t, "h", "q", "")), "none", "a file that is as it was is not read again");
	times[1].tv_nsec++;
	if (futimens(fd, times) != 0)
		abort();
	ok_str(lp_span_str(find(&t, "h", "q", "")), "one", "one that another wrote is");
	lp_tokens_close(&t);
	close(fd);
	if (unsetenv("LP_TOKEN_FILE") != 0)
		abort();
}

/* What cannot be read costs a token, and nothing else. */
static void
test_lines(void)
{
	static const char text[] = "#lp-tokens\n"
	    "\n"
	    "\t\t\t\t\n"
	    "x\th\tr\t\tno number\n"
	    "99999999999\th\tr\n"
	    "99999999999\th\tr\t\tbad \\q escape\n"
	    "-1\th\tr\t\tnegative\n"
	    "99999999999\th\tgood\t\ttoken\n"
	    "99999999999\th\tcut";
	struct lp_tokens t;
	const char *why;

	write_file(file, text, 0600);
	if (lp_tokens_open(&t, &why) != LP_OK)
		abort();
	ok_str(lp_span_str(find(&t, "h", "good", "")), "token", "a good line among bad ones");
	ok_str(lp_span_str(find(&t, "h", "r", "")), "none", "the bad ones are passed over");
	ok_str(lp_span_str(find(&t, "h", "cut", "")), "none", "and so is one that is cut off");
	lp_tokens_close(&t);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	(void)unsetenv("LP_TOKEN_FD");
	test_files();
	test_sharing();
	test_lines();
	test_many();
	test_read_once();
	(void)unlink(file);
	(void)unlink(other);
	(void)rmdir(dir);
	return unit_done();
}
