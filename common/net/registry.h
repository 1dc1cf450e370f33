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
 *   places   where an image is asked for in turn: mirrors, and what stands in
 *            place of the registry (placefiles.h). Each has the credentials and
 *            tokens of its own host. Who asks names the image, and no place.
 *
 * Requests themselves are made by the caller on the HTTP session: ask, send,
 * and if the answer is not what was hoped for, lp_registry_again says
 * whether to send once more, and lp_registry_next whether there is another place.
 * lp_registry_get does all that for small things.
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
 * Find the places of the reference, the credential for each one's repository, and the certificates of
 * its host (lp_http_know): before the lock, for
 * each repository that will be asked (others are asked as an anonymous
 * user, where they are). LP_OK if there is one or none; LP_E_USAGE if --user was for another
 * registry before; LP_E_DATA or LP_E_SYS where a file of places cannot be read; else as lp_cred_find, with *why what
 * it tried and what went wrong; valid until the registry is closed.
 */
int lp_registry_login(struct lp_registry *, const struct lp_reference *, const char **why);

struct lp_registry_login;
enum { LP_REGISTRY_SECRETS = 10 }; /* lines of a header that a place is sent, its end included */

/* What to send for one thing. Owned by the caller: release it. Must not be moved while a request runs. */
struct lp_registry_request {
	char *url;
	const char *secrets[LP_REGISTRY_SECRETS]; /* for lp_http_request.secrets */
	int insecure, hasty;                      /* for those of lp_http_request */

	/* how it was made; for lp_registry_again and lp_registry_next */
	char *authorization;
	unsigned token;    /* which of the tokens was used; 0: none */
	unsigned renewals; /* bits: what lp_registry_again has done for it already */
	const char *kind, *what;
	struct lp_registry_login *image, *at; /* the one that is named, and the place */
	size_t turn;       /* which one that is */
	int answered;      /* the last status of a place before it; 0: none */
	char tale[768];    /* what became of those, fit to print; "" for nothing */
};
void lp_registry_request_release(struct lp_registry_request *);

/*
 * The request for `KIND/WHAT` of the reference's repository, which are borrowed: "blobs" or
 * "manifests", and a digest or a tag; "tags" and "referrers" are asked for at the source alone. A known token is used at once. May ask
 * a loopback registry which scheme it speaks. LP_OK, LP_E_NOMEM, or LP_E_ABSENT: that is not to be
 * asked for, which lp_registry_refusal has in words.
 */
int lp_registry_ask(struct lp_registry *, const struct lp_reference *, const char *kind,
    const char *what, struct lp_registry_request *);
const char *lp_registry_refusal(const struct lp_registry_request *);

/*
 * Whether a request that ended with `status` (of lp_http_do) and this answer
 * is worth sending once more, and with what: 401 from the registry (a token
 * is got, or one that expired is renewed once), 400, 401 or 403 from the
 * storage it redirected to (its signed URL expired: once), plain HTTP where
 * no TLS was found. Blocks while it asks for a token.
 * 1: the request is changed, send it. 0: final. Negative: LP_E_NET, and
 * the response's `why` says why the token could not be had; LP_E_PIPE or LP_E_NOMEM.
 */
int lp_registry_again(struct lp_registry *, struct lp_registry_request *, int status, struct lp_http_response *);

/*
 * It has failed at this place for good, as `why` says. 1: the request is that for the next one, send
 * it. 0: there is none, and q->tale has what became of those before. LP_E_NOMEM.
 */
int lp_registry_next(struct lp_registry *, struct lp_registry_request *, const struct lp_http_response *, const char *why);

/* It has answered, and well: who asks for this image hears which mirror that was. */
void lp_registry_answered(struct lp_registry *, const struct lp_registry_request *);

/* The mirror that has answered last, HOST/REPO; NULL: none has, or there is no registry. */
const char *lp_registry_mirror(const struct lp_registry *);

/*
 * What the image's last answer brought was not what it should be: unless it was the source's, that
 * place is asked for nothing more, which is noted, and 1: ask again.
 */
int lp_registry_distrust(struct lp_registry *, const struct lp_reference *, const char *why);

/*
 * All of it for a document: `how` has the method (GET or HEAD), headers, and
 * either `max` or a sink; the URL, what proves who asks, and that what a server
 * has compressed is decoded, is seen to here. LP_OK if a 2xx answer is
 * there; else as lp_http_do, or LP_E_NET for another status, with `why` set
 * as lp_registry_explain does, and with status 0 where no token was to be had; or LP_E_ABSENT as
 * lp_registry_ask. A mirror's answer, or that of the source.
 */
int lp_registry_get(struct lp_registry *, const struct lp_reference *, const char *kind, const char *what,
    const struct lp_http_request *how, struct lp_http_response *);

/*
 * Put into `why` what an answer that is no success means to a user: the
 * status, the registry's own words, and, where access was refused, which
 * credentials were used or looked for.
 */
void lp_registry_explain(const struct lp_registry_request *, struct lp_http_response *);

#endif
