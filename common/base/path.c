/* Brings member names to normal form, component by component. */
#include "common/base/path.h"

#include "common/base/status.h"

struct lp_span
lp_path_component(struct lp_span *path)
{
	for (;;) {
		const unsigned char *slash;
		struct lp_span c;

		while (path->n > 0 && path->p[0] == '/')
			lp_span_take(path, 1);
		if (path->n == 0)
			return *path;
		slash = memchr(path->p, '/', path->n);
		c = lp_span_take(path, slash != NULL ? (size_t)(slash - path->p) : path->n);
		if (!lp_span_is(c, "."))
			return c;
	}
}

int
lp_path_join(struct lp_buf *dir, struct lp_span path)
{
	struct lp_span c;
	int rc = LP_OK;

	if (path.n > 0 && path.p[0] == '/')
		lp_buf_clear(dir);
	while (rc == LP_OK && (c = lp_path_component(&path)).n > 0) {
		if (lp_span_is(c, "..")) {
			dir->n = lp_path_parent(lp_buf_span(dir)).n;
			continue;
		}
		if (dir->n > 0)
			rc = lp_buf_addc(dir, '/');
		if (rc == LP_OK)
			rc = lp_buf_add(dir, c);
	}
	return rc;
}

struct lp_span
lp_path_parent(struct lp_span normal)
{
	const unsigned char *slash = normal.n > 0 ? memrchr(normal.p, '/', normal.n) : NULL;

	return lp_span(normal.p, slash != NULL ? (size_t)(slash - normal.p) : 0);
}

int
lp_path_within(struct lp_span path, struct lp_span dir)
{
	if (dir.n == 0)
		return 1;
	return path.n >= dir.n && memcmp(path.p, dir.p, dir.n) == 0 && (path.n == dir.n || path.p[dir.n] == '/');
}
