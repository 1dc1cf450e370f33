/* Lists large plain layers by the tables of contents that a SOCI index beside the image has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_pipe.h"
#include "cmd/peek/peek_priv.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/tmpfile.h"

/* Bytes of a layer from which on it is worth two requests: soci-snapshotter makes no table for smaller ones by itself. */
enum { WORTH_ASKING = 10 * 1024 * 1024 };

int
lp_peek_may_have_table(const struct lp_peek_layer *l)
{
	const struct lp_peek_options *o = l->peek->o;

	return l->is_remote && l->digest != NULL && l->image->manifest != NULL && strchr(l->source, '@') != NULL && o->complete &&
	    !o->offline && o->what != LP_PEEK_CHECK && !l->look_only && !lp_peek_is_stored(l) && !lp_peek_is_compared(l) &&
	    (l->media_type == NULL || strstr(l->media_type, "zstd") == NULL) && l->size >= WORTH_ASKING;
}

/* ---- the index ------------------------------------------------------------------------ */

static void
on_line(struct lp_job *j, enum lp_job_line kind, size_t stage, struct lp_span line)
{
	struct lp_peek_image *im = j->owner;

	(void)stage;
	if (kind == LP_LINE_REPORT) {
		lp_peek_report(im->peek, NULL, line);
		return;
	}
	if (lp_err_is_verbose())
		lp_peek_message(im->peek, NULL, line);
	/* the last one is why it failed */
	free(im->soci_said);
	im->soci_said = strdup(lp_quote_message(line));
}

/* One line of lp-layers --soci: the layer that it is of takes it, if it is smaller than the layer itself. */
static void
take_table(struct lp_peek_image *im, struct lp_span line)
{
	struct lp_span digest = lp_span_field(&line, '\t'), source = lp_span_field(&line, '\t');
	struct lp_span table = source;
	uint64_t size;

	(void)lp_span_field(&table, '@');
	if (lp_num_u64(line, LP_MAX_TOC, &size) != LP_OK || !lp_digest_is_sha256(table))
		return;
	for (size_t i = 0; i < im->n; i++) {
		struct lp_peek_layer *l = &im->layer[i];

		if (l->digest == NULL || l->table != NULL || !lp_span_is(digest, l->digest) || (l->size >= 0 && size >= (uint64_t)l->size))
			continue;
		l->table = lp_cstr(source);
		l->table_size = (int64_t)size;
	}
}

static int
take_tables(struct lp_peek_image *im)
{
	struct lp_buf b;
	struct lp_span rest;
	int rc;

	lp_buf_init(&b, 2 * LP_MAX_MANIFEST);
	rc = lseek(im->soci_fd, 0, SEEK_SET) == 0 ? lp_read_all(im->soci_fd, &b) : LP_E_SYS;
	rest = lp_buf_span(&b);
	while (rc == LP_OK && rest.n > 0)
		take_table(im, lp_span_field(&rest, '\n'));
	lp_buf_release(&b);
	return rc;
}

/* All layers that have waited go on. That there is no index is no news. */
static void
on_ended(struct lp_job *j)
{
	struct lp_peek_image *im = j->owner;

	if (j->exit == LP_EXIT_OK && take_tables(im) != LP_OK)
		j->exit = LP_EXIT_SYSTEM;
	if (j->exit != LP_EXIT_OK && j->exit != LP_EXIT_ABSENT)
		lp_note("%s: it is not known whether it has a SOCI index: %s", lp_quotes(im->name),
		    im->soci_said != NULL ? im->soci_said : "lp-layers failed");
	close(im->soci_fd);
	im->soci_fd = 0;
	im->soci_known = 1;
	for (size_t i = 0; i < im->n; i++)
		if (im->layer[i].step == LP_STEP_INDEX)
			lp_peek_table_known(&im->layer[i]);
}

static const struct lp_job_ops ops = { .line = on_line, .ended = on_ended };

int
lp_peek_ask_tables(struct lp_peek_layer *l)
{
	struct lp_peek_image *im = l->image;
	const struct lp_peek *p = l->peek;
	struct lp_pipeline line = { .n = 0 };
	struct lp_argv *a;

	if (im->soci.busy)
		return LP_OK;
	im->soci_fd = lp_tmpfile();
	if (im->soci_fd < 0) {
		lp_err_errno("cannot make a temporary file");
		return LP_E_SYS;
	}
	a = lp_pipeline_add(&line, "lp-layers");
	lp_argv_add(a, "--soci");
	lp_peek_hasty_network(p, a);
	lp_argv_addf(a, "--store=%s", p->o->store != NULL ? p->o->store : "");
	lp_argv_add(a, "--");
	lp_argv_addf(a, "%.*s@%s", (int)strcspn(l->source, "@"), l->source, im->manifest);
	im->soci = (struct lp_job){ .ops = &ops, .owner = im };
	return lp_pipeline_start(l->peek, &im->soci, &line, &(struct lp_job_io){ .in = -1, .out = im->soci_fd, .err = -1,
	    .keep = p->keep, .nkeep = p->nkeep });
}

/* ---- a layer's table --------------------------------------------------------------------- */

void
lp_peek_plan_table(struct lp_pipeline *line, const struct lp_peek_layer *l)
{
	struct lp_argv *a;

	lp_pipeline_fetch(line, l->peek, LP_STORE_KEEP);
	a = &line->a[0];
	lp_argv_add(a, "--all");
	lp_argv_addf(a, "--size=%lld", (long long)l->table_size);
	lp_argv_add(a, "--");
	lp_argv_add(a, l->table);
	lp_pipeline_list(line, "lp-toc", 0);
	a = &line->a[line->n - 1];
	lp_argv_add(a, "--soci");
	lp_argv_addf(a, "--size=%lld", (long long)l->size);
	lp_argv_addf(a, "--digest=%s", lp_peek_table_digest(l));
}

const char *
lp_peek_table_digest(const struct lp_peek_layer *l)
{
	return strrchr(l->table, '@') + 1;
}
