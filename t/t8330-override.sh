#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Breaking the glass: what a policy denies waits for two people where `override`
# says so, once, and on the record. And waiting for people nobody knows is a no.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

need_people
workspace

people='  ann: { users: [ann], roles: [lead] }
  bob: { users: [bob], roles: [lead] }
  eve: { users: [eve], roles: [sre] }'
pipeline() # POLICY...
{
	{
		echo 'fettle: 1'
		echo 'name: p'
		echo 'policies:'
		[ $# -eq 0 ] || printf '  - %s\n' "$@"
		echo 'steps:'
		echo '  - id: patch'
		echo '    uses: patch/apply'
		echo '    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }'
	} >p.yaml
	printf 'one\n' >a.txt
}
freeze='{ uses: freeze, with: { windows: ["00:00 - 24:00"] } }'
size='{ uses: diff-size, with: { max_files: 0 } }'
override='{ uses: override, with: { policies: [freeze], roles: [lead], quorum: 2 } }'

site
pipeline "$freeze"
run_fails 6 'what is frozen is denied' as eve run -p ./p.yaml
pipeline "$freeze" "$override"
run_ok 'before the window closes nothing is different' fettle check -p ./p.yaml
run_fails 5 'with an override it waits for people' as eve run -p ./p.yaml
is 'nothing is changed yet' "$(cat a.txt)" one
run_ok 'the record has all answers' sh -c \
	"fettle='$FETTLE_BINDIR/fettle'; \"\$fettle\" audit export last | grep step.verdict"
is 'the denial too' "$(fettle audit export last | jq -r 'select(.event.kind == "step.verdict") |
	[.event.body.answers[] | "\(.policy)=\(.verdict)"] | join(" ")')" \
	'freeze=deny override=hold'
digest=$(of_last .hold.digest)
run_fails 2 'somebody without the role cannot' as eve approve last --digest "$digest"
run_ok 'one person agrees' as ann approve last --digest "$digest"
is 'which is not enough' "$(cat a.txt)" one
run_ok 'a second one agrees, and it goes on' as bob approve last --digest "$digest"
is 'then it is changed' "$(cat a.txt)" two
is 'the run has succeeded' "$(of_last .state)" succeeded
is 'judged once more, it waits as it did' "$(fettle policy replay --json last |
	jq -r '.[] | "\(.then) \(.now)"' | xargs)" 'hold hold hold hold'
run_fails 2 'it is used once' as ann approve last --digest "$digest"
printf 'one\n' >a.txt
run_fails 5 'the next run waits again' as eve run -p ./p.yaml
run_ok 'and may be refused' as ann reject last --reason 'not on a Friday'
is 'nothing is changed' "$(cat a.txt)" one

pipeline "$freeze" "$size" "$override"
run_fails 6 'a denial that is not named stays one' as eve run -p ./p.yaml
pipeline "$override"
run_ok 'without a denial nobody is asked' as eve run -p ./p.yaml
site 'policies:' "  - $freeze"
pipeline "$override"
run_fails 5 "the site's denial can be overridden where it is named" as eve run -p ./p.yaml
is 'nothing is changed by itself' "$(cat a.txt)" one

# ---- what the engine itself counts and shows: history, commands, edits

site
rate='{ uses: rate, with: { max_runs: 2, per: 1h } }'
rm -rf "$FETTLE_STATE_DIR"
pipeline "$rate"
run_ok 'the first of two' as eve run -p ./p.yaml
pipeline "$rate"
run_ok 'the second of two' as eve run -p ./p.yaml
pipeline "$rate"
run_fails 6 'plan counts the runs before' as eve plan -p ./p.yaml
run_fails 6 'the third of two' as eve run -p ./p.yaml
like 'is told' "$out" '3 runs of this service began'
rm -rf "$FETTLE_STATE_DIR"
pipeline '{ uses: diff-size, with: { max_lines: 1 } }'
run_fails 6 'lines are counted as the engine wrote them' as eve run -p ./p.yaml
like 'both sides' "$out" '1 files and 2 lines would change'
pipeline '{ uses: content, with: {} }'
run_ok 'content has nothing against it' as eve run -p ./p.yaml
is 'it is written' "$(cat a.txt)" two
cat >cmd.yaml <<'YAML'
fettle: 1
name: cmd
policies: [{ uses: command, with: { allow: [echo] } }]
steps:
  - { id: say, uses: analyze/command, with: { argv: [echo, hello] } }
  - { id: shout, uses: analyze/command, with: { argv: [touch, shouted] } }
YAML
run_fails 6 'a program that is not listed' as eve run -p ./cmd.yaml
like 'is named' "$out" "program 'touch' may not be started"
is 'the one that is listed ran' "$(of_last '.steps[0].state')" succeeded

# ---- nobody who may agree

site
pipeline '{ uses: approval, with: { roles: [chief] } }'
run_fails 6 'waiting for people nobody knows is a no' as eve run -p ./p.yaml
like 'that says what to do' "$err$out" 'write them into the site file'
is 'nothing is changed by that' "$(cat a.txt)" one
pipeline '{ uses: approval, with: { roles: [sre] } }'
run_fails 6 'so is waiting for oneself alone' as eve run -p ./p.yaml
pipeline '{ uses: approval, with: { roles: [sre], self_approval: true } }'
run_fails 5 'unless oneself counts' as eve run -p ./p.yaml
done_testing
