#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A step that waits for people: who counts, what they agree to, what voids it.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3
need_people

test_modules
workspace

people='  ann: { users: [ann, ann-admin], roles: [sre, lead] }
  bob: { users: [bob], roles: [sre] }
  eve: { users: [eve, eve2], roles: [sre] }
  cook: { users: [cook], roles: [kitchen] }
  gone: { users: [gone], roles: [sre], disabled: true }
  robot: { users: [robot], class: agent, roles: [sre] }
  hook: { users: [hook], class: webhook, roles: [sre] }'
pipeline() # WITH of policy ask
{
	cat >p.yaml <<YAML
fettle: 1
name: p
policies:
  - { uses: ask, with: $1 }
steps:
  - { id: look, uses: analyze/command, with: { argv: [sh, -c, 'echo x >>$T/looked'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: check, uses: verify/command, with: { argv: ['true'] } }
finally:
  - { id: last, uses: analyze/command, with: { argv: ["true"] } }
YAML
}
fresh()
{
	printf 'one\n' >a.txt
	rm -f "$T/looked"
}
code() # of the last captured --json error
{
	printf '%s\n' "$out" | jq -r 'select(.error) | .error.code' | head -1
}
kinds() # hold events of the last run, in order
{
	fettle audit export last | jq -r 'select(.event.kind? // "" | startswith("hold.")) | .event.kind' | xargs
}

# ---- one person ----

site
pipeline '{}'
fresh
before=$(tree_hash .)
run_fails 5 'a run that needs people waits' as ann run -p ./p.yaml
is 'as its state says' "$(of_last .state)" awaiting_approval
is 'nothing is changed' "$(tree_hash .)" "$before"
like 'it says who has to agree' "$out" '1 person with role sre, not who asked \(policy ask: people must agree\)'
like 'and how' "$out" 'fettle approve 2'
is 'the step waits' "$(of_last '.steps[] | select(.step == "patch") | .state')" awaiting_approval
is 'no process is left' "$(of_last .is_orphan)" false
like 'show tells it too' "$(fettle show last)" 'to agree +fettle approve'
run_fails 2 'it is not retried while it waits' fettle retry last

run_fails 2 'A1: without the digest nothing is agreed to' as bob approve last --json
is 'with its code' "$(code)" approval.digest_required
like 'the plain form shows what it is about' "$(as bob approve last 2>/dev/null </dev/null)" '^-one$'
d=$(of_last .hold.digest)
run_fails 2 'A3: another digest' as bob approve last --json --digest 0000
is 'is invalid' "$(code)" approval_invalid
run_fails 2 'A4: who asked does not agree' as ann approve last --json --digest "$d"
is 'by that name' "$(code)" self_approval
run_fails 2 'A4: nor by a second account' as ann-admin approve last --json --digest "$d"
is 'of the same person' "$(code)" self_approval
run_fails 2 'another role does not count' as cook approve last --json --digest "$d"
is 'by that name' "$(code)" approver_role
for who in robot hook; do
	run_fails 2 "A15: $who is no human" as $who approve last --json --digest "$d"
	is 'by that name' "$(code)" approver_class
done
for who in gone nobody; do
	run_fails 2 "$who cannot agree" as $who approve last --json --digest "$d"
	is 'by that name' "$(code)" approver_unknown
done
is 'none of that is an answer' "$(kinds)" hold.opened
is 'and nothing is changed' "$(tree_hash .)" "$before"
run_ok 'the right one agrees, and it goes on' as bob approve last --digest "$d" --comment fine
is 'to its end' "$(of_last .state)" succeeded
is 'what was agreed to is done' "$(cat a.txt)" two
is 'finished steps are not repeated' "$(wc -l <"$T/looked")" 1
is 'in one attempt' "$(of_last '.steps[] | select(.step == "patch") | .attempt')" 1
is 'who it was is recorded' "$(fettle audit export last | jq -r 'select(.event.kind == "hold.consumed") | .event.body.by[]')" bob
is 'each once' "$(kinds)" 'hold.opened hold.approved hold.consumed'
run_fails 2 'A9: a run that has ended takes no approval' as eve approve last --json --digest "$d"
is 'by that name' "$(code)" approval_not_applicable
ok 'the chain is whole' fettle audit verify

# ---- several ----

pipeline '{ quorum: 2 }'
fresh
run_fails 5 'two people' fettle run -p ./p.yaml
d=$(of_last .hold.digest)
run_ok 'one agrees' as eve approve last --digest "$d"
like 'one is missing' "$out" 'still needed: 1 more of 2'
run_ok 'A5, A11: the same person again, by another account' as eve2 approve last --digest "$d"
is 'counts once' "$(kinds)" 'hold.opened hold.approved'
is 'and it still waits' "$(of_last .state)" awaiting_approval
sed -i 's/eve: {/eve: { disabled: true,/' "$FETTLE_SITE_FILE"
run_ok 'A7: the first is disabled before the second agrees' as bob approve last --digest "$d"
is 'so the gate does not open' "$(of_last .state)" awaiting_approval
is 'and nothing is changed' "$(cat a.txt)" one
site
run_ok 'a third agrees' as ann approve last --digest "$d"
is 'now it goes on' "$(of_last .state)" succeeded

cat >two.yaml <<'YAML'
fettle: 1
name: two
policies:
  - { uses: ask }
  - { uses: ask, with: { roles: [lead] } }
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
YAML
fresh
run_fails 5 'two policies that ask' fettle run -p ./two.yaml
d=$(of_last .hold.digest)
run_ok 'one of them has its person' as bob approve last --digest "$d"
like 'the other has not' "$out" 'still needed: 1 more of 1 with role lead'
run_ok 'until it has' as ann approve last --digest "$d"
is 'then it goes on' "$(of_last .state)" succeeded

# ---- no ----

pipeline '{}'
fresh
run_fails 5 'a run that waits' fettle run -p ./p.yaml
d=$(of_last .hold.digest)
run_fails 1 'a no needs a reason' as bob reject last
run_ok 'is rejected' as bob reject last --reason 'not on a Friday'
is 'and denied' "$(of_last .state)" denied
is 'by its code' "$(of_last .code)" approval_rejected
like 'with the reason' "$(fettle show last)" 'not on a Friday'
is 'finally ran' "$(of_last '.steps[] | select(.step == "last") | .state')" succeeded
run_fails 2 'A9: no approval after a no' as eve approve last --json --digest "$d"
is 'by that name' "$(code)" approval_not_applicable
run_fails 5 'retried it asks again' fettle retry last
run_fails 2 'the old digest may be the same, the approval is new' as nobody approve last --json --digest "$d"
run_fails 7 'a waiting run can be cancelled' fettle cancel last
is 'nothing was changed' "$(cat a.txt)" one

# ---- time ----

pipeline '{ valid_for: 1s }'
fresh
run_fails 5 'a run that waits a second' fettle run -p ./p.yaml
d=$(of_last .hold.digest)
id=$(of_last .run)
sleep 1.1
run_fails 2 'A8: too late' as bob approve "$id" --json --digest "$d"
is 'is refused' "$(printf '%s\n' "$out" | jq -r 'select(.error) | .error.code')" approval_expired
is 'and ends it' "$(fettle show "$id" --json | jq -r '.state + " " + .code')" 'denied approval_expired'
like 'it is an event' "$(kinds)" 'hold.expired$'
fresh
run_fails 5 'another one' fettle run -p ./p.yaml
id=$(of_last .run)
sleep 1.1
pipeline '{ before: verify }'
fresh
capture fettle run -p ./p.yaml
is 'whoever comes by ends what nobody agreed to' "$(fettle show "$id" --json | jq -r .code)" approval_expired
fettle cancel last >/dev/null 2>&1

# ---- behind a change ----

pipeline '{ before: verify }'
fresh
run_fails 5 'a run that waits behind its change' fettle run -p ./p.yaml
is 'which stands' "$(cat a.txt)" two
run_ok 'a no' as bob reject last --reason no
is 'puts it back' "$(of_last .state) $(cat a.txt)" 'rolled_back one'
fresh
run_fails 5 'again' fettle run -p ./p.yaml
run_ok 'a yes' as bob approve last --digest "$(of_last .hold.digest)"
is 'keeps it' "$(of_last .state) $(cat a.txt)" 'succeeded two'

# ---- what was agreed to has changed ----

pipeline '{}'
fresh
run_fails 5 'a run that waits' fettle run -p ./p.yaml
d=$(of_last .hold.digest)
printf 'one\nmore\n' >a.txt
run_fails 5 'the file changed meanwhile: the approval is void, it asks again' as bob approve last --digest "$d"
is 'by its events' "$(kinds)" 'hold.opened hold.approved hold.voided hold.opened'
isnt 'for something else' "$(of_last .hold.digest)" "$d"
is 'nothing was changed' "$(cat a.txt)" 'one
more'
run_fails 2 'the old digest is of no use' as eve approve last --json --digest "$d"
is 'any more' "$(code)" approval_invalid
run_ok 'the new one is' as eve approve last --digest "$(of_last .hold.digest)"
is 'for the new file' "$(cat a.txt)" 'two
more'

fresh
run_fails 5 'a run that waits' fettle run -p ./p.yaml
site 'policies:' '  - { uses: ask, with: { roles: [lead] } }'
run_fails 5 'A12: the policies changed meanwhile: it asks again' as bob approve last --digest "$(of_last .hold.digest)"
is 'the approval is void' "$(kinds)" 'hold.opened hold.approved hold.voided hold.opened'
is 'and nothing is changed' "$(cat a.txt)" one
fettle cancel last >/dev/null 2>&1
site

# ---- behind the store's back ----

fresh
run_fails 5 'a run that waits' fettle run -p ./p.yaml
written=$(of_last .run)
sql "
	INSERT INTO approvals SELECT run, opened_seq, 'bob', '[\"sre\"]', 0 FROM holds WHERE state = 'open';
	UPDATE runs SET due_ms = 1 WHERE state = 'awaiting_approval'"
capture fettle run -p ./p.yaml
is 'A16: a row written by hand opens no gate' "$(cat a.txt)" one
fettle cancel last >/dev/null 2>&1
is 'not by anybody' "$(sql "SELECT count(*) FROM events
	WHERE kind = 'step.intent' AND json_extract(body, '\$.step') = 'patch'
	AND run = (SELECT run FROM runs ORDER BY n DESC LIMIT 1 OFFSET 1)")" 0
fettle cancel "$written" >/dev/null 2>&1

# ---- one that cannot be ended ----

pipeline '{ valid_for: 1s }'
fresh
run_fails 5 'a run that waits, and will be damaged' fettle run -p ./p.yaml
damaged=$(of_last .run)
run_fails 5 'one that only waits' fettle run -p ./p.yaml
healthy=$(of_last .run)
sql "DROP TRIGGER events_keep;
	UPDATE events SET body = '{' WHERE run = '$damaged' AND kind = 'hold.opened';
	INSERT INTO runs (run, state, queued_ms, due_ms, priority, crashes, epoch, seq, head)
	VALUES ('20000101-000000-forged', 'awaiting_approval', 1, 1, 0, 0, 1, 1, ''),
		('20000101-000000-ghost', 'running', 1, NULL, 0, 0, 1, 1, '')"
sleep 1.1
cat >other.yaml <<'YAML'
fettle: 1
name: other
steps: [{ id: look, uses: analyze/command, with: { argv: ["true"] } }]
YAML
run_ok 'they keep no other run from its end' fettle run -p ./other.yaml
like 'it says which waits' "$err" 'end run 20000101-000000-forged: there is no run'
like 'and which began' "$err" 'finish run 20000101-000000-ghost: there is no run'
is 'the run behind them in the queue is ended' "$(fettle show "$healthy" --json | jq -r .code)" approval_expired
is 'the damaged one, too' "$(sql "SELECT state FROM runs WHERE run = '$damaged'")" denied
is 'without a change' "$(cat a.txt)" one
run_ok 'nor a worker from its work' fettle work --drain
like 'which says so, too' "$err" 'end run 20000101-000000-forged'
run_fails 5 'nor do they keep one from being tried again' fettle retry "$healthy"
fettle cancel "$healthy" >/dev/null 2>&1
sql "DELETE FROM runs WHERE run GLOB '20000101-*' OR run = '$damaged'"

# ---- what was agreed to cannot be read any more ----

pipeline '{}'
fresh
run_fails 5 'a run that waits' fettle run -p ./p.yaml
run_ok 'is agreed to' as bob approve last --digest "$(of_last .hold.digest)" --no-wait
find "$FETTLE_STATE_DIR/blobs" -name "*$(printf 'two\n' | sha256sum | cut -c 5-64)" -delete
run_ok 'a worker takes it' fettle work --once
is 'an edit whose bytes are lost is denied' "$(of_last '.state + " " + .code')" 'denied edits_unreadable'
like 'with the reason' "$(fettle show last)" 'the edits cannot be read.*blob'
is 'as a verdict' "$(fettle audit export last | jq -r 'select(.event.kind == "step.verdict" and .event.body.step == "patch") | .event.body.verdict' | xargs)" 'hold deny'
is 'and never begun' "$(fettle audit export last | jq -r 'select(.event.kind == "step.intent" and .event.body.step == "patch") | 1')" ''
is 'nothing is changed' "$(cat a.txt)" one

# ---- many at once ----

fresh
pipeline '{ quorum: 2 }'
run_fails 5 'A13: a run that waits for two' fettle run -p ./p.yaml
d=$(of_last .hold.digest)
id=$(of_last .run)
for _ in $(seq 50); do
	as bob approve "$id" --digest "$d" --no-wait >/dev/null 2>&1 &
	as eve approve "$id" --digest "$d" --no-wait >/dev/null 2>&1 &
done
wait
is 'each person counts once' "$(kinds)" 'hold.opened hold.approved hold.approved'
run_ok 'and one of them goes on' as eve approve "$id" --digest "$d"
is 'once' "$(kinds)" 'hold.opened hold.approved hold.approved hold.consumed'
is 'to its end' "$(of_last .state)" succeeded

# ---- a worker goes on ----

fresh
pipeline '{}'
"$FETTLE_BINDIR/fettle" work >"$T/worker" 2>&1 &
worker=$!
wait_for 10 sh -c '[ "$("$FETTLE_BINDIR/fettle" workers --json | jq length)" -gt 0 ]' ||
	bail "no worker: $(cat "$T/worker")"
run_fails 5 'a run waits' fettle run -p ./p.yaml
run_ok 'who agrees leaves it to a worker that lives' as bob approve last --digest "$(of_last .hold.digest)"
like 'and says so' "$out" 'a worker goes on with it'
succeeded() { [ "$(of_last .state)" = succeeded ]; }
ok 'which takes it to its end' wait_for 20 succeeded
is 'as it was agreed to' "$(cat a.txt)" two
kill "$worker"
wait "$worker" 2>/dev/null

# ---- beside a run whose engine died ----

cat >half.yaml <<YAML
fettle: 1
name: half
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: write, path: half.txt, content: half }] }
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'touch $T/ready; exec sleep 60'] } }
YAML
half()
{
	rm -f "$T/ready"
	"$FETTLE_BINDIR/fettle" run -q -p ./half.yaml >/dev/null 2>&1 &
	wait_for 20 test -e "$T/ready" || bail 'the step that waits did not start'
	kill -9 $!
	wait $! 2>/dev/null
	dead=$(of_last .run)
}
fresh
pipeline '{}'
run_fails 5 'a run waits' fettle run -p ./p.yaml
id=$(of_last .run)
d=$(of_last .hold.digest)
half
run_ok 'who agrees goes on with it' as bob approve "$id" --digest "$d"
like 'after what the dead one left' "$out" "finished interrupted run $dead: failed, rolled back"
is 'which is put back' "$(fettle show "$dead" --json | jq -r .state) $(ls half.txt 2>/dev/null)" 'rolled_back '
is 'and its own end is as ever' "$(fettle show "$id" --json | jq -r .state)" succeeded
half
run_fails 2 'the dead one itself waits for nobody' as bob approve "$dead" --json --digest "$d"
is 'which is told by its end' "$(tail -n 1 "$T/out" | jq -r '.error | "\(.code): \(.text)"')" \
	"approval_not_applicable: run $dead is rolled_back: it does not wait for anybody"
