#!/usr/bin/env bats
# Each program of the suite locks itself before the first byte from outside,
# and does nothing where it cannot. The programs are those of cmd/: a new one
# is looked for here and fails until reach() knows it.

# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell, and assigns lines and stderr
bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file()
{
	# builds for sanitizers have no lock, and say so: see the last test
	shipped
	PROGRAMS=$(cd "$TOP/cmd" && echo lp-*.c | sed 's/\.c\>//g')
	export PROGRAMS
	srv_init
	# a registry that never answers, and never to its end
	echo '{"/long": {"pattern": 8388608, "stall_at": 4194304}, "/*": {"delay_ms": 60000}}' >"$BATS_FILE_TMPDIR/rules.json"
	fault_start silent "$BATS_FILE_TMPDIR/rules.json"
}

setup()
{
	own_folder
	PORT=1 # nobody listens
	mkfifo fifo
}

teardown()
{
	[ -z "${pid-}" ] || kill -KILL "$pid" 2>/dev/null || true
}

# reach PROGRAM: ARGV, with which it waits for somebody's bytes (on the port
# PORT of this machine, if it is one for networks), and WORLD, the system calls
# with which it would look at them
reach()
{
	local zeros
	zeros=sha256:$(printf '0%.0s' {1..64})
	WORLD='(read|pread64|readv|splice)\(0,'
	case $1 in
	lp-cache) ARGV=("$RELEASE/$1" --db="$PWD/db/cache.db" put --layer="$zeros") ;;
	lp-cat) ARGV=("$RELEASE/$1" name) ;;
	lp-fetch)
		ARGV=("$RELEASE/$1" --plain-http --retries=0 -n 512 "localhost:$PORT/a@$zeros")
		WORLD='connect\([0-9]+, .*AF_INET'
		;;
	lp-inflate | lp-packages | lp-show | lp-tarls | lp-toc) ARGV=("$RELEASE/$1") ;;
	lp-layers)
		ARGV=("$RELEASE/$1" --plain-http --retries=0 "localhost:$PORT/a:1")
		WORLD='connect\([0-9]+, .*AF_INET'
		;;
	lp-merge) ARGV=("$RELEASE/$1" -) ;;
	lp-peek)
		# what comes to it are lines of the programs that it has started
		ARGV=("$RELEASE/$1" --no-cache --plain-http --retries=0 "localhost:$PORT/a:1")
		WORLD='read\([0-9]+, "(lp-|\{|progress)'
		;;
	*) echo "locks.bats does not know $1" && return 1 ;;
	esac
}

each_program()
{
	local p
	[ -n "$PROGRAMS" ]
	for p in $PROGRAMS; do
		echo "# $p"
		reach "$p"
		rm -f log log.*
		"$@"
	done
}

# LOG's first line that matches; 0: none does
line_of()
{
	grep -nE -m 1 "$1" log | cut -d : -f 1 | grep . || echo 0
}

# The program, behind options of strace's that inject failures: its own calls
# into `log`, those of what it starts into log.PID, so that none is torn apart
traced()
{
	local status=0
	# an end of file for what reads stdin
	local calls=execve,read,pread64,readv,splice,connect,prctl,seccomp,capset
	: | strace -qq -ff -o log -e trace=$calls,landlock_create_ruleset,landlock_restrict_self "$@" >out 2>err ||
	    status=$?
	mv "$(grep -lF "execve(\"${ARGV[0]}\"" log.*)" log
	return $status
}

sees_two()
{
	grep -q '^Seccomp:[[:space:]]2$' "/proc/$pid/status"
}

runs_locked()
{
	"${ARGV[@]}" <fifo >out 2>err &
	pid=$!
	exec 9>fifo
	wait_for sees_two
	grep '^NoNewPrivs:[[:space:]]1$' "/proc/$pid/status"
	# of capabilities none; that of others' programs neither, where it was ours to give away
	run -0 grep -cE '^Cap(Prm|Eff|Inh|Amb):[[:space:]]0+$' "/proc/$pid/status"
	[ "$output" -eq 4 ]
	[ "$(id -u)" -ne 0 ] || grep -E '^CapBnd:[[:space:]]0+$' "/proc/$pid/status"
	# it waits, it did not end
	kill -0 "$pid"
	kill -KILL "$pid"
	wait "$pid" || true
	pid=
	exec 9>&-
}

