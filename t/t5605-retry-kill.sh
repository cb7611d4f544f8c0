#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at the mutating system calls of an operator's retry, and of a run that
# sleeps before its next try and is taken up by whoever comes. What was kept stays,
# what was begun is finished or undone, and the next process brings it to an end.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/kill.sh"
: "${FETTLE_KILL_POINTS:=20}"

begin() # a workspace in $W with the pipeline from the standard input, no store
{
	rm -rf "$W/work" "$FETTLE_STATE_DIR" "$W/warm" "$W/world" "$W/good" "$W/looked"
	mkdir -p "$W/work"
	sed "s|%W|$W|g" >"$W/work/p.yaml"
	echo one >"$W/work/a.txt"
	: >"$W/world"
	: >"$W/looked"
}

keep_warm()
{
	cp -a "$FETTLE_STATE_DIR" "$W/warm"
	cp "$W/looked" "$W/world" "$W/warm"
	ends=$(sql "SELECT count(*) FROM events WHERE run = '$run' AND kind = 'run.ended'")
}

fresh()
{
	rm -rf "$FETTLE_STATE_DIR"
	cp -a "$W/warm" "$FETTLE_STATE_DIR"
	mv "$FETTLE_STATE_DIR/looked" "$FETTLE_STATE_DIR/world" "$W"
	echo "$text" >"$W/work/a.txt"
}

# The run is where it may be, and the file and the world say the same.
settle()
{
	come_by
	state=$(sql "SELECT state || CASE WHEN due_ms IS NULL THEN '' ELSE ' until' END
		FROM runs WHERE run = '$run'")
	up=$(grep -c up "$W/world")
	down=$(grep -c down "$W/world")
	case "$state $(cat "$W/work/a.txt") $((up - down))" in
	"$goal two 1") ;;
	'rolled_back one '* | 'failed one '*) [ "$up" -le "$down" ] || echo "$state: up $up, down $down" ;;
	*) echo "the run is $state, the file has $(cat "$W/work/a.txt"), up $up, down $down" ;;
	esac
	[ "$up" -le $((1 + earlier)) ] || echo "the effect was caused $up times"
	looked=$(wc -l <"$W/looked")
	[ "$looked" -le "$looks" ] || echo "looked $looked times"
	whole
}

both() # NAME POINTS COMMAND...
{
	b_name=$1 b_points=$2
	shift 2
	sweep "$b_name" "$b_points" '-c mutating' "$@"
	sweep "$b_name" "$FETTLE_KILL_POINTS" '-c pages' "$@"
}

# ---- an operator's retry ----

# Not lost either: who got no answer asks again.
come_by()
{
	fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
	# shellcheck disable=SC2086
	[ "$(sql "SELECT count(*) FROM events WHERE run = '$run' AND kind = 'run.ended'")" -gt "$ends" ] ||
		fettle retry "$run" $options >"$W/again" 2>&1 || echo "again: $(cat "$W/again")"
}

retried() # NAME POINTS LOOKS [OPTION]...
{
	name=$1 points=$2 looks=$3 goal=succeeded earlier=1 text=one
	shift 3
	options=$*
	begin <<'YAML'
fettle: 1
name: p
steps:
  - id: look
    uses: analyze/command
    with: { argv: [sh, -c, 'echo x >>%W/looked; echo found=it >>"$FETTLE_OUTPUTS"'] }
  - id: say
    uses: verify/command
    env: { FOUND: "${{ steps.look.outputs.values.found }}" }
    with: { argv: [sh, -c, 'test "$FOUND" = it'] }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>%W/world'] } }
  - { id: verify, uses: verify/command, with: { argv: [test, -e, %W/good] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>%W/world'] } }
finally:
  - { id: end, uses: verify/command, with: { argv: ['true'] } }
YAML
	fettle -C "$W/work" run -p ./p.yaml >"$W/out" 2>&1
	run=$(fettle runs -q -n 1)
	[ "$(sql "SELECT state FROM runs WHERE run = '$run'")" = rolled_back ] || bail "$(cat "$W/out")"
	touch "$W/good"
	keep_warm
	both "$name" "$points" "$FETTLE_BINDIR/fettle" retry "$run" "$@"
}

failed() { retried failed 0 1; }
named() { retried named "$FETTLE_KILL_POINTS" 1 --from say; }
all() { retried whole "$FETTLE_KILL_POINTS" 2 --whole; }

# ---- a run that sleeps before its next try ----

sleeping()
{
	looks=1 earlier=0
	come_by()
	{
		fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
	}
	begin <<'YAML'
fettle: 1
name: p
steps:
  - { id: look, uses: analyze/command, with: { argv: [sh, -c, 'echo x >>%W/looked'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>%W/world'] } }
  - id: verify
    uses: verify/command
    with: { argv: [test, -e, %W/good] }
    retry: { attempts: 3, backoff: 3001ms, on: any }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>%W/world'] } }
YAML
	run=$(fettle -C "$W/work" run --queue -p ./p.yaml) || bail 'it was not queued'
}

falls_asleep()
{
	sleeping
	goal='pending until' text=one
	keep_warm
	both asleep 0 "$FETTLE_BINDIR/fettle" work --once
}

wakes_up()
{
	sleeping
	goal=succeeded text=two
	fettle work --once >"$W/out" 2>&1 || bail "$(cat "$W/out")"
	touch "$W/good"
	is_due() { [ -n "$(sql "SELECT 1 FROM runs WHERE due_ms < 1000 * CAST(strftime('%s') AS INTEGER)")" ]; }
	wait_for 10 is_due || bail 'it does not sleep'
	keep_warm
	both awake 0 "$FETTLE_BINDIR/fettle" work --once
}

in_turn 1 failed named all &
first=$!
in_turn 2 falls_asleep wakes_up
wait "$first"
killed_enough 200
done_testing