fresh
run_fails 5 'a run waits' fettle run -p ./p.yaml
id=$(of_last .run)
half
run_ok 'who says no' as bob reject "$id" --reason no
is 'has it put back as well' "$(fettle show "$dead" --json | jq -r .state) $(fettle show "$id" --json | jq -r .state)" \
	'rolled_back denied'

# ---- what is shown ----

cat >trojan.yaml <<'YAML'
fettle: 1
name: trojan
policies: [{ uses: ask }]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: write, path: b.txt, content: "a\u202eb\e[31mc" }] }
YAML
run_fails 5 'an edit that shows other than it is' fettle run -p ./trojan.yaml
seen=$(as bob approve last 2>/dev/null </dev/null)
like 'is shown as it is' "$seen" 'a.u\{202e\}b.x1b\[31mc'
unlike 'and steers no terminal' "$seen" "$(printf '\033')"
fettle cancel last >/dev/null 2>&1
# ---- all of it is shown, and nothing of it steers who reads ----

{
	echo 'fettle: 1'
	echo 'name: long'
	echo 'policies: [{ uses: ask }]'
	echo 'steps:'
	echo '  - id: patch'
	echo '    uses: patch/apply'
	echo '    with:'
	echo '      edits:'
	echo '        - op: write'
	echo '          path: long.txt'
	echo '          content: |'
	seq 5000 | sed 's/^/            line /'
} >long.yaml
run_fails 5 'A17: an edit of many lines' fettle run -p ./long.yaml
is 'A17: is reviewed to its end' "$(as bob approve last 2>/dev/null </dev/null | grep -c '^+line ')" 5000
is 'A17: also as JSON' "$(as bob approve last --json 2>/dev/null </dev/null >/dev/null; of_last .hold.diff | grep -c '^+line ')" 5000
fettle cancel last >/dev/null 2>&1

