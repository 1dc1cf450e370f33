#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/source/origin.h"
#include "test/unit/unit.h"

static void
origin_is(const char *image, int plain_http, const char *want)
{
	struct lp_buf b;

	lp_buf_init(&b, LP_REF_TEXT_MAX);
	ok(lp_origin_of_image(lp_span_str(image), plain_http, &b) == LP_OK, "an origin of %s", image);
	ok_str(lp_buf_span(&b), want, "and which");
	lp_buf_release(&b);
}

static void
is_origin(const char *image, const char *want)
{
	origin_is(image, 0, want);
}

int
main(void)
{
	char here[] = "/tmp/lp-origin-XXXXXX", want[256];

	if (mkdtemp(here) == NULL || chdir(here) != 0 || mkdir("layout", 0700) != 0 || symlink("layout", "link") != 0)
		abort();
	is_origin("alpine", "docker.io/library/alpine");
	is_origin("localhost:5000/a/b:tag", "localhost:5000/a/b");
	is_origin("localhost:5000/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
	    "localhost:5000/a/b");
	is_origin("No Image", "No Image");
	origin_is("registry.example/a:tag", 1, "http://registry.example/a");
	origin_is("alpine", 1, "http://docker.io/library/alpine");
	origin_is("localhost:5000/a:tag", 1, "localhost:5000/a");
	origin_is("127.0.0.1/a:tag", 1, "127.0.0.1/a");
	snprintf(want, sizeof(want), "oci:%s/layout", here);
	is_origin("oci:layout:v1", want);
	is_origin("oci:./link/../link", want);
	snprintf(want, sizeof(want), "oci:%s/gone", here);
	is_origin("oci:gone", want);
	is_origin("oci:/nowhere/at/all:v1", "oci:/nowhere/at/all");
	snprintf(want, sizeof(want), "docker-archive:%s/x.tar", here);
	is_origin("docker-archive:x.tar:name", want);
	if (unlink("link") != 0 || rmdir("layout") != 0 || chdir("/") != 0 || rmdir(here) != 0)
		abort();
	return unit_done();
}
