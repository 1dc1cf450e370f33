/* Says what of the layers was not seen: the lines about it in what people look at, and what the rest costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/peek/peek_priv.h"
#include "common/base/buf.h"
#include "common/base/escape.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/sys/err.h"
#include "common/view/human.h"

enum { ROOM = 16 * 1024 * 1024 }; /* bytes of all lines together */

/* Not seen to its end, for whatever reason. */
static int
is_open(const struct lp_peek_layer *l)
{
	return l->picked && l->rows >= 0 && !lp_peek_is_whole(l) && !l->look_only;
}

/* The same, and -c would see it: nothing is wrong with it. */
static int
is_gap(const struct lp_peek_layer *l)
{
	return is_open(l) && l->exit == LP_EXIT_OK && l->fault == LP_FOUND_NOTHING && lp_peek_foreign(l) == NULL;
}

static uint64_t
not_seen(const struct lp_peek_layer *l)
{
	uint64_t size = l->size > 0 ? (uint64_t)l->size : 0, seen = l->peek->o->head;

	if (l->bytes_downloaded > 0 && (uint64_t)l->bytes_downloaded > seen)
		seen = (uint64_t)l->bytes_downloaded;
	return seen < size ? size - seen : 0;
}

/* "... layer 2: seen to usr/bin/ip, 72.6 MiB not seen" */
int
lp_peek_gap(const struct lp_peek_layer *l, struct lp_buf *out)
{
	struct lp_buf name;
	int rc = LP_OK;

	if (!is_gap(l))
		return LP_OK;
	lp_buf_init(&name, LP_MAX_ROW);
	rc = lp_buf_adds(out, lp_tty_utf8() ? "\xe2\x80\xa6 " : "... ");
	if (rc == LP_OK && l->peek->nimages > 1)
		rc = lp_escape(out, lp_span_str(l->image->name), LP_ESCAPE_TERMINAL);
	if (rc == LP_OK && l->peek->nimages > 1)
		rc = lp_buf_adds(out, ", ");
	rc = rc != LP_OK ? rc : lp_buf_adds(out, l->label);
	rc = rc != LP_OK ? rc : lp_peek_rows_last(l, &name);
	rc = rc != LP_OK ? rc : lp_buf_adds(out, name.n > 0 ? ": seen to " : ": nothing seen");
	rc = rc != LP_OK ? rc : lp_buf_add(out, lp_buf_span(&name));
	if (rc == LP_OK && not_seen(l) > 0) {
		rc = lp_buf_adds(out, ", ");
		rc = rc != LP_OK ? rc : lp_human_put_bytes(out, not_seen(l));
		rc = rc != LP_OK ? rc : lp_buf_adds(out, " not seen");
	}
	lp_buf_release(&name);
	return rc != LP_OK ? rc : lp_buf_addc(out, '\n');
}

/* What -c would fetch of a layer that was not seen to its end: all of it, if it has no table of contents. */
static uint64_t
price(const struct lp_peek_layer *l)
{
	return l->same == NULL && is_gap(l) && l->is_remote && !lp_peek_is_stored(l) && l->size > 0 ? (uint64_t)l->size : 0;
}

int
lp_peek_rest(const struct lp_peek *p, struct lp_buf *out)
{
	uint64_t bytes = 0;
	size_t gaps = 0, hopeless = 0;
	int rc;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];

			bytes += price(l);
			gaps += is_gap(l) != 0;
			hopeless += is_open(l) && !is_gap(l);
		}
	if (gaps == 0)
		return LP_OK;
	rc = lp_buf_adds(out, hopeless > 0 ? "-c lists the others, " : "-c lists all, ");
	rc = rc != LP_OK || bytes == 0 || !p->o->offline ? rc : lp_buf_adds(out, "without -O, ");
	rc = rc != LP_OK ? rc : lp_buf_adds(out, bytes == 0 ? "and fetches nothing" : "and fetches up to ");
	return rc != LP_OK || bytes == 0 ? rc : lp_human_put_bytes(out, bytes);
}

/* "preview: 2 of 7 layers were not seen to their end; ..."; nothing if all were. */
static int
coverage(const struct lp_peek *p, struct lp_buf *out)
{
	size_t gaps = 0, layers = 0;
	char text[96];
	int rc;

	for (size_t i = 0; i < p->nimages; i++)
		for (size_t k = 0; k < p->image[i].n; k++) {
			const struct lp_peek_layer *l = &p->image[i].layer[k];

			/* one that both images have counts once */
			layers += l->picked && l->same == NULL;
			gaps += is_gap(l) && l->same == NULL;
		}
	if (gaps == 0)
		return LP_OK;
	snprintf(text, sizeof(text), "preview: of %zu layer%s, %zu not seen to the end; ", layers, layers == 1 ? "" : "s", gaps);
	rc = lp_buf_adds(out, text);
	rc = rc != LP_OK ? rc : lp_peek_rest(p, out);
	return rc != LP_OK ? rc : lp_buf_addc(out, '\0');
}

int
lp_peek_gaps(const struct lp_peek *p, struct lp_peek_view *v)
{
	struct lp_buf title, notes;
	int rc;

	lp_buf_init(&title, 4 * LP_MAX_PATH);
	lp_buf_init(&notes, ROOM);
	rc = coverage(p, &title);
	if (rc == LP_OK && title.n > 0)
		lp_argv_addf(&v->argv, "--title=%s", (const char *)title.p);
	for (size_t i = 0; i < p->nimages && rc == LP_OK; i++)
		for (size_t k = 0; k < p->image[i].n && rc == LP_OK; k++)
			rc = lp_peek_gap(&p->image[i].layer[k], &notes);
	if (rc == LP_OK && notes.n > 0)
		rc = lp_peek_view_text(v, "--notes=", lp_buf_span(&notes));
	lp_buf_release(&title);
	lp_buf_release(&notes);
	return rc;
}
