/*
 * Layers of a few short names against a model that is as simple as the rules
 * allow: a list of paths, strings for places, each layer by itself and then
 * over those below it. What is visible must be the same, in order.
 *
 * Three bytes make a row: what, where, and whither for a link.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/sort.h"
#include "common/base/status.h"
#include "common/merge/merge.h"
#include "common/merge/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 400, PATH_SIZE = 512 };

enum what { DIR, FILE_, LINK, WHITEOUT, OPAQUE, NEXT_LAYER, KINDS };

struct op {
	enum what what;
	char path[PATH_SIZE];
	char target[PATH_SIZE];
};

struct item {
	char path[PATH_SIZE];
	char target[PATH_SIZE];
	char type;
	int layer, gone, implied;
};

struct model {
	struct item item[ROWS_MAX * 8];
	size_t n;
	int layer;
	int overflow; /* paths grow through links: then there is nothing to compare */
};

/* ---- what the bytes say --------------------------------------------------- */

/* One to three names of four, from six bits and two for the length. */
static void
path_of(uint8_t b, char *out)
{
	static const char *const names[] = { "a", "b", "a-b", "c" };
	int n = (b >> 6) % 3 + 1;

	*out = '\0';
	for (int i = 0; i < n; i++)
		snprintf(out + strlen(out), 16, "%s%s", i > 0 ? "/" : "", names[b >> 2 * i & 3]);
}

static void
target_of(uint8_t b, char *out)
{
	static const char *const front[] = { "", "/", "../", "./" };

	snprintf(out, 8, "%s", front[b & 3]);
	path_of((uint8_t)(b >> 2 | (b & 0x10) << 2), out + strlen(out));
}

static struct op
decode(const uint8_t *p)
{
	struct op o = { .what = p[0] % KINDS };

	path_of(p[1], o.path);
	target_of(p[2], o.target);
	return o;
}

/* ---- the model ------------------------------------------------------------ */

/* What the current layer has at the path. */
static struct item *
own(struct model *m, const char *path)
{
	for (size_t i = m->n; i-- > 0 && m->item[i].layer == m->layer;)
		if (!m->item[i].gone && strcmp(m->item[i].path, path) == 0)
			return &m->item[i];
	return NULL;
}

static int
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n == 0 ? *path != '\0' : strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* Of the current layer. */
static void
remove_below(struct model *m, const char *dir)
{
	for (size_t i = m->n; i-- > 0 && m->item[i].layer == m->layer;)
		if (below(m->item[i].path, dir))
			m->item[i].gone = 1;
}

/* Append a component to a path; ".." takes one off. */
static void
step(struct model *m, char *at, const char *name, size_t n)
{
	size_t len = strlen(at);

	if (n == 0 || (n == 1 && name[0] == '.'))
		return;
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		char *slash = strrchr(at, '/');

		*(slash != NULL ? slash : at) = '\0';
		return;
	}
	if (len + n + 2 > PATH_SIZE) {
		m->overflow = 1;
		return;
	}
	snprintf(at + len, PATH_SIZE - len, "%s%.*s", len > 0 ? "/" : "", (int)n, name);
}

/* The place that a path means. 0, or -1 behind too many links. */
static int
resolve(struct model *m, const char *path, char *at)
{
	char todo[PATH_SIZE * 4], rest[PATH_SIZE * 4];
	int hops = 0;

	snprintf(todo, sizeof(todo), "%s", path);
	*at = '\0';
	while (*todo != '\0') {
		size_t n = strcspn(todo, "/");
		char before[PATH_SIZE];
		const struct item *i;

		snprintf(before, sizeof(before), "%s", at);
		step(m, at, todo, n);
		snprintf(rest, sizeof(rest), "%s", todo + n + (todo[n] == '/'));
		i = own(m, at);
		if (m->overflow || (i != NULL && i->type == 'l' && ++hops > LP_MERGE_HOPS))
			return -1;
		if (i != NULL && i->type == 'l') {
			snprintf(at, PATH_SIZE, "%s", i->target[0] == '/' ? "" : before);
			if ((size_t)snprintf(todo, sizeof(todo), "%s/%s", i->target, rest) >= sizeof(todo)) {
				m->overflow = 1;
				return -1;
			}
		} else {
			memcpy(todo, rest, sizeof(todo));
		}
	}
	return 0;
}

