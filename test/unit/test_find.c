/* Looking for one name: in a layer (merge/pick.h), in an image (merge/find.h). */
#include <stdlib.h>

#include "common/base/status.h"
#include "common/merge/find.h"
#include "common/merge/pick.h"
#include "test/unit/unit.h"

enum { MAX = 8 };

struct member {
	enum lp_type type;
	const char *name, *link;
};

static struct lp_entry
entry(const struct member *m)
{
	return (struct lp_entry){ .type = m->type, .name = lp_span_str(m->name),
		.linkname = m->link != NULL ? lp_span_str(m->link) : lp_span(NULL, 0) };
}

/* ---- one layer --------------------------------------------------------------- */

static const struct pick_case {
	const char *title, *name;
	int follow;
	struct member members[MAX];
	const char *want; /* what lp_pick_member says of each in turn: . T M N; it ends at T or N */
	const char *last; /* the name that is looked for then */
} pick_cases[] = {
	{ "a file", "etc/x", 0, { { LP_DIR, "etc/", NULL }, { LP_REG, "etc/x", NULL } }, ".T", "etc/x" },
	{ "the name in another form", "/etc/./x", 0, { { LP_REG, "./etc//x", NULL } }, "T", "etc/x" },
	{ "a directory", "etc", 0, { { LP_DIR, "etc/", NULL } }, "N", "etc" },
	{ "a device", "n", 1, { { LP_CHAR, "n", NULL } }, "N", "n" },
	{ "a symbolic link", "l", 0, { { LP_SYMLINK, "l", "x" } }, "N", "l" },
	{ "a symbolic link, followed", "a/l", 1, { { LP_SYMLINK, "a/l", "../b/x" }, { LP_REG, "b/x", NULL } }, "MT", "b/x" },
	{ "an absolute one", "a/l", 1, { { LP_SYMLINK, "a/l", "/x" }, { LP_REG, "x", NULL } }, "MT", "x" },
	{ "one that leads out", "l", 1, { { LP_SYMLINK, "l", "../../../x" }, { LP_REG, "x", NULL } }, "MT", "x" },
	{ "a directory that is one", "bin/sh", 1, { { LP_SYMLINK, "bin", "usr/bin" }, { LP_SYMLINK, "usr/bin/sh", "dash" }, { LP_REG, "usr/bin/dash", NULL } }, "MMT", "usr/bin/dash" },
	{ "a directory that is one, not followed", "bin/sh", 0, { { LP_SYMLINK, "bin", "usr/bin" }, { LP_REG, "usr/bin/sh", NULL } }, "..", "bin/sh" },
	{ "a name that only begins alike", "binary", 1, { { LP_SYMLINK, "bin", "usr/bin" }, { LP_REG, "binary", NULL } }, ".T", "binary" },
	{ "a hard link", "b", 0, { { LP_REG, "d/a", NULL }, { LP_HARDLINK, "b", "./d/a" } }, ".M", "d/a" },
	{ "a link to the root", "l/x", 1, { { LP_SYMLINK, "l", "/" }, { LP_REG, "x", NULL } }, "MT", "x" },
	{ "the root", "/", 1, { { LP_SYMLINK, "l", "/" }, { LP_DIR, "./", NULL } }, ".N", "" },
};

static void
test_pick(void)
{
	for (size_t i = 0; i < sizeof(pick_cases) / sizeof(pick_cases[0]); i++) {
		const struct pick_case *c = &pick_cases[i];
		static const char said[] = { '.', 'T', 'M', 'N' };
		char got[MAX + 1] = "";
		struct lp_pick p;
		size_t n = 0;

		lp_pick_init(&p, lp_span_str(c->name), c->follow);
		while (n < MAX && c->members[n].name != NULL && (n == 0 || strchr("TN", got[n - 1]) == NULL)) {
			struct lp_entry e = entry(&c->members[n]);

			got[n++] = said[lp_pick_member(&p, &e)];
		}
		ok_str(lp_span(got, n), c->want, c->title);
		ok_str(lp_buf_span(&p.name), c->last, "and the name it ends with");
		lp_pick_release(&p);
	}
}

static void
test_pick_loop(void)
{
	struct member m = { LP_SYMLINK, "l", "l" };
	struct lp_entry e = entry(&m);
	struct lp_pick p;
	int moves = 0, verdict;

	lp_pick_init(&p, lp_span_str("l"), 1);
	while ((verdict = lp_pick_member(&p, &e)) == LP_PICK_MOVED)
		moves++;
	ok(moves == LP_PICK_LINKS && verdict == LP_PICK_NONE && p.why != NULL, "a link to itself ends");
	lp_pick_release(&p);
}

/* ---- an image ---------------------------------------------------------------- */

