#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The store is looked at, proved, copied, restored and cleaned; and what was done
# is counted. No Docker.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq sqlite3
PATH=$FETTLE_BINDIR:$PATH
export PATH
db=$FETTLE_STATE_DIR/fettle.db
mkdir work && cd work || bail 'no directory'

cat >good.yaml <<'YAML'
fettle: 1
name: good
inputs: { text: { type: string, required: true } }
steps:
  - { id: patch, uses: patch/apply, with: { edits: [{ op: write, path: notes.txt, content: "${{ inputs.text }}" }] } }
  - { id: verify, uses: verify/command, with: { argv: [test, -s, notes.txt], within: 100ms } }
on_failure:
  - { id: rollback, uses: rollback/command, with: { argv: ['true'] } }
YAML
sed -e 's/name: good/name: bad/' -e "s/argv: \[test, -s, notes.txt\]/argv: ['false']/" good.yaml >bad.yaml

# go FILE TEXT: one run; its id in $id.
go()
{
	fettle run -q -p "./$1" -i "text=$2" >"$T/out" 2>&1
	rc=$?
	id=$(fettle runs -q -n 1)
}

# ---- nothing there ------------------------------------------------------

for verb in 'store status' 'store verify' 'store rebuild' 'store gc' 'store backup x' stats; do
	# shellcheck disable=SC2086
	run_fails 1 "fettle $verb needs a store" fettle $verb
	like "fettle $verb: and says so" "$err" 'no store in|store\.missing'
done
is 'none of them makes one' "$(find "$T/state" -name fettle.db 2>/dev/null)" ''
run_fails 1 'a group needs a second word' fettle store
like 'which are listed' "$err" 'goes on with status, verify, backup, restore, gc, rebuild'

# ---- some history -------------------------------------------------------

go good.yaml 'one '
is 'a run succeeds' $rc 0
first=$id
go bad.yaml 'two '
is 'a run fails' $rc 3
second=$id
is 'and is put back' "$(cat notes.txt)" 'one '
# What the second run read and wrote, less what the first needs.
blobs=$(find "$FETTLE_STATE_DIR/blobs" -type f | wc -l)
is 'there are three contents' "$blobs" 2

# ---- status, verify, rebuild --------------------------------------------

run_ok 'the store tells how it is' fettle store status
like 'whole' "$out" '^integrity +ok'
like 'with its runs' "$out" '^runs +1 failed|1 succeeded'
run_ok 'as JSON' fettle store status --json
is 'with the right numbers' "$(json '[.runs.succeeded, .runs.rolled_back, .unfinished, .blobs.count, .integrity] | map(tostring) | join(" ")')" \
	"1 1 0 $blobs ok"
is 'events are all counted' "$(json .events)" "$(sqlite3 "$db" 'select count(*) from events')"
run_ok 'it is whole' fettle store verify
like 'and says how much was proved' "$out" 'whole: 2 runs, [12] blobs'
run_ok 'the tables are derived again' fettle store rebuild
run_ok 'and are as they were' fettle store status --json
is 'number by number' "$(json '[.runs.succeeded, .runs.rolled_back] | map(tostring) | join(" ")')" '1 1'

# ---- stats --------------------------------------------------------------

run_ok 'statistics' fettle stats --json
is 'runs by end state' "$(json '[.runs, .states.succeeded, .states.rolled_back] | map(tostring) | join(" ")')" '2 1 1'
is 'success of those that succeeded or failed' "$(json .success_percent)" 50
# Attempts begun: patch and verify, twice (there was no effect to roll back); one edit each.
is 'commands done: one an attempt, one a file' "$(json .commands.by_fettle)" 6
is 'commands of the job that was done' "$(json .commands.of_done)" 3
is 'a failed job is left to people, step by step' "$(json .commands.failed_jobs)" 2
is 'and each order was given by somebody' "$(json .commands.orders)" 2
is 'by hand it would have been both jobs' "$(json .commands.by_hand)" 5
is 'what is saved' "$(json .less_manual_percent)" 20
is 'medians of the one good run' "$(json '.median_patch_to_verify_ms <= .median_run_ms')" true
is 'all of them within 20 minutes' "$(json .within_20m_percent)" 100
run_ok 'for people, too' fettle stats
like 'in words' "$out" '^less manual work +20\.0 %'
sqlite3 "$db" "update runs set service = iif(run = '$first', 'api', 'web')"
run_ok 'of two services' fettle stats --json
is 'each has its own' "$(json '.services[] | select(.service == "api") | .commands |
	"\(.by_fettle) done, \(.by_hand) by hand, \(.orders) orders, \(.left) left"')" \
	'3 done, 3 by hand, 1 orders, 1 left'
