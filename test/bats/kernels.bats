#!/usr/bin/env bats
# The programs on older kernels: system calls that are missing there
# (test/kernel/without.c), and the versions of Landlock (test/kernel/landlock.c).

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	KERNEL=$(dirname "$LP_BIN")
	export KERNEL
	srv_init
	image_start reg public/app:1
	# it never answers
	echo '{"/*": {"delay_ms": 60000}}' >"$BATS_FILE_TMPDIR/rules.json"
	fault_start silent "$BATS_FILE_TMPDIR/rules.json"
}

setup()
{
	own_folder
	OCI=oci:$LAYOUT:app:1
}

# younger than Linux 4.18, the oldest kernel that anybody runs this on; where a
# libc call is given, libc has it without the system call too
CALLS=close_range,pidfd_open,pidfd_send_signal,openat2,clone3,faccessat2,rseq,statx,copy_file_range,epoll_pwait2

@test "without younger system calls lp-peek lists, and ends" {
	lp-peek -q --no-cache "$OCI" >want
	[ "$(wc -l <want)" -gt 100 ]
	"$KERNEL/without" "$CALLS" lp-peek -q --no-cache "$OCI" >got
	cmp want got
	"$KERNEL/without" "$CALLS" lp-peek -q --no-cache --du "$OCI" >got
	lp-peek -q --no-cache --du "$OCI" | cmp - got
	"$KERNEL/without" "$CALLS" lp-peek -q "$(srv_addr reg)/public/app:1" >got
	cmp want got
}

@test "without younger system calls SIGTERM ends it, and all that it started" {
	"$KERNEL/without" "$CALLS" lp-peek --no-cache "$(srv_addr silent)/a:1" >out 2>err &
	pid=$!
	wait_for bash -c "pgrep -P $pid lp-layers"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ $status -eq 143 ]
	wait_for bash -c '! pgrep -f "^[^ ]*lp-[a-z]* .*'"$(srv_addr silent)"'"'
}

@test "SIGCHLD that the caller ignores: each child's end is noticed all the same" {
	lp-peek -q --no-cache "$OCI" >want
	env --ignore-signal=CHLD lp-peek -q --no-cache "$OCI" >got
	cmp want got
	env --ignore-signal=CHLD lp-peek -q --no-cache --cat=etc/nginx/snippets/app.conf "$OCI" >got
	lp-peek -q --no-cache --cat=etc/nginx/snippets/app.conf "$OCI" | cmp - got
	[ -s got ]
}
