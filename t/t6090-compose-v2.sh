#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job with the real `docker compose`, version 2: repair, rollback, what
# is refused, and who keeps a project that the other version made.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
compose_v2
diag "docker compose $(docker compose version --short)"
shop v2
echo "# $project" >>"$shop/api/requirements.txt"	# so that no build is in the cache
shop_up
cd "$shop" || bail "no shop"
instruction='repair missing dependency for the api service'

ok 'the api dies' wait_for 20 api_is_dead
tree=$(tree_hash "$shop")
neighbours=$(peers)
broken=$(container api '{{.Image}}')
is 'its container is named as version 2 does' "$(container api '{{.Name}}')" "/$project-api-1"

# refused CODE CLAIM: nothing has changed; leaves the message in $message, what to do in $remedy.
refused()
{
	world=$(world)
	capture fettle run --json "$instruction"
	is "$2 is refused" "$rc" 2
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause')
	message=$(printf '%s' "$end" | jq -r '.text // .message')
	remedy=$(printf '%s' "$end" | jq -r .remedy)
	is "$2: the code" "$(printf '%s' "$end" | jq -r .code)" "$1"
	is "$2: the engine is as before" "$(world)" "$world"
}

# ---- refused

cp docker-compose.yml "$T/compose"
cp .env "$T/env"
echo '  bad: indent: x' >>docker-compose.yml
refused compose_invalid 'a compose file with an error'
like "compose's own words have the place" "$message" 'yaml: line [0-9]+: mapping values'
like 'the program that shows the same is named' "$remedy" '`docker compose config`'
sed 's/build:/buidl:/' "$T/compose" >docker-compose.yml
refused compose_invalid 'a key that does not exist'
like 'the key is named' "$message" 'services.api .*buidl'
sed 's/network_mode: host/&\n    stop_grace_period: 3s/' "$T/compose" >docker-compose.yml
refused compose_drift 'a service whose configuration has changed'
like 'the program that applies it is named' "$remedy" '`docker compose -p [^ ]+ .*up -d --no-deps api`'
cp "$T/compose" docker-compose.yml
sed -i /DB_PORT/d .env
refused compose_variable_unset 'a variable that is not set'
like 'the variable is named' "$message" DB_PORT
cp "$T/env" .env

# ---- repaired

cat >"$T/again.yaml" <<-'END'
	fettle: 1
	name: again
	inputs: { service: { type: service } }
	steps:
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
cp api/requirements.txt "$T/requirements.before"
run_ok 'a plan is made' fettle plan --json "$instruction"
is 'with the commands of version 2' \
	"$(json '[.. | objects | .commands? // empty | .[]? | if type == "array" then .[0:2] else .argv[0:2] end | join(" ")] | unique | join(",")')" \
	'docker compose'
run_ok 'the run succeeds' fettle run "$instruction"
run_ok 'what it made is no drift for the next run' fettle plan -p "$T/again.yaml" -s api
is 'the service answers' "$(http_status /healthz)" 200
isnt 'it runs a new image' "$(container api '{{.Image}}')" "$broken"
is 'which has its name' "$(docker image inspect --format '{{.Id}}' "$project-api")" \
	"$(container api '{{.Image}}')"
is 'its neighbours are untouched' "$(peers)" "$neighbours"
run_ok 'the run is shown' fettle show last --json
like 'the build log has what the build printed' "$(cat "$(json .artifacts_dir)/build.log")" \
	'Successfully installed .*PyYAML'
run_ok 'the repair can be rolled back' fettle rollback last
same_file 'the manifest is as it was' api/requirements.txt "$T/requirements.before"
is 'the service runs its old image again' "$(container api '{{.Image}}')" "$broken"
is 'which has its old name again' "$(docker image inspect --format '{{.Id}}' "$project-api")" "$broken"
is 'the neighbours are still untouched' "$(peers)" "$neighbours"

# ---- a repair that does not help

cat >"$T/sick.yaml" <<-'END'
	fettle: 1
	name: sick
	inputs: { service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: add_line, path: api/requirements.txt, line: "PyYAML" }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/command, with: { argv: ["false"] } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
run_ok 'two containers of the service' compose up -d --no-build --no-deps --scale api=2 api
none_runs()
{
	[ -z "$(docker ps --quiet --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.service=api)" ]
}
ok 'both die' wait_for 20 none_runs
tree=$(tree_hash "$shop")
run_fails 3 'a repair that does not verify is rolled back' \
	fettle run -p "$T/sick.yaml" -s api
is 'the files are as before' "$(tree_hash "$shop")" "$tree"
is 'both containers run the old image' \
	"$(docker ps --all --quiet --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.service=api |
		xargs docker inspect --format '{{.Image}}' | sort | uniq -c | awk '{ print $1, $2 }')" \
	"2 $broken"
is 'the neighbours are untouched throughout' "$(peers)" "$neighbours"

# ---- the engine's words when a build or a start fails

cat >"$T/unbuildable.yaml" <<-'END'
	fettle: 1
	name: unbuildable
	inputs: { service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with: { edits: [{ op: add_line, path: api/Dockerfile, line: 'RUN echo no wheel for spam >&2 && exit 7' }] }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
sed "s/RUN.*'/ENTRYPOINT [\"\/nonesuch\"]'/" "$T/unbuildable.yaml" >"$T/unstartable.yaml"
ids=$(container api '{{.Id}}')
run_fails 3 'a build that fails' fettle run --json -p "$T/unbuildable.yaml" -s api
like 'is told with its last lines' "$out" 'build_failed.*no wheel for spam'
is 'and touches no container' "$(container api '{{.Id}}')" "$ids"
run_fails 3 'an image that cannot be started' fettle run --json -p "$T/unstartable.yaml" -s api
like "is told in the engine's words" "$out" 'restart_failed.*nonesuch'
is 'and the old one is back' "$(container api '{{.Image}}')" "$broken"

# ---- who made the containers keeps them

ok 'the project is taken down' compose down --timeout 0
compose_program=docker-compose
ok 'and started with docker-compose 1' compose up -d --build
ok 'the api dies again' wait_for 20 api_is_dead
run_ok 'a plan for containers of version 1' fettle plan --json "$instruction"
is 'uses docker-compose, though version 2 is there' \
	"$(json '[.. | objects | .commands? // empty | .[]? | if type == "array" then .[0] else .argv[0] end] | unique | join(",")')" \
	docker-compose
done_testing
