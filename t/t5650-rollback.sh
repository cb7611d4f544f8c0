#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `fettle rollback` of a run that ended with its work standing: a run of its own,
# stated, judged and recorded, which both runs tell of; what it refuses, how it fails,
# and that it can be tried again then.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else here'

test_modules
workspace

people='  ann: { users: [ann], roles: [sre] }
  bob: { users: [bob], roles: [sre] }
  eve: { users: [eve], roles: [sre] }'
repair() # runs the pipeline; $repair is the run
{
	printf 'one\ntwo\n' >a.txt
	printf 'here' >gone.txt
	rm -f new.txt
	: >"$T/world"
	before=$(tree_hash .)
	run_ok "$1" as ann run -p ./p.yaml
	repair=$(of_last .run)
	after=$(tree_hash .)
}
rolled() { undo=$(of_last .run); }
told() # RUN KIND FILTER: of the bodies of its events
{
	sql "SELECT body FROM events WHERE run = '$1'
		AND kind GLOB '$2' ORDER BY seq" | jq -r "$3"
}
pipeline() # [POLICIES]
{
	cat >p.yaml <<YAML
fettle: 1
name: p
${1:-}
steps:
  - id: look
    uses: analyze/command
    with: { argv: [sh, -c, 'echo found=it >>"\$FETTLE_OUTPUTS"'] }
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: a.txt, find: one, with: changed }
        - { op: write, path: new.txt, content: "made\n" }
        - { op: delete, path: gone.txt }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>$T/world'] } }
on_failure:
  - id: revert
    uses: rollback/command
    env: { FOUND: "\${{ steps.look.outputs.values.found }}", RUN: "\${{ run.id }}" }
    with: { argv: [sh, -c, 'test ! -e $T/stuck && echo "down \$FOUND \$RUN" >>$T/world'] }
YAML
}

# ---- a run of its own

site
pipeline
repair 'a repair'
run_ok 'is rolled back' as bob rollback last --reason 'the wrong one'
rolled
is 'byte for byte' "$(tree_hash .)" "$before"
is 'the effect with what the repair knew' "$(cat "$T/world")" "up
down it $repair"
isnt 'by another run' "$undo" "$repair"
is 'which tells who, what and why' \
	"$(of_run "$undo" '[.state, .rolls_back, .requested_by, .instruction] | join("|")')" \
	"succeeded|$repair|operator:bob|rollback of run $repair: the wrong one"
is 'from its first event on' "$(told "$undo" run.queued '.rolls_back + " " + .reason')" \
	"$repair the wrong one"
is 'the repair stays what it was' "$(of_run "$repair" '.state + " " + .rolled_back_by')" "succeeded $undo"
is 'and its own log tells of it' "$(told "$repair" run.undone '.by + " " + .state')" "$undo succeeded"
is 'it has a plan of its own' \
	"$(fettle artifacts "$undo" plan.json | jq -r '.rolls_back + ": " + ([.steps[].id] | join(" "))')" \
	"$repair: revert-2 revert"
is 'the states it went through' "$(told "$undo" 'run.[se][tn][ad]*' .state | tr '\n' ' ')" \
	'running rolling_back succeeded '
fettle artifacts "$undo" patch.diff >"$T/reverse" 2>/dev/null
fettle artifacts "$repair" patch.diff >"$T/forward" 2>/dev/null
cp a.txt "$T/a.before"
ok 'its diff is that of the repair turned round' sh -c '
	patch -s -p1 <"$1" && patch -s -p1 <"$2" && cmp a.txt "$3"' sh "$T/forward" "$T/reverse" "$T/a.before"
is 'the log of what was done is there' "$(fettle artifacts "$undo" --json | jq -r '[.[].name] | sort | join(" ")')" \
	'patch.diff plan.json revert-2.log revert.log'
events=$(sql 'select * from runs; select * from standing; select * from steps')
run_ok 'the tables follow from the events' fettle store rebuild
is 'to the last row' "$(sql \
	'select * from runs; select * from standing; select * from steps')" "$events"
run_ok 'the log proves it' fettle audit verify
run_fails 2 'the repair is not put back twice' fettle rollback "$repair"
like 'and told why' "$err" "was rolled back by run $undo.*\\[rollback_not_applicable\\]"
run_fails 2 'nor is the rollback' fettle rollback "$undo"
run_fails 2 'which is not retried' fettle retry "$undo"
run_fails 2 'nor is the repair' fettle retry "$repair"
run_ok 'it is judged again by the policies of today' fettle policy replay "$undo"
is 'statistics have it in a number of its own' \
	"$(fettle stats --json | jq -c '[.runs, .rollbacks, .states.succeeded]')" '[1,1,1]'

# ---- somebody changed a file since

repair 'another repair'
echo theirs >>a.txt
theirs=$(tree_hash .)
run_fails 3 'a file that was changed since' fettle rollback last
is 'keeps all from being put back' "$(tree_hash .) $(cat "$T/world")" "$theirs up"
like 'both hashes are named' "$out" "a\\.txt' was changed after run $repair changed it \\(it is [0-9a-f]{12}, the run left [0-9a-f]{12}\\)"
is 'nothing was changed by it' "$(of_last '.state + " " + .code + " " + (.changes | length | tostring)')" 'failed rollback_conflict 0'
like 'what to do next is the rollback' "$out" "next +fettle rollback $repair"
printf 'one\ntwo\n' >a.txt
run_ok 'one that is back already is no conflict' fettle rollback "$repair"
is 'the others are put back' "$(tree_hash .)" "$before"

