#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A protected service is repaired by the built-in pipeline when the right people
# agree, and not touched before: no file, no image, no container. Also what is
# behind a change while people think, and a retry.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
. "$FETTLE_SRC/t/docker.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else here'

docker_engine
# An address that can be taken away while the engine goes on.
ln -s "${DOCKER_HOST#unix://}" "$T/engine.sock"
FETTLE_DOCKER_HOST=unix://$T/engine.sock
shop protected
people='  ann: { users: [ann], roles: [sre] }
  bob: { users: [bob], roles: [sre] }
  robot: { users: [robot], class: agent, roles: [sre] }'
ask_before() # STAGE
{
	site 'policies:' "  - { uses: approval, with: { before: [$1], roles: [sre], valid_for: 1h } }"
}
ask_before patch
sed -i 's/^  api:$/  api:\n    protected: true/' "$shop/fettle.yaml"
like 'the service is protected' "$(cat "$shop/fettle.yaml")" 'protected: true'
shop_up
cd "$shop" || bail 'no shop'
ok 'the api is broken' wait_for 20 api_is_dead
tree=$(tree_hash "$shop")
world=$(world)
broken=$(container api '{{.Image}}')

run_fails 5 'its repair waits' as ann run 'repair missing dependency for the api service'
is 'before the patch' "$(of_last .hold.step)" patch
like 'the diff is there to be read' "$(as bob approve last </dev/null 2>/dev/null)" '^\+[A-Za-z]'
digest=$(of_last .hold.digest)
for who in ann robot nobody; do
	run_fails 2 "$who cannot let it go on" as $who approve last --digest "$digest"
done
run_fails 2 'nor can another digest' as bob approve last --digest "$(printf %064d 0)"
run_fails 2 'nor a retry' as bob retry last
is 'no file has changed' "$(tree_hash "$shop")" "$tree"
is 'no image, no container' "$(world)" "$world"
neighbours=$(peers)
rm "$T/engine.sock"
run_fails 5 'agreed to while the engine is down it waits on' \
	as bob approve last --digest "$digest"
is 'with the reason' "$(of_last '.state + " " + .code')" 'awaiting_approval docker_unreachable'
is 'no file has changed' "$(tree_hash "$shop")" "$tree"
ln -s "${DOCKER_HOST#unix://}" "$T/engine.sock"
run_ok 'another colleague can' as bob approve last --digest "$digest"
is 'and it comes to its end' "$(of_last .state)" succeeded
ok 'which is a healthy service' wait_for 10 api_answers
is 'the neighbours are untouched' "$(peers)" "$neighbours"

# ---- what was agreed to is put back: by a run of its own, which is agreed to as well

repair=$(of_last .run)
fixed=$(tree_hash "$shop")
world=$(world)
run_fails 5 'putting it back waits too' as ann rollback last --reason 'the wrong one'
undo=$(of_last .run)
is 'in a run of its own' "$(of_last .rolls_back)" "$repair"
is 'before anything of it' "$(of_last '"\(.hold.step) \(.steps | length)"')" 'revert 1'
like 'the diff is turned round' "$(as bob approve last </dev/null 2>/dev/null)" '^-[A-Za-z]'
digest=$(of_last .hold.digest)
for who in ann robot nobody; do
	run_fails 2 "$who cannot let it go on" as $who approve last --digest "$digest"
done
run_fails 2 'another one is refused meanwhile' as bob rollback "$repair"
like 'with the name of the one that waits' "$err" "being rolled back by run $undo"
is 'no file has changed' "$(tree_hash "$shop")" "$fixed"
is 'no image, no container' "$(world)" "$world"
run_ok 'a no' as bob reject "$undo" --reason 'keep it'
is 'ends it with nothing changed' "$(of_last '"\(.state) \(.code)"') $(tree_hash "$shop")" \
	"denied approval_rejected $fixed"
run_fails 5 'it is ordered again' as ann rollback "$repair"
undo=$(of_last .run)
run_ok 'another colleague agrees' as bob approve last --digest "$(of_last .hold.digest)"
is 'and it ends well' "$(of_last .state)" succeeded
is 'the files are as they were' "$(tree_hash "$shop")" "$tree"
is 'and the image' "$(container api '{{.Image}}')" "$broken"
is 'the neighbours are untouched' "$(peers)" "$neighbours"
is 'the repair is told to have been put back' \
	"$(fettle show "$repair" --json | jq -r '"\(.state) \(.rolled_back_by)"')" "succeeded $undo"
