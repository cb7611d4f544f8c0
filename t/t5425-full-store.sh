#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The file system of the state directory gets full in the middle of a run, or is
# read-only: what is left is told, and put back as soon as that can be recorded.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq mount

disk=$T/disk
mkdir "$disk" work
mount -t tmpfs -o size=4m fettle-test "$disk" 2>/dev/null ||
	skip_all 'nothing can be mounted here'
at_exit 'umount "$disk"'
FETTLE_STATE_DIR=$disk/state
cd work || bail 'no workspace'

echo one >a.txt
cat >fill.yaml <<YAML
fettle: 1
name: fill
steps:
  - { id: patch, uses: patch/apply, with: { diff: "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n" } }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'touch $T/here; until test -e $T/go; do sleep 0.05; done'] } }
YAML
i=0
while [ $((i += 1)) -le 30 ]; do
	echo "  - { id: more$i, uses: verify/command, with: { argv: [seq, '2000'] } }" >>fill.yaml
done

# ---- full, in the middle

fettle run -p ./fill.yaml >"$T/out" 2>"$T/err" &
pid=$!
ok 'the run has changed a file' wait_for 20 test -e "$T/here"
head -c 10m /dev/zero >"$disk/fill" 2>/dev/null
touch "$T/go"
rc=0
wait "$pid" || rc=$?
err=$(cat "$T/err")
is 'a run that cannot be recorded has not ended well' "$rc" 4
like 'why' "$err" 'no space is left .*\[store_unavailable\]|No space left'
like 'which run it is' "$err" 'error: run [0-9]{8}-[0-9a-f-]+ is left as it stands'
like 'what to do, first' "$err" 'what to do: free space on'
like 'and then' "$err" 'then `fettle rollback [0-9]{8}-[0-9a-f-]+` puts back'
is 'the change stands' "$(cat a.txt)" two

# ---- room again: by that command

rm "$disk/fill"
run_ok 'it is put back' sh -c "PATH=$FETTLE_BINDIR:\$PATH; $(printf '%s\n' "$err" |
	sed -n 's/.*then `\(.*\)` puts back.*/\1/p')"
is 'byte for byte' "$(cat a.txt)" one
run_ok 'and the log is whole' fettle audit verify

# ---- read-only

mount -o remount,ro "$disk" || bail 'it cannot be made read-only'
run_ok 'what is there can be looked at' fettle show last
run_fails 2 'nothing can be run' fettle run -p ./fill.yaml
like 'with what to do' "$err" 'what to do: .*--state-dir'
is 'no file was touched' "$(cat a.txt)" one
run_fails 2 'the doctor' fettle doctor
like 'finds it' "$out" '^problem +store .* cannot be written: Read-only file system'
unlike 'and does not blame the modules' "$out" 'reinstall'
mount -o remount,rw "$disk"
run_ok 'written again it is well' fettle doctor
done_testing
