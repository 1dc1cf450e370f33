/* Chooses a name's colour from LS_COLORS. */
#include "common/view/lscolors.h"

/* ls.c of GNU coreutils has these built in */
static const char defaults[] = "di=01;34:ln=01;36:pi=33:so=01;35:bd=01;33:cd=01;33:"
			       "su=37;41:sg=30;43:st=37;44:ow=34;42:tw=30;42:ex=01;32";

static int
is_harmless(struct lp_span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] != ';' && (v.p[i] < '0' || v.p[i] > '9'))
			return 0;
	return v.n > 0;
}

/* "key=value" */
static void
add_rule(struct lp_lscolors *c, struct lp_span rule)
{
	const unsigned char *eq = rule.n > 0 ? memchr(rule.p, '=', rule.n) : NULL;
	struct lp_span key;

	if (eq == NULL || c->n == LP_LSCOLORS_MAX)
		return;
	key = lp_span_take(&rule, (size_t)(eq - rule.p));
	lp_span_take(&rule, 1);
	if (key.n == 0 || !is_harmless(rule))
		return;
	c->rule[c->n].key = key;
	c->rule[c->n].value = rule;
	c->n++;
}

static void
add_rules(struct lp_lscolors *c, struct lp_span text)
{
	while (text.n > 0) {
		const unsigned char *colon = memchr(text.p, ':', text.n);

		add_rule(c, lp_span_take(&text, colon != NULL ? (size_t)(colon - text.p) : text.n));
		lp_span_take(&text, 1);
	}
}

void
lp_lscolors_init(struct lp_lscolors *c, struct lp_span text)
{
	c->n = 0;
	add_rules(c, lp_span_str(defaults));
	add_rules(c, text);
}

/* The last rule of that key: later ones override, and "0" or "00" mean none. */
static struct lp_span
find(const struct lp_lscolors *c, const char *key)
{
	for (size_t i = c->n; i-- > 0;)
		if (lp_span_is(c->rule[i].key, key))
			return c->rule[i].value;
	return lp_span(NULL, 0);
}

static struct lp_span
find_suffix(const struct lp_lscolors *c, struct lp_span name)
{
	for (size_t i = c->n; i-- > 0;) {
		struct lp_span key = c->rule[i].key;

		if (key.p[0] != '*' || key.n - 1 > name.n)
			continue;
		if (memcmp(name.p + name.n - (key.n - 1), key.p + 1, key.n - 1) == 0)
			return c->rule[i].value;
	}
	return find(c, "fi");
}

static int
is_off(struct lp_span v)
{
	return v.n == 0 || lp_span_is(v, "0") || lp_span_is(v, "00");
}

/* A rule that gives no colour leaves the choice to the next that fits: a sticky one all can write to is "ow" too. */
static struct lp_span
of_dir(const struct lp_lscolors *c, uint32_t mode)
{
	struct lp_span v = lp_span(NULL, 0);
	int sticky = (mode & 01000) != 0, others_write = (mode & 0002) != 0;

	if (sticky && others_write)
		v = find(c, "tw");
	if (is_off(v) && others_write)
		v = find(c, "ow");
	if (is_off(v) && sticky)
		v = find(c, "st");
	return is_off(v) ? find(c, "di") : v;
}

static struct lp_span
of_file(const struct lp_lscolors *c, const struct lp_entry *e)
{
	struct lp_span v = lp_span(NULL, 0);

	if ((e->mode & 04000) != 0)
		v = find(c, "su");
	if (is_off(v) && (e->mode & 02000) != 0)
		v = find(c, "sg");
	if (is_off(v) && (e->mode & 0111) != 0)
		v = find(c, "ex");
	return is_off(v) ? find_suffix(c, e->name) : v;
}

struct lp_span
lp_lscolors_of(const struct lp_lscolors *c, const struct lp_entry *e)
{
	struct lp_span v;

	switch (e->type) {
	case LP_DIR:
		v = of_dir(c, e->mode);
		break;
	case LP_SYMLINK:
		v = find(c, "ln");
		break;
	case LP_CHAR:
		v = find(c, "cd");
		break;
	case LP_BLOCK:
		v = find(c, "bd");
		break;
	case LP_FIFO:
		v = find(c, "pi");
		break;
	case LP_REG:
	case LP_HARDLINK:
	default:
		v = of_file(c, e);
		break;
	}
	return is_off(v) ? lp_span(NULL, 0) : v;
}
