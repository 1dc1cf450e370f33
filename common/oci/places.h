/*
 * Where an image is asked for, in turn: what the configuration files of
 * container engines put before a registry, or in its place. What comes in is
 * the text of these files, what goes out the places for one reference.
 *
 *   registries.conf  of containers-registries.conf(5), podman's and skopeo's
 *   hosts.toml       of one folder in /etc/containerd/certs.d
 *   daemon.json      dockerd's: registry-mirrors (docker.io), insecure-registries
 */
#ifndef LP_OCI_PLACES_H
#define LP_OCI_PLACES_H

#include "common/base/jsonread.h"
#include "common/oci/reference.h"

enum {
	LP_PLACES_MAX = 64,  /* for one reference */
	LP_PLACE_BASE = 255  /* characters of a path before REPO */
};

enum lp_place_scheme {
	LP_PLACE_EITHER, /* https; http too where the host is this machine, or `insecure` */
	LP_PLACE_HTTPS,
	LP_PLACE_HTTP
};

struct lp_regplace {
	char host[LP_REF_HOST_MAX + 1], repo[LP_REF_REPO_MAX + 1];
	char tag[LP_REF_TAG_MAX + 1];   /* "": the one that is asked for */
	char base[LP_PLACE_BASE + 1];   /* /v2 */
	char ns[LP_REF_HOST_MAX + 1];   /* told as ?ns=, or "" */
	enum lp_place_scheme scheme;
	int insecure;       /* its certificate may be anybody's */
	int tags, digests;  /* may be asked for these */
	json_t *more;       /* hosts.toml: the table with its header, ca and client; NULL for none */
};

/* In turn; the last one is the source, where the name itself leads. */
struct lp_places {
	struct lp_regplace *v;
	size_t n, cap;
	int blocked;     /* not to be asked for at all; there are none then */
	json_t *doc;     /* what `more` is of */
	char why[256];   /* of a failure, without the file's name, fit to print */
};

void lp_places_release(struct lp_places *); /* a zeroed struct is fine */

/*
 * All of these fill what was zeroed: LP_OK, or LP_E_ABSENT: the file has
 * nothing to say about that reference (LP_REF_REGISTRY), LP_E_DATA or LP_E_NOMEM with `why`.
 */
int lp_places_of_hosts(struct lp_span toml, const struct lp_reference *, struct lp_places *);
int lp_places_of_daemon(struct lp_span json, const struct lp_reference *, struct lp_places *);

/* registries.conf and its drop-ins, put together. */
struct lp_registries {
	json_t *registry; /* of each prefix its table; NULL until there is a file */
	json_t *search;   /* unqualified-search-registries, or NULL */
	json_t *aliases;
	int enforcing;    /* short-name-mode */
	char why[256];
};

/*
 * One file more; what it says comes before what those before it said. Results
 * as above, without LP_E_ABSENT. Starts with what was zeroed. A drop-in is of
 * version 2.
 */
int lp_registries_add(struct lp_registries *, struct lp_span toml, int drop_in);
void lp_registries_release(struct lp_registries *);
int lp_places_of_registries(const struct lp_registries *, const struct lp_reference *, struct lp_places *);

/*
 * A name that was written without a host (ref->short_name): what the files
 * put for it, if they know an alias or name registries to search. LP_OK, changed or as
 * it was; LP_E_USAGE with r->why: it could be of several.
 */
int lp_registries_complete(struct lp_registries *, struct lp_reference *);

#endif