is 'also the one whose job is left to people' "$(json '.services[] | select(.service == "web") | .commands |
	"\(.by_fettle) done, \(.by_hand) by hand, \(.orders) orders, \(.left) left"')" \
	'3 done, 2 by hand, 1 orders, 3 left'
is 'with what is saved' "$(json '[.services[] | .less_manual_percent] | sort | map(tostring) | join(" ")')" '0 66.6'
is 'which is what all have together' "$(json '[.services[].commands.left] | add')" "$(json .commands.left)"
run_ok 'and for people' fettle stats
like 'in a table' "$out" '^SERVICE +RUNS +SUCCEEDED +FAILED +SUCCESS +COMMANDS +LEFT +LESS WORK$'
like 'line by line' "$out" '^api +1 +1 +0 +100\.0 % +3 +1 +66\.6 %$'
run_ok 'the log knows better' fettle store rebuild
run_ok 'a period without runs' fettle stats --since 2099-01-01 --json
is 'has none' "$(json '[.runs, .success_percent, .less_manual_percent] | map(tostring) | join(" ")')" '0 null null'
run_ok 'a period of days' fettle stats --since 1d --json
is 'has both' "$(json .runs)" 2
for when in yesterday 2026-13-01 -1d 2026-11-1; do
	run_fails 1 "'$when' is no period" fettle stats --since="$when"
done

# ---- backup -------------------------------------------------------------

run_fails 1 'a backup never replaces anything' fettle store backup "$T/work"
like 'and says so' "$err" 'exists already'
run_fails 1 'nor is it made where it cannot be' fettle store backup "$T/nowhere/backup"
run_ok 'a backup is made' fettle store backup "$T/backup"
like 'and says what is in it' "$out" 'backed up to .*/backup: 2 runs, 2 blobs'
is 'nothing unfinished lies beside it' "$(find "$T" -maxdepth 1 -name '.backup*')" ''
is 'it has no log beside it, but the key' "$(ls "$T/backup" | tr '\n' ' ')" 'audit.key blobs fettle.db runs '
is 'the same events' "$(sqlite3 "$T/backup/fettle.db" 'select run, seq, hash from events')" \
	"$(sqlite3 "$db" 'select run, seq, hash from events')"
run_ok 'it can be looked at like a store' fettle --state-dir "$T/backup" runs -q
is 'with both runs' "$out" "$second
$first"
same_file 'and their artifacts' "$T/backup/runs/$first/patch.log" "$FETTLE_STATE_DIR/runs/$first/patch.log"
run_ok 'as JSON' fettle store backup --json "$T/backup2/"
is 'nothing is missing' "$(json '.missing | length')" 0

# While somebody writes all the time: whole, whatever the moment.
(while :; do fettle run -q -p ./good.yaml -i "text=$(date +%s%N)" >/dev/null 2>&1; done) &
writer=$!
for i in 1 2 3; do
	run_ok "a backup while runs go on ($i)" fettle store backup "$T/live$i"
	run_ok "it is whole ($i)" fettle --state-dir "$T/live$i" store verify
done
kill $writer
wait $writer 2>/dev/null

# ---- restore ------------------------------------------------------------

