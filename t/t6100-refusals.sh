#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What Fettle must not begin, it refuses before any byte, image or container
# changes, and says what to do instead.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop refuse
shop_up
cd "$shop" || bail "no shop"
ok 'the api dies' wait_for 20 api_is_dead
instruction='repair missing dependency for the api service'

# refused STATUS CODE CLAIM ARGUMENT...: `fettle run ARGUMENT...` ends so (both
# are regular expressions), with a remedy, and nothing has changed. Leaves $message and $remedy.
refused()
{
	want_status=$1
	want_code=$2
	claim=$3
	shift 3
	tree=$(tree_hash "$shop")
	world=$(world)
	capture fettle run --json "$@"
	like "$claim is refused" "$rc" "^($want_status)\$" || diag "$err"
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause // empty')
	message=$(printf '%s' "$end" | jq -r '.text // .message')
	remedy=$(printf '%s' "$end" | jq -r .remedy)
	code=$(printf '%s' "$end" | jq -r .code)
	like "$claim: the code" "$code" "^($want_code)\$"
	isnt "$claim: there is a remedy" "$remedy" ''
	is "$claim: no byte of the workspace has changed" "$(tree_hash "$shop")" "$tree"
	is "$claim: no image and no container has changed" "$(world)" "$world"
}

# pipeline_of EDIT: a repair pipeline with this one edit, in $T/edit.yaml.
pipeline_of()
{
	cat >"$T/edit.yaml" <<-END
		fettle: 1
		name: edit
		inputs: { instruction: { type: string }, service: { type: service } }
		steps:
		  - id: patch
		    uses: patch/apply
		    with: { edits: [$1] }
		  - { id: build, uses: build/compose }
		  - { id: restart, uses: restart/compose }
		on_failure:
		  - { id: rollback, uses: rollback/compose }
	END
}

# ---- the order itself

refused 2 invalid_instruction 'a blank instruction' '   '
refused 2 unknown_service 'an unknown service' -s apo "$instruction"
like 'it names the service that was meant' "$message $remedy" "api"
refused 2 unknown_service 'a sentence without a service' 'repair the missing dependency'
like 'it lists the services' "$message $remedy" 'api.*db.*web'
refused 2 ambiguous_service 'a sentence with two services' 'repair api and db'

# ---- which services may be repaired at all

cp fettle.yaml "$T/fettle.yaml"
echo 'only_named_services: true' >>fettle.yaml
refused 2 policy.service 'I11: a service that the project does not name' -s db 'repair it'
like 'I11: those that it names are listed' "$message" "only_named_services.*named there: api\$"
like 'I11: with what to do' "$remedy" 'fettle\.yaml'
refused 2 policy.service 'I11: one that the instruction names' 'repair missing dependency for db'
run_fails 2 'I11: a plan of it' fettle plan -s db 'repair it'
FETTLE_SITE_FILE=$T/site.yaml
export FETTLE_SITE_FILE
printf 'fettle: 1\nonly_named_services: true\n' >"$FETTLE_SITE_FILE"
chmod 644 "$FETTLE_SITE_FILE"
sed '/^only_named/s/true/false/' fettle.yaml >"$T/weaker" && cp "$T/weaker" fettle.yaml
refused 2 policy.service 'I11: what the site says, a project cannot take back' -s db 'repair it'
like 'I11: the site is named' "$message" "of '$FETTLE_SITE_FILE' asks for that"
unset FETTLE_SITE_FILE
cp "$T/fettle.yaml" fettle.yaml

# ---- the machine

FETTLE_DOCKER_HOST=unix://$T/nobody.sock
refused 2 docker_unreachable 'an engine that is down' "$instruction"
like 'the socket is named' "$message" 'nobody\.sock'
FETTLE_DOCKER_HOST=$DOCKER_HOST

# ---- files that no edit may touch

line='line: "x: 1"'
pipeline_of "{ op: add_line, path: web/index.html, $line }"
refused 6 policy_denied 'a path outside the allow-list' -p "$T/edit.yaml" -s api
like 'the path is named' "$message" 'web/index\.html'

