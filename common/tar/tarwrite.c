/* Writes a member's header blocks, with a pax header for what ustar has no room for. */
#include "common/tar/tarwrite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/tar/pax.h"
#include "common/tar/tarhdr.h"

/* Places and lengths of fields: POSIX pax, "ustar Interchange Format". */
enum { NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, MTIME = 136, SUM = 148, TYPE = 156, LINK = 157, MAGIC = 257,
	UNAME = 265, GNAME = 297, MAJOR = 329, MINOR = 337 };
enum { NAME_LEN = 100, OWNER_LEN = 32, NUMBER_LEN = 8, LONG_LEN = 12 };

/* A number that does not fit is in the extended header, and 0 here. */
static int
put_number(unsigned char *at, size_t len, int64_t v)
{
	char text[32];
	int fits = v >= 0 && (uint64_t)v < (uint64_t)1 << (3 * (len - 1));

	snprintf(text, sizeof(text), "%0*" PRIo64, (int)len - 1, fits ? (uint64_t)v : 0);
	memcpy(at, text, len - 1);
	return fits;
}

static int
put_text(unsigned char *at, size_t len, struct lp_span s)
{
	if (s.n > 0)
		memcpy(at, s.p, s.n < len ? s.n : len);
	return s.n <= len;
}

static void
put_sum(unsigned char *block)
{
	unsigned sum = 0;
	char text[8];

	memset(block + SUM, ' ', sizeof(text));
	for (size_t i = 0; i < LP_TAR_BLOCK; i++)
		sum += block[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(block + SUM, text, 7);
}

static int
add_block(struct lp_buf *b, unsigned char *block)
{
	memcpy(block + MAGIC, "ustar\00000", sizeof("ustar\00000") - 1);
	put_sum(block);
	return lp_buf_add(b, lp_span(block, LP_TAR_BLOCK));
}

static int
add_padding(struct lp_buf *b, size_t n)
{
	static const unsigned char zeros[LP_TAR_BLOCK];

	return lp_buf_add(b, lp_span(zeros, (LP_TAR_BLOCK - n % LP_TAR_BLOCK) % LP_TAR_BLOCK));
}

static int
add_value(struct lp_buf *b, const char *key, struct lp_span value)
{
	return lp_pax_put(b, "", lp_span_str(key), value);
}

static int
add_integer(struct lp_buf *b, const char *key, int64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return add_value(b, key, lp_span_str(text));
}

/* A fraction counts up from the second below it: -2 and half a second are -1.5. */
static int
add_time(struct lp_buf *b, const struct lp_entry *e)
{
	const int up = e->mtime < 0 && e->mtime_nsec > 0;
	const int64_t whole = e->mtime + up;
	char text[64];

	snprintf(text, sizeof(text), "%s%" PRId64 ".%09" PRIu32, up && whole == 0 ? "-" : "", whole,
	    up ? 1000000000 - e->mtime_nsec : e->mtime_nsec);
	return add_value(b, "mtime", lp_span_str(text));
}

/* What the block of the member has no room for. */
struct lack {
	int name, link, uname, gname, size, uid, gid, mtime;
};

static int
add_records(struct lp_buf *b, const struct lp_entry *e, const struct lack *lack, int64_t size)
{
	int rc = lack->name ? add_value(b, "path", e->name) : LP_OK;

	rc = rc == LP_OK && lack->link ? add_value(b, "linkpath", e->linkname) : rc;
	rc = rc == LP_OK && lack->uname ? add_value(b, "uname", e->uname) : rc;
	rc = rc == LP_OK && lack->gname ? add_value(b, "gname", e->gname) : rc;
	rc = rc == LP_OK && lack->size ? add_integer(b, "size", size) : rc;
	rc = rc == LP_OK && lack->uid ? add_integer(b, "uid", e->uid) : rc;
	rc = rc == LP_OK && lack->gid ? add_integer(b, "gid", e->gid) : rc;
	rc = rc == LP_OK && lack->mtime ? add_time(b, e) : rc;
	for (size_t i = 0; i < e->nxattrs && rc == LP_OK; i++)
		rc = lp_pax_put(b, "SCHILY.xattr.", e->xattrs[i].name, e->xattrs[i].value);
	return rc;
}

static int
add_extended(struct lp_buf *b, struct lp_span records)
{
	unsigned char block[LP_TAR_BLOCK] = "PaxHeaders/member";
	int rc;

	(void)put_number(block + MODE, NUMBER_LEN, 0644);
	(void)put_number(block + UID, NUMBER_LEN, 0);
	(void)put_number(block + GID, NUMBER_LEN, 0);
	(void)put_number(block + SIZE, LONG_LEN, (int64_t)records.n);
	(void)put_number(block + MTIME, LONG_LEN, 0);
	block[TYPE] = 'x';
	rc = add_block(b, block);
	rc = rc != LP_OK ? rc : lp_buf_add(b, records);
	return rc != LP_OK ? rc : add_padding(b, records.n);
}

static char
flag_of(enum lp_type type)
{
	switch (type) {
	case LP_HARDLINK: return '1';
	case LP_SYMLINK: return '2';
	case LP_CHAR: return '3';
	case LP_BLOCK: return '4';
	case LP_DIR: return '5';
	case LP_FIFO: return '6';
	case LP_REG: break;
	}
	return '0';
}

int
lp_tarwrite(const struct lp_entry *e, struct lp_buf *b)
{
	unsigned char block[LP_TAR_BLOCK] = { 0 };
	const int64_t size = e->type == LP_REG ? (int64_t)e->size : 0;
	struct lack lack;
	struct lp_buf records;
	int rc;

	lack.name = !put_text(block + NAME, NAME_LEN, e->name);
	lack.link = !put_text(block + LINK, NAME_LEN, e->linkname);
	lack.uname = !put_text(block + UNAME, OWNER_LEN - 1, e->uname);
	lack.gname = !put_text(block + GNAME, OWNER_LEN - 1, e->gname);
	(void)put_number(block + MODE, NUMBER_LEN, e->mode);
	lack.uid = !put_number(block + UID, NUMBER_LEN, e->uid);
	lack.gid = !put_number(block + GID, NUMBER_LEN, e->gid);
	lack.size = !put_number(block + SIZE, LONG_LEN, size);
	lack.mtime = !put_number(block + MTIME, LONG_LEN, e->mtime) || e->mtime_nsec > 0;
	(void)put_number(block + MAJOR, NUMBER_LEN, e->devmajor);
	(void)put_number(block + MINOR, NUMBER_LEN, e->devminor);
	block[TYPE] = (unsigned char)flag_of(e->type);
	lp_buf_init(&records, LP_MAX_EXTENSION);
	rc = add_records(&records, e, &lack, size);
	rc = rc == LP_OK && records.n > 0 ? add_extended(b, lp_buf_span(&records)) : rc;
	lp_buf_release(&records);
	return rc != LP_OK ? rc : add_block(b, block);
}
