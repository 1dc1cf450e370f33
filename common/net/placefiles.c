/* Finds and reads registries.conf, hosts.toml and daemon.json. */
#include "common/net/placefiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/home.h"
#include "common/sys/io.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

void
lp_placefiles_release(struct lp_placefiles *f)
{
	lp_registries_release(&f->conf);
}

/* What is wrong with f->path; the status. */
static int
say(struct lp_placefiles *f, int rc, const char *why)
{
	snprintf(f->why, sizeof(f->why), "%s: %s", lp_quotes(f->path), lp_quotes_kept(why));
	return rc;
}

/* A file whole; LP_E_ABSENT: it is not there. */
static int
read_file(struct lp_placefiles *f, struct lp_buf *text)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;

	/* a header of hosts.toml may be as good as a password */
	lp_buf_init_secret(text, FILE_MAX_BYTES);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? LP_E_ABSENT : say(f, LP_E_SYS, lp_err_text(errno));
	rc = lp_read_all(fd, text);
	if (rc != LP_OK)
		(void)say(f, rc, rc == LP_E_LIMIT ? "is larger than 1 MiB" : rc == LP_E_SYS ? lp_err_text(errno) : "out of memory");
	close(fd);
	return rc == LP_E_LIMIT ? LP_E_DATA : rc;
}

/* f->path: the two together. 0: too long for a path, so nothing is there. */
static int
name_file(struct lp_placefiles *f, const char *dir, const char *tail)
{
	return snprintf(f->path, sizeof(f->path), "%s%s", dir, tail) < (int)sizeof(f->path);
}

/* ---- registries.conf -------------------------------------------------------------------------- */

static int
add_file(struct lp_placefiles *f, int drop_in)
{
	struct lp_buf text;
	int rc = read_file(f, &text);

	if (rc == LP_OK) {
		rc = lp_registries_add(&f->conf, lp_buf_span(&text), drop_in);
		if (rc != LP_OK)
			(void)say(f, rc, f->conf.why);
	}
	lp_buf_release(&text);
	return rc;
}

static int
is_conf(const struct dirent *e)
{
	return lp_span_ends(lp_span_str(e->d_name), ".conf");
}

