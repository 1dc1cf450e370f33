/* Draws progress bars. */
#include "common/view/bars.h"

#include <stdlib.h>

#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/clock.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"
#include "common/view/human.h"

enum { SCREEN_BYTES = 256 * 1024, MOST_SECONDS = 100 * 3600 };

void
lp_bars_init(struct lp_bars *b, int fd)
{
	*b = (struct lp_bars){ .fd = fd, .utf8 = lp_tty_utf8(), .started_ms = lp_clock_ms() };
	lp_buf_init(&b->text, SCREEN_BYTES);
}

void
lp_bars_release(struct lp_bars *b)
{
	lp_bars_clear(b);
	lp_buf_release(&b->text);
}

/* Up over what was drawn, wiping it. */
static int
rewind_screen(struct lp_bars *b)
{
	int rc = LP_OK;

	lp_buf_clear(&b->text);
	for (; b->drawn > 0 && rc == LP_OK; b->drawn--)
		rc = lp_buf_adds(&b->text, "\033[A\033[2K");
	return rc;
}

void
lp_bars_clear(struct lp_bars *b)
{
	if (b->fd < 0 || b->drawn == 0)
		return;
	if (rewind_screen(b) == LP_OK)
		(void)lp_write_all(b->fd, lp_buf_span(&b->text));
}

void
lp_bars_forget(struct lp_bars *b)
{
	b->drawn = 0;
}

/* What was drawn from `start` on is a line: no wider than the screen, for one that wraps is two to go up over. */
static int
end_line(struct lp_buf *b, size_t start, unsigned columns)
{
	size_t at = start;
	unsigned n = 0;

	/* a character is its first byte and those that continue it */
	for (; at < b->n; at++)
		if ((b->p[at] & 0xc0) != 0x80 && n++ + 1 >= columns)
			break;
	b->n = at;
	return lp_buf_addc(b, '\n');
}

/* "LABEL  12.3 MiB", or what is being done as long as there are no bytes. */
static int
add_open_end(struct lp_bars *b, const struct lp_bar *bar, unsigned columns)
{
	char room[LP_HUMAN_MAX];
	size_t start = b->text.n;
	int rc = lp_buf_add(&b->text, bar->label);

	if (bar->have > 0) {
		rc = rc != LP_OK ? rc : lp_buf_adds(&b->text, "  ");
		rc = rc != LP_OK ? rc : lp_buf_add(&b->text, lp_span(room, (size_t)(lp_human_bytes(room, bar->have) - room)));
	}
	return rc != LP_OK ? rc : end_line(&b->text, start, columns);
}

/* Without its NUL. */
static char *
put_text(char *p, const char *text)
{
	while (*text != '\0')
		*p++ = *text++;
	return p;
}

/* "  12 s left", at the rate so far, once that is one. */
static char *
put_left(struct lp_bars *b, const struct lp_bar *bar, char *p)
{
	int64_t now = lp_clock_ms();
	double seconds;

	if (b->since_ms == 0 && bar->have > 0) {
		b->since_ms = now;
		b->since_have = bar->have;
	}
	if (b->since_ms == 0 || now - b->since_ms < LP_BARS_RATE_MS || bar->have <= b->since_have || bar->have >= bar->want)
		return p;
	seconds = (double)(bar->want - bar->have) / (double)(bar->have - b->since_have) * (double)(now - b->since_ms) / 1000;
	/* of a stall nobody knows how long it is */
	if (seconds > MOST_SECONDS)
		return p;
	return put_text(lp_human_seconds(put_text(p, "  "), (uint64_t)seconds + 1), " left");
}

/* "12.3 MiB of 48.6 MiB  25.3 %" */
static char *
put_share(const struct lp_bar *bar, char *p)
{
	p = put_text(lp_human_bytes(p, bar->have), " of ");
	p = put_text(lp_human_bytes(p, bar->want), "  ");
	return lp_human_percent(p, bar->have, bar->want);
}

/* "LABEL  ━━━━━━────  12.3 MiB of 48.6 MiB  25.3 %"; the bar takes the room the rest leaves. */
static int
add_bar(struct lp_bars *b, const struct lp_bar *bar, unsigned columns)
{
	char room[4 * LP_HUMAN_MAX + 32], *p = room;
	size_t start = b->text.n;
	unsigned wide, full;
	int rc;

	if (bar->want == 0)
		return add_open_end(b, bar, columns);
	p = put_share(bar, p);
	if (bar->whole)
		p = put_left(b, bar, p);
	/* texts of different lengths would make the bars' ends jump: 46 columns for all of them */
	wide = (unsigned)bar->label.n + 2 + 2 + 46;
	wide = wide + 4 < columns ? columns - 1 - wide : 0;
	wide = wide > 40 ? 40 : wide;
	full = bar->want > 0 ? (unsigned)((double)bar->have / (double)bar->want * wide) : 0;
	full = full > wide ? wide : full;
	rc = lp_buf_add(&b->text, bar->label);
	rc = rc != LP_OK ? rc : lp_buf_adds(&b->text, "  ");
	for (unsigned i = 0; i < wide && rc == LP_OK; i++)
		rc = lp_buf_adds(&b->text, i < full ? (b->utf8 ? "━" : "#") : (b->utf8 ? "─" : "."));
	rc = rc != LP_OK ? rc : lp_buf_adds(&b->text, "  ");
	rc = rc != LP_OK ? rc : lp_buf_add(&b->text, lp_span(room, (size_t)(p - room)));
	return rc != LP_OK ? rc : end_line(&b->text, start, columns);
}

void
lp_bars_draw(struct lp_bars *b, const struct lp_bar *bar, size_t n, int force)
{
	int64_t now = lp_clock_ms();
	unsigned columns, rows;
	size_t lines = 0;
	int rc;

	if (b->fd < 0 || now - b->started_ms < LP_BARS_PATIENCE_MS ||
	    (!force && now - b->last_ms < LP_BARS_EVERY_MS))
		return;
	b->last_ms = now;
	lp_tty_size(b->fd, &columns, &rows);
	rc = rewind_screen(b);
	for (size_t i = 0; i < n && i + 2 < rows && rc == LP_OK; i++, lines++)
		rc = add_bar(b, &bar[i], columns);
	if (rc == LP_OK && lp_write_all(b->fd, lp_buf_span(&b->text)) == LP_OK)
		b->drawn = lines;
}
