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

static int
is_word(struct lp_span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = s.p[i] | 0x20;

		if (!((c >= 'a' && c <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.' || s.p[i] == '_' || s.p[i] == '-'))
			return 0;
	}
	return s.n <= LP_PLATFORM_MAX;
}

/* Lower case; platforms are compared, and people type Linux. */
static int
copy(char *out, struct lp_span s)
{
	if (!is_word(s))
		return LP_E_DATA;
	for (size_t i = 0; i < s.n; i++)
		out[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
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
	p->version[0] = p->features[0] = '\0';
	if (rc == LP_OK)
		normalise(p);
	return rc;
}

int
lp_platform_set_version(struct lp_platform *p, struct lp_span version)
{
	p->version[0] = '\0';
	if (!is_word(version))
		return LP_E_DATA;
	if (version.n > 0)
		memcpy(p->version, version.p, version.n);
	p->version[version.n] = '\0';
	return LP_OK;
}

int
lp_platform_add_feature(struct lp_platform *p, struct lp_span feature)
{
	size_t all = strlen(p->features);
	struct lp_span rest = lp_span_str(p->features);
	char *at = p->features;

	if (feature.n == 0 || !is_word(feature) || all + 1 + feature.n > LP_PLATFORM_FEATURES)
		return LP_E_DATA;
	/* in front of the first that is greater, so that there is one order */
	while (rest.n > 0) {
		struct lp_span one;
		int c;

		at = p->features + (all - rest.n);
		lp_span_take(&rest, 1);
		one = lp_span_until(&rest, "+");
		c = lp_span_cmp(one, feature);
		if (c == 0)
			return LP_OK;
		if (c > 0)
			break;
		at = p->features + (all - rest.n);
	}
	memmove(at + 1 + feature.n, at, strlen(at) + 1);
	*at = '+';
	memcpy(at + 1, feature.p, feature.n);
	return LP_OK;
}

/* What stands in parentheses behind the os: [VERSION]{+FEATURE}. */
static int
parse_details(struct lp_span s, struct lp_platform *p)
{
	int rc = lp_platform_set_version(p, lp_span_until(&s, "+"));

	while (rc == LP_OK && s.n > 0) {
		lp_span_take(&s, 1);
		rc = lp_platform_add_feature(p, lp_span_until(&s, "+"));
	}
	return rc;
}

/* The os without its parentheses; what is in them. */
static int
take_details(struct lp_span *os, struct lp_span *details)
{
	struct lp_span s = *os;

	*os = lp_span_until(&s, "(");
	*details = lp_span(NULL, 0);
	if (s.n == 0)
		return LP_OK;
	if (s.n < 2 || s.p[s.n - 1] != ')')
		return LP_E_USAGE;
	*details = lp_span(s.p + 1, s.n - 2);
	return LP_OK;
}

int
lp_platform_parse(struct lp_span s, struct lp_platform *p)
{
	struct lp_span text = s, details, os, arch = { NULL, 0 }, variant = { NULL, 0 };
	int rc;

	s = lp_span_until(&text, ":");
	os = lp_span_until(&s, "/");
	rc = take_details(&os, &details);
	if (rc != LP_OK || (text.n > 0 && (text.n == 1 || details.n > 0)))
		return LP_E_USAGE;
	if (text.n > 0)
		details = lp_span(text.p + 1, text.n - 1);
	if (s.n == 0) {
		/* what is of no system has no version of one */
		if (details.n > 0)
			return LP_E_USAGE;
		/* one word: an architecture, since an operating system alone chooses nothing */
		arch = os;
		os = lp_span_str("linux");
	} else {
		lp_span_take(&s, 1);
		arch = lp_span_until(&s, "/");
		if (s.n > 0) {
			lp_span_take(&s, 1);
			variant = s;
			if (variant.n == 0)
				return LP_E_USAGE;
		}
	}
	if (os.n == 0 || arch.n == 0)
		return LP_E_USAGE;
	rc = lp_platform_set(p, os, arch, variant);
	rc = rc != LP_OK ? rc : parse_details(details, p);
	return rc == LP_OK ? LP_OK : LP_E_USAGE;
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

static int
rank_arch(const struct lp_platform *want, const struct lp_platform *got)
{
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

/* ---- versions and features --------------------------------------------------------- */

/* The next component as a number, 0 for what is none. */
static uint64_t
component(struct lp_span *s)
{
	struct lp_span one = lp_span_field(s, '.');
	uint64_t n;

	return lp_num_u64(one, UINT32_MAX, &n) == LP_OK ? n : 0;
}

int
lp_platform_newer(const struct lp_platform *a, const struct lp_platform *b)
{
	struct lp_span x = lp_span_str(a->version), y = lp_span_str(b->version);

	if (!is(a->os, "windows") || !is(b->os, "windows"))
		return 0;
	while (x.n > 0 || y.n > 0) {
		uint64_t i = component(&x), j = component(&y);

		if (i != j)
			return i > j ? -1 : 1;
	}
	return 0;
}

/* All of `got`, or its first components: 10.0.17763 has begun 10.0.17763.2322. */
static int
begins(const char *got, const char *want)
{
	size_t n = strlen(want);

	return strncmp(got, want, n) == 0 && (got[n] == '\0' || got[n] == '.');
}

/*
 * Whether a Windows host runs such a container without a machine of its own:
 * up to Server 2019 of its own build alone, later on from the last long-term
 * release before its own.
 */
static int
windows_runs(const char *host, const char *container)
{
	enum { LTSC2022 = 20348, LTSC2025 = 26100 };
	struct lp_span h = lp_span_str(host), c = lp_span_str(container);
	uint64_t build, other, oldest;

	for (int i = 0; i < 2; i++)
		if (component(&h) != component(&c))
			return 0;
	build = component(&h);
	other = component(&c);
	if (build < LTSC2022)
		return build == other;
	oldest = build > LTSC2025 ? LTSC2025 : LTSC2022;
	return oldest <= other && other <= build;
}

static int
rank_version(const struct lp_platform *want, const struct lp_platform *got)
{
	if (want->version[0] == '\0' || begins(got->version, want->version))
		return 0;
	if (got->version[0] == '\0')
		return 2;
	return is(want->os, "windows") && windows_runs(want->version, got->version) ? 1 : -1;
}

/* An image is for those that have all its features; who names none may look at any. */
static int
rank_features(const struct lp_platform *want, const struct lp_platform *got)
{
	struct lp_span rest = lp_span_str(got->features);
	struct lp_platform all = *want;

	if (want->features[0] == '\0')
		return 0;
	while (rest.n > 0) {
		lp_span_take(&rest, 1);
		if (lp_platform_add_feature(&all, lp_span_until(&rest, "+")) != LP_OK)
			return -1;
	}
	/* the more of those that were asked for it has, the better it is meant */
	return is(all.features, want->features) ? !is(got->features, want->features) : -1;
}

int
lp_platform_rank(const struct lp_platform *want, const struct lp_platform *got)
{
	int arch, version, features;

	if (!is(want->os, got->os))
		return -1;
	arch = rank_arch(want, got);
	version = rank_version(want, got);
	features = rank_features(want, got);
	return arch < 0 || version < 0 || features < 0 ? -1 : arch * 6 + version * 2 + features;
}

/* ---- writing --------------------------------------------------------------------------- */

static int
put(const struct lp_platform *p, int all, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, p->os);

	if (all && (p->version[0] != '\0' || p->features[0] != '\0')) {
		rc = rc != LP_OK ? rc : lp_buf_addc(b, '(');
		rc = rc != LP_OK ? rc : lp_buf_adds(b, p->version);
		rc = rc != LP_OK ? rc : lp_buf_adds(b, p->features);
		rc = rc != LP_OK ? rc : lp_buf_addc(b, ')');
	}
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '/');
	rc = rc != LP_OK ? rc : lp_buf_adds(b, p->arch);
	if (p->variant[0] == '\0')
		return rc;
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '/');
	return rc != LP_OK ? rc : lp_buf_adds(b, p->variant);
}

int
lp_platform_put(const struct lp_platform *p, struct lp_buf *b)
{
	return put(p, 0, b);
}

int
lp_platform_put_all(const struct lp_platform *p, struct lp_buf *b)
{
	return put(p, 1, b);
}