run_fails 2 'a store is not restored over' fettle store restore "$T/backup"
like 'and how it would be is told' "$err" '\-\-replace'
run_fails 2 'what is no backup is not restored' fettle --state-dir "$T/new" store restore "$T/work"
run_ok 'a backup is restored elsewhere' fettle --state-dir "$T/new" store restore "$T/backup"
run_ok 'it is whole' fettle --state-dir "$T/new" store verify
run_ok 'its log proves itself, with the key it was signed with' fettle --state-dir "$T/new" audit verify
is 'the same runs' "$(fettle --state-dir "$T/new" runs -q)" "$second
$first"
before=$(cat notes.txt)
run_ok 'what stood can be put back from it' fettle --state-dir "$T/new" show "$first"
like 'it still stands' "$(fettle --state-dir "$T/new" show --json "$first" | jq -c '[.changes[].standing]')" true
is 'nothing of the project was touched' "$(cat notes.txt)" "$before"

# damaged CLAIM COMMAND: a copy of the backup, damaged so, is refused.
damaged()
{
	rm -rf "$T/damaged" "$T/new2"
	cp -R "$T/backup" "$T/damaged"
	chmod -R u+w "$T/damaged"
	(cd "$T/damaged" && eval "$2")
	run_fails 2 "$1: refused" fettle --state-dir "$T/new2" store restore "$T/damaged"
	like "$1: and why" "$err" "${3:-not whole}"
	is "$1: nothing is restored" "$(fettle --state-dir "$T/new2" runs -q)" ''
}
open='.dbconfig defensive off'
damaged 'a changed event' "printf '%s\n' '$open' 'drop trigger events_keep;' \"update events set body = replace(body, 'two', 'too') where kind = 'run.queued';\" | sqlite3 fettle.db >/dev/null" 'audit\.broken'
damaged 'a missing event' "printf '%s\n' '$open' 'drop trigger events_stay;' 'delete from events where seq = 3;' | sqlite3 fettle.db >/dev/null" 'is missing'
damaged 'a content that is not what it was' 'for f in blobs/*/*; do echo x >>$f; done'
damaged 'a content that is gone' 'rm -r blobs'
damaged 'a cut-off file' 'truncate -s 20000 fettle.db' 'backup|fettle\.db'
damaged 'an artifact that is not what it was' 'for f in runs/*/patch.log; do echo x >>$f; done'

# Over a store that is there, when told so: what was there is kept.
many=$(fettle runs -q -n 100 | wc -l)
run_ok 'a store is replaced when that is wanted' fettle store restore --replace "$T/backup"
like 'and kept' "$out" 'is kept in .*/replaced-'
is 'the runs are those of the backup' "$(fettle runs -q | wc -l)" 2
run_ok 'what was there can be looked at' fettle --state-dir "$(ls -d "$FETTLE_STATE_DIR"/replaced-*)" runs -q -n 100
is 'with all its runs' "$(printf '%s\n' "$out" | wc -l)" "$many"
run_ok 'the store is whole' fettle store verify

# While a run is carried out nothing is pulled from under its feet.
cat >slow.yaml <<'YAML'
fettle: 1
name: slow
steps:
  - { id: wait, uses: analyze/command, with: { argv: [sh, -c, 'until test -e go; do sleep 0.05; done'] } }
YAML
fettle run -q -p ./slow.yaml >/dev/null 2>&1 &
slow=$!
is_running() { fettle runs -q --state running | grep -q .; }
ok 'a run is under way' wait_for 10 is_running
run_fails 2 'nothing is restored meanwhile' fettle store restore --replace "$T/backup"
like 'and which run it is is told' "$err" 'is being carried out'
run_ok 'a backup of it' fettle store backup "$T/during"
touch go
wait $slow
run_ok 'is restored' fettle --state-dir "$T/new3" store restore "$T/during"
like 'with a warning' "$out" '1 run was under way'

# ---- gc -----------------------------------------------------------------

