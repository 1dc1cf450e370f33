/* Takes listings from the database, and puts new ones into it, by lp-cache. */
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/row/record.h"
#include "common/row/rowread.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"
#include "common/toc/footer.h"

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_image *im = j->owner;

	(void)stage;
	if (kind == LP_LINE_REPORT)
		lp_peek_report(im->peek, NULL, line);
	else
		lp_peek_message_once(im->peek, line);
}

/*
 * A database that fails once is left alone: whoever has it locked would be
 * waited for again. The answer does not depend on it; the exit status does
 * where the user named it.
 */
static void
note_failure(struct lp_job *j)
{
	struct lp_peek *p = ((const struct lp_peek_image *)j->owner)->peek;

	if (j->exit == LP_EXIT_OK || j->exit == LP_EXIT_ABSENT)
		return;
	p->has_no_database = 1;
	if (p->o->defaults[1] == NULL)
		p->exit = lp_exit_worse(p->exit, LP_EXIT_SYSTEM);
}

/* lp-cache COMMAND, and which image it is about if all of its layers have a digest. */
static struct lp_argv *
plan(struct lp_pipeline *line, const struct lp_peek_image *im, const char *command)
{
	struct lp_argv *a = lp_pipeline_add(line, "lp-cache");
	size_t known = 0;

	lp_argv_addf(a, "--db=%s", im->peek->o->db);
	/* the user's cache is nothing to wait for; a database that was named is wanted */
	if (im->peek->o->defaults[1] != NULL)
		lp_argv_add(a, "--wait=2");
	lp_argv_add(a, command);
	for (size_t i = 0; i < im->n; i++)
		known += im->layer[i].digest != NULL;
	if (known == im->n)
		lp_argv_addf(a, "--image=%s", im->name);
	return a;
}

static void
add_layers(struct lp_argv *a, const struct lp_peek_image *im, int with_size)
{
	lp_argv_add(a, "--");
	for (size_t i = 0; i < im->n; i++) {
		const struct lp_peek_layer *l = &im->layer[i];

		if (l->digest == NULL)
			continue;
		if (with_size && l->size >= 0)
			lp_argv_addf(a, "%s=%lld", l->digest, (long long)l->size);
		else
			lp_argv_add(a, l->digest);
	}
}

static int
has_digest(const struct lp_peek_image *im)
{
	for (size_t i = 0; i < im->n; i++)
		if (im->layer[i].digest != NULL)
			return 1;
	return 0;
}

/* ---- out of it ------------------------------------------------------------------------- */

static const struct lp_job_ops get_ops = { .line = on_line, .ended = note_failure };

/* One listing of the stream, for the layer that its end record names. */
static int
take_one(struct lp_peek_image *im, int fd, uint64_t first, uint64_t end, struct lp_span digest)
{
	for (size_t i = 0; i < im->n; i++) {
		struct lp_peek_layer *l = &im->layer[i];
		int rc;

		if (l->digest == NULL || l->same != NULL || l->from_cache || !lp_span_is(digest, l->digest))
			continue;
		/* a listing that is kept may have no digests of content, and these bytes cost nothing */
		if ((!l->is_remote || lp_peek_is_stored(l)) && lp_peek_is_compared(l))
			return LP_OK;
		/* others came along because they are the image's */
		if (im->peek->o->layer != NULL && l->step == LP_STEP_UNWANTED)
			return LP_OK;
		rc = lp_peek_rows_take(l, fd, first, end);
		l->from_cache = rc == LP_OK;
		return rc;
	}
	return LP_OK;
}

/* The stream of listings that lp-cache wrote: each ends in an end record, and no row begins like one. */
static int
take_all(struct lp_peek_image *im, int fd, struct lp_span all)
{
	static const char mark[] = "#end\t";
	struct lp_span rest = all;
	uint64_t first = 0;
	int rc = LP_OK;

	while (rest.n > 0 && rc == LP_OK) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);
		struct lp_span line = lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) + 1 : rest.n);
		struct lp_rowread r;

		if (line.n < sizeof(mark) || memcmp(line.p, mark, sizeof(mark) - 1) != 0)
			continue;
		lp_rowread_init(&r);
		r.tail = 1;
		if (lp_rowread_next(&r, &line) == LP_ROWREAD_END)
			rc = take_one(im, fd, first, (uint64_t)(rest.p - all.p), r.end.layer);
		lp_rowread_release(&r);
		first = (uint64_t)(rest.p - all.p);
	}
	return rc;
}

static int
take(struct lp_peek_image *im, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	void *p;
	int rc;

	if (size <= 0)
		return LP_OK;
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		lp_err_errno("cannot read the known listings");
		return LP_E_SYS;
	}
	rc = take_all(im, fd, lp_span(p, (size_t)size));
	(void)munmap(p, (size_t)size);
	return rc;
}

