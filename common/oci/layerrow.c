/* Writes the rows of lp-layers: layers, platforms, referrers. */
#include "common/oci/layerrow.h"

#include "common/base/escape.h"
#include "common/base/jsonwrite.h"
#include "common/base/num.h"
#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/oci/mediatype.h"

static const char *const layer_names[LP_LAYER_COLUMNS] = {
	[LP_LCOL_SOURCE] = "source", [LP_LCOL_SIZE] = "size", [LP_LCOL_MEDIATYPE] = "mediatype",
	[LP_LCOL_INDEX] = "index", [LP_LCOL_CREATED_BY] = "created_by", [LP_LCOL_DIGEST] = "digest",
	[LP_LCOL_DIFF_ID] = "diff_id", [LP_LCOL_COMPRESSION] = "compression",
	[LP_LCOL_ANNOTATIONS] = "annotations", [LP_LCOL_URLS] = "urls"
};
static const char *const platform_names[LP_PLATFORM_COLUMNS] = {
	[LP_PCOL_PLATFORM] = "platform", [LP_PCOL_DIGEST] = "digest", [LP_PCOL_SIZE] = "size",
	[LP_PCOL_MEDIATYPE] = "mediatype", [LP_PCOL_VERSION] = "os.version", [LP_PCOL_FEATURES] = "os.features",
	[LP_PCOL_ANNOTATIONS] = "annotations"
};
static const char *const referrer_names[LP_REFERRER_COLUMNS] = {
	[LP_RCOL_TYPE] = "artifacttype", [LP_RCOL_DIGEST] = "digest", [LP_RCOL_SIZE] = "size",
	[LP_RCOL_ANNOTATIONS] = "annotations", [LP_RCOL_MEDIATYPE] = "mediatype", [LP_RCOL_SUBJECT] = "subject"
};

static const struct {
	const char *const *names;
	size_t n, shown; /* columns, and those that are the default */
} kinds[] = {
	[LP_ROWS_LAYERS] = { layer_names, LP_LAYER_COLUMNS, 5 },
	[LP_ROWS_PLATFORMS] = { platform_names, LP_PLATFORM_COLUMNS, 4 },
	[LP_ROWS_REFERRERS] = { referrer_names, LP_REFERRER_COLUMNS, 4 }
};

enum { SHORT_ANNOTATIONS = 256 }; /* bytes of what a line has room for */

/* ---- which columns ------------------------------------------------------------------- */

void
lp_layerfmt_init(struct lp_layerfmt *f, enum lp_layerfmt_kind kind)
{
	f->kind = kind;
	f->ncolumns = kinds[kind].shown;
	for (size_t i = 0; i < f->ncolumns; i++)
		f->column[i] = (unsigned char)i;
}

static const char *
name_of(const struct lp_layerfmt *f, size_t column)
{
	return kinds[f->kind].names[column];
}

/* LP_LAYER_COLUMNS for a name that is none, or one that is in the list already. */
static size_t
find(const struct lp_layerfmt *f, struct lp_span name)
{
	size_t n = kinds[f->kind].n, i = 0;

	while (i < n && !lp_span_is(name, name_of(f, i)))
		i++;
	return i < n && memchr(f->column, (int)i, f->ncolumns) == NULL ? i : LP_LAYER_COLUMNS;
}

int
lp_layerfmt_columns(struct lp_layerfmt *f, struct lp_span list, struct lp_span *bad)
{
	struct lp_layerfmt chosen = { .json = f->json, .kind = f->kind };

	for (;;) {
		const unsigned char *comma = list.n > 0 ? memchr(list.p, ',', list.n) : NULL;
		struct lp_span name = lp_span_take(&list, comma != NULL ? (size_t)(comma - list.p) : list.n);
		size_t c = find(&chosen, name);

		if (c == LP_LAYER_COLUMNS) {
			*bad = name;
			return LP_E_USAGE;
		}
		chosen.column[chosen.ncolumns++] = (unsigned char)c;
		if (comma == NULL)
			break;
		lp_span_take(&list, 1);
	}
	*f = chosen;
	return LP_OK;
}

/* ---- pieces ------------------------------------------------------------------------------ */

static int
add_number(struct lp_buf *b, uint64_t v)
{
	char digits[LP_NUM_MAX];

	return lp_buf_add(b, lp_span(digits, (size_t)(lp_num_put(digits, v) - digits)));
}

