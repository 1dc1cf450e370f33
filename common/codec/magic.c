/* Recognises formats by their first bytes. */
#include "common/codec/magic.h"

#include <stdint.h>

#include "common/codec/zstd.h"

static const struct {
	const char *bytes;
	size_t n;
	const char *why;
} foreign[] = {
	{ "\xfd" "7zXZ\0", 6, "xz data: not a compression that image layers have" },
	{ "BZh", 3, "bzip2 data: not a compression that image layers have" },
	{ "LZIP", 4, "lzip data: not a compression that image layers have" },
	{ "\x04\x22\x4d\x18", 4, "lz4 data: not a compression that image layers have" },
	{ "PK\3\4", 4, "a zip archive, not a layer" },
	{ "PK\5\6", 4, "a zip archive, not a layer" },
	{ "7z\xbc\xaf\x27\x1c", 6, "a 7-zip archive, not a layer" },
	{ "!<arch>\n", 8, "an ar archive (a Debian package?), not a layer" },
	{ "\xed\xab\xee\xdb", 4, "an RPM package, not a layer" },
	{ "hsqs", 4, "a squashfs file system, not a layer" },
	{ "070701", 6, "a cpio archive, not a layer" },
	{ "070702", 6, "a cpio archive, not a layer" },
	{ "070707", 6, "a cpio archive, not a layer" },
	{ "\xc7\x71", 2, "a cpio archive, not a layer" },
	{ "#!/usr/bin/env run-singularity", 30, "a SIF image, not a layer" },
	{ "GGUF", 4, "a GGUF model, not a layer" },
	{ "\0asm", 4, "a wasm module, not a layer" },
	{ "-----BEGIN PGP SIGNED MESSAGE-----", 34, "a signed text (a Helm provenance file?), not a layer" },
	{ "\x7f" "ELF", 4, "an ELF program, not a layer" },
};

static int
starts_with(struct lp_span s, const char *bytes, size_t n)
{
	return s.n >= n && memcmp(s.p, bytes, n) == 0;
}

/* Case does not matter; `lower` is in lower case. */
static int
starts_with_word(struct lp_span s, const char *lower)
{
	size_t n = strlen(lower);

	if (s.n < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = s.p[i];

		if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != (unsigned char)lower[i])
			return 0;
	}
	return 1;
}

/* A server's answer in place of a blob: a page, or an error told in JSON. */
static const char *
text(struct lp_span s)
{
	if (starts_with(s, "\xef\xbb\xbf", 3))
		lp_span_take(&s, 3);
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r'))
		lp_span_take(&s, 1);
	if (starts_with_word(s, "<!doctype") || starts_with_word(s, "<html"))
		return "an HTML page, not a layer";
	if (starts_with_word(s, "<?xml"))
		return "an XML document, not a layer";
	if (starts_with(s, "{", 1) || starts_with(s, "[", 1))
		return "a JSON document, not a layer";
	return NULL;
}

/* One header: the checksum field holds octal digits that match the sum of the others (POSIX pax, ustar). */
static int
is_tar_header(struct lp_span s)
{
	enum { CHKSUM = 148, CHKSUM_LEN = 8 };
	uint32_t sum = 0, want = 0;
	int digits = 0;

	for (size_t i = 0; i < LP_MAGIC_LEN; i++)
		sum += i >= CHKSUM && i < CHKSUM + CHKSUM_LEN ? ' ' : s.p[i];
	for (size_t i = CHKSUM; i < CHKSUM + CHKSUM_LEN; i++) {
		unsigned digit = (unsigned)s.p[i] - '0';

		if (digit < 8) {
			want = want * 8 + digit;
			digits++;
		} else if (digits > 0 || s.p[i] != ' ') {
			break;
		}
	}
	return digits > 0 && sum == want;
}

static int
is_zeros(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != 0)
			return 0;
	}
	return 1;
}

enum lp_format
lp_magic(struct lp_span head, int eof, const char **why)
{
	size_t zstd = lp_zstd_magic(head);

	if (starts_with(head, "\x1f\x8b", 2))
		return LP_FORMAT_GZIP;
	if (zstd == LP_ZSTD_MAGIC_LEN)
		return LP_FORMAT_ZSTD;
	if (head.n < LP_MAGIC_LEN) {
		if (!eof)
			return LP_FORMAT_UNDECIDED;
		/* what is here may be the start of a magic number and nothing more */
		if (head.n > 0 && zstd == head.n)
			return LP_FORMAT_ZSTD;
		if (head.n == 1 && head.p[0] == 0x1f)
			return LP_FORMAT_GZIP;
	} else if (is_tar_header(lp_span(head.p, LP_MAGIC_LEN)) ||
	    is_zeros(lp_span(head.p, LP_MAGIC_LEN))) {
		return LP_FORMAT_PLAIN;
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (starts_with(head, foreign[i].bytes, foreign[i].n)) {
			*why = foreign[i].why;
			return LP_FORMAT_FOREIGN;
		}
	}
	*why = text(head);
	return *why != NULL ? LP_FORMAT_FOREIGN : LP_FORMAT_PLAIN;
}
