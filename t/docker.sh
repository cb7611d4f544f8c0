# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
#
# For tests with a real Docker engine: one of those that are named in
# FETTLE_TEST_DOCKER (as DOCKER_HOST names them, or by a socket's path), else an own
# one for the script. An engine serves one test at a time, so that each may say what
# is in it. Source after t/lib.sh and before any claim.

# docker_engine [own]: exports DOCKER_HOST, or skips the script; under CI that is
# a failure. `own`: rather one of the script's own, which it may kill; then
# FETTLE_TEST_DOCKER is unset.
docker_engine()
{
	for t_program in docker docker-compose curl jq python3 flock; do
		command -v "$t_program" >/dev/null 2>&1 ||
			no_engine "$t_program is not installed"
	done
	if [ -z "${FETTLE_TEST_DOCKER:-}" ] || [ "${1:-}" = own ]; then
		own_engine || [ -n "${FETTLE_TEST_DOCKER:-}" ] ||
			no_engine "$(tail -n 1 "$T/engine.err")"
	fi
	[ -z "${FETTLE_TEST_DOCKER:-}" ] || take_engine
	case ${FETTLE_TEST_DOCKER:-} in
	'') ;;
	/*) DOCKER_HOST=unix://$FETTLE_TEST_DOCKER ;;
	*) DOCKER_HOST=$FETTLE_TEST_DOCKER ;;
	esac
	FETTLE_DOCKER_HOST=$DOCKER_HOST
	DOCKER_BUILDKIT=0
	export DOCKER_HOST FETTLE_DOCKER_HOST DOCKER_BUILDKIT
	docker version >/dev/null 2>&1 || no_engine "no Docker engine answers at $DOCKER_HOST"
	docker image inspect fettle-demo/python:3 >/dev/null 2>&1 ||
		"$FETTLE_SRC/examples/make-base-image" >/dev/null ||
		bail "the demo's base image cannot be made"
}

own_engine()
{
	DOCKER_HOST=$("$FETTLE_SRC/t/docker-engine" start "$T/engine" 2>"$T/engine.err") ||
		return 1
	unset FETTLE_TEST_DOCKER
	at_exit '"$FETTLE_SRC/t/docker-engine" stop "$T/engine"'
}

# The first of the named engines that no other test has, when there is one.
take_engine()
{
	while :; do
		for t_engine in $FETTLE_TEST_DOCKER; do
			exec 8>"${TMPDIR:-/tmp}/fettle-$(id -u)-$(printf '%s' "$t_engine" |
				cksum | tr ' ' -).lock"
			if flock --nonblock 8; then
				FETTLE_TEST_DOCKER=$t_engine
				return
			fi
		done
		sleep 0.2
	done
}

no_engine()
{
	[ "${CI:-}" != true ] || bail "Docker tests must run here, but $1"
	skip_all "$1"
}

# compose_v2: this script uses version 2, the real one, or is skipped. It is the
# plug-in in FETTLE_TEST_COMPOSE_V2, else one that the docker program has.
compose_v2()
{
	if [ -n "${FETTLE_TEST_COMPOSE_V2:-}" ]; then
		DOCKER_CONFIG=$T/docker
		export DOCKER_CONFIG
		mkdir -p "$DOCKER_CONFIG/cli-plugins"
		cp "$FETTLE_TEST_COMPOSE_V2" "$DOCKER_CONFIG/cli-plugins/docker-compose"
	fi
	docker compose version --short >/dev/null 2>&1 || skip_all "there is no \`docker compose\`:\
 name the plug-in of version 2 in FETTLE_TEST_COMPOSE_V2"
	compose_program='docker compose'
}

compose_program=docker-compose
compose()
{
	$compose_program --project-name "$project" --project-directory "$shop" \
		--env-file "$shop/.env" -f "$shop/docker-compose.yml" "$@" 2>&1
}

# shop NAME: a copy of the demo in $shop, as project $project with ports of its
# own in $api_port, $db_port, $web_port; nothing is built or started. All of
# it is removed at the end of the script.
shop()
{
	shop=$T/$1
	project=t$$$1
	cp -R "$FETTLE_SRC/examples/shop" "$shop"
	chmod -R u+w "$shop"
	"$FETTLE_SRC/examples/make-wheels" "$shop/api/wheels"
	# shellcheck disable=SC2046
	set -- $(free_ports)
	api_port=$1 db_port=$2 web_port=$3
	printf 'API_PORT=%s\nDB_PORT=%s\nWEB_PORT=%s\n' "$@" >"$shop/.env"
	sed -i -e "s/^project: shop/project: $project/" -e "s/:18080/:$api_port/" "$shop/fettle.yaml"
	[ -z "${DOCKER_CONFIG:-}" ] ||
		sed -i "s|^compose:|&\n  docker_config: $DOCKER_CONFIG|" "$shop/fettle.yaml"
	at_exit "shop=$shop project=$project shop_end"
}

shop_end()
{
	compose down --timeout 0 --volumes --remove-orphans >/dev/null
	docker images --quiet --filter "reference=${project}_*" --filter "reference=$project-*" | xargs -r docker rmi --force >/dev/null
	docker images --quiet --filter 'reference=fettle/keep' | xargs -r docker rmi --force >/dev/null
}

# shop_up: builds and starts all services; the api dies if it is still broken.
shop_up()
{
	ok 'the shop is built' compose build
	ok 'and started' compose up -d
}

free_ports()
{
	python3 -c '
import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(s.getsockname()[1] for s in taken))'
}

# container SERVICE FORMAT: docker inspect of its (first) container, dead or alive.
container()
{
	docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
		--filter "label=com.docker.compose.service=$1" | head -n 1 |
		xargs -r docker inspect --format "$2"
}

# http_status PATH: what the api answers, 000 when nothing does.
http_status()
{
	curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' \
		"http://127.0.0.1:$api_port$1"
}

api_answers()
{
	[ "$(http_status /healthz)" = 200 ]
}

api_is_dead()
{
	[ "$(container api '{{.State.Status}}')" = exited ]
}

# world: every image and container of the engine, in one text that changes
# with any of them.
world()
{
	docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | LC_ALL=C sort
	docker ps --all --quiet --no-trunc | LC_ALL=C sort | xargs -r docker inspect \
		--format '{{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}'
}

# peers: the containers of the project that are not the api's.
peers()
{
	for t_service in db web; do
		container "$t_service" '{{.Id}} {{.State.Status}} {{.State.StartedAt}} {{.RestartCount}}'
	done
}
