#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `fettle retry`: where it begins, what is kept, what is refused.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3

workspace
export T

states() # `id=state/attempt` of the last run, in order
{
	of_last '[.steps[] | "\(.step)=\(.state)/\(.attempt)"] | join(" ")'
}
events() # KIND: the bodies of that kind, one a line
{
	fettle logs last -f --json | jq -c --arg kind "$1" 'select(.kind == $kind) | .body'
}

# ---- a step without changes fails ----

cat >plain.yaml <<'YAML'
fettle: 1
name: plain
steps:
  - id: ask
    uses: analyze/command
    with: { argv: [sh, -c, 'echo x >>$T/asked; echo size=$(wc -l <$T/asked) >>"$FETTLE_OUTPUTS"'] }
  - { id: forgiven, uses: verify/command, continue_on_error: true, with: { argv: ['false'] } }
  - { id: never, uses: verify/command, if: "inputs.instruction == 'x'", with: { argv: ['true'] } }
  - id: try
    uses: verify/command
    env: { SIZE: "${{ steps.ask.outputs.values.size }}" }
    with: { argv: [sh, -c, 'echo "size $SIZE"; test -e $T/good'] }
  - { id: last, uses: verify/command, with: { argv: ['true'] } }
finally:
  - { id: end, uses: verify/command, if: failure(), with: { argv: [sh, -c, 'echo end >>$T/ends'] } }
inputs: { instruction: { type: string } }
YAML
sed -i "s|\$T/|$T/|g" plain.yaml
run_fails 3 'a step says no' fettle run -p ./plain.yaml
is 'the run as it ended' "$(states)" \
	'ask=succeeded/1 forgiven=failed/1 never=skipped/0 try=failed/1 last=skipped/0 end=succeeded/1'
first=$(of_last .run)
run_fails 3 'tried again it fails again' fettle retry last
is 'the failed step was attempted again, those before were not' "$(states)" \
	'ask=succeeded/1 forgiven=failed/1 never=skipped/0 try=failed/2 last=skipped/0 end=succeeded/2'
like 'it says where it began' "$out" "^begins at 'try'$"
touch "$T/good"
run_ok 'and when the cause is gone it succeeds' fettle retry last
is 'in the same run' "$(of_last .run)" "$first"
is 'with a new attempt' "$(states)" \
	'ask=succeeded/1 forgiven=failed/1 never=skipped/0 try=succeeded/3 last=succeeded/1 end=succeeded/3'
like 'what was found before is known' "$(fettle artifacts last try.3.log)" '^size 1$'
is 'it was asked once' "$(wc -l <"$T/asked")" 1
is 'finally runs at each end' "$(wc -l <"$T/ends")" 3
is 'the forgiven failure is still a failure to finally' "$(events run.ended | wc -l)" 3
is 'each retry is an event' "$(events run.retried | jq -r .from | sort | uniq -c | tr -s ' ')" ' 2 try'
is 'with who it was' "$(events run.retried | jq -r .by | sort -u)" "operator:$(id -un)"
like 'show tells each attempt' "$(fettle show last | tr '\n' ' ')" \
	' try +failed .* attempt 1: .* failed .* attempt 2: .* succeeded .* attempt 3 +last '
like 'logs shows each attempt' "$(fettle logs last try)" '==> try.2.log <=='

run_fails 2 'a run that succeeded is not retried' fettle retry last
like 'with its code' "$(fettle retry last --json 2>&1)" '"code":"retry_not_allowed"'

rm "$T/good"
run_fails 3 'another one' fettle run -p ./plain.yaml
touch "$T/good"
run_fails 2 'an unknown step is refused' fettle retry last --from tri
like 'with the nearest' "$err" "did you mean 'try'"
is 'and its code' "$(fettle retry last --from tri --json 2>/dev/null | jq -r .error.code)" invalid_resume_step
run_fails 2 'so is one of another section' fettle retry last --from end
run_fails 2 'and one behind the failed one' fettle retry last --from last
like 'naming the first that can be' "$err" '--from try'
run_fails 1 'one or the other' fettle retry last --from try --whole
run_ok 'from an earlier step' fettle retry last --from forgiven
is 'that step and all behind it are done again' "$(states)" \
	'ask=succeeded/1 forgiven=failed/2 never=skipped/0 try=succeeded/2 last=succeeded/1 end=succeeded/2'

