#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of steps, without Docker: order, outputs, edits, failure,
# unwinding, `finally`, refusals, masking.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace

# ---- success ----

printf 'one\ntwo\n' >a.txt
cat >ok.yaml <<'YAML'
fettle: 1
name: ok
steps:
  - id: ask
    uses: analyze/command
    with: { argv: [sh, -c, 'echo "word=uno" >>"$FETTLE_OUTPUTS"; echo asked'] }
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: a.txt, find: one, with: changed }
  - id: verify
    uses: verify/command
    with: { argv: [grep, -q, changed, a.txt] }
finally:
  - id: last
    uses: verify/command
    with: { argv: [sh, -c, 'echo last words'] }
YAML
run_ok 'a pipeline without a service needs no project and no Docker' \
	fettle run -p ./ok.yaml
is 'it succeeded' "$(of_last .state)" succeeded
is 'its steps ran in order, finally last' "$(steps last)" \
	'ask=succeeded patch=succeeded verify=succeeded last=succeeded'
is 'the engine applied the edit' "$(cat a.txt)" "$(printf 'changed\ntwo\n')"
like 'a step leaves its log' "$(fettle artifacts last ask.log)" '^asked$'
like 'the diff is an artifact' "$(fettle artifacts last patch.diff)" '^\+changed$'
run_ok 'the diff can be shown later' fettle diff last
like 'and is the same' "$out" '^-one$'

# ---- stopping behind a step ----

printf 'one\ntwo\n' >a.txt
run_ok 'run --until stops behind a step' fettle run -p ./ok.yaml --until patch
is 'what it did stands' "$(cat a.txt)" "$(printf 'changed\ntwo')"
is 'the steps behind it are skipped, finally ran' "$(steps last)" \
	'ask=succeeded patch=succeeded verify=skipped last=succeeded'
run_ok 'and it can be put back' fettle rollback last
is 'byte for byte' "$(cat a.txt)" "$(printf 'one\ntwo')"
run_fails 2 'a step that is not there is refused' fettle run -p ./ok.yaml --until pach
like 'with the nearest name' "$err" "did you mean 'patch'"

# ---- plan changes nothing ----

printf 'one\ntwo\n' >a.txt
before=$(tree_hash .)
run_ok 'plan works' fettle plan -p ./ok.yaml
like 'plan shows the diff' "$out" '^ *\+changed'
is 'plan writes no byte of the workspace' "$(tree_hash .)" "$before"

# ---- failure: everything back ----

cat >bad.yaml <<YAML
fettle: 1
name: bad
steps:
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: a.txt, find: one, with: changed }
        - { op: write, path: new.txt, content: "made\n" }
        - { op: delete, path: gone.txt }
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$T/world'] }
  - id: verify
    uses: verify/command
    with: { argv: [sh, -c, 'echo not well; exit 3'] }
  - id: never
    uses: verify/command
    with: { argv: [touch, $T/never] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [sh, -c, 'echo down >>$T/world; cat "\$FETTLE_EFFECTS"'] }
finally:
  - id: last
    uses: verify/command
    with: { argv: [touch, $T/finally] }
YAML
printf 'no newline at the end' >gone.txt
chmod 0751 gone.txt
echo 'the operator is working here' >notes.txt
before=$(tree_hash .)
run_fails 3 'a failed verification ends with exit status 3' fettle run -p ./bad.yaml
is 'the run is rolled_back' "$(of_last .state)" rolled_back
is 'every file is back, byte for byte, mode and all' "$(tree_hash .)" "$before"
is 'the effect was undone once, after it was caused' "$(cat "$T/world")" "$(printf 'up\ndown')"
is 'the steps tell the story' "$(steps last)" \
	'patch=succeeded restart=succeeded verify=failed never=skipped undo=succeeded last=succeeded'
not_ok 'a step behind the failure is never started' test -e "$T/never"
ok 'finally ran' test -e "$T/finally"
like 'the failed step left its log with the output' "$(fettle artifacts last verify.log)" \
	'^not well$'
like 'and its command line' "$(fettle artifacts last verify.log)" 'sh -c'
like 'the rollback module was handed the standing effect' "$(fettle artifacts last undo.log)" \
	'restart-command'
capture fettle show last
like 'show names the cause' "$out" 'ended with exit status 3'
like 'show names the rollback' "$out" '[Rr]olled back'

# ---- a rollback that fails is the loudest thing there is ----

sed 's/echo down/exit 9; echo down/' bad.yaml >worse.yaml
run_fails 4 'a rollback that fails ends with exit status 4' fettle run -p ./worse.yaml
is 'the run is rollback_failed' "$(of_last .state)" rollback_failed
is 'the files are back all the same' "$(tree_hash . | cut -c1-9 >/dev/null; cat a.txt)" \
	"$(printf 'one\ntwo\n')"
like 'and says so' "$out$err" 'NOT ROLLED BACK'

# ---- failure before any change: no rollback at all ----

rm -f "$T/world" worse.yaml
cat >early.yaml <<YAML
fettle: 1
name: early
steps:
  - id: verify
    uses: verify/command
    with: { argv: ['false'] }
  - id: restart
    uses: restart/command
    with: { argv: [touch, $T/world] }
