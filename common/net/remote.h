/*
 * A blob on a server, and one thing done with it: bytes FIRST to LAST of it
 * go to a sink, in order, each once. What servers do to make that hard is
 * dealt with here (lp-fetch(1), "SERVERS"):
 *
 *  - 200 for a range: what is in front is thrown away, and the transfer
 *    ends where the range does.
 *  - 206: Content-Range is compared with what was asked and with the size,
 *    and nothing behind its end is read.
 *  - a body that breaks off, or gives less than was asked: the rest is
 *    asked for, a bounded number of times.
 *  - a file that is replaced on the way: refused, if its ETag or date says so
 *    (RFC 9110 section 15.3.7.3) and no digest will.
 *  - 401, and signed URLs that expired: as the registry says.
 *  - a mirror that fails, at any byte: the next place goes on there.
 *  - a page for people (HTML) instead of a blob, and a body that was
 *    compressed on the way: refused.
 *
 * Only single, closed ranges are ever sent, and none at all where neither
 * the size nor an end is known.
 */
#ifndef LP_NET_REMOTE_H
#define LP_NET_REMOTE_H

#include <stdint.h>

#include "common/base/range.h"
#include "common/net/http.h"
#include "common/net/registry.h"
#include "common/oci/reference.h"

struct lp_remote {
	struct lp_http *http;
	struct lp_registry *registry;    /* of a registry's blob */
	const struct lp_reference *ref;  /* LP_REF_REGISTRY or LP_REF_URL; borrowed */
	const char *digest;              /* borrowed; "" for none */
	int64_t *size;                   /* of the whole blob, borrowed; -1 until it is known */
	char version[256];               /* ETag or Last-Modified of the first answer, as far as it fits; "" for none */
	int no_ranges;                   /* it has answered 200 to one: each costs all that is in front of it */
	char why[1536];                  /* what failed, fit to print, without the blob's name */
};

/* `digest` and `*size` are what the descriptor says: "" and -1 if there is none. What a server says of the size goes there. */
void lp_remote_init(struct lp_remote *, struct lp_http *, struct lp_registry *,
    const struct lp_reference *, const char *digest, int64_t *size);

/* Takes bytes; LP_OK to go on, or a failure, which becomes that of the whole. */
typedef int lp_remote_sink(void *arg, struct lp_span bytes);

/* A transfer, in room that the caller keeps until it is done. */
struct lp_remote_get {
	struct lp_remote *remote;
	uint64_t at;        /* next byte that the sink gets */
	uint64_t last;      /* or LP_RANGE_END; clipped once the size is known */
	uint64_t wanted;    /* `last` before that */

	lp_remote_sink *sink;
	void (*done)(void *arg, int status);
	void *arg;          /* of both */
	struct lp_http_response response;
	struct lp_registry_request ask;
	char range[64];
	const char *headers[2];
	uint64_t body_at;   /* of the blob: where the next byte of the body belongs */
	uint64_t body_last; /* and its last one, as its Content-Range has it; or LP_RANGE_END */
	uint64_t asked_at;  /* `at` when this request was sent */
	uint64_t asked_last;
	int headed;         /* this answer's headers were looked at */
	int told;           /* and said how large the blob is */
	int whole;          /* a range was refused that only an empty blob does not have: asked again without one */
	unsigned resumes;   /* in all */
	unsigned barren;    /* the last ones in a row that brought next to nothing */
	int failure;        /* of ours, inside the sink */
	int64_t size;       /* *remote->size as it was before anybody was asked */
};

/*
 * Begin to get bytes first to last; `last` may be LP_RANGE_END or beyond
 * the end. All of an empty blob is nothing, and no failure. `done` is called
 * from lp_http_run:
 *
 * LP_OK       the sink had all of it; *remote->size is known, unless the server
 *             would not tell and more follows
 * LP_E_DATA   there is no byte `first`, the size is not the descriptor's, or
 *             what came is a page for people
 * LP_E_NET    the server or the network failed
 * LP_E_NOMEM, LP_E_PIPE (lp_http_watch), or what the sink failed with
 *
 * with remote->why set for the first two failures; "" if there is nothing to
 * say. May call `done` at once.
 */
void lp_remote_start(struct lp_remote_get *, struct lp_remote *, uint64_t first, uint64_t last,
    lp_remote_sink *, void (*done)(void *arg, int status), void *arg);

/* The same, waiting for it; *at is the first byte the sink did not get. */
int lp_remote_get(struct lp_remote *, uint64_t first, uint64_t last, lp_remote_sink *, void *arg,
    uint64_t *at);

/* Learn the size, by asking for one byte. LP_OK with *remote->size known, or as above. */
int lp_remote_size(struct lp_remote *);

#endif
