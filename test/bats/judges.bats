#!/usr/bin/env bats
# What judges the tests: suite.bash, which wants them to fail with programs
# that do nothing, and test/mutate, which breaks the source.

# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

@test "nothing: a test that passes with programs that do nothing fails, whatever it does with ours" {
	# (its tests are not to be taken for tests of this file)
	sed 's/^%/@/' >weak.bats <<-END
	load "$TOP/test/lib/suite"
	bats_require_minimum_version 1.5.0
	setup_file() { shipped; lp-merge --version >"\$BATS_FILE_TMPDIR/made"; }
	teardown() { echo gone >>"\$BATS_FILE_TMPDIR/gone"; }
	%test "looks at what comes out" { lp-merge --version | cmp - "\$BATS_FILE_TMPDIR/made"; [ -z "\$(ls -A)" ]; }
	%test "compares one with the other" { cmp <(lp-merge --version) <(lp-merge --version); }
	%test "of what is shipped" { "\$RELEASE/lp-merge" --version; }
	%test "leaves a file and a process" { : >file; sleep 77.7 & [ "\$(lp-merge --version)" ]; kill \$!; }
	%test "fails with ours alone" { [ -z "\$(lp-merge --version)" ]; [ -z "\$LP_NOTHING" ]; false; }
	%test "hangs without ours" { [ -z "\$LP_NOTHING" ] || sleep 99.9; lp-merge --version | grep .; }
	%test "fails before it is torn down" { [ "\$(wc -l <"\$BATS_FILE_TMPDIR/gone")" -eq 13 ]; lp-merge --version | grep .; }
	END
	run -1 bats --tap weak.bats
	printf '%s\n' "$output"
	[ "$(grep -cE '^(not )?ok' <<<"$output")" -eq 7 ]
	grep '^ok 1 looks' <<<"$output"
	grep '^not ok 2 compares' <<<"$output"
	grep '^not ok 3 of what' <<<"$output"
	grep '^ok 4 leaves' <<<"$output"
	grep '^not ok 5 fails with' <<<"$output"
	grep '^ok 6 hangs' <<<"$output"
	grep '^ok 7 fails before' <<<"$output"
	[ "$(grep -c '^# passes with programs that do nothing$' <<<"$output")" -eq 2 ]
	run ! pgrep -f 'sleep (77\.7|99\.9)'
}

@test "nothing: each test is judged, but for what is known" {
	for file in "$TOP"/test/{bats,oracle}/*.bats; do
		grep -q '^load \.\./lib/suite$' "$file"
		# a setup of its own begins with it
		setup=$(sed -n '/^setup()/,/^}/p' "$file")
		[[ -z $setup || $setup = *$'\n\t'own_folder$'\n'* || $setup = *$'\n\t'judged$'\n'* ]] ||
			grep -q "^${file#"$TOP/"}	\*	" "$TOP/test/nothing.known"
	done
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
