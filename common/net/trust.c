/* Reads certificates: authorities of the system and of one host, and what shows a server who we are. */
#include "common/net/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/io.h"

enum {
	CA_MAX = 16 * 1024 * 1024,
	KEY_MAX = 1024 * 1024,
	PATH_BYTES = 4096
};

static int fail(struct lp_trust *, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int
fail(struct lp_trust *t, int rc, const char *fmt, ...)
{
	const char *more = rc == LP_E_SYS ? lp_err_text(errno) : "";
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	n = strlen(t->why);
	if (*more != '\0')
		snprintf(t->why + n, sizeof(t->why) - n, ": %s", more);
	return rc;
}

/* ---- files ------------------------------------------------------------------------------ */

/* Appended, or nothing is. */
static int
read_pem(struct lp_buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc, err;
	size_t before = b->n;

	if (fd < 0)
		return LP_E_SYS;
	rc = lp_read_all(fd, b);
	err = errno;
	close(fd);
	errno = err;
	if (rc == LP_OK && (b->n == before || memmem(b->p + before, b->n - before, "-----BEGIN ", 11) == NULL))
		rc = LP_E_DATA;
	/* the next one begins a line */
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\n');
	if (rc != LP_OK)
		b->n = before;
	return rc;
}

/* What is not one may be waited for without end. */
static int
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A file that somebody named, or that has a name which says what it is. */
static int
need_pem(struct lp_trust *t, struct lp_buf *b, const char *path, const char *what)
{
	int rc = read_pem(b, path);

	if (rc == LP_OK)
		return rc;
	if (rc == LP_E_NOMEM)
		return fail(t, rc, "out of memory");
	return fail(t, rc == LP_E_LIMIT ? LP_E_DATA : rc, "%s: the %s cannot be read%s", lp_quotes(path), what,
	    rc == LP_E_DATA ? ": no PEM in it" : rc == LP_E_LIMIT ? ": it is too large" : "");
}

/* ---- authorities -------------------------------------------------------------------------- */

/* Where Debian, Fedora, SUSE and Alpine keep the authorities. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
};

static int
path_in(const char *dir, size_t n, const char *name, char out[PATH_BYTES])
{
	return snprintf(out, PATH_BYTES, "%.*s/%s", (int)n, dir, name) < PATH_BYTES;
}

/*
 * A file of a directory. There most have several names, and are in the
 * system's bundle too: for each connection all that is here is parsed.
 */
static void
read_another(struct lp_trust *t, const char *path)
{
	size_t before = t->ca.n;

	if (read_pem(&t->ca, path) == LP_OK && before > 0 &&
	    memmem(t->ca.p, before, t->ca.p + before, t->ca.n - 1 - before) != NULL)
		t->ca.n = before;
}

/* All files of $SSL_CERT_DIR's directories; what is no certificate there is none. */
static void
read_directories(struct lp_trust *t, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ":");
		char path[PATH_BYTES];
		const struct dirent *e;
		DIR *d = path_in(list, n, "", path) ? opendir(path) : NULL;

		while (d != NULL && (e = readdir(d)) != NULL)
			if (path_in(list, n, e->d_name, path) && is_file(path))
				read_another(t, path);
		if (d != NULL)
			closedir(d);
		list += n + (list[n] == ':');
	}
}

