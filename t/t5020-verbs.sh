#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the verbs say of runs: to people, to pipes, to programs.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq

esc=$(printf '\033')
printf 'one\ntwo\n' >a.txt
cat >good.yaml <<'YAML'
fettle: 1
name: good
inputs: { word: { type: string, default: hello } }
steps:
  - id: ask
    uses: analyze/command
    with: { argv: [printf, '%s\033[31m red\033[0m\n', '${{ inputs.word }}'] }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: uno }] }
YAML
cat >bad.yaml <<'YAML'
fettle: 1
name: bad
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: add_line, path: a.txt, line: three }] }
  - id: verify
    uses: verify/command
    with: { argv: [sh, -c, 'echo the last word; exit 1'], within: 100ms }
YAML

# ---- a run that fails

run_fails 3 'a run that fails and is put back ends with 3' fettle run -p ./bad.yaml
like 'the outcome in one line' "$out" '^failed, rolled back: everything is as it was before'
like 'its cause, with the step' "$out" '^  cause +verify: '
like 'its remedy' "$out" '^  what to do [a-z]'
like 'what was put back, with counts' "$out" '^  put back +file a\.txt  \+1 -0$'
like 'the end of the log' "$out" '^ .*\| the last word$'
run=$(fettle runs -q -n 1)
like 'commands that can be pasted' "$out" "^  next +fettle show $run( |\$)"
is 'standard error is empty' "$err" ''
unlike 'nothing is coloured in a pipe' "$out" "$esc"

run_ok 'it is shown' fettle show "$run"
like 'with its steps' "$out" '^  verify +failed +[0-9:]{8} +[0-9]'
run_ok 'a beginning of its id will do' fettle show -q "${run%?}"
is 'quietly its state' "$out" rolled_back
run_fails 1 'an unknown run is refused' fettle show 19700101
run_fails 1 'an unknown step is refused' fettle logs last nostep
like 'with the steps there are' "$err" 'what to do: .*patch, verify'
run_fails 1 'an unknown artifact is refused' fettle artifacts last verify.lgo
like 'with the one that was meant' "$err" "what to do: .*'verify\.log'"

# ---- a run that succeeds

run_ok 'a run that succeeds ends with 0' fettle run -p ./good.yaml
like 'the outcome in one line' "$out" '^succeeded '
like 'how it went' "$out" '^ask: succeeded after '
like 'how to undo it' "$out" '^ .*fettle rollback [0-9]{8}-'
run_ok 'quietly' fettle rollback last -q
like 'it is undone' "$out" '^rolled back, as ordered'
is 'byte for byte' "$(cat a.txt)" "$(printf 'one\ntwo\n')"
undone=$(fettle show last --json | jq -r .rolls_back)
like 'by a run that is told with it' "$(fettle show "$undone")" \
	"^  later +rolled back by run $(fettle runs -q -n 1)"
like 'also in the list' "$(fettle runs)" \
	"^$undone +succeeded .*\(rolled back by $(fettle runs -q -n 1)\)"
like 'which tells what it was for' "$(fettle show last)" "^  rolls back $undone"
run_fails 2 'and cannot be undone twice' fettle rollback "$undone"
like 'which is said' "$err" 'nothing of it stands'

# ---- an input, a state directory and a directory, as given

run_ok 'an input and other places' fettle --state-dir "$T/other place" -C "$T" \
	run -p good.yaml -i word=salut
like 'are in the next commands, quoted' "$out" \
	"fettle --state-dir '$T/other place' show [0-9]"
run_ok 'the input' fettle --state-dir "$T/other place" logs last ask
like 'arrived' "$out" "^salut$esc\[31m red"

# ---- plan

printf 'one\ntwo\n' >a.txt
run_ok 'a plan' fettle plan -p ./good.yaml -i word=a\ b
like 'shows the steps with their limits' "$out" '^  patch +patch/apply +20m +5m'
like 'the diff' "$out" '^\+uno$'
like 'the command, quoted' "$out" "^  command +printf '.*' 'a b'\$"
like 'and how to do it' "$out" "^  fettle run -p \./good\.yaml -i 'word=a b'\$"
is 'and keeps no run' "$(fettle runs -q | wc -l)" 3
like 'whose steps they are' "$out" '^  made by +operator$'
cat >bad.yaml <<'YAML'
fettle: 1
name: bad
steps:
  - { id: patch, uses: patch/apply, with: { diff: "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-none\n+two\n" } }
  - { id: after, uses: verify/command, with: { argv: ['true'] } }
YAML
run_fails 2 'a plan that comes to no end' fettle plan -p ./bad.yaml
like 'says why' "$out" '^  message +.*a\.txt'
unlike 'and does not tell to run it' "$out" 'fettle run'

