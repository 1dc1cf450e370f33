/*
 * HTTP, the transport: nobody else knows libcurl, which is loaded when a
 * session is opened and not before (loading it costs more than reading a
 * local file does).
 *
 * A session holds connections, and any number of requests run on it at
 * once, sharing them (HTTP/2 streams where the server offers that). What is
 * decided here, once, for every program:
 *
 *  - Redirects are followed by hand. Credentials stay with the origin
 *    (scheme, host, port) that they were given for; from https to http is
 *    refused; loops and long chains are told.
 *  - 429 and 5xx answers and failed connections are tried again: after what
 *    Retry-After says, or else after a capped exponential back-off with
 *    jitter. What asks for more patience than LP_HTTP_PATIENCE fails. A body
 *    that broke off is not: only the caller knows what to ask for next. A
 *    POST is only if nobody has carried it out: no connection, 429, 503.
 *  - What an answer may cost is bounded (LP_HTTP_HEAD_MAX and its like), so
 *    that no server holds us for ever. Time counts while a connection stands
 *    and no sink has the bytes, whether we wait for it or it keeps us busy.
 *  - `Accept-Encoding: identity` always; what is encoded all the same is
 *    decoded where the request says so, and else nothing ever is.
 *  - Proxies come from the environment, as proxy.h says.
 *
 * Nothing is printed. Text for people (`why`, `where`) is escaped for
 * terminals and holds no credential: userinfo and query strings are cut out.
 */
#ifndef LP_NET_HTTP_H
#define LP_NET_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/span.h"
#include "common/net/trust.h"

enum {
	LP_HTTP_HOPS = 8,                /* redirects of one request */
	LP_HTTP_PATIENCE = 120,          /* seconds that one request waits between its tries, summed */
	LP_HTTP_HEAD_MAX = 64 * 1024,    /* bytes of an answer's headers, trailers and 100 Continue included */
	LP_HTTP_STALL_MIN = 1024,        /* bytes of a body that each stall time-out brings */
	LP_HTTP_WINDOWS = 10,            /* stall time-outs that a body may take that is collected */
	LP_HTTP_OVERHEAD = 64 * 1024 * 1024, /* bytes on the wire that are in no body, beyond as many as are */
	LP_HTTP_ERROR_MAX = 64 * 1024    /* bytes kept of the body of an answer that is no success */
};

struct lp_http;

struct lp_http_options {
	unsigned connect_timeout; /* seconds until a connection stands, TLS included */
	unsigned stall_timeout;   /* seconds in which at least LP_HTTP_STALL_MIN bytes arrive; 0: no limit */
	unsigned retries;         /* tries after the first one */
	struct lp_trust_options trust;
	int insecure;             /* do not check certificates */
	/*
	 * A server's `Warning: 299` text (RFC 7234 section 5.5), each text once
	 * per session. May be NULL. The span lives for the call, unescaped.
	 */
	void (*warning)(struct lp_span text);
};

/* The defaults: 15 s, 30 s, 3 retries, the system's authorities. */
void lp_http_options_init(struct lp_http_options *);

/*
 * Load the library, read the authorities: everything that needs the file
 * system, so before the lock. LP_OK; LP_E_SYS, LP_E_DATA (authorities of more
 * than 16 MiB) or LP_E_NOMEM with *why set to text that lives until the next
 * call (errno is set as well if it says more, else 0).
 */
int lp_http_open(struct lp_http **, const struct lp_http_options *, const char **why);
/*
 * What the server of an https URL has of its own (trust.h): before the lock.
 * `folder` is what it is called in certs.d, or NULL: HOST, with a :PORT that is
 * not 443. LP_OK, or a failure with *why as above.
 */
int lp_http_know(struct lp_http *, const char *url, const char *folder, const char **why);
/* Files that are named for it, after that (lp_trust_add). Results likewise. */
int lp_http_know_files(struct lp_http *, const char *url, const struct lp_trust_files *, const char **why);

/* Ends what still runs (without calling `done`). NULL is fine. */
void lp_http_close(struct lp_http *);

/* How long a body that is collected may take, in all its tries; 0: as long as it likes. */
unsigned lp_http_document_seconds(const struct lp_http *);

/*
 * The pipe or socket that what is fetched goes to: once its reader has left,
 * all that runs ends with LP_E_PIPE, without waiting for a server. -1: none.
 */
void lp_http_watch(struct lp_http *, int fd);
int lp_http_watched(const struct lp_http *);

/* What a sink answers when it wants no more of this body: not an error. */
enum { LP_HTTP_ENOUGH = 1 };

struct lp_http_response;

