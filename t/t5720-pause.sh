#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kill switch: while the site is paused no run begins, and one that goes on
# ends before its first change.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3

workspace
printf 'one\n' >a.txt
# Waits at two places: before its first change, and behind it.
cat >two.yaml <<YAML
fettle: 1
name: two
steps:
  - { id: look, uses: analyze/command, with: { argv: [sh, -c, 'touch $T/looking; while [ ! -e $T/go ]; do sleep 0.05; done'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: one, with: changed } ] }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'touch $T/changed; while [ ! -e $T/on ]; do sleep 0.05; done'] } }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>$T/world'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>$T/world'] } }
finally:
  - { id: tidy, uses: verify/command, with: { argv: [touch, $T/tidied] } }
YAML
cat >nop.yaml <<'YAML'
fettle: 1
name: nop
steps: [ { id: one, uses: verify/command, with: { argv: ['true'] } } ]
YAML
before=$(tree_hash .)

clear()
{
	rm -f "$T/looking" "$T/go" "$T/changed" "$T/on" "$T/world" "$T/tidied"
}

capture fettle resume
is 'a site that is not paused is resumed without harm' "$rc" 0
like 'it says so' "$out" 'was not paused'
run_ok 'the site is paused' fettle pause --reason 'moving the server'
like 'by whom and why' "$out" "paused by operator:$(id -un) since .*: moving the server"
run_ok 'a second pause changes nothing' fettle pause --reason other
like 'and tells of the first' "$out" 'paused before: .*moving the server'
is 'as JSON too' "$(fettle pause --json | jq -r .reason)" 'moving the server'

run_fails 2 'no run begins' fettle run -p ./nop.yaml
like 'with code, who and why' "$err" "paused by operator:$(id -un) at .*: moving the server \[paused\]"
like 'and how to go on' "$err" 'fettle resume'
is 'it leaves no run' "$(fettle runs --json | jq length)" 0
run_ok 'a run may be queued' fettle run --queue -p ./nop.yaml
run=$out
like 'and is told to wait' "$err" 'the site is paused'
run_ok 'a worker takes nothing' fettle work --drain
is 'so that it waits' "$(of_last .state)" pending
run_ok 'plans are made' fettle plan -p ./nop.yaml
run_ok 'runs are listed' fettle runs
like 'which says that the site is paused' "$out" 'the site is paused by'
capture fettle doctor
like 'doctor says so' "$out" 'problem +paused .*moving the server'
like 'with the remedy' "$out" 'fettle resume'

run_ok 'the site is resumed' fettle resume
is 'and once' "$(fettle resume --json | jq .resumed)" false
run_ok 'a worker takes what waited' fettle work --drain
is 'to its end' "$(fettle show "$run" --json | jq -r .state)" succeeded
is 'who and when is kept, in a chain of its own' \
	"$(sql "SELECT group_concat(kind || ' ' || seq) FROM events WHERE run = 'site'")" \
	'site.paused 1,site.resumed 2'
run_ok 'which is part of the log' fettle audit verify

# ---- what goes on when the site is paused ----

clear
fettle_until "$T/looking" run -p ./two.yaml
fettle pause --reason now >/dev/null
touch "$T/go"
wait "$pid"
is 'a run that has changed nothing ends before its first change' "$?" 7
is 'as cancelled, with the code' "$(of_last '.state + " " + .code + " " + .cause.step')" 'cancelled paused patch'
like 'it says who and why' "$(cat "$T/run.out")" "paused by operator:$(id -un) .*: now"
is 'nothing is changed' "$(tree_hash .)" "$before"
is 'its finally steps ran' "$(ls "$T/tidied")" "$T/tidied"
run_fails 2 'it is not retried while the site is paused' fettle retry last
like 'for that reason' "$err" '\[paused\]'
fettle resume >/dev/null
touch "$T/on"
run_ok 'but afterwards' fettle retry last
is 'it goes on to its end' "$(of_last .state)" succeeded
is 'from where it was' "$(of_last '[.steps[] | select(.step == "look") | .attempt] | first')" 1
fettle rollback last >/dev/null
is 'which can be undone' "$(tree_hash .)" "$before"

clear
touch "$T/go"
fettle_until "$T/changed" run -p ./two.yaml
fettle pause >/dev/null
touch "$T/on"
wait "$pid"
is 'a run that has changed something goes on to its end' "$?" 0
is 'with all it does' "$(cat "$T/world")" up
run_ok 'a rollback is possible while the site is paused' fettle rollback last
is 'and puts all back' "$(tree_hash .)" "$before"
fettle resume >/dev/null

clear
touch "$T/go"
fettle_until "$T/changed" run -p ./two.yaml
run_ok 'with --cancel' fettle pause --cancel --reason 'fire'
like 'it says how many were asked' "$out" '^1 run was asked to end'
wait "$pid"
is 'such a run is cancelled' "$?" 7
is 'with unwinding' "$(tree_hash .)" "$before"
like 'for the reason of the pause' "$(of_last .message)" 'the site is paused: fire'
fettle resume >/dev/null
done_testing
