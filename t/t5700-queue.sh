#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Cancelling a run from another process, wherever it stands, and putting runs
# into the queue.
. "${FETTLE_SRC:-$(dirname "$0")/..}/t/lib.sh"
. "$FETTLE_SRC/t/runs.sh"
need sqlite3

workspace
printf 'one\n' >a.txt
there_and_back slow "sleep 61.7 & touch $T/ready; wait" \
	"touch $T/undoing; while [ -e $T/hold ]; do sleep 0.05; done"
cat >>slow.yaml <<YAML
finally:
  - { id: tidy, uses: verify/command, with: { argv: [sh, -c, 'echo tidy >>$T/tidied'] } }
YAML
cat >retry.yaml <<YAML
fettle: 1
name: retry
steps:
  - id: flaky
    uses: verify/command
    retry: { attempts: 5, backoff: 30s, on: any }
    with: { argv: [sh, -c, 'touch $T/tried; false'] }
YAML
cat >nop.yaml <<'YAML'
fettle: 1
name: nop
inputs: { word: { type: string, default: none } }
steps:
  - { id: first, uses: verify/command, with: { argv: ['true'] } }
  - { id: second, uses: verify/command, with: { argv: ['true'] } }
YAML
cat >judged.yaml <<YAML
fettle: 1
name: judged
policies: [ { uses: pslow } ]
steps:
  - { id: first, uses: verify/command, with: { argv: ['true'] } }
YAML
before=$(tree_hash .)

start() # PIPELINE FILE: until FILE is there
{
	rm -f "$T/ready" "$T/world" "$T/undoing" "$T/tidied" "$T/tried"
	fettle_until "$2" run -p "./$1"
}

# ---- while a module runs ----

start slow.yaml "$T/ready"
run=$(of_last .run)
begin=$(date +%s%N)
capture fettle cancel "$run" --reason 'wrong service'
took=$((($(date +%s%N) - begin) / 1000000))
is 'the cancel ends as the run does: 7' "$rc" 7
diag "cancelled and put back within $took ms"
ok 'soon' test "$took" -lt 2000
like 'it says who and why' "$out" 'cancelled by operator:[^ ]+: wrong service'
wait "$pid"
is 'and so does the process that had the run' "$?" 7
like 'which says it too' "$(cat "$T/run.out")" 'cancelled by operator:[^ ]+: wrong service'
is 'everything is back' "$(tree_hash .)" "$before"
is 'the effect was undone' "$(cat "$T/world")" "$(printf 'up\ndown')"
is 'the finally step ran' "$(cat "$T/tidied")" tidy
is 'state and code' "$(of_last '.state + " " + .code')" 'cancelled cancelled'
not_ok 'no process of the step is left' pgrep -f 'sleep 61.7'
is 'the request is one event of the chain' \
	"$(sql "SELECT count(*) FROM events WHERE run = '$run' AND kind = 'run.cancel'")" 1
is 'which has no gap' \
	"$(sql "SELECT count(*) = max(seq) FROM events WHERE run = '$run'")" 1
capture fettle cancel "$run"
is 'an ended run is not cancelled again' "$rc" 2
like 'with the code' "$err" 'workflow_conflict'
capture fettle cancel 20200101-000000-aaaaaa
is 'an unknown run' "$rc" 1
like 'is told' "$err" 'run_not_found'

# ---- while it is unwound ----

touch "$T/hold"
start slow.yaml "$T/ready"
run=$(of_last .run)
capture fettle cancel --no-wait "$run"
is '--no-wait does not wait' "$rc" 0
wait_for 20 test -e "$T/undoing" || bail 'it was not unwound'
capture fettle cancel --no-wait "$run"
is 'a cancel of a run that is unwound is no error' "$rc" 0
like 'and says that it changes nothing' "$out" 'put back already'
rm "$T/hold"
capture fettle cancel "$run" --json
is 'one may wait for its end' "$rc" 7
wait "$pid"
is 'everything is back, once' "$(cat "$T/world")" "$(printf 'up\ndown')"

# ---- in the wait before a retry, and asked twice ----

start retry.yaml "$T/tried"
run=$(of_last .run)
announced()
{
	[ "$(sql "SELECT count(*) FROM events WHERE run = '$run' AND body LIKE '%again in%'")" -gt 0 ]
}
wait_for 20 announced || bail 'no retry was announced'
fettle cancel --no-wait "$run" >/dev/null
fettle cancel --no-wait "$run" >/dev/null 2>&1
wait "$pid"
is 'a run that waits before a retry is cancelled' "$?" 7
is 'by one request' "$(sql "SELECT count(*) FROM events WHERE run = '$run' AND kind = 'run.cancel'")" 1

# ---- while a policy thinks ----

if [ -d "$FETTLE_BUILD/t/modules/policies" ]; then
	FETTLE_LIBDIR=$FETTLE_BUILD/t/modules "$FETTLE_BINDIR/fettle" run -p ./judged.yaml >"$T/run.out" 2>&1 &
	pid=$!
	judging()
	{
		grep -qs 'judge' "$T/run.out" || [ "$(of_last '.pipeline + .state')" = judgedrunning ]
	}
	wait_for 20 judging || bail "no policy was asked: $(cat "$T/run.out")"
	run=$(of_last .run)
	begin=$(date +%s%N)
	fettle cancel "$run" >/dev/null
	took=$((($(date +%s%N) - begin) / 1000000))
	wait "$pid"
	is 'a run whose policy takes its time is cancelled' "$?" 7
	ok "before it has answered ($took ms)" test "$took" -lt 1200
	is 'with the step not begun' "$(of_last '.steps[0].started_ms')" null
