/* Finds credentials: options, login files, credential helpers, the terminal. */
#include "common/net/cred.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/oci/authfile.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/io.h"
#include "common/sys/prompt.h"

extern char **environ;

enum {
	FILE_MAX_BYTES = 4 * 1024 * 1024, /* of a credentials file */
	ANSWER_MAX = 256 * 1024,          /* of a helper's answer, or a password */
	PATH_BYTES = 4096
};

/* One search: what is wanted, and the tale of it. */
struct search {
	const char *host, *repo;
	struct lp_cred *cred;
	struct lp_buf *tried;
};

static void tell(struct search *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
tell(struct search *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* a tale cut short by lost memory is no reason to fail */
	if (s->tried->n > 0)
		(void)lp_buf_adds(s->tried, "; ");
	(void)lp_buf_adds(s->tried, text);
}

static void
found(struct search *s, struct lp_auth *a, const char *from)
{
	s->cred->user = a->user;
	s->cred->password = a->password;
	s->cred->identity = a->identity;
	s->cred->bearer = a->bearer;
	snprintf(s->cred->from, sizeof(s->cred->from), "%s", from);
	a->user = a->password = a->identity = a->bearer = NULL;
}

void
lp_cred_release(struct lp_cred *c)
{
	lp_secret_free(&c->user);
	lp_secret_free(&c->password);
	lp_secret_free(&c->identity);
	lp_secret_free(&c->bearer);
}

int
lp_cred_copy(struct lp_cred *to, const struct lp_cred *c)
{
	const char *const from[] = { c->user, c->password, c->identity, c->bearer };
	char **const into[] = { &to->user, &to->password, &to->identity, &to->bearer };
	int rc = LP_OK;

	*to = (struct lp_cred){ 0 };
	memcpy(to->from, c->from, sizeof(to->from));
	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		*into[i] = from[i] != NULL ? strdup(from[i]) : NULL;
		if (from[i] != NULL && *into[i] == NULL)
			rc = LP_E_NOMEM;
	}
	if (rc != LP_OK)
		lp_cred_release(to);
	return rc;
}

/* ---- helpers --------------------------------------------------------------------- */

static int
start_helper(const char *program, int in, int out, pid_t *pid)
{
	char *argv[] = { (char *)(size_t)program, (char *)(size_t)"get", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int rc;

	/* we ignore SIGPIPE; a helper should meet the world as a shell would show it */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	posix_spawn_file_actions_adddup2(&files, in, 0);
	posix_spawn_file_actions_adddup2(&files, out, 1);
	rc = posix_spawnp(pid, program, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	errno = rc;
	return rc == 0 ? LP_OK : LP_E_SYS;
}

/* Server on its stdin, answer from its stdout; *status as of waitpid. */
static int
run_helper(const char *program, const char *server, struct lp_buf *answer, int *status)
{
	int in[2], out[2], rc, err;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0)
		return LP_E_SYS;
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return LP_E_SYS;
	}
	rc = start_helper(program, in[0], out[1], &pid);
	err = errno;
	close(in[0]);
	close(out[1]);
	if (rc == LP_OK) {
		/* one that does not read its stdin may still know the answer */
		(void)lp_write_all(in[1], lp_span_str(server));
		close(in[1]);
		in[1] = -1;
		rc = lp_read_all(out[0], answer);
		err = errno;
		/* one that has more to say than we take must not wait for us while we wait for it */
		close(out[0]);
		out[0] = -1;
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	}
	if (in[1] >= 0)
		close(in[1]);
	if (out[0] >= 0)
		close(out[0]);
	errno = err;
	return rc;
}

