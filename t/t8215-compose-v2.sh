#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `docker compose`, version 2, and its engine as they were recorded: the same
# commands are asked for, and what was answered is understood, without either here.
# t/fixtures/compose-v2/README tells how that was recorded.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"

need docker jq python3
theatre=$FETTLE_SRC/t/fixtures/compose-v2
mkdir -p "$T/docker/cli-plugins"
cp "$theatre/docker-compose" "$T/docker/cli-plugins/"

make_project()
{
	dir=$T/stage
	mkdir -p "$dir/api"
	cat >"$dir/docker-compose.yml" <<-'END'
		services:
		  api:
		    build: { context: api, network: none }
		    network_mode: none
		    stop_grace_period: 1s
		    env_file: [api.env]
		    environment: { GREETING: "${GREETING}" }
		    depends_on: [db]
		    profiles: [shop]
		  db:
		    image: fettle-demo/python:3
		    network_mode: none
		    stop_grace_period: 1s
		    command: ["python3", "-c", "import signal; signal.pause()"]
		  admin:
		    image: fettle-demo/python:3
		    profiles: [admin]
	END
	cat >"$dir/api/Dockerfile" <<-'END'
		FROM fettle-demo/python:3
		LABEL fettle.lab=fettle-stage
		COPY mode /srv/
		CMD ["python3", "-c", "import signal; signal.pause()"]
	END
	echo one >"$dir/api/mode"
	echo 'COLOUR=red' >"$dir/api.env"
	echo 'GREETING=hello' >"$dir/stage.env"
	cat >"$dir/fettle.yaml" <<-END
		fettle: 1
		project: fettle-stage
		compose:
		  env_file: stage.env
		  profiles: [shop]
		  docker_config: $T/docker
		services:
		  api: { allow: ["api/**"] }
	END
	cd "$dir" || bail "no project"
}

# pipeline NAME LINE VERIFY: the whole cycle, with this line behind the CMD.
pipeline()
{
	cat >"$T/$1.yaml" <<-END
		fettle: 1
		name: $1
		inputs: { service: { type: service } }
		steps:
		  - id: patch
		    uses: patch/apply
		    with: { edits: [{ op: add_line, path: api/Dockerfile, line: '$2' }] }
		  - { id: build, uses: build/compose, with: { buildkit: ${4:-false} } }
		  - { id: restart, uses: restart/compose }
		  - { id: verify, uses: $3 }
		on_failure:
		  - { id: rollback, uses: rollback/compose, with: { for: 0s } }
	END
}

# scenario NAME COMMAND...: fettle's answer to it, in $rc, $out and $err.
scenario()
{
	echo "$1" >"$T/scenario"
	shift
	capture fettle "$@"
}

# refused NAME CODE REGEX
refused()
{
	scenario "$1" run --json -p "$T/good.yaml" -s api
	is "$version: $1 is refused" "$rc" 2
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause')
	is "$version: $1: the code" "$(printf '%s' "$end" | jq -r .code)" "$2"
	like "$version: $1: the text" "$(printf '%s' "$end" | jq -r '(.text // .message) + " " + .remedy')" "$3"
}

