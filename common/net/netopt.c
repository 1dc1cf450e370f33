/* The options of programs that use the network. */
#include "common/net/netopt.h"

#include <stdlib.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"

enum { SECONDS_MAX = 86400, RETRIES_MAX = 100 };

/* An empty name is none: that is how one run does without LP_STORE. */
static void
set_store(struct lp_netopt *o, const char *path)
{
	o->store = path != NULL && *path != '\0' ? path : NULL;
}

void
lp_netopt_init(struct lp_netopt *o)
{
	const char *store = getenv("LP_STORE"), *offline = getenv("LP_OFFLINE");

	*o = (struct lp_netopt){ .offline = offline != NULL && strcmp(offline, "1") == 0 };
	set_store(o, store);
	lp_http_options_init(&o->http);
}

static int
number(const char *arg, uint64_t min, uint64_t max, unsigned *out)
{
	uint64_t v;

	if (lp_num_u64(lp_span_str(arg), max, &v) != LP_OK || v < min)
		return LP_E_USAGE;
	*out = (unsigned)v;
	return 1;
}

/* 1: it was one of ours; 0: it was not; LP_E_USAGE: it was, and its argument makes no sense (*why: static text). */
static int
take(struct lp_netopt *o, int opt, const char *arg, const char **why)
{
	switch (opt) {
	case 'S':
		set_store(o, arg);
		return 1;
	case 'O':
		o->offline = 1;
		return 1;
	case LP_NETOPT_CACERT:
		o->http.trust.cacert = arg;
		return 1;
	case LP_NETOPT_CACERT_ONLY:
		o->http.trust.cacert_only = 1;
		return 1;
	case LP_NETOPT_CERT:
		o->http.trust.cert = arg;
		return 1;
	case LP_NETOPT_KEY:
		o->http.trust.key = arg;
		return 1;
	case LP_NETOPT_INSECURE:
		o->http.insecure = 1;
		return 1;
	case LP_NETOPT_CONNECT_TIMEOUT:
		*why = "--connect-timeout takes seconds, from 1 to 86400";
		return number(arg, 1, SECONDS_MAX, &o->http.connect_timeout);
	case LP_NETOPT_STALL_TIMEOUT:
		*why = "--stall-timeout takes seconds, up to 86400";
		return number(arg, 0, SECONDS_MAX, &o->http.stall_timeout);
	case LP_NETOPT_RETRIES:
		*why = "--retries takes a number up to 100";
		return number(arg, 0, RETRIES_MAX, &o->http.retries);
	case LP_NETOPT_PLAIN_HTTP:
		o->registry.plain_http = 1;
		return 1;
	case LP_NETOPT_AUTH_FILE:
		o->registry.cred.auth_file = arg;
		return 1;
	case LP_NETOPT_USER:
		*why = "--user takes a name, without a colon and a password";
		o->registry.cred.user = arg;
		/* RFC 7617 has no colon in names: whoever writes one is about to show a password to ps(1) */
		return *arg != '\0' && strchr(arg, ':') == NULL ? 1 : LP_E_USAGE;
	case LP_NETOPT_PASSWORD_FILE:
		o->registry.cred.password_file = arg;
		return 1;
	default:
		return 0;
	}
}

int
lp_netopt(struct lp_netopt *o, struct lp_opt *every, int opt, const char *arg)
{
	const char *why = "";
	int rc = take(o, opt, arg, &why);

	if (rc == LP_E_USAGE)
		return lp_opt_refuse("%s", why);
	if (rc == 0)
		lp_opt_common(every, opt);
	return LP_EXIT_OK;
}

int
lp_netopt_check(const struct lp_netopt *o)
{
	if (o->registry.cred.password_file != NULL && o->registry.cred.user == NULL)
		return lp_opt_refuse("--password-file is the password of a --user, which is missing");
	if (o->http.trust.cacert_only && o->http.trust.cacert == NULL)
		return lp_opt_refuse("--cacert-only is about a --cacert, which is missing");
	if (o->http.trust.key != NULL && o->http.trust.cert == NULL)
		return lp_opt_refuse("--key is the key of a --cert, which is missing");
	return LP_EXIT_OK;
}
