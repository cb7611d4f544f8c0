#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A change that breaks a healthy service is put back: files, image, container.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop healthy
echo PyYAML >>"$shop/api/requirements.txt"
cat >"$T/break.yaml" <<-END
	fettle: 1
	name: break
	inputs:
	  instruction: { type: string, required: true }
	  service: { type: service }
	steps:
	  - id: patch
	    uses: patch/apply
	    with:
	      edits:
	        - { op: remove_line, path: api/requirements.txt, line: PyYAML }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/service, with: { for: 1s, within: 8s } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
shop_up
cd "$shop" || bail "no shop"
ok 'the api answers' wait_for 20 api_answers

# The operator is in the middle of something else.
echo '<p>Closed on Sundays.</p>' >>web/index.html
printf 'call the baker\n' >notes.txt
chmod 600 notes.txt
tree=$(tree_hash "$shop")
before=$(container api '{{.Id}} {{.Image}}')
neighbours=$(peers)

run_fails 3 'the run fails and is rolled back' \
	fettle run -p "$T/break.yaml" 'drop a dependency of the api service'
like 'and says so' "$out" 'rolled back'
is 'all files are as they were, the unfinished work too' "$(tree_hash "$shop")" "$tree"
is 'the service answers again' "$(http_status /healthz)" 200
is 'with the image it had' "$(container api '{{.Image}}')" "${before#* }"
is 'which has its name again' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" "${before#* }"
isnt 'in a new container' "$(container api '{{.Id}}')" "${before% *}"
is 'the neighbours are untouched' "$(peers)" "$neighbours"

run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'because of verify' "$(json .cause.step)" verify
isnt 'with a cause in words' "$(json .cause.message)" ''
is 'nothing of it stands' "$(json '[.changes[] | select(.standing)] | length')" 0
is 'and the rollback succeeded' \
	"$(json '.steps[] | select(.step == "rollback") | .state')" succeeded
dir=$(json .artifacts_dir)
for name in verify.log rollback.log; do
	ok "$name is kept" test -s "$dir/$name"
done
run_ok 'people read the same' fettle show last
like 'state' "$out" 'rolled back'
like 'and cause' "$out" 'cause +verify'
done_testing