static int
read_system(struct lp_trust *t)
{
	const char *file = lp_home_named("SSL_CERT_FILE"), *dirs = lp_home_named("SSL_CERT_DIR");
	int rc = LP_OK;

	if (file != NULL)
		rc = need_pem(t, &t->ca, file, "certificate authorities");
	/* none is no failure yet: plain http needs none, and TLS will say so */
	for (size_t i = 0; file == NULL && i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (read_pem(&t->ca, bundles[i]) == LP_OK)
			break;
	if (rc == LP_OK && dirs != NULL)
		read_directories(t, dirs);
	return rc;
}

int
lp_trust_open(struct lp_trust *t, const struct lp_trust_options *opt)
{
	int rc = LP_OK;

	*t = (struct lp_trust){ .opt = *opt };
	lp_buf_init(&t->ca, CA_MAX);
	if (!opt->cacert_only)
		rc = read_system(t);
	/* an empty name is that of a file that is not there: a variable that was not set must not mean all authorities */
	if (rc == LP_OK && opt->cacert != NULL && *opt->cacert == '\0') {
		errno = ENOENT;
		return fail(t, LP_E_SYS, "--cacert names no file");
	}
	return rc == LP_OK && opt->cacert != NULL ? need_pem(t, &t->ca, opt->cacert, "certificate authorities") : rc;
}

/* ---- one host ------------------------------------------------------------------------------- */

/* NAME.cert and NAME.key: of several pairs the first by name, so that it is always the same. */
static int
read_pair(struct lp_trust *t, struct lp_trust_host *h, const char *dir, const char *name)
{
	char path[PATH_BYTES];
	int rc;

	if (h->cert.n > 0 || !path_in(dir, strlen(dir), name, path))
		return LP_OK;
	rc = need_pem(t, &h->cert, path, "client certificate");
	if (rc != LP_OK)
		return rc;
	memcpy(path + strlen(path) - strlen("cert"), "key", sizeof("key"));
	return need_pem(t, &h->key, path, "client certificate's key");
}

static int
read_one(struct lp_trust *t, struct lp_trust_host *h, const char *dir, const char *name)
{
	const char *dot = strrchr(name, '.');
	char path[PATH_BYTES];
	int rc = LP_OK;

	if (dot == NULL)
		return LP_OK;
	if (strcmp(dot, ".cert") == 0)
		return read_pair(t, h, dir, name);
	if (strcmp(dot, ".crt") != 0 || !path_in(dir, strlen(dir), name, path))
		return LP_OK;
	if (h->ca.n == 0)
		rc = lp_buf_add(&h->ca, lp_buf_span(&t->ca));
	if (rc != LP_OK)
		return fail(t, rc, "out of memory");
	return need_pem(t, &h->ca, path, "certificate authorities");
}

/* LP_E_ABSENT: there is no such folder, or it is not for us. */
static int
read_folder(struct lp_trust *t, struct lp_trust_host *h, const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort), rc = LP_OK;

	if (n < 0)
		return LP_E_ABSENT;
	for (int i = 0; i < n; i++) {
		rc = rc != LP_OK ? rc : read_one(t, h, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return rc;
}

static int
read_certs_d(struct lp_trust *t, struct lp_trust_host *h, const char *folder)
{
	static const char *const places[] = { "/.config/containers/certs.d", "/etc/containers/certs.d",
		"/etc/docker/certs.d" };
	const char *home = lp_home_named("HOME");
	char dir[PATH_BYTES];
	int rc = LP_E_ABSENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && rc == LP_E_ABSENT; i++) {
		if (i == 0 && home == NULL)
			continue;
		if (snprintf(dir, sizeof(dir), "%s%s/%s", i == 0 ? home : "", places[i], folder) < (int)sizeof(dir))
			rc = read_folder(t, h, dir);
	}
	return rc == LP_E_ABSENT ? LP_OK : rc;
}

/* --cert and --key. */
static int
read_named(struct lp_trust *t, struct lp_trust_host *h)
{
	const char *key = t->opt.key != NULL ? t->opt.key : t->opt.cert;
	int rc;

	lp_buf_clear(&h->cert);
	lp_buf_clear(&h->key);
	rc = need_pem(t, &h->cert, t->opt.cert, "client certificate");
	return rc != LP_OK ? rc : need_pem(t, &h->key, key, "client certificate's key");
}

static void
forget(struct lp_trust_host *h)
{
	lp_buf_release(&h->ca);
	lp_buf_release(&h->cert);
	lp_buf_release(&h->key);
	free(h->authority);
	free(h);
}

/* A host that nothing is known of yet, in no list; NULL: no memory. */
static struct lp_trust_host *
new_host(const char *authority)
{
	struct lp_trust_host *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	lp_buf_init(&h->ca, CA_MAX);
	lp_buf_init(&h->cert, KEY_MAX);
	lp_buf_init_secret(&h->key, KEY_MAX);
	h->authority = strdup(authority);
	if (h->authority != NULL)
		return h;
	forget(h);
	return NULL;
}

/* Most hosts have nothing. */
static int
settle(struct lp_trust *t, struct lp_trust_host *h, int rc)
{
	if (rc != LP_OK || (h->ca.n == 0 && h->cert.n == 0)) {
		forget(h);
		return rc;
	}
	h->next = t->hosts;
	t->hosts = h;
	return LP_OK;
}

int
lp_trust_know(struct lp_trust *t, const char *authority, const char *folder)
{
	int named = t->opt.cert != NULL && !t->named, rc;
	struct lp_trust_host *h;

	if (lp_trust_find(t, authority) != NULL)
		return LP_OK;
	h = new_host(authority);
	if (h == NULL)
		return fail(t, LP_E_NOMEM, "out of memory");
	rc = read_certs_d(t, h, folder);
	if (rc == LP_OK && named)
		rc = read_named(t, h);
	t->named = 1;
	return settle(t, h, rc);
}

static int
add_file(struct lp_trust *t, struct lp_buf *b, const char *beside, const char *path, const char *what)
{
	const char *slash = strrchr(beside, '/');
	char whole[PATH_BYTES];

	if (path[0] == '/' || slash == NULL)
		return need_pem(t, b, path, what);
	return path_in(beside, (size_t)(slash - beside), path, whole) ? need_pem(t, b, whole, what) :
	    fail(t, LP_E_DATA, "%s: the path is too long", lp_quotes(path));
}

int
lp_trust_add(struct lp_trust *t, const char *authority, const struct lp_trust_files *f)
{
	struct lp_trust_host *old = (struct lp_trust_host *)(uintptr_t)lp_trust_find(t, authority);
	struct lp_trust_host *h = old != NULL ? old : new_host(authority);
	int rc = h != NULL ? LP_OK : fail(t, LP_E_NOMEM, "out of memory");

	if (h == NULL)
		return rc;
	if (f->ca != NULL && h->ca.n == 0 && lp_buf_add(&h->ca, lp_buf_span(&t->ca)) != LP_OK)
		rc = fail(t, LP_E_NOMEM, "out of memory");
	if (rc == LP_OK && f->ca != NULL)
		rc = add_file(t, &h->ca, f->beside, f->ca, "certificate authorities");
	if (rc == LP_OK && f->cert != NULL && h->cert.n == 0) {
		const char *key = f->key != NULL && *f->key != '\0' ? f->key : f->cert;

		rc = add_file(t, &h->cert, f->beside, f->cert, "client certificate");
		rc = rc != LP_OK ? rc : add_file(t, &h->key, f->beside, key, "client certificate's key");
	}
	return old != NULL ? rc : settle(t, h, rc);
}

const struct lp_trust_host *
lp_trust_find(const struct lp_trust *t, const char *authority)
{
	for (const struct lp_trust_host *h = t->hosts; h != NULL; h = h->next)
		if (strcasecmp(h->authority, authority) == 0)
			return h;
	return NULL;
}

void
lp_trust_close(struct lp_trust *t)
{
	while (t->hosts != NULL) {
		struct lp_trust_host *h = t->hosts;

		t->hosts = h->next;
		forget(h);
	}
	lp_buf_release(&t->ca);
}