esc=$(printf '\033')
rlo=$(printf '\342\200\256')
steers() # TEXT: something in it would act on a terminal, or hide
{
	printf '%s' "$1" | LC_ALL=C grep -q "$esc\|$rlo"
}
cat >names.yaml <<'YAML'
fettle: 1
name: names
policies: [{ uses: ask, with: { before: verify } }]
inputs: { instruction: { type: string } }
steps:
  - id: check
    uses: verify/command
    with: { argv: [echo, "a\u202eb\e[31mc"] }
YAML
run_fails 2 'an instruction that would steer is refused' fettle run -p ./names.yaml "say it${esc}[31m"
run_fails 5 'a command that shows other than it is' fettle run -p ./names.yaml "say ${rlo}it"
not_ok 'its run says it as it is' steers "$out$err"
for shown in 'approve last' 'show last' 'runs' 'logs last' 'plan -p ./names.yaml'; do
	# shellcheck disable=SC2086
	not_ok "$shown: nothing steers" steers "$(as bob $shown 2>&1 </dev/null)"
done
like 'the review shows what is there' "$(as bob approve last 2>/dev/null </dev/null)" 'u\{202e\}|u202e|x1b'
run_ok 'a reason of that kind' as bob reject last --reason "no${esc}[2J$rlo"
not_ok 'is told as it is' steers "$out$err"
not_ok 'and shown so' steers "$(fettle show last)"
unlike 'JSON holds no bare control character' "$(fettle show last --json)" "$esc"

