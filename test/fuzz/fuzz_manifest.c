/*
 * Any bytes as a manifest, a config, a layout's index and a saved image's:
 * what is taken keeps its promises (valid digests, a choice within bounds,
 * an index that knows a name it was given), and errors lie inside the input.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/status.h"
#include "common/oci/dockerarchive.h"
#include "common/oci/layerrow.h"
#include "common/oci/layout.h"
#include "common/oci/manifest.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
	if (!holds)
		abort();
}

static void
check_rows(const struct lp_manifest *m)
{
	struct lp_layerfmt f;
	struct lp_buf b;

	lp_layerfmt_init(&f, 0);
	lp_buf_init(&b, 64 * 1024 * 1024);
	for (size_t i = 0; i < m->n; i++) {
		struct lp_layer l = { .source = m->v[i].digest, .digest = m->v[i].digest,
			.mediatype = m->v[i].mediatype, .created_by = m->v[i].created_by,
			.annotations = m->v[i].annotations, .urls = m->v[i].urls, .index = i };
		json_t *back;
		struct lp_json_error e;

		must(m->v[i].bad != NULL ? m->kind == LP_MANIFEST_INDEX : lp_digest_valid(m->v[i].digest));
		lp_buf_clear(&b);
		f.json = 0;
		must(lp_layer_write(&f, &l, &b) == LP_OK);
		must(memchr(b.p, '\n', b.n) == b.p + b.n - 1);
		lp_buf_clear(&b);
		f.json = 1;
		must(lp_layer_write(&f, &l, &b) == LP_OK);
		must(lp_json_load(lp_buf_span(&b), &back, &e) == LP_OK);
		json_decref(back);
	}
	lp_buf_release(&b);
}

/* What a platform is called is what -p takes for it. */
static void
check_platform(const struct lp_platform *p)
{
	struct lp_platform again;
	struct lp_buf b;

	lp_buf_init(&b, LP_PLATFORM_TEXT);
	must(lp_platform_put_all(p, &b) == LP_OK && lp_platform_parse(lp_buf_span(&b), &again) == LP_OK);
	must(lp_platform_rank(p, &again) == 0 && lp_platform_rank(&again, p) == 0);
	lp_buf_release(&b);
}

static void
check_manifest(struct lp_span s)
{
	struct lp_manifest_error e;
	struct lp_manifest m;
	struct lp_image_config c;
	struct lp_platform p;
	struct lp_buf b;

	lp_buf_init(&b, 64 * 1024 * 1024);
	(void)lp_manifest_payload(s, &b, &e);
	lp_buf_release(&b);
	if (lp_image_config_parse(s, 3, &c, &e) == LP_OK)
		lp_image_config_release(&c);
	if (lp_manifest_parse(s, &m, &e) != LP_OK) {
		must(e.why != NULL && e.offset <= s.n);
		return;
	}
	must(lp_platform_machine("x86_64", &p) == LP_OK && lp_manifest_choose(&m, &p, m.n) <= m.n);
	check_rows(&m);
	for (size_t i = 0; i < m.n; i++)
		if (m.v[i].has_platform)
			check_platform(&m.v[i].platform);
	lp_manifest_release(&m);
}

static void
check_layout(struct lp_span s)
{
	const struct lp_layout_entry want = { .digest = A, .mediatype = "x/y", .size = 7, .has_size = 1 };
	struct lp_layout_entry got;
	struct lp_json_error e;
	struct lp_buf once, twice;

	lp_buf_init(&once, 64 * 1024 * 1024);
	lp_buf_init(&twice, 64 * 1024 * 1024);
	(void)lp_layout_find(s, NULL, &got, &e);
	if (lp_layout_set(s, "a:b", &want, &once, &e) == LP_OK) {
		must(lp_layout_find(lp_buf_span(&once), "a:b", &got, &e) == LP_OK && strcmp(got.digest, A) == 0);
		must(lp_layout_set(lp_buf_span(&once), "a:b", &want, &twice, &e) == LP_OK);
		must(lp_span_eq(lp_buf_span(&once), lp_buf_span(&twice)));
	}
	lp_buf_release(&once);
	lp_buf_release(&twice);
}

static void
check_saved(struct lp_span s, const char *name)
{
	struct lp_json_error e;
	struct lp_saved x;
	struct lp_buf names;

	lp_buf_init(&names, 4096);
	if (lp_saved_manifest(s, name, &x, &names, &e) == LP_OK) {
		must(x.config != NULL && x.nlayers <= LP_ARCHIVE_LAYERS);
		lp_saved_release(&x);
	}
	if (lp_saved_repositories(s, name, &x, &names, &e) == LP_OK) {
		must(x.top != NULL);
		lp_saved_release(&x);
	}
	lp_buf_release(&names);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lp_span s = lp_span(data, size);

	check_manifest(s);
	check_layout(s);
	check_saved(s, "");
	check_saved(s, "alpine:3");
	return 0;
}
