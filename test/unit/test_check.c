/*
 * What lp-merge --check finds: each kind in an image of a few rows that has
 * it, and its neighbour that does not. What runtimes say of them is recorded
 * in test/oracle/runtimes.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/merge/merge.h"
#include "test/unit/unit.h"

/* Rows are "KIND NAME [>TARGET] [MODE]", with commas; '|' between layers. KIND as in ls -l; its own 0644, 0755 or 0777. */
static const struct {
	const char *image;
	const char *want; /* LAYER:CODE:NAME of each finding, with spaces */
} table[] = {
	{ "d d/, - d/f, l l >d/f, h h >d/f", "" },
	{ "d d/, - d/f | d d/, - d/g", "" },
	{ "- a, - a", "1:path-twice:a" },
	{ "- a, - ./a", "1:path-twice:./a" },
	{ "- a, - /a", "" },
	{ "- a | - a", "" },
	{ "d t/, l x >t, - t/a, - x/a", "" },
	{ "- x | h b >a, - a", "2:hardlink-target:b" },
	{ "- a | h b >a", "2:hardlink-target:b" },
	{ "l a >a, - a/x", "1:path-endless:a/x" },
	{ "- a | - .wh.", "2:whiteout-name:.wh." },
	{ "- x | - a, - .wh.a", "2:whiteout-exists:.wh.a" },
	{ "- a, - .wh.a", "1:whiteout-base:.wh.a" },
	{ "- x | - a, - a/b", "2:parent-missing:a 2:parent-file:a/b" },
	{ "- .wh.a, - a/b", "1:parent-missing:a 1:parent-whiteout:a/b" },
	{ "d t/ | l x >t, - x/f", "2:parent-link:x/f" },
	{ "d t/, l x >t, - x/f", "" },
	{ "d t/, l x >t, d x/y/, - x/y/f", "" },
	{ "- x | - a, - a/.wh.b", "2:whiteout-below-file:a/.wh.b" },
	{ "- x | - a, - a/.wh..wh..opq", "2:opaque-below-file:a/.wh..wh..opq" },
	{ "- x | - .wh..wh..opq", "2:opaque-root:.wh..wh..opq" },
	{ "- .wh..wh..opq", "" },
	{ "- ., - b", "1:root-file:." },
	{ "- /, - b", "1:root-replaced:/" },
	{ "- .., - b", "1:root-replaced:.." },
	{ "d ./", "" },
	{ "d ./ 700", "1:root-attributes:./" },
	{ "- a 4755, h b >a 755", "1:setuid-lost:b" },
	{ "- a 4755, h b >a 4711", "1:hardlink-header:b" },
	{ "- a 644, h b >a 644", "" },
	{ "d d/, - d/s | - .wh.d, d d/", "2:whiteout-remade:d" },
	{ "d d/, - d/s | - .wh.d, d d/, - d/.wh..wh..opq", "" },
	{ "- d | - .wh.d, d d/", "" },
	{ "d u/, l b >u | - b/f", "2:link-lost:b" },
	{ "d u/, l b >u | - b/.wh.f", "2:link-lost:b" },
	{ "d u/, l b >u | d b/, - b/f", "2:link-replaced:b" },
	{ "d u/, l b >u | - .wh.b, d b/", "" },
	{ "d u/, l b >u | d u/, l b >u, - b/f", "" },
	{ "- a | - a/b/c", "2:parent-missing:a 2:parent-lower-file:a/b 2:parent-missing:a/b" },
	{ "- a | - a/b", "2:parent-missing:a" },
	{ "d a/, - a/f | - .wh.a | - a/b/c", "3:parent-missing:a 3:parent-lower-file:a/b 3:parent-missing:a/b" },
	{ "l a >a | - a/b", "2:link-lost:a 2:parent-lower-loop:a" },
	{ "d t/ 1777 | - t/x", "2:parent-attributes:t" },
	{ "d t/ 1777 | - t/x | d t/ 1777", "" },
	{ "d t/ 1777 | d t/ | - t/x", "" },
	{ "d u/ 1777, l t >u | - t/x", "2:link-lost:t 2:parent-attributes:t" },
	{ "d a/ 2775, - a/b/c", "1:parent-setgid:a/b 1:parent-missing:a/b" },
	{ "- a/b", "1:parent-missing:a" },
	{ "- a/b, d a/", "" },
	{ "- a/b | d a/", "" },
};

/* Up to one of these characters, spaces in front taken off. */
static struct lp_span
word(struct lp_span *s, const char *until)
{
	lp_span_skip(s, " ");
	return lp_span_until(s, until);
}

