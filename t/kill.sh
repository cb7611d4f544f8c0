# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# What the tests that kill source second: sweeps over the system calls of a
# command and of all it starts. The tracer is t/fault/kill-at.c.
#
# FETTLE_KILL_POINTS says how many points a sweep that is not tried whole tries;
# 0: every one.

. "$FETTLE_SRC/t/runs.sh"
need sqlite3
kill_at=$FETTLE_BUILD/t/fault/kill-at
[ -x "$kill_at" ] || bail "$kill_at is not built"
"$kill_at" -o "$T/report" true 2>/dev/null || skip_all 'nothing may be traced here'

# What holds of every store whatever was killed, once the next process has come;
# prints what does not. A run may be told to begin again or to be put back, and then
# ends again.
whole()
{
	sql "SELECT 'ended too often: ' || run FROM events GROUP BY run HAVING
			sum(kind = 'run.ended' AND json_extract(body, '\$.code') IS NOT 'rollback_ordered')
			> 1 + sum(kind = 'run.retried');
		SELECT 'an attempt ended twice: ' || run || ' ' || json_extract(body, '\$.step')
			FROM events WHERE kind = 'step.ended'
			GROUP BY run, json_extract(body, '\$.step'), json_extract(body, '\$.attempt')
			HAVING count(*) > 1;
		SELECT 'begun and never ended: ' || run || ' ' || json_extract(body, '\$.step')
			FROM events i WHERE kind = 'step.intent' AND NOT EXISTS (SELECT 1
			FROM events e WHERE e.run = i.run AND e.kind = 'step.ended' AND e.seq > i.seq
			AND json_extract(e.body, '\$.step') = json_extract(i.body, '\$.step')
			AND json_extract(e.body, '\$.attempt') = json_extract(i.body, '\$.attempt'))
			AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run = i.run AND r.code = 'poison');
		SELECT 'an approval was used twice: ' || run FROM events WHERE kind = 'hold.consumed'
			GROUP BY run, json_extract(body, '\$.digest') HAVING count(*) > 1;
		SELECT 'nobody looks after run ' || run || ', ' || state FROM runs
			WHERE ended_ms IS NULL AND due_ms IS NULL AND owner IS NOT NULL"
	fettle audit verify >"$W/audit" 2>&1 || cat "$W/audit"
	fettle store verify >"$W/audit" 2>&1 || cat "$W/audit"
	# An empty one was the next question's; `store gc` finds it. So it does those of
	# questions that were asked before there was a run.
	find "$FETTLE_STATE_DIR/scratch" -mindepth 1 -maxdepth 1 ! -empty ! -name 'planning.*' \
		! -name 'describe.*' -printf 'left in scratch: %P\n' 2>/dev/null
}

# sweep NAME POINTS OPTIONS COMMAND...: kills the command at the calls that the
# OPTIONS of kill-at choose, spread evenly; POINTS 0: at each of them. For each
# point the test's fresh() sets up the world, and its settle() lets the next ones
# finish, prints what is wrong then, and leaves the run's $state, which is $goal
# when nobody kills. In $W, with one line a point in $W/points.
sweep()
{
	s_name=$1 s_points=$2 s_options=$3
	shift 3
	fresh
	# shellcheck disable=SC2086
	"$kill_at" $s_options -o "$W/report" "$@" >"$W/killed" 2>&1 </dev/null
	. "$W/report"
	settle >"$W/complaint" 2>&1
	[ "$state" = "$goal" ] || echo "it is $state: $(cat "$W/killed")" >>"$W/complaint"
	sed "s/^/$s_name, not killed: /" "$W/complaint" >>"$W/complaints"
	s_total=$seen
	s_every=1
	[ "$s_points" -eq 0 ] || s_every=$(((seen + s_points - 1) / s_points))
	[ "$s_every" -gt 0 ] || s_every=1
	n=1
	while :; do
		fresh
		# shellcheck disable=SC2086
		"$kill_at" $s_options -n "$n" -o "$W/report" "$@" >"$W/killed" 2>&1 </dev/null
		. "$W/report"
		[ -n "$victim" ] || break
		echo "$s_name $victim $gone_ms" >>"$W/points"
		{
			[ "$left" -eq 0 ] || echo "$left processes are left: $(tail -n 3 "$W/killed")"
			settle
		} >"$W/complaint" 2>&1
		[ ! -s "$W/complaint" ] ||
			sed "s/^/$s_name, call $at of $victim, $n of $s_total: /" "$W/complaint" >>"$W/complaints"
		n=$((n + s_every))
	done
}

# in_turn NUMBER FUNCTION...: those sweeps one after the other, in a directory of
# their own; two of these may go on side by side.
in_turn()
{
	W=$T/w$1
	FETTLE_STATE_DIR=$W/state
	shift
	mkdir -p "$W"
	: >"$W/points"
	: >"$W/complaints"
	for s_function; do
		"$s_function"
	done
}

# killed_enough MINIMUM: tells what was tried, and makes the two claims.
killed_enough()
{
	cat "$T"/w*/points >"$T/points"
	cat "$T"/w*/complaints >"$T/complaints"
	diag "$(wc -l <"$T/points") kill points: $(cut -d' ' -f1,2 "$T/points" | sort | uniq -c |
		tr -s ' \n' ' ')"
	diag "the last process was gone after $(cut -d' ' -f3 "$T/points" | sort -n | tail -n1) ms at most"
	diag "$(head -40 "$T/complaints")"
	ok "there were points to kill at" test "$(wc -l <"$T/points")" -ge "$1"
	is 'after every kill all was true, whole and over' "$(wc -l <"$T/complaints")" 0
}
