/*
 * A registry's API (OCI distribution-spec 1.1): where a blob or a manifest
 * is, and what proves that we may have it.
 *
 *   scheme   https. Registries on this machine (lp_host_is_loopback) are
 *            asked by https first and by http if that finds no TLS there, as
 *            docker does; --plain-http means http and nothing else.
 *   401      Basic: the user's name and password. Bearer: a token is got
 *            from the realm, with the credential if there is one, and kept
 *            until it ends. A realm is asked by https only, unless the
 *            registry itself is spoken to in plain: because --plain-http
 *            says so, or because both are on this machine.
 *   tokens   are shared by all processes that are given the same
 *            LP_TOKEN_FILE (or LP_TOKEN_FD, an inherited descriptor open for
 *            reading and writing): whoever needs one locks the file while
 *            it asks, so a pipeline asks once.
 *
 * Requests themselves are made by the caller on the HTTP session: ask, send,
 * and if the answer is not what was hoped for, lp_registry_again says
 * whether to send once more. lp_registry_get does all that for small things.
 */
#ifndef LP_NET_REGISTRY_H
#define LP_NET_REGISTRY_H

#include "common/base/buf.h"
#include "common/net/cred.h"
#include "common/net/http.h"
#include "common/oci/reference.h"

struct lp_registry;

struct lp_registry_options {
	struct lp_cred_options cred;
	int plain_http; /* http, and no other, to every registry */
};

/*
 * The session is borrowed and must outlive the registry. Opens the file of
 * LP_TOKEN_FILE, so before the lock. LP_OK, LP_E_NOMEM, or LP_E_SYS with
 * *why set to static text (errno is set as well if it says more, else 0).
 */
int lp_registry_open(struct lp_registry **, struct lp_http *, const struct lp_registry_options *,
    const char **why);
void lp_registry_close(struct lp_registry *); /* NULL is fine; overwrites all secrets */

/*
 * Find the credential for the reference's repository, and the certificates of
 * its host (lp_http_know): before the lock, for
 * each repository that will be asked (others are asked as an anonymous
 * user). LP_OK if there is one or none; LP_E_USAGE if --user was for another
 * registry before; else as lp_cred_find, with *why what
 * it tried and what went wrong; valid until the registry is closed.
 */
int lp_registry_login(struct lp_registry *, const struct lp_reference *, const char **why);

/* What to send for one thing. Owned by the caller: release it. Must not be moved while a request runs. */
struct lp_registry_request {
	char *url;
	const char *secrets[2]; /* for lp_http_request.secrets */

	/* how it was made; for lp_registry_again */
	char *authorization;
	unsigned token;    /* which of the tokens was used; 0: none */
	unsigned renewals; /* bits: what lp_registry_again has done for it already */
};
void lp_registry_request_release(struct lp_registry_request *);

/*
 * The request for `KIND/WHAT` of the reference's repository: "blobs" or
 * "manifests", and a digest or a tag. A known token is used at once. May ask
 * a loopback registry which scheme it speaks. LP_OK, LP_E_NOMEM.
 */
int lp_registry_ask(struct lp_registry *, const struct lp_reference *, const char *kind,
    const char *what, struct lp_registry_request *);

/*
 * Whether a request that ended with `status` (of lp_http_do) and this answer
 * is worth sending once more, and with what: 401 from the registry (a token
 * is got, or one that expired is renewed once), 400, 401 or 403 from the
 * storage it redirected to (its signed URL expired: once), plain HTTP where
 * no TLS was found. Blocks while it asks for a token.
 * 1: the request is changed, send it. 0: final. Negative: LP_E_NET, and
 * the response's `why` says why the token could not be had; LP_E_PIPE or LP_E_NOMEM.
 */
int lp_registry_again(struct lp_registry *, const struct lp_reference *, struct lp_registry_request *,
    int status, struct lp_http_response *);

/*
 * All of it for a document: `how` has the method (GET or HEAD), headers, and
 * either `max` or a sink; the URL, what proves who asks, and that what a server
 * has compressed is decoded, is seen to here. LP_OK if a 2xx answer is
 * there; else as lp_http_do, or LP_E_NET for another status, with `why` set
 * as lp_registry_explain does, and with status 0 where no token was to be had.
 */
int lp_registry_get(struct lp_registry *, const struct lp_reference *, const char *kind, const char *what,
    const struct lp_http_request *how, struct lp_http_response *);

/*
 * Put into `why` what an answer that is no success means to a user: the
 * status, the registry's own words, and, where access was refused, which
 * credentials were used or looked for.
 */
void lp_registry_explain(struct lp_registry *, const struct lp_reference *, struct lp_http_response *);

#endif