/* The place of a row: its parent resolved, its own name not. */
static int
place(struct model *m, const char *path, char *at)
{
	char parent[PATH_SIZE];
	const char *slash = strrchr(path, '/');

	snprintf(parent, sizeof(parent), "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
	if (resolve(m, parent, at) != 0)
		return -1;
	step(m, at, slash != NULL ? slash + 1 : path, strlen(slash != NULL ? slash + 1 : path));
	return m->overflow ? -1 : 0;
}

static void
add(struct model *m, const char *path, char type, const char *target, int implied)
{
	struct item *old = own(m, path);

	if (old != NULL && !(old->type == 'd' && type == 'd'))
		remove_below(m, path);
	if (old != NULL)
		old->gone = 1;
	if (m->n == sizeof(m->item) / sizeof(m->item[0])) {
		m->overflow = 1;
		return;
	}
	m->item[m->n] = (struct item){ .type = type, .layer = m->layer, .implied = implied };
	snprintf(m->item[m->n].path, PATH_SIZE, "%s", path);
	snprintf(m->item[m->n].target, PATH_SIZE, "%s", target);
	m->n++;
}

/* All directories on the way to the path, and `whole` itself too. */
static void
add_parents(struct model *m, const char *path, int whole)
{
	for (size_t n = 1; n <= strlen(path); n++) {
		char parent[PATH_SIZE];
		const struct item *i;

		if (path[n] != '/' && !(whole && path[n] == '\0'))
			continue;
		snprintf(parent, sizeof(parent), "%.*s", (int)n, path);
		i = own(m, parent);
		if (i == NULL || i->type != 'd')
			add(m, parent, 'd', "", 1);
	}
}

/* Whether a directory on the way is something else in its layer: a file, or a whiteout. */
static int
is_in_the_way(struct model *m, const char *path, int whole, char where[][PATH_SIZE], const enum what *what, size_t marks)
{
	for (size_t n = 1; n <= strlen(path); n++) {
		char parent[PATH_SIZE];
		const struct item *i;

		if (path[n] != '/' && !(whole && path[n] == '\0'))
			continue;
		snprintf(parent, sizeof(parent), "%.*s", (int)n, path);
		i = own(m, parent);
		if (i != NULL && i->type != 'd')
			return 1;
		for (size_t k = 0; k < marks && i == NULL; k++)
			if (what[k] == WHITEOUT && strcmp(where[k], parent) == 0)
				return 1;
	}
	return 0;
}

static int
is_hidden_by(const struct item *lower, const struct item *upper)
{
	return below(lower->path, upper->path) ? upper->type != 'd' : strcmp(lower->path, upper->path) == 0;
}

/* The layer over those below it. */
static void
stack(struct model *m, char where[][PATH_SIZE], const enum what *what, size_t marks)
{
	size_t first = m->n;

	while (first > 0 && m->item[first - 1].layer == m->layer)
		first--;
	for (size_t i = 0; i < first; i++) {
		struct item *lower = &m->item[i];

		for (size_t k = 0; k < marks && !lower->gone; k++)
			lower->gone = (*where[k] != '\0' && below(lower->path, where[k])) ||
			    (what[k] == WHITEOUT && strcmp(lower->path, where[k]) == 0);
		for (size_t k = first; k < m->n && !lower->gone; k++) {
			struct item *upper = &m->item[k];

			if (upper->gone || !is_hidden_by(lower, upper))
				continue;
			if (upper->implied && lower->type == 'd')
				upper->gone = 1;
			else
				lower->gone = 1;
		}
	}
}

static void
model_layer(struct model *m, const struct op *op, size_t n)
{
	static const char types[] = { 'd', '-', 'l' };
	static char where[ROWS_MAX][PATH_SIZE];
	static enum what what[ROWS_MAX];
	size_t marks = 0;
	char at[PATH_SIZE];

	for (size_t i = 0; i < n; i++) {
		int rc = op[i].what == OPAQUE ? resolve(m, op[i].path, at) : place(m, op[i].path, at);

		if (rc != 0 || (op[i].what > LINK && is_in_the_way(m, at, op[i].what == OPAQUE, where, what, marks)))
			continue;
		add_parents(m, at, op[i].what == OPAQUE);
		if (op[i].what <= LINK) {
			add(m, at, types[op[i].what], op[i].what == LINK ? op[i].target : "", 0);
			continue;
		}
		what[marks] = op[i].what;
		snprintf(where[marks++], PATH_SIZE, "%s", at);
	}
	stack(m, where, what, marks);
	m->layer++;
}

/* ---- both ----------------------------------------------------------------- */

static void
merge_op(struct lp_merge *m, const struct op *o)
{
	static const enum lp_type types[] = { LP_DIR, LP_REG, LP_SYMLINK, LP_REG, LP_REG };
	char name[PATH_SIZE + 16];
	const char *slash = strrchr(o->path, '/');
	struct lp_entry e = { .type = types[o->what] };
	struct lp_row *row;
	int n = slash != NULL ? (int)(slash - o->path) + 1 : 0;

	if (o->what == WHITEOUT)
		snprintf(name, sizeof(name), "%.*s.wh.%s", n, o->path, o->path + n);
	else
		snprintf(name, sizeof(name), "%s%s", o->path, o->what == OPAQUE ? "/.wh..wh..opq" : "");
	e.name = lp_span_str(name);
	if (o->what == LINK)
		e.linkname = lp_span_str(o->target);
	row = lp_rowkeep_entry(&m->keep, &e);
	if (row == NULL || lp_merge_add(m, row, e.name) != LP_OK)
		abort();
}

static int
by_path(const void *a, const void *b)
{
	return strcmp((*(struct item *const *)a)->path, (*(struct item *const *)b)->path);
}

static void
compare(struct model *m, struct lp_merge *merge)
{
	static struct item *want[sizeof(m->item) / sizeof(m->item[0])];
	struct lp_walk w;
	size_t n = 0, i = 0;

	for (size_t k = 0; k < m->n; k++)
		if (!m->item[k].gone)
			want[n++] = &m->item[k];
	lp_sort(want, n, sizeof(want[0]), by_path);
	lp_walk_init(&w, merge, LP_WALK_VISIBLE);
	while (lp_walk_next(&w) > 0) {
		if (i >= n || !lp_span_is(w.path, want[i]->path) || w.row->type != want[i]->type ||
		    w.row->layer != want[i]->layer || !lp_span_is(lp_row_link(w.row), want[i]->target))
			abort();
		i++;
	}
	lp_walk_release(&w);
	if (i != n)
		abort();
}

/* Every path once, ascending; nested the same ones; and the totals of the root are all of them. */
static void
check_walks(struct lp_merge *merge)
{
	static const enum lp_walk_mode modes[] = { LP_WALK_ALL, LP_WALK_VISIBLE, LP_WALK_NESTED };
	uint64_t seen[3] = { 0 }, bytes, entries;
	size_t entered = 0, left = 0;

	lp_walk_totals(merge);
	for (size_t i = 0; i < 3; i++) {
		char last[PATH_SIZE * 2] = "";
		struct lp_walk w;
		int event;

		lp_walk_init(&w, merge, modes[i]);
		while ((event = lp_walk_next(&w)) > 0) {
			if (event == LP_WALK_LEAVE) {
				left++;
				continue;
			}
			seen[i]++;
			entered += modes[i] == LP_WALK_NESTED && w.row->type == LP_DIR;
			if (modes[i] != LP_WALK_NESTED && lp_span_cmp(lp_span_str(last), w.path) >= 0)
				abort();
			snprintf(last, sizeof(last), "%.*s", (int)w.path.n, (const char *)w.path.p);
		}
		if (i == 1) {
			w.node = (const struct lp_node *)merge->root;
			lp_walk_total(&w, &bytes, &entries);
			if (entries != seen[1])
				abort();
		}
		lp_walk_release(&w);
	}
	if (seen[1] != seen[2] || entered != left || seen[0] < seen[1])
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model model;
	static struct op op[ROWS_MAX];
	struct lp_merge merge;
	size_t n = 0, total = 0;

	memset(&model, 0, sizeof(model));
	if (lp_merge_init(&merge, size, ROWS_MAX) != LP_OK)
		abort();
	/* what is looked for changes nothing of what is seen */
	merge.check = size % 2 == 0;
	if (lp_merge_layer(&merge) != LP_OK)
		abort();
	for (; size >= 3 && total < ROWS_MAX; data += 3, size -= 3, total++) {
		op[n] = decode(data);
		if (op[n].what != NEXT_LAYER) {
			merge_op(&merge, &op[n++]);
			continue;
		}
		model_layer(&model, op, n);
		n = 0;
		if (lp_merge_layer(&merge) != LP_OK)
			abort();
	}
	model_layer(&model, op, n);
	if (lp_merge_finish(&merge) != LP_OK)
		abort();
	if (!model.overflow)
		compare(&model, &merge);
	check_walks(&merge);
	lp_merge_release(&merge);
	return 0;
}
