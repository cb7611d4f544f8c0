#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What voids an approval: each thing it rests on is another one when the run goes on.
# The step is proposed once more, under today's rules, and people are asked again; an
# effect comes of what was agreed to and of nothing else.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3

built=${FETTLE_MODULES:-$FETTLE_BUILD/t/modules}
[ -d "$built/plugins/test" ] || bail 'the test modules are not built'
need_people
# Modules of its own, which may be replaced.
mkdir "$T/own"
cp -r "$built" "$T/own/modules"
cp "$(dirname "$built")"/libfettle.so.0* "$T/own" 2>/dev/null ||
	cp "$built"/../libfettle.so.0* "$T/own" 2>/dev/null
FETTLE_LIBDIR=$T/own/modules
FETTLE_SITE_FILE=$T/site.yaml
export FETTLE_LIBDIR FETTLE_SITE_FILE
workspace

people='  ann: { users: [ann], roles: [lead] }
  bob: { users: [bob], roles: [sre] }
  eve: { users: [eve], roles: [sre] }'
pipeline() # MORE: lines in front of the steps
{
	cat >p.yaml <<YAML
fettle: 1
name: p
$1
steps:
  - { id: look, uses: analyze/command, with: { argv: [sh, -c, 'echo x >>$T/looked'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: check, uses: verify/command, with: { argv: ['true'] } }
YAML
}
events() # FILTER: of the last run's events
{
	fettle audit export last | jq -r "select(.event.kind? // \"\" | startswith(\"$1\")) | .event.$2" | xargs
}
kinds()
{
	events hold. kind
}
intents() # of the step that was held
{
	fettle audit export last |
		jq -r 'select(.event.kind == "step.intent" and .event.body.step == "patch") | 1' | wc -l
}
keys() # what the last void hold says has changed
{
	fettle audit export last | jq -rs 'map(select(.event.kind == "hold.voided")) | last
		| .event.body.changed | map(.key) | sort | join(" ")'
}
# Each change is told with what was and what is, and these are not the same.
is_told_both_ways()
{
	fettle audit export last | jq -es 'map(select(.event.kind == "hold.voided")) | last
		| .event.body.changed | length > 0 and all(.was != .is and (.what | length) > 0)' >/dev/null
}
hold() # a run that waits; its digest in $digest
{
	rm -f "$T/looked"
	printf 'one\n' >a.txt
	capture fettle run -p ./p.yaml
	[ "$rc" -eq 5 ] || diag "it does not wait: $out $err"
	digest=$(of_last .hold.digest)
}
# voids NAME KEYS CHANGE...: agreed to, after that change, the step waits once more.
voids()
{
	v_name=$1 v_keys=$2
	shift 2
	hold
	"$@" || bail "$v_name cannot be changed"
	v_before=$(tree_hash .)
	run_fails 5 "$v_name: it waits again" as bob approve last --digest "$digest"
	v_out=$out
	is "$v_name: once, for something else" "$(kinds)" \
		'hold.opened hold.approved hold.voided hold.opened'
	isnt "$v_name: with another digest" "$(of_last .hold.digest)" "$digest"
	is "$v_name: which is the hash of its basis" "$(of_last .hold.digest)" \
		"$(fettle show last --json | jq -jcS .hold.basis | sha256sum | cut -c 1-64)"
	is "$v_name: it says what has changed" "$(keys)" "$v_keys"
	ok "$v_name: with what was and what is" is_told_both_ways
	is "$v_name: proposed once more" "$(events step.proposed body.step | tr ' ' '\n' | grep -c patch)" 2
	is "$v_name: nothing is begun" "$(intents)" 0
	is "$v_name: nothing is changed" "$(tree_hash .)" "$v_before"
	is "$v_name: what was done is not done again" "$(wc -l <"$T/looked")" 1
	run_fails 2 "$v_name: the old digest is of no use" as eve approve last --digest "$digest"
	like "$v_name: the review says why it asks again" "$(as eve approve last 2>/dev/null </dev/null)" \
		'^ *again +what was agreed to has changed: '
}
# goes_on NAME WHO: the new hold is agreed to, and it is done once.
goes_on()
{
	run_ok "$1: agreed to again it goes on" as "$2" approve last --digest "$(of_last .hold.digest)"
	is "$1: it is done" "$(of_last .state) $(head -1 a.txt)" 'succeeded two'
	is "$1: once" "$(intents)" 1
	is "$1: in one attempt" "$(of_last '.steps[] | select(.step == "patch") | .attempt')" 1
	ok "$1: the chain is whole" fettle audit verify
}
own()
{
	pipeline 'policies: [{ uses: ask }]'
	site
}
more_text() { printf 'one\nmore\n' >a.txt; }
grow() { printf '\0' >>"$FETTLE_LIBDIR/$1"; }

# ---- each thing it rests on ----

own
voids 'the file' 'file:a.txt proposal' more_text
goes_on 'the file' eve
is 'the file: with what was in it' "$(cat a.txt)" 'two
more'
voids 'its own module' 'module:patch/apply' grow plugins/patch/apply.so
like 'its own module: who watches is told' "$v_out" "not as before: module 'patch/apply'"
goes_on 'its own module' eve
voids 'a module of a later step' 'module:verify/command' grow plugins/verify/command.so
goes_on 'a module of a later step' eve
voids 'a module of an earlier step' 'module:analyze/command' grow plugins/analyze/command.so
goes_on 'a module of an earlier step' eve
voids 'the module of a policy' 'policy:ask' grow policies/ask.so
goes_on 'the module of a policy' eve
all_modules()
{
	for module in plugins/patch/apply plugins/analyze/command plugins/verify/command policies/ask; do
		grow "$module.so"
	done
}
voids 'an upgrade' 'module:analyze/command module:patch/apply module:verify/command policy:ask' all_modules
goes_on 'an upgrade' eve

voids 'a new policy of the site' 'needs policy:diff-size site:diff-size' \
	site 'policies: [{ uses: diff-size, with: { max_lines: 1, over: hold } }]'
goes_on 'a new policy of the site' eve

pipeline ''
site 'policies: [{ uses: ask }]'
lead() { site 'policies: [{ uses: ask, with: { roles: [lead] } }]'; }
voids 'another role in the rules of the site' 'needs site:ask' lead
run_fails 2 'another role in the rules of the site: it is asked for' \
	as eve approve last --digest "$(of_last .hold.digest)"
goes_on 'another role in the rules of the site' ann
site 'policies: [{ uses: ask }]'
two() { site 'policies: [{ uses: ask, with: { quorum: 2 } }]'; }
voids 'a larger quorum' 'needs site:ask' two
run_ok 'a larger quorum: the approval before counts no more' as bob approve last --digest "$(of_last .hold.digest)"
goes_on 'a larger quorum' eve
site 'policies: [{ uses: ask }]'
longer() { site 'policies: [{ uses: ask, with: { valid_for: 2h } }]'; }
voids 'a longer validity' 'needs site:ask' longer
goes_on 'a longer validity' eve

# ---- twice, and never by itself ----

own
voids 'the first time' 'file:a.txt proposal' more_text
printf 'one\nmore\nand more\n' >a.txt
run_fails 5 'it changes once more' as eve approve last --digest "$(of_last .hold.digest)"
is 'and is asked once more' "$(kinds)" \
	'hold.opened hold.approved hold.voided hold.opened hold.approved hold.voided hold.opened'
goes_on 'the third time' bob

hold
as bob approve last --digest "$digest" --no-wait >/dev/null
more_text
run_ok 'a worker looks' fettle work --drain
run_ok 'and again' fettle work --drain
is 'it asks once, and waits' "$(kinds) $(of_last .state)" \
	'hold.opened hold.approved hold.voided hold.opened awaiting_approval'
is 'nothing is begun' "$(intents)" 0
fettle cancel last >/dev/null 2>&1

# ---- rules that say no, or nothing ----

own
hold
site 'policies: [{ uses: freeze, with: { windows: ["2020-01-01 - 2100-01-01"] } }]'
run_fails 6 'a freeze that began meanwhile holds' as bob approve last --digest "$digest"
is 'the run is denied' "$(of_last '.state + " " + .code')" 'denied policy_denied'
is 'the approval is void' "$(kinds)" 'hold.opened hold.approved hold.voided'
like 'for that reason' "$(events hold.voided body.why)" 'it is denied now: .*2020-01-01'
is 'nothing is begun' "$(intents) $(cat a.txt)" '0 one'
run_fails 6 'a retry is judged by it, too' fettle retry last
site
run_fails 5 'behind the freeze it asks again' fettle retry last
run_ok 'and goes on' as bob approve last --digest "$(of_last .hold.digest)"
is 'to its end' "$(of_last .state) $(cat a.txt)" 'succeeded two'

pipeline ''
site 'policies: [{ uses: ask }]'
hold
site
run_ok 'a policy that the site has no more asks for nobody' as bob approve last --digest "$digest"
is 'the approval is void all the same' "$(kinds)" 'hold.opened hold.approved hold.voided'
is 'for that reason' "$(events hold.voided body.why)" 'no policy asks for it any more'
is 'and it is done' "$(of_last .state) $(cat a.txt)" 'succeeded two'

own
hold
printf 'three\n' >a.txt
run_fails 3 'a step that cannot be proposed any more fails' as bob approve last --digest "$digest"
is 'the approval is void' "$(kinds)" 'hold.opened hold.approved hold.voided'
like 'for that reason' "$(events hold.voided body.why)" 'failed before it was judged again: .*one is not in it'
is 'which names the file' "$(keys)" 'file:a.txt'
is 'nothing is begun' "$(intents) $(cat a.txt)" '0 three'
is 'it ended without a change' "$(of_last '.state + " " + .code')" 'failed patch.find'

hold
site 'policies: [{ uses: ask, with: { roles: [nobody] } }]'
run_fails 6 'people who are not there are not waited for' as bob approve last --digest "$digest"
is 'by that name' "$(of_last .code)" approval_unavailable
is 'nothing is begun' "$(intents) $(cat a.txt)" '0 one'

# ---- a plan that cannot go on ----

own
cp "$FETTLE_LIBDIR/plugins/patch/apply.so" "$T/apply.so"
hold
sed -i 's/allow_delete/allow_delets/g' "$FETTLE_LIBDIR/plugins/patch/apply.so"
run_fails 3 'a module that the plan does not fit' as bob approve last --digest "$digest"
is 'makes it stale' "$(of_last .code)" plan_stale
like 'it says which, and why' "$(of_last .message)" "module 'patch/apply' was replaced by one that the plan does not fit: .*allow_delete"
like 'and what to do' "$out" 'start a new run'
is 'nothing is begun' "$(intents) $(cat a.txt)" '0 one'
cp "$T/apply.so" "$FETTLE_LIBDIR/plugins/patch/apply.so"
run_fails 5 'with a module that fits it is retried' fettle retry last
fettle cancel last >/dev/null 2>&1

# ---- what cannot be told now is waited for, and the approval with it ----

# waits_for NAME CODE BREAK MEND
waits_for()
{
	own
	hold
	$3
	run_fails 5 "$1: it cannot go on now" as bob approve last --digest "$digest"
	is "$1: by its code" "$(of_last '.state + " " + .code')" "awaiting_approval $2"
	is "$1: the approval stays" "$(kinds)" 'hold.opened hold.approved'
	like "$1: who looks is told" "$(fettle show last)" 'cause +it cannot go on now: '
	is "$1: nothing is begun" "$(intents) $(cat a.txt)" '0 one'
	$4
	run_ok "$1: then it goes on" as bob approve last --digest "$digest"
	is "$1: with the same approval" "$(kinds)" 'hold.opened hold.approved hold.consumed'
	is "$1: to its end" "$(of_last .state) $(cat a.txt)" 'succeeded two'
}
slip() { site 'policies: [{ uses: diff-size, with: { max_lins: 1 } }]'; }
unknown() { site 'policies: [{ uses: no-such }]'; }
away() { mv "$FETTLE_LIBDIR/plugins/patch/apply.so" "$T/away.so"; }
back() { mv "$T/away.so" "$FETTLE_LIBDIR/plugins/patch/apply.so"; }
waits_for 'a slip in the site file' param.unknown slip site
waits_for 'a policy that is not installed' pipeline.policy unknown site
waits_for 'a module that is not there' pipeline.step_type away back

# ---- what it does not rest on ----

# stands NAME CHANGE: the approval is good for what was agreed to.
stands()
{
	own
	hold
	$2
	run_ok "$1: the approval stands" as bob approve last --digest "$digest"
	is "$1: it is used" "$(kinds)" 'hold.opened hold.approved hold.consumed'
	is "$1: for what was agreed to" "$(of_last .state) $(cat a.txt)" 'succeeded two'
}
another_pipeline() { sed -i 's/with: two/with: evil/; s/uses: ask/uses: abstain/' p.yaml; }
same_bytes() { cp a.txt b.txt && mv b.txt a.txt; }
another_file() { echo x >other.txt; }
another_person() { site '  kim: { users: [kim], roles: [sre] }'; }
touched() { touch "$FETTLE_LIBDIR/plugins/patch/apply.so"; }
stands 'another text of the pipeline' another_pipeline
stands 'the same bytes in a new file' same_bytes
stands 'another file' another_file
stands 'somebody new' another_person
stands 'a module that is only touched' touched

# ---- others who go on ----

pipeline ''
site
sed -i 's/true/false/' p.yaml
printf 'one\n' >a.txt
run_fails 3 'a run that fails behind its change' fettle run -p ./p.yaml
site 'policies: [{ uses: ask }]'
run_fails 5 'is retried under the policies of today' fettle retry last
is 'which are an event' "$(events run.renewed body.changed[].key)" 'policy:ask site:ask'
run_fails 3 'and agreed to, does the same' as bob approve last --digest "$(of_last .hold.digest)"
site
grow plugins/patch/apply.so
run_fails 3 'the next time nobody is asked' fettle retry last
is 'with the module of today' "$(fettle audit export last |
	jq -rs 'map(select(.event.kind == "run.renewed")) | last | .event.body.changed | map(.key) | join(" ")')" \
	'module:patch/apply policy:ask site:ask'

# sleeps HOW: a run that sleeps before it tries a step again, its change agreed to.
sleeps()
{
	pipeline 'policies: [{ uses: ask }]'
	site
	sed -i "s|with: { argv: \['true'\] }|retry: { attempts: 2, backoff: 1h, max: 1h, on: any }, with: { argv: [test, -e, $T/now] }|" p.yaml
	rm -f "$T/now"
	hold
	as bob approve last --digest "$digest" --no-wait >/dev/null
	run_ok "$1: it is agreed to" fettle work --drain
	is "$1: it sleeps behind its change" "$(of_last .state) $(cat a.txt)" 'pending two'
	touch "$T/now"
	sql "UPDATE runs SET due_ms = 1 WHERE state = 'pending'"
}
sleeps 'nothing changes meanwhile'
run_ok 'nothing changes meanwhile: it goes on' fettle work --once
is 'nothing changes meanwhile: to its end' "$(of_last .state) $(cat a.txt)" 'succeeded two'
sleeps 'other rules meanwhile'
site 'policies: [{ uses: diff-size, with: { max_lines: 9 } }]'
run_ok 'other rules meanwhile: it goes on' fettle work --once
is 'other rules meanwhile: under them' "$(of_last .state) $(cat a.txt)" 'succeeded two'
is 'other rules meanwhile: which is told' "$(events run.renewed body.changed[].key)" 'policy:diff-size site:diff-size'
sleeps 'another module than agreed to'
grow plugins/verify/command.so
run_ok 'another module than agreed to: a worker looks' fettle work --once
is 'another module than agreed to: it is put back' "$(of_last '.state + " " + .code') $(cat a.txt)" 'rolled_back plan_stale one'
like 'another module than agreed to: with what to do' "$(fettle show last)" 'fettle retry .* asks them again'
run_fails 5 'another module than agreed to: which asks them' fettle retry last
run_ok 'another module than agreed to: and they agree' as bob approve last --digest "$(of_last .hold.digest)"
is 'another module than agreed to: to its end' "$(of_last .state) $(cat a.txt)" 'succeeded two'

# ---- what is put back when its modules were replaced meanwhile ----

undone()
{
	cat >p.yaml <<YAML
fettle: 1
name: p
policies: [{ uses: ask, with: { before: verify } }, { uses: abstain }]
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: replace, path: a.txt, find: one, with: two }] }
  - { id: build, uses: build/command, with: { argv: ["true"] } }
  - { id: check, uses: verify/command, with: { argv: [sleep, "60"] } }
