#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ctrl-C and SIGTERM unwind and say so; a second one does not stop the
# unwinding; SIGHUP carries on.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace
printf 'one\n' >a.txt
there_and_back slow "touch $T/ready; while [ ! -e $T/go ]; do sleep 0.05; done" \
	"touch $T/undoing; sleep 1"
before=$(tree_hash .)

start()
{
	rm -f "$T/ready" "$T/go" "$T/world" "$T/undoing"
	fettle_until "$T/ready" run -p ./slow.yaml
}

for signal in INT TERM; do
	start
	is "SIG$signal: the file is changed while the run goes on" "$(cat a.txt)" two
	kill -"$signal" "$pid"
	wait "$pid"
	is "SIG$signal ends with exit status 7" "$?" 7
	is "SIG$signal: everything is back" "$(tree_hash .)" "$before"
	is "SIG$signal: the effect was undone" "$(cat "$T/world")" "$(printf 'up\ndown')"
	is "SIG$signal: the run is cancelled" "$(of_last .state)" cancelled
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
is 'SIGHUP: it succeeded' "$(of_last .state)" succeeded
is 'its change stands' "$(cat a.txt)" two

capture fettle rollback last
is 'a succeeded run can be rolled back' "$rc" 0
is 'everything is back' "$(tree_hash .)" "$before"
rolled=$(of_last .rolls_back)
is 'by a run of its own' "$(of_last .state)" succeeded
capture fettle rollback "$rolled"
isnt 'but only once' "$rc" 0
like 'with a reason' "$err" 'was rolled back by run'

printf 'fettle: 1\nname: nop\nsteps: [ { id: a, uses: verify/command, with: { argv: ["true"] } } ]\n' >nop.yaml
run_ok 'a run that changes nothing' fettle run -p ./nop.yaml
run_fails 2 'cannot be rolled back' fettle rollback last
like 'because nothing of it stands' "$err" 'rollback_not_applicable'
done_testing
