# registry.bash: real servers on loopback for tests
#
# Everything is started on a free port, awaited by polling, logged, and
# killed by srv_stop. A server has a NAME, chosen by the test, and a directory
# $LP_SRV/NAME that holds its port, pid and logs; so what setup_file starts, a
# test can ask for.
#
#	load ../lib/registry		at the top of the file
#	setup_file()	{ srv_init; registry_start reg; }
#
# What setup_file starts lives until the file ends, what a test starts until
# the test does: teardown and teardown_file see to it. A file that has its own
# says srv_stop_test in the one, srv_stop in the other.
#
# Servers
#	srv_init [DIR]			first; DIR defaults to bats' directory
#	srv_stop [NAME...]		kill these, or all; what is gone already
#					is no error
#	srv_stop_test			kill what this test has started
#	srv_port NAME			its port
#	srv_addr NAME [HOST]		HOST:PORT; HOST defaults to 127.0.0.1
#	srv_log NAME			the file its requests are logged to
#	srv_requests NAME [JQ]		those requests that JQ (a filter for
#					select) holds true for, one object a line
#	srv_asked NAME COUNT		wait until as many requests are logged:
#					each is when it has ended, which may be
#					after who sent it has
#	wait_for COMMAND...		until it succeeds; fails after a minute
#
# Registries (docker-registry; SIDE is the storage directory, so that two
# registries may serve the same blobs under different rules)
#	registry_start NAME [anonymous] [KEY=VALUE...]
#	registry_start NAME htpasswd	alice / secret-alice
#	registry_start NAME token auth=TOKENS
#		storage=DIR	default: $LP_SRV/storage, shared by all
#		realm=URL	of the token server, as clients are told it
#		redirect=URL	answer blob requests by a redirect to this base
#		set=YAML	more lines for the configuration
#	token_start NAME [OPTION...]	tokenserver; options as it documents
#	registry_push LAYOUT:TAG NAME REPO:TAG [USER:PASSWORD]
#	registry_served NAME		bytes of blobs that its access log has
#	image_layout			prints the layout of the real image,
#					which is built when it is missing
#	image_start NAME REPO:TAG...	a registry that has it under these
#					names; its layout is LAYOUT
#	layout_make DIR TAG FILE...	an OCI layout whose layers are these
#					files: tar, gzip or zstd, as they stand
#
# In front of them
#	tls_init			a CA and a server certificate:
#					$LP_SRV/tls/{ca,cert,key}.pem
#	tls_front NAME BEHIND [CERT KEY LINES]
#					nginx: TLS, HTTP/2, for server BEHIND,
#					with more lines of configuration
#	cdn_start NAME [DIR]		nginx: serves the storage, for URLs
#					that are signed and have not expired;
#					400 when an Authorization arrives
#	signer_start NAME BEHIND CDN [OPTION...]
#					a registry whose blobs are at CDN;
#					options as redirector documents
#	fault_start NAME RULES [OPTION...]	faultserver
#	delay_start NAME MS HOST:PORT [OPTION...] delayproxy
#
# curl and libcurl take any name below .localhost for loopback, without a
# resolver: cdn.localhost, auth.localhost, registry.localhost and
# other.localhost are in the certificate.

LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=${LIB%/*/*}

teardown()
{
	[ -z "${LP_SRV-}" ] || srv_stop_test
}

teardown_file()
{
	[ -z "${LP_SRV-}" ] || srv_stop
}

srv_init()
{
	export LP_SRV=${1:-${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:?}}/srv}
	# All is on loopback: a proxy that somebody set up is not meant.
	unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
	mkdir -p "$LP_SRV/storage"
	printf '{}\n' >"$LP_SRV/no-auth.json"
}

wait_for()
{
	local deadline=$((SECONDS + ${LP_TEST_WAIT:-60}))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || {
			printf 'timed out: %s\n' "$*" >&2
			return 1
		}
		sleep 0.02
	done
}

srv_port()
{
	cat "$LP_SRV/$1/port"
}

srv_addr()
{
	printf '%s:%s\n' "${2:-127.0.0.1}" "$(srv_port "$1")"
}

srv_log()
{
	printf '%s/%s/requests\n' "$LP_SRV" "$1"
}

srv_requests()
{
	jq -c "select(${2:-true})" "$(srv_log "$1")"
}

srv_asked()
{
	# shellcheck disable=SC2317 # run by wait_for
	as_many()
	{
		[ "$(srv_requests "$1" | wc -l)" -ge "$2" ]
	}
	wait_for as_many "$1" "$2"
}

# srv_spawn NAME COMMAND...: in the background, with no descriptor of bats'
srv_spawn()
{
	local dir=$LP_SRV/$1
	shift
	mkdir -p "$dir"
	: >>"$dir/requests"
	printf '%s\n' "${BATS_TEST_NAME-}" >"$dir/test"
	"$@" </dev/null >"$dir/stdout" 2>"$dir/stderr" 3>&- 4>&- &
	printf '%s\n' $! >"$dir/pid"
}

srv_alive()
{
	kill -0 "$(cat "$LP_SRV/$1/pid")" 2>/dev/null
}

srv_dead()
{
	! srv_alive "$1"
}

# srv_ready NAME CHECK...: poll, but not for a server that has died
srv_ready()
{
	local name=$1
	shift
	# shellcheck disable=SC2317 # run by wait_for
	ready_or_dead()
	{
		"$@" || srv_dead "$name"
	}
	if ! wait_for ready_or_dead "$@" || ! srv_alive "$name"; then
		printf '%s did not start:\n' "$name" >&2
		tail -20 "$LP_SRV/$name/stderr" >&2
		return 1
	fi
}

srv_stop()
{
	local name dir pid
	if [ $# -eq 0 ]; then
		for dir in "${LP_SRV:?}"/*/pid; do
			[ ! -f "$dir" ] || set -- "$@" "$(basename "${dir%/pid}")"
		done
	fi
	for name; do
		[ ! -f "$LP_SRV/$name.behind/pid" ] || srv_stop "$name.behind"
		dir=$LP_SRV/$name
		pid=$(cat "$dir/pid" 2>/dev/null) || continue
		kill "$pid" 2>/dev/null || :
		wait_for srv_dead "$name" || kill -9 "$pid" || :
		# Its parent, if this shell is not, reaps it.
		wait "$pid" 2>/dev/null || :
		rm -f "$dir/pid"
	done
}

