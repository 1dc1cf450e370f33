#include "common/base/status.h"
#include "common/oci/dockerarchive.h"
#include "test/unit/unit.h"

static void
add(struct lp_members *m, enum lp_type type, const char *name, const char *target, uint64_t offset)
{
	struct lp_entry e = { .type = type, .name = lp_span_str(name), .linkname = lp_span_str(target),
		.data_offset = offset, .size = 10 };

	lp_members_add(m, &e);
}

static void
test_members(void)
{
	static const struct { const char *path; uint64_t offset; } t[] = {
		{ "manifest.json", 512 }, { "./manifest.json", 512 }, { "a/layer.tar", 1024 },
		{ "b/layer.tar", 1024 }, { "c/layer.tar", 1024 }, { "h", 1024 }, { "twice", 3000 },
		{ "missing", 0 }, { "dir", 0 }, { "dangling", 0 }, { "ring", 0 }, { "", 0 },
	};
	static const struct lp_entry nul = { .type = LP_REG, .name = { (const unsigned char *)"x\0y", 3 }, .data_offset = 1 };
	struct lp_members m;
	const struct lp_member *x;

	lp_members_init(&m);
	ok(lp_members_add(&m, &nul) != LP_OK || lp_members_find(&m, lp_span_str("x"), &x) == LP_E_ABSENT, "a name with a NUL is not its begin");
	add(&m, LP_REG, "./manifest.json", "", 512);
	add(&m, LP_DIR, "dir", "", 1);
	add(&m, LP_REG, "a/layer.tar", "", 1024);
	add(&m, LP_SYMLINK, "b/layer.tar", "../a/layer.tar", 0);
	add(&m, LP_SYMLINK, "c/layer.tar", "../b/layer.tar", 0);
	add(&m, LP_HARDLINK, "h", "a/layer.tar", 0);
	add(&m, LP_SYMLINK, "dangling", "nowhere", 0);
	add(&m, LP_SYMLINK, "ring", "ring", 0);
	add(&m, LP_REG, "twice", "", 2000);
	add(&m, LP_REG, "twice", "", 3000);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int rc = lp_members_find(&m, lp_span_str(t[i].path), &x);

		ok(t[i].offset == 0 ? rc == LP_E_ABSENT && x == NULL : rc == LP_OK && x->offset == t[i].offset,
		    "member '%s'", t[i].path);
	}
	lp_members_release(&m);
}

#define IMAGE(tag) "{\"Config\":\"c.json\",\"RepoTags\":[" tag "],\"Layers\":[\"1/layer.tar\",\"2/layer.tar\"]}"

static void
test_manifest(void)
{
	static const char one[] = "[" IMAGE("\"alpine:3\"") "]";
	static const char two[] = "[" IMAGE("\"alpine:3\"") "," IMAGE("\"localhost:5000/x/y:1\",\"docker.io/u/z:2\"") "]";
	static const struct { const char *json, *name; int rc; } t[] = {
		{ one, "", LP_OK }, { one, "alpine:3", LP_OK }, { one, "docker.io/library/alpine:3", LP_OK },
		{ one, "alpine", LP_E_ABSENT }, { one, "@0", LP_OK }, { one, "@1", LP_E_ABSENT }, { one, "@x", LP_E_ABSENT },
		{ two, "", LP_E_ABSENT }, { two, "u/z:2", LP_OK }, { two, "localhost:5000/x/y:1", LP_OK },
		{ two, "@1", LP_OK }, { "[]", "", LP_E_ABSENT }, { "{}", "", LP_E_DATA }, { "[5]", "", LP_E_DATA },
		{ "[{\"Config\":\"\",\"Layers\":[]}]", "", LP_E_DATA }, { "[{\"Config\":\"c\",\"Layers\":[3]}]", "", LP_E_DATA },
		{ "[{\"Config\":\"c\",\"RepoTags\":null,\"Layers\":null}]", "", LP_OK }, { "", "", LP_E_DATA },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_json_error e;
		struct lp_saved s;
		struct lp_buf names;
		int rc;

		lp_buf_init(&names, 1024);
		rc = lp_saved_manifest(lp_span_str(t[i].json), t[i].name, &s, &names, &e);
		ok(rc == t[i].rc && (rc == LP_OK) == (s.config != NULL), "manifest.json, '%s', case %zu", t[i].name, i);
		if (t[i].json == two && rc == LP_E_ABSENT)
			ok_str(lp_buf_span(&names), "alpine:3, localhost:5000/x/y:1, docker.io/u/z:2", "the names there are");
		if (t[i].json == one && rc == LP_OK)
			ok(s.nlayers == 2 && strcmp(s.layer[1], "2/layer.tar") == 0, "and its layers");
		lp_saved_release(&s);
		lp_buf_release(&names);
	}
}

static void
test_repositories(void)
{
	static const struct { const char *json, *name, *top; int rc; } t[] = {
		{ "{\"alpine\":{\"3\":\"abc\"}}", "", "abc", LP_OK },
		{ "{\"alpine\":{\"3\":\"abc\",\"4\":\"def\"}}", "docker.io/library/alpine:4", "def", LP_OK },
		{ "{\"alpine\":{\"3\":\"abc\",\"4\":\"def\"}}", "", NULL, LP_E_ABSENT },
		{ "{\"alpine\":{\"3\":\"abc\"}}", "busybox:1", NULL, LP_E_ABSENT },
		{ "{\"alpine\":{\"3\":5}}", "", NULL, LP_E_DATA },
		{ "{}", "", NULL, LP_E_ABSENT },
		{ "{", "", NULL, LP_E_DATA },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lp_json_error e;
		struct lp_saved s;
		struct lp_buf names;
		int rc;

		lp_buf_init(&names, 1024);
		rc = lp_saved_repositories(lp_span_str(t[i].json), t[i].name, &s, &names, &e);
		ok(rc == t[i].rc && (rc != LP_OK || strcmp(s.top, t[i].top) == 0), "repositories, case %zu", i);
		lp_saved_release(&s);
		lp_buf_release(&names);
	}
}

int
main(void)
{
	test_members();
	test_manifest();
	test_repositories();
	return unit_done();
}