# On a terminal, too, where colours of our own are no harm: what a title would be set
# with, and what turns the order of a line around, are not.
cat >odd.yaml <<'YAML'
fettle: 1
name: odd
policies: [{ uses: ask }]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: write, path: "b\u202e.txt", content: "a\e]0;owned\ac\n" }] }
YAML
run_fails 5 'a file name that shows other than it is' fettle run -p ./odd.yaml
on_terminal() # COMMAND...
{
	set -- env SUDO_USER=bob script -qec "stty cols 100 rows 30; $*" "$T/typescript"
	[ "$(id -u)" -eq 0 ] || set -- unshare -r "$@"
	"$@" 2>&1 </dev/null
}
for TERM in xterm dumb ''; do
	export TERM
	for shown in 'approve last' 'show last' 'diff last' 'plan -p ./odd.yaml'; do
		seen=$(on_terminal "$FETTLE_BINDIR/fettle $shown")
		unlike "$shown, TERM=$TERM: sets no title" "$seen" "$esc]"
		unlike "$shown, TERM=$TERM: turns no line around" "$seen" "$rlo"
		[ "$shown" = 'show last' ] || like "$shown, TERM=$TERM: names the file as it is" \
			"$seen" 'b.u\{202e\}.txt|b.342.200.256.txt'
	done
done
fettle cancel last >/dev/null 2>&1

fresh
run_ok 'plan tells who would have to agree' fettle plan --json -p ./p.yaml
is 'without asking anybody' "$(json '.steps[] | select(.step == "patch") | .verdict')" hold
is 'and goes on to the steps behind' "$(json '.steps[-1].step')" check
done_testing
