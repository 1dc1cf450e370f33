/* Decides what follows a finished try: answer, redirect, retry or failure. */
#include "common/net/http_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/base/status.h"
#include "common/net/httpfield.h"
#include "common/net/retry.h"
#include "common/oci/reference.h"
#include "common/sys/clock.h"

enum { WARNINGS_EACH = 16 }; /* of one answer */

static int
is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

/* Each text once. */
static void
warn(struct lp_http *h, struct lp_span text)
{
	for (size_t i = 0; i < h->warnings.n;) {
		struct lp_span told = lp_span_str((const char *)h->warnings.p + i);

		if (lp_span_eq(told, text))
			return;
		i += told.n + 1;
	}
	/* without the memory for it, one is told twice */
	if (lp_buf_add(&h->warnings, text) != LP_OK || lp_buf_addc(&h->warnings, '\0') != LP_OK)
		h->warnings.n = 0;
	h->opt.warning(text);
}

/* Warnings and the rate limit, whatever the answer was. */
static void
read_notices(struct lp_http_transfer *t)
{
	struct lp_http *h = t->h;
	struct lp_span s = lp_http_header(t->r, "RateLimit-Remaining", 0);
	size_t told = 0;
	uint64_t left;

	if (s.p != NULL && lp_ratelimit(s, &left) == LP_OK)
		h->totals.ratelimit_remaining = (int64_t)left;
	for (size_t i = 0; h->opt.warning != NULL && told < WARNINGS_EACH; i++) {
		struct lp_span field = lp_http_header(t->r, "Warning", i), text;

		if (field.p == NULL)
			break;
		for (; told < WARNINGS_EACH && (text = lp_warning_next(&field)).p != NULL; told++)
			warn(h, text);
	}
}

static int
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A try later, if there is one left and it is not too late. 0: no. */
static int
again_after(struct lp_http_transfer *t, int64_t ms)
{
	if (t->req.hasty || t->tries >= t->h->opt.retries || t->waited_ms + ms > LP_HTTP_PATIENCE * 1000)
		return 0;
	t->tries++;
	t->waited_ms += ms;
	t->wake_ns = lp_clock_ns() + ms * LP_HTTP_NS_PER_MS;
	t->phase = LP_HTTP_WAITING;
	return 1;
}

/* For what comes by lot: there need not be much chance in it. */
static uint32_t
draw(void)
{
	uint32_t lot = 0;

	if (getrandom(&lot, sizeof(lot), GRND_NONBLOCK) != (ssize_t)sizeof(lot))
		lot = (uint32_t)lp_clock_ns();
	return lot;
}

/* After a 429 or 5xx answer. */
static int
try_again(struct lp_http_transfer *t)
{
	int64_t ms = lp_retry_wait(lp_http_header(t->r, "Retry-After", 0), (int64_t)time(NULL), t->tries, draw(),
	    LP_HTTP_PATIENCE);

	return ms >= 0 && again_after(t, ms);
}

static void
follow(struct lp_http_transfer *t)
{
	struct lp_span s = lp_http_header(t->r, "Location", 0);
	char *to = NULL, *location = s.n > 0 ? strndup((const char *)s.p, s.n) : NULL;
	char shown[256] = "";

	if (location != NULL)
		to = lp_http_resolve(t->url, location);
	free(location);
	if (to != NULL)
		lp_reference_show(to, shown, sizeof(shown));
	if (to == NULL)
		lp_http_explain(t->r, "redirect (HTTP %d) to no URL that can be read", t->r->status);
	else if (strncasecmp(to, "http:", 5) != 0 && !is_https(to))
		lp_http_explain(t->r, "redirect to %s refused: neither http nor https", shown);
	else if (is_https(t->url) && !is_https(to))
		lp_http_explain(t->r, "redirect from https to %s refused", shown);
	else if (t->r->hops == LP_HTTP_HOPS)
		lp_http_explain(t->r, "more than %d redirects, the last to %s", LP_HTTP_HOPS, shown);
	else
		for (int i = 0; i <= t->r->hops; i++)
			if (strcmp(to, i < t->r->hops ? t->past[i] : t->url) == 0)
				lp_http_explain(t->r, "redirects run in a circle, back to %s", shown);
	if (t->r->why[0] != '\0') {
		free(to);
		lp_http_finish(t, LP_E_NET);
		return;
	}
	t->past[t->r->hops++] = t->url;
	t->url = to;
	t->r->moved = t->r->moved || !lp_http_same_origin(t->req.url, to);
	lp_http_launch(t);
}

int
lp_http_connected(const struct lp_http_transfer *t)
{
	curl_off_t us = 0;

	(void)lp_http_api.easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	return us != 0;
}

static int
is_post(const struct lp_http_transfer *t)
{
	return strcmp(t->req.method, "POST") == 0;
}

/* What a proxy answered to CONNECT; 0: no such answer, or that it may be passed. */
static int
proxy_refusal(const struct lp_http_transfer *t)
{
	long code = 0;

	(void)lp_http_api.easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &code);
	return code / 100 != 2 ? (int)code : 0;
}

/* Statuses that another time may not have. After 429 and 503 nothing was done; after the others a POST may have been. */
static int
is_passing(int status, int post)
{
	return status == 429 || status == 503 || (!post && (status == 500 || status == 502 || status == 504));
}

static int
worth_another_try(const struct lp_http_transfer *t, CURLcode c)
{
	if (proxy_refusal(t) != 0)
		return is_passing(proxy_refusal(t), 0);
	if (is_post(t) && t->r->trouble != LP_HTTP_UNREACHABLE)
		return 0;
	if (t->req.probe && t->r->trouble == LP_HTTP_UNREACHABLE)
		return 0;
	switch (c) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return 1;
	default:
		return 0;
	}
}

