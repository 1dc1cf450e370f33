/*
 * What the files of registries share. For registry*.c only.
 *
 *   registry.c       sessions, who we are, where a registry is, requests
 *   registry_auth.c  what proves that we may have it, and renewing that
 */
#ifndef LP_NET_REGISTRY_PRIV_H
#define LP_NET_REGISTRY_PRIV_H

#include "common/base/map.h"
#include "common/net/registry.h"
#include "common/net/tokens.h"

enum lp_registry_scheme { LP_REGISTRY_HTTPS, LP_REGISTRY_HTTP };

/* What is known of one repository. */
struct lp_registry_login {
	char host[LP_REF_HOST_MAX + 1], repo[LP_REF_REPO_MAX + 1];
	struct lp_cred cred;
	struct lp_buf tried;
	int basic; /* the host has asked for Basic before, or answers to nobody without */
	int used;  /* the credentials were sent, or a token that was given to them */
	struct lp_registry_login *next; /* the one before */
	struct lp_registry_login *like; /* the one before whose name has the same hash */
};

struct lp_registry {
	struct lp_http *http;
	struct lp_registry_options opt;
	struct lp_tokens tokens;
	struct lp_registry_login *first, *last;
	struct lp_map logins;  /* of the hash of HOST/REPO: the last one of it, a pointer */
	struct lp_map schemes; /* of the hash of a loopback host: what it speaks */
};

/* NULL: nobody has logged in for it. */
struct lp_registry_login *lp_registry_find_login(const struct lp_registry *, const struct lp_reference *);

/* Prove it with what is at hand already, if anything is. LP_OK or LP_E_NOMEM. */
int lp_registry_authorize(struct lp_registry *, const struct lp_reference *, struct lp_registry_request *);

/* Set `why`, which is fit to print then if the words are. */
void lp_registry_say(struct lp_http_response *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