static int
ask_helper(struct search *s, const char *name, const char *file)
{
	char program[256], from[1024];
	struct lp_json_error je;
	struct lp_auth a = { 0 };
	struct lp_buf answer;
	int status = 0, rc;

	snprintf(program, sizeof(program), "docker-credential-%s", name);
	lp_buf_init_secret(&answer, ANSWER_MAX);
	rc = run_helper(program, lp_authfile_server(s->host), &answer, &status);
	if (rc != LP_OK) {
		tell(s, "%s (named in %s): %s", lp_quotes(program), lp_quotes(file),
		    rc == LP_E_LIMIT ? "its answer is too long" : lp_err_text(errno));
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		int none = memmem(answer.p, answer.n, "credentials not found", 21) != NULL;

		/* its words are shown only if they are the known ones: what else it prints might be a secret */
		tell(s, "%s (named in %s): %s", lp_quotes(program), lp_quotes(file),
		    none ? "has no credentials for it" : "failed");
	} else if (lp_helper_parse(lp_buf_span(&answer), &a, &je) != LP_OK) {
		tell(s, "%s (named in %s): its answer: %s", lp_quotes(program), lp_quotes(file), je.why);
	} else {
		snprintf(from, sizeof(from), "%s, named in %s", lp_quotes(program), lp_quotes(file));
		found(s, &a, from);
	}
	lp_buf_release(&answer);
	lp_auth_release(&a);
	return s->cred->from[0] != '\0' ? LP_OK : LP_E_ABSENT;
}

/* ---- files ------------------------------------------------------------------------- */

static int
use_file(struct search *s, const char *path, struct lp_authfile *f)
{
	char from[1024];

	if (f->helper != NULL && ask_helper(s, f->helper, path) == LP_OK)
		return LP_OK;
	if (f->auth.key == NULL) {
		if (f->helper == NULL)
			tell(s, "%s: nothing for it", lp_quotes(path));
		return LP_E_ABSENT;
	}
	snprintf(from, sizeof(from), "%s, entry %s", lp_quotes(path), lp_quotes(f->auth.key));
	found(s, &f->auth, from);
	return LP_OK;
}

static int
parse_file(struct search *s, const char *path, struct lp_span text)
{
	struct lp_json_error je;
	struct lp_authfile f;
	int rc = lp_authfile_find(text, s->host, s->repo, &f, &je);

	if (rc != LP_OK) {
		tell(s, "%s: byte %zu: %s", lp_quotes(path), je.offset, je.why);
		return rc;
	}
	rc = use_file(s, path, &f);
	lp_authfile_release(&f);
	return rc;
}

/* LP_OK, LP_E_ABSENT, or why the file cannot be used. */
static int
try_file(struct search *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;
	struct lp_buf text;

	if (fd < 0) {
		rc = errno == ENOENT ? LP_E_ABSENT : LP_E_SYS;
		tell(s, "%s: %s", lp_quotes(path), lp_err_text(errno));
		return rc;
	}
	lp_buf_init_secret(&text, FILE_MAX_BYTES);
	rc = lp_read_all(fd, &text);
	if (rc == LP_OK)
		rc = parse_file(s, path, lp_buf_span(&text));
	else
		tell(s, "%s: %s", lp_quotes(path), rc == LP_E_LIMIT ? "is larger than 4 MiB" :
		    lp_err_text(errno));
	lp_buf_release(&text);
	close(fd);
	return rc;
}

/* ---- the command line --------------------------------------------------------------- */

static int
password_of_file(struct search *s, const char *path, struct lp_buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc = fd < 0 ? LP_E_SYS : lp_read_all(fd, b);

	if (rc != LP_OK)
		tell(s, "--password-file %s: %s", lp_quotes(path),
		    rc == LP_E_SYS ? lp_err_text(errno) : "is too long");
	if (fd >= 0)
		close(fd);
	/* the newline that every editor puts there is no part of it */
	if (b->n > 0 && b->p[b->n - 1] == '\n')
		b->n--;
	if (b->n > 0 && b->p[b->n - 1] == '\r')
		b->n--;
	return rc;
}

static int
password_of_terminal(struct search *s, const char *user, struct lp_buf *b)
{
	char text[1024];
	int rc;

	snprintf(text, sizeof(text), "Password of %s at %s: ", lp_quotes(user), lp_quotes(s->host));
	rc = lp_prompt(text, b);
	if (rc != LP_OK)
		tell(s, "--user %s: no password from the terminal (%s); --password-file takes it from a file",
		    lp_quotes(user), rc == LP_E_SYS ? lp_err_text(errno) : "no line came");
	return rc == LP_E_ABSENT ? LP_E_SYS : rc;
}

