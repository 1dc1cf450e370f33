#include "common/sys/http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/format/httpfield.h"
#include "common/sys/io.h"

enum {
	RECEIVE_BUFFER = 256 * 1024,
	CA_MAX = 16 * 1024 * 1024,
	WARNINGS_MAX = 64 * 1024,
	SLIST_MAX = 16, /* headers of one request */
	BACKOFF_MS = 250, /* before the second try, doubled for each further one */
	BACKOFF_CAP_MS = 8000,
	POLL_MS = 1000
};

#define NS_PER_MS INT64_C(1000000)

/* ---- the library --------------------------------------------------------- */

#define SYMBOLS(X)                                                                   \
	X(global_init) X(global_cleanup) X(easy_init) X(easy_cleanup) X(easy_reset)  \
	X(easy_setopt) X(easy_getinfo) X(easy_strerror) X(slist_append)              \
	X(slist_free_all) X(multi_init) X(multi_cleanup) X(multi_setopt)             \
	X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll)    \
	X(multi_info_read) X(url) X(url_cleanup) X(url_set) X(url_get) X(free)

#define MEMBER(name) __typeof__(curl_##name) *name;
static struct { SYMBOLS(MEMBER) } api;
static void *library;

static int
load_library(const char **why)
{
#define ENTRY(name) { "curl_" #name, (void **)(void *)&api.name },
	static const struct { const char *name; void **slot; } table[] = { SYMBOLS(ENTRY) };

	if (library != NULL)
		return LP_OK;
	library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library != NULL && i < sizeof(table) / sizeof(table[0]); i++) {
		*table[i].slot = dlsym(library, table[i].name);
		if (*table[i].slot == NULL) {
			dlclose(library);
			library = NULL;
		}
	}
	if (library == NULL) {
		errno = 0;
		*why = "libcurl.so.4 cannot be loaded";
		return LP_E_SYS;
	}
	return LP_OK;
}

/* ---- structures ----------------------------------------------------------- */

enum phase {
	RUNNING,  /* curl has it */
	WAITING,  /* for its next try */
	FINISHED  /* its owner has not been told yet */
};

struct transfer {
	struct transfer *next;
	struct lp_http *h;
	struct lp_http_request req;
	struct lp_http_response *r;
	lp_http_done *done;
	void *arg;

	enum phase phase;
	CURL *easy;
	struct curl_slist *headers;
	char *url;                     /* of this hop */
	char *past[LP_HTTP_HOPS];      /* of the hops before it */
	char error[CURL_ERROR_SIZE];
	unsigned tries;
	int64_t waited_ms;  /* for tries, in all */
	int64_t wake_ns;
	int64_t idle_ns;    /* of network time since the stall window began */
	uint64_t window;    /* bytes that arrived in it */
	int fault;          /* what a callback failed with; LP_OK: nothing */
	int cut;            /* an error's body was longer than we keep: ended by us */
	int status;         /* when FINISHED */
};

struct lp_http {
	struct lp_http_options opt;
	CURLM *multi;
	struct lp_buf ca;
	struct lp_buf warnings; /* texts already told, each ended by a NUL */
	struct transfer *list;  /* oldest first */
	struct lp_http_totals totals;
	int watched;            /* descriptor, or -1 */
};

/* ---- small things ---------------------------------------------------------- */

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

void
lp_http_options_init(struct lp_http_options *o)
{
	*o = (struct lp_http_options){ .connect_timeout = 15, .stall_timeout = 30, .retries = 3 };
}

/* Escaped into a fixed room; what does not fit is cut. */
static void
put_text(struct lp_span s, char *out, size_t n)
{
	struct lp_buf b = { .p = (unsigned char *)out, .cap = n - 1, .max = n - 1 };

	(void)lp_escape(&b, s, LP_ESCAPE_TERMINAL);
	out[b.n] = '\0';
}

