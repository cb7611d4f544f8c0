#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at the mutating system calls of backup, restore and gc: the store is
# whole afterwards, with all its events, and the same command then works. Every
# fourth call is tried, with FETTLE_TEST_ALL set every one (some minutes).
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need strace jq sqlite3
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'
PATH=$FETTLE_BINDIR:$PATH
export PATH
stride=${FETTLE_TEST_ALL:+1}
stride=${stride:-4}
calls='pwrite64 write fdatasync fsync syncfs rename renameat2 unlink unlinkat ftruncate mkdir mkdirat flock'

mkdir work && cd work || bail 'no directory'
cat >notes.yaml <<'YAML'
fettle: 1
name: notes
inputs: { text: { type: string, required: true }, verdict: { type: string, required: true } }
steps:
  - { id: patch, uses: patch/apply, with: { edits: [{ op: write, path: notes.txt, content: "${{ inputs.text }}" }] } }
  - { id: verify, uses: verify/command, with: { argv: [test, "${{ inputs.verdict }}", =, good], within: 10ms } }
YAML
for text in one two three; do
	verdict=good
	[ $text != two ] || verdict=bad
	fettle run -q -p ./notes.yaml -i text=$text -i verdict=$verdict >/dev/null 2>&1
done
cd .. || bail 'no way back'
find state/blobs -type f -exec touch -d '2 hours ago' {} +
sqlite3 state/fettle.db 'update runs set ended_ms = ended_ms - 1000' >/dev/null
cp -R state template
fettle store backup "$T/backup" >/dev/null || bail 'no backup'
hashes=$(sqlite3 state/fettle.db "select run, seq, hash from events where run <> 'site'")

fresh()
{
	rm -rf state target .target.fettle-*
	[ "$1" = none ] || cp -R template state
}

# whole DIRECTORY: nothing when all of it can be proved and no event is lost.
whole()
{
	fettle --state-dir "$1" store verify >"$T/said" 2>&1 || cat "$T/said"
	[ "$(sqlite3 "$1/fettle.db" "select run, seq, hash from events where run <> 'site'")" = "$hashes" ] ||
		echo 'events are lost'
}

# after_backup, after_restore, after_gc: what is wrong, and whether it works now.
after_backup()
{
	whole "$T/state"
	[ ! -e target ] || whole "$T/target"
	rm -rf target
	fettle store backup "$T/target" >/dev/null 2>"$T/said" || cat "$T/said"
	whole "$T/target"
	[ -z "$(find . -maxdepth 1 -name '.target*')" ] || echo 'something lies beside it'
}

after_restore()
{
	if [ "$(sqlite3 state/fettle.db 'select count(*) from events' 2>/dev/null || echo 0)" != 0 ]; then
		whole "$T/state"
		return
	fi
	fettle store restore "$T/backup" >/dev/null 2>"$T/said" || cat "$T/said"
	whole "$T/state"
}

after_gc()
{
	whole "$T/state"
	fettle store gc --keep 0 >/dev/null 2>"$T/said" || cat "$T/said"
	whole "$T/state"
}

# The database that was there is either still there or replaced, and never neither.
after_replace()
{
	whole "$T/state"
	fettle store restore --replace "$T/backup" >/dev/null 2>"$T/said" || cat "$T/said"
	whole "$T/state"
}

# kill_all NAME STATE COMMAND...: kills at each call; sets $points and $bad.
kill_all()
{
	name=$1
	state=$2
	shift 2
	points=0
	bad=0
	for call in $calls; do
		n=1
		while :; do
			fresh "$state"
			strace -qq -o /dev/null -e trace="$call" -e signal=none \
				-e inject="$call:signal=KILL:when=$n" "$@" >/dev/null 2>&1
			[ $? -ge 128 ] || break
			points=$((points + 1))
			n=$((n + stride))
			"after_$name" >"$T/complaint" 2>&1
			[ -s "$T/complaint" ] || continue
			bad=$((bad + 1))
			[ "$bad" -gt 5 ] || diag "$name killed at $call $n: $(cat "$T/complaint")"
		done
	done
	diag "$name: $points kill points, $bad bad"
	ok "$name: there were enough points to kill at" test "$points" -ge 12
	is "$name: after every kill the store is whole" "$bad" 0
}

fettle=$(command -v fettle)
kill_all backup there "$fettle" store backup "$T/target"
kill_all restore none "$fettle" store restore "$T/backup"
kill_all replace there "$fettle" store restore --replace "$T/backup"
kill_all gc there "$fettle" store gc --keep 0
done_testing
