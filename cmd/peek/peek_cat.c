/* Prints the content of files (--cat), or a tar of what a container sees (--tar). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/array.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/map.h"
#include "common/base/num.h"
#include "common/base/path.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/seed.h"
#include "common/sys/tmpfile.h"

/* lp-cat has written all that was wanted: what was not recorded of the layer lies behind it. */
static void
on_cat_ended(struct lp_job *j)
{
	enum { CAT = 2 };
	int enough = j->exit == LP_EXIT_ABSENT || lp_peek_content_is_cut(j);

	for (size_t i = CAT; i < j->n; i++)
		enough &= j->code[i] == LP_EXIT_OK;

	if (enough)
		j->exit = LP_EXIT_OK;
	lp_peek_settle(j->owner, j, enough);
}

static void
on_ended(struct lp_job *j)
{
	lp_peek_settle(j->owner, j, 0);
}

static const struct lp_job_ops toc_ops = { .line = lp_peek_content_line, .ended = on_ended };
static const struct lp_job_ops cat_ops = { .line = lp_peek_content_line, .ended = on_cat_ended };

/* ---- members of a layer ---------------------------------------------------------------- */

/* The table of contents itself, into a file. */
static int
fetch_toc(struct lp_peek_layer *l, int fd)
{
	struct lp_pipeline line = { .n = 0 };
	const struct lp_job_io io = { .in = -1, .out = fd, .err = -1, .keep = l->peek->keep, .nkeep = l->peek->nkeep };

	lp_pipeline_fetch(&line, l->peek, LP_STORE_KEEP);
	lp_argv_addf(&line.a[0], "--range=%s", l->toc_range);
	lp_pipeline_source(&line, l);
	return lp_peek_content_run(l, &line, &io, &lp_peek_content_ops);
}

/* lp-cat, told to fetch what it needs by what `option` says of the layer in the file `fd`. */
static struct lp_argv *
plan_by_file(struct lp_pipeline *line, const struct lp_peek_layer *l, const char *option, int fd)
{
	const struct lp_peek_options *o = l->peek->o;
	struct lp_argv *a = lp_pipeline_add(line, "lp-cat");

	lp_argv_addf(a, "%s=/dev/fd/%d", option, fd);
	lp_argv_addf(a, "--source=%s", l->source);
	for (size_t i = 0; i < o->network.n; i++)
		lp_argv_addf(a, "--fetch=%s", o->network.v[i]);
	/* an empty one outweighs LP_STORE */
	lp_argv_addf(a, "--fetch=--store=%s", o->store != NULL ? o->store : "");
	if (o->offline)
		lp_argv_add(a, "--fetch=--offline");
	return a;
}

/* What lp-cat is to write of a layer: the one member, or a tar of those that `rows` has rows of. */
struct wanted {
	const struct lp_peek_place *one;
	int rows;
	int open;  /* no end markers */
	const struct lp_argv *reader; /* options for lp-packages, which reads the tar; or NULL */
};

static void
add_wanted(struct lp_argv *a, const struct wanted *w, const struct lp_peek_layer *l)
{
	if (w->one != NULL) {
		lp_argv_add(a, "--");
		lp_argv_add(a, w->one->name);
		return;
	}
	lp_argv_add(a, "--tar");
	lp_argv_addf(a, "--rows=/dev/fd/%d", w->rows);
	lp_argv_addf(a, "--layer=%u", l->number);
	if (w->open)
		lp_argv_add(a, "--open");
}

static void
add_reader(struct lp_pipeline *line, const struct lp_argv *reader)
{
	lp_argv_append(lp_pipeline_add(line, "lp-packages"), reader);
}

/* lp-cat as above, with what it is to write, and its reader. */
static int
cat_by_file(struct lp_peek_layer *l, const struct wanted *w, struct lp_pipeline *line, int fd, int out)
{
	int keep[2 + LP_PEEK_KEEP] = { fd, w->rows };
	const size_t more = w->one == NULL ? 2 : 1;
	const struct lp_job_io io = { .in = -1, .out = out, .err = -1, .keep = keep, .nkeep = more + l->peek->nkeep };

	memcpy(keep + more, l->peek->keep, sizeof(l->peek->keep));
	add_wanted(&line->a[0], w, l);
	if (w->reader != NULL)
		add_reader(line, w->reader);
	return lp_peek_content_run(l, line, &io, &toc_ops);
}

