#!/usr/bin/env bats
# Our reader of TOML beside go-toml's: the examples of containers-registries.conf(5), files like
# those of containerd's hosts.md, and more of the language.

bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file()
{
	export PATH="${LP_TREE:-$TOP/build/release}/oracle:$PATH"
}

setup()
{
	judged
	cd "$BATS_TEST_TMPDIR" || return
}

# alike FILE...: the same values, or refused by both
alike()
{
	local f

	for f; do
		if tomljson <"$f" >go 2>err; then
			tomldump <"$f" | jq -S . >ours
			cmp <(jq -S . go) ours
		else
			run ! tomldump <"$f"
			# shellcheck disable=SC2154 # set by run
			[[ $output = line\ * ]]
		fi
	done
}

@test "the seeds of fuzz_toml: read as tomljson reads them, or refused by both" {
	cp "$TOP"/test/fuzz/corpus/toml/* .
	# what go-toml 1.9 has not of TOML 1.0: quotes before the three that end a string
	sed -n 1,3p lines | sed 's/"""""/"""/' >lines1
	mv lines1 lines
	alike registries remap v1 shortnames hosts-* containerd language lines mark bad-[!d]*
}

@test "the examples of containers-registries.conf(5)" {
	zcat -f "$(man -w containers-registries.conf)" |
		awk '/^\.nf/ { on = 1; n++; next } /^\.fi/ { on = 0 } on { gsub(/\\-/, "-"); print > ("ex" n) }'
	[ "$(cat ex* | grep -c =)" -ge 12 ]
	alike ex*
}