void
lp_http_show(const char *url, char *out, size_t n)
{
	struct lp_span scheme = lp_span(url, 0), rest;
	const char *p = strstr(url, "://");
	size_t host;
	char *end = out;

	if (p != NULL)
		scheme.n = (size_t)(p + 3 - url);
	rest = lp_span(url + scheme.n, strcspn(url + scheme.n, "?#"));
	host = 0;
	while (host < rest.n && rest.p[host] != '/')
		host++;
	/* userinfo ends at the last @ before the path: a password may hold one */
	for (size_t i = host; i > 0; i--)
		if (rest.p[i - 1] == '@') {
			lp_span_take(&rest, i);
			break;
		}
	put_text(scheme, out, n);
	end += strlen(out);
	put_text(rest, end, n - (size_t)(end - out));
}

static void explain(struct lp_http_response *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
explain(struct lp_http_response *r, const char *fmt, ...)
{
	char text[sizeof(r->why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_text(lp_span_str(text), r->why, sizeof(r->why));
}

/* ---- responses ------------------------------------------------------------- */

void
lp_http_response_init(struct lp_http_response *r)
{
	*r = (struct lp_http_response){ .length = -1 };
	lp_buf_init(&r->head, LP_HTTP_HEAD_MAX);
	lp_buf_init(&r->body, LP_HTTP_ERROR_MAX);
}

void
lp_http_response_release(struct lp_http_response *r)
{
	lp_buf_release(&r->head);
	lp_buf_release(&r->body);
}

/* Back to nothing arrived, for a new hop or try. */
static void
response_clear(struct lp_http_response *r)
{
	r->status = 0;
	r->enough = 0;
	r->trouble = LP_HTTP_FINE;
	r->body_bytes = 0;
	r->length = -1;
	lp_buf_clear(&r->head);
	lp_buf_clear(&r->body);
	r->why[0] = '\0';
}

static struct lp_span
trim(struct lp_span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		lp_span_take(&s, 1);
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

struct lp_span
lp_http_header(const struct lp_http_response *r, const char *name, size_t nth)
{
	struct lp_span rest = lp_buf_span(&r->head);
	size_t n = strlen(name);

	while (rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);
		struct lp_span line = lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) + 1 : rest.n);

		if (line.n > n && line.p[n] == ':' &&
		    strncasecmp((const char *)line.p, name, n) == 0 && nth-- == 0) {
			lp_span_take(&line, n + 1);
			line = trim(line);
			/* an empty value is a value */
			return line.n > 0 ? line : lp_span("", 0);
		}
	}
	return lp_span(NULL, 0);
}

/* ---- origins ---------------------------------------------------------------- */

/*
 * libcurl's own reading of URLs, because libcurl is what connects: with a
 * second parser the two could be led to disagree about the host.
 */
static int
url_part(const char *url, CURLUPart part, unsigned flags, char *out, size_t n)
{
	CURLU *u = api.url();
	char *s = NULL;
	int ok = u != NULL && api.url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    api.url_get(u, part, &s, flags) == CURLUE_OK &&
	    snprintf(out, n, "%s", s) < (int)n;

	api.free(s);
	api.url_cleanup(u);
	return ok;
}

int
lp_http_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
	char x[1024], y[1024];

	for (size_t i = 0; i < 3; i++)
		if (!url_part(a, parts[i], CURLU_DEFAULT_PORT, x, sizeof(x)) ||
		    !url_part(b, parts[i], CURLU_DEFAULT_PORT, y, sizeof(y)) ||
		    strcasecmp(x, y) != 0)
			return 0;
	return 1;
}

/* `to` as seen from `from`: absolute, owned by the caller; NULL if it cannot be read. */
static char *
resolve(const char *from, const char *to)
{
	CURLU *u = api.url();
	char *s = NULL, *copy = NULL;

	if (u != NULL && api.url_set(u, CURLUPART_URL, from, 0) == CURLUE_OK &&
	    api.url_set(u, CURLUPART_URL, to, CURLU_URLENCODE) == CURLUE_OK &&
	    api.url_get(u, CURLUPART_URL, &s, 0) == CURLUE_OK)
		copy = strdup(s);
	api.free(s);
	api.url_cleanup(u);
	return copy;
}

