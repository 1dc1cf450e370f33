#include "common/sys/netopt.h"

#include "common/base/num.h"
#include "common/base/status.h"

enum { SECONDS_MAX = 86400, RETRIES_MAX = 100 };

void
lp_netopt_init(struct lp_netopt *o)
{
	*o = (struct lp_netopt){ 0 };
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

int
lp_netopt(struct lp_netopt *o, int opt, const char *arg, const char **why)
{
	switch (opt) {
	case LP_NETOPT_CACERT:
		o->http.cacert = arg;
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
	default:
		return 0;
	}
}