/* The digest of the table of contents that the manifest names; "" for none. */
static void
named_table(const struct lp_peek_layer *l, struct lp_footer *f)
{
	struct lp_json_error error;
	const char *key;
	json_t *json = NULL, *value;

	lp_footer_init(f);
	if (l->annotations == NULL || lp_json_load(lp_span_str(l->annotations), &json, &error) != LP_OK)
		return;
	json_object_foreach(json, key, value)
		if (json_is_string(value))
			(void)lp_footer_annotation(f, lp_span_str(key),
			    lp_span(json_string_value(value), json_string_length(value)));
	json_decref(json);
}

/* An image that is named by digest vouches for the tables of contents that it names. */
static void
add_tables(struct lp_argv *a, const struct lp_peek_image *im)
{
	for (size_t i = 0; i < im->n && im->by_digest; i++) {
		struct lp_footer f;

		named_table(&im->layer[i], &f);
		if (im->layer[i].digest != NULL && (f.digest[0] != '\0' || f.json_digest[0] != '\0'))
			lp_argv_addf(a, "--toc=%s=%s", im->layer[i].digest, f.digest[0] != '\0' ? f.digest : f.json_digest);
	}
}

static int
ask(struct lp_peek_image *im, int fd)
{
	const struct lp_peek_options *o = im->peek->o;
	const struct lp_job_io io = { .in = -1, .out = fd, .err = -1 };
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a = plan(&line, im, "get");
	int whole = o->complete || o->what == LP_PEEK_CAT;

	lp_argv_add(a, "--end");
	lp_argv_addf(a, "--origin=%s", im->origin);
	add_tables(a, im);
	/* no preview is made from as many bytes as there can be */
	lp_argv_addf(a, "--head=%lld", whole ? (long long)INT64_MAX : (long long)o->head);
	add_layers(a, im, 0);
	im->database = (struct lp_job){ .ops = &get_ops, .owner = im };
	return lp_pipeline_start(im->peek, &im->database, &line, &io);
}

