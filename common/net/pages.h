/*
 * The way through an answer that a registry gives on several pages
 * (distribution-spec, "Content discovery"): tags, referrers. Each page names
 * the next one by a Link header (RFC 8288) with rel="next". Wherever that
 * leads, nobody else is asked than who was asked first: of a link only the
 * query is taken. What a list may cost is bounded in pages, bytes and time.
 */
#ifndef LP_NET_PAGES_H
#define LP_NET_PAGES_H

#include <stdint.h>

#include "common/base/map.h"
#include "common/net/http.h"

enum {
	LP_PAGES_QUERY = 2048, /* bytes of a query: a tag has 128 at most, and three times as many where all are escaped */
	LP_PAGES_MAX = 4096    /* registries give some 50 to 1000 tags on each */
};

struct lp_pages {
	char query[LP_PAGES_QUERY]; /* of the page to ask for, "?..."; "" for the first one, unless its caller has set it */
	unsigned n;                 /* that came before it */

	struct lp_map seen; /* those, by their hashes */
	int64_t until;      /* of the clock; 0: no end */
	uint64_t bytes;     /* of all of them so far */
};

/* At the first page; as much time as a document may take in that session. */
void lp_pages_init(struct lp_pages *, const struct lp_http *);
void lp_pages_release(struct lp_pages *);

/*
 * A page has come. 1, and `query` is that of the next one; 0: it was the last; -1: its link, in *link until the
 * answer is released, leads to no page that is to be asked for: it has no query, or that of one before.
 */
int lp_pages_next(struct lp_pages *, const struct lp_http_response *, struct lp_span *link);

/* Whether there is budget for another page, and time. */
int lp_pages_go_on(const struct lp_pages *);
/* So many bytes of a page have come: whether that was within what all pages may have, and in time. */
int lp_pages_spend(struct lp_pages *, size_t n);
/* So much of the time is given back. */
void lp_pages_wait(struct lp_pages *, int64_t ns);

#endif