static int
cat_by_toc(struct lp_peek_layer *l, const struct wanted *w, int out)
{
	int fd = lp_tmpfile(), code;
	struct lp_pipeline line = { .n = 0 };

	if (fd < 0)
		return LP_E_SYS;
	code = fetch_toc(l, fd);
	if (code == LP_EXIT_OK) {
		struct lp_argv *a = plan_by_file(&line, l, "--toc", fd);

		if (strcmp(l->toc_digest, "-") != 0)
			lp_argv_addf(a, "--digest=%s", l->toc_digest);
		code = cat_by_file(l, w, &line, fd, out);
	}
	close(fd);
	return code;
}

/* Only what lies between two points of the layer. LP_EXIT_ABSENT: nothing was written, and there may be another way. */
static int
cat_by_points(struct lp_peek_layer *l, const struct wanted *w, int out)
{
	struct lp_pipeline line = { .n = 0 };
	int fd, code;

	if (w->one != NULL && w->one->offset == UINT64_MAX)
		return LP_EXIT_ABSENT;
	fd = lp_peek_points_get(l);
	if (fd < 0)
		return LP_EXIT_ABSENT;
	plan_by_file(&line, l, "--use-points", fd);
	if (l->size >= 0)
		lp_argv_addf(&line.a[0], "--fetch=--size=%lld", (long long)l->size);
	if (w->one != NULL)
		lp_argv_addf(&line.a[0], "--at=%llu", (unsigned long long)w->one->offset);
	code = cat_by_file(l, w, &line, fd, out);
	close(fd);
	if (code == LP_EXIT_ABSENT)
		lp_note("%s: by its points it cannot be read: reading it from the start", l->label);
	return code;
}

static int
cat_by_stream(struct lp_peek_layer *l, const struct wanted *w, int out)
{
	struct lp_pipeline line = { .n = 0 };
	int keep[1 + LP_PEEK_KEEP] = { w->rows };
	const size_t more = w->one == NULL;
	const struct lp_job_io io = { .in = -1, .out = out, .err = -1, .keep = keep, .nkeep = more + l->peek->nkeep };
	struct lp_argv *a;

	memcpy(keep + more, l->peek->keep, sizeof(l->peek->keep));
	lp_peek_content_plan(&line, l);
	a = lp_pipeline_add(&line, "lp-cat");
	lp_argv_add(a, "--whole");
	if (w->one != NULL && w->one->offset != UINT64_MAX)
		lp_argv_addf(a, "--at=%llu", (unsigned long long)w->one->offset);
	add_wanted(a, w, l);
	if (w->reader != NULL)
		add_reader(&line, w->reader);
	return lp_peek_content_run(l, &line, &io, &cat_ops);
}

/*
 * A listing from the database does not say whether the layer has a table of
 * contents. Its rows are lost by this; how complete they were stays known.
 */
static int
look_for_toc(struct lp_peek_layer *l)
{
	const enum lp_complete complete = l->complete;
	const int64_t entries = l->entries;
	int rc;

	if (l->toc_range[0] != '\0' || !l->from_cache)
		return LP_OK;
	rc = lp_peek_look(l->peek, l);
	l->complete = complete;
	l->entries = entries;
	return rc;
}

/* The bytes of a layer that are wanted, to `out`: its exit code, or a failure. */
static int
copy(struct lp_peek_layer *l, const struct wanted *w, int out)
{
	/* a layer that has points was looked at for a table of contents, and has none */
	int code = cat_by_points(l, w, out);

	if (code != LP_EXIT_ABSENT)
		return code;
	code = look_for_toc(l);
	if (code != LP_OK)
		return code;
	code = l->toc_range[0] != '\0' ? cat_by_toc(l, w, out) : cat_by_stream(l, w, out);
	if (code == LP_EXIT_ABSENT && l->peek->o->offline && w->one != NULL)
		lp_note("%s has %s, but not all of its bytes were recorded", l->label, lp_quotes(w->one->name));
	else if (code == LP_EXIT_ABSENT && l->peek->o->offline)
		lp_note("%s: not all bytes that are wanted of it were recorded", l->label);
	return code;
}