struct dump {
	struct lp_buf *b;
	int rc;
};

static int
dump(const char *p, size_t n, void *arg)
{
	struct dump *d = arg;

	d->rc = lp_buf_add(d->b, lp_span(p, n));
	return d->rc == LP_OK ? 0 : -1;
}

/* A part of a document as compact JSON; nothing for NULL. */
static int
add_json(struct lp_buf *b, const json_t *v)
{
	struct dump d = { b, LP_OK };

	if (v == NULL || json_dump_callback(v, dump, &d, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
		return LP_OK;
	/* if it was not the buffer, jansson itself had no memory */
	return d.rc != LP_OK ? d.rc : LP_E_NOMEM;
}

/* The same as a field of a row, if it has no more bytes than that. */
static int
add_json_field(struct lp_buf *b, const json_t *v, size_t most)
{
	struct lp_buf text;
	int rc;

	lp_buf_init(&text, LP_MAX_MANIFEST);
	rc = add_json(&text, v);
	if (text.n <= most)
		rc = rc != LP_OK ? rc : lp_escape(b, lp_buf_span(&text), LP_ESCAPE_ROW);
	lp_buf_release(&text);
	return rc;
}

/* "key": in front of a value, with a comma where one is due. */
static int
add_key(struct lp_buf *b, const char *key)
{
	int rc = b->n > 0 && b->p[b->n - 1] != '{' ? lp_buf_addc(b, ',') : LP_OK;

	rc = rc != LP_OK ? rc : lp_json_string(b, lp_span_str(key));
	return rc != LP_OK ? rc : lp_buf_addc(b, ':');
}

static int
add_text_member(struct lp_buf *b, const char *key, struct lp_span v)
{
	int rc;

	if (v.p == NULL)
		return LP_OK;
	rc = add_key(b, key);
	return rc != LP_OK ? rc : lp_json_string(b, v);
}

static int
add_number_member(struct lp_buf *b, const char *key, uint64_t v)
{
	int rc = add_key(b, key);

	return rc != LP_OK ? rc : add_number(b, v);
}

static int
add_json_member(struct lp_buf *b, const char *key, const json_t *v)
{
	int rc = v == NULL ? LP_OK : add_key(b, key);

	return rc != LP_OK ? rc : add_json(b, v);
}

/* ---- layers --------------------------------------------------------------------------------- */

static int
add_field(const struct lp_layer *l, unsigned c, struct lp_buf *b)
{
	switch ((enum lp_layer_column)c) {
	case LP_LCOL_SOURCE:
		return lp_escape(b, l->source, LP_ESCAPE_ROW);
	case LP_LCOL_SIZE:
		return l->has_size ? add_number(b, l->size) : lp_buf_addc(b, '-');
	case LP_LCOL_MEDIATYPE:
		return lp_escape(b, l->mediatype, LP_ESCAPE_ROW);
	case LP_LCOL_INDEX:
		return add_number(b, l->index + 1);
	case LP_LCOL_CREATED_BY:
		return lp_escape(b, l->created_by, LP_ESCAPE_ROW);
	case LP_LCOL_DIGEST:
		return lp_escape(b, l->digest, LP_ESCAPE_ROW);
	case LP_LCOL_DIFF_ID:
		return lp_escape(b, l->diff_id, LP_ESCAPE_ROW);
	case LP_LCOL_COMPRESSION:
		return lp_buf_adds(b, lp_mediatype_compression(l->mediatype));
	case LP_LCOL_ANNOTATIONS:
		return add_json_field(b, l->annotations, LP_MAX_MANIFEST);
	default:
		return add_json_field(b, l->urls, LP_MAX_MANIFEST);
	}
}

static int
write_tsv(const struct lp_layerfmt *f, const struct lp_layer *l, struct lp_buf *b)
{
	int rc = LP_OK;

	for (size_t i = 0; i < f->ncolumns && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, '\t') : LP_OK;
		rc = rc != LP_OK ? rc : add_field(l, f->column[i], b);
	}
	return rc;
}

static int
write_json(const struct lp_layer *l, struct lp_buf *b)
{
	const char *compression = lp_mediatype_compression(l->mediatype);
	int rc = lp_buf_addc(b, '{');

	rc = rc != LP_OK ? rc : add_text_member(b, "source", l->source);
	/* a directory may be called by any bytes: those that no JSON string holds */
	if (rc == LP_OK && !lp_utf8_valid(l->source)) {
		rc = add_key(b, "source_base64");
		rc = rc != LP_OK ? rc : lp_json_base64(b, l->source);
	}
	rc = rc != LP_OK || !l->has_size ? rc : add_number_member(b, "size", l->size);
	rc = rc != LP_OK ? rc : add_text_member(b, "mediatype", l->mediatype);
	rc = rc != LP_OK ? rc : add_number_member(b, "index", l->index + 1);
	rc = rc != LP_OK ? rc : add_text_member(b, "created_by", l->created_by);
	rc = rc != LP_OK ? rc : add_text_member(b, "digest", l->digest);
	rc = rc != LP_OK ? rc : add_text_member(b, "diff_id", l->diff_id);
	if (*compression != '\0')
		rc = rc != LP_OK ? rc : add_text_member(b, "compression", lp_span_str(compression));
	rc = rc != LP_OK ? rc : add_json_member(b, "annotations", l->annotations);
	rc = rc != LP_OK ? rc : add_json_member(b, "urls", l->urls);
	return rc != LP_OK ? rc : lp_buf_addc(b, '}');
}

static int
finish(struct lp_buf *b, size_t before, int rc)
{
	rc = rc != LP_OK ? rc : lp_buf_addc(b, '\n');
	if (rc != LP_OK)
		b->n = before;
	return rc;
}

int
lp_layer_header(const struct lp_layerfmt *f, struct lp_buf *b)
{
	size_t before = b->n;
	int rc = LP_OK;

	if (f->json)
		return LP_OK;
	for (size_t i = 0; i < f->ncolumns && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, '\t') : LP_OK;
		rc = rc != LP_OK ? rc : lp_buf_adds(b, name_of(f, f->column[i]));
	}
	return finish(b, before, rc);
}

