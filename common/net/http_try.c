/* One try of a request: options set, headers and body received within limits. */
#include "common/net/http_priv.h"

#include <string.h>

#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/sys/clock.h"

enum { RECEIVE_BUFFER = 256 * 1024 };

/* ---- what curl calls ---------------------------------------------------------- */

static size_t
on_header(char *p, size_t one, size_t n, void *arg)
{
	struct lp_http_transfer *t = arg;

	(void)one;
	t->head_bytes += n;
	if (t->head_bytes > LP_HTTP_HEAD_MAX) {
		t->r->trouble = LP_HTTP_EXCESS;
		t->fault = LP_E_NET;
		lp_http_explain(t->r, "headers of more than %d KiB", LP_HTTP_HEAD_MAX >> 10);
		return 0;
	}
	/* a status line: 100 Continue came before it, or nothing */
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		lp_buf_clear(&t->r->head);
		t->headed = 0;
	}
	if (!t->headed)
		t->fault = lp_buf_add(&t->r->head, lp_span(p, n));
	if (n <= 2)
		t->headed = 1;
	return t->fault == LP_OK ? n : 0;
}

static int
answer_status(struct lp_http_transfer *t)
{
	long code = 0;

	(void)lp_http_api.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	return (int)code;
}

void
lp_http_note_head(struct lp_http_transfer *t)
{
	curl_off_t length = -1;

	t->r->status = answer_status(t);
	(void)lp_http_api.easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	t->r->length = length;
}

static int
collect(struct lp_http_transfer *t, int good, struct lp_span s)
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

/* A reader of ours that is slow makes no server slow. */
static int
give(struct lp_http_transfer *t, struct lp_span s)
{
	int64_t before = lp_clock_ns();
	int rc = t->req.sink(t->req.arg, t->r, s);

	t->h->sink_ns += lp_clock_ns() - before;
	return rc;
}

static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct lp_http_transfer *t = arg;
	int good;

	(void)one;
	t->window += n;
	t->h->totals.bytes += (int64_t)n;
	if (t->r->body_bytes == 0) {
		lp_http_note_head(t);
		t->r->body.max = t->r->status / 100 == 2 && t->req.sink == NULL ? t->req.max : LP_HTTP_ERROR_MAX;
	}
	t->r->body_bytes += n;
	good = t->r->status / 100 == 2;
	if (good && t->req.sink != NULL)
		t->fault = give(t, lp_span(p, n));
	else
		t->fault = collect(t, good, lp_span(p, n));
	return t->fault == LP_OK && !t->cut ? n : 0;
}

/* ---- what is sent -------------------------------------------------------------- */

static int
add_headers(struct lp_http_transfer *t, const char *const *lines)
{
	for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
		struct curl_slist *l;

		/* a line end in a header would begin another one */
		if (strpbrk(lines[i], "\r\n") != NULL)
			return LP_E_DATA;
		l = lp_http_api.slist_append(t->headers, lines[i]);
		if (l == NULL)
			return LP_E_NOMEM;
		t->headers = l;
	}
	return LP_OK;
}

static int
make_headers(struct lp_http_transfer *t)
{
	static const char *const always[] = { "Accept-Encoding: identity", NULL };
	int rc;

	lp_http_api.slist_free_all(t->headers);
	t->headers = NULL;
	rc = add_headers(t, always);
	rc = rc != LP_OK ? rc : add_headers(t, t->req.headers);
	if (rc == LP_OK && !t->r->moved)
		rc = add_headers(t, t->req.secrets);
	return rc;
}

#define SET(option, value) (void)lp_http_api.easy_setopt(t->easy, option, value)

/* What the server of this hop is shown of us; curl looks for a key behind a passphrase at the terminal. */
static void
set_certificate(struct lp_http_transfer *t, const struct lp_trust_host *own)
{
	struct curl_blob cert = { own->cert.p, own->cert.n, CURL_BLOB_NOCOPY };
	struct curl_blob key = { own->key.p, own->key.n, CURL_BLOB_NOCOPY };

	if (cert.len == 0)
		return;
	SET(CURLOPT_SSLCERT_BLOB, &cert);
	SET(CURLOPT_SSLKEY_BLOB, &key);
	SET(CURLOPT_KEYPASSWD, "");
}

