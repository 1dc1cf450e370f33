#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2046,SC2054 # bats sets stderr; words; commas within a value
# lp-peek's options, any two of them together: both do what they do alone, or
# it is exit 2 and a message. The options are those of --help: a new one needs
# a line here.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

# What each is given as; '' is one of those that change no answer, or that are one by themselves.
declare -gA as=(
	[layers]=--layers [layer]=--layer=2 [tree]=--tree=2 [du]=--du=2 [find]='--find=*o*' [ignore-case]='' [fail-if-found]='' [cat]=--cat=d/one [tar]=--tar=d [packages]=--packages [check]=--check
	[config]=--config [digest]=--digest [platforms]=--platforms [tags]='' [waste]=--waste [max-waste]='' [dive-rules]='' [history]=--history [top]=--top=3 [html]=--html=- [browse]='' [base]=''
	[diff]=--diff=oci:third:v1 [diff-platform]='' [bytes]=--bytes=2K [complete]=--complete [platform]=--platform=linux/arm64 [offline]=--offline
	[store]=--store=st [db]=--db=my.db [refresh]=--refresh [no-cache]=--no-cache [json]=--json [ndjson]=--ndjson
	[columns]=--columns=layer,name,size [header]=--header [null]=--null [end]=--end [color]=--color=always
	[no-pager]='' [cacert]='' [cacert-only]='' [cert]='' [key]='' [insecure]='' [connect-timeout]='' [stall-timeout]='' [retries]='' [plain-http]=''
	[auth-file]='' [user]='' [password-file]='' [quiet]='' [verbose]='' [stats]=''
	[help]='' [version]=''
)

# Together where one is without a meaning, and why.
declare -gA idle=(
	[bytes/complete]='all of each layer is more' [bytes/find]='finding wants all' [bytes/cat]='finding wants all' [bytes/tar]='finding wants all'
	[complete/find]='finding wants all' [complete/cat]='finding wants all' [complete/tar]='finding wants all' [bytes/packages]='finding wants all' [complete/packages]='finding wants all' [color/packages]='for programs'
	[platform/platforms]='all of them are listed' [platform/config]='both have one' [color/config]='for programs' [color/digest]='for programs' [color/platforms]='for programs'
	[bytes/top]='the largest is in the first bytes' [platform/check]='neither of the two has a finding' [cat/color]='content has no colours' [tar/color]='content has no colours' [check/color]='for programs' [check/ndjson]='there is no finding'
	[color/html]='for programs' [color/json]='for programs' [color/ndjson]='for programs' [color/columns]='for programs' [color/header]='for programs' [color/null]='for programs'
	[color/end]='for programs'
)

# What is of one question, with that question, which is the last word: it has another answer then.
declare -gA of=(
	[ignore-case]='--ignore-case --find=*O*' [fail-if-found]='--fail-if-found --find=*o*'
	[diff-platform]='--diff-platform=linux/arm64 --diff=oci:lay:v1' [max-waste]='--max-waste=1 --waste'
	[dive-rules]='--dive-rules=rules --waste'
)

setup() {
	own_folder
	mkdir -p tmp a/d b/d
	export TMPDIR=$PWD/tmp
	echo one >a/d/one
	echo other >a/other
	noise b 100000 >b/d/noise
	echo late >b/zoo
	mkdir -p b/var/lib/dpkg
	printf 'Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n' >b/var/lib/dpkg/status
	make_images
}

