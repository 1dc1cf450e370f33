# What the measurements with servers have in common. For bash, sourced.

# bench_servers TREE: its programs first in PATH, a directory of its own to be in, nobody's credentials
bench_servers()
{
	local tree
	tree=$(cd "$1" && pwd)
	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	PATH=$tree/bin:$PATH
	# shellcheck source=test/lib/registry.bash
	. "$top/test/lib/registry.bash"
	dir=$(mktemp -d)
	srv_init "$dir/srv"
	trap 'srv_stop; rm -rf "$dir"' EXIT
	cd "$dir" || return
	export LP_STATS=$dir/stats REGISTRY_AUTH_FILE=$LP_SRV/no-auth.json
}

copy()
{
	skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false "$@"
}

# pull IMAGE: what one does without these programs
pull()
{
	rm -rf pulled
	copy "docker://$1" dir:pulled
	for blob in pulled/*; do
		tar tzf "$blob" >/dev/null 2>&1 || :
	done
}

# median N COMMAND...: of N runs, which have to be odd, in seconds
median()
{
	local n=$1 start i
	shift
	for ((i = 0; i < n; i++)); do
		start=$EPOCHREALTIME
		"$@" >/dev/null
		awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
	done | sort -n | sed -n $((n / 2 + 1))p
}
