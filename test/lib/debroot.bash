# shellcheck shell=bash
# Roots of Debian releases below $dir, for what is not to be installed on this
# machine. Packages come from wherever its apt gets them; needs root.
# To be sourced; the caller has set `top`, the tree, and `dir`, below that.

say()
{
	printf '%s: %s\n' "${0#"$top"/}" "$*" >&2
}

die()
{
	say "$@"
	exit 3
}

# logged FILE COMMAND...: its output where it fails only
logged()
{
	"${@:2}" >"$1" 2>&1 || {
		tail -n 30 "$1" >&2
		die "failed: ${*:2:3} ... ($1)"
	}
}

# The archive, as this machine's apt knows it.
mirror()
{
	# shellcheck disable=SC2016 # apt's own placeholder
	apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Component: main" | head -n 1
}

# in_root ROOT COMMAND...: as on a machine of its own
in_root()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --net --pid --fork --kill-child bash -euc '
		mount -t proc proc "$1/proc"
		mount -t sysfs sys "$1/sys"
		mount --rbind /dev "$1/dev"
		for d in tmp run; do mount -t tmpfs tmp "$1/$d"; done
		ip link set lo up
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive \
		    chroot "$@"' in_root "$@"
}

# apt ROOT ARGUMENT...: of this machine, with its way to the archive, on the files of that root
apt()
{
	local root=$top/$1
	apt-get -q -y --no-install-recommends -o Dir::State="$root/var/lib/apt" -o Dir::Cache="$root/var/cache/apt" \
	    -o Dir::State::status="$root/var/lib/dpkg/status" -o Dir::Etc::SourceList="$root/etc/apt/sources.list" \
	    -o Dir::Etc::SourceParts=- -o APT::Sandbox::User=root -o Dir::Etc::TrustedParts="$root/etc/apt/trusted.gpg.d" \
	    "${@:2}"
}

# bootstrap SUITE ROOT LOG: the release itself, without its updates: not all architectures have the same
bootstrap()
{
	local mirror p proxy
	mirror=$(mirror)
	for p in http https; do
		proxy=$(apt-config dump --format '%v' "Acquire::$p::Proxy")
		[ -z "$proxy" ] || export ${p}_proxy="$proxy"
	done
	say "debootstrap into $2"
	rm -rf --one-file-system "$2"
	logged "$3" debootstrap --variant=minbase "$1" "$2" "$mirror"
	echo "deb $mirror $1 main" >"$2/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
	chmod 755 "$2/usr/sbin/policy-rc.d"
}

# install_in ROOT LOG PACKAGE...: this machine's apt fetches; that of the root installs, and needs no network
install_in()
{
	local packages=("${@:3}")
	say "installing there: ${packages[*]}"
	logged "$2" apt "$1" update
	logged "$2" apt "$1" --download-only install "${packages[@]}"
	logged "$2" in_root "$1" apt-get -q -y --no-install-recommends --no-download \
	    -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 install "${packages[@]}"
	rm -rf "$1"/var/cache/apt/archives/*.deb
}
