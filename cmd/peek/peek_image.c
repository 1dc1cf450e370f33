/* Resolves an image to its layers by lp-layers, and suggests tags where it does not exist. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/base64.h"
#include "common/base/digest.h"
#include "common/base/jsonread.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"
#include "common/view/nearest.h"

/* One image being resolved: lp-layers' answer comes to a file, unless it is ours. */
struct resolving {
	struct lp_peek_image *image;
	struct lp_job job;
	int fd;     /* of the answer */
	int own;    /* the same, or -1: it is where all answers go */
	char *said; /* its first message */
	int usage;  /* it refused the reference: how it wants to be called is not how we do */
};

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	static const char name[] = "lp-layers: ";
	struct resolving *r = j->owner;
	struct lp_peek *p = r->image->peek;

	(void)stage;
	if (kind == LP_LINE_REPORT) {
		lp_peek_report(p, NULL, line);
		return;
	}
	r->usage |= line.n > 7 && memcmp(line.p, "usage: ", 7) == 0;
	if (r->usage)
		return;
	/* the image is what it is about, whoever looked */
	if (kind == LP_LINE_MESSAGE && line.n > sizeof(name) - 1 && memcmp(line.p, name, sizeof(name) - 1) == 0)
		lp_span_take(&line, sizeof(name) - 1);
	/* and goes by the name that the user gave it */
	if (r->image->file != NULL && lp_span_begins(line, r->image->file)) {
		lp_span_take(&line, strlen(r->image->file) + sizeof(": ") - 1);
		lp_peek_message(p, lp_quotes_kept(r->image->name), line);
	} else {
		lp_peek_message(p, NULL, line);
	}
	if (r->said == NULL)
		r->said = strdup(lp_quote_message(line));
}

static const struct lp_job_ops ops = { .line = on_line };

static int
start(struct lp_peek *p, struct resolving *r)
{
	const struct lp_peek_options *o = p->o;
	const struct lp_job_io io = { .in = -1, .out = r->fd, .err = -1,
		.keep = p->keep, .nkeep = p->nkeep };
	struct lp_argv a;
	struct lp_stage stage = { 0 };
	int rc = LP_E_NOMEM;

	lp_argv_init(&a);
	lp_argv_add(&a, "lp-layers");
	if (lp_err_is_verbose() || o->quiet)
		lp_argv_add(&a, o->quiet ? "-q" : "-v");
	if (o->what == LP_PEEK_ABOUT)
		lp_argv_append(&a, &o->about);
	else
		lp_argv_add(&a, "-jE");
	if (o->diff_platform != NULL && r->image != &p->image[0])
		lp_argv_addf(&a, "--platform=%s", o->diff_platform);
	else
		lp_argv_append(&a, &o->platform);
	lp_argv_append(&a, &o->network);
	lp_argv_addf(&a, "--store=%s", o->store != NULL ? o->store : "");
	if (o->offline)
		lp_argv_add(&a, "--offline");
	lp_argv_add(&a, "--");
	lp_argv_add(&a, r->image->file != NULL ? r->image->file : r->image->name);
	stage.argv = lp_argv_done(&a);
	if (stage.argv != NULL)
		rc = lp_crew_start(&p->crew, &r->job, &stage, 1, &io);
	lp_argv_release(&a);
	return rc;
}

/* A copy of a member; NULL if it is absent, or holds a NUL and is none of ours. */
static char *
copy(const json_t *o, const char *key)
{
	struct lp_span s = lp_json_get_string(o, key);

	if (s.p == NULL || memchr(s.p, '\0', s.n) != NULL)
		return NULL;
	return strndup((const char *)s.p, s.n);
}

/* The same where its exact bytes may stand beside it. */
static char *
copy_exact(const json_t *o, const char *key, const char *exact)
{
	struct lp_span s = lp_json_get_string(o, exact);
	struct lp_buf b;
	char *text = NULL;

	if (s.p == NULL)
		return copy(o, key);
	lp_buf_init(&b, LP_MAX_PATH);
	if (lp_base64_decode(&b, s) == LP_OK && memchr(b.p, '\0', b.n) == NULL)
		text = lp_cstr(lp_buf_span(&b));
	lp_buf_release(&b);
	return text;
}

