#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A run that Fettle dies of, each time at the same place, is given up after three
# deaths, wherever that place is; others go on. And a Fettle that dies while it
# starts, over and over, can be started.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/kill.sh"
W=$T

mkdir work
cat >work/nop.yaml <<'YAML'
fettle: 1
name: nop
steps: [{ id: a, uses: verify/command, with: { argv: ['true'] } }]
YAML
cat >work/p.yaml <<YAML
fettle: 1
name: p
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - id: verify
    uses: verify/command
    with: { argv: [test, -e, $T/good] }
    retry: { attempts: 3, backoff: 3001ms, on: any }
YAML
cat >work/plain.yaml <<'YAML'
fettle: 1
name: plain
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: restart, uses: restart/command, with: { argv: ['true'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: ['true'] } }
YAML
cat >work/analysis.yaml <<'YAML'
fettle: 1
name: analysis
steps:
  - id: verify
    uses: verify/command
    with: { argv: ['false'] }
    retry: { attempts: 3, backoff: 3001ms, on: any }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
YAML
echo one >work/a.txt

state() # RUN
{
	sql "SELECT state || ' ' || coalesce(code, '') FROM runs WHERE run = '$1'"
}

# die ROLE N: a worker, with all its processes, at the N-th call of the role.
die()
{
	"$kill_at" -a -r "$1" -c any -n "$2" -o report "$FETTLE_BINDIR/fettle" work --once \
		>killed 2>&1 </dev/null
	. ./report
}

# die_of RUN ROLE N: as often as it is taken up, at most six times; $deaths.
die_of()
{
	deaths=0
	while [ "$deaths" -lt 6 ] && [ -z "$(sql "SELECT 1 FROM runs WHERE run = '$1' AND ended_ms")" ]; do
		die "$2" "$3"
		[ -n "$victim" ] || break
		deaths=$((deaths + 1))
	done
}

sleeps() # FILE: such a run, whose pause is over, in $run
{
	run=$(fettle -C work run --queue -p "./$1") || bail 'it was not queued'
	fettle work --once >out 2>&1
	is "$1 sleeps" "$(state "$run")" 'pending '
	is_due() { [ -n "$(sql "SELECT 1 FROM runs WHERE run = '$run'
		AND due_ms < 1000 * CAST(strftime('%s') AS INTEGER)")" ]; }
	wait_for 10 is_due || bail "$(cat out)"
}

others_go_on()
{
	good=$(fettle -C work run --queue -p ./nop.yaml)
	fettle work --drain >out 2>&1
	is 'another run is carried out' "$(state "$good")" 'succeeded '
}

# ---- where a run that slept is taken up ----

sleeps analysis.yaml
die_of "$run" nursery 1
is 'a run whose waking is deadly dies as poison' "$(state "$run")" 'failed poison'
is 'after three deaths' "$deaths" 3
like 'which it tells' "$(fettle show "$run")" 'crashed 3 times while it worked on this run'
others_go_on

sleeps p.yaml
is 'one that has changed something' "$(cat work/a.txt)" two
die_of "$run" nursery 1
is 'is not touched any more' "$(state "$run") $(cat work/a.txt)" 'rollback_failed poison two'
is 'nor after more than three deaths' "$deaths" 3
others_go_on
run_ok 'it can be put back' fettle rollback "$run"
is 'and is' "$(cat work/a.txt)" one

# ---- where a run that was interrupted is put back ----

"$kill_at" -a -r program -c any -n 1 -o report "$FETTLE_BINDIR/fettle" -C work run -p ./plain.yaml \
	>killed 2>&1 </dev/null
run=$(fettle runs -q -n 1)
is 'a run dies behind its change' "$(state "$run")$(cat work/a.txt)" 'running two'
die_of "$run" program 1
is 'and its unwinding twice: it is given up' "$deaths $(state "$run")" '2 rollback_failed poison'
is 'with its files put back' "$(cat work/a.txt)" one
others_go_on
run_ok 'the rest is put back on order' fettle rollback "$run"
is 'all of it' "$(state "$run")" 'rolled_back rollback_ordered'

# ---- who waits for the site did not die ----

if [ "$(id -u)" -eq 0 ] && [ -d "$FETTLE_BUILD/t/modules/plugins/test" ]; then
	test_modules
	people='  bob: { users: [bob], roles: [sre] }'
	site
	sed 's/^name:.*/&\npolicies: [{ uses: ask }]/' work/plain.yaml >work/ask.yaml
	echo one >work/a.txt
	fettle -C work run -p ./ask.yaml >out 2>&1
	run=$(fettle runs -q -n 1)
	digest=$(fettle show "$run" --json | jq -r .hold.digest)
	fettle pause --reason 'a walk' >out 2>&1
	for n in 1 2 3 4 5; do
		as bob -C work approve "$run" --digest "$digest" >out 2>&1
	done
	is 'a paused site lets a run wait that was agreed to' "$(state "$run")" \
		'awaiting_approval approval_needed'
	fettle resume >out 2>&1
	fettle work --drain >out 2>&1
	is 'and then it goes on' "$(state "$run")" 'succeeded '
else
	skip 'a paused site lets a run wait that was agreed to' 'needs root and the test modules'
	skip 'and then it goes on' 'needs root and the test modules'
fi

# ---- a Fettle that dies while it starts ----

# Each start gets one call further than the one before, on what that one left.
starts() # CLASS COMMAND...
{
	class=$1
	shift
	n=1
	while :; do
		"$kill_at" -a -c "$class" -n "$n" -o report "$@" >killed 2>&1 </dev/null
		. ./report
		[ -n "$victim" ] || break
		[ "$left" -eq 0 ] || echo "$n: $left are left" >>complaints
		n=$((n + 1))
	done
	started=$((started + n - 1))
}
: >complaints
started=0
for class in mutating pages; do
	rm -rf "$FETTLE_STATE_DIR"
	starts "$class" "$FETTLE_BINDIR/fettle" work --once
	fettle store verify >out 2>&1 || cat out >>complaints
	rm -rf "$FETTLE_STATE_DIR"
	starts "$class" "$FETTLE_BINDIR/fettle" -C work run -p ./nop.yaml
	fettle work --drain >out 2>&1 || cat out >>complaints
	whole >>complaints
done
diag "$started starts were killed"
ok 'there were starts to kill' test "$started" -ge 20
is 'a new store is whole however often its making was killed' "$(cat complaints)" ''
others_go_on
done_testing
