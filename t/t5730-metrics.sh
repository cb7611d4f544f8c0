#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# StatsD: what is sent for which end of a run, where to, and that no sink, dead or
# alive, makes a difference to a run.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need python3 sqlite3

test_modules
unset STATSD_HOST STATSD_PORT STATSD_PREFIX
unset SPEC_WORKFLOW_METRICS_HOST SPEC_WORKFLOW_METRICS_PORT SPEC_WORKFLOW_METRICS_PREFIX

"$FETTLE_SRC/t/fixtures/statsd" "$T/port" "$T/log" 2>"$T/sink.err" &
sink=$!
at_exit 'kill $sink 2>/dev/null'
wait_for 10 test -s "$T/port" || bail "no sink: $(cat "$T/sink.err")"
port=$(cat "$T/port")

# sent: since the last call, a line each, times as N; the end of it is asked for by
# a datagram of our own.
sent()
{
	sent_mark=$((${sent_mark:-0} + 1))
	python3 -c 'import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
	b"mark %s" % sys.argv[2].encode(), ("127.0.0.1", int(sys.argv[1])))' "$port" $sent_mark
	wait_for 10 grep -qx "mark $sent_mark" "$T/log" || bail 'the sink is dead'
	grep -v -e '^--' -e '^mark' "$T/log" | sed 's/:[0-9]*|ms/:N|ms/'
	: >"$T/log"
}
lines()
{
	printf '%s\n' "$@"
}

workspace
printf 'one\n' >a.txt
cat >good.yaml <<'YAML'
fettle: 1
name: good
steps:
  - { id: analyze, uses: analyze/command, with: { argv: ['true'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: one, with: two } ] }
YAML
cat >bad.yaml <<'YAML'
fettle: 1
name: bad
steps:
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: two, with: three } ] }
  - { id: verify, uses: verify/command, with: { argv: ['false'] } }
  - { id: after, uses: verify/command, with: { argv: ['true'] } }
YAML
cat >denied.yaml <<'YAML'
fettle: 1
name: denied
policies: [{ uses: deny }]
steps:
  - { id: look, uses: verify/command, with: { argv: ['true'] } }
YAML
cat >held.yaml <<'YAML'
fettle: 1
name: held
policies: [{ uses: ask, with: {} }]
steps:
  - { id: look, uses: analyze/command, with: { argv: ['true'] } }
  - id: patch
    uses: patch/apply
    with: { edits: [ { op: replace, path: a.txt, find: two, with: two and a half } ] }
YAML
cat >slow.yaml <<YAML
fettle: 1
name: slow
steps:
  - { id: wait, uses: verify/command, with: { argv: [sh, -c, 'echo >$T/ready; exec sleep 61.8'] } }
YAML
cat >word.yaml <<'YAML'
fettle: 1
name: words
steps:
  - { id: first, uses: verify/command, with: { argv: ['true'] } }
YAML

# ---- nothing configured

run_ok 'without a place for metrics a run' fettle run -q -p ./good.yaml
is 'says nothing of them' "$err" ''
is 'and none are sent' "$(sent)" ''
printf 'one\n' >a.txt
if command -v strace >/dev/null && strace -o "$T/trace" true 2>/dev/null; then
	run_ok 'traced' strace -o "$T/trace" -e trace=socket,openat \
		"$FETTLE_BINDIR/fettle" run -q -p ./good.yaml
	is 'no socket is made for them' "$(grep -c AF_INET "$T/trace")" 0
	ok 'nor the site file read for them: only by the plan and by the summary' \
		test "$(grep -c -F "$FETTLE_SITE_FILE" "$T/trace")" -le 2
	printf 'one\n' >a.txt
else
	skip 'nothing is done for metrics that go nowhere' 'there is no strace here'
fi

# ---- the environment says where to

STATSD_HOST=127.0.0.1
STATSD_PORT=$port
export STATSD_HOST STATSD_PORT

run_ok 'a run that succeeds' fettle run -q -p ./good.yaml
is 'is told of as it goes' "$(sent)" "$(lines \
	'fettle.runs.queued:1|c' \
	'fettle.runs.status.running:1|c' \
	'fettle.steps.analyze.started:1|c' \
	'fettle.steps.analyze.succeeded:1|c' \
	'fettle.steps.analyze.duration:N|ms' \
	'fettle.steps.patch.started:1|c' \
	'fettle.steps.patch.succeeded:1|c' \
	'fettle.steps.patch.duration:N|ms' \
	'fettle.runs.status.succeeded:1|c' \
	'fettle.runs.duration.succeeded:N|ms')"