srv_stop_test()
{
	local dir
	for dir in "$LP_SRV"/*/pid; do
		dir=${dir%/pid}
		grep -qsxF -e "${BATS_TEST_NAME:?}" "$dir/test" || continue
		srv_stop "$(basename "$dir")"
		# the test may be run again, and waits for the next one's
		rm -f "$dir/port"
	done
}

# A port that was free a moment ago; who needs it must try again when it is
# taken. Servers that can bind to port 0 do that instead.
free_port()
{
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# --- the real image ---------------------------------------------------------

image_layout()
{
	local dir=${LP_IMAGE:-$TOP/build/image}
	[ -f "$dir/index.json" ] || (
		mkdir -p "$(dirname "$dir")"
		exec 9>"$dir.lock"
		flock 9
		"$TOP/fixtures/build-image" "$dir" >&2
	) || return
	printf '%s\n' "$dir"
}

image_start()
{
	local name=$1 repo
	shift
	LAYOUT=$(image_layout) || return
	export LAYOUT
	registry_start "$name"
	for repo; do
		registry_push "$LAYOUT:app:1" "$name" "$repo"
	done
}

# joined WORD...: with commas between them
joined()
{
	local IFS=,
	printf %s "$*"
}

# layout_blob DIR FILE MEDIATYPE: stores it, prints its descriptor
layout_blob()
{
	local digest
	digest=$(sha256sum <"$2")
	digest=${digest%% *}
	cp "$2" "$1/blobs/sha256/$digest"
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}\n' "$3" "$digest" "$(stat -c %s "$2")"
}

# Hundreds of images are made by the suite, and jq takes 40 ms to start: what holds no text to be escaped is printed.
layout_make()
{
	local dir=$1 tag=$2 file type=application/vnd.oci.image kind unpack diff config
	local layers=() diffs=() history=() document=$1/document
	shift 2
	mkdir -p "$dir/blobs/sha256"
	for file; do
		case $(head -c 4 "$file" | od -An -tx1) in
		' 1f 8b'*)		kind=+gzip unpack='gzip -dc' ;;
		' 28 b5 2f fd')		kind=+zstd unpack='zstd -dcq' ;;
		*)			kind='' unpack=cat ;;
		esac
		layers+=("$(layout_blob "$dir" "$file" "$type.layer.v1.tar$kind")")
		# what is damaged has the digest of as much as there is
		diff=$({ $unpack <"$file" 2>/dev/null || :; } | sha256sum)
		diffs+=("\"sha256:${diff%% *}\"")
		history+=("{\"created_by\":\"layer ${#layers[@]}\"}")
	done
	printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[%s]}\n' \
	    "$(joined "${diffs[@]}")" "$(joined "${history[@]}")" >"$document"
	config=$(layout_blob "$dir" "$document" "$type.config.v1+json")
	printf '{"schemaVersion":2,"config":%s,"layers":[%s]}\n' "$config" "$(joined "${layers[@]}")" >"$document"
	printf '{"schemaVersion":2,"manifests":[%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}\n' \
	    "$(layout_blob "$dir" "$document" "$type.manifest.v1+json" | sed 's/}$//')" "$tag" >"$dir/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}\n' >"$dir/oci-layout"
	rm "$document"
}

# --- docker-registry --------------------------------------------------------

registry_config()
{
	local mode=$1 storage=$2 redirect=$3 realm=$4 auth=$5 more=$6
	cat <<-YAML
	version: 0.1
	log:
	  level: info
	storage:
	  filesystem:
	    rootdirectory: $storage
	  delete:
	    enabled: true
	  cache:
	    blobdescriptor: inmemory
	http:
	  addr: 127.0.0.1:0
	  relativeurls: true
	YAML
	[ -z "$redirect" ] || cat <<-YAML
	middleware:
	  storage:
	    - name: redirect
	      options:
	        baseurl: $redirect
	YAML
	case $mode in
	htpasswd) cat <<-YAML ;;
	auth:
	  htpasswd:
	    realm: the test's
	    path: $LP_SRV/htpasswd
	YAML
	token) cat <<-YAML ;;
	auth:
	  token:
	    realm: ${realm:-http://$(srv_addr "$auth")/token}
	    service: registry.test
	    issuer: tokens.test
	    rootcertbundle: $LP_SRV/$auth/sign.pem
	YAML
	esac
	[ -z "$more" ] || printf '%s\n' "$more"
}

registry_port()
{
	local dir=$LP_SRV/$1
	sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' \
	    "$dir/stderr" >"$dir/port"
	[ -s "$dir/port" ]
}

registry_start()
{
	local name=$1 mode=anonymous arg
	local storage=$LP_SRV/storage redirect='' realm='' auth='' more=''
	shift
	for arg; do
		case $arg in
		anonymous|htpasswd|token) mode=$arg ;;
		storage=*)	storage=${arg#*=} ;;
		redirect=*)	redirect=${arg#*=} ;;
		realm=*)	realm=${arg#*=} ;;
		auth=*)		auth=${arg#*=} ;;
		set=*)		more=${arg#*=} ;;
		*)		printf 'registry_start: %s?\n' "$arg" >&2
				return 2 ;;
		esac
	done
	mkdir -p "$LP_SRV/$name" "$storage"
	[ "$mode" != htpasswd ] ||
	    htpasswd -cbBC 4 "$LP_SRV/htpasswd" alice secret-alice 2>/dev/null
	registry_config "$mode" "$storage" "$redirect" "$realm" "$auth" \
	    "$more" >"$LP_SRV/$name/config.yml"
	# It takes any REGISTRY_* of the environment for configuration, and
	# $REGISTRY_AUTH_FILE is what skopeo and lp-fetch call their own.
	[ -z "${LP_KEEP-}" ] || name+=.behind
	srv_spawn "$name" env -i PATH="$PATH" \
	    docker-registry serve "$LP_SRV/${name%.behind}/config.yml"
	srv_ready "$name" registry_port "$name" || return
	# it does not log what it is sent: secrets.bash
	[ -z "${LP_KEEP-}" ] || delay_start "${name%.behind}" 0 "$(srv_addr "$name")"
}

registry_push()
{
	local from=$1 name=$2 to=$3 creds=${4-}
	REGISTRY_AUTH_FILE=$LP_SRV/no-auth.json skopeo --insecure-policy copy \
	    --quiet --preserve-digests --dest-tls-verify=false \
	    ${creds:+--dest-creds "$creds"} \
	    "oci:$from" "docker://$(srv_addr "$name")/$to"
}

registry_served()
{
	sed -nE 's|.*"GET /v2/[^"]*/blobs/[^"]*" 20[06] ([0-9]+) .*|\1|p' \
	    "$LP_SRV/$1/stdout" "$LP_SRV/$1/stderr" |
	    awk '{ n += $1 } END { printf "%d\n", n }'
}

# --- the helpers in Python --------------------------------------------------

port_known()
{
	[ -s "$LP_SRV/$1/port" ]
}

# tool_start TOOL NAME ARGUMENT...
tool_start()
{
	local tool=$1 name=$2 dir=$LP_SRV/$2
	shift 2
	mkdir -p "$dir"
	rm -f "$dir/port"
	srv_spawn "$name" python3 "$LIB/$tool" --port-file "$dir/port" \
	    --log "$dir/requests" "$@"
	srv_ready "$name" port_known "$name"
}

token_start()
{
	local name=$1 dir=$LP_SRV/$1
	shift
	mkdir -p "$dir"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens.test \
	    -keyout "$dir/sign.key" -out "$dir/sign.pem" 2>/dev/null
	tool_start tokenserver "$name" --key "$dir/sign.key" \
	    --cert "$dir/sign.pem" --service registry.test \
	    --issuer tokens.test --user alice:secret-alice "$@"
}

fault_start()
{
	local name=$1 rules=$2
	shift 2
	tool_start faultserver "$name" --rules "$rules" "$@"
}

delay_start()
{
	local name=$1 ms=$2 to=$3
	shift 3
	tool_start delayproxy "$name" --delay "$ms" "$@" "$to"
}

signer_start()
{
	local name=$1 behind=$2 cdn=$3
	shift 3
	tool_start redirector "$name" --secret "$(cat "$LP_SRV/$cdn/secret")" \
	    --cdn "http://$(srv_addr "$cdn" localhost)" "$@" \
	    "$(srv_addr "$behind")"
}

# --- nginx ------------------------------------------------------------------

# A certificate of our CA: tls_cert NAME SUBJECTALTNAMES [DAYS]
tls_cert()
{
	local dir=$LP_SRV/tls
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$1" -keyout "$dir/$1.key" -out "$dir/$1.csr" 2>/dev/null
	printf 'subjectAltName=%s\n' "$2" >"$dir/$1.ext"
	openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.pem" \
	    -CAkey "$dir/ca.key" -CAcreateserial -days "${3:-2}" \
	    -extfile "$dir/$1.ext" -out "$dir/$1.pem" 2>/dev/null
}

tls_init()
{
	local dir=$LP_SRV/tls
	mkdir -p "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj '/CN=test CA' -keyout "$dir/ca.key" \
	    -out "$dir/ca.pem" 2>/dev/null
	tls_cert server "DNS:localhost,DNS:registry.invalid,IP:127.0.0.1,IP:::1,$(
		printf 'DNS:%s.localhost,' cdn auth registry other |
		    sed 's/,$//'
	)"
	cp "$dir/server.pem" "$dir/cert.pem"
	cp "$dir/server.key" "$dir/key.pem"
}

