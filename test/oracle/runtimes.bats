#!/usr/bin/env bats
# lp-merge against what containerd, Docker and podman make of the same layers:
# test/oracle/runtimes/README.md. `make check-runtimes` asks them again.

bats_require_minimum_version 1.5.0
load ../lib/suite

@test "the generated recipes are what the generator writes, and each image has the readings of all three" {
	cd "$TOP/test/oracle/runtimes"
	./generate | cmp - generated
	grep -hv '^#' named generated | sed -n 's/: .*//p' >"$BATS_TEST_TMPDIR/images"
	sed -n 's/^== //p' readings | cmp - "$BATS_TEST_TMPDIR/images"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/images")" -ge 500 ]
	for runtime in containerd docker podman; do
		[ "$(grep -c "^> .*\\<$runtime\\>" readings)" -eq "$(wc -l <"$BATS_TEST_TMPDIR/images")" ]
	done
}

@test "recorded images: lp-merge sees what the runtimes see, but for the listed differences" {
	every=${LP_TEST_SHARE:-1}
	run -0 "$TOP/test/oracle/runtimes/compare" --check "$every"
	[ "$output" = "$((($(grep -c '^== ' "$TOP/test/oracle/runtimes/readings") + every - 1) / every)) images" ]
}

@test "recorded images: --check says of each runtime whether it refuses, or shows what is not listed" {
	every=$((8 * ${LP_TEST_SHARE:-1}))
	run -0 "$TOP/test/oracle/runtimes/compare" --findings "$every"
	[ "$output" = "$((($(grep -c '^== ' "$TOP/test/oracle/runtimes/readings") + every - 1) / every)) images" ]
}

@test "what builders write has no alarm" {
	run -0 "$TOP/test/oracle/runtimes/built" --few
	[ "${lines[-1]}" = '2 passed, 0 failed' ]
}
