#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# project/compose, build/compose and restart/compose: what they refuse before
# anything changes, and what a restart keeps.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"
. "$FETTLE_SRC/t/lab.sh"

docker_engine
lab targets
cd "$lab" || bail "no lab"
pipeline serve
ok 'the lab is started' lab_compose up -d --build

# refused CODE CLAIM ARGUMENT...: nothing has changed, and there is a remedy.
# Leaves the message in $message.
refused()
{
	code=$1
	claim=$2
	shift 2
	world=$(world)
	tree=$(tree_hash "$lab")
	capture fettle run --json -p "$T/serve.yaml" "$@"
	is "$claim is refused" "$rc" 2
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause')
	message=$(printf '%s' "$end" | jq -r '.text // .message')
	is "$claim: the code" "$(printf '%s' "$end" | jq -r .code)" "$code"
	isnt "$claim: a remedy" "$(printf '%s' "$end" | jq -r .remedy)" ''
	is "$claim: the engine is as before" "$(world)" "$world"
	is "$claim: so are the files" "$(tree_hash "$lab")" "$tree"
}

# ---- the engine

FETTLE_DOCKER_HOST=unix://$T/refused.sock
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/refused.sock"
refused docker_unreachable 'a socket nobody listens at' -s api
like 'it is told from a missing one' "$message" 'connection refused'
FETTLE_DOCKER_HOST=http://localhost
refused docker_host_invalid 'an address that is none' -s api
FETTLE_DOCKER_HOST=$DOCKER_HOST

# ---- the project

cp fettle.yaml "$T/project"
sed -i "s/^project: .*/&x/" fettle.yaml
refused project_renamed 'a name the containers do not have' -s api
like 'theirs is told' "$message" "run as project '$project'"
like 'and how it is given' "$(printf '%s' "$end" | jq -r .remedy)" "project: $project\`"
cp "$T/project" fettle.yaml
refused no_build_section 'a service that is not built' -s db
cp docker-compose.yml "$T/compose"
echo '  bad: indent: x' >>docker-compose.yml
refused compose_invalid 'a compose file with an error' -s api
like "compose's own words have the place" "$message" 'line [0-9]+, column [0-9]+'
cp "$T/compose" docker-compose.yml
sed -i 's/stop_grace_period: 1s/stop_grace_period: 2s/' docker-compose.yml
refused compose_drift 'a service whose configuration has changed' -s api
cp "$T/compose" docker-compose.yml
GREETING=other
refused compose_drift 'a service whose environment has changed' -s api
unset GREETING
refused compose_variable_unset 'a named variable that nobody set' -s api
like 'the variable is named' "$message" GREETING
echo 'GREETING=from a file nobody named' >.env
refused compose_variable_unset 'a variable of a file that is not named' -s api
rm .env
GREETING=hello
export GREETING

# ---- the containers

sed -i 's/^serve/sleep/' api/mode
ok 'another image is built' lab_compose build api
ok 'and one more container started on it' \
	lab_compose up -d --no-recreate --scale api=2 api
refused mixed_images 'a service on two images' -s api
ok 'both are brought onto one' lab_compose up -d --force-recreate --scale api=2 api

# ---- and what is kept

before=$(api '{{.Id}}')
cat >"$T/again.yaml" <<-END
	fettle: 1
	name: again
	inputs: { service: { type: service } }
	steps:
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
run_ok 'a restart alone' fettle run --json -p "$T/again.yaml" -s api
is 'keeps the number of containers' "$(api '{{.Id}}' | wc -l)" 2
is 'all of which are new' "$(api '{{.Id}}' | grep -cF "$before")" 0

# A neighbour that somebody restarts while the target is recreated.
docker events --filter event=rename --format '{{.Action}}' >"$T/events" 2>&1 &
events=$!
at_exit "kill $events 2>/dev/null"
(
	wait_for 20 grep -q rename "$T/events"
	docker restart --time 0 "$(docker ps --quiet --filter "name=${project}_db")"
) >"$T/meddler" 2>&1 &
run_fails 4 'a neighbour that is restarted meanwhile fails the restart' \
	fettle run --json -p "$T/again.yaml" -s api
wait $!
like 'with a code of its own' "$out" neighbour_touched
like 'and the name of the neighbour' "$out" "${project}_db"
done_testing
