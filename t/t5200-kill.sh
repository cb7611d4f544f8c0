#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every mutating system call of a run that edits three files,
# causes an effect, fails and unwinds. The next Fettle process finishes the
# unwinding: never a mixed tree, never two unwindings.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need strace jq sqlite3
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'

calls='renameat2 rename unlinkat unlink linkat link mkdirat mkdir fsync fdatasync
ftruncate fchmod fchown pwrite64 write sendto openat clone3 clone vfork'

cat >bad.yaml <<YAML
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
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$T/world'] }
  - id: verify
    uses: verify/command
    with: { argv: ['false'] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'echo down >>$T/world'] }
YAML
cat >next.yaml <<'YAML'
fettle: 1
name: next
steps:
  - id: nothing
    uses: verify/command
    with: { argv: ['true'] }
YAML

fresh() # a workspace and an empty store
{
	rm -rf "$T/work" "$FETTLE_STATE_DIR" "$T/world"
	mkdir -p "$T/work/sub"
	printf 'one\ntwo\n' >"$T/work/sub/a.txt"
	printf 'here' >"$T/work/gone.txt"
	chmod 0700 "$T/work/gone.txt"
	cp "$T/bad.yaml" "$T/next.yaml" "$T/work"
}

# A store that already exists makes the run itself the thing under test.
warm()
{
	fettle -C "$T/work" check -p ./bad.yaml >/dev/null 2>&1
	fettle -C "$T/work" run -p ./next.yaml >/dev/null 2>&1
}

# What must hold once the next process has run; prints what does not.
verify()
{
	[ "$(tree_hash "$T/work")" = "$clean" ] || { echo 'the tree is mixed'; ls -laR "$T/work"; }
	for run in $(fettle runs --json --limit 100 | jq -r '.. | .run? // empty' | sort -u); do
		fettle show "$run" --json >"$T/show" || echo "show $run failed"
		s=$(jq -r .state "$T/show")
		case $s in
		succeeded | rolled_back | failed) ;;
		*) echo "run $run is $s" ;;
		esac
	done
	up=0 down=0
	if [ -e "$T/world" ]; then
		up=$(grep -c up "$T/world")
		down=$(grep -c down "$T/world")
	fi
	[ "$up" -le 1 ] || echo "the effect was caused $up times"
	# A rollback step cut off in the middle is done again; a finished one never.
	done=$(sqlite3 "$FETTLE_STATE_DIR/fettle.db" "SELECT count(*) FROM events
		WHERE kind = 'step.ended' AND json_extract(body, '\$.step') = 'undo'
		AND json_extract(body, '\$.state') = 'succeeded'")
	[ "$done" -le 1 ] || echo "unwound $done times"
	[ "$up" -le "$down" ] || echo "caused $up times, undone $down times"
	ended=$(sqlite3 "$FETTLE_STATE_DIR/fettle.db" "SELECT count(*) FROM events
		WHERE kind = 'run.ended' GROUP BY run HAVING count(*) > 1")
	[ -z "$ended" ] || echo 'a run ended twice'
	[ "$(sqlite3 "$FETTLE_STATE_DIR/fettle.db" 'PRAGMA integrity_check')" = ok ] ||
		echo 'the store is damaged'
	find "$FETTLE_STATE_DIR/scratch" -mindepth 1 2>/dev/null | head -1 | grep -q . &&
		[ -n "${FETTLE_TEST_STRICT:-}" ] && echo 'scratch is left'
	return 0
}

fresh
clean=$(tree_hash "$T/work")
points=0 bad=0
for call in $calls; do
	n=1
	while :; do
		fresh
		warm
		strace -qq -o /dev/null -e trace="$call" -e signal=none \
			-e inject="$call:signal=KILL:when=$n" \
			"$FETTLE_BINDIR/fettle" -C "$T/work" run -p ./bad.yaml \
			>"$T/killed.out" 2>&1 </dev/null
		code=$?
		[ "$code" -ge 128 ] || break
		points=$((points + 1))
		fettle -C "$T/work" run -p ./next.yaml >"$T/next.out" 2>&1 ||
			echo "next exited $?: $(cat "$T/next.out")" >"$T/complaint"
		verify >>"$T/complaint"
		if [ -s "$T/complaint" ]; then
			bad=$((bad + 1))
			[ "$bad" -gt 5 ] || diag "killed at $call $n: $(cat "$T/complaint")"
		fi
		rm -f "$T/complaint"
		n=$((n + 1))
	done
	[ "$code" -eq 3 ] || fail "without a kill at $call $n the run ended with $code"
done
diag "$points kill points, $bad bad"
ok 'there were at least 100 points to kill at' test "$points" -ge 100
is 'after every kill the next process left a clean tree and one unwinding' "$bad" 0
done_testing
