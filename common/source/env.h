/*
 * What a run has around it: a store, the network, who it is at a registry.
 * One way to open, lock and account for these, for all programs that have
 * them.
 *
 * The functions that can fail say why, since the reason is known only here.
 */
#ifndef LP_SOURCE_ENV_H
#define LP_SOURCE_ENV_H

#include "common/cli/stats.h"
#include "common/net/http.h"
#include "common/net/netopt.h"
#include "common/net/registry.h"
#include "common/oci/reference.h"
#include "common/store/store.h"

/* NULL where there is none of it. */
struct lp_env {
	struct lp_store *store;
	struct lp_http *http;
	struct lp_registry *registry;
	int offline; /* no network: what the store does not have is LP_E_ABSENT */
	int plain_http; /* registries are asked in plain: another origin */
	int must_keep; /* a store that may not be written is of no use, online */
};

/*
 * The store at `path` (NULL or "": none), made if need be when online. One
 * that may not be written is used, with a note. LP_OK, LP_E_SYS, LP_E_DATA,
 * LP_E_NOMEM.
 */
int lp_env_open_store(struct lp_env *, const char *path);

/* The store, if it takes what is fetched, or NULL. */
struct lp_store *lp_env_keeper(const struct lp_env *);

/*
 * What came of an attempt to keep something of `name` (fit to print): a part of
 * a store may be another user's, and a disk may be full. LP_OK where that is of no matter, which is
 * said, and `*unkept` set; else `rc`, with errno as it was.
 */
int lp_env_not_kept(const struct lp_env *, const char *name, int rc, int *unkept);

/* A session and its registries; nothing when offline. LP_OK, LP_E_SYS or LP_E_NOMEM. */
int lp_env_open_network(struct lp_env *, const struct lp_netopt *);

/*
 * A registry's reference that was written without a host, completed as
 * registries.conf has it: before the lock, offline as well, as it is kept by that name. LP_OK, or a
 * failure, said with `name`: LP_E_USAGE where it could be of several.
 */
int lp_env_complete(struct lp_reference *, const char *name);

/*
 * Find the places and the credential for a registry's reference, and the certificates of its
 * host or a URL's, before the lock; nothing for other references, or when offline. `name`, fit to print, is what the
 * user calls it. Results as lp_registry_login.
 */
int lp_env_login(struct lp_env *, const struct lp_reference *, const char *name);

/*
 * Lock: from here on there is the layout (its path, or NULL), or else the
 * store (its path, as given to lp_env_open_store), and the network if it was
 * opened. LP_OK or LP_E_SYS.
 */
int lp_env_lock(const struct lp_env *, const char *store, const char *layout);

/* Bytes, requests and the rate limit into the statistics; the last is a detail to tell as well. */
void lp_env_stats(const struct lp_env *, struct lp_stats *);

void lp_env_close(struct lp_env *);

#endif
