#!/usr/bin/env bats
# The programs on older kernels: system calls that are missing there
# (test/kernel/without.c), and the versions of Landlock (test/kernel/landlock.c).

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load ../kernel/image

setup_file()
{
	KERNEL=$(dirname "$LP_BIN")
	export KERNEL
	# builds for sanitizers have no lock
	shipped
	flock "$TOP/build" make -s -C "$TOP" FLAVOUR=release build/release/unit/test_sandbox >/dev/null
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
	lp-peek -q --no-cache -n 64K "$OCI" >want
	"$KERNEL/without" "$CALLS" lp-peek -q "$(srv_addr reg)/public/app:1" >got
	cmp want got
}

@test "without younger system calls SIGTERM ends it, and all that it started" {
	ended_by_sigterm "$(srv_addr silent)" "$KERNEL/without" "$CALLS"
}

@test "SIGCHLD that the caller ignores: each child's end is noticed all the same" {
	lp-peek -q --no-cache "$OCI" >want
	env --ignore-signal=CHLD lp-peek -q --no-cache "$OCI" >got
	cmp want got
	env --ignore-signal=CHLD lp-peek -q --no-cache --cat=etc/nginx/snippets/app.conf "$OCI" >got
	lp-peek -q --no-cache --cat=etc/nginx/snippets/app.conf "$OCI" | cmp - got
	[ -s got ]
}

# ---- Landlock: none, and each version of its ABI ---------------------------------------

# old ABI COMMAND...: on a kernel with that version
old()
{
	LP_KERNEL_LANDLOCK=$1 LD_PRELOAD=$KERNEL/landlock.so "${@:2}"
}

@test "each version of Landlock: what is missing is said, and only none is refused where it is required" {
	missing=(": landlock" ": landlock's truncate, ports, ioctl, scopes" ": landlock's truncate, ports, ioctl, scopes"
	    ": landlock's ports, ioctl, scopes" ": landlock's ioctl, scopes" ": landlock's scopes" "")
	for abi in {0..6}; do
		run -0 old "$abi" "$RELEASE/lp-tarls" -V
		have="no_new_privs landlock seccomp"
		[ "$abi" -gt 0 ] || have="no_new_privs seccomp"
		[ "${lines[1]}" = "locks: $have${missing[$abi]:+; missing${missing[$abi]}}" ]
		rm -f stats
		head -c 10240 /dev/zero | old "$abi" "$RELEASE/lp-tarls" -v --stats stats >out 2>err
		if [ "$abi" -lt 6 ]; then
			grep -qxF "lp-tarls: sandbox: missing${missing[$abi]}" err
			[ "$(jq -r .sandbox_missing stats)" = "${missing[$abi]#: }" ]
		else
			run ! grep -q sandbox err
			[ "$(jq .sandbox_missing stats)" = null ]
		fi
		status=0
		head -c 10240 /dev/zero | LP_SANDBOX=require old "$abi" "$RELEASE/lp-tarls" >out 2>err || status=$?
		[ "$status" -eq $((abi == 0 ? 3 : 0)) ]
	done
	[ "$abi" -eq 6 ]
}

@test "each version of Landlock: what is restricted is, and nothing else" {
	for abi in {0..6}; do
		echo "# $abi"
		run -0 old "$abi" "$TOP/build/release/unit/test_sandbox"
		[[ $output == *"filter: is refused it: open a file"* ]]
	done
}

@test "each version of Landlock: an image is listed, kept, and listed again offline" {
	PATH=$RELEASE:$PATH
	lp-peek -q --no-cache -n 64K "$OCI" >want
	for abi in {0..6}; do
		echo "# $abi"
		mkdir "$abi"
		(cd "$abi" && listed_kept_replayed ../want "$(srv_addr reg)/public/app:1" old "$abi")
	done
}
