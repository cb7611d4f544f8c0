#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job: a service that dies for want of a package is repaired, and
# nothing else is touched.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/docker.sh"

docker_engine
shop repair
echo "# $project" >>"$shop/api/requirements.txt"	# so that no build is in the cache
shop_up
cd "$shop" || bail "no shop"
instruction='repair missing dependency for the api service'

ok 'the api dies' wait_for 20 api_is_dead
like 'of a missing module' "$(compose logs --no-color api)" \
	"ModuleNotFoundError: No module named 'yaml'"

# ---- plan: looks, and changes nothing

tree=$(tree_hash "$shop")
world=$(world)
neighbours=$(peers)
broken=$(container api '{{.Id}} {{.Image}}')
cp api/requirements.txt "$T/requirements.before"

run_ok 'a plan is made' fettle plan "$instruction"
like 'it shows the line that is missing' "$out" '^ *\+PyYAML'
run_ok 'also as JSON' fettle plan --json "$instruction"
json '.. | objects | select(.step? == "patch") | .diff // empty' >"$T/plan.diff"
ok 'with the diff' grep -qx '+PyYAML' "$T/plan.diff"
is 'planning writes no byte of the workspace' "$(tree_hash "$shop")" "$tree"
is 'and touches no image and no container' "$(world)" "$world"

# ---- run

run_ok 'the run succeeds' fettle run "$instruction"
like 'and says so' "$out" 'succeeded'
is 'the service answers' "$(http_status /healthz)" 200
{ cat "$T/requirements.before" && echo PyYAML; } >"$T/requirements.want"
same_file 'one line was added to the manifest' api/requirements.txt "$T/requirements.want"
cp "$T/requirements.before" api/requirements.txt
is 'and no other byte of the workspace was changed' "$(
	touch -r "$FETTLE_SRC/examples/shop/api/requirements.txt" api/requirements.txt
	tree_hash "$shop"
)" "$tree"
cp "$T/requirements.want" api/requirements.txt
isnt 'the service runs in a new container with a new image' \
	"$(container api '{{.Id}} {{.Image}}')" "$broken"
is 'the image of its name is the one that runs' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" \
	"$(container api '{{.Image}}')"
is 'its neighbours are untouched' "$(peers)" "$neighbours"

# ---- what is kept of it

run_ok 'the run is shown' fettle show last --json
is 'as succeeded' "$(json .state)" succeeded
is 'every step of it' "$(json '[.steps[] | select(.section == "steps") | "\(.step)=\(.state)"] | join(" ")')" \
	'analyze=succeeded patch=succeeded build=succeeded restart=succeeded verify=succeeded'
like 'with the cause in words' "$(json .diagnosis)" 'yaml'
dir=$(json .artifacts_dir)

run_ok 'fettle diff shows the change' fettle diff last
is 'the one that was planned' "$out" "$(cat "$T/plan.diff")"
run_ok 'artifacts are listed' fettle artifacts last --json
for name in plan.json patch.diff analyze.log patch.log build.log restart.log verify.log; do
	is "$name has the size and the hash that were recorded" \
		"$(json ".[] | select(.name == \"$name\") | \"\(.bytes) \(.sha256)\"")" \
		"$(stat -c %s "$dir/$name") $(sha256sum <"$dir/$name" | cut -d ' ' -f 1)"
done
like 'the build log has what the build printed' "$(cat "$dir/build.log")" \
	'Successfully installed .*PyYAML'
ok 'the diff of the artifacts can be taken back by others' \
	sh -c "cp api/requirements.txt '$T/requirements.txt' &&
		patch -s -R '$T/requirements.txt' '$dir/patch.diff' &&
		cmp '$T/requirements.txt' '$T/requirements.before'"

# ---- taken back by the operator

run_ok 'the repair can be rolled back' fettle rollback last
same_file 'the manifest is as it was' api/requirements.txt "$T/requirements.before"
is 'the service runs its old image again' "$(container api '{{.Image}}')" "${broken#* }"
is 'which has its old name again' \
	"$(docker image inspect --format '{{.Id}}' "${project}_api")" "${broken#* }"
is 'the neighbours are still untouched' "$(peers)" "$neighbours"
done_testing
