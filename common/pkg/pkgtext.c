/* Reads what dpkg, apk and Python write of packages as text, and knows where they write it. */
#include "common/pkg/pkgtext.h"

#include <string.h>

#include "common/base/path.h"
#include "common/base/status.h"

/* The fields that count, by the kind that has them. */
struct fields {
	const char *name, *version, *arch, *status;
};

static const struct fields fields_of[] = {
	[LP_PKG_DEB] = { "Package", "Version", "Architecture", "Status" },
	[LP_PKG_APK] = { "P", "V", "A", NULL },
	[LP_PKG_PYPI] = { "Name", "Version", NULL, NULL },
};

/* One stanza so far. */
struct stanza {
	struct lp_pkg pkg;
	struct lp_span status;
	size_t start;
	int any;
};

void
lp_pkgtext_init(struct lp_pkgtext *t, enum lp_pkg_kind kind, struct lp_span text)
{
	*t = (struct lp_pkgtext){ .kind = kind, .all = text, .left = text };
}

static int
fail(struct lp_pkgtext *t, size_t offset, const char *why)
{
	t->offset = offset;
	t->why = why;
	t->left.n = 0;
	return LP_E_DATA;
}

static struct lp_span
trim(struct lp_span s)
{
	lp_span_skip(&s, " \t");
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* Names of fields are of any case, but apk's letters. */
static int
is_field(struct lp_span name, const char *field, enum lp_pkg_kind kind)
{
	size_t n = field != NULL ? strlen(field) : 0;

	if (n == 0 || name.n != n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char a = name.p[i], b = (unsigned char)field[i];

		if (a != b && (kind == LP_PKG_APK || (a | 0x20) != (b | 0x20)))
			return 0;
	}
	return 1;
}

static void
take(struct stanza *s, enum lp_pkg_kind kind, struct lp_span name, struct lp_span value)
{
	const struct fields *f = &fields_of[kind];

	if (is_field(name, f->name, kind))
		s->pkg.name = value;
	else if (is_field(name, f->version, kind))
		s->pkg.version = value;
	else if (is_field(name, f->arch, kind))
		s->pkg.arch = value;
	else if (is_field(name, f->status, kind))
		s->status = value;
}

/* dpkg(1): "want flag status"; what has only its configuration left, or nothing, is not installed. No status at all: distroless. */
static int
is_installed(struct lp_span status)
{
	return !lp_span_ends(status, "not-installed") && !lp_span_ends(status, "config-files");
}

/* A whole stanza: 1, 0 if it is of nothing installed, or LP_E_DATA. */
static int
end_stanza(struct lp_pkgtext *t, const struct stanza *s)
{
	if (!s->any || !is_installed(s->status))
		return 0;
	if (s->pkg.name.n == 0)
		return fail(t, s->start, "a package without a name");
	if (s->pkg.version.n == 0)
		return fail(t, s->start, "a package without a version");
	t->pkg = s->pkg;
	return 1;
}

int
lp_pkgtext_next(struct lp_pkgtext *t)
{
	struct stanza s = { .start = 0 };
	int rc = 0;

	while (rc == 0 && t->left.n > 0) {
		const size_t at = t->all.n - t->left.n;
		struct lp_span line = lp_span_field(&t->left, '\n'), value = line, name;

		if (trim(line).n == 0) {
			rc = end_stanza(t, &s);
			/* behind a distribution's fields comes its description */
			if (t->kind == LP_PKG_PYPI && s.any)
				t->left.n = 0;
			s = (struct stanza){ .start = 0 };
			continue;
		}
		if (line.p[0] == ' ' || line.p[0] == '\t') {
			if (!s.any)
				return fail(t, at, "a line that continues none");
			continue;
		}
		name = lp_span_until(&value, ":");
		if (value.n == 0)
			return fail(t, at, "a line without a colon");
		lp_span_take(&value, 1);
		s.start = s.any ? s.start : at;
		s.any = 1;
		take(&s, t->kind, name, trim(value));
	}
	return rc != 0 ? rc : end_stanza(t, &s);
}
