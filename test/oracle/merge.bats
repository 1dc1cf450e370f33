#!/usr/bin/env bats
# The merged listing of a real image against what `umoci unpack` leaves on
# disk. Made-up ones: runtimes.bats.

bats_require_minimum_version 1.5.0
load ../lib/suite

@test "the real image: the same" {
	run -0 "$TOP/test/oracle/merge-umoci" "${LP_IMAGE:-$TOP/build/image}" app:1 "$BATS_TEST_TMPDIR/w"
	[[ $output = 'ok 1 - '*$'\n1..1' ]]
}

# Every command of the page's examples, and what it says they print.
@test "the recipes of lp-merge(1), on the real image" {
	PATH=$LP_BIN:$PATH
	image=oci:${LP_IMAGE:-$TOP/build/image}:app:1
	cd "$BATS_TEST_TMPDIR"
	for n in base apt fix conf; do
		read -r source
		lp-fetch -a "$source" | lp-inflate | lp-tarls -E >$n.tsv
	done < <(lp-layers -o source "$image")
	set -- base=base.tsv apt=apt.tsv fix=fix.tsv conf=conf.tsv
	awk '/^\.Sh/ { on = /EXAMPLES/ } /^\.Ed/ { print "end" } on && literal && !/^\.Ed/ { gsub(/\\e/, "\\"); print }
		{ literal = on && (/^\.Bd -literal/ || (literal && !/^\.Ed/)) }' "$TOP/man/lp-merge.1" >blocks
	recipes=0 command=''
	while IFS= read -r line; do
		case $line in
		'$ '*) command=${line#'$ '}; : >want; continue ;;
		'> '*) command+=" ${line#'> '}"; continue ;;
		end) ;;
		*) printf '%s\n' "$line" >>want; continue ;;
		esac
		[ -n "$command" ] || continue
		# 141: head has left, as it may
		eval "$command" >got || [ $? -eq 141 ]
		# how large a file is depends on the day's packages
		diff <(sed -E 's/[0-9]{5,}/N/g' want) <(sed -E 's/[0-9]{5,}/N/g' got) || { echo "$command"; return 1; }
		recipes=$((recipes + 1)) command=''
	done <blocks
	[ "$recipes" -eq 5 ]
}
