/* Finds, for lp-peek --check, what is wrong with a layer whose bytes no listing comes of. */
#include <stdlib.h>
#include <string.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/status.h"
#include "common/oci/mediatype.h"
#include "common/sys/err.h"

const char *
lp_peek_foreign(const struct lp_peek_layer *l)
{
	return l->media_type != NULL ? lp_mediatype_foreign(lp_span_str(l->media_type)) : NULL;
}

void
lp_peek_refuse(struct lp_peek_layer *l)
{
	const char *what = lp_peek_foreign(l);

	if (what == NULL)
		return;
	lp_bars_clear(&l->peek->bars);
	lp_err("%s: %s: %s", l->label, lp_quotes(l->media_type), what);
	l->exit = LP_EXIT_DATA;
	if (l->error == NULL)
		l->error = strdup(what);
}

/* By the stage that failed: lp-fetch, lp-inflate, lp-tarls. That what was not recorded is not there is no fault of the layer. */
static enum lp_finding
fault_of(const struct lp_job *j, int offline)
{
	for (size_t i = 0; i < j->n; i++) {
		if (j->code[i] == LP_EXIT_DATA)
			return i == 0 ? LP_FOUND_BLOB : i == 1 ? LP_FOUND_COMPRESSION : LP_FOUND_NOT_TAR;
		if (j->code[i] == LP_EXIT_ABSENT)
			return i > 0 ? LP_FOUND_CUT : offline ? LP_FOUND_NOTHING : LP_FOUND_BLOB;
	}
	return LP_FOUND_NOTHING;
}

void
lp_peek_check_ended(struct lp_peek_layer *l, struct lp_job *j)
{
	if (j->exit == LP_EXIT_DATA || j->exit == LP_EXIT_ABSENT)
		l->fault = fault_of(j, l->peek->o->offline);
	lp_peek_settle(l, j, l->fault != LP_FOUND_NOTHING);
	if (l->fault != LP_FOUND_NOTHING)
		j->exit = LP_EXIT_OK;
}

void
lp_peek_check_whole(struct lp_peek_layer *l)
{
	if (l->fault == LP_FOUND_NOTHING && l->exit == LP_EXIT_OK && l->complete == LP_COMPLETE_NO)
		l->fault = LP_FOUND_CUT;
}

/* [LAYER]:CODE[:DETAIL] */
static void
add(struct lp_argv *a, unsigned layer, enum lp_finding what, const char *detail)
{
	const char *code = lp_finding_kind(what)->code;

	if (layer == 0)
		lp_argv_addf(a, "--finding=:%s", code);
	else if (detail == NULL)
		lp_argv_addf(a, "--finding=%u:%s", layer, code);
	else
		lp_argv_addf(a, "--finding=%u:%s:%.200s", layer, code, detail);
}

/* What was said, without the name of the layer in front. */
static const char *
detail_of(const struct lp_peek_layer *l)
{
	const char *at = l->error != NULL ? strstr(l->error, l->source) : NULL;

	if (at == NULL)
		return l->error;
	at += strlen(l->source);
	return strncmp(at, ": ", 2) == 0 ? at + 2 : at;
}

static void
add_layer(struct lp_argv *a, const struct lp_peek_layer *l)
{
	const struct lp_peek_layer *listed = lp_peek_listed(l);
	const char *foreign = lp_peek_foreign(l);
	int is_layer = l->media_type == NULL || lp_mediatype_is_layer(lp_span_str(l->media_type));

	if (foreign != NULL)
		add(a, l->number, LP_FOUND_FOREIGN, foreign);
	else if (!is_layer)
		add(a, l->number, LP_FOUND_MEDIA_TYPE, l->media_type);
	if (listed->fault != LP_FOUND_NOTHING)
		add(a, l->number, listed->fault, detail_of(listed));
}

void
lp_peek_check_options(const struct lp_peek *p, struct lp_argv *a)
{
	const struct lp_peek_image *im = &p->image[0];

	lp_argv_add(a, "--check");
	if (im->odd_history)
		add(a, 0, LP_FOUND_HISTORY, NULL);
	if (im->odd_diff_ids)
		add(a, 0, LP_FOUND_DIFF_IDS, NULL);
	for (size_t i = 0; i < im->n; i++)
		add_layer(a, &im->layer[i]);
}