/* A value as text, in memory of malloc's: what jansson allocates goes back to it alone. */
static char *
text_of(const json_t *value)
{
	size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT);
	char *text = n > 0 ? malloc(n + 1) : NULL;

	if (text != NULL)
		text[json_dumpb(value, text, n, JSON_COMPACT)] = '\0';
	return text;
}

void
lp_peek_layer_init(struct lp_peek_layer *l, struct lp_peek_image *im)
{
	*l = (struct lp_peek_layer){ .peek = im->peek, .image = im, .rows = -1, .points = -1, .size = -1, .entries = -1,
		.number = (unsigned)im->n + 1 };
	lp_buf_init(&l->held, LP_PEEK_HELD);
	snprintf(l->label, sizeof(l->label), "layer %u", l->number);
}

static int
take_layer(struct lp_peek_image *im, const json_t *row)
{
	struct lp_peek_layer *l = &im->layer[im->n];
	static struct lp_reference ref;
	struct lp_reference_error error;
	const json_t *annotations = json_object_get(row, "annotations"), *urls = json_object_get(row, "urls");
	uint64_t size;

	lp_peek_layer_init(l, im);
	l->source = copy_exact(row, "source", "source_base64");
	l->digest = copy(row, "digest");
	l->media_type = copy(row, "mediatype");
	l->created_by = copy(row, "created_by");
	if (json_is_object(annotations))
		l->annotations = text_of(annotations);
	if (json_is_array(urls))
		l->urls = text_of(urls);
	if (lp_json_get_u64(row, "size", &size) == LP_OK && size <= INT64_MAX)
		l->size = (int64_t)size;
	im->n++;
	if (l->source == NULL || lp_reference_source(lp_span_str(l->source), &ref, &error) != LP_OK)
		return LP_E_DATA;
	l->is_remote = ref.kind == LP_REF_REGISTRY || ref.kind == LP_REF_URL;
	if (l->digest != NULL && !lp_digest_valid(lp_span_str(l->digest)))
		return LP_E_DATA;
	return LP_OK;
}

static int
take_line(struct lp_peek_image *im, struct lp_span line)
{
	struct lp_json_error error;
	const json_t *end;
	json_t *row;
	int rc = lp_json_load(line, &row, &error);

	if (rc != LP_OK)
		return rc;
	end = json_object_get(row, "end");
	if (end != NULL) {
		im->digest = copy(end, "digest");
		im->manifest = copy(end, "manifest");
		im->platform = copy(end, "platform");
		im->base_name = copy(end, "base.name");
		im->base_digest = copy(end, "base.digest");
		im->odd_history = json_is_false(json_object_get(end, "history"));
		im->odd_diff_ids = json_is_false(json_object_get(end, "diff_ids"));
	} else if (im->n == LP_PEEK_LAYERS_MAX) {
		rc = LP_E_LIMIT;
	} else {
		rc = take_layer(im, row);
	}
	json_decref(row);
	return rc;
}

