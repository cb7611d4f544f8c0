#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A repair that does not help is put back to the broken state it began with.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop broken
# The missing package is not all that is wrong.
sed -i 's/^import yaml$/import yaml\nraise SystemExit("no licence key")/' "$shop/api/app.py"
mkdir "$shop/pipelines"
cat >"$shop/pipelines/repair.yaml" <<-END
	fettle: 1
	name: repair
	inputs:
	  instruction: { type: string, required: true }
	  service: { type: service }
	steps:
	  - { id: analyze, uses: analyze/logs }
	  - id: patch
	    uses: patch/apply
	    with: { edits: "\${{ steps.analyze.outputs.edits }}" }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/service, with: { for: 1s, within: 6s } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
echo 'pipelines: { repair: pipelines/repair.yaml }' >>"$shop/fettle.yaml"
shop_up
cd "$shop" || bail "no shop"
ok 'the api dies' wait_for 20 api_is_dead
echo '# see ticket 4711' >>web/index.html
tree=$(tree_hash "$shop")
image=$(container api '{{.Image}}')
neighbours=$(peers)
instruction='repair missing dependency for the api service'

run_fails 3 'the run fails and is rolled back' fettle run "$instruction"
is 'all files are as they were' "$(tree_hash "$shop")" "$tree"
is 'the container has the image it had' "$(container api '{{.Image}}')" "$image"
is 'which has its name again' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" "$image"
is 'the neighbours are untouched' "$(peers)" "$neighbours"
like 'the service is no worse than before' "$(container api '{{.State.Status}}')" \
	'^(exited|running|restarting)$'

run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'because of verify' "$(json .cause.step)" verify
like 'it is said that the service was broken before' "$out" 'before'
dir=$(json .artifacts_dir)
like 'the log tells what still failed' "$(cat "$dir/verify.log")" 'licence|exited|not running'

# ---- a build that fails never reaches the container

id=$(container api '{{.Id}}')
cat >"$T/typo.yaml" <<-END
	fettle: 1
	name: typo
	inputs: { instruction: { type: string }, service: { type: service } }
	steps:
	  - id: patch
	    uses: patch/apply
	    with:
	      edits: [{ op: add_line, path: api/requirements.txt, line: no-such-package-xyz }]
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
run_fails 3 'a run whose build fails is rolled back' fettle run -p "$T/typo.yaml" -s api
is 'all files are as they were' "$(tree_hash "$shop")" "$tree"
is 'the container was never touched' "$(container api '{{.Id}}')" "$id"
is 'and the image has its name still' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" "$image"
run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'because of the build' "$(json .cause.step)" build
like 'and its log says why' "$(cat "$(json .artifacts_dir)/build.log")" 'no-such-package-xyz'
done_testing