# ---- JSON

capture fettle run --json -p ./good.yaml
printf '%s\n' "$out" >"$T/lines"
ok 'each line of a run is a JSON object' jq -e . "$T/lines"
is 'the first is its order' "$(head -n 1 "$T/lines" | jq -r .kind)" run.queued
is 'the last is its summary' "$(tail -n 1 "$T/lines" | jq -r .kind)" summary
is 'with the exit status' "$(tail -n 1 "$T/lines" | jq -r .body.exit)" 0
is 'and the counts of each file' \
	"$(tail -n 1 "$T/lines" | jq -c '.body.changes[] | [.target, .added, .removed]')" \
	'["a.txt",1,1]'
for verb in runs show logs diff artifacts doctor plugins "check -p ./good.yaml" \
	"plan -p ./good.yaml"; do
	# shellcheck disable=SC2086
	capture fettle --json $verb
	ok "fettle $verb --json is one document" sh -c 'test "$(jq -s length "$1")" = 1' sh "$T/out"
done
run_ok 'the history' fettle runs --json --state rolled_back
is 'can be picked from' "$(json length)" 1
run_ok 'and read in pages' fettle runs --json -n 1 --offset 1
is 'of any length' "$(json length)" 1

# ---- logs and artifacts

run_ok 'the log of a run that is over' fettle logs -f --json
is 'ends with the summary too' "$(printf '%s\n' "$out" | tail -n 1 | jq -r .kind)" summary
like 'and has the lines of the steps' \
	"$(printf '%s\n' "$out" | jq -r 'select(.kind == "log") | .text')" '^hello'
dir=$(fettle show --json | jq -r .artifacts_dir)
run_ok 'an artifact goes to a file' fettle artifacts last patch.diff -o "$T/copy"
same_file 'as it is' "$T/copy" "$dir/patch.diff"
run_fails 1 'but never over one' fettle artifacts last patch.diff -o "$T/copy"
ln -s "$T/else" "$T/link"
run_fails 1 'nor through a symlink' fettle artifacts last patch.diff -o "$T/link"
not_ok 'to anywhere' test -e "$T/else"
echo tampered >>"$dir/patch.diff"
run_fails 1 'an artifact that was changed is not handed out' fettle artifacts last patch.diff
is 'not one byte of it' "$out" ''
like 'and both hashes are told' "$err" 'SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}'
rm "$dir/ask.log"
run_fails 1 'nor one that is gone' fettle artifacts last ask.log

# ---- a run that another process carries out, and that dies

cat >slow.yaml <<'YAML'
fettle: 1
name: slow
steps:
  - id: wait
    uses: analyze/command
    with: { argv: [sh, -c, 'echo waiting; while [ ! -e go ]; do sleep 0.02; done; echo went'] }
YAML
fettle run -q -p ./slow.yaml >"$T/slow.out" &
slow=$!
ok 'a run under way is in the list' wait_for 20 \
	sh -c '"$1/fettle" runs -q --state running | grep -q .' sh "$FETTLE_BINDIR"
fettle logs -f >"$T/follow.out" &
follow=$!
ok 'what it prints is seen at once' wait_for 20 grep -qx waiting "$T/follow.out"
: >go
ok 'following ends with the run' wait "$follow"
like 'with its last line' "$(cat "$T/follow.out")" '^went$'
like 'and its outcome' "$(cat "$T/follow.out")" '^succeeded'
wait "$slow"

rm go
printf 'one\ntwo\n' >a.txt
"$FETTLE_BINDIR/fettle" run -q -p ./slow.yaml >"$T/slow.out" &
slow=$!
ok 'another run begins' wait_for 20 \
	sh -c 'test "$("$1/fettle" runs -q --state running -n 1)" &&
		"$1/fettle" logs last wait 2>&1 | grep -qx waiting' sh "$FETTLE_BINDIR"
kill -KILL "$slow"
wait "$slow" 2>/dev/null
ok 'a run that was killed is told as interrupted' wait_for 20 \
	sh -c '"$1/fettle" runs -n 1 | grep -q interrupted' sh "$FETTLE_BINDIR"
run_fails 1 'following it does not wait for ever' fettle logs -f
like 'but says what to do' "$err" 'what to do: .*fettle rollback'
run_fails 2 'doctor finds it' fettle doctor --json
like 'with what to do' "$(json '.[] | select(.name == "unfinished runs") | .remedy')" \
	'fettle rollback '
run_ok 'the next run finishes it first' fettle run -p ./good.yaml
like 'and says so' "$out" '^finished interrupted run .*: failed$'
done_testing
