/* Writes the statistics line. */
#include "common/cli/stats.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/sys/clock.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"

/* an argument of a command line has 128 KiB at most, and a byte of it six in JSON */
enum { LINE_MAX_BYTES = 1024 * 1024 };

int
lp_stats_begin(struct lp_stats *s, const char *path)
{
	*s = (struct lp_stats){
		.size = LP_STATS_UNKNOWN,
		.bytes_downloaded = LP_STATS_UNKNOWN,
		.bytes_decompressed = LP_STATS_UNKNOWN,
		.requests = LP_STATS_UNKNOWN,
		.entries_found = LP_STATS_UNKNOWN,
		.ratelimit_remaining = LP_STATS_UNKNOWN,
		.partial = LP_STATS_UNKNOWN,
		.verified = LP_STATS_UNKNOWN,
		.fd = -1,
		.started_ns = lp_clock_ns(),
	};
	if (path == NULL)
		path = getenv("LP_STATS");
	if (path == NULL || *path == '\0')
		return LP_OK;
	s->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	return s->fd < 0 ? LP_E_SYS : LP_OK;
}

static int
add_text(struct lp_buf *b, const char *key, const char *value)
{
	int rc;

	if (value == NULL)
		return LP_OK;
	rc = lp_buf_adds(b, b->n > 1 ? ",\"" : "\"");
	rc = rc != LP_OK ? rc : lp_buf_adds(b, key);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "\":");
	return rc != LP_OK ? rc : lp_json_string(b, lp_span_str(value));
}

static int
add_raw(struct lp_buf *b, const char *key, struct lp_span value)
{
	int rc = lp_buf_adds(b, ",\"");

	rc = rc != LP_OK ? rc : lp_buf_adds(b, key);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "\":");
	return rc != LP_OK ? rc : lp_buf_add(b, value);
}

static int
add_number(struct lp_buf *b, const char *key, int64_t v)
{
	char digits[LP_NUM_MAX];

	if (v == LP_STATS_UNKNOWN)
		return LP_OK;
	return add_raw(b, key, lp_span(digits, (size_t)(lp_num_puti(digits, v) - digits)));
}

static int
add_flag(struct lp_buf *b, const char *key, int v)
{
	return v == LP_STATS_UNKNOWN ? LP_OK : add_raw(b, key, lp_span_str(v ? "true" : "false"));
}

static int
add_all(struct lp_buf *b, const struct lp_stats *s, const char *error)
{
	const struct { const char *key; int64_t value; } numbers[] = {
		{ "size", s->size },
		{ "bytes_downloaded", s->bytes_downloaded },
		{ "bytes_decompressed", s->bytes_decompressed },
		{ "requests", s->requests },
		{ "entries_found", s->entries_found },
		{ "ratelimit_remaining", s->ratelimit_remaining },
		{ "elapsed_ms", (lp_clock_ns() - s->started_ns) / 1000000 },
	};
	int rc = lp_buf_addc(b, '{');

	rc = rc != LP_OK ? rc : add_text(b, "tool", lp_err_get_name());
	rc = rc != LP_OK ? rc : add_text(b, "source", s->source);
	rc = rc != LP_OK ? rc : add_text(b, "digest", s->digest);
	rc = rc != LP_OK ? rc : add_text(b, "mirror", s->mirror);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == LP_OK; i++)
		rc = add_number(b, numbers[i].key, numbers[i].value);
	rc = rc != LP_OK ? rc : add_flag(b, "partial", s->partial);
	rc = rc != LP_OK ? rc : add_flag(b, "verified", s->verified);
	rc = rc != LP_OK ? rc : add_text(b, "sandbox_missing", lp_lock_missing());
	rc = rc != LP_OK ? rc : add_text(b, "error", error);
	return rc != LP_OK ? rc : lp_buf_adds(b, "}\n");
}

int
lp_stats_end(struct lp_stats *s, int exit_code)
{
	struct lp_buf b;
	int rc;

	if (s->fd < 0)
		return LP_OK;
	lp_buf_init(&b, LINE_MAX_BYTES);
	rc = add_all(&b, s, exit_code != 0 ? lp_err_last() : NULL);
	if (rc == LP_OK)
		rc = lp_write_all(s->fd, lp_buf_span(&b));
	if (close(s->fd) != 0 && rc == LP_OK)
		rc = LP_E_SYS;
	s->fd = -1;
	lp_buf_release(&b);
	return rc;
}

int
lp_start(struct lp_stats *s, const char *path)
{
	if (lp_stats_begin(s, path) == LP_OK)
		return LP_EXIT_OK;
	lp_err_errno("cannot open the statistics file");
	return LP_EXIT_SYSTEM;
}

int
lp_finish(struct lp_stats *s, int exit_code)
{
	int rc;

	/* memory can end anywhere, and not every place has said so */
	if (exit_code == LP_EXIT_SYSTEM && lp_err_last()[0] == '\0')
		lp_err("%s", lp_exit_was_memory() ? "out of memory" : "the system or the network failed");
	exit_code = lp_exit_worse(exit_code, lp_exit_of(lp_close_stdout()));
	rc = lp_stats_end(s, exit_code);
	if (rc != LP_OK) {
		if (rc == LP_E_SYS)
			lp_err_errno("cannot write the statistics");
		else
			lp_err("cannot write the statistics: out of memory");
		exit_code = lp_exit_worse(exit_code, LP_EXIT_SYSTEM);
	}
	return exit_code;
}
