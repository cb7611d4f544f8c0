#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The log as proof: what is intact is said to be, whatever was changed is named.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
need jq
need sqlite3

cat >good.yaml <<'YAML'
fettle: 1
name: good
steps:
  - { id: ask, uses: analyze/command, with: { argv: [echo, "a word"] } }
YAML

run_fails 1 'without a store there is nothing to verify' fettle audit verify
for i in 1 2 3; do
	run_ok "run $i" fettle run -p ./good.yaml
done
run_ok 'the store is intact' fettle audit verify --json
is 'with one checkpoint a run' "$(printf '%s' "$out" | jq .checkpoints)" 3
is 'nothing is unsigned' "$(printf '%s' "$out" | jq .unsigned_events)" 0
key=$(fettle audit key)
is 'the key is the one that signed' "$(printf '%s' "$out" | jq -r .key)" "$key"
run_ok 'for people too' fettle audit verify
like 'in a line' "$out" '^intact  [0-9]+ events of 3 runs, 3 signed checkpoints'
is 'the secret key is private' "$(stat -c %a "$FETTLE_STATE_DIR/audit.key")" 600

run_ok 'the log is exported' fettle audit export -o log.jsonl
run_fails 1 'not over a file that is there' fettle audit export -o log.jsonl
run_ok 'the export is intact' fettle audit verify ./log.jsonl
run_ok 'by the key that was noted' fettle audit verify ./log.jsonl --key "$key"
run_fails 2 'another key is not believed' \
	fettle audit verify ./log.jsonl --key "$(printf '%064d' 7)"
run=$(fettle runs -q -n 1)
fettle audit export "$run" >one.jsonl
run_ok 'one run is verified alone' fettle audit verify ./one.jsonl
is 'and is one run' "$(fettle audit verify --json ./one.jsonl | jq .runs)" 1

# ---- without Fettle: an event hashes to what stands beside it, a checkpoint is signed

line=$(sed -n 2p log.jsonl)
body=${line#*\"event\":}
is 'sha256sum agrees' "$(printf '%s' "${body%\}}" | sha256sum | cut -d' ' -f1)" \
	"$(printf '%s' "$line" | jq -r .hash)"
if command -v openssl >/dev/null 2>&1 && command -v xxd >/dev/null 2>&1; then
	line=$(grep -m1 '^{"signature"' log.jsonl)
	text=${line#*\"checkpoint\":}
	printf '%s' "${text%\}}" >text
	printf '%s' "$line" | jq -r .signature | xxd -r -p >signature
	printf '302a300506032b6570032100%s' "$key" | xxd -r -p >key.der
	ok 'openssl agrees' openssl pkeyutl -verify -pubin -keyform DER -inkey key.der \
		-rawin -in text -sigfile signature
else
	skip 'openssl agrees' 'openssl or xxd is not installed'
fi

# ---- each kind of damage to an export, named by its record

# damage NAME RECORD PATTERN COMMAND...: the command reads the log and writes the bad one.
damage()
{
	damage_name=$1 damage_record=$2 damage_like=$3
	shift 3
	"$@" <log.jsonl >bad.jsonl
	run_fails 2 "$damage_name is refused" fettle audit verify ./bad.jsonl
	like 'and the first bad record named' "$err" \
		"record $damage_record: .*$damage_like"
}
last=$(wc -l <log.jsonl)
sign=$(grep -n -m1 '^{"signature"' log.jsonl | cut -d: -f1)
damage 'an edit' 3 'was changed' sed '3s/"kind":"run\./"kind":"ran./'
damage 'a deletion' 4 'event 3 is missing' sed 4d
damage 'a reordering' 4 'event 3 is missing' sed '4{h;d};5G'
damage 'a duplicate' 5 'event 3 is there twice' sed 4p
damage 'a cut' "$last" 'cut off here' sed '$d'
damage 'a cut in a line' 5 'middle of its line' sh -c 'head -4; head -c 20'
damage 'an edited checkpoint' "$sign" 'was changed: its signature' \
	sed "${sign}s/\"n\":1/\"n\":2/"
damage 'a missing checkpoint' "$(grep -n '^{"signature"' log.jsonl | sed -n 2p |
	awk -F: '{ print $1 - 1 }')" 'had|missing|were not there' sed "${sign}d"
damage 'a line of something else' 6 'neither an event nor a checkpoint' sed '6i{"x":1}'
damage 'another file' 1 'no audit log' sed '1s/.*/{}/'
# A run from elsewhere, whole in itself.
(
	FETTLE_STATE_DIR=$PWD/other
	export FETTLE_STATE_DIR
	fettle run -p ./good.yaml
	fettle audit export
) >/dev/null 2>&1
FETTLE_STATE_DIR=$PWD/other fettle audit export >other.jsonl
grep '^{"hash"' other.jsonl >splice
damage 'a splice' "$((sign + $(wc -l <splice)))" 'were not there when checkpoint 1' \
	sh -c "sed '$((sign - 1))r splice'"

# ---- and to a store, by who can go around its triggers

# tamper NAME PATTERN SQL: on a copy of the store.
tamper()
{
	rm -rf copy
	mkdir -m 700 copy
	cp "$FETTLE_STATE_DIR"/audit.key copy
	sqlite3 "$FETTLE_STATE_DIR/fettle.db" ".backup copy/fettle.db"
	chmod 600 copy/fettle.db
	sqlite3 copy/fettle.db "DROP TRIGGER events_keep; DROP TRIGGER events_stay;
		DROP TRIGGER checkpoints_keep; DROP TRIGGER checkpoints_stay; $3"
	run_fails 2 "$1 is refused" fettle --state-dir "$PWD/copy" audit verify
	like 'and named' "$err" "$2"
}
run=$(fettle runs -q -n 1)
end="(SELECT max(seq) FROM events WHERE run = '$run')"
tamper 'an edited event' 'was changed' \
	"UPDATE events SET body = replace(body, 'good', 'evil') WHERE seq = 1"
tamper 'a run cut short, with its row' 'is missing: checkpoint 3 signed' \
	"UPDATE runs SET seq = seq - 1, head = (SELECT hash FROM events
	  WHERE run = '$run' AND seq = $end - 1) WHERE run = '$run';
	DELETE FROM events WHERE run = '$run' AND seq = $end"
tamper 'a run taken out' "run '$run': event 1 is missing: checkpoint 3" \
	"DELETE FROM events WHERE run = '$run'; DELETE FROM runs WHERE run = '$run'"
tamper 'a checkpoint taken out' 'were not there|is missing' \
	'DELETE FROM checkpoints WHERE n = 2'
tamper 'a table that says something else' "table 'runs' does not say" \
	"UPDATE runs SET state = 'failed' WHERE run = '$run'"
tamper 'a verdict made up' "table '(attempts|verdicts)' does not say" \
	"DELETE FROM attempts; DELETE FROM verdicts WHERE run = '$run'"
run_ok 'the store itself is as it was' fettle audit verify

# ---- a lost key stops no run, and is told

rm "$FETTLE_STATE_DIR/audit.key"
mkdir "$FETTLE_STATE_DIR/audit.key"
run_ok 'a run ends without a key' fettle run -p ./good.yaml
run_ok 'the log is intact' fettle audit verify --json
ok 'but its end is not signed' test "$(printf '%s' "$out" | jq .unsigned_events)" -gt 0
done_testing