int
lp_peek_copy_rows(struct lp_peek_layer *l, int rows, const struct lp_argv *reader, int out)
{
	return copy(l, &(struct wanted){ .rows = rows, .reader = reader }, out);
}

/* ---- --cat -------------------------------------------------------------------------------- */

static struct lp_peek_place *
add_place(struct lp_peek_places *ps, const char *path)
{
	struct lp_peek_place *v = lp_array_room(ps->v, ps->n, &ps->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	ps->v = v;
	v[ps->n] = (struct lp_peek_place){ .path = strdup(path), .offset = UINT64_MAX };
	return v[ps->n].path != NULL ? &v[ps->n++] : NULL;
}

void
lp_peek_places_release(struct lp_peek_places *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		free(ps->v[i].path);
		free(ps->v[i].name);
	}
	free(ps->v);
}

/* Whether there is content; says so if not, unless a pattern has led here: what is no file is passed over then. */
static int
has_content(const struct lp_peek_place *at)
{
	const char *label = at->layer->label;

	if (at->type == '-' || at->type == 'h')
		return 1;
	if (at->by_pattern)
		return 0;
	if (at->type == 'd' && *at->name == '\0')
		lp_err("/ is a directory (%s)", label);
	else if (at->type == 'd')
		lp_err("%s is a directory (%s; --find='%s/*' lists it)", lp_quotes(at->name), label, lp_quotes(at->name));
	else
		lp_err("%s is no file with content (%s)", lp_quotes(at->name), label);
	return 0;
}

/* What is no file with content is said, and is not found. */
static void
judge(struct lp_peek *p, struct lp_peek_places *ps)
{
	for (size_t i = 0; i < ps->n; i++) {
		struct lp_peek_place *at = &ps->v[i];

		if (at->found == 1 && has_content(at))
			continue;
		if (at->found == 0 && !at->by_pattern)
			lp_err("%s: no such path in %s", lp_quotes(at->path), lp_quotes(p->image[0].name));
		if (at->found >= 0 && !at->by_pattern)
			p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
		at->found = at->found == 1 ? 0 : at->found;
	}
}

int
lp_peek_places_write(const struct lp_peek_places *ps, int fd)
{
	struct lp_buf b;
	char text[64];
	int rc;

	lp_buf_init(&b, SIZE_MAX);
	rc = lp_buf_adds(&b, "layer\theader_offset\tname\n");
	for (size_t i = 0; i < ps->n && rc == LP_OK; i++) {
		const struct lp_peek_place *at = &ps->v[i];

		if (at->found != 1)
			continue;
		if (at->offset != UINT64_MAX)
			snprintf(text, sizeof(text), "%u\t%" PRIu64 "\t", at->layer->number, at->offset);
		else
			snprintf(text, sizeof(text), "%u\t\t", at->layer->number);
		rc = lp_buf_adds(&b, text);
		rc = rc != LP_OK ? rc : lp_escape(&b, lp_span_str(at->name), LP_ESCAPE_ROW);
		rc = rc != LP_OK ? rc : lp_buf_addc(&b, '\n');
	}
	rc = rc != LP_OK ? rc : lp_write_all(fd, lp_buf_span(&b));
	lp_buf_release(&b);
	return rc;
}