make_images() {
	rm -rf lay other third
	for name in a b; do
		tar --sort=name --mtime=@1700000000 --owner=root:0 --group=root:0 -C $name -cf $name.tar d $(cd $name && echo [!d]*)
	done
	layout_make lay v1 a.tar b.tar
	layout_make other v1 b.tar
	layout_make third v1 a.tar
	# two platforms: the answer of the other one has a single layer
	jq --argjson amd "$(jq -c '.manifests[0] | del(.annotations)' lay/index.json)" \
	    --argjson arm "$(jq -c '.manifests[0] | del(.annotations)' other/index.json)" -n \
	    '{schemaVersion: 2, manifests: [$amd + {platform: {os: "linux", architecture: "amd64"}},
		$arm + {platform: {os: "linux", architecture: "arm64"}}]}' >both
	cp other/blobs/sha256/* lay/blobs/sha256/
	layout_blob lay both application/vnd.oci.image.index.v1+json |
	    jq '{schemaVersion: 2, manifests: [. + {annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' >lay/index.json
	runs=0
}

# ask OPTION...: $status, and the answer's sum in $sum
ask() {
	local cache=
	runs=$((runs + 1))
	status=0
	# without a place for it nothing is kept, which is a process less
	case " $* " in *' --offline '* | *' --refresh '*) cache=$PWD/cache/$runs ;; esac
	HOME='' XDG_CACHE_HOME=$cache lp-peek -q "$@" oci:lay:v1 >out 2>err </dev/null || status=$?
	sum=$(cksum <out)
	rm -rf st my.db
}

@test "any two options work together, or are refused" {
	local -A alone=()
	local options one two i k bad=0 base
	mapfile -t options < <(lp-peek --help | sed -nE 's/^ +(-[A-Za-z0-9], |    )--([a-z-]+).*/\2/p')
	[ "${#options[@]}" -eq "${#as[@]}" ]
	ask
	base=$sum
	[ "$status" -eq 0 ]
	local visible=()
	for one in "${options[@]}"; do
		[ -n "${as[$one]+set}" ]
		[ -n "${as[$one]}" ] || continue
		ask "${as[$one]}"
		alone[$one]=$sum
		[ "$status" -eq 0 ] || { echo "$one: $status"; cat err; return 1; }
		visible+=("$one")
	done
	for ((i = 0; i < ${#visible[@]}; i++)); do
		for ((k = i + 1; k < ${#visible[@]}; k++)); do
			one=${visible[i]} two=${visible[k]}
			ask "${as[$one]}" "${as[$two]}"
			case $status in
			2)
				# one that is refused says why, and nothing else happens
				[ -s err ] && [ ! -s out ] && [ ! -e "cache/$runs" ] || { echo "$one $two: refused, and more"; bad=1; }
				;;
			0)
				[ -z "${idle[$one/$two]+set}${idle[$two/$one]+set}" ] || continue
				# who is seen alone is seen here
				[ "${alone[$one]}" = "$base" ] || [ "$sum" != "${alone[$two]}" ] || { echo "$one is lost beside $two"; bad=1; }
				[ "${alone[$two]}" = "$base" ] || [ "$sum" != "${alone[$one]}" ] || { echo "$two is lost beside $one"; bad=1; }
				;;
			*) [ "$status" -eq 4 ] && [ -s err ] || { echo "$one $two: $status"; cat err; bad=1; } ;;
			esac
		done
	done
	echo "$runs runs"
	[ $bad -eq 0 ]
	[ $runs -gt 200 ]
}

# Of the options that choose bytes, places and forms one of each kind; a second question is refused in the test above.
@test "what is of one question works with what is of all, or is refused" {
	local -A without=()
	local one two question bad=0
	echo early >a/zoo
	make_images
	printf 'rules:\n  highestWastedBytes: 1B\n' >rules
	for one in "${!of[@]}"; do
		question=${of[$one]##* }
		for two in '' complete offline json header end; do
			[ -n "${without[$question$two]+set}" ] || {
				ask "$question" ${two:+"${as[$two]}"}
				without[$question$two]=$sum$status
			}
			# shellcheck disable=SC2086 # words
			ask ${of[$one]} ${two:+"${as[$two]}"}
			case $status in
			2) [ -s err ] && [ ! -s out ] && [[ ${without[$question$two]} = *2 ]] ;;
			0 | 4) [ "$sum$status" != "${without[$question$two]}" ] ;;
			*) false ;;
			esac || { echo "$one beside $two: $status, without it ${without[$question$two]}"; cat err; bad=1; }
		done
	done
	echo "$runs runs"
	[ $bad -eq 0 ]
	[ $runs -gt 40 ]
}

@test "--diff-platform: the same image for two platforms" {
	lp-peek -q -p linux/amd64 --diff-platform=linux/arm64 --diff oci:lay:v1 oci:lay:v1 | cut -f 1,8 |
	    cmp - <(printf 'D\td/one\nD\tother\n')
	lp-peek -q -p linux/arm64 --diff-platform=linux/amd64 --diff=oci:lay:v1 oci:lay:v1 | cut -f 1,8 |
	    cmp - <(printf 'A\td/one\nA\tother\n')
	run -4 lp-peek -q -p linux/arm64 --diff-platform=linux/s390x --diff=oci:lay:v1 oci:lay:v1
}

@test "what is about the network, the terminal or statistics changes no answer" {
	local name
	echo secret >pw
	echo '{}' >auth
	for name in "${!as[@]}"; do
		[ -n "${as[$name]}" ] || continue
		ask "${as[$name]}"
		want=$sum$status
		ask "${as[$name]}" --no-pager --cacert="$FIX/README.md" --cacert-only --cert=pw --key=pw --insecure --connect-timeout=3 --stall-timeout=3 \
		    --retries=1 --plain-http --auth-file=auth --user=u --password-file=pw --verbose --stats=stats
		[ "$sum$status" = "$want" ] || { echo "$name"; cat err; return 1; }
	done
	[ -s stats ]
}