run_fails 3 'a run that fails and is rolled back' fettle run -q -p ./bad.yaml
is 'is told of with all its steps' "$(sent)" "$(lines \
	'fettle.runs.queued:1|c' \
	'fettle.runs.status.running:1|c' \
	'fettle.steps.patch.started:1|c' \
	'fettle.steps.patch.succeeded:1|c' \
	'fettle.steps.patch.duration:N|ms' \
	'fettle.steps.verify.started:1|c' \
	'fettle.steps.verify.failed:1|c' \
	'fettle.steps.verify.duration:N|ms' \
	'fettle.steps.after.skipped:1|c' \
	'fettle.runs.status.rolling_back:1|c' \
	'fettle.runs.status.rolled_back:1|c' \
	'fettle.runs.duration.rolled_back:N|ms')"

run_fails 6 'a run that is denied' fettle run -q -p ./denied.yaml
is 'has a step that never started' "$(sent)" "$(lines \
	'fettle.runs.queued:1|c' \
	'fettle.runs.status.running:1|c' \
	'fettle.steps.look.failed:1|c' \
	'fettle.steps.look.duration:N|ms' \
	'fettle.runs.status.denied:1|c' \
	'fettle.runs.duration.denied:N|ms')"

printf 'one\n' >a.txt
run_ok 'a plan is no run' fettle plan -p ./good.yaml
printf 'two\n' >a.txt
is 'and sends nothing' "$(sent)" ''
run_ok 'nor does who only looks' fettle show last
is 'send anything' "$(sent)" ''

# ---- people

if [ "$(id -u)" -eq 0 ]; then
	people='  ann: { users: [ann], roles: [sre] }
  bob: { users: [bob], roles: [sre] }'
	site
	run_fails 5 'a run that waits for people' as ann \
		run -q -p ./held.yaml
	is 'is told of as waiting' "$(sent)" "$(lines \
		'fettle.runs.queued:1|c' \
		'fettle.runs.status.running:1|c' \
		'fettle.steps.look.started:1|c' \
		'fettle.steps.look.succeeded:1|c' \
		'fettle.steps.look.duration:N|ms' \
		'fettle.runs.status.awaiting_approval:1|c')"
	run_ok 'once approved' as bob approve -q last \
		--digest "$(of_last .hold.digest)"
	is 'it is told of to its end' "$(sent)" "$(lines \
		'fettle.runs.status.running:1|c' \
		'fettle.steps.patch.started:1|c' \
		'fettle.steps.patch.succeeded:1|c' \
		'fettle.steps.patch.duration:N|ms' \
		'fettle.runs.status.succeeded:1|c' \
		'fettle.runs.duration.succeeded:N|ms')"
	printf 'two\n' >a.txt
	run_fails 5 'another one' as ann run -q -p ./held.yaml
	sent >/dev/null
	run_ok 'once rejected' as bob reject -q last \
		--reason no --digest "$(of_last .hold.digest)"
	like 'it is told of as denied' "$(sent)" '^fettle\.runs\.status\.denied:1\|c$'
	rm "$FETTLE_SITE_FILE"
else
	skip 'a run that waits for people' 'nobody can be somebody else here'
fi

# ---- the queue, cancelling, dying

cat >fettle.yaml <<'YAML'
fettle: 1
project: shop
services:
  web.api: {}
YAML
sed 's/^name:.*/&\ninputs: { service: { type: service } }/' word.yaml >served.yaml
run_ok 'a run for the queue' fettle run -q --queue -s web.api -p ./served.yaml
queued=$out
is 'counts for its service, whose dots are none of ours' "$(sent)" "$(lines \
	'fettle.runs.queued:1|c' \
	'fettle.runs.queued.service.web_api:1|c')"
run_fails 7 'cancelled there' fettle cancel -q "$queued"
is 'it has an end and took no time' "$(sent)" 'fettle.runs.status.cancelled:1|c'
rm fettle.yaml

run_ok 'a run that a worker takes' fettle run -q --queue -p ./good.yaml
sent >/dev/null
printf 'one\n' >a.txt
run_ok 'with a worker' fettle work --drain -q
is 'was queued before, and is not counted twice' "$(sent | grep -c queued)" 0

"$FETTLE_BINDIR/fettle" run -q -p ./slow.yaml >/dev/null 2>&1 &
slow=$!
wait_for 20 test -s "$T/ready"
run_fails 7 'a run that is cancelled at work' fettle cancel -q last
wait "$slow"
is 'is told of once, by who carried it out' "$(sent)" "$(lines \
	'fettle.runs.queued:1|c' \
	'fettle.runs.status.running:1|c' \
	'fettle.steps.wait.started:1|c' \
	'fettle.steps.wait.cancelled:1|c' \
	'fettle.steps.wait.duration:N|ms' \
	'fettle.runs.status.cancelled:1|c' \
	'fettle.runs.duration.cancelled:N|ms')"

