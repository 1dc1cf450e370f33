/*
 * without CALL[,CALL...] COMMAND [ARGUMENT...]: run the command as on a kernel
 * that does not know these system calls. They fail with ENOSYS, for the
 * command and for all that it starts.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int
forbid(scmp_filter_ctx c, char *calls)
{
	int rc = 0;

	for (char *next = calls, *name = calls; name != NULL && rc == 0; name = next) {
		int call;

		next = strchr(name, ',');
		if (next != NULL)
			*next++ = '\0';
		call = seccomp_syscall_resolve_name(name);
		if (call == __NR_SCMP_ERROR) {
			fprintf(stderr, "without: no such system call: %s\n", name);
			return -EINVAL;
		}
		rc = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), call, 0);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	scmp_filter_ctx c = argc > 2 ? seccomp_init(SCMP_ACT_ALLOW) : NULL;

	if (c == NULL) {
		fputs("usage: without CALL[,CALL...] COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || forbid(c, argv[1]) != 0 || seccomp_load(c) != 0) {
		fputs("without: cannot load the filter\n", stderr);
		return 3;
	}
	seccomp_release(c);
	execvp(argv[2], argv + 2);
	fprintf(stderr, "%s: %s\n", argv[2], strerrordesc_np(errno));
	return 127;
}