static void
answered(struct lp_http_transfer *t)
{
	int status = t->r->status;

	/* a probe has been answered: whose answer it is does not matter */
	if (is_redirect(status) && !is_post(t) && !t->req.probe) {
		follow(t);
		return;
	}
	if (is_passing(status, is_post(t)) && try_again(t))
		return;
	lp_http_finish(t, LP_OK);
}

static enum lp_http_trouble
trouble(const struct lp_http_transfer *t, CURLcode code)
{
	if (proxy_refusal(t) != 0)
		return LP_HTTP_BROKEN;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
		return LP_HTTP_UNREACHABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		return LP_HTTP_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT:
		return lp_http_connected(t) ? LP_HTTP_BROKEN : LP_HTTP_UNREACHABLE;
	/* what is longer than libcurl takes has no other name */
	case CURLE_OUT_OF_MEMORY:
		return LP_HTTP_EXCESS;
	default:
		return LP_HTTP_BROKEN;
	}
}

/* "Failed to connect to HOST port N": if the URL has another HOST or N, it is a proxy's. IPv6 looks different in URLs. */
static int
is_proxys(const struct lp_http_transfer *t)
{
	char host[256], port[8], both[sizeof(host) + sizeof(port)];
	const char *at = strstr(t->error, "connect to ");

	if (at == NULL || sscanf(at, "connect to %255[^ :] port %7[0-9]", host, port) != 2)
		return 0;
	snprintf(both, sizeof(both), "%s:%s", host, port);
	if (strcasestr(t->url, both) != NULL)
		return 0;
	return strcasestr(t->url, host) == NULL || (strcmp(port, "80") != 0 && strcmp(port, "443") != 0);
}

/* curl says what happened; this, what can be done about it. */
static const char *
remedy(const struct lp_http_transfer *t, CURLcode code)
{
	if (proxy_refusal(t) == 407)
		return " (the proxy that the environment names takes no other user or password)";
	/* in the words of OpenSSL: the alerts of TLS 1.3, and of those before it */
	if (strstr(t->error, "alert certificate required") != NULL || strstr(t->error, "alert handshake failure") != NULL ||
	    strstr(t->error, "alert bad certificate") != NULL)
		return " (it may want a client certificate: --cert=FILE and --key=FILE)";
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		return strstr(t->error, "local issuer") != NULL || strstr(t->error, "self") != NULL ?
		    " (--cacert=FILE names an authority to trust)" : "";
	case CURLE_SSL_CACERT_BADFILE:
		return " (no certificates in what --cacert, SSL_CERT_FILE or certs.d has?)";
	case CURLE_SSL_CERTPROBLEM:
		return " (no PEM, not its key, or behind a passphrase: what --cert, --key or certs.d has?)";
	case CURLE_SSL_CONNECT_ERROR:
		return strstr(t->error, "wrong version number") != NULL ? " (it may speak plain http: --plain-http, or http:// in a URL)" : "";
	case CURLE_OUT_OF_MEMORY:
		return " (or a line of the headers is longer than libcurl takes)";
	case CURLE_COULDNT_CONNECT:
		return is_proxys(t) ? " (the proxy that the environment names)" : "";
	default:
		return "";
	}
}

/* Whose certificate it is: not always that of the server that the user named. */
static const char *
whose(const struct lp_http_transfer *t, char host[], size_t n)
{
	if (t->r->trouble != LP_HTTP_UNTRUSTED || strncmp(t->r->where, "https://", 8) != 0)
		return "";
	snprintf(host, n, ", of %.*s", (int)strcspn(t->r->where + 8, "/?#"), t->r->where + 8);
	return host;
}

static void
failed(struct lp_http_transfer *t, CURLcode code)
{
	char host[512];
	/* what a sink was given cannot be taken back: its owner decides how to go on */
	int given = t->req.sink != NULL && t->r->status / 100 == 2;

	t->r->trouble = trouble(t, code);
	if (!given && worth_another_try(t, code) && again_after(t, lp_retry_backoff(t->tries, draw())))
		return;
	if (t->r->why[0] == '\0')
		lp_http_explain(t->r, "%s%s%s", t->error[0] != '\0' ? t->error : lp_http_api.easy_strerror(code),
		    whose(t, host, sizeof(host)), remedy(t, code));
	lp_http_finish(t, LP_E_NET);
}

/* A try is over; curl no longer has the handle. */
static void
settle(struct lp_http_transfer *t, CURLcode code)
{
	lp_http_note_head(t);
	read_notices(t);
	if (t->fault == LP_HTTP_ENOUGH) {
		t->r->enough = 1;
		lp_http_finish(t, LP_OK);
	} else if (t->fault != LP_OK) {
		if (t->fault == LP_E_LIMIT)
			lp_http_explain(t->r, "the answer is larger than we take");
		lp_http_finish(t, t->fault);
	} else if (code == CURLE_OK || t->cut || (code == CURLE_PARTIAL_FILE && t->r->status / 100 != 2)) {
		/* an error's text need not be whole to be an answer */
		answered(t);
	} else {
		failed(t, code);
	}
}

void
lp_http_refuse(struct lp_http_transfer *t, const char *fmt, ...)
{
	char text[sizeof(t->r->why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)lp_http_api.multi_remove_handle(t->h->multi, t->easy);
	lp_http_note_head(t);
	t->r->trouble = LP_HTTP_EXCESS;
	lp_http_explain(t->r, "%s", text);
	lp_http_finish(t, LP_E_NET);
}

void
lp_http_end_try(struct lp_http_transfer *t, CURLcode code)
{
	(void)lp_http_api.multi_remove_handle(t->h->multi, t->easy);
	settle(t, code);
}