on_failure:
  - { id: back, uses: rollback/command, with: { argv: [touch, $T/undone] } }
YAML
	site
	rm -f "$T/undone"
	printf 'one\n' >a.txt
}
upgrade()
{
	for module in plugins/patch/apply plugins/rollback/command policies/ask policies/abstain; do
		grow "$module.so"
	done
}
is_back() # CLAIM
{
	is "$1" "$(of_last .state) $(cat a.txt) $(of_last '.steps[] | select(.step == "back") | .state')" \
		'rolled_back one succeeded'
	ok "$1: by its own steps" test -e "$T/undone"
	ok "$1: which the log tells" fettle audit verify
}
undone
run_fails 5 'a run that waits behind its change' fettle run -p ./p.yaml
upgrade
run_ok 'a no, behind an upgrade' as bob reject last --reason no
is_back 'a no, behind an upgrade, puts it all back'
undone
run_fails 5 'another one' fettle run -p ./p.yaml
upgrade
fettle cancel last >/dev/null 2>&1
is "a cancelled one is put back" "$(of_last .state) $(cat a.txt)" 'cancelled one'
ok 'by its own steps' test -e "$T/undone"
undone
sed -i 's/before: verify/before: publish/' p.yaml
"$FETTLE_BINDIR/fettle" run -p ./p.yaml >"$T/log" 2>&1 &
killed=$!
ok 'one is carried out' wait_for 20 grep -q 'check: started' "$T/log"
kill -9 "$killed"
wait "$killed" 2>/dev/null
upgrade
run=$(of_last .run)
run_ok 'and killed, and all upgraded' fettle work --drain
is 'it is put back' "$(fettle show "$run" --json | jq -r .state) $(cat a.txt)" 'rolled_back one'
ok 'by its own steps' test -e "$T/undone"
is 'with the modules of today' "$(events run.renewed body.changed[].key)" \
	'module:patch/apply module:rollback/command policy:ask policy:abstain'

