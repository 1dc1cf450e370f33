#!/usr/bin/env bats
# Instructions, not seconds: a slower hot loop shows on a busy machine too.

# shellcheck disable=SC2154 # bats assigns stderr
# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	if [ ! -x "$TOP/build/count/bin/lp-inflate" ] || [ ! -x "$TOP/build/count/unit/test_growth" ]; then
		flock "$TOP/build" make -s -C "$TOP" FLAVOUR=count all build/count/unit/test_growth
	fi
}

@test "instructions per row, KiB, name, source and range are within their budgets, and no input costs more than its length" {
	run --separate-stderr "$TOP/test/bench/budget"
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok' <<<"$output")" -eq "$(grep -vc '^#' "$TOP/test/bench/budget.tsv")" ]
}

@test "a count above its budget, and one that grows faster than the input, is a failure" {
	mkdir -p top/test/bench top/build
	ln -s "$TOP/build/count" top/build/count
	cp "$TOP/test/bench/budget" top/test/bench/budget
	sed 's/[0-9]*$/1/' "$TOP/test/bench/budget.tsv" >top/test/bench/budget.tsv
	run --separate-stderr top/test/bench/budget --only 'tarls, start'
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 1 ]
	[[ $output == "not ok 1 - lp-tarls, start: "* ]]
	mkdir -p quadratic/bin
	printf '#!%s -f\n{ for (i = 0; i < NR / 10; i++) n++ }\n' "$(command -v gawk)" >quadratic/bin/lp-merge
	chmod +x quadratic/bin/lp-merge
	sed 's/[0-9]*$/999999999/' "$TOP/test/bench/budget.tsv" >top/test/bench/budget.tsv
	run --separate-stderr top/test/bench/budget --tree quadratic --only lp-merge
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 1 ]
	[[ $output == "not ok 1 - lp-merge: "* ]]
}

# each call of counted(), one file of counts
@test "twice the input is twice the instructions, whatever is made to be dear" {
	valgrind --tool=callgrind --toggle-collect=counted --dump-after=counted --combine-dumps=yes --dump-line=no \
	    --callgrind-out-file=counts "$TOP/build/count/unit/test_growth" >tap 2>err || cat tap err
	run ! grep '^not ok' tap
	grep '^ok' tap >names
	# the last one is of what is behind the last call
	grep -a '^totals:' counts | sed '$d' >totals
	[ "$(wc -l <names)" -ge 80 ]
	[ "$(wc -l <names)" -eq "$(wc -l <totals)" ]
	# an n log n of some hundred is 2.2
	paste totals names | awk '{ n = $2; $1 = $2 = $3 = $4 = "" }
	    NR % 2 == 0 { printf "%.2f %s\n", n / before, $0 }
	    { before = n }' >growth
	sort -n growth
	tail -n 1 growth | grep -E '^ *(3\.[6-9]|4\.).*each with each'
	sed '$d' growth | awk '$1 > 2.25 { print "not twice: " $0; bad = 1 } END { exit bad }'
}
