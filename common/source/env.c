/* Opens and closes what a run shares: store, network session, logins, sandbox, statistics. */
#include "common/source/env.h"

#include <errno.h>

#include "common/base/status.h"
#include "common/net/placefiles.h"
#include "common/sys/err.h"
#include "common/sys/sandbox.h"

static void
warn(struct lp_span text)
{
	lp_note("a server warns: %s", lp_quote(text));
}

static int
say(int rc, const char *name, const char *why)
{
	const char *colon = name != NULL ? ": " : "";

	name = name != NULL ? lp_quotes(name) : "";
	if (rc == LP_E_SYS && errno != 0)
		lp_err_errno("%s%s%s", name, colon, why);
	else
		lp_err("%s%s%s", name, colon, why);
	return rc;
}

int
lp_env_open_store(struct lp_env *e, const char *path)
{
	const char *why = "out of memory";
	int rc;

	if (path == NULL || *path == '\0')
		return LP_OK;
	rc = lp_store_open(&e->store, path, e->offline ? LP_STORE_READ : LP_STORE_WRITE, &why);
	/* a store that was named and is not there is a mistake, not an answer */
	if (rc == LP_E_ABSENT) {
		errno = ENOENT;
		rc = LP_E_SYS;
	}
	if (rc == LP_OK && lp_store_refusal(e->store) != 0) {
		errno = lp_store_refusal(e->store);
		if (e->must_keep)
			return say(LP_E_SYS, path, "the store cannot be written");
		lp_note("%s: %s: what it lacks is fetched, and not kept", lp_quotes(path), lp_err_text(errno));
	}
	return rc == LP_OK ? rc : say(rc, path, why);
}

struct lp_store *
lp_env_keeper(const struct lp_env *e)
{
	return e->store != NULL && !e->offline && lp_store_refusal(e->store) == 0 ? e->store : NULL;
}

int
lp_env_not_kept(const struct lp_env *e, const char *name, int rc, int *unkept)
{
	if (rc != LP_E_SYS || e->must_keep ||
	    (errno != EACCES && errno != EPERM && errno != EROFS && errno != ENOSPC && errno != EDQUOT && errno != EBUSY))
		return rc;
	if (!*unkept)
		lp_note("%s: the store: %s: it is not kept", name,
		    errno == EBUSY ? "another process does not give its lock back" : lp_err_text(errno));
	*unkept = 1;
	return LP_OK;
}

int
lp_env_open_network(struct lp_env *e, const struct lp_netopt *net)
{
	struct lp_http_options http = net->http;
	const char *why = "out of memory";
	int rc;

	e->plain_http = net->registry.plain_http;
	if (e->offline)
		return LP_OK;
	http.warning = warn;
	rc = lp_http_open(&e->http, &http, &why);
	rc = rc != LP_OK ? rc : lp_registry_open(&e->registry, e->http, &net->registry, &why);
	return rc == LP_OK ? rc : say(rc, NULL, why);
}

int
lp_env_complete(struct lp_reference *ref, const char *name)
{
	struct lp_placefiles files = { 0 };
	int rc = lp_placefiles_complete(&files, ref);

	if (rc != LP_OK)
		lp_err("%s: %s", name, files.why);
	lp_placefiles_release(&files);
	return rc;
}

int
lp_env_login(struct lp_env *e, const struct lp_reference *ref, const char *name)
{
	const char *why = NULL;
	int rc;

	if (e->registry == NULL || (ref->kind != LP_REF_REGISTRY && ref->kind != LP_REF_URL))
		return LP_OK;
	rc = ref->kind == LP_REF_URL ? lp_http_know(e->http, ref->path, NULL, &why) :
	    lp_registry_login(e->registry, ref, &why);
	if (rc != LP_OK)
		lp_err("%s: %s", name, why != NULL ? why : "out of memory");
	return rc;
}

int
lp_env_lock(const struct lp_env *e, const char *store, const char *layout)
{
	struct lp_lock_path path = { layout != NULL ? layout : store, layout == NULL && !e->offline };

	return lp_lock_paths(e->http != NULL ? LP_DUTY_NETWORK : LP_DUTY_STORE, &path,
	    layout != NULL || e->store != NULL ? 1 : 0);
}

void
lp_env_stats(const struct lp_env *e, struct lp_stats *s)
{
	struct lp_http_totals t;

	s->bytes_downloaded = 0;
	s->requests = 0;
	if (e->http == NULL)
		return;
	t = lp_http_totals(e->http);
	s->mirror = lp_registry_mirror(e->registry);
	s->bytes_downloaded = t.bytes;
	s->requests = t.requests;
	if (t.ratelimit_remaining >= 0) {
		s->ratelimit_remaining = t.ratelimit_remaining;
		lp_detail("rate limit: %lld requests remain", (long long)t.ratelimit_remaining);
	}
}

void
lp_env_close(struct lp_env *e)
{
	lp_registry_close(e->registry);
	lp_http_close(e->http);
	lp_store_close(e->store);
	*e = (struct lp_env){ .offline = e->offline };
}