else
	skip 'a run whose policy takes its time' 'the modules of the tests are not built'
fi

# ---- nobody works on it ----

start slow.yaml "$T/ready"
run=$(of_last .run)
kill -9 "$pid"
wait "$pid" 2>/dev/null
capture fettle cancel "$run" --reason 'its engine is gone'
is 'an interrupted run is unwound by the one who cancels it' "$rc" 7
is 'everything is back' "$(tree_hash .)" "$before"
is 'the effect was undone' "$(cat "$T/world")" "$(printf 'up\ndown')"
is 'it is cancelled' "$(of_last .state)" cancelled
like 'and says why' "$(of_last .message)" 'its engine is gone'

# ---- the queue ----

capture fettle run --queue -p ./nop.yaml -i word=given
is 'a run is queued' "$rc" 0
run=$out
like 'its id is printed' "$run" '^[0-9]{8}-[0-9]{6}-[0-9a-f]{6}$'
is 'it waits' "$(of_last '.state')" pending
high=$(fettle run --queue --priority high -p ./nop.yaml)
is 'high priority goes before' "$(fettle runs --json | jq -r --arg r "$high" '.[] | select(.run == $r) | .position')" 1
is 'the other behind it' "$(fettle runs --json | jq -r --arg r "$run" '.[] | select(.run == $r) | .position')" 2
is 'what was ordered is recorded' \
	"$(sql "SELECT json_extract(body, '\$.order.pipeline') || ' ' ||
		json_extract(body, '\$.order.inputs.word') || ' ' ||
		length(json_extract(body, '\$.order.pipeline_sha256')) || ' ' ||
		json_extract(body, '\$.order.directory') || ' ' || json_extract(body, '\$.priority')
		FROM events WHERE run = '$run' AND seq = 1")" \
	"$(pwd)/./nop.yaml given 64 $(pwd) normal"
capture fettle run --queue -p ./missing.yaml
is 'a pipeline that is not there is refused at once' "$rc" 2
printf 'fettle: 1\nname: bad\nsteps: [ { id: a, uses: verify/nothing } ]\n' >bad.yaml
capture fettle run --queue -p ./bad.yaml
is 'a pipeline with an unknown module is refused at once' "$rc" 2
like 'with the place' "$err" 'bad.yaml:3'
capture fettle run --queue -p ./nop.yaml -i wrod=x
is 'an unknown input too' "$rc" 2
capture fettle run -p ./nop.yaml --priority high
is '--priority without --queue is wrong usage' "$rc" 1
capture fettle run --queue --priority urgent -p ./nop.yaml
is 'there are two priorities' "$rc" 1
is 'no refusal left a run' "$(fettle runs --state pending --json | jq length)" 2
capture fettle cancel "$run" "$high"
is 'queued runs are cancelled by the one who asks' "$rc" 7
is 'and end at once' "$(fettle runs --state pending --json | jq length)" 0
is 'with nothing done' "$(fettle show "$run" --json | jq -c '[.state, .steps]')" '["cancelled",[]]'

# ---- SIGKILL while queueing and while cancelling ----

if strace -o /dev/null true 2>/dev/null; then
	: >"$T/complaints"
	points=0
	for call in fsync fdatasync pwrite64 renameat2 ftruncate; do
		for n in 1 2 3 4 5 6 7 8 9; do
			count=$(sql 'SELECT count(*) FROM runs')
			strace -qq -o /dev/null -e trace=$call -e signal=none \
				-e inject=$call:signal=KILL:when=$n \
				"$FETTLE_BINDIR/fettle" run --queue -p ./nop.yaml >"$T/id" 2>/dev/null
			code=$?
			[ "$code" -eq 0 ] || points=$((points + 1))
			added=$(($(sql 'SELECT count(*) FROM runs') - count))
			# What was told is there; what is there can be carried out.
			[ "$added" -eq 1 ] || [ ! -s "$T/id" ] ||
				echo "run --queue, $call $n: told, and not there" >>"$T/complaints"
			[ "$added" -le 1 ] || echo "run --queue, $call $n: $added runs" >>"$T/complaints"
			[ "$code" -ne 0 ] || [ "$added" -eq 1 ] || echo "$call $n: status 0, no run" >>"$T/complaints"
			[ "$added" -eq 1 ] || continue
			id=$(fettle runs --json -n 1 | jq -r '.[0].run')
			strace -qq -o /dev/null -e trace=$call -e signal=none \
				-e inject=$call:signal=KILL:when=$n \
				"$FETTLE_BINDIR/fettle" cancel "$id" >/dev/null 2>&1
			[ "$?" -eq 7 ] || points=$((points + 1))
			fettle cancel "$id" >/dev/null 2>&1
			[ "$(fettle show "$id" --json | jq -r .state)" = cancelled ] ||
				echo "cancel, $call $n: not ended" >>"$T/complaints"
		done
	done
	sql "SELECT 'ended twice: ' || run FROM events WHERE kind = 'run.ended'
			GROUP BY run HAVING count(*) > 1;
		SELECT 'gap: ' || run FROM events GROUP BY run HAVING count(*) <> max(seq);
		SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'" >>"$T/complaints"
	diag "$points kill points"
	ok 'there were points to kill at' test "$points" -ge 10
	is 'no kill lost a run, ended one twice or left one' "$(cat "$T/complaints")" ''
else
	skip 'kill points' 'strace may not trace here'
fi
done_testing