rm "$T/ready"
"$FETTLE_BINDIR/fettle" run -q -p ./slow.yaml >/dev/null 2>&1 &
slow=$!
wait_for 20 test -s "$T/ready"
kill -9 "$slow"
wait "$slow" 2>/dev/null
sent >/dev/null
run_ok 'a run whose engine died is finished by the next one' fettle run -q -p ./word.yaml
is 'which tells of both' "$(sent | head -n 4)" "$(lines \
	'fettle.steps.wait.interrupted:1|c' \
	'fettle.runs.status.failed:1|c' \
	'fettle.runs.duration.failed:N|ms' \
	'fettle.runs.queued:1|c')"

# ---- where to, and who says so

SPEC_WORKFLOW_METRICS_PREFIX=shop. STATSD_PREFIX=other \
	fettle run -q -p ./word.yaml >/dev/null 2>&1
like 'the variable that is meant for us wins, a dot at its end is no second one' \
	"$(sent)" '^shop\.runs\.queued:1\|c$'
cat >"$FETTLE_SITE_FILE" <<YAML
fettle: 1
metrics:
  statsd: { host: localhost, port: $port, prefix: '', tags: { env: prod, team: 'a:b' } }
YAML
chmod 644 "$FETTLE_SITE_FILE"
STATSD_PORT=1 STATSD_HOST='a;b' fettle run -q -p ./word.yaml >/dev/null 2>&1
is 'what the site says, with a name and tags, is not taken away by a variable' \
	"$(sent | head -n 1)" 'runs.queued:1|c|#env:prod,team:a:b'
capture fettle doctor --json
like 'doctor tells where they go' "$(json '.[] | select(.name == "metrics") | "\(.ok) \(.text)"')" \
	"^true StatsD at localhost, port $port, .*, tags env:prod,team:a:b, as the site file says$"
rm "$FETTLE_SITE_FILE"
is 'without a line for the sink' "$(sent)" ''
capture env -u STATSD_HOST "$FETTLE_BINDIR/fettle" doctor --json
is 'or that there is no place' "$(json '.[] | select(.name == "metrics") | "\(.ok) \(.text)"')" \
	'true none are sent: no place is given'

awk '/^-- / && $2 > 1432 { bad = 1 } END { exit bad }' "$T/log"
is 'no datagram is larger than networks pass whole' $? 0

# ---- C16: what is wrong is refused before a run begins

before=$(fettle runs --json | jq length)
for host in 'a;b' 'a b' 'a:8125' 'http://a' '-a' '1.2.3' '256.1.1.1' 'a..b'; do
	run_fails 2 "C16: host $host" env STATSD_HOST="$host" "$FETTLE_BINDIR/fettle" run --json -p ./word.yaml
	is 'C16: is refused' "$(tail -n 1 "$T/out" | jq -r .error.code)" metrics.invalid
done
like 'C16: with what to do' "$err" 'such as 127.0.0.1'
for value in 0 65536 text -1 0x10 ' 1' 18446744073709551617; do
	run_fails 2 "C16: port $value" env STATSD_PORT="$value" "$FETTLE_BINDIR/fettle" run --json -p ./word.yaml
	is 'C16: is refused' "$(tail -n 1 "$T/out" | jq -r .error.code)" metrics.invalid
done
like 'C16: naming the variable' "$err" 'STATSD_PORT'
for value in 'a b' 'a..b' '.a' 'a:b' 'a|c'; do
	run_fails 2 "C16: prefix $value" env STATSD_PREFIX="$value" "$FETTLE_BINDIR/fettle" run -q --queue -p ./word.yaml
done
run_fails 2 'C16: check finds it too' env STATSD_PORT=0 "$FETTLE_BINDIR/fettle" check -p ./word.yaml
capture env STATSD_PORT=0 "$FETTLE_BINDIR/fettle" doctor --json
is 'C16: and doctor, once' "$(json '[.[] | select(.text | contains("STATSD_PORT")) | .name] | join(" ")')" metrics
run_ok 'C16: a port without a host is nobody'"'"'s' env -u STATSD_HOST STATSD_PORT=text \
	"$FETTLE_BINDIR/fettle" check -p ./word.yaml
is 'C16: no run was made' "$(fettle runs --json | jq length)" "$before"
run_ok 'C16: one that waits' fettle run -q --queue -p ./word.yaml
run_fails 7 'C16: is ended all the same' env STATSD_PORT=0 "$FETTLE_BINDIR/fettle" cancel -q "$out"
like 'C16: with a word about it' "$err" 'no metrics are sent: .*STATSD_PORT'

# ---- sinks that are not there

kill "$sink"
wait "$sink" 2>/dev/null
run_ok 'where nobody listens any more a run' fettle run -q -p ./word.yaml
is 'goes on without a word' "$err" ''
capture fettle doctor --json
is 'only doctor says it' "$(json '.[] | select(.name == "metrics") | .ok')" false
like 'with what to do' "$(json '.[] | select(.name == "metrics") | .remedy')" 'start it'

done_testing
