/* The places where an image is asked for: who they are, and from one that fails to the next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/net/registry_priv.h"
#include "common/sys/err.h"

/* ---- hosts.toml: what a place is sent and trusted by ---------------------------------------------- */

/* A string, or each of an array of them. */
static const char *
nth(const json_t *v, size_t i)
{
	return json_is_array(v) ? json_string_value(json_array_get(v, i)) : i == 0 ? json_string_value(v) : NULL;
}

static int
add_header(struct lp_registry_login *l, size_t *n, const char *name, const char *value)
{
	struct lp_buf b;

	lp_buf_init_secret(&b, 64 * 1024);
	if (lp_buf_adds(&b, name) == LP_OK && lp_buf_adds(&b, ": ") == LP_OK && lp_buf_adds(&b, value) == LP_OK &&
	    lp_buf_cstr(&b) != NULL)
		l->header[*n] = strdup((const char *)b.p);
	lp_buf_release(&b);
	return l->header[*n] != NULL ? (++*n, LP_OK) : LP_E_NOMEM;
}

static int
take_header(struct lp_registry_login *l, json_t *table, const char **why)
{
	size_t n = 0;
	int rc = LP_OK;

	if (table == NULL)
		return LP_OK;
	l->header = calloc(LP_REGISTRY_SECRETS, sizeof(*l->header));
	if (l->header == NULL)
		return LP_E_NOMEM;
	for (void *i = json_object_iter(table); i != NULL && rc == LP_OK; i = json_object_iter_next(table, i)) {
		const char *value;

		for (size_t k = 0; rc == LP_OK && (value = nth(json_object_iter_value(i), k)) != NULL; k++) {
			*why = "hosts.toml: a header of too many lines";
			rc = n < LP_REGISTRY_SECRETS - 2 ? add_header(l, &n, json_object_iter_key(i), value) : LP_E_DATA;
		}
	}
	return rc;
}

/* `ca` and `client`; of several clients the first, which is a file, or one and that of its key. */
static int
take_files(struct lp_registry *r, const struct lp_registry_login *l, const char **why)
{
	const json_t *ca = json_object_get(l->place.more, "ca"), *client = json_object_get(l->place.more, "client");
	const json_t *pair = json_is_array(client) ? json_array_get(client, 0) : client;
	struct lp_trust_files f = { .beside = r->files.path };
	char url[LP_REF_HOST_MAX + 16];
	int rc = LP_OK;

	snprintf(url, sizeof(url), "https://%s/", lp_host_endpoint(l->place.host));
	for (size_t i = 0; rc == LP_OK && (f.ca = nth(ca, i)) != NULL; i++)
		rc = lp_http_know_files(r->http, url, &f, why);
	f.cert = nth(pair, 0);
	f.key = json_is_array(pair) ? nth(pair, 1) : NULL;
	return rc == LP_OK && f.cert != NULL ? lp_http_know_files(r->http, url, &f, why) : rc;
}

/* ---- the way ------------------------------------------------------------------------------------------ */

static int
add_places(struct lp_registry *r, struct lp_registry_login *name, const struct lp_places *p, const char **why)
{
	int rc = LP_OK;

	name->way = calloc(p->n + 1, sizeof(struct lp_registry_login *));
	if (name->way == NULL)
		return LP_E_NOMEM;
	for (size_t i = 0; i < p->n && rc == LP_OK; i++) {
		struct lp_registry_login *l = lp_registry_new_login(r, p->v[i].host, p->v[i].repo);

		if (l == NULL)
			return LP_E_NOMEM;
		l->place = p->v[i];
		name->way[name->nway++] = l;
		rc = take_header(l, json_object_get(l->place.more, "header"), why);
	}
	return rc;
}

/* The source first: what --user and --cert are for. */
static int
log_in(struct lp_registry *r, struct lp_registry_login *name, const char **why)
{
	int rc = LP_OK;

	for (size_t i = name->nway; i > 0 && rc == LP_OK; i--) {
		struct lp_registry_login *l = name->way[i - 1];

		rc = lp_registry_log_in(r, name, l, why);
		if (rc == LP_OK && !r->opt.plain_http && l->place.scheme != LP_PLACE_HTTP)
			rc = take_files(r, l, why);
		l->place.more = NULL;
	}
	return rc;
}