static int
is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

/* ---- what curl calls ---------------------------------------------------------- */

static size_t
on_header(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	t->window += n;
	/* a status line: 100 Continue came before it, or nothing */
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0)
		lp_buf_clear(&t->r->head);
	t->fault = lp_buf_add(&t->r->head, lp_span(p, n));
	return t->fault == LP_OK ? n : 0;
}

static int
answer_status(struct transfer *t)
{
	long code = 0;

	(void)api.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	return (int)code;
}

static void
note_head(struct transfer *t)
{
	curl_off_t length = -1;

	t->r->status = answer_status(t);
	(void)api.easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->r->length = length;
}

static int
collect(struct transfer *t, int good, struct lp_span s)
{
	struct lp_buf *b = &t->r->body;

	if (good)
		return lp_buf_add(b, s);
	if (s.n > b->max - b->n) {
		s.n = b->max - b->n;
		t->cut = 1;
	}
	return lp_buf_add(b, s);
}

static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct transfer *t = arg;
	int good;

	(void)one;
	t->window += n;
	t->h->totals.bytes += (int64_t)n;
	if (t->r->body_bytes == 0) {
		note_head(t);
		t->r->body.max = t->r->status / 100 == 2 && t->req.sink == NULL ? t->req.max : LP_HTTP_ERROR_MAX;
	}
	t->r->body_bytes += n;
	good = t->r->status / 100 == 2;
	if (good && t->req.sink != NULL)
		t->fault = t->req.sink(t->req.arg, t->r, lp_span(p, n));
	else
		t->fault = collect(t, good, lp_span(p, n));
	return t->fault == LP_OK && !t->cut ? n : 0;
}

/* ---- one try ------------------------------------------------------------------ */

static int
add_headers(struct transfer *t, const char *const *lines)
{
	for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
		struct curl_slist *l;

		/* a line end in a header would begin another one */
		if (strpbrk(lines[i], "\r\n") != NULL)
			return LP_E_DATA;
		l = api.slist_append(t->headers, lines[i]);
		if (l == NULL)
			return LP_E_NOMEM;
		t->headers = l;
	}
	return LP_OK;
}

static int
make_headers(struct transfer *t)
{
	static const char *const always[] = { "Accept-Encoding: identity", NULL };
	int rc;

	api.slist_free_all(t->headers);
	t->headers = NULL;
	rc = add_headers(t, always);
	rc = rc != LP_OK ? rc : add_headers(t, t->req.headers);
	if (rc == LP_OK && !t->r->moved)
		rc = add_headers(t, t->req.secrets);
	return rc;
}

#define SET(option, value) (void)api.easy_setopt(t->easy, option, value)