/* The files of each layer into a tar of its own: each layer is read once. The worst exit code, or a failure. */
static int
gather(const struct lp_peek_image *im, const struct lp_peek_places *ps, int rows, int *tar)
{
	int worst = LP_EXIT_OK, code = LP_OK;

	for (size_t i = 0; i < ps->n && code >= 0; i++) {
		struct lp_peek_layer *l = ps->v[i].layer;
		size_t k = ps->v[i].found == 1 ? (size_t)(l - im->layer) : SIZE_MAX;

		if (k == SIZE_MAX || tar[k] >= 0)
			continue;
		tar[k] = lp_tmpfile();
		code = tar[k] < 0 ? LP_E_SYS : copy(l, &(struct wanted){ .rows = rows }, tar[k]);
		worst = lp_exit_worse(worst, code > 0 ? code : LP_EXIT_OK);
	}
	return code < 0 ? code : worst;
}

/* Those of one layer that follow one another, by one lp-cat. How many they are. */
static size_t
write_some(const struct lp_peek_place *at, size_t n, int tar, int *code)
{
	enum { NAMES = 64 };
	struct lp_pipeline line = { .n = 0 };
	const struct lp_job_io io = { .in = -1, .out = 1, .err = -1, .keep = &tar, .nkeep = 1 };
	struct lp_argv *a = lp_pipeline_add(&line, "lp-cat");
	size_t i = 0;

	lp_argv_addf(a, "--file=/dev/fd/%d", tar);
	lp_argv_add(a, "--");
	for (; i < n && i < NAMES && at[i].found == 1 && at[i].layer == at->layer; i++)
		lp_argv_add(a, at[i].name);
	*code = lp_peek_content_run(at->layer, &line, &io, &lp_peek_content_ops);
	return i;
}

/* One after the other, in their order. */
static int
write_all(struct lp_peek *p, const struct lp_peek_places *ps)
{
	const struct lp_peek_image *im = &p->image[0];
	int *tar = calloc(im->n + 1, sizeof(*tar)), rows = lp_tmpfile(), code = LP_OK, worst = LP_EXIT_OK;

	for (size_t k = 0; tar != NULL && k < im->n; k++)
		tar[k] = -1;
	code = tar == NULL ? LP_E_NOMEM : rows < 0 ? LP_E_SYS : lp_peek_places_write(ps, rows);
	code = code != LP_OK ? code : gather(im, ps, rows, tar);
	/* of a layer that cannot be read no file is written, of the others all */
	worst = code > 0 ? code : LP_EXIT_OK;
	for (size_t i = 0; i < ps->n && code >= 0;) {
		if (ps->v[i].found != 1) {
			i++;
			continue;
		}
		i += write_some(&ps->v[i], ps->n - i, tar[ps->v[i].layer - im->layer], &code);
		worst = lp_exit_worse(worst, code > 0 ? code : LP_EXIT_OK);
	}
	for (size_t k = 0; tar != NULL && k < im->n; k++)
		if (tar[k] >= 0)
			close(tar[k]);
	if (rows >= 0)
		close(rows);
	free(tar);
	return code < 0 ? code : worst;
}

/* ---- what matches ----------------------------------------------------------------------- */

/* The merged rows that match, in a file: layer, mode, offset, name and link. LP_OK, or a failure after a message. */
static int
select_rows(struct lp_peek *p, const struct lp_argv *match, int fd)
{
	struct lp_argv more;
	int rc;

	lp_argv_init(&more);
	lp_argv_add(&more, "--header");
	lp_argv_add(&more, "--columns=layer,mode,header_offset,name,linkname");
	lp_argv_append(&more, match);
	rc = ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 ? LP_OK : LP_E_SYS;
	rc = rc != LP_OK ? rc : lp_peek_merge(p, &p->image[0], &more, NULL, fd);
	lp_argv_release(&more);
	return rc;
}

struct row {
	uint64_t layer;  /* its number, from 1 */
	char type;       /* the mode's first letter */
	uint64_t offset; /* UINT64_MAX: unknown */
	struct lp_span name, link;
};

/* For each row: LP_OK to go on. */
typedef int (*on_row)(void *, const struct row *);

