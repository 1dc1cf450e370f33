#!/usr/bin/env bats
# What judges the tests: test/nothing, which wants them to fail with programs
# that do nothing, and test/mutate, which breaks the source.

# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

@test "nothing: a test that passes with programs that do nothing is reported, one that fails is not" {
	# (its tests are not to be taken for tests of this file)
	sed 's/^%/@/' >weak.bats <<-END
	load "$TOP/test/lib/suite"
	bats_require_minimum_version 1.5.0
	setup_file() { lp-merge --version >"\$BATS_FILE_TMPDIR/made"; }
	%test "looks at what comes out" { lp-merge --version | cmp - "\$BATS_FILE_TMPDIR/made"; }
	%test "compares one with the other" { cmp <(lp-merge --version) <(lp-merge --version); }
	%test "of what is shipped" { shipped; "\$RELEASE/lp-merge" --version; }
	END
	run -1 "$TOP/test/nothing" build/release "$PWD/weak.bats"
	printf '%s\n' "$output"
	[ "${lines[0]}" = "not ok - $PWD/weak.bats: passes with programs that do nothing: compares one with the other" ]
	[ "${lines[1]}" = "not ok - $PWD/weak.bats: passes with programs that do nothing: of what is shipped" ]
	[ "${lines[2]}" = "ok - $PWD/weak.bats: looks at what comes out" ]
	[ "${lines[3]}" = '1 passed, 2 failed' ]
}

@test "nothing: what is known to pass is there, and has its reason" {
	while IFS=$'\t' read -r file name why rest; do
		[[ -e $TOP/$file && -n $why && -z $rest ]]
		[ "$name" = '*' ] || grep -qxF "@test \"$name\" {" "$TOP/$file"
	done < <(grep -v '^#' "$TOP/test/nothing.known")
	run ! grep -vP '^#|^[^\t]+\t[^\t]+\t[^\t]+$' "$TOP/test/nothing.known"
}

@test "mutate: the draw is of every kind, the same each time, and what is said to be equivalent has its reason" {
	"$TOP/test/mutate" --list --count 12 >one
	"$TOP/test/mutate" --list --count 12 | cmp - one
	[ "$(wc -l <one)" -eq 12 ]
	"$TOP/test/mutate" --list --count 12 --seed 7 >other
	run ! cmp -s one other
	# a comparison, a constant, a statement that goes, && for ||, a condition negated, a way out that goes
	[ "$(cut -f 3 one | grep -cx ';')" -eq 4 ]
	[ "$(cut -f 3 one | grep -c '(!(')" -ge 2 ]
	run ! grep -vP '^#|^[^\t]+\t[^\t]+\t[^\t]+\t[^\t]+$' "$TOP/test/mutate.equivalent"
}
