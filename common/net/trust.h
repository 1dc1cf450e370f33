/*
 * Who is to be trusted, and with which certificate we show who we are: PEM,
 * read before the lock, as text for the transport.
 *
 *   all servers    the system's authorities: $SSL_CERT_FILE or the system's
 *                  bundle, the files of $SSL_CERT_DIR, and --cacert beside
 *                  them, or with --cacert-only that file alone
 *   a host         beside those the *.crt of its folder in certs.d, and its
 *                  NAME.cert with NAME.key: ~/.config/containers/certs.d,
 *                  /etc/containers/certs.d, /etc/docker/certs.d, of the first
 *                  that has a folder HOST[:PORT], as podman and skopeo have it
 *   the first host --cert and --key: no other server is shown that certificate
 */
#ifndef LP_NET_TRUST_H
#define LP_NET_TRUST_H

#include "common/base/buf.h"

struct lp_trust_options {
	const char *cacert;   /* --cacert, or NULL */
	int cacert_only;      /* --cacert-only: the system's authorities are not trusted */
	const char *cert;     /* --cert, or NULL */
	const char *key;      /* --key, or NULL: it is in the file of the certificate */
};

/* One HOST:PORT that has something of its own. */
struct lp_trust_host {
	struct lp_trust_host *next;
	char *authority;
	struct lp_buf ca, cert, key; /* empty where there is none; ca has all that is trusted for it */
};

struct lp_trust {
	struct lp_trust_options opt;
	struct lp_buf ca;
	struct lp_trust_host *hosts; /* those that have something of their own */
	int named;                   /* --cert has found its host */
	char why[1024];              /* of a failure, fit to print */
};

/* The authorities. LP_OK, LP_E_SYS, LP_E_DATA or LP_E_NOMEM, with `why`. */
int lp_trust_open(struct lp_trust *, const struct lp_trust_options *);
void lp_trust_close(struct lp_trust *); /* overwrites keys; what was zeroed is fine */

/*
 * What a host has of its own. `authority` is HOST:PORT of its URLs, `folder`
 * what it is called in certs.d. Once for each, before the lock. Results as
 * lp_trust_open.
 */
int lp_trust_know(struct lp_trust *, const char *authority, const char *folder);

/* Files that are named for one host: NULL for none; a relative path is seen from the folder of the file `beside`. */
struct lp_trust_files {
	const char *beside;
	const char *ca;        /* trusted as well */
	const char *cert, *key; /* shown, if nothing is yet; key "" or NULL: it is in the file of the certificate */
};
/* After lp_trust_know of it. Results as there. */
int lp_trust_add(struct lp_trust *, const char *authority, const struct lp_trust_files *);

/* NULL: nothing of its own. */
const struct lp_trust_host *lp_trust_find(const struct lp_trust *, const char *authority);

#endif