pipeline_of "{ op: add_line, path: api/../web/index.html, $line }"
refused 2 patch.path 'a path with dots' -p "$T/edit.yaml" -s api

mkdir .git
echo '[core]' >.git/config
pipeline_of "{ op: add_line, path: .git/config, $line }"
refused 3 edit.forbidden 'a file of git' -p "$T/edit.yaml" -s api

ln -s ../web/index.html api/requirements-link.txt
pipeline_of "{ op: add_line, path: api/requirements-link.txt, $line }"
refused 3 patch.path 'an allowed name that is a symlink' -p "$T/edit.yaml" -s api
rm api/requirements-link.txt

ln -s ../web api/requirements.txt.d
pipeline_of "{ op: add_line, path: api/requirements.txt.d/index.html, $line }"
refused 3 patch.path 'a path through a symlink' -p "$T/edit.yaml" -s api
rm api/requirements.txt.d

ln web/index.html api/requirements-hard.txt
pipeline_of "{ op: add_line, path: api/requirements-hard.txt, $line }"
refused 3 apply.hardlink 'an allowed name that is a hard link' -p "$T/edit.yaml" -s api
rm api/requirements-hard.txt

pipeline_of "{ op: add_line, path: fettle.yaml, $line }"
refused 3 edit.forbidden "Fettle's own configuration" -p "$T/edit.yaml" -s api

# ---- files that cannot be read

printf 'fettle: 1\nname: bad\nsteps:\n  - { id: patch, uses: patch/apply\n' >"$T/bad.yaml"
refused 2 'yaml\..*' 'a pipeline that is no YAML' -p "$T/bad.yaml" -s api
like 'line and column are told' "$(printf '%s' "$end" | jq -r '"\(.line):\(.column)"')" \
	'^[1-9][0-9]*:[1-9][0-9]*$'
like 'to people too' "$err" 'bad\.yaml:[0-9]+:[0-9]+: '

printf 'fettle: 1\nname: bad\ninputs: { service: { type: service } }\nsteps:\n  - { id: patch, uses: patch/aply }\n' >"$T/bad.yaml"
refused 2 pipeline.step_type 'a step type that does not exist' -p "$T/bad.yaml" -s api
like 'the nearest name is told' "$message $remedy" 'patch/apply'

# ---- the Compose project

cp .env "$T/env"
sed -i /DB_PORT/d .env
refused 2 compose_variable_unset 'a variable that is not set' "$instruction"
like 'the variable is named' "$message" DB_PORT
cp "$T/env" .env

sed -i 's/docker-compose\.yml/docker-compos.yml/' fettle.yaml
refused 2 compose_invalid 'a Compose file that is not there' "$instruction"
is 'the file is named' "$message" "there is no Compose file 'docker-compos.yml' in $shop"
cp "$T/fettle.yaml" fettle.yaml

cp -R "$shop" "$T/elsewhere"
(
	cd "$T/elsewhere" || exit 1
	exec "$FETTLE_BINDIR/fettle" run --json "$instruction" >"$T/moved" 2>"$T/err"
)
moved=$?
cp docker-compose.yml "$T/compose"
is 'a project that is mounted under another path is refused' "$moved" 2
like 'with the path its containers know' \
	"$(tail -n 1 "$T/moved" | jq -r '.error // .body.cause | .text // .message')" "$shop"
isnt 'and a remedy' \
	"$(tail -n 1 "$T/moved" | jq -r '.error // .body.cause | .remedy')" ''
ok 'its files are unchanged' diff -r "$shop" "$T/elsewhere"

sed -i '0,/network_mode: host/s//network_mode: none/' docker-compose.yml
cat >>docker-compose.yml <<-END

	  sidecar:
	    image: fettle-demo/python:3
	    network_mode: service:api
	    command: ["sleep", "1"]
END
refused 2 shared_namespace "a neighbour in the target's network namespace" "$instruction"
like 'the neighbour is named' "$message" sidecar
cp "$T/compose" docker-compose.yml

# ---- and after all that, it still can be repaired

run_ok 'the repair itself is not refused' fettle run "$instruction"
is 'and the service answers' "$(http_status /healthz)" 200
done_testing