int
lp_registry_find_way(struct lp_registry *r, struct lp_registry_login *name, const struct lp_reference *ref, const char **why)
{
	struct lp_places p = { 0 };
	int rc = lp_placefiles_find(&r->files, ref, &p);

	if (rc == LP_OK) {
		name->blocked = p.blocked;
		rc = add_places(r, name, &p, why);
		rc = rc != LP_OK ? rc : log_in(r, name, why);
	} else if (rc == LP_E_ABSENT) {
		rc = lp_registry_log_in(r, name, name, why);
	} else {
		*why = r->files.why;
	}
	lp_places_release(&p);
	return rc;
}

/* ---- from one to the next ----------------------------------------------------------------------------- */

static struct lp_registry_login *
place(struct lp_registry_login *name, size_t i)
{
	return name->way == NULL ? (i == 0 && !name->blocked ? name : NULL) : i < name->nway ? name->way[i] : NULL;
}

/* The next one from the ith on that may be asked for it; NULL: none. */
static struct lp_registry_login *
find_next(const struct lp_registry_request *q, size_t *i)
{
	struct lp_registry_login *l;
	/* lists are the source's to tell: a mirror has what it was asked for before */
	int by_digest = strchr(q->what, ':') != NULL, list = strcmp(q->kind, "tags") == 0 || strcmp(q->kind, "referrers") == 0;

	for (; (l = place(q->image, *i)) != NULL; ++*i) {
		int last = place(q->image, *i + 1) == NULL;

		if (list ? last : (by_digest ? l->place.digests : l->place.tags) && (last || !l->dead))
			return l;
	}
	return NULL;
}

static int
go(struct lp_registry *r, struct lp_registry_request *q, struct lp_registry_login *at)
{
	size_t behind = q->turn + 1;

	q->hasty = find_next(q, &behind) != NULL;
	return lp_registry_go(r, q, at);
}

int
lp_registry_ask(struct lp_registry *r, const struct lp_reference *ref, const char *kind, const char *what,
    struct lp_registry_request *q)
{
	struct lp_registry_login *at;

	*q = (struct lp_registry_request){ .kind = kind, .what = what };
	q->image = lp_registry_find_login(r, ref);
	if (q->image == NULL)
		return LP_E_NOMEM;
	at = find_next(q, &q->turn);
	return at == NULL ? LP_E_ABSENT : go(r, q, at);
}

const char *
lp_registry_refusal(const struct lp_registry_request *q)
{
	return q->image->blocked ? "registries.conf blocks it: nobody is asked for it" :
	    "hosts.toml has no host with the capability to be asked for it";
}

int
lp_registry_next(struct lp_registry *r, struct lp_registry_request *q, const struct lp_http_response *resp, const char *why)
{
	size_t turn = q->turn + 1, n = strlen(q->tale);
	struct lp_registry_login *next = find_next(q, &turn);
	int rc;

	if (next == NULL)
		return 0;
	snprintf(q->tale + n, sizeof(q->tale) - n, "%s%s", n > 0 ? "; " : "", why);
	lp_detail("%s/%s: not from %s/%s: %s", q->image->place.host, q->image->place.repo, q->at->place.host, q->at->place.repo, why);
	/* one that does not know this may know another; one that cannot be had is not waited for again */
	q->at->dead = q->at->dead || resp->trouble == LP_HTTP_UNREACHABLE || resp->trouble == LP_HTTP_UNTRUSTED;
	q->answered = resp->status != 0 ? resp->status : q->answered;
	q->turn = turn;
	rc = go(r, q, next);
	return rc == LP_OK ? 1 : rc;
}

void
lp_registry_answered(struct lp_registry *r, const struct lp_registry_request *q)
{
	if (q->image->way == NULL || q->image->answered == q->at)
		return;
	q->image->answered = q->at;
	lp_detail("%s/%s: from %s/%s", q->image->place.host, q->image->place.repo, q->at->place.host, q->at->place.repo);
	if (place(q->image, q->turn + 1) != NULL)
		snprintf(r->mirror, sizeof(r->mirror), "%s/%s", q->at->place.host, q->at->place.repo);
}

const char *
lp_registry_mirror(const struct lp_registry *r)
{
	return r != NULL && r->mirror[0] != '\0' ? r->mirror : NULL;
}

int
lp_registry_distrust(struct lp_registry *r, const struct lp_reference *ref, const char *why)
{
	struct lp_registry_login *name = lp_registry_find_login(r, ref);

	for (size_t i = 0; name != NULL && i + 1 < name->nway; i++)
		if (name->way[i] == name->answered && !name->way[i]->dead) {
			name->way[i]->dead = 1;
			lp_note("%s/%s: %s is not asked for it again: %s", name->place.host, name->place.repo,
			    name->way[i]->place.host, why);
			return 1;
		}
	return 0;
}
