#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A run that waits, and whose engine is down when it is to go on, waits on: nothing
# is ended, put back or asked again because of that. t6110 has it with a real engine.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3
need_people
# Services without Docker: a project step of the tests' own.
test_modules
cp -R "$FETTLE_LIBDIR" "$T/lib"
cp "$FETTLE_BUILD/t/libfettle.so.0" "$T"
cp "$T/lib/plugins/test/services.so" "$T/lib/plugins/project/compose.so"
FETTLE_LIBDIR=$T/lib
people='  ann: { users: [ann], roles: [lead] }
  bob: { users: [bob], roles: [sre] }'
site
workspace
cat >fettle.yaml <<'YAML'
fettle: 1
project: shop
services: { a: { allow: [a.txt] } }
YAML
touch docker-compose.yml
pipeline() # POLICIES
{
	cat >p.yaml <<YAML
fettle: 1
name: p
inputs: { service: { type: service } }
policies: [$1]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - id: flaky
    uses: verify/command
    retry: { attempts: 2, backoff: 1h, max: 1h, on: any }
    with: { argv: [test, -e, $T/now] }
YAML
	rm -f "$T/now"
	echo one >a.txt
}
counted() # KIND: how many events of it the last run has
{
	fettle audit export last | jq -s "map(select(.event.kind == \"$1\")) | length"
}

# ---- behind a hold ----

pipeline '{ uses: ask }'
run_fails 5 'a run waits for people' as ann run -p ./p.yaml -s a
digest=$(of_last .hold.digest)
touch down
run_fails 5 'agreed to while the engine is down it waits on' \
	as bob approve last --digest "$digest"
is 'with the reason' "$(of_last '.state + " " + .code')" 'awaiting_approval docker_unreachable'
like 'which show tells' "$(fettle show last)" 'it cannot go on now: there is no engine'
is 'the approval is kept' "$(counted hold.approved) $(counted hold.consumed)" '1 0'
is 'nothing is changed' "$(cat a.txt)" one
is 'it is due in a minute' "$(of_last '(.due_ms / 1000 - now) / 60 | round')" 1
run_ok 'a worker does not wait for it' fettle work --drain
sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
run_ok 'when it is due a worker looks' fettle work --once
is 'and it waits on' "$(of_last '.state + " " + .code')" 'awaiting_approval docker_unreachable'
rm down
sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
run_ok 'when the engine is there again it goes on' fettle work --once
is 'with the same approval' "$(counted hold.opened) $(counted hold.consumed)" '1 1'
is 'and does what was agreed to' "$(of_last .state) $(cat a.txt)" 'pending two'

# ---- before another try ----

touch down "$T/now"
sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
run_ok 'a run that slept is due while the engine is down' fettle work --once
is 'it sleeps on' "$(of_last '.state + " " + .code')" 'pending docker_unreachable'
is 'what it changed stands' "$(cat a.txt)" two
run_fails 7 'it can be cancelled meanwhile' fettle cancel last
is 'and is put back' "$(of_last .state) $(cat a.txt)" 'cancelled one'
rm down

pipeline ''
rm -f "$T/now"
id=$(fettle run --queue -q -p ./p.yaml -s a)
run_ok 'another one sleeps' fettle work --once
touch down "$T/now"
sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
run_ok 'and on, when it is due' fettle work --once
is 'its try is not used up' "$(of_run "$id" '.state + " " + (.steps[] | select(.step == "flaky") | "\(.attempt)")')" 'pending 1'
rm down
sql 'UPDATE runs SET due_ms = 1 WHERE due_ms IS NOT NULL'
run_ok 'with the engine it makes it' fettle work --once
is 'and comes to its end' "$(of_run "$id" '.state + " " + (.steps[] | select(.step == "flaky") | "\(.attempt)")')" 'succeeded 2'
ok 'the chain is whole' fettle audit verify
done_testing
