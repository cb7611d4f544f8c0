#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Policy allow-list: every path of a proposal against the service's list.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

# judge FACTS [PATH...]: $verdict and $reason on a proposal that writes these paths.
judge()
{
	facts=$1
	shift
	for path; do
		printf '%s' "$path" | jq -Rs '{path: ., op: "write", pre: null, post: "00"}'
	done | jq -s --argjson facts "$facts" --arg dir "$T" \
		--arg so "$FETTLE_LIBDIR/policies/allow-list.so" '{
		fettle: 1, call: "judge", run: "r", step: "patch", operation: "o", attempt: 1,
		modules: [{path: $so, sha256: null, params: {}, unknown: []}],
		workspace: null, scratch: $dir, deadline_ms: 0, env: {},
		facts: ($facts + {proposal: {edits: ., effects: [], commands: []}, now: 0}),
		proposal: null, jail: {flags: 0, minimum: "basic"}}' >"$T/request.json"
	"$FETTLE_LIBDIR/fettle-host" --replay "$T/request.json" >"$T/events" 2>"$T/err"
	verdict=$(jq -r 'select(.e == "verdict") | .verdict' "$T/events")
	reason=$(jq -r 'select(.e == "verdict") | .reason' "$T/events")
}

list='{"service.allow": ["api/Dockerfile", "api/requirements*.txt"],
	"project.compose": {"files": ["deploy/stack.yml"]}}'
wide='{"service.allow": ["**", "docker-compose.yml", "deploy/*"],
	"project.compose": {"files": ["deploy/stack.yml"]}}'
exact='{"service.allow": ["deploy/stack.yml"], "project.compose": {"files": ["deploy/stack.yml"]}}'

# denied CLAIM FACTS WHY PATH...
denied()
{
	claim=$1
	why=$3
	facts=$2
	shift 3
	judge "$facts" "$@"
	is "$claim: denied" "$verdict" deny
	like "$claim: why" "$reason" "$why"
}

denied 'a path outside' "$list" "'web/index.html' is not in the allow-list" web/index.html
like 'the list is shown' "$reason" 'api/requirements\*\.txt'
like 'and what to do' "$reason" 'add it under `allow:`'
denied 'one of several' "$list" "'web/x'" api/Dockerfile web/x
denied 'another case' "$list" 'not in the allow-list' api/dockerfile
denied 'a deeper path' "$list" 'not in the allow-list' api/sub/requirements.txt
denied 'no service, so no list' '{}' 'not in the allow-list' api/Dockerfile
denied 'a list that is no list' '{"service.allow": "**"}' 'not in the allow-list' x
for path in .git/hooks/pre-commit sub/.git/config .GIT/config '.git ./x' 'git~1/x'; do
	denied "$path, listed or not" "$wide" 'belongs to git' "$path"
done
denied "Fettle's own, listed or not" "$wide" 'what Fettle may do' fettle.yaml
denied 'and its directory' "$wide" 'what Fettle may do' .fettle/pipelines/a.yaml
denied 'a compose file by a wildcard' "$wide" 'by a wildcard only' deploy/stack.yml
denied 'a file that compose finds by itself' "$wide" 'by a wildcard only' x/compose.override.yaml

judge "$list" api/Dockerfile api/requirements-dev.txt
is 'listed paths are not objected to' "$verdict" abstain
judge "$wide" docker-compose.yml anything/else
is 'nor a compose file that is listed by name' "$verdict" abstain
judge "$exact" deploy/stack.yml
is 'also one of the project' "$verdict" abstain
done_testing