# ---- a wait, and where the run is to stop ----

own
hold
fettle cancel last >/dev/null 2>&1
printf 'one\n' >a.txt
run_fails 5 'a run until its change waits at it' fettle run -p ./p.yaml --until patch
run_ok 'agreed to' as bob approve last --digest "$(of_last .hold.digest)"
is 'it stops behind it' "$(of_last .state) $(cat a.txt) $(of_last '.steps[] | select(.step == "check") | .state')" 'succeeded two skipped'
printf 'one\n' >a.txt
run_fails 5 'once more' fettle run -p ./p.yaml --until patch
as bob reject last --reason no >/dev/null 2>&1
run_fails 5 'tried again behind a no, it waits' fettle retry last
run_ok 'agreed to' as bob approve last --digest "$(of_last .hold.digest)"
is 'and still stops there' "$(of_last .state) $(cat a.txt) $(of_last '.steps[] | select(.step == "check") | .state')" 'succeeded two skipped'

# ---- people are asked in each round ----

site
cat >rounds.yaml <<'YAML'
fettle: 1
name: rounds
rounds: 3
policies: [{ uses: ask }]
steps:
  - id: look
    uses: analyze/command
    with: { argv: [sh, -c, 'echo n=$(wc -l <a.txt) >>"$FETTLE_OUTPUTS"'] }
  - id: patch
    uses: patch/apply
    with: { edits: [{ op: add_line, path: a.txt, line: "line ${{ steps.look.outputs.values.n }}" }] }
  - { id: check, uses: verify/command, with: { argv: [sh, -c, 'test $(wc -l <a.txt) -ge 3'] } }