static size_t
count_lines(struct lp_span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static int
take_answer(struct resolving *r)
{
	struct lp_peek_image *im = r->image;
	struct lp_buf b;
	struct lp_span rest;
	int rc;

	lp_buf_init(&b, LP_MAX_MANIFEST + LP_MAX_CONFIG);
	rc = lseek(r->fd, 0, SEEK_SET) == 0 ? lp_read_all(r->fd, &b) : LP_E_SYS;
	rest = lp_buf_span(&b);
	im->layer = calloc(count_lines(rest) + 1, sizeof(*im->layer));
	if (rc == LP_OK && im->layer == NULL)
		rc = LP_E_NOMEM;
	while (rc == LP_OK && rest.n > 0) {
		const unsigned char *nl = memchr(rest.p, '\n', rest.n);

		rc = take_line(im, lp_span_take(&rest, nl != NULL ? (size_t)(nl - rest.p) : rest.n));
		lp_span_take(&rest, 1);
	}
	lp_buf_release(&b);
	if (rc != LP_OK) {
		lp_err("%s: lp-layers' answer makes no sense", lp_quotes(im->name));
		im->peek->exit = lp_exit_worse(im->peek->exit, LP_EXIT_SYSTEM);
	}
	return rc;
}

/* Whether what is claimed of one layer may be told of the other, which has its digest. */
static int
rest_on_the_same(const struct lp_peek_layer *a, const struct lp_peek_layer *b)
{
	if (a->image == b->image)
		return 1;
	if (strcmp(a->image->origin, b->image->origin) != 0 || a->image->by_digest != b->image->by_digest)
		return 0;
	/* where a table of contents is, and which, the manifest says */
	return a->annotations == NULL || b->annotations == NULL ? a->annotations == b->annotations :
	    strcmp(a->annotations, b->annotations) == 0;
}

/* One listing serves all layers of one digest; in both images, unless it is no more than a claim about one of them. */
static void
find_same(struct lp_peek *p, struct lp_peek_layer *l)
{
	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			struct lp_peek_layer *other = &p->image[i].layer[k];

			if (other == l || l->digest == NULL)
				return;
			if (other->digest == NULL || strcmp(other->digest, l->digest) != 0 || other->same != NULL)
				continue;
			if (rest_on_the_same(other, l)) {
				l->same = other;
				l->twin = NULL;
				return;
			}
			l->twin = other;
		}
}

/* ---- what can be done about an image that is not there -------------------------------- */

static int
is_patience(const char *option)
{
	const struct lp_span s = lp_span_str(option);

	return lp_span_begins(s, "--stall-timeout=") || lp_span_begins(s, "--retries=");
}

void
lp_peek_hasty_network(const struct lp_peek *p, struct lp_argv *a)
{
	for (size_t i = 0; i < p->o->network.n; i++)
		if (!is_patience(p->o->network.v[i]))
			lp_argv_add(a, p->o->network.v[i]);
	lp_argv_add(a, "--stall-timeout=3");
	lp_argv_add(a, "--retries=0");
}

/* The tags nearest to one that does not exist, if the registry lists them. */
static void
suggest_tags(struct lp_peek *p, const struct lp_reference *ref)
{
	static const struct lp_job_ops silent = { .line = NULL };
	struct lp_job j = { .ops = &silent };
	struct lp_stage stage = { 0 };
	struct lp_nearest nearest;
	struct lp_argv a;
	struct lp_buf b;
	size_t tags = 0;
	int fd = lp_tmpfile(), rc = LP_E_NOMEM;

	lp_argv_init(&a);
	lp_argv_add(&a, "lp-layers");
	lp_argv_add(&a, "-q");
	lp_argv_add(&a, "--tags");
	lp_peek_hasty_network(p, &a);
	lp_argv_add(&a, "--");
	lp_argv_addf(&a, "%s/%s", ref->host, ref->repo);
	stage.argv = lp_argv_done(&a);
	if (fd >= 0 && stage.argv != NULL)
		rc = lp_crew_start(&p->crew, &j, &stage, 1,
		    &(struct lp_job_io){ .in = -1, .out = fd, .err = -1, .keep = p->keep, .nkeep = p->nkeep });
	rc = rc != LP_OK ? rc : lp_peek_wait(p);
	lp_argv_release(&a);
	lp_buf_init(&b, LP_MAX_MANIFEST);
	lp_nearest_init(&nearest, lp_span_str(ref->name));
	if (rc == LP_OK && j.exit == LP_EXIT_OK && lseek(fd, 0, SEEK_SET) == 0 && lp_read_all(fd, &b) == LP_OK) {
		struct lp_span rest = lp_buf_span(&b);
		const unsigned char *nl;

		while (rest.n > 0 && (nl = memchr(rest.p, '\n', rest.n)) != NULL) {
			lp_nearest_offer(&nearest, lp_span_take(&rest, (size_t)(nl - rest.p)));
			lp_span_take(&rest, 1);
			tags++;
		}
		if (nearest.n == 0 && tags > 0)
			lp_note("%s/%s has %zu tags, none of them like that (lp-layers --tags lists them)",
			    lp_quotes(ref->host), lp_quotes(ref->repo), tags);
	}
	/* not one tag, or not even a list: the tag is not what is wrong */
	if (rc == LP_OK && tags == 0)
		lp_note("%s shows no tags of %s: is that its name, and are there credentials for it?",
		    lp_quotes(ref->host), lp_quotes(ref->repo));
	for (size_t i = 0; i < nearest.n; i++)
		lp_note("%s %s/%s:%s", i == 0 ? "did you mean" : "or", lp_quotes(ref->host), lp_quotes(ref->repo),
		    lp_quote(lp_span(nearest.best[i].text, nearest.best[i].n)));
	lp_buf_release(&b);
	if (fd >= 0)
		close(fd);
}