@test "the kernel says of each running program that it is locked" {
	PORT=$(srv_port silent)
	each_program runs_locked
}

# threads_locked N: so many there are, and each of them is
threads_locked()
{
	[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$1" ] &&
	    [ "$(cat "/proc/$pid/task"/*/status | grep -c '^Seccomp:[[:space:]]2$')" -eq "$1" ]
}

@test "the kernel says it of each thread" {
	local threads=$(($(nproc) > 1 ? 2 : 1))
	head -c 16M /dev/zero | gzip -1 >zeros.gz
	exec 9<>fifo
	"$RELEASE/lp-inflate" zeros.gz >fifo &
	pid=$!
	# the second one is begun for what is long, and then nobody reads
	head -c 4M <fifo >/dev/null
	wait_for threads_locked $threads
	kill -KILL "$pid"
	wait "$pid" || true
	exec 9>&-
	"$RELEASE/lp-fetch" -qa --digest="sha256:$(printf '0%.0s' {1..64})" "http://localhost:$(srv_port silent)/long" >out &
	pid=$!
	wait_for threads_locked $threads
}

not_two()
{
	local p
	for p in "$pid" $(pgrep -P "$pid"); do
		grep -q '^Seccomp:[[:space:]]2$' "/proc/$p/status" || echo "$p"
	done
}

# lp-peek, what starts its children, and lp-layers
three_and_two_locked()
{
	[ "$(pgrep -P "$pid" | wc -l)" -eq 2 ] && [ "$(not_two | wc -w)" -eq 1 ]
}

# starter.h: it can start programs, so it has no filter; and it sees nobody's bytes
@test "what lp-peek leaves unlocked has no more than a line to lp-peek" {
	PORT=$(srv_port silent)
	reach lp-peek
	"${ARGV[@]}" >out 2>err &
	pid=$!
	wait_for three_and_two_locked
	starter=$(not_two)
	[ "$(readlink "/proc/$starter/exe")" -ef "/proc/$pid/exe" ]
	run -0 find "/proc/$starter/fd" -type l -printf '%f %l\n'
	[ "${#lines[@]}" -eq 4 ]
	for fd in 0 1 2; do grep -qx "$fd /dev/null" <<<"$output"; done
	grep -q '^[0-9]* socket:' <<<"$output"
	# it waits for a request, and ends with whom it works for
	kill -KILL "$pid"
	wait "$pid" || true
	wait_for [ ! -e "/proc/$starter" ]
}

locks_first()
{
	local landlock filter world capabilities
	traced "${ARGV[@]}" || true
	landlock=$(line_of 'landlock_restrict_self\(.* = 0$')
	filter=$(line_of 'seccomp\(SECCOMP_SET_MODE_FILTER, 0.* = 0$')
	world=$(line_of "$WORLD")
	capabilities=$(line_of 'capset\(.*permitted=0, .* = 0$')
	echo "landlock $landlock, capabilities $capabilities, filter $filter, world $world"
	[ "$landlock" -gt 0 ]
	[ "$capabilities" -gt "$landlock" ]
	[ "$filter" -gt "$capabilities" ]
	[ "$world" -gt "$filter" ]
}

@test "Landlock, no capability, the filter, and then the first byte" {
	each_program locks_first
}

# refused WORDS STRACE-OPTION...: exit 3, a message, and nothing looked at
refused()
{
	local words=$1 status=0
	shift
	traced "$@" "${ARGV[@]}" || status=$?
	cat err
	[ "$status" -eq 3 ]
	grep -q "$words" err
	[ "$(wc -l <err)" -eq 1 ]
	[ ! -s out ]
	cat log log.* >all 2>/dev/null || true
	run ! grep -qE "$WORLD" all
}

# changes_first ALLOWED: the calls that change files before the filter is loaded are these
changes_first()
{
	local calls=open,openat,creat,mkdir,mkdirat,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat
	rm -rf db st
	calls+=,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,truncate,ftruncate,utimensat,kill,seccomp
	: | strace -qq -o log -e trace=$calls "${ARGV[@]}" --stats stats >out 2>err || true
	grep -q 'seccomp(SECCOMP_SET_MODE_FILTER' log
	sed '/seccomp(SECCOMP_SET_MODE_FILTER/,$d' log |
	    grep -E '^[a-z0-9]*(mkdir|unlink|rmdir|rename|link|chmod|chown|truncate|utimens|creat|kill)|O_(CREAT|WRONLY|RDWR|TRUNC|TMPFILE)' | grep -v ' = -1 E' |
	    grep -vE "\"stats\", O_WRONLY\|O_CREAT\|O_APPEND\|(O_LARGEFILE\|)?O_CLOEXEC|/dev/null\"|^NONE${1:+|$1}" >changed || true
	cat changed
	[ ! -s changed ]
}

no_store_changes()
{
	case ${ARGV[0]##*/} in
	# its directory, and an unnamed file for what it is given
	lp-cache) changes_first 'mkdir\("[^"]*/db", 0700\)|O_TMPFILE' ;;
	# the file that tokens are shared by, which has no name
	lp-peek) changes_first 'O_TMPFILE|fchmod\([0-9]+, 0600\)' ;;
	*) changes_first '' ;;
	esac
}

