/* Has the password of --user asked for (net/cred.c) once, before the sandbox and the first child, and hands it on by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/oci/reference.h"
#include "common/sys/err.h"
#include "common/sys/io.h"
#include "cmd/peek/peek_priv.h"

/* The registry that it is for; NULL: all images are local. */
static const char *
find_host(const struct lp_peek_options *o)
{
	static struct lp_reference ref;
	struct lp_reference_error error;

	for (size_t i = 0; i < o->nimages; i++)
		if (lp_reference_image(lp_span_str(o->image[i]), &ref, &error) == LP_OK && ref.kind == LP_REF_REGISTRY)
			return ref.host;
	return NULL;
}

/* In memory that nobody can change any more, for whoever gets the descriptor. */
static int
seal(struct lp_span password)
{
	int fd = memfd_create("lp-password", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd >= 0 && fchmod(fd, 0400) == 0 && lp_write_all(fd, password) == LP_OK &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return -1;
}

int
lp_peek_password(struct lp_peek_options *o)
{
	const char *host = o->cred->user != NULL && !o->offline ? find_host(o) : NULL;
	struct lp_buf password, tried;
	int rc;

	o->password_fd = -1;
	if (host == NULL)
		return LP_EXIT_OK;
	lp_buf_init(&tried, LP_PEEK_HELD);
	rc = lp_cred_password(o->cred, host, &password, &tried);
	if (rc != LP_OK) {
		lp_err("%s", lp_buf_cstr(&tried) != NULL ? lp_buf_cstr(&tried) : "out of memory");
	} else if ((o->password_fd = seal(lp_buf_span(&password))) < 0) {
		lp_err_errno("cannot hand the password on");
		rc = LP_E_SYS;
	} else {
		lp_argv_addf(&o->network, "--password-file=/dev/fd/%d", o->password_fd);
	}
	lp_buf_release(&password);
	lp_buf_release(&tried);
	return rc == LP_OK ? LP_EXIT_OK : lp_exit_of(rc);
}
