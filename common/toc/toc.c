/* Parses a table of contents entry by entry. */
#include "common/toc/toc.h"

#include "common/base/limits.h"
#include "common/base/path.h"
#include "common/base/status.h"

/* Bits of lp_toc.seen. */
enum { SEEN_VERSION = 1, SEEN_ENTRIES = 2 };

enum { KEY_OTHER, KEY_VERSION, KEY_ENTRIES };

enum { MAX_NAMES = LP_MAX_TOC_JSON / 32 }; /* no entry is shorter than 32 bytes */

void
lp_toc_init(struct lp_toc *t, uint64_t seed)
{
	*t = (struct lp_toc){ .seed = seed };
	lp_toc_item_init(&t->item);
	lp_jsonlist_init(&t->json, LP_MAX_TOC_ENTRY, '{');
	lp_buf_init(&t->file, LP_MAX_PATH);
	lp_buf_init(&t->normal, LP_MAX_PATH);
	lp_buf_init(&t->strings, LP_MAX_TOC_OWNERS);
	lp_map_init(&t->names, MAX_NAMES);
	lp_map_init(&t->owners, MAX_NAMES);
}

void
lp_toc_release(struct lp_toc *t)
{
	lp_toc_item_release(&t->item);
	lp_jsonlist_release(&t->json);
	lp_buf_release(&t->file);
	lp_buf_release(&t->normal);
	lp_buf_release(&t->strings);
	lp_map_release(&t->names);
	lp_map_release(&t->owners);
}

static enum lp_toc_event
fail_at(struct lp_toc *t, int status, uint64_t offset, const char *why)
{
	t->status = status;
	t->error_offset = offset;
	t->why = why;
	return LP_TOC_ERROR;
}

/* The entry being decoded is to blame. */
static enum lp_toc_event
fail(struct lp_toc *t, int status, const char *why)
{
	return fail_at(t, status, t->json.text_offset, why);
}

static enum lp_toc_event
no_memory(struct lp_toc *t, int status)
{
	return fail(t, status, status == LP_E_NOMEM ? "out of memory" : "more of it than the limit allows");
}

/* ---- what the entries say together ---------------------------------------- */

/* The string at that place; it is kept as its length and its bytes. */
static struct lp_span
kept(const struct lp_toc *t, uint64_t where)
{
	const unsigned char *p = where > 0 ? t->strings.p + where - 1 : NULL;
	size_t n = 0;

	if (p == NULL)
		return lp_span(NULL, 0);
	memcpy(&n, p, sizeof(n));
	return lp_span(p + sizeof(n), n);
}

/*
 * The name of a user or group: told, or told before for the same number
 * (estargz: "may be omitted if the same uid was seen before"). *where: in
 * t->strings, from 1; 0 for none.
 */
static int
carry(struct lp_toc *t, int64_t id, int group, struct lp_span name, uint64_t *where)
{
	const int64_t key[2] = { id, group };
	uint64_t *at;
	int rc, fresh;

	rc = lp_map_add(&t->owners, lp_hash64(t->seed, lp_span(key, sizeof(key))), &at, &fresh);
	if (rc == LP_OK && name.n > 0 && !lp_span_eq(name, kept(t, *at))) {
		*at = t->strings.n + 1;
		rc = lp_buf_add(&t->strings, lp_span(&name.n, sizeof(name.n)));
		rc = rc != LP_OK ? rc : lp_buf_add(&t->strings, name);
	}
	if (rc == LP_OK)
		*where = *at;
	return rc;
}

static int
owners(struct lp_toc *t)
{
	struct lp_entry *e = &t->entry;
	uint64_t user, group;
	int rc = carry(t, e->uid, 0, e->uname, &user);

	rc = rc != LP_OK ? rc : carry(t, e->gid, 1, e->gname, &group);
	if (rc != LP_OK)
		return rc;
	/* now that both are there: what is added may move what was there */
	e->uname = kept(t, user);
	e->gname = kept(t, group);
	e->has |= (e->uname.n > 0 ? LP_HAS_UNAME : 0) | (e->gname.n > 0 ? LP_HAS_GNAME : 0);
	return LP_OK;
}