YAML
attempts() # of each step
{
	of_last '[.steps[] | "\(.step) \(.attempt)"] | join(" ")'
}
lines() # of the file
{
	xargs <a.txt
}
printf 'one\n' >a.txt
run_fails 5 'a run of several rounds waits in the first' fettle run -p ./rounds.yaml
first=$(of_last .hold.digest)
run_fails 5 'agreed to, it waits in the second' as bob approve last --digest "$first"
is 'behind the change of the first' "$(attempts) $(lines)" 'look 2 patch 2 check 1 one line 1'
run_fails 2 'what was agreed to in the first is not agreed to in the second' \
	as eve approve last --digest "$first"
run_ok 'agreed to once more' as eve approve last --digest "$(of_last .hold.digest)"
is 'it comes to its end in the second' "$(of_last .state) $(attempts) $(lines)" \
	'succeeded look 2 patch 2 check 2 one line 1 line 2'
is 'with an approval for each' "$(kinds)" \
	'hold.opened hold.approved hold.consumed hold.opened hold.approved hold.consumed'

printf 'one\n' >a.txt
run_fails 5 'another one' fettle run -p ./rounds.yaml
run_fails 5 'waits in its second round' as bob approve last --digest "$(of_last .hold.digest)"
run_ok 'a no there' as bob reject last --reason no
is 'puts back what the first did' "$(of_last .state) $(lines)" 'rolled_back one'
run_fails 5 'tried again, it waits' fettle retry last
is 'in the first round' "$(lines)" one
run_fails 5 'agreed to, in the second' as bob approve last --digest "$(of_last .hold.digest)"
is 'behind its change' "$(lines)" 'one line 1'
echo more >>a.txt
run_fails 5 'what changed there voids what was agreed to there' \
	as bob approve last --digest "$(of_last .hold.digest)"
run_ok 'agreed to once more' as eve approve last --digest "$(of_last .hold.digest)"
is 'it comes to its end' "$(of_last .state)" succeeded
ok 'the chain is whole' fettle audit verify
done_testing