int
lp_layer_write(const struct lp_layerfmt *f, const struct lp_layer *l, struct lp_buf *b)
{
	size_t before = b->n;

	return finish(b, before, f->json ? write_json(l, b) : write_tsv(f, l, b));
}

/* ---- versions and features of a system ------------------------------------------------------ */

/* Each feature, that between two of them. */
static int
add_features(const struct lp_platform *p, const char *between, struct lp_buf *b)
{
	struct lp_span rest = lp_span_str(p->features);
	int rc = LP_OK;

	lp_span_take(&rest, 1);
	while (rest.n > 0 && rc == LP_OK) {
		rc = lp_buf_add(b, lp_span_field(&rest, '+'));
		if (rest.n > 0)
			rc = rc != LP_OK ? rc : lp_buf_adds(b, between);
	}
	return rc;
}

/* Members by the names that the OCI has for them. */
static int
add_details(const struct lp_platform *p, struct lp_buf *b)
{
	int rc = LP_OK;

	if (p->version[0] != '\0')
		rc = add_text_member(b, "os.version", lp_span_str(p->version));
	if (rc != LP_OK || p->features[0] == '\0')
		return rc;
	rc = add_key(b, "os.features");
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "[\"");
	rc = rc != LP_OK ? rc : add_features(p, "\",\"", b);
	return rc != LP_OK ? rc : lp_buf_adds(b, "\"]");
}

/* ---- the end record ------------------------------------------------------------------------- */

static int
end_json(const struct lp_layerend *e, struct lp_span platform, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, "{\"end\":{");

	if (*e->digest != '\0')
		rc = rc != LP_OK ? rc : add_text_member(b, "digest", lp_span_str(e->digest));
	if (*e->manifest != '\0')
		rc = rc != LP_OK ? rc : add_text_member(b, "manifest", lp_span_str(e->manifest));
	if (platform.n > 0)
		rc = rc != LP_OK ? rc : add_text_member(b, "platform", platform);
	if (e->platform != NULL)
		rc = rc != LP_OK ? rc : add_details(e->platform, b);
	rc = rc != LP_OK ? rc : add_number_member(b, "layers", e->layers);
	if (e->odd_history)
		rc = rc != LP_OK ? rc : lp_buf_adds(b, ",\"history\":false");
	if (e->odd_diff_ids)
		rc = rc != LP_OK ? rc : lp_buf_adds(b, ",\"diff_ids\":false");
	if (e->base_name.n > 0)
		rc = rc != LP_OK ? rc : add_text_member(b, "base.name", e->base_name);
	if (e->base_digest.n > 0)
		rc = rc != LP_OK ? rc : add_text_member(b, "base.digest", e->base_digest);
	return rc != LP_OK ? rc : lp_buf_adds(b, "}}");
}