# What every nginx here says of a request.
nginx_log()
{
	cat <<-'CONF'
	log_format lp escape=json
	    '{"method":"$request_method","path":"$uri","query":"$args",'
	    '"status":$status,"sent":$body_bytes_sent,"host":"$http_host",'
	    '"authorization":"$http_authorization","range":"$http_range",'
	    '"accept_encoding":"$http_accept_encoding",'
	    '"protocol":"$server_protocol","connection":$connection,'
	    '"client":"$ssl_client_s_dn"}';
	CONF
}

# nginx_start NAME: LISTEN in NAME/server.conf becomes the address
nginx_start()
{
	local name=$1 dir=$LP_SRV/$1 user=''
	[ "$(id -u)" -ne 0 ] || user='user root;'
	# The port may be taken between the choice and the bind.
	for _ in 1 2 3 4 5; do
		free_port >"$dir/port"
		cat >"$dir/nginx.conf" <<-CONF
		$user
		daemon off;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/errors warn;
		events { worker_connections 1024; }
		http {
		$(nginx_log)
			access_log $dir/requests lp;
			client_body_temp_path $dir/tmp1;
			proxy_temp_path $dir/tmp2;
			fastcgi_temp_path $dir/tmp3;
			uwsgi_temp_path $dir/tmp4;
			scgi_temp_path $dir/tmp5;
			client_max_body_size 0;
			default_type application/octet-stream;
			keepalive_requests 100000;
		$(sed "s/LISTEN/127.0.0.1:$(cat "$dir/port")/" \
		    "$dir/server.conf")
		}
		CONF
		srv_spawn "$name" nginx -e "$dir/errors" -p "$dir" \
		    -c "$dir/nginx.conf"
		srv_ready "$name" test -s "$dir/nginx.pid" && return
		srv_stop "$name"
		grep -q 'Address already in use' "$dir/errors" || break
		rm -f "$dir/nginx.pid"
	done
	cat "$dir/errors" >&2
	return 1
}

