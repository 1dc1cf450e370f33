/* Capabilities: what root may beyond others is given away before the first foreign byte. */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sys/sandbox_priv.h"

static int
is_anothers(const struct stat *st)
{
	return st->st_uid != geteuid();
}

/* Whether files are to be made or changed in a directory that is somebody else's. */
static int
works_for_another(const struct lp_lock_view *v)
{
	struct stat st;

	if (v->directory >= 0 && fstat(v->directory, &st) == 0 && is_anothers(&st))
		return 1;
	for (size_t i = 0; i < v->n; i++)
		if (stat(v->paths[i].path, &st) == 0 && is_anothers(&st))
			return 1;
	return 0;
}

void
lp_caps_drop(const struct lp_lock_view *v)
{
	static int dropped; /* a function that is forked into has none to begin with */
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[2] = { { 0 } }, kept[2] = { { 0 } };

	if (dropped)
		return;
	dropped = 1;
	/* who may not (EPERM) gains nothing by a program that it runs either: no_new_privs */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &h, had) == 0 && works_for_another(v))
		kept[0].effective = kept[0].permitted = had[0].permitted & 1u << CAP_DAC_OVERRIDE;
	/* to have fewer is never refused by the kernel; where a container's filter does, those of the container are kept */
	(void)syscall(SYS_capset, &h, kept);
}
