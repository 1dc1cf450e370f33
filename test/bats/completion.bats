#!/usr/bin/env bats
# What TAB does in bash, zsh and fish, on a terminal: names that were made to
# run commands are text, and come onto the line so that they stay text.

# shellcheck disable=SC2016 # that is the point
# bats file_tags=toolchain
bats_require_minimum_version 1.5.0
load ../lib/suite

setup_file() {
	export COMPLETIONS=$BATS_FILE_TMPDIR/completions
	"$TOP/man/completions/generate" "$LP_BIN" "$COMPLETIONS"
}

# Images whose names begin with a letter each, so that TAB finds the one.
NAMES=('oci:a$(touch pwned)' 'oci:b`touch pwned`' "oci:c'd\"e f" 'oci:d;touch pwned;' 'oci:e*?[x]{1,2}~!#&|<>'
	'host.test:5000/g/h@x')

setup() {
	own_folder
	export LP_CACHE=$PWD/l.db XDG_CONFIG_HOME=$PWD XDG_DATA_HOME=$PWD ZDOTDIR=$PWD TERM=dumb
	mkdir Tools
	# what the shell runs in the end: it notes what it was given
	printf '#!/bin/sh\nprintf "%%s\\n" "$@" >args\n' >Tools/lp-peek
	chmod +x Tools/lp-peek
	PATH=$PWD/Tools:$PATH
	for name in "${NAMES[@]}" $'oci:x\e[31m$(touch pwned)' $'oci:y\n$(touch pwned)' $'oci:z\xc2\x9b31m' 'oci:f\g' '--find=$(touch pwned)'; do
		lp-cache put -q --layer "sha256:$(printf '%064d' 1)" --image="$name" --index=1 </dev/null
	done
	printf 'PS1="READY "\nHISTFILE=\nset +H\n. %q\n' "$COMPLETIONS/bash/layer-peek" >Rc
	printf 'PS1="READY "\nfpath=(%q $fpath)\nautoload -U compinit\ncompinit -u -D\n' "$COMPLETIONS/zsh" >.zshrc
	mkdir -p fish
	printf 'function fish_prompt\necho -n "READY "\nend\nset fish_greeting\nset fish_autosuggestion_enabled 0\nsource %s\n' \
		"$COMPLETIONS/fish/lp-peek.fish" >fish/config.fish
}

# tab SHELL KEYS: type that; what lp-peek was given is in args, what was shown in shown
tab() {
	rm -f args
	case $1 in
	bash) timeout 300 ttytab "$2" bash --noprofile --rcfile Rc -i ;;
	zsh) timeout 300 ttytab "$2" zsh -i ;;
	fish) timeout 300 ttytab "$2" fish -i ;;
	esac >shown
}

# arrives SHELL NAME...: each name is found by its beginning, and arrives as it is
arrives() {
	local name shell=$1
	shift
	for name in "$@"; do
		tab "$shell" "lp-peek ${name:0:5}\\t\\r"
		cat -v shown
		printf '%s\n' "$name" | cmp - args
	done
	[ ! -e pwned ]
}

@test "bash: a name from the database is text" {
	arrives bash "${NAMES[@]}"
}

@test "zsh: a name from the database is text" {
	arrives zsh "${NAMES[@]:0:2}"
}

@test "fish: a name from the database is text" {
	arrives fish "${NAMES[@]}"
}

@test "all names are shown, and none of them runs, or speaks to the terminal" {
	for shell in bash zsh; do
		tab $shell 'lp-peek oci:\t\t\r'
		cat -v shown
		grep -q pwned shown
		run ! grep -qF $'\e[31m' shown
		run ! grep -qF $'\xc2\x9b' shown
		[ ! -e pwned ]
	done
	fish -c 'complete -C "lp-peek "' >shown
	grep -q pwned shown
	run ! grep -q $'[\e\x9b]' shown
	run ! grep -q -e --find= shown
	[ ! -e pwned ]
}

@test "bash: a directory is text, too, and values of options are offered behind their =" {
	mkdir -p 'dir$(touch pwned)'
	tab bash 'lp-peek oci:di\t\r'
	[ "$(cat args)" = 'oci:dir$(touch pwned)' ]
	[ ! -e pwned ]
	tab bash 'lp-peek --color=al\t x\r'
	[ "$(cat args)" = $'--color=always\nx' ]
	tab fish 'lp-peek --color=al\tx\r'
	grep -qx -e '--color=always' args
}

@test "TAB asks the database that there is, and makes none" {
	for shell in bash zsh; do
		arrives $shell "${NAMES[0]}"
		LP_CACHE=$PWD/none/at/all.db tab $shell 'lp-peek oci:a\t\r'
		[ "$(cat args)" = oci:a ]
		[ ! -e none ]
	done
}
