/* An HTTP session over libcurl's multi interface: start, run, close. */
#include "common/net/http_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/io.h"

enum {
	WARNINGS_MAX = 64 * 1024,
	POLL_MS = 1000
};

/* ---- all together --------------------------------------------------------------- */

static void
forget(struct lp_http_transfer *t)
{
	struct lp_http_transfer **p = &t->h->list;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (t->phase == LP_HTTP_RUNNING)
		(void)lp_http_api.multi_remove_handle(t->h->multi, t->easy);
	if (t->easy != NULL)
		lp_http_api.easy_cleanup(t->easy);
	lp_http_api.slist_free_all(t->headers);
	for (size_t i = 0; i < LP_HTTP_HOPS; i++)
		free(t->past[i]);
	free(t->url);
	free(t);
}

static struct lp_http_transfer *
new_transfer(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r)
{
	struct lp_http_transfer *t = calloc(1, sizeof(*t)), **p;

	if (t == NULL)
		return NULL;
	t->h = h;
	t->req = *req;
	t->r = r;
	for (p = &h->list; *p != NULL; p = &(*p)->next)
		;
	*p = t;
	t->phase = LP_HTTP_FINISHED;
	t->easy = lp_http_api.easy_init();
	t->url = strdup(req->url);
	if (t->easy == NULL || t->url == NULL) {
		forget(t);
		return NULL;
	}
	r->hops = 0;
	r->moved = 0;
	lp_http_launch(t);
	return t;
}

/* Those that have waited long enough are sent; how long until the next one, at most POLL_MS. */
static int
wake(struct lp_http *h)
{
	int64_t now = lp_clock_ns(), wait = POLL_MS;

	for (struct lp_http_transfer *t = h->list; t != NULL; t = t->next) {
		int64_t ms = (t->wake_ns - now + LP_HTTP_NS_PER_MS - 1) / LP_HTTP_NS_PER_MS;

		if (t->phase != LP_HTTP_WAITING)
			continue;
		if (ms <= 0)
			lp_http_launch(t);
		else if (ms < wait)
			wait = ms;
	}
	return (int)wait;
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
	for (struct lp_http_transfer *t = h->list; t != NULL; t = t->next) {
		if (t->phase == LP_HTTP_RUNNING)
			(void)lp_http_api.multi_remove_handle(h->multi, t->easy);
		if (t->phase != LP_HTTP_FINISHED)
			lp_http_finish(t, status);
	}
}

/* What has ended is settled; how many there were. */
static int
settle_ended(struct lp_http *h)
{
	int left, n = 0;
	CURLMsg *m;

	while ((m = lp_http_api.multi_info_read(h->multi, &left)) != NULL) {
		struct lp_http_transfer *t = NULL;
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)lp_http_api.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		lp_http_end_try(t, code);
		n++;
	}
	return n;
}

/* Let the network happen for a moment. */
static int
step(struct lp_http *h)
{
	/* no events: what ends the wait is what nobody has to ask for */
	struct curl_waitfd watched = { .fd = h->watched };
	int64_t before = lp_clock_ns(), sunk = h->sink_ns;
	int wait = wake(h), running;

	if (lp_http_api.multi_perform(h->multi, &running) != CURLM_OK)
		return LP_E_NOMEM;
	if (settle_ended(h) > 0)
		wait = 0;
	lp_http_judge(h);
	if (wait > 0 && lp_http_api.multi_poll(h->multi, &watched, h->watched >= 0, wait, NULL) != CURLM_OK)
		return LP_E_NOMEM;
	if (reader_is_gone(h))
		end_all(h, LP_E_PIPE);
	lp_http_spend(h, lp_clock_ns() - before - (h->sink_ns - sunk));
	return LP_OK;
}

int
lp_http_start(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r,
    lp_http_done *done, void *arg)
{
	struct lp_http_transfer *t = new_transfer(h, req, r);

	if (t == NULL)
		return LP_E_NOMEM;
	t->done = done;
	t->arg = arg;
	return LP_OK;
}

int
lp_http_do(struct lp_http *h, const struct lp_http_request *req, struct lp_http_response *r)
{
	struct lp_http_transfer *t = new_transfer(h, req, r);
	int rc = t != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && t->phase != LP_HTTP_FINISHED)
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
		struct lp_http_transfer *t = h->list;

		while (t != NULL && t->phase != LP_HTTP_FINISHED)
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

static int
trust_failed(struct lp_http *h, int rc, const char **why)
{
	static char text[sizeof(h->trust.why)];

	if (rc != LP_OK) {
		memcpy(text, h->trust.why, sizeof(text));
		*why = text;
		errno = 0;
	}
	return rc;
}

int
lp_http_open(struct lp_http **out, const struct lp_http_options *opt, const char **why)
{
	struct lp_http *h;
	int rc = lp_http_api_load(why);

	if (rc != LP_OK)
		return rc;
	*why = "the network library cannot be started";
	errno = 0;
	if (lp_http_api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return LP_E_SYS;
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		lp_http_api.global_cleanup();
		return LP_E_NOMEM;
	}
	h->opt = *opt;
	h->totals.ratelimit_remaining = -1;
	h->watched = -1;
	lp_buf_init(&h->warnings, WARNINGS_MAX);
	h->multi = lp_http_api.multi_init();
	rc = h->multi != NULL ? trust_failed(h, lp_trust_open(&h->trust, &opt->trust), why) : LP_E_NOMEM;
	if (rc != LP_OK)
		lp_http_close(h);
	else
		*out = h;
	return rc;
}

int
lp_http_know(struct lp_http *h, const char *url, const char *folder, const char **why)
{
	char authority[1024], name[1024];
	size_t n;

	if (!lp_http_authority(url, authority, sizeof(authority)))
		return LP_OK;
	memcpy(name, authority, sizeof(name));
	n = strlen(name);
	if (n > 4 && strcmp(name + n - 4, ":443") == 0)
		name[n - 4] = '\0';
	return trust_failed(h, lp_trust_know(&h->trust, authority, folder != NULL ? folder : name), why);
}

int
lp_http_know_files(struct lp_http *h, const char *url, const struct lp_trust_files *f, const char **why)
{
	char authority[1024];

	if (!lp_http_authority(url, authority, sizeof(authority)))
		return LP_OK;
	return trust_failed(h, lp_trust_add(&h->trust, authority, f), why);
}

void
lp_http_close(struct lp_http *h)
{
	if (h == NULL)
		return;
	while (h->list != NULL)
		forget(h->list);
	if (h->multi != NULL)
		(void)lp_http_api.multi_cleanup(h->multi);
	lp_trust_close(&h->trust);
	lp_buf_release(&h->warnings);
	free(h->sockets);
	free(h);
	lp_http_api.global_cleanup();
}

void
lp_http_watch(struct lp_http *h, int fd)
{
	h->watched = fd;
}

int
lp_http_watched(const struct lp_http *h)
{
	return h->watched;
}

struct lp_http_totals
lp_http_totals(const struct lp_http *h)
{
	return h->totals;
}
