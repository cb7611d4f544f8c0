#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `if`, `retry` and `continue_on_error`: which steps run, how often, and what
# a failure means.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"

workspace

# ---- if ----

cat >if.yaml <<'YAML'
fettle: 1
name: if
inputs:
  place: { type: string, default: here }
steps:
  - id: ask
    uses: analyze/command
    with: { argv: [sh, -c, 'echo size=3 >>"$FETTLE_OUTPUTS"'] }
  - { id: yes, uses: verify/command, if: "inputs.place == 'here'", with: { argv: ['true'] } }
  - { id: no, uses: verify/command, if: "${{ inputs.place != 'here' }}", with: { argv: ['false'] } }
  - id: both
    uses: verify/command
    if: steps.no.state == 'skipped' && steps.ask.outputs.values.size == '3'
    with: { argv: ['true'] }
  - { id: never, uses: verify/command, if: failure(), with: { argv: ['false'] } }
finally:
  - { id: good, uses: verify/command, if: success(), with: { argv: ['true'] } }
  - { id: bad, uses: verify/command, if: failure(), with: { argv: ['true'] } }
YAML
run_ok 'a step whose condition is false is skipped' fettle run -p ./if.yaml
is 'and only that' "$(steps last)" \
	'ask=succeeded yes=succeeded no=skipped both=succeeded never=skipped good=succeeded bad=skipped'
run_fails 3 'the other way round' fettle run -p ./if.yaml -i place=there
is 'the failing one runs, finally knows' "$(steps last)" \
	'ask=succeeded yes=skipped no=failed both=skipped never=skipped good=skipped bad=succeeded'
run_ok 'plan shows what is skipped' fettle plan -p ./if.yaml --json
is 'by its state' "$(json '.steps[] | select(.step == "no") | .state')" skipped

# ---- retry ----

flaky() # TIMES ATTEMPTS [ON]: fails so often, then succeeds
{
	rm -f "$T/count"
	cat >retry.yaml <<YAML
fettle: 1
name: retry
steps:
  - id: flaky
    uses: verify/command
    timeout: 1s
    retry: { attempts: $2, backoff: 10ms, on: ${3:-any} }
    with: { argv: [sh, -c, 'echo x >>$T/count; [ \$(wc -l <$T/count) -gt $1 ]'] }
YAML
}
flaky 2 3
run_ok 'a step is tried again' fettle run -p ./retry.yaml
is 'as often as it takes' "$(wc -l <"$T/count")" 3
is 'each attempt counts' "$(fettle show last --json | jq '.steps[0].attempt')" 3
ok 'the first attempt keeps its log' fettle artifacts last flaky.log
ok 'the last one has its own' fettle artifacts last flaky.3.log

flaky 5 3
run_fails 3 'but no more often than it may' fettle run -p ./retry.yaml
is 'three times' "$(wc -l <"$T/count")" 3

flaky 2 3 transient
run_fails 3 'an answer of no is not transient' fettle run -p ./retry.yaml
is 'and asked once' "$(wc -l <"$T/count")" 1

cat >slow.yaml <<YAML
fettle: 1
name: slow
steps:
  - id: slow
    uses: verify/command
    timeout: 4s
    retry: { attempts: 2, backoff: 10ms }
    with: { argv: [sh, -c, 'echo x >>$T/slow; [ \$(wc -l <$T/slow) -gt 1 ] || sleep 30'] }
YAML
run_ok 'a timeout is transient' fettle run -p ./slow.yaml
is 'and tried again' "$(wc -l <"$T/slow")" 2

# ---- continue_on_error ----

cat >forgive.yaml <<'YAML'
fettle: 1
name: forgive
steps:
  - { id: optional, uses: verify/command, continue_on_error: true, with: { argv: ['false'] } }
  - { id: after, uses: verify/command, with: { argv: ['true'] } }
  - { id: told, uses: verify/command, if: failure(), with: { argv: ['true'] } }
YAML
run_ok 'a failure that is forgiven does not end the run' fettle run -p ./forgive.yaml
is 'it is still a failure, and later steps can ask' "$(steps last)" \
	'optional=failed after=succeeded told=succeeded'
like 'the end tells it as forgiven' "$out" "forgiven +optional: 'false' ended with exit status 1 "
unlike 'and not as a cause' "$out" '^ *(cause|what to do) '
is 'for programs neither' "$(fettle show last --json | jq .cause)" null

for key in 'continue_on_error: true' 'retry: { attempts: 2 }'; do
	printf 'fettle: 1\nname: x\nsteps:\n  - id: a\n    uses: restart/command\n    %s\n    with: { argv: ["true"] }\n' "$key" >effect.yaml
	run_fails 2 "$key is refused where a failure leaves effects" fettle run -p ./effect.yaml
	like 'with line and column' "$err" 'effect\.yaml:[0-9]+:[0-9]+'
done

# ---- rounds ----

printf 'one\n' >a.txt
printf 'one\n' >b.txt
cat >1.diff <<'END'
--- a/a.txt
+++ b/a.txt
@@ -1 +1,2 @@
 one
+two
END
cat >2.diff <<'END'
--- a/a.txt
+++ b/a.txt
@@ -1,2 +1,3 @@
 one
 two
+three
END
cat >3.diff <<'END'
--- a/b.txt
+++ b/b.txt
@@ -1 +1,2 @@
 one
+two
END
cat >rounds.yaml <<YAML
fettle: 1
name: rounds
inputs:
  good: { type: int, default: 3 }
rounds: 3
steps:
  - id: look
    uses: analyze/command
    with: { argv: [sh, -c, 'echo x >>$T/rounds; cat \$(wc -l <$T/rounds).diff'], capture: true }
  - { id: patch, uses: patch/apply, with: { diff: "\${{ steps.look.outputs.stdout }}\\n" } }
  - { id: enough, uses: verify/command, env: { GOOD: "\${{ inputs.good }}" }, with: { argv: [sh, -c, 'test \$(wc -l <$T/rounds) -ge \$GOOD'], within: 0s } }
YAML
changed()
{
	json '[.changes[] | select(.standing == '"$1"') | "\(.step) \(.target) +\(.added)"] | join(" ")'
}
run_ok 'what three rounds find is changed' fettle run -p ./rounds.yaml
like 'the file of two rounds is counted whole' "$out" 'file a\.txt +\+2 -0$'
like 'and that of another round told, too' "$out" 'file b\.txt +\+1 -0$'
run_ok 'show' fettle show last --json
is 'says the same' "$(changed true)" 'patch a.txt +2 patch b.txt +1'
is 'with each attempt and its end' \
	"$(json '.steps[] | select(.step == "enough") | [.attempts[] | "\(.attempt) \(.state) \(.code)"] | join(", ")')" \
	'1 failed command_failed, 2 failed command_failed, 3 succeeded null'
ok 'and when it was' jq -e '[.steps[].attempts[] | .started_ms <= .ended_ms] | length == 9 and all' "$T/out"
run_ok 'as text' fettle show last
like 'the attempts before the last stand there, too' "$out" '^  enough +failed .* attempt 1: '
rm "$T/rounds"
printf 'one\n' >a.txt
printf 'one\n' >b.txt
run_fails 3 'three rounds that do not help' fettle run -p ./rounds.yaml -i good=4
run_ok 'show' fettle show last --json
is 'says that all of it was put back' "$(changed false)" 'patch a.txt +2 patch b.txt +1'
is 'and nothing stands' "$(changed true)" ''
done_testing