static int
one_row(struct lp_span line, struct lp_buf *text, on_row f, void *arg)
{
	struct lp_span layer = lp_span_field(&line, '\t'), mode = lp_span_field(&line, '\t'), offset = lp_span_field(&line, '\t');
	struct lp_span name = lp_span_field(&line, '\t');
	struct row r = { .offset = UINT64_MAX };
	size_t n;
	int rc;

	if (mode.n == 0 || lp_num_u64(layer, LP_PEEK_LAYERS_MAX, &r.layer) != LP_OK || r.layer == 0 ||
	    (offset.n > 0 && !lp_span_is(offset, "-") && lp_num_u64(offset, LP_MAX_SIZE, &r.offset) != LP_OK))
		return LP_E_DATA;
	r.type = (char)mode.p[0];
	lp_buf_clear(text);
	rc = lp_unescape(text, name);
	n = text->n;
	rc = rc != LP_OK ? rc : lp_unescape(text, line);
	r.name = lp_span(text->p, n);
	r.link = lp_span(text->p + n, text->n - n);
	return rc != LP_OK ? rc : f(arg, &r);
}

/* Rows of our own lp-merge, as select_rows has asked for them. */
static int
each_row(int fd, on_row f, void *arg)
{
	struct lp_buf text, name;
	struct lp_span in;
	int rc;

	lp_buf_init(&text, SIZE_MAX);
	lp_buf_init(&name, 2 * LP_MAX_PATH + 2);
	rc = lseek(fd, 0, SEEK_SET) == 0 ? lp_read_all(fd, &text) : LP_E_SYS;
	in = lp_buf_span(&text);
	(void)lp_span_field(&in, '\n');
	while (rc == LP_OK && in.n > 0)
		rc = one_row(lp_span_field(&in, '\n'), &name, f, arg);
	lp_buf_release(&text);
	lp_buf_release(&name);
	return rc;
}

struct matching {
	struct lp_peek *peek;
	struct lp_peek_places *places;
};

/* Files are where the row says; where links lead is still to be asked. */
static int
add_match(void *arg, const struct row *r)
{
	struct matching *m = arg;
	struct lp_peek_place *at;
	char *path;

	if (r->type != '-' && r->type != 'h' && r->type != 'l')
		return LP_OK;
	path = lp_cstr(r->name);
	at = path != NULL ? add_place(m->places, path) : NULL;
	if (at != NULL) {
		at->by_pattern = 1;
		if (r->type == '-') {
			at->found = 1;
			at->type = r->type;
			at->offset = r->offset;
			at->layer = &m->peek->image[0].layer[r->layer - 1];
			at->name = strdup(path);
		}
	}
	free(path);
	return at != NULL && (r->type != '-' || at->name != NULL) ? LP_OK : LP_E_NOMEM;
}

int
lp_peek_places_match(struct lp_peek *p, struct lp_peek_places *ps, const char *pattern, int fd)
{
	struct matching m = { p, ps };
	struct lp_argv match;
	int rc;

	lp_argv_init(&match);
	lp_argv_addf(&match, "--match=%s", pattern);
	rc = select_rows(p, &match, fd);
	rc = rc != LP_OK ? rc : each_row(fd, add_match, &m);
	lp_argv_release(&match);
	return rc;
}

/* All that a pattern is of; without any it is a name. */
static int
expand(struct lp_peek *p, struct lp_peek_places *ps, const char *pattern, int fd)
{
	const size_t before = ps->n;
	int rc = lp_peek_places_match(p, ps, pattern, fd);

	return rc != LP_OK || ps->n > before || add_place(ps, pattern) != NULL ? rc : LP_E_NOMEM;
}

/* All paths, in the order of the options. Patterns need a listing of every layer. */
static int
collect(struct lp_peek *p, struct lp_peek_places *ps, int fd)
{
	const struct lp_peek_options *o = p->o;
	int rc = o->has_patterns ? lp_peek_list(p) : lp_peek_recall(p);

	for (size_t i = 0; i < o->npaths && rc == LP_OK; i++) {
		if (lp_peek_is_pattern(o->path[i]))
			rc = expand(p, ps, o->path[i], fd);
		else
			rc = add_place(ps, o->path[i]) != NULL ? LP_OK : LP_E_NOMEM;
	}
	return rc != LP_OK ? rc : lp_peek_seek(p, ps->v, ps->n);
}

