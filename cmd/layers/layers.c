/* Collects the answer of lp-layers, so that nothing is printed unless all of it is known. */
#include "cmd/layers/layers.h"

#include <string.h>
#include <sys/utsname.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/status.h"
#include "common/sys/err.h"

enum { OUT_MAX = 64 * 1024 * 1024 }; /* bytes of all rows: a manifest's worth, escaped */

void
lp_layers_init(struct lp_layers *l)
{
	struct utsname u;

	memset(l, 0, sizeof(*l));
	lp_layerfmt_init(&l->fmt, LP_ROWS_LAYERS);
	lp_buf_init(&l->out, OUT_MAX);
	if (uname(&u) != 0 || lp_platform_machine(u.machine, &l->want) != LP_OK)
		(void)lp_platform_machine("amd64", &l->want);
}

void
lp_layers_release(struct lp_layers *l)
{
	lp_buf_release(&l->out);
}

int
lp_layers_add(struct lp_layers *l, struct lp_span bytes)
{
	int rc = lp_buf_add(&l->out, bytes);

	if (rc != LP_OK)
		lp_err("%s: more than %d MiB of output", lp_quotes(l->text), OUT_MAX >> 20);
	return rc;
}

void
lp_layers_other(const struct lp_layers *l, const struct lp_platform *is)
{
	const char *name = lp_quotes_kept(l->text);
	struct lp_buf text;

	if (!l->chosen || is == NULL || lp_platform_rank(&l->want, is) >= 0)
		return;
	lp_buf_init(&text, LP_PLATFORM_TEXT);
	if (lp_platform_put_all(is, &text) == LP_OK)
		lp_note("%s: the only image is for %s", name, lp_quote(lp_buf_span(&text)));
	lp_buf_release(&text);
}

int
lp_layers_begin(struct lp_layers *l)
{
	return l->header ? lp_layer_header(&l->fmt, &l->out) : LP_OK;
}

int
lp_layers_row(struct lp_layers *l, const struct lp_reference *ref, struct lp_layer *layer)
{
	struct lp_buf source;
	int rc;

	lp_buf_init(&source, LP_REF_TEXT_MAX);
	rc = lp_reference_put(ref, &source);
	layer->source = lp_buf_span(&source);
	rc = rc != LP_OK ? rc : lp_layer_write(&l->fmt, layer, &l->out);
	l->entries++;
	lp_buf_release(&source);
	return rc;
}

int
lp_layers_full(struct lp_layers *l, int rc)
{
	if (rc != LP_OK)
		lp_err("%s: more rows than memory or %d MiB hold", lp_quotes(l->text), OUT_MAX >> 20);
	return rc;
}

int
lp_layers_end(struct lp_layers *l, int rc, const struct lp_layerend *end)
{
	if (rc == LP_OK && l->end)
		rc = lp_layer_end(&l->fmt, end, &l->out);
	return lp_layers_full(l, rc);
}