static int
find_password(struct search *s, const struct lp_cred_options *o, struct lp_buf *b)
{
	return o->password_file != NULL ? password_of_file(s, o->password_file, b) : password_of_terminal(s, o->user, b);
}

int
lp_cred_password(const struct lp_cred_options *o, const char *host, struct lp_buf *password, struct lp_buf *tried)
{
	struct search s = { .host = host, .tried = tried };

	lp_buf_init_secret(password, ANSWER_MAX);
	return find_password(&s, o, password);
}

static int
named_user(struct search *s, const struct lp_cred_options *o)
{
	struct lp_buf b;
	int rc;

	lp_buf_init_secret(&b, ANSWER_MAX);
	rc = find_password(s, o, &b);
	if (rc == LP_OK) {
		s->cred->user = strdup(o->user);
		s->cred->password = lp_buf_cstr(&b) != NULL ? strdup((const char *)b.p) : NULL;
		snprintf(s->cred->from, sizeof(s->cred->from), "--user %s", lp_quotes(o->user));
		if (s->cred->user == NULL || s->cred->password == NULL)
			rc = LP_E_NOMEM;
	}
	lp_buf_release(&b);
	return rc;
}

/* ---- the order ------------------------------------------------------------------------- */

/*
 * A default place: $VAR/tail; where VAR is not set, $HOME/home_tail, or
 * /run/containers/UID/run_tail; without a tail, what $VAR holds itself.
 */
struct place {
	const char *var, *tail, *home_tail, *run_tail;
};

static const struct place places[] = {
	{ "REGISTRY_AUTH_FILE", "", NULL, NULL },
	{ "DOCKER_AUTH_CONFIG", NULL, NULL, NULL },
	{ "DOCKER_CONFIG", "/config.json", "/.docker/config.json", NULL },
	{ "XDG_RUNTIME_DIR", "/containers/auth.json", NULL, "auth.json" },
	{ "XDG_CONFIG_HOME", "/containers/auth.json", "/.config/containers/auth.json", NULL },
};

static int
try_place(struct search *s, const struct place *p)
{
	const char *base = lp_home_named(p->var), *home = lp_home_named("HOME");
	char path[PATH_BYTES];
	int n = -1;

	if (base != NULL && p->tail == NULL)
		return parse_file(s, p->var, lp_span_str(base));
	if (base != NULL)
		n = snprintf(path, sizeof(path), "%s%s", base, p->tail);
	else if (p->home_tail != NULL && home != NULL)
		n = snprintf(path, sizeof(path), "%s%s", home, p->home_tail);
	else if (p->run_tail != NULL)
		n = snprintf(path, sizeof(path), "/run/containers/%ju/%s", (uintmax_t)getuid(), p->run_tail);
	return n < 0 || (size_t)n >= sizeof(path) ? LP_E_ABSENT : try_file(s, path);
}

int
lp_cred_find(const struct lp_cred_options *o, const char *host, const char *repo, struct lp_cred *c,
    struct lp_buf *tried)
{
	struct search s = { host, repo, c, tried };
	int rc = LP_E_ABSENT;

	memset(c, 0, sizeof(*c));
	lp_json_wipe();
	if (o->user != NULL)
		rc = named_user(&s, o);
	else if (o->auth_file != NULL) {
		rc = try_file(&s, o->auth_file);
		/* a file that was named and is not there is a mistake, not an answer */
		if (rc == LP_E_ABSENT && access(o->auth_file, F_OK) != 0)
			rc = LP_E_SYS;
	}
	if (rc != LP_E_ABSENT)
		goto out;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && c->from[0] == '\0'; i++)
		(void)try_place(&s, &places[i]);
	rc = c->from[0] != '\0' ? LP_OK : LP_E_ABSENT;
out:
	if (rc != LP_OK)
		lp_cred_release(c);
	return rc;
}
