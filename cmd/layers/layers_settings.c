/* What an image's config sets, a row each: the user, the environment, what is run, labels; and its manifest's annotations. */
#include <string.h>

#include "cmd/layers/layers_priv.h"
#include "common/base/status.h"
#include "common/row/record.h"

/* What a member of the config comes to. */
enum shape {
	TEXT,  /* a string: a row, unless it is empty */
	WHOLE, /* an array or an object: a row of JSON, unless it has nothing */
	EACH,  /* an array: a row of each string */
	KEYS,  /* an object: a row of each key */
	PAIRS  /* an object: a row of each key=value */
};

/* Named as the instructions of a Dockerfile that set them (OCI image-spec 1.1, config.md; Docker's own beside). */
static const struct setting {
	const char *name, *member;
	enum shape shape;
} of_image[] = {
	{ "created", "created", TEXT },
	{ "author", "author", TEXT },
}, of_container[] = {
	{ "user", "User", TEXT },
	{ "workdir", "WorkingDir", TEXT },
	{ "entrypoint", "Entrypoint", WHOLE },
	{ "cmd", "Cmd", WHOLE },
	{ "env", "Env", EACH },
	{ "expose", "ExposedPorts", KEYS },
	{ "volume", "Volumes", KEYS },
	{ "label", "Labels", PAIRS },
	{ "stopsignal", "StopSignal", TEXT },
	{ "healthcheck", "Healthcheck", WHOLE },
	{ "shell", "Shell", WHOLE },
	{ "onbuild", "OnBuild", EACH },
}, of_manifest[] = {
	{ "annotation", "annotations", PAIRS },
};

static int
put(struct lp_layers *l, const char *name, struct lp_span value)
{
	struct lp_record r = { .out = &l->out, .json = l->fmt.json };

	lp_record_text(&r, "setting", lp_span_str(name));
	lp_record_text(&r, "value", value);
	l->entries++;
	return lp_record_end(&r);
}

static struct lp_span
text_of(const json_t *value)
{
	return lp_span(json_string_value(value), json_string_length(value));
}

static int
put_text(struct lp_layers *l, const char *name, const json_t *value)
{
	return json_string_length(value) > 0 ? put(l, name, text_of(value)) : LP_OK;
}

static int
put_each(struct lp_layers *l, const char *name, const json_t *value)
{
	const json_t *one;
	size_t i;
	int rc = LP_OK;

	json_array_foreach(value, i, one)
		rc = rc != LP_OK || !json_is_string(one) ? rc : put(l, name, text_of(one));
	return rc;
}

static int
put_whole(struct lp_layers *l, const char *name, const json_t *value)
{
	size_t n = json_array_size(value) + json_object_size(value) > 0 ? json_dumpb(value, NULL, 0, JSON_COMPACT) : 0;
	struct lp_buf text;
	int rc = LP_OK;

	lp_buf_init(&text, n);
	if (n > 0)
		rc = lp_buf_reserve(&text, n);
	if (rc == LP_OK && n > 0)
		rc = put(l, name, lp_span(text.p, json_dumpb(value, (char *)text.p, n, JSON_COMPACT)));
	lp_buf_release(&text);
	return rc;
}

static int
put_pair(struct lp_layers *l, const char *name, struct lp_span key, const json_t *value)
{
	struct lp_buf text;
	int rc;

	lp_buf_init(&text, key.n + json_string_length(value) + 1);
	rc = lp_buf_add(&text, key);
	rc = rc != LP_OK ? rc : lp_buf_addc(&text, '=');
	rc = rc != LP_OK ? rc : lp_buf_add(&text, text_of(value));
	rc = rc != LP_OK ? rc : put(l, name, lp_buf_span(&text));
	lp_buf_release(&text);
	return rc;
}

static int
put_members(struct lp_layers *l, const struct setting *s, json_t *object)
{
	int rc = LP_OK;

	for (void *i = json_object_iter(object); i != NULL && rc == LP_OK; i = json_object_iter_next(object, i)) {
		const struct lp_span key = lp_span(json_object_iter_key(i), json_object_iter_key_len(i));

		rc = s->shape == KEYS ? put(l, s->name, key) : put_pair(l, s->name, key, json_object_iter_value(i));
	}
	return rc;
}

static int
put_setting(struct lp_layers *l, const struct setting *s, json_t *value)
{
	switch (s->shape) {
	case TEXT: return put_text(l, s->name, value);
	case WHOLE: return put_whole(l, s->name, value);
	case EACH: return put_each(l, s->name, value);
	default: return put_members(l, s, value);
	}
}

static int
put_settings(struct lp_layers *l, const struct setting *s, size_t n, const json_t *from)
{
	int rc = LP_OK;

	for (size_t i = 0; i < n && rc == LP_OK; i++)
		rc = put_setting(l, &s[i], json_object_get(from, s[i].member));
	return rc;
}

static int
put_platform(struct lp_layers *l, const struct lp_platform *is)
{
	struct lp_buf text;
	int rc;

	if (is == NULL)
		return LP_OK;
	lp_buf_init(&text, 256);
	rc = lp_platform_put(is, &text);
	rc = rc != LP_OK ? rc : put(l, "platform", lp_buf_span(&text));
	lp_buf_release(&text);
	return rc;
}

int
lp_layers_settings(struct lp_layers *l, const json_t *config, const json_t *manifest, const struct lp_platform *is)
{
	int rc = l->header ? lp_buf_adds(&l->out, "setting\tvalue\n") : LP_OK;

	rc = rc != LP_OK ? rc : put_platform(l, is);
	rc = rc != LP_OK ? rc : put_settings(l, of_image, sizeof(of_image) / sizeof(of_image[0]), config);
	rc = rc != LP_OK ? rc :
	    put_settings(l, of_container, sizeof(of_container) / sizeof(of_container[0]), json_object_get(config, "config"));
	rc = rc != LP_OK ? rc : put_settings(l, of_manifest, sizeof(of_manifest) / sizeof(of_manifest[0]), manifest);
	return lp_layers_full(l, rc);
}
