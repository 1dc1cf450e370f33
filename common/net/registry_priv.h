/*
 * What the files of registries share. For registry*.c only.
 *
 *   registry.c       sessions, who we are, where a registry is, requests
 *   registry_way.c   the places of an image, and from one to the next
 *   registry_auth.c  what proves that we may have it, and renewing that
 */
#ifndef LP_NET_REGISTRY_PRIV_H
#define LP_NET_REGISTRY_PRIV_H

#include "common/base/map.h"
#include "common/net/placefiles.h"
#include "common/net/registry.h"
#include "common/net/tokens.h"

enum lp_registry_scheme { LP_REGISTRY_HTTPS, LP_REGISTRY_HTTP };

/* What is known of one repository: of a name that is asked for, or of a place where it is. */
struct lp_registry_login {
	struct lp_regplace place; /* its `more` is nobody's any more */
	char **header;         /* lines that it is sent, ended by NULL; or NULL */
	int dead;              /* cannot be had, or is not to be trusted: passed over, unless it is the last */
	int stranger;          /* nobody has logged in */

	/* a name's */
	struct lp_registry_login **way; /* its places in turn; NULL: it is its own */
	size_t nway;
	int blocked;
	const struct lp_registry_login *answered; /* the place that did so last; NULL: none has */

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
	struct lp_placefiles files;
	struct lp_registry_login *first, *last; /* the first name; the last of all */
	char mirror[LP_REF_HOST_MAX + LP_REF_REPO_MAX + 2]; /* that has answered last; "" for none */
	char why[4096];        /* of a failure to log in */
	struct lp_map logins;  /* of the hash of a name's HOST/REPO: the last one of it, a pointer */
	struct lp_map schemes; /* of the hash of a loopback host: what it speaks */
};

/* A new one, of the session; NULL: no memory. */
struct lp_registry_login *lp_registry_new_login(struct lp_registry *, const char *host, const char *repo);

/* The name's, made as a stranger's if need be; NULL: no memory. */
struct lp_registry_login *lp_registry_find_login(struct lp_registry *, const struct lp_reference *);

/* The places of a name, and who we are there: before the lock; results as lp_registry_login. */
int lp_registry_find_way(struct lp_registry *, struct lp_registry_login *, const struct lp_reference *, const char **why);

/* At one place of a name, which it may be itself. */
int lp_registry_log_in(struct lp_registry *, struct lp_registry_login *name, struct lp_registry_login *at, const char **why);

/* Make it the request for that place. LP_OK or LP_E_NOMEM. */
int lp_registry_go(struct lp_registry *, struct lp_registry_request *, struct lp_registry_login *at);

/* Prove it with what is at hand already, if anything is. LP_OK or LP_E_NOMEM. */
int lp_registry_authorize(struct lp_registry *, struct lp_registry_request *);
/* The lines that the place is sent, and the proof, if there is one. */
void lp_registry_set_secrets(struct lp_registry_request *);

/* Set `why`, which is fit to print then if the words are. */
void lp_registry_say(struct lp_http_response *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
