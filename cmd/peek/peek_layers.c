/* Prints each layer's own listing under a title (--layers). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/view/human.h"

/* The line in front of all sections: so that listings of many images can follow each other. */
static char *
image_line(const struct lp_peek_image *im)
{
	char *text = NULL;
	struct lp_buf name;

	/* whole, and to be undone: others take the image by it */
	lp_buf_init(&name, 4 * LP_MAX_PATH);
	if (lp_escape(&name, lp_span_str(im->name), LP_ESCAPE_ROW) != LP_OK || lp_buf_cstr(&name) == NULL ||
	    asprintf(&text, "#image\tname=%s\tdigest=%s\tplatform=%s\tlayers=%zu\n", lp_buf_cstr(&name),
	        im->digest != NULL ? im->digest : "", im->platform != NULL ? im->platform : "", im->n) < 0)
		text = NULL;
	lp_buf_release(&name);
	return text;
}

/* Cut to a screen's width, a digest to what people compare. */
static char *
title_for_eyes(const struct lp_peek_layer *l)
{
	enum { DIGEST_SHOWN = 19, ELLIPSIS = 3 };
	char size[LP_HUMAN_MAX + 1], *text = NULL;
	const char *made_by = l->created_by != NULL ? lp_quotes(l->created_by) : "";
	unsigned columns, rows;
	size_t left, n = strlen(made_by);
	int used, cut;

	lp_tty_size(1, &columns, &rows);
	*lp_human_bytes(size, l->size >= 0 ? (uint64_t)l->size : 0) = '\0';
	used = 2 + snprintf(NULL, 0, "layer %u  %.*s  %s", l->number, DIGEST_SHOWN, l->digest != NULL ? l->digest : "-",
	    l->size >= 0 ? size : "-");
	left = used > 0 && (unsigned)used < columns ? columns - (unsigned)used : 0;
	cut = n > left;
	if (cut) {
		n = left > ELLIPSIS ? left - ELLIPSIS : 0;
		/* not in the middle of a character */
		while (n > 0 && ((unsigned char)made_by[n] & 0xc0) == 0x80)
			n--;
	}
	if (asprintf(&text, "%slayer %u  %.*s  %s%s%.*s%s", l->number > 1 ? "\n" : "", l->number, DIGEST_SHOWN,
	        l->digest != NULL ? l->digest : "-", l->size >= 0 ? size : "-", n > 0 ? "  " : "", (int)n, made_by,
	        cut && n > 0 ? "..." : "") < 0)
		return NULL;
	return text;
}

static char *
title_of(const struct lp_peek_layer *l)
{
	char *text = NULL, *image = NULL;

	if (l->number == 1)
		image = image_line(l->image);
	if (asprintf(&text, "%s#layer\tindex=%u\tdigest=%s\tsize=%lld", image != NULL ? image : "", l->number,
	        l->digest != NULL ? l->digest : "", (long long)l->size) < 0)
		text = NULL;
	free(image);
	return text;
}

/* One layer's rows, drawn in the background by out.rows. */
static int
start_layer(struct lp_peek *p, const struct lp_peek_layer *l, int rows)
{
	const int eyes = lp_peek_for_eyes(p);
	struct lp_peek_view view;
	char *title = NULL;
	struct lp_buf notes;
	int rc;

	lp_buf_init(&notes, 8 * LP_MAX_PATH);
	lp_peek_view_init(&view, p, NULL);
	if (!eyes)
		lp_peek_view_rows(&view, p->o);
	if (p->o->what == LP_PEEK_LAYERS)
		title = eyes ? title_for_eyes(l) : title_of(l);
	if (title != NULL)
		lp_argv_addf(&view.argv, "--title=%s", title);
	rc = eyes ? lp_peek_gap(lp_peek_listed(l), &notes) : LP_OK;
	/* none is an answer, too: what the end record says is then not said */
	if (rc == LP_OK && notes.n > 0)
		rc = lp_peek_view_text(&view, "--notes=", lp_buf_span(&notes));
	else if (eyes)
		lp_argv_add(&view.argv, "--notes=/dev/null");
	lp_peek_view_file(&view, "", rows);
	rc = rc != LP_OK ? rc : lp_peek_view_start(p, &p->out.rows, &view, p->out.open ? p->out.fd : 1);
	if (rc != LP_OK)
		lp_err_errno("cannot show layer %u", l->number);
	lp_peek_view_release(&view);
	free(title);
	lp_buf_release(&notes);
	return rc;
}

/* Whether there is nothing to be shown of it, and never will be. */
static int
is_nothing(const struct lp_peek_layer *l)
{
	return !l->picked || (lp_peek_listed(l)->step == LP_STEP_DONE && lp_peek_listed(l)->rows < 0);
}

int
lp_peek_layers_go_on(struct lp_peek *p)
{
	const struct lp_peek_image *im = &p->image[0];
	struct lp_peek_out *out = &p->out;
	int rc = LP_OK;

	if (p->o->json || (p->o->what != LP_PEEK_LAYERS && p->o->what != LP_PEEK_LAYER) || out->rows.busy)
		return LP_OK;
	while (out->next < im->n && is_nothing(&im->layer[out->next]))
		out->next++;
	if (out->next == im->n || lp_peek_listed(&im->layer[out->next])->step != LP_STEP_DONE)
		return LP_OK;
	/* not before the first layer is there: until then there is progress to be seen */
	if (!out->open)
		rc = lp_peek_out_open(p);
	rc = rc != LP_OK ? rc : start_layer(p, &im->layer[out->next], lp_peek_listed(&im->layer[out->next])->rows);
	out->next++;
	return rc;
}

/* The line of an image that has no layers. */
static int
put_image(const struct lp_peek *p, const struct lp_peek_image *im)
{
	char *text = image_line(im);
	int rc = text != NULL ? lp_write_all(p->out.fd, lp_span_str(text)) : LP_E_NOMEM;

	if (rc != LP_OK && rc != LP_E_PIPE)
		lp_err_errno("<stdout>");
	free(text);
	return rc;
}

int
lp_peek_layers_finish(struct lp_peek *p)
{
	const struct lp_peek_image *im = &p->image[0];
	int rc = lp_peek_layers_go_on(p);

	while (rc == LP_OK && (p->out.rows.busy || p->out.next < im->n)) {
		rc = lp_peek_wait_for(p, &p->out.rows);
		rc = rc != LP_OK ? rc : lp_peek_layers_go_on(p);
	}
	/* what goes in front of the first layer's rows */
	if (rc == LP_OK && im->n == 0 && p->o->what == LP_PEEK_LAYERS && !lp_peek_for_eyes(p))
		rc = put_image(p, im);
	p->entries = 0;
	for (size_t i = 0; i < im->n; i++)
		p->entries += im->layer[i].picked && im->layer[i].rows >= 0 && im->layer[i].entries > 0 ? im->layer[i].entries : 0;
	return rc;
}
