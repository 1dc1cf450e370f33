/*
 * The files that docker and podman keep credentials in (docker's
 * config.json, containers-auth.json(5)), and what token servers and
 * credential helpers answer.
 *
 *   auths        key -> { auth: base64 of user:password, identitytoken, registrytoken }
 *   credHelpers  host -> the X of docker-credential-X
 *   credsStore   the same for all hosts
 *
 * A key is a host, or host/namespace/repository: the longest one that is a
 * prefix by whole parts wins. One with a scheme (https://index.docker.io/v1/)
 * is an old form and means its host alone, if no other key does; its
 * .../access-token and .../refresh-token are Docker Desktop's own. docker.io,
 * index.docker.io and registry-1.docker.io are one.
 *
 * Callers that read secrets turn on lp_json_wipe() first.
 */
#ifndef LP_OCI_AUTHFILE_H
#define LP_OCI_AUTHFILE_H

#include <stdint.h>

#include "common/base/jsonread.h"
#include "common/base/span.h"

/* All NULL for nothing. Owned: lp_auth_release overwrites and frees. */
struct lp_auth {
	char *user;
	char *password;
	char *identity; /* OAuth2 refresh token */
	char *bearer;   /* a token for the registry itself */
	char *key;      /* which key of the file it stood under */
};

void lp_auth_release(struct lp_auth *);

struct lp_authfile {
	char *helper;        /* the X of docker-credential-X that the file names for the host, or NULL */
	struct lp_auth auth; /* what the file itself holds */
};

void lp_authfile_release(struct lp_authfile *);

/*
 * What a file says of HOST/REPO. LP_OK (with nothing found, too), LP_E_DATA,
 * LP_E_LIMIT or LP_E_NOMEM with *error filled and nothing to release.
 */
int lp_authfile_find(struct lp_span json, const char *host, const char *repo, struct lp_authfile *,
    struct lp_json_error *error);

/* What a helper is asked for: docker's key of the host. */
const char *lp_authfile_server(const char *host);

/*
 * A helper's answer to `get`: {ServerURL, Username, Secret}. The user
 * `<token>` means that the secret is an identity token. Results as above.
 */
int lp_helper_parse(struct lp_span json, struct lp_auth *, struct lp_json_error *error);

struct lp_token {
	char *text;          /* a C string without blanks or control characters */
	uint64_t expires_in; /* seconds from the moment it was given; 60 where the answer does not say */
};

void lp_token_release(struct lp_token *);

/*
 * A token server's answer: `token`, or by OAuth2's name `access_token`.
 * Results as above; LP_E_DATA also for a token that no header could hold.
 */
int lp_token_parse(struct lp_span json, struct lp_token *, struct lp_json_error *error);

#endif
