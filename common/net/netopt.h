/*
 * The options of programs that speak to the network or replay it from a
 * store, one set for all of them (lp-fetch(1), "NETWORK OPTIONS").
 */
#ifndef LP_NET_NETOPT_H
#define LP_NET_NETOPT_H

#include <getopt.h>

#include "common/cli/opt.h"
#include "common/net/http.h"
#include "common/net/registry.h"

enum {
	LP_NETOPT_CACERT = 400,
	LP_NETOPT_CACERT_ONLY,
	LP_NETOPT_CERT,
	LP_NETOPT_KEY,
	LP_NETOPT_INSECURE,
	LP_NETOPT_CONNECT_TIMEOUT,
	LP_NETOPT_STALL_TIMEOUT,
	LP_NETOPT_RETRIES,
	LP_NETOPT_PLAIN_HTTP,
	LP_NETOPT_AUTH_FILE,
	LP_NETOPT_USER,
	LP_NETOPT_PASSWORD_FILE,
	LP_NETOPT_END
};

#define LP_NETOPT_SHORT "S:O"
#define LP_NETOPT_LONG                                                          \
	{ "store", required_argument, NULL, 'S' },                              \
	{ "offline", no_argument, NULL, 'O' },                                  \
	{ "cacert", required_argument, NULL, LP_NETOPT_CACERT },                \
	{ "cacert-only", no_argument, NULL, LP_NETOPT_CACERT_ONLY },            \
	{ "cert", required_argument, NULL, LP_NETOPT_CERT },                    \
	{ "key", required_argument, NULL, LP_NETOPT_KEY },                      \
	{ "insecure", no_argument, NULL, LP_NETOPT_INSECURE },                  \
	{ "connect-timeout", required_argument, NULL, LP_NETOPT_CONNECT_TIMEOUT }, \
	{ "stall-timeout", required_argument, NULL, LP_NETOPT_STALL_TIMEOUT },  \
	{ "retries", required_argument, NULL, LP_NETOPT_RETRIES },              \
	{ "plain-http", no_argument, NULL, LP_NETOPT_PLAIN_HTTP },              \
	{ "auth-file", required_argument, NULL, LP_NETOPT_AUTH_FILE },          \
	{ "user", required_argument, NULL, LP_NETOPT_USER },                    \
	{ "password-file", required_argument, NULL, LP_NETOPT_PASSWORD_FILE }

#define LP_NETOPT_STORE_HELP                                                    \
	"  -S, --store=STORE        use what this store has, keep what it lacks\n" \
	"  -O, --offline            open no socket: what is missing is exit 4\n"
#define LP_NETOPT_HELP                                                          \
	"      --cacert=FILE        trust the authorities in FILE as well\n" \
	"      --cacert-only        trust those alone, not the system's\n"      \
	"      --cert=FILE          show the first server this certificate\n"  \
	"      --key=FILE           the key of --cert is in FILE\n"            \
	"      --insecure           do not check certificates\n"                \
	"      --connect-timeout=N  seconds until a connection stands (15)\n"   \
	"      --stall-timeout=N    seconds without data that are too many (30, 0: never)\n" \
	"      --retries=N          tries after the first one (3)\n"           \
	"      --plain-http         speak http, not https, to registries\n"     \
	"      --auth-file=FILE     look for credentials here first\n"          \
	"      --user=NAME          this user; the password is asked for\n"     \
	"      --password-file=FILE the password of --user is in FILE\n"

struct lp_netopt {
	const char *store; /* a path, never "", or NULL */
	int offline;
	struct lp_http_options http;
	struct lp_registry_options registry;
};

/* The defaults, and what LP_STORE and LP_OFFLINE say. */
void lp_netopt_init(struct lp_netopt *);

/* One that says how to speak to the network: all of these but -S and -O. */
static inline int
lp_netopt_is_network(int opt)
{
	return opt >= LP_NETOPT_CACERT && opt < LP_NETOPT_END;
}

/*
 * One option as getopt gave it: one of these, or else one that every program
 * has, or a wrong one, as lp_opt_common. LP_EXIT_OK, or LP_EXIT_USAGE after
 * the message.
 */
int lp_netopt(struct lp_netopt *, struct lp_opt *, int opt, const char *arg);

/* Behind the last option: those that make no sense together. As lp_netopt. */
int lp_netopt_check(const struct lp_netopt *);

#endif