rm "$T/good"
run_fails 3 'another one' fettle run -p ./plain.yaml
touch "$T/good"
run_ok 'the whole plan' fettle retry last --whole
is 'begins at the first step' "$(states)" \
	'ask=succeeded/2 forgiven=failed/2 never=skipped/0 try=succeeded/2 last=succeeded/1 end=succeeded/2'
run_fails 1 'there must be such a run' fettle retry 20200101-000000-aaaaaa

# ---- changes were put back ----

cat >change.yaml <<YAML
fettle: 1
name: change
steps:
  - id: analyze
    uses: analyze/command
    with: { argv: [sh, -c, 'echo x >>$T/looked'] }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - id: restart
    uses: restart/command
    with: { argv: [sh, -c, 'echo up >>$T/world'] }
  - { id: verify, uses: verify/command, with: { argv: [test, -e, $T/fine] } }
on_failure:
  - { id: undo, uses: rollback/command, with: { argv: [sh, -c, '! test -e $T/stuck && echo down >>$T/world'] } }
YAML
echo one >a.txt
run_fails 3 'a change that does not help is put back' fettle run -p ./change.yaml
is 'all of it' "$(cat a.txt; tail -n1 "$T/world")" "one
down"
touch "$T/fine"
run_fails 2 'what was put back cannot be passed over' fettle retry last --from verify
run_ok 'retried' fettle retry last
like 'it begins at the first step whose changes were put back' "$out" \
	"^begins at 'patch': its changes were put back"
is 'and the change is made again' "$(cat a.txt)" two
is 'what was found is kept' "$(wc -l <"$T/looked")" 1
is 'the rollback of before is not one of now' "$(states)" \
	'analyze=succeeded/1 patch=succeeded/2 restart=succeeded/2 verify=succeeded/2 undo=skipped/1'
run_ok 'it can be rolled back' fettle rollback last
is 'to how it was before the run' "$(cat a.txt)" one
run_fails 2 'the rollback is not retried' fettle retry last
like 'for what it is' "$err" 'is the rollback of run'
run_fails 2 'nor is what it put back' fettle retry "$(of_last .rolls_back)"
like 'which succeeded' "$err" 'is succeeded: only'

rm "$T/fine"
touch "$T/stuck"
run_fails 4 'a rollback that fails' fettle run -p ./change.yaml
run_fails 2 'is not retried' fettle retry last
like 'first it has to be put back' "$err" 'fettle rollback 2'
rm "$T/stuck"
run_ok 'which it now is' fettle rollback last
touch "$T/fine"
run_ok 'then it can be retried' fettle retry last
run_ok 'and undone' fettle rollback last

# ---- what is kept is looked at ----

cat >kept.yaml <<YAML
fettle: 1
name: kept
steps:
  - id: report
    uses: analyze/command
    with: { argv: [sh, -c, 'echo x >>$T/reported; echo file=report.log >>"\$FETTLE_OUTPUTS"'] }
  - { id: middle, uses: verify/command, with: { argv: ['true'] } }
  - { id: try, uses: verify/command, with: { argv: [test, -e, $T/kept] } }
YAML
run_fails 3 'a run whose outputs name an artifact' fettle run -p ./kept.yaml
dir=$(of_last .artifacts_dir)
rm "$dir/middle.log"
run_fails 3 'a lost log is told' fettle retry last
like 'by name' "$out" "warning: artifact 'middle.log' of step 'middle' is missing"
is 'and nothing is done again for it' "$(wc -l <"$T/reported")" 1
echo other >"$dir/report.log"
touch "$T/kept"
run_ok 'a changed artifact that outputs refer to' fettle retry last
like 'is told' "$out" "artifact 'report.log' of step 'report' is changed"
like 'as the reason' "$out" "^begins at 'report': an artifact it made is damaged"
is 'and made again' "$(wc -l <"$T/reported")" 2

