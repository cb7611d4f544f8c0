#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every mutating system call of a process that writes to the store.
# What it acknowledged before is there afterwards, and all that is there is whole.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need strace
out=
strace -o /dev/null true 2>/dev/null || skip_all 'strace may not trace here'
driver=$FETTLE_BUILD/t/unit/store-driver
[ -x "$driver" ] || skip_all "$driver is not built"

calls='pwrite64 write fdatasync fsync rename renameat renameat2 unlink unlinkat
ftruncate openat mkdir mkdirat fchmod flock'

# Which files in blobs/ do not have the name of their content; temporary ones may lie.
bad_blobs()
{
	find "$T/state/blobs" -type f ! -name '.*' 2>/dev/null | while read -r blob; do
		[ "$(sha256sum <"$blob")" = "${blob##*/}  -" ] || echo "$blob"
	done
}

# What was acknowledged and is not there.
lost()
{
	sed -n 's/^ack //p' "$T/said" | LC_ALL=C sort >"$T/acked"
	sed -n 's/^have //p' "$T/found" | LC_ALL=C sort >"$T/have"
	LC_ALL=C comm -23 "$T/acked" "$T/have"
	sed -n 's/^blob \(..\)\(.*\)/\1\/\1\2/p' "$T/said" | while read -r blob; do
		[ -f "$T/state/blobs/$blob" ] || echo "blob $blob"
	done
	bad_blobs
}

# kill_at CALL N: 1 when the driver came to its end alive.
kill_at()
{
	rm -rf "$T/state"
	strace -qq -o /dev/null -e trace="$1" -e signal=none \
		-e inject="$1:signal=KILL:when=$2" \
		"$driver" write "$T/state" 3 >"$T/said" 2>"$T/err" </dev/null
	status=$?
	[ "$status" -ge 128 ] || return 1
	"$driver" check "$T/state" >"$T/found" 2>"$T/complaint" </dev/null ||
		echo "check failed with $?" >>"$T/complaint"
	lost >>"$T/complaint"
	[ -s "$T/complaint" ] || return 0
	bad=$((bad + 1))
	[ "$bad" -gt 5 ] || diag "killed at $1 $2: $(cat "$T/complaint")"
}

run_ok 'the workload ends well when nobody kills it' "$driver" write "$T/state" 3
is 'and acknowledges all it wrote' "$(printf '%s\n' "$out" | grep -c .)" 16
run_ok 'and all of it is there' "$driver" check "$T/state"

# syncs COUNT: how often the log is synced for so many rounds of two commits.
syncs()
{
	rm -rf "$T/state"
	strace -qq -y -e trace=fsync,fdatasync -o "$T/syncs" \
		"$driver" write "$T/state" "$1" >/dev/null
	grep -c 'fettle\.db-wal>' "$T/syncs"
}
is 'a commit waits for the disk once' "$(($(syncs 13) - $(syncs 3)))" 20

points=0 bad=0 unkilled=0
for call in $calls; do
	n=1
	while kill_at "$call" "$n"; do
		points=$((points + 1))
		n=$((n + 1))
	done
	[ "$status" -eq 0 ] || unkilled=$((unkilled + 1))
done
diag "$points kill points, $bad bad"
ok 'there were at least 200 points to kill at' test "$points" -ge 200
is 'without a kill the workload always ended well' "$unkilled" 0
is 'after every kill all acknowledged was there, whole and writable' "$bad" 0
done_testing
