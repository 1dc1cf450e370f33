/*
 * Any bytes as a credentials file, a helper's answer and a token server's:
 * the same bytes give the same twice, and a token always fits a header.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/authfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_file(struct lp_span s, const char *host, const char *repo)
{
	struct lp_authfile a, b;
	struct lp_json_error e;
	int rc = lp_authfile_find(s, host, repo, &a, &e);

	if (lp_authfile_find(s, host, repo, &b, &e) != rc)
		abort();
	if (rc != LP_OK)
		return;
	if (!same(a.helper, b.helper) || !same(a.auth.user, b.auth.user) || !same(a.auth.key, b.auth.key) ||
	    (a.helper != NULL && strchr(a.helper, '/') != NULL))
		abort();
	lp_authfile_release(&a);
	lp_authfile_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span s = lp_span(data, size);
	struct lp_json_error e;
	struct lp_token t;
	struct lp_auth a;

	lp_json_wipe();
	check_file(s, "docker.io", "library/alpine");
	check_file(s, "reg.example", "team/app");
	if (lp_token_parse(s, &t, &e) == LP_OK)
		for (const char *p = t.text; *p != '\0'; p++)
			if (*p <= ' ' || *p >= 0x7f)
				abort();
	lp_token_release(&t);
	if (lp_helper_parse(s, &a, &e) == LP_OK) {
		if (a.identity == NULL && (a.user == NULL || a.password == NULL))
			abort();
		lp_auth_release(&a);
	}
	return 0;
}
