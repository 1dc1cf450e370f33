/*
 * Credentials for a registry, as docker and podman keep them
 * (lp-layers(1), "CREDENTIALS"). Looked for in this order; the first place
 * that has one for the repository wins:
 *
 *   --user NAME with --password-file, or asked for on the terminal
 *   --auth-file FILE
 *   $REGISTRY_AUTH_FILE
 *   $DOCKER_AUTH_CONFIG: not a file's name but what would be in it
 *   $DOCKER_CONFIG/config.json, or ~/.docker/config.json
 *   $XDG_RUNTIME_DIR/containers/auth.json, or /run/containers/UID/auth.json
 *   $XDG_CONFIG_HOME/containers/auth.json, or ~/.config/containers/auth.json
 *
 * What a file says about a helper (credHelpers, credsStore) is followed by
 * running `docker-credential-X get`. All of this needs the file system and
 * other programs: before the lock.
 *
 * Secrets live in the struct and nowhere else that we can help; release
 * overwrites them. Nothing here prints a secret, or puts one where another
 * process could see it.
 */
#ifndef LP_NET_CRED_H
#define LP_NET_CRED_H

#include "common/base/buf.h"

struct lp_cred_options {
	const char *auth_file;     /* --auth-file, or NULL */
	const char *user;          /* --user, or NULL */
	const char *password_file; /* --password-file, or NULL: the terminal is asked */
};

/* At most one of: user and password, identity, bearer. NULL for what is not there. */
struct lp_cred {
	char *user;
	char *password;
	char *identity;  /* an OAuth2 refresh token (docker: "identitytoken") */
	char *bearer;    /* a ready-made token (docker: "registrytoken") */
	char from[1024]; /* where it was found, fit to print; "" if there is none */
};

/*
 * The credential for HOST/REPO. `tried` gets, fit to print, every place
 * looked at and what was (not) there, separated by "; ".
 * LP_OK; LP_E_ABSENT if there is none, which is no failure: registries serve
 * anonymous users too. LP_E_SYS, LP_E_DATA or LP_E_NOMEM if a place that the
 * user named on the command line cannot be used, with the reason at the end
 * of `tried`. A broken file in a default place is only noted there.
 */
int lp_cred_find(const struct lp_cred_options *, const char *host, const char *repo, struct lp_cred *,
    struct lp_buf *tried);

/*
 * Only the password of o->user for HOST, for who hands it on: `password` is
 * made here (secret), and released by the caller in any case. LP_OK, or a
 * failure with the reason in `tried`.
 */
int lp_cred_password(const struct lp_cred_options *, const char *host, struct lp_buf *password, struct lp_buf *tried);

/* Another one of it. LP_OK, or LP_E_NOMEM with nothing to release. */
int lp_cred_copy(struct lp_cred *to, const struct lp_cred *);

/* Overwrite and free. A zeroed struct is fine. */
void lp_cred_release(struct lp_cred *);

#endif
