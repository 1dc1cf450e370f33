/* Bytes of what is here: a file, a pipe, a layout. */
#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>

#include "common/base/status.h"
#include "common/source/blob_priv.h"
#include "common/sys/io.h"

enum {
	READ_CHUNK = 256 * 1024,
	SEND_MAX = 1024 * 1024 * 1024 /* bytes of one sendfile(2) */
};

int
lp_blob_read_file(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	unsigned char *p = malloc(READ_CHUNK);
	int rc = p != NULL ? LP_OK : LP_E_NOMEM;

	while (rc == LP_OK && *at <= last && *at < (uint64_t)b->size) {
		uint64_t left = (last < (uint64_t)b->size - 1 ? last : (uint64_t)b->size - 1) - *at + 1;
		ptrdiff_t k = lp_pread_full(b->fd, p, left < READ_CHUNK ? (size_t)left : READ_CHUNK, b->base + *at);

		if (k < 0)
			rc = lp_blob_fail_errno(b, "read");
		else if (k == 0)
			rc = lp_blob_fail(b, LP_E_DATA, "became shorter while it was read: it ends at byte %llu",
			    ULL(*at));
		else
			rc = sink(arg, lp_span(p, (size_t)k));
		if (rc == LP_OK)
			*at += (uint64_t)k;
	}
	free(p);
	return rc;
}

/* It has ended: was that all? */
static int
pipe_ended(struct lp_blob *b, uint64_t at)
{
	uint64_t has = b->at > b->base ? b->at - b->base : 0;

	if (b->ref.has_range && has < b->ref.length)
		return lp_blob_fail(b, LP_E_DATA, "has %llu bytes, which is less than %llu+%llu", ULL(b->at),
		    ULL(b->ref.offset), ULL(b->ref.length));
	if (has < at)
		return lp_blob_fail(b, LP_E_DATA, "byte %llu is beyond its end: it has %llu bytes", ULL(at), ULL(has));
	return lp_blob_check_size(b, has);
}

/*
 * What was read of a pipe and not asked for is gone: never more than is
 * asked for. What is in front of it is read and thrown away.
 */
int
lp_blob_read_pipe(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	unsigned char *p = malloc(READ_CHUNK);
	int rc = p != NULL ? LP_OK : LP_E_NOMEM;

	if (b->ref.has_range && last >= b->ref.length)
		last = b->ref.length - 1;
	while (rc == LP_OK && *at <= last && (!b->ref.has_range || b->ref.length > 0)) {
		uint64_t front = b->at < b->base + *at ? b->base + *at - b->at : 0;
		uint64_t left = front > 0 ? front - 1 : last - *at;
		ptrdiff_t k = lp_read(b->fd, p, left < READ_CHUNK ? (size_t)left + 1 : READ_CHUNK);

		if (k < 0)
			rc = lp_blob_fail_errno(b, "read");
		if (k == 0)
			rc = pipe_ended(b, *at);
		if (k <= 0)
			break;
		b->at += (uint64_t)k;
		if (front > 0)
			continue;
		rc = sink(arg, lp_span(p, (size_t)k));
		if (rc == LP_OK)
			*at += (uint64_t)k;
	}
	free(p);
	return rc;
}

int
lp_blob_send(struct lp_blob *b, int fd, uint64_t last, uint64_t *at)
{
	while (b->seeks && *at <= last && *at < (uint64_t)b->size) {
		uint64_t left = (last < (uint64_t)b->size - 1 ? last : (uint64_t)b->size - 1) - *at + 1;
		off_t from = (off_t)(b->base + *at);
		ssize_t k = sendfile(fd, b->fd, &from, left < SEND_MAX ? (size_t)left : SEND_MAX);

		if (k > 0)
			*at += (uint64_t)k;
		else if (k < 0 && errno == EPIPE)
			return LP_E_PIPE;
		else if (k == 0 || errno != EINTR)
			/* not between these two, or a failure that the long way will name */
			break;
	}
	return LP_OK;
}

int
lp_blob_read_layout(struct lp_blob *b, uint64_t last, lp_blob_sink *sink, void *arg, uint64_t *at)
{
	struct lp_span part;
	int rc = LP_OK;

	while (rc == LP_OK && *at <= last && (b->size < 0 || *at < (uint64_t)b->size)) {
		uint64_t left = last - *at;

		rc = lp_store_read(&b->kept, *at, left < UINT64_MAX ? left + 1 : left, &part);
		if (rc == LP_E_SYS)
			return lp_blob_fail_errno(b, "read");
		if (rc == LP_E_DATA)
			return lp_blob_fail(b, rc, "is corrupted behind byte %llu", ULL(*at));
		if (rc == LP_OK && part.n == 0)
			return lp_blob_fail(b, LP_E_ABSENT, "bytes from %llu on are not in the layout", ULL(*at));
		rc = rc != LP_OK ? rc : sink(arg, part);
		if (rc == LP_OK)
			*at += part.n;
	}
	return rc;
}
