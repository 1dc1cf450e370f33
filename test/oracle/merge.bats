#!/usr/bin/env bats
# Merged listings against what `umoci unpack` leaves on disk (see
# merge-umoci). LP_ORACLE_IMAGES images, 60 if that is not set.

bats_require_minimum_version 1.5.0

setup()
{
	export TOP LP_BIN
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	LP_BIN=${LP_BIN:-$TOP/build/release/bin}
}

@test "generated images: every path, type, mode, owner, size and link as umoci leaves them" {
	run -0 "$TOP/test/oracle/merge-umoci" random 1 "${LP_ORACLE_IMAGES:-60}" "$BATS_TEST_TMPDIR/w"
	[[ $output = *"1..${LP_ORACLE_IMAGES:-60}" ]]
	[ "$(grep -c '^ok ' <<<"$output")" -eq "${LP_ORACLE_IMAGES:-60}" ] || {
		grep -A 8 '^not ok' <<<"$output"
		return 1
	}
}

@test "the real image: the same" {
	run -0 "$TOP/test/oracle/merge-umoci" image "${LP_IMAGE:-$TOP/build/image}" app:1 "$BATS_TEST_TMPDIR/w"
	[[ $output = 'ok 1 - '*$'\n1..1' ]]
}
