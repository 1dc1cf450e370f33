#!/usr/bin/env bats
# Instructions, not seconds: a slower hot loop shows on a busy machine too.

# shellcheck disable=SC2154 # bats assigns stderr
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	[ -x "$TOP/build/count/bin/lp-inflate" ] || make -s -C "$TOP" FLAVOUR=count all
}

@test "instructions per row, per KiB and per start are within their budgets" {
	run --separate-stderr "$TOP/test/bench/budget"
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok' <<<"$output")" -eq "$(grep -vc '^#' "$TOP/test/bench/budget.tsv")" ]
}

@test "a count above its budget is a failure" {
	mkdir -p top/test/bench top/build
	ln -s "$TOP/build/count" top/build/count
	cp "$TOP/test/bench/budget" top/test/bench/budget
	sed 's/[0-9]*$/1/' "$TOP/test/bench/budget.tsv" >top/test/bench/budget.tsv
	run --separate-stderr top/test/bench/budget
	[ "$status" -eq 1 ]
	[[ $output == *"not ok 1 - "* ]]
}