for name in plan.json patch.diff rollback.log; do
	run_ok "it has its own $name" fettle artifacts "$undo" "$name"
done
run_fails 2 'it is put back once' as ann rollback "$repair"
run_ok 'the log proves all of it' fettle audit verify

# ---- an analysis that has to try the build is a change as well ----

mv api/requirements.txt "$T/requirements.txt"
printf 'PyYAML==99.1\npython-dotenv\n' >api/requirements.txt
docker rm --force "$(container api '{{.Id}}')" >/dev/null
world=$(world)
run_fails 5 'the build of a protected service is not tried unasked' \
	as ann run 'repair missing dependency for the api service'
is 'people are asked before it' "$(of_last .hold.step)" analyze
is 'no image, no container' "$(world)" "$world"
run_fails 5 'when they agree' as bob approve last --digest "$(of_last .hold.digest)"
is 'they are asked for the patch it leads to, too' "$(of_last .hold.step)" patch
like 'and see it' "$(as bob approve last </dev/null 2>/dev/null)" '^-PyYAML==99.1'
run_ok 'when they agree again' as bob approve last --digest "$(of_last .hold.digest)"
ok 'the service is well' wait_for 10 api_answers
run_fails 5 'it is put back' as ann rollback last
run_ok 'as was agreed to' as bob approve last --digest "$(of_last .hold.digest)"
mv "$T/requirements.txt" api/requirements.txt
shop_up
ok 'the api is as broken as it was' wait_for 20 api_is_dead

# ---- before the verification ----

ask_before verify
run_fails 6 'a service that is protected needs a yes for each change' \
	as ann run 'repair missing dependency for the api service'
is 'by that name' "$(of_last .code)" protected_service
sed -i '/protected: true/d' fettle.yaml
tree=$(tree_hash "$shop")
run_fails 5 'people are asked before the verification' \
	as ann run 'repair missing dependency for the api service'
is 'the change stands meanwhile' "$(of_last '[.changes[] | select(.standing)] | length > 0')" true
first=$(of_last .run)
(fettle run 'repair missing dependency for the api service' >"$T/second" 2>&1; echo "$?" >"$T/second.rc") &
waits() { grep -q 'waiting: service' "$T/second"; }
ok 'another run of the service waits for it' wait_for 30 waits
run_ok 'a no to the first' as bob reject "$first" --reason no
is 'puts it all back' "$(fettle show "$first" --json | jq -r .state)" rolled_back
wait
is 'and the second has its turn' "$(cat "$T/second.rc")" 5
run_ok 'which is agreed to' as bob approve last --digest "$(of_last .hold.digest)"
is 'and succeeds' "$(of_last .state)" succeeded
ok 'with a healthy service' wait_for 10 api_answers
run_ok 'which is put back' as ann rollback last
is 'all of it' "$(tree_hash "$shop")" "$tree"

# ---- again, from where its changes were put back ----

of_first() # FILTER
{
	fettle show "$first" --json | jq -r "$1"
}
run_fails 5 'a run that ended as rolled back is retried, and asks again' as ann retry "$first"
like 'from its patch on' "$out" "begins at 'patch': its changes were put back"
is 'without another analysis' "$(of_first '.steps[] | select(.step == "analyze") | .attempt')" 1
run_ok 'agreed to' as bob approve "$first" --digest "$(of_first .hold.digest)"
ok 'it leads to a healthy service' wait_for 10 api_answers
run_ok 'which is put back' as ann rollback "$first"

# ---- a rule of the site that comes while people think

ask_before patch
run_fails 5 'a repair waits' as ann run 'repair missing dependency for the api service'
echo 'only_named_services: true' >>"$FETTLE_SITE_FILE"
sed -i 's/^  api:$/  web:/' fettle.yaml
tree=$(tree_hash "$shop")
world=$(world)
run_fails 6 'a service that is not to be repaired any more' \
	as bob approve last --digest "$(of_last .hold.digest)"
is 'is not, in spite of a yes' "$(of_last '"\(.state) \(.code)"')" 'denied policy.service'
is 'no file has changed by it' "$(tree_hash "$shop")" "$tree"
is 'no image, no container either' "$(world)" "$world"
done_testing
