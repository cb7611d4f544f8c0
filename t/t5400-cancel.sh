#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ctrl-C and SIGTERM unwind and say so; a second one does not stop the
# unwinding; SIGHUP carries on.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

mkdir work
cd work || bail 'no workspace'
printf 'one\n' >a.txt
cat >slow.yaml <<YAML
fettle: 1
name: slow
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: one, with: changed } ] }
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$T/world'] }
  - id: wait
    uses: verify/command
    with: { argv: [sh, -c, 'echo \$\$ >$T/ready; while [ ! -e $T/go ]; do sleep 0.05; done'] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'echo down >>$T/world; touch $T/undoing; sleep 1'] }
YAML
before=$(tree_hash .)

start()
{
	rm -f "$T/ready" "$T/go" "$T/world" "$T/undoing"
	# Not through a function in the background: its shell would get the signal.
	"$FETTLE_BINDIR/fettle" run -p ./slow.yaml >"$T/run.out" 2>&1 </dev/null &
	pid=$!
	wait_for 20 test -s "$T/ready" || bail "the waiting step did not start: $(cat "$T/run.out")"
}

for signal in INT TERM; do
	start
	is "SIG$signal: the file is changed while the run goes on" "$(cat a.txt)" changed
	kill -"$signal" "$pid"
	wait "$pid"
	is "SIG$signal ends with exit status 7" "$?" 7
	is "SIG$signal: everything is back" "$(tree_hash .)" "$before"
	is "SIG$signal: the effect was undone" "$(cat "$T/world")" "$(printf 'up\ndown')"
	is "SIG$signal: the run is cancelled" "$(fettle show last --json | jq -r .state)" cancelled
	like "SIG$signal: and the end says what became of it" "$(cat "$T/run.out")" \
		'[Cc]ancelled'
	like "SIG$signal: with everything put back" "$(cat "$T/run.out")" \
		'(rolled|put) back'
done

start
kill -INT "$pid"
wait_for 20 test -e "$T/undoing" || bail 'the unwinding did not start'
kill -INT "$pid"
wait "$pid"
is 'a second Ctrl-C does not stop the unwinding' "$?" 7
is 'everything is back' "$(tree_hash .)" "$before"
is 'and undone once' "$(cat "$T/world")" "$(printf 'up\ndown')"

start
kill -HUP "$pid"
touch "$T/go"
wait "$pid"
is 'SIGHUP: the run carries on to its end' "$?" 0
is 'SIGHUP: it succeeded' "$(fettle show last --json | jq -r .state)" succeeded
is 'its change stands' "$(cat a.txt)" changed

capture fettle rollback last
is 'a succeeded run can be rolled back' "$rc" 0
is 'everything is back' "$(tree_hash .)" "$before"
rolled=$(fettle show last --json | jq -r .rolls_back)
is 'by a run of its own' "$(fettle show last --json | jq -r .state)" succeeded
capture fettle rollback "$rolled"
isnt 'but only once' "$rc" 0
like 'with a reason' "$err" 'was rolled back by run'

printf 'fettle: 1\nname: nop\nsteps: [ { id: a, uses: verify/command, with: { argv: ["true"] } } ]\n' >nop.yaml
run_ok 'a run that changes nothing' fettle run -p ./nop.yaml
run_fails 2 'cannot be rolled back' fettle rollback last
like 'because nothing of it stands' "$err" 'rollback_not_applicable'
done_testing
