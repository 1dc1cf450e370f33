/* lp-toc --soci: SOCI's table of contents, read whole, as rows of the layer or as points to begin at in it. */
#include "cmd/toc/tocsoci.h"

#include <inttypes.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/codec/gzidx.h"
#include "common/sys/err.h"
#include "common/sys/hash.h"
#include "common/sys/input.h"
#include "common/sys/io.h"
#include "common/sys/sandbox.h"
#include "common/toc/ztoc.h"

/* All of it, and whether it is what was asked for. */
static int
load(int fd, const char *name, const char *digest, struct lp_buf *all)
{
	char got[LP_DIGEST_SIZE];
	int rc = lp_read_all(fd, all);

	if (rc == LP_E_SYS)
		lp_err_errno("%s", name);
	else if (rc == LP_E_LIMIT)
		lp_err("%s: a table of contents larger than the limit of %u bytes", name, LP_MAX_TOC);
	else if (rc != LP_OK)
		lp_err("out of memory");
	if (rc != LP_OK)
		return rc;
	if (digest == NULL) {
		lp_note("%s: not verified: no digest was given", name);
		return LP_OK;
	}
	lp_hash_bytes(lp_buf_span(all), got);
	if (strcmp(digest, got) == 0)
		return LP_OK;
	lp_err("%s: the table of contents does not match its digest %s", name, lp_quotes(digest));
	return LP_E_DATA;
}

static int
wrong(const struct lp_ztoc *z, const char *name)
{
	lp_err("%s: byte %" PRIu64 ": %s", name, z->error_offset, z->why);
	return z->status;
}

static int
list(struct lp_listing *l, struct lp_ztoc *z, const char *name)
{
	enum lp_toc_event ev = LP_TOC_END;
	int rc = lp_listing_begin(l), end;

	while (rc == LP_OK && (ev = lp_ztoc_next(z)) == LP_TOC_ENTRY)
		rc = lp_listing_entry(l, &z->entry);
	if (rc < 0)
		return rc;
	if (ev == LP_TOC_ERROR)
		rc = wrong(z, name);
	end = lp_listing_end(l, &(struct lp_rowend){ .complete = ev == LP_TOC_END ? LP_COMPLETE_YES : LP_COMPLETE_NO,
	    .bytes = z->flat.all.n });
	return rc < 0 ? rc : end;
}

static int
put(void *arg, struct lp_span bytes)
{
	(void)arg;
	return lp_put(bytes);
}

static int
put_points(struct lp_ztoc *z, const char *name)
{
	struct lp_points points;
	int rc = lp_ztoc_points(z, &points);

	if (rc == LP_E_ABSENT) {
		lp_err("%s: %s", name, z->why);
	} else if (rc != LP_OK) {
		(void)wrong(z, name);
	} else {
		rc = lp_gzidx_write(&points, put, NULL);
		if (rc == LP_E_NOMEM)
			lp_err("out of memory");
	}
	lp_points_release(&points);
	return rc;
}

static int
run(struct lp_listing *l, enum lp_tocsoci what, struct lp_ztoc *z, const char *name, struct lp_span all, uint64_t size)
{
	int rc = lp_ztoc_open(z, all);

	if (rc != LP_OK)
		return wrong(z, name);
	if (size != UINT64_MAX && size != z->compressed) {
		lp_err("%s: the table of contents is of a layer of %" PRIu64 " bytes, and not of one of %" PRIu64, name,
		    z->compressed, size);
		return LP_E_DATA;
	}
	return what == LP_TOCSOCI_POINTS ? put_points(z, name) : list(l, z, name);
}

int
lp_tocsoci(struct lp_listing *l, enum lp_tocsoci what, const char *file, const char *digest, uint64_t size, struct lp_stats *stats)
{
	struct lp_ztoc z;
	struct lp_buf all;
	const char *name;
	int fd = lp_operand_open(file, &name), rc;

	if (fd < 0)
		return fd;
	lp_buf_init(&all, LP_MAX_TOC);
	lp_ztoc_init(&z);
	rc = lp_lock(LP_DUTY_FILTER);
	rc = rc != LP_OK ? rc : load(fd, name, digest, &all);
	rc = rc != LP_OK ? rc : run(l, what, &z, name, lp_buf_span(&all), size);
	stats->entries_found = (int64_t)l->entries;
	stats->bytes_decompressed = (int64_t)all.n;
	stats->partial = rc != LP_OK;
	lp_ztoc_release(&z);
	lp_buf_release(&all);
	return rc;
}
