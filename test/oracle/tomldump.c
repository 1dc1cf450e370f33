/* Standard input, TOML, as JSON by our reader: what test/oracle/toml.bats holds against tomljson(1). */
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/status.h"
#include "common/base/toml.h"
#include "common/sys/io.h"

static int
add(const char *p, size_t n, void *out)
{
	(void)out;
	return fwrite(p, 1, n, stdout) == n ? 0 : -1;
}

int
main(void)
{
	struct lp_toml_error e;
	struct lp_buf text;
	json_t *v = NULL;
	int rc;

	lp_buf_init(&text, 1 << 20);
	rc = lp_read_all(0, &text);
	rc = rc != LP_OK ? rc : lp_toml_load(lp_buf_span(&text), &v, &e);
	if (rc == LP_E_DATA)
		fprintf(stderr, "line %u: %s\n", e.line, e.why);
	if (v != NULL && json_dump_callback(v, add, NULL, 0) != 0)
		rc = LP_E_SYS;
	json_decref(v);
	lp_buf_release(&text);
	return rc == LP_OK ? 0 : 1;
}