int
lp_peek_is_pattern(const char *path)
{
	return strpbrk(path, "*?[\\") != NULL;
}

int
lp_peek_cat(struct lp_peek *p)
{
	struct lp_peek_places ps = { NULL, 0, 0 };
	int fd = lp_tmpfile(), rc, open = 0;
	size_t files = 0;

	if (fd < 0) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	rc = collect(p, &ps, fd);
	if (rc >= 0)
		judge(p, &ps);
	for (size_t i = 0; i < ps.n; i++) {
		files += ps.v[i].found == 1;
		open |= ps.v[i].found < 0;
	}
	if (rc == LP_OK && ps.n == 1 && files == 1)
		rc = copy(ps.v[0].layer, &(struct wanted){ .one = &ps.v[0], .rows = -1 }, 1);
	else if (rc == LP_OK && files > 0)
		rc = write_all(p, &ps);
	p->exit = lp_exit_worse(p->exit, rc > 0 ? rc : LP_EXIT_OK);
	lp_peek_keep_all(p);
	if (p->o->offline && p->exit == LP_EXIT_ABSENT && (open || rc != 0))
		lp_peek_how_to_record(p);
	lp_peek_places_release(&ps);
	close(fd);
	return rc < 0 ? rc : LP_OK;
}

/* ---- --tar ---------------------------------------------------------------------------------- */

/* The pattern's own wildcards are none in a name. */
static void
add_literal(struct lp_buf *b, struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\0' && strchr("*?[\\", s.p[i]) != NULL)
			(void)lp_buf_addc(b, '\\');
		(void)lp_buf_addc(b, (char)s.p[i]);
	}
}

