#include "common/sys/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/format/human.h"
#include "common/sys/clock.h"
#include "common/sys/io.h"
#include "common/sys/tty.h"

enum { LINE_BYTES = 2048, TELL_EVERY_MS = 100, SCREEN_BYTES = 256 * 1024 };

static const char *const states[] = {
	[LP_PROGRESS_MORE] = "more", [LP_PROGRESS_DONE] = "done", [LP_PROGRESS_FAILED] = "failed"
};

int
lp_progress_open(void)
{
	const char *path = getenv("LP_PROGRESS");

	if (path == NULL || *path == '\0')
		return -1;
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
}

static int
add_number(struct lp_buf *b, uint64_t v)
{
	char digits[LP_NUM_MAX];
	int rc = lp_buf_addc(b, '\t');

	return rc != LP_OK ? rc : lp_buf_add(b, lp_span(digits, (size_t)(lp_num_put(digits, v) - digits)));
}

void
lp_progress_tell(int fd, const struct lp_progress_line *p, int64_t *told_ms)
{
	unsigned char room[LINE_BYTES];
	struct lp_buf b = { .p = room, .cap = sizeof(room), .max = sizeof(room) };
	int64_t now;
	int rc;

	if (fd < 0)
		return;
	now = lp_clock_ms();
	if (p->state == LP_PROGRESS_MORE && *told_ms != 0 && now - *told_ms < TELL_EVERY_MS)
		return;
	*told_ms = now;
	rc = lp_buf_adds(&b, "progress\t");
	rc = rc != LP_OK ? rc : lp_escape(&b, p->key, LP_ESCAPE_ROW);
	rc = rc != LP_OK ? rc : add_number(&b, p->have);
	rc = rc != LP_OK ? rc : add_number(&b, p->want);
	rc = rc != LP_OK ? rc : add_number(&b, p->fetched);
	rc = rc != LP_OK ? rc : lp_buf_addc(&b, '\t');
	rc = rc != LP_OK ? rc : lp_buf_adds(&b, states[p->state]);
	rc = rc != LP_OK ? rc : lp_buf_addc(&b, '\n');
	if (rc == LP_OK)
		(void)lp_write_all(fd, lp_buf_span(&b));
}

/* The next field; what follows it stays in *line. */
static struct lp_span
field(struct lp_span *line)
{
	const unsigned char *tab = line->n > 0 ? memchr(line->p, '\t', line->n) : NULL;
	struct lp_span f = lp_span_take(line, tab != NULL ? (size_t)(tab - line->p) : line->n);

	lp_span_take(line, 1);
	return f;
}

int
lp_progress_parse(struct lp_span line, struct lp_progress_line *out)
{
	struct lp_progress_line p;
	struct lp_span state;

	if (!lp_span_is(field(&line), "progress"))
		return LP_E_DATA;
	p.key = field(&line);
	if (lp_num_u64(field(&line), UINT64_MAX, &p.have) != LP_OK ||
	    lp_num_u64(field(&line), UINT64_MAX, &p.want) != LP_OK ||
	    lp_num_u64(field(&line), UINT64_MAX, &p.fetched) != LP_OK)
		return LP_E_DATA;
	state = field(&line);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (lp_span_is(state, states[i]) && line.n == 0) {
			p.state = (enum lp_progress_state)i;
			*out = p;
			return LP_OK;
		}
	}
	return LP_E_DATA;
}

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

/* "LABEL  ━━━━━━────  12.3 MiB of 48.6 MiB  25.3 %"; the bar takes the room the rest leaves. */
static int
add_bar(struct lp_bars *b, const struct lp_bar *bar, unsigned columns)
{
	char room[3 * LP_HUMAN_MAX + 16], *p = room;
	size_t start = b->text.n;
	unsigned wide, full;
	int rc;

	if (bar->want == 0)
		return add_open_end(b, bar, columns);
	p = lp_human_bytes(p, bar->have);
	memcpy(p, " of ", 4);
	p = lp_human_bytes(p + 4, bar->want);
	*p++ = ' ';
	*p++ = ' ';
	p = lp_human_percent(p, bar->have, bar->want);
	/* texts of different lengths would make the bars' ends jump: 32 columns for all of them */
	wide = (unsigned)bar->label.n + 2 + 2 + 32;
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