static void
advise(struct resolving *r)
{
	struct lp_peek *p = r->image->peek;
	static struct lp_reference ref;
	struct lp_reference_error error;

	if (lp_reference_image(lp_span_str(r->image->name), &ref, &error) != LP_OK || ref.kind != LP_REF_REGISTRY)
		return;
	if (p->o->offline && r->job.exit == LP_EXIT_ABSENT)
		lp_peek_how_to_record(p);
	else if (!p->o->offline && ref.name[0] != '\0' && r->said != NULL && strstr(r->said, " 404") != NULL)
		suggest_tags(p, &ref);
}

static int
begin(struct lp_peek *p, struct resolving *r)
{
	int rc;

	/* a layer alone is all there is */
	if (r->image->layer != NULL)
		return LP_OK;
	r->job = (struct lp_job){ .ops = &ops, .owner = r };
	/* what needs no work of ours is on its way as it comes */
	if (p->o->what != LP_PEEK_ABOUT)
		r->fd = r->own = lp_tmpfile();
	else if (lp_peek_out_open(p) == LP_OK)
		r->fd = p->out.fd;
	else
		return LP_E_SYS;
	if (asprintf(&r->image->asking, "looking up %s", lp_quotes(r->image->name)) < 0)
		r->image->asking = NULL;
	rc = r->fd < 0 ? LP_E_SYS : start(p, r);
	if (rc != LP_OK)
		lp_err_errno("cannot run lp-layers");
	return rc;
}

/* What it came to. Of two images that both failed, both count. */
static int
finish(struct lp_peek *p, struct resolving *r)
{
	if (r->image->layer != NULL)
		return LP_OK;
	if (r->job.exit == LP_EXIT_OK)
		return p->o->what == LP_PEEK_ABOUT ? LP_OK : take_answer(r);
	/* offline, a store that does not exist is one that has nothing */
	if (p->o->offline && r->job.exit == LP_EXIT_SYSTEM && !p->o->has_store)
		r->job.exit = LP_EXIT_ABSENT;
	p->exit = lp_exit_worse(p->exit, r->job.exit);
	advise(r);
	if (p->error == NULL) {
		p->error = r->said;
		r->said = NULL;
	}
	return LP_E_ABSENT;
}

int
lp_peek_resolve(struct lp_peek *p)
{
	struct resolving r[LP_PEEK_IMAGES];
	const size_t n = p->nimages;
	int rc = LP_OK;

	for (size_t i = 0; i < n; i++)
		r[i] = (struct resolving){ .image = &p->image[i], .fd = -1, .own = -1 };
	for (size_t i = 0; i < n && rc == LP_OK; i++)
		rc = (rc = lp_peek_path(&p->image[i])) != LP_OK ? rc : lp_peek_spool(&p->image[i]);
	if (rc != LP_OK)
		return rc;
	for (size_t i = 0; i < n && rc == LP_OK; i++)
		rc = begin(p, &r[i]);
	if (rc == LP_OK)
		rc = lp_peek_wait(p);
	else
		/* the other one's job is ours, and we are leaving */
		lp_crew_stop(&p->crew);
	if (rc == LP_OK)
		for (size_t i = 0; i < n; i++) {
			int one = finish(p, &r[i]);

			rc = rc != LP_OK ? rc : one;
		}
	for (size_t i = 0; i < n; i++) {
		free(r[i].said);
		if (r[i].own >= 0)
			close(r[i].own);
	}
	for (size_t i = 0; i < n && rc == LP_OK; i++)
		for (size_t k = 0; k < p->image[i].n; k++)
			find_same(p, &p->image[i].layer[k]);
	return rc;
}