@test "before its lock a program changes nothing but what the table in CONTRIBUTING.md says" {
	each_program no_store_changes
}

@test "before its lock a store is made where there is none, and an old one is not changed" {
	local p
	for p in lp-fetch lp-layers; do
		reach "$p"
		ARGV+=(-S st)
		changes_first 'mkdir(at)?\(|openat\([0-9]+, "\.lp-[0-9]+\.[0-9]+", O_RDWR\|O_CREAT\|O_EXCL|renameat\([0-9]+, "\.lp-[0-9]+\.[0-9]+", [0-9]+, "(oci-layout|index\.json)"\)'
		[ -f st/oci-layout ]
	done
	reach lp-fetch
	ARGV+=(-S "$PWD/kept")
	"${ARGV[@]}" 2>err || true
	[ -f kept/oci-layout ]
	mkdir victim
	touch -d '1 hour ago' victim/file victim/1.1
	# files of dead writers, as this and older versions named them, and directories that lead elsewhere
	ln -s ../victim kept/tmp
	touch -d '1 hour ago' kept/.lp-1.1
	changes_first ''
	[ -e victim/file ]
	[ -e victim/1.1 ]
}

# Without capabilities root is anybody; what it opened before the lock stays open, and in a directory
# of somebody else's it keeps the one that it needs there.
@test "root reads what only it may read, and fills a store and a database of somebody else's" {
	local root
	root=$([ "$(id -u)" -ne 0 ] || echo 1)
	head -c 10240 /dev/zero >t.tar
	chmod 600 t.tar
	mkdir -m 700 st db
	[ -z "$root" ] || chown nobody t.tar st db
	run -0 "$RELEASE/lp-tarls" t.tar
	run -0 "$RELEASE/lp-fetch" -q -n 512 -S st --digest="sha256:$(printf '0%.0s' {1..64})" "http://localhost:$(srv_port silent)/long"
	[ "$(find st/ranges -type f -size 1 | wc -l)" -eq 1 ]
	printf -- '-rw-r--r--\t0\t0\t1\t2026-11-01T00:00:00Z\tname\t\n' |
	    "$RELEASE/lp-cache" --db=db/c.db put -q --layer="sha256:$(printf '1%.0s' {1..64})"
	run -0 "$RELEASE/lp-cache" --db=db/c.db search -q name
	[[ $output == *name* ]]
}

@test "LP_SANDBOX=require: without Landlock nothing is done" {
	export LP_SANDBOX=require
	each_program refused Landlock -e inject=landlock_create_ruleset:error=ENOSYS
	each_program refused Landlock -e inject=landlock_restrict_self:error=EPERM
}

