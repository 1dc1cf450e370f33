/* Lists what the package databases of an image say is installed (--packages). */
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/pkg/pkgplace.h"
#include "common/sys/err.h"
#include "common/sys/tmpfile.h"

/* A database that is not read is said, and not fetched. A journal may be empty: lp-packages looks. */
static int
is_wanted(struct lp_peek *p, const struct lp_peek_place *at)
{
	const struct lp_span path = lp_span_str(at->path);
	const char *unread = lp_pkg_unread(path);

	if (at->found != 1)
		return 0;
	if (unread == NULL || lp_span_ends(path, "-wal"))
		return unread != NULL || lp_pkg_kind_of(path) >= 0;
	lp_err("%s (%s): %s", lp_quotes(at->path), at->layer->label, unread);
	p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	return 0;
}

/* All databases. Those that are none are found no more. How many there are, those that are not read among them. */
static int
find_databases(struct lp_peek *p, struct lp_peek_places *ps, int fd, size_t *n)
{
	int rc = LP_OK;

	for (const char *const *pattern = lp_pkg_patterns; *pattern != NULL && rc == LP_OK; pattern++)
		rc = lp_peek_places_match(p, ps, *pattern, fd);
	for (size_t i = 0; i < ps->n; i++) {
		*n += ps->v[i].found == 1 && lp_pkg_unread(lp_span_str(ps->v[i].path)) != NULL;
		ps->v[i].found = is_wanted(p, &ps->v[i]);
		*n += ps->v[i].found == 1;
	}
	return rc;
}

static size_t
databases_of(const struct lp_peek_places *ps, const struct lp_peek_layer *l)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->n; i++)
		n += ps->v[i].found == 1 && ps->v[i].layer == l;
	return n;
}

/* What each layer's databases say, base first. */
static int
list(struct lp_peek *p, const struct lp_peek_places *ps, int rows, int out)
{
	struct lp_peek_image *im = &p->image[0];
	int code = LP_OK, header = p->o->header;

	for (size_t k = 0; k < im->n && code >= 0; k++) {
		struct lp_argv reader;

		if (databases_of(ps, &im->layer[k]) == 0)
			continue;
		lp_argv_init(&reader);
		lp_argv_addf(&reader, "--layer=%u", im->layer[k].number);
		if (p->o->json || p->o->ndjson)
			lp_argv_add(&reader, "--json");
		else if (header)
			lp_argv_add(&reader, "--header");
		header = 0;
		code = lp_peek_copy_rows(&im->layer[k], rows, &reader, out);
		lp_argv_release(&reader);
		p->exit = lp_exit_worse(p->exit, code > 0 ? code : LP_EXIT_OK);
	}
	return code < 0 ? code : LP_OK;
}

/* None: whether the image has one is known only if all layers were seen to their ends. */
static void
say_none(struct lp_peek *p)
{
	const char *image = lp_quotes(p->image[0].name);
	/* why a layer was not seen has been said, and that is the message of the exit code */
	void (*say)(const char *, ...) = p->exit == LP_EXIT_OK ? lp_err : lp_note;
	unsigned unseen = 0;

	for (size_t k = 0; k < p->image[0].n; k++)
		unseen += !lp_peek_is_whole(lp_peek_listed(&p->image[0].layer[k]));
	if (unseen > 0)
		say("%s: no database of packages seen, and %u of %zu layers not seen whole", image, unseen, p->image[0].n);
	else
		say("%s: no database of packages", image);
	p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
}

/* Into a file first, where a document is made of it. */
static int
show(struct lp_peek *p, const struct lp_peek_places *ps, int rows)
{
	int out = p->o->json ? lp_tmpfile() : p->out.fd, rc;

	if (out < 0)
		return LP_E_SYS;
	rc = list(p, ps, rows, out);
	if (rc == LP_OK && p->o->json)
		rc = lp_peek_document(p, out);
	if (p->o->json)
		close(out);
	return rc;
}

int
lp_peek_packages(struct lp_peek *p)
{
	struct lp_peek_places ps = { NULL, 0, 0 };
	int fd = lp_tmpfile(), rows = lp_tmpfile(), rc = fd < 0 || rows < 0 ? LP_E_SYS : LP_OK;
	size_t n = 0;

	rc = rc != LP_OK ? rc : lp_peek_list(p);
	rc = rc != LP_OK ? rc : find_databases(p, &ps, fd, &n);
	rc = rc != LP_OK ? rc : lp_peek_places_write(&ps, rows);
	if (rc == LP_OK && n == 0)
		say_none(p);
	rc = rc != LP_OK ? rc : lp_peek_out_open(p);
	rc = rc != LP_OK ? rc : show(p, &ps, rows);
	lp_peek_places_release(&ps);
	if (fd >= 0)
		close(fd);
	if (rows >= 0)
		close(rows);
	/* packages are no entries */
	p->entries = -1;
	return rc;
}