/* What is of that name, or matches, and all below it. LP_OK, LP_E_LIMIT, LP_E_NOMEM. */
static int
add_tree(struct lp_argv *match, const char *path)
{
	struct lp_buf name, text;
	int rc = LP_OK;

	lp_buf_init(&name, LP_MAX_PATH);
	lp_buf_init(&text, 2 * LP_MAX_PATH);
	if (lp_peek_is_pattern(path))
		rc = lp_buf_adds(&text, path);
	else if ((rc = lp_path_join(&name, lp_span_str(path))) == LP_OK)
		add_literal(&text, lp_buf_span(&name));
	while (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	if (rc == LP_OK && (text.n == 0 || lp_span_is(lp_buf_span(&text), "/"))) {
		lp_argv_add(match, "--match=*");
	} else if (rc == LP_OK && lp_buf_cstr(&text) != NULL) {
		lp_argv_addf(match, "--match=%s", lp_buf_cstr(&text));
		lp_argv_addf(match, "--match=%s/*", lp_buf_cstr(&text));
	}
	lp_buf_release(&name);
	lp_buf_release(&text);
	return rc;
}

struct count {
	size_t *of; /* of each layer's rows */
	size_t all;
};

static int
count_row(void *arg, const struct row *r)
{
	struct count *c = arg;

	c->of[r->layer - 1]++;
	c->all++;
	return LP_OK;
}

/*
 * Rows for one path. If there are none, and it is a name, it may be one
 * through symbolic links of its directories: as --cat follows them.
 */
static int
find_tree(struct lp_peek *p, const char *path, struct lp_argv *match, int fd, struct count *c)
{
	struct lp_peek_place at = { .path = (char *)(size_t)path, .offset = UINT64_MAX };
	const size_t before = c->all;
	struct lp_argv own;
	int rc;

	lp_argv_init(&own);
	rc = add_tree(&own, path);
	rc = rc != LP_OK ? rc : select_rows(p, &own, fd);
	rc = rc != LP_OK ? rc : each_row(fd, count_row, c);
	if (rc == LP_OK && c->all == before && !lp_peek_is_pattern(path) && (rc = lp_peek_seek(p, &at, 1)) == LP_OK && at.found == 1) {
		lp_argv_release(&own);
		lp_argv_init(&own);
		rc = add_tree(&own, at.name);
		c->all++;
	}
	if (rc == LP_OK && c->all == before && at.found == 0) {
		lp_err("%s: no such path in %s", lp_quotes(path), lp_quotes(p->image[0].name));
		p->exit = lp_exit_worse(p->exit, LP_EXIT_ABSENT);
	}
	lp_argv_append(match, &own);
	free(at.name);
	lp_argv_release(&own);
	return rc;
}

struct links {
	struct lp_peek *peek;
	struct lp_map names; /* hashes of all that is written */
	struct lp_buf path;
	uint64_t seed;
	int check;
};

/* First all names, then the hard links: what a link's file is must be there, too. */
static int
link_row(void *arg, const struct row *r)
{
	struct links *k = arg;
	uint64_t *value;
	int rc, fresh;

	if (k->check && r->type != 'h')
		return LP_OK;
	lp_buf_clear(&k->path);
	rc = lp_path_join(&k->path, k->check ? r->link : r->name);
	if (rc == LP_OK && !k->check)
		return lp_map_add(&k->names, lp_hash64(k->seed, lp_buf_span(&k->path)), &value, &fresh);
	if (rc == LP_OK && lp_map_get(&k->names, lp_hash64(k->seed, lp_buf_span(&k->path))) == NULL) {
		lp_err("%s is a hard link to %s, which is not written: --cat has its content", lp_quote(r->name), lp_quote(r->link));
		k->peek->exit = lp_exit_worse(k->peek->exit, LP_EXIT_ABSENT);
	}
	return rc;
}

static int
check_links(struct lp_peek *p, int rows)
{
	struct links k = { .peek = p, .seed = lp_seed() };
	int rc;

	lp_map_init(&k.names, LP_MAX_ENTRIES);
	lp_buf_init(&k.path, LP_MAX_PATH);
	rc = each_row(rows, link_row, &k);
	k.check = 1;
	rc = rc != LP_OK ? rc : each_row(rows, link_row, &k);
	lp_map_release(&k.names);
	lp_buf_release(&k.path);
	return rc;
}

/* Layer by layer, base first: a hard link comes behind its file. */
static int
copy_layers(struct lp_peek *p, const struct count *c, int rows)
{
	static const unsigned char zeros[1024];
	struct lp_peek_image *im = &p->image[0];
	int code = LP_OK;

	for (size_t k = 0; k < im->n && code == LP_OK; k++)
		if (c->of[k] > 0)
			code = copy(&im->layer[k], &(struct wanted){ .rows = rows, .open = 1 }, 1);
	/* one that broke off is not to look whole */
	return code != LP_OK ? code : lp_put(lp_span(zeros, sizeof(zeros)));
}

int
lp_peek_tar(struct lp_peek *p)
{
	const struct lp_peek_options *o = p->o;
	struct count c = { calloc(p->image[0].n + 1, sizeof(size_t)), 0 };
	struct lp_argv match;
	int fd = lp_tmpfile(), rc = c.of == NULL ? LP_E_NOMEM : fd < 0 ? LP_E_SYS : LP_OK;

	lp_argv_init(&match);
	rc = rc != LP_OK ? rc : lp_peek_list(p);
	for (size_t i = 0; i < o->npaths && rc == LP_OK; i++)
		rc = find_tree(p, o->path[i], &match, fd, &c);
	if (rc == LP_OK && match.n > 0) {
		memset(c.of, 0, (p->image[0].n + 1) * sizeof(size_t));
		rc = select_rows(p, &match, fd);
		rc = rc != LP_OK ? rc : each_row(fd, count_row, &c);
		rc = rc != LP_OK ? rc : check_links(p, fd);
		rc = rc != LP_OK ? rc : copy_layers(p, &c, fd);
	}
	p->exit = lp_exit_worse(p->exit, rc > 0 ? rc : LP_EXIT_OK);
	lp_argv_release(&match);
	free(c.of);
	if (fd >= 0)
		close(fd);
	return rc < 0 ? rc : LP_OK;
}
