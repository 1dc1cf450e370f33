/* Reads the few tags of an rpm header that say what a package is. */
#include "common/pkg/rpmhdr.h"

#include <string.h>

#include "common/base/status.h"

enum { PREAMBLE = 8, ENTRY = 16 };
/* rpm's lib/rpmtag.h and header.h */
enum { TAG_NAME = 1000, TAG_VERSION = 1001, TAG_RELEASE = 1002, TAG_EPOCH = 1003, TAG_ARCH = 1022 };
enum { TYPE_INT32 = 4, TYPE_STRING = 6 };

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int
fail(struct lp_rpmhdr *h, size_t offset, const char *why)
{
	h->offset = offset;
	h->why = why;
	return LP_E_DATA;
}

/* The string at the start of what is left of the data. */
static int
get_string(struct lp_rpmhdr *h, size_t at, struct lp_span data, struct lp_span *out)
{
	const unsigned char *end = data.n > 0 ? memchr(data.p, '\0', data.n) : NULL;

	if (end == NULL)
		return fail(h, at, "a string of the header has no end");
	/* one that is there twice: the first, as rpm has it */
	if (out->p == NULL)
		*out = lp_span(data.p, (size_t)(end - data.p));
	return LP_OK;
}

static struct lp_span *
string_of(struct lp_rpmhdr *h, uint32_t tag)
{
	switch (tag) {
	case TAG_NAME: return &h->name;
	case TAG_VERSION: return &h->version;
	case TAG_RELEASE: return &h->release;
	case TAG_ARCH: return &h->arch;
	default: return NULL;
	}
}

/* One entry of the index, at byte `at`. */
static int
read_entry(struct lp_rpmhdr *h, const unsigned char *e, size_t at, struct lp_span data)
{
	const uint32_t tag = be32(e), type = be32(e + 4), offset = be32(e + 8);
	struct lp_span *out = string_of(h, tag);

	if (out == NULL && tag != TAG_EPOCH)
		return LP_OK;
	if (type != (out != NULL ? TYPE_STRING : TYPE_INT32) || be32(e + 12) == 0)
		return fail(h, at, "a tag of the header has another type");
	if (offset >= data.n)
		return fail(h, at, "a tag of the header lies behind its data");
	lp_span_take(&data, offset);
	if (out != NULL)
		return get_string(h, at, data, out);
	if (data.n < 4)
		return fail(h, at, "a number of the header has no end");
	if (!h->has_epoch)
		h->epoch = be32(data.p);
	h->has_epoch = 1;
	return LP_OK;
}

int
lp_rpmhdr_read(struct lp_rpmhdr *h, struct lp_span blob)
{
	struct lp_span data = blob;
	uint32_t entries, bytes;
	int rc = LP_OK;

	*h = (struct lp_rpmhdr){ .offset = 0 };
	if (blob.n < PREAMBLE)
		return fail(h, blob.n, "the header is cut off");
	entries = be32(blob.p);
	bytes = be32(blob.p + 4);
	if ((uint64_t)PREAMBLE + (uint64_t)entries * ENTRY + bytes != blob.n)
		return fail(h, 0, "the header is not as long as it says");
	lp_span_take(&data, (size_t)PREAMBLE + (size_t)entries * ENTRY);
	for (size_t i = 0; i < entries && rc == LP_OK; i++)
		rc = read_entry(h, blob.p + PREAMBLE + i * ENTRY, PREAMBLE + i * ENTRY, data);
	if (rc == LP_OK && (h->name.n == 0 || h->version.n == 0 || h->release.n == 0))
		rc = fail(h, 0, "the header has no name, no version or no release");
	return rc;
}
