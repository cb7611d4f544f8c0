#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two packages missing in a row are repaired in one run; when the last round
# does not help, one unwinding leads to the very start.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop rounds
# Both are missing; Python names one at a time.
printf '# %s\n' "$project" >"$shop/api/requirements.txt"
sed -e 's/^name: .*/name: rounds\nrounds: 3/' >"$T/rounds.yaml" <<-END
	fettle: 1
	name: x
	inputs:
	  instruction: { type: string, required: true }
	  service: { type: service }
	steps:
	  - { id: analyze, uses: analyze/logs }
	  - { id: patch, uses: patch/apply, with: { edits: '\${{ steps.analyze.outputs.edits }}' } }
	  - { id: build, uses: build/compose }
	  - { id: restart, uses: restart/compose }
	  - { id: verify, uses: verify/service, with: { for: 1s, within: 10s } }
	on_failure:
	  - { id: rollback, uses: rollback/compose }
END
shop_up
cd "$shop" || bail "no shop"
ok 'the api dies' wait_for 20 api_is_dead
tree=$(tree_hash "$shop")
neighbours=$(peers)
broken=$(container api '{{.Image}}')

# ---- the second package cannot be had: back to the very start

mv api/wheels/*dotenv* "$T"
tree_without=$(tree_hash "$shop")
run_fails 3 'a second round that fails ends the run' \
	fettle run -p "$T/rounds.yaml" 'repair the api service'
is 'all files are as before the first round' "$(tree_hash "$shop")" "$tree_without"
is 'the image is that of before the first round' "$(container api '{{.Image}}')" "$broken"
is 'which has its name again' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" "$broken"
run_ok 'the run is shown' fettle show last --json
is 'as rolled back' "$(json .state)" rolled_back
is 'nothing of it stands' "$(json '[.changes[] | select(.standing)] | length')" 0
is 'the analysis looked again, and once more in vain' \
	"$(json '.steps[] | select(.step == "analyze") | .attempt')" 3
is 'what ended the run is the build' "$(json .cause.step)" build
is 'the unwinding was one' "$(json '.steps[] | select(.step == "rollback") | .attempt')" 1
mv "$T"/*dotenv*.whl api/wheels/
is 'the wheel is back for the next trial' "$(tree_hash "$shop")" "$tree"

# ---- both can be had

run_ok 'two missing packages are repaired in one run' \
	fettle run -p "$T/rounds.yaml" 'repair the api service'
is 'the service answers' "$(http_status /healthz)" 200
run_ok 'the run is shown' fettle show last --json
is 'as succeeded' "$(json .state)" succeeded
like 'the diagnosis is that of both rounds' "$(json .diagnosis)" \
	"'PyYAML' is added.*; then: .*'python-dotenv' is added"
is 'its lines are counted over both' "$(json '.changes[] | select(.kind == "edit") | .added')" 2
is 'in two rounds' "$(json '.steps[] | select(.step == "verify") | .attempt')" 2
is 'what was there before the first round is pinned' \
	"$(docker image inspect --format '{{.Id}}' "fettle/keep:$(json .run)")" "$broken"
run_ok 'its diff is one' fettle diff last
is 'of one file' "$(printf '%s\n' "$out" | grep -c '^diff ')" 1
like 'with the one package' "$out" '^\+PyYAML'
like 'and the other' "$out" '^\+python-dotenv'
is 'the neighbours are untouched' "$(peers)" "$neighbours"

# ---- and undone at once

run_ok 'the run can be rolled back' fettle rollback last
is 'to the very start' "$(tree_hash "$shop")" "$tree"
is 'with the image of before the first round' "$(container api '{{.Image}}')" "$broken"
is 'the neighbours are still untouched' "$(peers)" "$neighbours"
done_testing