static const struct find_case {
	const char *title, *name;
	int follow;
	/* layers, the top one first; a layer ends at a member without a name, "!" says that it is cut off */
	struct member layers[4][MAX];
	const char *want; /* layer and members read of it, for each layer; then the answer */
} find_cases[] = {
	{ "in the top layer: no other is read", "x", 0, { { { LP_REG, "a", NULL }, { LP_REG, "x", NULL }, { LP_REG, "z", NULL } }, { { LP_REG, "x", NULL } } }, "0:2 here" },
	{ "in a lower one", "x", 0, { { { LP_REG, "a", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 1:1 here" },
	{ "in none", "x", 0, { { { LP_REG, "a", NULL } }, { { LP_REG, "b", NULL } } }, "0:1 1:1 gone" },
	{ "whiteout", "d/x", 0, { { { LP_REG, "d/.wh.x", NULL }, { LP_REG, "e", NULL } }, { { LP_REG, "d/x", NULL } } }, "0:2 gone" },
	{ "whiteout of a directory above", "d/e/x", 0, { { { LP_REG, ".wh.d", NULL } }, { { LP_REG, "d/e/x", NULL } } }, "0:1 gone" },
	{ "whiteout of another name", "d/xy", 0, { { { LP_REG, "d/.wh.x", NULL } }, { { LP_REG, "d/xy", NULL } } }, "0:1 1:1 here" },
	{ "whiteout in another directory", "x", 0, { { { LP_REG, "d/.wh.x", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 1:1 here" },
	{ "whiteout hides lower layers only", "x", 0, { { { LP_REG, ".wh.x", NULL }, { LP_REG, "x", NULL } } }, "0:2 here" },
	{ "opaque", "d/x", 0, { { { LP_DIR, "d", NULL }, { LP_REG, "d/.wh..wh..opq", NULL } }, { { LP_REG, "d/x", NULL } } }, "0:2 gone" },
	{ "opaque hides nothing of its layer", "d/x", 0, { { { LP_REG, "d/.wh..wh..opq", NULL }, { LP_REG, "d/x", NULL } } }, "0:2 here" },
	{ "opaque leaves the directory", "d", 0, { { { LP_REG, "d/.wh..wh..opq", NULL } }, { { LP_DIR, "d", NULL } } }, "0:1 1:1 here" },
	{ "opaque at the root hides nothing", "x", 0, { { { LP_REG, ".wh..wh..opq", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 1:1 here" },
	{ "AUFS's own", "wh.x", 0, { { { LP_REG, ".wh..wh.x", NULL }, { LP_DIR, ".wh..wh.plnk", NULL } }, { { LP_REG, "wh.x", NULL } } }, "0:2 1:1 here" },
	{ "a bare .wh.", "x", 0, { { { LP_REG, ".wh.", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 1:1 here" },
	{ "a file in place of a directory", "d/x", 0, { { { LP_REG, "d", NULL } }, { { LP_REG, "d/x", NULL } } }, "0:1 gone" },
	{ "a directory leaves what is below", "d/x", 0, { { { LP_DIR, "d", NULL } }, { { LP_REG, "d/x", NULL } } }, "0:1 1:1 here" },
	{ "a link in the way", "bin/sh", 0, { { { LP_SYMLINK, "bin", "usr/bin" } }, { { LP_REG, "bin/sh", NULL } } }, "0:1 gone" },
	{ "a link in the way, followed", "bin/sh", 1, { { { LP_REG, "usr/bin/sh", NULL } }, { { LP_SYMLINK, "bin", "usr/bin" } } }, "0:1 1:1 0:1 here" },
	{ "a link, followed from the top again", "l", 1, { { { LP_REG, ".wh.x", NULL } }, { { LP_SYMLINK, "l", "x" }, { LP_REG, "x", NULL } } }, "0:1 1:1 0:1 gone" },
	{ "a link, as it is", "l", 0, { { { LP_SYMLINK, "l", "x" } } }, "0:1 here" },
	{ "a file in the top layer, below a directory of which no layer has a row", "a", 0, { { { LP_REG, "a/b", NULL } }, { { LP_REG, "z", NULL } } }, "0:1 1:1 dir" },
	{ "the lower layer's directory is it", "a", 0, { { { LP_REG, "a/b", NULL } }, { { LP_DIR, "a", NULL } } }, "0:1 1:1 here" },
	{ "the lower layer's file gives way to it", "a", 0, { { { LP_REG, "a/b", NULL } }, { { LP_REG, "a", NULL } } }, "0:1 1:1 above" },
	{ "it gives way wherever the whiteout is", "a", 0, { { { LP_REG, "a/b", NULL } }, { { LP_REG, ".wh.a", NULL } }, { { LP_DIR, "a", NULL } } }, "0:1 1:1 above" },
	{ "a whiteout hides the rest, before", "a", 0, { { { LP_REG, ".wh.a", NULL }, { LP_REG, "a/b", NULL } }, { { LP_DIR, "a", NULL } } }, "0:2 implied" },
	{ "and behind", "a", 0, { { { LP_REG, "a/b", NULL }, { LP_REG, ".wh.a", NULL } }, { { LP_DIR, "a", NULL } } }, "0:2 implied" },
	{ "what is implied twice", "a", 0, { { { LP_REG, "a/b", NULL } }, { { LP_REG, "a/c", NULL } }, { { LP_DIR, "a", NULL } } }, "0:1 1:1 2:1 here" },
	{ "two files in one directory", "a/c", 0, { { { LP_REG, "a/b", NULL } }, { { LP_REG, "a/c", NULL } } }, "0:1 1:1 here" },
	{ "a link in its own layer leads there", "d/x", 0, { { { LP_DIR, "d", NULL }, { LP_SYMLINK, "l", "d" }, { LP_REG, "l/x", NULL } } }, "0:3 here" },
	{ "a name that no file can have", "a/.wh.b", 0, { { { LP_REG, "a/.wh.b", NULL } } }, "0:1 gone" },
	{ "a layer that is not all there", "x", 0, { { { LP_REG, "a", NULL }, { LP_REG, "!", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 unread" },
	{ "a whiteout in such a layer", "x", 0, { { { LP_REG, ".wh.x", NULL }, { LP_REG, "!", NULL } }, { { LP_REG, "x", NULL } } }, "0:1 unread" },
	{ "a lower link gives way to a directory that is implied", "bin/sh", 1, { { { LP_REG, "bin/foo", NULL } }, { { LP_SYMLINK, "bin", "usr/bin" }, { LP_REG, "usr/bin/sh", NULL } } }, "0:1 1:2 gone" },
	{ "and to one that has a row", "bin/sh", 1, { { { LP_DIR, "bin", NULL } }, { { LP_SYMLINK, "bin", "usr/bin" }, { LP_REG, "usr/bin/sh", NULL } } }, "0:1 1:2 gone" },
	{ "but not to one further up", "usr/bin/sh", 1, { { { LP_DIR, "usr", NULL } }, { { LP_SYMLINK, "usr/bin", "/b" } } }, "0:1 1:1 0:1 1:1 gone" },
	{ "overlayfs' own whiteout is a device, where no number is known", "x", 0, { { { LP_CHAR, "x", NULL } } }, "0:1 here" },
	{ "a hard link, as it is", "h", 0, { { { LP_REG, "x", NULL }, { LP_HARDLINK, "h", "x" } } }, "0:2 here" },
	{ "a hard link, followed in its layer", "h", 1, { { { LP_REG, "x", NULL }, { LP_HARDLINK, "h", "x" } } }, "0:2 0:1 here" },
	{ "and further down", "h", 1, { { { LP_HARDLINK, "h", "./d/x" } }, { { LP_REG, "d/x", NULL } } }, "0:1 0:1 1:1 here" },
	{ "its file is of its layer, whatever is above", "h", 1, { { { LP_REG, "x", NULL } }, { { LP_REG, "x", NULL }, { LP_HARDLINK, "h", "x" } } }, "0:1 1:2 1:1 here" },
	{ "a hard link to a hard link", "i", 1, { { { LP_HARDLINK, "i", "h" } }, { { LP_REG, "x", NULL }, { LP_HARDLINK, "h", "x" } } }, "0:1 0:1 1:2 1:1 here" },
	{ "found in such a layer", "x", 0, { { { LP_REG, "x", NULL }, { LP_REG, "!", NULL } } }, "0:1 here" },
};

/* One layer: how many members were read is appended to what was done, and the name is what is to be looked for next. */
static int
one_layer(struct lp_buf *name, int follow, size_t *above, const struct member *layer, size_t number, struct lp_buf *did)
{
	int answer = LP_FIND_MORE, whole = 1;
	struct lp_find f;
	size_t n = 0;

	ok(lp_find_init(&f, lp_buf_span(name), follow, *above, 0) == LP_OK, "a layer is asked");
	while (answer == LP_FIND_MORE && n < MAX && layer[n].name != NULL) {
		struct lp_entry e = entry(&layer[n]);

		whole = strcmp(layer[n].name, "!") != 0;
		if (!whole)
			break;
		answer = lp_find_member(&f, &e, 1);
		n++;
	}
	lp_buf_addc(did, '0' + (int)number);
	lp_buf_addc(did, ':');
	lp_buf_addc(did, '0' + (int)n);
	lp_buf_addc(did, ' ');
	answer = answer == LP_FIND_MORE ? lp_find_end(&f, whole) : answer;
	*above = f.above;
	if (answer == LP_FIND_AGAIN || answer == LP_FIND_LINK) {
		lp_buf_clear(name);
		lp_buf_add(name, lp_buf_span(&f.next));
		*above = 0;
	}
	lp_find_release(&f);
	return answer;
}

static void
find(const struct find_case *c)
{
	static const char *const words[] = { "gone", "here", "gone", "again", "unread", "dir", "implied", "above", "link" };
	int answer = LP_FIND_MORE, below = 0;
	size_t above = 0;
	struct lp_buf did, name;

	lp_buf_init(&did, 4096);
	lp_buf_init(&name, 4096);
	lp_buf_adds(&name, c->name);
	for (size_t k = 0; (answer == LP_FIND_MORE || answer == LP_FIND_DIR) && k < 4 && c->layers[k][0].name != NULL; k++) {
		answer = one_layer(&name, c->follow, &above, c->layers[k], k, &did);
		below |= answer == LP_FIND_DIR;
		if (answer == LP_FIND_AGAIN || answer == LP_FIND_LINK) {
			k = answer == LP_FIND_LINK ? k - 1 : (size_t)-1;
			answer = LP_FIND_MORE;
			below = 0;
		} else if (answer == LP_FIND_MORE && below) {
			answer = LP_FIND_DIR;
		}
	}
	lp_buf_adds(&did, words[answer]);
	ok_str(lp_buf_span(&did), c->want, c->title);
	lp_buf_release(&did);
	lp_buf_release(&name);
}

static void
test_find(void)
{
	for (size_t i = 0; i < sizeof(find_cases) / sizeof(find_cases[0]); i++)
		find(&find_cases[i]);
}

/* Of one layer, read to its end: the last member of a name, and of a hard link the file that it was made of. */
static void
test_last(void)
{
	static const struct { const char *name; int follow; const char *want; } t[] = {
		{ "a", 0, "- 3" }, { "a", 1, "- 3" }, { "b", 0, "- 1" }, { "b", 1, "- 1" }, { "c", 0, "h 3" }, { "c", 1, "- 3" },
	};
	static const struct member members[] = {
		{ LP_REG, "a", NULL }, { LP_HARDLINK, "b", "a" }, { LP_REG, "./a", NULL }, { LP_HARDLINK, "c", "a" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_find f;
		char got[64] = "";

		lp_find_init(&f, lp_span_str(t[i].name), t[i].follow, 0, 1);
		for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
			struct lp_entry e = entry(&members[k]);

			e.size = e.header_offset = k + 1;
			e.has = LP_HAS_OFFSETS;
			if (lp_find_member(&f, &e, 0) != LP_FIND_MORE)
				snprintf(got, sizeof(got), "an answer in the middle");
		}
		if (got[0] == '\0' && lp_find_end(&f, 1) == LP_FIND_HERE)
			snprintf(got, sizeof(got), "%c %u", f.entry.type, (unsigned)(f.entry.type == LP_HARDLINK ? 3 : f.entry.header_offset));
		ok_str(lp_span_str(got), t[i].want, t[i].name);
		lp_find_release(&f);
	}
}

/* A listing that is cut off: what there is of a name, whoever asks, and of no other. */
static void
test_cut(void)
{
	static const struct { const char *name; int follow; enum lp_find_answer whole, cut; } t[] = {
		{ "a", 0, LP_FIND_HERE, LP_FIND_HERE }, { "l", 0, LP_FIND_HERE, LP_FIND_HERE },
		{ "l", 1, LP_FIND_AGAIN, LP_FIND_AGAIN }, { "b", 0, LP_FIND_MORE, LP_FIND_UNREAD },
		{ "d", 0, LP_FIND_DIR, LP_FIND_UNREAD }, { "w", 0, LP_FIND_GONE, LP_FIND_UNREAD },
	};
	static const struct member members[] = {
		{ LP_REG, "a", NULL }, { LP_SYMLINK, "l", "a" }, { LP_REG, "d/x", NULL }, { LP_REG, ".wh.w", NULL },
	};

	for (size_t i = 0; i < 2 * sizeof(t) / sizeof(t[0]); i++) {
		int whole = i % 2 == 0, answer = LP_FIND_MORE;
		struct lp_find f;

		lp_find_init(&f, lp_span_str(t[i / 2].name), t[i / 2].follow, 0, 1);
		for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
			struct lp_entry e = entry(&members[k]);

			answer = lp_find_member(&f, &e, 0);
			if (answer != LP_FIND_MORE)
				break;
		}
		answer = answer == LP_FIND_MORE ? lp_find_end(&f, whole) : -1;
		if (!ok(answer == (int)(whole ? t[i / 2].whole : t[i / 2].cut), "%s of a listing %s", t[i / 2].name,
		    whole ? "that is whole" : "that is cut off"))
			diag("%d", answer);
		lp_find_release(&f);
	}
}

int
main(void)
{
	test_cut();
	test_pick();
	test_pick_loop();
	test_find();
	test_last();
	return unit_done();
}
