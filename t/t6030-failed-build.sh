#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A build that fails costs a healthy service nothing: its container is not
# touched. A secret that a build prints is in no log, artifact or event.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop healthy
echo PyYAML >>"$shop/api/requirements.txt"
cat >>"$shop/fettle.yaml" <<-'END'

	secrets:
	  TOKEN: env:SHOP_TOKEN
END
SHOP_TOKEN=correct-horse-battery
export SHOP_TOKEN
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
	        - { op: add_line, path: api/Dockerfile, line: 'RUN echo correct-horse-battery && false' }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
shop_up
cd "$shop" || bail "no shop"
ok 'the api answers' wait_for 20 api_answers
tree=$(tree_hash "$shop")
before=$(container api '{{.Id}} {{.Image}} {{.State.StartedAt}}')
neighbours=$(peers)

# The plan would hold the secret in plain text: refused before anything.
run_fails 2 'a secret in a pipeline is refused' \
	fettle run -p "$T/break.yaml" 'break the build of the api service'
like 'and named for what it is' "$err" 'secret_in_plan'
unlike 'without being shown' "$out$err" 'correct-horse'

sed -i 's/correct-horse-battery/hello/' "$T/break.yaml"
cat >"$T/leak.yaml" <<-END
	$(cat "$T/break.yaml")
	finally:
	  - id: leak
	    uses: verify/command
	    env: { WORD: '\${{ secrets.TOKEN }}' }
	    with: { argv: [sh, -c, 'echo "the word is \$WORD"; echo "v=\$WORD" >>\$FETTLE_OUTPUTS'] }
END
run_fails 3 'a build that fails ends the run' \
	fettle run -p "$T/leak.yaml" 'break the build of the api service'
like 'and says so' "$out" 'rolled back'
is 'the files are as they were' "$(tree_hash "$shop")" "$tree"
is 'the very same container runs, with the same image, since the same time' \
	"$(container api '{{.Id}} {{.Image}} {{.State.StartedAt}}')" "$before"
is 'the service answers' "$(http_status /healthz)" 200
is 'the neighbours are untouched' "$(peers)" "$neighbours"
run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'because of build' "$(json .cause.step)" build
is 'without a rollback of anything the build did not touch' \
	"$(json '.steps[] | select(.step == "rollback") | .state')" skipped

like 'a step was given its secret, masked in its log' "$(fettle artifacts last leak.log)" \
	'the word is \*\*\*'
not_ok 'the secret is in no file of the state directory' \
	grep -raq correct-horse "$FETTLE_STATE_DIR"
done_testing