tls_front()
{
	local name=$1 behind=$2
	mkdir -p "$LP_SRV/$name"
	cat >"$LP_SRV/$name/server.conf" <<-CONF
	server {
		listen LISTEN ssl http2;
		ssl_certificate ${3:-$LP_SRV/tls/cert.pem};
		ssl_certificate_key ${4:-$LP_SRV/tls/key.pem};
		${5-}
		location / {
			proxy_pass http://$(srv_addr "$behind");
			proxy_http_version 1.1;
			proxy_set_header Host \$http_host;
			proxy_set_header X-Forwarded-Proto https;
			proxy_request_buffering off;
			proxy_buffering off;
			proxy_read_timeout 600s;
		}
	}
	CONF
	nginx_start "$name"
}

cdn_start()
{
	local name=$1 root=${2:-$LP_SRV/storage}
	mkdir -p "$LP_SRV/$name"
	openssl rand -hex 16 >"$LP_SRV/$name/secret"
	cat >"$LP_SRV/$name/server.conf" <<-CONF
	server {
		listen LISTEN;
		root $root;
		location / {
			secure_link \$arg_signature,\$arg_expires;
			secure_link_md5 "\$secure_link_expires\$uri $(
			    cat "$LP_SRV/$name/secret")";
			# S3: "Only one auth mechanism allowed"
			if (\$http_authorization) { return 400; }
			if (\$secure_link = "") { return 403; }
			if (\$secure_link = "0") { return 403; }
		}
	}
	CONF
	nginx_start "$name"
}