static const struct lp_trust_host *
own_trust(const struct lp_http_transfer *t)
{
	const struct lp_trust *trust = &t->h->trust;
	char authority[1024];

	if (trust->hosts == NULL || !lp_http_authority(t->url, authority, sizeof(authority)))
		return NULL;
	return lp_trust_find(trust, authority);
}

static void
set_trust(struct lp_http_transfer *t)
{
	const struct lp_trust_host *own = own_trust(t);
	const struct lp_buf *all = &t->h->trust.ca, *here = own != NULL && own->ca.n > 0 ? &own->ca : all;
	struct curl_blob ca = { here->p, here->n, CURL_BLOB_NOCOPY }, proxys = { all->p, all->n, CURL_BLOB_NOCOPY };

	/* no default places: the lock has shut them, and --cacert-only means it */
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_PROXY_CAINFO, NULL);
	SET(CURLOPT_PROXY_CAPATH, NULL);
	/* a system's authorities take longer to read than a near server to answer */
	if (ca.len > 0 && !t->req.probe)
		SET(CURLOPT_CAINFO_BLOB, &ca);
	if (proxys.len > 0)
		SET(CURLOPT_PROXY_CAINFO_BLOB, &proxys);
	if (own != NULL)
		set_certificate(t, own);
	if (t->h->opt.insecure || t->req.probe || (t->req.insecure && !t->r->moved)) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
	/* a proxy is told its password by a probe as well */
	if (t->h->opt.insecure) {
		SET(CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
	}
}

static void
set_method(struct lp_http_transfer *t)
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
set_all(struct lp_http_transfer *t)
{
	lp_http_api.easy_reset(t->easy);
	SET(CURLOPT_URL, t->url);
	/* libcurl would read the environment in another way: of no proxy it is told as well */
	SET(CURLOPT_PROXY, lp_http_proxy(t->url));
	SET(CURLOPT_NOPROXY, "");
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
	SET(CURLOPT_SOCKOPTFUNCTION, lp_http_socket_made);
	SET(CURLOPT_SOCKOPTDATA, t->h);
	SET(CURLOPT_CLOSESOCKETFUNCTION, lp_http_socket_close);
	SET(CURLOPT_CLOSESOCKETDATA, t->h);
	/* a connection that others may not use would keep them from waiting for one that they may share */
	SET(CURLOPT_FORBID_REUSE, (long)t->req.probe);
	/* the header that add_headers sends stays as it is; this is about what comes */
	if (t->req.decode)
		SET(CURLOPT_ACCEPT_ENCODING, "identity");
	set_method(t);
	set_trust(t);
}

void
lp_http_finish(struct lp_http_transfer *t, int status)
{
	t->phase = LP_HTTP_FINISHED;
	t->status = status;
}

void
lp_http_launch(struct lp_http_transfer *t)
{
	int rc;

	lp_http_response_clear(t->r);
	lp_reference_show(t->url, t->r->where, sizeof(t->r->where));
	t->error[0] = '\0';
	t->fault = LP_OK;
	t->cut = 0;
	t->idle_ns = 0;
	t->window = 0;
	t->head_bytes = 0;
	t->headed = 0;
	t->wire = CURL_SOCKET_BAD;
	rc = make_headers(t);
	if (rc == LP_OK) {
		set_all(t);
		t->phase = LP_HTTP_RUNNING;
		t->h->totals.requests++;
		rc = lp_http_api.multi_add_handle(t->h->multi, t->easy) == CURLM_OK ? LP_OK : LP_E_NOMEM;
	} else if (rc == LP_E_DATA) {
		lp_http_explain(t->r, "a header of the request holds a line end");
	}
	if (rc != LP_OK)
		lp_http_finish(t, rc);
}
