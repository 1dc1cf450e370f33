#!/usr/bin/env bats
# On the kernel that runs, an old one in a machine of test/kernel/boot's: the
# programs are locked by all that it has, and do their work. KERNEL is its
# version, LOCKS what -V says of it.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry
load image

setup_file()
{
	shipped
	srv_init
	image_start reg public/app:1
}

@test "it is the kernel that was asked for, and each program has its locks" {
	[[ $(uname -r) = "$KERNEL".* ]]
	for p in "$RELEASE"/lp-*; do
		run -0 "$p" -V
		[ "${lines[1]}" = "locks: $LOCKS" ]
	done
}

@test "who is locked is refused each deed, and can do what is its own" {
	run -0 "$LP_TREE/unit/test_sandbox"
	[[ $output == *"filter: is refused it: open a file"* ]]
}

@test "LP_SANDBOX=require: without Landlock nothing is done" {
	status=0
	tar -C / -c etc/passwd | LP_SANDBOX=require "$RELEASE/lp-tarls" -q >out 2>err || status=$?
	case $LOCKS in
	*missing:\ landlock) [ "$status" -eq 3 ] && grep -q Landlock err && [ ! -s out ] ;;
	*) [ "$status" -eq 0 ] && grep -q etc/passwd out && [ ! -s err ] ;;
	esac
}

@test "an image is listed, kept, and listed again offline" {
	lp-peek -q --no-cache -n 64K "oci:$LAYOUT:app:1" >want
	[ "$(wc -l <want)" -gt 100 ]
	listed_kept_replayed "$PWD/want" "$(srv_addr reg)/public/app:1"
}

@test "SIGTERM ends lp-peek and all that it started" {
	echo '{"/*": {"delay_ms": 600000}}' >rules.json
	fault_start silent rules.json
	ended_by_sigterm "$(srv_addr silent)"
}
