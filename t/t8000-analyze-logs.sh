#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# analyze/logs on real containers: what they say, what is made of it, and who
# has to act when nothing can be.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
project=t$$logs
mkdir -p logs/api
shop=$T/logs
cd "$shop" || bail "no project"
at_exit 'compose down --timeout 0 >/dev/null; docker rmi --force "${project}_api" >/dev/null 2>&1'

# The api prints ./log and ends; what it is built from is only read here.
cat >docker-compose.yml <<'YAML'
services:
  api:
    build: { context: api, network: none }
    network_mode: none
    command: [python3, -c, "import sys; sys.stderr.write(open('/log').read()); sys.exit(1)"]
    volumes: ["./log:/log:ro"]
YAML
cat >fettle.yaml <<YAML
fettle: 1
project: $project
compose: { files: [docker-compose.yml] }
services:
  api: { allow: ["api/requirements*.txt"] }
YAML
: >.env
cat >api/Dockerfile <<'DOCKER'
FROM fettle-demo/python:3
COPY requirements.txt /tmp/
RUN true || pip install -r /tmp/requirements.txt
DOCKER
printf 'flask==9.9.9\n' >api/requirements.txt
cat >"$T/look.yaml" <<'YAML'
fettle: 1
name: look
inputs: { instruction: { type: string }, service: { type: service } }
steps:
  - { id: analyze, uses: analyze/logs, with: { source: container } }
  - { id: patch, uses: patch/apply, with: { edits: "${{ steps.analyze.outputs.edits }}" } }
YAML
run_ok 'what only reads the log of containers needs no rollback' fettle check -p "$T/look.yaml"
for source in build auto '"${{ inputs.instruction }}"'; do
	sed "s/source: container/source: $source/" "$T/look.yaml" >"$T/build.yaml"
	run_fails 2 "source: $source may build, and needs one" fettle check -p "$T/build.yaml"
	like 'which is told' "$err" "effect 'image' that no step of on_failure undoes"
done

# says TEXT: the api's log is this, and it has ended.
says()
{
	printf '%s\n' "$1" >log
	compose up -d --force-recreate >"$T/up" || bail "$(cat "$T/up")"
	wait_for 20 api_is_dead || bail 'the api does not end'
}

# look STATUS CODE CLAIM: a run ends so; leaves $message, $remedy, nothing else changed.
look()
{
	tree=$(tree_hash .)
	before=$(container api "{{.Id}} {{.State.StartedAt}}")
	capture fettle run --json -p "$T/look.yaml" -s api
	is "$3: the end" "$rc" "$1"
	end=$(tail -n 1 "$T/out" | jq -c '.error // .body.cause // {}')
	is "$3: the code" "$(printf '%s' "$end" | jq -r '.code // ""')" "$2"
	message=$(printf '%s' "$end" | jq -r '.text // .message')
	remedy=$(printf '%s' "$end" | jq -r .remedy)
	is "$3: the container is the same" "$(container api "{{.Id}} {{.State.StartedAt}}")" "$before"
	[ "$1" -eq 0 ] || is "$3: no byte changed" "$(tree_hash .)" "$tree"
}

ok 'the project is built' compose build

# ---- nothing to look at, nothing known

look 3 no_diagnosis 'a service without a container'
like 'what to do' "$remedy" 'up -d --no-deps api'
says 'all is well'
look 3 no_diagnosis 'a log that no rule knows'
like 'what was looked at' "$message" "last 400 lines of 1 container,.*\`all is well\`"
isnt 'what to do' "$remedy" ''

# ---- known, and for a person

says "KeyError: 'x'
  File \"/usr/lib/python3.11/os.py\", line 679, in __getitem__
    raise KeyError(key) from None
KeyError: 'DATABASE_URL'"
look 3 needs_operator 'a missing variable'
like 'which' "$message" 'DATABASE_URL is not set'
like 'what to do' "$remedy" 'environment:'
is 'it is a finding with its evidence' "$(fettle show last --json |
	jq -r '.findings[0] | "\(.rule) \(.confidence)"')" 'python.missing_variable 90'
says "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
look 3 outside_allow_list 'a Dockerfile outside the allow-list'
like 'the file is named' "$message" "'api/Dockerfile'"
says "OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use"
look 3 needs_operator 'a port in use'

# ---- known, and repaired

says 'ERROR: Could not find a version that satisfies the requirement flask==9.9.9 (from versions: 2.3.3, 3.0.3)'
look 0 '' 'a version that is not there'
is 'the newest is pinned' "$(cat api/requirements.txt)" 'flask==3.0.3'
printf 'flask=2.0' >api/requirements.txt
says "ERROR: Invalid requirement: 'flask=2.0' (from line 1 of requirements.txt)"
look 0 '' 'a line that pip refuses'
is 'it is repaired, and nothing else' "$(od -An -c api/requirements.txt | tr -d ' \n')" \
	'flask==2.0'
says "$(seq 1000)
Traceback (most recent call last):
$(printf '\033[31m')ModuleNotFoundError: No module named 'dateutil'$(printf '\033[0m')"
look 0 '' 'a module that is not installed'
is 'its package is added' "$(cat api/requirements.txt)" "$(printf 'flask==2.0\npython-dateutil')"
is 'the step says which rule' "$(fettle show last --json |
	jq -r '.steps[] | select(.step == "analyze") | .outputs.rule')" python.missing_module
like 'the log of the step has the lines' "$(fettle artifacts last analyze.log)" '^999$'
unlike 'only the last 400' "$(fettle artifacts last analyze.log)" '^600$'

# ---- Docker is away

FETTLE_DOCKER_HOST=unix://$T/nobody.sock
look 2 docker_unreachable 'an engine that is down' 2>/dev/null
done_testing
