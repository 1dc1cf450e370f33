/* Builds the pipelines of lp-fetch, lp-inflate, lp-tarls and lp-toc for a layer. */
#include "cmd/peek/peek_pipe.h"

#include <string.h>

#include "common/base/status.h"
#include "common/sys/err.h"

struct lp_argv *
lp_pipeline_add(struct lp_pipeline *l, const char *name)
{
	struct lp_argv *a = &l->a[l->n++];

	lp_argv_init(a);
	lp_argv_add(a, name);
	if (!lp_err_is_verbose())
		lp_argv_add(a, "-q");
	return a;
}

void
lp_pipeline_fetch(struct lp_pipeline *l, const struct lp_peek *p, enum lp_pipeline_store how)
{
	struct lp_argv *a = lp_pipeline_add(l, "lp-fetch");

	lp_argv_append(a, &p->o->network);
	if (p->o->offline)
		how = LP_STORE_ONLY;
	/* an empty one outweighs LP_STORE */
	if (how == LP_STORE_WITHOUT || p->o->store == NULL)
		lp_argv_add(a, "--store=");
	else
		lp_argv_addf(a, "--store=%s", p->o->store);
	if (how == LP_STORE_ONLY)
		lp_argv_add(a, "--offline");
}

void
lp_pipeline_source(struct lp_pipeline *l, const struct lp_peek_layer *layer)
{
	struct lp_argv *a = &l->a[l->n - 1];

	if (layer->size >= 0)
		lp_argv_addf(a, "--size=%lld", (long long)layer->size);
	/* a part of a file does not say it itself */
	if (layer->digest != NULL && !layer->is_remote && strstr(layer->source, layer->digest) == NULL)
		lp_argv_addf(a, "--digest=%s", layer->digest);
	lp_argv_add(a, "--");
	lp_argv_add(a, layer->source);
}

void
lp_pipeline_inflate(struct lp_pipeline *l, const struct lp_peek_layer *layer, int whole)
{
	struct lp_argv *a = lp_pipeline_add(l, "lp-inflate");

	if (whole)
		lp_argv_add(a, "--complete");
	if (whole && layer->size == 0)
		lp_argv_add(a, "--size=0");
}

void
lp_pipeline_list(struct lp_pipeline *l, const char *name, int digests)
{
	struct lp_argv *a = lp_pipeline_add(l, name);

	lp_argv_add(a, "--end");
	lp_argv_add(a, "--header");
	lp_argv_add(a, digests ? "--columns=" LP_PIPELINE_DIGESTS : "--columns=" LP_PIPELINE_COLUMNS);
}

int
lp_pipeline_start(struct lp_peek *p, struct lp_job *j, struct lp_pipeline *l, const struct lp_job_io *io)
{
	struct lp_stage stage[LP_STAGES] = { { 0 } };
	size_t n = 0;
	int rc = LP_OK;

	for (; n < l->n; n++) {
		stage[n].argv = lp_argv_done(&l->a[n]);
		if (stage[n].argv == NULL)
			rc = LP_E_NOMEM;
	}
	rc = rc != LP_OK ? rc : lp_crew_start(&p->crew, j, stage, n, io);
	if (rc != LP_OK)
		lp_err_errno("cannot start %s", l->n > 0 && l->a[0].n > 0 ? l->a[0].v[0] : "a process");
	for (size_t i = 0; i < l->n; i++)
		lp_argv_release(&l->a[i]);
	return rc;
}
