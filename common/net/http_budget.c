/*
 * What a server may cost. A body brings LP_HTTP_STALL_MIN bytes in each
 * stall time-out, a document is there after LP_HTTP_WINDOWS of them, and
 * what arrives and is no body is not more than the bodies and
 * LP_HTTP_OVERHEAD: headers have a bound of their own, but the extensions of
 * chunks, frames and records have none.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/net/http_priv.h"

/* A step that took longer was not the network's: we were stopped, or had no processor. */
enum { STEP_MAX_MS = 2000 };

void
lp_http_spend(struct lp_http *h, int64_t ns)
{
	if (ns > STEP_MAX_MS * LP_HTTP_NS_PER_MS)
		ns = STEP_MAX_MS * LP_HTTP_NS_PER_MS;
	for (struct lp_http_transfer *t = h->list; t != NULL; t = t->next)
		/* while it connects, the connect time-out rules */
		if (t->phase == LP_HTTP_RUNNING && lp_http_connected(t)) {
			t->idle_ns += ns;
			t->spent_ns += ns;
		}
}

int
lp_http_socket_made(void *arg, curl_socket_t s, curlsocktype type)
{
	struct lp_http *h = arg;
	curl_socket_t *v = lp_array_room(h->sockets, h->nsockets, &h->sockets_cap, sizeof(*v));

	(void)type;
	/* without the memory for it, its bytes are not counted */
	if (v != NULL) {
		h->sockets = v;
		v[h->nsockets++] = s;
	}
	return CURL_SOCKOPT_OK;
}

int
lp_http_socket_close(void *arg, curl_socket_t s)
{
	struct lp_http *h = arg;

	for (size_t i = 0; i < h->nsockets; i++)
		if (h->sockets[i] == s) {
			h->sockets[i] = h->sockets[--h->nsockets];
			break;
		}
	return close(s);
}

static long
local_port(curl_socket_t s)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .any.sa_family = AF_UNSPEC };
	socklen_t n = sizeof(a);

	if (getsockname(s, &a.any, &n) != 0)
		return 0;
	return a.any.sa_family == AF_INET ? ntohs(a.v4.sin_port) : a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port) : 0;
}

static uint64_t
received(curl_socket_t s)
{
	struct tcp_info info = { .tcpi_bytes_received = 0 };
	socklen_t n = sizeof(info);

	return getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_received : 0;
}

/*
 * Bytes that came by the connection that it has, since it was first seen on
 * it. libcurl tells its port while it runs, and no more; one that has died is
 * replaced meanwhile, often by a socket of the same number.
 */
static uint64_t
wire_bytes(struct lp_http_transfer *t)
{
	struct lp_http *h = t->h;
	long port = 0;

	if (lp_http_api.easy_getinfo(t->easy, CURLINFO_LOCAL_PORT, &port) != CURLE_OK || port == 0)
		return 0;
	if (t->wire != CURL_SOCKET_BAD && local_port(t->wire) == port)
		return received(t->wire) - t->wire_base;
	t->wire = CURL_SOCKET_BAD;
	for (size_t i = 0; i < h->nsockets && t->wire == CURL_SOCKET_BAD; i++)
		if (local_port(h->sockets[i]) == port)
			t->wire = h->sockets[i];
	t->wire_base = t->wire != CURL_SOCKET_BAD ? received(t->wire) : 0;
	t->body_base = h->totals.bytes;
	return 0;
}

unsigned
lp_http_document_seconds(const struct lp_http *h)
{
	return LP_HTTP_WINDOWS * h->opt.stall_timeout;
}

static void
judge(struct lp_http_transfer *t, int64_t limit)
{
	uint64_t body;

	if (limit > 0 && t->req.sink == NULL && t->spent_ns >= LP_HTTP_WINDOWS * limit) {
		lp_http_refuse(t, "no whole answer in %u seconds", lp_http_document_seconds(t->h));
	} else if (limit > 0 && t->idle_ns >= limit && t->window < LP_HTTP_STALL_MIN) {
		lp_http_note_head(t);
		snprintf(t->error, sizeof(t->error), "stalled: %llu bytes in %u seconds",
		    (unsigned long long)t->window, t->h->opt.stall_timeout);
		lp_http_end_try(t, CURLE_OPERATION_TIMEDOUT);
	} else {
		if (t->idle_ns >= limit) {
			t->idle_ns = 0;
			t->window = 0;
		}
		body = (uint64_t)(t->h->totals.bytes - t->body_base);
		if (wire_bytes(t) > LP_HTTP_OVERHEAD + 2 * body)
			lp_http_refuse(t, "more than %d MiB arrived that are no part of the answer", LP_HTTP_OVERHEAD >> 20);
	}
}

void
lp_http_judge(struct lp_http *h)
{
	int64_t limit = (int64_t)h->opt.stall_timeout * 1000 * LP_HTTP_NS_PER_MS;

	for (struct lp_http_transfer *t = h->list; t != NULL; t = t->next)
		if (t->phase == LP_HTTP_RUNNING && lp_http_connected(t))
			judge(t, limit);
}