static int
add(struct lp_merge *m, struct lp_span text)
{
	struct lp_entry e = { .type = (enum lp_type)word(&text, " ").p[0], .has = LP_HAS_MTIME, .mtime = 1000000000 };
	struct lp_row *row;
	struct lp_span mode;

	e.name = word(&text, " ");
	lp_span_skip(&text, " ");
	if (text.n > 0 && text.p[0] == '>') {
		lp_span_take(&text, 1);
		e.linkname = lp_span_until(&text, " ");
	}
	mode = word(&text, " ");
	e.mode = e.type == LP_DIR ? 0755 : e.type == LP_SYMLINK ? 0777 : 0644;
	for (size_t i = 0; i < mode.n; i++)
		e.mode = (i > 0 ? e.mode * 8 : 0) + mode.p[i] - '0';
	row = lp_rowkeep_entry(&m->keep, &e);
	return row != NULL ? lp_merge_add(m, row, e.name) : LP_E_NOMEM;
}

static void
put(struct lp_buf *b, const struct lp_merge_found *f)
{
	char text[200];

	snprintf(text, sizeof(text), "%s%u:%s:%.*s", b->n > 0 ? " " : "", f->layer + 1u, lp_finding_kind(f->what)->code,
	    (int)f->name.n, (const char *)f->name.p);
	lp_buf_adds(b, text);
}

static void
check(const char *image, const char *want)
{
	struct lp_span rest = lp_span_str(image);
	struct lp_merge m;
	struct lp_buf b;
	int rc;

	lp_buf_init(&b, 4096);
	rc = lp_merge_init(&m, 7, 100);
	m.check = 1;
	while (rc == LP_OK && rest.n > 0) {
		struct lp_span layer = lp_span_until(&rest, "|");

		lp_span_take(&rest, 1);
		rc = lp_merge_layer(&m);
		while (rc == LP_OK && layer.n > 0) {
			rc = add(&m, lp_span_until(&layer, ","));
			lp_span_take(&layer, 1);
		}
	}
	rc = rc != LP_OK ? rc : lp_merge_finish(&m);
	ok(rc == LP_OK, "%s: merged", image);
	for (size_t i = 0; i < m.nfindings; i++)
		put(&b, &m.finding[i]);
	ok_span(lp_buf_span(&b), lp_span_str(want), image);
	lp_merge_release(&m);
	lp_buf_release(&b);
}

/* What few members have: attributes, times, kinds. */
static void
check_member(struct lp_entry e, const char *xattr, const char *want)
{
	const struct lp_xattr x = { lp_span_str(xattr), lp_span_str("1") };
	struct lp_merge m;
	struct lp_row *row;

	e.name = lp_span_str("a");
	e.mode = 0755;
	e.xattrs = *xattr != '\0' ? &x : NULL;
	e.nxattrs = *xattr != '\0';
	ok(lp_merge_init(&m, 7, 100) == LP_OK && lp_merge_layer(&m) == LP_OK, "a merge");
	m.check = 1;
	row = lp_rowkeep_entry(&m.keep, &e);
	ok(row != NULL && lp_merge_add(&m, row, e.name) == LP_OK && lp_merge_finish(&m) == LP_OK, "a member");
	ok(m.nfindings == (*want != '\0'), "%s: as many findings", want);
	ok_str(lp_span_str(m.nfindings > 0 ? lp_finding_kind(m.finding[0].what)->code : ""), want, "what is found");
	lp_merge_release(&m);
}

static void
test_members(void)
{
	const struct lp_entry file = { .type = LP_REG, .has = LP_HAS_MTIME, .mtime = 1 };
	struct lp_entry e = file;

	check_member(file, "", "");
	check_member(file, "user.a", "");
	check_member(file, "security.capability", "");
	check_member(file, "system.posix_acl_access", "");
	check_member(file, "user.", "xattr-name");
	check_member(file, "trusted.a", "xattr-trusted");
	check_member(file, "trusted.overlay.opaque", "xattr-overlay");
	check_member(file, "system.a", "xattr-system");
	check_member(file, "a", "xattr-system");
	e.type = LP_SYMLINK;
	check_member(e, "user.a", "xattr-user");
	e = file;
	e.mtime = -1;
	check_member(e, "", "time");
	e.mtime = INT64_MAX / 1000000000 + 1;
	check_member(e, "", "time");
	e.mtime--;
	check_member(e, "", "");
	e.has = 0;
	check_member(e, "", "");
	e = file;
	e.has |= LP_HAS_TYPEFLAG;
	e.typeflag = '7';
	check_member(e, "", "member-type");
}

/* The codes are found by their names, and each kind says all that it has to. */
static void
test_codes(void)
{
	for (size_t i = 1; i < LP_FINDINGS; i++) {
		const struct lp_finding_kind *k = lp_finding_kind((enum lp_finding)i);

		ok(k->code != NULL && k->text != NULL && k->where != NULL && lp_finding_of(lp_span_str(k->code)) == i,
		    "%zu: a code, a sentence, a place", i);
		ok(k->refused == 0 || k->severity == LP_CHECK_ERROR, "%s: what is refused is an error", k->code);
	}
	ok(lp_finding_of(lp_span_str("")) == LP_FOUND_NOTHING && lp_finding_of(lp_span_str("no")) == LP_FOUND_NOTHING,
	    "no others");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check(table[i].image, table[i].want);
	test_members();
	test_codes();
	return unit_done();
}