# ---- it fails, and is tried again

repair 'a third'
touch "$T/stuck"
run_fails 4 'a rollback that gets stuck' fettle rollback last
rolled
is 'says so' "$(of_run "$undo" .state)" rollback_failed
like 'and what to do' "$out" "fettle rollback $repair +# try it again"
unlike 'which is not to roll the rollback back' "$out" "fettle rollback $undo"
is 'the files are back, and the effect is not' "$(tree_hash .) $(cat "$T/world")" "$before up"
is 'the repair is not told to be rolled back' "$(of_run "$repair" '.state + " " + (.rolled_back_by // "no")')" 'succeeded no'
is 'but what of it stands' "$(sql \
	"select run || ' ' || kind from standing where undone_seq is null")" "$repair restart-command"
run_fails 2 'the rollback is not what is rolled back' fettle rollback "$undo"
like 'but the repair' "$err" "fettle rollback $repair"
run_fails 2 'nor is it retried' fettle retry "$undo"
like 'for the same reason' "$err" "fettle rollback $repair"
rm "$T/stuck"
run_ok 'the repair is rolled back again' fettle rollback "$repair"
is 'with what was left' "$(of_last '[.changes[] | select(.standing | not) | .kind] | join(" ")')" restart-command
is 'once' "$(grep -c down "$T/world")" 1
is 'and is told to be rolled back' "$(of_run "$repair" .rolled_back_by)" "$(of_last .run)"

# ---- policies: those of the repair and the site's, as they are now

pipeline 'policies: [{ uses: deny }]'
repair_denied=$(fettle run -p ./p.yaml >/dev/null 2>&1; echo $?)
is 'a policy of the pipeline' "$repair_denied" 6
pipeline
repair 'a repair that the site had nothing against'
site 'policies: [{ uses: deny }]'
run_fails 6 'is not rolled back when it has now' fettle rollback last
is 'nothing was changed' "$(tree_hash .) $(cat "$T/world")" "$after up"
like 'it is told who said no' "$out" "policy 'deny' says no"
site 'policies: [{ uses: deny }, { uses: override, with: { policies: [deny], quorum: 2, roles: [sre] } }]'
run_fails 5 'unless people break the glass' as ann rollback "$repair"
rolled
is 'it waits with nothing changed' "$(tree_hash .) $(cat "$T/world")" "$after up"
run_fails 2 'another one is refused meanwhile' fettle rollback "$repair"
like 'with its name' "$err" "being rolled back by run $undo, which is awaiting_approval.*\\[workflow_conflict\\]"
run_fails 7 'it can be cancelled' fettle cancel "$undo"
is 'with nothing changed' "$(tree_hash .) $(cat "$T/world")" "$after up"
run_fails 5 'and ordered again' as ann rollback "$repair"
rolled
digest=$(of_run "$undo" .hold.digest)
run_fails 2 'who asked for it cannot agree' as ann approve "$undo" --digest "$digest"
run_ok 'a colleague can' as bob approve "$undo" --digest "$digest"
is 'and one is not enough' "$(tree_hash .) $(of_run "$undo" .state)" "$after awaiting_approval"
run_ok 'another has to agree' as eve approve "$undo" --digest "$digest"
is 'and all is put back' "$(tree_hash .)" "$before"
run_fails 2 'an approval is used once' as bob approve "$undo" --digest "$digest"

site
repair 'a repair before a freeze'
site 'policies: [{ uses: freeze, with: { windows: ["00:00 - 24:00"] } }]'
run_fails 6 'freezing holds for an ordered rollback' fettle rollback "$repair"
site 'policies: [{ uses: rate, with: { max_runs: 1 } }]'
run_ok 'how often is repaired does not matter' fettle rollback "$repair"

# ---- a run that failed behind its work

site
cat >>p.yaml <<YAML
finally:
  - { id: tidy, uses: verify/command, with: { argv: [test, -e, $T/tidy] } }
YAML
rm -f new.txt
printf 'one\ntwo\n' >a.txt
printf 'here' >gone.txt
before=$(tree_hash .)
run_fails 3 'a run whose work stands, though something behind it failed' fettle run -p ./p.yaml
repair=$(of_last .run)
run_ok 'is rolled back by a run of its own' fettle rollback "$repair"
is 'as a whole' "$(tree_hash .)" "$before"
is 'which it tells' "$(of_run "$repair" '.state + " " + .rolled_back_by')" "failed $(of_last .run)"
touch "$T/tidy"
run_ok 'it can be retried' fettle retry "$repair"
is 'and stands again' "$(of_run "$repair" '.state + " " + (.rolled_back_by // "no")')" 'succeeded no'
run_ok 'until it is rolled back once more' fettle rollback "$repair"
is 'as a whole' "$(tree_hash .)" "$before"
run_ok 'the log proves all of it' fettle audit verify
run_ok 'the store is whole' fettle store verify
done_testing