# The filter is asked for by seccomp(2), or where there is none by the prctl
# behind the one for no_new_privs; in front of that, who holds passwords asks
# for another.
without_filter()
{
	local when=2
	case ${ARGV[0]##*/} in lp-fetch | lp-layers) when=3 ;; esac
	refused 'seccomp (LP_SANDBOX=off runs without a sandbox)' -e inject=seccomp:error=EPERM -e "inject=prctl:error=EPERM:when=$when+"
}

@test "without a filter nothing is done" {
	each_program without_filter
	LP_SANDBOX=require each_program without_filter
}

@test "without no_new_privs nothing is done" {
	each_program refused 'privileges (LP_SANDBOX=off runs without a sandbox)' -e inject=prctl:error=EINVAL
}

# goes_on CALL: although that fails
goes_on()
{
	LP_STATS=$PWD/stats traced -e "inject=$1:error=ENOSYS" "${ARGV[@]}" -v || true
	[ "$(grep -c 'sandbox: missing: landlock$' err)" -eq 1 ]
	jq -se 'length > 0 and all(.[]; .sandbox_missing == "landlock")' stats
	rm stats
	[ "$(line_of "$WORLD")" -gt "$(line_of 'seccomp\(SECCOMP_SET_MODE_FILTER, 0.* = 0$')" ]
	[ "$(line_of 'seccomp\(SECCOMP_SET_MODE_FILTER, 0.* = 0$')" -gt 0 ]
}

@test "who reads a password is not dumpable before" {
	local dumpable opened
	echo secret >password
	run strace -f -qq -o trace -e trace=prctl,openat,?open "$RELEASE/lp-layers" --plain-http --retries=0 --user alice \
	    --password-file password "localhost:$PORT/a"
	dumpable=$(grep -m 1 -nF 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE' trace | cut -d: -f1)
	opened=$(grep -m 1 -nF '"password"' trace | cut -d: -f1)
	[ "$dumpable" -lt "$opened" ]
}

@test "without Landlock, or with less of it, each program goes on, locked; -v and the statistics say so" {
	each_program goes_on landlock_create_ruleset
	LP_SANDBOX=best-effort each_program goes_on landlock_restrict_self
}

unlocked()
{
	LP_STATS=$PWD/stats traced "${ARGV[@]}" -v || true
	grep -qE "$WORLD" log
	run ! grep -E 'landlock|seccomp\(|capset|NO_NEW_PRIVS' log
	[ "$(grep -c 'sandbox: missing: no_new_privs, landlock, seccomp (LP_SANDBOX=off)$' err)" -eq 1 ]
	jq -se 'length > 0 and all(.[]; .sandbox_missing | endswith("(LP_SANDBOX=off)"))' stats
	rm stats
}

@test "LP_SANDBOX=off: nothing is locked" {
	LP_SANDBOX=off each_program unlocked
}

not_a_value()
{
	run -2 --separate-stderr "${ARGV[@]}"
	[ "$stderr" = "${ARGV[0]##*/}: LP_SANDBOX is best-effort, require or off, not '$LP_SANDBOX'" ]
	[ -z "$output" ]
}

@test "LP_SANDBOX has three values, and nothing is done with another" {
	LP_SANDBOX=seccomp each_program not_a_value
	LP_SANDBOX=OFF each_program not_a_value
}

says_locks()
{
	run -0 "${ARGV[0]}" --version
	[ "${lines[1]}" = "locks: no_new_privs landlock seccomp" ]
	run -0 strace -qq -o log -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS "${ARGV[0]}" -V
	[ "${lines[1]}" = "locks: no_new_privs seccomp; missing: landlock" ]
}

@test "--version says which locks there are" {
	each_program says_locks
}

@test "a build without locks says so" {
	run -0 "$LP_BIN/lp-tarls" --version
	case $LP_BIN in
	"$RELEASE") [ "${lines[1]}" = "locks: no_new_privs landlock seccomp" ] ;;
	*) [ "${lines[1]}" = "locks: none (a build for sanitizers)" ] ;;
	esac
}
