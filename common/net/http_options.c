/* The defaults of a session: by itself, for lp-peek, which hands such options on and links no transport. */
#include "common/net/http.h"

void
lp_http_options_init(struct lp_http_options *o)
{
	*o = (struct lp_http_options){ .connect_timeout = 15, .stall_timeout = 30, .retries = 3 };
}