/*
 * Takes the next bytes of a 2xx body. `r` has the status and headers.
 * LP_OK to go on, LP_HTTP_ENOUGH, or a failure, which becomes the
 * request's. Must not start requests on the session.
 */
typedef int lp_http_sink(void *arg, struct lp_http_response *r, struct lp_span bytes);

struct lp_http_request {
	const char *method; /* GET, HEAD or POST */
	const char *url;    /* http or https */
	/* "Name: value" strings, ended by NULL; the pointer may be NULL */
	const char *const *headers; /* sent wherever redirects lead */
	const char *const *secrets; /* credentials: sent to the origin of `url` only */
	struct lp_span body;        /* of a POST */
	lp_http_sink *sink;         /* NULL: the body is collected in the response */
	void *arg;                  /* of the sink */
	size_t max;                 /* bytes collected; more is LP_E_LIMIT */
	int decode;                 /* a document: by Content-Encoding; sink and max count what comes of it */
	/*
	 * Only whether somebody is there and speaks TLS is asked: a connection
	 * that cannot be made is not tried again, and whose certificate it is
	 * does not matter. Never with secrets.
	 */
	int probe;
	int insecure; /* it does not matter whose certificate the origin of `url` has */
	int hasty;    /* another server may be asked instead: no further tries */
};

/* Why no answer came. */
enum lp_http_trouble {
	LP_HTTP_FINE,
	LP_HTTP_UNREACHABLE, /* no connection: name, refusal, time-out, or no TLS spoken there */
	LP_HTTP_UNTRUSTED,   /* TLS, but its certificate is not to be trusted */
	LP_HTTP_BROKEN,      /* it stood, and broke */
	LP_HTTP_EXCESS       /* the answer costs more than any is worth; another would, too */
};

struct lp_http_response {
	int status;           /* of the last answer; 0: none came */
	int hops;             /* redirects that were followed */
	int moved;            /* the last answer came from another origin than `url` */
	int enough;           /* the sink stopped it */
	enum lp_http_trouble trouble;
	uint64_t body_bytes;  /* that arrived in the last answer */
	int64_t length;       /* what Content-Length promised; -1: nothing */
	struct lp_buf head;   /* headers of the last answer, see lp_http_header */
	struct lp_buf body;   /* collected, or an error's text cut at LP_HTTP_ERROR_MAX */
	char where[512];      /* the last URL asked, fit to print */
	char why[1280];       /* why it failed, fit to print */
};

void lp_http_response_init(struct lp_http_response *);
void lp_http_response_release(struct lp_http_response *);

/*
 * The value of the nth header (from 0) of that name, whatever its case;
 * p is NULL if there is none. Lives as long as the response.
 */
struct lp_span lp_http_header(const struct lp_http_response *, const char *name, size_t nth);

/*
 * Whether a body that begins like this is an HTML page, and says so: portals
 * and error pages come with 200, too, and no blob or document is one.
 */
int lp_http_is_page(const struct lp_http_response *, struct lp_span start);

/*
 * One request from start to end, redirects and further tries included.
 * Others on the session go on meanwhile; their `done` waits for the next
 * lp_http_run. The response must be initialised and is filled anew.
 *
 * LP_OK: an answer is there, whatever its status says. LP_E_NET: none, or
 * its body broke off (status and body_bytes say where), LP_E_LIMIT: more
 * than `max` bytes, LP_E_DATA: a header of the request holds a line end,
 * LP_E_NOMEM, LP_E_PIPE: as lp_http_watch says, or what the sink failed with;
 * `why` says it in words for the first three.
 */
int lp_http_do(struct lp_http *, const struct lp_http_request *, struct lp_http_response *);

/*
 * The same without waiting: `done` is called from within lp_http_run, and
 * may start further requests or lp_http_do one. The request is copied; what
 * it points to is not, and must stay until then. LP_OK or LP_E_NOMEM.
 */
typedef void lp_http_done(void *arg, int status, struct lp_http_response *);
int lp_http_start(struct lp_http *, const struct lp_http_request *, struct lp_http_response *,
    lp_http_done *, void *arg);
/* Until all that was started is done. `tick`, if not NULL, is called now and then. */
int lp_http_run(struct lp_http *, void (*tick)(void *), void *arg);

/* Whether both URLs name one origin: scheme, host and port. A URL that cannot be read is nobody's. */
int lp_http_same_origin(const char *a, const char *b);

struct lp_http_totals {
	int64_t requests;            /* HTTP requests sent, every hop and try */
	int64_t bytes;               /* of bodies that arrived */
	int64_t ratelimit_remaining; /* as last told; -1: never */
};
struct lp_http_totals lp_http_totals(const struct lp_http *);

#endif