# ---- a pause that holds no process ----

cat >nap.yaml <<YAML
fettle: 1
name: nap
steps:
  - { id: before, uses: analyze/command, with: { argv: [sh, -c, 'echo x >>$T/naps'] } }
  - id: flaky
    uses: verify/command
    retry: { attempts: 3, backoff: 1h, max: 1h, on: any }
    with: { argv: [sh, -c, 'echo y >>$T/flaky; test \$(wc -l <$T/flaky) -gt 2'] }
  - { id: after, uses: verify/command, with: { argv: ['true'] } }
YAML
due() # the time to look has come
{
	sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
}
id=$(fettle run --queue -q -p ./nap.yaml)
run_ok 'a worker takes it' fettle work --once
is 'and lets it sleep before the next try' "$(fettle show "$id" --json | jq -r '.state')" pending
is 'until then' "$(fettle show "$id" --json | jq '(.due_ms - .queued_ms) / 60000 | round')" 60
is 'its step is not done yet' "$(states)" 'before=succeeded/1 flaky=failed/1'
run_fails 2 'it waits, so it is not retried' fettle retry "$id"
run_ok 'nobody else finishes it' fettle run -q -p ./kept.yaml
is 'it still sleeps' "$(fettle show "$id" --json | jq -r '.state')" pending
due
run_ok 'when it is due a worker goes on' fettle work --once
is 'with the next try, and it sleeps again' "$(fettle show "$id" --json | jq -r '.state')" pending
due
run_ok 'and again' fettle work --once
is 'until it succeeds' "$(fettle show "$id" --json |
	jq -r '[.state] + [.steps[] | "\(.step)=\(.state)/\(.attempt)"] | join(" ")')" \
	'succeeded before=succeeded/1 flaky=succeeded/3 after=succeeded/1'
is 'the steps before were done once' "$(wc -l <"$T/naps")" 1
rm "$T/flaky"
id=$(fettle run --queue -q -p ./nap.yaml)
run_ok 'another one' fettle work --once
run_fails 7 'can be cancelled while it sleeps' fettle cancel "$id"
is 'for good' "$(fettle show "$id" --json | jq -r '.state')" cancelled
rm "$T/flaky"
id=$(fettle run --queue -q -p ./nap.yaml)
for try in 1 2 3; do
	[ "$try" -eq 1 ] || due
	echo >"$T/flaky"
	fettle work --once >/dev/null 2>&1
done
is 'no more tries than it may, over all its naps' "$(fettle show "$id" --json |
	jq -r '"\(.state) \(.steps[1].attempt)"')" 'failed 3'

# ---- what is refused ----

rm "$T/good"
run_fails 3 'a run of the present modules' fettle run -p ./plain.yaml
cp -a "$FETTLE_STAGE$FETTLE_PREFIX" "$T/other"
other()
{
	FETTLE_LIBDIR="$T/other/lib/fettle" "$T/other/bin/fettle" "$@"
}
sed -i 's/argv/argw/g' "$T/other/lib/fettle/plugins/verify/command.so"
before=$(fettle logs last -f --json | jq -s 'map(select(.kind != "run.claimed" and .seq)) | length')
run_fails 2 'a module that the plan does not fit is refused' other retry last
like 'as a stale plan' "$err" "module 'verify/command' was replaced by one that the plan does not fit"
is 'nothing happened to the run' "$(fettle logs last -f --json |
	jq -s 'map(select(.kind != "run.claimed" and .seq)) | length')" "$before"
cp "$FETTLE_LIBDIR/plugins/verify/command.so" "$T/other/lib/fettle/plugins/verify/command.so"
printf 'x' >>"$T/other/lib/fettle/plugins/verify/command.so"
touch "$T/good"
run_ok 'with one that it fits it is tried again' other retry last
like 'and says so' "$out" "^not as before: module 'verify/command'"
done_testing
