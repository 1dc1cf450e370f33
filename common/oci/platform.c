/* Parses, normalises and ranks platforms. */
#include "common/oci/platform.h"

#include "common/base/num.h"
#include "common/base/status.h"

/* What one architecture is called elsewhere. */
static const struct {
	const char *name, *arch, *variant;
} names[] = {
	{ "x86_64", "amd64", NULL }, { "x86-64", "amd64", NULL },
	{ "i386", "386", NULL }, { "i486", "386", NULL }, { "i586", "386", NULL }, { "i686", "386", NULL },
	{ "aarch64", "arm64", NULL }, { "armhf", "arm", "v7" }, { "armel", "arm", "v6" },
	{ "armv5tel", "arm", "v5" }, { "armv6l", "arm", "v6" }, { "armv7l", "arm", "v7" },
	{ "armv8l", "arm", "v8" }, { "ppc64el", "ppc64le", NULL }, { "loongarch64", "loong64", NULL },
};

/* Of these `uname -m` has one name for both byte orders, and only the machine itself knows which. */
static const struct {
	const char *machine, *little;
} either[] = { { "mips", "mipsle" }, { "mips64", "mips64le" } };

/* ---- reading --------------------------------------------------------------------- */

/* Lower case; platforms are compared, and people type Linux. */
static int
copy(char *out, struct lp_span s)
{
	if (s.n > LP_PLATFORM_MAX)
		return LP_E_DATA;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
			return LP_E_DATA;
		out[i] = (char)c;
	}
	out[s.n] = '\0';
	return LP_OK;
}

static void
set(char *out, const char *s)
{
	memcpy(out, s, strlen(s) + 1);
}

static int
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* arm without a variant is v7, arm64 is v8, amd64 is v1; the last two go without saying. */
static void
normalise_variant(struct lp_platform *p)
{
	int digit = p->variant[0] >= '1' && p->variant[0] <= '9' && p->variant[1] == '\0';

	if (digit) {
		p->variant[1] = p->variant[0];
		p->variant[0] = 'v';
		p->variant[2] = '\0';
	}
	if (is(p->arch, "arm") && p->variant[0] == '\0')
		set(p->variant, "v7");
	if ((is(p->arch, "arm64") && is(p->variant, "v8")) || (is(p->arch, "amd64") && is(p->variant, "v1")))
		p->variant[0] = '\0';
}

static void
normalise(struct lp_platform *p)
{
	if (is(p->os, "macos"))
		set(p->os, "darwin");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is(p->arch, names[i].name)) {
			set(p->arch, names[i].arch);
			if (names[i].variant != NULL && p->variant[0] == '\0')
				set(p->variant, names[i].variant);
			break;
		}
	normalise_variant(p);
}

int
lp_platform_set(struct lp_platform *p, struct lp_span os, struct lp_span arch, struct lp_span variant)
{
	int rc = copy(p->os, os);

	rc = rc != LP_OK ? rc : copy(p->arch, arch);
	rc = rc != LP_OK ? rc : copy(p->variant, variant);
	if (rc == LP_OK)
		normalise(p);
	return rc;
}

static struct lp_span
part(struct lp_span *s)
{
	const unsigned char *slash = s->n > 0 ? memchr(s->p, '/', s->n) : NULL;

	return lp_span_take(s, slash != NULL ? (size_t)(slash - s->p) : s->n);
}

int
lp_platform_parse(struct lp_span s, struct lp_platform *p)
{
	struct lp_span os = part(&s), arch = { NULL, 0 }, variant = { NULL, 0 };

	if (s.n == 0) {
		/* one word: an architecture, since an operating system alone chooses nothing */
		arch = os;
		os = lp_span_str("linux");
	} else {
		lp_span_take(&s, 1);
		arch = part(&s);
		if (s.n > 0) {
			lp_span_take(&s, 1);
			variant = s;
			if (variant.n == 0)
				return LP_E_USAGE;
		}
	}
	if (os.n == 0 || arch.n == 0)
		return LP_E_USAGE;
	return lp_platform_set(p, os, arch, variant) == LP_OK ? LP_OK : LP_E_USAGE;
}

int
lp_platform_machine(const char *machine, struct lp_platform *p)
{
	for (size_t i = 0; __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && i < sizeof(either) / sizeof(either[0]); i++)
		if (is(machine, either[i].machine))
			machine = either[i].little;
	return lp_platform_set(p, lp_span_str("linux"), lp_span_str(machine), lp_span(NULL, 0));
}

/* ---- matching ---------------------------------------------------------------------- */

/* The N of vN; -1 for what is no such thing. */
static int
version(const char *variant, int unsaid)
{
	uint64_t n;

	if (variant[0] == '\0')
		return unsaid;
	if (variant[0] != 'v' || lp_num_u64(lp_span_str(variant + 1), 99, &n) != LP_OK)
		return -1;
	return (int)n;
}

/* An older one of the same kind: 0 for as new as can be used, 1 for the next older, ...; -1 for a newer one. */
static int
older(const char *want, const char *got, int unsaid)
{
	int w = version(want, unsaid), g = version(got, unsaid);

	if (w < 0 || g < 0)
		return is(want, got) ? 0 : -1;
	return g <= w ? w - g : -1;
}

/* On arm64: arm64 itself, then arm/v8, v7, v6, v5. */
static int
rank_arm64(const struct lp_platform *want, const struct lp_platform *got)
{
	int r;

	if (is(got->arch, "arm64"))
		return older(want->variant, got->variant, 8);
	if (!is(got->arch, "arm"))
		return -1;
	r = older("v8", got->variant, 7);
	return r >= 0 && r <= 3 ? 100 + r : -1;
}

static int
rank_amd64(const struct lp_platform *want, const struct lp_platform *got)
{
	if (is(got->arch, "amd64"))
		return older(want->variant, got->variant, 1);
	return is(got->arch, "386") ? 100 : -1;
}

int
lp_platform_rank(const struct lp_platform *want, const struct lp_platform *got)
{
	if (!is(want->os, got->os))
		return -1;
	if (is(want->arch, "arm64"))
		return rank_arm64(want, got);
	if (is(want->arch, "amd64"))
		return rank_amd64(want, got);
	if (!is(want->arch, got->arch))
		return -1;
	if (is(want->arch, "arm"))
		return older(want->variant, got->variant, 7);
	return want->variant[0] == '\0' || is(want->variant, got->variant) ? 0 : -1;
}

int
lp_platform_put(const struct lp_platform *p, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, p->os);

	rc = rc != LP_OK ? rc : lp_buf_addc(b, '/');
	rc = rc != LP_OK ? rc : lp_buf_adds(b, p->arch);
	if (p->variant[0] == '\0')
		return rc;
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '/');
	return rc != LP_OK ? rc : lp_buf_adds(b, p->variant);
}