first=$(fettle runs -q -n 100 | tail -n 1)
second=$(fettle runs -q -n 100 | tail -n 2 | head -n 1)
world()
{
	(cd "$FETTLE_STATE_DIR" && find blobs runs -type f | LC_ALL=C sort)
}
was=$(world)
run_ok 'young runs are left alone' fettle store gc
is 'to the last file' "$(world)" "$was"
find "$FETTLE_STATE_DIR/blobs" -type f -exec touch -d '2 hours ago' {} +
run_ok 'what would go is told' fettle store gc --keep 0 --dry-run --json
is 'of all runs that have ended' "$(json '.runs | length')" 3
is 'and nothing goes' "$(world)" "$was"
run_ok 'what is old goes' fettle store gc --keep 0 --json
is 'nothing kept elsewhere' "$(json '.discard | length')" 0
is 'but not the locks' "$(find "$FETTLE_STATE_DIR/runs/$first" "$FETTLE_STATE_DIR/runs/$second" -type f -printf '%f ')" 'lock lock '
is 'what stands keeps its contents' "$(find "$FETTLE_STATE_DIR/blobs" -type f | wc -l)" 1
run_ok 'the store is whole' fettle store verify
is 'no event was removed' "$(fettle store status --json | jq '.runs.succeeded + .runs.rolled_back')" 3
is 'and what was done is on record' "$(sqlite3 "$db" "select count(*) from events where kind = 'site.collected'")" 1
run_fails 1 'an artifact that is gone is told' fettle artifacts "$first" patch.log
printf 'one ' >notes.txt
run_ok 'a run that stands can still be taken back' fettle rollback "$first"
is 'byte for byte' "$(find . -name notes.txt)" ''

# What a module keeps outside is told with the command that lets it go.
sqlite3 "$db" >/dev/null <<SQL
update runs set ended_ms = 1000 where run = '$second';
update standing set body = json_set(body, '\$.before.discard', json('["docker","image","rm","fettle/keep:it s"]')) where run = '$second';
SQL
run_ok 'what modules keep is listed' fettle store gc
like 'as a command to paste' "$out" "^  docker image rm 'fettle/keep:it s'"
run_ok 'the tables come from the events again' fettle store rebuild

# What a killed process left in scratch goes, what is young stays.
mkdir -p "$FETTLE_STATE_DIR/scratch/planning.old/x" "$FETTLE_STATE_DIR/scratch/planning.new"
touch -d '2 days ago' "$FETTLE_STATE_DIR/scratch/planning.old"
run_ok 'scratch that is old' fettle store gc -q
is 'goes, and no other' "$(ls -d "$FETTLE_STATE_DIR"/scratch/p*)" "$FETTLE_STATE_DIR/scratch/planning.new"
# ---- a store of version 3: a rollback was no run of its own, and stays what it was

mkdir v3
sqlite3 v3/fettle.db <"$FETTLE_SRC/t/fixtures/store-v3.sql"
chmod 700 v3
chmod 600 v3/fettle.db
events=$(sqlite3 v3/fettle.db 'select * from events')
run_fails 1 'an old store is not read' fettle --state-dir v3 runs
like 'but said to be old' "$err" 'version 3, this Fettle reads 5'
fettle --state-dir v3 doctor >/dev/null 2>&1
run_ok 'it is brought up to date' fettle --state-dir v3 runs --json
is 'with the runs that were' "$(json "[.[] | [.state, .code, .rolls_back, .rolled_back_by]] | tostring")" \
	'[["rolled_back","command_failed",null,null],["succeeded",null,null,null],["rolled_back","rollback_ordered",null,null]]'
is 'and not one event more' "$(sqlite3 v3/fettle.db 'select * from events')" "$events"
is 'what stands in it' "$(sqlite3 v3/fettle.db 'select kind, target from standing where undone_seq is null')" 'edit|a.txt'
run_ok 'whole' fettle --state-dir v3 store rebuild
is 'in the new version' "$(fettle --state-dir v3 store status --json | jq .schema)" 5
is 'an old rollback that was ordered is no failure' \
	"$(fettle --state-dir v3 stats --json | jq -c '[.runs, .rollbacks, .success_percent]')" '[3,0,66.6]'
done_testing
