/* Loads libcurl, and the URL functions that need no transfer. */
#include "common/net/http_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/status.h"
#include "common/net/proxy.h"

struct lp_http_api lp_http_api;

#if defined(LP_STATIC)
int
lp_http_api_load(const char **why)
{
#define ENTRY(name) .name = curl_##name,
	lp_http_api = (struct lp_http_api){ LP_HTTP_SYMBOLS(ENTRY) };
	(void)why;
	return LP_OK;
}
#else
static void *library;

int
lp_http_api_load(const char **why)
{
#define ENTRY(name) { "curl_" #name, (void **)(void *)&lp_http_api.name },
	static const struct { const char *name; void **slot; } table[] = { LP_HTTP_SYMBOLS(ENTRY) };

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
#endif

/* ---- URLs ---------------------------------------------------------------------- */

/*
 * libcurl's own reading of URLs, because libcurl is what connects: with a
 * second parser the two could be led to disagree about the host.
 */
static int
url_part(const char *url, CURLUPart part, unsigned flags, char *out, size_t n)
{
	CURLU *u = lp_http_api.url();
	char *s = NULL;
	int ok = u != NULL && lp_http_api.url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    lp_http_api.url_get(u, part, &s, flags) == CURLUE_OK &&
	    snprintf(out, n, "%s", s) < (int)n;

	lp_http_api.free(s);
	lp_http_api.url_cleanup(u);
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

int
lp_http_authority(const char *url, char *out, size_t n)
{
	char scheme[16], host[1024], port[16];

	return url_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) && strcmp(scheme, "https") == 0 &&
	    url_part(url, CURLUPART_HOST, 0, host, sizeof(host)) &&
	    url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)) &&
	    snprintf(out, n, "%s:%s", host, port) < (int)n;
}

const char *
lp_http_proxy(const char *url)
{
	char scheme[16], host[1024], port[16];

	/* a URL that cannot be read is not sent anywhere */
	if (!url_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
	    !url_part(url, CURLUPART_HOST, 0, host, sizeof(host)) ||
	    !url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port)))
		return "";
	return lp_proxy_for(scheme, host, port);
}

char *
lp_http_resolve(const char *from, const char *to)
{
	CURLU *u = lp_http_api.url();
	char *s = NULL, *copy = NULL;

	if (u != NULL && lp_http_api.url_set(u, CURLUPART_URL, from, 0) == CURLUE_OK &&
	    lp_http_api.url_set(u, CURLUPART_URL, to, CURLU_URLENCODE) == CURLUE_OK &&
	    lp_http_api.url_get(u, CURLUPART_URL, &s, 0) == CURLUE_OK)
		copy = strdup(s);
	lp_http_api.free(s);
	lp_http_api.url_cleanup(u);
	return copy;
}