static void
set_trust(struct transfer *t)
{
	struct curl_blob ca = { t->h->ca.p, t->h->ca.n, CURL_BLOB_NOCOPY };

	/* no default places: the lock has shut them, and --cacert means it */
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	/* a system's authorities take longer to read than a near server to answer */
	if (ca.len > 0 && !t->req.probe)
		SET(CURLOPT_CAINFO_BLOB, &ca);
	if (t->h->opt.insecure || t->req.probe) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void
set_method(struct transfer *t)
{
	if (strcmp(t->req.method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (strcmp(t->req.method, "POST") == 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, t->req.body.n > 0 ? (const char *)t->req.body.p : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->req.body.n);
	}
}

static void
set_all(struct transfer *t)
{
	api.easy_reset(t->easy);
	SET(CURLOPT_URL, t->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_USERAGENT, "layer-peek/" LP_VERSION);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* rather a stream of a connection than a connection; without TLS there are no streams to wait for */
	SET(CURLOPT_PIPEWAIT, strncmp(t->url, "https:", 6) == 0 ? 1L : 0L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	SET(CURLOPT_CONNECTTIMEOUT, (long)t->h->opt.connect_timeout);
	SET(CURLOPT_ERRORBUFFER, t->error);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_PRIVATE, t);
	/* a connection that others may not use would keep them from waiting for one that they may share */
	SET(CURLOPT_FORBID_REUSE, (long)t->req.probe);
	set_method(t);
	set_trust(t);
}

static void
finish(struct transfer *t, int status)
{
	t->phase = FINISHED;
	t->status = status;
}

/* Send it: the first time, after a redirect, or once more. */
static void
launch(struct transfer *t)
{
	int rc;

	response_clear(t->r);
	lp_http_show(t->url, t->r->where, sizeof(t->r->where));
	t->error[0] = '\0';
	t->fault = LP_OK;
	t->cut = 0;
	t->idle_ns = 0;
	t->window = 0;
	rc = make_headers(t);
	if (rc == LP_OK) {
		set_all(t);
		t->phase = RUNNING;
		t->h->totals.requests++;
		rc = api.multi_add_handle(t->h->multi, t->easy) == CURLM_OK ? LP_OK : LP_E_NOMEM;
	} else if (rc == LP_E_DATA) {
		explain(t->r, "a header of the request holds a line end");
	}
	if (rc != LP_OK)
		finish(t, rc);
}

/* ---- after a try ---------------------------------------------------------------- */

/* Warnings and the rate limit, whatever the answer was. */
static void
read_notices(struct transfer *t)
{
	struct lp_http *h = t->h;
	struct lp_span s = lp_http_header(t->r, "RateLimit-Remaining", 0);
	uint64_t left;

	if (s.p != NULL && lp_ratelimit(s, &left) == LP_OK)
		h->totals.ratelimit_remaining = (int64_t)left;
	for (size_t i = 0; h->opt.warning != NULL && i < SLIST_MAX; i++) {
		struct lp_span text = lp_http_header(t->r, "Warning", i);

		if (text.p == NULL)
			break;
		text = lp_warning_text(text);
		if (text.p == NULL || (h->warnings.n > 0 && memmem(h->warnings.p, h->warnings.n, text.p, text.n) != NULL))
			continue;
		/* without the memory for it, one is told twice */
		(void)lp_buf_add(&h->warnings, text);
		(void)lp_buf_addc(&h->warnings, '\0');
		h->opt.warning(text);
	}
}

static int
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* A try later, if there is one left and it is not too late. 0: no. */
static int
again_after(struct transfer *t, int64_t ms)
{
	if (t->tries >= t->h->opt.retries || t->waited_ms + ms > LP_HTTP_PATIENCE * 1000)
		return 0;
	t->tries++;
	t->waited_ms += ms;
	t->wake_ns = now_ns() + ms * NS_PER_MS;
	t->phase = WAITING;
	return 1;
}

/* Half of it fixed, half of it by lot, so that many who failed together do not come back together. */
static int64_t
backoff_ms(unsigned tries)
{
	int64_t ms = tries < 6 ? BACKOFF_MS << tries : BACKOFF_CAP_MS;
	uint32_t lot = 0;

	ms = ms < BACKOFF_CAP_MS ? ms : BACKOFF_CAP_MS;
	if (getrandom(&lot, sizeof(lot), GRND_NONBLOCK) != (ssize_t)sizeof(lot))
		lot = (uint32_t)now_ns();
	return ms / 2 + (int64_t)lot % (ms / 2 + 1);
}

/* After a 429 or 5xx answer. */
static int
try_again(struct transfer *t)
{
	struct lp_span s = lp_http_header(t->r, "Retry-After", 0);
	uint64_t seconds;

	if (s.p == NULL || lp_retry_after(s, (int64_t)time(NULL), &seconds) != LP_OK)
		return again_after(t, backoff_ms(t->tries));
	if (seconds > LP_HTTP_PATIENCE)
		return 0;
	/* a little later than asked: a server's clock is not ours */
	return again_after(t, (int64_t)seconds * 1000 + backoff_ms(0));
}

static void
follow(struct transfer *t)
{
	struct lp_span s = lp_http_header(t->r, "Location", 0);
	char *to = NULL, *location = s.n > 0 ? strndup((const char *)s.p, s.n) : NULL;
	char shown[256] = "";

	if (location != NULL)
		to = resolve(t->url, location);
	free(location);
	if (to != NULL)
		lp_http_show(to, shown, sizeof(shown));
	if (to == NULL)
		explain(t->r, "redirect (HTTP %d) to no URL that can be read", t->r->status);
	else if (strncasecmp(to, "http:", 5) != 0 && !is_https(to))
		explain(t->r, "redirect to %s refused: neither http nor https", shown);
	else if (is_https(t->url) && !is_https(to))
		explain(t->r, "redirect from https to %s refused", shown);
	else if (t->r->hops == LP_HTTP_HOPS)
		explain(t->r, "more than %d redirects, the last to %s", LP_HTTP_HOPS, shown);
	else
		for (int i = 0; i <= t->r->hops; i++)
			if (strcmp(to, i < t->r->hops ? t->past[i] : t->url) == 0)
				explain(t->r, "redirects run in a circle, back to %s", shown);
	if (t->r->why[0] != '\0') {
		free(to);
		finish(t, LP_E_NET);
		return;
	}
	t->past[t->r->hops++] = t->url;
	t->url = to;
	t->r->moved = t->r->moved || !lp_http_same_origin(t->req.url, to);
	launch(t);
}

/* A connection stood, TLS and all. */
static int
connected(const struct transfer *t)
{
	curl_off_t us = 0;

	(void)api.easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	return us != 0;
}

static int
worth_another_try(CURLcode c)
{
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
answered(struct transfer *t)
{
	int status = t->r->status;

	if (is_redirect(status) && strcmp(t->req.method, "POST") != 0) {
		follow(t);
		return;
	}
	if ((status == 429 || status == 500 || (status >= 502 && status <= 504)) && try_again(t))
		return;
	finish(t, LP_OK);
}

static enum lp_http_trouble
trouble(const struct transfer *t, CURLcode code)
{
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
		return connected(t) ? LP_HTTP_BROKEN : LP_HTTP_UNREACHABLE;
	default:
		return LP_HTTP_BROKEN;
	}
}

static void
failed(struct transfer *t, CURLcode code)
{
	/* what a sink was given cannot be taken back: its owner decides how to go on */
	int given = t->req.sink != NULL && t->r->status / 100 == 2;

	t->r->trouble = trouble(t, code);
	if (!given && strcmp(t->req.method, "POST") != 0 && worth_another_try(code) &&
	    !(t->req.probe && t->r->trouble == LP_HTTP_UNREACHABLE) && again_after(t, backoff_ms(t->tries)))
		return;
	if (t->r->why[0] == '\0')
		explain(t->r, "%s", t->error[0] != '\0' ? t->error : api.easy_strerror(code));
	finish(t, LP_E_NET);
}

/* A try is over; curl no longer has the handle. */
static void
settle(struct transfer *t, CURLcode code)
{
	note_head(t);
	read_notices(t);
	if (t->fault == LP_HTTP_ENOUGH) {
		t->r->enough = 1;
		finish(t, LP_OK);
	} else if (t->fault != LP_OK) {
		if (t->fault == LP_E_LIMIT)
			explain(t->r, "the answer is larger than we take");
		finish(t, t->fault);
	} else if (code == CURLE_OUT_OF_MEMORY) {
		finish(t, LP_E_NOMEM);
	} else if (code == CURLE_OK || t->cut || (code == CURLE_PARTIAL_FILE && t->r->status / 100 != 2)) {
		/* an error's text need not be whole to be an answer */
		answered(t);
	} else {
		failed(t, code);
	}
}

static void
end_try(struct transfer *t, CURLcode code)
{
	(void)api.multi_remove_handle(t->h->multi, t->easy);
	settle(t, code);
}

/* ---- all together --------------------------------------------------------------- */

static void
forget(struct transfer *t)
{
	struct transfer **p = &t->h->list;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (t->phase == RUNNING)
		(void)api.multi_remove_handle(t->h->multi, t->easy);
	if (t->easy != NULL)
		api.easy_cleanup(t->easy);
	api.slist_free_all(t->headers);
	for (size_t i = 0; i < LP_HTTP_HOPS; i++)
		free(t->past[i]);
	free(t->url);
	free(t);
}

static struct transfer *
new_transfer(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r)
{
	struct transfer *t = calloc(1, sizeof(*t)), **p;

	if (t == NULL)
		return NULL;
	t->h = h;
	t->req = *req;
	t->r = r;
	for (p = &h->list; *p != NULL; p = &(*p)->next)
		;
	*p = t;
	t->phase = FINISHED;
	t->easy = api.easy_init();
	t->url = strdup(req->url);
	if (t->easy == NULL || t->url == NULL) {
		forget(t);
		return NULL;
	}
	r->hops = 0;
	r->moved = 0;
	launch(t);
	return t;
}

/* Those that have waited long enough are sent; how long until the next one, at most POLL_MS. */
static int
wake(struct lp_http *h)
{
	int64_t now = now_ns(), wait = POLL_MS;

	for (struct transfer *t = h->list; t != NULL; t = t->next) {
		int64_t ms = (t->wake_ns - now + NS_PER_MS - 1) / NS_PER_MS;

		if (t->phase != WAITING)
			continue;
		if (ms <= 0)
			launch(t);
		else if (ms < wait)
			wait = ms;
	}
	return (int)wait;
}

/*
 * Only time spent waiting for the network counts: a slow reader of ours
 * makes no server slow. While it connects, the connect time-out rules.
 */
static void
watch_stalls(struct lp_http *h, int64_t ns)
{
	int64_t limit = (int64_t)h->opt.stall_timeout * 1000 * NS_PER_MS;

	for (struct transfer *t = h->list; t != NULL && limit > 0; t = t->next) {
		if (t->phase != RUNNING || !connected(t))
			continue;
		t->idle_ns += ns;
		if (t->idle_ns < limit)
			continue;
		if (t->window < LP_HTTP_STALL_MIN) {
			note_head(t);
			snprintf(t->error, sizeof(t->error), "stalled: %llu bytes in %u seconds",
			    (unsigned long long)t->window, h->opt.stall_timeout);
			end_try(t, CURLE_OPERATION_TIMEDOUT);
		} else {
			t->idle_ns = 0;
			t->window = 0;
		}
	}
}

/* A pipe says that its reader has gone by an error, a socket by a hang-up. */
static int
reader_is_gone(const struct lp_http *h)
{
	struct pollfd p = { .fd = h->watched };

	return h->watched >= 0 && poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

static void
end_all(struct lp_http *h, int status)
{
	for (struct transfer *t = h->list; t != NULL; t = t->next) {
		if (t->phase == RUNNING)
			(void)api.multi_remove_handle(h->multi, t->easy);
		if (t->phase != FINISHED)
			finish(t, status);
	}
}

/* Let the network happen for a moment. */
static int
step(struct lp_http *h)
{
	/* no events: what ends the wait is what nobody has to ask for */
	struct curl_waitfd watched = { .fd = h->watched };
	int wait = wake(h), running, left;
	int64_t before;
	CURLMsg *m;

	if (api.multi_perform(h->multi, &running) != CURLM_OK)
		return LP_E_NOMEM;
	while ((m = api.multi_info_read(h->multi, &left)) != NULL) {
		struct transfer *t = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)api.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		end_try(t, code);
		wait = 0;
	}
	if (wait == 0)
		return LP_OK;
	before = now_ns();
	if (api.multi_poll(h->multi, &watched, h->watched >= 0, wait, NULL) != CURLM_OK)
		return LP_E_NOMEM;
	if (reader_is_gone(h))
		end_all(h, LP_E_PIPE);
	watch_stalls(h, now_ns() - before);
	return LP_OK;
}

int
lp_http_start(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r,
    lp_http_done *done, void *arg)
{
	struct transfer *t = new_transfer(h, req, r);

	if (t == NULL)
		return LP_E_NOMEM;
	t->done = done;
	t->arg = arg;
	return LP_OK;
}

int
lp_http_do(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r)
{
	struct transfer *t = new_transfer(h, req, r);
	int rc = t != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && t->phase != FINISHED)
		rc = step(h);
	if (t != NULL) {
		rc = rc != LP_OK ? rc : t->status;
		forget(t);
	}
	return rc;
}

int
lp_http_run(struct lp_http *h, void (*tick)(void *), void *arg)
{
	int rc = LP_OK;

	while (rc == LP_OK && h->list != NULL) {
		struct transfer *t = h->list;

		while (t != NULL && t->phase != FINISHED)
			t = t->next;
		if (t != NULL) {
			lp_http_done *done = t->done;
			void *owner = t->arg;
			struct lp_http_response *r = t->r;
			int status = t->status;

			forget(t);
			done(owner, status, r);
		} else {
			rc = step(h);
		}
		if (tick != NULL)
			tick(arg);
	}
	return rc;
}

/* ---- sessions ---------------------------------------------------------------------- */

/* Where Debian, Fedora, SUSE and Alpine keep the authorities. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
};

static int
read_bundle(struct lp_buf *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return LP_E_SYS;
	rc = lp_read_all(fd, b);
	close(fd);
	return rc;
}

static int
read_authorities(struct lp_http *h, const char **why)
{
	const char *named = h->opt.cacert != NULL ? h->opt.cacert : getenv("SSL_CERT_FILE");
	int rc;

	if (named != NULL && *named != '\0') {
		rc = read_bundle(&h->ca, named);
		*why = "the certificate authorities cannot be read";
		return rc == LP_E_LIMIT ? LP_E_DATA : rc;
	}
	/* none is no failure yet: plain http needs none, and TLS will say so */
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (read_bundle(&h->ca, bundles[i]) == LP_OK)
			break;
	return LP_OK;
}

