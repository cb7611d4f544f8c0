#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every mutating system call of a run that edits three files, one twice,
# causes an effect, fails and unwinds. The next Fettle process finishes the
# unwinding: never a mixed tree, never two unwindings.
#
# FETTLE_KILL_CALLS names other system calls to kill at.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need strace sqlite3
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'

# A kill comes on entry, before the call does anything: what an openat made is
# seen by the kill at the call behind it.
: "${FETTLE_KILL_CALLS:=renameat2 rename unlinkat unlink linkat link mkdirat mkdir fsync
fdatasync ftruncate fchmod fchown pwrite64 write sendto clone3 clone vfork}"

# Everything below $W, so that two of these work side by side.
prepare()
{
	mkdir -p "$W"
	FETTLE_STATE_DIR=$W/state
	cat >"$W/bad.yaml" <<YAML
fettle: 1
name: bad
steps:
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: sub/a.txt, find: one, with: changed }
        - { op: write, path: new.txt, content: "made" }
        - { op: delete, path: gone.txt }
  - id: more
    uses: patch/apply
    with: { edits: [{ op: replace, path: sub/a.txt, find: two, with: again }] }
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$W/world'] }
  - id: verify
    uses: verify/command
    with: { argv: ['false'] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'echo down >>$W/world'] }
YAML
	cat >"$W/next.yaml" <<'YAML'
fettle: 1
name: next
steps:
  - id: nothing
    uses: verify/command
    with: { argv: ['true'] }
YAML
	fresh
	clean=$(tree_hash "$W/work")
	fettle -C "$W/work" run -p ./next.yaml >"$W/out" 2>&1 || bail "$(cat "$W/out")"
	cp -a "$FETTLE_STATE_DIR" "$W/warm"
}

fresh() # a workspace, and a store in which a run has already ended
{
	rm -rf "$W/work" "$FETTLE_STATE_DIR" "$W/world"
	[ ! -d "$W/warm" ] || cp -a "$W/warm" "$FETTLE_STATE_DIR"
	mkdir -p "$W/work/sub"
	printf 'one\ntwo\n' >"$W/work/sub/a.txt"
	printf 'here' >"$W/work/gone.txt"
	chmod 0700 "$W/work/gone.txt"
	cp "$W/bad.yaml" "$W/next.yaml" "$W/work"
}

# What must hold once the next process has run; prints what does not.
verify()
{
	[ "$(tree_hash "$W/work")" = "$clean" ] || { echo 'the tree is mixed'; ls -laR "$W/work"; }
	fettle runs --json | jq -r '.. | .state? // empty' |
		grep -vxE 'succeeded|rolled_back|failed' && echo 'is the state of a run'
	up=0 down=0
	if [ -e "$W/world" ]; then
		up=$(grep -c up "$W/world")
		down=$(grep -c down "$W/world")
	fi
	[ "$up" -le 1 ] || echo "the effect was caused $up times"
	[ "$up" -le "$down" ] || echo "caused $up times, undone $down times"
	# A rollback step cut off in the middle is done again; a finished one never.
	sql "
		SELECT 'unwound twice: ' || run FROM events WHERE kind = 'step.ended'
			AND json_extract(body, '\$.step') = 'undo'
			AND json_extract(body, '\$.state') = 'succeeded'
			GROUP BY run HAVING count(*) > 1;
		SELECT 'ended twice: ' || run FROM events WHERE kind = 'run.ended'
			GROUP BY run HAVING count(*) > 1;
		SELECT 'has no plan.json: ' || run FROM runs WHERE plan_sha256 IS NOT NULL
			AND run NOT IN (SELECT run FROM artifacts WHERE name = 'plan.json');
		SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"
	# What a killed engine had asked before there was a run has no run to sweep it.
	find "$FETTLE_STATE_DIR/scratch" -mindepth 1 -maxdepth 1 ! -name 'planning.*' ! -name 'describe.*' ! -name spare \
		-printf 'left in scratch: %P\n'
	return 0
}

# One line a kill point to $W/points; complaints to $W/complaints.
kill_at_every() # CALL
{
	n=1
	while :; do
		fresh
		strace -qq -o /dev/null -e trace="$1" -e signal=none \
			-e inject="$1:signal=KILL:when=$n" \
			"$FETTLE_BINDIR/fettle" -C "$W/work" run -p ./bad.yaml \
			>"$W/killed.out" 2>&1 </dev/null
		code=$?
		[ "$code" -ge 128 ] || break
		echo "$1 $n" >>"$W/points"
		{
			fettle -C "$W/work" run -p ./next.yaml >"$W/next.out" 2>&1 ||
				echo "next exited $?: $(cat "$W/next.out")"
			verify
		} >"$W/complaint"
		[ ! -s "$W/complaint" ] || sed "s/^/$1 $n: /" "$W/complaint" >>"$W/complaints"
		n=$((n + 1))
	done
	[ "$code" -eq 3 ] || echo "$1 $n: without a kill it ended with $code" >>"$W/complaints"
}

work() # NUMBER CALL...
{
	W=$T/$1
	shift
	prepare
	for call; do
		kill_at_every "$call"
	done
}

# pwrite64 has about as many points as all the others together.
# shellcheck disable=SC2046,SC2086
work 1 $(printf '%s\n' $FETTLE_KILL_CALLS | grep -vx pwrite64) &
first=$!
# shellcheck disable=SC2046,SC2086
work 2 $(printf '%s\n' $FETTLE_KILL_CALLS | grep -x pwrite64) &
wait "$first"
wait
cat "$T/1/points" "$T/2/points" >"$T/points" 2>/dev/null
points=$(wc -l <"$T/points")
diag "$points kill points: $(cut -d' ' -f1 "$T/points" | sort | uniq -c | tr -s ' \n' ' ')"
cat "$T/1/complaints" "$T/2/complaints" >"$T/complaints" 2>/dev/null
diag "$(head -40 "$T/complaints")"
ok 'there were points to kill at' test "$points" -ge 20
is 'after every kill the next process left a clean tree and one unwinding' \
	"$(wc -l <"$T/complaints")" 0
done_testing
