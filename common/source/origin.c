/* Makes the origin of an image absolute. */
#include "common/source/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"

/* Of a path that does not exist any more, what can be said without looking at it. */
static char *
absolute(const char *path)
{
	char *real = realpath(path, NULL), *here, *joined = NULL;

	if (real != NULL || path[0] == '/')
		return real != NULL ? real : strdup(path);
	here = getcwd(NULL, 0);
	if (here == NULL)
		return strdup(path);
	if (asprintf(&joined, "%s/%s", here, path) < 0)
		joined = NULL;
	free(here);
	return joined;
}

static int
is_local(const struct lp_reference *r)
{
	int archive = r->kind == LP_REF_OCI_ARCHIVE || r->kind == LP_REF_ARCHIVE;

	/* a pipe is nowhere */
	if (archive && strcmp(r->path, "-") == 0)
		return 0;
	return archive || r->kind == LP_REF_OCI || r->kind == LP_REF_DIR || r->kind == LP_REF_FILE;
}

int
lp_origin(const struct lp_reference *r, struct lp_buf *out)
{
	struct lp_reference whole = *r;
	char *path;
	size_t n;

	if (!is_local(r))
		return lp_reference_origin(r, out);
	path = absolute(r->path);
	if (path == NULL)
		return LP_E_NOMEM;
	n = strlen(path);
	if (n < sizeof(whole.path))
		memcpy(whole.path, path, n + 1);
	free(path);
	return n < sizeof(whole.path) ? lp_reference_origin(&whole, out) : LP_E_LIMIT;
}

int
lp_origin_of_image(struct lp_span image, int plain_http, struct lp_buf *out)
{
	struct lp_reference_error bad;
	struct lp_reference r;

	if (lp_reference_image(image, &r, &bad) != LP_OK)
		return lp_buf_add(out, image);
	r.plain_http = plain_http;
	return lp_origin(&r, out);
}

int
lp_origin_of_path(const char *path, struct lp_buf *out)
{
	struct lp_reference r = { .kind = LP_REF_FILE };
	size_t n = strlen(path);

	if (n >= sizeof(r.path))
		return LP_E_LIMIT;
	memcpy(r.path, path, n + 1);
	return lp_origin(&r, out);
}
