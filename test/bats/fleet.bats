#!/usr/bin/env bats
# shellcheck disable=SC2016 # the remote shell expands it
# Many images by engines of others, into one database: xargs on this machine,
# GNU parallel over two hosts, which are network namespaces with an sshd each.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

as_root() {
	if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

setup_file() {
	srv_init
	cd "$BATS_FILE_TMPDIR" || return
	for i in 1 2 3 4 5 6; do
		mkdir "files$i"
		echo "$i" >"files$i/only-in-$i"
		tar -C "files$i" -cf "$i.tar" .
	done
	echo shared >in-all
	tar -cf base.tar in-all
	for i in 1 2 3 4 5 6; do
		layout_make "layout$i" "v$i" base.tar "$i.tar"
		echo "oci:$PWD/layout$i:v$i"
	done >images
}

setup() {
	own_folder
	# the names and the network of this process: each test is run twice
	HOSTS=$BASHPID
	export XDG_CACHE_HOME=$PWD/cache
	IMAGES=$BATS_FILE_TMPDIR/images
}

teardown() {
	local i
	for i in 1 2; do
		[ ! -e "host$i.pid" ] || as_root kill "$(cat "host$i.pid")" || true
		as_root ip netns del "lp${HOSTS}h$i" 2>/dev/null || true
	done
}

# Each image's own file is found under it, the shared one under all six.
holds_all_six() {
	local i
	for i in 1 2 3 4 5 6; do
		[ "$(lp-cache --db="$1" search "only-in-$i" | cut -f1)" = "oci:$BATS_FILE_TMPDIR/layout$i:v$i" ]
	done
	[ "$(lp-cache --db="$1" search in-all | cut -f1 | sort -u | wc -l)" -eq 6 ]
	[ "$(lp-cache --db="$1" stat -j | jq .layers)" -eq 7 ]
}

@test "xargs -P: all processes into one database" {
	run -0 "$TOP/man/fleet/with-xargs" -j 6 listings.db <"$IMAGES"
	holds_all_six listings.db
}

@test "GNU parallel on this machine" {
	run -0 "$TOP/man/fleet/with-parallel" -j 3 listings.db <"$IMAGES"
	holds_all_six listings.db
}

@test "the Slurm array, task by task, numbered from 0 and from 1; one image fails" {
	bash -n "$TOP/man/fleet/array.sbatch"
	for first in 0 1; do
		export SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=$first
		for task in 0 1 2 3; do
			SLURM_ARRAY_TASK_ID=$((first + task)) run -0 bash "$TOP/man/fleet/array.sbatch" "$IMAGES" "out$first"
		done
		cat "out$first"/*.rows | "$TOP/man/fleet/gather" "db$first"
		holds_all_six "db$first"
	done
	{
		echo "oci:$PWD/none:1"
		cat "$IMAGES"
	} >some
	SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_ID=0 \
		run -3 bash "$TOP/man/fleet/array.sbatch" some some-out
	"$TOP/man/fleet/gather" some-db <some-out/0.rows
	holds_all_six some-db
}

@test "the Kubernetes job: its manifest is YAML, its script lists, and one image that fails stops no other" {
	/usr/bin/python3 - "$TOP/man/fleet/job.yaml" >script <<-'PY'
	import sys, yaml
	job = yaml.safe_load(open(sys.argv[1]))
	assert job["kind"] == "Job" and job["spec"]["completionMode"] == "Indexed"
	pod = job["spec"]["template"]["spec"]
	container = pod["containers"][0]
	assert container["command"] == ["/bin/bash", "-euc"]
	assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
	print(container["args"][0])
	PY
	mkdir in out
	# the second of seven fails; the pods' numbers run from 0 to 15
	sed "1a oci:$PWD/none:1" "$IMAGES" >in/images
	sed -i "s|/images/images|$PWD/in/images|; s|/out/|$PWD/out/|g" script
	for pod in {0..15}; do
		status=0
		JOB_COMPLETION_INDEX=$pod bash -euc "$(cat script)" 2>err || status=$?
		[ "$status" -eq $((pod == 2 ? 3 : 0)) ]
	done
	# two of one pod: the first failing, the second is listed and the status says so
	printf '%s\n' "oci:$PWD/none:1" "$(head -n 1 "$IMAGES")" >in/images
	sed 's/NR % 16 == n/1/' script >both
	JOB_COMPLETION_INDEX=99 run -3 bash -euc "$(cat both)"
	grep -q only-in-1 out/99.rows
	rm out/99.rows
	cat out/*.rows | "$TOP/man/fleet/gather" listings.db
	holds_all_six listings.db
}

@test "one image that does not exist: the others are listed, the status says so" {
	{
		cat "$IMAGES"
		echo "oci:$PWD/none:1"
	} >some
	run ! "$TOP/man/fleet/with-parallel" listings.db <some
	holds_all_six listings.db
	run ! "$TOP/man/fleet/with-xargs" other.db <some
	holds_all_six other.db
}

# an lp-peek in front of ours, which is the shell's text on standard input
instead_of_lp_peek() {
	mkdir -p Tools
	{
		echo '#!/bin/sh'
		cat
	} >Tools/lp-peek
	chmod +x Tools/lp-peek
	PATH=$PWD/Tools:$PATH
}

# array MIN MAX STEP COUNT ID: one task of an array over the ten letters in `images`
array() {
	SLURM_ARRAY_TASK_MIN=$1 SLURM_ARRAY_TASK_MAX=$2 SLURM_ARRAY_TASK_STEP=$3 SLURM_ARRAY_TASK_COUNT=$4 \
		SLURM_ARRAY_TASK_ID=$5 bash "$TOP/man/fleet/array.sbatch" images out
}

@test "a Slurm array with a step lists each image once, an image that begins with - too; a list of tasks is refused" {
	instead_of_lp_peek <<-'END'
	for image; do :; done
	printf '%s' "$*" | grep -q -e ' -- ' && printf '%s\n' "$image"
	END
	printf '%s\n' -a b c d e f g h i j >images
	for range in '0 6 2 4' '1 10 3 4' '3 4 1 2' '5 5 1 1'; do
		# shellcheck disable=SC2086 # four words
		set -- $range
		for ((task = $1; task <= $2; task += $3)); do
			run -0 array "$@" "$task"
		done
		[ "$(find out -name '*.rows' | wc -l)" -eq "$4" ]
		sort out/*.rows >listed
		LC_ALL=C sort images | diff - <(LC_ALL=C sort listed)
		rm -r out
	done
	# --array=0,1,5 and 1,3,7: whose are the others?
	for list in '0 5 1 3 1' '1 7 2 3 3'; do
		# shellcheck disable=SC2086 # five words
		run -2 array $list
		[[ $output == *"wants a range"* ]]
		[ ! -e out ]
	done
}

@test "xargs: an lp-peek that is killed stops no other, nor does an image that begins with -" {
	instead_of_lp_peek <<-'END'
	for image; do :; done
	[ "$image" != b ] || kill -KILL $$
	[ "$*" = "-q -c --db=listings.db -- $image" ] && : >"seen$image"
	END
	printf '%s\n' a b -c d e >images
	run -123 "$TOP/man/fleet/with-xargs" -j 1 listings.db <images
	[ "$(echo seen*)" = 'seen-c seena seend seene' ]
}

@test "gather: names come in as they were, whatever was escaped on the way" {
	# a backslash that escapes nothing, a tab, a quote of sh, a line's end
	name=$'odd\\x41\\t\tname\'s\n'
	mkdir "$name"
	cp -r "$BATS_FILE_TMPDIR/layout1/." "$name"
	lp-peek -q -c --no-cache --layers --end "oci:$name:v1" >rows
	grep -qF 'odd\\x41\\t\tname'"'"'s\n:v1' rows
	"$TOP/man/fleet/gather" gathered.db <rows
	lp-peek -q -c --db=direct.db "oci:$name:v1" >/dev/null
	for db in gathered direct; do
		lp-cache --db=$db.db images | cut -f1 | sort -u >$db
		[ "$(wc -l <$db)" -eq 1 ]
	done
	diff direct gathered
	[ "$(lp-cache --db=gathered.db search only-in-1 | cut -f1)" = "$(cat direct)" ]
}

# host_start N: a namespace with an address of its own, and an sshd in it
host_start() {
	local n=$1 ns=lp${HOSTS}h$1 net=$((HOSTS % 250 + 1))
	as_root ip netns add "$ns"
	as_root ip link add "lp${HOSTS}v$n" type veth peer name eth0 netns "$ns"
	as_root ip addr add "10.$net.$n.1/24" dev "lp${HOSTS}v$n"
	as_root ip link set "lp${HOSTS}v$n" up
	as_root ip -n "$ns" addr add "10.$net.$n.2/24" dev eth0
	as_root ip -n "$ns" link set eth0 up
	as_root ip -n "$ns" link set lo up
	ssh-keygen -q -t ed25519 -N '' -f "hostkey$n"
	cat >"sshd$n" <<-END
	Port 22
	HostKey $PWD/hostkey$n
	PidFile $PWD/host$n.pid
	AuthorizedKeysFile $PWD/key.pub
	StrictModes no
	UsePAM no
	PasswordAuthentication no
	SetEnv PATH=$PATH XDG_CACHE_HOME=$PWD/cache-of-$n HOST_NUMBER=$n
	END
	as_root mkdir -p /run/sshd
	as_root ip netns exec "$ns" /usr/sbin/sshd -f "$PWD/sshd$n"
	cat >>config <<-END
	Host host$n
	  HostName 10.$net.$n.2
	  User $(id -un)
	  IdentityFile $PWD/key
	  StrictHostKeyChecking no
	  UserKnownHostsFile /dev/null
	  LogLevel ERROR
	END
	wait_for ssh -F config "host$n" true
}

@test "GNU parallel over two hosts, each with a part of the work" {
	ssh-keygen -q -t ed25519 -N '' -f key
	host_start 1
	host_start 2
	[ "$(ssh -F config host2 'echo $HOST_NUMBER')" = 2 ]
	PARALLEL_SSH="ssh -F $PWD/config" run -0 "$TOP/man/fleet/with-parallel" -j 2 -S host1,host2 listings.db <"$IMAGES"
	holds_all_six listings.db
	# both have worked: each keeps what it listed
	one=$(lp-cache --db="cache-of-1/layer-peek/listings.db" images | cut -f1 | sort -u | wc -l)
	two=$(lp-cache --db="cache-of-2/layer-peek/listings.db" images | cut -f1 | sort -u | wc -l)
	[ "$one" -gt 0 ]
	[ "$two" -gt 0 ]
	[ $((one + two)) -eq 6 ]
}
