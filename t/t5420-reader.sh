#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whoever reads what fettle prints, or does not: the run goes on, and its end is the
# exit status. F46.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need python3

workspace
printf 'one\n' >a.txt
{
	printf 'fettle: 1\nname: many\nsteps:\n'
	for i in $(seq 1 40); do
		printf '  - { id: step%s, uses: verify/command, with: { argv: ["true"] } }\n' "$i"
	done
} >many.yaml
cat >bad.yaml <<'YAML'
fettle: 1
name: bad
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: one, with: two } ] }
  - { id: verify, uses: verify/command, with: { argv: ['false'] } }
YAML

# ---- nobody takes it

for where in '>/dev/full' '>/dev/full 2>/dev/full' '2>&-' '>&-' '<&- >&- 2>&-' '| true'; do
	run_ok "a run that succeeds, $where" sh -c "'$FETTLE_BINDIR/fettle' run -p ./many.yaml $where"
	is 'ends as ever' "$(of_last .state)" succeeded
done
like 'what could not be written is told once' \
	"$("$FETTLE_BINDIR/fettle" run -p ./many.yaml 2>&1 >/dev/full)" 'standard output: No space left'
for where in '>/dev/full' '2>&-' '>&-'; do
	run_fails 3 "a run that is rolled back, $where" \
		sh -c "'$FETTLE_BINDIR/fettle' run -p ./bad.yaml $where"
	is 'is put back' "$(cat a.txt)" one
	is 'and says so' "$(of_last .state)" rolled_back
done
run_ok 'a worker' sh -c "'$FETTLE_BINDIR/fettle' run -q --queue -p ./many.yaml &&
	'$FETTLE_BINDIR/fettle' work --drain >/dev/full 2>/dev/full"
is 'carries a run out as ever' "$(of_last .state)" succeeded
is 'a list whose reader has enough ends' "$(fettle runs | head -n 1 | cut -c 1-3)" RUN
run_fails 1 'where what is printed is all there is, a full disk is a failure' \
	sh -c "'$FETTLE_BINDIR/fettle' runs >/dev/full"

# ---- nobody reads it

fettle run --json -p ./many.yaml >"$T/whole" 2>&1
whole=$(wc -l <"$T/whole")
before=$(fettle runs --json -n 100 | jq length)
# over N: the shell line that says that the N-th run is over.
over()
{
	echo "'$FETTLE_BINDIR/fettle' runs --json -n 100 | jq -e 'length == $1 and .[0].ended_ms != null'"
}
stalled()
{
	before=$((before + 1))
	stalled_kind=$1
	shift
	"$FETTLE_SRC/t/fixtures/stalled" "$stalled_kind" "$T/read" "$(over "$before")" "$@"
}
run_ok 'a run goes on to its end when its events are not read' \
	stalled pipe "$FETTLE_BINDIR/fettle" run --json -p ./many.yaml
is 'it succeeded' "$(of_last .state)" succeeded
is 'every line that is read later is whole' "$(jq -r .kind "$T/read" 2>&1 | grep -c error)" 0
is 'the last one is the summary' "$(tail -n 1 "$T/read" | jq -r .kind)" summary
dropped=$(jq -s '[.[] | select(.kind == "output.dropped") | .body.count] | add' "$T/read")
told=$(jq -s '[.[] | select(.kind != "output.dropped")] | length' "$T/read")
diag "$told of $whole lines were read, $dropped were dropped"
ok 'something was dropped' test "$dropped" -gt 0
is 'what is not there was counted' $((told + dropped)) "$whole"

run_ok 'and when its lines are not read' \
	stalled pipe "$FETTLE_BINDIR/fettle" run -p ./many.yaml
like 'at the end it says how it ended' "$(cat "$T/read")" '^succeeded'
like 'and that lines are missing' "$err" '[0-9]+ lines were not read in time'
run_fails 3 'and when it is rolled back' \
	stalled pipe "$FETTLE_BINDIR/fettle" run -p ./bad.yaml
is 'which it is' "$(cat a.txt) $(of_last .state)" 'one rolled_back'
run_ok 'and on a terminal that is stopped' env TERM=xterm \
	"$FETTLE_SRC/t/fixtures/stalled" pty "$T/read" "$(over $((before + 1)))" \
	"$FETTLE_BINDIR/fettle" run -p ./many.yaml
before=$((before + 1))
is 'there it succeeded as well' "$(of_last .state)" succeeded
like 'and the terminal shows it, once it goes on' "$(cat "$T/read")" 'succeeded'

run_ok 'a run for a worker' fettle run -q --queue -p ./many.yaml
run_ok 'whose lines are not read' stalled pipe "$FETTLE_BINDIR/fettle" work --drain
is 'is carried out' "$(of_last .state)" succeeded

# ---- nobody reads standard error: a run that begins warns of one that died

cat >half.yaml <<YAML
fettle: 1
name: half
steps:
  - { id: change, uses: restart/command, with: { argv: ['true'] } }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'touch $T/ready; exec sleep 60'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: ['false'] } }
YAML
warned() # KIND ARGUMENTS
{
	rm -f "$T/ready"
	"$FETTLE_BINDIR/fettle" run -q -p ./half.yaml >/dev/null 2>&1 &
	wait_for 20 test -e "$T/ready" || bail 'the step that waits did not start'
	kill -9 $!
	wait $! 2>/dev/null
	before=$((before + 1))
	stalled "$1" sh -c "exec '$FETTLE_BINDIR/fettle' $2 2>&1 >/dev/null"
}
run_ok 'a run goes on to its end when its warnings are not read' \
	warned pipe 'run -p ./many.yaml'
is 'it succeeded as well' "$(of_last .state)" succeeded
like 'who reads again is told what is missing' "$(cat "$T/read")" \
	'warning: 1 line is left out before this one: it was not read in time'
run_fails 3 'a run that is rolled back as well' warned pipe 'run -p ./bad.yaml'
is 'is put back' "$(cat a.txt) $(of_last .state)" 'one rolled_back'
run_ok 'and one on a terminal that is stopped' warned pty 'run -p ./many.yaml'
is 'which succeeded' "$(of_last .state)" succeeded
done_testing