# play: all scenarios, against the engine at $FETTLE_DOCKER_HOST.
play()
{
	scenario plan plan --json -p "$T/good.yaml" -s api
	is "$version: a plan is made" "$rc" 0
	common="docker compose --ansi never -p fettle-stage --project-directory $dir -f docker-compose.yml --env-file $dir/stage.env --profile shop"
	is "$version: with these commands" \
		"$(json '[.. | objects | .commands? // empty | .[]? | (.argv? // .) | join(" ")] | join("\n")')" \
		"$common build api
$common up -d --no-deps --no-build --force-recreate --scale api=1 api"
	cp docker-compose.yml "$T/compose"
	sed -i 's/hello/other/' stage.env
	refused drift compose_drift 'docker compose -p fettle-stage -f docker-compose.yml --env-file [^ ]*stage.env --profile shop up -d --no-deps api'
	echo 'GREETING=hello' >stage.env
	echo 'COLOUR=blue' >api.env
	refused env_file-drift compose_drift 'another configuration'
	echo 'COLOUR=red' >api.env
	: >stage.env
	refused unset compose_variable_unset "variable 'GREETING', which is not set"
	echo 'GREETING=hello' >stage.env
	echo '  bad: indent: x' >>docker-compose.yml
	refused bad-yaml compose_invalid 'yaml: line [0-9]+: mapping values.*docker compose config'
	sed 's/build:/buidl:/' "$T/compose" >docker-compose.yml
	refused bad-key compose_invalid 'services\.api .*buidl'
	cp "$T/compose" docker-compose.yml

	tree=$(tree_hash "$dir")
	for builder in classic buildkit; do
		scenario "build-$builder" run --json -p "$T/$builder.yaml" -s api
		is "$version: a build that fails ($builder)" "$rc" 3
		like "$version: is told in the builder's words ($builder)" "$out" \
			'build_failed.*no wheel for spam.*code: 7'
		is "$version: and nothing stays of it ($builder)" "$(tree_hash "$dir")" "$tree"
	done
	scenario start run --json -p "$T/unstartable.yaml" -s api
	is "$version: an image that does not start" "$rc" 3
	like "$version: is told in the engine's words" "$out" 'restart_failed.*nonesuch'
	scenario rollback run --json -p "$T/sick.yaml" -s api
	is "$version: a repair that does not verify is rolled back" "$rc" 3
	is "$version: with all files as before" "$(tree_hash "$dir")" "$tree"
	scenario repair run --json -p "$T/good.yaml" -s api
	is "$version: a repair succeeds" "$rc" 0
	scenario again plan --json -p "$T/good.yaml" -s api
	is "$version: what it made is no drift" "$rc" 0
}

pipeline good 'ENV A=1' verify/service
sed -i 's/uses: verify\/service/&, with: { for: 0s, within: 5s }/' "$T/good.yaml"
pipeline sick 'ENV A=2' verify/command
sed -i 's/uses: verify\/command/&, with: { argv: ["false"] }/' "$T/sick.yaml"
pipeline classic 'RUN echo no wheel for spam >\&2 && exit 7' verify/service
sed -i 's/\\&2/\&2/' "$T/classic.yaml"
sed 's/buildkit: false/buildkit: true/' "$T/classic.yaml" >"$T/buildkit.yaml"
pipeline unstartable 'ENTRYPOINT ["/nonesuch"]' verify/service
FETTLE_DOCKER_HOST=unix://$T/engine.sock
export FETTLE_DOCKER_HOST

# theatre ARGUMENT...: the engine and compose behind $T/engine.sock; stop_theatre ends it.
theatre()
{
	rm -f "$T/engine.sock"
	python3 "$theatre/theatre.py" "$1" "$T/engine.sock" "$2" "$dir" ${3:+"$3" "$4"} \
		2>"$T/theatre.err" &
	playing=$!
	at_exit "kill $playing 2>/dev/null"
	wait_for 10 test -S "$T/engine.sock" || bail "$(cat "$T/theatre.err")"
}

stop_theatre()
{
	kill "$playing"
	wait "$playing" 2>/dev/null
	[ ! -s "$T/theatre.err" ] || diag "$(cat "$T/theatre.err")"
}

# Not a test: records anew, with the real ones, into a file.
if [ "${1:-}" = record ]; then
	version=recording
	engine=${DOCKER_HOST#unix://}
	make_project
	real()
	{
		"$FETTLE_TEST_COMPOSE_V2" -p fettle-stage --env-file stage.env --profile shop "$@"
	}
	at_exit 'cd "$dir" && real down --timeout 0 --rmi local'
	DOCKER_BUILDKIT=0 real up -d --build || bail "the project cannot be started"
	theatre record "$2" "$engine" "$FETTLE_TEST_COMPOSE_V2"
	play
	stop_theatre
	done_testing
fi

for recorded in "$theatre"/*.json; do
	version=$(basename "$recorded" .json)
	make_project
	theatre replay "$recorded"
	play
	stop_theatre
	cd "$T" && rm -rf "$dir"
done
done_testing