int
lp_http_open(struct lp_http **out, const struct lp_http_options *opt, const char **why)
{
	struct lp_http *h;
	int rc = load_library(why);

	if (rc != LP_OK)
		return rc;
	*why = "the network library cannot be started";
	errno = 0;
	if (api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return LP_E_SYS;
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		api.global_cleanup();
		return LP_E_NOMEM;
	}
	h->opt = *opt;
	h->totals.ratelimit_remaining = -1;
	h->watched = -1;
	lp_buf_init(&h->ca, CA_MAX);
	lp_buf_init(&h->warnings, WARNINGS_MAX);
	h->multi = api.multi_init();
	rc = h->multi != NULL ? read_authorities(h, why) : LP_E_NOMEM;
	if (rc != LP_OK)
		lp_http_close(h);
	else
		*out = h;
	return rc;
}

void
lp_http_close(struct lp_http *h)
{
	if (h == NULL)
		return;
	while (h->list != NULL)
		forget(h->list);
	if (h->multi != NULL)
		(void)api.multi_cleanup(h->multi);
	lp_buf_release(&h->ca);
	lp_buf_release(&h->warnings);
	free(h);
	api.global_cleanup();
}

void
lp_http_watch(struct lp_http *h, int fd)
{
	h->watched = fd;
}

struct lp_http_totals
lp_http_totals(const struct lp_http *h)
{
	return h->totals;
}