/* The name in normal form into t->normal, noted; *fresh: not seen before. */
static int
note_name(struct lp_toc *t, int *fresh)
{
	uint64_t *value;
	int rc;

	lp_buf_clear(&t->normal);
	rc = lp_path_join(&t->normal, t->entry.name);
	if (rc != LP_OK)
		return rc;
	return lp_map_add(&t->names, lp_hash64(t->seed, lp_buf_span(&t->normal)), &value, fresh);
}

int
lp_toc_is_index(struct lp_span name)
{
	static const char *const names[] = { ".prefetch.landmark", ".no.prefetch.landmark", "stargz.index.json" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (lp_span_is(name, names[i]))
			return 1;
	return 0;
}

/* The file whose chunks came last must be whole: otherwise whoever reads it by its chunks gets another file. */
static enum lp_toc_event
end_file(struct lp_toc *t)
{
	if (t->content && t->covered != t->file_size)
		return fail(t, LP_E_DATA, "the chunks of the file before do not make up its size");
	t->content = 0;
	return LP_TOC_MORE;
}

/* The chunk in t->item follows the one before: size 0 is to the end of the file. */
static enum lp_toc_event
follow(struct lp_toc *t)
{
	struct lp_toc_chunk *c = &t->chunk;

	*c = t->item.chunk;
	if (c->at != t->covered)
		return fail(t, LP_E_DATA, "a chunk does not begin where the one before ends");
	if (c->size == 0)
		c->size = t->file_size - t->covered;
	if (c->size == 0 || c->size > t->file_size - t->covered)
		return fail(t, LP_E_DATA, "a chunk lies outside its file");
	t->covered += c->size;
	return LP_TOC_MORE;
}

static enum lp_toc_event
chunk(struct lp_toc *t)
{
	if (!t->content || !lp_span_eq(t->item.entry.name, lp_buf_span(&t->file)))
		return fail(t, LP_E_DATA, "a chunk stands behind no file of its name");
	if (follow(t) == LP_TOC_ERROR)
		return LP_TOC_ERROR;
	return t->hidden ? LP_TOC_MORE : LP_TOC_CHUNK;
}

static enum lp_toc_event
member(struct lp_toc *t)
{
	int rc, fresh;

	if (end_file(t) == LP_TOC_ERROR)
		return LP_TOC_ERROR;
	t->entry = t->item.entry;
	t->digest = t->item.digest;
	t->chunk = (struct lp_toc_chunk){ .at = 0 };
	if ((rc = note_name(t, &fresh)) != LP_OK || (rc = owners(t)) != LP_OK)
		return no_memory(t, rc);
	if (!fresh)
		return fail(t, LP_E_DATA, "two entries have one name");
	t->hidden = lp_toc_is_index(lp_buf_span(&t->normal));
	t->content = t->entry.size > 0;
	t->covered = 0;
	t->file_size = t->entry.size;
	if (t->content) {
		lp_buf_clear(&t->file);
		if ((rc = lp_buf_add(&t->file, t->entry.name)) != LP_OK)
			return no_memory(t, rc);
		if (follow(t) == LP_TOC_ERROR)
			return LP_TOC_ERROR;
		if (t->digest.n == 0 && t->chunk.size == t->file_size)
			t->digest = t->chunk.digest;
		else if (t->chunk.digest.n == 0 && t->chunk.size == t->file_size)
			t->chunk.digest = t->digest;
	}
	if (t->hidden)
		return LP_TOC_MORE;
	t->entries++;
	return LP_TOC_ENTRY;
}

static enum lp_toc_event
entry(struct lp_toc *t)
{
	int rc = lp_toc_item_decode(&t->item, t->json.text);

	if (rc != LP_OK)
		return fail_at(t, rc, t->json.text_offset + t->item.error_offset, t->item.why);
	return t->item.is_chunk ? chunk(t) : member(t);
}

/* ---- the outermost object ------------------------------------------------- */

static int
key_of(struct lp_span key)
{
	static const char *const keys[] = { [KEY_VERSION] = "version", [KEY_ENTRIES] = "entries" };

	for (int i = KEY_VERSION; i <= KEY_ENTRIES; i++) {
		size_t same = 0;

		if (key.n != strlen(keys[i]))
			continue;
		while (same < key.n && (key.p[same] | 0x20) == (unsigned char)keys[i][same])
			same++;
		if (same == key.n)
			return lp_span_is(key, keys[i]) ? i : -1;
	}
	return KEY_OTHER;
}

/*
 * A key. An escape in it is refused: no writer needs one, and it could
 * spell a key that is known.
 */
static enum lp_toc_event
key(struct lp_toc *t)
{
	int k = key_of(t->json.text);

	if (k < 0)
		return fail(t, LP_E_DATA, "a key is known in another case only: readers disagree about it");
	if (t->json.text.n > 0 && memchr(t->json.text.p, '\\', t->json.text.n) != NULL)
		return fail(t, LP_E_DATA, "a key is written with an escape");
	if (k != KEY_OTHER && (t->seen & 1 << (k - 1)))
		return fail(t, LP_E_DATA, "a key stands there twice");
	if (k != KEY_OTHER)
		t->seen |= 1 << (k - 1);
	t->key = k;
	t->json.list = k == KEY_ENTRIES;
	return LP_TOC_MORE;
}

/* A value that is not the list of entries. */
static enum lp_toc_event
value(struct lp_toc *t)
{
	struct lp_json_error error;
	json_t *array;
	int rc;

	if (t->key == KEY_VERSION && !lp_span_is(t->json.text, "1"))
		return fail(t, LP_E_DATA, "the table of contents is of another version than 1");
	/* Go writes no list at all as null */
	if (t->key == KEY_ENTRIES && !lp_span_is(t->json.text, "null"))
		return fail(t, LP_E_DATA, "entries is not a list");
	rc = lp_jsonlist_load(&t->json, &array, &error);
	json_decref(array);
	return rc == LP_OK ? LP_TOC_MORE : fail_at(t, rc, t->json.text_offset + error.offset, error.why);
}

/* What the JSON says, one step further. */
static enum lp_toc_event
step(struct lp_toc *t, struct lp_span *in)
{
	switch (lp_jsonlist_next(&t->json, in)) {
	case LP_JSONLIST_KEY:
		return key(t);
	case LP_JSONLIST_VALUE:
		return value(t);
	case LP_JSONLIST_ITEM:
		return entry(t);
	case LP_JSONLIST_ERROR:
		return fail_at(t, t->json.status, t->json.error_offset,
		    t->json.status == LP_E_LIMIT ? "an entry is larger than the limit" :
		    t->json.status == LP_E_NOMEM ? "out of memory" : "not the JSON of a table of contents");
	default:
		return LP_TOC_MORE;
	}
}

enum lp_toc_event
lp_toc_next(struct lp_toc *t, struct lp_span *in)
{
	while (in->n > 0 && t->status == LP_OK) {
		uint64_t room = LP_MAX_TOC_JSON - t->offset;
		struct lp_span piece = lp_span(in->p, in->n < room ? in->n : (size_t)room);
		size_t before = piece.n;
		enum lp_toc_event event;

		if (room == 0)
			return fail_at(t, LP_E_LIMIT, t->offset, "the table of contents is larger than the limit");
		event = step(t, &piece);
		lp_span_take(in, before - piece.n);
		t->offset += before - piece.n;
		if (event != LP_TOC_MORE)
			return event;
	}
	return t->status != LP_OK ? LP_TOC_ERROR : LP_TOC_MORE;
}

enum lp_toc_event
lp_toc_eof(struct lp_toc *t)
{
	if (t->status != LP_OK)
		return LP_TOC_ERROR;
	if (!t->json.begun)
		return fail_at(t, LP_E_DATA, t->offset, "empty: not a table of contents");
	if (!lp_jsonlist_ended(&t->json))
		return LP_TOC_TRUNCATED;
	if (end_file(t) == LP_TOC_ERROR)
		return LP_TOC_ERROR;
	if (t->seen != (SEEN_VERSION | SEEN_ENTRIES))
		return fail_at(t, LP_E_DATA, t->offset, "version or entries is missing: not a table of contents");
	return LP_TOC_END;
}
