#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL of the processes below the engine, one at a time, at the system calls
# they make: the nursery, the outer host, PID 1 of the namespace, the module, what
# it starts. The engine lives: it says itself that the step failed, unwinds, and
# leaves nothing running. And the whole tree dies at once, as of a power button.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/kill.sh"
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else under a tracer'
: "${FETTLE_KILL_POINTS:=16}"

test_modules
people='  bob: { users: [bob], roles: [sre] }'
site

# One pipeline for all: a policy, edits, an effect, and a way back.
prepare() # POLICY PROGRAM: what judges, what verifies
{
	rm -rf "$W/warm"
	mkdir -p "$W/work" "$W/warm"
	sed "s|%W|$W|g; s|%POLICY|$1|; s|%VERIFY|$2|" >"$W/work/p.yaml" <<'YAML'
fettle: 1
name: p
policies: [{ uses: %POLICY }]
steps:
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: a.txt, find: one, with: two }
        - { op: write, path: new.txt, content: "made" }
  - { id: restart, uses: restart/command, with: { argv: [sh, -c, 'echo up >>%W/world'] } }
  - { id: verify, uses: verify/command, with: { argv: ['%VERIFY'] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, 'echo down >>%W/world'] } }
YAML
	before=
	fresh
	before=$(tree_hash "$W/work")
	# The modules are known then.
	fettle -C "$W/work" plan -p ./p.yaml >"$W/out" 2>&1 || bail "$(cat "$W/out")"
	rm -r "$W/warm"
	cp -a "$FETTLE_STATE_DIR" "$W/warm"
}

fresh()
{
	rm -rf "$FETTLE_STATE_DIR"
	cp -a "$W/warm" "$FETTLE_STATE_DIR"
	rm -f "$W/work/new.txt"
	echo one >"$W/work/a.txt"
	: >"$W/world"
	: >"$W/again"
}

# The run has ended, the files and the world are as its state says.
settle()
{
	come_by
	end=$(sql "SELECT state || ' ' || coalesce(code, '') FROM runs")
	state=${end% *}
	up=$(grep -c up "$W/world")
	down=$(grep -c down "$W/world")
	files=other
	[ "$(tree_hash "$W/work")" != "$before" ] || files=before
	[ "$(cat "$W/work/a.txt" "$W/work/new.txt" 2>/dev/null)" != "two
made" ] || files=after
	echo "$end" >>"$W/ends"
	case "$state $files" in
	'succeeded after') [ "$up $down" = '1 0' ] || echo "succeeded: up $up, down $down" ;;
	'rolled_back before' | 'failed before' | 'denied before') [ "$up" -le "$down" ] ||
		echo "$end: up $up, down $down" ;;
	' before') [ "$up" -eq 0 ] || echo "no run, but up $up" ;;
	*) echo "the run is $end, the files are as $files: $(cat "$W/killed")" ;;
	esac
	[ "$up" -le 1 ] || echo "the effect was caused $up times"
	sql "SELECT 'begun without a yes: ' || json_extract(i.body, '\$.step') FROM events i
		JOIN events h ON h.run = i.run AND h.kind = 'hold.opened'
			AND json_extract(h.body, '\$.step') = json_extract(i.body, '\$.step')
		WHERE i.kind = 'step.intent' AND NOT EXISTS (SELECT 1 FROM events c
			WHERE c.kind = 'hold.consumed' AND c.run = i.run AND c.seq < i.seq)"
	whole
}

# ---- a run that fails, unwinds, and loses a host on the way ----

plain_comes_by()
{
	# The way back was what died: the run says so, and it is gone again.
	[ "$(sql 'SELECT state FROM runs')" != rollback_failed ] ||
		fettle rollback last >"$W/again" 2>&1 || echo "rollback: $(cat "$W/again")"
}

plain()
{
	come_by() { plain_comes_by; }
	prepare allow false
	goal=rolled_back
	for role in nursery outer init module program; do
		sweep run "$FETTLE_KILL_POINTS" "-r $role -c any" \
			"$FETTLE_BINDIR/fettle" -C "$W/work" run -p ./p.yaml
	done
}

# ---- an approval that lets a run go on ----

# The same person says the same again; without a host, without an answer, not used.
approve_again()
{
	[ "$(sql 'SELECT state FROM runs')" != awaiting_approval ] ||
		as bob -C "$W/work" approve "$run" --digest "$digest" >"$W/again" 2>&1 ||
		echo "again: $(cat "$W/again")"
}

waiting()
{
	come_by() { approve_again; }
	prepare ask true
	goal=succeeded
	fettle -C "$W/work" run -p ./p.yaml >"$W/out" 2>&1
	run=$(fettle runs -q -n 1)
	digest=$(fettle show "$run" --json | jq -r .hold.digest)
	[ "$digest" != null ] || bail "it does not wait: $(cat "$W/out")"
	rm -r "$W/warm"
	cp -a "$FETTLE_STATE_DIR" "$W/warm"
}

approve() # NAME POINTS OPTIONS
{
	sweep "$1" "$2" "$3" env SUDO_USER=bob "$FETTLE_BINDIR/fettle" -C "$W/work" \
		approve "$run" --digest "$digest"
}

approved()
{
	waiting
	for role in nursery outer init module program; do
		approve approve 0 "-r $role -c mutating"
	done
}

approved_any()
{
	waiting
	for role in nursery outer init module program; do
		approve approve "$FETTLE_KILL_POINTS" "-r $role -c any"
	done
}

# ---- the whole tree at once ----

tree()
{
	waiting
	come_by()
	{
		fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
		approve_again
	}
	approve approve-tree "$tree_points" '-a -r any -c any'
	prepare allow false
	goal=rolled_back
	come_by()
	{
		fettle work --drain >"$W/next" 2>&1 || echo "next: $(cat "$W/next")"
	}
	sweep run-tree "$tree_points" '-a -r any -c any' "$FETTLE_BINDIR/fettle" -C "$W/work" run -p ./p.yaml
}

: "${FETTLE_KILL_TREES:=60}"
tree_points=$FETTLE_KILL_TREES
in_turn 1 plain tree &
first=$!
in_turn 2 approved approved_any
wait "$first"
diag "the runs ended as: $(cat "$T"/w*/ends | sort | uniq -c | sort -rn | tr -s ' \n' ' ')"
killed_enough 200
done_testing