/* A tab, the key with its '=', the value. */
static int
add_end_field(struct lp_buf *b, const char *key, struct lp_span value)
{
	int rc = lp_buf_addc(b, '\t');

	rc = rc != LP_OK ? rc : lp_buf_adds(b, key);
	return rc != LP_OK ? rc : lp_escape(b, value, LP_ESCAPE_ROW);
}

static int
end_tsv(const struct lp_layerend *e, struct lp_span platform, struct lp_buf *b)
{
	int rc = lp_buf_adds(b, "#end");

	rc = rc != LP_OK ? rc : add_end_field(b, "digest=", lp_span_str(e->digest));
	rc = rc != LP_OK ? rc : add_end_field(b, "manifest=", lp_span_str(e->manifest));
	rc = rc != LP_OK ? rc : add_end_field(b, "platform=", platform);
	rc = rc != LP_OK ? rc : lp_buf_adds(b, "\tlayers=");
	rc = rc != LP_OK ? rc : add_number(b, e->layers);
	rc = rc != LP_OK || !e->odd_history ? rc : lp_buf_adds(b, "\thistory=no");
	rc = rc != LP_OK || !e->odd_diff_ids ? rc : lp_buf_adds(b, "\tdiff_ids=no");
	if (e->base_name.n > 0)
		rc = rc != LP_OK ? rc : add_end_field(b, "base.name=", e->base_name);
	if (e->base_digest.n > 0)
		rc = rc != LP_OK ? rc : add_end_field(b, "base.digest=", e->base_digest);
	if (rc == LP_OK && e->platform != NULL && e->platform->version[0] != '\0')
		rc = add_end_field(b, "os.version=", lp_span_str(e->platform->version));
	if (rc == LP_OK && e->platform != NULL && e->platform->features[0] != '\0') {
		rc = lp_buf_adds(b, "\tos.features=");
		rc = rc != LP_OK ? rc : add_features(e->platform, ",", b);
	}
	return rc;
}

int
lp_layer_end(const struct lp_layerfmt *f, const struct lp_layerend *e, struct lp_buf *b)
{
	struct lp_buf platform;
	size_t before = b->n;
	int rc;

	lp_buf_init(&platform, LP_PLATFORM_TEXT);
	rc = e->platform != NULL ? lp_platform_put(e->platform, &platform) : LP_OK;
	if (rc == LP_OK)
		rc = f->json ? end_json(e, lp_buf_span(&platform), b) : end_tsv(e, lp_buf_span(&platform), b);
	lp_buf_release(&platform);
	return finish(b, before, rc);
}

/* ---- platforms -------------------------------------------------------------------------------- */

static int
platform_field(const struct lp_descriptor *d, unsigned c, struct lp_buf *b)
{
	switch ((enum lp_platform_column)c) {
	case LP_PCOL_PLATFORM:
		return d->has_platform ? lp_platform_put(&d->platform, b) : lp_buf_addc(b, '-');
	case LP_PCOL_DIGEST:
		return lp_buf_add(b, d->digest);
	case LP_PCOL_SIZE:
		return d->has_size ? add_number(b, d->size) : lp_buf_addc(b, '-');
	case LP_PCOL_MEDIATYPE:
		return lp_escape(b, d->mediatype, LP_ESCAPE_ROW);
	case LP_PCOL_VERSION:
		return d->has_platform ? lp_buf_adds(b, d->platform.version) : LP_OK;
	case LP_PCOL_FEATURES:
		return d->has_platform ? add_features(&d->platform, ",", b) : LP_OK;
	default:
		return add_json_field(b, d->annotations, LP_MAX_MANIFEST);
	}
}

