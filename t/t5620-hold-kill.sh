#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every mutating system call of an approval that lets a run go on. An
# approval is used at most once, nothing is done without one, and the next
# approval or process brings the run to an end that is true.
#
# FETTLE_KILL_CALLS names other system calls to kill at.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need strace sqlite3
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'
[ "$(id -u)" -eq 0 ] || skip_all 'only root can be somebody else under strace'
: "${FETTLE_KILL_CALLS:=renameat2 rename unlinkat mkdirat fsync fdatasync ftruncate
write sendto clone3 clone vfork}"
# Where time is short: every sixth write of pages, say.
: "${FETTLE_KILL_STEP:=1}"

test_modules
people='  bob: { users: [bob], roles: [sre] }'
site
mkdir work
cat >work/p.yaml <<YAML
fettle: 1
name: p
policies: [{ uses: ask }]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$T/world'] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'echo down >>$T/world'] }
YAML
cat >work/next.yaml <<'YAML'
fettle: 1
name: next
steps: [{ id: nothing, uses: verify/command, with: { argv: ['true'] } }]
YAML
echo one >work/a.txt
fettle -C work run -p ./p.yaml >out 2>&1
is 'a run waits' "$?" 5
run=$(fettle runs -q | tail -n1)
digest=$(fettle show "$run" --json | jq -r .hold.digest)
cp -a "$FETTLE_STATE_DIR" warm

fresh()
{
	rm -rf "$FETTLE_STATE_DIR" world
	cp -a warm "$FETTLE_STATE_DIR"
	echo one >work/a.txt
}

# What must hold at the end; prints what does not.
verify()
{
	state=$(fettle show "$run" --json | jq -r .state)
	text=$(cat work/a.txt)
	up=0 down=0
	[ ! -e world ] || { up=$(grep -c up world); down=$(grep -c down world); }
	case "$state $text" in
	'succeeded two') [ "$up $down" = '1 0' ] || echo "succeeded: up $up, down $down" ;;
	'rolled_back one' | 'failed one') [ "$up" -le 1 ] && [ "$up" -le "$down" ] ||
		echo "$state: up $up, down $down" ;;
	*) echo "the run is $state, the file has $text" ;;
	esac
	sql "
		SELECT 'used twice' FROM events WHERE kind = 'hold.consumed'
			GROUP BY run HAVING count(*) > 1;
		SELECT 'approved twice' FROM events WHERE kind = 'hold.approved'
			GROUP BY run HAVING count(*) > 1;
		SELECT 'begun without: ' || json_extract(i.body, '\$.step') FROM events i
			WHERE i.kind = 'step.intent' AND json_extract(i.body, '\$.step') = 'patch'
			AND NOT EXISTS (SELECT 1 FROM events c WHERE c.kind = 'hold.consumed'
				AND c.run = i.run AND c.seq < i.seq)"
	fettle audit verify >audit 2>&1 || cat audit
	fettle store verify >audit 2>&1 || cat audit
}

: >points
: >complaints
for call in $FETTLE_KILL_CALLS pwrite64; do
	n=1
	while :; do
		fresh
		SUDO_USER=bob strace -qq -o /dev/null -e trace="$call" -e signal=none \
			-e inject="$call:signal=KILL:when=$n" "$FETTLE_BINDIR/fettle" -C work \
			approve "$run" --digest "$digest" >killed 2>&1 </dev/null
		code=$?
		[ "$code" -ge 128 ] || break
		echo "$call $n" >>points
		{
			# The same person says the same again; then anybody comes by.
			as bob -C work approve "$run" --digest "$digest" >again 2>&1
			fettle -C work run -p ./next.yaml >next 2>&1 || echo "next: $(cat next)"
			verify
		} >complaint
		[ ! -s complaint ] || sed "s/^/$call $n: /" complaint >>complaints
		case $call in pwrite64) n=$((n + FETTLE_KILL_STEP)) ;; *) n=$((n + 1)) ;; esac
	done
	[ "$code" -eq 0 ] || echo "$call $n: without a kill it ended with $code" >>complaints
done
diag "$(wc -l <points) kill points: $(cut -d' ' -f1 points | sort | uniq -c | tr -s ' \n' ' ')"
diag "$(head -40 complaints)"
ok 'there were points to kill at' test "$(wc -l <points)" -ge 20
is 'after every kill the run came to a true end' "$(wc -l <complaints)" 0
done_testing
