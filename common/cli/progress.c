/* Writes and parses progress lines. */
#include "common/cli/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/escape.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/clock.h"
#include "common/sys/io.h"

enum { LINE_BYTES = 2048, TELL_EVERY_MS = 100 };

static const char *const states[] = {
	[LP_PROGRESS_MORE] = "more", [LP_PROGRESS_DONE] = "done", [LP_PROGRESS_FAILED] = "failed",
	[LP_PROGRESS_UNKEPT] = "unkept"
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

int
lp_progress_parse(struct lp_span line, struct lp_progress_line *out)
{
	struct lp_progress_line p;
	struct lp_span state;

	if (!lp_span_is(lp_span_field(&line, '\t'), "progress"))
		return LP_E_DATA;
	p.key = lp_span_field(&line, '\t');
	if (lp_num_u64(lp_span_field(&line, '\t'), UINT64_MAX, &p.have) != LP_OK ||
	    lp_num_u64(lp_span_field(&line, '\t'), UINT64_MAX, &p.want) != LP_OK ||
	    lp_num_u64(lp_span_field(&line, '\t'), UINT64_MAX, &p.fetched) != LP_OK)
		return LP_E_DATA;
	state = lp_span_field(&line, '\t');
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (lp_span_is(state, states[i]) && line.n == 0) {
			p.state = (enum lp_progress_state)i;
			*out = p;
			return LP_OK;
		}
	}
	return LP_E_DATA;
}