on_failure:
  - id: undo
    uses: rollback/command
    with: { argv: [touch, $T/undone] }
YAML
run_fails 3 'a failure before any change' fettle run -p ./early.yaml
is 'is failed, not rolled_back' "$(of_last .state)" failed
not_ok 'and no rollback step was started' test -e "$T/undone"

# ---- limits in time ----

cat >idle.yaml <<'YAML'
fettle: 1
name: idle
steps:
  - { id: quiet, uses: verify/command, idle_timeout: 300ms, with: { argv: [sleep, '60'] } }
YAML
run_fails 3 'a step that says nothing for too long is stopped' fettle run -p ./idle.yaml
is 'and that is the cause' "$(of_last .code)" idle_timeout
sed -i 's/idle_timeout: 300ms/timeout: 300ms/' idle.yaml
run_fails 3 'and one that takes too long' fettle run -p ./idle.yaml
is 'for its own cause' "$(of_last .code)" timeout

# ---- edits that are refused ----

mkdir -p .git/hooks
ln -s /etc outside
ln a.txt twin.txt
refuse() # CLAIM EDIT CODE
{
	cat >edit.yaml <<YAML
fettle: 1
name: edit
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ $2 ] }
YAML
	before=$(tree_hash .)
	run_fails "$4" "$1: refused" fettle run -p ./edit.yaml
	like "$1: $3" "$out$err" "\\[$3\\]"
	is "$1: nothing changed" "$(tree_hash .)" "$before"
	like "$1: there is a remedy" "$out$err" 'what to do'
}
refuse 'a path that leaves the workspace' '{ op: write, path: ../evil, content: x }' patch.path 2
refuse 'an absolute path' '{ op: write, path: /etc/evil, content: x }' patch.path 2
refuse 'a path through a symlink' '{ op: write, path: outside/evil, content: x }' patch.path 3
refuse '.git' '{ op: write, path: .git/hooks/pre-commit, content: x }' edit.forbidden 3
refuse '.GIT' '{ op: write, path: .GIT/config, content: x }' edit.forbidden 3
refuse 'a hard link' '{ op: write, path: a.txt, content: x }' apply.hardlink 3
rm twin.txt

# ---- a foreign change is never written over ----

cat >race.yaml <<YAML
fettle: 1
name: race
steps:
  - id: patch
    uses: patch/apply
    with:
      edits:
        - { op: replace, path: a.txt, find: one, with: changed }
        - { op: replace, path: b.txt, find: one, with: changed }
  - id: wait
    uses: verify/command
    with: { argv: [sh, -c, 'touch $T/ready; while [ ! -e $T/go ]; do sleep 0.05; done; exit 1'] }
YAML
printf 'one\n' >b.txt
fettle run -p ./race.yaml >"$T/race.out" 2>&1 &
race=$!
wait_for 20 test -e "$T/ready" || bail 'the waiting step did not start'
echo 'written by the operator meanwhile' >a.txt
touch "$T/go"
wait "$race"
is 'a file changed meanwhile ends with exit status 4' "$?" 4
is 'it is left as the operator wrote it' "$(cat a.txt)" 'written by the operator meanwhile'
is 'the other file is back' "$(cat b.txt)" one
is 'the run says rollback_failed' "$(of_last .state)" rollback_failed
is 'and why' "$(of_last .detail.rollback.code)" rollback_conflict
is 'both versions are kept' "$(fettle artifacts last conflict-a.txt.before)" \
	"$(printf 'one\ntwo')"
printf 'one\ntwo\n' >a.txt

# ---- steps cannot write the workspace themselves ----

cat >write.yaml <<'YAML'
fettle: 1
name: write
steps:
  - id: write
    uses: verify/command
    with: { argv: [sh, -c, 'echo sneaky >a.txt'] }
YAML
capture fettle run -p ./write.yaml
if fettle doctor --json | grep -q 'level tree'; then
	is 'a step that writes the workspace fails' "$rc" 3
	is 'and the file is as it was' "$(cat a.txt)" "$(printf 'one\ntwo')"
else
	skip 'a step that writes the workspace fails' 'no mount namespace here'
	skip 'and the file is as it was' 'no mount namespace here'
fi

# ---- fettle's own words about wrong pipelines ----

printf 'fettle: 1\nname: x\nsteps:\n  - id: a\n    uses: verify/comand\n' >typo.yaml
run_fails 2 'an unknown step type is refused' fettle run -p ./typo.yaml
like 'with line and column' "$err" 'typo\.yaml:5:11'
like 'and the nearest name' "$err" "did you mean 'verify/command'"
printf 'fettle: 1\nname: x\nsteps:\n  - id: a\n    uses: verify/command\n    with: { argv: ["${{ steps.b.outputs.c }}"] }\n' >ref.yaml
run_fails 2 'a reference to nothing is refused before anything runs' fettle run -p ./ref.yaml
like 'with line and column' "$err" 'ref\.yaml:6:'

# ---- the log is whole ----

for run in $(fettle runs --json | jq -r '.[]?.run // .runs[]?.run'); do
	fettle show "$run" --json >/dev/null || fail "show $run"
done
done_testing
