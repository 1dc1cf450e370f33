#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034 # the examples read these variables
# What the man pages show is run, on the real image in a registry. Names that
# stand for others' images are replaced, nothing else.

bats_require_minimum_version 1.5.0
load ../lib/suite
load ../lib/registry

setup_file() {
	srv_init
	image_start reg public/app:1
	cd "$BATS_FILE_TMPDIR" || return
	i=0
	for name in base apt fix conf; do
		i=$((i + 1))
		cp "$LAYOUT/blobs/$(lp-layers -o digest "oci:$LAYOUT:app:1" | sed -n ${i}p | tr : /)" $name.tar.gz
	done
	layout_make older v2 base.tar.gz apt.tar.gz
	registry_push older:v2 reg public/app:2
	gzip -dc base.tar.gz >layer.tar
	cp base.tar.gz layer.tar.gz
	echo "$(srv_addr reg)/public/app:1" >images
}

setup() {
	own_folder
	export IMAGE
	IMAGE=$(srv_addr reg)/public/app
	ln "$BATS_FILE_TMPDIR"/*.tar* "$BATS_FILE_TMPDIR/images" .
}

# here COMMAND: with the names of what there is
here() {
	local source
	source=$(lp-layers -o source "$IMAGE:1" | sed -n 1p)
	case $1 in
	*etc/ssl*)	source=$(lp-layers -o source "$IMAGE:1" | sed -n 2p) ;;
	*toc*)		source=$FIX/layer.estargz ;;
	esac
	sed -e "s|registry.example.org/app:|$IMAGE:|g; s|IMAGE:|$IMAGE:|g; s|IMAGE|$IMAGE:1|g" \
		-e "s|debian:bookworm|$IMAGE:1|g; s|ghcr.io/o/app:1|$IMAGE:1|g; s|SOURCE|$source|g" \
		-e "s,grep image.base,grep author," -e 's|ncdu -f -|ncdu -o /dev/null -f -|; s|size 200000000|size 278065|' \
		-e "s|198712345-199999948|267975-278013|; s|sha256:[.][.][.]|$(
			jq -r '.layers[0].annotations[]' "$FIX/estargz.manifest.json")|" <<<"$1"
}

# The image holds no private key: that is an answer, and exit 4.
no_is_an_answer() {
	case $1 in *id_rsa* | *--check* | *--diff-platform* | */root/.ssh* | *"lp-cache base"* | *--base*) return 0 ;; esac
	return 1
}

# Says nothing, but works.
says_nothing() {
	case $1 in *'>toc'* | *'> toc'* | *'>/dev/null'* | *'> /dev/null'* | *'/dev/null'* | *--html=* | *'tar x'* | *'tar -xf'* | *--fill* | \
		*'lp-cache put'* | set\ --* | for\ n\ in* | *'done | lp-cache'* | *--verify* | *'> $n.tsv'* | *'>app.'* | *'>old.tsv'*) return 0 ;; esac
	return 1
}

# runs PAGE: all its examples, one after the other in one shell
runs() {
	local command n=0 status
	repo=$IMAGE
	digests=$(lp-layers -o digest "$IMAGE:1")
	digest=${digests%%$'\n'*}
	blob=$repo@$digest
	lp-fetch -r 267975-278013 "$FIX/layer.estargz" >toc
	page=$1
	while IFS= read -rd '' command; do
		n=$((n + 1))
		command=$(here "$command")
		printf '# %s\n' "$command"
		status=0
		eval "$command" >out 2>err </dev/null || status=$?
		cat err
		if no_is_an_answer "$command"; then
			[ "$status" -eq 4 ] || [ "$status" -eq 0 ]
			continue
		fi
		# 141: head has left, as it may
		[ "$status" -eq 0 ] || [ "$status" -eq 141 ]
		says_nothing "$command" || [ -s out ]
		run ! grep -qE 'command not found|No such file|usage:|malformed' err
	done < <(mdocexamples "$TOP/man/$page")
	# a page without examples proves nothing
	[ "$n" -ge 2 ]
}

@test "lp-peek(1)" {
	runs lp-peek.1
}

@test "lp-layers(1)" {
	runs lp-layers.1
}

@test "lp-fetch(1)" {
	runs lp-fetch.1
}

@test "lp-inflate(1)" {
	runs lp-inflate.1
}

@test "lp-tarls(1)" {
	runs lp-tarls.1
}

@test "lp-toc(1)" {
	runs lp-toc.1
}

@test "lp-cat(1)" {
	runs lp-cat.1
}

@test "lp-merge(1)" {
	runs lp-merge.1
}

@test "lp-cache(1)" {
	runs lp-cache.1
}

@test "lp-packages(1)" {
	runs lp-packages.1
}

@test "lp-show(1)" {
	runs lp-show.1
}

@test "layer-peek(7)" {
	runs layer-peek.7
}