static int
add_directory(struct lp_placefiles *f, const char *base)
{
	struct dirent **list;
	int n = name_file(f, base, ".d") ? scandir(f->path, &list, is_conf, alphasort) : -1, rc = LP_OK;

	for (int i = 0; i < n; i++) {
		char tail[sizeof(list[i]->d_name) + 4];

		snprintf(tail, sizeof(tail), ".d/%s", list[i]->d_name);
		if (rc == LP_OK && name_file(f, base, tail))
			rc = add_file(f, 1);
		rc = rc == LP_E_ABSENT ? LP_OK : rc;
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return rc;
}

static int
read_registries(struct lp_placefiles *f)
{
	static const char everybodys[] = "/etc/containers/registries.conf";
	const char *home = lp_home_named("HOME"), *named = lp_home_named("CONTAINERS_REGISTRIES_CONF");
	char own[sizeof(f->path)] = "";
	int rc = LP_E_ABSENT;

	if (home != NULL && name_file(f, home, "/.config/containers/registries.conf"))
		memcpy(own, f->path, sizeof(own));
	if (named != NULL) {
		rc = name_file(f, named, "") ? add_file(f, 0) : LP_E_ABSENT;
		if (rc == LP_E_ABSENT)
			return say(f, LP_E_SYS, lp_err_text(ENOENT));
	} else if (own[0] != '\0' && (rc = add_file(f, 0)) == LP_OK) {
		return add_directory(f, own);
	}
	if (rc == LP_E_ABSENT && name_file(f, everybodys, ""))
		rc = add_file(f, 0);
	if (rc == LP_OK || rc == LP_E_ABSENT)
		rc = add_directory(f, everybodys);
	return rc == LP_OK && own[0] != '\0' ? add_directory(f, own) : rc;
}

static int
registries(struct lp_placefiles *f)
{
	int rc = f->read ? LP_OK : read_registries(f);

	f->read = rc == LP_OK;
	return rc;
}

/* ---- the daemons' --------------------------------------------------------------------------------- */

/* What a daemon alone may read is none of ours. */
static int
of_daemon(struct lp_placefiles *f, const struct lp_reference *ref, struct lp_places *p,
    int (*take)(struct lp_span, const struct lp_reference *, struct lp_places *))
{
	struct lp_buf text;
	int rc = read_file(f, &text);

	if (rc == LP_E_SYS) {
		lp_detail("%s", f->why);
		rc = LP_E_ABSENT;
	}
	if (rc == LP_OK) {
		rc = take(lp_buf_span(&text), ref, p);
		if (rc == LP_E_DATA || rc == LP_E_NOMEM)
			(void)say(f, rc, p->why);
	}
	lp_buf_release(&text);
	return rc;
}

static int
find_hosts(struct lp_placefiles *f, const struct lp_reference *ref, struct lp_places *p, const char *base, const char *dir)
{
	const char *colon = strrchr(ref->host, ':');
	char names[3][LP_REF_HOST_MAX + 2] = { "", "", "_default" }, root[sizeof(f->path)];

	if (!name_file(f, base, dir) || access(f->path, F_OK) != 0)
		return LP_E_ABSENT;
	memcpy(root, f->path, sizeof(root));
	if (colon != NULL)
		snprintf(names[0], sizeof(names[0]), "%.*s_%s_", (int)(colon - ref->host), ref->host, colon + 1);
	snprintf(names[1], sizeof(names[1]), "%s", ref->host);
	for (size_t i = colon == NULL; i < 3; i++) {
		char tail[sizeof(names[0]) + 16];

		snprintf(tail, sizeof(tail), "/%s", names[i]);
		/* a folder without the file is for certificates, and takes the place of the default */
		if (name_file(f, root, tail) && access(f->path, F_OK) == 0) {
			snprintf(tail, sizeof(tail), "/%s/hosts.toml", names[i]);
			return name_file(f, root, tail) ? of_daemon(f, ref, p, lp_places_of_hosts) : LP_E_ABSENT;
		}
	}
	return LP_E_ABSENT;
}

int
lp_placefiles_find(struct lp_placefiles *f, const struct lp_reference *ref, struct lp_places *p)
{
	const char *home = lp_home_named("HOME");
	int rc = registries(f);

	if (rc == LP_OK) {
		rc = lp_places_of_registries(&f->conf, ref, p);
		snprintf(f->path, sizeof(f->path), "registries.conf");
		if (rc == LP_E_DATA || rc == LP_E_NOMEM)
			(void)say(f, rc, p->why);
	}
	if (rc == LP_E_ABSENT && home != NULL)
		rc = find_hosts(f, ref, p, home, "/.config/containerd/certs.d");
	if (rc == LP_E_ABSENT)
		rc = find_hosts(f, ref, p, "", "/etc/containerd/certs.d");
	if (rc == LP_E_ABSENT && home != NULL && name_file(f, home, "/.config/docker/daemon.json"))
		rc = of_daemon(f, ref, p, lp_places_of_daemon);
	if (rc == LP_E_ABSENT && name_file(f, "/etc/docker/daemon.json", ""))
		rc = of_daemon(f, ref, p, lp_places_of_daemon);
	return rc;
}

int
lp_placefiles_complete(struct lp_placefiles *f, struct lp_reference *ref)
{
	int rc = ref->kind == LP_REF_REGISTRY && ref->short_name ? registries(f) : LP_OK;

	if (rc != LP_OK || ref->kind != LP_REF_REGISTRY || !ref->short_name)
		return rc;
	rc = lp_registries_complete(&f->conf, ref);
	snprintf(f->path, sizeof(f->path), "registries.conf");
	return rc == LP_OK ? rc : say(f, rc, f->conf.why);
}
