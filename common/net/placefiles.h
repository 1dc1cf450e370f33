/*
 * The files of container engines that say where a registry's images are asked
 * for (oci/places.h), found and read: before the lock. The first of these
 * kinds that has anything to say about a reference is all that counts.
 *
 *   registries.conf  $CONTAINERS_REGISTRIES_CONF, or ~/.config/containers/registries.conf,
 *                    or /etc/containers/registries.conf, with registries.conf.d beside the
 *                    last two, as containers-registries.conf.d(5) says
 *   hosts.toml       of HOST_PORT_, HOST[:PORT] or _default in ~/.config/containerd/certs.d,
 *                    or else in /etc/containerd/certs.d
 *   daemon.json      in ~/.config/docker, or else in /etc/docker
 */
#ifndef LP_NET_PLACEFILES_H
#define LP_NET_PLACEFILES_H

#include "common/oci/places.h"

struct lp_placefiles {
	struct lp_registries conf;
	int read;         /* `conf` was */
	char path[4096];  /* of the file that was read last */
	char why[1024];   /* of a failure, with the file's name, fit to print */
};

void lp_placefiles_release(struct lp_placefiles *); /* a zeroed struct is fine */

/*
 * Where a registry's reference is asked for. LP_OK with the places; LP_E_ABSENT: no file says
 * anything; LP_E_DATA, LP_E_SYS or LP_E_NOMEM with `why`. f->path is then the
 * file that said it.
 */
int lp_placefiles_find(struct lp_placefiles *, const struct lp_reference *, struct lp_places *);

/*
 * Complete a name that was written without a host, as registries.conf says: nothing
 * is done to others. LP_OK; LP_E_USAGE or as above with `why`.
 */
int lp_placefiles_complete(struct lp_placefiles *, struct lp_reference *);

#endif
