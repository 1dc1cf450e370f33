# secrets.bash: no credential in a place where it does not belong
#
#	load ../lib/suite
#	load ../lib/registry
#	load ../lib/secrets
#
# A file that loads this keeps every byte that its servers and proxies
# receive, and what its programs print, and at the end of each test looks
# through all of that, and through each file of the test's folder (statistics,
# stores, databases, tokens), for the secrets that are said here. One that is
# found where nobody said that it belongs fails the test.
#
# What setup_file says holds for all tests, what a test says for that test.
#
#	secret PLACES USER PASSWORD	the password, alone and as Basic has it:
#				for the servers PLACES (names with commas
#				between them, "" for none)
#	secret PLACES TEXT	the same of something else
#	tokens_for NAME PLACES	what the token server NAME issues is for the
#				servers PLACES, and its identity tokens for
#				itself
#	secrets_in PATTERN...	files of the test's folder that hold secrets
#				because the test, or a program as it should,
#				put them there; * is no /
#
# secretsweep is what looks. A docker-registry logs no headers: in such a file each has a proxy in front
# that keeps what comes. What nginx is sent it passes on, and is kept behind it.

# shellcheck disable=SC2154 # bats' variables
export LP_KEEP=1

# What is said is kept in a folder: of the test, or of the file.
secrets_dir()
{
	printf '%s\n' "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"
}

secret()
{
	local dir
	dir=$(secrets_dir)
	if [ $# -eq 3 ]; then
		printf '%s\t%s\n' "$1" "$3" "$1" "$(printf '%s:%s' "$2" "$3" | base64 -w0)"
	else
		printf '%s\t%s\n' "$1" "$2"
	fi >>"$dir/.secrets"
}

tokens_for()
{
	printf '%s\n' "$2" >"$LP_SRV/$1/tokens"
}

secrets_in()
{
	printf '%s\n' "$@" >>"$(secrets_dir)/.secrets.in"
}

# What programs print goes by as well.
eval "$(declare -f run | sed '1s/^run/bats_run/')"
run()
{
	local status_of_run=0
	bats_run "$@" || status_of_run=$?
	printf '%s\n' "${output-}" "${stderr-}" >>"$BATS_TEST_TMPDIR/.ran"
	return "$status_of_run"
}

teardown()
{
	srv_stop_test
	# not while it is judged: suite.bash; what has no secrets has none to lose
	if [ -z "${LP_NOTHING-}" ] && [[ -s $BATS_FILE_TMPDIR/.secrets || -s $BATS_TEST_TMPDIR/.secrets ]]; then
		secretsweep "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$LP_SRV"
	fi
}