static int
platform_tsv(const struct lp_layerfmt *f, const struct lp_descriptor *d, struct lp_buf *b)
{
	int rc = LP_OK;

	for (size_t i = 0; i < f->ncolumns && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, '\t') : LP_OK;
		rc = rc != LP_OK ? rc : platform_field(d, f->column[i], b);
	}
	return rc;
}

static int
platform_json(const struct lp_descriptor *d, struct lp_buf *b)
{
	const struct lp_platform *p = &d->platform;
	int rc = lp_buf_addc(b, '{');

	if (d->has_platform) {
		rc = rc != LP_OK ? rc : add_text_member(b, "os", lp_span_str(p->os));
		rc = rc != LP_OK ? rc : add_text_member(b, "architecture", lp_span_str(p->arch));
	}
	if (d->has_platform && p->variant[0] != '\0')
		rc = rc != LP_OK ? rc : add_text_member(b, "variant", lp_span_str(p->variant));
	if (d->has_platform)
		rc = rc != LP_OK ? rc : add_details(p, b);
	rc = rc != LP_OK ? rc : add_text_member(b, "digest", d->digest);
	rc = rc != LP_OK || !d->has_size ? rc : add_number_member(b, "size", d->size);
	rc = rc != LP_OK ? rc : add_text_member(b, "mediatype", d->mediatype);
	rc = rc != LP_OK ? rc : add_json_member(b, "annotations", d->annotations);
	return rc != LP_OK ? rc : lp_buf_addc(b, '}');
}

int
lp_platform_write(const struct lp_layerfmt *f, const struct lp_descriptor *d, struct lp_buf *b)
{
	size_t before = b->n;

	return finish(b, before, f->json ? platform_json(d, b) : platform_tsv(f, d, b));
}

/* ---- referrers -------------------------------------------------------------------------------- */

static int
referrer_field(const struct lp_descriptor *d, const char *subject, unsigned c, struct lp_buf *b)
{
	switch ((enum lp_referrer_column)c) {
	case LP_RCOL_TYPE:
		return d->artifact_type.n > 0 ? lp_escape(b, d->artifact_type, LP_ESCAPE_ROW) : lp_buf_addc(b, '-');
	case LP_RCOL_DIGEST:
		return lp_escape(b, d->digest, LP_ESCAPE_ROW);
	case LP_RCOL_SIZE:
		return d->has_size ? add_number(b, d->size) : lp_buf_addc(b, '-');
	case LP_RCOL_ANNOTATIONS:
		return add_json_field(b, d->annotations, SHORT_ANNOTATIONS);
	case LP_RCOL_MEDIATYPE:
		return lp_escape(b, d->mediatype, LP_ESCAPE_ROW);
	default:
		return lp_buf_adds(b, subject);
	}
}

static int
referrer_tsv(const struct lp_layerfmt *f, const struct lp_descriptor *d, const char *subject, struct lp_buf *b)
{
	int rc = LP_OK;

	for (size_t i = 0; i < f->ncolumns && rc == LP_OK; i++) {
		rc = i > 0 ? lp_buf_addc(b, '\t') : LP_OK;
		rc = rc != LP_OK ? rc : referrer_field(d, subject, f->column[i], b);
	}
	return rc;
}

static int
referrer_json(const struct lp_descriptor *d, const char *subject, struct lp_buf *b)
{
	int rc = lp_buf_addc(b, '{');

	if (d->artifact_type.n > 0)
		rc = rc != LP_OK ? rc : add_text_member(b, "artifacttype", d->artifact_type);
	rc = rc != LP_OK ? rc : add_text_member(b, "digest", d->digest);
	rc = rc != LP_OK || !d->has_size ? rc : add_number_member(b, "size", d->size);
	rc = rc != LP_OK ? rc : add_text_member(b, "mediatype", d->mediatype);
	rc = rc != LP_OK ? rc : add_text_member(b, "subject", lp_span_str(subject));
	rc = rc != LP_OK ? rc : add_json_member(b, "annotations", d->annotations);
	return rc != LP_OK ? rc : lp_buf_addc(b, '}');
}

int
lp_referrer_write(const struct lp_layerfmt *f, const struct lp_descriptor *d, const char *subject, struct lp_buf *b)
{
	size_t before = b->n;

	return finish(b, before, f->json ? referrer_json(d, subject, b) : referrer_tsv(f, d, subject, b));
}