int
lp_peek_recall(struct lp_peek *p)
{
	int fd[LP_PEEK_IMAGES] = { -1, -1 }, rc = LP_OK;

	/* no database, no answer: that needs no process to find out */
	if (!p->o->has_listings || p->o->refresh)
		return LP_OK;
	for (size_t i = 0; i < p->nimages && rc == LP_OK; i++) {
		if (!has_digest(&p->image[i]))
			continue;
		fd[i] = lp_tmpfile();
		rc = fd[i] < 0 ? LP_E_SYS : ask(&p->image[i], fd[i]);
	}
	rc = rc != LP_OK ? rc : lp_peek_wait(p);
	for (size_t i = 0; i < LP_PEEK_IMAGES; i++) {
		if (rc == LP_OK && fd[i] >= 0)
			rc = take(&p->image[i], fd[i]);
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return rc;
}

/* ---- asked about an image ---------------------------------------------------------------- */

/* No known image, where the image itself has said what it is built on, is an answer. */
static void
no_known_base(const struct lp_peek_image *im, int code)
{
	if (code != LP_EXIT_ABSENT || (im->base_name == NULL && im->base_digest == NULL))
		im->peek->exit = lp_exit_worse(im->peek->exit, code);
}

static void
on_base_ended(struct lp_job *j)
{
	no_known_base(j->owner, j->exit);
}

/* NAME@DIGEST, or what there is of it. */
static int
write_said_base(const struct lp_peek_image *im)
{
	const char *name = im->base_name != NULL ? im->base_name : "";
	/* a name may have one of its own */
	const char *digest = im->base_digest != NULL && strchr(name, '@') == NULL ? im->base_digest : "";
	struct lp_record r = { .json = im->peek->o->ndjson };
	struct lp_buf text, line;
	int rc;

	if (*name == '\0' && *digest == '\0')
		return LP_OK;
	lp_buf_init(&text, LP_MAX_MANIFEST);
	lp_buf_init(&line, SIZE_MAX);
	r.out = &line;
	rc = lp_buf_adds(&text, name);
	if (*name != '\0' && *digest != '\0')
		rc = rc != LP_OK ? rc : lp_buf_addc(&text, '@');
	rc = rc != LP_OK ? rc : lp_buf_adds(&text, digest);
	lp_record_text(&r, "image", lp_buf_span(&text));
	lp_record_known(&r, "layers", -1);
	rc = rc != LP_OK ? rc : lp_record_end(&r);
	rc = rc != LP_OK ? rc : lp_write_all(im->peek->out.fd, lp_buf_span(&line));
	lp_buf_release(&text);
	lp_buf_release(&line);
	return rc;
}

static const struct lp_job_ops base_ops = { .line = on_line, .ended = on_base_ended };

int
lp_peek_base(struct lp_peek *p)
{
	struct lp_peek_image *im = &p->image[0];
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a;
	int rc = lp_peek_out_open(p);

	rc = rc != LP_OK ? rc : write_said_base(im);
	if (rc != LP_OK)
		return rc;
	if (!p->o->has_listings) {
		lp_err("no image is known yet: what lp-peek lists is (%s)", lp_quotes(p->o->db != NULL ? p->o->db : "--no-cache"));
		no_known_base(im, LP_EXIT_ABSENT);
		return LP_OK;
	}
	for (size_t i = 0; i < im->n; i++)
		if (im->layer[i].digest == NULL) {
			lp_err("%s: layer %u has no digest, by which it could be known", lp_quotes(im->name), im->layer[i].number);
			no_known_base(im, LP_EXIT_ABSENT);
			return LP_OK;
		}
	a = lp_pipeline_add(&line, "lp-cache");
	lp_argv_addf(a, "--db=%s", p->o->db);
	lp_argv_add(a, "base");
	if (p->o->ndjson)
		lp_argv_add(a, "--json");
	add_layers(a, im, 0);
	im->database = (struct lp_job){ .ops = &base_ops, .owner = im };
	rc = lp_pipeline_start(p, &im->database, &line, &(struct lp_job_io){ .in = -1, .out = p->out.fd, .err = -1 });
	return rc != LP_OK ? rc : lp_peek_wait_for(p, &im->database);
}

/* ---- into it ------------------------------------------------------------------------------ */

/* What was listed meanwhile. */
static void
on_put_ended(struct lp_job *j)
{
	note_failure(j);
	lp_peek_keep(j->owner);
}

static const struct lp_job_ops put_ops = { .line = on_line, .ended = on_put_ended };

static int
is_to_be_kept(const struct lp_peek_layer *l)
{
	return l->step == LP_STEP_DONE && l->exit == LP_EXIT_OK && l->fault == LP_FOUND_NOTHING && !l->from_cache && !l->kept && l->digest != NULL &&
	    l->complete != LP_COMPLETE_UNKNOWN;
}

static int
put(struct lp_peek_image *im, int fd)
{
	const struct lp_job_io io = { .in = fd, .out = -1, .err = -1 };
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a = plan(&line, im, "put");

	lp_argv_addf(a, "--head=%llu", (unsigned long long)im->peek->o->head);
	/* those whose end records say "yes"; the others are this origin's claims */
	lp_argv_add(a, "--verified");
	lp_argv_addf(a, "--origin=%s", im->origin);
	add_layers(a, im, 1);
	im->database = (struct lp_job){ .ops = &put_ops, .owner = im };
	return lp_pipeline_start(im->peek, &im->database, &line, &io);
}

/* The points of the first layer whose listing is kept, and theirs are not. */
static int
put_points(struct lp_peek_image *im)
{
	struct lp_pipeline line = { .n = 0 };
	struct lp_peek_layer *l = NULL;
	struct lp_argv *a;
	int rc;

	for (size_t i = 0; i < im->n && l == NULL; i++)
		if (lp_peek_points_ready(&im->layer[i]))
			l = &im->layer[i];
	if (l == NULL)
		return LP_OK;
	a = lp_pipeline_add(&line, "lp-cache");
	lp_argv_addf(a, "--db=%s", im->peek->o->db);
	if (im->peek->o->defaults[1] != NULL)
		lp_argv_add(a, "--wait=2");
	lp_argv_add(a, "put-points");
	lp_argv_add(a, l->digest);
	im->database = (struct lp_job){ .ops = &put_ops, .owner = im };
	rc = lp_pipeline_start(im->peek, &im->database, &line, &(struct lp_job_io){ .in = l->points, .out = -1, .err = -1 });
	lp_peek_points_close(l);
	return rc;
}

void
lp_peek_keep(struct lp_peek_image *im)
{
	struct lp_peek *p = im->peek;
	int fd = -1, rc = LP_OK;

	if (!p->o->keeps_listings || p->has_no_database || im->database.busy || p->crew.n == LP_CREW_JOBS)
		return;
	for (size_t i = 0; i < im->n && rc == LP_OK; i++) {
		struct lp_peek_layer *l = &im->layer[i];

		if (!is_to_be_kept(l))
			continue;
		if (fd < 0)
			fd = lp_tmpfile();
		rc = fd < 0 ? LP_E_SYS : lp_peek_rows_append(l, fd);
		l->kept = 1;
	}
	if (rc == LP_OK && fd >= 0)
		rc = lseek(fd, 0, SEEK_SET) == 0 ? put(im, fd) : LP_E_SYS;
	else if (rc == LP_OK)
		rc = put_points(im);
	if (rc != LP_OK)
		lp_note("the listing of %s was not kept", lp_quotes(im->name));
	if (fd >= 0)
		close(fd);
}

void
lp_peek_keep_all(struct lp_peek *p)
{
	for (size_t i = 0; i < p->nimages; i++)
		lp_peek_keep(&p->image[i]);
}
