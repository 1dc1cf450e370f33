/*
 * What the files of the transport share: libcurl, which no other file of the
 * suite knows, and a transfer. For http*.c only.
 *
 *   http.c           sessions: all transfers together, the waiting
 *   http_budget.c    what a server may cost: time, and bytes that are no answer
 *   http_try.c       one try of a transfer: what is sent, what curl calls
 *   http_settle.c    what its end means: done, followed, tried again, failed
 *   http_response.c  an answer, and text for people; nothing of curl
 *   http_api.c       the library, loaded, and its reading of URLs
 */
#ifndef LP_NET_HTTP_PRIV_H
#define LP_NET_HTTP_PRIV_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "common/net/http.h"

#define LP_HTTP_NS_PER_MS INT64_C(1000000)

/* ---- the library --------------------------------------------------------- */

#define LP_HTTP_SYMBOLS(X)                                                           \
	X(global_init) X(global_cleanup) X(easy_init) X(easy_cleanup) X(easy_reset)  \
	X(easy_setopt) X(easy_getinfo) X(easy_strerror) X(slist_append)              \
	X(slist_free_all) X(multi_init) X(multi_cleanup) X(multi_setopt)             \
	X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll)    \
	X(multi_info_read) X(url) X(url_cleanup) X(url_set) X(url_get) X(free)

#define LP_HTTP_MEMBER(name) __typeof__(curl_##name) *name;
struct lp_http_api { LP_HTTP_SYMBOLS(LP_HTTP_MEMBER) };
/* All of it, once lp_http_api_load has succeeded. */
extern struct lp_http_api lp_http_api;

/* LP_OK, or LP_E_SYS with *why and errno 0. */
int lp_http_api_load(const char **why);

/* `to` as seen from `from`: absolute, owned by the caller; NULL if it cannot be read. */
char *lp_http_resolve(const char *from, const char *to);

/* HOST:PORT of an https URL. 0: it is none. */
int lp_http_authority(const char *url, char *out, size_t n);

/* The proxy that the URL is asked through, as libcurl takes it: "" for none. */
const char *lp_http_proxy(const char *url);

/* ---- structures ----------------------------------------------------------- */

enum lp_http_phase {
	LP_HTTP_RUNNING,  /* curl has it */
	LP_HTTP_WAITING,  /* for its next try */
	LP_HTTP_FINISHED  /* its owner has not been told yet */
};

struct lp_http_transfer {
	struct lp_http_transfer *next;
	struct lp_http *h;
	struct lp_http_request req;
	struct lp_http_response *r;
	lp_http_done *done;
	void *arg;

	enum lp_http_phase phase;
	CURL *easy;
	struct curl_slist *headers;
	char *url;                     /* of this hop */
	char *past[LP_HTTP_HOPS];      /* of the hops before it */
	char error[CURL_ERROR_SIZE];
	unsigned tries;
	int64_t waited_ms;  /* for tries, in all */
	int64_t wake_ns;
	int64_t idle_ns;    /* of network time since the stall window began */
	uint64_t window;    /* bytes of the body that arrived in it */
	int64_t spent_ns;   /* of network time, by all its tries */
	uint64_t head_bytes; /* of this try: headers, those of 100 Continue, trailers */
	int headed;         /* the head is over: what else comes as headers is the next one, or trailers */
	curl_socket_t wire; /* the socket whose bytes are counted; CURL_SOCKET_BAD: not found yet */
	uint64_t wire_base; /* its bytes when it was found, and h->totals.bytes then */
	int64_t body_base;
	int fault;          /* what a callback failed with; LP_OK: nothing */
	int cut;            /* an error's body was longer than we keep: ended by us */
	int status;         /* when LP_HTTP_FINISHED */
};

struct lp_http {
	struct lp_http_options opt;
	CURLM *multi;
	struct lp_trust trust;
	struct lp_buf warnings; /* texts already told, each ended by a NUL */
	struct lp_http_transfer *list;  /* oldest first */
	struct lp_http_totals totals;
	int watched;            /* descriptor, or -1 */
	int64_t sink_ns;        /* spent by sinks, in all */
	curl_socket_t *sockets; /* those that are open */
	size_t nsockets, sockets_cap;
};

/* ---- answers -------------------------------------------------------------- */

/* Back to nothing arrived, for a new hop or try. */
void lp_http_response_clear(struct lp_http_response *);

/* Say why it failed, escaped. */
void lp_http_explain(struct lp_http_response *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- budgets --------------------------------------------------------------- */

/* What curl calls for each socket of the session (CURLOPT_SOCKOPTFUNCTION, CURLOPT_CLOSESOCKETFUNCTION). */
int lp_http_socket_made(void *h, curl_socket_t, curlsocktype);
int lp_http_socket_close(void *h, curl_socket_t);

/* This much time has gone by, that of the network alone. */
void lp_http_spend(struct lp_http *, int64_t ns);

/* End what has cost too much. When curl has had its turn: what lies in a socket has come in time. */
void lp_http_judge(struct lp_http *);

/* ---- a transfer ------------------------------------------------------------ */

/* Send it: the first time, after a redirect, or once more. It is LP_HTTP_RUNNING then, or LP_HTTP_FINISHED. */
void lp_http_launch(struct lp_http_transfer *);

/* It has ended with a status of lp_http_do. */
void lp_http_finish(struct lp_http_transfer *, int status);

/* Status and length of the answer, as far as it has come, into the response. */
void lp_http_note_head(struct lp_http_transfer *);

/* A connection stood, TLS and all. */
int lp_http_connected(const struct lp_http_transfer *);

/* Take it from curl for good, because of what the server does: LP_HTTP_EXCESS, with these words. */
void lp_http_refuse(struct lp_http_transfer *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Take it from curl and see what this means for it: it is launched anew, LP_HTTP_WAITING or LP_HTTP_FINISHED. */
void lp_http_end_try(struct lp_http_transfer *, CURLcode);

#endif
