/* Unwraps the JSON of a table of contents from its tar or zstd frame. */
#include "common/toc/tocjson.h"

#include "common/base/status.h"

enum state { UNKNOWN, IN_JSON, IN_TAR, FAILED };

void
lp_tocjson_init(struct lp_tocjson *j)
{
	*j = (struct lp_tocjson){ .state = UNKNOWN };
	lp_tar_init(&j->tar);
}

void
lp_tocjson_release(struct lp_tocjson *j)
{
	if (j->started)
		lp_inflate_release(&j->inflate);
	lp_tar_release(&j->tar);
}

static enum lp_tocjson_event
fail(struct lp_tocjson *j, int status, uint64_t offset, const char *why)
{
	j->state = FAILED;
	j->status = status;
	j->error_offset = offset;
	j->why = why;
	return LP_TOCJSON_ERROR;
}

/* The formats' magic numbers differ in their first byte, and JSON begins with none of them. */
static void
start(struct lp_tocjson *j, unsigned char c)
{
	enum lp_format f = c == 0x1f ? LP_FORMAT_GZIP :
	    c == 0x28 || (c & 0xf0) == 0x50 ? LP_FORMAT_ZSTD : LP_FORMAT_PLAIN;

	lp_inflate_init(&j->inflate, f, lp_deflate_engine(NULL));
	j->started = 1;
}

/* The tar holds the index and nothing else, and nothing may stand in front of it. */
static enum lp_tocjson_event
member(struct lp_tocjson *j)
{
	const struct lp_entry *e = &j->tar.entry;

	if (j->found || e->type != LP_REG || !lp_span_is(e->name, "stargz.index.json"))
		return fail(j, LP_E_DATA, e->header_offset, "the tar holds something else than stargz.index.json");
	j->found = 1;
	lp_tar_want_data(&j->tar);
	return LP_TOCJSON_MORE;
}

static enum lp_tocjson_event
through_tar(struct lp_tocjson *j)
{
	for (;;) {
		switch (lp_tar_next(&j->tar, &j->plain)) {
		case LP_TAR_MEMBER:
			if (member(j) == LP_TOCJSON_ERROR)
				return LP_TOCJSON_ERROR;
			break;
		case LP_TAR_DATA:
			j->json = j->tar.data;
			return LP_TOCJSON_BYTES;
		case LP_TAR_HOLE:
			return fail(j, LP_E_DATA, j->tar.entry.header_offset, "stargz.index.json is a sparse file");
		case LP_TAR_ERROR:
			return fail(j, j->tar.status, j->tar.error_offset, j->tar.why);
		case LP_TAR_MORE:
		case LP_TAR_TRUNCATED:
			return LP_TOCJSON_MORE;
		case LP_TAR_DATA_END:
		case LP_TAR_END:
			break;
		}
	}
}

/* A tar begins with a name, and the one member that may be there has another. */
static int
starts_json(unsigned char c)
{
	return c == '{' || c == '[' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What was inflated, as far as it goes. */
static enum lp_tocjson_event
unwrap(struct lp_tocjson *j)
{
	if (j->plain.n == 0)
		return LP_TOCJSON_MORE;
	if (j->state == UNKNOWN)
		j->state = starts_json(j->plain.p[0]) ? IN_JSON : IN_TAR;
	if (j->state == IN_TAR)
		return through_tar(j);
	j->json = lp_span_take(&j->plain, j->plain.n);
	return LP_TOCJSON_BYTES;
}

/* One event of the inflater. 1: go on asking it. */
static int
inflated(struct lp_tocjson *j, enum lp_inflate_event event, enum lp_tocjson_event *out)
{
	switch (event) {
	case LP_INFLATE_OUTPUT:
		j->plain = j->inflate.f.out;
		*out = unwrap(j);
		return *out == LP_TOCJSON_MORE;
	case LP_INFLATE_MEMBER:
	case LP_INFLATE_POINT: /* not asked for */
		return 1;
	case LP_INFLATE_WARNING:
		*out = fail(j, LP_E_DATA, j->inflate.f.at, j->inflate.f.why);
		return 0;
	case LP_INFLATE_MORE:
		*out = LP_TOCJSON_MORE;
		return 0;
	case LP_INFLATE_PREVIEW:
		*out = LP_TOCJSON_CUT;
		return 0;
	case LP_INFLATE_END:
		*out = LP_TOCJSON_END;
		return 0;
	case LP_INFLATE_ERROR:
		break;
	}
	*out = fail(j, j->inflate.f.status, j->inflate.f.at, j->inflate.f.why);
	return 0;
}

enum lp_tocjson_event
lp_tocjson_next(struct lp_tocjson *j, struct lp_span *in)
{
	enum lp_tocjson_event out;

	if (j->state == FAILED)
		return LP_TOCJSON_ERROR;
	if (!j->started) {
		if (in->n == 0)
			return LP_TOCJSON_MORE;
		start(j, in->p[0]);
	}
	out = unwrap(j);
	if (out != LP_TOCJSON_MORE)
		return out;
	while (inflated(j, lp_inflate_next(&j->inflate, in), &out))
		;
	return out;
}

enum lp_tocjson_event
lp_tocjson_eof(struct lp_tocjson *j)
{
	enum lp_tocjson_event out;

	if (j->state == FAILED)
		return LP_TOCJSON_ERROR;
	if (!j->started)
		return LP_TOCJSON_END;
	out = unwrap(j);
	if (out != LP_TOCJSON_MORE)
		return out;
	while (inflated(j, lp_inflate_eof(&j->inflate), &out))
		;
	if (out == LP_TOCJSON_END && j->state == IN_TAR && lp_tar_in_data(&j->tar))
		return LP_TOCJSON_CUT;
	return out;
}
